//! Crowds that leave a dock or lie in one heap: how many move in a tick, and that they come apart.

use std::sync::Arc;

use super::*;
use crate::ids::{EntityKind, PlayerId, SystemIndex};
use crate::limits::CONTACTS_PER_SHIP_MAX;
use crate::sim::{Command, Pilot, Place, World};
use crate::universe::{Population, Universe};

const HOME: StationIndex = StationIndex(0);

/// A world without ships that the server flies.
fn world() -> World {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.systems[0].population = Population::default();
    universe.systems[0].pilots_max = 20_000;
    World::new(Arc::new(universe), SystemIndex(0), 5, None)
}

fn admit(world: &mut World, n: usize, place: Place) -> Handle {
    let pilot = Pilot {
        player: PlayerId::parse(&format!("p{n}")).unwrap(),
        credits: 0,
        cargo: Vec::new(),
        hull: 100,
        fuel: 100.0,
        place,
        home: None,
    };
    world.admit(&pilot).unwrap()
}

/// Pilots docked at one point.
fn docked(world: &mut World, count: usize) -> Vec<Handle> {
    let ships: Vec<Handle> = (0..count)
        .map(|n| admit(world, n, Place::Docked(HOME)))
        .collect();
    let first = world.stations_count();
    for row in first..first + count {
        (world.entities.xs[row], world.entities.ys[row]) = (1400.0, 400.0);
    }
    ships
}

/// The least thrust there is, so that nobody moves by it.
fn leave(ship: Handle) -> Command {
    Command::Steer {
        ship,
        seq: 1,
        thrust: 1e-9,
        turn: 0.0,
        fire: false,
        dock: false,
    }
}

fn undocked_count(world: &World) -> usize {
    let events = world.outcome.events.iter();
    events
        .filter(|event| matches!(event.kind, EventKind::Undocked { .. }))
        .count()
}

#[test]
fn thousands_who_undock_at_one_point_come_out_clear_of_each_other() {
    let mut world = world();
    let ships = docked(&mut world, 3_000);
    let mut commands: Vec<Command> = ships.iter().copied().map(leave).collect();
    let mut out = 0;
    for _ in 0..ships.len().div_ceil(UNDOCKINGS_PER_TICK_MAX) {
        world.step(&mut commands);
        assert!(undocked_count(&world) <= UNDOCKINGS_PER_TICK_MAX);
        out += undocked_count(&world);
        assert_eq!(world.space.pairs(), [], "{out} are out");
    }
    assert_eq!(out, ships.len());
    let station = &world.system().stations[0];
    for row in world.stations_count()..world.entities.len() {
        let (x, y) = (world.entities.xs[row], world.entities.ys[row]);
        assert!((x - station.x).hypot(y - station.y) < 1_600.0, "{x} {y}");
    }
}

#[test]
fn who_waits_longest_leaves_first() {
    let mut world = world();
    let ships = docked(&mut world, 2 * UNDOCKINGS_PER_TICK_MAX + 10);
    let (late, early) = ships.split_first().unwrap();
    let mut commands: Vec<Command> = early.iter().copied().map(leave).collect();
    world.step(&mut commands);
    let is_docked = |world: &World, ship| world.pilot(ship).unwrap().docked_at.is_some();
    commands.push(leave(*late));
    world.step(&mut commands);
    assert!(is_docked(&world, *late), "others have waited longer");
    world.step(&mut commands);
    assert!(!ships.iter().any(|&ship| is_docked(&world, ship)));
}

#[test]
fn who_changes_the_mind_often_waits_once() {
    let mut world = world();
    let ships = docked(&mut world, 1);
    let row = world.stations_count();
    world.entities.dock_ready_ticks[row] = 20;
    let mut seq = 0;
    while world.tick() < 19 {
        let mut commands = Vec::new();
        for thrust in [1e-9, 0.0, 1e-9, 0.0, 1e-9] {
            seq += 1;
            commands.push(Command::Steer {
                ship: ships[0],
                seq,
                thrust,
                turn: 0.0,
                fire: false,
                dock: false,
            });
        }
        world.step(&mut commands);
        assert_eq!(world.undockings.waiting.len(), 1);
    }
    world.step(&mut Vec::new());
    assert_eq!(undocked_count(&world), 1);
    world.step(&mut Vec::new());
    assert!(world.undockings.waiting.is_empty());
}

#[test]
fn a_ship_that_touches_nothing_undocks_where_it_lies() {
    let mut world = world();
    let ships = docked(&mut world, 9);
    let place = |world: &World| {
        let row = world.entities.row(ships[4]).unwrap();
        (world.entities.xs[row], world.entities.ys[row])
    };
    let before = place(&world);
    world.step(&mut vec![leave(ships[4])]);
    assert_eq!(undocked_count(&world), 1);
    assert_eq!(place(&world), before, "docked ships are no obstacle");
    world.step(&mut vec![leave(ships[5])]);
    let row = world.entities.row(ships[5]).unwrap();
    let (x, y) = (world.entities.xs[row], world.entities.ys[row]);
    let away = (x - before.0).hypot(y - before.1);
    assert!((24.0..60.0).contains(&away), "beside it: {away} u");
}

#[test]
fn whoever_is_taken_in_during_a_tick_is_clear_of_those_who_undock_in_it() {
    let mut world = world();
    let ships = docked(&mut world, 40);
    let mut commands: Vec<Command> = ships.iter().copied().map(leave).collect();
    world.step(&mut commands);
    for n in 100..140 {
        let (x, y) = (1400.0, 400.0);
        let (vx, vy, rotation) = (0.0, 0.0, 0.0);
        let place = Place::Space {
            x,
            y,
            vx,
            vy,
            rotation,
        };
        admit(&mut world, n, place);
    }
    world.step(&mut commands);
    assert_eq!(world.space.pairs(), []);
}

#[test]
fn a_heap_of_ships_has_few_pairs_and_comes_apart() {
    let mut world = world();
    let count = 600;
    docked(&mut world, count);
    let first = world.stations_count();
    world.entities.docks[first..first + count].fill(None);
    let most = count * CONTACTS_PER_SHIP_MAX as usize;
    let mut ticks = 0;
    loop {
        world.step(&mut Vec::new());
        ticks += 1;
        let pairs = world.space.pairs();
        assert!(pairs.len() <= most);
        let depth = |&(a, b): &(u32, u32)| {
            let (a, b) = (a as usize, b as usize);
            let (xs, ys) = (&world.entities.xs, &world.entities.ys);
            24.0 - (xs[a] - xs[b]).hypot(ys[a] - ys[b])
        };
        let deepest = pairs.iter().map(depth).fold(0.0, f32::max);
        if deepest < 1.0 {
            break;
        }
        assert!(ticks < 600, "{deepest} u deep in each other");
    }
}

#[test]
fn traders_in_dock_leave_by_and_by_and_all_of_them() {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.systems[0].population = Population {
        traders: 60,
        ..Population::default()
    };
    let mut world = World::new(Arc::new(universe), SystemIndex(0), 5, None);
    let mut left = std::collections::BTreeSet::new();
    for _ in 0..900 {
        world.step(&mut Vec::new());
        assert!(undocked_count(&world) <= NPC_UNDOCKINGS_PER_TICK_MAX);
        for event in &world.outcome.events {
            if let EventKind::Undocked { ship, .. } = event.kind {
                left.insert(world.id_text(&ship).to_owned());
            }
        }
    }
    let traders = world.entities.kinds.iter();
    let traders = traders.filter(|kind| **kind == EntityKind::Trader).count();
    assert_eq!((traders, left.len()), (60, 60));
}
