//! What a conversation passes on: requests that only the rest of the server can answer.
//!
//! A [`Command`] has been parsed, rated and admitted in its place; nobody behind the session checks
//! `seq` or stage again.

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::wire::{Input, Repair, Seq, Trade};

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
    /// Answer with `trade.result`, or `error`.
    Buy {
        /// Number of the client's message.
        seq: Seq,
        /// Goods, quantity and station of the order.
        trade: Trade,
    },
    /// Answer with `trade.result`, or `error`.
    Sell {
        /// Number of the client's message.
        seq: Seq,
        /// Goods, quantity and station of the order.
        trade: Trade,
    },
    /// Answer with `ship.repair_result`, or `error`.
    Repair {
        /// Number of the client's message.
        seq: Seq,
        /// Station and extent of the repair.
        repair: Repair,
    },
}

impl Command {
    /// The number of the request, if it is owed an answer.
    pub const fn owed_seq(&self) -> Option<Seq> {
        match self {
            Self::Input { .. } => None,
            Self::Login { seq, .. }
            | Self::Join { seq, .. }
            | Self::Buy { seq, .. }
            | Self::Sell { seq, .. }
            | Self::Repair { seq, .. } => Some(*seq),
        }
    }
}
