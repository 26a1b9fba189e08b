//! What is kept, as plain records: names instead of indices, so that a universe file may change its
//! order without moving anybody's goods.
//!
//! A [`Batch`] is everything that one tick wants kept; it is made durable whole or not at all.

use crate::ids::{Name, PlayerId, UnixMillis};

/// Where a stored ship is.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredPlace {
    /// Docked at a station of its system.
    Docked(Name),
    /// In open space: position u, velocity u/s, heading rad.
    Space {
        /// East of the centre.
        x: f32,
        /// North of the centre.
        y: f32,
        /// Velocity east.
        vx: f32,
        /// Velocity north.
        vy: f32,
        /// Heading.
        rotation: f32,
    },
}

/// A pilot, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct PilotRecord {
    /// Who.
    pub player: PlayerId,
    /// The system the ship is in.
    pub system: Name,
    /// Where in it.
    pub place: StoredPlace,
    /// System and station last docked at.
    pub home: Option<(Name, Name)>,
    /// Whole credits.
    pub credits: i64,
    /// Hull points.
    pub hull: i32,
    /// Fuel in the tank.
    pub fuel: f32,
    /// What the hold has, without empty entries.
    pub cargo: Vec<(Name, u32)>,
}

/// Why money or goods moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A new pilot's first credits, from nowhere.
    Grant,
    /// A pilot bought goods from a station.
    Buy,
    /// A pilot sold goods to a station.
    Sell,
    /// A pilot paid a station for hull points.
    Repair,
    /// A kill was paid for, from nowhere.
    Bounty,
    /// Fuel bought left a station for a tank.
    FuelBurned,
    /// Goods were lost with a ship.
    CargoLost,
    /// A station's production filled its stock.
    Production,
    /// A station's consumption drained its stock.
    Consumption,
}

/// Money or goods that moved between two accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Why.
    pub cause: Cause,
    /// The pilot concerned.
    pub player: Option<PlayerId>,
    /// System and station concerned.
    pub station: Option<(Name, Name)>,
    /// The goods concerned.
    pub commodity: Option<Name>,
    /// Units that moved, never negative; the cause says which way.
    pub quantity: i64,
    /// Credits a unit.
    pub unit_price: i64,
    /// Credits that moved, never negative; the cause says which way.
    pub total: i64,
    /// The pilot's credits afterwards, where a pilot is concerned.
    pub balance_after: Option<i64>,
    /// The station's stock afterwards, where one is concerned.
    pub stock_after: Option<i64>,
    /// The client's own name for the request that caused it.
    pub request_id: Option<String>,
}

/// What a request with an id was answered, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// Who asked.
    pub player: PlayerId,
    /// The client's own name for the request.
    pub request_id: String,
    /// Digest of what was asked, to tell a repetition from another request.
    pub body_digest: u64,
    /// The answer, as the text of a reply.
    pub reply: String,
}

/// What one tick wants kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// 1, 2, 3, … since the server started.
    pub number: u64,
    /// When.
    pub unix: UnixMillis,
    /// Money and goods that moved, in order.
    pub transactions: Vec<Transaction>,
    /// Answers that may have to be given again.
    pub outcomes: Vec<StoredOutcome>,
    /// Pilots as they are now, at most one a player.
    pub pilots: Vec<PilotRecord>,
}

/// What is known of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedPilot {
    /// The pilot.
    pub pilot: PilotRecord,
    /// Digests of the newest request ids used: the first 64 bits of their SHA-256, big-endian.
    pub request_digests: Vec<u64>,
    /// Whether those are all.
    pub digests_are_complete: bool,
}

/// One shelf of one station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRecord {
    /// Where.
    pub station: Name,
    /// What.
    pub commodity: Name,
    /// How many units.
    pub units: i64,
}
