//! Reaping: the end of the tick, when rows go and come back.
//!
//! Owns the return of pilots whose ship was destroyed. Rows are removed and added only here and
//! between ticks, so that every earlier phase can rely on row numbers.

use super::entity_id::EntityId;
use super::pilot::Place;
use super::world::World;
use crate::ids::{EntityKind, Handle};

/// A pilot's ship that was destroyed and will be back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wreck {
    /// The ship; aside.
    pub(super) ship: Handle,
    /// Its wire id, kept.
    pub(super) id: EntityId,
    /// When it is back, in sub-ticks of simulated time.
    pub(super) due: u64,
}

/// Brings back whoever is due. Linear in the dead.
pub(super) fn reap(world: &mut World) {
    restore_wrecks(world);
}

/// Ships come back docked at home, or at the spawn where there is no station; one for which there
/// is no room tries again next tick.
fn restore_wrecks(world: &mut World) {
    let mut at = 0;
    while let Some(&wreck) = world.wrecks.get(at) {
        if wreck.due <= world.clock && restore(world, wreck) {
            world.wrecks.remove(at);
        } else {
            at += 1;
        }
    }
}

fn restore(world: &mut World, wreck: Wreck) -> bool {
    let home = world.pilots.index(wreck.ship);
    let place = world.refuge(home.and_then(|index| world.pilots.homes[index]));
    let dock = match place {
        Place::Docked(station) => Some(station),
        _ => None,
    };
    let Some(pose) = world.pose_for(place) else {
        return false;
    };
    let row = world.ship_row(EntityKind::PlayerShip, wreck.id, pose, dock);
    world.entities.restore(wreck.ship, row)
}
