//! TLS handshakes under way: each counts from its first byte, and for one too many the oldest ends.
//!
//! A connection that has not said a word is no handshake yet; it only holds a place among all
//! connections, see [`ConnectionLimiter`](crate::net::limiter::ConnectionLimiter).

use super::{Shard, Transport};
use crate::net::slot_list::SlotList;

/// The handshakes of a shard, by slot.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    /// The oldest first.
    under_way: SlotList,
    /// How many may still be moved on in this turn.
    pub(super) left_in_turn: usize,
}

impl Handshakes {
    /// The connection is no handshake any more.
    pub(super) fn leave(&mut self, slot: u32) {
        self.under_way.remove(slot);
    }
}

impl<S: Transport> Shard<S> {
    /// Takes note of a connection's first byte and of the end of its handshake.
    pub(super) fn note_progress(&mut self, slot: u32) {
        let Some(entry) = self.entries.get_mut(slot as usize) else {
            return;
        };
        let has_spoken = entry.is_silent && !entry.connection.is_silent();
        if has_spoken {
            entry.is_silent = false;
            entry.permit.has_spoken();
        }
        if !entry.is_handshaking {
            return;
        }
        if !entry.connection.is_handshaking() {
            entry.is_handshaking = false;
            self.handshakes.leave(slot);
        } else if has_spoken {
            self.begin_handshake(slot);
        }
    }

    fn begin_handshake(&mut self, slot: u32) {
        let under_way = &self.handshakes.under_way;
        if under_way.len() >= self.common.config.tls_handshakes_max
            && let Some(oldest) = under_way.front()
        {
            self.displace(oldest);
            self.counters.handshakes_displaced.add(1);
        }
        self.handshakes.under_way.push_back(slot);
    }
}
