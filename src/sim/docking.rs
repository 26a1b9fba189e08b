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

use super::columns::{Packer, StateBits, column_view, digest};
use super::control::Controls;
use super::entities::Entities;
use super::entity_id::EntityId;
use super::occupancy::BodyColumns;
use super::outcome::{Event, EventKind};
use super::pilot::Pilots;
use super::slots::Slots;
use super::spawning::SpiralSearch;
use super::step_context::StepContext;
use crate::ids::{EntityKind, Handle, StationIndex};
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

impl Undocking {
    /// Whether it was asked for in this tick, ahead of what has this number.
    pub(super) fn is_ahead_of(&self, seq: u64, tick: u64) -> bool {
        self.since_tick == tick && self.seq < seq
    }
}

impl StateBits for Undocking {
    const STATE_BITS: u32 = u64::BITS;

    /// A digest: few pilots wait to leave.
    #[expect(
        clippy::inline_always,
        reason = "the places of values in words are constants only where all is inlined"
    )]
    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        let Self {
            since_tick,
            seq,
            thrust,
            turn,
        } = self;
        let digest = digest(|words| {
            since_tick.put(words);
            seq.put(words);
            thrust.put(words);
            turn.put(words);
        });
        digest.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let of = |(since_tick, seq, thrust, turn)| Self {
            since_tick,
            seq,
            thrust,
            turn,
        };
        [
            (1, 1, 0.5, 0.5),
            (2, 1, 0.5, 0.5),
            (1, 2, 0.5, 0.5),
            (1, 1, 1.0, 0.5),
            (1, 1, 0.5, 1.0),
        ]
        .map(of)
        .to_vec()
    }
}

/// Who waits to leave; the columns say whether they still do. No longer than there are pilots, and
/// than a tick has commands.
#[derive(Debug, Default)]
pub(super) struct Undockings {
    waiting: Vec<Handle>,
    /// Those who may leave now.
    ready: Vec<Ready>,
    /// Ships of the server that may still undock in this tick.
    npcs_left: usize,
}

/// A pilot who may leave in this tick.
#[derive(Debug)]
struct Ready {
    /// Orders those who asked in one tick.
    draw: u64,
    ship: Handle,
    index: usize,
    row: usize,
    asked: Undocking,
}

impl Undockings {
    /// Takes the controls of a pilot who is docked; they are within their ranges.
    pub(super) fn hold(
        &mut self,
        context: &StepContext,
        asked: &mut Option<Undocking>,
        (ship, seq): (Handle, u64),
        Controls { thrust, turn, .. }: Controls,
        may_leave: bool,
    ) {
        match asked {
            None if thrust > 0.0 => {
                *asked = Some(Undocking {
                    since_tick: context.tick,
                    seq,
                    thrust,
                    turn,
                });
                self.waiting.push(ship);
            }
            Some(asked) if thrust > 0.0 || may_leave => {
                (asked.thrust, asked.turn) = (thrust, turn);
            }
            _ => *asked = None,
        }
    }
}

column_view! {
    /// What leaving a dock reads and writes.
    struct UndockColumns of Entities {
        reads {
            slots: Slots,
            ids: [EntityId],
            kinds: [EntityKind],
            radii: [f32],
        }
        writes {
            xs: [f32],
            ys: [f32],
            docks: [Option<StationIndex>],
            thrusts: [f32],
            turns: [f32],
            dock_ready_ticks: [u64],
            last_changed_ticks: [u32],
        }
    }
}

impl UndockColumns<'_> {
    fn bodies(&self) -> BodyColumns<'_> {
        BodyColumns {
            xs: self.xs,
            ys: self.ys,
            radii: self.radii,
            kinds: self.kinds,
            docks: self.docks,
        }
    }
}

/// Lets pilots leave who asked and may, those who asked first before the others; among those who
/// asked in one tick chance decides. Work: those who wait, and a bounded number of places.
pub(super) fn undock(
    context: &StepContext,
    undockings: &mut Undockings,
    mut columns: UndockColumns<'_>,
    pilots: &mut Pilots,
    spiral: &mut SpiralSearch,
    events: &mut Vec<Event>,
) {
    let Undockings {
        waiting,
        ready,
        npcs_left,
    } = undockings;
    *npcs_left = NPC_UNDOCKINGS_PER_TICK_MAX;
    ready.clear();
    // Who let go of the thrust and held it again stands in the list twice.
    waiting.sort_unstable();
    waiting.dedup();
    waiting.retain(|&ship| {
        // The pilot may have left the system since. A docked ship is not destroyed.
        let Some((index, row)) = pilots.index(ship).zip(columns.slots.row(ship)) else {
            return false;
        };
        // The thrust was let go of, or the ship has left.
        let Some(asked) = pilots.undockings[index] else {
            return false;
        };
        if columns.dock_ready_ticks[row] <= context.tick {
            ready.push(Ready {
                draw: pilots.draw(index, context.seed, context.tick),
                ship,
                index,
                row,
                asked,
            });
        }
        true
    });
    ready.sort_unstable_by_key(|pilot| (pilot.asked.since_tick, pilot.draw, pilot.ship));
    for pilot in ready.iter().take(UNDOCKINGS_PER_TICK_MAX) {
        let Undocking { thrust, turn, .. } = pilot.asked;
        pilots.undockings[pilot.index] = None;
        cast_off(
            context,
            &mut columns,
            pilot.row,
            (thrust, turn),
            spiral,
            events,
        );
    }
}

/// Lets a docked ship of the server leave, if it may and its turn comes in this tick.
pub(super) fn undock_npc(
    context: &StepContext,
    undockings: &mut Undockings,
    mut columns: UndockColumns<'_>,
    (row, thrust, turn): (usize, f32, f32),
    spiral: &mut SpiralSearch,
    events: &mut Vec<Event>,
) {
    let may_leave = columns.dock_ready_ticks[row] <= context.tick;
    if may_leave && undockings.npcs_left > 0 {
        undockings.npcs_left -= 1;
        cast_off(context, &mut columns, row, (thrust, turn), spiral, events);
    }
}

/// Brings the ship in this row out of its dock, clear of all others.
fn cast_off(
    context: &StepContext,
    columns: &mut UndockColumns<'_>,
    row: usize,
    (thrust, turn): (f32, f32),
    spiral: &mut SpiralSearch,
    events: &mut Vec<Event>,
) {
    // Who asked to leave while docked has been docked since: one leaves by this function alone.
    let Some(station) = columns.docks[row] else {
        unreachable!("row {row} leaves a dock that it is not in");
    };
    let (x, y) = spiral.place_outside(context, columns.bodies(), row, station);
    columns.docks[row] = None;
    if (x, y) != (columns.xs[row], columns.ys[row]) {
        (columns.xs[row], columns.ys[row]) = (x, y);
        columns.last_changed_ticks[row] = context.column_tick();
    }
    columns.thrusts[row] = thrust;
    columns.turns[row] = turn;
    columns.dock_ready_ticks[row] = context.tick + DOCK_PAUSE_TICKS;
    let ship = columns.ids[row];
    events.push(Event {
        kind: EventKind::Undocked { ship, station },
        x,
        y,
    });
}

column_view! {
    /// What docking reads and writes.
    struct DockColumns of Entities {
        reads {
            handles: [Handle],
            ids: [EntityId],
            xs: [f32],
            ys: [f32],
            thrusts: [f32],
            hulls: [i32],
            dock_requests: [bool],
        }
        writes {
            docks: [Option<StationIndex>],
            vxs: [f32],
            vys: [f32],
            turns: [f32],
            dock_ready_ticks: [u64],
            last_changed_ticks: [u32],
        }
    }
}

/// Docks whoever asks for it and may. Linear in rows, and in stations for each that asks.
pub(super) fn dock(
    context: &StepContext,
    mut columns: DockColumns<'_>,
    pilots: &mut Pilots,
    events: &mut Vec<Event>,
) {
    let stations = &context.system().stations;
    for row in stations.len()..columns.dock_requests.len() {
        let asks =
            columns.dock_requests[row] && columns.thrusts[row] <= 0.0 && columns.hulls[row] > 0;
        let may = columns.docks[row].is_none() && columns.dock_ready_ticks[row] <= context.tick;
        if !asks || !may {
            continue;
        }
        let (x, y) = (columns.xs[row], columns.ys[row]);
        let (vx, vy) = (columns.vxs[row], columns.vys[row]);
        let speed = (vx * vx + vy * vy).sqrt();
        if let Some(station) = docking_slot_for(stations, x, y, speed) {
            columns.moor(context, row, station);
            if let Some(index) = pilots.index(columns.handles[row]) {
                pilots.homes[index] = Some((context.system_index, station));
            }
            let ship = columns.ids[row];
            events.push(Event {
                kind: EventKind::Docked { ship, station },
                x,
                y,
            });
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

impl DockColumns<'_> {
    /// Brings the ship in this row to rest at a station.
    fn moor(&mut self, context: &StepContext, row: usize, station: StationIndex) {
        self.docks[row] = Some(station);
        self.vxs[row] = 0.0;
        self.vys[row] = 0.0;
        self.turns[row] = 0.0;
        self.dock_ready_ticks[row] = context.tick + DOCK_PAUSE_TICKS;
        self.last_changed_ticks[row] = context.column_tick();
    }
}

#[cfg(test)]
#[path = "docking_tests.rs"]
mod tests;
