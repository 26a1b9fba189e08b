//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here.

/// Ticks a second: the fixed simulation rate.
pub const TICK_RATE_HZ: u32 = 30;

/// Length of a tick in seconds of simulated time.
pub const TICK_SECONDS: f32 = 1.0 / TICK_RATE_HZ as f32;

// ── store ───────────────────────────────────────────────────────────────────────────────────────

/// Requests that may wait for the writer: eight seconds of ticks. Beyond it, full is the answer.
pub const STORE_INBOX_MAX: usize = 256;

/// Batches that one transaction may take in when the writer is behind; bounds what a single
/// failure rolls back and how long one commit can be.
pub const STORE_MERGE_BATCHES_MAX: usize = 32;

/// Digests of remembered request ids that a login brings along (32 KiB); a pilot with more is
/// looked up request by request.
pub const STORE_REQUEST_DIGESTS_MAX: usize = 4096;

/// Longest request id in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Tries that follow a lost database connection or a lost race before the store gives up:
/// with the pauses below about 13 s, in which replies are held.
pub const STORE_RETRIES_MAX: u32 = 10;

/// First pause between tries, in milliseconds; doubled each time.
pub const STORE_RETRY_MS_MIN: u64 = 100;

/// Longest pause between tries, in milliseconds.
pub const STORE_RETRY_MS_MAX: u64 = 2_000;

/// How long another process may hold the SQLite file before a try counts as failed, in
/// milliseconds: a backup or an audit never blocks the writer, a curious shell might.
pub const STORE_BUSY_MS_MAX: u64 = 5_000;

/// How long a lease lives after its last renewal by the database's clock, in milliseconds.
pub const LEASE_MS: i64 = 10_000;

/// An idle writer renews its leases this often, in milliseconds; a busy one with every commit.
pub const LEASE_RENEW_MS: u64 = 2_000;

/// How long one PostgreSQL statement or the connection's silence may last, in milliseconds.
pub const STORE_STATEMENT_MS_MAX: u64 = 5_000;

/// Ledger rows that the audit holds at a time (about 400 bytes each).
pub const AUDIT_PAGE_ROWS: i64 = 2_048;

/// Differences that an audit names; the rest is counted.
pub const AUDIT_FINDINGS_MAX: usize = 20;
