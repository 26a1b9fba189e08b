//! The pauses between docking, undocking and firing: when a ship may dock or leave, and that what a
//! pilot holds through a pause takes effect at its end.

use orrery::ids::{Handle, StationIndex};
use orrery::sim::{Command, EventKind, Order, Place, World};

use super::{admit, has_happened, pilot, place_of, steer, step, step_until, world};

/// Ticks after docking or undocking in which the other is not done.
const PAUSE: u64 = 30;
/// Ticks after a shot in which its ship does not dock.
const SHOT_PAUSE: u64 = 90;

fn is_docking(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Docked { .. })
}

fn is_undocking(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Undocked { .. })
}

fn is_shot(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ProjectileFired { .. })
}

/// Steps until something is told; the tick in which it was.
fn tick_of(world: &mut World, wanted: impl Fn(&EventKind) -> bool) -> u64 {
    step_until(world, 200, |world| has_happened(world, &wanted));
    world.tick()
}

/// A ship at the spawn that docks in the next tick; the tick in which it did.
fn docked(world: &mut World) -> (Handle, u64) {
    let ship = admit(world, "ann", Place::New);
    step(world, &[steer(ship, 1, 0.0, false, true)]);
    assert!(has_happened(world, is_docking));
    (ship, world.tick())
}

#[test]
fn a_ship_that_fired_docks_three_seconds_later_and_not_before() {
    let mut world = world();
    let ship = admit(&mut world, "ann", Place::New);
    step(&mut world, &[steer(ship, 1, 0.0, true, false)]);
    let fired = world.tick();
    assert!(has_happened(&world, is_shot));
    step(&mut world, &[steer(ship, 2, 0.0, false, true)]);
    assert!(!has_happened(&world, is_docking), "one tick after its shot");
    assert_eq!(tick_of(&mut world, is_docking), fired + SHOT_PAUSE);
}

#[test]
fn a_ship_that_undocked_docks_a_second_later_and_not_before() {
    let mut world = world();
    let (ship, docked) = docked(&mut world);
    while world.tick() < docked + PAUSE {
        step(&mut world, &[]);
    }
    step(&mut world, &[steer(ship, 2, 0.01, false, false)]);
    assert!(has_happened(&world, is_undocking), "at once, long docked");
    let undocked = world.tick();
    step(&mut world, &[steer(ship, 3, 0.0, false, true)]);
    assert_eq!(tick_of(&mut world, is_docking), undocked + PAUSE);
}

#[test]
fn thrust_held_through_the_pause_undocks_at_its_end() {
    let mut world = world();
    let (ship, docked) = docked(&mut world);
    let place = place_of(&world, ship);
    // Once, and never again: controls stay in force.
    step(&mut world, &[steer(ship, 2, 1.0, false, false)]);
    assert!(!has_happened(&world, is_undocking), "a tick after docking");
    assert_eq!(place_of(&world, ship), place, "docked is at rest");
    assert_eq!(tick_of(&mut world, is_undocking), docked + PAUSE);
    assert_eq!(world.pilot(ship).expect("a pilot").docked_at, None);
    step(&mut world, &[]);
    assert_ne!(
        place_of(&world, ship),
        place,
        "under the thrust that is held"
    );
}

#[test]
fn thrust_let_go_within_the_pause_leaves_the_ship_in_dock() {
    let mut world = world();
    let (ship, docked) = docked(&mut world);
    step(&mut world, &[steer(ship, 2, 1.0, false, false)]);
    step(&mut world, &[steer(ship, 3, 0.0, false, false)]);
    while world.tick() < docked + 3 * PAUSE {
        step(&mut world, &[]);
        assert!(!has_happened(&world, is_undocking));
    }
}

#[test]
fn a_pilot_whose_line_is_lost_within_the_pause_stays_in_dock() {
    let mut world = world();
    let (ship, docked) = docked(&mut world);
    step(&mut world, &[steer(ship, 2, 1.0, false, false)]);
    world.detach(ship);
    while world.tick() < docked + 3 * PAUSE {
        step(&mut world, &[]);
        assert!(!has_happened(&world, is_undocking));
    }
}

#[test]
fn a_dock_is_no_shield_between_shots() {
    let mut world = world();
    let ship = admit(&mut world, "ann", Place::New);
    let (mut newest_shot, mut shots) = (None, 0);
    for seq in 1..600 {
        // Out, fire, in again, as fast as it goes.
        let thrust = if seq % 2 == 0 { 1e-6 } else { 0.0 };
        step(&mut world, &[steer(ship, seq, thrust, true, thrust == 0.0)]);
        if has_happened(&world, is_shot) {
            newest_shot = Some(world.tick());
            shots += 1;
        }
        if has_happened(&world, is_docking) {
            let since = newest_shot.map_or(u64::MAX, |shot| world.tick() - shot);
            assert!(since >= SHOT_PAUSE, "docked {since} ticks after a shot");
        }
    }
    assert!(shots > 3, "{shots}");
}

#[test]
fn who_docks_and_undocks_as_fast_as_possible_is_told_of_once_a_second() {
    let mut world = world();
    let ship = admit(&mut world, "ann", Place::New);
    let (mut seq, mut told, ticks) = (0, 0, 300);
    for _ in 0..ticks {
        let mut commands = Vec::new();
        for thrust in [1e-6, 0.0, 1e-6, 0.0] {
            seq += 1;
            commands.push(steer(ship, seq, thrust, false, thrust == 0.0));
        }
        step(&mut world, &commands);
        told += world.outcome().events.len() as u64;
    }
    assert!((2..=ticks / PAUSE + 1).contains(&told), "{told} events");
}

#[test]
fn an_order_given_in_the_pause_is_filled_although_thrust_is_held() {
    let mut world = world();
    let (ship, _) = docked(&mut world);
    let order = Order::Repair {
        station: StationIndex(0),
    };
    let order = Command::Order {
        ship,
        seq: 3,
        ticket: 7,
        order,
    };
    step(&mut world, &[steer(ship, 2, 1.0, false, false), order]);
    let refusal = world.outcome().receipts[0].result;
    assert_eq!(
        refusal,
        Err(orrery::sim::OrderRefusal::NothingToRepair),
        "it is still in dock"
    );
}

#[test]
fn who_is_taken_in_docked_may_leave_at_once() {
    let mut world = world();
    let ship = world
        .admit(&pilot("ann", Place::Docked(StationIndex(0))))
        .expect("room");
    step(&mut world, &[steer(ship, 1, 1.0, false, false)]);
    assert!(has_happened(&world, is_undocking));
}
