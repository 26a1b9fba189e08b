//! The protocol's reference against the code: every example in it is read, written again and held
//! against the schema, and its tables of codes and limits are the code's.

use jsonschema::Validator;
use orrery::ids::UnixMillis;
use orrery::limits::{
    RATE_ACCOUNT, RATE_CONTROLS, RATE_FAULTS, RATE_INPUTS, RATE_MESSAGES, RATE_OTHERS, RATE_PINGS,
    RATE_TRANSACTIONS, Rate,
};
use orrery::protocol::client::Received;
use orrery::protocol::{
    CloseCode, ErrorCode, PROTOCOL, RequestKind, Scratch, decode, encode_request, schema,
};
use serde_json::Value;

/// The reference's examples, as text.
fn examples() -> Vec<&'static str> {
    let blocks = PROTOCOL.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().trim())
        .collect()
}

/// One choice of the schema alone: what clients send, or what the server sends.
fn validator(side: &str) -> Validator {
    let mut document = schema();
    let object = document.as_object_mut().unwrap();
    object.remove("oneOf");
    object.insert("$ref".into(), format!("#/$defs/{side}").into());
    jsonschema::validator_for(&document).unwrap()
}

fn type_of(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap();
    value["type"].as_str().unwrap().to_owned()
}

fn is_from_client(text: &str) -> bool {
    RequestKind::from_wire_name(&type_of(text)).is_some()
}

/// The example as this code writes it after reading it.
fn again(text: &str) -> Value {
    let mut out = Vec::new();
    if is_from_client(text) {
        let mut bytes = text.as_bytes().to_vec();
        let ts = serde_json::from_str::<Value>(text).unwrap()["ts"]
            .as_u64()
            .unwrap();
        let message = decode(&mut bytes, &mut Scratch::default()).unwrap();
        encode_request(&message, UnixMillis(ts), &mut out);
    } else {
        Received::decode(text).unwrap().encode(&mut out);
    }
    serde_json::from_slice(&out).unwrap()
}

/// Equality of JSON where 1 and 1.0, and a float and its double, are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            (left.as_f64().unwrap() - right.as_f64().unwrap()).abs() < 1e-7
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}

#[test]
fn every_example_reads_and_writes_back_the_same() {
    assert!(examples().len() >= 20);
    for text in examples() {
        let written = again(text);
        let original = serde_json::from_str(text).unwrap();
        assert!(same(&written, &original), "{original}\nbecame\n{written}");
    }
}

#[test]
fn every_example_is_valid_under_the_schema() {
    let whole = jsonschema::validator_for(&schema()).unwrap();
    let (client, server) = (validator("client_message"), validator("server_message"));
    for text in examples() {
        let value: Value = serde_json::from_str(text).unwrap();
        let side = if is_from_client(text) {
            &client
        } else {
            &server
        };
        for (name, validator) in [("whole", &whole), ("side", side)] {
            let faults: Vec<_> = validator
                .iter_errors(&value)
                .map(|e| e.to_string())
                .collect();
            assert!(faults.is_empty(), "{name}: {text}\n{faults:?}");
            assert!(validator.is_valid(&again(text)), "{name}: rewritten {text}");
        }
    }
}

#[test]
fn every_message_has_an_example_and_a_section() {
    let shown: Vec<String> = examples().into_iter().map(type_of).collect();
    let document = schema();
    let messages = document["$defs"].as_object().unwrap();
    let named = messages
        .iter()
        .filter(|(_, schema)| schema["properties"].get("type").is_some());
    let mut count = 0;
    for (name, _) in named {
        assert!(shown.contains(name), "no example of {name}");
        let heading = |line: &str| line.starts_with("### ") && line.contains(name.as_str());
        assert!(PROTOCOL.lines().any(heading), "no section on {name}");
        count += 1;
    }
    assert_eq!(count, 8 + 11);
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let client = validator("client_message");
    for bad in [
        "[]",
        r#"{"type":"nope","seq":1,"ts":1,"payload":{}}"#,
        r#"{"type":"ping","seq":1,"ts":1}"#,
        r#"{"type":"ping","seq":-1,"ts":1,"payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":9007199254740992,"ts":1,"payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":1,"ts":1,"payload":{"t0":"1"}}"#,
        r#"{"type":"input.command","seq":1,"ts":1,"payload":{"thrust":"1"}}"#,
        r#"{"type":"trade.buy","seq":1,"ts":1,"payload":{"station_id":"a","commodity_id":"b","quantity":0}}"#,
        r#"{"type":"trade.buy","seq":1,"ts":1,"payload":{"station_id":"a b","commodity_id":"b","quantity":1}}"#,
        r#"{"type":"trade.buy","seq":1,"ts":1,"payload":{"commodity_id":"b","quantity":1}}"#,
        r#"{"type":"auth.login","seq":1,"ts":1,"payload":{}}"#,
    ] {
        let value: Value = serde_json::from_str(bad).unwrap();
        assert!(!client.is_valid(&value), "{bad}");
        let mut bytes = bad.as_bytes().to_vec();
        assert!(
            decode(&mut bytes, &mut Scratch::default()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn optional_fields_may_be_absent_or_null_for_both() {
    let client = validator("client_message");
    for good in [
        r#"{"type":"input.command","seq":0,"payload":{}}"#,
        r#"{"type":"auth.login","seq":1,"payload":{"token":"t","protocol_version":null}}"#,
        r#"{"type":"ship.repair_request","seq":1,"payload":{"station_id":"a","request_id":null}}"#,
        r#"{"type":"ping","seq":1,"ts":1.5,"payload":{"t0":1,"more":[1]},"more":{}}"#,
    ] {
        let value: Value = serde_json::from_str(good).unwrap();
        assert!(client.is_valid(&value), "{good}");
        let mut bytes = good.as_bytes().to_vec();
        assert!(
            decode(&mut bytes, &mut Scratch::default()).is_ok(),
            "{good}"
        );
    }
}

#[test]
fn the_tables_of_codes_are_complete() {
    for code in ErrorCode::ALL {
        let row = format!("| `{}` |", code.as_str());
        assert!(PROTOCOL.contains(&row), "no row for {row}");
    }
    for code in [
        CloseCode::Draining,
        CloseCode::ProtocolError,
        CloseCode::BinaryRefused,
        CloseCode::InvalidUtf8,
        CloseCode::MessageTooBig,
        CloseCode::LoginFailed,
        CloseCode::LoginTimeout,
        CloseCode::Replaced,
        CloseCode::TooSlow,
        CloseCode::Flood,
    ] {
        let row = format!("| {} |", code.as_u16());
        assert!(PROTOCOL.contains(&row), "no row for {row}");
        assert!(code.reason().len() <= 123);
    }
}

#[test]
fn the_table_of_rates_is_the_codes() {
    let shown = |what: &str, Rate { per_second, burst }: Rate| {
        let row = format!("| {what} | {per_second}/s | {burst} |");
        assert!(PROTOCOL.contains(&row), "{row}");
    };
    shown("all messages of a connection", RATE_MESSAGES);
    shown("`input.command`", RATE_INPUTS);
    shown(
        "`trade.buy`, `trade.sell`, `ship.repair_request` together",
        RATE_TRANSACTIONS,
    );
    shown(
        "`auth.login`, `auth.refresh`, `session.join_system` together",
        RATE_ACCOUNT,
    );
    shown("`ping`", RATE_PINGS);
    shown("anything not recognised", RATE_OTHERS);
    let faults = "refused messages (over a rate, malformed, of unknown type) before close 4008";
    shown(faults, RATE_FAULTS);
    shown("WebSocket pings and pongs before close 4008", RATE_CONTROLS);
}
