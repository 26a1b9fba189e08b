//! A TCP relay that is a bad network: it delays, jitters, splits, stalls, swallows and cuts.
//!
//! ```text
//! client ══ accept ── up ──▶ connect ══ server        each direction a thread with its own Flow
//!                  ◀─ down ──
//! ```
//!
//! The socket towards the server has a small receive buffer, so that a stall is felt at once. A
//! relay that is dropped resets what is left. Randomness comes from a seed.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// How one direction treats what it is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flow {
    /// Passed on at once, whole.
    Permit,
    /// In pieces of at most `step` bytes, each after `delay` and up to `jitter` more.
    Slow {
        step: usize,
        delay: Duration,
        jitter: Duration,
    },
    /// The connection's first `at` bytes, a pause, the rest.
    Split { at: usize, pause: Duration },
    /// Nothing is taken: what is sent waits at the sender.
    Stall,
    /// All is taken and nothing passed on, the end included: the other side is gone and cannot say so.
    Swallow,
}

/// A way to a server; each connection to it is led on to a connection of its own.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    flows: Mutex<[Flow; 2]>,
    sockets: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

const UP: usize = 0;
const DOWN: usize = 1;

/// How soon a change of flow is noticed by a direction that waits.
const GLANCE: Duration = Duration::from_millis(10);

const CHUNK_BYTES: usize = 4096;

impl Relay {
    /// A relay that passes everything.
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            flows: Mutex::new([Flow::Permit; 2]),
            sockets: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let relay = Self {
            address,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for (number, near) in (0..).zip(listener.incoming()) {
                if shared.is_over.load(Ordering::Acquire) {
                    return;
                }
                connect(&near.unwrap(), server, number, &shared);
            }
        });
        relay
    }

    /// What happens to what clients say.
    pub(crate) fn up(&self, flow: Flow) {
        self.shared.flows()[UP] = flow;
    }

    /// What happens to what the server says.
    pub(crate) fn down(&self, flow: Flow) {
        self.shared.flows()[DOWN] = flow;
    }

    /// Resets every connection on both sides.
    pub(crate) fn cut(&self) {
        for socket in self.shared.sockets().drain(..) {
            // A peer that is gone already refuses both.
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.cut();
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn flows(&self) -> std::sync::MutexGuard<'_, [Flow; 2]> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sockets(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(near: &TcpStream, server: SocketAddr, number: u64, shared: &Arc<Shared>) {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(CHUNK_BYTES).unwrap();
    // A server that is gone ends the client's connection too, as it would without a relay.
    if socket.connect(&server.into()).is_err() {
        return;
    }
    let far = TcpStream::from(socket);
    for stream in [near, &far] {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(GLANCE)).unwrap();
        shared.sockets().push(stream.try_clone().unwrap());
    }
    for (direction, from, to) in [(UP, near, &far), (DOWN, &far, near)] {
        let pump = Pump {
            from: from.try_clone().unwrap(),
            to: to.try_clone().unwrap(),
            direction,
            passed_bytes: 0,
            dice: number << 1 | direction as u64,
            shared: Arc::clone(shared),
        };
        thread::spawn(move || pump.run());
    }
}

/// One direction of one connection.
struct Pump {
    from: TcpStream,
    to: TcpStream,
    direction: usize,
    passed_bytes: usize,
    dice: u64,
    shared: Arc<Shared>,
}

impl Pump {
    fn run(mut self) {
        let mut buffer = [0; CHUNK_BYTES];
        while !self.shared.is_over.load(Ordering::Acquire) {
            if matches!(self.flow(), Flow::Stall) {
                thread::sleep(GLANCE);
                continue;
            }
            match self.from.read(&mut buffer) {
                Ok(0) if matches!(self.flow(), Flow::Swallow) => return self.keep_silent(),
                Ok(0) => {
                    let _ = self.to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(count) => {
                    if self.pass(&buffer[..count]).is_none() {
                        let _ = self.from.shutdown(Shutdown::Both);
                        return;
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) if matches!(self.flow(), Flow::Swallow) => return self.keep_silent(),
                Err(_) => {
                    let _ = SockRef::from(&self.to).set_linger(Some(Duration::ZERO));
                    let _ = self.to.shutdown(Shutdown::Both);
                    return;
                }
            }
        }
    }

    fn flow(&self) -> Flow {
        self.shared.flows()[self.direction]
    }

    /// The sender is gone, and the other side is not to learn of it.
    fn keep_silent(&self) {
        while !self.shared.is_over.load(Ordering::Acquire) {
            thread::sleep(GLANCE);
        }
    }

    /// None once nobody takes it any more.
    fn pass(&mut self, bytes: &[u8]) -> Option<()> {
        match self.flow() {
            Flow::Swallow => {}
            Flow::Permit | Flow::Stall => self.to.write_all(bytes).ok()?,
            Flow::Slow {
                step,
                delay,
                jitter,
            } => {
                for piece in bytes.chunks(step) {
                    thread::sleep(delay + jitter.mul_f64(self.roll()));
                    self.to.write_all(piece).ok()?;
                }
            }
            Flow::Split { at, pause } => {
                let place = at.saturating_sub(self.passed_bytes).min(bytes.len());
                let (first, rest) = bytes.split_at(place);
                self.to.write_all(first).ok()?;
                if !rest.is_empty() && self.passed_bytes <= at {
                    thread::sleep(pause);
                }
                self.to.write_all(rest).ok()?;
            }
        }
        self.passed_bytes += bytes.len();
        Some(())
    }

    /// From 0 to 1 (splitmix64).
    fn roll(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
