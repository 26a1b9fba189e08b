//! Quarantine: what cannot be kept of one player does not stop the others.
//!
//! A commit that meets such a thing is rolled back and made again without anything of that player,
//! told as [`Answer::Quarantined`](super::Answer::Quarantined) before `Durable`, and the player is
//! left out of every later commit until the store is opened anew. What is stored of the player stays
//! as it last was.
//!
//! The world has moved a station's stock and till by the player's trades already, and other pilots
//! trade on what it has. So a trade that is left out is not left out whole: the station's part is
//! booked against the flow `quarantine` of its system ([`Cause::quarantined`]). Stocks stay the
//! world's, every sum stays zero, and what the flow holds is the difference, by player and cause, for
//! an operator to settle.
//!
//! | what the store refuses | then | why |
//! | --- | --- | --- |
//! | a second outcome for a request id | quarantine | the order was carried out twice; the second time is taken back whole |
//! | a pilot's account below zero | quarantine | the pilot spent what only the server's memory had |
//! | a pilot's account beyond 64 bits | quarantine | the same |
//! | a checkpoint that contradicts the ledger | quarantine | the ledger is right, the pilot is loaded from it again |
//! | a checkpoint with a value that is not finite, or a good twice in the hold | quarantine | nothing of it is money |
//! | a second grant, or one without a checkpoint | quarantine | without the grant nothing is made |
//! | an outcome whose id is too long or whose reply holds a NUL | quarantine | it concerns only who asked |
//! | a trade whose total is not quantity × price | quarantine | the station's part is booked as the world moved it |
//! | a player's row that cannot be read back | quarantine, by the reader | it concerns only that login |
//! | a station below zero in goods, or beyond 64 bits | fatal | the world's stock is not the ledger's: every next trade there would make goods |
//! | a trade with negative numbers, or without station or goods | fatal | what the world moved cannot be told from it, so neither stock nor till is known |
//! | production or consumption that cannot be booked | fatal | no player's |
//! | a system's lease, chain or the writer's own entry | fatal or `LeaseLost`, as ever | no player's |
//! | more than [`QUARANTINED_MAX`] players | fatal | then it is the server's numbers that are wrong |
//!
//! Fatal is what is still refused when the player it happened to is left out.

use std::collections::BTreeSet;

use crate::ids::PlayerId;
use crate::limits::QUARANTINED_MAX;
use crate::store::error::StoreError;
use crate::store::record::{Cause, Transaction};

/// A player whose records cannot be kept, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordRefusal {
    pub(super) player: PlayerId,
    pub(super) reason: StoreError,
}

/// Why a try to commit came to nothing.
#[derive(Debug)]
pub(super) enum Stopped {
    /// It may be made without these.
    Refused(Vec<RecordRefusal>),
    /// Something that is no single player's.
    Failed(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Who is left out.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    players: BTreeSet<PlayerId>,
    /// Whom nobody was told of yet.
    untold: Vec<RecordRefusal>,
}

impl Quarantine {
    pub(super) fn holds(&self, player: &PlayerId) -> bool {
        self.players.contains(player)
    }

    /// Leaves players out from now on; an error when that cannot be the remedy.
    pub(super) fn take_in(&mut self, refused: Vec<RecordRefusal>) -> Result<(), StoreError> {
        let before = self.players.len();
        let mut last = None;
        for refusal in refused {
            last = Some(refusal.reason.clone());
            if self.players.insert(refusal.player.clone()) {
                self.untold.push(refusal);
            }
        }
        let is_remedy = self.players.len() > before && self.players.len() <= QUARANTINED_MAX;
        match last {
            Some(reason) if !is_remedy => Err(reason),
            _ => Ok(()),
        }
    }

    /// Whom to tell of, each once.
    pub(super) fn take_untold(&mut self) -> Vec<RecordRefusal> {
        std::mem::take(&mut self.untold)
    }
}

/// What is booked of a transaction whose pilot is left out: the station's part, if it has one.
pub(super) fn without_pilot(transaction: &Transaction) -> Option<Transaction> {
    let cause: Cause = transaction.cause.quarantined()?;
    Some(Transaction {
        cause,
        // The request stands in no ledger row: it has no outcome.
        request_id: None,
        ..transaction.clone()
    })
}
