//! What may be asked of a world between two ticks.
//!
//! Owns the commands' shapes; [`control`](super::control) applies them. Values arrive validated
//! from the edge, but the world trusts none of them with its arithmetic: a number that is not
//! finite counts as 0 and the rest is clamped.

use serde::{Deserialize, Serialize};

use crate::ids::{CommodityIndex, Handle, StationIndex};

/// One command for one ship. Commands of a tick are applied in the order of (slot of the ship,
/// `seq`), whatever order they arrived in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Sets the controls; they stay in force until the next one.
    Steer {
        /// Handle of the ship that is meant.
        ship: Handle,
        /// The client's number; one at or below the newest applied is ignored.
        seq: u64,
        /// Thrust as a share of the full one, 0–1.
        thrust: f32,
        /// Rudder, −1–1; positive turns left.
        turn: f32,
        /// Whether the trigger is held.
        fire: bool,
        /// Whether docking is asked for.
        dock: bool,
    },
    /// Trades or repairs; answered by one [`Receipt`](super::Receipt).
    Order {
        /// Handle of the ship that is meant.
        ship: Handle,
        /// The client's number; only orders the commands of one tick.
        seq: u64,
        /// Comes back in the receipt.
        ticket: u64,
        /// What to do.
        order: Order,
    },
}

impl Command {
    /// The ship it is for.
    pub const fn ship(&self) -> Handle {
        match self {
            Self::Steer { ship, .. } | Self::Order { ship, .. } => *ship,
        }
    }

    /// The client's number.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Steer { seq, .. } | Self::Order { seq, .. } => *seq,
        }
    }
}

/// What a docked pilot can ask of the station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Goods from the station into the hold, or fuel into the tank.
    Buy {
        /// The station meant; must be the one where the ship is docked.
        station: StationIndex,
        /// Commodity that is traded.
        commodity: CommodityIndex,
        /// Quantity in units, at least 1.
        quantity: u32,
    },
    /// Goods from the hold to the station.
    Sell {
        /// The station meant; must be the one where the ship is docked.
        station: StationIndex,
        /// Commodity that is traded.
        commodity: CommodityIndex,
        /// Quantity in units, at least 1.
        quantity: u32,
    },
    /// As many hull points as are missing and paid for.
    Repair {
        /// The station meant; must be the one where the ship is docked.
        station: StationIndex,
    },
}
