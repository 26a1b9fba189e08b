//! Firing, being hit, dying, coming back, being paid; and where nobody is harmed.

use orrery::ids::{CommodityIndex, EntityKind, Handle, StationIndex};
use orrery::sim::{
    Cause, CombatKind, Command, EventKind, NO_CELL, Order, OrderRefusal, Place, RemovalReason,
    World,
};

use super::{admit, in_space, pilot, place_of, quiet, steer, step, step_until, world, world_of};

#[test]
fn cooldown_spaces_the_shots_and_shots_end() {
    let mut world = world();
    let ship = admit(&mut world, "ann", in_space(0.0, 3000.0, 0.0));
    let weapon = world.universe().weapon;
    let mut fired_ticks = Vec::new();
    step(&mut world, &[steer(ship, 1, 0.0, true, false)]);
    for _ in 0..100 {
        if world
            .outcome()
            .events
            .iter()
            .any(|e| matches!(e.kind, EventKind::ProjectileFired { .. }))
        {
            fired_ticks.push(world.tick());
        }
        step(&mut world, &[]);
    }
    assert!(fired_ticks.len() > 5);
    for pair in fired_ticks.windows(2) {
        assert_eq!(pair[1] - pair[0], u64::from(weapon.cooldown_ticks));
    }
    step(&mut world, &[steer(ship, 2, 0.0, false, false)]);
    let shots = |world: &World| {
        world
            .entities()
            .kinds()
            .iter()
            .filter(|&&kind| kind == EntityKind::Projectile)
            .count()
    };
    step_until(&mut world, weapon.lifetime_ticks + 1, |world| {
        shots(world) == 0
    });
}

/// Two pilots, one before the other's gun, where shooting each other is allowed.
fn duel(world: &mut World) -> (Handle, Handle) {
    let (x, y) = free_for_all(world);
    let a = admit(world, "attacker", in_space(x, y, 0.0));
    let b = admit(world, "target", in_space(x + 150.0, y, 0.0));
    (a, b)
}

/// A place far from stations where pilots can harm each other.
fn free_for_all(world: &World) -> (f32, f32) {
    let half = world.system().half_extent as i32 - 500;
    let grid = (-half..half).step_by(250);
    grid.clone()
        .flat_map(|x| grid.clone().map(move |y| (x as f32, y as f32)))
        .find(|&(x, y)| {
            let clear = world
                .system()
                .stations
                .iter()
                .all(|s| (s.x - x).hypot(s.y - y) > 1000.0);
            clear && world.zones().pvp_allowed(x, y) && world.zones().pvp_allowed(x + 150.0, y)
        })
        .expect("somewhere")
}

#[test]
fn a_hit_takes_twelve_and_the_last_one_destroys() {
    let mut world = world();
    let (a, b) = duel(&mut world);
    let b_id = world.pilot(b).expect("a pilot").ship_id;
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    step_until(&mut world, 60, |world| !world.outcome().combat.is_empty());
    let hit = world.outcome().combat[0];
    assert_eq!(
        (hit.kind, hit.damage, hit.target_hp),
        (CombatKind::Hit, 12, 88)
    );
    assert_eq!((hit.source_ship, hit.target_ship), (a, b));
    assert_eq!(world.pilot(b).expect("a pilot").hull, 88);

    step_until(&mut world, 300, |world| {
        world
            .outcome()
            .combat
            .iter()
            .any(|event| event.kind == CombatKind::Destroyed)
    });
    let gone = world
        .outcome()
        .departures
        .iter()
        .find(|gone| gone.id == b_id)
        .expect("gone");
    assert_eq!(gone.gone, RemovalReason::Destroyed);
    assert_ne!(gone.cell, NO_CELL);
    let dead = world.pilot(b).expect("still a pilot");
    assert_eq!((dead.row, dead.hull, dead.credits), (None, 0, 5000));

    let died = world.tick();
    step_until(&mut world, 91, |world| world.entities().row(b).is_some());
    assert_eq!(world.tick() - died, 90);
    let back = world.pilot(b).expect("a pilot");
    assert_eq!((back.hull, back.docked_at), (100, Some(StationIndex(0))));
    assert!((back.fuel - 100.0).abs() < f32::EPSILON);
    assert_eq!(back.ship_id, b_id, "the ship is known by the same id");
}

#[test]
fn cargo_is_lost_with_the_ship_and_orders_are_refused_while_dead() {
    let mut world = world();
    let (x, y) = free_for_all(&world);
    let a = admit(&mut world, "attacker", in_space(x, y, 0.0));
    let mut victim = pilot("victim", in_space(x + 150.0, y, 0.0));
    victim.cargo = vec![0, 7];
    victim.hull = 5;
    let b = world.admit(&victim).expect("room");
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    step_until(&mut world, 60, |world| world.entities().row(b).is_none());
    let lost = world
        .outcome()
        .postings
        .iter()
        .find(|posting| posting.cause == Cause::CargoLost);
    let lost = lost.expect("a posting");
    assert_eq!(
        (lost.quantity, lost.commodity),
        (7, Some(CommodityIndex(1)))
    );
    assert!(
        world
            .pilot(b)
            .expect("a pilot")
            .cargo
            .iter()
            .all(|&units| units == 0)
    );

    let order = Order::Repair {
        station: StationIndex(0),
    };
    step(
        &mut world,
        &[Command::Order {
            ship: b,
            seq: 1,
            ticket: 9,
            order,
        }],
    );
    let receipt = world.outcome().receipts[0];
    assert_eq!(
        (receipt.ticket, receipt.result),
        (9, Err(OrderRefusal::ShipDestroyed))
    );
}

#[test]
fn who_leaves_while_dead_is_stored_as_back_home() {
    let mut world = world();
    let (a, b) = duel(&mut world);
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    step_until(&mut world, 400, |world| world.entities().row(b).is_none());
    let stored = world.dismiss(b, RemovalReason::Despawned).expect("a pilot");
    assert_eq!(
        (stored.place, stored.hull),
        (Place::Docked(StationIndex(0)), 100)
    );
    for _ in 0..100 {
        step(&mut world, &[]);
    }
    assert!(world.pilot(b).is_none() && !world.entities().contains(b));
}

/// One shoots at another for three seconds, and nobody is hit.
fn assert_harmless(world: &mut World, shooter: Handle, target: Handle) {
    step(world, &[steer(shooter, 1, 0.0, true, false)]);
    for _ in 0..90 {
        step(world, &[]);
        assert!(world.outcome().combat.is_empty());
    }
    assert_eq!(world.pilot(target).expect("a pilot").hull, 100);
}

#[test]
fn a_pilot_is_safe_from_pilots_where_a_zone_forbids_harm() {
    let mut universe = quiet();
    universe.systems[0].ambient.pvp_allowed = false;
    let mut world = world_of(universe);
    let a = admit(&mut world, "a", in_space(0.0, 3000.0, 0.0));
    let b = admit(&mut world, "b", in_space(150.0, 3000.0, 0.0));
    assert_harmless(&mut world, a, b);
}

#[test]
fn nobody_shoots_out_of_a_zone_that_forbids_harm() {
    let mut universe = quiet();
    let mut sanctuary = universe.systems[0].zones[0].clone();
    (sanctuary.x, sanctuary.y, sanctuary.radius) = (0.0, 3000.0, 60.0);
    sanctuary.pvp_allowed = false;
    universe.systems[0].zones = vec![sanctuary];
    let mut world = world_of(universe);
    let inside = admit(&mut world, "a", in_space(0.0, 3000.0, 0.0));
    let outside = admit(&mut world, "b", in_space(150.0, 3000.0, 0.0));
    assert_harmless(&mut world, inside, outside);
}

#[test]
fn a_docked_ship_is_invulnerable() {
    let mut world = world();
    let station = world.system().stations[0].clone();
    let b = admit(&mut world, "b", Place::Docked(StationIndex(0)));
    let (x, y) = place_of(&world, b);
    let (dx, dy) = (x - station.x, y - station.y);
    let far = 1.0 + 200.0 / dx.hypot(dy);
    let a = in_space(station.x + dx * far, station.y + dy * far, (-dy).atan2(-dx));
    let a = admit(&mut world, "a", a);
    assert_harmless(&mut world, a, b);
}

#[test]
fn a_killed_pirate_pays_its_bounty_times_the_multiplier_of_the_place() {
    let mut universe = quiet();
    universe.systems[0].population.pirates = 1;
    universe.npcs.pirate.respawn_ticks = 30_000;
    let mut world = world_of(universe);
    let pirate = |world: &World| {
        let kinds = world.entities().kinds();
        let row = kinds.iter().position(|&kind| kind == EntityKind::Pirate)?;
        Some((world.entities().xs()[row], world.entities().ys()[row]))
    };
    step_until(&mut world, 900, |world| pirate(world).is_some());
    let flight_ticks = world.universe().weapon.lifetime_ticks;
    // Each hunter is put beside the pirate, fires once, and stays until the shot has ended.
    for attempt in 0..100 {
        let (x, y) = pirate(&world).expect("a pirate");
        let hunter = admit(
            &mut world,
            &format!("h{attempt}"),
            in_space(x - 60.0, y, 0.0),
        );
        step(&mut world, &[steer(hunter, 1, 0.0, true, false)]);
        step(&mut world, &[steer(hunter, 2, 0.0, false, false)]);
        for _ in 0..flight_ticks {
            let (x, y) = pirate(&world).expect("a pirate");
            step(&mut world, &[]);
            if pirate(&world).is_none() {
                let mut postings = world.outcome().postings.iter();
                let paid = postings.find(|posting| posting.cause == Cause::Bounty);
                let paid = paid.expect("a bounty");
                let multiplier = world.zones().blend(x, y).profit_multiplier;
                let worth = world.universe().npcs.pirate.bounty as f32 * multiplier;
                assert!(
                    (paid.total as f32 - worth).abs() <= 1.0,
                    "{} {worth}",
                    paid.total
                );
                assert_eq!(paid.balance_after, Some(5000 + paid.total));
                return;
            }
        }
        world.dismiss(hunter, RemovalReason::Despawned);
    }
    panic!("the pirate is still alive");
}
