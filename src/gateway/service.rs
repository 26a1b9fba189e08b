//! What the net layer calls: connections that open and close, texts, wake-ups and deadlines.

use std::sync::atomic::Ordering;

use super::client_events::ConnectionEnd;
use super::http_routes::HttpRoutes;
use super::{Client, Gateway, find};
use crate::bus::{Notify, ToGateway};
use crate::ids::{ConnId, Millis};
use crate::limits::{SWEEP_LATE_MS_MAX, SWEEP_MS};
use crate::net::connection::CloseCause;
use crate::net::{Io, Service, Waker, http};
use crate::protocol::CloseCode;
use crate::session::Session;

impl Notify for Waker {
    fn notify(&self) {
        self.notify();
    }
}

impl Service for Gateway {
    fn http(&mut self, request: &http::Request<'_>) -> http::Response {
        self.parts.routes.http(request)
    }

    fn open(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        upgrade: &http::Request<'_>,
    ) -> Result<http::Accept, http::Response> {
        if self.is_draining {
            return Err(HttpRoutes::draining());
        }
        let entry = self.parts.routes.admit(upgrade)?;
        let slot = conn.slot as usize;
        if self.clients.len() <= slot {
            self.clients.resize_with(slot + 1, || None);
        }
        let session = Session::new(io.now(), entry.asked_version);
        self.clients[slot] = Some(Client {
            conn,
            address: upgrade.peer,
            session,
            shown: None,
            stall: None,
            closing: None,
        });
        self.parts.metrics.connections.inc();
        Ok(entry.accept)
    }

    fn text(&mut self, io: &mut dyn Io, conn: ConnId, text: &mut [u8]) {
        self.parts.metrics.messages_received.inc();
        self.parts.metrics.received_bytes.inc_by(text.len() as u64);
        let (now, unix) = (io.now(), io.unix());
        let client = self
            .clients
            .get_mut(conn.slot as usize)
            .and_then(Option::as_mut);
        let Some(client) = client.filter(|client| client.conn == conn) else {
            return;
        };
        let _span = tracing::debug_span!("connection", %conn).entered();
        let verdict = client.session.on_text(text, now, unix, &mut self.context);
        self.carry_out(io, conn, verdict);
    }

    fn binary(&mut self, io: &mut dyn Io, conn: ConnId, _: &[u8]) {
        self.end(io, conn, CloseCode::BinaryRefused);
    }

    fn wake(&mut self, io: &mut dyn Io) {
        if self.parts.queue.take_broken() {
            tracing::error!(
                shard = self.parts.shard,
                "messages of the node to this gateway were lost: all its connections are closed"
            );
            self.end_all(io);
        }
        // Read before the queue: what the tick had to say before it raised the mark is then in it.
        let durable = self.parts.durable.load(Ordering::Acquire);
        let mut taken = std::mem::take(&mut self.taken);
        self.parts.queue.take(&mut taken);
        for message in taken.drain(..) {
            match message {
                ToGateway::Reply(addressed) => self.hold_reply(io, addressed),
                ToGateway::Frame(frame) => self.show(io, &frame),
                ToGateway::Forget(system) => {
                    self.forget(io, |addressed| addressed.system == Some(system));
                }
                ToGateway::Discard(conn) => self.forget(io, |addressed| addressed.conn == conn),
                ToGateway::Fail => self.fail(io, durable),
                ToGateway::Close(conn, code) => self.end(io, conn, code),
                ToGateway::Drain { deadline_ms } => self.announce_drain(io, deadline_ms),
                ToGateway::Stop { grace_ms } => {
                    self.release_replies(io, durable);
                    io.stop(grace_ms);
                }
            }
        }
        self.taken = taken;
        self.release_replies(io, durable);
    }

    fn drained(&mut self, io: &mut dyn Io, conn: ConnId) {
        let now = io.now();
        if self
            .client(conn)
            .is_some_and(|client| client.stall.is_some())
        {
            self.want_snapshot(now, conn);
        }
    }

    fn closed(&mut self, io: &mut dyn Io, conn: ConnId, cause: CloseCause) {
        let Some(client) = find(&mut self.clients, conn) else {
            return;
        };
        let ending = ConnectionEnd::of(cause, client.closing);
        self.events.closed(client.subject(), ending, io.now());
        self.clients[conn.slot as usize] = None;
        self.parts.metrics.connections.dec();
        self.unreported.push(conn);
        self.report_closed();
    }

    fn deadline(&self) -> Option<Millis> {
        Some(self.next_sweep)
    }

    fn timeout(&mut self, io: &mut dyn Io) {
        let now = io.now();
        let late_ms = now.since(self.next_sweep);
        self.next_sweep = now.plus(SWEEP_MS);
        // Who was stopped for a while has first to hear what came meanwhile.
        if late_ms < SWEEP_LATE_MS_MAX {
            self.sweep(io);
        }
    }
}
