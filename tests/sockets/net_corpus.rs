//! The net layer's fuzzing properties on their corpora, and on every corpus entry cut short or
//! with one byte changed.

#[path = "../../fuzz/properties/frames.rs"]
mod frames;
#[path = "../../fuzz/properties/http_head.rs"]
mod http_head;

/// Runs a property on a corpus and its neighbours.
fn replay(name: &str, check: impl Fn(&[u8])) {
    let corpus = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut entries = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let seed = std::fs::read(file.unwrap().path()).unwrap();
        check(&seed);
        for cut in (0..seed.len()).step_by(3) {
            check(&seed[..cut]);
            let mut changed = seed.clone();
            changed[cut] ^= 0x81;
            check(&changed);
        }
        entries += 1;
    }
    assert!(entries >= 8, "{name}");
}

#[test]
fn frames_hold_their_property_on_the_corpus() {
    replay("frames", frames::check);
}

#[test]
fn http_heads_hold_their_property_on_the_corpus() {
    replay("http_head", http_head::check);
}
