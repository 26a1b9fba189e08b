//! What a conversation passes on: requests that only the rest of the server can answer.
//!
//! A [`Command`] has been parsed, rated and admitted in its place; nobody behind the session checks
//! `seq` or stage again.

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::protocol::{Input, Repair, RequestId, Seq, Trade};

/// A request that only the rest of the server can answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The token was good. Answer with `auth.ok`, or `auth.error`.
    Login {
        /// Player whom the token names.
        player: PlayerId,
        /// When the token expires.
        token_expires: UnixMillis,
        /// Number of the client's message.
        seq: Seq,
    },
    /// Answer with `session.joined`, or `error`.
    Join {
        /// Name of the system to join.
        system: Name,
        /// Number of the client's message.
        seq: Seq,
    },
    /// The controls, from now on or from the join before them on. Never answered.
    Input {
        /// Number of the client's message.
        seq: Seq,
        /// Controls that the client holds.
        input: Input,
    },
    /// Answer with `trade.result`, `ship.repair_result`, or `error`.
    Order {
        /// Number of the client's message.
        seq: Seq,
        /// What the pilot wants of a station.
        order: Order,
    },
}

/// What a pilot wants of a station, with names as the client wrote them. The
/// simulation's order is the same with indices for names.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Goods from the station into the hold.
    Buy(Trade),
    /// Goods from the hold to the station.
    Sell(Trade),
    /// Hull points, as many as are missing and paid for.
    Repair(Repair),
}

impl Order {
    /// The client's own id of the request, under which its outcome is kept.
    pub const fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => trade.request_id.as_ref(),
            Self::Repair(repair) => repair.request_id.as_ref(),
        }
    }

    /// The station that is asked.
    pub const fn station_id(&self) -> &Name {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => &trade.station_id,
            Self::Repair(repair) => &repair.station_id,
        }
    }
}

impl Command {
    /// The number of the request, if it is owed an answer.
    pub const fn owed_seq(&self) -> Option<Seq> {
        match self {
            Self::Input { .. } => None,
            Self::Login { seq, .. } | Self::Join { seq, .. } | Self::Order { seq, .. } => {
                Some(*seq)
            }
        }
    }
}
