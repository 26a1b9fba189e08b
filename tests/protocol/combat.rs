//! Fights: what a hit does, to whom it is told, where it is forbidden, and what a kill brings.

use std::f64::consts::TAU;

use orrery::ids::EntityKind;
use orrery::wire::world::{Event, Gone};
use orrery::wire::{CombatKind, ErrorCode, Reply};

use crate::support::{Client, Server, Setup, buy, repair, sell, worlds};

/// Turns towards a target and holds the trigger while it is ahead.
fn aim_and_fire(client: &mut Client, target: &str) {
    let (Some(ship), Some(other)) = (client.sky.ship(), client.sky.entities.get(target)) else {
        return;
    };
    let (dx, dy) = (
        other.x.to_f64() - ship.x.to_f64(),
        other.y.to_f64() - ship.y.to_f64(),
    );
    let off = (dy.atan2(dx) - ship.r.to_f64() + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
    let is_ahead = off.abs() < 0.15;
    // Two thirds of what is missing a tick: inputs take a tick or two to come back.
    let turn = if is_ahead { 0.0 } else { off * 3.0 };
    client.control(0.0, turn, is_ahead, false);
}

/// Fires at a target until something holds.
fn attack(client: &mut Client, target: &str, what: &str, mut holds: impl FnMut(&Client) -> bool) {
    let mut steered_at = 0;
    client.until(what, |client, _| {
        // SAFETY of the rate: one input a third tick.
        let _ = &client;
        true
    });
    let deadline = std::time::Instant::now() + crate::support::PATIENCE;
    while !holds(client) {
        assert!(std::time::Instant::now() < deadline, "never: {what}");
        if client.sky.tick >= steered_at + 3 {
            steered_at = client.sky.tick;
            aim_and_fire(client, target);
        }
        client.next();
    }
    client.control(0.0, 0.0, false, false);
}
