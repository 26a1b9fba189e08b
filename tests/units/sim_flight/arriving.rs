//! Where a pilot appears, with what, and when there is no room.

use orrery::ids::Handle;
use orrery::sim::{AdmitError, Cause, Place};
use orrery::universe::Spawn;

use super::{admit, pilot, place_of, quiet, step, world, world_of};

#[test]
fn a_new_pilot_is_granted_credits_and_put_at_the_spawn() {
    let mut world = world();
    let ship = admit(&mut world, "ann", Place::New);
    assert_eq!(place_of(&world, ship), (1200.0, 400.0));
    step(&mut world, &[]);
    let grant = world
        .outcome()
        .postings
        .iter()
        .find(|posting| posting.cause == Cause::Grant);
    assert_eq!(grant.expect("a grant").total, 5000);
    step(&mut world, &[]);
    assert!(
        world
            .outcome()
            .postings
            .iter()
            .all(|posting| posting.cause != Cause::Grant)
    );
}

#[test]
fn nobody_appears_inside_another() {
    let mut world = world();
    let ships: Vec<Handle> = (0..60)
        .map(|n| admit(&mut world, &format!("p{n}"), Place::New))
        .collect();
    let diameter = 2.0 * world.universe().ship.radius;
    for (n, &a) in ships.iter().enumerate() {
        for &b in &ships[..n] {
            let ((ax, ay), (bx, by)) = (place_of(&world, a), place_of(&world, b));
            assert!((ax - bx).hypot(ay - by) >= diameter * 0.999);
        }
    }
}

#[test]
fn a_full_system_refuses() {
    let mut universe = quiet();
    universe.systems[0].pilots_max = 1;
    let mut world = world_of(universe);
    admit(&mut world, "ann", Place::New);
    assert_eq!(
        world.admit(&pilot("bob", Place::New)),
        Err(AdmitError::SystemFull)
    );
}

#[test]
fn an_area_spawn_scatters_pilots_inside_it() {
    let mut universe = quiet();
    universe.systems[0].spawn = Spawn::Area {
        min_x: -900.0,
        min_y: 2000.0,
        max_x: 900.0,
        max_y: 3000.0,
    };
    let mut world = world_of(universe);
    let places: Vec<(f32, f32)> = (0..50)
        .map(|n| {
            let ship = admit(&mut world, &format!("p{n}"), Place::Spawn);
            place_of(&world, ship)
        })
        .collect();
    for &(x, y) in &places {
        assert!(x.abs() <= 900.0 && (2000.0..=3000.0).contains(&y));
    }
    let mean = places.iter().map(|place| place.0).sum::<f32>() / 50.0;
    assert!(mean.abs() < 300.0 && places.iter().any(|place| place.0 < -400.0));
}

/// What it costs to take pilots in at one spawn point: all in one tick, and spread over ticks.
#[test]
#[ignore = "a measurement, not a claim"]
fn what_placing_costs() {
    for (count, per_tick) in [
        (1_000, 1_000),
        (4_000, 4_000),
        (4_000, 50),
        (5_000, 5_000),
        (5_000, 50),
    ] {
        let mut universe = quiet();
        universe.systems[0].pilots_max = 10_000;
        let mut world = world_of(universe);
        let (mut placing, mut admitted) = (std::time::Duration::ZERO, 0);
        for n in 0..count {
            let newcomer = pilot(&format!("p{n}"), Place::New);
            let begun = std::time::Instant::now();
            admitted += u32::from(world.admit(&newcomer).is_ok());
            placing += begun.elapsed();
            if (n + 1) % per_tick == 0 {
                step(&mut world, &[]);
            }
        }
        let each = placing / count;
        println!("{admitted} of {count}, {per_tick} a tick: {placing:?}, {each:?} each");
    }
}
