//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here. The file is as long as it
//! must be: bounds are judged side by side, and the memory that start-up announces is their sum.

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

/// Longest jump between two systems that a file may ask for, in ticks: 5 minutes. A pilot whose
/// connection is gone holds a player's entry until the jump is over.
pub const JUMP_TICKS_MAX: u32 = 9_000;

/// Highest base price, in credits a unit: a price times a full order stays far inside an i64.
pub const PRICE_MAX: i64 = 1_000_000;

/// Largest stock of one commodity at one station, in units.
pub const STOCK_MAX: i64 = 1_000_000_000;

/// Longest text that people read (names of places and goods), in bytes.
pub const TITLE_BYTES_MAX: usize = 120;

// Simulation: what one world may hold and do in one tick.

/// Most entities of one world, of all kinds; each costs about 200 bytes of columns.
pub const ENTITIES_MAX: usize = 262_144;

/// Most shots in flight in one world; a trigger held beyond that does not fire. A shot costs about
/// as much as a ship in every phase.
pub const PROJECTILES_MAX: usize = 32_768;

/// Most commands applied in one tick; later ones wait for the next. Ten a tick for 3,000 pilots,
/// about 50 ns each.
pub const COMMANDS_PER_TICK_MAX: usize = 32_768;

/// Most rows of interest cells in a system. 360 rows of 720 cells are 1 MiB of offsets, filled in every
/// tick and copied into every frame. A larger system has larger cells.
pub const INTEREST_CELL_ROWS_MAX: u32 = 360;

/// How many times as high as wide an interest cell is. A message takes one copy a row of cells, so
/// high cells make it cheap; narrow ones make the view fit the circle.
pub const INTEREST_CELL_ASPECT: u32 = 2;

/// Height of an interest cell unless said otherwise, in u: [`VIEW_RADIUS`] over
/// [`CELL_ROWS_PER_VIEW_RADIUS`].
pub const INTEREST_CELL_HEIGHT: f32 = VIEW_RADIUS / CELL_ROWS_PER_VIEW_RADIUS;

/// How far beyond its cell's border an entity is still counted in the cell, in u: more than a ship
/// sways that holds its place. Views reach less far by it.
pub const INTEREST_CELL_MARGIN: f32 = 6.0;

/// Most places tried round a point where somebody is to appear, 40 ns each: enough for 5,000 pilots
/// at one spawn. Within a tick nobody looks again at places that were found taken.
pub const SPAWN_PLACES_MAX: usize = 8192;

/// Places looked at by passes over all rows in one tick, about 1 ns a row; from the next one on an
/// index of them is used, which costs about 10 ns a row once a tick.
pub const PLACES_SCANNED_PER_TICK_MAX: u32 = 4;

/// Most random places tried in a spawn area before the spiral is searched.
pub const SPAWN_DRAWS_MAX: u64 = 16;

/// Ticks from a pilot's death until the ship is back: 3 s.
pub const RESPAWN_TICKS: u64 = 90;

/// Ticks after docking in which a ship does not undock, and after undocking in which it does not
/// dock: 1 s. Bounds what one ship can tell others about its docking.
pub const DOCK_PAUSE_TICKS: u64 = 30;

/// Ticks after a shot in which its ship does not dock: 3 s, nine cooldowns. A dock is invulnerable,
/// so it must be no place to wait in between two shots.
pub const DOCK_PAUSE_AFTER_SHOT_TICKS: u64 = 90;

/// Pilots' ships that undock in one tick of one system; the others follow in the next ticks, those
/// who have waited longest first. Each is placed clear of the others, some µs in a crowd.
pub const UNDOCKINGS_PER_TICK_MAX: usize = 256;

/// The same for ships that the server flies.
pub const NPC_UNDOCKINGS_PER_TICK_MAX: usize = 16;

/// Places tried near its own by a ship that undocks inside another, 40 ns each, before it takes the
/// nearest free one around the station.
pub const UNDOCK_PLACES_MAX: usize = 64;

/// Overlapping ships that are settled for one ship in one tick, besides those for which it is the
/// other one: the list of pairs has at most so many times as many entries as there are ships, 8
/// bytes and about 40 ns each. Six ships fit around one; in a denser pile the rest comes in later
/// ticks.
pub const CONTACTS_PER_SHIP_MAX: u32 = 8;

// Non-player ships.

/// Ships that may arrive in one tick; placing one costs a pass over all rows.
pub const NPC_ARRIVALS_PER_TICK_MAX: usize = 4;

/// Tries to arrive in one tick, those at unfit places included; each looks round once, about 1 µs.
pub const NPC_ARRIVAL_TRIES_PER_TICK_MAX: usize = 32;

/// Neighbours that a non-player ship looks at in one search, about 2 ns each: in a crowd it
/// notices some, not all.
pub const NPC_ROWS_SENSED_MAX: usize = 512;

/// Offenders that patrols of one system remember at a time; every hit of a tick scans them.
pub const NPC_ALARMS_MAX: usize = 64;

// Protocol: what one message may hold.

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

/// When to come back to a server whose queues are full, in milliseconds: several ticks.
pub const BUSY_RETRY_MS: u64 = 250;

/// Most units in one trade. Times any whole price below 9·10^9 it still fits an `i64`.
pub const QUANTITY_MAX: u32 = 1_000_000_000;

// Swarm: what the load generator may open, wait for and keep.

/// Most bots of one swarm: one address has some 28,000 local ports towards one server.
pub const SWARM_CLIENTS_MAX: u32 = 20_000;

/// Most connections that a swarm begins in a second, whatever it is asked for.
pub const SWARM_CONNECT_HZ_MAX: u32 = 5_000;

/// Most inputs a bot sends in a second; the world takes one a tick.
pub const SWARM_INPUT_HZ_MAX: f64 = 60.0;

/// Longest span that a swarm measures, in seconds: a day.
pub const SWARM_DURATION_SECONDS_MAX: u64 = 86_400;

/// Room that a bot's socket is read into at once, in a buffer that all bots share: several deltas,
/// and little enough to stay in a processor's cache.
pub const SWARM_READ_BYTES: usize = 32 * 1024;

/// Buffer of a bot for the frames that are not plain texts: pings, goodbyes.
pub const SWARM_READ_BUFFER_BYTES: usize = 256;

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

/// How long the stream settles after the last bot joined, before measuring, in ms; shorter runs
/// settle as long as they measure.
pub const SWARM_SETTLE_MS: u64 = 1_000;

/// How long closing handshakes may take at the end, in ms.
pub const SWARM_CLOSE_MS_MAX: u64 = 2_000;

/// A turn of the loop longer than this, in ms, delays arrivals enough to spoil a gap at 30 Hz.
pub const SWARM_TURN_MS_MAX: u64 = 15;

/// Share of one node beyond which the swarm's own work shapes what it measures, in percent.
pub const SWARM_CPU_PERCENT_MAX: f64 = 90.0;

// Session: what one conversation may ask, how often and until when.

/// How long a connection may stay without a login, in milliseconds.
pub const LOGIN_DEADLINE_MS: u64 = 5_000;

/// How long a login may wait for the pilot to be looked up, in milliseconds: longer than a store
/// that is merely behind takes, and than one lost connection to a database. Past it the login is
/// refused for the server's sake and the connection is free again.
pub const LOGIN_ANSWER_MS_MAX: u64 = 10_000;

/// When to come back after a login that the server refused for its own sake, in milliseconds,
/// where no bucket has measured it: a connection and a signature check later, so not at once.
pub const LOGIN_RETRY_MS: u64 = 2_000;

/// Logins that one address may make at once, for each connection that it may have: a server that
/// starts anew is joined by everybody at once, and once more by those who were refused.
pub const LOGIN_BURST_PER_CONNECTION: u32 = 2;

/// Logins that one address may make in a minute in the long run, for each connection that it may
/// have: a bad line that breaks every 15 s. With the usual 256 connections 17 a second, a look-up in
/// the store each.
pub const LOGINS_PER_MINUTE_PER_CONNECTION: u32 = 4;

/// The least that an address may do, however few connections it may have.
pub const LOGIN_RATE_MIN: AddressRate = AddressRate {
    per_minute: 60,
    burst: 32,
};

/// Time between two lines in the log about refused logins of one gateway, in milliseconds.
pub const LOGIN_REPORT_MS: u64 = 10_000;

/// Longest token that is looked at, in bytes; real ones have a few hundred.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// How far the clocks of a token's issuer and of this server may differ, in milliseconds.
pub const TOKEN_LEEWAY_MS: u64 = 30_000;

/// Largest `exp` of a token, seconds: what JSON carries exactly everywhere. Later than that is no
/// time that an issuer meant.
pub const TOKEN_EXP_SECONDS_MAX: u64 = (1 << 53) - 1;

/// Keys that tokens may be signed with. Bounds the signature checks that one login can cost.
pub const KEYS_MAX: usize = 16;

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

/// How often something may happen from one address: `burst` at once, `per_minute` in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRate {
    /// Sustained, per minute; at least 1.
    pub per_minute: u32,
    /// At once after a pause.
    pub burst: u32,
}

/// All messages of one connection. Each costs a parse: 3 µs for the largest text, 80 µs for as many
/// numbers of one digit as a message holds. A connection that sends nothing else costs 2 % of a node at
/// this rate, those included that [`RATE_FAULTS`] lets it have refused.
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

/// Rate of `ping` messages of one connection.
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

// Net: what strangers may cost.

/// Connections in all, over every shard of one listener; what one may take at most is `connection_bytes` of
/// `server::budget`, 353 KiB without TLS.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Share of all places that is closed to anonymous connections, in percent: who has logged in, or
/// comes back after a lost connection, gets in while strangers fill the rest.
pub const PLACES_KEPT_PERCENT: usize = 25;

/// How long after the end of an authenticated connection its address is expected back, in ms: as
/// long as the ship waits in space.
pub const RETURN_MS: u64 = LINGER_TICKS * 1_000 / TICK_RATE_HZ as u64;

/// The close code for whoever makes room: WebSocket's `try again later`.
pub const DISPLACED_CLOSE_CODE: u16 = 1013;

/// How long a connection may have said nothing before it makes room ahead of older ones that have
/// spoken, in ms: an honest client's first bytes are on their way by then.
pub const SILENCE_GRACE_MS: u64 = 500;

/// Time between two log lines of one shard about those who were turned away or made room, in ms.
pub const REFUSALS_LOG_MS: u64 = 5_000;

/// Connections from one address (an IPv6 /64 counts as one): a household, a school, a test rig.
pub const CONNECTIONS_PER_IP_MAX: usize = 256;

/// How many times the allowance of one address an IPv6 /56 has: a household with several machines,
/// each of which may have a /64 of its own.
pub const NETWORK_56_SHARE: u32 = 4;

/// How many times the allowance of one address an IPv6 /48 has: a site with many households.
pub const NETWORK_48_SHARE: u32 = 16;

/// Networks that a table of rates by address remembers, 80 bytes each. Whoever is forgotten hands
/// its bucket on, so a smaller table is unfair to newcomers in an attack and never lets one through.
pub const ADDRESS_BUCKETS_MAX: usize = 16_384;

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

/// Shortest time between two looks at the sockets of a busy game shard, in µs. What clients say
/// waits for the next tick anyway; looking at each message by itself costs two system calls and a
/// wake-up, about as much as sending one.
pub const GATHER_US: u64 = 2_000;

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

/// Time for a TLS connection to say its first byte, in ms.
pub const TLS_SILENCE_MS_MAX: u64 = 2_000;

/// Time for a TLS handshake from its first byte.
pub const TLS_HANDSHAKE_MS_MAX: u64 = 5_000;

/// TLS handshakes under way in one shard, each counted from its first byte; for one more the oldest
/// makes room.
pub const TLS_HANDSHAKES_MAX: usize = 1_024;

/// TLS handshakes moved on in one turn, 110 µs each: under a millisecond in all.
pub const TLS_HANDSHAKES_PER_TURN_MAX: usize = 8;

/// Plaintext in one TLS write: one record.
pub const TLS_RECORD_BYTES_MAX: usize = 16 * 1024;

/// A connection's read buffer: several inputs. tungstenite allocates it at once and clears it before
/// each read, cold in cache: 4 KiB cost half a microsecond, its default of 128 KiB several.
pub const READ_BUFFER_BYTES: usize = 1024;

/// Output that may wait for one client, frames included; the next message is refused.
pub const PENDING_BYTES_MAX: usize = 256 * 1024;

/// Steps in which the room for waiting output grows.
pub const PENDING_STEP_BYTES: usize = 16 * 1024;

/// Unsent bytes the kernel takes for one client before it reports the socket full: what waits in
/// the kernel is stale by the time it leaves.
pub const KERNEL_UNSENT_BYTES_MAX: u32 = 64 * 1024;

/// Pings and pongs of one client. Each costs a frame and, where it is answered, a write (6 µs): an
/// honest client answers ours and may send a few of its own.
pub const RATE_CONTROLS: Rate = Rate {
    per_second: 20,
    burst: 60,
};

/// Fragments of one client that finish no message. An honest client cuts a large message into some
/// pieces, conformance suites into some hundred; one that finishes nothing costs 0.1 µs, and a
/// socket brings ten million a second.
pub const RATE_FRAGMENTS: Rate = Rate {
    per_second: 200,
    burst: 1_024,
};

/// Mean size of the pieces in which the largest message may be sent, in bytes.
pub const FRAGMENT_BYTES_FAIR: usize = 32;

/// The close code for who sends more control frames or fragments: the protocol's `flood`.
pub const FLOOD_CLOSE_CODE: u16 = 4008;

/// How long one turn may go on before what came from other threads and from the kernel is looked
/// at again, in milliseconds: how late a flood of strangers may make a frame.
pub const TURN_MS_MAX: u64 = 4;

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

// Replication: what a client is told, and how much of it.

/// How far a pilot sees unless told otherwise, in u.
pub const VIEW_RADIUS: f32 = 1_000.0;

/// Smallest view radius that may be asked for, in u.
pub const VIEW_RADIUS_MIN: f32 = 100.0;

/// Largest view radius that may be asked for, in u.
pub const VIEW_RADIUS_MAX: f32 = 10_000.0;

/// Rows of interest cells along the view radius: finer cells fit the view closer, but a message then
/// takes more copies, one a row, and more entities change their cell in a tick.
pub const CELL_ROWS_PER_VIEW_RADIUS: f32 = 5.0;

/// Most rows of cells in a view: what fits into the circle's diameter.
pub const VIEW_BANDS_MAX: usize = 2 * CELL_ROWS_PER_VIEW_RADIUS as usize;

/// How far a ship flies from the point that its view is laid round before that is laid anew, in u:
/// a ship that sways by half of it sees nobody come and go. Views reach less far by twice as much.
pub const VIEW_ANCHOR_REACH: f32 = 12.0;

/// Steps into which the view radius is divided where a crowd makes a view smaller.
pub const VIEW_STEPS: u8 = 16;

/// Steps that the smallest view is short of the full one.
pub const VIEW_STEPS_OFF_MAX: u8 = 12;

/// Steps that a view is smaller by for each size that an overload takes away.
pub const VIEW_STEPS_PER_SIZE: u8 = 4;

/// What one delta may weigh, in bytes: at 30 Hz four megabits a second. Its parts are
/// [`DELTA_HEAD_BYTES`], [`DELTA_EVENT_BYTES_MAX`], and rows and removals for the rest.
pub const DELTA_BYTES_MAX: usize = 16 * 1024;

/// Room in a delta for what is neither row, removal nor event, in bytes: the envelope, the zones,
/// the own state. A crowd's rows are told by turns, and so more in one delta than in the next: the
/// room covers that too.
pub const DELTA_HEAD_BYTES: usize = 2 * 1024;

/// Most bytes of events in one delta, some 27 shots. Own events come first, then shots, then docks, near
/// ones before far ones; what does not fit is not told.
pub const DELTA_EVENT_BYTES_MAX: usize = 2 * 1024;

/// An entity's row in a delta, in bytes, for sizing buffers and budgets: the protocol's rows are
/// 60–100.
pub const ROW_BYTES_ESTIMATE: usize = 84;

/// The row of an entity that comes into view, in bytes, for budgets: 80–120.
pub const FULL_ROW_BYTES_ESTIMATE: usize = 112;

/// An entity that leaves the view, in bytes, for budgets: its id, and its id with the reason.
pub const REMOVAL_BYTES_ESTIMATE: usize = 34;

/// Largest message to a client, in bytes: the protocol's promise. A snapshot tells the nearest
/// entities that fit; the rest comes with deltas.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024;

/// Room in a snapshot for what is neither entity, market nor zone, in bytes: the own state with a
/// hold of [`COMMODITIES_MAX`] goods.
pub const SNAPSHOT_HEAD_BYTES: usize = 4 * 1024;

/// Most entities in one view. In a denser crowd the view is smaller.
pub const VIEW_ROWS_MAX: u32 = 1_792;

/// Frames between two snapshots that one client gets in a delta's stead because too much came into
/// its view, or left it, at once: a crowd that comes and goes on purpose costs a snapshot a half second.
pub const RESTART_FRAMES_MIN: u64 = 15;

/// Frames for which a change is kept for clients whose view is thinned: each hears of every entity
/// at least once in so many frames, so nobody misses the last change before a stop.
pub const STICKY_FRAMES: u32 = 16;

/// Most ticks that one frame tells of, under overload.
pub const FRAME_TICKS_MAX: u32 = 2;

/// Rows from which encoding is spread over the workers: a fork-join costs some 30 µs, encoding a
/// row 0.1 µs.
pub const PARALLEL_ROWS_MIN: usize = 2_000;

/// Frames kept for reuse in a system: one being read by a slow gateway, one being read, one to write.
pub const FRAMES_KEPT_MAX: usize = 4;

// Node, gateway and server: the tick, the clients and what waits between them.

/// How long before a tick's deadline its thread stops sleeping and spins, in µs: what a sleep
/// oversleeps, at the cost of half a per cent of a node.
pub const TICK_SPIN_US: u64 = 150;

/// Commands that may wait for a tick, of all clients: a third of a second of 3,000 clients at
/// ten times the usual rate.
pub const INBOX_MAX: usize = 65_536;

/// Messages that may wait for a gateway: seconds of frames and replies, after which it has hung.
pub const GATEWAY_QUEUE_MAX: usize = 65_536;

/// Answers that may wait in a gateway for their batch to become durable.
pub const HELD_REPLIES_MAX: usize = 65_536;

/// First size of the buffer that a gateway composes a message in, in bytes: a crowd's delta and more.
pub const COMPOSE_BUFFER_BYTES: usize = 32 * 1024;

/// How often a gateway looks at its clients' deadlines, in ms: how late a deadline may be noticed.
pub const SWEEP_MS: u64 = 250;

/// Log lines about clients who have logged in, of one gateway or of the node: a whole server that
/// drains says it of every tenth pilot and counts the others.
pub const RATE_LOG_PLAYERS: Rate = Rate {
    burst: 1_000,
    per_second: 100,
};

/// Log lines about clients who have not logged in, of one gateway: no crowd of strangers fills the
/// log.
pub const RATE_LOG_STRANGERS: Rate = Rate {
    burst: 20,
    per_second: 2,
};

/// How late a gateway may look at its clients' deadlines, in ms, before it reads what they said meanwhile
/// first: the process was stopped, and so was everybody's time.
pub const SWEEP_LATE_MS_MAX: u64 = 1_000;

/// How long a client's output may stand still before it is closed, in ms.
pub const STALL_MS_MAX: u64 = 10_000;

/// `POST /guest` of one address: each costs a signature, and a pilot if it is used.
pub const RATE_GUESTS: AddressRate = AddressRate {
    per_minute: 120,
    burst: 60,
};

/// How long a guest's token is good, in seconds.
pub const GUEST_TOKEN_TTL_SECONDS: u64 = 24 * 60 * 60;

/// Ticks between two snapshots of one client: 5 s.
pub const SNAPSHOT_PERIOD_TICKS: u64 = 150;

/// Ticks between two checkpoints of one pilot: 5 s.
pub const CHECKPOINT_PERIOD_TICKS: u64 = 150;

/// Ticks between two shares of them, half a second: a commit costs half a millisecond of processor
/// time however few pilots it holds.
pub const CHECKPOINT_SHARE_TICKS: u64 = 15;

/// Ticks that a ship stays in space after its connection is lost: 10 s.
pub const LINGER_TICKS: u64 = 300;

/// Ticks until a ship whose connection is lost is stored where leaving wins nothing: a docked one, and
/// one that its pilot never steered. Half a second: a page that loads anew takes it back, and what was
/// ordered before is done, since even the slowest system steps within 10 ticks.
pub const LINGER_SAFE_TICKS: u64 = 15;

/// Orders that may wait for the next step of one system; beyond, they are answered `RATE_LIMITED`.
/// With one steering a player they fit into one step, so that none waits for a second one. At 48
/// bytes each, 600 kB a system.
pub const ORDERS_PENDING_MAX: usize = COMMANDS_PER_TICK_MAX - PLAYERS_MAX;

/// Players that the server has to do with at once, lingering ones included; twice as many as may
/// be connected, where that is less.
pub const PLAYERS_MAX: usize = 20_000;

/// Hits that are told in one tick of one system; each is two replies.
pub const REPLIES_PER_TICK_MAX: usize = 4_096;

/// Records that an open batch may hold before orders are refused: reached only while the store is
/// behind.
pub const BATCH_RECORDS_MAX: usize = 100_000;

/// Questions about request ids that may be on their way to the store, of all players; each holds
/// two names of 64 bytes. Orders beyond wait in their pilots' queues.
pub const LOOKUPS_MAX: usize = 4_096;

/// Commands of one pilot that may be under way: orders and joins that wait for their turn, and orders
/// that the world has. A burst of [`RATE_TRANSACTIONS`] and its joins; beyond, `RATE_LIMITED` is
/// the answer.
pub const PILOT_COMMANDS_MAX: usize = 128;

/// A command that waits, in bytes: its names, a reply of the store, and steering held behind it.
pub const PILOT_COMMAND_BYTES: usize = 1_024;

/// How often the store may be asked about one order's id because its word came too early: once for
/// each batch that concluded an order before it. Beyond, `RATE_LIMITED` is the answer.
pub const LOOKUP_TRIES_MAX: u32 = 8;

/// Ticks that steering is held behind an order or a join that waits: 1 s, in which a store that is
/// well has answered.
pub const STEERING_HELD_TICKS_MAX: u64 = 30;

/// Request ids of one player that stay resident, 17 bytes each in a table at most half empty; past
/// them the store is asked. As many as the store tells of.
pub const REQUEST_DIGESTS_MAX: usize = STORE_REQUEST_DIGESTS_MAX;

/// How long a server that goes down waits for its last batch, in ms.
pub const DRAIN_DURABLE_MS_MAX: u64 = 2_500;

/// How long the close handshakes may take when the server goes down, in ms. With the wait for the
/// last batch it stays inside the five seconds that operators are promised.
pub const CLOSE_GRACE_MS: u64 = 1_500;

/// Mean work of a tick above which the governor sheds load, in ns: four fifths of a period.
pub const TICK_COST_HOT_NS: u64 = 26_000_000;

/// Mean work of a tick, with what is to be given back included, below which it gives load back, in ns.
pub const TICK_COST_COOL_NS: u64 = 22_000_000;

/// Ticks above the upper mark before the governor acts: half a second.
pub const GOVERNOR_HOT_TICKS: u64 = 15;

/// Ticks below the lower mark before the governor gives something back: three seconds.
pub const GOVERNOR_COOL_TICKS: u64 = 90;

/// Log lines that may wait to be written.
pub const LOG_LINES_MAX: usize = 4_096;

/// How long a process that ends waits for its last log lines to be written, in ms.
pub const LOG_FLUSH_MS_MAX: u64 = 500;

/// Connections of the operator's port.
pub const OPS_CONNECTIONS_MAX: usize = 64;

// What the parts of the memory budget cost at worst, in bytes; see `server::budget`.

/// A connection's own state: its phase, its HTTP head and body, its session, its place in tables.
pub const CONNECTION_STATE_BYTES: usize =
    HEAD_BYTES_MAX + BODY_BYTES_MAX + READ_BUFFER_BYTES + 4096;

/// A TLS session: two records of output, one of input and what is being decrypted, keys.
pub const TLS_SESSION_BYTES_MAX: usize = 6 * TLS_RECORD_BYTES_MAX;

/// A player's entry: two tables of request digests, a queue of commands and a pilot.
pub const PLAYER_BYTES_MAX: usize =
    2 * REQUEST_DIGESTS_MAX * (17 + 9) + PILOT_COMMANDS_MAX * PILOT_COMMAND_BYTES + 4096;

/// An entity: 200 bytes of columns that may be half empty, its place in the indices, its text in
/// the encoding arena and in each frame that is kept.
pub const ENTITY_BYTES_MAX: usize = 4096;

/// What a reply owns beside its place in a queue: names, cargo.
pub const REPLY_BYTES: usize = 512;

/// A record of a batch, on its way to the disk.
pub const BATCH_RECORD_BYTES: usize = 1024;

/// The rest: code, stacks, the universe, the database's cache, what an allocator keeps for later.
pub const PROGRAM_BYTES: usize = 128 * 1024 * 1024;

/// Files that the process needs open besides its players' connections; those that made room in a
/// turn are closed in the next.
pub const SPARE_FILES: u64 =
    64 + (OPS_CONNECTIONS_MAX + ACCEPTS_PER_TURN_MAX + HANDOVER_MAX) as u64;

// Store: what waits for the disk, how long, and whose the systems are.

/// Requests that may wait for the writer: eight seconds of ticks. Beyond it, full is the answer.
pub const STORE_INBOX_MAX: usize = 256;

/// Batches that one transaction may take in when the writer is behind; bounds what a single
/// failure rolls back and how long one commit can be.
pub const STORE_MERGE_BATCHES_MAX: usize = 32;

/// Digests of remembered request ids that are handed out at once (32 KiB); a pilot with more is
/// looked up request by request.
pub const STORE_REQUEST_DIGESTS_MAX: usize = 4096;

/// Reads that may wait in the inbox of the store's reader, and as many again that it has taken out; a
/// tick's look-ups are one. Beyond it, full is the answer.
pub const STORE_READS_MAX: usize = 256;

/// Reads for orders that the store's reader makes in a row while one for a login waits: a few
/// milliseconds of a database that is one away.
pub const ORDER_READS_IN_A_ROW: usize = 8;

/// Players whose kept outcomes the reader remembers the number of, 200 bytes each; past them it
/// begins anew.
pub const READER_COUNTS_MAX: usize = 4_096;

/// Outcomes that the store says it does not know before it counts a player's anew: how far a
/// player may get past [`PLAYER_OUTCOMES_MAX`].
pub const READER_COUNT_AGE_MAX: u64 = 1_024;

/// Orders that are refused for [`PLAYER_OUTCOMES_MAX`] before the store counts anew: a count of so
/// many costs some 15 ms of the reader's time.
pub const READER_COUNT_FULL_AGE_MAX: u64 = 256;

/// How long an outcome is kept, in ms of the batches' time: the seven days that clients are
/// promised and one more, for clocks that differ.
pub const OUTCOME_KEPT_MS: u64 = 8 * 24 * 60 * 60 * 1000;

/// What clients are promised of it, in ms: within this time a request id stands for one request.
pub const OUTCOME_PROMISED_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Outcomes kept of one player, some 350 bytes each: 90 MB. A pilot who orders once in 2.6 s day
/// and night for eight days gets there. At the rate of [`RATE_TRANSACTIONS`] it takes an hour and a
/// half, so beyond it orders with a request id are refused until the oldest are forgotten; none is
/// forgotten early.
pub const PLAYER_OUTCOMES_MAX: usize = 262_144;

/// Outcomes that are forgotten in one step: 2 ms of the writer's time while it has nothing else to
/// do.
pub const FORGET_OUTCOMES_MAX: i64 = 256;

/// Time of the batches between two steps, in ms, unless the last had its hands full.
pub const FORGET_PERIOD_MS: u64 = 1_000;

/// How long a guest who never docked is kept after the last checkpoint, in ms of the batches' time.
/// The token has long run out by then.
pub const GUEST_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Guests that are forgotten in one commit: each costs a ledger row and some 100 µs.
pub const FORGET_GUESTS_MAX: usize = 32;

/// How often the reader looks for guests to forget, in ms; after a full list the second after.
pub const FORGET_GUESTS_PERIOD_MS: u64 = 30_000;

/// Pause after a full list of them, in ms: the tick carries out the last one meanwhile.
pub const FORGET_GUESTS_PAUSE_MS: u64 = 1_000;

/// Players in quarantine, 150 bytes each. So many are no longer single players' records that are
/// wrong: the store fails.
pub const QUARANTINED_MAX: usize = 10_000;

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

/// How long no other server may take in a newcomer whom one has begun to take in, in milliseconds:
/// longer than the store's longest outage, after which that server has kept the pilot or ended.
pub const NEWCOMER_MS: i64 = 120_000;

/// An idle writer renews its leases this often, in milliseconds; a busy one with every commit.
pub const LEASE_RENEW_MS: u64 = 2_000;

/// How long PostgreSQL may work on one statement, wait for one lock, or leave a transaction of ours
/// idle, in milliseconds; the database enforces it.
pub const STORE_STATEMENT_MS_MAX: u64 = 5_000;

/// How long a step may wait for PostgreSQL's answer before the connection is given up, in
/// milliseconds. Above the bound that the database itself enforces: only a database that is frozen
/// or cut off keeps silent so long.
pub const STORE_SILENCE_MS_MAX: u64 = 6_000;

/// How long the store tries again after something that may pass, in milliseconds, counted from the
/// first failure; replies are held meanwhile. One more try of at most
/// [`STORE_SILENCE_MS_MAX`] may follow.
pub const STORE_OUTAGE_MS_MAX: u64 = 20_000;

/// How long one step of an audit may take, in milliseconds: a whole ledger is matched in one.
pub const AUDIT_STEP_MS_MAX: u64 = 600_000;

/// How long a server that starts waits for leases that nobody renews, in milliseconds: one lease,
/// and what a claim may take.
pub const LEASE_WAIT_MS_MAX: u64 = 12_000;

/// Pause between two claims while waiting, in milliseconds.
pub const LEASE_POLL_MS: u64 = 250;

/// How long a store that is closed may take to finish what is queued, in milliseconds.
pub const STORE_CLOSE_MS_MAX: u64 = 800;

/// Ledger rows that the audit holds at a time (about 400 bytes each).
pub const AUDIT_PAGE_ROWS: i64 = 2_048;

/// Largest file of chain heads that an audit reads, in bytes: some 7,000 rows of 150.
pub const CHAIN_HEADS_BYTES_MAX: u64 = 1024 * 1024;

/// Differences that an audit names; the rest is counted.
pub const AUDIT_FINDINGS_MAX: usize = 20;

/// Links that a database's name may lead through: as many as Linux follows.
pub const DATABASE_LINKS_MAX: usize = 40;

/// Tries for the lock of an SQLite file before another server is taken to hold it.
pub const STORE_LOCK_TRIES_MAX: u32 = 20;

/// Pause between two of them.
pub const STORE_LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

// Recorder: what a flight recording may hold.

/// Largest frame of a recording, in bytes: the opening of a universe of the largest size; a tick with
/// all the commands it may take has 1.5 MiB.
pub const RECORDING_FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a recording that may wait for the disk: some minutes of 1,000 pilots. What does not fit
/// ends the recording.
pub const RECORDING_WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Ticks of a recording that may wait for the disk: 17 s.
pub const RECORDING_BATCHES_MAX: usize = 512;

/// Largest recording, in bytes: a forgotten one must not fill the disk that the database is on.
pub const RECORDING_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// How long a server that goes down waits for the end of its recording, in ms.
pub const RECORDING_END_MS_MAX: u64 = 500;
