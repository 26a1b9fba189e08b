//! One server a file: an OS lock on `FILE.lock`, held as long as the server lives.
//!
//! The kernel drops the lock with the process, however it ends, so a crash leaves nothing to clean
//! up. Readers (audit, backup) never take it. The lock file names its holder for the error message
//! of the one that came second.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;

use crate::limits::{STORE_LOCK_PAUSE, STORE_LOCK_TRIES_MAX};
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
    match lock_within_bound(&file) {
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

/// A process that was just started by the former holder still has the lock open until it runs its
/// own program, so a lock in use is tried again for a moment.
fn lock_within_bound(file: &File) -> Result<(), TryLockError> {
    for _ in 1..STORE_LOCK_TRIES_MAX {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(STORE_LOCK_PAUSE),
            taken_or_failed => return taken_or_failed,
        }
    }
    file.try_lock()
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
