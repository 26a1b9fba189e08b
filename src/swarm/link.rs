//! A bot's connection: TCP, then the WebSocket handshake, then messages, none of it blocking.
//!
//! Owns the socket and tungstenite's state with every limit set; knows no message's meaning.
//! Edge-triggered: after a readiness event [`ClientLink::receive`] is called until it says that nothing
//! is left, between [`ClientLink::open_inbox`] and [`ClientLink::close_inbox`]. A read that fills less than its
//! room has emptied the socket, so the call that would only hear `EWOULDBLOCK` is never made: one
//! system call a delta.
//!
//! Texts in one frame, nearly everything, are taken where they lie in the shared [`Inbox`]; every
//! other frame goes through tungstenite, whole.
//!
//! Under TLS a short read says nothing about the socket, so reading goes on until it would block.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tungstenite::client::client_with_config;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, Utf8Bytes, WebSocket};

use super::inbox::{Front, Inbox};
use crate::limits::{
    SWARM_MESSAGE_BYTES_MAX, SWARM_READ_BUFFER_BYTES, SWARM_WRITE_BUFFER_BYTES_MAX,
};

/// How a `wss://` server is to prove who it is.
#[derive(Debug, Clone)]
pub(super) struct ClientTls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server: ServerName<'static>,
}

/// What carries the bytes.
#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    ClientTls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    fn over(tcp: TcpStream, tls: Option<&ClientTls>) -> Result<Self, rustls::Error> {
        let Some(tls) = tls else {
            return Ok(Self::Plain(tcp));
        };
        let session = ClientConnection::new(Arc::clone(&tls.config), tls.server.clone())?;
        Ok(Self::ClientTls(Box::new(StreamOwned::new(session, tcp))))
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::ClientTls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::ClientTls(tls) => tls.write(bytes),
        }
    }

    /// Writes what a TLS session holds back; a plain socket holds nothing.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::ClientTls(tls) => tls.flush(),
        }
    }
}

/// The socket as tungstenite sees it: in the handshake as it is, from then on it reads only what
/// the link hands on.
#[derive(Debug)]
pub(super) struct ClientStream {
    transport: Transport,
    is_drained: bool,
    is_ending: bool,
    supply: Supply,
    food: VecDeque<u8>,
    /// The last bytes read in the handshake.
    tail: [u8; 4],
}

/// Where tungstenite's bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Supply {
    /// The socket: the handshake is not over.
    Socket,
    /// The food that the link hands on.
    Food,
    /// The food, and then the end: the peer has ended its side, or the socket failed.
    FoodThenEnd,
}

impl ClientStream {
    fn new(transport: Transport) -> Self {
        Self {
            transport,
            is_drained: false,
            is_ending: false,
            supply: Supply::Socket,
            food: VecDeque::new(),
            tail: [0; 4],
        }
    }

    /// Reads once into the inbox; nothing if the socket is known to be empty.
    fn fill(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        if self.is_drained {
            return Err(ErrorKind::WouldBlock.into());
        }
        let is_plain = matches!(self.transport, Transport::Plain(_));
        match inbox.read(&mut self.transport) {
            Ok((count, is_short)) => {
                self.is_drained = is_short && is_plain && !self.is_ending;
                Ok(count)
            }
            Err(error) => {
                self.is_drained = error.kind() == ErrorKind::WouldBlock;
                Err(error)
            }
        }
    }
}

impl Read for ClientStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.supply != Supply::Socket {
            return match self.food.read(buffer)? {
                0 if self.supply == Supply::Food => Err(ErrorKind::WouldBlock.into()),
                count => Ok(count),
            };
        }
        let count = self.transport.read(buffer)?;
        for &byte in buffer.get(..count).unwrap_or_default() {
            self.tail.rotate_left(1);
            self.tail[3] = byte;
        }
        Ok(count)
    }
}

impl Write for ClientStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.transport.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}

/// A connection on its way.
pub(super) enum ClientLink {
    /// TCP has not answered.
    Connecting(TcpStream),
    /// The upgrade has not been answered.
    Handshaking(Box<MidHandshake<ClientHandshake<ClientStream>>>),
    /// The WebSocket is open, and messages flow.
    Open(Box<ClientChannel>),
    /// Over, or not begun.
    Gone,
}

/// An open connection.
pub(super) struct ClientChannel {
    socket: WebSocket<ClientStream>,
    /// The beginning of a frame whose rest is under way.
    kept: Vec<u8>,
}

/// What a connection gave.
pub(super) enum LinkReceived {
    /// A text message, which lies here in the inbox; not known to be UTF-8.
    Here(Range<usize>),
    /// A text message that came in several frames.
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
pub(super) enum LinkSent {
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

impl ClientLink {
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

    /// Goes on connecting after a readiness event, under TLS where told how; `Ok(true)` once
    /// messages can flow.
    ///
    /// # Errors
    /// A sentence for people: why the connection or the upgrade failed.
    pub(super) fn advance(
        &mut self,
        request: &Request,
        tls: Option<&ClientTls>,
    ) -> Result<bool, String> {
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
                let transport =
                    Transport::over(tcp, tls).map_err(|error| format!("connect: {error}"))?;
                client_with_config(
                    request.clone(),
                    ClientStream::new(transport),
                    Some(config()),
                )
            }
            Self::Handshaking(mid) => mid.handshake(),
            other => {
                *self = other;
                return Ok(matches!(self, Self::Open(_)));
            }
        };
        match result {
            Ok((mut socket, _)) => {
                let stream = socket.get_mut();
                // Whatever came behind it would be in tungstenite's hands, perhaps half a frame.
                if stream.tail != *b"\r\n\r\n" {
                    return Err("handshake: the server spoke before it was spoken to".to_owned());
                }
                stream.supply = Supply::Food;
                let kept = Vec::new();
                *self = Self::Open(Box::new(ClientChannel { socket, kept }));
                Ok(true)
            }
            Err(HandshakeError::Interrupted(mid)) => {
                *self = Self::Handshaking(Box::new(mid));
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
        if let Self::Open(channel) = self {
            let stream = channel.socket.get_mut();
            stream.is_drained = false;
            stream.is_ending |= is_ending;
        }
    }

    /// Begins a turn of receiving.
    pub(super) fn open_inbox(&mut self, inbox: &mut Inbox) {
        match self {
            Self::Open(channel) => inbox.begin(&mut channel.kept),
            _ => inbox.begin(&mut Vec::new()),
        }
    }

    /// Ends a turn of receiving.
    pub(super) fn close_inbox(&mut self, inbox: &mut Inbox) {
        if let Self::Open(channel) = self {
            inbox.keep(&mut channel.kept);
        }
    }

    /// The next message.
    pub(super) fn receive(&mut self, inbox: &mut Inbox) -> LinkReceived {
        let Self::Open(channel) = self else {
            return LinkReceived::Nothing;
        };
        loop {
            let stream = channel.socket.get_mut();
            match inbox.take() {
                Front::Text(range) => return LinkReceived::Here(range),
                Front::Other(range) | Front::Broken(range) => {
                    stream.food.extend(inbox.slice(range));
                }
                Front::Partial => match stream.fill(inbox) {
                    Ok(0) => stream.supply = Supply::FoodThenEnd,
                    Ok(_) => continue,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        return LinkReceived::Nothing;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(_) => stream.supply = Supply::FoodThenEnd,
                },
            }
            match channel.socket.read() {
                Ok(Message::Text(text)) => return LinkReceived::Text(text),
                Ok(Message::Close(frame)) => {
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    return LinkReceived::Closing(code);
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    let is_agreed = matches!(error, Error::ConnectionClosed | Error::AlreadyClosed);
                    *self = Self::Gone;
                    return LinkReceived::Over((!is_agreed).then_some(ABNORMAL));
                }
            }
        }
    }

    /// Sends a text message.
    pub(super) fn send(&mut self, text: Utf8Bytes) -> LinkSent {
        let Self::Open(channel) = self else {
            return LinkSent::Gone;
        };
        match channel.socket.send(Message::Text(text)) {
            Ok(()) => LinkSent::Queued,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => LinkSent::Queued,
            Err(Error::WriteBufferFull(_)) => LinkSent::Full,
            Err(_) => LinkSent::Gone,
        }
    }

    /// Writes what waits, as far as the socket takes it. A failure shows at the next read.
    pub(super) fn flush(&mut self) {
        if let Self::Open(channel) = self {
            let _ = channel.socket.flush();
        }
    }

    /// Says goodbye; the connection is over once the peer has answered.
    pub(super) fn close(&mut self) {
        match self {
            Self::Open(channel) => {
                let socket = &mut channel.socket;
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
