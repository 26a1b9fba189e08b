//! The decoder's fuzzing property on its corpus and on generated near-misses.

use proptest::prelude::*;

#[path = "../../fuzz/properties/decode.rs"]
mod decode;

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/decode");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        decode::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 10);
}

#[test]
fn nesting_is_refused_at_the_depth_where_serde_json_refuses_it() {
    for depth in 120..135 {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let text = format!(r#"{{"type":"ping","seq":1,"payload":{{"t0":1}},"x":{open}{close}}}"#);
        decode::check(text.as_bytes());
    }
}

/// A value of a field: right, wrong, or odd.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("0".to_owned()),
        Just("-0".to_owned()),
        Just("1.0".to_owned()),
        Just("1e400".to_owned()),
        Just("-1e-400".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just("9007199254740992".to_owned()),
        Just("NaN".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"food\"".to_owned()),
        Just("\"\\ud83d\\ude80\"".to_owned()),
        Just("\"\\ud83d\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| serde_json::to_string(&number).unwrap()),
        "\"[a-z \\\\\"\u{1}ä]{0,70}\"",
    ]
}

fn field(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::sample::select(names), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"))
}

const BODY: &[&str] = &[
    "token",
    "protocol_version",
    "system_id",
    "thrust",
    "turn",
    "fire_primary",
    "dock_request",
    "station_id",
    "commodity_id",
    "quantity",
    "request_id",
    "t0",
    "other",
];

const TYPES: &[&str] = &[
    "auth.login",
    "auth.refresh",
    "session.join_system",
    "input.command",
    "trade.buy",
    "trade.sell",
    "ship.repair_request",
    "ping",
    "nope",
];

/// A body that would be right for some request, with up to two fields spoilt or added.
fn body() -> impl Strategy<Value = String> {
    let right = prop::sample::select(vec![
        r#""thrust":0.5,"turn":-2"#,
        r#""station_id":"a","commodity_id":"b","quantity":3"#,
        r#""station_id":"a""#,
        r#""token":"t""#,
        r#""system_id":"sol-1""#,
        r#""t0":5"#,
        "\"x\":1",
    ]);
    (right, prop::collection::vec(field(BODY), 0..3)).prop_map(|(right, more)| {
        let fields: Vec<_> = std::iter::once(right.to_owned()).chain(more).collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn message() -> impl Strategy<Value = String> {
    let envelope = prop::collection::vec(field(&["seq", "ts", "type", "payload", "z"]), 0..2);
    (prop::sample::select(TYPES), body(), envelope, any::<bool>()).prop_map(
        |(name, body, more, payload_first)| {
            let name = format!("\"type\":\"{name}\"");
            let body = format!("\"payload\":{body}");
            let mut fields = vec![name, "\"seq\":1".to_owned(), body];
            if payload_first {
                fields.reverse();
            }
            fields.extend(more);
            format!("{{{}}}", fields.join(","))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_readings_agree_on_near_misses(text in message()) {
        decode::check(text.as_bytes());
    }

    #[test]
    fn both_readings_agree_on_broken_text(text in message(), at: prop::sample::Index, byte: u8) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        decode::check(&bytes);
        decode::check(&bytes[..at]);
    }
}
