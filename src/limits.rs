//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here.

/// Ticks a second: the fixed simulation rate.
pub const TICK_RATE_HZ: u32 = 30;

/// Length of a tick in seconds of simulated time.
pub const TICK_SECONDS: f32 = 1.0 / TICK_RATE_HZ as f32;

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

// Simulation: what one world may hold and do in one tick.

/// Parts of a tick in which simulated time is counted: time may be slowed in steps of a hundredth.
pub const SUBTICKS_PER_TICK: u64 = 100;

/// Slowest simulated time, in sub-ticks a tick: a tenth of full speed.
pub const SUBTICKS_PER_TICK_MIN: u64 = 10;

/// Most entities of one world, of all kinds; each costs about 200 bytes of columns.
pub const ENTITIES_MAX: usize = 262_144;

/// Most shots in flight in one world; a trigger held beyond that does not fire. A shot costs about
/// as much as a ship in every phase.
pub const PROJECTILES_MAX: usize = 32_768;

/// Most commands applied in one tick; later ones wait for the next. Ten a tick for 3,000 pilots,
/// about 50 ns each.
pub const COMMANDS_PER_TICK_MAX: usize = 32_768;

/// Most interest cells along one side of a system: 512² offsets are 1 MiB, cleared every tick.
pub const INTEREST_CELLS_PER_SIDE_MAX: u32 = 512;

/// Edge of an interest cell unless said otherwise, in u: a quarter of the view radius, so that a
/// view is covered to within a quarter of itself by about 81 cells.
pub const INTEREST_CELL_EDGE: f32 = 250.0;

/// Most places tried round a point where somebody is to appear; enough for a crowd of a thousand
/// round one spawn.
pub const SPAWN_PLACES_MAX: usize = 4096;

/// Most random places tried in a spawn area before the spiral is searched.
pub const SPAWN_DRAWS_MAX: u64 = 16;

/// Ticks of simulated time from a pilot's death until the ship is back: 3 s.
pub const RESPAWN_TICKS: u64 = 90;

// Non-player ships.

/// Ships that may arrive in one tick; placing one costs a pass over all rows.
pub const NPC_ARRIVALS_PER_TICK_MAX: usize = 4;

/// Neighbours that a non-player ship looks at in one search, about 2 ns each: in a crowd it
/// notices some, not all.
pub const NPC_ROWS_SENSED_MAX: usize = 512;

/// Offenders that patrols of one system remember at a time; every hit of a tick scans them.
pub const NPC_ALARMS_MAX: usize = 64;
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
