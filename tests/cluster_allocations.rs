//! Once warm, publishing and composing take no memory per entity and none per client.
//!
//! A counting allocator serves this test alone.

use std::hint::black_box;
use std::sync::Arc;

use orrery::ids::{ConnId, Handle, SystemIndex, UnixMillis};
use orrery::replication::{Publisher, Purse, Stage, Stencils, Viewer, compose};
use orrery::sim::World;
use orrery::universe::Universe;

mod counting;
mod crowd;
use counting::allocations;

fn universe(ships: u32) -> Arc<Universe> {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.weapon.damage = 0;
    universe.systems[0].pilots_max = ships;
    universe.systems[0].half_extent = 5_000.0;
    universe.systems[0].stations.truncate(1);
    universe.systems[0].zones.truncate(2);
    Arc::new(universe)
}

fn viewer((&ship, slot): (&Handle, u32)) -> Viewer {
    let conn = ConnId {
        shard: 0,
        slot,
        generation: 0,
    };
    Viewer::new(conn, ship, Purse::default())
}

/// Allocations of publishing and composing, in the busiest of a hundred warm ticks.
fn allocations_a_tick(ships: u32) -> usize {
    let universe = universe(ships);
    let stencils = Arc::new(Stencils::new(1000.0, 250.0));
    let mut world = World::new(Arc::clone(&universe), SystemIndex(0), 3, None);
    let handles = crowd::admit(&mut world, ships as usize);
    let mut viewers: Vec<Viewer> = handles.iter().zip(0..).map(viewer).collect();
    let mut publisher = Publisher::new(Arc::clone(&stencils), 2);
    let mut composed = Vec::with_capacity(4 * 1024 * 1024);
    let mut commands = Vec::new();
    let mut most = 0;
    for tick in 1..=400 {
        for (&ship, n) in handles.iter().zip(0_u64..) {
            commands.push(crowd::steer(ship, n, tick, n.is_multiple_of(10)));
        }
        world.step(&mut commands);
        let before = allocations();
        let stage = Stage {
            universe: &universe,
            system: SystemIndex(0),
            unix: UnixMillis(1),
            shard_count: 1,
            time_dilation_percent: 100,
            rows_divisor: 1,
            shrunk: 0,
        };
        let frame = publisher.publish(stage, &world, &mut viewers);
        let mut bytes = 0;
        for pilot in frame.pilots_of(0) {
            if pilot.has_delta() {
                composed.clear();
                compose::delta(&frame, pilot, &stencils, tick, &mut composed);
                bytes += black_box(&composed).len();
            }
        }
        assert!(
            tick == 1 || bytes > ships as usize * 500,
            "{bytes} bytes composed"
        );
        if tick > 300 {
            most = most.max(allocations() - before);
        }
    }
    most
}

#[test]
fn publishing_and_composing_allocate_nothing_per_entity_or_client() {
    let (few, many) = (allocations_a_tick(250), allocations_a_tick(1_000));
    assert!(
        few <= 16,
        "{few} allocations a tick for 250 ships and clients"
    );
    assert!(
        many <= 16,
        "{many} allocations a tick for 1,000 ships and clients"
    );
}
