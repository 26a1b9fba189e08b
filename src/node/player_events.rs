//! What players do, as log lines at the default level: joined a system, jumped, was destroyed, was
//! stored. Logins and closes are in the gateway's log, which knows the address.
//!
//! All lines share one budget; a line says how many were left out before it.

use tracing::info;

use crate::bucket::LogBudget;
use crate::ids::{Millis, Name, PlayerId};
use crate::limits::{RATE_LOG_PLAYERS, TICK_RATE_HZ};

/// The log of a node's players.
#[derive(Debug)]
pub(super) struct PlayerEvents {
    budget: LogBudget,
    now: Millis,
}

impl Default for PlayerEvents {
    fn default() -> Self {
        Self {
            budget: LogBudget::new(RATE_LOG_PLAYERS),
            now: Millis(0),
        }
    }
}

impl PlayerEvents {
    /// Moves the budget's time on to a tick.
    pub(super) const fn begin_tick(&mut self, tick: u64) {
        self.now = Millis(tick * 1_000 / TICK_RATE_HZ as u64);
    }

    pub(super) fn joined(&mut self, player: &PlayerId, system: &Name) {
        if let Some(left_out) = self.budget.take(self.now) {
            info!(%player, %system, left_out, "joined");
        }
    }

    pub(super) fn jumped(&mut self, player: &PlayerId, goal: Option<&Name>) {
        if let Some(left_out) = self.budget.take(self.now) {
            info!(%player, goal = goal.map(tracing::field::display), left_out, "jumped");
        }
    }

    /// `by` is the id of the ship that fired.
    pub(super) fn destroyed(&mut self, player: &PlayerId, system: &Name, by: &str) {
        if let Some(left_out) = self.budget.take(self.now) {
            info!(%player, %system, by, left_out, "ship destroyed");
        }
    }

    /// `has_connection` is false where the ship had lingered for its whole time.
    pub(super) fn logged_out(&mut self, player: &PlayerId, system: &Name, has_connection: bool) {
        if let Some(left_out) = self.budget.take(self.now) {
            let cause = if has_connection {
                "the server drains"
            } else {
                "its connection was lost and its time to linger is over"
            };
            info!(%player, %system, cause, left_out, "logged out, ship stored");
        }
    }
}
