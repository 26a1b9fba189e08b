//! Contacts: ships that fly through each other's ways, and shots among them.
//!
//! `contacts/world/n`: a whole tick of a world of n ships that all fly straight, without shots: the
//! physics and the broad phase as the simulation runs them. `contacts/hecs_rebuild/n` is what a
//! reader would reach for: the same motion over an entity-component library, then a fresh tree of
//! circles and a query a ship, without any answer to the collisions found.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orrery::ids::SystemIndex;
use orrery::sim::{Body, Command, Flight, Random, World};
use rstar::{AABB, RTree, RTreeObject};

#[path = "../tests/crowd/mod.rs"]
mod crowd;

/// A square in which about 50 of n ships lie within 1000 u of one.
fn half_extent(count: usize) -> f32 {
    crowd::half_extent(count, 50.0, 1000.0)
}

fn body(n: usize, half: f32) -> Body {
    let mut random = Random::new(11, 0, n as u64);
    let angle = random.between(-3.0, 3.0);
    Body {
        x: random.between(-half, half),
        y: random.between(-half, half),
        vx: 0.0,
        vy: 0.0,
        heading_x: libm::cosf(angle),
        heading_y: libm::sinf(angle),
        fuel: 100.0,
    }
}

fn world(count: usize) -> World {
    let mut world = World::new(
        Arc::new(crowd::empty_sky(half_extent(count))),
        SystemIndex(0),
        1,
        None,
    );
    let ahead = |ship| Command::Steer {
        ship,
        seq: 1,
        thrust: 1.0,
        turn: 0.0,
        fire: false,
        dock: false,
    };
    let ships = crowd::admit(&mut world, count);
    let mut commands: Vec<_> = ships.into_iter().map(ahead).collect();
    while !commands.is_empty() {
        world.step(&mut commands);
    }
    world
}

struct Circle([f32; 2], f32);

impl RTreeObject for Circle {
    type Envelope = AABB<[f32; 2]>;
    fn envelope(&self) -> Self::Envelope {
        let (Self([x, y], r), ..) = (self,);
        AABB::from_corners([x - r, y - r], [x + r, y + r])
    }
}

fn contacts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contacts");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    let counts: &[usize] = if std::env::var_os("ORRERY_BENCH_TINY").is_some() {
        &[1_000]
    } else {
        &[1_000, 10_000, 100_000]
    };
    for &count in counts {
        let mut own = world(count);
        assert_eq!(own.entities().len(), count);
        group.bench_function(BenchmarkId::new("world", count), |bencher| {
            bencher.iter(|| own.step(black_box(&mut Vec::new())));
        });

        let universe = crowd::empty_sky(half_extent(count));
        let flight = Flight::new(&universe.ship, half_extent(count));
        let mut world = hecs::World::new();
        for n in 0..count {
            world.spawn((body(n, half_extent(count)),));
        }
        let (radius, drag) = (universe.ship.radius, universe.ship.drag);
        group.bench_function(BenchmarkId::new("hecs_rebuild", count), |bencher| {
            bencher.iter(|| {
                let mut circles = Vec::with_capacity(count);
                for body in world.query_mut::<&mut Body>() {
                    *body = body.advanced(&flight, 1.0, 0.0, drag);
                    circles.push(Circle([body.x, body.y], radius));
                }
                let tree = RTree::bulk_load(circles);
                let boxes = |circle: &Circle| {
                    tree.locate_in_envelope_intersecting(circle.envelope())
                        .count()
                };
                let met: usize = tree.iter().map(boxes).sum();
                assert!(met >= count);
                met
            });
        });
    }
    group.finish();
}

criterion_group!(benches, contacts);
criterion_main!(benches);
