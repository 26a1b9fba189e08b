//! A PostgreSQL connection that goes away, or a server that freezes with its sockets open: replies
//! wait while the store tries again, a commit whose answer was lost is not made twice, and after a
//! bound the store gives up without a lie.

use crate::store_harness;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use orrery::store::{Answer, Batch, Cause, Purpose, StoreConfig, StoreError, audit};
use store_harness::*;

/// What the relay does to the connections that pass through it.
#[derive(Default)]
struct Mischief {
    /// The next COMMIT reaches the server, its answer does not come back.
    swallow_commit: AtomicBool,
    /// The next COMMIT does not even reach the server.
    stop_commit: AtomicBool,
    /// The next COMMIT is held back, and everything after it, as by a frozen server.
    freeze_commit: AtomicBool,
    /// Nothing passes, nothing is closed; what came in passes once this is over.
    is_frozen: AtomicBool,
    /// Every message is the last of its connection.
    cut: AtomicBool,
    /// Connections accepted so far.
    accepted: AtomicU32,
}

/// A TCP relay in front of the database's server; its URL.
fn relay(database: &Database) -> (String, Arc<Mischief>) {
    let url = database.url.strip_prefix("postgres://postgres@").unwrap();
    let (target, path) = url.split_once('/').unwrap();
    let target: SocketAddr = target.parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mischief = Arc::new(Mischief::default());
    let shared = Arc::clone(&mischief);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            shared.accepted.fetch_add(1, Ordering::SeqCst);
            let Ok(server) = TcpStream::connect(target) else {
                continue;
            };
            let swallow = Arc::new(AtomicBool::new(false));
            for (from, to, is_request) in [(&client, &server, true), (&server, &client, false)] {
                let from = from.try_clone().unwrap();
                let to = to.try_clone().unwrap();
                let (shared, swallow) = (Arc::clone(&shared), Arc::clone(&swallow));
                std::thread::spawn(move || pump(from, to, is_request, &shared, &swallow));
            }
        }
    });
    (format!("postgres://postgres@{address}/{path}"), mischief)
}

fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    is_request: bool,
    mischief: &Mischief,
    swallow: &AtomicBool,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let message = &buffer[..count];
        let commits = is_request && message.windows(6).any(|window| window == b"COMMIT");
        let taken = |flag: &AtomicBool| commits && flag.swap(false, Ordering::SeqCst);
        if mischief.cut.load(Ordering::SeqCst) || taken(&mischief.stop_commit) {
            break;
        }
        if taken(&mischief.freeze_commit) {
            mischief.is_frozen.store(true, Ordering::SeqCst);
        }
        while mischief.is_frozen.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        if taken(&mischief.swallow_commit) {
            swallow.store(true, Ordering::SeqCst);
        }
        if !is_request && swallow.load(Ordering::SeqCst) {
            break;
        }
        if to.write_all(message).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

fn buy(n: i64) -> Batch {
    let who = player("p_1");
    let request = format!("r{n}");
    Batch {
        transactions: vec![trade(Cause::Buy, &who, 1, 10, &request)],
        outcomes: vec![outcome(&who, &request, "{}")],
        checkpoints: vec![pilot(&who, 5000 - 10 * n, n)],
        ..Batch::default()
    }
}

/// A opened that reaches its database through a relay, with a pilot in it.
fn relayed(database: &Database, retries_max: u32) -> (StoreUnderTest, Arc<Mischief>) {
    relayed_as(database, |config| config.retries_max = retries_max)
}

fn relayed_as(
    database: &Database,
    configure: impl FnOnce(&mut StoreConfig),
) -> (StoreUnderTest, Arc<Mischief>) {
    let (url, mischief) = relay(database);
    let mut config = database.config("here");
    config.database = url;
    configure(&mut config);
    let mut opened = StoreUnderTest::open(&config).unwrap();
    opened.keep(first_batch(&player("p_1"), 100));
    (opened, mischief)
}

fn assert_kept_once(database: &Database, opened: StoreUnderTest, trades: i64) {
    let record = opened.load(&player("p_1")).record;
    assert_eq!(
        record,
        Some(pilot(&player("p_1"), 5000 - 10 * trades, trades))
    );
    opened.store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.outcomes_count, trades);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed(&database, 10);
    for n in 1..=3 {
        mischief.swallow_commit.store(true, Ordering::SeqCst);
        opened.keep(buy(n));
        assert!(!mischief.swallow_commit.load(Ordering::SeqCst));
    }
    assert!(mischief.accepted.load(Ordering::SeqCst) >= 4);
    assert_kept_once(&database, opened, 3);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_commit_that_never_arrived_is_made_again() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed(&database, 10);
    for n in 1..=3 {
        mischief.stop_commit.store(true, Ordering::SeqCst);
        opened.keep(buy(n));
        assert!(!mischief.stop_commit.load(Ordering::SeqCst));
    }
    assert_kept_once(&database, opened, 3);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_connection_that_the_server_ends_is_replaced() {
    let database = Database::postgres();
    let mut opened = database.open();
    opened.keep(first_batch(&player("p_1"), 100));
    for n in 1..=3 {
        database.tamper(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'orrery' AND datname = current_database()",
        );
        opened.keep(buy(n));
    }
    assert_kept_once(&database, opened, 3);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_login_during_an_outage_is_answered_after_it() {
    let database = Database::postgres();
    let (opened, mischief) = relayed(&database, 10);
    mischief.cut.store(true, Ordering::SeqCst);
    let before = mischief.accepted.load(Ordering::SeqCst);
    opened.store.load(7, player("p_1"), Purpose::Login).unwrap();
    while mischief.accepted.load(Ordering::SeqCst) < before + 2 {
        std::thread::yield_now();
    }
    mischief.cut.store(false, Ordering::SeqCst);
    assert!(matches!(opened.answer(), Answer::Loaded { pilot, .. } if pilot.record.is_some()));
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn an_outage_beyond_the_bound_is_fatal_and_nothing_is_told() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed(&database, 2);
    mischief.cut.store(true, Ordering::SeqCst);
    opened.submit(buy(1));
    let failure = opened.answer();
    assert!(
        matches!(failure, Answer::Failed(StoreError::Unavailable(_))),
        "{failure:?}"
    );
    assert!(opened.answers.recv().is_err(), "nothing follows a failure");
    let refused = opened.store.submit(buy(2));
    assert!(matches!(refused, Err((orrery::store::Refused::Stopped, _))));
}

/// Short enough for a test, long enough for a busy machine to answer within.
const SILENCE: Duration = Duration::from_millis(400);

/// Frozen in the moment of a COMMIT, which the database carries out after it thaws, when the store
/// has long begun another try on another connection.
#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_database_that_freezes_for_a_while_is_waited_for_and_keeps_once() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed_as(&database, |config| {
        config.silence_max = SILENCE;
        config.retries_max = 100;
    });
    for n in 1..=4 {
        let before = mischief.accepted.load(Ordering::SeqCst);
        mischief.freeze_commit.store(true, Ordering::SeqCst);
        let batch = opened.submit(buy(n));
        let deadline = Instant::now() + PATIENCE;
        while mischief.accepted.load(Ordering::SeqCst) < before + n as u32 {
            assert!(Instant::now() < deadline, "the store dials again");
            let told = opened.answers.recv_timeout(Duration::from_millis(5));
            assert!(told.is_err(), "nothing is told meanwhile: {told:?}");
        }
        mischief.is_frozen.store(false, Ordering::SeqCst);
        assert_eq!(opened.answer(), Answer::Durable { batch });
    }
    assert_kept_once(&database, opened, 4);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_database_that_stays_frozen_is_given_up_within_the_bound() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed_as(&database, |config| {
        config.silence_max = SILENCE;
        config.outage_max = Duration::from_secs(1);
        config.retries_max = u32::MAX;
    });
    mischief.is_frozen.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    opened.submit(buy(1));
    let failure = opened.answer();
    assert!(
        matches!(&failure, Answer::Failed(StoreError::Unavailable(why))
            if why.contains("no answer within 400 ms")),
        "{failure:?}"
    );
    assert!(begun.elapsed() >= Duration::from_secs(1), "it tried again");
    assert!(opened.answers.recv().is_err(), "nothing follows a failure");
    mischief.is_frozen.store(false, Ordering::SeqCst);
    let opened = database.open();
    assert_kept_once(&database, opened, 0);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_store_over_a_frozen_database_can_be_left() {
    let database = Database::postgres();
    let (mut opened, mischief) = relayed(&database, 10);
    mischief.is_frozen.store(true, Ordering::SeqCst);
    opened.submit(buy(1));
    assert!(!opened.store.close_within(Duration::from_millis(100)));
    mischief.is_frozen.store(false, Ordering::SeqCst);
}
