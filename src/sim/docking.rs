//! Docking: ships that ask for it, near and slow enough, come to rest at a station, and leave it
//! again under thrust.
//!
//! Owns the way in and the way out. A docked ship keeps its place inside the docking radius, is
//! intangible and invulnerable, and can't fire; its thrust and rudder in force are 0. The station
//! becomes its pilot's home.
//!
//! Neither is done at any time: a ship does not dock for [`DOCK_PAUSE_AFTER_SHOT_TICKS`] after a
//! shot, and [`DOCK_PAUSE_TICKS`] lie between docking and undocking either way. So a dock is no
//! shield between two shots nor the way out of a fight for whoever fires, and nobody can flood
//! others with its comings and goings. One column holds it: the tick from which the ship may dock
//! or, where it is docked, undock.
//!
//! What a pilot holds through a pause takes effect at its end. A docking request is a state of the
//! controls. Thrust is kept aside as an [`Undocking`]: within the pause it lasts as long as it is
//! held; once the ship may leave, the touch of it is enough.
//!
//! Ships that leave become solid. One that lies inside another is moved to a free place, near its
//! own if there is one, else around the station; at most [`UNDOCKINGS_PER_TICK_MAX`] leave in a tick.

use super::control::Controls;
use super::outcome::{Event, EventKind};
use super::world::World;
use crate::ids::{Handle, StationIndex};
use crate::limits::{DOCK_PAUSE_TICKS, NPC_UNDOCKINGS_PER_TICK_MAX, UNDOCKINGS_PER_TICK_MAX};
use crate::universe::Station;

/// What a docked pilot asked for: to leave, and with which controls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Undocking {
    /// The tick in which it was asked for first.
    pub(super) since_tick: u64,
    /// The number of the input that asked.
    pub(super) seq: u64,
    /// Thrust that is in force then, 0–1.
    pub(super) thrust: f32,
    /// Rudder that is in force then, −1–1.
    pub(super) turn: f32,
}

/// Who waits to leave; the columns say whether they still do. No longer than there are pilots, and
/// than a tick has commands.
#[derive(Debug, Default)]
pub(super) struct Undockings {
    waiting: Vec<Handle>,
    /// Those who may leave now, as (asked since, draw, ship).
    ready: Vec<(u64, u64, Handle)>,
    /// Ships of the server that may still undock in this tick.
    npcs_left: usize,
}

/// Takes the controls of a pilot who is docked; they are within their ranges.
pub(super) fn hold(world: &mut World, index: usize, row: usize, seq: u64, controls: Controls) {
    let Controls { thrust, turn, .. } = controls;
    let may_leave = world.entities.dock_ready_ticks[row] <= world.tick;
    let asked = &mut world.pilots.undockings[index];
    match asked {
        None if thrust > 0.0 => {
            *asked = Some(Undocking {
                since_tick: world.tick,
                seq,
                thrust,
                turn,
            });
            world.undockings.waiting.push(world.pilots.ships[index]);
        }
        Some(asked) if thrust > 0.0 || may_leave => {
            (asked.thrust, asked.turn) = (thrust, turn);
        }
        _ => *asked = None,
    }
}

/// Whether the station serves an order of this ship now: it is docked, and the order does not stand
/// behind the thrust with which it leaves in this tick.
pub(super) fn serves(world: &World, ship: Handle, seq: u64) -> bool {
    let (Some(row), Some(index)) = (world.entities.row(ship), world.pilots.index(ship)) else {
        return false;
    };
    let may_leave = world.entities.dock_ready_ticks[row] <= world.tick;
    let leaves = world.pilots.undockings[index]
        .is_some_and(|asked| may_leave && asked.since_tick == world.tick && asked.seq < seq);
    world.entities.docks[row].is_some() && !leaves
}

/// Lets pilots leave who asked and may, those who asked first before the others; among those who
/// asked in one tick chance decides. Work: those who wait, and a bounded number of places.
pub(super) fn undock(world: &mut World) {
    let mut undockings = std::mem::take(&mut world.undockings);
    undockings.npcs_left = NPC_UNDOCKINGS_PER_TICK_MAX;
    undockings.ready.clear();
    // Who let go of the thrust and held it again stands in the list twice.
    undockings.waiting.sort_unstable();
    undockings.waiting.dedup();
    undockings.waiting.retain(|&ship| {
        let Some((index, row)) = world.pilots.index(ship).zip(world.entities.row(ship)) else {
            return false;
        };
        let Some(asked) = world.pilots.undockings[index] else {
            return false;
        };
        if world.entities.dock_ready_ticks[row] <= world.tick {
            let draw = world.pilots.draw(index, world.seed, world.tick);
            undockings.ready.push((asked.since_tick, draw, ship));
        }
        true
    });
    undockings.ready.sort_unstable();
    for &(_, _, ship) in undockings.ready.iter().take(UNDOCKINGS_PER_TICK_MAX) {
        if let Some((index, row)) = world.pilots.index(ship).zip(world.entities.row(ship))
            && let Some(asked) = world.pilots.undockings[index].take()
        {
            cast_off(world, row, asked.thrust, asked.turn);
        }
    }
    world.undockings = undockings;
}

/// Lets a docked ship of the server leave, if it may and its turn comes in this tick.
pub(super) fn undock_npc(world: &mut World, row: usize, thrust: f32, turn: f32) {
    let may_leave = world.entities.dock_ready_ticks[row] <= world.tick;
    if may_leave && world.undockings.npcs_left > 0 {
        world.undockings.npcs_left -= 1;
        cast_off(world, row, thrust, turn);
    }
}

/// Brings the ship in this row out of its dock, clear of all others.
fn cast_off(world: &mut World, row: usize, thrust: f32, turn: f32) {
    let Some(station) = world.entities.docks[row] else {
        return;
    };
    let (x, y) = world.place_outside(row, station);
    let entities = &mut world.entities;
    entities.docks[row] = None;
    if (x, y) != (entities.xs[row], entities.ys[row]) {
        (entities.xs[row], entities.ys[row]) = (x, y);
        entities.last_changed_ticks[row] = world.tick as u32;
    }
    entities.thrusts[row] = thrust;
    entities.turns[row] = turn;
    entities.dock_ready_ticks[row] = world.tick + DOCK_PAUSE_TICKS;
    let ship = entities.ids[row];
    world.outcome.events.push(Event {
        kind: EventKind::Undocked { ship, station },
        x,
        y,
    });
}

/// Docks whoever asks for it and may. Linear in rows, and in stations for each that asks.
pub(super) fn dock(world: &mut World) {
    let universe = std::sync::Arc::clone(&world.universe);
    let stations = &universe.systems[world.system_index.0 as usize].stations;
    for row in stations.len()..world.entities.len() {
        let entities = &world.entities;
        let asks =
            entities.dock_requests[row] && entities.thrusts[row] <= 0.0 && entities.hulls[row] > 0;
        let may = entities.docks[row].is_none() && entities.dock_ready_ticks[row] <= world.tick;
        if !asks || !may {
            continue;
        }
        let (x, y) = (entities.xs[row], entities.ys[row]);
        let (vx, vy) = (entities.vxs[row], entities.vys[row]);
        let speed = (vx * vx + vy * vy).sqrt();
        if let Some(station) = docking_slot_for(stations, x, y, speed) {
            moor(world, row, station);
        }
    }
}

/// The first station that takes a ship at this place and speed.
fn docking_slot_for(stations: &[Station], x: f32, y: f32, speed: f32) -> Option<StationIndex> {
    let fits = |station: &Station| {
        let (dx, dy) = (x - station.x, y - station.y);
        dx * dx + dy * dy <= station.docking_radius * station.docking_radius
            && speed <= station.docking_speed_max
    };
    let index = stations.iter().position(fits)?;
    Some(StationIndex(index as u16))
}

/// Brings the ship in this row to rest at a station.
fn moor(world: &mut World, row: usize, station: StationIndex) {
    let entities = &mut world.entities;
    entities.docks[row] = Some(station);
    entities.vxs[row] = 0.0;
    entities.vys[row] = 0.0;
    entities.turns[row] = 0.0;
    entities.dock_ready_ticks[row] = world.tick + DOCK_PAUSE_TICKS;
    entities.last_changed_ticks[row] = world.tick as u32;
    if let Some(index) = world.pilots.index(entities.handles()[row]) {
        world.pilots.homes[index] = Some((world.system_index, station));
    }
    world.outcome.events.push(Event {
        kind: EventKind::Docked {
            ship: entities.ids[row],
            station,
        },
        x: entities.xs[row],
        y: entities.ys[row],
    });
}

#[cfg(test)]
#[path = "docking_tests.rs"]
mod tests;
