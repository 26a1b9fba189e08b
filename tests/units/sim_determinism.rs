//! Worker count changes nothing: the same commands give the same state, bit for bit, and the same
//! bytes for clients. Thresholds are set so low that every parallel phase forks in almost every tick.

use std::sync::Arc;

use orrery::ids::{EntityKind, Handle, PlayerId, StationIndex, SystemIndex};
use orrery::limits::PARALLEL_ROWS_MIN;
use orrery::replication::compose;
use orrery::sim::{
    Cause, CombatKind, Command, EventKind, Fork, JobCounts, Order, Parallelism, Pilot, Place,
    Random, World,
};
use orrery::universe::Universe;

use crate::units::crowd;
use crowd::gallery::{Gallery, VIEW_RADIUS};

const TICKS: u64 = 2_000;
const SHIPS: u64 = 1_000;

/// What happened in a run, to be sure that it was worth comparing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Story {
    hashes: Vec<u64>,
    hits: usize,
    deaths: usize,
    docked: usize,
    trades: usize,
    lost_cargo: usize,
}

/// Cuts whatever there is more than one of.
fn eager() -> Parallelism {
    let fork = |chunk_items| Fork {
        items_min: 2,
        chunk_items,
    };
    Parallelism {
        motion: fork(100),
        space: fork(1),
        shots: fork(3),
        zones: fork(50),
    }
}

/// In how many ticks each parallel phase forked.
#[derive(Debug, Default)]
struct Forks([u64; 5]);

impl Forks {
    fn note(&mut self, jobs: JobCounts) {
        let JobCounts {
            motion,
            packing,
            pairs,
            shots,
            zones,
        } = jobs;
        let counts = [motion, packing, pairs, shots, zones];
        for (forks, jobs) in self.0.iter_mut().zip(counts) {
            *forks += u64::from(jobs > 1);
        }
    }
}

fn admit_all(world: &mut World) -> Vec<Handle> {
    let half = world.system().half_extent;
    let fleet = |n: u64| {
        let mut random = Random::new(99, 0, n);
        // Half of them in one crowd, so that there is something to collide with and to hit.
        let span = if n.is_multiple_of(2) {
            700.0
        } else {
            half * 0.9
        };
        let place = match n % 10 {
            9 => Place::Docked(StationIndex((n / 10 % 2) as u16)),
            _ => Place::Space {
                x: random.between(-span, span),
                y: random.between(-span, span),
                vx: random.between(-200.0, 200.0),
                vy: random.between(-200.0, 200.0),
                rotation: random.between(-3.0, 3.0),
            },
        };
        Pilot {
            player: PlayerId::parse(&format!("p{n}")).expect("a name"),
            credits: 5_000,
            cargo: vec![0, 3],
            hull: 60,
            fuel: 50.0,
            place,
            home: None,
        }
    };
    (0..SHIPS)
        .map(|n| world.admit(&fleet(n)).expect("room"))
        .collect()
}

fn commands(world: &World, ships: &[Handle], tick: u64) -> Vec<Command> {
    let goods = world.system().stations[0].market[1].commodity;
    let mut commands = Vec::new();
    for (n, &ship) in ships.iter().enumerate() {
        let mut random = Random::new(5, tick, n as u64);
        let seq = tick;
        match random.bits() % 16 {
            0 | 1 => commands.push(Command::Steer {
                ship,
                seq,
                thrust: random.between(-0.2, 1.0).max(0.0),
                turn: random.between(-1.2, 1.2),
                fire: !random.bits().is_multiple_of(3),
                dock: random.bits().is_multiple_of(2),
            }),
            2 => {
                let station = StationIndex((random.bits() % 2) as u16);
                let quantity = random.bits() as u32 % 5;
                let order = match random.bits() % 3 {
                    0 => Order::Buy {
                        station,
                        commodity: goods,
                        quantity,
                    },
                    1 => Order::Sell {
                        station,
                        commodity: goods,
                        quantity,
                    },
                    _ => Order::Repair { station },
                };
                commands.push(Command::Order {
                    ship,
                    seq,
                    ticket: tick << 20 | n as u64,
                    order,
                });
            }
            _ => {}
        }
    }
    // In another order of arrival every tick.
    let turn = (tick as usize * 37) % commands.len().max(1);
    commands.rotate_left(turn);
    commands
}

fn run(ticks: u64) -> (Story, Forks) {
    let world = World::new(Universe::built_in(), SystemIndex(0), 42, None);
    let mut world = world.with_parallelism(eager());
    let mut forks = Forks::default();
    let ships = admit_all(&mut world);
    let mut story = Story::default();
    for tick in 1..=ticks {
        let mut commands = commands(&world, &ships, tick);
        world.step(&mut commands);
        forks.note(world.job_counts());
        let outcome = world.outcome();
        let of_kind = |kind| {
            outcome
                .combat
                .iter()
                .filter(|event| event.kind == kind)
                .count()
        };
        story.hits += of_kind(CombatKind::Hit);
        story.deaths += of_kind(CombatKind::Destroyed);
        let docked = |kind: &EventKind| matches!(kind, EventKind::Docked { .. });
        story.docked += outcome
            .events
            .iter()
            .filter(|event| docked(&event.kind))
            .count();
        story.trades += outcome
            .receipts
            .iter()
            .filter(|receipt| receipt.result.is_ok())
            .count();
        let lost = |cause| cause == Cause::CargoLost;
        story.lost_cargo += outcome.postings.iter().filter(|p| lost(p.cause)).count();
        if tick.is_multiple_of(50) {
            story.hashes.push(world.state_hash());
        }
    }
    assert!(world.entities().kinds().contains(&EntityKind::Projectile));
    (story, forks)
}

/// Does something with so many workers.
fn with_workers<T: Send>(workers: usize, act: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers);
    pool.build().expect("a pool").install(act)
}

#[test]
fn one_two_three_and_eight_workers_give_one_state() {
    let (expected, forks) = with_workers(1, || run(TICKS));
    assert_eq!(forks.0, [0; 5], "one worker forks nothing");
    assert!(expected.hits > 100 && expected.deaths > 10, "{expected:?}");
    assert!(
        expected.docked > 10 && expected.trades > 100,
        "{expected:?}"
    );
    assert!(expected.lost_cargo > 0, "{expected:?}");
    for workers in [2, 3, 8] {
        let (story, forks) = with_workers(workers, || run(TICKS));
        assert_eq!(story, expected, "{workers} workers");
        let is_forking = |&ticks: &u64| ticks > TICKS / 10 * 9;
        assert!(forks.0.iter().all(is_forking), "{forks:?} of {TICKS}");
    }
}

/// What clients get of a crowd in so many ticks, where frames are encoded in so many chunks.
fn messages(chunks: usize, ticks: u64) -> Vec<Vec<u8>> {
    let ships_count = PARALLEL_ROWS_MIN + 100;
    let half_extent = crowd::half_extent(ships_count, 40.0, VIEW_RADIUS);
    let mut universe = crowd::empty_sky(half_extent);
    universe.weapon.damage = 0;
    let mut gallery = Gallery::new(universe, ships_count, chunks);
    let mut messages = Vec::new();
    for _ in 0..ticks {
        gallery.step(&mut Vec::new(), |n| n.is_multiple_of(9));
        // From here on encoding is cut into the chunks.
        assert!(gallery.world.entities().len() >= PARALLEL_ROWS_MIN);
        let frame = gallery.publish();
        for pilot in frame.pilots_of(0).iter().step_by(10) {
            let mut text = Vec::new();
            if pilot.has_delta() {
                compose::delta(&frame, pilot, 1, &mut text);
            }
            if pilot.has_snapshot() {
                compose::snapshot(&frame, pilot, 2, &mut text);
            }
            messages.push(text);
        }
    }
    messages
}

#[test]
fn one_two_three_and_eight_workers_give_clients_the_same_bytes() {
    const TICKS: u64 = 40;
    let expected = with_workers(1, || messages(1, TICKS));
    assert!(expected.len() as u64 > TICKS * PARALLEL_ROWS_MIN as u64 / 10);
    let bytes: usize = expected.iter().map(Vec::len).sum();
    assert!(bytes / expected.len() > 1_000, "{bytes} bytes");
    for workers in [2, 3, 8] {
        let found = with_workers(workers, || messages(workers, TICKS));
        assert!(found == expected, "{workers} workers");
    }
}

#[test]
fn another_seed_gives_another_state() {
    let hash = |seed| {
        let mut world = World::new(
            Arc::clone(&Universe::built_in()),
            SystemIndex(0),
            seed,
            None,
        );
        for _ in 0..200 {
            world.step(&mut Vec::new());
        }
        world.state_hash()
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}
