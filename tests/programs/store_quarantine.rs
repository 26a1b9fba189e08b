//! One player's record does not stop the others: what the store refuses of one is left out, said, and
//! booked so that stations stay what the world made them; what is no single player's is fatal.

use crate::backends::on_every_backend;
use crate::store_harness;

use orrery::ids::PlayerId;
use orrery::store::{
    Answer, Batch, Cargo, Cause, PilotRecord, Place, StoreError, StoredOutcome, Transaction, audit,
};
use store_harness::*;

on_every_backend!(
    a_second_outcome_puts_its_player_in_quarantine_and_nobody_else,
    whatever_is_refused_of_one_player_stops_nobody,
    a_quarantine_lasts_until_the_store_is_opened_anew,
    what_a_station_moved_is_booked_without_the_pilot,
    several_players_are_left_out_of_one_commit,
    what_cannot_be_booked_without_the_pilot_is_fatal,
    a_record_that_cannot_be_read_is_its_players_trouble,
);

/// The pilot who is meant, and one who trades on.
fn two(database: &Database) -> (StoreUnderTest, PlayerId, PlayerId) {
    let (bad, good) = (player("bad"), player("good"));
    let mut opened = database.open();
    opened.keep(Batch {
        transactions: vec![production(100), grant(&bad, 5000), grant(&good, 5000)],
        checkpoints: vec![pilot(&bad, 5000, 0), pilot(&good, 5000, 0)],
        ..Batch::default()
    });
    (opened, bad, good)
}

/// The n-th purchase of one unit at 10, with outcome and checkpoint.
fn buy(who: &PlayerId, n: i64) -> Batch {
    let id = format!("r{n}");
    Batch {
        transactions: vec![trade(Cause::Buy, who, 1, 10, &id)],
        outcomes: vec![outcome(who, &id, "{}")],
        checkpoints: vec![pilot(who, 5000 - 10 * n, n)],
        ..Batch::default()
    }
}

fn together(mut one: Batch, other: Batch) -> Batch {
    one.transactions.extend(other.transactions);
    one.outcomes.extend(other.outcomes);
    one.checkpoints.extend(other.checkpoints);
    one
}

fn assert_clean(database: &Database) {
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    let sums = "SELECT COUNT(*) FROM (SELECT asset FROM balances GROUP BY asset \
         HAVING SUM(balance) <> 0) AS crooked";
    assert_eq!(database.count(sums), 0, "nothing comes from nowhere");
}

fn a_second_outcome_puts_its_player_in_quarantine_and_nobody_else(database: &Database) {
    let (mut opened, bad, good) = two(database);
    opened.keep(buy(&bad, 1));
    let mut twice = buy(&bad, 2);
    twice.outcomes = vec![outcome(&bad, "r1", "{}")];
    let reason = opened.quarantine(&bad, together(twice, buy(&good, 1)));
    assert!(reason.contains("a second outcome"), "{reason}");
    assert_eq!(opened.load(&bad).record, Some(pilot(&bad, 4990, 1)));
    assert_eq!(opened.load(&good).record, Some(pilot(&good, 4990, 1)));
    assert!(opened.outcome(&good, "r1").is_some());
    // The world sold three.
    assert_eq!(opened.stocks()[0].quantity, 97);
    opened.store.close();
    assert_clean(database);
}

fn checkpoint(record: PilotRecord) -> Batch {
    Batch {
        checkpoints: vec![record],
        ..Batch::default()
    }
}

fn posting(transaction: Transaction) -> Batch {
    Batch {
        transactions: vec![transaction],
        ..Batch::default()
    }
}

fn kept(outcome: StoredOutcome) -> Batch {
    Batch {
        outcomes: vec![outcome],
        ..Batch::default()
    }
}

/// What the store refuses of a player who has 5000 credits and nothing else, and what it says.
fn refused(who: &PlayerId) -> [(&'static str, Batch); 11] {
    let mut lost_in_space = pilot(who, 5000, 0);
    lost_in_space.place = Place::Space {
        x: f32::NAN,
        y: 0.0,
        vx: 0.0,
        vy: 0.0,
        rotation: 0.0,
    };
    let mut twice_in_the_hold = pilot(who, 5000, 0);
    let nothing = Cargo {
        commodity: name("food"),
        quantity: 0,
    };
    twice_in_the_hold.cargo = vec![nothing.clone(), nothing];
    let granted_twice = Batch {
        transactions: vec![grant(who, 5000)],
        ..checkpoint(pilot(who, 10_000, 0))
    };
    let mut crooked = trade(Cause::Buy, who, 2, 10, "r1");
    crooked.total = 21;
    let long = StoredOutcome {
        request_id: "x".repeat(65).into(),
        ..outcome(who, "r", "{}")
    };
    [
        ("the server says 5001", checkpoint(pilot(who, 5001, 0))),
        ("the server says 1", checkpoint(pilot(who, 5000, 1))),
        ("NaN", checkpoint(lost_in_space)),
        ("twice in the hold", checkpoint(twice_in_the_hold)),
        (
            "would have -10 of $",
            posting(trade(Cause::Buy, who, 10, 501, "r1")),
        ),
        (
            "would have -1 of food",
            posting(trade(Cause::Sell, who, 1, 9, "r1")),
        ),
        ("a second starting grant", granted_twice),
        ("without a checkpoint", posting(grant(who, 5000))),
        ("of 2 at 10 for 21", posting(crooked)),
        ("of 65 bytes", kept(long)),
        ("of 2 bytes", kept(outcome(who, "r2", "a\0"))),
    ]
}

/// Each with a trade of the other player in the same batch, which is kept.
fn whatever_is_refused_of_one_player_stops_nobody(database: &Database) {
    let (mut opened, bad, good) = two(database);
    for (n, (reason, batch)) in (1..).zip(refused(&bad)) {
        let said = opened.quarantine(&bad, together(batch, buy(&good, n)));
        assert!(said.contains(reason), "{reason}: {said}");
        assert_eq!(
            opened.load(&bad).record,
            Some(pilot(&bad, 5000, 0)),
            "{said}"
        );
        assert_eq!(
            opened.load(&good).record,
            Some(pilot(&good, 5000 - 10 * n, n))
        );
        opened.store.close();
        assert_clean(database);
        opened = database.open();
        opened.number_from(1_000 * n as u64);
    }
}

fn a_quarantine_lasts_until_the_store_is_opened_anew(database: &Database) {
    let (mut opened, bad, good) = two(database);
    opened.keep(buy(&bad, 1));
    let wrong = Batch {
        checkpoints: vec![pilot(&bad, 1, 0)],
        ..Batch::default()
    };
    opened.quarantine(&bad, wrong);
    // Told once; nothing of the player is kept any more, be it right or wrong.
    opened.keep(together(buy(&bad, 2), buy(&good, 1)));
    assert_eq!(opened.load(&bad).record, Some(pilot(&bad, 4990, 1)));
    assert_eq!(opened.outcome(&bad, "r2"), None);
    assert_eq!(opened.stocks()[0].quantity, 97);
    opened.store.close();
    let mut opened = database.open();
    opened.number_from(100);
    opened.keep(buy(&bad, 2));
    assert_eq!(opened.load(&bad).record, Some(pilot(&bad, 4980, 2)));
    opened.store.close();
    assert_clean(database);
}

fn what_a_station_moved_is_booked_without_the_pilot(database: &Database) {
    let (mut opened, bad, good) = two(database);
    opened.keep(buy(&good, 1));
    let impossible = Batch {
        transactions: vec![
            trade(Cause::Buy, &bad, 10, 11, "a"),
            trade(Cause::Sell, &bad, 12, 9, "b"),
        ],
        outcomes: vec![outcome(&bad, "a", "{}"), outcome(&bad, "b", "{}")],
        ..Batch::default()
    };
    opened.quarantine(&bad, impossible);
    assert_eq!(opened.stocks()[0].quantity, 99 - 10 + 12);
    let balance = |account: &str, asset: &str| {
        database.count(&format!(
            "SELECT balance FROM balances WHERE account = '{account}' AND asset = '{asset}'"
        ))
    };
    let till = balance("station:sol-1/earth-orbit-station", "$");
    assert_eq!(till, 10 + 110 - 108);
    assert_eq!(balance("flow:sol-1/quarantine", "$"), 108 - 110);
    assert_eq!(balance("flow:sol-1/quarantine", "food"), 10 - 12);
    let named = "SELECT COUNT(*) FROM ledger WHERE player = 'bad' AND cause LIKE 'quarantined_%'";
    assert_eq!(database.count(named), 4, "an operator sees whose it is");
    // Others go on trading what the station has.
    opened.keep(Batch {
        transactions: vec![trade(Cause::Buy, &good, 101, 1, "all")],
        outcomes: vec![outcome(&good, "all", "{}")],
        checkpoints: vec![pilot(&good, 4889, 102)],
        ..Batch::default()
    });
    opened.store.close();
    assert_clean(database);
}

fn several_players_are_left_out_of_one_commit(database: &Database) {
    let (mut opened, bad, good) = two(database);
    let worse = player("worse");
    opened.keep(Batch {
        transactions: vec![grant(&worse, 5000)],
        checkpoints: vec![pilot(&worse, 5000, 0)],
        ..Batch::default()
    });
    let batch = Batch {
        checkpoints: vec![pilot(&bad, 1, 0), pilot(&worse, 2, 0)],
        ..buy(&good, 1)
    };
    let mut batch = batch;
    batch.checkpoints.push(pilot(&good, 4990, 1));
    let number = opened.submit(batch);
    let mut out = Vec::new();
    loop {
        match opened.answer() {
            Answer::Quarantined { player, .. } => out.push(player),
            Answer::Durable { batch } => {
                assert_eq!(batch, number);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(out, [bad, worse]);
    assert_eq!(opened.load(&good).record, Some(pilot(&good, 4990, 1)));
}

/// The station's stock is not the world's, or what the world moved cannot be told.
fn what_cannot_be_booked_without_the_pilot_is_fatal(database: &Database) {
    let who = player("bad");
    let mut placeless = trade(Cause::Buy, &who, 1, 1, "r");
    placeless.station = None;
    let cases = [
        trade(Cause::Buy, &who, 101, 1, "r"),
        trade(Cause::Buy, &who, -1, 1, "r"),
        placeless,
    ];
    let (opened, ..) = two(database);
    opened.store.close();
    for (n, transaction) in (1..).zip(cases) {
        let mut opened = database.open();
        opened.number_from(1_000 * n);
        let failure = opened.fail(Batch {
            transactions: vec![transaction],
            ..Batch::default()
        });
        assert!(
            matches!(
                failure,
                Answer::Failed(StoreError::Overdraft { .. } | StoreError::Malformed(_))
            ),
            "{failure:?}"
        );
        opened.store.close();
    }
    assert_eq!(database.open().stocks()[0].quantity, 100);
    assert_clean(database);
}

fn a_record_that_cannot_be_read_is_its_players_trouble(database: &Database) {
    let (mut opened, bad, good) = two(database);
    opened.keep(buy(&bad, 1));
    opened.keep(buy(&good, 1));
    database.tamper("UPDATE pilots SET hull = 9000000000 WHERE player = 'bad'");
    database.tamper("UPDATE outcomes SET system_name = 'no name' WHERE player = 'bad'");
    let is_quarantined = |answer| match answer {
        Answer::Quarantined { player, reason } => {
            player == bad && reason.contains("what no server wrote")
        }
        _ => false,
    };
    opened
        .store
        .load(1, bad.clone(), orrery::store::Purpose::Login)
        .unwrap();
    assert!(is_quarantined(opened.answer()));
    let question = |ticket, who: &PlayerId| orrery::store::OutcomeQuestion {
        ticket,
        player: who.clone(),
        request_id: "r1".into(),
    };
    opened
        .store
        .outcomes(vec![question(1, &bad), question(2, &good)])
        .unwrap();
    assert!(is_quarantined(opened.answer()));
    let outcome = Some(outcome(&good, "r1", "{}"));
    assert_eq!(opened.answer(), Answer::Outcome { ticket: 2, outcome });
    assert_eq!(opened.load(&good).record, Some(pilot(&good, 4990, 1)));
    opened.keep(buy(&good, 2));
}
