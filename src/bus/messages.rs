//! The messages between a node and its gateways, and the queue that leads to one gateway.

use std::sync::Arc;

use super::bounded_queue::BoundedQueue;
use crate::ids::{ConnId, SystemIndex};
use crate::limits::GATEWAY_QUEUE_MAX;
use crate::protocol::{CloseCode, Reply};
use crate::replication::TickFrame;
use crate::session::Command;
use crate::sync::{AtomicBool, Ordering};

/// From a gateway to the node. When the inbox is full an input is dropped, a request is answered
/// `RATE_LIMITED`, and the end of a connection is tried again.
#[derive(Debug)]
pub enum ToNode {
    /// A validated command of a connection.
    Command {
        /// Connection that sent it.
        conn: ConnId,
        /// The command, within the bounds of the protocol.
        command: Command,
    },
    /// The client missed state and can take it again: the next frame shall carry a snapshot.
    SnapshotWanted(ConnId),
    /// The connection is over.
    Closed(ConnId),
}

/// A reply with the connection it goes to, and the batch that has to be durable before it does.
#[derive(Debug)]
pub struct AddressedReply {
    /// Connection that gets it.
    pub conn: ConnId,
    /// The request's `seq`, where it answers one.
    pub reply_to: Option<u64>,
    /// Body of the message.
    pub reply: Reply,
    /// The system whose state it tells of, where it waits for a batch.
    pub system: Option<SystemIndex>,
    /// It may be sent once this batch is durable; 0 is at once.
    pub batch: u64,
}

/// From the node to a gateway. When a queue is full its gateway has hung for seconds: the queue is
/// marked broken, and the gateway ends all its connections once it runs again, so that nobody goes
/// on with a hole in what it was told.
#[derive(Debug)]
pub enum ToGateway {
    /// A message of the control lane, for one client.
    Reply(AddressedReply),
    /// The state of a system; each of the gateway's pilots in it gets its part.
    Frame(Arc<TickFrame>),
    /// End a connection.
    Close(ConnId, CloseCode),
    /// Tell every client that the server shuts down, and until when.
    Drain {
        /// Unix time in milliseconds at which the sockets close.
        deadline_ms: u64,
    },
    /// The store failed: replies that wait for it are answered INTERNAL, and so is every request from
    /// now on, until [`ToGateway::Stop`] comes.
    Fail,
    /// Another server owns a system now: answer the held replies of this system with INTERNAL.
    Forget(SystemIndex),
    /// What the held replies of this connection tell of was not kept: answer them with INTERNAL.
    Discard(ConnId),
    /// End all connections with 1001 and stop.
    Stop {
        /// How long the close handshakes may take, in milliseconds.
        grace_ms: u64,
    },
}

/// Makes the thread of a gateway look at its queue.
pub trait Notify: Send + Sync {
    /// Wakes the thread if it waits; many calls before it wakes are as good as one.
    fn notify(&self);
}

/// The node's bounded queue to one gateway.
pub struct GatewayQueue {
    messages: BoundedQueue<ToGateway>,
    is_broken: AtomicBool,
    notify: Box<dyn Notify>,
}

impl std::fmt::Debug for GatewayQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayQueue")
            .field("waiting", &self.messages.len())
            .finish_non_exhaustive()
    }
}

impl GatewayQueue {
    /// An empty queue of at most [`GATEWAY_QUEUE_MAX`] messages, whose gateway wakes by `notify`.
    pub fn new(notify: Box<dyn Notify>) -> Self {
        Self {
            messages: BoundedQueue::new(GATEWAY_QUEUE_MAX),
            is_broken: AtomicBool::new(false),
            notify,
        }
    }

    /// Makes the gateway look at its queue soon.
    pub fn notify(&self) {
        self.notify.notify();
    }

    /// Appends a message; where there is no room the queue is broken from now on.
    pub fn push(&self, message: ToGateway) {
        if self.messages.push(message).is_err() {
            self.is_broken.store(true, Ordering::Release);
        }
    }

    /// Takes everything that waits, in the order of writing.
    pub fn take(&self, taken: &mut Vec<ToGateway>) {
        self.messages.take(taken);
    }

    /// Whether messages were lost since the last call.
    pub fn take_broken(&self) -> bool {
        self.is_broken.swap(false, Ordering::AcqRel)
    }
}
