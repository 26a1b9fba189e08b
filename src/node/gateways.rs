//! The node's end of the bus: the inbox that all gateways write to, and one queue to each gateway.

use std::sync::Arc;

use crate::bus::{AddressedReply, BoundedQueue, GatewayQueue, ToGateway, ToNode};
use crate::ids::ConnId;
use crate::protocol::{CloseCode, ErrorCode, Reply};
use crate::replication::TickFrame;

/// Every gateway of a node. Nothing here waits; a full queue marks itself broken.
pub(super) struct Gateways {
    inbox: Arc<BoundedQueue<ToNode>>,
    /// Buffer that the inbox is emptied into; empty between two ticks.
    taken: Vec<ToNode>,
    /// The queue to each gateway; a connection's shard is its index.
    queues: Vec<Arc<GatewayQueue>>,
}

impl Gateways {
    pub(super) const fn new(
        inbox: Arc<BoundedQueue<ToNode>>,
        queues: Vec<Arc<GatewayQueue>>,
    ) -> Self {
        Self {
            inbox,
            taken: Vec::new(),
            queues,
        }
    }

    /// How many gateways there are.
    pub(super) fn count(&self) -> u16 {
        self.queues.len() as u16
    }

    /// Takes what the gateways wrote since the last call, in the order of writing. The buffer is to be
    /// given back by [`Self::give_back`], so that nothing is allocated once it is warm.
    pub(super) fn take(&mut self) -> Vec<ToNode> {
        let mut taken = std::mem::take(&mut self.taken);
        self.inbox.take(&mut taken);
        taken
    }

    /// Takes the emptied buffer of [`Self::take`] back.
    pub(super) fn give_back(&mut self, emptied: Vec<ToNode>) {
        debug_assert!(emptied.is_empty(), "every message is handled in its tick");
        self.taken = emptied;
    }

    /// Sends a reply to a client, held at its gateway until its batch is durable.
    pub(super) fn send(&self, reply: AddressedReply) {
        self.push(reply.conn, ToGateway::Reply(reply));
    }

    /// Sends a message to a client at once: it tells of nothing that has to be durable.
    pub(super) fn send_now(&self, conn: ConnId, reply_to: Option<u64>, reply: Reply) {
        self.send(AddressedReply {
            conn,
            reply_to,
            reply,
            system: None,
            batch: 0,
        });
    }

    /// Answers a request with an error, at once.
    pub(super) fn refuse(&self, conn: ConnId, seq: u64, code: ErrorCode) {
        self.send_now(conn, Some(seq), Reply::error(code));
    }

    /// Ends a connection.
    pub(super) fn close(&self, conn: ConnId, code: CloseCode) {
        self.push(conn, ToGateway::Close(conn, code));
    }

    /// Has the held replies of a connection answered with INTERNAL.
    pub(super) fn discard_held(&self, conn: ConnId) {
        self.push(conn, ToGateway::Discard(conn));
    }

    /// Sends a frame to the gateways that have clients in its system.
    pub(super) fn send_frame(&self, frame: &Arc<TickFrame>) {
        for (shard, queue) in self.queues.iter().enumerate() {
            if !frame.pilots_of(shard as u16).is_empty() {
                queue.push(ToGateway::Frame(Arc::clone(frame)));
            }
        }
    }

    /// Sends one message to every gateway.
    pub(super) fn broadcast(&self, message: impl Fn() -> ToGateway) {
        for queue in &self.queues {
            queue.push(message());
        }
    }

    /// Wakes every gateway.
    pub(super) fn notify(&self) {
        for queue in &self.queues {
            queue.notify();
        }
    }

    fn push(&self, conn: ConnId, message: ToGateway) {
        let queue = self.queues.get(usize::from(conn.shard));
        debug_assert!(
            queue.is_some(),
            "a connection belongs to a gateway of this node"
        );
        if let Some(queue) = queue {
            queue.push(message);
        }
    }
}
