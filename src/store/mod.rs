//! The store: records in, durable out.
//!
//! Owns pilots, stocks, remembered outcomes and the double-entry [ledger], in one SQLite file or in
//! PostgreSQL. It never decides a game rule, reads no clock, and knows only identities. One thread
//! writes; requests reach it through a bounded inbox and are answered in order through a closure
//! that the caller gives.
//!
//! Invariants: a batch is kept whole or not at all; what was answered [`Answer::Durable`] survives
//! any crash; no balance changes but by ledger rows; no hold and no stock falls below zero; each
//! (player, request id) has one outcome, for ever; a system is written by the holder of its lease.
//!
//! Call order: [`Store::open`], then [`Store::stocks`] for every system held, then per tick one
//! [`Store::submit`] and per login one [`Store::load`]; [`Store::close`] commits what is queued.
//! A pilot belongs to whoever owns the system that its record names; no other server may admit it.

mod audit;
mod backend;
mod backup;
mod columns;
mod error;
pub mod ledger;
mod postgres;
mod record;
mod schema;
mod sqlite;
mod staging;
mod writer;

use std::path::Path;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use crate::ids::{Name, PlayerId};
use crate::limits::{STORE_INBOX_MAX, STORE_RETRIES_MAX};

pub use audit::{Report, audit};
pub use backend::Claim;
pub use backup::backup;
pub use error::StoreError;
pub use record::{
    Batch, Cargo, Cause, Home, LoadedPilot, PilotRecord, Place, Stock, StoredOutcome, Transaction,
    digest64, request_digest,
};
pub use schema::SCHEMA_VERSION;
pub use writer::Answer;

use backend::Backend;
use postgres::Postgres;
use sqlite::Sqlite;
use writer::{Request, Writer};

/// Where and as whom to store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// An SQLite file's path, or a `postgres://` URL.
    pub database: String,
    /// The name of this server among those that share the database: stable across restarts, so
    /// that a restarted server takes its own leases back at once, and unlike any other's.
    pub owner: String,
    /// The systems to own.
    pub systems: Vec<Name>,
    /// Tries after a lost connection before the store fails.
    pub retries_max: u32,
}

impl StoreConfig {
    /// The usual configuration.
    pub fn new(database: &str, owner: &str, systems: Vec<Name>) -> Self {
        Self {
            database: database.to_owned(),
            owner: owner.to_owned(),
            systems,
            retries_max: STORE_RETRIES_MAX,
        }
    }
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The inbox holds [`STORE_INBOX_MAX`] requests: try again next tick.
    #[error("the store is behind")]
    Full,
    /// The writer has ended; [`Answer::Failed`] says why.
    #[error("the store has stopped")]
    Stopped,
}

/// A handle to the writer's thread.
pub struct Store {
    inbox: SyncSender<Request>,
    writer: JoinHandle<()>,
    claims: Vec<Claim>,
}

impl Store {
    /// Opens the database, migrates its schema, takes the leases and starts the writer.
    ///
    /// Blocks until that is done. `tell` is called on the writer's thread and must return quickly;
    /// it is dropped when the writer ends. Look at [`Store::claims`] for systems owned elsewhere.
    pub fn open(
        config: &StoreConfig,
        tell: impl FnMut(Answer) + Send + 'static,
    ) -> Result<Self, StoreError> {
        if is_postgres(&config.database) {
            Self::start(Postgres::open(&config.database)?, config, tell)
        } else {
            let path = sqlite_path(&config.database)?;
            Self::start(Sqlite::open(path)?, config, tell)
        }
    }

    fn start<B: Backend + 'static>(
        backend: B,
        config: &StoreConfig,
        mut tell: impl FnMut(Answer) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let mut writer = Writer::new(backend, &config.owner, config.retries_max)?;
        let claims = config.systems.iter().map(|system| writer.claim(system));
        let claims = claims.collect::<Result<_, _>>()?;
        let (inbox, requests) = mpsc::sync_channel(STORE_INBOX_MAX);
        let thread = thread::Builder::new().name("store".to_owned());
        let writer = thread.spawn(move || writer.run(&requests, &mut tell));
        Ok(Self {
            inbox,
            writer: writer.map_err(|error| StoreError::Unusable(error.to_string()))?,
            claims,
        })
    }

    /// What came of asking for each system's lease at opening.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Hands over a tick's batch; answered by [`Answer::Durable`]. Never blocks: a refused batch
    /// comes back.
    pub fn submit(&self, batch: Batch) -> Result<(), (Refused, Batch)> {
        let sent = self.inbox.try_send(Request::Submit(batch));
        let (refused, request) = match sent {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(request)) => (Refused::Full, request),
            Err(TrySendError::Disconnected(request)) => (Refused::Stopped, request),
        };
        match request {
            Request::Submit(batch) => Err((refused, batch)),
            _ => Err((refused, Batch::default())),
        }
    }

    /// Asks for a pilot as of all batches submitted before; answered by [`Answer::Loaded`].
    pub fn load(&self, ticket: u64, player: PlayerId) -> Result<(), Refused> {
        self.ask(Request::Load { ticket, player })
    }

    /// Asks for the outcome of a request; answered by [`Answer::Outcome`].
    pub fn outcome(&self, ticket: u64, player: PlayerId, request_id: &str) -> Result<(), Refused> {
        self.ask(Request::Outcome {
            ticket,
            player,
            request_id: request_id.to_owned(),
        })
    }

    /// Asks for what a system's stations hold; answered by [`Answer::Stocks`].
    pub fn stocks(&self, ticket: u64, system: Name) -> Result<(), Refused> {
        self.ask(Request::Stocks { ticket, system })
    }

    /// Asks again for a system owned elsewhere or lost; answered by [`Answer::Claimed`].
    pub fn claim(&self, system: Name) -> Result<(), Refused> {
        self.ask(Request::Claim { system })
    }

    fn ask(&self, request: Request) -> Result<(), Refused> {
        self.inbox.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Disconnected(_) => Refused::Stopped,
        })
    }

    /// Lets the writer finish what is queued and release its leases, and waits for it.
    ///
    /// The last answers are told before this returns. Merely dropping the handle lets the writer
    /// finish too, but unobserved.
    pub fn close(self) {
        drop(self.inbox);
        let ended = self.writer.join();
        if ended.is_err() {
            tracing::error!("the store's writer panicked");
        }
    }
}

/// Whether a database argument names a PostgreSQL server.
fn is_postgres(database: &str) -> bool {
    database.starts_with("postgres://") || database.starts_with("postgresql://")
}

/// The file that a database argument names.
fn sqlite_path(database: &str) -> Result<&Path, StoreError> {
    let path = database.strip_prefix("sqlite://").unwrap_or(database);
    if path.is_empty() || path.contains("://") {
        return Err(StoreError::Unusable(
            "--database must be the path of an SQLite file or a postgres:// URL".to_owned(),
        ));
    }
    Ok(Path::new(path))
}
