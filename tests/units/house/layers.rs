//! Who may import whom: the floor plan as tables, and the tests that hold the sources to them.
//!
//! Four plans: the crate's modules, what of the standard library and of other crates only some of
//! them may use, the folders of the page's JavaScript, and which folders a target outside the crate
//! (test, bench, fuzz target) may be built from. The tables come first and are all there is to edit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::js_imports::js_imports;
use super::module_tree::{ModuleFile, walk};
use super::paths::{Named, named};
use super::sources::{assert_none, files_below, from_root, root};

/// For each layer (a module in `lib.rs`), the layers that it may name besides itself, its unit
/// tests included. A row names only rows above it, so nothing is imported in a circle.
const LAYERS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("limits", &[]),
    ("sync", &[]),
    ("bucket", &["ids", "limits"]),
    ("files", &[]),
    ("bounded_list", &[]),
    ("universe", &["ids", "limits"]),
    ("sim", &["ids", "limits", "bounded_list", "universe"]),
    (
        "recorder",
        &["ids", "limits", "bounded_list", "universe", "sim"],
    ),
    ("protocol", &["ids", "limits"]),
    (
        "replication",
        &["ids", "limits", "sim", "protocol", "universe"],
    ),
    ("session", &["ids", "limits", "bucket", "protocol"]),
    ("net", &["ids", "limits", "sync", "bucket"]),
    ("store", &["ids", "limits", "files"]),
    ("metrics", &[]),
    (
        "bus",
        &[
            "ids",
            "limits",
            "sync",
            "protocol",
            "replication",
            "session",
        ],
    ),
    (
        "node",
        &[
            "ids",
            "limits",
            "bucket",
            "universe",
            "sim",
            "recorder",
            "protocol",
            "replication",
            "session",
            "store",
            "bus",
            "metrics",
        ],
    ),
    ("page", &[]),
    ("ops", &[]),
    ("docs", &[]),
    (
        "gateway",
        &[
            "ids",
            "limits",
            "bucket",
            "protocol",
            "replication",
            "session",
            "net",
            "bus",
            "page",
            "metrics",
        ],
    ),
    ("swarm", &["ids", "limits", "protocol", "session"]),
    (
        "server",
        &[
            "ids", "limits", "universe", "sim", "recorder", "session", "net", "store", "bus",
            "node", "gateway", "ops", "metrics",
        ],
    ),
    (
        "cli",
        &[
            "ids", "limits", "files", "universe", "sim", "recorder", "protocol", "session", "net",
            "store", "gateway", "server", "swarm", "metrics",
        ],
    ),
    ("main", &["cli"]),
    ("build", &[]),
];

/// Layers that may read a clock or a random source: the server, the gateway (for guests' names and the
/// rate at which they are given), the reactor (for its own deadlines), the store's writer (to wait and
/// retry), and what stands outside the server.
const MAY_READ_CLOCKS: &[&str] = &["server", "gateway", "net", "store", "swarm", "cli"];

/// Layers that may open a socket.
const MAY_OPEN_SOCKETS: &[&str] = &["server", "net", "store", "swarm", "cli"];

/// What lies outside the crate and only some layers may name.
const OUTSIDE: &[(&[&str], &[&str])] = &[
    (&["std", "time", "Instant"], MAY_READ_CLOCKS),
    (&["std", "time", "SystemTime"], MAY_READ_CLOCKS),
    (&["getrandom"], MAY_READ_CLOCKS),
    (&["rand"], MAY_READ_CLOCKS),
    (&["std", "hash", "RandomState"], MAY_READ_CLOCKS),
    (
        &["std", "collections", "hash_map", "RandomState"],
        MAY_READ_CLOCKS,
    ),
    (&["std", "net", "TcpListener"], MAY_OPEN_SOCKETS),
    (&["std", "net", "TcpStream"], MAY_OPEN_SOCKETS),
    (&["std", "net", "UdpSocket"], MAY_OPEN_SOCKETS),
    (&["std", "os", "unix", "net"], MAY_OPEN_SOCKETS),
    (&["mio"], MAY_OPEN_SOCKETS),
    (&["socket2"], MAY_OPEN_SOCKETS),
    (&["tokio"], MAY_OPEN_SOCKETS),
];

/// A part of the page, the parts that it may run, and those that it may take types from.
type Part = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// For each part of the page (a folder or a module below `src/page`), the parts whose modules it
/// may run, and those that it may besides take types from. The game knows neither picture nor
/// person; what shows it and what steers it know the game; the app puts them together.
const PAGE: &[Part] = &[
    ("types", &[], &[]),
    ("app/words", &[], &["types"]),
    ("game", &["app/words"], &["types"]),
    ("control", &["game"], &["types"]),
    ("view", &["app/words"], &["types", "game"]),
    ("panel", &["app/words", "view"], &["types", "game", "app"]),
    (
        "app",
        &["app/words", "game", "control", "view", "panel"],
        &["types"],
    ),
];

/// Folders of targets that stand outside the crate, and the other folders whose files may be built
/// into them with `#[path]`. None may build in a file of `src`: they see the crate as its users do.
const TARGETS: &[(&str, &[&str])] = &[
    ("tests", &["fuzz/properties"]),
    ("benches", &["tests"]),
    ("fuzz/fuzz_targets", &["fuzz/properties"]),
];

/// Targets that are built from files of `src` besides, to run those over something else than the
/// server does.
const MODELS: &[(&str, &[&str])] = &[(
    // Over a scheduler that tries the interleavings.
    "tests/lost_wakeups/main.rs",
    &[
        "src/net/waker.rs",
        "src/bus/messages.rs",
        "src/bus/bounded_queue.rs",
    ],
)];

/// First file of the tests that are compiled into the library's test binary.
const UNITS: &str = "tests/units/mod.rs";

/// The crate's files from its three first ones on, those of its tests in other folders left out.
fn crate_files() -> Vec<ModuleFile> {
    let firsts = ["src/lib.rs", "src/main.rs", "src/build.rs"];
    let mut files: Vec<ModuleFile> = firsts
        .iter()
        .flat_map(|first| walk(&root().join(first)))
        .collect();
    files.retain(|one| from_root(&one.file).starts_with("src/"));
    assert!(files.len() > 100, "the walk must see the sources");
    files
}

/// The layer of a file: its outermost module, or the first file's own name.
fn layer_of(one: &ModuleFile) -> String {
    let first = one.file.file_stem().unwrap().to_str().unwrap();
    one.module.first().map_or(first, String::as_str).to_owned()
}

/// Breaches of the table in one file: at most one for each layer, at its first line.
fn breaches(file: &str, layer: &str, paths: &[Named]) -> Vec<String> {
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{file}:1: the table has no row for {layer}")];
    };
    let mut seen = BTreeSet::new();
    let mut broken = Vec::new();
    for one in paths {
        let Some(named) = one.layer() else { continue };
        if named != layer && !allowed.contains(&named) && seen.insert(named) {
            let what = if named.is_empty() {
                "the whole crate"
            } else {
                named
            };
            broken.push(format!("{file}:{}: {layer} may not name {what}", one.line));
        }
    }
    broken
}

#[test]
fn no_layer_imports_what_its_row_of_the_table_forbids() {
    let mut broken = Vec::new();
    for one in crate_files() {
        let layer = layer_of(&one);
        // The crate's root declares the layers and names none.
        let paths = named(&one.syntax, &one.module);
        let file = from_root(&one.file);
        if layer == "lib" {
            // Its tests name the crate as everybody does, by `extern crate self`.
            let named = paths.iter().filter(|path| path.path != ["crate"]);
            let used = named.filter(|path| path.layer().is_some());
            broken.extend(used.map(|path| format!("{file}:{}: {:?}", path.line, path.path)));
        } else {
            broken.extend(breaches(&file, &layer, &paths));
        }
    }
    assert_none(&broken);
}

#[test]
fn a_forbidden_import_is_a_breach_and_an_allowed_one_is_none() {
    let at = |path: &[&str]| Named {
        line: 7,
        path: path.iter().map(|name| (*name).to_owned()).collect(),
    };
    let sim = |path: &[&str]| breaches("src/sim/x.rs", "sim", &[at(path)]);
    assert_eq!(sim(&["crate", "universe", "Universe"]), [""; 0]);
    assert_eq!(sim(&["crate", "sim", "net"]), [""; 0]);
    assert_eq!(sim(&["std", "net"]), [""; 0]);
    assert_eq!(
        sim(&["crate", "net", "Waker"]),
        ["src/sim/x.rs:7: sim may not name net"]
    );
    assert_eq!(
        sim(&["crate"]),
        ["src/sim/x.rs:7: sim may not name the whole crate"]
    );
    assert_eq!(breaches("src/attic.rs", "attic", &[]).len(), 1);
}

#[test]
fn the_table_names_layers_that_exist_and_each_row_only_rows_above_it() {
    let layers: BTreeSet<String> = crate_files().iter().map(layer_of).collect();
    let mut above: Vec<&str> = Vec::new();
    for (layer, allowed) in LAYERS {
        assert!(layers.contains(*layer), "there is no layer {layer}");
        for name in *allowed {
            assert!(above.contains(name), "{layer} names {name} from below");
        }
        above.push(layer);
    }
}

#[test]
fn clocks_sockets_and_randomness_are_named_only_where_the_world_is_not() {
    let mut broken = Vec::new();
    for one in crate_files() {
        let layer = layer_of(&one);
        for path in named(&one.syntax, &one.module) {
            for (outside, allowed) in OUTSIDE {
                let leads_there = path.path.iter().zip(*outside).all(|(a, b)| a == b)
                    && path.path.len() >= outside.len();
                if leads_there && !allowed.contains(&layer.as_str()) {
                    let file = from_root(&one.file);
                    let what = outside.join("::");
                    broken.push(format!("{file}:{}: {layer} may not name {what}", path.line));
                }
            }
        }
    }
    broken.dedup();
    assert_none(&broken);
}

#[test]
fn every_source_file_is_a_module_of_the_crate() {
    let reached: BTreeSet<String> = crate_files()
        .iter()
        .map(|one| from_root(&one.file))
        .collect();
    let broken: Vec<String> = files_below("src", &[".rs"])
        .into_iter()
        .filter(|source| !reached.contains(&source.path))
        .map(|source| format!("{}: no `mod` leads here", source.path))
        .collect();
    assert_none(&broken);
}

/// First files of the targets in a folder: its own files, and `main.rs` of the folders in it.
fn first_files(folder: &str) -> Vec<PathBuf> {
    let depth = folder.matches('/').count() + 1;
    files_below(folder, &[".rs"])
        .into_iter()
        .filter(|source| match source.path.matches('/').count() - depth {
            0 => true,
            1 => source.path.ends_with("/main.rs") || source.path == UNITS,
            _ => false,
        })
        .map(|source| root().join(source.path))
        .collect()
}

#[test]
fn tests_benches_and_fuzz_targets_are_built_from_their_own_folders_alone() {
    let mut broken = Vec::new();
    for (folder, others) in TARGETS {
        let first_files = first_files(folder);
        assert!(!first_files.is_empty(), "{folder} holds targets");
        for first in first_files {
            for one in walk(&first) {
                let file = from_root(&one.file);
                let lies_in = |folder: &&str| Path::new(&file).starts_with(folder);
                let first = from_root(&first);
                let is_model_of = |(model, files): &(&str, &[&str])| {
                    *model == first && files.contains(&file.as_str())
                };
                if !lies_in(folder)
                    && !others.iter().any(lies_in)
                    && !MODELS.iter().any(is_model_of)
                {
                    broken.push(format!("{first} is built from {file}"));
                }
                let paths = named(&one.syntax, &one.module);
                let included = paths.iter().filter(|named| named.path == ["include"]);
                broken.extend(included.map(|named| format!("{file}:{}: include!", named.line)));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn every_file_of_tests_benches_and_fuzz_belongs_to_a_target() {
    let mut reached = BTreeSet::new();
    for (folder, _) in TARGETS {
        for first in first_files(folder) {
            reached.extend(walk(&first).iter().map(|one| from_root(&one.file)));
        }
    }
    let broken: Vec<String> = ["tests", "benches", "fuzz"]
        .into_iter()
        .flat_map(|folder| files_below(folder, &[".rs"]))
        .filter(|source| !reached.contains(&source.path))
        .map(|source| format!("{}: no target is built from it", source.path))
        .collect();
    assert_none(&broken);
}

/// The row of the page's table that a module belongs to: the longest that its path begins with.
fn page_part(module: &str) -> Option<&'static Part> {
    let path = Path::new(module.strip_suffix(".js")?);
    PAGE.iter()
        .filter(|(part, ..)| path.starts_with(part))
        .max_by_key(|(part, ..)| part.len())
}

/// Why a module of the page may not name another one, if it may not.
fn page_breach(module: &str, target: &str, is_type: bool) -> Option<String> {
    let Some((part, may_run, may_type)) = page_part(module) else {
        return Some("the table has no row for it".to_owned());
    };
    let folder = root().join(module).parent()?.to_owned();
    let target_path = from_root(&folder.join(target));
    let named = page_part(&target_path).filter(|_| target.starts_with('.'));
    let Some((named, ..)) = named else {
        return Some(format!("{target} is no module of the page"));
    };
    let is_allowed =
        named == part || may_run.contains(named) || is_type && may_type.contains(named);
    let verb = if is_type { "take types from" } else { "run" };
    (!is_allowed).then(|| format!("{part} may not {verb} {named}"))
}

#[test]
fn no_part_of_the_page_imports_what_its_row_of_the_table_forbids() {
    let mut broken = Vec::new();
    let mut imports = 0;
    for source in files_below("src/page", &[".js"]) {
        let module = source.path.strip_prefix("src/page/").unwrap();
        for one in js_imports(&source.text) {
            imports += 1;
            if let Some(why) = page_breach(module, &one.target, one.is_type) {
                broken.push(format!("{}:{}: {why}", source.path, one.line));
            }
        }
    }
    assert!(imports > 80, "the scan must see the imports: {imports}");
    assert_none(&broken);
}

#[test]
fn a_forbidden_import_of_the_page_is_a_breach_and_an_allowed_one_is_none() {
    let breach = |module, target| page_breach(module, target, false);
    assert_eq!(breach("game/world.js", "./entity.js"), None);
    assert_eq!(breach("game/world.js", "../app/words.js"), None);
    assert_eq!(breach("app/words.js", "./words.js"), None);
    assert_eq!(page_breach("panel/hud.js", "../app/link.js", true), None);
    for (module, target) in [
        ("game/world.js", "../view/scene.js"),
        ("game/world.js", "../app/link.js"),
        ("app/words.js", "./link.js"),
        ("view/scene.js", "../game/world.js"),
        ("panel/hud.js", "../app/link.js"),
        ("control/touch.js", "../types.js"),
        ("view/scene.js", "../../ops/ops.js"),
        ("view/scene.js", "three"),
        ("view/scene.js", "https://example.org/three.js"),
        ("view/scene.js", "import(…)"),
        ("attic/scene.js", "../types.js"),
    ] {
        assert!(breach(module, target).is_some(), "{module}: {target}");
    }
}

#[test]
fn the_operators_page_is_one_module_that_imports_nothing() {
    let broken: Vec<String> = files_below("src/ops", &[".js"])
        .into_iter()
        .flat_map(|source| {
            js_imports(&source.text)
                .into_iter()
                .map(move |one| format!("{}:{}: {}", source.path, one.line, one.target))
        })
        .collect();
    assert_none(&broken);
}

#[test]
fn every_row_of_the_pages_table_is_a_part_of_the_page() {
    let modules = files_below("src/page", &[".js"]);
    for row in PAGE {
        let has_module = modules.iter().any(|source| {
            let module = source.path.strip_prefix("src/page/").unwrap();
            page_part(module) == Some(row)
        });
        assert!(has_module, "{} is no part of the page", row.0);
    }
}
