//! Reads beside commits: a look-up, a login or a long history never holds up what the tick keeps,
//! and a read asked after something was told durable sees it.

use crate::backends::on_every_backend;
use crate::store_harness;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use orrery::limits::STORE_REQUEST_DIGESTS_MAX;
use orrery::store::{Answer, Batch, Cause, OutcomeQuestion, Purpose, Store};
use store_harness::*;

on_every_backend!(
    a_read_that_is_stuck_holds_up_no_commit,
    a_read_sees_all_that_was_told_durable,
    many_questions_are_answered_at_once_and_each_by_its_ticket,
    a_long_history_is_told_in_part_and_said_to_be_so,
);

/// The thread that reads is held inside of its answer; a batch becomes durable all the same.
fn a_read_that_is_stuck_holds_up_no_commit(database: &Database) {
    let (reached, is_reached) = channel();
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let (told, answers) = channel();
    let store = Store::open(&database.config("here"), move |answer| {
        if matches!(answer, Answer::Loaded { .. }) {
            let _ = reached.send(());
            let _ = held.lock().unwrap().recv();
        }
        // A test that has seen enough no longer listens.
        let _ = told.send(answer);
    });
    let store = store.unwrap();
    store.load(1, player("p_1"), Purpose::Login).unwrap();
    is_reached.recv_timeout(PATIENCE).unwrap();
    let batch = Batch {
        number: 1,
        ..first_batch(&player("p_1"), 10)
    };
    store.submit(batch).unwrap();
    let first = answers.recv_timeout(Duration::from_secs(10));
    drop(release);
    assert_eq!(first, Ok(Answer::Durable { batch: 1 }));
    store.close();
}

fn a_read_sees_all_that_was_told_durable(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 1_000));
    for held in 1..=50 {
        let id = format!("r{held}");
        opened.keep(Batch {
            transactions: vec![trade(Cause::Buy, &who, 1, 2, &id)],
            outcomes: vec![outcome(&who, &id, "{}")],
            checkpoints: vec![pilot(&who, 5000 - 2 * held, held)],
            ..Batch::default()
        });
        let kept = opened.load(&who).record;
        assert_eq!(kept, Some(pilot(&who, 5000 - 2 * held, held)));
        assert_eq!(opened.outcome(&who, &id), Some(outcome(&who, &id, "{}")));
        assert_eq!(opened.digests(&who).0.len(), held as usize);
    }
}

fn many_questions_are_answered_at_once_and_each_by_its_ticket(database: &Database) {
    let mut opened = database.open();
    let asker = |n: u64| player(&format!("p_{}", n % 7));
    let kept = (0..200).filter(|n| n % 3 == 0);
    opened.keep(Batch {
        outcomes: kept
            .map(|n| outcome(&asker(n), &format!("r{n}"), "{}"))
            .collect(),
        ..Batch::default()
    });
    let questions = (0..200).map(|n| OutcomeQuestion {
        ticket: 1_000 + n,
        player: asker(n),
        request_id: format!("r{n}").into(),
    });
    opened.store.outcomes(questions.collect()).unwrap();
    for n in 0..200 {
        let known = n % 3 == 0;
        let outcome = known.then(|| outcome(&asker(n), &format!("r{n}"), "{}"));
        let ticket = 1_000 + n;
        assert_eq!(opened.answer(), Answer::Outcome { ticket, outcome });
    }
}

fn a_long_history_is_told_in_part_and_said_to_be_so(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    for n in 0..=STORE_REQUEST_DIGESTS_MAX / 1_000 {
        let ids = (0..1_000).map(|m| outcome(&who, &format!("r{n}-{m}"), "{}"));
        opened.keep(Batch {
            outcomes: ids.collect(),
            ..Batch::default()
        });
    }
    let (digests, is_complete) = opened.digests(&who);
    assert_eq!(digests.len(), STORE_REQUEST_DIGESTS_MAX);
    assert!(!is_complete);
}

/// 20 accounts with 4,000 outcomes each, one pilot who trades.
fn populated(database: &Database) -> StoreUnderTest {
    let mut opened = database.open();
    opened.keep(first_batch(&player("trader"), 1_000_000));
    for account in 0..20 {
        let who = player(&format!("p_{account}"));
        let ids = (0..4_000).map(|n| outcome(&who, &format!("request-number-{n:08}"), "{}"));
        opened.keep(Batch {
            outcomes: ids.collect(),
            ..first_batch(&who, 1)
        });
    }
    opened
}

/// Prints how long a trade takes to be durable, alone and beside logins as fast as they are taken.
fn measure(database: &Database) {
    let mut opened = populated(database);
    let mut held = 0;
    for load_per_trade in [0, 2, 60] {
        let mut took = Vec::new();
        let mut loads = 0_u64;
        for _ in 0..200 {
            let due = Instant::now() + Duration::from_millis(33);
            for _ in 0..load_per_trade {
                let who = player(&format!("p_{}", loads % 20));
                if opened.store.load(loads, who, Purpose::Login).is_ok() {
                    loads += 1;
                }
            }
            held += 1;
            let begun = Instant::now();
            let number = opened.submit(Batch {
                transactions: vec![trade(
                    Cause::Buy,
                    &player("trader"),
                    1,
                    1,
                    &format!("t{held}"),
                )],
                outcomes: vec![outcome(&player("trader"), &format!("t{held}"), "{}")],
                checkpoints: vec![pilot(&player("trader"), 5000 - held, held)],
                ..Batch::default()
            });
            while opened.answer() != (Answer::Durable { batch: number }) {}
            took.push(begun.elapsed());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        took.sort_unstable();
        println!(
            "{load_per_trade} logins a tick ({loads} taken): durable after p50 {:?} p99 {:?}",
            took[took.len() / 2],
            took[took.len() * 99 / 100]
        );
    }
}

#[test]
#[ignore = "a measurement: 20 s, prints"]
fn what_logins_cost_a_trade_on_sqlite() {
    measure(&Database::sqlite());
}

#[test]
#[ignore = "a measurement: 20 s, prints"]
fn what_logins_cost_a_trade_on_postgres() {
    let database = Database::postgres();
    measure(&database);
}
