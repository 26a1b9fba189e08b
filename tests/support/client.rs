//! A blocking client that trusts nothing it is told.
//!
//! Every message is decoded with the protocol's own types and held against the envelope: `seq` is
//! 1, 2, 3, …, a request is answered once, nothing is an answer to what was not asked.

use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use orrery::ids::Name;
use orrery::protocol::client::{Received, ReceivedBody};
use orrery::protocol::world::Delta;
use orrery::protocol::{
    AskedVersion, CombatEvent, ErrorCode, Input, JoinSystem, Joined, Login, Message, Notice,
    Repair, Reply, Request, RequestId, Seq, Trade, encode_request,
};
use rustls::pki_types::CertificateDer;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message as Frame, WebSocket};

use super::PATIENCE;
use super::server::{Server, unix};
use super::sky::Sky;
use super::wire::Wire;

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The close code; 1006 where nobody said why.
    pub(crate) code: u16,
    pub(crate) reason: String,
}

/// One connection and all it was told.
#[derive(Debug)]
pub(crate) struct Client {
    socket: WebSocket<Wire>,
    /// `seq` of the newest request.
    pub(crate) asked_seq: u64,
    heard_seq: u64,
    owed: HashSet<u64>,
    answers: HashMap<u64, Reply>,
    pub(crate) sky: Sky,
    pub(crate) combat: Vec<CombatEvent>,
    pub(crate) notices: Vec<Notice>,
    /// Errors that answer nothing.
    pub(crate) complaints: Vec<ErrorCode>,
    /// The newest message as it came.
    pub(crate) text: String,
}

impl Client {
    /// A connection without a login.
    pub(crate) fn open(server: &Server) -> Self {
        Self::open_at(server.listen, "/ws")
    }

    /// A connection without a login, on a path with a query.
    pub(crate) fn open_at(to: SocketAddr, path: &str) -> Self {
        Self::over(TcpStream::connect(to).unwrap(), to, path)
    }

    /// A connection without a login on a socket of the test's own.
    pub(crate) fn over(stream: TcpStream, to: SocketAddr, path: &str) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = format!("ws://{to}{path}");
        Self::upgrade(Wire::over(stream, to), &url).unwrap()
    }

    /// A connection under TLS that trusts this certificate alone.
    pub(crate) fn trusting(server: &Server, certificate: &CertificateDer<'static>) -> Self {
        Self::try_trusting(server, certificate).expect("the certificate is the server's")
    }

    /// The same; none where the server shows another one.
    pub(crate) fn try_trusting(
        server: &Server,
        certificate: &CertificateDer<'static>,
    ) -> Option<Self> {
        let stream = TcpStream::connect(server.listen).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let wire = Wire::trusting(stream, certificate);
        Self::upgrade(wire, &format!("ws://{}/ws", server.listen)).ok()
    }

    fn upgrade(wire: Wire, url: &str) -> Result<Self, String> {
        let config = WebSocketConfig::default().max_write_buffer_size(4 << 20);
        let upgraded = tungstenite::client::client_with_config(url, wire, Some(config));
        let (socket, _) = upgraded.map_err(|error| error.to_string())?;
        Ok(Self {
            socket,
            asked_seq: 0,
            heard_seq: 0,
            owed: HashSet::new(),
            answers: HashMap::new(),
            sky: Sky::default(),
            combat: Vec::new(),
            notices: Vec::new(),
            complaints: Vec::new(),
            text: String::new(),
        })
    }

    /// A player who is logged in.
    pub(crate) fn log_in(server: &Server, player: &str) -> Self {
        let mut client = Self::open(server);
        match client.login(&Server::token(player)) {
            Reply::AuthOk(ok) => assert_eq!(ok.player_id.as_str(), player),
            other => panic!("{player} is let in, not {other:?}"),
        }
        client
    }

    /// A player in `sol-1` who has seen the first snapshot.
    pub(crate) fn pilot(server: &Server, player: &str) -> Self {
        let mut client = Self::log_in(server, player);
        client.enter("sol-1");
        client
    }

    /// Presents a token.
    pub(crate) fn login(&mut self, token: &str) -> Reply {
        self.ask(Request::Login(Login {
            token,
            protocol_version: AskedVersion::Unstated,
        }))
    }

    /// Asks for a system.
    pub(crate) fn join(&mut self, system: &str) -> Reply {
        let system_id = Name::parse(system).unwrap();
        self.ask(Request::JoinSystem(JoinSystem { system_id }))
    }

    /// Joins a system and waits for the snapshot.
    pub(crate) fn enter(&mut self, system: &str) -> Joined {
        let reply = self.join(system);
        let Reply::Joined(joined) = reply else {
            panic!("{system} takes everybody, not {reply:?}");
        };
        let before = self.sky.snapshots.len();
        while self.sky.snapshots.len() == before {
            self.next();
        }
        *joined
    }

    /// Sends a request with the next `seq`, which is returned.
    pub(crate) fn send(&mut self, request: Request<'_>) -> u64 {
        self.asked_seq += 1;
        let seq = self.asked_seq;
        if request.kind().is_answered() {
            self.owed.insert(seq);
        }
        let mut text = Vec::new();
        let seq_number = Seq::new(seq).unwrap();
        let message = Message {
            seq: seq_number,
            request,
        };
        encode_request(&message, unix(), &mut text);
        self.send_text(&String::from_utf8(text).unwrap());
        seq
    }

    /// Sends any payload under any type with the next `seq`, to be answered.
    pub(crate) fn send_as(&mut self, kind: &str, payload: &str) -> u64 {
        self.asked_seq += 1;
        let seq = self.asked_seq;
        self.owed.insert(seq);
        self.send_text(&format!(
            r#"{{"type":"{kind}","seq":{seq},"ts":0,"payload":{payload}}}"#
        ));
        seq
    }

    /// Notes that the server owes an answer to what the test wrote by hand.
    pub(crate) fn expect_answer(&mut self, seq: u64) {
        self.answers.remove(&seq);
        self.owed.insert(seq);
    }

    /// Sends a text message as it is.
    pub(crate) fn send_text(&mut self, text: &str) {
        self.send_frame(Frame::text(text));
    }

    /// Sends any WebSocket message.
    pub(crate) fn send_frame(&mut self, frame: Frame) {
        self.socket.send(frame).unwrap();
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(&mut self, request: Request<'_>) -> Reply {
        let seq = self.send(request);
        self.answer(seq)
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&mut self, seq: u64) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.answers.get(&seq) {
                return reply.clone();
            }
            assert!(Instant::now() < deadline, "request {seq} is answered");
            self.next();
        }
    }

    /// Sends a request and waits for its answer, or for the end of the connection.
    pub(crate) fn ask_or_end(&mut self, request: Request<'_>) -> Result<Reply, Ending> {
        if !self.socket.can_write() {
            return Err(self.ending());
        }
        self.asked_seq += 1;
        let seq = self.asked_seq;
        self.owed.insert(seq);
        let mut text = Vec::new();
        let message = Message {
            seq: Seq::new(seq).unwrap(),
            request,
        };
        encode_request(&message, unix(), &mut text);
        if self
            .socket
            .send(Frame::text(String::from_utf8(text).unwrap()))
            .is_err()
        {
            return Err(self.ending());
        }
        loop {
            if let Some(reply) = self.answers.get(&seq) {
                return Ok(reply.clone());
            }
            self.hear()?;
        }
    }

    /// Sends a request that must be refused with an `error`; the code.
    pub(crate) fn refusal(&mut self, request: Request<'_>) -> ErrorCode {
        match self.ask(request) {
            Reply::Error(error) => error.code,
            other => panic!("refused, not {other:?}"),
        }
    }

    /// Sets the controls.
    pub(crate) fn steer(&mut self, thrust: f64, turn: f64) -> u64 {
        self.control(thrust, turn, false, false)
    }

    /// Sets all the controls.
    pub(crate) fn control(&mut self, thrust: f64, turn: f64, fire: bool, dock: bool) -> u64 {
        self.send(Request::Input(Input::clamped(thrust, turn, fire, dock)))
    }

    /// Waits until an input is applied.
    pub(crate) fn applied(&mut self, seq: u64) {
        self.until("the input is applied", |client, _| {
            client.sky.last_input_seq >= Some(seq)
        });
    }

    /// Docks where the ship is, at rest inside a docking radius.
    pub(crate) fn dock(&mut self) {
        self.control(0.0, 0.0, false, true);
        while self.sky.docked_at().is_none() {
            self.next();
        }
    }

    /// Waits until the ship may dock, or undock where it is docked.
    pub(crate) fn rest(&mut self) {
        while self.sky.you().dock_ready_tick > Some(self.sky.tick) {
            self.next();
        }
    }

    /// Leaves the dock with the shortest push there is, and lets go of the controls.
    pub(crate) fn undock(&mut self) {
        self.steer(1e-6, 0.0);
        while self.sky.docked_at().is_some() {
            self.next();
        }
        let seq = self.steer(0.0, 0.0);
        self.applied(seq);
    }

    /// The next message, which must come.
    pub(crate) fn next(&mut self) -> Received {
        match self.hear() {
            Ok(received) => received,
            Err(ending) => panic!("the connection goes on, not {ending:?}"),
        }
    }

    /// Reads until a message after which something holds.
    pub(crate) fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Self, &Received) -> bool,
    ) -> Received {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received = self.next();
            if holds(self, &received) {
                return received;
            }
            assert!(
                Instant::now() < deadline,
                "never: {what}; last {}",
                self.text
            );
        }
    }

    /// Reads until a delta of which something holds.
    pub(crate) fn until_delta(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Delta) -> bool,
    ) -> Delta {
        let received = self.until(what, |_, received| match &received.body {
            ReceivedBody::Delta(delta) => holds(delta),
            _ => false,
        });
        match received.body {
            ReceivedBody::Delta(delta) => *delta,
            other => panic!("a delta, not {other:?}"),
        }
    }

    /// Reads so many deltas.
    pub(crate) fn deltas(&mut self, count: u64) {
        let end = self.sky.deltas_count + count;
        self.until("deltas", |client, _| client.sky.deltas_count >= end);
    }

    /// Reads to the end of the connection.
    pub(crate) fn ending(&mut self) -> Ending {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Err(ending) = self.hear() {
                return ending;
            }
            assert!(Instant::now() < deadline, "the connection ends");
        }
    }

    /// Whether every request was answered, looking no further.
    pub(crate) fn owes_nothing(&self) -> bool {
        self.owed.is_empty()
    }

    /// The connection itself, for who reads it in a way of their own.
    pub(crate) fn into_socket(self) -> WebSocket<Wire> {
        self.socket
    }

    /// The socket underneath, for what a good client never does.
    pub(crate) fn stream(&mut self) -> &mut Wire {
        self.socket.get_mut()
    }

    /// The next message, or how the connection ended.
    pub(crate) fn hear(&mut self) -> Result<Received, Ending> {
        loop {
            match self.socket.read() {
                Ok(Frame::Text(text)) => {
                    text.as_str().clone_into(&mut self.text);
                    return Ok(self.take(text.as_str()));
                }
                Ok(Frame::Binary(_)) => panic!("the server never sends binary messages"),
                Ok(Frame::Close(frame)) => {
                    let (code, reason) = frame.map_or((1005, String::new()), |frame| {
                        (frame.code.into(), frame.reason.to_string())
                    });
                    // What is left of the close handshake ends in an error, as it should.
                    while self.socket.read().is_ok() {}
                    return Err(Ending { code, reason });
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("the server is silent");
                }
                Err(error) => {
                    return Err(Ending {
                        code: 1006,
                        reason: error.to_string(),
                    });
                }
            }
        }
    }

    fn take(&mut self, text: &str) -> Received {
        let received = Received::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        self.heard_seq += 1;
        assert_eq!(received.seq, self.heard_seq, "seq counts every message");
        if let Some(to) = received.reply_to {
            assert!(self.owed.remove(&to), "asked once, answered once: {text}");
            let ReceivedBody::Reply(reply) = &received.body else {
                panic!("state answers nothing: {text}");
            };
            self.answers.insert(to, reply.clone());
        }
        match &received.body {
            ReceivedBody::Snapshot(snapshot) => self.sky.replace(snapshot),
            ReceivedBody::Delta(delta) => self.sky.update(delta),
            ReceivedBody::Reply(Reply::Joined(joined)) => self.sky.join(joined),
            ReceivedBody::Reply(Reply::CombatEvent(event)) => self.combat.push(event.clone()),
            ReceivedBody::Reply(Reply::Notice(notice)) => self.notices.push(notice.clone()),
            ReceivedBody::Reply(Reply::Error(error)) if received.reply_to.is_none() => {
                self.complaints.push(error.code);
            }
            ReceivedBody::Reply(_) => {}
        }
        received
    }
}

/// What to trade.
pub(crate) fn order(station: &str, commodity: &str, quantity: u32, id: Option<&str>) -> Trade {
    Trade {
        station_id: Name::parse(station).unwrap(),
        commodity_id: Name::parse(commodity).unwrap(),
        quantity,
        request_id: id.map(|id| RequestId::parse(id).unwrap()),
    }
}

/// An order to buy that is not safe to repeat.
pub(crate) fn buy(station: &str, commodity: &str, quantity: u32) -> Request<'static> {
    Request::Buy(order(station, commodity, quantity, None))
}

/// An order to sell that is not safe to repeat.
pub(crate) fn sell(station: &str, commodity: &str, quantity: u32) -> Request<'static> {
    Request::Sell(order(station, commodity, quantity, None))
}

/// An order to mend the whole hull, not safe to repeat.
pub(crate) fn repair(station: &str) -> Request<'static> {
    Request::Repair(Repair {
        station_id: Name::parse(station).unwrap(),
        request_id: None,
    })
}
