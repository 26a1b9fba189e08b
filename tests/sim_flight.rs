//! What a pilot can count on: docking, firing, dying, coming back, being paid and being refused.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::sync::Arc;

use orrery::ids::{CommodityIndex, EntityKind, Handle, PlayerId, StationIndex, SystemIndex};
use orrery::sim::{
    AdmitError, Cause, CombatKind, Command, Done, EventKind, Gone, NO_CELL, Order, Pilot, Place,
    Refusal, World,
};
use orrery::universe::{Population, Spawn, Universe};

const SOL: SystemIndex = SystemIndex(0);

/// The built-in universe without ships that the server flies.
fn quiet() -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    for system in &mut universe.systems {
        system.population = Population::default();
    }
    universe
}

fn world_of(universe: Universe) -> World {
    World::new(Arc::new(universe), SOL, 1, None)
}

fn world() -> World {
    world_of(quiet())
}

fn pilot(name: &str, place: Place) -> Pilot {
    Pilot {
        player: PlayerId::parse(name).expect("a name"),
        credits: 5000,
        cargo: Vec::new(),
        hull: 100,
        fuel: 100.0,
        place,
        home: None,
    }
}

fn in_space(x: f32, y: f32, rotation: f32) -> Place {
    Place::Space {
        x,
        y,
        vx: 0.0,
        vy: 0.0,
        rotation,
    }
}

fn admit(world: &mut World, name: &str, place: Place) -> Handle {
    world.admit(&pilot(name, place)).expect("room")
}

fn steer(ship: Handle, seq: u64, thrust: f32, fire: bool, dock: bool) -> Command {
    Command::Steer {
        ship,
        seq,
        thrust,
        turn: 0.0,
        fire,
        dock,
    }
}

fn step(world: &mut World, commands: &[Command]) {
    let mut commands = commands.to_vec();
    world.step(&mut commands);
    assert!(commands.is_empty());
}

fn place_of(world: &World, ship: Handle) -> (f32, f32) {
    let row = world.entities().row(ship).expect("in space");
    (world.entities().xs()[row], world.entities().ys()[row])
}

/// Steps until something happens, at most `ticks` times.
fn step_until(world: &mut World, ticks: u32, mut done: impl FnMut(&World) -> bool) {
    for _ in 0..ticks {
        step(world, &[]);
        if done(world) {
            return;
        }
    }
    panic!("nothing came of {ticks} ticks");
}

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
    let fired = |world: &World| {
        let events = &world.outcome().events;
        events
            .iter()
            .any(|event| matches!(event.kind, EventKind::ProjectileFired { .. }))
    };
    let ship_id = docked.ship_id;
    let docked = EventKind::Docked {
        ship: ship_id,
        station: StationIndex(0),
    };
    assert!(
        world
            .outcome()
            .events
            .iter()
            .any(|event| event.kind == docked)
    );
    step(&mut world, &[]);
    assert!(!fired(&world), "a docked ship can't fire");
    step(&mut world, &[steer(ship, 2, 0.1, false, true)]);
    let undocked = EventKind::Undocked {
        ship: ship_id,
        station: StationIndex(0),
    };
    assert!(
        world
            .outcome()
            .events
            .iter()
            .any(|event| event.kind == undocked)
    );
    assert_eq!(world.pilot(ship).expect("a pilot").docked_at, None);

    let far = admit(&mut world, "far", in_space(0.0, 4000.0, 0.0));
    step(&mut world, &[steer(far, 1, 0.0, false, true)]);
    assert_eq!(world.pilot(far).expect("a pilot").docked_at, None);
}

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
    assert_eq!(gone.gone, Gone::Destroyed);
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
        (9, Err(Refusal::ShipDestroyed))
    );
}

#[test]
fn who_leaves_while_dead_is_stored_as_back_home() {
    let mut world = world();
    let (a, b) = duel(&mut world);
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    step_until(&mut world, 400, |world| world.entities().row(b).is_none());
    let stored = world.dismiss(b, Gone::Despawned).expect("a pilot");
    assert_eq!(
        (stored.place, stored.hull),
        (Place::Docked(StationIndex(0)), 100)
    );
    for _ in 0..100 {
        step(&mut world, &[]);
    }
    assert!(world.pilot(b).is_none() && !world.entities().contains(b));
}

#[test]
fn a_pilot_is_safe_from_pilots_where_a_zone_forbids_harm() {
    let mut universe = quiet();
    universe.systems[0].ambient.pvp_allowed = false;
    let mut world = world_of(universe);
    let a = admit(&mut world, "a", in_space(0.0, 3000.0, 0.0));
    let b = admit(&mut world, "b", in_space(150.0, 3000.0, 0.0));
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    for _ in 0..90 {
        step(&mut world, &[]);
        assert!(world.outcome().combat.is_empty());
    }
    assert_eq!(world.pilot(b).expect("a pilot").hull, 100);
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
    step(&mut world, &[steer(inside, 1, 0.0, true, false)]);
    for _ in 0..90 {
        step(&mut world, &[]);
        assert!(world.outcome().combat.is_empty());
    }
    assert_eq!(world.pilot(outside).expect("a pilot").hull, 100);
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
    step(&mut world, &[steer(a, 1, 0.0, true, false)]);
    for _ in 0..60 {
        step(&mut world, &[]);
        assert!(world.outcome().combat.is_empty());
    }
    assert_eq!(world.pilot(b).expect("a pilot").hull, 100);
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
    let Ok(Done::Trade(trade)) = result(1) else {
        panic!("{:?}", result(1))
    };
    assert_eq!((trade.quantity, trade.held), (3, 3));
    assert_eq!(trade.credits, 5000 - trade.total);
    assert_eq!(world.pilot(docked).expect("a pilot").credits, trade.credits);
    assert_eq!(result(2), Err(Refusal::NotDocked));
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
    world.dismiss(bob, Gone::Despawned).expect("a pilot");
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

#[test]
fn a_killed_pirate_pays_its_bounty_times_the_multiplier_of_the_place() {
    let mut universe = quiet();
    universe.systems[0].population.pirates = 1;
    universe.npcs.pirate.respawn_ticks = 30_000;
    let mut world = world_of(universe);
    let rows = |world: &World| {
        let kinds = world.entities().kinds();
        kinds.iter().position(|&kind| kind == EntityKind::Pirate)
    };
    step_until(&mut world, 900, |world| rows(world).is_some());
    let mut hunter = None;
    let mut paid = None;
    // Hunters are put behind the pirate until one of them has killed it.
    for attempt in 0..400 {
        let Some(row) = rows(&world) else { break };
        let (x, y) = (world.entities().xs()[row], world.entities().ys()[row]);
        let place = in_space(x - 60.0, y, 0.0);
        let ship = admit(&mut world, &format!("h{attempt}"), place);
        step(&mut world, &[steer(ship, 1, 0.0, true, false)]);
        for _ in 0..6 {
            step(&mut world, &[]);
            let postings = &world.outcome().postings;
            paid = paid.or(postings.iter().find(|p| p.cause == Cause::Bounty).cloned());
        }
        hunter = Some(ship);
        world.dismiss(ship, Gone::Despawned);
    }
    assert!(hunter.is_some());
    // The killing shot's pilot may have been dismissed while it flew: then nobody is paid.
    if let Some(paid) = paid {
        assert!(paid.total >= world.universe().npcs.pirate.bounty / 2);
        assert_eq!(paid.balance_after, Some(5000 + paid.total));
    }
}
