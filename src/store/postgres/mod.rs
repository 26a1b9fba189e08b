//! The PostgreSQL back-end: one connection on the writer's thread, SQL that CockroachDB and
//! YugabyteDB speak too (no sequences, advisory locks, extensions or server-side code).
//!
//! Several servers may share a database; leases by the database's own clock keep their systems
//! apart. A lost connection is [`StoreError::Unavailable`]; the writer decides whether to try
//! again. The connection is not encrypted: a URL that demands it is refused rather than ignored.
//! Passwords never reach an error's text.

mod steps;

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};

use crate::limits::{STORE_RETRIES_MAX, STORE_RETRY_MS_MIN, STORE_STATEMENT_MS_MAX};
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::schema;

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// An open connection, and how to open another.
pub(super) struct Postgres {
    config: Config,
    client: Client,
    /// Prepared on this connection, by their text.
    statements: HashMap<&'static str, Statement>,
}

impl Postgres {
    /// Connects and brings the schema up to date.
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        let mut this = Self::open_reading_any(url)?;
        // Two servers that start on an empty database race for its tables; the loser tries again.
        for _ in 0..STORE_RETRIES_MAX {
            match this.migrate() {
                Err(StoreError::Conflict(_)) => {
                    this.rollback();
                    std::thread::sleep(Duration::from_millis(STORE_RETRY_MS_MIN));
                }
                done => return done.map(|()| this),
            }
        }
        this.migrate().map(|()| this)
    }

    /// Connects to a database whose schema is up to date already.
    pub(super) fn open_reading(url: &str) -> Result<Self, StoreError> {
        let mut this = Self::open_reading_any(url)?;
        let version = this.version()?;
        if schema::step_after(version)?.is_some() {
            return Err(StoreError::Unusable(format!(
                "the database has schema version {version}: serve it once to bring it up to date"
            )));
        }
        Ok(this)
    }

    fn open_reading_any(url: &str) -> Result<Self, StoreError> {
        let config = configure(url)?;
        let client = connect(&config)?;
        Ok(Self {
            config,
            client,
            statements: HashMap::new(),
        })
    }

    fn version(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT version FROM orrery_schema WHERE id = 1";
        match self.client.query_opt(sql, &[]) {
            Ok(row) => row.map_or(Ok(0), |row| column(&row, 0)),
            Err(error) if code(&error) == "42P01" => Ok(0),
            Err(error) => Err(failed("reading the schema's version")(error)),
        }
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        self.script(
            "CREATE TABLE IF NOT EXISTS orrery_schema \
                 (id BIGINT PRIMARY KEY, version BIGINT NOT NULL); \
             INSERT INTO orrery_schema (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING",
        )?;
        loop {
            self.begin()?;
            // Locks the version: of two servers that start at once the second finds the step done.
            self.script("UPDATE orrery_schema SET version = version WHERE id = 1")?;
            let version = self.version()?;
            let Some(step) = schema::step_after(version)? else {
                return self.commit();
            };
            self.script(step.postgres)?;
            self.script("UPDATE orrery_schema SET version = version + 1 WHERE id = 1")?;
            self.commit()?;
        }
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|error| {
            // Unique violation in the catalogue, or a table that is there already: a lost race.
            match code(&error) {
                "23505" | "42P07" => StoreError::Conflict(error.to_string()),
                _ => failed("migrating the schema")(error),
            }
        })
    }

    fn simple(&mut self, doing: &'static str, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(failed(doing))
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    fn run(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, StoreError> {
        let statement = self.prepared(sql).map_err(failed(doing))?;
        self.client
            .execute(&statement, params)
            .map_err(failed(doing))
    }

    fn all(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql).map_err(failed(doing))?;
        self.client.query(&statement, params).map_err(failed(doing))
    }

    fn one(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.prepared(sql).map_err(failed(doing))?;
        let found = self.client.query_opt(&statement, params);
        found.map_err(failed(doing))
    }

    fn connect_again(&mut self) -> Result<(), StoreError> {
        if self.client.is_closed() {
            self.statements.clear();
            self.client = connect(&self.config)?;
        }
        Ok(())
    }
}

/// Reads the URL; bounds every wait.
fn configure(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url.parse().map_err(|error: postgres::Error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        StoreError::Unusable(format!(
            "--database is not a usable postgres:// URL: {cause}"
        ))
    })?;
    if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
        return Err(StoreError::Unusable(
            "--database asks for sslmode=require, but this server speaks to PostgreSQL without \
             TLS: use sslmode=disable and reach the database over a private network or a tunnel"
                .to_owned(),
        ));
    }
    let bound = Duration::from_millis(STORE_STATEMENT_MS_MAX);
    config
        .application_name("orrery")
        .connect_timeout(bound)
        .tcp_user_timeout(bound)
        .keepalives_idle(bound);
    Ok(config)
}

fn connect(config: &Config) -> Result<Client, StoreError> {
    let mut client = config.connect(NoTls).map_err(failed("connecting"))?;
    let session = format!(
        "SET synchronous_commit = on; SET statement_timeout = {STORE_STATEMENT_MS_MAX}; \
         SET lock_timeout = {STORE_STATEMENT_MS_MAX}"
    );
    let done = client.batch_execute(&session);
    done.map_err(failed("configuring the connection"))?;
    Ok(client)
}

fn code(error: &postgres::Error) -> &str {
    error.code().map_or("", postgres::error::SqlState::code)
}

/// Sorts an error of the driver by its SQLSTATE; without one, by whether it is the connection's.
fn failed(doing: &'static str) -> impl Fn(postgres::Error) -> StoreError {
    move |error| {
        let Some(state) = error.as_db_error() else {
            let lost = error.is_closed()
                || error
                    .source()
                    .is_some_and(<dyn Error>::is::<std::io::Error>);
            let cause = error.source().map(|cause| format!(": {cause}"));
            let message = format!("{doing}: {error}{}", cause.unwrap_or_default());
            return if lost {
                StoreError::Unavailable(message)
            } else {
                StoreError::Database { doing, message }
            };
        };
        let message = format!("{} ({})", state.message(), code(&error));
        match code(&error) {
            // Shutting down, starting up, out of connections, timed out.
            "57P01" | "57P02" | "57P03" | "57P05" | "57014" | "53300" => {
                StoreError::Unavailable(format!("{doing}: {message}"))
            }
            "55P03" => StoreError::Conflict(format!("{doing}: {message}")),
            other if other.starts_with("08") => {
                StoreError::Unavailable(format!("{doing}: {message}"))
            }
            other if other.starts_with("40") => StoreError::Conflict(format!("{doing}: {message}")),
            _ => StoreError::Database { doing, message },
        }
    }
}

/// A column's value; a type or a null that the schema does not allow is corruption.
fn column<'a, T: postgres::types::FromSql<'a>>(
    row: &'a Row,
    index: usize,
) -> Result<T, StoreError> {
    row.try_get(index)
        .map_err(|error| StoreError::Corrupt(format!("column {index}: {error}")))
}
