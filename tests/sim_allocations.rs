//! Once warm, a tick allocates nothing per entity.
//!
//! A counting allocator serves this test alone; the only allocations left are the nodes of the tree
//! over blocks of 256 circles.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orrery::ids::{Handle, PlayerId, SystemIndex};
use orrery::sim::{Command, Pilot, Place, Random, World};
use orrery::universe::Universe;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { Heap.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn steer(ship: Handle, n: u64, tick: u64) -> Command {
    let mut random = Random::new(4, tick, n);
    let (thrust, turn) = (random.between(0.0, 1.0), random.between(-1.0, 1.0));
    Command::Steer {
        ship,
        seq: tick,
        thrust,
        turn,
        fire: n.is_multiple_of(10),
        dock: false,
    }
}

/// Allocations of a warm tick on average, with so many ships that steer and shoot.
fn allocations_a_tick(ships_count: usize) -> usize {
    let mut universe = Universe::clone(&Universe::built_in());
    // Nobody dies: a death moves goods, and postings name players.
    universe.weapon.damage = 0;
    universe.systems[0].pilots_max = ships_count as u32;
    let half = universe.systems[0].half_extent;
    let mut world = World::new(Arc::new(universe), SystemIndex(0), 3, None);
    let ships: Vec<Handle> = (0..ships_count)
        .map(|n| {
            let mut random = Random::new(8, 0, n as u64);
            let (x, y) = (random.between(-half, half), random.between(-half, half));
            let pilot = Pilot {
                player: PlayerId::parse(&format!("p{n}")).expect("a name"),
                credits: 0,
                cargo: Vec::new(),
                hull: 100,
                fuel: 100.0,
                place: Place::Space {
                    x,
                    y,
                    vx: 0.0,
                    vy: 0.0,
                    rotation: 0.0,
                },
                home: None,
            };
            world.admit(&pilot).expect("room")
        })
        .collect();
    let mut commands = Vec::with_capacity(ships_count);
    let mut run = |ticks: usize| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..ticks {
            let tick = world.tick() + 1;
            commands.extend(ships.iter().zip(0..).map(|(&ship, n)| steer(ship, n, tick)));
            world.step(&mut commands);
        }
        assert!(world.entities().len() > ships_count);
        (ALLOCATIONS.load(Ordering::Relaxed) - before) / ticks
    };
    run(300);
    run(100)
}

#[test]
fn a_warm_tick_allocates_nothing_per_entity() {
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
