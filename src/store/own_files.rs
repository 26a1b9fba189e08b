//! Which files are a database's own, whether they are there yet or not.
//!
//! SQLite makes its log, index and journal beside the file that all links end at, and so does the
//! lock; the secret is beside the name that was given. Whatever else a server or a command writes
//! must have none of these names, or it would be taken for one of them later.

use std::fs;
use std::path::{Path, PathBuf};

use super::{shown, sqlite_path};
use crate::files;
use crate::limits::DATABASE_LINKS_MAX;

/// What stands behind the database's name in the names of its files.
const ENDINGS: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", ".key"];

/// Refuses to write to a file of this database. A PostgreSQL database has none.
///
/// # Errors
/// A sentence: whose name it is, and what to do.
pub fn refuse_own_file(database: &str, file: &Path) -> Result<(), String> {
    if is_own_file(database, file) {
        return Err(format!(
            "{} belongs to the database {}: give another name",
            file.display(),
            shown(database)
        ));
    }
    Ok(())
}

fn is_own_file(database: &str, file: &Path) -> bool {
    // A URL is no path.
    let Ok(path) = sqlite_path(database) else {
        return false;
    };
    // Nothing can be made in a folder that cannot be found.
    let Ok(file) = files::in_real_folder(file) else {
        return false;
    };
    names(path)
        .iter()
        .any(|name| ENDINGS.iter().any(|end| files::beside(name, end) == file))
}

/// The names of the database: the one given, and those that its links say, to the last.
fn names(path: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    let mut next = files::in_real_folder(path).ok();
    while let Some(name) = next.filter(|_| names.len() < DATABASE_LINKS_MAX) {
        let target = fs::read_link(&name).ok();
        next = target.and_then(|target| {
            let folder = name.parent()?;
            files::in_real_folder(&folder.join(target)).ok()
        });
        names.push(name);
    }
    names
}
