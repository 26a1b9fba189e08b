//! Where records are kept, as the tick sees it: batches and questions in, answers out, no waiting.
//!
//! The store is the real store; tests put faults between. Batches become durable in the order in
//! which they are handed over. Reads have a line of their own and stand in no order, neither to the
//! batches nor to each other: a read is answered as of some moment not before it was asked, so what
//! was durable when it was asked is in the answer, and nothing is promised of what was not. Whoever
//! needs a batch to be in the answer asks once that batch is durable. That a batch is durable is told
//! to the gateways and the node through the shared counter, not here.

use crate::ids::{Name, PlayerId};
use crate::store::{Batch, LoadedPilot, OutcomeQuestion, Purpose, StoredOutcome};

/// The store has no room at the moment; ask again next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreFull;

/// What a store has to say.
#[derive(Debug)]
pub enum StoreEvent {
    /// What is known of a player.
    Loaded {
        /// Ticket of the question that this answers.
        ticket: u64,
        /// Record and used request ids of the pilot.
        pilot: Box<LoadedPilot>,
    },
    /// Which request ids a player has used.
    RequestDigests {
        /// Ticket of the question that this answers.
        ticket: u64,
        /// [`request_digest`](crate::store::request_digest) of each id, in any order.
        digests: Vec<u64>,
        /// Whether these are all; if not, an id that is absent may have been used all the same.
        is_complete: bool,
    },
    /// What a request was answered; none if its id was never used.
    Outcome {
        /// Ticket of the question that this answers.
        ticket: u64,
        /// The answer then.
        outcome: Option<StoredOutcome>,
    },
    /// The id was never used, and as many of the player's are remembered as can be: nothing may be
    /// carried out under it.
    OutcomesFull {
        /// Ticket of the question that this answers.
        ticket: u64,
    },
    /// A player's records cannot be kept, or read: nothing of the player in the batch of the next
    /// [`StoreEvent::DurableWithout`] was kept, nor will be.
    Quarantined {
        /// Player whose records can't be kept.
        player: PlayerId,
        /// Why, for an operator.
        reason: String,
    },
    /// Guests whom nobody has seen for long; the store forgets those that a batch names.
    StaleGuests(Vec<PlayerId>),
    /// Another server writes for this system now: it must not tick here any more, and what waits
    /// to be told of it was not kept.
    LeaseLost(Name),
    /// A batch that is durable but for a system just lost or players just quarantined; the node
    /// raises the mark once nobody can be told of those any more.
    DurableWithout(u64),
    /// Nothing will be durable any more, and why.
    Failed(String),
}

/// Where records are kept.
pub trait DurableStore: Send {
    /// Hands a batch over; where there is no room it comes back.
    fn submit(&mut self, batch: Batch) -> Result<(), Batch>;

    /// Asks for a player's pilot; answered by [`StoreEvent::Loaded`].
    fn load(&mut self, ticket: u64, player: &PlayerId, purpose: Purpose) -> Result<(), StoreFull>;

    /// Asks which request ids a player has used; answered by [`StoreEvent::RequestDigests`].
    fn request_digests(&mut self, ticket: u64, player: &PlayerId) -> Result<(), StoreFull>;

    /// Asks what requests were answered, all of a tick at once; each is answered by an
    /// [`StoreEvent::Outcome`] or [`StoreEvent::OutcomesFull`] of its own. Where there is no room they all come back.
    fn outcomes(&mut self, questions: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>>;

    /// Takes what has been answered since the last call; never waits.
    fn take_events(&mut self, events: &mut Vec<StoreEvent>);
}
