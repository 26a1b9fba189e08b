//! What the net shards and the tick tell each other, and the bounded lanes it travels on.
//!
//! ```text
//! gate 0 ──ToCore──▶ inbox ──▶ core          core ──ToGate──▶ lane 0 ──▶ gate 0   (+ ring)
//! gate 1 ──ToCore──▶ inbox                        ──ToGate──▶ lane 1 ──▶ gate 1
//! ```
//!
//! A lane keeps order, so a `session.joined` reaches a gate before the first frame that shows the
//! pilot. A full lane is an answer: what the gate then does is said at [`ToCore`] and [`ToGate`].

use std::sync::Arc;

use super::mailbox::Mailbox;
use crate::ids::{ConnId, SystemIndex};
use crate::limits::GATE_LANE_MAX;
use crate::replication::TickFrame;
use crate::session::Command;
use crate::sync::{AtomicBool, Ordering};
use crate::wire::{CloseCode, Reply};

/// From a gate to the tick. When the inbox is full an input is dropped, a request is answered
/// `RATE_LIMITED`, and the end of a connection is tried again.
#[derive(Debug)]
pub enum ToCore {
    /// A validated command of a connection.
    Command {
        /// Whose it is.
        conn: ConnId,
        /// What it asks.
        command: Command,
    },
    /// The client missed state and can take it again: the next frame shall carry a snapshot.
    SnapshotWanted(ConnId),
    /// The connection is over.
    Closed(ConnId),
}

/// An answer to one request, or a message of its own.
#[derive(Debug)]
pub struct Letter {
    /// Whom it is for.
    pub conn: ConnId,
    /// The request's `seq`, where it answers one.
    pub reply_to: Option<u64>,
    /// What it says.
    pub reply: Reply,
    /// The system whose state it tells of, where it waits for a batch.
    pub system: Option<SystemIndex>,
    /// It may be told once this batch is durable; 0 is at once.
    pub batch: u64,
}

/// From the tick to a gate. When a lane is full its gate has hung for seconds: the lane is marked
/// broken, and the gate ends all its connections once it runs again, so that nobody goes on with
/// a hole in what it was told.
#[derive(Debug)]
pub enum ToGate {
    /// Something to tell a client.
    Letter(Letter),
    /// The state of a system; each of the gate's pilots in it gets its part.
    Frame(Arc<TickFrame>),
    /// End a connection.
    Close(ConnId, CloseCode),
    /// Tell everybody that the server goes down, and until when.
    Drain {
        /// Milliseconds until the sockets close.
        deadline_ms: u64,
    },
    /// The store failed: what waits for it is answered INTERNAL, and so is whatever is asked from
    /// now on, until [`ToGate::Stop`] comes.
    Fail,
    /// Another server owns a system now: answer what waits to be told of it with INTERNAL.
    Forget(SystemIndex),
    /// What waits to be told to this connection was not kept: answer it with INTERNAL.
    Discard(ConnId),
    /// End all connections with 1001 and stop.
    Stop {
        /// How long the close handshakes may take.
        grace_ms: u64,
    },
}

/// Wakes the thread of a gate.
pub trait Ring: Send + Sync {
    /// Makes the gate look at its lane soon.
    fn ring(&self);
}

impl Ring for crate::net::Waker {
    fn ring(&self) {
        self.ring();
    }
}

impl std::fmt::Debug for GateLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GateLane")
            .field("waiting", &self.mail.len())
            .finish_non_exhaustive()
    }
}

/// The way to one gate.
pub struct GateLane {
    mail: Mailbox<ToGate>,
    broken: AtomicBool,
    bell: Box<dyn Ring>,
}

impl GateLane {
    /// An empty lane whose gate wakes at this bell.
    pub fn new(bell: Box<dyn Ring>) -> Self {
        Self {
            mail: Mailbox::new(GATE_LANE_MAX),
            broken: AtomicBool::new(false),
            bell,
        }
    }

    /// Makes the gate look at its lane soon.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Appends a message; where there is no room the lane is broken from now on.
    pub fn push(&self, message: ToGate) {
        if self.mail.push(message).is_err() {
            self.broken.store(true, Ordering::Release);
        }
    }

    /// Takes everything that waits.
    pub fn take(&self, taken: &mut Vec<ToGate>) {
        self.mail.take(taken);
    }

    /// Whether messages were lost since the last call.
    pub fn take_broken(&self) -> bool {
        self.broken.swap(false, Ordering::AcqRel)
    }
}
