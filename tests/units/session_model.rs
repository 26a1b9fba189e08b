//! Conversations driven by arbitrary lists of operations, beside a plain model.

use proptest::prelude::*;

#[path = "../../fuzz/properties/session.rs"]
mod session;
use session::Operation;

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/session");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        session::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 3);
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => any::<u16>().prop_map(|ms| Operation::Wait(ms % 3_000)),
        12 => (any::<u8>(), -3_i8..20).prop_map(|(which, step)| Operation::Ask(which, step)),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, refresh)| Operation::Token(which, refresh)),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Operation::Raw),
        2 => any::<u8>().prop_map(Operation::Answer),
        1 => Just(Operation::Deadline),
    ]
}

/// Most conversations worth having begin with a login and a join.
fn conversation() -> impl Strategy<Value = Vec<Operation>> {
    let begin = [
        Operation::Token(0, false),
        Operation::Answer(0),
        Operation::Ask(4, 1),
        Operation::Answer(2),
    ];
    let rest = prop::collection::vec(operation(), 0..400);
    (prop::sample::select(vec![0, 1, 2, 4, 4, 4]), rest)
        .prop_map(move |(steps, rest)| begin.iter().take(steps).cloned().chain(rest).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn invariants_hold_after_every_operation(operations in conversation()) {
        session::run(&operations);
    }
}
