//! What is forgotten after a while, and what never is before: outcomes by their age, guests who never
//! docked. Sums stay, and the audit tells the forgotten from the missing.

use crate::backends::on_every_backend;
use crate::store_harness;

use std::time::Duration;

use orrery::ids::{PlayerId, UnixMillis};
use orrery::limits::{
    FORGET_OUTCOMES_MAX, GUEST_KEPT_MS, OUTCOME_KEPT_MS, PLAYER_OUTCOMES_MAX,
    READER_COUNT_FULL_AGE_MAX,
};
use orrery::store::{Answer, Batch, Cause, Place, StoreConfig, audit};
use store_harness::*;

on_every_backend!(
    an_outcome_is_kept_for_eight_days_and_forgotten_after,
    a_request_may_be_used_again_once_it_is_forgotten_and_not_before,
    many_outcomes_are_forgotten_in_bounded_steps,
    a_guest_who_never_docked_is_forgotten_and_the_sums_stay,
    whoever_docked_traded_or_came_back_is_not_forgotten,
    a_forgotten_guest_may_come_again,
);

const START: u64 = 1_700_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Keeps a batch at a time of its own.
fn keep_at(opened: &mut StoreUnderTest, unix: u64, batch: Batch) {
    let number = opened.submit_at(UnixMillis(unix), batch);
    assert_eq!(opened.answer(), Answer::Durable { batch: number });
}

fn buy(who: &PlayerId, n: i64, id: &str) -> Batch {
    Batch {
        transactions: vec![trade(Cause::Buy, who, 1, 10, id)],
        outcomes: vec![outcome(who, id, "{}")],
        checkpoints: vec![pilot(who, 5000 - 10 * n, n)],
        ..Batch::default()
    }
}

fn outcomes(database: &Database) -> i64 {
    database.count("SELECT COUNT(*) FROM outcomes")
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn assert_clean(database: &Database) {
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    let sums = "SELECT COUNT(*) FROM (SELECT asset FROM balances GROUP BY asset \
         HAVING SUM(balance) <> 0) AS crooked";
    assert_eq!(database.count(sums), 0, "nothing comes from nowhere");
}

fn an_outcome_is_kept_for_eight_days_and_forgotten_after(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    keep_at(&mut opened, START, first_batch(&who, 100));
    keep_at(&mut opened, START, buy(&who, 1, "old"));
    keep_at(&mut opened, START + DAY, buy(&who, 2, "young"));
    keep_at(&mut opened, START + OUTCOME_KEPT_MS, Batch::default());
    // Its step is over when the next request is served.
    opened.stocks();
    assert_eq!(outcomes(database), 2);
    keep_at(
        &mut opened,
        START + OUTCOME_KEPT_MS + 2_000,
        Batch::default(),
    );
    until("the old one is gone", || outcomes(database) == 1);
    assert_eq!(opened.outcome(&who, "old"), None);
    assert!(opened.outcome(&who, "young").is_some());
    opened.store.close();
    assert_clean(database);
    // An outcome that is missing before its time is still found.
    database.tamper("DELETE FROM outcomes");
    let report = audit(&database.url).unwrap();
    let expected = "request p_1 young: not one transaction with one outcome";
    assert_eq!(report.findings, [expected]);
}

fn a_request_may_be_used_again_once_it_is_forgotten_and_not_before(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    keep_at(&mut opened, START, first_batch(&who, 100));
    keep_at(&mut opened, START, buy(&who, 1, "r"));
    keep_at(&mut opened, START + OUTCOME_KEPT_MS + 1, Batch::default());
    until("it is gone", || outcomes(database) == 0);
    keep_at(&mut opened, START + OUTCOME_KEPT_MS + 2, buy(&who, 2, "r"));
    opened.store.close();
    assert_clean(database);
    // The same a day after the first would have been one request carried out twice.
    database.tamper(&format!(
        "UPDATE ledger SET unix_ms = {} WHERE request_id IS NOT NULL AND unix_ms > {START}",
        START + DAY
    ));
    let report = audit(&database.url).unwrap();
    let expected = "request p_1 r: not one transaction with one outcome";
    assert!(report.findings.iter().any(|it| it == expected), "{report}");
}

fn many_outcomes_are_forgotten_in_bounded_steps(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    let count = 3 * FORGET_OUTCOMES_MAX;
    let ids = (0..count).map(|n| outcome(&who, &format!("r{n}"), "{}"));
    keep_at(
        &mut opened,
        START,
        Batch {
            outcomes: ids.collect(),
            ..Batch::default()
        },
    );
    let later = START + OUTCOME_KEPT_MS + 1;
    let mut before = count;
    while before > 0 {
        keep_at(&mut opened, later, Batch::default());
        opened.stocks();
        let now = outcomes(database);
        // A step after the commit and one after the question.
        assert!(before - now <= 2 * FORGET_OUTCOMES_MAX, "{before} {now}");
        before = now;
    }
}

fn guest(n: u32) -> PlayerId {
    player(&format!("guest-{n:024x}"))
}

/// A guest as one logs in: granted, kept, at the spawn.
fn arrival(who: &PlayerId) -> Batch {
    let mut record = pilot(who, 5000, 0);
    record.place = Place::Space {
        x: 1.0,
        y: 2.0,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    };
    Batch {
        transactions: vec![grant(who, 5000)],
        checkpoints: vec![record],
        ..Batch::default()
    }
}

fn watchful(database: &Database) -> StoreUnderTest {
    let config = StoreConfig {
        guests_period: Duration::from_millis(1),
        ..database.config("here")
    };
    StoreUnderTest::open(&config).unwrap()
}

/// The next guests to forget.
fn stale(opened: &StoreUnderTest) -> Vec<PlayerId> {
    match opened.answer() {
        Answer::StaleGuests { players } => players,
        other => panic!("expected guests, got {other:?}"),
    }
}

/// Forgets guests; the answers about others who may be forgotten are passed over.
fn forget_at(opened: &mut StoreUnderTest, unix: u64, forgotten: Vec<PlayerId>) {
    let batch = Batch {
        forgotten,
        ..Batch::default()
    };
    let number = opened.submit_at(UnixMillis(unix), batch);
    while opened.answer() != (Answer::Durable { batch: number }) {}
}

fn is_kept(database: &Database, who: &PlayerId) -> bool {
    database.count(&format!(
        "SELECT COUNT(*) FROM pilots WHERE player = '{who}'"
    )) == 1
}

fn a_guest_who_never_docked_is_forgotten_and_the_sums_stay(database: &Database) {
    let mut opened = watchful(database);
    keep_at(&mut opened, START, arrival(&guest(1)));
    keep_at(&mut opened, START + DAY, arrival(&guest(2)));
    keep_at(&mut opened, START, arrival(&player("guest-with-a-name")));
    let later = START + GUEST_KEPT_MS + 1;
    let number = opened.submit_at(UnixMillis(later), Batch::default());
    assert_eq!(opened.answer(), Answer::Durable { batch: number });
    assert_eq!(
        stale(&opened),
        [guest(1)],
        "the second was seen a day later"
    );
    forget_at(&mut opened, later, vec![guest(1), guest(2), guest(3)]);
    assert!(!is_kept(database, &guest(1)));
    assert!(is_kept(database, &guest(2)));
    opened.store.close();
    let accounts = format!(
        "SELECT COUNT(*) FROM balances WHERE account = 'pilot:{}'",
        guest(1)
    );
    assert_eq!(database.count(&accounts), 0);
    let returned = "SELECT COUNT(*) FROM ledger WHERE cause = 'grant_returned'";
    assert_eq!(database.count(returned), 1);
    assert_clean(database);
}

fn whoever_docked_traded_or_came_back_is_not_forgotten(database: &Database) {
    let mut opened = database.open();
    let who: Vec<PlayerId> = (0..4).map(guest).collect();
    keep_at(
        &mut opened,
        START,
        Batch {
            transactions: vec![production(10)],
            ..Batch::default()
        },
    );
    for who in &who {
        keep_at(&mut opened, START, arrival(who));
    }
    let docked = Batch {
        checkpoints: vec![pilot(&who[0], 5000, 0)],
        ..Batch::default()
    };
    keep_at(&mut opened, START, docked);
    let mut flown_on = arrival(&who[1]);
    flown_on.transactions.clear();
    flown_on.checkpoints[0].home = Some(orrery::store::Home {
        system: name(SYSTEM),
        station: name(STATION),
    });
    keep_at(&mut opened, START, flown_on);
    let mut traded = buy(&who[2], 1, "r");
    traded.checkpoints[0].place = arrival(&who[2]).checkpoints[0].place.clone();
    keep_at(&mut opened, START, traded);
    let later = START + GUEST_KEPT_MS + 1;
    keep_at(&mut opened, later, Batch::default());
    // The fourth is in the very batch that would forget it.
    let mut back = arrival(&who[3]);
    back.transactions.clear();
    back.forgotten.clone_from(&who);
    keep_at(&mut opened, later, back);
    for who in &who {
        assert!(is_kept(database, who), "{who}");
    }
    opened.store.close();
    assert_clean(database);
}

fn a_forgotten_guest_may_come_again(database: &Database) {
    let mut opened = database.open();
    let later = START + GUEST_KEPT_MS + 1;
    keep_at(&mut opened, START, arrival(&guest(1)));
    forget_at(&mut opened, later, vec![guest(1)]);
    assert_eq!(opened.load(&guest(1)).record, None);
    keep_at(&mut opened, later + 1, arrival(&guest(1)));
    assert!(opened.load(&guest(1)).record.is_some());
    opened.store.close();
    assert_clean(database);
}

/// The bound's arithmetic alone takes a quarter of a million outcomes.
#[test]
fn a_player_with_as_many_outcomes_as_are_kept_is_told_so_until_some_are_forgotten() {
    let database = Database::sqlite();
    let who = player("p_1");
    let mut opened = database.open();
    keep_at(&mut opened, START, first_batch(&who, 10));
    database.tamper(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {PLAYER_OUTCOMES_MAX}) \
         INSERT INTO outcomes (player, request_id, system_name, body_digest, reply, unix_ms) \
         SELECT 'p_1', CAST('r' || n AS BLOB), 'sol-1', 1, '{{}}', {START} FROM n"
    ));
    let ask = |ticket, id: &str| {
        let question = orrery::store::OutcomeQuestion {
            ticket,
            player: who.clone(),
            request_id: id.into(),
        };
        opened.store.outcomes(vec![question]).unwrap();
        opened.answer()
    };
    assert_eq!(ask(1, "new"), Answer::OutcomesFull { ticket: 1 });
    let known = ask(2, "r7");
    assert!(
        matches!(
            known,
            Answer::Outcome {
                ticket: 2,
                outcome: Some(_)
            }
        ),
        "{known:?}"
    );
    database.tamper("DELETE FROM outcomes WHERE request_id = CAST('r7' AS BLOB)");
    let mut last = ask(3, "new");
    for ticket in 0..=READER_COUNT_FULL_AGE_MAX {
        last = ask(ticket, "new");
    }
    assert!(
        matches!(last, Answer::Outcome { outcome: None, .. }),
        "{last:?}"
    );
}
