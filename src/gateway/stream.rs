//! The state stream of a gateway's clients, and what becomes of those that cannot keep up.
//!
//! State never queues behind unsent output: a client that cannot take a delta misses it, is owed a
//! snapshot, and asks the tick for one, once a stall, when its output has drained. One whose output
//! stands still for [`STALL_MS_MAX`] is closed.

use super::{Gateway, Stall};
use crate::bus::ToNode;
use crate::ids::{ConnId, Millis};
use crate::limits::STALL_MS_MAX;
use crate::net::{Io, Sent};
use crate::protocol::CloseCode;
use crate::replication::{ClientView, TickFrame, compose};

impl Gateway {
    pub(super) fn show(&mut self, io: &mut dyn Io, frame: &TickFrame) {
        self.context.tick = frame.tick();
        let now = io.now();
        for pilot in frame.pilots_of(self.parts.shard) {
            self.show_one(io, now, frame, pilot);
        }
    }

    /// One client's part of a frame: a delta if it has the frame before, a snapshot if the frame has
    /// one for it, both if both.
    fn show_one(&mut self, io: &mut dyn Io, now: Millis, frame: &TickFrame, pilot: &ClientView) {
        let (conn, here) = (pilot.conn, frame.system());
        let pending_bytes = io.pending_bytes(conn);
        let Some(client) = self.client(conn) else {
            return;
        };
        if pending_bytes > 0 {
            let stall = Stall {
                since: now,
                pending_bytes,
                is_asked: false,
            };
            client.stall.get_or_insert(stall).is_asked = false;
            client.shown = None;
            self.parts.metrics.deltas_dropped.inc();
            return;
        }
        let follows = client.shown == Some((here, frame.follows()));
        let mut newest = Sent::Gone;
        if follows && pilot.has_delta() {
            newest = self.send_state(io, conn, |seq, out| {
                compose::delta(frame, pilot, seq, out);
            });
        }
        let has_delta = matches!(newest, Sent::Flushed | Sent::Pending);
        self.deltas_sent.inc_by(u64::from(has_delta));
        // Behind a delta that waits, a snapshot would be state behind unsent output.
        let has_snapshot = pilot.has_snapshot() && newest != Sent::Pending && {
            newest = self.send_state(io, conn, |seq, out| {
                compose::snapshot(frame, pilot, seq, out);
            });
            matches!(newest, Sent::Flushed | Sent::Pending)
        };
        self.snapshots_sent.inc_by(u64::from(has_snapshot));
        let Some(client) = self.client(conn) else {
            return;
        };
        if has_delta || has_snapshot {
            client.shown = Some((here, frame.tick()));
            client.stall = None;
        } else {
            client.shown = None;
            self.want_snapshot(now, conn);
        }
    }

    /// Asks the tick for a snapshot, once a stall.
    pub(super) fn want_snapshot(&mut self, now: Millis, conn: ConnId) {
        let Some(client) = self.client(conn) else {
            return;
        };
        let stall = client.stall.get_or_insert(Stall {
            since: now,
            pending_bytes: 0,
            is_asked: false,
        });
        if stall.is_asked {
            return;
        }
        stall.is_asked = true;
        if self.parts.inbox.push(ToNode::SnapshotWanted(conn)).is_err()
            && let Some(stall) = self.client(conn).and_then(|client| client.stall.as_mut())
        {
            stall.is_asked = false;
        }
    }

    pub(super) fn watch_stall(&mut self, io: &mut dyn Io, conn: ConnId, now: Millis) {
        let pending_bytes = io.pending_bytes(conn);
        let Some(stall) = self.client(conn).and_then(|client| client.stall.as_mut()) else {
            return;
        };
        if pending_bytes == 0 || pending_bytes < stall.pending_bytes {
            *stall = Stall {
                since: now,
                pending_bytes,
                ..*stall
            };
        }
        let is_stuck = pending_bytes > 0 && now.since(stall.since) >= STALL_MS_MAX;
        stall.pending_bytes = pending_bytes;
        if is_stuck {
            self.end(io, conn, CloseCode::TooSlow);
        }
    }
}
