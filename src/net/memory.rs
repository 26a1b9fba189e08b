//! A pair of connected non-blocking streams in memory, for tests, fuzzers and benches.
//!
//! Each end may be told to take little at a time, to have little room, or to be cut, so that
//! every short write, full buffer and reset of a real socket can be had at will. Dropping an end
//! is what closing a socket is: the peer reads the end, and its writes fail.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Transport;

/// Bytes on their way in one direction.
#[derive(Debug)]
struct Pipe {
    bytes: VecDeque<u8>,
    capacity_bytes: usize,
    step_bytes: usize,
    ended: bool,
    cut: bool,
}

impl Pipe {
    fn shared() -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            bytes: VecDeque::new(),
            capacity_bytes: usize::MAX,
            step_bytes: usize::MAX,
            ended: false,
            cut: false,
        }))
    }
}

/// One end of a [`duplex`] stream.
#[derive(Debug)]
pub struct End {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
}

/// Two connected ends without bounds.
pub fn duplex() -> (End, End) {
    let (there, back) = (Pipe::shared(), Pipe::shared());
    let near = End {
        incoming: Arc::clone(&back),
        outgoing: Arc::clone(&there),
    };
    let far = End {
        incoming: there,
        outgoing: back,
    };
    (near, far)
}

fn locked(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl End {
    /// Bounds what may be under way from this end; more is `WouldBlock`.
    pub fn set_capacity(&self, capacity_bytes: usize) {
        locked(&self.outgoing).capacity_bytes = capacity_bytes;
    }

    /// Bounds what may be under way to this end.
    pub fn set_peer_capacity(&self, capacity_bytes: usize) {
        locked(&self.incoming).capacity_bytes = capacity_bytes;
    }

    /// Bounds what one write of this end takes and one read of the other end gives.
    pub fn set_step(&self, step_bytes: usize) {
        locked(&self.outgoing).step_bytes = step_bytes.max(1);
    }

    /// Resets the connection: reads and writes of both ends fail from now on.
    pub fn cut(&self) {
        locked(&self.incoming).cut = true;
        locked(&self.outgoing).cut = true;
    }

    /// Whether the other end has ended its side and all of it was read.
    pub fn is_at_end(&self) -> bool {
        let pipe = locked(&self.incoming);
        pipe.cut || (pipe.ended && pipe.bytes.is_empty())
    }

    /// Takes everything that is under way to this end.
    pub fn drain(&self) -> Vec<u8> {
        locked(&self.incoming).bytes.drain(..).collect()
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = locked(&self.incoming);
        if pipe.cut {
            return Err(ErrorKind::ConnectionReset.into());
        }
        if pipe.bytes.is_empty() && !pipe.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let room = buffer.len().min(pipe.step_bytes);
        let Some(buffer) = buffer.get_mut(..room) else {
            return Ok(0);
        };
        pipe.bytes.read(buffer)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = locked(&self.outgoing);
        if pipe.cut || pipe.ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let room = pipe.capacity_bytes.saturating_sub(pipe.bytes.len());
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(room).min(pipe.step_bytes);
        pipe.bytes.extend(bytes.iter().take(count));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for End {
    fn hang_up(&mut self) -> io::Result<()> {
        locked(&self.outgoing).ended = true;
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        locked(&self.outgoing).ended = true;
        locked(&self.incoming).ended = true;
    }
}
