//! One bot: a connection, the conversation on it, and a pilot.
//!
//! ```text
//! Waiting ─begin▶ Connecting ─upgraded▶ LoggingIn ─auth.ok▶ Joining ─joined▶ Arriving
//!    ▲                                      │
//!    └── no room: come back in a while ─────┘
//!    ─first delta▶ Flying ─finish▶ Closing ─▶ Gone                (a failure goes to Gone)
//! ```
//!
//! Reads no clock: every call gets the moment. Work a message: see [`sight`](super::sight).

mod patience;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::{Registry, Token};
use tungstenite::Utf8Bytes;
use tungstenite::handshake::client::Request as Upgrade;

use super::counters::SwarmCounters;
use super::inbox::Inbox;
use super::link::{ClientLink, ClientTls, LinkReceived, LinkSent};
use super::pilot::{BotOrder, BotPilot, Conduct};
use super::sight;
use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::SWARM_MESSAGES_PER_TURN_MAX;
use crate::protocol::client::{Received as Heard, ReceivedBody};
use crate::protocol::{
    AskedVersion, CombatKind, Input, JoinSystem, Login, Message, Repair, Reply, Request, RequestId,
    Seq, Trade, encode_request,
};

/// How far a bot has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BotState {
    Waiting,
    Connecting,
    LoggingIn,
    Joining,
    Arriving,
    Flying,
    Closing,
    Gone,
}

/// What all bots of a run share.
pub(super) struct Crew {
    pub(super) address: SocketAddr,
    pub(super) upgrade: Upgrade,
    /// How a `wss://` server is to prove who it is.
    pub(super) tls: Option<ClientTls>,
    /// The system for pilots that are in none yet.
    pub(super) system: Name,
    /// Names this run's orders apart from every other run's.
    pub(super) run: String,
}

/// The moment and the counters, for one call.
pub(super) struct BotTurn<'a> {
    pub(super) now: Instant,
    pub(super) unix: UnixMillis,
    pub(super) counters: &'a mut SwarmCounters,
    /// Reused text of what is sent.
    pub(super) out: &'a mut Vec<u8>,
}

/// The close code of our own goodbyes.
const NORMAL: u16 = 1000;

struct Pending {
    seq: u64,
    order: BotOrder,
    sent: Instant,
}

/// One simulated client with its connection and pilot.
pub(super) struct Bot {
    player: PlayerId,
    token: String,
    link: ClientLink,
    stage: BotState,
    pilot: BotPilot,
    began: Option<Instant>,
    /// When to connect again, after a login that the server had no room for.
    again: Option<Instant>,
    seq: u64,
    heard_seq: u64,
    orders: u64,
    pending: Option<Pending>,
    tick: u64,
    arrived: Option<Instant>,
    has_said_goodbye: bool,
    /// Ticks told to this bot while measuring.
    pub(super) ticks_measured: u64,
    /// Deltas that came while measuring, and the bytes of their text.
    pub(super) deltas_measured: u64,
    pub(super) delta_bytes_measured: u64,
    /// Whether it was flying when measuring began.
    pub(super) is_measured: bool,
}

impl Bot {
    pub(super) fn new(number: u32, player: PlayerId, token: String, conduct: Conduct) -> Self {
        Self {
            player,
            token,
            link: ClientLink::Gone,
            stage: BotState::Waiting,
            pilot: BotPilot::new(number, conduct),
            began: None,
            again: None,
            seq: 0,
            heard_seq: 0,
            orders: 0,
            pending: None,
            tick: 0,
            arrived: None,
            has_said_goodbye: false,
            ticks_measured: 0,
            deltas_measured: 0,
            delta_bytes_measured: 0,
            is_measured: false,
        }
    }

    pub(super) fn stage(&self) -> BotState {
        self.stage
    }

    /// Begins to connect.
    pub(super) fn begin(
        &mut self,
        crew: &Crew,
        registry: &Registry,
        token: Token,
        now: Instant,
    ) -> io::Result<()> {
        self.link = ClientLink::connect(crew.address, registry, token)?;
        self.stage = BotState::Connecting;
        self.again = None;
        self.began.get_or_insert(now);
        Ok(())
    }

    /// A readiness event came, or messages were left from the last turn. `true`: messages may be
    /// left again.
    pub(super) fn ready(
        &mut self,
        crew: &Crew,
        is_ending: bool,
        inbox: &mut Inbox,
        turn: &mut BotTurn<'_>,
    ) -> bool {
        if self.stage == BotState::Connecting {
            match self.link.advance(&crew.upgrade, crew.tls.as_ref()) {
                Ok(true) => self.log_in(turn),
                Ok(false) => return false,
                Err(reason) => return self.fail(reason, turn),
            }
        }
        self.link.wake(is_ending);
        self.link.open_inbox(inbox);
        let is_left = self.receive(crew, inbox, turn);
        self.link.close_inbox(inbox);
        is_left
    }

    /// Takes what has come; `true`: there may be more.
    fn receive(&mut self, crew: &Crew, inbox: &mut Inbox, turn: &mut BotTurn<'_>) -> bool {
        for _ in 0..SWARM_MESSAGES_PER_TURN_MAX {
            match self.link.receive(inbox) {
                LinkReceived::Here(range) => match str::from_utf8(inbox.slice(range)) {
                    Ok(text) => self.hear(text, crew, turn),
                    Err(_) => turn.counters.unreadable += 1,
                },
                LinkReceived::Text(text) => self.hear(text.as_str(), crew, turn),
                LinkReceived::Nothing => {
                    self.link.flush();
                    return false;
                }
                LinkReceived::Closing(code) => {
                    // Our own goodbye comes back as it went.
                    if !(self.has_said_goodbye && code == NORMAL) {
                        turn.counters.close(code);
                    }
                    self.end(format!("closed with {code}"), turn);
                }
                LinkReceived::Over(code) => {
                    if let (Some(code), false) = (
                        code,
                        matches!(self.stage, BotState::Closing | BotState::Gone),
                    ) {
                        turn.counters.close(code);
                    }
                    self.end("connection lost".to_owned(), turn);
                    return false;
                }
            }
        }
        true
    }

    /// The connection is over, or soon will be.
    fn end(&mut self, reason: String, turn: &mut BotTurn<'_>) {
        match self.stage {
            BotState::Flying | BotState::Arriving => {
                turn.counters.lost += 1;
                self.stage = BotState::Gone;
            }
            BotState::Closing | BotState::Gone => self.stage = BotState::Gone,
            BotState::Waiting | BotState::Connecting | BotState::LoggingIn | BotState::Joining => {
                self.fail(reason, turn);
            }
        }
    }

    pub(super) fn fail(&mut self, reason: String, turn: &mut BotTurn<'_>) -> bool {
        if self.stage != BotState::Gone {
            turn.counters.fail(reason);
        }
        self.stage = BotState::Gone;
        self.has_said_goodbye = true;
        self.link.close();
        false
    }

    fn hear(&mut self, text: &str, crew: &Crew, turn: &mut BotTurn<'_>) {
        let Some(glance) = sight::glance(text) else {
            turn.counters.unreadable += 1;
            return;
        };
        turn.counters.seq_breaks += u64::from(glance.seq != self.heard_seq + 1);
        self.heard_seq = glance.seq;
        if turn.counters.is_measuring {
            turn.counters.bytes += text.len() as u64;
        }
        match (glance.kind, glance.tick) {
            ("world.delta", Some(tick)) => {
                if turn.counters.is_measuring {
                    let bytes = text.len() as u64;
                    turn.counters.deltas += 1;
                    turn.counters.delta_bytes_max = turn.counters.delta_bytes_max.max(bytes);
                    self.deltas_measured += 1;
                    self.delta_bytes_measured += bytes;
                }
                self.arrive(tick, turn);
                let seen = self.pilot.hear_delta(text, tick);
                if let Some(rows) = seen.rows {
                    turn.counters.rows_seen += rows as u64;
                    turn.counters.deltas_opened += 1;
                }
                if let (Some(has_own), true) = (seen.has_own, turn.counters.is_measuring) {
                    turn.counters.own_looks += 1;
                    turn.counters.own_found += u64::from(has_own);
                }
            }
            ("world.snapshot", Some(tick)) => {
                turn.counters.snapshots += u64::from(turn.counters.is_measuring);
                self.arrive(tick, turn);
                self.pilot.hear_snapshot(text, tick);
            }
            _ => match Heard::decode(text) {
                Ok(Heard {
                    body: ReceivedBody::Reply(reply),
                    reply_to,
                    ..
                }) => {
                    self.hear_reply(&reply, reply_to, crew, turn);
                }
                _ => turn.counters.unreadable += 1,
            },
        }
    }

    /// A message of the stream came: counts the gap in time and in ticks.
    fn arrive(&mut self, tick: u64, turn: &mut BotTurn<'_>) {
        if self.stage == BotState::Arriving {
            self.stage = BotState::Flying;
        }
        if tick <= self.tick {
            return;
        }
        if turn.counters.is_measuring {
            self.ticks_measured += 1;
            if let Some(arrived) = self.arrived {
                turn.counters.gaps.record(turn.now.duration_since(arrived));
                turn.counters.ticks_missed += tick - self.tick - 1;
            }
        }
        self.arrived = Some(turn.now);
        self.tick = tick;
    }

    fn hear_reply(
        &mut self,
        reply: &Reply,
        reply_to: Option<u64>,
        crew: &Crew,
        turn: &mut BotTurn<'_>,
    ) {
        match reply {
            Reply::AuthOk(ok) if self.stage == BotState::LoggingIn => {
                let system_id = ok.system_id.clone().unwrap_or_else(|| crew.system.clone());
                self.stage = BotState::Joining;
                self.send(Request::JoinSystem(JoinSystem { system_id }), turn);
            }
            Reply::AuthError(error) => {
                turn.counters.error(error.code);
                match error.retry_after_ms {
                    Some(wait_ms) if self.stage == BotState::LoggingIn => {
                        self.put_off(wait_ms, turn);
                    }
                    _ => {
                        self.fail(format!("login: {}", error.code.as_str()), turn);
                    }
                }
            }
            Reply::Joined(joined) if self.stage == BotState::Joining => {
                turn.counters.joined += 1;
                self.stage = BotState::Arriving;
                self.pilot.joined(joined);
            }
            Reply::Error(error) => {
                turn.counters.error(error.code);
                match self.stage {
                    BotState::LoggingIn => {
                        self.fail(format!("login: {}", error.code.as_str()), turn);
                    }
                    BotState::Joining => {
                        self.fail(format!("join: {}", error.code.as_str()), turn);
                    }
                    _ => self.settle(reply_to, false, turn),
                }
            }
            Reply::TradeResult(result) => self.settle(reply_to, result.ok, turn),
            Reply::RepairResult(result) => self.settle(reply_to, result.ok, turn),
            Reply::CombatEvent(event) if event.target_id == self.pilot.ship_id() => {
                turn.counters.hits += u64::from(event.kind == CombatKind::Hit);
                if event.kind == CombatKind::Destroyed {
                    turn.counters.destroyed += 1;
                    self.pilot.destroyed(self.tick);
                }
            }
            _ => {}
        }
    }

    /// An order was answered.
    fn settle(&mut self, reply_to: Option<u64>, is_done: bool, turn: &mut BotTurn<'_>) {
        if let Some(pending) = self
            .pending
            .take_if(|pending| Some(pending.seq) == reply_to)
        {
            turn.counters
                .answers
                .record(turn.now.duration_since(pending.sent));
            turn.counters.orders_done += u64::from(is_done);
            turn.counters.orders_refused += u64::from(!is_done);
            self.pilot.answered(&pending.order, is_done);
        }
    }

    fn log_in(&mut self, turn: &mut BotTurn<'_>) {
        self.stage = BotState::LoggingIn;
        // Lent for the call: it may be needed again.
        let token = std::mem::take(&mut self.token);
        let protocol_version = AskedVersion::Stated(crate::limits::PROTOCOL_VERSION);
        self.send(
            Request::Login(Login {
                token: &token,
                protocol_version,
            }),
            turn,
        );
        self.token = token;
    }

    /// Sends the controls and, when the pilot has one, an order.
    pub(super) fn act(&mut self, crew: &Crew, turn: &mut BotTurn<'_>) {
        if self.stage != BotState::Flying {
            return;
        }
        let act = self.pilot.act(self.tick);
        let controls = act.controls;
        let input = Input::clamped(
            f64::from((controls.thrust * 100.0).round() / 100.0),
            f64::from((controls.turn * 100.0).round() / 100.0),
            controls.fire,
            controls.dock,
        );
        let sent = self.send(Request::Input(input), turn);
        if turn.counters.is_measuring {
            turn.counters.inputs += u64::from(sent == LinkSent::Queued);
            turn.counters.inputs_skipped += u64::from(sent == LinkSent::Full);
        }
        if let Some(order) = act.order {
            self.place(order, crew, turn);
        }
    }

    fn place(&mut self, order: BotOrder, crew: &Crew, turn: &mut BotTurn<'_>) {
        self.orders += 1;
        let request_id = RequestId::parse(&format!("{}-{}", crew.run, self.orders)).ok();
        let trade = |station_id: &Name, commodity_id: &Name, quantity| Trade {
            station_id: station_id.clone(),
            commodity_id: commodity_id.clone(),
            quantity,
            request_id: request_id.clone(),
        };
        let request = match &order {
            BotOrder::Buy(station, commodity, quantity) => {
                Request::Buy(trade(station, commodity, *quantity))
            }
            BotOrder::Sell(station, commodity, quantity) => {
                Request::Sell(trade(station, commodity, *quantity))
            }
            BotOrder::Repair(station) => Request::Repair(Repair {
                station_id: station.clone(),
                request_id: request_id.clone(),
            }),
        };
        if self.send(request, turn) == LinkSent::Queued {
            turn.counters.orders += 1;
            self.pending = Some(Pending {
                seq: self.seq,
                order,
                sent: turn.now,
            });
        } else {
            self.pilot.answered(&order, false);
        }
    }

    fn send(&mut self, request: Request<'_>, turn: &mut BotTurn<'_>) -> LinkSent {
        self.seq += 1;
        let Some(seq) = Seq::new(self.seq) else {
            return LinkSent::Gone;
        };
        turn.out.clear();
        encode_request(&Message { seq, request }, turn.unix, turn.out);
        match str::from_utf8(turn.out) {
            Ok(text) => self.link.send(Utf8Bytes::from(text)),
            Err(_) => LinkSent::Gone,
        }
    }

    /// Begins to count for the report.
    pub(super) fn open_window(&mut self) {
        self.is_measured = self.stage == BotState::Flying;
    }

    /// Measuring ends: the gap that was still open counts too.
    pub(super) fn close_window(&mut self, turn: &mut BotTurn<'_>) {
        if let (true, Some(arrived)) = (self.is_measured, self.arrived) {
            turn.counters.open_gap(turn.now.duration_since(arrived));
        }
    }

    /// Closes the connection with a close frame.
    pub(super) fn finish(&mut self) {
        self.has_said_goodbye = true;
        self.link.close();
        self.stage = if self.link.is_gone() {
            BotState::Gone
        } else {
            BotState::Closing
        };
    }

    pub(super) fn player(&self) -> &PlayerId {
        &self.player
    }
}
