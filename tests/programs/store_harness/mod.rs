//! What every test of the store needs: a store whose answers can be awaited, short-hands for
//! records, and databases to run on, be they a fresh SQLite file or a database in a PostgreSQL
//! server of the tests' own.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used
)]

pub mod postgres_server;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use orrery::ids::{Name, PlayerId, UnixMillis};
use orrery::store::{
    Answer, Batch, Cargo, Cause, LoadedPilot, OutcomeQuestion, PilotRecord, Place, Purpose,
    Refused, Stock, Store, StoreConfig, StoreError, StoredOutcome, Transaction, digest64,
};

/// Longer than any answer takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub const SYSTEM: &str = "sol-1";
pub const STATION: &str = "earth-orbit-station";

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn player(text: &str) -> PlayerId {
    PlayerId::parse(text).unwrap()
}

/// Somewhere to keep things, fresh for one test.
pub struct Database {
    pub url: String,
    _directory: tempfile::TempDir,
}

impl Database {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = directory.path().join("orrery.db");
        Self {
            url: url.to_str().unwrap().to_owned(),
            _directory: directory,
        }
    }

    /// None, with a word about it, where no PostgreSQL is installed.
    /// A new database in a PostgreSQL server of this process; fails where none is installed.
    pub fn postgres() -> Self {
        Self {
            url: postgres_server::fresh_database(),
            _directory: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.url)
    }

    pub fn is_sqlite(&self) -> bool {
        !self.url.contains("://")
    }

    pub fn config(&self, owner: &str) -> StoreConfig {
        StoreConfig::new(&self.url, owner, vec![name(SYSTEM)])
    }

    pub fn open(&self) -> StoreUnderTest {
        StoreUnderTest::open(&self.config("here")).unwrap()
    }

    /// Runs statements beside the server, as a vandal would.
    pub fn tamper(&self, sql: &str) {
        if self.is_sqlite() {
            let connection = rusqlite::Connection::open(self.path()).unwrap();
            connection.busy_timeout(PATIENCE).unwrap();
            connection.execute_batch(sql).unwrap();
        } else {
            let mut client = postgres::Client::connect(&self.url, postgres::NoTls).unwrap();
            client.batch_execute(sql).unwrap();
        }
    }

    /// One number out of the database.
    pub fn count(&self, sql: &str) -> i64 {
        if self.is_sqlite() {
            let connection = rusqlite::Connection::open(self.path()).unwrap();
            connection.busy_timeout(PATIENCE).unwrap();
            connection.query_row(sql, [], |row| row.get(0)).unwrap()
        } else {
            let mut client = postgres::Client::connect(&self.url, postgres::NoTls).unwrap();
            client.query_one(sql, &[]).unwrap().get(0)
        }
    }
}

/// An open store and its answers.
pub struct StoreUnderTest {
    pub store: Store,
    pub answers: Receiver<Answer>,
    next_batch: u64,
}

impl StoreUnderTest {
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let (tell, answers) = channel();
        let store = Store::open(config, move |answer| {
            // A test that has seen enough no longer listens.
            let _ = tell.send(answer);
        })?;
        Ok(Self {
            store,
            answers,
            next_batch: 1,
        })
    }

    pub fn answer(&self) -> Answer {
        self.answers.recv_timeout(PATIENCE).expect("an answer")
    }

    /// The next batch has this number, and a time that follows from it.
    pub fn number_from(&mut self, number: u64) {
        self.next_batch = number;
    }

    /// Submits without waiting; the batch's number.
    pub fn submit(&mut self, batch: Batch) -> u64 {
        let unix = UnixMillis(1_700_000_000_000 + self.next_batch * 33);
        self.submit_at(unix, batch)
    }

    /// The same at a time of its own.
    pub fn submit_at(&mut self, unix: UnixMillis, batch: Batch) -> u64 {
        self.try_submit_at(unix, batch).expect("room in the inbox")
    }

    /// Submits without waiting; none where the store has stopped, of which its last answer tells.
    pub fn submit_unless_stopped(&mut self, batch: Batch) -> Option<u64> {
        let unix = UnixMillis(1_700_000_000_000 + self.next_batch * 33);
        match self.try_submit_at(unix, batch) {
            Ok(number) => Some(number),
            Err(Refused::Stopped) => None,
            Err(other) => panic!("no room in the inbox: {other:?}"),
        }
    }

    fn try_submit_at(&mut self, unix: UnixMillis, mut batch: Batch) -> Result<u64, Refused> {
        batch.number = self.next_batch;
        batch.unix = unix;
        self.next_batch += 1;
        let number = batch.number;
        self.store
            .submit(batch)
            .map_err(|(refused, _)| refused)
            .map(|()| number)
    }

    /// Submits and waits until it is durable.
    pub fn keep(&mut self, batch: Batch) {
        let batch = self.submit(batch);
        assert_eq!(self.answer(), Answer::Durable { batch });
    }

    /// Submits a batch of which nothing of one player can be kept; the reason.
    pub fn quarantine(&mut self, who: &PlayerId, batch: Batch) -> String {
        let batch = self.submit(batch);
        let reason = match self.answer() {
            Answer::Quarantined { player, reason } if player == *who => reason,
            other => panic!("expected {who} in quarantine, got {other:?}"),
        };
        assert_eq!(self.answer(), Answer::Durable { batch });
        reason
    }

    /// Submits what cannot be kept; the answer.
    pub fn fail(&mut self, batch: Batch) -> Answer {
        let batch = self.submit(batch);
        let answer = self.answer();
        assert_ne!(answer, Answer::Durable { batch });
        answer
    }

    pub fn load(&self, player: &PlayerId) -> LoadedPilot {
        self.load_for(player, Purpose::Login)
    }

    pub fn load_for(&self, player: &PlayerId, purpose: Purpose) -> LoadedPilot {
        self.store.load(7, player.clone(), purpose).unwrap();
        match self.answer() {
            Answer::Loaded { ticket: 7, pilot } => pilot,
            other => panic!("expected a pilot, got {other:?}"),
        }
    }

    pub fn digests(&self, player: &PlayerId) -> (Vec<u64>, bool) {
        self.store.request_digests(6, player.clone()).unwrap();
        match self.answer() {
            Answer::RequestDigests {
                ticket: 6,
                digests,
                is_complete,
            } => (digests, is_complete),
            other => panic!("expected digests, got {other:?}"),
        }
    }

    pub fn outcome(&self, player: &PlayerId, request_id: &str) -> Option<StoredOutcome> {
        let question = OutcomeQuestion {
            ticket: 8,
            player: player.clone(),
            request_id: Arc::from(request_id),
        };
        self.store.outcomes(vec![question]).unwrap();
        match self.answer() {
            Answer::Outcome { ticket: 8, outcome } => outcome,
            other => panic!("expected an outcome, got {other:?}"),
        }
    }

    pub fn stocks(&self) -> Vec<Stock> {
        self.stocks_of(&name(SYSTEM))
    }

    pub fn stocks_of(&self, system: &Name) -> Vec<Stock> {
        self.store.stocks(9, system.clone()).unwrap();
        match self.answer() {
            Answer::Stocks { ticket: 9, stocks } => stocks,
            other => panic!("expected stocks, got {other:?}"),
        }
    }
}

pub fn transaction(cause: Cause, quantity: i64, unit_price: i64, total: i64) -> Transaction {
    Transaction {
        system: name(SYSTEM),
        cause,
        player: None,
        station: None,
        commodity: None,
        quantity,
        unit_price,
        total,
        request_id: None,
    }
}

pub fn grant(who: &PlayerId, credits: i64) -> Transaction {
    Transaction {
        player: Some(who.clone()),
        ..transaction(Cause::Grant, 0, 0, credits)
    }
}

pub fn trade(cause: Cause, who: &PlayerId, food: i64, price: i64, request: &str) -> Transaction {
    Transaction {
        player: Some(who.clone()),
        station: Some(name(STATION)),
        commodity: Some(name("food")),
        request_id: Some(Arc::from(request)),
        ..transaction(cause, food, price, food * price)
    }
}

pub fn production(food: i64) -> Transaction {
    Transaction {
        station: Some(name(STATION)),
        commodity: Some(name("food")),
        ..transaction(Cause::Production, food, 0, 0)
    }
}

pub fn outcome(who: &PlayerId, request: &str, reply: &str) -> StoredOutcome {
    StoredOutcome {
        system: name(SYSTEM),
        player: who.clone(),
        request_id: Arc::from(request),
        body_digest: digest64(request.as_bytes()),
        reply: Arc::from(reply),
    }
}

pub fn pilot(who: &PlayerId, credits: i64, food: i64) -> PilotRecord {
    let cargo = Cargo {
        commodity: name("food"),
        quantity: food,
    };
    PilotRecord {
        player: who.clone(),
        system: name(SYSTEM),
        place: Place::Docked {
            station: name(STATION),
        },
        home: None,
        credits,
        hull: 100,
        fuel: 100.0,
        cargo: Vec::from_iter((food > 0).then_some(cargo)),
    }
}

/// A new pilot of 5000 credits, and food to trade with.
pub fn first_batch(who: &PlayerId, stock: i64) -> Batch {
    Batch {
        transactions: vec![production(stock), grant(who, 5000)],
        checkpoints: vec![pilot(who, 5000, 0)],
        ..Batch::default()
    }
}
