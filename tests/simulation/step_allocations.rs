//! Once warm, a tick allocates nothing per entity.
//!
//! Measured in a process of its own; the only allocations left are the nodes of the tree
//! over blocks of 256 circles.

use std::sync::Arc;

use orrery::ids::SystemIndex;
use orrery::sim::World;
use orrery::universe::Universe;

use crate::counting;
use crate::crowd;
use counting::allocations;

/// Allocations of a warm tick on average, with so many ships that steer and shoot.
fn allocations_a_tick(ships_count: usize) -> usize {
    let mut universe = Universe::clone(&Universe::built_in());
    // Nobody dies: a death moves goods, and postings name players.
    universe.weapon.damage = 0;
    universe.systems[0].pilots_max = ships_count as u32;
    let mut world = World::new(Arc::new(universe), SystemIndex(0), 3, None);
    let ships = crowd::admit(&mut world, ships_count);
    let mut commands = Vec::with_capacity(ships_count);
    let mut run = |ticks: usize| {
        let before = allocations();
        for _ in 0..ticks {
            let tick = world.tick() + 1;
            for (&ship, n) in ships.iter().zip(0_u64..) {
                commands.push(crowd::steer(ship, n, tick, n.is_multiple_of(10)));
            }
            world.step(&mut commands);
        }
        assert!(world.entities().len() > ships_count);
        (allocations() - before) / ticks
    };
    run(300);
    run(100)
}

#[test]
fn a_warm_tick_allocates_nothing_per_entity() {
    counting::run_alone("step_allocations::measured");
}

#[test]
#[ignore = "runs in a process of its own, started by the test above"]
fn measured() {
    for ships_count in [250, 1_000, 4_000] {
        let count = allocations_a_tick(ships_count);
        // The tree of blocks is packed anew: a few nodes for each six blocks of 256 circles.
        let bound = 16 + ships_count / 128;
        assert!(
            count <= bound,
            "{count} allocations a tick for {ships_count} ships, {bound} allowed"
        );
        println!("{count} allocations a tick for {ships_count} ships");
    }
}
