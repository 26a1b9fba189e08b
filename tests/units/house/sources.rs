//! The repository's files as the house rules see them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file and its text.
pub(crate) struct Source {
    /// Path from the repository's root, as it is printed.
    pub(crate) path: String,
    /// The whole file.
    pub(crate) text: String,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The path from the repository's root, with `.` and `..` taken out.
pub(crate) fn from_root(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.strip_prefix(root()).unwrap_or(path) {
        match part.to_str().expect("paths here are text") {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name.to_owned()),
        }
    }
    parts.join("/")
}

/// Every file with one of the endings below a folder of the repository, in order of their paths.
///
/// Build output, which `fuzz` keeps beside its sources, is left out.
pub(crate) fn files_below(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = from_root(&path);
            if path.is_dir() {
                if name != "fuzz/target" {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: name, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Fails with one line a breach.
pub(crate) fn assert_none(broken: &[String]) {
    assert!(
        broken.is_empty(),
        "{} breaches\n{}",
        broken.len(),
        broken.join("\n")
    );
}
