//! The door to a database: what the writer and the audit need of one, in primitive steps.
//!
//! Two back-ends implement it, each in two files: what the writer and the audit need, and what the
//! reader looks up. Nothing here decides anything: which rows, which order and what a
//! failure means is the writer's business. Call order: [`Backend::begin`], any steps, then
//! [`Backend::commit`] or [`Backend::rollback`]; a step's error leaves the transaction to be
//! rolled back. Reads may also run outside of a transaction.

use std::collections::BTreeMap;

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::store::error::StoreError;
use crate::store::ledger::{Hash, LedgerRow};
use crate::store::record::{OutcomeQuestion, PilotRecord, Stock, StoredOutcome};
use crate::store::staging::{ChainEndRow, StagedChange};

/// The process that writes: its owner's name and how often that owner has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriterId {
    pub(super) owner: String,
    pub(super) epoch: i64,
}

/// Drops the entries of writers that hold no system: processes that ended without a word and whose
/// leases others have taken since.
pub(super) const FORGET_WRITERS: &str = "DELETE FROM writers WHERE owner <> $1 \
    AND NOT EXISTS (SELECT 1 FROM systems WHERE systems.owner = writers.owner)";

/// A guest who never docked and has no goods, last seen before a moment. The first lines are those
/// of the index that finds them, to the letter.
macro_rules! is_passing_guest {
    () => {
        "substr(player, 1, 6) = 'guest-' AND length(player) = 30 \
         AND docked_at IS NULL AND home_station IS NULL AND unix_ms < $1 \
         AND NOT EXISTS (SELECT 1 FROM balances WHERE account = 'pilot:' || pilots.player \
         AND asset <> '$' AND balance <> 0)"
    };
}
pub(super) use is_passing_guest;

/// Guests to forget.
pub(super) const STALE_GUESTS: &str = concat!(
    "SELECT player FROM pilots WHERE ",
    is_passing_guest!(),
    " AND system_name = $2 ORDER BY unix_ms LIMIT $3"
);

/// What came of asking for a system's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This writer owns the system.
    Held {
        /// System whose lease was asked for.
        system: Name,
        /// The fencing token, higher than any before.
        fence: i64,
    },
    /// Another live server owns it.
    Elsewhere {
        /// System whose lease was asked for.
        system: Name,
        /// The other's name.
        owner: String,
        /// When its lease ends unless it is renewed.
        expires_in_ms: i64,
    },
}

/// A row of `systems`, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChainEnd {
    pub(super) system: String,
    pub(super) row_id: i64,
    pub(super) hash: Hash,
}

/// A database; see the module.
pub(super) trait Backend: Send {
    /// Starts a transaction that writes.
    fn begin(&mut self) -> Result<(), StoreError>;
    /// Makes it durable. After [`StoreError::Unavailable`] it may or may not have happened.
    fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets it; never fails: a transaction whose connection is gone is forgotten too.
    fn rollback(&mut self);
    /// Another connection to the same database; the schema is up to date.
    fn beside(&self) -> Result<Self, StoreError>
    where
        Self: Sized;
    /// A new connection after a loss; nothing to do where there is none.
    fn reconnect(&mut self) -> Result<(), StoreError>;

    /// Raises the owner's epoch and names this process by it. Comes after the claims: an entry
    /// whose owner holds no system is anybody's to drop.
    fn enlist(&mut self, owner: &str) -> Result<WriterId, StoreError>;
    /// Takes the lease of a system that is free, expired, the same owner's, or the owner's `gone`,
    /// whose process is known to have ended; empty: nobody's.
    fn claim(&mut self, owner: &str, system: &Name, gone: &str) -> Result<Claim, StoreError>;
    /// Lets every lease of the owner expire now.
    fn release(&mut self, owner: &str) -> Result<(), StoreError>;
    /// Counts a commit of this writer, which must be the one after the last; false: it was counted
    /// before, or a newer process of the same owner has taken over.
    fn count_commit(&mut self, writer: &WriterId, commits: i64) -> Result<bool, StoreError>;
    /// The writer's counted commits, none if it was superseded.
    fn commits(&mut self, writer: &WriterId) -> Result<Option<i64>, StoreError>;
    /// The heads of all systems that the owner holds, locked until the transaction ends.
    fn heads(&mut self, owner: &str) -> Result<BTreeMap<String, ChainEndRow>, StoreError>;
    /// Writes the heads and renews the leases.
    fn move_heads(
        &mut self,
        owner: &str,
        heads: &BTreeMap<String, ChainEndRow>,
    ) -> Result<(), StoreError>;

    /// All assets of each account, locked until the transaction ends.
    fn balances(&mut self, accounts: &[String]) -> Result<Vec<(String, String, i64)>, StoreError>;
    /// Adds to balances; [`StoreError::Conflict`] if one comes out otherwise than staged.
    fn change_balances(&mut self, changes: &[StagedChange]) -> Result<(), StoreError>;
    /// Appends rows to the ledger, in their order.
    fn append(&mut self, rows: &[LedgerRow]) -> Result<(), StoreError>;
    /// Keeps outcomes; the places of those that are second ones for their player and request id,
    /// which are not kept.
    fn keep_outcomes(
        &mut self,
        outcomes: &[(UnixMillis, &StoredOutcome)],
    ) -> Result<Vec<usize>, StoreError>;
    /// Keeps pilots, each at most once in the list.
    fn keep_pilots(&mut self, pilots: &[(UnixMillis, &PilotRecord)]) -> Result<(), StoreError>;

    /// Of these guests, those who never docked, were last seen before a moment and have no goods,
    /// with their systems; locked until the transaction ends.
    fn forgettable_guests(
        &mut self,
        players: &[&str],
        before_ms: i64,
    ) -> Result<Vec<(String, String)>, StoreError>;
    /// Removes pilots, and those of their balances that are zero.
    fn remove_pilots(&mut self, players: &[&str], accounts: &[String]) -> Result<(), StoreError>;
    /// Removes up to `limit` outcomes of before a moment, the oldest first, and notes for the audit
    /// that it has; a transaction of its own. Returns how many.
    fn forget_outcomes(&mut self, before_ms: i64, limit: i64) -> Result<u64, StoreError>;

    /// What a system's stations hold of goods, zero included.
    fn stocks(&mut self, system: &Name) -> Result<Vec<Stock>, StoreError>;

    /// Starts a transaction that sees one moment and writes nothing.
    fn begin_reading(&mut self) -> Result<(), StoreError>;
    /// The systems with their recorded chain ends, by name.
    fn chain_ends(&mut self) -> Result<Vec<ChainEnd>, StoreError>;
    /// The systems that have rows, by name.
    fn chained_systems(&mut self) -> Result<Vec<String>, StoreError>;
    /// Up to `limit` rows of a chain after a row, in order.
    fn rows_after(
        &mut self,
        system: &str,
        row_id: i64,
        limit: i64,
    ) -> Result<Vec<LedgerRow>, StoreError>;
    /// Every balance as account, asset and amount.
    fn all_balances(&mut self) -> Result<Vec<(String, String, i64)>, StoreError>;
    /// Up to `limit` requests, as `player request`, that the ledger holds more than once within
    /// the time for which outcomes are promised, or that have no outcome and are too young for it to
    /// be forgotten.
    fn stray_requests(&mut self, limit: i64) -> Result<Vec<String>, StoreError>;
    /// How many pilots and outcomes there are.
    fn counts(&mut self) -> Result<(i64, i64), StoreError>;
}

/// What the reader asks of a database, each in one statement and outside of a transaction; see
/// [`super::reader`].
pub(super) trait Lookups: Backend {
    /// Whether this owner alone may take in a player whom nobody has kept, for
    /// [`NEWCOMER_MS`](crate::limits::NEWCOMER_MS); one that asks again may still.
    fn take_in(&mut self, owner: &str, player: &PlayerId) -> Result<bool, StoreError>;
    /// The pilot with wallet and hold, as of one moment, and whether another owner holds the lease of
    /// the pilot's system.
    fn pilot(
        &mut self,
        owner: &str,
        player: &PlayerId,
    ) -> Result<Option<(PilotRecord, bool)>, StoreError>;
    /// Up to `limit` of the pilot's request ids.
    fn request_ids(&mut self, player: &PlayerId, limit: i64) -> Result<Vec<Vec<u8>>, StoreError>;
    /// The outcomes of those questions that have one, with the questions' places.
    fn outcomes(
        &mut self,
        questions: &[OutcomeQuestion],
    ) -> Result<Vec<(usize, StoredOutcome)>, StoreError>;
    /// How many outcomes of each player are kept, counted up to `limit`.
    fn outcome_counts(
        &mut self,
        players: &[&str],
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError>;
    /// Up to `limit` guests of a system who never docked and were last seen before a moment, the
    /// longest unseen first.
    fn stale_guests(
        &mut self,
        system: &Name,
        before_ms: i64,
        limit: i64,
    ) -> Result<Vec<String>, StoreError>;
}
