//! What the store tells, and what its two threads know of each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::store::backend::Claim;
use crate::store::error::StoreError;
use crate::store::record::{LoadedPilot, Stock, StoredOutcome};

/// What the store tells. The writer's answers come in the order of what it was asked, and so do the
/// reader's; between the two there is no order, but that a read sees all that was told durable
/// before it was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Every batch up to this number is on disk, but for what a [`Answer::LeaseLost`] or an
    /// [`Answer::Quarantined`] before it took out.
    Durable {
        /// The newest batch's number.
        batch: u64,
    },
    /// Another server owns the system now. Nothing of it in the batches of the next
    /// [`Answer::Durable`] was kept: its replies must not be sent, its ticking must stop.
    LeaseLost {
        /// System whose lease is lost.
        system: Name,
    },
    /// A player's records cannot be kept, or read. Nothing of the player in the batches of the next
    /// [`Answer::Durable`] was kept, nor will be until the store is opened anew: replies that wait
    /// must not be sent, and the pilot's state in memory is void. Told once a player.
    Quarantined {
        /// Player whose records can't be kept.
        player: PlayerId,
        /// Why, for an operator.
        reason: String,
    },
    /// A pilot, as of some moment after it was asked for.
    Loaded {
        /// The caller's number for the request.
        ticket: u64,
        /// What is stored of the pilot.
        pilot: LoadedPilot,
    },
    /// Which request ids of a player are remembered.
    RequestDigests {
        /// The caller's number for the request.
        ticket: u64,
        /// [`request_digest`](super::request_digest) of the remembered ids, at most
        /// [`STORE_REQUEST_DIGESTS_MAX`](crate::limits::STORE_REQUEST_DIGESTS_MAX).
        digests: Vec<u64>,
        /// Whether these are all; if not, an id that is absent may be remembered all the same.
        is_complete: bool,
    },
    /// A request's outcome.
    Outcome {
        /// The caller's number for the question.
        ticket: u64,
        /// The outcome, none if the request is unknown.
        outcome: Option<StoredOutcome>,
    },
    /// The request is unknown, and its player has
    /// [`PLAYER_OUTCOMES_MAX`](crate::limits::PLAYER_OUTCOMES_MAX) outcomes kept: it must not be
    /// carried out.
    OutcomesFull {
        /// The caller's number for the question.
        ticket: u64,
    },
    /// Guests who never docked and were not seen for
    /// [`GUEST_KEPT_MS`](crate::limits::GUEST_KEPT_MS). The store forgets those that a later
    /// [`Batch::forgotten`](super::Batch::forgotten) names.
    StaleGuests {
        /// At most [`FORGET_GUESTS_MAX`](crate::limits::FORGET_GUESTS_MAX).
        players: Vec<PlayerId>,
    },
    /// What a system's stations hold.
    Stocks {
        /// The caller's number for the request.
        ticket: u64,
        /// By station and commodity; a system that was never served has none.
        stocks: Vec<Stock>,
    },
    /// What came of asking for a lease.
    Claimed(Claim),
    /// The store is dead: nothing that was not answered before is known to be kept.
    Failed(StoreError),
}

/// What the writer and the reader know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    has_failed: AtomicBool,
    unix_ms: AtomicU64,
}

impl Shared {
    /// Whether one of the two has ended the store.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Ends the store and says so, unless the other has.
    pub(super) fn fail(&self, error: StoreError, tell: &mut dyn FnMut(Answer)) {
        if !self.has_failed.swap(true, Ordering::AcqRel) {
            tell(Answer::Failed(error));
        }
    }

    /// The time of the newest batch that was committed, 0 before the first.
    pub(super) fn unix(&self) -> UnixMillis {
        UnixMillis(self.unix_ms.load(Ordering::Acquire))
    }

    pub(super) fn set_unix(&self, unix: UnixMillis) {
        self.unix_ms.store(unix.0, Ordering::Release);
    }
}
