//! How long a bot waits: for a server that had no room for its login, and at most in all.

use std::time::{Duration, Instant};

use super::{Bot, BotState, BotTurn, ClientLink};
use crate::limits::SWARM_JOIN_MS_MAX;

impl Bot {
    /// When to connect again, if the server had no room for the login.
    pub(in crate::swarm) fn comes_again(&self) -> Option<Instant> {
        self.again.filter(|_| self.stage == BotState::Waiting)
    }

    /// The server refused the login for its own sake: a new connection, when it says so.
    pub(super) fn put_off(&mut self, wait_ms: u64, turn: &BotTurn<'_>) {
        self.link = ClientLink::Gone;
        self.stage = BotState::Waiting;
        let wait = Duration::from_millis(wait_ms.min(SWARM_JOIN_MS_MAX));
        self.again = Some(turn.now + wait);
        (self.seq, self.heard_seq) = (0, 0);
    }

    /// Gives up a bot that has not come in in time.
    pub(in crate::swarm) fn check_deadline(&mut self, turn: &mut BotTurn<'_>) {
        let is_on_the_way = self.comes_again().is_some()
            || matches!(
                self.stage,
                BotState::Connecting | BotState::LoggingIn | BotState::Joining | BotState::Arriving
            );
        let waited = self
            .began
            .map_or(0, |began| turn.now.duration_since(began).as_millis());
        if is_on_the_way && waited > u128::from(SWARM_JOIN_MS_MAX) {
            let reason = match self.stage {
                BotState::Waiting => "login: no room in time",
                BotState::Connecting => "connect: no answer in time",
                BotState::LoggingIn => "login: no answer in time",
                BotState::Joining => "join: no answer in time",
                _ => "join: no stream in time",
            };
            if self.stage == BotState::Arriving {
                turn.counters.joined = turn.counters.joined.saturating_sub(1);
            }
            self.fail(reason.to_owned(), turn);
        }
    }
}
