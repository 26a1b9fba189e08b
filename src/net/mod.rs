//! Bytes under [`ConnId`]s: sockets, TLS, HTTP heads and WebSocket frames.
//!
//! Knows nothing of what it carries. Whoever lives behind it implements [`Service`]; whatever it
//! may do to a connection goes through [`Io`]. One [`Shard`](shard::Shard) holds the connections
//! of one thread and is the whole layer but the sockets; the [`Reactor`] puts it on mio and TCP,
//! tests put it on [`memory`] streams and a clock of their own.
//!
//! ```text
//! Reactor ── readiness, accept ──▶ Shard ── one turn ──▶ Connection ── tungstenite ──▶ Link ──▶ Socket
//!                                    │ ▲                 (head, open, closing, gone)   (pending)  (TCP, TLS)
//!                                    ▼ │ Io
//!                                  Service
//! ```
//!
//! A peer's mistake ends that peer's connection and nothing else. Every queue and every turn of
//! every loop is bounded by a constant in [`limits`](crate::limits).

pub mod address;
pub mod address_buckets;
pub mod clock;
pub mod config;
pub mod connection;
pub mod counters;
pub mod echo;
pub mod http;
pub mod limiter;
pub mod memory;
mod outgoing;
pub mod reactor;
pub mod shard;
mod slot_list;
mod socket;
mod spread;
mod timers;
pub mod tls;
mod waker;

pub use bytes::Bytes;
pub use tungstenite::Utf8Bytes;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::NetConfig;
pub use outgoing::Outgoing;
pub use reactor::Reactor;
pub use tls::Tls;
pub use waker::Waker;

use crate::ids::{ConnId, Millis, Name, UnixMillis};

/// What became of a message that was given to [`Io::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has all of it, and nothing waits before it.
    Flushed,
    /// It waits, in order, with other output; [`Service::drained`] tells when all is on its way.
    Pending,
    /// Nothing was queued: it would have pushed the waiting output past its bound.
    Full,
    /// The connection is closed, closing, or never was.
    Gone,
}

/// What lives behind the sockets of one shard. Every call runs on the shard's thread and must
/// return quickly: all connections of the shard wait meanwhile.
///
/// Call order for a connection: `open` (accepted) → any of `text`, `binary`, `drained` → `closed`,
/// exactly once and last.
pub trait Service {
    /// Answers a plain HTTP request: anything that does not ask for a WebSocket.
    fn http(&mut self, request: &http::Request<'_>) -> http::Response;

    /// Takes a WebSocket in or turns it away. The upgrade is already known to be well-formed.
    /// `conn` takes messages as soon as this has returned `Ok`, not before.
    fn open(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        upgrade: &http::Request<'_>,
    ) -> Result<http::Accept, http::Response>;

    /// A whole text message, known to be UTF-8. The slice is the callee's to scribble in.
    fn text(&mut self, io: &mut dyn Io, conn: ConnId, text: &mut [u8]);

    /// A whole binary message.
    fn binary(&mut self, io: &mut dyn Io, conn: ConnId, bytes: &[u8]);

    /// Another thread rang the shard's waker, once or many times, since the last call.
    fn wake(&mut self, io: &mut dyn Io);

    /// Output of `conn` had been waiting, and now all of it is on its way.
    fn drained(&mut self, io: &mut dyn Io, conn: ConnId);

    /// `conn` is over for the service, whoever ended it; its id is never used again.
    fn closed(&mut self, io: &mut dyn Io, conn: ConnId, cause: connection::CloseCause);

    /// When [`timeout`](Self::timeout) wants to be called, absolute; `None` for never.
    fn deadline(&self) -> Option<Millis>;

    /// The deadline has come.
    fn timeout(&mut self, io: &mut dyn Io);
}

/// What a [`Service`] may do to the connections of its shard.
pub trait Io {
    /// Monotonic time, for deadlines and rates.
    fn now(&self) -> Millis;

    /// The wire's time.
    fn unix(&self) -> UnixMillis;

    /// Queues one text message and tries to write it at once: one copy and one write.
    fn send(&mut self, conn: ConnId, text: Utf8Bytes) -> Sent;

    /// As [`send`](Self::send), without any copy: for what is encoded by us and so known to be text.
    fn send_encoded(&mut self, conn: ConnId, message: &mut Outgoing) -> Sent;

    /// Queues one binary message and tries to write it at once.
    fn send_binary(&mut self, conn: ConnId, bytes: Bytes) -> Sent;

    /// Output of `conn` that the kernel has not taken yet, frames included; 0 when it is gone.
    fn pending_bytes(&self, conn: ConnId) -> usize;

    /// Starts the close handshake behind all waiting output. Later messages are
    /// [`Sent::Gone`]; [`Service::closed`] follows after the current call.
    fn close(&mut self, conn: ConnId, code: u16, reason: &str);

    /// Notes that `conn` has proved to be `name` and that the service is about to let it in: it keeps
    /// its place until then, or until the service closes it. `false` where all places are taken or
    /// kept for others who come back; then nothing is noted.
    fn begin_login(&mut self, conn: ConnId, name: &Name) -> bool;

    /// Notes that the service knows who `conn` is: it keeps its place whoever else comes, and for a
    /// moment after its end whoever comes back from its address finds one. Once is enough.
    fn mark_authenticated(&mut self, conn: ConnId);

    /// Ends the shard: accepts nobody from now on, closes every WebSocket with 1001, and returns
    /// from the shard's loop once all are gone or `grace_ms` have passed.
    fn stop(&mut self, grace_ms: u64);
}
