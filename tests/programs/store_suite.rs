//! What every back-end must do, run on each through one macro.

use crate::backends::on_every_backend;
use crate::store_harness;

use orrery::store::{Answer, Batch, Cause, Home, Place, StoreConfig, StoreError, request_digest};
use store_harness::*;

on_every_backend!(
    a_new_pilot_is_unknown_and_a_kept_one_is_found_after_a_restart,
    a_trade_moves_money_and_goods_and_is_durable,
    an_outcome_is_found_after_a_restart_and_so_is_its_digest,
    goods_of_another_universe_stay_the_pilots,
    a_station_sells_only_what_it_stocks,
    a_batch_is_kept_whole_or_not_at_all,
    queued_batches_are_all_durable_in_order,
    every_cause_moves_between_its_accounts,
);

fn a_new_pilot_is_unknown_and_a_kept_one_is_found_after_a_restart(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    let unknown = opened.load(&who);
    assert_eq!(unknown.record, None);
    assert_eq!(opened.digests(&who), (Vec::new(), true));
    opened.keep(first_batch(&who, 10));
    let mut kept = pilot(&who, 5000, 0);
    kept.place = Place::Space {
        x: 1.5,
        y: -2.25,
        vx: 3.0,
        vy: 0.125,
        rotation: 1.57,
    };
    kept.home = Some(Home {
        system: name("sol-1"),
        station: name("mars-orbit-station"),
    });
    kept.hull = 37;
    kept.fuel = 12.5;
    let checkpoint = Batch {
        checkpoints: vec![kept.clone()],
        ..Batch::default()
    };
    opened.keep(checkpoint);
    assert_eq!(opened.load(&who).record.as_ref(), Some(&kept));
    opened.store.close();
    assert_eq!(database.open().load(&who).record, Some(kept));
}

fn a_trade_moves_money_and_goods_and_is_durable(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 100));
    let buy = Batch {
        transactions: vec![trade(Cause::Buy, &who, 10, 11, "r1")],
        outcomes: vec![outcome(&who, "r1", "{}")],
        checkpoints: vec![pilot(&who, 4890, 10)],
        ..Batch::default()
    };
    opened.keep(buy);
    opened.store.close();
    let opened = database.open();
    assert_eq!(opened.load(&who).record, Some(pilot(&who, 4890, 10)));
    let stocks = opened.stocks();
    assert_eq!(stocks.len(), 1);
    assert_eq!(stocks[0].station, name(STATION));
    assert_eq!(stocks[0].commodity, name("food"));
    assert_eq!(stocks[0].quantity, 90);
}

fn an_outcome_is_found_after_a_restart_and_so_is_its_digest(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 10));
    // A request id is any text, even one that PostgreSQL's own text type cannot hold.
    let strange = "a\0\u{1F680} 'b";
    let rejected = outcome(&who, strange, r#"{"code":"NOT_DOCKED"}"#);
    let kept = Batch {
        outcomes: vec![rejected.clone()],
        ..Batch::default()
    };
    opened.keep(kept);
    opened.store.close();
    let opened = database.open();
    assert_eq!(opened.outcome(&who, strange), Some(rejected));
    assert_eq!(opened.outcome(&who, "other"), None);
    assert_eq!(opened.outcome(&player("p_2"), strange), None);
    assert_eq!(opened.digests(&who), (vec![request_digest(strange)], true));
}

fn goods_of_another_universe_stay_the_pilots(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 10));
    let bought = Batch {
        transactions: vec![trade(Cause::Buy, &who, 3, 10, "r")],
        checkpoints: vec![pilot(&who, 4970, 3)],
        ..Batch::default()
    };
    opened.keep(bought);
    opened.store.close();

    let without_food = StoreConfig {
        commodities: vec![name("ore")],
        ..database.config("here")
    };
    let mut opened = StoreUnderTest::open(&without_food).unwrap();
    let seen = |credits| Batch {
        checkpoints: vec![pilot(&who, credits, 0)],
        ..Batch::default()
    };
    opened.keep(seen(4970));
    let reason = opened.quarantine(&who, seen(4971));
    assert!(reason.contains("the server says 4971"), "{reason}");
    opened.store.close();
    let kept = database.open().load(&who).record;
    assert_eq!(kept, Some(pilot(&who, 4970, 3)));
}

fn a_station_sells_only_what_it_stocks(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 10));
    let batch = Batch {
        transactions: vec![trade(Cause::Buy, &who, 11, 1, "r1")],
        ..Batch::default()
    };
    let failure = opened.fail(batch);
    assert!(
        matches!(failure, Answer::Failed(StoreError::Overdraft { .. })),
        "{failure:?}"
    );
}

/// What is no single player's: production that is none.
fn a_batch_is_kept_whole_or_not_at_all(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 100));
    let half_good = Batch {
        transactions: vec![trade(Cause::Buy, &who, 10, 11, "r1"), production(-1)],
        outcomes: vec![outcome(&who, "r1", "{}")],
        checkpoints: vec![pilot(&who, 4890, 10)],
        ..Batch::default()
    };
    let failure = opened.fail(half_good);
    assert!(
        matches!(failure, Answer::Failed(StoreError::Malformed(_))),
        "{failure:?}"
    );
    opened.store.close();
    let opened = database.open();
    assert_eq!(opened.load(&who).record, Some(pilot(&who, 5000, 0)));
    assert_eq!(opened.outcome(&who, "r1"), None);
    assert_eq!(opened.stocks()[0].quantity, 100);
}

fn queued_batches_are_all_durable_in_order(database: &Database) {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 1000));
    let mut last = 0;
    for held in 1..=100 {
        last = opened.submit(Batch {
            transactions: vec![trade(Cause::Buy, &who, 1, 2, &format!("r{held}"))],
            checkpoints: vec![pilot(&who, 5000 - 2 * held, held)],
            ..Batch::default()
        });
    }
    let mut durable = 1;
    while durable < last {
        match opened.answer() {
            Answer::Durable { batch } => {
                assert!(batch > durable, "{batch} after {durable}");
                durable = batch;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opened.load(&who).record, Some(pilot(&who, 4800, 100)));
}

fn every_cause_moves_between_its_accounts(database: &Database) {
    let who = player("p_1");
    let by = |mut it: orrery::store::Transaction| {
        it.player = Some(who.clone());
        it
    };
    let food = |mut it: orrery::store::Transaction| {
        it.commodity = Some(name("food"));
        it
    };
    let at = |mut it: orrery::store::Transaction| {
        it.station = Some(name(STATION));
        it
    };
    let mut opened = database.open();
    opened.keep(first_batch(&who, 100));
    let everything = Batch {
        transactions: vec![
            trade(Cause::Buy, &who, 20, 10, "r1"),
            trade(Cause::Sell, &who, 5, 9, "r2"),
            at(food(by(transaction(Cause::Refuel, 4, 3, 12)))),
            at(by(transaction(Cause::Repair, 7, 2, 14))),
            by(transaction(Cause::Bounty, 0, 0, 250)),
            food(by(transaction(Cause::FuelBurned, 2, 0, 0))),
            food(by(transaction(Cause::CargoLost, 3, 0, 0))),
            at(food(transaction(Cause::Consumption, 1, 0, 0))),
            at(food(transaction(Cause::Production, 6, 0, 0))),
            at(food(by(transaction(Cause::QuarantinedBuy, 8, 3, 24)))),
            at(food(by(transaction(Cause::QuarantinedSell, 5, 2, 10)))),
            at(food(by(transaction(Cause::QuarantinedRefuel, 2, 3, 6)))),
        ],
        checkpoints: vec![pilot(&who, 5000 - 200 + 45 - 12 - 14 + 250, 20 - 5 - 2 - 3)],
        ..Batch::default()
    };
    opened.keep(everything);
    assert_eq!(
        opened.stocks()[0].quantity,
        100 - 20 + 5 - 4 - 1 + 6 - 8 + 5 - 2
    );
    let balance = |account: &str, asset: &str| {
        database.count(&format!(
            "SELECT balance FROM balances WHERE account = '{account}' AND asset = '{asset}'"
        ))
    };
    assert_eq!(balance("flow:sol-1/grant", "$"), -5000);
    assert_eq!(balance("flow:sol-1/bounty", "$"), -250);
    assert_eq!(balance("flow:sol-1/repair", "$"), 14);
    assert_eq!(balance("flow:sol-1/fuel_burned", "food"), 6);
    assert_eq!(balance("flow:sol-1/cargo_lost", "food"), 3);
    assert_eq!(balance("flow:sol-1/consumption", "food"), 1);
    assert_eq!(balance("flow:sol-1/production", "food"), -106);
    assert_eq!(
        balance("station:sol-1/earth-orbit-station", "$"),
        200 - 45 + 12 + 24 - 10 + 6
    );
    assert_eq!(balance("flow:sol-1/quarantine", "$"), -24 + 10 - 6);
    assert_eq!(balance("flow:sol-1/quarantine", "food"), 8 - 5 + 2);
    let sums = "SELECT COUNT(*) FROM (SELECT asset FROM balances GROUP BY asset \
         HAVING SUM(balance) <> 0) AS crooked";
    assert_eq!(database.count(sums), 0, "nothing comes from nowhere");
}
