//! Control: the tick's commands become intent in the columns, and orders at the station's market.
//!
//! Owns the order in which commands count and the rule that nothing a client sent can be out of
//! range. Motion, docking and fire read the columns later. Controls stay in force until the next
//! steering.
//!
//! A docked ship is at rest: its thrust and rudder in force are 0, and steering with thrust asks
//! [`docking`](super::docking) to undock it.

use super::columns::column_view;
use super::command::Command;
use super::docking::Undockings;
use super::entities::Entities;
use super::orders::TickOrders;
use super::pilot::Pilots;
use super::slots::Slots;
use super::step_context::StepContext;
use crate::ids::{Handle, StationIndex};
use crate::limits::COMMANDS_PER_TICK_MAX;

/// What a pilot's hands do, whoever the pilot is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Controls {
    /// Thrust, 0–1 after clamping.
    pub(super) thrust: f32,
    /// Rudder, −1–1 after clamping.
    pub(super) turn: f32,
    /// Whether the trigger is held.
    pub(super) fire: bool,
    /// Whether docking is asked for.
    pub(super) dock: bool,
}

column_view! {
    /// What steering reads and writes.
    struct ControlColumns of Entities {
        reads {
            slots: Slots,
            docks: [Option<StationIndex>],
            dock_ready_ticks: [u64],
        }
        writes {
            thrusts: [f32],
            turns: [f32],
            triggers: [bool],
            dock_requests: [bool],
        }
    }
}

/// Applies the oldest commands, at most [`COMMANDS_PER_TICK_MAX`], by (slot, seq).
pub(super) fn apply(
    context: &StepContext,
    commands: &mut Vec<Command>,
    mut columns: ControlColumns<'_>,
    pilots: &mut Pilots,
    undockings: &mut Undockings,
    orders: &mut TickOrders,
) {
    let count = commands.len().min(COMMANDS_PER_TICK_MAX);
    let (now, _) = commands.split_at_mut(count);
    now.sort_unstable_by_key(|command| (command.ship(), command.seq()));
    for command in now.iter() {
        match *command {
            Command::Order {
                ship,
                seq,
                ticket,
                order,
            } => orders.note(context, pilots, ship, seq, ticket, order),
            Command::Steer {
                ship,
                seq,
                thrust,
                turn,
                fire,
                dock,
            } => {
                let controls = Controls {
                    thrust,
                    turn,
                    fire,
                    dock,
                };
                let controls = controls.clamped();
                steer(
                    context,
                    (ship, seq),
                    controls,
                    &mut columns,
                    pilots,
                    undockings,
                );
            }
        }
    }
    commands.drain(..count);
}

/// Sets the controls of a pilot's ship, unless a newer input has.
fn steer(
    context: &StepContext,
    (ship, seq): (Handle, u64),
    controls: Controls,
    columns: &mut ControlColumns<'_>,
    pilots: &mut Pilots,
    undockings: &mut Undockings,
) {
    // A command may have waited while its pilot left.
    let Some(index) = pilots.index(ship) else {
        return;
    };
    let newest = &mut pilots.last_input_seqs[index];
    if newest.is_some_and(|newest| seq <= newest) {
        return;
    }
    *newest = Some(seq);
    // A destroyed ship has no controls. The input counts as seen all the same.
    let Some(row) = columns.slots.row(ship) else {
        return;
    };
    if columns.docks[row].is_some() {
        let may_leave = columns.dock_ready_ticks[row] <= context.tick;
        let asked = &mut pilots.undockings[index];
        undockings.hold(context, asked, (ship, seq), controls, may_leave);
    }
    columns.set(row, controls);
}

impl ControlColumns<'_> {
    /// Puts controls into force; of a docked ship neither thrust nor rudder.
    pub(super) fn set(&mut self, row: usize, controls: Controls) {
        let is_docked = self.docks[row].is_some();
        self.thrusts[row] = if is_docked { 0.0 } else { controls.thrust };
        self.turns[row] = if is_docked { 0.0 } else { controls.turn };
        self.triggers[row] = controls.fire;
        self.dock_requests[row] = controls.dock;
    }
}

impl Controls {
    pub(super) fn clamped(self) -> Self {
        Self {
            thrust: within(self.thrust, 0.0, 1.0),
            turn: within(self.turn, -1.0, 1.0),
            ..self
        }
    }
}

fn within(value: f32, low: f32, high: f32) -> f32 {
    if value.is_finite() {
        value.clamp(low, high)
    } else {
        0.0
    }
}
