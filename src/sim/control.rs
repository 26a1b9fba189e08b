//! Control: the tick's commands become intent in the columns, and orders at the station's desk.
//!
//! Owns the order in which commands count and the rule that nothing a client sent can be out of
//! range. Motion, docking and fire read the columns later. Controls stay in force until the next
//! steering.
//!
//! A docked ship is at rest: its thrust and rudder in force are 0, and steering with thrust asks
//! [`docking`](super::docking) to undock it.

use super::command::Command;
use super::entities::Entities;
use super::world::World;
use super::{docking, orders};
use crate::ids::Handle;
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

/// Applies the oldest commands, at most [`COMMANDS_PER_TICK_MAX`], by (slot, seq).
pub(super) fn take(world: &mut World, commands: &mut Vec<Command>) {
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
            } => orders::take(world, ship, seq, ticket, order),
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
                steer(world, ship, seq, controls);
            }
        }
    }
    commands.drain(..count);
}

/// Sets the controls of a pilot's ship, unless a newer input has.
fn steer(world: &mut World, ship: Handle, seq: u64, controls: Controls) {
    let Some(index) = world.pilots.index(ship) else {
        return;
    };
    let newest = &mut world.pilots.last_input_seqs[index];
    if newest.is_some_and(|newest| seq <= newest) {
        return;
    }
    *newest = Some(seq);
    let Some(row) = world.entities.row(ship) else {
        return;
    };
    let controls = controls.clamped();
    if world.entities.docks[row].is_some() {
        docking::hold(world, index, row, seq, controls);
    }
    set(&mut world.entities, row, controls);
}

/// Sets the controls of a ship that the server flies.
pub(super) fn steer_npc(world: &mut World, row: usize, controls: Controls) {
    let controls = controls.clamped();
    if controls.thrust > 0.0 && world.entities.docks[row].is_some() {
        docking::undock_npc(world, row, controls.thrust, controls.turn);
    }
    set(&mut world.entities, row, controls);
}

/// Puts controls into force; of a docked ship neither thrust nor rudder.
fn set(entities: &mut Entities, row: usize, controls: Controls) {
    let is_docked = entities.docks[row].is_some();
    entities.thrusts[row] = if is_docked { 0.0 } else { controls.thrust };
    entities.turns[row] = if is_docked { 0.0 } else { controls.turn };
    entities.triggers[row] = controls.fire;
    entities.dock_requests[row] = controls.dock;
}

impl Controls {
    fn clamped(self) -> Self {
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
