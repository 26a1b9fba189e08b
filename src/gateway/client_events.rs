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
use crate::limits::{RATE_LOG_PLAYERS, RATE_LOG_STRANGERS};
use crate::net::connection::Fault;
use crate::protocol::{CloseCode, ErrorCode};

/// Whom a line is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) conn: ConnId,
    pub(super) address: IpAddr,
    /// Whom a good token named.
    pub(super) player: Option<&'a PlayerId>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClosedBy {
    /// The server, with this code.
    Server(CloseCode),
    /// The server, for what the peer did on the level of frames.
    Fault(Fault),
    /// The peer or the network; also the server where the connection made room for another.
    Peer,
}

/// The log of one gateway's clients.
#[derive(Debug)]
pub(super) struct ClientEvents {
    players: LogBudget,
    strangers: LogBudget,
}

impl Default for ClientEvents {
    fn default() -> Self {
        Self {
            players: LogBudget::new(RATE_LOG_PLAYERS),
            strangers: LogBudget::new(RATE_LOG_STRANGERS),
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
            info!(player, %address, %conn, code = code.as_str(), left_out, "login refused");
        }
    }

    /// Below the default level: a refused order is a part of the game.
    pub(super) fn request_refused(subject: Subject<'_>, seq: Option<u64>, code: ErrorCode) {
        let player = subject.player.map(tracing::field::display);
        let (address, conn) = (subject.address, subject.conn);
        debug!(player, %address, %conn, seq, code = code.as_str(), "request refused");
    }

    pub(super) fn closed(&mut self, subject: Subject<'_>, by: ClosedBy, now: Millis) {
        let Some(left_out) = self.take(subject, now) else {
            return;
        };
        let player = subject.player.map(tracing::field::display);
        let (address, conn) = (subject.address, subject.conn);
        match by {
            ClosedBy::Server(code) => info!(
                player, %address, %conn, code = code.as_u16(), cause = code.reason(), left_out,
                "connection closed by the server"
            ),
            ClosedBy::Fault(fault) => info!(
                player, %address, %conn, code = fault.code(), cause = fault.reason(), left_out,
                "connection closed by the server"
            ),
            ClosedBy::Peer => info!(
                player, %address, %conn, left_out,
                "connection ended by the peer or its network"
            ),
        }
    }
}
