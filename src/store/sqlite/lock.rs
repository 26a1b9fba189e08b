//! One server a file: an OS lock on `FILE.lock`, held as long as the server lives.
//!
//! The kernel drops the lock with the process, however it ends, so a crash leaves nothing to clean
//! up. Readers (audit, backup) never take it. The lock file names its holder for the error message
//! of the one that came second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::store::error::StoreError;

/// Takes the server's lock beside the file; the lock file holds the holder's process id.
pub(super) fn take(path: &Path) -> Result<File, StoreError> {
    let lock_path = lock_path(path)?;
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot lock {}: {error}", lock_path.display()))
    };
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&lock_path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(unusable)?;
            return Err(StoreError::InUse(format!(
                "the database {} is being served already, by process {}: \
                 stop that server or give this one another --database",
                path.display(),
                holder.trim()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

/// `FILE.lock` with links followed, so that two names of one file share it.
fn lock_path(path: &Path) -> Result<PathBuf, StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot open {}: {error}", path.display()))
    };
    let whole = if path.exists() {
        path.canonicalize().map_err(unusable)?
    } else {
        std::path::absolute(path).map_err(unusable)?
    };
    let mut text = whole.into_os_string();
    text.push(".lock");
    Ok(PathBuf::from(text))
}
