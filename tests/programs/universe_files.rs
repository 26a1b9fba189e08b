//! Any bytes as a universe file: one that can be lived in, or a bounded report whose problems have
//! places. The fuzzing property on its corpus and on the files that we write ourselves, and what is
//! no universe at all.

use orrery::universe::{BUILT_IN, Universe};
use proptest::prelude::*;

#[path = "../../fuzz/properties/universe.rs"]
mod universe;

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/universe");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        universe::check(&bytes);
        let name = entry.file_name();
        let good = ["smallest", "one_station", "spawn_area_and_npcs"]
            .iter()
            .any(|good| name == *good);
        assert_eq!(
            Universe::load_bytes(&bytes, "seed").is_ok(),
            good,
            "{name:?}"
        );
        count += 1;
    }
    assert!(count >= 8);
}

#[test]
fn our_own_files_hold() {
    universe::check(orrery::universe::BUILT_IN.as_bytes());
    universe::check(orrery::universe::bench_text(1000, 50).as_bytes());
}

#[test]
fn what_is_no_toml_is_told_where() {
    for empty in ["", "  \n\t\n"] {
        let error = Universe::load(empty, "my.toml").unwrap_err();
        assert!(
            error.to_string().starts_with("my.toml:1:1: is empty"),
            "{error}"
        );
    }
    let error = Universe::load("name = \"x\"\n[ship\nradius = 3\n", "my.toml").unwrap_err();
    assert!(error.to_string().starts_with("my.toml:2:"), "{error}");
    let error = Universe::load("name = \"x\"\nname = \"y\"\n", "my.toml").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("my.toml:2:1: not TOML: duplicate key"),
        "{error}"
    );
    let error = Universe::load_bytes(b"name = 1\nxy\xff\x00", "my.toml").unwrap_err();
    assert!(
        error.to_string().starts_with("my.toml:2:3: not UTF-8"),
        "{error}"
    );
    let error = Universe::load_bytes(b"\x7fELF\x02\x01\x00\x00", "my.toml").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("my.toml:1:5: holds a control"),
        "{error}"
    );
    let large = "# ".repeat(3 * 1024 * 1024);
    let error = Universe::load(&large, "my.toml").unwrap_err();
    assert!(
        error.to_string().contains("at most 4194304 are read"),
        "{error}"
    );
}

#[test]
fn deep_nesting_is_refused_not_overflowed() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("name = {}1{}", open.repeat(200_000), close.repeat(200_000));
        assert!(Universe::load(&text, "deep.toml").is_err());
    }
}

#[test]
fn too_many_of_a_thing_is_refused_and_the_report_is_bounded() {
    let commodity =
        |n: usize| format!("[[commodities]]\nid = \"c{n}\"\nname = \"C\"\nbase_price = 0\n");
    let many: String = (0..80).map(commodity).collect();
    let error = Universe::load(&format!("name = \"Many\"\n{many}"), "many.toml").unwrap_err();
    assert!(
        error.to_string().contains("at most 64 are allowed"),
        "{error}"
    );
    assert_eq!(error.problems.len(), orrery::universe::PROBLEMS_MAX);
    assert!(
        error.more > 0
            && error
                .to_string()
                .ends_with(&format!("and {} more", error.more))
    );
}

proptest! {
    /// Whatever single edit one makes, the answer is a universe or a report with a place in the file.
    #[test]
    fn any_edit_gives_a_universe_or_a_placed_report(at in 0..BUILT_IN.len(), cut in 0_usize..40, paste in "[ -~\n]{0,12}") {
        let end = (at + cut).min(BUILT_IN.len());
        let text = format!("{}{paste}{}", &BUILT_IN[..at], &BUILT_IN[end..]);
        match Universe::load(&text, "edited.toml") {
            Ok(universe) => prop_assert!(!universe.systems.is_empty()),
            Err(error) => {
                prop_assert!(!error.problems.is_empty());
                let lines = text.lines().count() + 1;
                prop_assert!(error.problems.iter().all(|p| (1..=lines).contains(&p.line)));
            }
        }
    }
}

/// What `orrery world check` says of a text: exit code, table and complaints.
fn world_check(text: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orrery"));
    let command = command.env_clear().args(["world", "check"]).arg(&file);
    let output = command.output().unwrap();
    let words = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        words(output.stdout),
        words(output.stderr),
    )
}

#[test]
fn two_docks_that_pay_without_a_flight_are_warned_of_and_no_error() {
    let (code, table, told) = world_check(BUILT_IN);
    assert_eq!((code, told.as_str()), (Some(0), ""), "{table}");

    let dear = BUILT_IN.replacen("price = 12, stock = 1500", "price = 24, stock = 1500", 1);
    let (code, table, told) = world_check(&dear);
    assert_eq!(code, Some(0));
    assert!(table.contains("proxima-1"), "{table}");
    // Bought at 11, sold at 21, 50 of it; the jump burns 20 units at 3.
    let route = "my.toml: warning: food from sol-1 to proxima-1 pays 440 credits a jump";
    assert!(told.contains(route), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}
