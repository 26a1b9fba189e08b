//! The WebSocket part of a connection: messages in and out, pings, the close handshake.
//!
//! Incoming frames go through the connection's own [`Receiver`]: a tungstenite context, and a meter of
//! what it does not tell. Messages go out through a
//! writer that the whole shard shares: since a [`Link`](super::Link) takes everything, the writer
//! keeps nothing between two calls, and its one buffer stays hot in cache. Which error of a peer
//! ends in which close code is decided here.

use std::io::Write as _;

use tungstenite::Utf8Bytes;
use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketContext};

use super::fragments::{FragmentMeter, Metered};
use super::{CloseCause, Connection, ConnectionEvent, Fault, Link, Phase, Transport};
use crate::bucket::Bucket;
use crate::ids::Millis;
use crate::limits::{
    CLOSE_MS_MAX, CLOSE_REASON_BYTES_MAX, DISPLACED_CLOSE_CODE, PING_MS, RATE_CONTROLS, Rate,
    SILENCE_MS_MAX,
};
use crate::net::Sent;
use crate::net::config::NetConfig;
use crate::net::outgoing::FRAME_HEADER_BYTES_MAX;

/// A peer's side of a WebSocket.
///
/// A connection boxes it: a send does not touch it, and a shard's connections lie closer together
/// without it.
#[derive(Debug)]
pub(super) struct Receiver {
    context: WebSocketContext,
    meter: FragmentMeter,
    fragments: Bucket,
    fragments_rate: Rate,
}

impl Receiver {
    /// With the bytes that came behind the peer's request.
    pub(super) fn new(mut leftover: Vec<u8>, config: &NetConfig, now: Millis) -> Self {
        let fragments_rate = config.fragments();
        let mut fragments = Bucket::full(fragments_rate, now);
        let mut meter = FragmentMeter::default();
        meter.allow(fragments.available(fragments_rate, now));
        leftover.truncate(meter.watch(&leftover));
        // No more came than were available.
        let _ = fragments.take_many(fragments_rate, meter.fragments(), now);
        let limits = Some(config.websocket());
        Self {
            context: WebSocketContext::from_partially_read(leftover, Role::Server, limits),
            meter,
            fragments,
            fragments_rate,
        }
    }

    fn read<S: Transport>(&mut self, link: &mut Link<S>, now: Millis) -> Result<Message, Error> {
        let rate = self.fragments_rate;
        self.meter.allow(self.fragments.available(rate, now));
        let read = self.context.read(&mut Metered {
            stream: link,
            meter: &mut self.meter,
        });
        let _ = self.fragments.take_many(rate, self.meter.fragments(), now);
        read
    }
}

/// The writer that the connections of a shard share.
#[derive(Debug)]
pub struct FrameWriter(WebSocketContext);

impl FrameWriter {
    /// A writer for connections of this configuration.
    pub fn new(config: &NetConfig) -> Self {
        // It never reads.
        let limits = config.websocket().read_buffer_size(0);
        Self(WebSocketContext::new(Role::Server, Some(limits)))
    }
}

impl<S: Transport> Connection<S> {
    /// Queues one message and writes it at once if nothing waits before it: one copy, one write.
    pub fn send(&mut self, writer: &mut FrameWriter, message: Message) -> Sent {
        if !self.is_open() || self.link.is_broken() {
            return Sent::Gone;
        }
        if !self.has_room(message.len() + FRAME_HEADER_BYTES_MAX) {
            return Sent::Full;
        }
        match writer.0.write(&mut self.link, message) {
            Ok(()) => {}
            Err(Error::WriteBufferFull(_)) => return Sent::Full,
            Err(_) => return Sent::Gone,
        }
        self.outcome()
    }

    /// As [`send`](Self::send), for a frame that is whole already: no copy, one write.
    pub fn send_frame(&mut self, frame: &[u8]) -> Sent {
        if !self.is_open() || self.link.is_broken() {
            return Sent::Gone;
        }
        if !self.has_room(frame.len()) {
            return Sent::Full;
        }
        // A link takes everything and never fails.
        let _ = self.link.write(frame);
        self.outcome()
    }

    fn has_room(&self, frame_bytes: usize) -> bool {
        self.link.pending_bytes() + frame_bytes <= self.pending_bytes_max
    }

    /// What became of a frame that the link was given.
    fn outcome(&mut self) -> Sent {
        if self.link.is_broken() {
            return Sent::Gone;
        }
        if self.link.pending_bytes() > 0 {
            self.owes_drained = true;
            return Sent::Pending;
        }
        Sent::Flushed
    }

    /// Starts the close handshake behind all waiting output; nothing if it is not open.
    pub fn close(&mut self, code: u16, reason: &str, now: Millis) {
        self.note_cause(CloseCause::Service);
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Open(mut receiver) => {
                let context = &mut receiver.context;
                let frame = CloseFrame {
                    code: CloseCode::from(code),
                    reason: shortened(reason),
                };
                // An answer to a ping may wait in the context still: nothing follows a close.
                let _ = context.flush(&mut self.link);
                // A link never fails; what else can go wrong ends the connection at its deadline.
                let _ = context.close(&mut self.link, Some(frame));
                self.phase = Phase::Closing(receiver);
                self.phase_deadline = now.plus(CLOSE_MS_MAX);
            }
            other => self.phase = other,
        }
    }

    /// Gives the place to somebody else, at once: an open WebSocket is told to come again, as far as
    /// the kernel takes it; everything else that waits is lost.
    pub fn displace(&mut self, now: Millis) {
        self.note_cause(CloseCause::Displaced);
        self.close(DISPLACED_CLOSE_CODE, "the server is full", now);
        self.link.hang_up();
        self.phase = Phase::Over;
    }

    /// Closes an open WebSocket for what its peer did.
    fn blame(&mut self, fault: Fault, now: Millis) {
        self.note_cause(CloseCause::Fault(fault));
        self.close(fault.code(), fault.reason(), now);
    }

    /// A ping is due, or the peer has been silent for too long.
    pub(super) fn keep_alive(&mut self, now: Millis) {
        if now.since(self.heard_at) >= SILENCE_MS_MAX {
            self.blame(Fault::Silence, now);
            return;
        }
        let Phase::Open(receiver) = &mut self.phase else {
            return;
        };
        if now >= self.phase_deadline {
            let _ = receiver
                .context
                .write(&mut self.link, Message::Ping(bytes::Bytes::new()));
            self.phase_deadline = now.plus(PING_MS);
        }
    }

    pub(super) fn poll_open(
        &mut self,
        message: &mut Vec<u8>,
        now: Millis,
    ) -> Option<ConnectionEvent> {
        let Phase::Open(receiver) = &mut self.phase else {
            return None;
        };
        let pending_bytes = self.link.pending_bytes();
        if self.owes_drained && pending_bytes == 0 {
            self.owes_drained = false;
            return Some(ConnectionEvent::Drained);
        }
        if pending_bytes >= self.reading_pauses_at_bytes {
            return Some(ConnectionEvent::Idle);
        }
        let read = receiver.read(&mut self.link, now);
        let is_flooded = receiver.meter.is_exceeded();
        let event = match read {
            Ok(Message::Text(text)) => {
                copy(message, text.as_bytes());
                ConnectionEvent::Text
            }
            Ok(Message::Binary(bytes)) => {
                copy(message, &bytes);
                ConnectionEvent::Binary
            }
            Ok(Message::Ping(_) | Message::Pong(_))
                if self.controls.take(RATE_CONTROLS, now).is_err() =>
            {
                self.blame(Fault::PingFlood, now);
                // Whoever floods does not wait for an answer, and gets none but this.
                self.leave(now, CLOSE_MS_MAX);
                return None;
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                ConnectionEvent::Control
            }
            Err(error) if is_flooded && would_block(&error) => {
                self.blame(Fault::FragmentFlood, now);
                self.leave(now, CLOSE_MS_MAX);
                return None;
            }
            Err(error) => return self.fail(&error, now),
        };
        self.heard_at = now;
        Some(event)
    }

    /// Reading failed: nothing is there, the peer is gone, or it broke a rule.
    fn fail(&mut self, error: &Error, now: Millis) -> Option<ConnectionEvent> {
        let fault = match error {
            error if would_block(error) => return Some(ConnectionEvent::Idle),
            Error::ConnectionClosed | Error::AlreadyClosed => {
                self.leave(now, CLOSE_MS_MAX);
                return None;
            }
            Error::Io(_) | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                self.abandon();
                return None;
            }
            Error::Capacity(_) => Fault::MessageTooBig,
            Error::Utf8(_) => Fault::InvalidUtf8,
            _ => Fault::BrokenProtocol,
        };
        self.blame(fault, now);
        // The stream is out of step: no answer could be told from noise.
        self.leave(now, CLOSE_MS_MAX);
        None
    }

    pub(super) fn poll_closing(&mut self, now: Millis) -> Option<ConnectionEvent> {
        let Phase::Closing(receiver) = &mut self.phase else {
            return None;
        };
        let read = receiver.read(&mut self.link, now);
        let is_flooded = receiver.meter.is_exceeded()
            || matches!(read, Ok(Message::Ping(_) | Message::Pong(_)))
                && self.controls.take(RATE_CONTROLS, now).is_err();
        match read {
            Ok(_) if !is_flooded => Some(ConnectionEvent::Control),
            Err(error) if !is_flooded && would_block(&error) => Some(ConnectionEvent::Idle),
            _ => {
                self.leave(now, CLOSE_MS_MAX);
                None
            }
        }
    }
}

/// Whether there is just nothing to read now.
fn would_block(error: &Error) -> bool {
    matches!(error, Error::Io(io) if io.kind() == std::io::ErrorKind::WouldBlock)
}

fn copy(message: &mut Vec<u8>, bytes: &[u8]) {
    message.clear();
    message.extend_from_slice(bytes);
}

/// As much of the reason as a close frame holds, cut between characters.
fn shortened(reason: &str) -> Utf8Bytes {
    let end = reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX);
    Utf8Bytes::from(reason.get(..end).unwrap_or_default())
}
