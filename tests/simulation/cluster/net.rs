//! The network of one shard in memory: connections that are slow, stalled or cut.
//!
//! A message that was accepted is noted at once in `heard`: the client's model lives on that, since
//! a stream loses nothing but its end. How fast bytes drain decides what the server sees of it:
//! `pending_bytes`, [`Sent::Pending`], `drained`. Bounds are those of the real network layer.

use std::collections::VecDeque;

use orrery::ids::{ConnId, Millis, Name, UnixMillis};
use orrery::limits::PENDING_BYTES_MAX;
use orrery::net::{Bytes, Io, Outgoing, Sent, Utf8Bytes};

/// Bytes that the kernels between the two ends hold.
const KERNEL_BYTES: usize = 16 * 1024;
/// A frame's header, as the network layer reckons it.
const HEADER_BYTES: usize = 10;

/// One connection as the server's network layer sees it.
pub(crate) struct Wire {
    pub(crate) conn: ConnId,
    /// Bytes a tick that the client reads.
    pub(crate) rate: usize,
    kernel_bytes: usize,
    pending_bytes: usize,
    owes_drained: bool,
    /// Messages that were accepted for the client and not looked at yet.
    pub(crate) heard: VecDeque<Utf8Bytes>,
    /// The code with which the server ended it.
    pub(crate) closed: Option<u16>,
    pub(crate) pending_bytes_max: usize,
}

/// All connections of one shard.
pub(crate) struct Net {
    pub(crate) now: Millis,
    pub(crate) unix: UnixMillis,
    shard: u16,
    wires: Vec<Option<Wire>>,
    generation: u32,
    /// Connections that the server closed, until it is told that they are over.
    pub(crate) ending: Vec<ConnId>,
    pub(crate) sent_bytes: u64,
}

impl Net {
    pub(crate) fn new(shard: u16) -> Self {
        Self {
            now: Millis(0),
            unix: UnixMillis(0),
            shard,
            wires: Vec::new(),
            generation: 0,
            ending: Vec::new(),
            sent_bytes: 0,
        }
    }

    pub(crate) fn dial(&mut self) -> ConnId {
        let free = self.wires.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.wires.len());
        if slot == self.wires.len() {
            self.wires.push(None);
        }
        self.generation += 1;
        let conn = ConnId {
            shard: self.shard,
            slot: slot as u32,
            generation: self.generation,
        };
        self.wires[slot] = Some(Wire {
            conn,
            rate: usize::MAX,
            kernel_bytes: 0,
            pending_bytes: 0,
            owes_drained: false,
            heard: VecDeque::new(),
            closed: None,
            pending_bytes_max: 0,
        });
        conn
    }

    pub(crate) fn wire(&mut self, conn: ConnId) -> Option<&mut Wire> {
        let wire = self.wires.get_mut(conn.slot as usize)?.as_mut();
        wire.filter(|wire| wire.conn == conn)
    }

    /// The connection is no more.
    pub(crate) fn hang_up(&mut self, conn: ConnId) -> Option<Wire> {
        self.wire(conn)?;
        self.wires[conn.slot as usize].take()
    }

    /// The clients read for a tick. Returns whose output is now all on its way.
    pub(crate) fn flow(&mut self) -> Vec<ConnId> {
        let mut drained = Vec::new();
        for wire in self.wires.iter_mut().flatten() {
            wire.kernel_bytes = wire.kernel_bytes.saturating_sub(wire.rate);
            let room = if wire.rate == usize::MAX {
                usize::MAX
            } else {
                KERNEL_BYTES - wire.kernel_bytes
            };
            let moved = wire.pending_bytes.min(room);
            wire.pending_bytes -= moved;
            wire.kernel_bytes += if wire.rate == usize::MAX { 0 } else { moved };
            if wire.pending_bytes == 0 && std::mem::take(&mut wire.owes_drained) {
                drained.push(wire.conn);
            }
        }
        drained
    }
}

impl Io for Net {
    fn now(&self) -> Millis {
        self.now
    }

    fn unix(&self) -> UnixMillis {
        self.unix
    }

    fn send(&mut self, conn: ConnId, text: Utf8Bytes) -> Sent {
        let Some(wire) = self.wire(conn).filter(|wire| wire.closed.is_none()) else {
            return Sent::Gone;
        };
        let frame_bytes = text.len() + HEADER_BYTES;
        if wire.pending_bytes + frame_bytes > PENDING_BYTES_MAX {
            return Sent::Full;
        }
        wire.heard.push_back(text);
        let mut left = frame_bytes;
        if wire.rate == usize::MAX {
            left = 0;
        } else if wire.pending_bytes == 0 {
            let taken = left.min(KERNEL_BYTES - wire.kernel_bytes);
            wire.kernel_bytes += taken;
            left -= taken;
        }
        wire.pending_bytes += left;
        wire.pending_bytes_max = wire.pending_bytes_max.max(wire.pending_bytes);
        let is_pending = wire.pending_bytes > 0;
        wire.owes_drained |= is_pending;
        self.sent_bytes += frame_bytes as u64;
        if is_pending {
            Sent::Pending
        } else {
            Sent::Flushed
        }
    }

    fn send_encoded(&mut self, conn: ConnId, message: &mut Outgoing) -> Sent {
        let text = Bytes::copy_from_slice(message.text());
        self.send(conn, Utf8Bytes::try_from(text).expect("text"))
    }

    fn send_binary(&mut self, _: ConnId, _: Bytes) -> Sent {
        panic!("the game sends text");
    }

    fn pending_bytes(&self, conn: ConnId) -> usize {
        let wire = self.wires.get(conn.slot as usize).and_then(Option::as_ref);
        wire.filter(|wire| wire.conn == conn && wire.closed.is_none())
            .map_or(0, |wire| wire.pending_bytes)
    }

    fn close(&mut self, conn: ConnId, code: u16, _: &str) {
        if let Some(wire) = self.wire(conn).filter(|wire| wire.closed.is_none()) {
            wire.closed = Some(code);
            self.ending.push(conn);
        }
    }

    fn begin_login(&mut self, _: ConnId, _: &Name) -> bool {
        true
    }

    fn mark_authenticated(&mut self, _: ConnId) {}

    fn stop(&mut self, _: u64) {}
}
