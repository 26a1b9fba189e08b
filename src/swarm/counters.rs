//! What a swarm counts while it flies.
//!
//! Faults, refusals and orders are counted from the first connection to the last close; the stream
//! (deltas, gaps, bytes, inputs) only while measuring. All of it is bounded: counters, three
//! histograms, and maps whose keys are closed lists or capped.

use std::collections::BTreeMap;
use std::time::Duration;

use super::histogram::DurationHistogram;
use crate::protocol::ErrorCode;

/// Most different reasons for failed connections that are told apart.
const FAILURES_MAX: usize = 32;

/// The counters of one run.
#[derive(Debug, Default)]
pub(super) struct SwarmCounters {
    /// Whether the stream is being measured now.
    pub(super) is_measuring: bool,
    pub(super) deltas: u64,
    pub(super) snapshots: u64,
    pub(super) bytes: u64,
    /// Bytes of the longest delta.
    pub(super) delta_bytes_max: u64,
    /// Deltas in which a bot looked for its own ship, and found it.
    pub(super) own_looks: u64,
    pub(super) own_found: u64,
    /// Time between two messages of the state stream, over all bots.
    pub(super) gaps: DurationHistogram,
    /// Ticks that no message told of.
    pub(super) ticks_missed: u64,
    /// Times when the server's count of messages did not go on by one.
    pub(super) seq_breaks: u64,
    /// Messages that could not be read.
    pub(super) unreadable: u64,
    pub(super) rows_seen: u64,
    pub(super) deltas_opened: u64,
    pub(super) inputs: u64,
    /// Inputs that were due and not sent: the loop was late, or the socket full.
    pub(super) inputs_skipped: u64,
    pub(super) orders: u64,
    pub(super) orders_done: u64,
    pub(super) orders_refused: u64,
    /// Time from an order to its answer.
    pub(super) answers: DurationHistogram,
    pub(super) hits: u64,
    pub(super) destroyed: u64,
    /// Work of one turn of the loop.
    pub(super) turns: DurationHistogram,
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) closes: BTreeMap<u16, u64>,
    pub(super) failures: BTreeMap<String, u64>,
    pub(super) joined: u32,
    pub(super) failed: u32,
    /// Bots that were in and whose connection ended before the swarm's own close.
    pub(super) lost: u32,
}

/// A gap still open when measuring ends is counted from this length on: shorter ones are just the
/// wait for the next tick.
const OPEN_GAP_MIN: Duration = Duration::from_millis(100);

impl SwarmCounters {
    /// A bot did not come in.
    pub(super) fn fail(&mut self, reason: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_MAX || self.failures.contains_key(&reason) {
            *self.failures.entry(reason).or_default() += 1;
        }
    }

    /// The server refused something.
    pub(super) fn error(&mut self, code: ErrorCode) {
        *self.errors.entry(code.as_str()).or_default() += 1;
    }

    /// The server ended a connection.
    pub(super) fn close(&mut self, code: u16) {
        *self.closes.entry(code).or_default() += 1;
    }

    /// A bot has waited this long for the message that measuring's end cut off.
    pub(super) fn open_gap(&mut self, waited: Duration) {
        if waited >= OPEN_GAP_MIN {
            self.gaps.record(waited);
        }
    }
}
