//! Thrust, fuel, inputs, docking, orders at a station, and ticks that nobody was shown.

use orrery::ids::{EntityKind, StationIndex};
use orrery::sim::{
    Command, EventKind, NO_CELL, Order, OrderOutcome, OrderRefusal, Place, RemovalReason, World,
};

use super::{SOL, admit, has_happened, in_space, pilot, place_of, steer, step, step_until, world};

#[test]
fn thrust_moves_along_the_nose_and_burns_fuel() {
    let mut world = world();
    let ship = admit(&mut world, "ann", in_space(0.0, 2000.0, 0.0));
    step(&mut world, &[steer(ship, 1, 1.0, false, false)]);
    for _ in 0..300 {
        step(&mut world, &[]);
    }
    let (x, y) = place_of(&world, ship);
    let row = world.entities().row(ship).expect("in space");
    let class = world.universe().ship;
    let terminal = class.thrust_accel / class.drag;
    assert!(x > 1000.0 && (y - 2000.0).abs() < 1.0);
    assert!(world.entities().vxs()[row] <= terminal);
    assert!(world.entities().vxs()[row] > 0.95 * terminal);
    let burned = class.fuel_max - world.pilot(ship).expect("a pilot").fuel;
    assert!(
        (burned - class.fuel_burn * 301.0 / 30.0).abs() < 0.05,
        "{burned}"
    );
}

#[test]
fn an_empty_tank_leaves_a_tenth_of_the_thrust() {
    let mut world = world();
    let mut dry = pilot("dry", in_space(0.0, 2000.0, 0.0));
    dry.fuel = 0.0;
    let dry = world.admit(&dry).expect("room");
    let wet = admit(&mut world, "wet", in_space(0.0, 2500.0, 0.0));
    step(
        &mut world,
        &[
            steer(dry, 1, 1.0, false, false),
            steer(wet, 1, 1.0, false, false),
        ],
    );
    let speed = |ship| world.entities().vxs()[world.entities().row(ship).expect("in space")];
    assert!((speed(wet) / speed(dry) - 10.0).abs() < 1e-3);
    assert!(world.pilot(dry).expect("a pilot").fuel.abs() < f32::EPSILON);
}

#[test]
fn a_stale_input_is_ignored_and_the_newest_stays_in_force() {
    let mut world = world();
    let ship = admit(&mut world, "ann", in_space(0.0, 2000.0, 0.0));
    step(
        &mut world,
        &[
            steer(ship, 7, 0.0, false, false),
            steer(ship, 5, 1.0, false, false),
        ],
    );
    step(&mut world, &[steer(ship, 6, 1.0, false, false)]);
    assert_eq!(world.pilot(ship).expect("a pilot").last_input_seq, Some(7));
    assert_eq!(place_of(&world, ship), (0.0, 2000.0));
    world.attach(ship);
    step(&mut world, &[steer(ship, 1, 1.0, false, false)]);
    assert_eq!(world.pilot(ship).expect("a pilot").last_input_seq, Some(1));
    assert!(place_of(&world, ship).0 > 0.0);
}

#[test]
fn a_ship_at_rest_does_not_count_as_changed() {
    let mut world = world();
    let ship = admit(&mut world, "ann", in_space(0.0, 2000.0, 1.0));
    step(&mut world, &[]);
    let row = world.entities().row(ship).expect("in space");
    assert!(!world.entities().changed_in(row, world.tick()));
    step(&mut world, &[steer(ship, 1, 0.5, false, false)]);
    assert!(world.entities().changed_in(row, world.tick()));
}

#[test]
fn docking_takes_place_near_and_slow_and_thrust_ends_it() {
    let mut world = world();
    let ship = admit(&mut world, "ann", Place::New);
    step(&mut world, &[steer(ship, 1, 0.0, true, true)]);
    let docked = world.pilot(ship).expect("a pilot");
    assert_eq!(docked.docked_at, Some(StationIndex(0)));
    assert_eq!(docked.home, Some((SOL, StationIndex(0))));
    let (ship_id, station) = (docked.ship_id, StationIndex(0));
    let docked = EventKind::Docked {
        ship: ship_id,
        station,
    };
    assert!(has_happened(&world, |kind| *kind == docked));
    step(&mut world, &[]);
    let is_shot = |kind: &EventKind| matches!(kind, EventKind::ProjectileFired { .. });
    assert!(!has_happened(&world, is_shot), "a docked ship can't fire");
    step(&mut world, &[steer(ship, 2, 0.1, false, true)]);
    let undocked = EventKind::Undocked {
        ship: ship_id,
        station,
    };
    step_until(&mut world, 40, |world| {
        has_happened(world, |kind| *kind == undocked)
    });
    assert_eq!(world.pilot(ship).expect("a pilot").docked_at, None);

    let far = admit(&mut world, "far", in_space(0.0, 4000.0, 0.0));
    step(&mut world, &[steer(far, 1, 0.0, false, true)]);
    assert_eq!(world.pilot(far).expect("a pilot").docked_at, None);
}

#[test]
fn orders_are_filled_at_the_station_and_refused_elsewhere() {
    let mut world = world();
    let docked = admit(&mut world, "ann", Place::Docked(StationIndex(0)));
    let adrift = admit(&mut world, "bob", in_space(0.0, 3000.0, 0.0));
    let commodity = world.system().stations[0]
        .market
        .iter()
        .map(|listing| listing.commodity);
    let commodity = commodity
        .into_iter()
        .find(|&c| c != world.universe().fuel)
        .expect("goods");
    let buy = Order::Buy {
        station: StationIndex(0),
        commodity,
        quantity: 3,
    };
    let order = |ship, ticket| Command::Order {
        ship,
        seq: 1,
        ticket,
        order: buy,
    };
    step(&mut world, &[order(docked, 1), order(adrift, 2)]);
    let result = |ticket| {
        let receipts = &world.outcome().receipts;
        receipts
            .iter()
            .find(|receipt| receipt.ticket == ticket)
            .expect("a receipt")
            .result
    };
    let Ok(OrderOutcome::Trade(trade)) = result(1) else {
        panic!("{:?}", result(1))
    };
    assert_eq!((trade.quantity, trade.held), (3, 3));
    assert_eq!(trade.credits, 5000 - trade.total);
    assert_eq!(world.pilot(docked).expect("a pilot").credits, trade.credits);
    assert_eq!(result(2), Err(OrderRefusal::NotDocked));
}

#[test]
fn a_tick_that_nobody_was_shown_is_told_with_the_next() {
    let mut world = world();
    let ann = admit(&mut world, "ann", in_space(0.0, 3000.0, 0.0));
    let bob = admit(&mut world, "bob", in_space(900.0, 3000.0, 0.0));
    step(&mut world, &[]);
    let cell_of = |world: &World, ship| {
        let row = world.entities().row(ship).expect("in space");
        (
            world.entities().cells()[row],
            world.entities().previous_cells()[row],
        )
    };
    let shown = cell_of(&world, bob).0;
    step(&mut world, &[steer(ann, 1, 1.0, true, false)]);
    let fired = |world: &World| {
        let events = &world.outcome().events;
        let shots = events
            .iter()
            .filter(|e| matches!(e.kind, EventKind::ProjectileFired { .. }));
        shots.count()
    };
    assert_eq!(fired(&world), 1);
    world.carry_over();
    world
        .dismiss(bob, RemovalReason::Despawned)
        .expect("a pilot");
    step(&mut world, &[]);
    assert_eq!(fired(&world), 1, "once more, and no other has cooled down");
    let gone = &world.outcome().departures;
    assert_eq!(
        gone.iter().map(|d| d.cell).collect::<Vec<_>>(),
        [shown],
        "it left the cell in which it was shown last"
    );
    let shots = world.entities().kinds().iter();
    let shot = shots
        .zip(world.entities().previous_cells())
        .find(|(kind, _)| **kind == EntityKind::Projectile);
    assert_eq!(
        shot.map(|(_, &cell)| cell),
        Some(NO_CELL),
        "new to everybody"
    );
    step(&mut world, &[]);
    assert_eq!(fired(&world), 0);
    assert!(world.outcome().departures.is_empty());
}
