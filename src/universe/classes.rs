//! How ships, guns, prices and non-player ships behave: the house's values, and a file's own.
//!
//! Owns the defaults. Each reader takes the section that the file may or may not have, and falls
//! back field by field.

use super::error::ProblemReport;
use super::model::{Economy, Jump, NpcClass, NpcRules, ShipClass, Weapon};
use super::section::{Section, TextSpan};
use crate::limits::{HALF_EXTENT_MAX, JUMP_TICKS_MAX, PRICE_MAX};

/// Longest span of ticks that a file may ask for: an hour.
const TICKS_MAX: i64 = 30 * 3600;

pub(super) fn read_economy(
    section: Option<Section<'_, '_>>,
    report: &mut ProblemReport<'_>,
) -> Economy {
    let base = Economy {
        spread_permille: 100,
        swing_permille: 500,
        drift_ticks: 300,
        drift_permille: 10,
    };
    let Some(mut s) = section else { return base };
    let economy = Economy {
        spread_permille: s.whole_number(
            report,
            "spread_permille",
            1..=500,
            Some(base.spread_permille),
        ),
        swing_permille: s.whole_number(
            report,
            "swing_permille",
            0..=900,
            Some(base.swing_permille),
        ),
        drift_ticks: s.whole_number(
            report,
            "drift_ticks",
            1..=TICKS_MAX,
            Some(base.drift_ticks as i64),
        ) as u64,
        drift_permille: s.whole_number(
            report,
            "drift_permille",
            0..=1000,
            Some(base.drift_permille),
        ),
    };
    s.close(report);
    economy
}

/// The house's ship: terminal speed 300 u/s, reached to nine tenths in under six seconds.
pub(super) const SHIP: ShipClass = ShipClass {
    thrust_accel: 120.0,
    turn_rate: 3.0,
    drag: 0.4,
    radius: 12.0,
    hull_max: 100,
    fuel_max: 100.0,
    fuel_burn: 0.4,
    empty_tank_thrust: 0.1,
    cargo_capacity: 50,
};

pub(super) fn read_ship(
    section: Option<Section<'_, '_>>,
    report: &mut ProblemReport<'_>,
) -> ShipClass {
    let Some(mut s) = section else { return SHIP };
    let ship = ShipClass {
        thrust_accel: s.number(
            report,
            "thrust_accel",
            TextSpan::Positive(10_000.0),
            Some(SHIP.thrust_accel),
        ),
        turn_rate: s.number(
            report,
            "turn_rate",
            TextSpan::Positive(50.0),
            Some(SHIP.turn_rate),
        ),
        drag: s.number(
            report,
            "drag",
            TextSpan::Within(0.01, 10.0),
            Some(SHIP.drag),
        ),
        radius: s.number(
            report,
            "radius",
            TextSpan::Positive(100.0),
            Some(SHIP.radius),
        ),
        hull_max: s.whole_number(
            report,
            "hull_max",
            1..=1_000_000,
            Some(i64::from(SHIP.hull_max)),
        ) as i32,
        fuel_max: s.number(
            report,
            "fuel_max",
            TextSpan::Positive(1_000_000.0),
            Some(SHIP.fuel_max),
        ),
        fuel_burn: s.number(
            report,
            "fuel_burn",
            TextSpan::Within(0.0, 10_000.0),
            Some(SHIP.fuel_burn),
        ),
        empty_tank_thrust: s.number(
            report,
            "empty_tank_thrust",
            TextSpan::Positive(1.0),
            Some(SHIP.empty_tank_thrust),
        ),
        cargo_capacity: s.whole_number(
            report,
            "cargo_capacity",
            1..=1_000_000,
            Some(i64::from(SHIP.cargo_capacity)),
        ) as u32,
    };
    s.close(report);
    ship
}

/// The house's gun: three shots a second that reach 780 u.
const WEAPON: Weapon = Weapon {
    damage: 12,
    muzzle_speed: 520.0,
    lifetime_ticks: 45,
    cooldown_ticks: 10,
    projectile_radius: 3.0,
};

pub(super) fn read_weapon(
    section: Option<Section<'_, '_>>,
    report: &mut ProblemReport<'_>,
) -> Weapon {
    let Some(mut s) = section else { return WEAPON };
    let weapon = Weapon {
        damage: s.whole_number(
            report,
            "damage",
            1..=1_000_000,
            Some(i64::from(WEAPON.damage)),
        ) as i32,
        muzzle_speed: s.number(
            report,
            "muzzle_speed",
            TextSpan::Positive(10_000.0),
            Some(WEAPON.muzzle_speed),
        ),
        lifetime_ticks: s.whole_number(
            report,
            "lifetime_ticks",
            1..=3000,
            Some(i64::from(WEAPON.lifetime_ticks)),
        ) as u32,
        cooldown_ticks: s.whole_number(
            report,
            "cooldown_ticks",
            1..=3000,
            Some(i64::from(WEAPON.cooldown_ticks)),
        ) as u32,
        projectile_radius: s.number(
            report,
            "projectile_radius",
            TextSpan::Positive(100.0),
            Some(WEAPON.projectile_radius),
        ),
    };
    s.close(report);
    weapon
}

/// The house's jump: a fifth of the tank and ten seconds.
const JUMP: Jump = Jump {
    fuel: 20.0,
    ticks: 300,
};

/// A jump never asks for more than a tank holds: nobody could make it.
pub(super) fn read_jump(
    section: Option<Section<'_, '_>>,
    ship: &ShipClass,
    report: &mut ProblemReport<'_>,
) -> Jump {
    let base = Jump {
        fuel: JUMP.fuel.min(ship.fuel_max),
        ..JUMP
    };
    let Some(mut s) = section else { return base };
    let tank = TextSpan::Within(0.0, ship.fuel_max);
    let ticks_max = i64::from(JUMP_TICKS_MAX);
    let jump = Jump {
        fuel: s.number(report, "fuel", tank, Some(base.fuel)),
        ticks: s.whole_number(report, "ticks", 0..=ticks_max, Some(i64::from(base.ticks))) as u32,
    };
    s.close(report);
    jump
}

/// The house's non-player ships. A pirate sees less far than a screen shows and aims worse than a
/// beginner; a patrol is the better pilot; a trader never shoots first.
const NPCS: NpcRules = NpcRules {
    pirate: NpcClass {
        hull_max: 80,
        throttle: 0.8,
        sense_radius: 900.0,
        fire_range: 480.0,
        aim_error: 0.09,
        trigger_ticks: 24,
        flee_hull: 20,
        bounty: 300,
        respawn_ticks: 900,
    },
    patrol: NpcClass {
        hull_max: 160,
        throttle: 0.95,
        sense_radius: 1600.0,
        fire_range: 560.0,
        aim_error: 0.05,
        trigger_ticks: 15,
        flee_hull: 30,
        bounty: 0,
        respawn_ticks: 900,
    },
    trader: NpcClass {
        hull_max: 120,
        throttle: 0.7,
        sense_radius: 600.0,
        fire_range: 0.0,
        aim_error: 0.0,
        trigger_ticks: 30,
        flee_hull: 120,
        bounty: 0,
        respawn_ticks: 600,
    },
    station_peace: 500.0,
};

pub(super) fn read_npcs(
    section: Option<Section<'_, '_>>,
    weapon: &Weapon,
    report: &mut ProblemReport<'_>,
) -> NpcRules {
    let Some(mut s) = section else { return NPCS };
    let station_peace = s.number(
        report,
        "station_peace",
        TextSpan::Within(0.0, HALF_EXTENT_MAX),
        Some(NPCS.station_peace),
    );
    let pirate = read_class(s.section(report, "pirate"), NPCS.pirate, weapon, report);
    let patrol = read_class(s.section(report, "patrol"), NPCS.patrol, weapon, report);
    let trader = read_class(s.section(report, "trader"), NPCS.trader, weapon, report);
    s.close(report);
    NpcRules {
        pirate,
        patrol,
        trader,
        station_peace,
    }
}

fn read_class(
    section: Option<Section<'_, '_>>,
    base: NpcClass,
    weapon: &Weapon,
    report: &mut ProblemReport<'_>,
) -> NpcClass {
    let Some(mut s) = section else { return base };
    let cooldown = i64::from(weapon.cooldown_ticks);
    let trigger = i64::from(base.trigger_ticks).max(cooldown);
    let class = NpcClass {
        hull_max: s.whole_number(
            report,
            "hull_max",
            1..=1_000_000,
            Some(i64::from(base.hull_max)),
        ) as i32,
        throttle: s.number(
            report,
            "throttle",
            TextSpan::Positive(1.0),
            Some(base.throttle),
        ),
        sense_radius: s.number(
            report,
            "sense_radius",
            TextSpan::Within(0.0, 5000.0),
            Some(base.sense_radius),
        ),
        fire_range: s.number(
            report,
            "fire_range",
            TextSpan::Within(0.0, 5000.0),
            Some(base.fire_range),
        ),
        aim_error: s.number(
            report,
            "aim_error",
            TextSpan::Within(0.0, 1.0),
            Some(base.aim_error),
        ),
        trigger_ticks: s.whole_number(report, "trigger_ticks", cooldown..=TICKS_MAX, Some(trigger))
            as u32,
        flee_hull: s.whole_number(
            report,
            "flee_hull",
            0..=1_000_000,
            Some(i64::from(base.flee_hull)),
        ) as i32,
        bounty: s.whole_number(report, "bounty", 0..=PRICE_MAX, Some(base.bounty)),
        respawn_ticks: s.whole_number(
            report,
            "respawn_ticks",
            1..=TICKS_MAX,
            Some(i64::from(base.respawn_ticks)),
        ) as u32,
    };
    s.close(report);
    class
}
