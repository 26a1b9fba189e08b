//! What becomes of clients, as log lines: who logged in, whose request or login was refused, whose
//! connection was closed, by whom and why.
//!
//! A line names player, address, cause and code, and never a token nor text of the peer's own.
//! Players and strangers have budgets of their own, so that no crowd of strangers hides what happened
//! to a player.

use std::net::IpAddr;

use tracing::{debug, info};

use crate::bucket::LogBudget;
use crate::ids::{ConnId, Millis, PlayerId};
use crate::limits::{DISPLACED_CLOSE_CODE, RATE_LOG_PLAYERS, RATE_LOG_STRANGERS};
use crate::net::connection::CloseCause;
use crate::protocol::{CloseCode, ErrorCode};

/// Whom a line is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) conn: ConnId,
    pub(super) address: IpAddr,
    /// Whom a good token named.
    pub(super) player: Option<&'a PlayerId>,
}

/// How a connection ended: the close frame's code, where this side sent one, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionEnd {
    code: Option<u16>,
    cause: &'static str,
}

impl ConnectionEnd {
    /// `closing` is the code with which this gateway closed it, if it did.
    pub(super) fn of(cause: CloseCause, closing: Option<CloseCode>) -> Self {
        let (code, cause) = match (cause, closing) {
            (_, Some(code)) => (Some(code.as_u16()), code.reason()),
            (CloseCause::Fault(fault), None) => (Some(fault.code()), fault.reason()),
            (CloseCause::Displaced, None) => (
                Some(DISPLACED_CLOSE_CODE),
                "all places are taken, and it made room for another connection",
            ),
            (CloseCause::Stopping, None) => {
                let draining = CloseCode::Draining;
                (Some(draining.as_u16()), draining.reason())
            }
            // This gateway notes the code of each close, so nothing else is known here.
            (CloseCause::Service, None) => (None, "the server closed it"),
            (CloseCause::Peer, None) => (None, "the peer or its network ended it"),
        };
        Self { code, cause }
    }
}

/// The log of one gateway's clients.
#[derive(Debug)]
pub(super) struct ClientEvents {
    players: LogBudget,
    strangers: LogBudget,
    requests: LogBudget,
}

impl Default for ClientEvents {
    fn default() -> Self {
        Self {
            players: LogBudget::new(RATE_LOG_PLAYERS),
            strangers: LogBudget::new(RATE_LOG_STRANGERS),
            requests: LogBudget::new(RATE_LOG_PLAYERS),
        }
    }
}

impl ClientEvents {
    /// How many lines were left out before this one, or none if it is left out.
    fn take(&mut self, subject: Subject<'_>, now: Millis) -> Option<u64> {
        let budget = match subject.player {
            Some(_) => &mut self.players,
            None => &mut self.strangers,
        };
        budget.take(now)
    }

    pub(super) fn logged_in(&mut self, subject: Subject<'_>, now: Millis) {
        if let Some(left_out) = self.take(subject, now) {
            let player = subject.player.map(tracing::field::display);
            info!(player, address = %subject.address, conn = %subject.conn, left_out, "logged in");
        }
    }

    pub(super) fn login_refused(&mut self, subject: Subject<'_>, code: ErrorCode, now: Millis) {
        if let Some(left_out) = self.take(subject, now) {
            let player = subject.player.map(tracing::field::display);
            let (address, conn) = (subject.address, subject.conn);
            info!(player, %address, %conn, code = code.as_str(), left_out, "login or token refused");
        }
    }

    /// Below the default level: a refused order is a part of the game.
    pub(super) fn request_refused(
        &mut self,
        subject: Subject<'_>,
        seq: Option<u64>,
        code: ErrorCode,
        now: Millis,
    ) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let Some(left_out) = self.requests.take(now) else {
            return;
        };
        let player = subject.player.map(tracing::field::display);
        let (address, conn) = (subject.address, subject.conn);
        debug!(player, %address, %conn, seq, code = code.as_str(), left_out, "request refused");
    }

    pub(super) fn closed(&mut self, subject: Subject<'_>, ending: ConnectionEnd, now: Millis) {
        if let Some(left_out) = self.take(subject, now) {
            let player = subject.player.map(tracing::field::display);
            let (address, conn) = (subject.address, subject.conn);
            let ConnectionEnd { code, cause } = ending;
            info!(player, %address, %conn, code, cause, left_out, "connection closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::connection::Fault;

    #[test]
    fn an_ending_says_its_code_and_cause_whoever_ended_the_connection() {
        for (cause, closing, code, told) in [
            (
                CloseCause::Service,
                Some(CloseCode::Replaced),
                Some(4003),
                "newer login",
            ),
            (
                CloseCause::Peer,
                Some(CloseCode::TooSlow),
                Some(4004),
                "too slowly",
            ),
            (
                CloseCause::Fault(Fault::Silence),
                None,
                Some(1001),
                "nothing heard",
            ),
            (CloseCause::Displaced, None, Some(1013), "made room"),
            (CloseCause::Stopping, None, Some(1001), "shutting down"),
            (CloseCause::Peer, None, None, "the peer"),
        ] {
            let ending = ConnectionEnd::of(cause, closing);
            assert_eq!(ending.code, code, "{cause:?}");
            assert!(ending.cause.contains(told), "{ending:?}");
        }
    }
}
