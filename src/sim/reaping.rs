//! Reaping: the end of the tick, when rows go and come back.
//!
//! Owns the end of shots and ships, and the return of pilots whose ship was destroyed. Rows are
//! taken out only here and between ticks, so every earlier phase can rely on row numbers; rows that
//! appear in between stand behind all others.

use super::admission;
use super::entities::{Entities, Row};
use super::entity_id::EntityId;
use super::outcome::{Removal, RemovalReason};
use super::pilot::{Pilots, Place};
use super::spawning::{SpiralSearch, ship_row};
use super::step_context::StepContext;
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

/// Where rows that end are reported.
pub(super) struct Departures<'a> {
    pub(super) list: &'a mut Vec<Removal>,
    /// Whether the last tick was not shown.
    pub(super) is_carried: bool,
}

impl Departures<'_> {
    fn report(&mut self, row: &Row, gone: RemovalReason) {
        self.list.push(Removal::of(row, gone, self.is_carried));
    }
}

/// Shots end that hit, ran out or flew into a wall. From the last row down: what moves into a gap
/// has been looked at. Linear in rows.
pub(super) fn end_shots(
    context: &StepContext,
    entities: &mut Entities,
    departures: &mut Departures<'_>,
) {
    let wall = context.flight.wall;
    for row in (context.stations_count()..entities.len()).rev() {
        if entities.kinds[row] != EntityKind::Projectile {
            continue;
        }
        let deadline = entities.deadlines[row];
        let outside = entities.xs[row].abs() >= wall || entities.ys[row].abs() >= wall;
        if deadline > context.tick && !outside {
            continue;
        }
        let gone = if deadline == SPENT {
            RemovalReason::Destroyed
        } else {
            RemovalReason::Despawned
        };
        let shot = entities.remove_row(row);
        departures.report(&shot, gone);
    }
}

/// Takes the destroyed out of space. A pilot's ship keeps its handle; the others are forgotten.
/// Linear in the dead.
pub(super) fn bury(
    context: &StepContext,
    dead: &mut Vec<Handle>,
    entities: &mut Entities,
    pilots: &Pilots,
    wrecks: &mut Vec<Wreck>,
    departures: &mut Departures<'_>,
) {
    for ship in dead.drain(..) {
        let pilot = pilots.index(ship);
        let row = match pilot {
            Some(_) => entities.withdraw(ship),
            None => entities.remove(ship),
        };
        let Some(row) = row else {
            unreachable!("{ship:?} was destroyed in this tick and is out of space already");
        };
        departures.report(&row, RemovalReason::Destroyed);
        if pilot.is_some() {
            wrecks.push(Wreck {
                ship,
                id: row.id,
                due: context.tick + RESPAWN_TICKS,
            });
        }
    }
}

/// Ships come back docked at home, or at the spawn where there is no station; one for which there
/// is no room tries again next tick. Linear in wrecks.
pub(super) fn restore_wrecks(
    context: &StepContext,
    wrecks: &mut Vec<Wreck>,
    entities: &mut Entities,
    pilots: &Pilots,
    spiral: &mut SpiralSearch,
) {
    wrecks.retain(|wreck| {
        wreck.due > context.tick || !restore(context, wreck, entities, pilots, spiral)
    });
}

/// Brings a ship back; says whether there was room for it.
fn restore(
    context: &StepContext,
    wreck: &Wreck,
    entities: &mut Entities,
    pilots: &Pilots,
    spiral: &mut SpiralSearch,
) -> bool {
    let Some(index) = pilots.index(wreck.ship) else {
        unreachable!("{:?} has no pilot", wreck.ship);
    };
    if !entities.has_room() {
        return false;
    }
    let place = admission::respawn_place(context, pilots.homes[index]);
    let dock = match place {
        Place::Docked(station) => Some(station),
        _ => None,
    };
    let Some(pose) = spiral.pose_for(context, entities, place) else {
        return false;
    };
    let row = Row {
        // It counts as docking now: being shot down is no quicker way through a dock than flying.
        dock_ready_tick: context.tick + DOCK_PAUSE_TICKS,
        ..ship_row(context, EntityKind::PlayerShip, wreck.id, pose, dock)
    };
    let is_back = entities.restore(wreck.ship, row);
    assert!(is_back, "a wreck's ship is aside, and there is room");
    true
}
