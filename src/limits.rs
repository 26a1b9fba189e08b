//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here.

/// Ticks a second: the fixed simulation rate.
pub const TICK_RATE_HZ: u32 = 30;

/// Length of a tick in seconds of simulated time.
pub const TICK_SECONDS: f32 = 1.0 / TICK_RATE_HZ as f32;

// ---------------------------------------------------------------------------------------- wire

/// The protocol version that this server speaks.
pub const PROTOCOL_VERSION: u64 = 1;

/// The WebSocket subprotocol that carries it.
pub const SUBPROTOCOL: &str = "orrery.v1.json";

/// Largest `seq` of a client: 2^53-1, what a double holds exactly.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// Largest text message from a client, in bytes. The protocol's largest request (a login with a
/// token of [`TOKEN_BYTES_MAX`]) needs a third of it.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Deepest nesting of a client's JSON: the protocol needs 2; `serde_json` stops at the same depth.
pub const JSON_DEPTH_MAX: usize = 127;

/// Longest `request_id` in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Most units in one trade. Times any whole price below 9·10^9 it still fits an `i64`.
pub const QUANTITY_MAX: u32 = 1_000_000_000;
