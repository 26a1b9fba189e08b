//! One server a file: a write lock on `FILE.lock`, held as long as the server lives.
//!
//! The kernel gives this lock (`fcntl`) only to who may write the file, and the file is its owner's
//! only. So a stranger who can read the folder cannot hold a server out, as one could with `flock`,
//! which any reader of the file may take. The kernel drops the lock with the process, however it
//! ends, so a crash leaves nothing to clean up. Readers (audit, backup) never take it. The lock file
//! names its holder for the error message of the one that came second.
//!
//! The kernel knows only the process as a holder, and drops the lock when the process closes the
//! file anywhere. So what this process holds is noted here, and its file is never opened twice.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use super::tighten;
use crate::files;
use crate::limits::{STORE_LOCK_PAUSE, STORE_LOCK_TRIES_MAX};
use crate::store::error::StoreError;

/// A process id in digits, and the end of its line.
const HOLDER_BYTES_MAX: u64 = 11;

/// Lock files that this process holds, or is about to open.
static HELD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn held() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server's lock; dropped, it is free.
pub(super) struct Lock {
    /// Held, not used: closed before its path is given back.
    #[expect(dead_code)]
    file: File,
    #[expect(dead_code)]
    claim: Claim,
}

/// The right to open a lock file in this process.
struct Claim(PathBuf);

impl Claim {
    fn of(path: &Path) -> Option<Self> {
        held()
            .insert(path.to_owned())
            .then(|| Self(path.to_owned()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        held().remove(&self.0);
    }
}

fn in_use(path: &Path, holder: &str) -> StoreError {
    StoreError::InUse(format!(
        "the database {} is being served already, by process {}: \
         stop that server or give this one another --database",
        path.display(),
        holder.trim()
    ))
}

/// Takes the server's lock beside the file; the lock file holds the holder's process id. Nothing is
/// made before the file is proven, and no file but a lock is written over.
pub(super) fn take(
    path: &Path,
    prove: impl FnOnce() -> Result<(), StoreError>,
) -> Result<Lock, StoreError> {
    let lock_path = lock_path(path)?;
    let Some(claim) = Claim::of(&lock_path) else {
        return Err(in_use(path, &std::process::id().to_string()));
    };
    let unusable = |error: io::Error| {
        StoreError::Unusable(format!("cannot lock {}: {error}", lock_path.display()))
    };
    if lock_path.is_symlink() {
        return Err(StoreError::Unusable(format!(
            "{} is a link, and no lock is taken through a link: remove it",
            lock_path.display()
        )));
    }
    prove()?;
    let mut file = files::open_or_create(&lock_path).map_err(unusable)?;
    if !file.metadata().map_err(unusable)?.is_file() {
        return Err(no_lock(&lock_path));
    }
    let locked = lock_within_bound(&file);
    let holder = holder(&file).map_err(unusable)?;
    match (locked, holder) {
        (Ok(()), Some(_)) => {}
        (Ok(()), None) => return Err(no_lock(&lock_path)),
        (Err(Errno::AGAIN | Errno::ACCESS), holder) => {
            return Err(in_use(path, holder.as_deref().unwrap_or("unknown")));
        }
        (Err(error), _) => return Err(unusable(error.into())),
    }
    tighten(&lock_path)?;
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(Lock { file, claim })
}

fn no_lock(lock_path: &Path) -> StoreError {
    StoreError::Unusable(format!(
        "{} is no lock of a database, and nothing else is written over: move it away",
        lock_path.display()
    ))
}

/// Who holds a lock or held it last, and is nobody in a new one; none if the file is no lock. A file
/// system that lost power may have made zeros of it.
fn holder(file: &File) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    file.take(HOLDER_BYTES_MAX + 1).read_to_end(&mut text)?;
    let is_holder = text.len() as u64 <= HOLDER_BYTES_MAX
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'\n' | 0));
    Ok(String::from_utf8(text).ok().filter(|_| is_holder))
}

/// A process that was killed may take a moment to be gone, so a lock in use is tried again.
fn lock_within_bound(file: &File) -> Result<(), Errno> {
    for _ in 1..STORE_LOCK_TRIES_MAX {
        match try_lock(file) {
            Err(Errno::AGAIN | Errno::ACCESS) => thread::sleep(STORE_LOCK_PAUSE),
            taken_or_failed => return taken_or_failed,
        }
    }
    try_lock(file)
}

/// The whole file, for writing, or nothing.
fn try_lock(file: &File) -> Result<(), Errno> {
    fcntl_lock(file, FlockOperation::NonBlockingLockExclusive)
}

/// `FILE.lock` with the links of an existing file followed, so that two names of one file share it.
fn lock_path(path: &Path) -> Result<PathBuf, StoreError> {
    let whole = path.canonicalize().map_err(|error| {
        StoreError::Unusable(format!("cannot open {}: {error}", path.display()))
    })?;
    Ok(files::beside(&whole, ".lock"))
}
