//! The house rules that a compiler does not check: who may import whom, who may read a clock or a
//! random source, how long a file may grow, and that every file says what it is for.

use std::fs;
use std::path::{Path, PathBuf};

/// For each layer, the layers whose names may follow `crate::` in its files (besides itself).
const ALLOWED: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("limits", &[]),
    ("bucket", &["ids", "limits"]),
    ("files", &[]),
    ("bounded_list", &[]),
    ("universe", &["ids", "limits"]),
    ("sim", &["ids", "limits", "bounded_list", "universe"]),
    (
        "recorder",
        &["ids", "limits", "bounded_list", "universe", "sim"],
    ),
    ("wire", &["ids", "limits"]),
    ("replication", &["ids", "limits", "sim", "wire", "universe"]),
    ("session", &["ids", "limits", "bucket", "wire"]),
    ("net", &["ids", "limits", "bucket"]),
    ("store", &["ids", "limits", "files"]),
    ("page", &[]),
    ("ops", &[]),
    ("swarm", &["ids", "limits", "wire", "session"]),
    (
        "server",
        &[
            "ids",
            "limits",
            "universe",
            "sim",
            "recorder",
            "wire",
            "replication",
            "session",
            "net",
            "store",
            "page",
            "ops",
        ],
    ),
    (
        "cli",
        &[
            "ids", "limits", "files", "universe", "sim", "recorder", "wire", "session", "net",
            "store", "server", "swarm",
        ],
    ),
];

/// Layers that may read a clock or a random source: the server, the reactor (for its own
/// deadlines), the store's writer (to wait and retry), and what stands outside the server.
const MAY_READ_CLOCKS: &[&str] = &["server", "net", "store", "swarm", "cli"];

const LINES_MAX: usize = 500;

/// The table of all bounds belongs in one file, however long it grows.
const TABLE: &str = "src/limits.rs";

struct Source {
    path: PathBuf,
    layer: String,
    text: String,
}

/// Every Rust file under `src` with the layer it belongs to.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let first = inside
                    .components()
                    .next()
                    .unwrap()
                    .as_os_str()
                    .to_string_lossy();
                let layer = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, layer, text });
            }
        }
    }
    assert!(found.len() > 10, "the scan must see the sources");
    found
}

/// The file without its unit tests and comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Names that follow `crate::` in a line, with `crate::{a, b}` taken apart.
fn imports(line: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    let mut names = Vec::new();
    for rest in line.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(group.split(',').map(|part| word(part.trim())));
        } else {
            names.push(word(rest));
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn no_layer_imports_what_its_row_of_the_table_forbids() {
    let mut broken = Vec::new();
    for source in sources() {
        if matches!(source.layer.as_str(), "lib" | "main") {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(layer, _)| *layer == source.layer) else {
            broken.push(format!(
                "{}: no row in the table for this layer",
                source.path.display()
            ));
            continue;
        };
        for (index, line) in code_lines(&source.text) {
            for name in imports(line) {
                if name != source.layer && !allowed.contains(&name.as_str()) {
                    broken.push(format!(
                        "{}:{}: imports {name}",
                        source.path.display(),
                        index + 1
                    ));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn clocks_and_randomness_are_read_only_where_the_world_is_not() {
    let mut broken = Vec::new();
    for source in sources() {
        if MAY_READ_CLOCKS.contains(&source.layer.as_str()) {
            continue;
        }
        for (index, line) in code_lines(&source.text) {
            for reader in [
                "Instant::now",
                "SystemTime::now",
                "getrandom",
                "thread_rng",
                "RandomState",
            ] {
                if line.contains(reader) {
                    broken.push(format!("{}:{}: {reader}", source.path.display(), index + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_fits_in_the_head() {
    let mut broken = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//!") {
            broken.push(format!("{}: does not open with //!", source.path.display()));
        }
        let lines = source.text.lines().count();
        if lines > LINES_MAX && !source.path.ends_with(TABLE) {
            broken.push(format!(
                "{}: {lines} lines, split it by idea",
                source.path.display()
            ));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn imports_are_found_in_groups_and_paths() {
    assert_eq!(imports("use crate::sim::World;"), ["sim"]);
    assert_eq!(imports("use crate::{ids::Name, net};"), ["ids", "net"]);
    assert_eq!(
        imports("let a = crate::wire::decode(x, crate::store::y);"),
        ["wire", "store"]
    );
    assert!(imports("use std::fmt;").is_empty());
}
