//! Reaping: the end of the tick, when rows go and come back.
//!
//! Owns the end of shots and ships, and the return of pilots whose ship was destroyed. Rows are
//! taken out only here and between ticks, so every earlier phase can rely on row numbers; rows that
//! appear in between stand behind all others.

use super::entities::Row;
use super::entity_id::EntityId;
use super::outcome::{Removal, RemovalReason};
use super::pilot::Place;
use super::world::World;
use crate::ids::{EntityKind, Handle};
use crate::limits::{DOCK_PAUSE_TICKS, RESPAWN_TICKS};

/// Deadline of a shot that hit: long past, and told from one that ran out.
pub(super) const SPENT: u64 = 0;

/// A pilot's ship that was destroyed and will be back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wreck {
    /// The ship; aside.
    pub(super) ship: Handle,
    /// Its wire id, kept.
    pub(super) id: EntityId,
    /// The tick in which it is back.
    pub(super) due: u64,
}

/// Takes out what has ended and brings back whoever is due. Linear in shots, and in the dead.
pub(super) fn reap(world: &mut World) {
    end_shots(world);
    bury(world);
    restore_wrecks(world);
}

/// Shots end that hit, ran out or flew into a wall. From the last row down: what moves into a gap
/// has been looked at.
fn end_shots(world: &mut World) {
    let wall = world.flight().wall;
    for row in (world.stations_count()..world.entities.len()).rev() {
        let entities = &world.entities;
        if entities.kinds[row] != EntityKind::Projectile {
            continue;
        }
        let deadline = entities.deadlines[row];
        let outside = entities.xs[row].abs() >= wall || entities.ys[row].abs() >= wall;
        if deadline > world.tick && !outside {
            continue;
        }
        let gone = if deadline == SPENT {
            RemovalReason::Destroyed
        } else {
            RemovalReason::Despawned
        };
        if let Some(shot) = world.entities.remove(entities.handles()[row]) {
            report(world, &shot, gone);
        }
    }
}

/// Takes the destroyed out of space. A pilot's ship keeps its handle; the others are forgotten.
fn bury(world: &mut World) {
    let mut dead = std::mem::take(&mut world.dead);
    for ship in dead.drain(..) {
        let pilot = world.pilots.index(ship);
        let row = match pilot {
            Some(_) => world.entities.withdraw(ship),
            None => world.entities.remove(ship),
        };
        let Some(row) = row else { continue };
        report(world, &row, RemovalReason::Destroyed);
        if pilot.is_some() {
            world.wrecks.push(Wreck {
                ship,
                id: row.id,
                due: world.tick + RESPAWN_TICKS,
            });
        }
    }
    world.dead = dead;
}

fn report(world: &mut World, row: &Row, gone: RemovalReason) {
    let departure = Removal::of(row, gone, world.is_carried);
    world.outcome.departures.push(departure);
}

/// Ships come back docked at home, or at the spawn where there is no station; one for which there
/// is no room tries again next tick.
fn restore_wrecks(world: &mut World) {
    let mut at = 0;
    while let Some(&wreck) = world.wrecks.get(at) {
        if wreck.due <= world.tick && restore(world, wreck) {
            world.wrecks.remove(at);
        } else {
            at += 1;
        }
    }
}

fn restore(world: &mut World, wreck: Wreck) -> bool {
    let home = world.pilots.index(wreck.ship);
    let place = world.respawn_station(home.and_then(|index| world.pilots.homes[index]));
    let dock = match place {
        Place::Docked(station) => Some(station),
        _ => None,
    };
    let Some(pose) = world.pose_for(place) else {
        return false;
    };
    let mut row = world.ship_row(EntityKind::PlayerShip, wreck.id, pose, dock);
    // It counts as docking now: being shot down is no quicker way through a dock than flying.
    row.dock_ready_tick = world.tick + DOCK_PAUSE_TICKS;
    world.entities.restore(wreck.ship, row)
}
