//! What a shard has done so far, for the operator: counters that only its thread raises and
//! anybody may read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::connection::Fault;
use super::limiter::ConnectionRefusal;

/// A counter that one thread raises and any thread reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// The counters of one shard.
#[derive(Debug, Default)]
pub struct NetCounters {
    /// Connections now, whatever they are at.
    pub connections: Counter,
    /// Connections taken in.
    pub accepted: Counter,
    /// Connections turned away at the door, whatever the cause.
    pub refused: Counter,
    /// Of those, how many for each cause, in the order of [`ConnectionRefusal::ALL`].
    refusals: [Counter; ConnectionRefusal::ALL.len()],
    /// Connections that made room for others.
    pub displaced: Counter,
    /// TLS handshakes that made room for others.
    pub handshakes_displaced: Counter,
    /// Times that the process had no file descriptor left for a newcomer.
    pub descriptors_exhausted: Counter,
    /// Connections that became a WebSocket.
    pub opened: Counter,
    /// Of those, the ones that ended.
    pub closed: Counter,
    /// Of those, the ones that this layer ended for what their peers did, in the order of
    /// [`Fault::ALL`].
    faults: [Counter; Fault::ALL.len()],
    /// Plain HTTP requests answered.
    pub http_requests: Counter,
    /// Times that news of connections was taken from the kernel.
    pub looks: Counter,
    /// Deadlines that ran out, pings included.
    pub timers_fired: Counter,
    /// Messages handed to the service.
    pub messages_in: Counter,
    /// Payload bytes of those messages.
    pub message_bytes_in: Counter,
    /// Messages queued for clients.
    pub messages_out: Counter,
    /// Payload bytes of those messages.
    pub message_bytes_out: Counter,
    /// Messages that a full queue refused.
    pub messages_refused: Counter,
}

impl NetCounters {
    /// Connections turned away for this.
    pub fn refusals(&self, refusal: ConnectionRefusal) -> &Counter {
        &self.refusals[refusal as usize]
    }

    /// Connections that this layer ended for this.
    pub fn faults(&self, fault: Fault) -> &Counter {
        &self.faults[fault as usize]
    }
}
