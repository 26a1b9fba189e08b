//! What the server hands to the store and gets back: plain records, every name a checked one.
//!
//! Owns the shapes of a pilot, a transaction, a remembered outcome and the batch that carries
//! them. It never touches a database, and it knows nothing of the simulation: commodities and
//! stations appear by name, so that a record outlives any reordering of a universe file.
//!
//! Money is whole credits, goods are whole units; both are `i64` and never negative in a hold.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::ids::{Name, PlayerId, UnixMillis};

/// Everything the store keeps of a pilot.
#[derive(Clone, Debug, PartialEq)]
pub struct PilotRecord {
    /// Whose record this is.
    pub player: PlayerId,
    /// The system that the ship is in.
    pub system: Name,
    /// Where in it.
    pub place: Place,
    /// Where the pilot wakes up after a death; none: the system's first station.
    pub home: Option<Home>,
    /// Credits. On the way in they must equal the ledger's balance: the store keeps them there.
    pub credits: i64,
    /// Hull points left, at least 1.
    pub hull: i32,
    /// Fuel in the tank; must be finite.
    pub fuel: f32,
    /// The hold: each commodity at most once, quantities above 0, in any order on the way in and
    /// by commodity name on the way out. Like the credits they must equal the ledger's.
    pub cargo: Vec<Cargo>,
}

/// Where a ship is inside its system.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// At rest in a dock.
    Docked {
        /// The station's name.
        station: Name,
    },
    /// In open space; all values finite, in units and units a second.
    Space {
        /// Position east of the centre, u.
        x: f32,
        /// Position north of the centre, u.
        y: f32,
        /// Velocity to the east, u/s.
        vx: f32,
        /// Velocity to the north, u/s.
        vy: f32,
        /// Heading in radians.
        rotation: f32,
    },
}

/// A station to return to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// System that the station is in.
    pub system: Name,
    /// Its name there.
    pub station: Name,
}

/// One commodity in a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cargo {
    /// Name of the commodity in the hold.
    pub commodity: Name,
    /// How many units.
    pub quantity: i64,
}

/// One commodity at a station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// The station's name.
    pub station: Name,
    /// Name of the commodity on sale.
    pub commodity: Name,
    /// How many units.
    pub quantity: i64,
}

/// Why money or goods moved. Decides between which accounts; see [`super::ledger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// A new pilot's first credits; once a pilot, in the batch of its first checkpoint.
    Grant,
    /// What a guest who is forgotten had, back to where grants come from.
    GrantReturned,
    /// Goods from a station's stock into a hold.
    Buy,
    /// Goods from a hold into a station's stock.
    Sell,
    /// Fuel from a station's stock into a tank: paid like a purchase, and out of the goods
    /// economy at once.
    Refuel,
    /// Hull points for credits.
    Repair,
    /// The price of a destroyed pirate.
    Bounty,
    /// Fuel out of a hold, gone for good.
    FuelBurned,
    /// Cargo that went down with its ship.
    CargoLost,
    /// Goods that a station made, its opening stock included.
    Production,
    /// Goods that a station used up.
    Consumption,
    /// The station's part of a purchase whose pilot is in quarantine: the flow `quarantine` stands
    /// in for the pilot.
    QuarantinedBuy,
    /// The same of a sale.
    QuarantinedSell,
    /// The same of a refuelling.
    QuarantinedRefuel,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Grant,
        Self::GrantReturned,
        Self::Buy,
        Self::Sell,
        Self::Refuel,
        Self::Repair,
        Self::Bounty,
        Self::FuelBurned,
        Self::CargoLost,
        Self::Production,
        Self::Consumption,
        Self::QuarantinedBuy,
        Self::QuarantinedSell,
        Self::QuarantinedRefuel,
    ];

    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::GrantReturned => "grant_returned",
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Refuel => "refuel",
            Self::Repair => "repair",
            Self::Bounty => "bounty",
            Self::FuelBurned => "fuel_burned",
            Self::CargoLost => "cargo_lost",
            Self::Production => "production",
            Self::Consumption => "consumption",
            Self::QuarantinedBuy => "quarantined_buy",
            Self::QuarantinedSell => "quarantined_sell",
            Self::QuarantinedRefuel => "quarantined_refuel",
        }
    }

    /// What a station's part of this is booked as when the pilot's is left out; none where no
    /// station has a part.
    pub(super) const fn quarantined(self) -> Option<Self> {
        match self {
            Self::Buy => Some(Self::QuarantinedBuy),
            Self::Sell => Some(Self::QuarantinedSell),
            Self::Refuel => Some(Self::QuarantinedRefuel),
            _ => None,
        }
    }

    /// The cause of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// Money or goods that moved in one step, before it is turned into ledger rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The system in which it happened; its ledger chain takes the rows.
    pub system: Name,
    /// Cause of the movement.
    pub cause: Cause,
    /// The pilot; only production and consumption have none.
    pub player: Option<PlayerId>,
    /// The station, where the cause has one.
    pub station: Option<Name>,
    /// The commodity, where goods moved.
    pub commodity: Option<Name>,
    /// Units of goods, or hull points restored.
    pub quantity: i64,
    /// Credits a unit; 0 where nothing was priced.
    pub unit_price: i64,
    /// Credits in all: `quantity · unit_price` for buy, sell, refuel and repair.
    pub total: i64,
    /// The client's request id, where it gave one.
    pub request_id: Option<Arc<str>>,
}

/// What a request came to, kept for [`OUTCOME_KEPT_MS`](crate::limits::OUTCOME_KEPT_MS) so that
/// the same request id is answered alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// The system in which it was decided.
    pub system: Name,
    /// Player who named the request id.
    pub player: PlayerId,
    /// The client's id for the request, unique per player;
    /// at most [`REQUEST_ID_BYTES_MAX`](crate::limits::REQUEST_ID_BYTES_MAX) bytes.
    pub request_id: Arc<str>,
    /// [`digest64`] of the request's body: the same id with another body is another request.
    pub body_digest: u64,
    /// The reply's payload as JSON text.
    pub reply: Arc<str>,
}

/// What one tick leaves to keep. Committed as a whole or not at all, within one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The caller's number; rises from batch to batch, gaps are fine.
    pub number: u64,
    /// When the tick was, for the rows.
    pub unix: UnixMillis,
    /// What moved, in the order in which it moved.
    pub transactions: Vec<Transaction>,
    /// What requests came to.
    pub outcomes: Vec<StoredOutcome>,
    /// Pilots as they are after all of the above.
    pub checkpoints: Vec<PilotRecord>,
    /// Guests to forget, of those that [`Answer::StaleGuests`](super::Answer::StaleGuests) named:
    /// whoever is not in the caller's memory. One who came back meanwhile is left as is.
    pub forgotten: Vec<PlayerId>,
}

impl Batch {
    /// Whether there is nothing to keep: such a batch need not be submitted.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
            && self.outcomes.is_empty()
            && self.checkpoints.is_empty()
            && self.forgotten.is_empty()
    }

    /// Empties the batch for reuse and keeps its memory.
    pub fn clear(&mut self) {
        self.transactions.clear();
        self.outcomes.clear();
        self.checkpoints.clear();
        self.forgotten.clear();
    }
}

/// A request whose outcome is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeQuestion {
    /// The caller's number, which comes back with the answer.
    pub ticket: u64,
    /// Player who named the request id.
    pub player: PlayerId,
    /// The client's id for the request.
    pub request_id: Arc<str>,
}

/// What a pilot is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know: a player has logged in.
    Login,
    /// To take the player in if nobody ever has: from now on no other server on this database may,
    /// for [`NEWCOMER_MS`](crate::limits::NEWCOMER_MS). Keep the pilot meanwhile.
    FirstJoin,
}

/// What a login needs to know of a pilot.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedPilot {
    /// Who was asked for.
    pub player: PlayerId,
    /// The pilot, or none if it has never been kept: submit a grant and a checkpoint in one batch.
    pub record: Option<PilotRecord>,
    /// Whether another server on this database runs the pilot's system, or, asked for
    /// [`Purpose::FirstJoin`], is taking the player in: the pilot may be in its memory.
    pub is_elsewhere: bool,
}

/// The first eight bytes of the SHA-256 of `bytes`, for [`StoredOutcome::body_digest`].
pub fn digest64(bytes: &[u8]) -> u64 {
    let hash = Sha256::digest(bytes);
    hash.iter()
        .take(8)
        .fold(0, |digest, byte| (digest << 8) | u64::from(*byte))
}

/// The digest of a request id as [`Answer::RequestDigests`](super::Answer::RequestDigests) has it.
pub fn request_digest(request_id: &str) -> u64 {
    digest64(request_id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_found_by_its_name() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(Cause::parse("theft"), None);
    }

    #[test]
    fn a_digest_is_the_head_of_the_sha256() {
        assert_eq!(digest64(b"abc"), 0xba78_16bf_8f01_cfea);
    }
}
