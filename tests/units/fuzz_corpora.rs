//! Every fuzz target has what testers expect beside it: seeds that people named, a dictionary that
//! fuzzers can read, and a test that replays the seeds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of a seed: the corpus is read by people.
const SEED_BYTES_MAX: u64 = 4_096;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names in a folder, without an ending.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect()
}

fn targets() -> BTreeSet<String> {
    names(&root().join("fuzz/fuzz_targets"))
}

#[test]
fn every_target_has_a_property_a_corpus_and_a_dictionary_of_its_name() {
    let expected = [
        "decode",
        "frames",
        "http_head",
        "recording",
        "session",
        "token",
        "universe",
        "world",
    ];
    assert_eq!(targets(), expected.map(str::to_owned).into());
    for folder in ["properties", "corpus", "dict"] {
        assert_eq!(
            names(&root().join("fuzz").join(folder)),
            targets(),
            "{folder}"
        );
    }
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for target in targets() {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}

#[test]
fn seeds_are_small_and_named_by_people() {
    for target in targets() {
        let folder = root().join("fuzz/corpus").join(&target);
        for name in names(&folder) {
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            let is_hash = name.len() >= 32 && !name.contains('_');
            assert!(is_name && !is_hash, "{target}/{name}");
            let bytes = fs::metadata(folder.join(&name)).unwrap().len();
            assert!(bytes <= SEED_BYTES_MAX, "{target}/{name} has {bytes} bytes");
        }
    }
}

#[test]
fn every_corpus_is_replayed_by_a_test() {
    let texts: String = ["units", "sockets", "programs"]
        .into_iter()
        .flat_map(|binary| fs::read_dir(root().join("tests").join(binary)).unwrap())
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    for target in targets() {
        let by_folder = texts.contains(&format!("/fuzz/corpus/{target}\")"));
        let by_name = texts.contains(&format!("replay(\"{target}\""));
        assert!(by_folder || by_name, "{target}");
    }
}

/// The bytes of a dictionary's line, as libFuzzer reads it.
fn entry(line: &str) -> Option<Vec<u8>> {
    let inner = line.strip_prefix('"')?.strip_suffix('"')?;
    let (mut bytes, mut rest) = (Vec::new(), inner.as_bytes());
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = str::from_utf8(&digits).ok()?;
                (u8::from_str_radix(digits, 16).ok()?, tail)
            }
            (b'\\' | b'"', _) => return None,
            (b' '..=b'~', tail) => (first, tail),
            _ => return None,
        };
        bytes.push(byte);
        rest = tail;
    }
    Some(bytes)
}

#[test]
fn dictionaries_are_such_that_fuzzers_read_them() {
    for target in targets() {
        let path = root().join("fuzz/dict").join(format!("{target}.dict"));
        let text = fs::read_to_string(path).unwrap();
        let mut entries = BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let bytes = entry(line).unwrap_or_else(|| panic!("{target}: {line}"));
            // libFuzzer takes words of up to 64 bytes.
            assert!((1..=64).contains(&bytes.len()), "{target}: {line}");
            assert!(entries.insert(bytes), "{target}: {line} twice");
        }
        assert!(entries.len() >= 20, "{target}");
    }
}
