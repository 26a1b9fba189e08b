//! What can go wrong in the store, sorted by what follows from it.
//!
//! [`StoreError::may_pass`] separates what a bounded retry can heal (a lost connection, a lost
//! race) from what is fatal: a full disk, a broken file, a superseded writer, or numbers that do
//! not add up. A fatal error stops the writer before anything it had in hand is called durable.

use thiserror::Error;

use crate::ids::Name;

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The database cannot be reached, for now.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Another transaction won; the same again may succeed.
    #[error("the database refused a transaction in favour of another: {0}")]
    Conflict(String),
    /// The database answered with an error of its own: full, read-only, I/O, broken.
    #[error("the database failed while {doing}: {message}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The database's words.
        message: String,
    },
    /// Another server process holds the SQLite file.
    #[error("{0}")]
    InUse(String),
    /// The URL, the file or the options cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The database's schema is newer than this program.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: \
         use the program that wrote it, or a newer one"
    )]
    TooNew {
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A newer process of the same owner has taken over.
    #[error("another process writes as `{owner}` now: this one must stop")]
    Superseded {
        /// The owner's name.
        owner: String,
    },
    /// The caller's numbers are not the ledger's.
    #[error("{account} has {ledger} of {asset} in the ledger, the server says {server}")]
    Mismatch {
        /// Account with the wrong balance.
        account: String,
        /// Credits, or the commodity that is counted.
        asset: String,
        /// The ledger's balance.
        ledger: i64,
        /// Balance that the server counts with.
        server: i64,
    },
    /// A hold or a stock would fall below nothing.
    #[error("{account} would have {balance} of {asset} after a {cause} in {system}")]
    Overdraft {
        /// Account with the wrong balance.
        account: String,
        /// Credits, or the commodity that is counted.
        asset: String,
        /// What would be left.
        balance: i64,
        /// Why it moved.
        cause: &'static str,
        /// System in whose ledger that happened.
        system: Name,
    },
    /// A record that cannot be kept as it is: a bug of the caller.
    #[error("a record cannot be kept: {0}")]
    Malformed(String),
    /// A stored value that no version of this program wrote.
    #[error("the database holds what no server wrote: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the same again may succeed a little later.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict(_))
    }
}
