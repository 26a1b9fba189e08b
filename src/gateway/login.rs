//! Logins that a gateway refuses for the server's sake, and the lines that tell operators of them.

use std::net::IpAddr;

use tracing::warn;

use super::Gateway;
use crate::ids::{ConnId, Millis};
use crate::limits::{LOGIN_ANSWER_MS_MAX, LOGIN_REPORT_MS, LOGIN_RETRY_MS};
use crate::net::Io;
use crate::protocol::{ErrorCode, Reply};
use crate::session::Command;

/// Refused logins since the last line about them.
#[derive(Debug, Default)]
pub(super) struct LoginRefusals {
    over_rate: u64,
    /// Who was over its rate last.
    address: Option<IpAddr>,
    /// Logins that the store did not answer in time.
    pub(super) unanswered: u64,
    /// Logins for which there was no place.
    unplaced: u64,
    next_report: Millis,
}

impl LoginRefusals {
    /// Logs what was refused, at most every [`LOGIN_REPORT_MS`].
    pub(super) fn report(&mut self, now: Millis) {
        if now < self.next_report || self.over_rate + self.unanswered + self.unplaced == 0 {
            return;
        }
        self.next_report = now.plus(LOGIN_REPORT_MS);
        let (over_rate, unanswered) = (self.over_rate, self.unanswered);
        (self.over_rate, self.unanswered) = (0, 0);
        if let Some(address) = self.address.take() {
            warn!("{over_rate} logins were refused: too many from one address, {address} last");
        }
        let unplaced = std::mem::take(&mut self.unplaced);
        if unplaced > 0 {
            warn!(
                "{unplaced} logins were refused: all places are taken or kept for who comes back"
            );
        }
        if unanswered > 0 {
            warn!(
                "{unanswered} logins were refused: the store did not answer within \
                 {LOGIN_ANSWER_MS_MAX} ms"
            );
        }
    }
}

impl Gateway {
    /// Passes a login on, if there is a place for it and its address may log in once more.
    pub(super) fn log_in(&mut self, io: &mut dyn Io, conn: ConnId, login: Command) {
        let Some(address) = self.client(conn).map(|client| client.address) else {
            return;
        };
        let has_place = match &login {
            Command::Login { player, .. } => io.begin_login(conn, &player.0),
            _ => true,
        };
        let refusal = if !has_place {
            self.refusals.unplaced += 1;
            Reply::login_refusal(ErrorCode::SystemFull, LOGIN_RETRY_MS)
        } else if let Err(wait_ms) = self.parts.logins.take(address, io.now()) {
            self.refusals.over_rate += 1;
            self.refusals.address = Some(address);
            Reply::login_refusal(ErrorCode::RateLimited, wait_ms)
        } else {
            self.pass_on(io, conn, login);
            return;
        };
        let reply_to = login.owed_seq().map(crate::protocol::Seq::number);
        self.tell(io, conn, &refusal, reply_to);
    }
}
