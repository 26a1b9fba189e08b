//! The universe file's fuzzing property on its corpus, and on the files that we write ourselves.

use orrery::universe::Universe;

#[path = "../fuzz/properties/universe.rs"]
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
