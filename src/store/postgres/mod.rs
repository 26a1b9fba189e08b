//! The PostgreSQL back-end: a connection for each of the store's threads, SQL that CockroachDB and
//! YugabyteDB speak too (no sequences, advisory locks, extensions or server-side code).
//!
//! Several servers may share a database; leases by the database's own clock keep their systems
//! apart. A lost connection is [`StoreError::Unavailable`]; the writer decides whether to try
//! again. A database that is frozen keeps its sockets open and says nothing, so every step waits
//! for at most a given time and then drops the connection; the runtime is here for that alone and
//! runs on the thread that asks. The connection is not encrypted: a URL that demands it is refused
//! rather than ignored. Passwords never reach an error's text.

mod lookups;
mod steps;

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use crate::limits::{
    AUDIT_STEP_MS_MAX, STORE_RETRIES_MAX, STORE_RETRY_MS_MIN, STORE_STATEMENT_MS_MAX,
};
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::schema;

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection, and how to open another.
pub(super) struct Postgres {
    config: Config,
    /// How long a step may wait.
    silence: Duration,
    /// What the database is told of this session's bounds.
    session: String,
    runtime: Runtime,
    /// None once it was given up.
    link: Option<Link>,
}

/// An open connection.
struct Link {
    client: Client,
    /// Moves bytes while a step waits.
    driver: JoinHandle<()>,
    /// Prepared on this connection, by their text.
    statements: HashMap<&'static str, Statement>,
}

impl Link {
    async fn open(config: &Config, session: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the database connection ended");
            }
        });
        client.batch_execute(session).await?;
        Ok(Self {
            client,
            driver,
            statements: HashMap::new(),
        })
    }

    async fn prepared(&mut self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Postgres {
    /// Connects and brings the schema up to date; no step waits longer than `silence`.
    pub(super) fn open(url: &str, silence: Duration) -> Result<Self, StoreError> {
        let session = format!(
            "SET client_min_messages = warning; SET synchronous_commit = on; \
             SET statement_timeout = {STORE_STATEMENT_MS_MAX}; \
             SET lock_timeout = {STORE_STATEMENT_MS_MAX}; \
             SET idle_in_transaction_session_timeout = {STORE_STATEMENT_MS_MAX}"
        );
        let mut this = Self::connect(url, silence, session)?;
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

    /// Another connection with the same bounds.
    fn open_beside(&self) -> Result<Self, StoreError> {
        Self::start(self.config.clone(), self.silence, self.session.clone())
    }

    /// Connects to a database whose schema is up to date already, for the audit's long steps.
    pub(super) fn open_reading(url: &str) -> Result<Self, StoreError> {
        let patience = Duration::from_millis(AUDIT_STEP_MS_MAX);
        let session = format!("SET statement_timeout = {AUDIT_STEP_MS_MAX}");
        let mut this = Self::connect(url, patience, session)?;
        let version = this.version()?;
        if schema::step_after(version)?.is_some() {
            return Err(StoreError::Unusable(format!(
                "the database has schema version {version}: serve it once to bring it up to date"
            )));
        }
        Ok(this)
    }

    fn connect(url: &str, silence: Duration, session: String) -> Result<Self, StoreError> {
        Self::start(configure(url)?, silence, session)
    }

    fn start(config: Config, silence: Duration, session: String) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let mut this = Self {
            config,
            silence,
            session,
            runtime: runtime.map_err(|error| StoreError::Unusable(error.to_string()))?,
            link: None,
        };
        this.connect_again()?;
        Ok(this)
    }

    /// Replaces a connection that was given up or has ended.
    fn connect_again(&mut self) -> Result<(), StoreError> {
        if self
            .link
            .as_ref()
            .is_some_and(|link| !link.client.is_closed())
        {
            return Ok(());
        }
        self.hang_up();
        let bound = self
            .silence
            .min(Duration::from_millis(STORE_STATEMENT_MS_MAX));
        let opened = self
            .runtime
            .block_on(async { timeout(bound, Link::open(&self.config, &self.session)).await });
        let opened = opened.map_err(|_| silent("connecting", bound))?;
        self.link = Some(opened.map_err(failed("connecting"))?);
        Ok(())
    }

    /// Drops the connection at once, unsaid: a frozen database would not hear a farewell.
    fn hang_up(&mut self) {
        if let Some(link) = self.link.take() {
            link.driver.abort();
            // Its end is the end of the socket; that it was aborted is known.
            let _ = self.runtime.block_on(link.driver);
        }
    }

    /// One step, within the bound.
    fn ask<T>(
        &mut self,
        doing: &'static str,
        step: impl AsyncFnOnce(&mut Link) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let link = self.link.as_mut();
        let link = link.ok_or_else(|| {
            StoreError::Unavailable(format!("{doing}: the connection was given up"))
        })?;
        let bound = self.silence;
        let done = self
            .runtime
            .block_on(async { timeout(bound, step(link)).await });
        if let Ok(done) = done {
            return done.map_err(failed(doing));
        }
        self.hang_up();
        Err(silent(doing, bound))
    }

    fn version(&mut self) -> Result<i64, StoreError> {
        let sql = "SELECT version FROM orrery_schema WHERE id = 1";
        let row = self.ask("reading the schema's version", async |link| {
            match link.client.query_opt(sql, &[]).await {
                // There is no such table yet.
                Err(error) if code(&error) == "42P01" => Ok(None),
                found => found,
            }
        })?;
        row.map_or(Ok(0), |row| column(&row, 0))
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
            // An index over a long history takes its time.
            let patience = Duration::from_millis(AUDIT_STEP_MS_MAX);
            let silence = std::mem::replace(&mut self.silence, patience);
            let stepped = self
                .script(&format!(
                    "SET LOCAL statement_timeout = {AUDIT_STEP_MS_MAX}"
                ))
                .and_then(|()| self.script(step.postgres));
            self.silence = silence;
            stepped?;
            self.script("UPDATE orrery_schema SET version = version + 1 WHERE id = 1")?;
            self.commit()?;
        }
    }

    fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let lost_race = self.ask("migrating the schema", async |link| {
            match link.client.batch_execute(sql).await {
                // Unique violation in the catalogue, or a table that is there already.
                Err(error) if matches!(code(&error), "23505" | "42P07") => Ok(Some(error)),
                done => done.map(|()| None),
            }
        })?;
        lost_race.map_or(Ok(()), |error| Err(StoreError::Conflict(error.to_string())))
    }

    fn simple(&mut self, doing: &'static str, sql: &str) -> Result<(), StoreError> {
        self.ask(doing, async |link| link.client.batch_execute(sql).await)
    }

    fn run(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, StoreError> {
        self.ask(doing, async |link| {
            let statement = link.prepared(sql).await?;
            link.client.execute(&statement, params).await
        })
    }

    fn all(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.ask(doing, async |link| {
            let statement = link.prepared(sql).await?;
            link.client.query(&statement, params).await
        })
    }

    fn one(
        &mut self,
        doing: &'static str,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        self.ask(doing, async |link| {
            let statement = link.prepared(sql).await?;
            link.client.query_opt(&statement, params).await
        })
    }
}

/// Reads the URL; bounds every wait.
fn configure(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
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
        .keepalives_idle(bound)
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(3);
    Ok(config)
}

fn silent(doing: &str, bound: Duration) -> StoreError {
    let ms = bound.as_millis();
    StoreError::Unavailable(format!("{doing}: no answer within {ms} ms"))
}

fn code(error: &tokio_postgres::Error) -> &str {
    error
        .code()
        .map_or("", tokio_postgres::error::SqlState::code)
}

/// Sorts an error of the driver by its SQLSTATE; without one, by whether it is the connection's.
fn failed(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError {
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
fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    index: usize,
) -> Result<T, StoreError> {
    row.try_get(index)
        .map_err(|error| StoreError::Corrupt(format!("column {index}: {error}")))
}
