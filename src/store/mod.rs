//! The store: records in, durable out.
//!
//! Owns pilots, stocks, remembered outcomes and the double-entry [ledger], in one SQLite file or in
//! PostgreSQL. It never decides a game rule, and knows only identities; time is that of the batches.
//! One thread writes, another reads beside it on a connection of its own. Each has a bounded inbox
//! and answers through its copy of a closure that the caller gives.
//!
//! Invariants: a batch is kept whole or not at all, but for players in quarantine; what was
//! answered [`Answer::Durable`] survives any crash; no balance changes but by ledger rows; no hold
//! and no stock falls below zero; each (player, request id) has one outcome while it is remembered;
//! a system is written by the holder of its lease. A read is as of some moment after it was asked:
//! what was told durable before is in it, what was merely submitted may be.
//!
//! Call order: [`Store::open`], then [`Store::stocks`] for every system held, then per tick one
//! [`Store::submit`] and one [`Store::outcomes`], per login one [`Store::load`];
//! [`Store::close`] commits what is queued.
//! A pilot belongs to whoever owns the system that its record names; no other server may admit it,
//! and a jump leads only between systems that one server owns.

mod answer;
mod audit;
mod backend;
mod backup;
mod claiming;
mod columns;
mod error;
mod heads;
pub mod ledger;
mod own_files;
mod postgres;
mod quarantine;
mod read_queue;
mod reader;
mod record;
mod retry;
mod schema;
mod sqlite;
mod staging;
mod work;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::ids::{Name, PlayerId};
use crate::limits::{
    FORGET_GUESTS_PERIOD_MS, STORE_INBOX_MAX, STORE_OUTAGE_MS_MAX, STORE_READS_MAX,
    STORE_RETRIES_MAX, STORE_SILENCE_MS_MAX,
};

pub use answer::Answer;
pub use audit::{AuditReport, audit, audit_since};
pub use backend::Claim;
pub use backup::backup;
pub use error::StoreError;
pub use heads::{ChainHeads, HeadsError};
pub use own_files::refuse_own_file;
pub use record::{
    Batch, Cargo, Cause, Home, LoadedPilot, OutcomeQuestion, PilotRecord, Place, Purpose, Stock,
    StoredOutcome, Transaction, digest64, request_digest,
};
pub use schema::SCHEMA_VERSION;

use answer::Shared;
use backend::Lookups;
use postgres::Postgres;
use reader::{Read, Reader};
use sqlite::Sqlite;
use writer::{Writer, WriterRequest};

/// Where and as whom to store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// An SQLite file's path, or a `postgres://` URL.
    pub database: String,
    /// The name of this process among those that share the database, unlike any other's: whoever
    /// opens a store under a name that is in use takes its leases.
    pub owner: String,
    /// Whether the process of that name is known to have ended, so that its leases need not run
    /// out. False where that cannot be known.
    pub has_ended: fn(&str) -> bool,
    /// The systems to own.
    pub systems: Vec<Name>,
    /// The goods of the universe that is served; none given means that all are. What a pilot holds
    /// of others stays in the ledger, unseen by the server, until a universe has them again.
    pub commodities: Vec<Name>,
    /// Tries after a lost connection before the store fails.
    pub retries_max: u32,
    /// Time after the first of them before the store fails.
    pub outage_max: Duration,
    /// How long a step may wait for a database server's answer.
    pub silence_max: Duration,
    /// How often guests to forget are looked for.
    pub guests_period: Duration,
}

impl StoreConfig {
    /// The usual configuration.
    pub fn new(database: &str, owner: &str, systems: Vec<Name>) -> Self {
        Self {
            database: database.to_owned(),
            owner: owner.to_owned(),
            has_ended: |_| false,
            systems,
            commodities: Vec::new(),
            retries_max: STORE_RETRIES_MAX,
            outage_max: Duration::from_millis(STORE_OUTAGE_MS_MAX),
            silence_max: Duration::from_millis(STORE_SILENCE_MS_MAX),
            guests_period: Duration::from_millis(FORGET_GUESTS_PERIOD_MS),
        }
    }
}

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The inbox holds [`STORE_INBOX_MAX`] requests, or [`STORE_READS_MAX`] reads: try again next
    /// tick.
    #[error("the store is behind")]
    Full,
    /// The store has ended; [`Answer::Failed`] says why.
    #[error("the store has stopped")]
    Stopped,
}

/// A handle to the store's two threads.
pub struct Store {
    inbox: SyncSender<WriterRequest>,
    reads: SyncSender<Read>,
    threads: [JoinHandle<()>; 2],
    claims: Vec<Claim>,
}

impl Store {
    /// Opens the database, migrates its schema, takes the leases and starts the threads.
    ///
    /// Blocks until that is done, and within a bound while a lease may still run out. Each thread
    /// calls a `tell` of its own, which must return quickly; it is dropped when the thread ends.
    /// [`Answer::Quarantined`] may come from both, [`Answer::Failed`] from either, once. Look at [`Store::claims`] for systems owned elsewhere.
    pub fn open(
        config: &StoreConfig,
        tell: impl FnMut(Answer) + Clone + Send + 'static,
    ) -> Result<Self, StoreError> {
        if is_postgres(&config.database) {
            let backend = Postgres::open(&config.database, config.silence_max)?;
            Self::start(backend, config, tell)
        } else {
            let path = sqlite_path(&config.database)?;
            Self::start(Sqlite::open(path)?, config, tell)
        }
    }

    fn start<B: Lookups + 'static>(
        backend: B,
        config: &StoreConfig,
        mut tell: impl FnMut(Answer) + Clone + Send + 'static,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let mut writer = Writer::new(backend, config, Arc::clone(&shared));
        let claims = claiming::claim_all(&mut writer, config)?;
        writer.enlist()?;
        let held = claims.iter().filter_map(|claim| match claim {
            Claim::Held { system, .. } => Some(system.clone()),
            Claim::Elsewhere { .. } => None,
        });
        let reader = Reader::new(writer.beside()?, config, held.collect(), shared);
        let (inbox, requests) = mpsc::sync_channel(STORE_INBOX_MAX);
        let (reads, asked) = mpsc::sync_channel(STORE_READS_MAX);
        let (mut tell_read, stop_reads) = (tell.clone(), reads.clone());
        let reader = spawn("store-reads", move || reader.run(&asked, &mut tell_read))?;
        let writer = spawn("store", move || {
            writer.run(&requests, &stop_reads, &mut tell);
        })?;
        Ok(Self {
            inbox,
            reads,
            threads: [writer, reader],
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
        let sent = self.inbox.try_send(WriterRequest::Submit(batch));
        let (refused, request) = match sent {
            Ok(()) => return Ok(()),
            Err(TrySendError::Full(request)) => (Refused::Full, request),
            Err(TrySendError::Disconnected(request)) => (Refused::Stopped, request),
        };
        match request {
            WriterRequest::Submit(batch) => Err((refused, batch)),
            _ => Err((refused, Batch::default())),
        }
    }

    /// Asks for a pilot; answered by [`Answer::Loaded`].
    pub fn load(&self, ticket: u64, player: PlayerId, purpose: Purpose) -> Result<(), Refused> {
        self.read(Read::Load {
            ticket,
            player,
            purpose,
        })
    }

    /// Asks which request ids of a player are remembered; answered by [`Answer::RequestDigests`].
    pub fn request_digests(&self, ticket: u64, player: PlayerId) -> Result<(), Refused> {
        self.read(Read::RequestDigests { ticket, player })
    }

    /// Asks for the outcomes of requests, all at once; each is answered by [`Answer::Outcome`] or
    /// [`Answer::OutcomesFull`].
    pub fn outcomes(&self, questions: Vec<OutcomeQuestion>) -> Result<(), Refused> {
        self.read(Read::Outcomes(questions))
    }

    /// Asks for what a system's stations hold; answered by [`Answer::Stocks`].
    pub fn stocks(&self, ticket: u64, system: Name) -> Result<(), Refused> {
        self.ask(WriterRequest::Stocks { ticket, system })
    }

    /// Asks again for a system owned elsewhere or lost; answered by [`Answer::Claimed`].
    pub fn claim(&self, system: Name) -> Result<(), Refused> {
        self.ask(WriterRequest::Claim { system })
    }

    fn ask(&self, request: WriterRequest) -> Result<(), Refused> {
        self.inbox
            .try_send(request)
            .map_err(|error| refused(&error))
    }

    fn read(&self, read: Read) -> Result<(), Refused> {
        self.reads.try_send(read).map_err(|error| refused(&error))
    }

    /// Lets both threads finish what is queued and release the leases, and waits for them.
    ///
    /// The last answers are told before this returns. Merely dropping the handle lets them finish
    /// too, but unobserved.
    pub fn close(self) {
        drop((self.inbox, self.reads));
        self.threads.into_iter().for_each(end);
    }

    /// Like [`Store::close`], but leaves threads alone that have not ended within `patience`: those
    /// whose database keeps silent. Returns whether they have ended.
    pub fn close_within(self, patience: Duration) -> bool {
        drop((self.inbox, self.reads));
        let deadline = Instant::now() + patience;
        while !self.threads.iter().all(JoinHandle::is_finished) {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.threads.into_iter().for_each(end);
        true
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(body);
    spawned.map_err(|error| StoreError::Unusable(error.to_string()))
}

fn end(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

fn refused<T>(error: &TrySendError<T>) -> Refused {
    match error {
        TrySendError::Full(_) => Refused::Full,
        TrySendError::Disconnected(_) => Refused::Stopped,
    }
}

/// A database argument as it may be shown and logged: without a URL's user, password and options.
pub fn shown(database: &str) -> String {
    let Some((scheme, rest)) = database.split_once("://") else {
        return database.to_owned();
    };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split('?').next().unwrap_or_default();
    format!("{scheme}://{place}")
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    type Outcomes = Result<(), Box<dyn std::error::Error>>;

    fn outcome(n: u64) -> Result<StoredOutcome, Box<dyn std::error::Error>> {
        Ok(StoredOutcome {
            system: Name::parse("sol-1")?,
            player: PlayerId::parse("p_1")?,
            request_id: format!("r{n}").into(),
            body_digest: n,
            reply: "x".repeat(512).into(),
        })
    }

    fn start(
        backend: Sqlite,
        path: &Path,
    ) -> Result<(Store, Receiver<Answer>), Box<dyn std::error::Error>> {
        let database = path.to_str().unwrap_or_default();
        let config = StoreConfig::new(database, "here", vec![Name::parse("sol-1")?]);
        let (tell, answers) = channel();
        let store = Store::start(backend, &config, move |answer| {
            // The test may have seen enough.
            let _ = tell.send(answer);
        })?;
        Ok((store, answers))
    }

    #[test]
    fn a_full_disk_is_fatal_and_what_was_told_is_there() -> Outcomes {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("orrery.db");
        let backend = Sqlite::open(&path)?;
        backend.cap_pages(30)?;
        let (store, answers) = start(backend, &path)?;
        let mut durable = 0;
        let failure = loop {
            let number = durable + 1;
            let outcomes = vec![outcome(number)?];
            let batch = Batch {
                number,
                outcomes,
                ..Batch::default()
            };
            assert_eq!(store.submit(batch), Ok(()));
            match answers.recv()? {
                Answer::Durable { batch } => durable = batch,
                other => break other,
            }
        };
        assert!(
            matches!(&failure, Answer::Failed(StoreError::Database { message, .. })
                if message.contains("full")),
            "{failure:?}"
        );
        assert!(durable > 10, "the disk was full at once");
        assert!(answers.recv().is_err(), "nothing follows a failure");
        store.close();
        let (store, answers) = start(Sqlite::open(&path)?, &path)?;
        for n in 1..=durable + 1 {
            store.outcomes(vec![OutcomeQuestion {
                ticket: n,
                player: PlayerId::parse("p_1")?,
                request_id: format!("r{n}").into(),
            }])?;
            let kept = (n <= durable).then(|| outcome(n)).transpose()?;
            assert_eq!(
                answers.recv()?,
                Answer::Outcome {
                    ticket: n,
                    outcome: kept
                }
            );
        }
        Ok(())
    }

    #[test]
    fn a_read_only_disk_is_refused_at_opening() -> Outcomes {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("orrery.db");
        let backend = Sqlite::open(&path)?;
        backend.forbid_writes()?;
        let Err(error) = start(backend, &path) else {
            return Err("a read-only database was served".into());
        };
        assert!(error.to_string().contains("readonly"), "{error}");
        Ok(())
    }

    #[test]
    fn what_is_shown_of_a_url_holds_no_password() {
        let cases = [
            ("orrery.db", "orrery.db"),
            ("/var/lib/a@b.db", "/var/lib/a@b.db"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://u:s@cret@host:1/db", "postgres://host:1/db"),
            ("postgres://host/db?user=u&password=s", "postgres://host/db"),
        ];
        for (database, expected) in cases {
            assert_eq!(shown(database), expected);
        }
    }

    #[test]
    fn a_full_inbox_gives_the_batch_back() -> Outcomes {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("orrery.db");
        let (reached, is_reached) = channel();
        let (release, held) = channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let config = StoreConfig::new(
            path.to_str().unwrap_or_default(),
            "here",
            vec![Name::parse("sol-1")?],
        );
        let store = Store::open(&config, move |_| {
            // Holds the writer inside of its first answer.
            let _ = reached.send(());
            let _ = held.lock().map(|held| held.recv());
        })?;
        store.stocks(1, Name::parse("sol-1")?)?;
        is_reached.recv()?;
        for number in 1..=STORE_INBOX_MAX as u64 {
            let batch = Batch {
                number,
                ..Batch::default()
            };
            assert_eq!(store.submit(batch), Ok(()));
        }
        let extra = Batch {
            number: 999,
            ..Batch::default()
        };
        assert_eq!(store.submit(extra.clone()), Err((Refused::Full, extra)));
        // The reader is held as well, by its first answer.
        let player = PlayerId::parse("p_1")?;
        let mut reads =
            (0..STORE_READS_MAX + 2).map(|_| store.load(2, player.clone(), Purpose::Login));
        assert!(reads.any(|taken| taken == Err(Refused::Full)));
        drop(release);
        store.close();
        Ok(())
    }
}
