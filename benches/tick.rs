//! The whole tick of a busy system without clients.
//!
//! `tick/step/n`: n ships, of which a tenth again are flown by the server, a fifth again shots in
//! flight; everybody steers anew every few ticks. At 10k that is 10k pilots, 1k others, 2k shots.
//! At 100k the wait for the fleet is cut short, and a quarter steers in a tick instead of a third:
//! a tick takes no more commands.
//! `tick/hash/n` is the state hash that a recording takes.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orrery::ids::{EntityKind, Handle, SystemIndex};
use orrery::limits::COMMANDS_PER_TICK_MAX;
use orrery::sim::{Command, World};
use orrery::universe::{Population, Universe};

#[path = "../tests/crowd/mod.rs"]
mod crowd;

fn universe(count: usize) -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    // Shots that do no harm keep the numbers of ships constant.
    universe.weapon.damage = 0;
    let system = &mut universe.systems[0];
    system.half_extent = crowd::half_extent(count, 50.0, 1000.0).max(system.half_extent);
    system.pilots_max = u32::MAX;
    // Few pirates: they arrive only where no pilot looks, and here pilots look everywhere.
    let half = count as u32 / 18;
    system.population = Population {
        pirates: count as u32 / 500,
        patrols: half,
        traders: half,
    };
    universe
}

fn steer(ship: Handle, n: u64, tick: u64) -> Command {
    // A gun that fires every ten ticks shots that live 45 keeps four or five in flight, fewer where
    // they hit: one gun in fourteen makes a fifth as many shots as ships.
    crowd::steer(ship, n, tick, n.is_multiple_of(14))
}

struct Busy {
    world: World,
    ships: Vec<Handle>,
    commands: Vec<Command>,
}

impl Busy {
    fn new(count: usize) -> Self {
        let universe = universe(count);
        let mut world = World::new(Arc::new(universe), SystemIndex(0), 1, None);
        let ships = crowd::admit(&mut world, count);
        let mut busy = Self {
            world,
            ships,
            commands: Vec::new(),
        };
        let steer_all = busy
            .ships
            .iter()
            .zip(0..)
            .map(|(&ship, n)| steer(ship, n, 1));
        busy.commands.extend(steer_all);
        // Long enough for the fleet to arrive and for the first shots to end.
        let ticks = if count > 10_000 { 100 } else { 400 };
        for _ in 0..ticks {
            busy.step();
        }
        busy
    }

    /// A tick in which a third of the pilots send an input, ten a second each, or as many as fit.
    fn step(&mut self) {
        let tick = self.world.tick() + 1;
        let turns = self.ships.len().div_ceil(COMMANDS_PER_TICK_MAX).max(3);
        let turn = (tick % turns as u64) as usize;
        let inputs = self.ships.iter().zip(0..).skip(turn).step_by(turns);
        self.commands
            .extend(inputs.map(|(&ship, n)| steer(ship, n, tick)));
        self.world.step(black_box(&mut self.commands));
    }

    fn count(&self, wanted: impl Fn(EntityKind) -> bool) -> usize {
        self.world
            .entities()
            .kinds()
            .iter()
            .filter(|&&kind| wanted(kind))
            .count()
    }
}

fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(3));
    let counts: &[usize] = if std::env::var_os("ORRERY_BENCH_TINY").is_some() {
        &[1_000]
    } else {
        &[1_000, 10_000, 100_000]
    };
    for &count in counts {
        let mut busy = Busy::new(count);
        let shots = busy.count(|kind| kind == EntityKind::Projectile);
        let npcs = busy.count(EntityKind::is_npc);
        println!("{count} pilots, {npcs} others, {shots} shots");
        assert!(shots * 6 > count && (npcs * 11 > count || count > 10_000));
        group.bench_function(BenchmarkId::new("step", count), |bencher| {
            bencher.iter(|| busy.step());
        });
        group.bench_function(BenchmarkId::new("hash", count), |bencher| {
            bencher.iter(|| busy.world.state_hash());
        });
    }
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
