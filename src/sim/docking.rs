//! Docking: ships that ask for it, near and slow enough, come to rest at a station.
//!
//! Owns the way in; the way out is thrust (see [`control`](super::control)). A docked ship keeps its
//! place inside the docking radius, is intangible and invulnerable, and can't fire. The station
//! becomes its pilot's home.

use super::outcome::{Event, EventKind};
use super::world::World;
use crate::ids::StationIndex;
use crate::universe::Station;

/// Docks whoever asks for it and may. Linear in rows, and in stations for each that asks.
pub(super) fn dock(world: &mut World) {
    let universe = std::sync::Arc::clone(&world.universe);
    let stations = &universe.systems[world.system_index.0 as usize].stations;
    for row in stations.len()..world.entities.len() {
        let entities = &world.entities;
        let asks =
            entities.dock_requests[row] && entities.thrusts[row] <= 0.0 && entities.hulls[row] > 0;
        if !asks || entities.docks[row].is_some() {
            continue;
        }
        let (x, y) = (entities.xs[row], entities.ys[row]);
        let (vx, vy) = (entities.vxs[row], entities.vys[row]);
        let speed = (vx * vx + vy * vy).sqrt();
        if let Some(station) = berth_for(stations, x, y, speed) {
            moor(world, row, station);
        }
    }
}

/// The first station that takes a ship at this place and speed.
fn berth_for(stations: &[Station], x: f32, y: f32, speed: f32) -> Option<StationIndex> {
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
