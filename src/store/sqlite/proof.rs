//! The proof that a file is a database of ours, or an empty one, before anything about it changes.
//!
//! First its header is read, before anything is made beside it; once it is locked, the names of its
//! tables are, from the file alone. What cannot be read so far is left to SQLite's own words.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::files;
use crate::store::error::StoreError;

/// What every SQLite file begins with.
const HEADER: &[u8] = b"SQLite format 3\0";

/// Refuses what is neither an SQLite file nor empty. To open and close a file that this process
/// serves would drop SQLite's locks, so the right to its lock file must be held.
pub(super) fn prove_header(path: &Path) -> Result<(), StoreError> {
    let unusable = |error| StoreError::Unusable(format!("cannot open {}: {error}", path.display()));
    let whole = path.canonicalize().map_err(unusable)?;
    let beginning = files::beginning(&whole, HEADER.len() as u64).map_err(unusable)?;
    if beginning.is_empty() || beginning == HEADER {
        return Ok(());
    }
    Err(refusal(path, "an SQLite file has another beginning"))
}

/// Refuses an SQLite file with tables of which none is ours.
pub(super) fn prove_ours(path: &Path) -> Result<(), StoreError> {
    let sql = "SELECT count(*) > 0 AND sum(name = 'orrery_schema') = 0
               FROM sqlite_schema WHERE type = 'table'";
    // Two slashes at its beginning would make the path a host's name.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let is_foreign = connect_alone(&whole)
        .and_then(|connection| connection.query_row(sql, [], |row| row.get::<_, Option<bool>>(0)));
    match is_foreign {
        Ok(Some(true)) => Err(refusal(path, "its tables are another program's")),
        _ => Ok(()),
    }
}

fn refusal(path: &Path, why: &str) -> StoreError {
    StoreError::Unusable(format!(
        "{} is no database of this server's, {why}: give another --database",
        path.display()
    ))
}

/// Opens the file as one that nobody changes: without a lock, and making nothing beside it.
fn connect_alone(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = b"file:".to_vec();
    for &byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'%' | b'?' | b'#') {
            uri.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            uri.push(byte);
        }
    }
    uri.extend_from_slice(b"?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(Path::new(&OsString::from_vec(uri)), flags)
}
