//! Where records are kept, as the tick sees it: questions and batches in, answers out, no waiting.
//!
//! The store is the real vault; tests put faults between. Whatever the implementer, a question is
//! answered as of the batches handed over before it, so a pilot loaded after a batch that holds the
//! pilot is the pilot of that batch. That a batch is durable is told to the gates and the core through
//! the shared counter, not here.

use crate::ids::{Name, PlayerId};
use crate::store::{Batch, LoadedPilot, Purpose, StoredOutcome};
use crate::wire::RequestId;

/// The vault has no room at the moment; ask again next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What a vault has to say.
#[derive(Debug)]
pub enum Answer {
    /// What is known of a player.
    Loaded {
        /// The question's.
        ticket: u32,
        /// The pilot.
        pilot: Box<LoadedPilot>,
    },
    /// What a request was answered; none if its id was never used.
    Outcome {
        /// The question's.
        ticket: u32,
        /// The answer then.
        outcome: Option<StoredOutcome>,
    },
    /// The id was never used, and the player has used as many as can be remembered: nothing may be
    /// carried out under it.
    OutcomesFull {
        /// The question's.
        ticket: u32,
    },
    /// A player's records cannot be kept, or read: nothing of the player in the batch of the next
    /// [`Answer::DurableWithout`] was kept, nor will be.
    Quarantined {
        /// Whose.
        player: PlayerId,
        /// Why, for an operator.
        reason: String,
    },
    /// Guests whom nobody has seen for long; the store forgets those that a batch names.
    StaleGuests(Vec<PlayerId>),
    /// Another server writes for this system now: it must not tick here any more, and what waits
    /// to be told of it was not kept.
    LeaseLost(Name),
    /// A batch that is durable but for a system just lost or players just quarantined; the core
    /// raises the mark once nobody can be told of those any more.
    DurableWithout(u64),
    /// Nothing will be durable any more, and why.
    Failed(String),
}

/// Where records are kept.
pub trait Vault: Send {
    /// Hands a batch over; where there is no room it comes back.
    fn submit(&mut self, batch: Batch) -> Result<(), Batch>;

    /// Asks for a player's pilot.
    fn load(&mut self, ticket: u32, player: &PlayerId, purpose: Purpose) -> Result<(), Full>;

    /// Asks what a player's request was answered.
    fn outcome(
        &mut self,
        ticket: u32,
        player: &PlayerId,
        request_id: &RequestId,
    ) -> Result<(), Full>;

    /// Takes what has been answered since the last call; never waits.
    fn take_answers(&mut self, answers: &mut Vec<Answer>);
}
