//! A server for bots: one thread a connection, a stream that moves on with every input it hears.

use std::collections::BTreeSet;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use orrery::ids::{EntityKind, Name, UnixMillis};
use orrery::protocol::client::{Received, ReceivedBody};
use orrery::protocol::world::{
    Delta, Entity, EntityUpdate, Market, Price, Snapshot, You, YouChanges, ZoneContext,
};
use orrery::protocol::{
    Angle, AuthOk, Cargo, ErrorCode, Fixed2, Joined, Message as Asked, Reply, Request, Scratch,
    Spawn, TradeDetails, TradeResult, decode,
};
use orrery::session::token::{Key, Verifier};
use tungstenite::handshake::server::{ErrorResponse, Request as Upgrade, Response};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket, accept_hdr};

pub(crate) const SECRET: &[u8] = b"a secret of thirty-two bytes or more";
const STATION: &str = "port";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    Play,
    RefuseLogins,
    /// Has no room for anybody's first login; closes as the server does.
    PutOffOnce(u64),
    EndAfterInputs(u64, u16),
    CutAfterInputs(u64),
    SkipOneSeq,
}

/// What the server saw of all bots.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) players: BTreeSet<String>,
    pub(crate) request_ids: BTreeSet<(String, String)>,
    pub(crate) inputs: u64,
    pub(crate) thrusts: u64,
    pub(crate) shots: u64,
    pub(crate) dockings: u64,
    pub(crate) goodbyes: u64,
    /// Tokens that came once.
    put_off: BTreeSet<String>,
}

pub(crate) struct Harbour {
    address: SocketAddr,
    is_closing: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    listener: JoinHandle<()>,
}

impl Harbour {
    pub(crate) fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (closing, shared) = (Arc::clone(&is_closing), Arc::clone(&seen));
        let listener = std::thread::spawn(move || {
            let mut visitors = Vec::new();
            for stream in listener.incoming() {
                if closing.load(Ordering::Relaxed) {
                    break;
                }
                let (stream, seen) = (stream.unwrap(), Arc::clone(&shared));
                visitors.push(std::thread::spawn(move || serve(stream, manner, &seen)));
            }
            for visitor in visitors {
                visitor.join().unwrap();
            }
        });
        Self {
            address,
            is_closing,
            seen,
            listener,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Waits for every connection's end.
    pub(crate) fn close(self) -> Seen {
        self.is_closing.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        self.listener.join().unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

struct Visitor<'s> {
    socket: WebSocket<TcpStream>,
    manner: Manner,
    seen: &'s Mutex<Seen>,
    seq: u64,
    tick: u64,
    inputs: u64,
    is_docked: bool,
    player: String,
}

fn serve(stream: TcpStream, manner: Manner, seen: &Mutex<Seen>) {
    #[expect(
        clippy::result_large_err,
        reason = "the callback's type is tungstenite's"
    )]
    let echo = |request: &Upgrade, mut response: Response| -> Result<Response, ErrorResponse> {
        let name = "sec-websocket-protocol";
        if let Some(offered) = request.headers().get(name) {
            response.headers_mut().insert(name, offered.clone());
        }
        Ok(response)
    };
    let socket = accept_hdr(stream, echo).unwrap();
    let mut visitor = Visitor {
        socket,
        manner,
        seen,
        seq: 0,
        tick: 100,
        inputs: 0,
        is_docked: false,
        player: String::new(),
    };
    let mut scratch = Scratch::default();
    loop {
        match visitor.socket.read() {
            Ok(Message::Text(text)) => {
                let mut bytes = text.as_bytes().to_vec();
                let asked = decode(&mut bytes, &mut scratch).expect("a bot keeps to the protocol");
                visitor.answer(asked);
            }
            Ok(Message::Close(_)) => seen.lock().unwrap().goodbyes += 1,
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

impl Visitor<'_> {
    fn say(&mut self, reply_to: Option<u64>, body: ReceivedBody) {
        self.seq += 1;
        let mut out = Vec::new();
        Received {
            seq: self.seq,
            reply_to,
            ts: 1,
            body,
        }
        .encode(&mut out);
        // A bot that has gone shows at the next read.
        let _ = self
            .socket
            .send(Message::text(String::from_utf8(out).unwrap()));
    }

    fn answer(&mut self, asked: Asked<'_>) {
        let to = Some(asked.seq.number());
        match asked.request {
            Request::Login(login) => self.log_in(to, login.token),
            Request::JoinSystem(join) => {
                assert_eq!(join.system_id.as_str(), "sol-1");
                self.say(
                    to,
                    ReceivedBody::Reply(Reply::Joined(Box::new(joined(join.system_id)))),
                );
                if matches!(self.manner, Manner::SkipOneSeq) {
                    self.seq += 1;
                }
                self.say(None, ReceivedBody::Snapshot(Box::new(self.snapshot())));
            }
            Request::Input(input) => {
                self.inputs += 1;
                let mut seen = self.seen.lock().unwrap();
                seen.inputs += 1;
                seen.thrusts += u64::from(input.thrust > 0.0);
                seen.shots += u64::from(input.fire_primary);
                seen.dockings += u64::from(input.dock_request);
                drop(seen);
                self.fly(input.dock_request, input.thrust > 0.0);
            }
            Request::Buy(trade) | Request::Sell(trade) => {
                let id = trade.request_id.expect("bots name their orders");
                let key = (self.player.clone(), id.as_str().to_owned());
                self.seen.lock().unwrap().request_ids.insert(key);
                assert_eq!(trade.station_id.as_str(), STATION);
                let result = TradeResult {
                    ok: true,
                    credits: 1,
                    cargo: Vec::new(),
                    details: TradeDetails {
                        station_id: trade.station_id,
                        commodity_id: trade.commodity_id,
                        quantity: trade.quantity,
                        unit_price: 1,
                        total: i64::from(trade.quantity),
                    },
                };
                self.say(to, ReceivedBody::Reply(Reply::TradeResult(result)));
            }
            other => panic!("no bot here asks for {other:?}"),
        }
    }

    fn log_in(&mut self, to: Option<u64>, token: &str) {
        assert!(!token.is_empty());
        match self.manner {
            Manner::RefuseLogins => {
                let refusal = Reply::auth_error(ErrorCode::InvalidToken);
                self.say(to, ReceivedBody::Reply(refusal));
                return;
            }
            Manner::PutOffOnce(wait_ms) if self.is_first_login(token) => {
                let refusal = Reply::login_refusal(ErrorCode::SystemFull, wait_ms);
                self.say(to, ReceivedBody::Reply(refusal));
                let frame = CloseFrame {
                    code: 1013.into(),
                    reason: "".into(),
                };
                let _ = self.socket.close(Some(frame));
                return;
            }
            _ => {}
        }
        let verifier = Verifier::new(vec![Key::secret(SECRET).unwrap()]);
        let player = verifier.verify(token, UnixMillis(0)).unwrap().player;
        self.player = player.to_string();
        self.seen.lock().unwrap().players.insert(player.to_string());
        let ok = AuthOk {
            player_id: player,
            system_id: None,
        };
        self.say(to, ReceivedBody::Reply(Reply::AuthOk(ok)));
    }

    fn is_first_login(&self, token: &str) -> bool {
        self.seen.lock().unwrap().put_off.insert(token.to_owned())
    }

    /// One input, three ticks; docking and undocking are told, with a snapshot for the prices.
    fn fly(&mut self, docks: bool, thrusts: bool) {
        match self.manner {
            Manner::EndAfterInputs(inputs, code) if self.inputs == inputs => {
                let frame = CloseFrame {
                    code: code.into(),
                    reason: "".into(),
                };
                let _ = self.socket.close(Some(frame));
                return;
            }
            Manner::CutAfterInputs(inputs) if self.inputs == inputs => {
                let _ = self.socket.get_ref().shutdown(Shutdown::Both);
                return;
            }
            _ => {}
        }
        let was_docked = self.is_docked;
        self.is_docked = (self.is_docked || docks) && !thrusts;
        for nth in 0..3 {
            self.tick += 1;
            let you = (nth == 0 && was_docked != self.is_docked).then(|| YouChanges {
                docked_at: Some(self.docked_at()),
                ..YouChanges::default()
            });
            let delta = delta(self.tick, you);
            self.say(None, ReceivedBody::Delta(Box::new(delta)));
        }
        if self.is_docked && !was_docked {
            self.tick += 1;
            self.say(None, ReceivedBody::Snapshot(Box::new(self.snapshot())));
        }
    }

    fn docked_at(&self) -> Option<Name> {
        self.is_docked.then(|| Name::parse(STATION).unwrap())
    }

    fn snapshot(&self) -> Snapshot {
        let station = Name::parse(STATION).unwrap();
        let price = Price {
            commodity_id: Name::parse("food").unwrap(),
            buy: 11,
            sell: 9,
            stock: None,
        };
        Snapshot {
            tick: self.tick,
            you: You {
                ship_id: "s_7".to_owned(),
                credits: 5000,
                hull: 100,
                fuel: Fixed2::new(100.0),
                cargo: vec![Cargo {
                    commodity_id: Name::parse("food").unwrap(),
                    qty: 1,
                }],
                docked_at: self.docked_at(),
                dock_ready_tick: None,
                cargo_capacity: None,
                hull_max: None,
                fuel_max: None,
            },
            entities: vec![
                entity("s_7", EntityKind::PlayerShip),
                entity(STATION, EntityKind::Station),
            ],
            markets: vec![Market {
                station_id: station,
                prices: vec![price],
            }],
            zones: Vec::new(),
        }
    }
}

fn joined(system_id: Name) -> Joined {
    Joined {
        system_id,
        ship_id: "s_7".to_owned(),
        spawn: Spawn {
            x: Fixed2::new(1200.0),
            y: Fixed2::new(400.0),
            rotation: Angle::new(1.57),
        },
        tick_rate: 30,
        tick: 100,
        protocol_version: 1,
        view_radius: Fixed2::new(1000.0),
        flight: None,
        chart: None,
    }
}

fn entity(id: &str, kind: EntityKind) -> Entity {
    let zero = Fixed2::default();
    Entity {
        id: id.to_owned(),
        kind,
        x: Fixed2::new(1200.0),
        y: Fixed2::new(400.0),
        vx: zero,
        vy: zero,
        r: Angle::new(1.57),
        hp: 100,
    }
}

fn delta(tick: u64, you: Option<YouChanges>) -> Delta {
    let update = |id: &str| {
        let Entity {
            id,
            x,
            y,
            vx,
            vy,
            r,
            hp,
            ..
        } = entity(id, EntityKind::PlayerShip);
        EntityUpdate {
            id,
            kind: None,
            x,
            y,
            vx,
            vy,
            r,
            hp,
        }
    };
    let zero = Fixed2::default();
    Delta {
        tick,
        entity_updates: vec![update("s_7"), update("s_8")],
        entity_removed: Vec::new(),
        events: Vec::new(),
        you_zone_context: ZoneContext {
            zone_ids: Vec::new(),
            blended_risk: zero,
            blended_security: zero,
            blended_profit_multiplier: zero,
        },
        gone: None,
        last_input_seq: None,
        you,
        time_dilation: None,
    }
}
