//! One peer, from its first byte to its last: an HTTP request, then perhaps a WebSocket.
//!
//! Owns the stream and everything that waits for it. Never calls anybody: its owner reports
//! readiness ([`Connection::ready`]) and time ([`Connection::on_deadline`]), then asks
//! [`Connection::poll`] for what happened until it says [`ConnectionEvent::Idle`].
//!
//! ```text
//! Head ──request──▶ Answer ──accept──▶ Open ──close──▶ Closing ──┐
//!   │                  └────respond────┐ └──peer's close, error──┤
//!   └──refused, late───────────────────┴──────────────────────▶ Draining ──▶ Lingering ──▶ Over
//! ```
//!
//! *Draining* writes what waits; *Lingering* has hung up and throws away what still comes, so that
//! the peer reads our last words instead of a reset. Each phase has a deadline.

mod fault;
mod fragments;
mod frames;
mod link;

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;

pub use fault::{CloseCause, Fault};
pub use frames::FrameWriter;
pub use link::{Link, Readiness, Transport};

use super::config::NetConfig;
use super::http::head::{HeadProgress, Incoming, RequestHead};
use super::http::{Accept, Channel, Method, Response, upgrade};
use crate::bucket::Bucket;
use crate::ids::Millis;
use crate::limits::{
    BODY_MS_MAX, CLOSE_MS_MAX, HEAD_MS_MAX, LINGER_BYTES_MAX, LINGER_MS_MAX, PING_MS,
    RATE_CONTROLS, READ_BUFFER_BYTES, RESPONSE_MS_MAX, SILENCE_MS_MAX, TLS_HANDSHAKE_MS_MAX,
    TLS_SILENCE_MS_MAX,
};
use frames::Receiver;

/// What [`Connection::poll`] found.
#[derive(Debug)]
pub enum ConnectionEvent {
    /// Nothing more until readiness, time or the owner brings something.
    Idle,
    /// A ping, a pong or the like was dealt with; it counts against the turn.
    Control,
    /// A whole request; to be answered by `respond` or `accept`.
    Request(RequestHead),
    /// A text message, in the buffer that was passed in.
    Text,
    /// A binary message, in the buffer that was passed in.
    Binary,
    /// All output that had been waiting is on its way.
    Drained,
    /// The WebSocket is over; comes once if `accept` was called.
    Closed(CloseCause),
    /// The connection is over and may be dropped.
    Finished,
}

#[derive(Debug)]
enum Phase {
    Head(Incoming),
    Answer,
    Open(Box<Receiver>),
    Closing(Box<Receiver>),
    Draining,
    Lingering { discarded_bytes: usize },
    Over,
}

/// How far a peer has come towards its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    /// Not one byte, and TLS is to be spoken.
    SilentTls,
    /// TLS is agreeing on keys.
    Handshaking,
    /// Not one byte, in the clear.
    Silent,
    /// It has spoken, and TLS has its keys.
    Heard,
}

/// One peer's connection over a non-blocking stream.
#[derive(Debug)]
pub struct Connection<S> {
    link: Link<S>,
    phase: Phase,
    peer: IpAddr,
    phase_deadline: Millis,
    heard_at: Millis,
    arrival: Arrival,
    owes_drained: bool,
    owes_closed: bool,
    /// Why this side has ended the WebSocket, once it has.
    close_cause: Option<CloseCause>,
    controls: Bucket,
    reading_pauses_at_bytes: usize,
    pending_bytes_max: usize,
}

impl<S: Transport> Connection<S> {
    /// A peer that has just connected.
    pub fn new(stream: S, peer: IpAddr, config: &NetConfig, now: Millis) -> Self {
        let (arrival, patience_ms) = if stream.is_handshaking() {
            (Arrival::SilentTls, TLS_SILENCE_MS_MAX)
        } else {
            (Arrival::Silent, HEAD_MS_MAX)
        };
        Self {
            link: Link::new(stream),
            phase: Phase::Head(Incoming::default()),
            peer,
            phase_deadline: now.plus(patience_ms),
            heard_at: now,
            arrival,
            owes_drained: false,
            owes_closed: false,
            close_cause: None,
            controls: Bucket::full(RATE_CONTROLS, now),
            reading_pauses_at_bytes: config.reading_pauses_at_bytes(),
            pending_bytes_max: config.pending_bytes_max,
        }
    }

    /// The address at the other end.
    pub fn peer(&self) -> IpAddr {
        self.peer
    }

    /// The stream below the WebSocket.
    pub fn stream(&self) -> &S {
        self.link.stream()
    }

    /// The stream, to register it for readiness; reading or writing it breaks the connection.
    pub fn stream_mut(&mut self) -> &mut S {
        self.link.stream_mut()
    }

    /// Whether TLS is still agreeing on keys.
    pub fn is_handshaking(&self) -> bool {
        matches!(self.arrival, Arrival::SilentTls | Arrival::Handshaking)
    }

    /// Whether not one byte has come from the peer, under TLS or in the clear.
    pub fn is_silent(&self) -> bool {
        matches!(self.arrival, Arrival::SilentTls | Arrival::Silent)
    }

    /// Whether it is a WebSocket that takes messages.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Output that the kernel has not taken.
    pub fn pending_bytes(&self) -> usize {
        self.link.pending_bytes()
    }

    /// Whether it stopped at its read budget and wants another turn without being told to.
    pub fn wants_turn(&self) -> bool {
        self.link.is_cut_short()
    }

    /// When [`on_deadline`](Self::on_deadline) is due.
    pub fn deadline(&self) -> Millis {
        if self.is_open() {
            self.phase_deadline.min(self.heard_at.plus(SILENCE_MS_MAX))
        } else {
            self.phase_deadline
        }
    }

    /// Takes note of what the kernel says, and writes what waits when there is room.
    pub fn ready(&mut self, readiness: Readiness) {
        self.link.ready(readiness);
    }

    /// Starts a turn: a fresh read budget.
    pub fn begin_turn(&mut self) {
        self.link.begin_turn();
    }

    /// The next thing that happened. Work: one message or one read of a head, plus a bounded
    /// number of empty frames' worth of parsing.
    pub fn poll(&mut self, message: &mut Vec<u8>, now: Millis) -> ConnectionEvent {
        loop {
            if self.link.is_broken() {
                self.phase = Phase::Over;
            }
            if self.owes_closed && !self.is_open() {
                self.owes_closed = false;
                return ConnectionEvent::Closed(self.close_cause.unwrap_or(CloseCause::Peer));
            }
            let found = match self.phase {
                Phase::Head(_) => self.poll_head(now),
                Phase::Answer => Some(ConnectionEvent::Idle),
                Phase::Open(_) => self.poll_open(message, now),
                Phase::Closing(_) => self.poll_closing(now),
                Phase::Draining => self.poll_draining(now),
                Phase::Lingering { .. } => self.poll_lingering(),
                Phase::Over => Some(ConnectionEvent::Finished),
            };
            if let Some(event) = found {
                return event;
            }
        }
    }

    /// Time is up for whatever the connection is at: call [`poll`](Self::poll) afterwards.
    pub fn on_deadline(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Head(incoming) => {
                if matches!(self.arrival, Arrival::SilentTls | Arrival::Handshaking)
                    || incoming.is_empty()
                {
                    self.phase = Phase::Over;
                } else {
                    self.refuse(&Response::text(408, "The request took too long.\n"), now);
                }
            }
            Phase::Open(_) => self.keep_alive(now),
            Phase::Closing(_) => self.leave(now, LINGER_MS_MAX),
            Phase::Answer | Phase::Draining | Phase::Lingering { .. } => self.phase = Phase::Over,
            Phase::Over => {}
        }
    }

    /// Answers the request that was polled, and hangs up.
    pub fn respond(&mut self, response: &Response, method: Method, now: Millis) {
        // A link takes everything and never fails.
        let _ = self.link.write(&response.encode(method, self.channel()));
        self.leave(now, RESPONSE_MS_MAX);
    }

    /// Turns the connection into a WebSocket; `accept_key` is from
    /// [`upgrade::judge`].
    pub fn accept(
        &mut self,
        head: RequestHead,
        accept_key: &str,
        accept: &Accept,
        config: &NetConfig,
        now: Millis,
    ) {
        let channel = self.channel();
        let _ = self
            .link
            .write(&upgrade::switching_protocols(accept_key, accept, channel));
        self.phase = Phase::Open(Box::new(Receiver::new(head.into_leftover(), config, now)));
        self.owes_closed = true;
        self.heard_at = now;
        self.phase_deadline = now.plus(PING_MS);
    }

    /// Gives up at once, without a word.
    pub fn abandon(&mut self) {
        self.phase = Phase::Over;
    }

    /// The server stops: a WebSocket is closed with 1001, a request under way is dropped, an
    /// answer under way goes on.
    pub fn dismiss(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Head(_)) {
            self.abandon();
            return;
        }
        self.note_cause(CloseCause::Stopping);
        self.close(1001, "the server is going away", now);
    }

    /// Notes why this side ends an open WebSocket; the first cause counts.
    fn note_cause(&mut self, cause: CloseCause) {
        if self.is_open() {
            self.close_cause.get_or_insert(cause);
        }
    }

    fn poll_head(&mut self, now: Millis) -> Option<ConnectionEvent> {
        let Phase::Head(incoming) = &self.phase else {
            return None;
        };
        let mut chunk = [0; READ_BUFFER_BYTES];
        let room = incoming.room_bytes().min(chunk.len());
        let read = self.link.read(chunk.get_mut(..room)?);
        self.arrive(&read, now);
        let count = match read {
            Ok(0) => {
                self.phase = Phase::Over;
                return None;
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Some(ConnectionEvent::Idle);
            }
            Err(_) => return None,
        };
        let Phase::Head(incoming) = &mut self.phase else {
            return None;
        };
        let waited_for_head = incoming.awaits_head();
        match incoming.push(chunk.get(..count)?) {
            HeadProgress::Body if waited_for_head => self.phase_deadline = now.plus(BODY_MS_MAX),
            HeadProgress::Head | HeadProgress::Body => {}
            HeadProgress::Complete(head) => {
                self.phase = Phase::Answer;
                return Some(ConnectionEvent::Request(head));
            }
            HeadProgress::Refused(response) => self.refuse(&response, now),
        }
        None
    }

    /// Takes note of the first byte and of the end of the handshake; each starts a new deadline.
    fn arrive(&mut self, read: &std::io::Result<usize>, now: Millis) {
        let stream = self.link.stream();
        let (arrival, patience_ms) = match self.arrival {
            Arrival::Silent if matches!(read, Ok(1..)) => {
                self.arrival = Arrival::Heard;
                return;
            }
            Arrival::Silent | Arrival::Heard => return,
            _ if !stream.is_handshaking() => (Arrival::Heard, HEAD_MS_MAX),
            Arrival::SilentTls if !stream.is_silent() => {
                (Arrival::Handshaking, TLS_HANDSHAKE_MS_MAX)
            }
            Arrival::SilentTls | Arrival::Handshaking => return,
        };
        self.arrival = arrival;
        self.phase_deadline = now.plus(patience_ms);
    }

    fn channel(&self) -> Channel {
        if self.link.stream().is_secure() {
            Channel::Tls
        } else {
            Channel::Clear
        }
    }

    fn refuse(&mut self, response: &Response, now: Millis) {
        let _ = self
            .link
            .write(&response.encode(Method::Get, self.channel()));
        self.leave(now, CLOSE_MS_MAX);
    }

    /// Nothing more will be written: drain, hang up, linger.
    fn leave(&mut self, now: Millis, patience_ms: u64) {
        self.phase = Phase::Draining;
        self.phase_deadline = now.plus(patience_ms);
    }

    fn poll_draining(&mut self, now: Millis) -> Option<ConnectionEvent> {
        if self.link.pending_bytes() > 0 {
            return Some(ConnectionEvent::Idle);
        }
        self.link.hang_up();
        self.phase = Phase::Lingering { discarded_bytes: 0 };
        self.phase_deadline = now.plus(LINGER_MS_MAX);
        None
    }

    fn poll_lingering(&mut self) -> Option<ConnectionEvent> {
        let Phase::Lingering { discarded_bytes } = &mut self.phase else {
            return None;
        };
        let mut chunk = [0; READ_BUFFER_BYTES];
        match self.link.read(&mut chunk) {
            Ok(count) => {
                *discarded_bytes += count;
                if count == 0 || *discarded_bytes > LINGER_BYTES_MAX {
                    self.phase = Phase::Over;
                }
                None
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(ConnectionEvent::Idle),
            Err(_) => None,
        }
    }
}
