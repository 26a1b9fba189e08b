//! What the net layer's tests share: a service that remembers its calls, a shard in memory with a
//! clock that moves only when told to, and the bytes of a well-formed upgrade.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use orrery::ids::{ConnId, Millis, Name};
use orrery::net::connection::{CloseCause, Transport};
use orrery::net::http::{Accept, Method, Request, Response};
use orrery::net::memory::{End, duplex};
use orrery::net::shard::{Common, Shard};
use orrery::net::{Bytes, Io, ManualClock, NetConfig, Sent, Service, Utf8Bytes};
use tungstenite::protocol::{Message, Role, WebSocket};

pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// One call of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open(ConnId),
    Text(String),
    Binary(Vec<u8>),
    Wake,
    Drained,
    Closed(ConnId),
    Timeout,
}

/// Remembers its calls. Text is echoed, also `login`, whose sender is authenticated from then on;
/// `begin NAME` begins a login, and closes with 1013 where there is no place for it;
/// except that `close` is answered by closing with 4001, `stop` by stopping, and `flood N` by N messages of 1,000 bytes.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) calls: Vec<Call>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) pending_bytes_max: usize,
    pub(crate) deadline: Option<Millis>,
}

impl Recorder {
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for call in &self.calls {
            if let Call::Text(text) = call {
                texts.push(text.as_str());
            }
        }
        texts
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|call| wanted(call)).count()
    }

    pub(crate) fn closed_count(&self) -> usize {
        self.count(|call| matches!(call, Call::Closed(_)))
    }

    fn send(&mut self, io: &mut dyn Io, conn: ConnId, text: &str) {
        let sent = io.send(conn, Utf8Bytes::from(text));
        self.sent.push(sent);
        self.pending_bytes_max = self.pending_bytes_max.max(io.pending_bytes(conn));
    }
}

impl Service for Recorder {
    fn http(&mut self, request: &Request<'_>) -> Response {
        match (request.method, request.path) {
            (Method::Get | Method::Head, "/page") => Response::text(200, "a page"),
            (Method::Post, "/form") => {
                Response::new(200).with_body("text/plain", request.body.to_vec())
            }
            (Method::Get, "/large") => {
                Response::new(200).with_body("text/plain", vec![b'x'; 1_000_000])
            }
            (Method::Get, "/who") => {
                Response::new(200).with_body("text/plain", request.peer.to_string())
            }
            _ => Response::text(404, "nothing here"),
        }
    }

    fn open(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        upgrade: &Request<'_>,
    ) -> Result<Accept, Response> {
        if upgrade.path != "/ws" {
            return Err(Response::text(404, "nothing here"));
        }
        assert_eq!(io.send(conn, "too early".into()), Sent::Gone);
        self.calls.push(Call::Open(conn));
        let known = upgrade.subprotocols().any(|name| name == "orrery.v1.json");
        Ok(Accept {
            subprotocol: known.then_some("orrery.v1.json"),
        })
    }

    fn text(&mut self, io: &mut dyn Io, conn: ConnId, text: &mut [u8]) {
        let text = std::str::from_utf8(text).unwrap().to_owned();
        match text.split_once(' ') {
            None if text == "close" => io.close(conn, 4001, "asked for"),
            None if text == "stop" => io.stop(10_000),
            Some(("begin", name)) => {
                if io.begin_login(conn, &Name::parse(name).unwrap()) {
                    self.send(io, conn, &text);
                } else {
                    io.close(conn, 1013, "full");
                }
            }
            Some(("flood", count)) => {
                for _ in 0..count.parse().unwrap() {
                    self.send(io, conn, &"x".repeat(1_000));
                }
            }
            _ => {
                if text == "login" {
                    io.mark_authenticated(conn);
                }
                self.send(io, conn, &text);
            }
        }
        self.calls.push(Call::Text(text));
    }

    fn binary(&mut self, io: &mut dyn Io, conn: ConnId, bytes: &[u8]) {
        let sent = io.send_binary(conn, Bytes::copy_from_slice(bytes));
        self.sent.push(sent);
        self.calls.push(Call::Binary(bytes.to_vec()));
    }

    fn wake(&mut self, _io: &mut dyn Io) {
        self.calls.push(Call::Wake);
    }

    fn drained(&mut self, io: &mut dyn Io, conn: ConnId) {
        assert_eq!(io.pending_bytes(conn), 0);
        self.calls.push(Call::Drained);
    }

    fn closed(&mut self, io: &mut dyn Io, conn: ConnId, _: CloseCause) {
        assert_eq!(io.send(conn, "too late".into()), Sent::Gone);
        self.calls.push(Call::Closed(conn));
    }

    fn deadline(&self) -> Option<Millis> {
        self.deadline
    }

    fn timeout(&mut self, _io: &mut dyn Io) {
        self.deadline = None;
        self.calls.push(Call::Timeout);
    }
}

/// A shard in memory.
pub(crate) struct Rig<S = End> {
    pub(crate) shard: Shard<S>,
    pub(crate) common: Common,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Recorder,
}

impl<S: Transport> Rig<S> {
    pub(crate) fn new() -> Self {
        Self::with(NetConfig::default())
    }

    pub(crate) fn with(config: NetConfig) -> Self {
        let clock = Arc::new(ManualClock::new());
        let common = Common::new(config, Arc::clone(&clock) as _);
        Self {
            shard: Shard::new(0, common.clone()),
            common,
            clock,
            service: Recorder::default(),
        }
    }

    /// Turns until nothing more happens by itself.
    pub(crate) fn settle(&mut self) {
        self.shard.ready_all();
        while self.shard.turn(&mut self.service) {}
    }

    /// Lets time pass, firing what is due, a second at a time.
    pub(crate) fn pass(&mut self, span_ms: u64) {
        let mut left_ms = span_ms;
        while left_ms > 0 {
            let step_ms = left_ms.min(1_000);
            self.clock.advance(step_ms);
            left_ms -= step_ms;
            self.settle();
        }
    }
}

impl Rig {
    /// A peer's end of a fresh connection.
    pub(crate) fn connect(&mut self) -> End {
        let (near, far) = duplex();
        self.shard.admit(near, LOCAL).unwrap();
        far
    }

    /// A peer that has sent an upgrade and read the answer.
    pub(crate) fn open(&mut self) -> End {
        let mut far = self.connect();
        far.write_all(UPGRADE.as_bytes()).unwrap();
        self.settle();
        let answer = far.drain();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
        far
    }

    /// A peer that is authenticated.
    pub(crate) fn log_in(&mut self) -> End {
        let mut far = self.open();
        far.write_all(&frame(0x81, b"login")).unwrap();
        self.settle();
        far.drain();
        far
    }

    /// A peer whose login under this name is under way, if it may begin.
    pub(crate) fn begin_login(&mut self, name: &str) -> End {
        let mut far = self.open();
        let text = format!("begin {name}");
        far.write_all(&frame(0x81, text.as_bytes())).unwrap();
        self.settle();
        far
    }

    /// A peer that is authenticated under this name.
    pub(crate) fn log_in_as(&mut self, name: &str) -> End {
        let mut far = self.begin_login(name);
        far.write_all(&frame(0x81, b"login")).unwrap();
        self.settle();
        far.drain();
        far
    }

    /// A tungstenite client on an open connection.
    pub(crate) fn client(&mut self) -> WebSocket<End> {
        WebSocket::from_raw_socket(self.open(), Role::Client, None)
    }
}

/// A masked frame: opcode with flags, payload.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x11, 0x22, 0x33, 0x44];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            bytes.push(0xfe);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0xff);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}

/// The code of the close frame that ends these server frames.
pub(crate) fn close_code(bytes: &[u8]) -> Option<u16> {
    let mut rest = bytes;
    while let [first, length, tail @ ..] = rest {
        let (length, tail) = match (*length, tail) {
            (126, [high, low, tail @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), tail),
            (length, tail) => (usize::from(length), tail),
        };
        if first & 0x0f == 8 {
            return Some(u16::from_be_bytes([tail[0], tail[1]]));
        }
        rest = &tail[length..];
    }
    None
}

/// Everything that a client can read now.
pub(crate) fn messages(client: &mut WebSocket<End>) -> Vec<Message> {
    std::iter::from_fn(|| client.read().ok()).collect()
}
