//! Once warm, publishing and composing take no memory per entity and none per client.
//!
//! Measured in a process of its own.

use std::hint::black_box;

use orrery::replication::compose;
use orrery::universe::Universe;

use crate::counting;
use crate::crowd;
use counting::allocations;
use crowd::gallery::Gallery;

fn universe(ships: u32) -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.weapon.damage = 0;
    universe.systems[0].pilots_max = ships;
    universe.systems[0].half_extent = 5_000.0;
    universe.systems[0].stations.truncate(1);
    universe.systems[0].zones.truncate(2);
    universe
}

/// Allocations of publishing and composing, in the busiest of a hundred warm ticks.
fn allocations_a_tick(ships: u32) -> usize {
    let mut gallery = Gallery::new(universe(ships), ships as usize, 2);
    let mut composed = Vec::with_capacity(4 * 1024 * 1024);
    let mut commands = Vec::new();
    let mut most = 0;
    for tick in 1..=400 {
        gallery.step(&mut commands, |n| n.is_multiple_of(10));
        let before = allocations();
        let frame = gallery.publish();
        let mut bytes = 0;
        for pilot in frame.pilots_of(0) {
            if pilot.has_delta() {
                composed.clear();
                compose::delta(&frame, pilot, tick, &mut composed);
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
    counting::run_alone("publish_allocations::measured");
}

#[test]
#[ignore = "runs in a process of its own, started by the test above"]
fn measured() {
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
