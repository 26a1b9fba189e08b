//! Backups: a consistent copy of the SQLite file, taken while a server writes it.
//!
//! The copy is made in one step under one read transaction, which in WAL mode holds up no writer
//! and cannot be overtaken by one. It is written beside its destination, as `FILE.part`, and renamed,
//! so a file of that name is always whole. Both are made for their owner only and where nothing
//! stands: nothing is overwritten, and no link is followed. PostgreSQL brings its own tool, and the
//! error says which.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::files;
use crate::store::error::StoreError;
use crate::store::sqlite::{connect_reading, failed};
use crate::store::{is_postgres, refuse_own_file, sqlite_path};

/// Copies the database to `file`.
pub fn backup(database: &str, file: &Path) -> Result<(), StoreError> {
    if is_postgres(database) {
        return Err(StoreError::Unusable(format!(
            "a PostgreSQL database is backed up by its own tool: pg_dump --format=custom \
             --file={} and the database's URL",
            file.display()
        )));
    }
    refuse_own_file(database, file).map_err(StoreError::Unusable)?;
    files::vacant(file).map_err(StoreError::Unusable)?;
    // SQLite follows no link at all to what it opens for the copy.
    let file = &files::in_real_folder(file).map_err(|error| {
        StoreError::Unusable(format!("cannot write {}: {error}", file.display()))
    })?;
    let from = connect_reading(sqlite_path(database)?)?;
    let part = files::beside(file, ".part");
    let made = make(&part)?;
    let copied = copy(&from, &part).and_then(|()| publish(&made, &part, file));
    if copied.is_err() && files::is_named(&made, &part).unwrap_or(false) {
        // The error that matters is the first one.
        let _ = fs::remove_file(&part);
    }
    copied
}

/// Makes the file that the copy is written to.
fn make(part: &Path) -> Result<File, StoreError> {
    files::create_new(part).map_err(|error| {
        let shown = part.display();
        StoreError::Unusable(if error.kind() == io::ErrorKind::AlreadyExists {
            format!(
                "{shown} exists already, from a backup that is under way or was killed: wait for it, \
                 or remove the file"
            )
        } else {
            format!("cannot write {shown}: {error}")
        })
    })
}

fn copy(from: &Connection, part: &Path) -> Result<(), StoreError> {
    let doing = "copying the database";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut to = Connection::open_with_flags(part, flags).map_err(failed(doing))?;
    // A copy that fails is thrown away: it needs no journal, which would be one more file to make.
    let journal = to.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()));
    journal.map_err(failed(doing))?;
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

/// Gives the copy its name, if what is called `part` is still what was made.
fn publish(made: &File, part: &Path, file: &Path) -> Result<(), StoreError> {
    let unusable = |error: io::Error| {
        StoreError::Unusable(format!("cannot write {}: {error}", file.display()))
    };
    made.sync_all().map_err(unusable)?;
    if !files::is_named(made, part).map_err(unusable)? {
        return Err(StoreError::Unusable(format!(
            "{} was replaced by somebody while it was written: give a name in a folder that only \
             you can write",
            part.display()
        )));
    }
    files::publish(part, file).map_err(unusable)
}
