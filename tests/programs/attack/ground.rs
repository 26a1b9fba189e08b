//! Where a storm happens: a server over `ws` or `wss`, on SQLite or on a PostgreSQL that is a
//! millisecond away, with accounts that have a long past.

use std::path::Path;
use std::time::Duration;

use crate::attack::distance::Distance;
use crate::attack::mob::{remembered, veteran};
use crate::store_harness::postgres_server;
use crate::support::{Client, PATIENCE, Server, Setup, worlds};

/// Orders that each account with a past has made: more than a login brings along.
const PAST_ORDERS: i64 = 5_000;

/// Round trip to the database.
const DATABASE_AWAY: Duration = Duration::from_millis(1);

/// What a server of a storm runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// A server to attack.
pub(crate) struct AttackedServer {
    pub(crate) server: Server,
}

impl AttackedServer {
    /// A server whose accounts `veteran-0` to `veteran-(count - 1)` have thousands of remembered
    /// orders.
    pub(crate) fn with_veterans(database: Database, is_secure: bool, count: usize) -> Self {
        let (url, line) = match database {
            Database::Sqlite => (None, None),
            Database::Postgres => {
                let url = postgres_server::fresh_database();
                let line = Distance::to(address_of(&url), DATABASE_AWAY);
                (Some(url), Some(line))
            }
        };
        let through = url.as_ref().zip(line.as_ref()).map(|(url, line)| {
            let near = address_of(url).to_string();
            url.replace(&near, &line.address.to_string())
        });
        let mut young = Server::start(Setup {
            flags: &[
                "--max-connections",
                "2000",
                "--max-connections-per-ip",
                "256",
                "--guests",
            ],
            database: through.as_deref(),
            is_secure,
            ..Setup::world(worlds::PORT)
        });
        for number in 0..count {
            drop(Client::pilot(&young, &veteran(number)));
        }
        let file = young.database();
        young.terminate();
        let status = young.exit(PATIENCE).expect("a server that drains ends");
        assert!(status.success(), "{status}");
        match &url {
            None => age_in_sqlite(&file, count),
            Some(url) => age_in_postgres(url, count),
        }
        Self {
            server: young.start_again(),
        }
    }
}

/// The address in `postgres://USER@ADDRESS/NAME`.
fn address_of(url: &str) -> std::net::SocketAddr {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

const REPLY: &str = r#"{"type":"error","payload":{"code":"NOT_DOCKED","message":"long ago"}}"#;

fn age_in_sqlite(file: &Path, count: usize) {
    let database = rusqlite::Connection::open(file).unwrap();
    let past = "WITH RECURSIVE past (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?3) \
        INSERT INTO outcomes (player, request_id, system_name, body_digest, reply, unix_ms) \
        SELECT ?1, CAST(?2 || n AS BLOB), 'sol-1', 0, ?4, ?5 + n FROM past";
    for number in 0..count {
        let values = (
            veteran(number),
            prefix(),
            PAST_ORDERS,
            REPLY,
            past_unix_ms(),
        );
        database.execute(past, values).unwrap();
    }
}

fn age_in_postgres(url: &str, count: usize) {
    let mut database = postgres::Client::connect(url, postgres::NoTls).unwrap();
    for number in 0..count {
        let past = format!(
            "INSERT INTO outcomes (player, request_id, system_name, body_digest, reply, unix_ms) \
             SELECT '{}', convert_to('{}' || n, 'UTF8'), 'sol-1', 0, '{REPLY}', {} + n \
             FROM generate_series(1, {PAST_ORDERS}) AS past (n)",
            veteran(number),
            prefix(),
            past_unix_ms(),
        );
        database.batch_execute(&past).unwrap();
    }
}

/// What a veteran's request ids are before their number.
fn prefix() -> String {
    remembered(0).trim_end_matches('0').to_owned()
}

/// An hour ago: recent enough to be remembered.
fn past_unix_ms() -> i64 {
    crate::support::unix().0 as i64 - 3_600_000
}
