//! The ships that the server flies, watched from outside through a world's columns: what a player
//! would recognise them by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orrery::ids::{EntityKind, Handle, PlayerId, StationIndex, SystemIndex};
use orrery::sim::{Command, EventKind, Pilot, Place, World};
use orrery::universe::Universe;

const TICKS_PER_MINUTE: u64 = 30 * 60;

fn sol(seed: u64) -> World {
    World::new(Universe::built_in(), SystemIndex(0), seed, None)
}

fn pilot(name: &str, place: Place) -> Pilot {
    Pilot {
        player: PlayerId::parse(name).unwrap(),
        credits: 5000,
        cargo: Vec::new(),
        hull: 100,
        fuel: 100.0,
        place,
        home: None,
    }
}

fn run(world: &mut World, ticks: u64) {
    for _ in 0..ticks {
        world.step(&mut Vec::new());
    }
}

fn rows_of(world: &World, kind: EntityKind) -> Vec<usize> {
    let kinds = world.entities().kinds();
    (0..kinds.len()).filter(|row| kinds[*row] == kind).collect()
}

fn distance(world: &World, row: usize, x: f32, y: f32) -> f32 {
    (world.entities().xs()[row] - x).hypot(world.entities().ys()[row] - y)
}

#[test]
fn the_whole_population_arrives_within_seconds() {
    let mut world = sol(1);
    run(&mut world, 60);
    let population = Universe::built_in().systems[0].population;
    let counts = [
        (EntityKind::Pirate, population.pirates),
        (EntityKind::Patrol, population.patrols),
        (EntityKind::Trader, population.traders),
    ];
    for (kind, count) in counts {
        assert_eq!(rows_of(&world, kind).len(), count as usize, "{kind:?}");
    }
}

#[test]
fn traders_fly_from_dock_to_dock() {
    let mut world = sol(2);
    let mut docks: BTreeMap<String, BTreeSet<StationIndex>> = BTreeMap::new();
    for _ in 0..5 * TICKS_PER_MINUTE {
        world.step(&mut Vec::new());
        for event in &world.outcome().events {
            if let EventKind::Docked { ship, station } = event.kind {
                let seen = docks.entry(world.id_text(&ship).to_owned()).or_default();
                seen.insert(station);
            }
        }
    }
    let travelled = docks
        .values()
        .filter(|stations| stations.len() >= 2)
        .count();
    let traders = Universe::built_in().systems[0].population.traders as usize;
    assert!(
        travelled >= traders / 2,
        "{travelled} of {traders}: {docks:?}"
    );
}

/// What a pilot at rest at the spawn sees of pirates in ten minutes.
#[test]
fn a_newcomer_at_the_spawn_is_left_alone() {
    for seed in 0..3 {
        let mut world = sol(seed);
        let ship = world.admit(&pilot("newcomer", Place::New)).unwrap();
        for _ in 0..10 * TICKS_PER_MINUTE {
            world.step(&mut Vec::new());
            let view = world.pilot(ship).unwrap();
            assert_eq!(view.hull, 100, "seed {seed}, tick {}", world.tick());
            let (x, y) = (
                world.entities().xs()[view.row.unwrap()],
                world.entities().ys()[view.row.unwrap()],
            );
            let near = rows_of(&world, EntityKind::Pirate)
                .into_iter()
                .filter(|row| distance(&world, *row, x, y) < 500.0);
            assert_eq!(near.count(), 0, "seed {seed}, tick {}", world.tick());
        }
    }
}

#[test]
fn pirates_come_for_whoever_enters_their_belt() {
    let mut world = sol(4);
    let (x, y) = (6600.0, -700.0);
    let place = Place::Space {
        x,
        y,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    };
    let ship = world.admit(&pilot("prey", place)).unwrap();
    let mut nearest = f32::INFINITY;
    let mut hunters = 0;
    for _ in 0..TICKS_PER_MINUTE {
        world.step(&mut Vec::new());
        if world.pilot(ship).and_then(|view| view.row).is_none() {
            return;
        }
        let close = rows_of(&world, EntityKind::Pirate)
            .into_iter()
            .map(|row| distance(&world, row, x, y));
        let close: Vec<f32> = close.filter(|away| *away < 480.0).collect();
        hunters = hunters.max(close.len());
        nearest = close.into_iter().fold(nearest, f32::min);
    }
    assert!(nearest < 350.0, "{nearest}");
    assert!(hunters <= 3, "a pack of {hunters} fell on one pilot");
}
