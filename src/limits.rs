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
// Universe: what a world file may ask for. Each bound keeps start-up, snapshots and indices small.

/// Largest universe file, in bytes: parsing keeps a few times this in memory for a moment.
pub const UNIVERSE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most systems; each is a world of its own that ticks whether or not somebody is in it.
pub const SYSTEMS_MAX: usize = 64;

/// Most commodities; every pilot's hold is an array of this many counts.
pub const COMMODITIES_MAX: usize = 64;

/// Most stations in a system; every snapshot carries each one's market.
pub const STATIONS_MAX: usize = 256;

/// Most zones in a system; every snapshot carries them all.
pub const ZONES_MAX: usize = 256;

/// Most zones that count at one point: what a zone context holds inline. A system in which more
/// overlap is refused when it is loaded.
pub const ZONES_AT_POINT_MAX: usize = 8;

/// Most pilots that a system may admit.
pub const PILOTS_MAX: u32 = 100_000;

/// Most non-player ships of one kind in a system.
pub const NPCS_OF_KIND_MAX: u32 = 10_000;

/// Largest half side of a system, in u: an f32 still resolves a hundredth here.
pub const HALF_EXTENT_MAX: f32 = 100_000.0;

/// Highest base price, in credits a unit: a price times a full order stays far inside an i64.
pub const PRICE_MAX: i64 = 1_000_000;

/// Largest stock of one commodity at one station, in units.
pub const STOCK_MAX: i64 = 1_000_000_000;

/// Longest text that people read (names of places and goods), in bytes.
pub const TITLE_BYTES_MAX: usize = 120;

// --------------------------------------------------------------------------------------- swarm

/// Most bots of one swarm: one address has some 28,000 local ports towards one server.
pub const SWARM_CLIENTS_MAX: u32 = 20_000;

/// Most connections that a swarm begins in a second, whatever it is asked for.
pub const SWARM_CONNECT_HZ_MAX: u32 = 5_000;

/// Most inputs a bot sends in a second; the world takes one a tick.
pub const SWARM_INPUT_HZ_MAX: f64 = 60.0;

/// Longest span that a swarm measures, in seconds: a day.
pub const SWARM_DURATION_SECONDS_MAX: u64 = 86_400;

/// Read buffer of a bot: a common delta in one read, and 60 MiB at 5,000 bots with all else.
pub const SWARM_READ_BUFFER_BYTES: usize = 8 * 1024;

/// Most bytes that wait for a bot's socket; beyond, its inputs are skipped and counted.
pub const SWARM_WRITE_BUFFER_BYTES_MAX: usize = 16 * 1024;

/// Largest message a bot takes: a snapshot of the densest crowd.
pub const SWARM_MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most messages read from one socket before the others have their turn.
pub const SWARM_MESSAGES_PER_TURN_MAX: usize = 16;

/// Most readiness events taken from the kernel in one turn of the loop.
pub const SWARM_EVENTS_PER_TURN_MAX: usize = 1024;

/// Most inputs sent in one turn, so that a late loop reads before it goes on sending.
pub const SWARM_INPUTS_PER_TURN_MAX: u64 = 256;

/// Longest time a bot may take from its first packet to its first message of the stream, in ms.
pub const SWARM_JOIN_MS_MAX: u64 = 15_000;

/// How long the stream settles after the last bot joined, before measuring, in ms.
pub const SWARM_SETTLE_MS: u64 = 1_000;

/// How long closing handshakes may take at the end, in ms.
pub const SWARM_CLOSE_MS_MAX: u64 = 2_000;

/// A turn of the loop longer than this, in ms, delays arrivals enough to spoil a gap at 30 Hz.
pub const SWARM_TURN_MS_MAX: u64 = 15;

/// Share of one core beyond which the swarm's own work shapes what it measures, in percent.
pub const SWARM_CPU_PERCENT_MAX: f64 = 90.0;

// ------------------------------------------------------------------------------------- session

/// How long a connection may stay without a login, in milliseconds.
pub const LOGIN_DEADLINE_MS: u64 = 5_000;

/// Longest token that is looked at, in bytes; real ones have a few hundred.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// How far the clocks of a token's issuer and of this server may differ, in milliseconds.
pub const TOKEN_LEEWAY_MS: u64 = 30_000;

/// Shortest secret for HS256, in bytes: as long as the hash.
pub const SECRET_BYTES_MIN: usize = 32;

/// Smallest RSA modulus, in bits.
pub const RSA_BITS_MIN: usize = 2_048;

/// How often something may happen: `burst` at once, `per_second` in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Sustained, per second; at least 1.
    pub per_second: u32,
    /// At once after a pause.
    pub burst: u32,
}

/// All messages of one connection. Each costs a scan and a parse, at most some 20 µs for the
/// largest: 0.4 % of a core at this rate.
pub const RATE_MESSAGES: Rate = Rate {
    per_second: 200,
    burst: 400,
};

/// `input.command`: a display at 120 Hz may send one a frame, at 60 Hz after a stall of four seconds.
pub const RATE_INPUTS: Rate = Rate {
    per_second: 120,
    burst: 240,
};

/// `trade.buy`, `trade.sell`, `ship.repair_request`: each costs a ledger row.
pub const RATE_TRANSACTIONS: Rate = Rate {
    per_second: 50,
    burst: 100,
};

/// `auth.login`, `auth.refresh`, `session.join_system`: each costs a signature check or a snapshot.
pub const RATE_ACCOUNT: Rate = Rate {
    per_second: 5,
    burst: 30,
};

/// `ping`.
pub const RATE_PINGS: Rate = Rate {
    per_second: 20,
    burst: 60,
};

/// Messages of no recognised type.
pub const RATE_OTHERS: Rate = Rate {
    per_second: 50,
    burst: 100,
};

/// `error` answers to messages that are not owed one.
pub const RATE_COMPLAINTS: Rate = Rate {
    per_second: 50,
    burst: 100,
};

/// Refused messages (over a rate, malformed, of unknown type) that a connection survives.
pub const RATE_FAULTS: Rate = Rate {
    per_second: 60,
    burst: 240,
};
