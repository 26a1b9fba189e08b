//! One non-blocking stream as tungstenite likes it: writing never fails and never falls short.
//!
//! What the stream does not take waits in `pending`, whose size is known at every moment; errors
//! are remembered, not returned. So one WebSocket writer can serve all connections of a shard
//! without keeping anything of theirs. Reading is bounded by a budget a turn.
//!
//! ```text
//! write ──▶ pending empty? ── yes ──▶ stream ──(short)──▶ pending
//!                          └─ no ───────────────────────▶ pending ──(writable)──▶ stream
//! ```

use std::io::{self, ErrorKind, Read, Write};

use crate::limits::{PENDING_STEP_BYTES, READ_BYTES_PER_TURN_MAX};

/// What the kernel says of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There is something to read, the end included.
    pub readable: bool,
    /// The peer has ended its side: read up to the end.
    pub read_closed: bool,
    /// There is room to write.
    pub writable: bool,
}

impl Readiness {
    /// Worth trying everything.
    pub const ALL: Self = Self {
        readable: true,
        read_closed: false,
        writable: true,
    };
}

/// A non-blocking byte stream under a [`Connection`](super::Connection): TCP, TLS or memory.
pub trait Transport: Read + Write {
    /// Takes note of what the kernel says.
    fn ready(&mut self, _readiness: Readiness) {}

    /// Bytes that were accepted for writing and are still held here.
    fn unsent_bytes(&self) -> usize {
        0
    }

    /// Whether it is still agreeing on keys.
    fn is_handshaking(&self) -> bool {
        false
    }

    /// Whether not one byte has come from the peer; asked only while it is agreeing on keys.
    fn is_silent(&self) -> bool {
        false
    }

    /// Whether nobody on the way can read it.
    fn is_secure(&self) -> bool {
        false
    }

    /// Ends our side: everything accepted so far goes out, then the end.
    fn hang_up(&mut self) -> io::Result<()>;
}

/// A stream with its waiting output.
#[derive(Debug)]
pub struct Link<S> {
    stream: S,
    pending: Vec<u8>,
    pending_from: usize,
    readable: bool,
    stalled: bool,
    broken: bool,
    read_budget_bytes: usize,
}

impl<S: Transport> Link<S> {
    /// A link with nothing waiting; reading and writing are worth a try.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            pending: Vec::new(),
            pending_from: 0,
            readable: true,
            stalled: false,
            broken: false,
            read_budget_bytes: READ_BYTES_PER_TURN_MAX,
        }
    }

    /// The stream itself.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream itself.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Takes note of what the kernel says, and writes what waits when there is room.
    pub fn ready(&mut self, readiness: Readiness) {
        self.stream.ready(readiness);
        self.readable |= readiness.readable || readiness.read_closed;
        if readiness.writable {
            self.stalled = false;
            self.push();
        }
    }

    /// Starts a turn: a fresh read budget.
    pub fn begin_turn(&mut self) {
        self.read_budget_bytes = READ_BYTES_PER_TURN_MAX;
    }

    /// Whether reading stopped at the budget, so that no readiness will come for what is left.
    pub fn is_cut_short(&self) -> bool {
        self.readable && self.read_budget_bytes == 0
    }

    /// Whether the stream failed; everything written since is lost.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Output that the kernel has not taken.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len() - self.pending_from + self.stream.unsent_bytes()
    }

    /// Writes what waits, as far as the stream takes it.
    pub fn push(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let from = std::mem::take(&mut self.pending_from);
        let taken = from + self.offer(pending.get(from..).unwrap_or_default());
        if taken < pending.len() && !self.broken {
            self.pending = pending;
            self.pending_from = taken;
            self.forget_taken();
        }
        match self.stream.flush() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.stalled = true,
            Err(_) => self.broken = true,
        }
    }

    /// Ends our side; what fails here has failed anyway.
    pub fn hang_up(&mut self) {
        if self.stream.hang_up().is_err() {
            self.broken = true;
        }
    }

    /// Moves what waits to the front once most of the buffer is gone bytes: a peer that always
    /// leaves a little would make it grow for ever. A byte is moved at most once a byte taken.
    fn forget_taken(&mut self) {
        if self.pending_from > self.pending.len() / 2 {
            self.pending.drain(..self.pending_from);
            self.pending_from = 0;
        }
    }

    /// Appends to what waits. Room grows by steps, not by doubling, so that a full queue costs what
    /// its bound says.
    fn keep(&mut self, bytes: &[u8]) {
        let needed = self.pending.len() + bytes.len();
        if needed > self.pending.capacity() {
            let room = needed.next_multiple_of(PENDING_STEP_BYTES);
            self.pending.reserve_exact(room - self.pending.len());
        }
        self.pending.extend_from_slice(bytes);
    }

    /// Writes until the stream has all, blocks or breaks; says how much it took.
    fn offer(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            if self.stalled || self.broken {
                break;
            }
            match self.stream.write(rest) {
                Ok(0) => self.broken = true,
                Ok(count) => taken += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stalled = true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.broken = true,
            }
        }
        taken
    }
}

impl<S: Transport> Read for Link<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.read_budget_bytes);
        let Some(buffer) = buffer.get_mut(..room).filter(|_| self.readable && room > 0) else {
            return Err(ErrorKind::WouldBlock.into());
        };
        loop {
            match self.stream.read(buffer) {
                Ok(count) => {
                    self.readable = count > 0;
                    self.read_budget_bytes -= count;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.readable = false;
                    self.broken |= error.kind() != ErrorKind::WouldBlock;
                    return Err(error);
                }
            }
        }
    }
}

impl<S: Transport> Write for Link<S> {
    /// Takes all of it, always: what a broken stream is given is lost, as on any broken stream.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = if self.pending.is_empty() {
            self.offer(bytes)
        } else {
            0
        };
        if !self.broken {
            self.keep(bytes.get(taken..).unwrap_or_default());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::memory::duplex;

    #[test]
    fn what_the_stream_does_not_take_waits_and_is_counted() {
        let (near, far) = duplex();
        near.set_capacity(10);
        let mut link = Link::new(near);
        assert_eq!(link.write(&[7; 25]).unwrap(), 25);
        assert_eq!(link.pending_bytes(), 15);
        assert_eq!(link.write(&[8; 5]).unwrap(), 5);
        assert_eq!(link.pending_bytes(), 20);
        let mut received = Vec::new();
        while received.len() < 30 {
            received.extend(far.drain());
            link.ready(Readiness::ALL);
        }
        assert_eq!(received, [[7; 25].as_slice(), &[8; 5]].concat());
        assert_eq!(link.pending_bytes(), 0);
    }

    #[test]
    fn a_reader_that_always_leaves_a_little_makes_nothing_grow() {
        let (near, far) = duplex();
        near.set_capacity(1_000);
        let mut link = Link::new(near);
        let (mut sent, mut received) = (0_u64, Vec::new());
        for _ in 0..20_000 {
            let number = sent.to_be_bytes();
            assert_eq!(link.write(&[number; 100].concat()).unwrap(), 800);
            sent += 1;
            while link.pending_bytes() > 800 {
                received.extend(far.drain());
                link.ready(Readiness::ALL);
            }
            assert!(link.pending.capacity() <= 2 * PENDING_STEP_BYTES);
        }
        received.extend(far.drain());
        for (place, number) in received.chunks_exact(8).enumerate() {
            assert_eq!(number, (place as u64 / 100).to_be_bytes());
        }
    }

    #[test]
    fn a_broken_stream_swallows_output_and_holds_none() {
        let (near, far) = duplex();
        far.cut();
        let mut link = Link::new(near);
        assert_eq!(link.write(&[1; 100]).unwrap(), 100);
        assert!(link.is_broken());
        assert_eq!(link.pending_bytes(), 0);
    }

    #[test]
    fn a_turn_reads_no_more_than_its_budget() {
        let (near, mut far) = duplex();
        near.set_capacity(0);
        far.write_all(&vec![1; READ_BYTES_PER_TURN_MAX + 1])
            .unwrap();
        let mut link = Link::new(near);
        let mut buffer = vec![0; 2 * READ_BYTES_PER_TURN_MAX];
        assert_eq!(link.read(&mut buffer).unwrap(), READ_BYTES_PER_TURN_MAX);
        assert_eq!(
            link.read(&mut buffer).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        assert!(link.is_cut_short());
        link.begin_turn();
        assert_eq!(link.read(&mut buffer).unwrap(), 1);
    }
}
