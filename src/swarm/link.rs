//! A bot's connection: TCP, then the WebSocket handshake, then messages, none of it blocking.
//!
//! Owns the socket and tungstenite's state with every limit set; knows no message's meaning.
//! Edge-triggered: after a readiness event [`Link::receive`] is called until it says that nothing
//! is left. A read that fills less than its buffer has emptied the socket, so the call that would
//! only hear `EWOULDBLOCK` is never made: one system call a delta.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::SocketAddr;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use tungstenite::client::client_with_config;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, Utf8Bytes, WebSocket};

use crate::limits::{
    SWARM_MESSAGE_BYTES_MAX, SWARM_READ_BUFFER_BYTES, SWARM_WRITE_BUFFER_BYTES_MAX,
};

/// A socket that knows when it is empty.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    is_drained: bool,
    is_ending: bool,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_drained {
            return Err(ErrorKind::WouldBlock.into());
        }
        let result = self.tcp.read(buffer);
        match &result {
            Ok(count) => self.is_drained = *count < buffer.len() && !self.is_ending,
            Err(error) => self.is_drained = error.kind() == ErrorKind::WouldBlock,
        }
        result
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection on its way.
pub(super) enum Link {
    /// TCP has not answered.
    Connecting(TcpStream),
    /// The upgrade has not been answered.
    Handshaking(MidHandshake<ClientHandshake<Stream>>),
    /// Messages flow.
    Open(Box<WebSocket<Stream>>),
    /// Over, or not begun.
    Gone,
}

/// What a connection gave.
pub(super) enum Received {
    /// A text message.
    Text(Utf8Bytes),
    /// Nothing more until the next readiness event.
    Nothing,
    /// The peer said goodbye with this code.
    Closing(u16),
    /// The connection is over; 1006 where nobody said why.
    Over(Option<u16>),
}

/// What a send came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Written, or waiting for the socket to take it.
    Queued,
    /// Too much waits already: nothing was queued.
    Full,
    /// There is no connection to send on.
    Gone,
}

/// Close code for a connection that ended without a word (RFC 6455, 7.1.5).
const ABNORMAL: u16 = 1006;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(SWARM_READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(SWARM_WRITE_BUFFER_BYTES_MAX)
        .max_message_size(Some(SWARM_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SWARM_MESSAGE_BYTES_MAX))
}

impl Link {
    /// Begins to connect; readiness events come under `token`.
    pub(super) fn connect(
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut tcp = TcpStream::connect(address)?;
        tcp.register(registry, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self::Connecting(tcp))
    }

    /// Goes on connecting after a readiness event; `Ok(true)` once messages can flow.
    ///
    /// # Errors
    /// A sentence for people: why the connection or the upgrade failed.
    pub(super) fn advance(&mut self, request: &Request) -> Result<bool, String> {
        let result = match mem::replace(self, Self::Gone) {
            Self::Connecting(tcp) => {
                if let Some(error) = tcp.take_error().ok().flatten() {
                    return Err(format!("connect: {error}"));
                }
                if tcp.peer_addr().is_err() {
                    *self = Self::Connecting(tcp);
                    return Ok(false);
                }
                // Small inputs must not wait for an acknowledgement; without it they merely lag.
                let _ = tcp.set_nodelay(true);
                let stream = Stream {
                    tcp,
                    is_drained: false,
                    is_ending: false,
                };
                client_with_config(request.clone(), stream, Some(config()))
            }
            Self::Handshaking(mut mid) => {
                mid.get_mut().get_mut().is_drained = false;
                mid.handshake()
            }
            other => {
                *self = other;
                return Ok(matches!(self, Self::Open(_)));
            }
        };
        match result {
            Ok((socket, _)) => {
                *self = Self::Open(Box::new(socket));
                Ok(true)
            }
            Err(HandshakeError::Interrupted(mid)) => {
                *self = Self::Handshaking(mid);
                Ok(false)
            }
            Err(HandshakeError::Failure(Error::Http(response))) => {
                Err(format!("handshake: HTTP {}", response.status()))
            }
            Err(HandshakeError::Failure(error)) => Err(format!("handshake: {error}")),
        }
    }

    /// A readiness event came: there may be something to read, and room to write.
    pub(super) fn wake(&mut self, is_ending: bool) {
        if let Self::Open(socket) = self {
            let stream = socket.get_mut();
            stream.is_drained = false;
            stream.is_ending |= is_ending;
        }
    }

    /// The next message.
    pub(super) fn receive(&mut self) -> Received {
        let Self::Open(socket) = self else {
            return Received::Nothing;
        };
        loop {
            match socket.read() {
                Ok(Message::Text(text)) => return Received::Text(text),
                Ok(Message::Close(frame)) => {
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return Received::Closing(code);
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return Received::Nothing;
                }
                Err(error) => {
                    let is_agreed = matches!(error, Error::ConnectionClosed | Error::AlreadyClosed);
                    *self = Self::Gone;
                    return Received::Over((!is_agreed).then_some(ABNORMAL));
                }
            }
        }
    }

    /// Sends a text message.
    pub(super) fn send(&mut self, text: Utf8Bytes) -> Sent {
        let Self::Open(socket) = self else {
            return Sent::Gone;
        };
        match socket.send(Message::Text(text)) {
            Ok(()) => Sent::Queued,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Sent::Queued,
            Err(Error::WriteBufferFull(_)) => Sent::Full,
            Err(_) => Sent::Gone,
        }
    }

    /// Writes what waits, as far as the socket takes it. A failure shows at the next read.
    pub(super) fn flush(&mut self) {
        if let Self::Open(socket) = self {
            let _ = socket.flush();
        }
    }

    /// Says goodbye; the connection is over once the peer has answered.
    pub(super) fn close(&mut self) {
        match self {
            Self::Open(socket) => {
                let reason = Utf8Bytes::from_static("swarm is done");
                let _ = socket.close(Some(CloseFrame {
                    code: CloseCode::Normal,
                    reason,
                }));
                let _ = socket.flush();
            }
            _ => *self = Self::Gone,
        }
    }

    /// Whether there is a connection, established or not.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }
}
