//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here.

/// Ticks a second: the fixed simulation rate.
pub const TICK_RATE_HZ: u32 = 30;

/// Length of a tick in seconds of simulated time.
pub const TICK_SECONDS: f32 = 1.0 / TICK_RATE_HZ as f32;

// ---- net: what strangers may cost ---------------------------------------------------------------

/// Connections in all, over every shard of one listener: at 24 KiB of buffers each, 240 MB.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Connections from one address (an IPv6 /64 counts as one): a household, a school, a test rig.
pub const CONNECTIONS_PER_IP_MAX: usize = 256;

/// Connections a kernel may hold for one listener before they are accepted.
pub const LISTEN_BACKLOG: i32 = 1_024;

/// Connections accepted by one shard in one turn, so that a storm of strangers (about 20 µs each)
/// delays those who are already in by little more than a millisecond.
pub const ACCEPTS_PER_TURN_MAX: usize = 64;

/// Rest after the process ran out of file descriptors, in milliseconds: long enough not to spin,
/// short enough that a stranger only sees a slow connect.
pub const ACCEPT_PAUSE_MS: u64 = 50;

/// Readiness events taken from the kernel in one turn; the others come with the next.
pub const EVENTS_PER_TURN_MAX: usize = 1_024;

/// Bytes read from one connection in one turn. Edge-triggered readiness comes once, so what is
/// left waits on the shard's own ready list.
pub const READ_BYTES_PER_TURN_MAX: usize = 16 * 1024;

/// Messages handed on from one connection in one turn.
pub const MESSAGES_PER_TURN_MAX: usize = 32;

/// Timers that fire in one turn; those left over fire in the next.
pub const TIMERS_PER_TURN_MAX: usize = 1_024;

/// Bytes of an HTTP request's line and headers together.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Headers of an HTTP request: browsers send about twenty.
pub const HEADERS_MAX: usize = 64;

/// Time from connecting (or from the end of the TLS handshake) to a whole HTTP head.
pub const HEAD_MS_MAX: u64 = 5_000;

/// Bytes of an HTTP request's body: a small form at most.
pub const BODY_BYTES_MAX: usize = 4 * 1024;

/// Time from a whole head to a whole body.
pub const BODY_MS_MAX: u64 = 5_000;

/// Time for a TLS handshake.
pub const TLS_HANDSHAKE_MS_MAX: u64 = 5_000;

/// TLS handshakes under way in one shard; a newcomer beyond them is turned away.
pub const TLS_HANDSHAKES_MAX: usize = 1_024;

/// TLS handshakes moved on in one turn, 110 µs each: under a millisecond in all.
pub const TLS_HANDSHAKES_PER_TURN_MAX: usize = 8;

/// Plaintext in one TLS write: one record.
pub const TLS_RECORD_BYTES_MAX: usize = 16 * 1024;

/// A WebSocket message from a client, whole or in fragments.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// A connection's read buffer. tungstenite allocates it at once and clears it before each read:
/// 4 KiB cost 114 ns where its default of 128 KiB costs 1,313.
pub const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Output that may wait for one client, frames included; the next message is refused.
pub const PENDING_BYTES_MAX: usize = 256 * 1024;

/// Unsent bytes the kernel takes for one client before it reports the socket full: what waits in
/// the kernel is stale by the time it leaves.
pub const KERNEL_UNSENT_BYTES_MAX: u32 = 64 * 1024;

/// Time between two WebSocket pings to one client.
pub const PING_MS: u64 = 15_000;

/// Silence (no message, no pong) after which a WebSocket is closed.
pub const SILENCE_MS_MAX: u64 = 45_000;

/// Time for a peer to answer a close frame.
pub const CLOSE_MS_MAX: u64 = 3_000;

/// Time for a peer to take the last bytes and hang up, before its connection is cut.
pub const LINGER_MS_MAX: u64 = 2_000;

/// Bytes thrown away while a peer hangs up, before its connection is cut.
pub const LINGER_BYTES_MAX: usize = 256 * 1024;

/// Text of a close frame: a control frame's 125 bytes less its code.
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

/// Accepted connections that may wait for another shard to take them over.
pub const HANDOVER_MAX: usize = 256;

/// How many connections more than the emptiest shard one may hold before it hands new ones over.
pub const SHARD_LEAD_MAX: usize = 4;

/// Time for a peer to take a whole HTTP response: 256 KiB at 9 kB/s.
pub const RESPONSE_MS_MAX: u64 = 30_000;
