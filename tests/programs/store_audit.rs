//! What the audit sees, what a backup holds, and how old files are brought up to date.

use crate::backends::on_every_backend;
use crate::store_harness;

use orrery::store::{
    Batch, Cause, ChainHeads, SCHEMA_VERSION, StoreError, audit, audit_since, backup,
};
use store_harness::*;

/// A pilot, and ten trades in as many batches.
fn traded(database: &Database) -> StoreUnderTest {
    let who = player("p_1");
    let mut opened = database.open();
    opened.keep(first_batch(&who, 1000));
    for n in 1..=10 {
        let request = format!("r{n}");
        opened.keep(Batch {
            transactions: vec![trade(Cause::Buy, &who, 1, 10, &request)],
            outcomes: vec![outcome(&who, &request, "{}")],
            checkpoints: vec![pilot(&who, 5000 - 10 * n, n)],
            ..Batch::default()
        });
    }
    opened
}

fn an_honest_ledger_is_clean_even_while_it_is_served(database: &Database) {
    let opened = traded(database);
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.systems_count, report.pilots_count), (1, 1));
    assert_eq!((report.transactions_count, report.rows_count), (12, 22));
    assert_eq!((report.outcomes_count, report.wallet_credits), (10, 4900));
    let table = report.to_string();
    assert!(
        table.lines().any(|line| {
            line.split_whitespace().collect::<Vec<_>>() == ["ledger", "rows", "22"]
        }),
        "{table}"
    );
    opened.store.close();
}

/// Each way to cook the books, and what the audit says of it.
fn every_kind_of_tampering_shows(database: &Database) {
    traded(database).store.close();
    let cases = [
        (
            "UPDATE ledger SET amount = amount + 1 WHERE row_id = 5",
            "UPDATE ledger SET amount = amount - 1 WHERE row_id = 5",
            "sol-1 row 5: the hash is not that of its contents",
        ),
        (
            "UPDATE ledger SET row_id = 100 WHERE row_id = 9; \
             UPDATE ledger SET row_id = 9 WHERE row_id = 11; \
             UPDATE ledger SET row_id = 11 WHERE row_id = 100",
            "UPDATE ledger SET row_id = 100 WHERE row_id = 9; \
             UPDATE ledger SET row_id = 9 WHERE row_id = 11; \
             UPDATE ledger SET row_id = 11 WHERE row_id = 100",
            "sol-1 row 9: the hash is not that of its contents",
        ),
        (
            "UPDATE ledger SET row_id = 100 WHERE row_id = 7",
            "UPDATE ledger SET row_id = 7 WHERE row_id = 100",
            "sol-1 row 7: missing",
        ),
        (
            "UPDATE ledger SET row_id = 100, system_name = 'x' WHERE row_id = 22",
            "UPDATE ledger SET row_id = 22, system_name = 'sol-1' WHERE row_id = 100",
            "sol-1: the chain ends at row 21, recorded is 22",
        ),
        (
            "UPDATE balances SET balance = balance + 1 WHERE account = 'pilot:p_1' AND asset = '$'",
            "UPDATE balances SET balance = balance - 1 WHERE account = 'pilot:p_1' AND asset = '$'",
            "pilot:p_1: 4901 of $ is stored, the ledger makes 4900",
        ),
        (
            "UPDATE balances SET balance = 0 WHERE account LIKE 'station:%' AND asset = 'food'",
            "UPDATE balances SET balance = 990 WHERE account LIKE 'station:%' AND asset = 'food'",
            "station:sol-1/earth-orbit-station: 0 of food is stored, the ledger makes 990",
        ),
        (
            "UPDATE outcomes SET player = 'p_2' WHERE unix_ms = 1700000000000 + 33 * 4",
            "UPDATE outcomes SET player = 'p_1' WHERE player = 'p_2'",
            "request p_1 r3: not one transaction with one outcome",
        ),
    ];
    for (tamper, mend, finding) in cases {
        database.tamper(tamper);
        let report = audit(&database.url).unwrap();
        assert!(!report.is_clean());
        assert!(
            report
                .findings
                .iter()
                .any(|found| found.starts_with(finding)),
            "{tamper}: {report}"
        );
        database.tamper(mend);
    }
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "mended: {report}");
}

/// Rewrites a chain from a row on so that every hash is good again and so is the recorded end.
fn forge_from(database: &Database, row_id: i64) {
    let shift = format!(
        "DELETE FROM ledger WHERE row_id >= {row_id}; \
         UPDATE systems SET head_row = {last}, head_hash = (SELECT hash FROM ledger WHERE row_id = {last}) \
         WHERE system_name = 'sol-1'",
        last = row_id - 1
    );
    database.tamper(&shift);
}

fn rows_of_an_earlier_audit_are_proven_and_a_rewritten_history_is_named(database: &Database) {
    let mut opened = traded(database);
    let earlier: ChainHeads = audit(&database.url).unwrap().heads;
    let line = earlier.lines().next().unwrap();
    assert!(
        line.starts_with("sol-1 22 ") && line.len() == 9 + 64,
        "{line}"
    );
    // The ledger grows, and still holds what was there.
    let who = player("p_1");
    opened.keep(Batch {
        transactions: vec![trade(Cause::Buy, &who, 1, 10, "r11")],
        outcomes: vec![outcome(&who, "r11", "{}")],
        checkpoints: vec![pilot(&who, 4890, 11)],
        ..Batch::default()
    });
    opened.store.close();
    let report = audit_since(&database.url, &earlier).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.kept_count, report.rows_count), (1, 24));
    assert_ne!(report.heads, earlier);

    let found = |since: &ChainHeads| audit_since(&database.url, since).unwrap().findings;
    let parsed = |text: &str| text.parse::<ChainHeads>().unwrap();
    // Another hash under a row that was seen.
    let forged: String = earlier.to_string().replace(&line[9..], &"0".repeat(64));
    let named = found(&parsed(&forged));
    assert!(
        named.len() == 1 && named[0].starts_with("sol-1 row 22: its hash was 0000"),
        "{named:?}"
    );
    // A history that is shorter than what was seen.
    forge_from(database, 21);
    let named = found(&earlier);
    assert!(
        named.contains(
            &"sol-1 row 22: was there at the earlier audit, the chain ends at row 20".to_owned()
        ),
        "{named:?}"
    );
    // A system that is gone altogether.
    let gone = earlier.to_string().replace("sol-1", "vega-2");
    let named = found(&parsed(&gone));
    assert!(
        named.contains(
            &"vega-2 row 22: was there at the earlier audit, the chain ends at row 0".to_owned()
        ),
        "{named:?}"
    );
}

fn a_newer_schema_is_refused(database: &Database) {
    database.open().store.close();
    database.tamper("UPDATE orrery_schema SET version = 99");
    let expected = StoreError::TooNew {
        found: 99,
        known: SCHEMA_VERSION,
    };
    assert_eq!(audit(&database.url), Err(expected.clone()));
    let opened = StoreUnderTest::open(&database.config("here"));
    assert_eq!(opened.err(), Some(expected));
}

/// What version 3 wrote, with the same tables and indices as every database of its time.
fn what_version_3_wrote_is_brought_up_to_date_and_can_be_forgotten(database: &Database) {
    let steps: [&str; 3] = if database.is_sqlite() {
        [
            include_str!("../../src/store/sql/sqlite/0001_ledger.sql"),
            include_str!("../../src/store/sql/sqlite/0002_leases.sql"),
            include_str!("../../src/store/sql/sqlite/0003_newcomers.sql"),
        ]
    } else {
        [
            include_str!("../../src/store/sql/postgres/0001_ledger.sql"),
            include_str!("../../src/store/sql/postgres/0002_leases.sql"),
            include_str!("../../src/store/sql/postgres/0003_newcomers.sql"),
        ]
    };
    for step in steps {
        database.tamper(step);
    }
    let id = if database.is_sqlite() {
        "CAST('old' AS BLOB)"
    } else {
        "'old'"
    };
    database.tamper(&format!(
        "CREATE TABLE orrery_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL); \
         INSERT INTO orrery_schema (id, version) VALUES (1, 3); \
         INSERT INTO outcomes (player, request_id, system_name, body_digest, reply, unix_ms) \
         VALUES ('p_9', {id}, 'sol-1', 1, '{{}}', 1000)"
    ));
    assert!(matches!(
        audit(&database.url),
        Err(StoreError::Unusable(text)) if text.contains("schema version 3: serve it once")
    ));
    let opened = traded(database);
    while database.count("SELECT COUNT(*) FROM outcomes WHERE player = 'p_9'") > 0 {
        std::thread::yield_now();
    }
    opened.store.close();
    assert_eq!(
        database.count("SELECT version FROM orrery_schema"),
        SCHEMA_VERSION
    );
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A pilot's rows lie in two chains after a jump; the audit follows across them.
fn a_pilot_who_traded_in_two_systems_is_clean(database: &Database) {
    let who = player("p_1");
    let mut config = database.config("here");
    config.systems.push(name("vega-2"));
    let mut opened = StoreUnderTest::open(&config).unwrap();
    opened.keep(first_batch(&who, 100));
    for n in 1..=3 {
        let mut bounty = trade(Cause::Bounty, &who, 0, 0, &format!("b{n}"));
        bounty.total = 7;
        bounty.request_id = None;
        let mut there = bounty.clone();
        there.system = name("vega-2");
        opened.keep(Batch {
            transactions: vec![bounty, there],
            checkpoints: vec![pilot(&who, 5000 + 14 * n, 0)],
            ..Batch::default()
        });
    }
    opened.store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.systems_count, 2);
}

on_every_backend!(
    an_honest_ledger_is_clean_even_while_it_is_served,
    every_kind_of_tampering_shows,
    rows_of_an_earlier_audit_are_proven_and_a_rewritten_history_is_named,
    a_newer_schema_is_refused,
    a_pilot_who_traded_in_two_systems_is_clean,
    what_version_1_wrote_is_brought_up_to_date_and_its_chain_goes_on,
    what_version_3_wrote_is_brought_up_to_date_and_can_be_forgotten,
);

#[test]
fn a_backup_taken_while_trading_is_whole_and_serves() {
    let database = Database::sqlite();
    let who = player("p_1");
    let mut opened = traded(&database);
    for n in 11..=60 {
        opened.submit(Batch {
            transactions: vec![trade(Cause::Buy, &who, 1, 10, &format!("r{n}"))],
            outcomes: vec![outcome(&who, &format!("r{n}"), "{}")],
            ..Batch::default()
        });
    }
    let copy = database.path().with_file_name("copy.db");
    backup(&database.url, &copy).unwrap();
    let copy_url = copy.to_str().unwrap().to_owned();
    let report = audit(&copy_url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert!((10..=60).contains(&report.outcomes_count), "{report}");
    let mut config = database.config("copy");
    config.database = copy_url;
    let restored = StoreUnderTest::open(&config).unwrap();
    assert!(restored.load(&who).record.is_some());
    assert!(matches!(
        backup(&database.url, &copy),
        Err(StoreError::Unusable(_))
    ));
    opened.store.close();
}

const VERSION_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store_v1.db");

/// Copies what version 1 of the program wrote into version 1's tables elsewhere.
fn copy_version_1(database: &Database) {
    database.tamper(include_str!("../../src/store/sql/postgres/0001_ledger.sql"));
    database.tamper(
        "CREATE TABLE orrery_schema (id BIGINT PRIMARY KEY, version BIGINT NOT NULL); \
         INSERT INTO orrery_schema (id, version) VALUES (1, 1)",
    );
    let fixture = rusqlite::Connection::open(VERSION_1).unwrap();
    for table in ["pilots", "balances", "ledger", "outcomes"] {
        let mut rows = fixture.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..names.len()).map(|index| literal(row.get(index).unwrap()));
            let values = values.collect::<Vec<_>>().join(", ");
            let names = names.join(", ");
            database.tamper(&format!("INSERT INTO {table} ({names}) VALUES ({values})"));
        }
    }
}

fn literal(value: rusqlite::types::Value) -> String {
    use rusqlite::types::Value;
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Blob(bytes) => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("'\\x{}'", digits.concat())
        }
    }
}

fn what_version_1_wrote_is_brought_up_to_date_and_its_chain_goes_on(database: &Database) {
    if database.is_sqlite() {
        std::fs::copy(VERSION_1, database.path()).unwrap();
    } else {
        copy_version_1(database);
    }
    assert!(matches!(
        audit(&database.url),
        Err(StoreError::Unusable(text)) if text.contains("serve it once")
    ));
    let who = player("p_1");
    let mut opened = database.open();
    assert_eq!(opened.load(&who).record, Some(pilot(&who, 4900, 10)));
    opened.keep(Batch {
        transactions: vec![trade(Cause::Sell, &who, 10, 9, "r11")],
        outcomes: vec![outcome(&who, "r11", "{}")],
        checkpoints: vec![pilot(&who, 4990, 0)],
        ..Batch::default()
    });
    opened.store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.rows_count, 24);
    assert_eq!(
        database.count("SELECT version FROM orrery_schema"),
        SCHEMA_VERSION
    );
}

#[test]
fn what_cannot_be_opened_says_why() {
    let cases = [
        (
            "mysql://host/db",
            "must be the path of an SQLite file or a postgres:// URL",
        ),
        ("", "must be the path of an SQLite file"),
        (
            "postgres://u@127.0.0.1:1/db?sslmode=require",
            "use sslmode=disable",
        ),
        (
            "postgres://u@127.0.0.1:nonsense/db",
            "not a usable postgres:// URL",
        ),
        (
            "postgres://u:secret@127.0.0.1:1/db",
            "the database cannot be reached",
        ),
        ("/nonexistent/orrery.db", "/nonexistent/orrery.db"),
    ];
    for (url, says) in cases {
        let mut config = orrery::store::StoreConfig::new(url, "here", Vec::new());
        config.retries_max = 0;
        let error = StoreUnderTest::open(&config).err().unwrap().to_string();
        assert!(error.contains(says), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(audit("/nonexistent/orrery.db").is_err());
}

/// Not a database at all, and one whose pages were scribbled over.
#[test]
fn a_broken_file_is_an_error_not_a_panic() {
    let database = Database::sqlite();
    std::fs::write(database.path(), vec![7; 8192]).unwrap();
    assert!(StoreUnderTest::open(&database.config("here")).is_err());
    assert!(audit(&database.url).is_err());
    let database = Database::sqlite();
    traded(&database).store.close();
    let mut bytes = std::fs::read(database.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xA5);
    std::fs::write(database.path(), bytes).unwrap();
    let report = audit(&database.url);
    assert!(!report.is_ok_and(|report| report.is_clean()));
}
