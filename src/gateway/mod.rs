//! One net shard's half of the game: sessions on one side, the bus to the node on the other.
//!
//! A gateway turns text into [`Command`]s for the tick, and what comes back into messages: replies one
//! by one, frames into each client's `world.delta`. It knows no rule of the game. Order of a
//! connection: `open` → texts, replies, frames → `closed`.
//!
//! Back-pressure: replies always queue (a client that lets them pile up past the net layer's bound
//! is closed); state never queues behind unsent output. A client that cannot take a delta misses
//! it, is owed a snapshot, asks the tick for one when its output has drained, and is closed when
//! nothing moves for [`STALL_MS_MAX`](crate::limits::STALL_MS_MAX).

mod client_events;
mod guests;
pub mod http_routes;
mod login;
pub mod login_rate;
mod service;
mod stream;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::bus::BoundedQueue;
use crate::bus::{AddressedReply, GatewayQueue, ToGateway, ToNode};
use crate::ids::{ConnId, Millis, SystemIndex};
use crate::limits::{COMPOSE_BUFFER_BYTES, HELD_REPLIES_MAX};
use crate::metrics::{KindLabel, Metrics};
use crate::net::{Io, Outgoing, Sent};
use crate::protocol::{CloseCode, ErrorCode, Notice, NoticeKind, Reply, encode};
use crate::session::token::Verifier;
use crate::session::{
    Command, Session, SessionAction, SessionContext, SessionCounters, SessionState,
};
use client_events::{ClientEvents, Subject};
use http_routes::HttpRoutes;
use login::LoginRefusals;
use login_rate::LoginRate;
use prometheus_client::metrics::counter::Counter;

/// What a gateway is made of.
#[derive(Debug)]
pub struct GatewayParts {
    /// Which shard it serves.
    pub shard: u16,
    /// Which tokens are good.
    pub verifier: Arc<Verifier>,
    /// Who may connect, and what plain HTTP requests get.
    pub routes: HttpRoutes,
    /// How often an address may log in; the same for all gateways.
    pub logins: Arc<LoginRate>,
    /// The way to the tick.
    pub inbox: Arc<BoundedQueue<ToNode>>,
    /// The way from the tick.
    pub queue: Arc<GatewayQueue>,
    /// Newest batch that is durable.
    pub durable: Arc<AtomicU64>,
    /// Figures for operators.
    pub metrics: Metrics,
}

/// One net shard's sessions; see the module's page.
#[derive(Debug)]
pub struct Gateway {
    parts: GatewayParts,
    context: SessionContext,
    clients: Vec<Option<Client>>,
    /// Buffer that the queue is emptied into.
    taken: Vec<ToGateway>,
    held: VecDeque<AddressedReply>,
    composed: Outgoing,
    /// Connections that ended while the inbox was full.
    unreported: Vec<ConnId>,
    next_sweep: Millis,
    refusals: LoginRefusals,
    events: ClientEvents,
    is_draining: bool,
    /// Nothing becomes durable any more.
    has_failed: bool,
    deltas_sent: Counter,
    snapshots_sent: Counter,
    replies_sent: Counter,
}

#[derive(Debug)]
struct Client {
    conn: ConnId,
    /// Who it is, or whom a trusted proxy speaks for.
    address: IpAddr,
    session: Session,
    /// The system and tick of the newest state sent.
    shown: Option<(SystemIndex, u64)>,
    stall: Option<Stall>,
    /// Why the server ends it, once it does.
    closing: Option<CloseCode>,
}

impl Client {
    const fn subject(&self) -> Subject<'_> {
        Subject {
            conn: self.conn,
            address: self.address,
            player: self.session.player(),
        }
    }
}

/// A client that missed state.
#[derive(Clone, Copy, Debug)]
struct Stall {
    /// When its output last moved.
    since: Millis,
    pending_bytes: usize,
    /// Whether a snapshot was asked for.
    is_asked: bool,
}

impl Gateway {
    /// A gateway without clients.
    pub fn new(parts: GatewayParts) -> Self {
        let sent = |kind| {
            parts
                .metrics
                .messages_sent
                .get_or_create_owned(&KindLabel { kind })
        };
        parts.metrics.create_series(
            CloseCode::ALL.map(CloseCode::name),
            ErrorCode::ALL.map(ErrorCode::as_str),
            SessionCounters::default().refusals().map(|(kind, _)| kind),
        );
        Self {
            deltas_sent: sent("world.delta"),
            snapshots_sent: sent("world.snapshot"),
            replies_sent: sent("other"),
            context: SessionContext::new(Arc::clone(&parts.verifier)),
            parts,
            clients: Vec::new(),
            taken: Vec::new(),
            held: VecDeque::new(),
            composed: Outgoing::with_capacity(COMPOSE_BUFFER_BYTES),
            unreported: Vec::new(),
            next_sweep: Millis(0),
            refusals: LoginRefusals::default(),
            events: ClientEvents::default(),
            is_draining: false,
            has_failed: false,
        }
    }

    fn client(&mut self, conn: ConnId) -> Option<&mut Client> {
        find(&mut self.clients, conn)
    }

    /// Tells what the rest of the server decided; the session goes by it.
    fn tell(&mut self, io: &mut dyn Io, conn: ConnId, reply: &Reply, reply_to: Option<u64>) {
        let Some(client) = find(&mut self.clients, conn) else {
            return;
        };
        let reply = client.session.phrase(reply);
        let close = client.session.on_reply(&reply, reply_to);
        if matches!(*reply, Reply::AuthOk(_)) {
            io.mark_authenticated(conn);
            self.events.logged_in(client.subject(), io.now());
        }
        self.say(io, conn, &reply, reply_to);
        if let Some(code) = close {
            self.end(io, conn, code);
        }
    }

    /// Sends one message of the control lane.
    fn say(&mut self, io: &mut dyn Io, conn: ConnId, reply: &Reply, reply_to: Option<u64>) {
        let Some(client) = find(&mut self.clients, conn) else {
            return;
        };
        let seq = client.session.next_seq();
        encode(reply, seq, reply_to, io.unix(), self.composed.begin());
        let code = match reply {
            Reply::Error(error) => Some(error.code),
            Reply::AuthError(error) => Some(error.code),
            _ => None,
        };
        if let Some(code) = code {
            let kind = code.as_str();
            let label = KindLabel { kind };
            self.parts.metrics.errors.get_or_create(&label).inc();
            if matches!(reply, Reply::AuthError(_)) {
                self.events.login_refused(client.subject(), code, io.now());
            } else {
                self.events
                    .request_refused(client.subject(), reply_to, code, io.now());
            }
        }
        match self.send_composed(io, conn) {
            Sent::Full => self.end(io, conn, CloseCode::TooSlow),
            Sent::Flushed | Sent::Pending => drop(self.replies_sent.inc()),
            Sent::Gone => {}
        }
    }

    /// Sends what was composed, as one text message.
    fn send_composed(&mut self, io: &mut dyn Io, conn: ConnId) -> Sent {
        let length = self.composed.text().len() as u64;
        let sent = io.send_encoded(conn, &mut self.composed);
        if matches!(sent, Sent::Flushed | Sent::Pending) {
            self.parts.metrics.sent_bytes.inc_by(length);
        }
        sent
    }

    fn end(&mut self, io: &mut dyn Io, conn: ConnId, code: CloseCode) {
        self.parts
            .metrics
            .closes
            .get_or_create(&KindLabel { kind: code.name() })
            .inc();
        if let Some(client) = self.client(conn) {
            client.session.close();
            client.closing.get_or_insert(code);
        }
        io.close(conn, code.as_u16(), code.reason());
    }

    fn carry_out(&mut self, io: &mut dyn Io, conn: ConnId, verdict: SessionAction) {
        match verdict {
            SessionAction::Nothing => {}
            SessionAction::Reply(reply, reply_to) => self.say(io, conn, &reply, reply_to),
            SessionAction::Command(command @ Command::Login { .. }) => {
                self.log_in(io, conn, command);
            }
            SessionAction::Command(command) => self.pass_on(io, conn, command),
            SessionAction::Close(code) => self.end(io, conn, code),
            SessionAction::ReplyThenClose(reply, reply_to, code) => {
                self.say(io, conn, &reply, reply_to);
                self.end(io, conn, code);
            }
        }
    }

    /// Hands a command to the tick; where its inbox is full, says so to whoever is owed an answer.
    fn pass_on(&mut self, io: &mut dyn Io, conn: ConnId, command: Command) {
        let (command, refusal) = if self.has_failed {
            (command, ErrorCode::Internal)
        } else {
            let pushed = self.parts.inbox.push(ToNode::Command { conn, command });
            let Err(ToNode::Command { command, .. }) = pushed else {
                return;
            };
            (command, ErrorCode::RateLimited)
        };
        if let Some(seq) = command.owed_seq() {
            self.tell(io, conn, &Reply::error(refusal), Some(seq.number()));
        }
    }

    fn release_replies(&mut self, io: &mut dyn Io, durable: u64) {
        while let Some(addressed) = self
            .held
            .pop_front_if(|addressed| addressed.batch <= durable)
        {
            self.tell(io, addressed.conn, &addressed.reply, addressed.reply_to);
        }
    }

    /// Answers to transactions wait for their batch, and behind each other; all else is told at once.
    fn hold_reply(&mut self, io: &mut dyn Io, addressed: AddressedReply) {
        if addressed.batch == 0 {
            self.tell(io, addressed.conn, &addressed.reply, addressed.reply_to);
        } else if self.held.len() < HELD_REPLIES_MAX {
            self.held.push_back(addressed);
        } else {
            self.end(io, addressed.conn, CloseCode::TooSlow);
        }
    }

    /// Composes and sends one message of state. Where it is too large to be queued its number is
    /// used for the next one, and the client knows nothing of it.
    fn send_state(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        compose: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Sent {
        let Some(client) = self.client(conn) else {
            return Sent::Gone;
        };
        let seq = client.session.next_seq();
        compose(seq, self.composed.begin());
        let sent = self.send_composed(io, conn);
        if sent == Sent::Full
            && let Some(client) = self.client(conn)
        {
            client.session.take_back_seq();
        }
        sent
    }

    /// Tells the tick who is gone; what its inbox cannot take waits for the next sweep.
    fn report_closed(&mut self) {
        let inbox = &self.parts.inbox;
        self.unreported
            .retain(|&conn| inbox.push(ToNode::Closed(conn)).is_err());
    }

    /// Looks at every client's deadlines; a few times a second, so that no client costs a timer.
    fn sweep(&mut self, io: &mut dyn Io) {
        self.report_closed();
        let now = io.now();
        self.refusals.report(now);
        for slot in 0..self.clients.len() {
            let Some(Some(client)) = self.clients.get_mut(slot) else {
                continue;
            };
            let conn = client.conn;
            let was_waiting = client.session.stage() == SessionState::LoggingIn;
            let verdict = client.session.on_deadline(now);
            self.refusals.unanswered += u64::from(was_waiting && verdict != SessionAction::Nothing);
            self.carry_out(io, conn, verdict);
            self.watch_stall(io, conn, now);
        }
        let counters = std::mem::take(&mut self.context.counters);
        self.parts
            .metrics
            .inputs_stale
            .inc_by(counters.stale_inputs);
        for (kind, count) in counters.refusals() {
            let refused = &self.parts.metrics.messages_refused;
            refused.get_or_create(&KindLabel { kind }).inc_by(count);
        }
    }

    /// Some of what waits to be told was not kept.
    fn forget(&mut self, io: &mut dyn Io, is_lost: impl Fn(&AddressedReply) -> bool) {
        let (lost, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(is_lost);
        self.held = held;
        let lost: VecDeque<AddressedReply> = lost;
        for addressed in lost {
            self.tell(
                io,
                addressed.conn,
                &Reply::error(ErrorCode::Internal),
                addressed.reply_to,
            );
        }
    }

    fn announce_drain(&mut self, io: &mut dyn Io, deadline_ms: u64) {
        self.is_draining = true;
        let notice = Reply::Notice(Notice {
            kind: NoticeKind::Drain,
            message: Some("The server is shutting down".into()),
            deadline_ms: Some(deadline_ms),
            system_id: None,
        });
        for slot in 0..self.clients.len() {
            if let Some(Some(client)) = self.clients.get(slot) {
                let conn = client.conn;
                self.tell(io, conn, &notice, None);
            }
        }
    }

    /// Nothing becomes durable any more: whoever waits for that hears INTERNAL.
    fn fail(&mut self, io: &mut dyn Io, durable: u64) {
        self.has_failed = true;
        self.release_replies(io, durable);
        for addressed in std::mem::take(&mut self.held) {
            self.tell(
                io,
                addressed.conn,
                &Reply::error(ErrorCode::Internal),
                addressed.reply_to,
            );
        }
    }

    fn end_all(&mut self, io: &mut dyn Io) {
        for slot in 0..self.clients.len() {
            if let Some(Some(client)) = self.clients.get(slot) {
                let conn = client.conn;
                self.end(io, conn, CloseCode::Draining);
            }
        }
    }
}

/// The client of a connection, if the connection is this gateway's and not over.
fn find(clients: &mut [Option<Client>], conn: ConnId) -> Option<&mut Client> {
    let client = clients.get_mut(conn.slot as usize)?.as_mut();
    client.filter(|client| client.conn == conn)
}
