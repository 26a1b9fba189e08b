//! One connection's share of a turn: what it brought goes to the service, bounded in bytes and
//! messages; what is left waits for its next share.

use super::{Shard, Transport};
use crate::ids::ConnId;
use crate::limits::{MESSAGES_PER_TURN_MAX, READ_BYTES_PER_TURN_MAX};
use crate::net::connection::{CloseCause, ConnectionEvent};
use crate::net::http::head::RequestHead;
use crate::net::http::upgrade::{Wanted, judge};
use crate::net::http::{Accept, Method, Response};
use crate::net::{Io as _, Service};

/// How a request is answered.
enum Verdict {
    Respond(Response, Method),
    Accept(String, Accept),
}

impl<S: Transport> Shard<S> {
    /// Gives one connection its share of the turn.
    pub(super) fn drive(&mut self, slot: u32, service: &mut (impl Service + ?Sized)) {
        let Some(entry) = self.entries.get_mut(slot as usize) else {
            return;
        };
        entry.queued = false;
        if entry.is_handshaking {
            if self.handshakes.left_in_turn == 0 {
                self.enqueue(slot);
                return;
            }
            self.handshakes.left_in_turn -= 1;
        }
        entry.connection.begin_turn();
        let conn = ConnId {
            shard: self.number,
            slot,
            generation: entry.generation,
        };
        let now = self.common.clock.now();
        for _ in 0..MESSAGES_PER_TURN_MAX {
            let Some(entry) = self.entries.get_mut(slot as usize) else {
                return;
            };
            let event = entry.connection.poll(&mut self.message, now);
            let more = entry.connection.wants_turn();
            // Nothing came of it, so it does not count.
            self.handshakes.left_in_turn +=
                usize::from(entry.is_handshaking && entry.connection.is_silent());
            self.note_progress(slot);
            match event {
                ConnectionEvent::Idle => {
                    self.retime(slot);
                    if more {
                        self.enqueue(slot);
                    }
                    return;
                }
                ConnectionEvent::Finished => {
                    self.remove(slot);
                    return;
                }
                event => self.hand_on(conn, event, service),
            }
        }
        self.retime(slot);
        self.enqueue(slot);
    }

    fn hand_on(
        &mut self,
        conn: ConnId,
        event: ConnectionEvent,
        service: &mut (impl Service + ?Sized),
    ) {
        match event {
            ConnectionEvent::Text | ConnectionEvent::Binary => {
                let mut message = std::mem::take(&mut self.message);
                self.counters.messages_in.add(1);
                self.counters.message_bytes_in.add(message.len() as u64);
                if matches!(event, ConnectionEvent::Text) {
                    service.text(self, conn, &mut message);
                } else {
                    service.binary(self, conn, &message);
                }
                // One giant must not keep its size for ever.
                message.clear();
                message.shrink_to(READ_BYTES_PER_TURN_MAX);
                self.message = message;
            }
            ConnectionEvent::Request(head) => self.answer(conn, head, service),
            ConnectionEvent::Drained => service.drained(self, conn),
            ConnectionEvent::Closed(cause) => {
                self.counters.closed.add(1);
                if let CloseCause::Fault(fault) = cause {
                    self.counters.faults(fault).add(1);
                }
                service.closed(self, conn, cause);
            }
            ConnectionEvent::Idle | ConnectionEvent::Control | ConnectionEvent::Finished => {}
        }
    }

    fn answer(&mut self, conn: ConnId, head: RequestHead, service: &mut (impl Service + ?Sized)) {
        let verdict = self.judge(conn, &head, service);
        let now = self.now();
        let config = std::sync::Arc::clone(&self.common.config);
        let Some(entry) = self.entry(conn) else {
            return;
        };
        match verdict {
            Verdict::Respond(response, method) => {
                entry.connection.respond(&response, method, now);
                self.counters.http_requests.add(1);
            }
            Verdict::Accept(key, accept) => {
                entry.connection.accept(head, &key, &accept, &config, now);
                self.counters.opened.add(1);
            }
        }
    }

    fn judge(
        &mut self,
        conn: ConnId,
        head: &RequestHead,
        service: &mut (impl Service + ?Sized),
    ) -> Verdict {
        let malformed = || Verdict::Respond(Response::new(400), Method::Get);
        let limiter = std::sync::Arc::clone(&self.common.limiter);
        let stopping = self.is_stopping();
        let Some(entry) = self.entry(conn) else {
            return malformed();
        };
        let secure = entry.connection.stream().is_secure();
        let peer = entry.connection.peer();
        let client = head.request(peer, secure, |request| limiter.client(request));
        let client = client.unwrap_or(peer);
        let counted = entry.permit.count_for(client);
        if let Err(refusal) = counted {
            self.note_refusal(refusal, client);
            let response = Response::new(429).with_body("text/plain", format!("{refusal}\n"));
            return Verdict::Respond(response, Method::Get);
        }
        let verdict = head.request(client, secure, |request| match judge(request) {
            Err(response) => Verdict::Respond(response, request.method),
            Ok(_) if stopping => Verdict::Respond(Response::new(503), request.method),
            Ok(Wanted::Plain) => Verdict::Respond(service.http(request), request.method),
            Ok(Wanted::WebSocket(key)) => match service.open(self, conn, request) {
                Ok(accept) => Verdict::Accept(key, accept),
                Err(response) => Verdict::Respond(response, request.method),
            },
        });
        verdict.unwrap_or_else(malformed)
    }
}
