//! The ships that the server flies, watched from outside through a world's columns: what a player
//! would recognise them by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use orrery::ids::{EntityKind, Handle, StationIndex, SystemIndex};
use orrery::limits::NPC_ARRIVALS_PER_TICK_MAX;
use orrery::sim::{CombatEvent, CombatKind, Command, EventKind, Place, World};
use orrery::universe::{BUILT_IN, Universe};

use crate::units::crowd;
use crowd::pilot;

const TICKS_PER_MINUTE: u64 = 30 * 60;

fn sol(seed: u64) -> World {
    World::new(Universe::built_in(), SystemIndex(0), seed, None)
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
fn pirates_who_find_no_place_keep_nobody_else_out() {
    let mut universe = Universe::clone(&Universe::built_in());
    let system = &mut universe.systems[0];
    system.half_extent = 1000.0;
    system.stations.clear();
    system.zones.clear();
    (system.population.pirates, system.population.patrols) = (400, 3);
    system.population.traders = 3;
    let mut world = World::new(Arc::new(universe), SystemIndex(0), 1, None);
    // Within sight of every place where a pirate could arrive.
    let place = Place::Space {
        x: 0.0,
        y: 0.0,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    };
    world.admit(&pilot("watcher", place)).unwrap();
    run(&mut world, 60);
    // Only the first tick's could: no cell held the watcher yet.
    assert!(rows_of(&world, EntityKind::Pirate).len() <= NPC_ARRIVALS_PER_TICK_MAX);
    assert_eq!(rows_of(&world, EntityKind::Patrol).len(), 3);
    assert_eq!(rows_of(&world, EntityKind::Trader).len(), 3);
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

#[test]
fn traders_stay_in_dock_for_a_while_and_then_leave_however_they_lie() {
    let mut world = sol(2);
    let mut docked: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..5 * TICKS_PER_MINUTE {
        world.step(&mut Vec::new());
        let tick = world.tick();
        for event in &world.outcome().events {
            match event.kind {
                EventKind::Docked { ship, .. } => {
                    docked.insert(world.id_text(&ship).to_owned(), tick);
                }
                EventKind::Undocked { ship, .. } => {
                    // Those that began in dock are not in the list.
                    let since = docked.remove(world.id_text(&ship));
                    assert!(since.is_none_or(|since| tick - since >= 240), "at {tick}");
                }
                EventKind::ProjectileFired { .. } => {}
            }
        }
        let longest_ticks = docked.values().map(|since| tick - since).max();
        assert!(longest_ticks.unwrap_or(0) < 700, "{docked:?} at {tick}");
    }
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

/// A pilot who turns to the nearest pirate, shoots when it is ahead and closes in when it is far:
/// no lead, no dodging.
struct TurnAndShoot {
    ship: Handle,
    seq: u64,
}

impl TurnAndShoot {
    fn steer(&mut self, world: &World) -> Option<Command> {
        let row = world.pilot(self.ship)?.row?;
        let entities = world.entities();
        let (x, y) = (entities.xs()[row], entities.ys()[row]);
        let pirates = rows_of(world, EntityKind::Pirate).into_iter();
        let target = pirates
            .min_by(|a, b| distance(world, *a, x, y).total_cmp(&distance(world, *b, x, y)))?;
        let (dx, dy) = (entities.xs()[target] - x, entities.ys()[target] - y);
        let (hx, hy) = (entities.heading_xs()[row], entities.heading_ys()[row]);
        let angle = (hx * dy - hy * dx).atan2(hx * dx + hy * dy);
        let away = dx.hypot(dy);
        self.seq += 1;
        Some(Command::Steer {
            ship: self.ship,
            seq: self.seq,
            thrust: if away > 350.0 && angle.abs() < 0.5 {
                0.7
            } else {
                0.0
            },
            turn: (angle * 10.0).clamp(-1.0, 1.0),
            fire: angle.abs() < 0.1 && away < 600.0,
            dock: false,
        })
    }
}

fn belt() -> Place {
    Place::Space {
        x: 5000.0,
        y: 1900.0,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    }
}

/// Pirates killed before the first death, within three minutes.
fn kills_in_the_belt(seed: u64) -> (u32, i64) {
    let mut world = sol(seed);
    run(&mut world, 300);
    let ship = world.admit(&pilot("bot", belt())).unwrap();
    let mut bot = TurnAndShoot { ship, seq: 0 };
    let mut kills = 0;
    for _ in 0..3 * TICKS_PER_MINUTE {
        let mut commands: Vec<Command> = bot.steer(&world).into_iter().collect();
        world.step(&mut commands);
        let destroyed = |event: &&CombatEvent| event.kind == CombatKind::Destroyed;
        for event in world.outcome().combat.iter().filter(destroyed) {
            if event.target_ship == ship {
                return (kills, world.pilot(ship).unwrap().credits);
            }
            kills += u32::from(event.source_ship == ship);
        }
    }
    (kills, world.pilot(ship).unwrap().credits)
}

#[test]
fn a_pilot_who_turns_and_shoots_defeats_a_pirate_and_is_paid() {
    let fights: Vec<(u32, i64)> = (0..12).map(kills_in_the_belt).collect();
    let won = fights.iter().filter(|(kills, _)| *kills > 0).count();
    assert!(won >= 9, "won {won} of 12: {fights:?}");
    // The belt's zones multiply the bounty; a whole new hull costs 400.
    for (kills, credits) in fights {
        assert!(
            credits >= 5000 + 400 * i64::from(kills),
            "{kills} kills, {credits} credits"
        );
    }
}

/// Weak shots and no patrols, so that the prey lives long enough for a whole pack to gather and
/// nobody takes the place of one who was driven away.
fn sol_with_weak_guns(seed: u64) -> World {
    let text =
        BUILT_IN
            .replacen("damage = 12", "damage = 1", 1)
            .replacen("patrols = 8", "patrols = 0", 1);
    let universe = Universe::load(&text, "weak.toml").unwrap();
    World::new(Arc::new(universe), SystemIndex(0), seed, None)
}

#[test]
fn pirates_come_for_whoever_enters_their_belt_two_at_a_time() {
    let mut attacked = 0;
    for seed in 0..6 {
        let mut world = sol_with_weak_guns(seed);
        run(&mut world, 60);
        let core = Place::Space {
            x: 6600.0,
            y: -700.0,
            vx: 0.0,
            vy: 0.0,
            rotation: 0.0,
        };
        let ship = world.admit(&pilot("prey", core)).unwrap();
        let mut last_hits: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..TICKS_PER_MINUTE {
            world.step(&mut Vec::new());
            let hits = world.outcome().combat.iter();
            for hit in hits.filter(|hit| hit.target_ship == ship) {
                last_hits.insert(world.id_text(&hit.source).to_owned(), world.tick());
            }
            let at_once = last_hits.values().filter(|at| world.tick() < *at + 150);
            assert!(at_once.count() <= 2, "seed {seed}: {last_hits:?}");
        }
        attacked += usize::from(!last_hits.is_empty());
    }
    assert!(attacked >= 4, "{attacked} of 6");
}

#[test]
fn nobody_is_hunted_near_a_dock_even_beside_the_belt() {
    for seed in 0..6 {
        let mut world = sol(seed);
        let ceres = Place::Space {
            x: 6300.0,
            y: -2700.0,
            vx: 0.0,
            vy: 0.0,
            rotation: 0.0,
        };
        let ship = world.admit(&pilot("guest", ceres)).unwrap();
        run(&mut world, 2 * TICKS_PER_MINUTE);
        assert_eq!(world.pilot(ship).unwrap().hull, 100, "seed {seed}");
    }
}

#[test]
fn a_pirate_never_hits_a_pilot_in_a_sanctuary() {
    let mut world = sol(5);
    let mars = Place::Space {
        x: 8600.0,
        y: 6400.0,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    };
    let ship = world.admit(&pilot("guest", mars)).unwrap();
    run(&mut world, 5 * TICKS_PER_MINUTE);
    assert_eq!(world.pilot(ship).unwrap().hull, 100);
}

#[test]
fn patrols_answer_an_attack_on_a_trader() {
    let mut world = sol(6);
    run(&mut world, 30);
    let ship = world.admit(&pilot("robber", Place::New)).unwrap();
    let mut seq = 0;
    for _ in 0..10 * TICKS_PER_MINUTE {
        let mut commands = Vec::new();
        if let Some(row) = world.pilot(ship).and_then(|view| view.row) {
            seq += 1;
            commands.extend(rob(&world, ship, row, seq));
        }
        world.step(&mut commands);
        let kinds = world.entities().kinds();
        let by_patrol = world.outcome().combat.iter().any(|hit| {
            let source = world.entities().row(hit.source_ship);
            hit.target_ship == ship && source.is_some_and(|row| kinds[row] == EntityKind::Patrol)
        });
        if by_patrol {
            return;
        }
    }
    panic!("no patrol ever answered");
}

/// Shoots at whatever trader is in reach of the spawn, without leaving it.
fn rob(world: &World, ship: Handle, row: usize, seq: u64) -> Option<Command> {
    let entities = world.entities();
    let (x, y) = (entities.xs()[row], entities.ys()[row]);
    let traders = rows_of(world, EntityKind::Trader).into_iter();
    let at_large = traders.filter(|row| entities.docks()[*row].is_none());
    let victim =
        at_large.min_by(|a, b| distance(world, *a, x, y).total_cmp(&distance(world, *b, x, y)))?;
    let (dx, dy) = (entities.xs()[victim] - x, entities.ys()[victim] - y);
    let (hx, hy) = (entities.heading_xs()[row], entities.heading_ys()[row]);
    let angle = (hx * dy - hy * dx).atan2(hx * dx + hy * dy);
    let fire = angle.abs() < 0.1 && dx.hypot(dy) < 700.0;
    Some(Command::Steer {
        ship,
        seq,
        thrust: 0.0,
        turn: (angle * 10.0).clamp(-1.0, 1.0),
        fire,
        dock: false,
    })
}

#[test]
fn whoever_was_destroyed_is_replaced() {
    let mut world = sol(7);
    let pirates = Universe::built_in().systems[0].population.pirates as usize;
    let respawn_ticks = u64::from(Universe::built_in().npcs.pirate.respawn_ticks);
    let mut died = None;
    for _ in 0..20 * TICKS_PER_MINUTE {
        world.step(&mut Vec::new());
        let count = rows_of(&world, EntityKind::Pirate).len();
        match died {
            None if world.tick() > 60 && count < pirates => died = Some(world.tick()),
            Some(at) if world.tick() > at + respawn_ticks + 300 => {
                assert!(count + 2 >= pirates, "{count} of {pirates}");
                return;
            }
            _ => {}
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_lives() {
    let hash = |seed: u64| {
        let mut world = sol(seed);
        world.admit(&pilot("prey", belt())).unwrap();
        run(&mut world, 1500);
        world.state_hash()
    };
    assert_eq!(hash(8), hash(8));
    assert_ne!(hash(8), hash(9));
}
