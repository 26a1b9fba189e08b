//! Control: the tick's commands become intent in the columns, and orders at the station's desk.
//!
//! Owns the order in which commands count and the rule that nothing a client sent can be out of
//! range. Motion, docking and fire read the columns later. Controls stay in force until the next
//! steering.
//!
//! A docked ship is at rest: its thrust and rudder in force are 0, and steering with thrust undocks
//! it first. Orders wait for the end of docking, so that one may follow its docking request at once;
//! those that stand before an undocking are filled before it.

use super::command::Command;
use super::entities::Entities;
use super::orders;
use super::outcome::{Event, EventKind, Outcome};
use super::world::World;
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
        let Command::Steer {
            ship,
            seq,
            thrust,
            turn,
            fire,
            dock,
        } = *command
        else {
            world.orders.push(*command);
            continue;
        };
        let Some(index) = world.pilots.index(ship) else {
            continue;
        };
        let newest = &mut world.pilots.last_input_seqs[index];
        if newest.is_some_and(|newest| seq <= newest) {
            continue;
        }
        *newest = Some(seq);
        if let Some(row) = world.entities.row(ship) {
            if thrust > 0.0 && world.entities.docks[row].is_some() {
                orders::fill_newest_of(world, ship);
            }
            let controls = Controls {
                thrust,
                turn,
                fire,
                dock,
            };
            steer(&mut world.entities, &mut world.outcome, row, controls);
        }
    }
    commands.drain(..count);
}

/// Sets the controls of one ship; thrust above 0 undocks it.
pub(super) fn steer(
    entities: &mut Entities,
    outcome: &mut Outcome,
    row: usize,
    controls: Controls,
) {
    let thrust = within(controls.thrust, 0.0, 1.0);
    let turn = within(controls.turn, -1.0, 1.0);
    if thrust > 0.0
        && let Some(station) = entities.docks[row].take()
    {
        let ship = entities.ids[row];
        outcome.events.push(Event {
            kind: EventKind::Undocked { ship, station },
            x: entities.xs[row],
            y: entities.ys[row],
        });
    }
    let docked = entities.docks[row].is_some();
    entities.thrusts[row] = thrust;
    entities.turns[row] = if docked { 0.0 } else { turn };
    entities.triggers[row] = controls.fire;
    entities.dock_requests[row] = controls.dock;
}

fn within(value: f32, low: f32, high: f32) -> f32 {
    if value.is_finite() {
        value.clamp(low, high)
    } else {
        0.0
    }
}
