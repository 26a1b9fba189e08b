//! The SQLite back-end: one file in WAL mode with `synchronous=FULL`, one writing connection, one
//! that reads beside it.
//!
//! A server holds an OS lock on `FILE.lock` for as long as it lives, so a second one refuses to
//! start, and a killed one leaves nothing behind. The file itself stays readable: audits and
//! backups open it beside the running server. Since the lock proves that no other server lives, a
//! lease is always free for the taking; the fence still rises and is still checked. The file, its
//! log and its lock are for their owner only.

mod lock;
mod lookups;
mod proof;
mod steps;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, Row};

use crate::files;
use crate::limits::STORE_BUSY_MS_MAX;
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::schema;
use proof::{prove_header, prove_ours};

/// An open SQLite file.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// Held, not used: the lock goes when it is dropped.
    #[expect(dead_code)]
    lock: Option<lock::Lock>,
}

impl Sqlite {
    /// Opens or makes the file for writing, locks it, and brings its schema up to date.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        files::make_missing(path).map_err(|error| {
            StoreError::Unusable(format!("cannot open {}: {error}", path.display()))
        })?;
        let lock = lock::take(path, || prove_header(path))?;
        prove_ours(path)?;
        keep_private(path)?;
        let connection = Connection::open(path).map_err(failed("opening the file"))?;
        let mut this = Self {
            connection,
            path: path.to_owned(),
            lock: Some(lock),
        };
        this.configure()?;
        this.migrate()?;
        Ok(this)
    }

    /// Opens an existing file for reading only, beside whoever writes it.
    pub(super) fn open_reading(path: &Path) -> Result<Self, StoreError> {
        let this = Self {
            connection: connect_reading(path)?,
            path: path.to_owned(),
            lock: None,
        };
        let version = this.version()?;
        if schema::step_after(version)?.is_some() {
            return Err(StoreError::Unusable(format!(
                "{} has schema version {version}: serve it once to bring it up to date",
                path.display()
            )));
        }
        Ok(this)
    }

    /// A second connection of the process that holds the lock, which never writes. It is no
    /// read-only one: whichever of the two closes last tidies the WAL away.
    fn open_beside(&self) -> Result<Self, StoreError> {
        let doing = "opening the file for the reader";
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(failed(doing))?;
        let busy = connection.busy_timeout(Duration::from_millis(STORE_BUSY_MS_MAX));
        busy.map_err(failed(doing))?;
        let only = connection.pragma_update(None, "query_only", true);
        only.map_err(failed(doing))?;
        Ok(Self {
            connection,
            path: self.path.clone(),
            lock: None,
        })
    }

    fn configure(&self) -> Result<(), StoreError> {
        let busy = Duration::from_millis(STORE_BUSY_MS_MAX);
        let doing = "configuring the connection";
        let connection = &self.connection;
        connection.busy_timeout(busy).map_err(failed(doing))?;
        let pragma = |name, value| {
            connection
                .pragma_update_and_check(None, name, value, |row| row.get::<_, String>(0))
                .map_err(failed(doing))
        };
        let mode = pragma("journal_mode", "WAL")?;
        if mode != "wal" {
            return Err(StoreError::Unusable(format!(
                "the database's file system allows only journal mode {mode}, WAL is needed"
            )));
        }
        let full = connection.pragma_update(None, "synchronous", "FULL");
        full.map_err(failed(doing))
    }

    fn version(&self) -> Result<i64, StoreError> {
        let sql = "SELECT version FROM orrery_schema";
        match self.connection.query_row(sql, [], |row| row.get(0)) {
            Ok(version) => Ok(version),
            Err(error) if error.to_string().contains("no such table") => Ok(0),
            Err(error) => Err(failed("reading the schema's version")(error)),
        }
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let table = "CREATE TABLE IF NOT EXISTS orrery_schema (
                         id INTEGER PRIMARY KEY, version INTEGER NOT NULL
                     ) STRICT;
                     INSERT INTO orrery_schema (id, version) VALUES (1, 0)
                     ON CONFLICT (id) DO NOTHING;";
        self.script(table)?;
        while let Some(step) = schema::step_after(self.version()?)? {
            self.begin()?;
            let done = self.script(step.sqlite).and_then(|()| {
                self.script("UPDATE orrery_schema SET version = version + 1")?;
                self.commit()
            });
            if done.is_err() {
                self.rollback();
            }
            done?;
        }
        Ok(())
    }

    fn script(&self, sql: &str) -> Result<(), StoreError> {
        let done = self.connection.execute_batch(sql);
        done.map_err(failed("migrating the schema"))
    }

    fn run(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        statement.execute(params).map_err(failed(doing))
    }

    fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        let found = statement.query_row(params, read).optional();
        found.map_err(failed(doing))
    }

    fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        let rows = statement.query_map(params, read).map_err(failed(doing))?;
        rows.collect::<Result<_, _>>().map_err(failed(doing))
    }

    /// Lets a test make the disk read-only.
    #[cfg(test)]
    pub(super) fn forbid_writes(&self) -> Result<(), StoreError> {
        let done = self.connection.pragma_update(None, "query_only", true);
        done.map_err(failed("forbidding writes"))
    }

    /// Lets a test make the disk full.
    #[cfg(test)]
    pub(super) fn cap_pages(&self, more: i64) -> Result<(), StoreError> {
        let doing = "capping the file";
        let count = self.one(doing, "PRAGMA page_count", [], |row| row.get::<_, i64>(0))?;
        let cap = count.unwrap_or(0) + more;
        let sql = format!("PRAGMA max_page_count = {cap}");
        self.one(doing, &sql, [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }
}

/// Takes the files of a database from before away from group and others, before SQLite opens them: its
/// log and its index get the database's mode when they are made. Changes modes by name only: to open
/// and close a file that SQLite has open would drop SQLite's locks.
fn keep_private(path: &Path) -> Result<(), StoreError> {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for ending in ["", "-wal", "-shm", "-journal"] {
        tighten(&files::beside(&whole, ending))?;
    }
    Ok(())
}

/// Takes a file away from group and others, and says so.
fn tighten(path: &Path) -> Result<(), StoreError> {
    match files::tighten(path) {
        Ok(None) => Ok(()),
        Ok(Some(mode)) => {
            tracing::warn!(
                "{} had mode {mode:03o} and is now for its owner only",
                path.display()
            );
            Ok(())
        }
        Err(error) => Err(StoreError::Unusable(format!(
            "cannot change the mode of {}: {error}",
            path.display()
        ))),
    }
}

/// Opens an existing file read-only.
pub(super) fn connect_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Unusable(format!(
            "there is no database file {}",
            path.display()
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let doing = "opening the file for reading";
    let connection = Connection::open_with_flags(path, flags).map_err(failed(doing))?;
    let busy = connection.busy_timeout(Duration::from_millis(STORE_BUSY_MS_MAX));
    busy.map_err(failed(doing))?;
    Ok(connection)
}

/// Sorts an error of the driver.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match &error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.code,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
            ) =>
        {
            StoreError::Unavailable(format!("{doing}: {error}"))
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => {
            StoreError::Corrupt(format!("{doing}: {error}"))
        }
        _ => StoreError::Database {
            doing,
            message: error.to_string(),
        },
    }
}
