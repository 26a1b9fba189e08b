//! Motion: one tick of flight for n ships that all thrust and turn.
//!
//! `motion/columns` is the simulation's own loop, shared by the workers of the global pool where
//! that pays; `motion/hecs` runs the same formula over archetypes of an entity-component library,
//! `motion/structs` over an array of structs. All must end in the same state.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orrery::sim::{Body, Flight, MotionColumns, Parallelism, Random};
use orrery::universe::Universe;

const HALF_EXTENT: f32 = 50_000.0;

#[derive(Clone, Copy)]
struct Controls {
    thrust: f32,
    turn: f32,
    drag: f32,
}

fn ships(count: usize) -> Vec<(Body, Controls)> {
    let drag = Universe::built_in().ship.drag;
    let ship = |n: usize| {
        let mut random = Random::new(3, 0, n as u64);
        let angle = random.between(-3.0, 3.0);
        let body = Body {
            x: random.between(-HALF_EXTENT, HALF_EXTENT),
            y: random.between(-HALF_EXTENT, HALF_EXTENT),
            vx: random.between(-200.0, 200.0),
            vy: random.between(-200.0, 200.0),
            heading_x: libm::cosf(angle),
            heading_y: libm::sinf(angle),
            fuel: 100.0,
        };
        let thrust = random.between(0.1, 1.0);
        let turn = random.between(-1.0, 1.0);
        (body, Controls { thrust, turn, drag })
    };
    (0..count).map(ship).collect()
}

fn checksum(bodies: impl Iterator<Item = Body>) -> f64 {
    bodies
        .map(|body| f64::from(body.x) + f64::from(body.vy) + f64::from(body.heading_x))
        .sum()
}

/// The columns of a world, by themselves.
#[derive(Default)]
struct Columns {
    moved: [Vec<f32>; 7],
    controls: [Vec<f32>; 3],
    last_changed_ticks: Vec<u32>,
}

impl Columns {
    fn of(ships: &[(Body, Controls)]) -> Self {
        let mut columns = Self::default();
        for (body, controls) in ships {
            let moved = [
                body.x,
                body.y,
                body.vx,
                body.vy,
                body.heading_x,
                body.heading_y,
                body.fuel,
            ];
            for (column, value) in columns.moved.iter_mut().zip(moved) {
                column.push(value);
            }
            let given = [controls.thrust, controls.turn, controls.drag];
            for (column, value) in columns.controls.iter_mut().zip(given) {
                column.push(value);
            }
            columns.last_changed_ticks.push(0);
        }
        columns
    }

    fn advance(&mut self, flight: &Flight, tick: u32) {
        let [xs, ys, vxs, vys, heading_xs, heading_ys, fuels] = &mut self.moved;
        let [thrusts, turns, drags] = &self.controls;
        let last_changed_ticks = &mut self.last_changed_ticks;
        let columns = MotionColumns {
            xs,
            ys,
            vxs,
            vys,
            heading_xs,
            heading_ys,
            fuels,
            last_changed_ticks,
            thrusts,
            turns,
            drags,
        };
        columns.advance(flight, tick, Parallelism::default().motion);
    }

    fn checksum(&self) -> f64 {
        let [xs, _, _, vys, heading_xs, ..] = &self.moved;
        let rows = xs.iter().zip(vys).zip(heading_xs);
        rows.map(|((&x, &vy), &heading_x)| f64::from(x) + f64::from(vy) + f64::from(heading_x))
            .sum()
    }
}

fn motion(criterion: &mut Criterion) {
    let flight = Flight::new(&Universe::built_in().ship, HALF_EXTENT);
    let mut group = criterion.benchmark_group("motion");
    group
        .sample_size(30)
        .measurement_time(Duration::from_secs(1));
    for count in [1_000, 10_000, 100_000] {
        let start = ships(count);
        let mut structs = start.clone();
        let mut own = Columns::of(&start);
        let mut world = hecs::World::new();
        for (body, controls) in &start {
            world.spawn((*body, *controls));
        }
        let step_structs = |structs: &mut Vec<(Body, Controls)>| {
            for (body, controls) in structs {
                *body = body.advanced(&flight, controls.thrust, controls.turn, controls.drag);
            }
        };
        let step_hecs = |world: &mut hecs::World| {
            for (body, controls) in world.query_mut::<(&mut Body, &Controls)>() {
                *body = body.advanced(&flight, controls.thrust, controls.turn, controls.drag);
            }
        };
        for tick in 0..3 {
            step_structs(&mut structs);
            step_hecs(&mut world);
            own.advance(&flight, tick);
        }
        let expected = checksum(structs.iter().map(|ship| ship.0));
        assert_eq!(own.checksum().to_bits(), expected.to_bits());
        let found = checksum(world.query_mut::<&Body>().into_iter().copied());
        assert_eq!(found.to_bits(), expected.to_bits());

        group.bench_function(BenchmarkId::new("columns", count), |bencher| {
            bencher.iter(|| own.advance(black_box(&flight), 9));
        });
        group.bench_function(BenchmarkId::new("structs", count), |bencher| {
            bencher.iter(|| step_structs(black_box(&mut structs)));
        });
        group.bench_function(BenchmarkId::new("hecs", count), |bencher| {
            bencher.iter(|| step_hecs(black_box(&mut world)));
        });
    }
    group.finish();
}

criterion_group!(benches, motion);
criterion_main!(benches);
