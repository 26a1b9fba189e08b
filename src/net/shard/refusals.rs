//! Tells operators, in few lines, who was turned away and why.
//!
//! A storm of strangers must not become a storm of log lines: what happens within
//! [`REFUSALS_LOG_MS`] of a line is counted and said in the next. The first is said at once.

use std::net::IpAddr;

use crate::ids::Millis;
use crate::limits::REFUSALS_LOG_MS;
use crate::net::limiter::ConnectionRefusal;

/// What was not said yet.
#[derive(Debug, Default)]
pub(super) struct ConnectionRefusals {
    counts: [u64; ConnectionRefusal::ALL.len()],
    displaced: u64,
    last_peer: Option<IpAddr>,
    said_at: Option<Millis>,
}

impl ConnectionRefusals {
    /// Somebody was turned away.
    pub(super) const fn note(&mut self, refusal: ConnectionRefusal, peer: IpAddr) {
        self.counts[refusal as usize] += 1;
        self.last_peer = Some(peer);
    }

    /// Somebody made room for another.
    pub(super) const fn note_displaced(&mut self) {
        self.displaced += 1;
    }

    /// Writes a line if there is something to say and it is time.
    pub(super) fn say(&mut self, now: Millis) {
        let [full, address, network, stopping] = self.counts;
        if full + address + network + stopping + self.displaced == 0 {
            return;
        }
        let rests = |said: Millis| now.since(said) < REFUSALS_LOG_MS;
        if self.said_at.is_some_and(rests) {
            return;
        }
        let last_peer = self.last_peer.map(tracing::field::display);
        tracing::warn!(
            full,
            address,
            network,
            stopping,
            displaced = self.displaced,
            last_peer,
            "connections were turned away, by cause, or made room for others"
        );
        *self = Self {
            said_at: Some(now),
            ..Self::default()
        };
    }
}
