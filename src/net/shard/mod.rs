//! The connections of one thread, whatever they run on, and the service behind them.
//!
//! The owner of the streams calls [`Shard::admit`] for a newcomer, [`Shard::ready`] for what the
//! kernel says, and then [`Shard::turn`]; it may sleep until [`Shard::deadline`] once a turn
//! leaves nothing to do at once. A turn gives each waiting connection one bounded share, in order,
//! so nobody's flood can starve another.
//!
//! An id holds the slot's generation; a slot's generation rises when its tenant leaves.

mod drive;
mod handshakes;
mod refusals;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use slab::Slab;
use tungstenite::protocol::Message;

use super::clock::Clock;
use super::config::NetConfig;
use super::connection::{Connection, FrameWriter, Readiness, Transport};
use super::counters::NetCounters;
use super::limiter::{ConnectionLimiter, ConnectionPermit, ConnectionRefusal};
use super::timers::Timers;
use super::{Bytes, Io, Outgoing, Sent, Service, Utf8Bytes};
use crate::ids::{ConnId, Millis, Name, UnixMillis};
use crate::limits::{TIMERS_PER_TURN_MAX, TLS_HANDSHAKES_PER_TURN_MAX, TURN_MS_MAX};
use handshakes::Handshakes;
use refusals::ConnectionRefusals;

/// What the shards of one listener share.
#[derive(Clone)]
pub struct Common {
    /// Bounds and trust.
    pub config: Arc<NetConfig>,
    /// Who may come in.
    pub limiter: Arc<ConnectionLimiter>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Common {
    /// Nobody inside yet.
    pub fn new(config: NetConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            limiter: ConnectionLimiter::new(&config, Arc::clone(&clock)),
            config: Arc::new(config),
            clock,
        }
    }
}

struct Entry<S> {
    connection: Connection<S>,
    permit: ConnectionPermit,
    generation: u32,
    timer: Option<Millis>,
    queued: bool,
    is_handshaking: bool,
    is_silent: bool,
}

/// The connections of one thread.
pub struct Shard<S> {
    number: u16,
    common: Common,
    entries: Slab<Entry<S>>,
    generations: Vec<u32>,
    queue: VecDeque<u32>,
    timers: Timers,
    writer: FrameWriter,
    message: Vec<u8>,
    handshakes: Handshakes,
    /// Slots that made room and wait for the next turn to end.
    displaced: Vec<u32>,
    refusals: ConnectionRefusals,
    stop_at: Option<Millis>,
    counters: Arc<NetCounters>,
}

impl<S: Transport> Shard<S> {
    /// An empty shard.
    pub fn new(number: u16, common: Common) -> Self {
        Self {
            number,
            entries: Slab::new(),
            generations: Vec::new(),
            queue: VecDeque::new(),
            timers: Timers::default(),
            writer: FrameWriter::new(&common.config),
            message: Vec::new(),
            handshakes: Handshakes::default(),
            displaced: Vec::new(),
            refusals: ConnectionRefusals::default(),
            stop_at: None,
            counters: Arc::default(),
            common,
        }
    }

    /// Connections here, whatever they are at.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Shards of the listener that have connections to end for others, a bit each.
    pub(super) fn shards_to_tell(&self) -> u64 {
        self.common.limiter.shards_to_tell()
    }

    /// Span in which news of busy connections is gathered, in µs.
    pub(super) fn gather_us(&self) -> u64 {
        self.common.config.gather_us
    }

    /// The shard's counters, which any thread may read.
    pub fn counters(&self) -> Arc<NetCounters> {
        Arc::clone(&self.counters)
    }

    /// Takes a newcomer in, or turns it away and drops its stream. Where all places are taken another
    /// connection makes room, see [`ConnectionLimiter`]. Its first turn comes by itself.
    pub fn admit(&mut self, stream: S, peer: IpAddr) -> Result<ConnId, ConnectionRefusal> {
        let admitted = self.try_admit(stream, peer);
        match admitted {
            Ok(_) => self.counters.accepted.add(1),
            Err(refusal) => self.note_refusal(refusal, peer),
        }
        self.counters.connections.set(self.entries.len() as u64);
        admitted
    }

    fn try_admit(&mut self, stream: S, peer: IpAddr) -> Result<ConnId, ConnectionRefusal> {
        if self.is_stopping() {
            return Err(ConnectionRefusal::Stopping);
        }
        let slot = self.entries.vacant_key();
        let generation = self.generations.get(slot).copied().unwrap_or_default();
        let conn = ConnId {
            shard: self.number,
            slot: slot as u32,
            generation,
        };
        let permit = self.common.limiter.enter(peer, conn)?;
        let is_handshaking = stream.is_handshaking();
        let connection = Connection::new(stream, peer, &self.common.config, self.now());
        if self.generations.len() <= slot {
            self.generations.resize(slot + 1, 0);
        }
        self.entries.insert(Entry {
            connection,
            permit,
            generation,
            timer: None,
            queued: false,
            is_handshaking,
            is_silent: true,
        });
        self.retime(conn.slot);
        self.enqueue(conn.slot);
        Ok(conn)
    }

    /// The stream of a connection, to register it for readiness.
    pub fn stream_mut(&mut self, conn: ConnId) -> Option<&mut S> {
        let entry = self.entry(conn)?;
        Some(entry.connection.stream_mut())
    }

    /// Takes note of what the kernel says of a slot; news of a slot's former tenant do no harm.
    pub fn ready(&mut self, slot: u32, readiness: Readiness) {
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.connection.ready(readiness);
            self.enqueue(slot);
        }
    }

    /// Ends a connection without a word.
    pub fn abandon(&mut self, conn: ConnId) {
        if let Some(entry) = self.entry(conn) {
            entry.connection.abandon();
            self.enqueue(conn.slot);
        }
    }

    /// [`ready`](Self::ready) for every slot, for streams that cannot tell.
    pub fn ready_all(&mut self) {
        for slot in 0..self.generations.len() {
            self.ready(slot as u32, Readiness::ALL);
        }
    }

    /// Gives each waiting connection one share, then fires what is due. Says whether there is more
    /// to do at once. Work: a share (16 KiB or 32 messages) a waiting connection, and no new share
    /// once [`TURN_MS_MAX`] have passed; who then still waits is first in the next turn.
    ///
    /// Reading comes first, so that after a pause of the whole process (a suspended machine) what
    /// peers said meanwhile still counts against their silence.
    pub fn turn(&mut self, service: &mut (impl Service + ?Sized)) -> bool {
        self.handshakes.left_in_turn = TLS_HANDSHAKES_PER_TURN_MAX;
        self.end_displaced(service);
        let ends_at = self.now().plus(TURN_MS_MAX);
        for _ in 0..self.queue.len() {
            if let Some(slot) = self.queue.pop_front() {
                self.drive(slot, service);
            }
            if self.now() >= ends_at {
                break;
            }
        }
        let now = self.now();
        for _ in 0..TIMERS_PER_TURN_MAX {
            let Some(slot) = self.timers.expire(now) else {
                break;
            };
            self.counters.timers_fired.add(1);
            let waits = self.entries.get_mut(slot as usize).is_some_and(|entry| {
                entry.timer = None;
                entry.queued
            });
            // What it has said and nobody has read yet still counts.
            if waits {
                self.drive(slot, service);
            }
            if let Some(entry) = self.entries.get_mut(slot as usize) {
                // What was heard since the timer was set may have moved the deadline.
                if entry.connection.deadline() <= now {
                    entry.connection.on_deadline(now);
                }
            }
            self.enqueue(slot);
        }
        if service.deadline().is_some_and(|deadline| deadline <= now) {
            service.timeout(self);
        }
        self.refusals.say(now);
        !self.queue.is_empty() || !self.displaced.is_empty()
    }

    /// Ends those who made room since the last turn: at most as many as came in.
    fn end_displaced(&mut self, service: &mut (impl Service + ?Sized)) {
        for conn in self.common.limiter.take_displaced(self.number) {
            if self.entry(conn).is_some() {
                self.displace(conn.slot);
                self.counters.displaced.add(1);
            }
        }
        let mut displaced = std::mem::take(&mut self.displaced);
        for slot in displaced.drain(..) {
            self.drive(slot, service);
        }
        // Driving them displaces nobody.
        self.displaced = displaced;
    }

    /// Cuts a connection for somebody else's sake; the service hears of it at the next turn.
    fn displace(&mut self, slot: u32) {
        let now = self.now();
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.connection.displace(now);
            entry.is_handshaking = false;
            self.handshakes.leave(slot);
            self.displaced.push(slot);
            self.refusals.note_displaced();
        }
    }

    /// Counts somebody who was turned away, for the operator.
    fn note_refusal(&mut self, refusal: ConnectionRefusal, peer: IpAddr) {
        self.counters.refused.add(1);
        self.counters.refusals(refusal).add(1);
        self.refusals.note(refusal, peer);
    }

    /// When the next turn is due without any news; the service's own deadline included.
    pub fn deadline(&self, service: &(impl Service + ?Sized)) -> Option<Millis> {
        [self.timers.earliest(), service.deadline(), self.stop_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the service asked to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop_at.is_some()
    }

    /// Whether it was asked to stop and has: all are gone, or their time is up.
    pub fn is_stopped(&self) -> bool {
        self.stop_at
            .is_some_and(|at| self.entries.is_empty() || self.now() >= at)
    }

    /// The connection of an id that still stands.
    fn entry(&mut self, conn: ConnId) -> Option<&mut Entry<S>> {
        self.entries
            .get_mut(conn.slot as usize)
            .filter(|entry| entry.generation == conn.generation && conn.shard == self.number)
    }

    fn enqueue(&mut self, slot: u32) {
        if let Some(entry) = self.entries.get_mut(slot as usize)
            && !entry.queued
        {
            entry.queued = true;
            self.queue.push_back(slot);
        }
    }

    /// Keeps the timer where the connection's deadline is.
    fn retime(&mut self, slot: u32) {
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            let deadline = Some(entry.connection.deadline());
            self.timers.set(slot, entry.timer, deadline);
            entry.timer = deadline;
        }
    }

    fn remove(&mut self, slot: u32) {
        let Some(entry) = self.entries.try_remove(slot as usize) else {
            return;
        };
        self.timers.set(slot, entry.timer, None);
        self.handshakes.leave(slot);
        if let Some(generation) = self.generations.get_mut(slot as usize) {
            *generation = generation.wrapping_add(1);
        }
        self.counters.connections.set(self.entries.len() as u64);
    }

    fn send_by(
        &mut self,
        conn: ConnId,
        payload_bytes: usize,
        send: impl FnOnce(&mut Connection<S>, &mut FrameWriter) -> Sent,
    ) -> Sent {
        let Self {
            entries, writer, ..
        } = self;
        let entry = entries
            .get_mut(conn.slot as usize)
            .filter(|entry| entry.generation == conn.generation && conn.shard == self.number);
        let Some(entry) = entry else {
            return Sent::Gone;
        };
        let was_open = entry.connection.is_open();
        let sent = send(&mut entry.connection, writer);
        match sent {
            Sent::Flushed | Sent::Pending => {
                self.counters.messages_out.add(1);
                self.counters.message_bytes_out.add(payload_bytes as u64);
            }
            Sent::Full => self.counters.messages_refused.add(1),
            // The stream broke just now: let its end be noticed.
            Sent::Gone if was_open => self.enqueue(conn.slot),
            Sent::Gone => {}
        }
        sent
    }
}

impl<S: Transport> Io for Shard<S> {
    fn now(&self) -> Millis {
        self.common.clock.now()
    }

    fn unix(&self) -> UnixMillis {
        self.common.clock.unix()
    }

    fn send(&mut self, conn: ConnId, text: Utf8Bytes) -> Sent {
        self.send_by(conn, text.len(), |connection, writer| {
            connection.send(writer, Message::Text(text))
        })
    }

    fn send_encoded(&mut self, conn: ConnId, message: &mut Outgoing) -> Sent {
        let payload_bytes = message.text().len();
        self.send_by(conn, payload_bytes, |connection, _| {
            connection.send_frame(message.frame())
        })
    }

    fn send_binary(&mut self, conn: ConnId, bytes: Bytes) -> Sent {
        self.send_by(conn, bytes.len(), |connection, writer| {
            connection.send(writer, Message::Binary(bytes))
        })
    }

    fn pending_bytes(&self, conn: ConnId) -> usize {
        self.entries
            .get(conn.slot as usize)
            .filter(|entry| entry.generation == conn.generation && conn.shard == self.number)
            .map_or(0, |entry| entry.connection.pending_bytes())
    }

    fn close(&mut self, conn: ConnId, code: u16, reason: &str) {
        let now = self.now();
        if let Some(entry) = self.entry(conn) {
            entry.connection.close(code, reason, now);
            entry.permit.end_login();
            self.enqueue(conn.slot);
        }
    }

    fn begin_login(&mut self, conn: ConnId, name: &Name) -> bool {
        self.entry(conn)
            .is_some_and(|entry| entry.permit.begin_login(name))
    }

    fn mark_authenticated(&mut self, conn: ConnId) {
        if let Some(entry) = self.entry(conn) {
            entry.permit.authenticate();
        }
    }

    fn stop(&mut self, grace_ms: u64) {
        let now = self.now();
        self.stop_at = Some(now.plus(grace_ms));
        for slot in 0..self.generations.len() {
            if let Some(entry) = self.entries.get_mut(slot) {
                entry.connection.dismiss(now);
                self.enqueue(slot as u32);
            }
        }
    }
}
