//! Who may write: one server a SQLite file, one owner a system, one process an owner.

use crate::backends::on_every_backend;
use crate::store_harness;

use orrery::store::{Answer, Batch, Cause, Claim, Purpose, StoreConfig, StoreError, audit};
use store_harness::*;

fn buy(request: &str) -> Batch {
    let who = player("p_1");
    Batch {
        transactions: vec![trade(Cause::Buy, &who, 1, 10, request)],
        outcomes: vec![outcome(&who, request, "{}")],
        ..Batch::default()
    }
}

/// The system's lease changes hands behind the writer's back.
fn a_writer_whose_lease_is_gone_keeps_nothing_and_is_told(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 100));
    database.tamper("UPDATE systems SET owner = 'there', fence = fence + 1");
    let system = name(SYSTEM);
    let batch = opened.submit(buy("r1"));
    assert_eq!(opened.answer(), Answer::LeaseLost { system });
    assert_eq!(opened.answer(), Answer::Durable { batch });
    assert_eq!(opened.outcome(&who, "r1"), None);
    assert_eq!(opened.load(&who).record, Some(pilot(&who, 5000, 0)));
    opened.store.close();
    assert!(audit(&database.url).unwrap().is_clean());
}

/// The fence alone decides, even where the owner's name still stands in the row.
fn an_older_fence_loses_to_a_newer_one(database: &Database) {
    let mut opened = database.open();
    opened.keep(first_batch(&player("p_1"), 100));
    database.tamper("UPDATE systems SET fence = fence + 1");
    opened.submit(buy("r1"));
    let system = name(SYSTEM);
    assert_eq!(opened.answer(), Answer::LeaseLost { system });
}

fn a_system_that_was_never_claimed_is_not_written(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 100));
    let system = name("vega-2");
    let mut elsewhere = outcome(&who, "r1", "{}");
    elsewhere.system = system.clone();
    opened.submit(Batch {
        outcomes: vec![elsewhere, outcome(&who, "r2", "{}")],
        ..Batch::default()
    });
    assert_eq!(opened.answer(), Answer::LeaseLost { system });
    assert!(matches!(opened.answer(), Answer::Durable { .. }));
    assert_eq!(opened.outcome(&who, "r1"), None);
    assert!(opened.outcome(&who, "r2").is_some());
}

on_every_backend!(
    a_writer_whose_lease_is_gone_keeps_nothing_and_is_told,
    an_older_fence_loses_to_a_newer_one,
    a_system_that_was_never_claimed_is_not_written,
);

#[test]
fn a_second_server_on_the_same_file_is_refused_by_name() {
    let database = Database::sqlite();
    let first = database.open();
    let Err(error) = StoreUnderTest::open(&database.config("there")) else {
        panic!("two servers serve one file");
    };
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("is being served already"), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    first.store.close();
    database.open();
}

#[test]
fn another_name_for_the_same_file_is_the_same_file() {
    let database = Database::sqlite();
    let first = database.open();
    let alias = database.path().with_file_name("alias.db");
    std::os::unix::fs::symlink(database.path(), &alias).unwrap();
    let mut config = database.config("there");
    config.database = alias.to_str().unwrap().to_owned();
    assert!(matches!(
        StoreUnderTest::open(&config),
        Err(StoreError::InUse(_))
    ));
    first.store.close();
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn two_servers_on_one_database_never_own_one_system() {
    let database = Database::postgres();
    let mut here = database.open();
    here.keep(first_batch(&player("p_1"), 100));
    let there = StoreUnderTest::open(&database.config("there")).unwrap();
    match there.store.claims() {
        [
            Claim::Elsewhere {
                system,
                owner,
                expires_in_ms,
            },
        ] => {
            assert_eq!((system, owner.as_str()), (&name(SYSTEM), "here"));
            assert!((1..=10_000).contains(expires_in_ms), "{expires_in_ms}");
        }
        other => panic!("{other:?}"),
    }
    take_over(&database, &there);
    let system = name(SYSTEM);
    here.submit(buy("r1"));
    assert_eq!(here.answer(), Answer::LeaseLost { system });
    assert!(matches!(here.answer(), Answer::Durable { .. }));
    assert_eq!(there.outcome(&player("p_1"), "r1"), None);
}

/// Lets the lease run out and claims it; again if the owner renewed it in between.
fn take_over(database: &Database, there: &StoreUnderTest) {
    for _ in 0..100 {
        database.tamper("UPDATE systems SET expires_ms = 0");
        there.store.claim(name(SYSTEM)).unwrap();
        if let Answer::Claimed(Claim::Held { fence, .. }) = there.answer() {
            assert_eq!(fence, 2);
            return;
        }
    }
    panic!("an expired lease could not be taken");
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn an_idle_loser_learns_it_too() {
    let database = Database::postgres();
    let here = database.open();
    let there = StoreUnderTest::open(&database.config("there")).unwrap();
    take_over(&database, &there);
    let system = name(SYSTEM);
    assert_eq!(here.answer(), Answer::LeaseLost { system });
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_closed_server_leaves_its_systems_to_the_next() {
    let database = Database::postgres();
    let here = database.open();
    here.store.close();
    let there = StoreUnderTest::open(&database.config("there")).unwrap();
    assert!(matches!(there.store.claims(), [Claim::Held { .. }]));
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn an_older_process_of_the_same_owner_stops() {
    let database = Database::postgres();
    let mut older = database.open();
    older.keep(first_batch(&player("p_1"), 100));
    let mut newer = database.open();
    assert!(matches!(newer.store.claims(), [Claim::Held { .. }]));
    newer.keep(buy("r1"));
    older.submit(buy("r2"));
    let owner = "here".to_owned();
    let superseded = Answer::Failed(StoreError::Superseded { owner });
    assert_eq!(older.answer(), superseded);
    assert_eq!(newer.outcome(&player("p_1"), "r2"), None);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_newcomer_is_taken_in_by_one_server_and_found_by_the_other_afterwards() {
    let database = Database::postgres();
    let who = player("p_1");
    let mut here = database.open();
    let there = StoreConfig::new(&database.url, "there", vec![name("far-1")]);
    let there = StoreUnderTest::open(&there).unwrap();
    assert!(!there.load(&who).is_elsewhere, "a login takes nobody in");
    assert!(!here.load_for(&who, Purpose::FirstJoin).is_elsewhere);
    assert!(!here.load_for(&who, Purpose::FirstJoin).is_elsewhere);
    let refused = there.load_for(&who, Purpose::FirstJoin);
    assert!(refused.is_elsewhere && refused.record.is_none());
    // A server that never kept the newcomer has the right for a while only.
    database.tamper("UPDATE newcomers SET expires_ms = 0");
    assert!(!there.load_for(&who, Purpose::FirstJoin).is_elsewhere);
    assert!(here.load_for(&who, Purpose::FirstJoin).is_elsewhere);
    database.tamper("UPDATE newcomers SET expires_ms = 0");
    assert!(!here.load_for(&who, Purpose::FirstJoin).is_elsewhere);
    here.keep(first_batch(&who, 100));
    for purpose in [Purpose::Login, Purpose::FirstJoin] {
        assert!(!here.load_for(&who, purpose).is_elsewhere);
        let found = there.load_for(&who, purpose);
        assert!(found.is_elsewhere && found.record.is_some());
    }
}
