//! Backups: a consistent copy of the SQLite file, taken while a server writes it.
//!
//! The copy is made in one step under one read transaction, which in WAL mode holds up no writer
//! and cannot be overtaken by one. It is written beside its destination and renamed, so a file of
//! that name is always whole; an existing one is never overwritten. PostgreSQL brings its own
//! tool, and the error says which.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::store::error::StoreError;
use crate::store::sqlite::{connect_reading, failed};
use crate::store::{is_postgres, sqlite_path};

/// Copies the database to `file`.
pub fn backup(database: &str, file: &Path) -> Result<(), StoreError> {
    if is_postgres(database) {
        return Err(StoreError::Unusable(format!(
            "a PostgreSQL database is backed up by its own tool: pg_dump --format=custom \
             --file={} and the database's URL",
            file.display()
        )));
    }
    if file.exists() {
        return Err(StoreError::Unusable(format!(
            "{} exists already: give another name",
            file.display()
        )));
    }
    let from = connect_reading(sqlite_path(database)?)?;
    let part = beside(file);
    let copied = copy(&from, &part).and_then(|()| publish(&part, file));
    if copied.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&part);
    }
    copied
}

fn beside(file: &Path) -> PathBuf {
    let mut name: OsString = file.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn copy(from: &Connection, part: &Path) -> Result<(), StoreError> {
    let doing = "copying the database";
    let mut to = Connection::open(part).map_err(failed(doing))?;
    let backup = Backup::new(from, &mut to).map_err(failed(doing))?;
    match backup.step(-1).map_err(failed(doing))? {
        StepResult::Done => {}
        other => {
            return Err(StoreError::Unavailable(format!("{doing}: {other:?}")));
        }
    }
    drop(backup);
    to.close().map_err(|(_, error)| failed(doing)(error))
}

fn publish(part: &Path, file: &Path) -> Result<(), StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot write {}: {error}", file.display()))
    };
    let whole = File::open(part).and_then(|part| part.sync_all());
    whole.map_err(unusable)?;
    fs::rename(part, file).map_err(unusable)
}
