//! An honest repair against the dishonest one: being shot down gives a whole ship too.
//!
//! What dying costs is time: until the last hull point is gone, and until the ship is back. (Both
//! ways lead through a dock, with its pause, so that cancels out; the way back from home and the
//! hold that is lost come on top.) Time is worth what its pilot could have earned in it. So a full
//! repair must cost less than a trader earns in that time, and a beginner at that: one whose
//! starting credits don't fill the hold with the dearest goods.

use orrery::limits::{RESPAWN_TICKS, TICK_RATE_HZ};
use orrery::sim::market::quote;
use orrery::universe::{Station, System, Universe};

/// Seconds of a trip that are not flown at full speed: gathering speed, turning, braking, docking.
const HANDLING_S: f64 = 6.0;

/// The most that one trip from a station to another brings a beginner, in credits.
fn profit(universe: &Universe, from: &Station, to: &Station) -> i64 {
    let legs = from.market.iter().filter_map(|bought| {
        let mut sold = to.market.iter();
        let sold = sold.find(|sold| sold.commodity == bought.commodity)?;
        let cost = quote(bought, bought.stock_target, &universe.economy).buy;
        let price = quote(sold, sold.stock_target, &universe.economy).sell;
        let units = (universe.starting_credits / cost).min(universe.ship.cargo_capacity.into());
        (bought.commodity != universe.fuel).then_some((price - cost) * units)
    });
    legs.max().unwrap_or(0).max(0)
}

/// Credits a second of a beginner who flies the best route of a system, there and back.
fn income(universe: &Universe, system: &System) -> f64 {
    let ship = &universe.ship;
    let speed = f64::from(ship.thrust_accel / ship.drag);
    let mut best = 0.0_f64;
    for (nth, a) in system.stations.iter().enumerate() {
        for b in &system.stations[nth + 1..] {
            let apart = f64::from((a.x - b.x).hypot(a.y - b.y));
            let flown = apart - f64::from(a.docking_radius + b.docking_radius);
            let seconds = 2.0 * (flown / speed + HANDLING_S);
            let credits = profit(universe, a, b) + profit(universe, b, a);
            best = best.max(credits as f64 / seconds);
        }
    }
    best
}

/// The shortest time in which a ship with so many hull points is shot down by one gun and back.
fn seconds_of_dying(universe: &Universe, hull: i32) -> f64 {
    let weapon = &universe.weapon;
    let hits = u64::from(hull.unsigned_abs().div_ceil(weapon.damage.unsigned_abs()));
    let ticks = (hits - 1) * u64::from(weapon.cooldown_ticks) + RESPAWN_TICKS;
    ticks as f64 / f64::from(TICK_RATE_HZ)
}

#[test]
fn a_repair_costs_less_than_dying_at_every_station_and_with_every_hull() {
    let universe = Universe::built_in();
    for system in &universe.systems {
        let income = income(&universe, system);
        for station in &system.stations {
            for hull in 1..universe.ship.hull_max {
                let missing = i64::from(universe.ship.hull_max - hull);
                let repair = (missing * station.repair_price) as f64;
                let death = income * seconds_of_dying(&universe, hull);
                assert!(
                    repair < death,
                    "{}: {repair} credits to mend a hull of {hull}, {death:.0} to lose it",
                    station.id
                );
            }
        }
        println!("{}: {income:.1} credits a second", system.id);
    }
}
