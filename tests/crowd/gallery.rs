//! A crowd and the clients who watch it, without a server between.

use std::sync::Arc;

use orrery::ids::{ConnId, Handle, SystemIndex, UnixMillis};
use orrery::replication::{PublishContext, Publisher, TickFrame, Viewer, Wallet};
use orrery::sim::{Command, World};
use orrery::universe::Universe;

/// How far a client sees, in u.
pub(crate) const VIEW_RADIUS: f32 = 1000.0;

/// A world of ships, each with its pilot's client, until some of these are taken out.
pub(crate) struct Gallery {
    pub(crate) universe: Arc<Universe>,
    pub(crate) world: World,
    pub(crate) ships: Vec<Handle>,
    pub(crate) viewers: Vec<Viewer>,
    publisher: Publisher,
}

impl Gallery {
    /// So many ships at rest anywhere in the universe's first system; frames are encoded in so
    /// many chunks.
    pub(crate) fn new(universe: Universe, ships_count: usize, chunks: usize) -> Self {
        let universe = Arc::new(universe);
        let mut world = World::new(Arc::clone(&universe), SystemIndex(0), 3, None);
        let ships = super::admit(&mut world, ships_count);
        Self::of(universe, world, ships, chunks)
    }

    /// A world as it is, whose ships each have a client.
    pub(crate) fn of(
        universe: Arc<Universe>,
        world: World,
        ships: Vec<Handle>,
        chunks: usize,
    ) -> Self {
        let viewers = ships.iter().zip(0..).map(viewer).collect();
        let publisher = Publisher::new(VIEW_RADIUS, chunks);
        Self {
            universe,
            world,
            ships,
            viewers,
            publisher,
        }
    }

    /// A tick in which everybody steers, and some fire; the commands come back empty.
    pub(crate) fn step(&mut self, commands: &mut Vec<Command>, fires: impl Fn(u64) -> bool) {
        let tick = self.world.tick() + 1;
        for (&ship, n) in self.ships.iter().zip(0_u64..) {
            commands.push(super::steer(ship, n, tick, fires(n)));
        }
        self.world.step(commands);
    }

    /// The world as it is now, for everybody who watches.
    pub(crate) fn publish(&mut self) -> Arc<TickFrame> {
        let stage = PublishContext {
            universe: &self.universe,
            system: SystemIndex(0),
            unix: UnixMillis(1_700_000_000_000),
            shard_count: 1,
            time_dilation_percent: 100,
            rows_divisor: 1,
            shrunk: 0,
        };
        self.publisher
            .publish(stage, &self.world, &mut self.viewers)
    }
}

fn viewer((&ship, slot): (&Handle, u32)) -> Viewer {
    let conn = ConnId {
        shard: 0,
        slot,
        generation: 0,
    };
    Viewer::new(conn, ship, Wallet::default())
}
