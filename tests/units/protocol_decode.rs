//! What the decoder takes, what it refuses, and how it words the refusal.

use orrery::protocol::{
    AskedVersion, DecodeError, ErrorCode, Message, Request, RequestKind, Scratch, Seq, decode,
};

/// Decodes a copy and hands the outcome to `look`, as tokens borrow from the text.
fn with<T>(text: &str, look: impl FnOnce(Result<Message<'_>, DecodeError>) -> T) -> T {
    let mut bytes = text.as_bytes().to_vec();
    look(decode(&mut bytes, &mut Scratch::default()))
}

fn refusal(text: &str) -> DecodeError {
    with(text, |outcome| match outcome {
        Ok(message) => panic!("{text} was taken as {message:?}"),
        Err(error) => error,
    })
}

fn assert_malformed(text: &str, seq: Option<u64>) {
    let error = refusal(text);
    assert_eq!(error.code, ErrorCode::MalformedMessage, "{text}");
    assert_eq!(error.seq.map(Seq::number), seq, "{text}");
}

fn input(payload: &str) -> orrery::protocol::Input {
    let text = format!(r#"{{"type":"input.command","seq":1,"payload":{payload}}}"#);
    with(&text, |outcome| match outcome.unwrap().request {
        Request::Input(input) => input,
        other => panic!("{other:?}"),
    })
}

#[test]
fn inputs_out_of_range_are_clamped() {
    let controls = input(r#"{"thrust":7,"turn":-1e300,"fire_primary":true}"#);
    assert_eq!((controls.thrust, controls.turn), (1.0, -1.0));
    assert!(controls.fire_primary && !controls.dock_request);
    let controls = input(r#"{"thrust":-0.5,"turn":123456789012345678901234567890}"#);
    assert_eq!((controls.thrust, controls.turn), (0.0, 1.0));
    let controls = input(r#"{"thrust":-0,"turn":-0.0}"#);
    assert_eq!((controls.thrust.to_bits(), controls.turn.to_bits()), (0, 0));
}

#[test]
fn a_missing_control_is_neutral() {
    assert_eq!(input("{}"), orrery::protocol::Input::default());
}

#[test]
fn fields_come_in_any_order_and_unknown_ones_are_passed_over() {
    let text = r#"{"payload":{"x":[{"thrust":3}],"thrust":0.25,"turn":0},"extra":{"seq":9},"seq":3,"type":"input.command","ts":0.5}"#;
    with(text, |outcome| {
        let message = outcome.unwrap();
        assert_eq!(message.seq.number(), 3);
        assert!(matches!(message.request, Request::Input(input) if input.thrust > 0.2));
    });
}

#[test]
fn escaped_keys_and_texts_are_the_same_keys_and_texts() {
    let text = r#"{"\u0074ype":"pin\u0067","seq":3,"payload":{"t\u0030":1}}"#;
    with(text, |outcome| {
        assert_eq!(outcome.unwrap().request.kind(), RequestKind::Ping);
    });
}

#[test]
fn wrong_types_are_malformed_and_say_which_request_they_answer() {
    for payload in [
        r#"{"thrust":"1"}"#,
        r#"{"thrust":null}"#,
        r#"{"turn":true}"#,
        r#"{"turn":[1]}"#,
        r#"{"fire_primary":1}"#,
        r#"{"dock_request":"yes"}"#,
        r#"{"thrust":1,"thrust":1}"#,
        "[]",
        "null",
        "1",
        r#""x""#,
    ] {
        assert_malformed(
            &format!(r#"{{"type":"input.command","seq":5,"payload":{payload}}}"#),
            Some(5),
        );
    }
    assert_malformed(r#"{"type":"input.command","seq":5}"#, Some(5));
    assert_malformed(r#"{"type":7,"seq":5,"payload":{}}"#, Some(5));
    assert_malformed(r#"{"seq":5,"payload":{}}"#, Some(5));
    assert_malformed(
        r#"{"type":"ping","seq":5,"ts":"now","payload":{"t0":1}}"#,
        Some(5),
    );
    assert_malformed(r#"{"type":"ping","seq":5,"payload":{}}"#, Some(5));
    assert_malformed(
        r#"{"type":"ping","type":"ping","seq":5,"payload":{"t0":1}}"#,
        Some(5),
    );
    assert_malformed(
        r#"{"type":"ping","seq":5,"payload":{"t0":1},"payload":{"t0":1}}"#,
        Some(5),
    );
}

#[test]
fn a_seq_is_written_as_an_integer_within_two_to_the_53() {
    let ping = |seq: &str| format!(r#"{{"type":"ping","seq":{seq},"payload":{{"t0":1}}}}"#);
    for good in ["0", "1", "9007199254740991"] {
        with(&ping(good), |outcome| {
            assert_eq!(outcome.unwrap().seq.number().to_string(), good);
        });
    }
    for bad in [
        "-1",
        "-0",
        "1.0",
        "1e3",
        "9007199254740992",
        "99999999999999999999",
        "\"1\"",
        "null",
        "true",
        "[1]",
    ] {
        assert_malformed(&ping(bad), None);
    }
    assert_malformed(r#"{"type":"ping","payload":{"t0":1}}"#, None);
    assert_malformed(
        r#"{"type":"ping","seq":1,"seq":1,"payload":{"t0":1}}"#,
        None,
    );
    assert_malformed(
        r#"{"type":"ping","seq":1,"seq":2,"seq":3,"payload":{"t0":1}}"#,
        None,
    );
}

#[test]
fn what_is_not_json_is_malformed() {
    for text in [
        "",
        " ",
        "{",
        "nonsense",
        r#"{"type":"ping","seq":1,"payload":{"t0":NaN}}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":Infinity}}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":1e400}}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":01}}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":1},}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":1}} x"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":1},"x":"\ud800"}"#,
        "{\"type\":\"ping\",\"seq\":1,\"payload\":{\"t0\":1},\"x\":\"\u{1}\"}",
        "\u{feff}{}",
    ] {
        assert_malformed(text, None);
    }
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_malformed(&deep, None);
    for text in ["[]", "1", "null", "\"ping\"", r#"["ping",1,1,{}]"#] {
        assert_malformed(text, None);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_malformed() {
    let mut bytes = b"{\"type\":\"\xff\"}".to_vec();
    let error = decode(&mut bytes, &mut Scratch::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::MalformedMessage);
}

#[test]
fn an_unknown_type_is_named_so() {
    for name in ["nope", "", "world.delta", "PING", "ping "] {
        let error = refusal(&format!(r#"{{"type":"{name}","seq":8}}"#));
        assert_eq!(error.code, ErrorCode::UnknownType);
        assert_eq!(error.seq.map(Seq::number), Some(8));
        assert_eq!(error.kind, None);
    }
}

fn trade_refusal(fields: &str) -> (ErrorCode, Option<RequestKind>) {
    let error = refusal(&format!(
        r#"{{"type":"trade.sell","seq":2,"payload":{{{fields}}}}}"#
    ));
    assert_eq!(error.seq.map(Seq::number), Some(2));
    (error.code, error.kind)
}

#[test]
fn a_quantity_is_a_whole_number_of_at_least_one() {
    for bad in [
        "0",
        "-1",
        "-0",
        "1.5",
        "1.0",
        "1e2",
        "1000000001",
        "99999999999999999999999",
    ] {
        let fields = format!(r#""station_id":"a","commodity_id":"b","quantity":{bad}"#);
        let expected = (ErrorCode::InvalidQuantity, Some(RequestKind::Sell));
        assert_eq!(trade_refusal(&fields), expected, "{bad}");
    }
    for bad in ["\"1\"", "null", "true", "[]"] {
        let fields = format!(r#""station_id":"a","commodity_id":"b","quantity":{bad}"#);
        assert_eq!(
            trade_refusal(&fields).0,
            ErrorCode::MalformedMessage,
            "{bad}"
        );
    }
    let missing = r#""station_id":"a","commodity_id":"b""#;
    assert_eq!(trade_refusal(missing).0, ErrorCode::MalformedMessage);
}

#[test]
fn text_that_can_name_nothing_names_nothing_that_exists() {
    let station = r#""station_id":"a b","commodity_id":"b","quantity":1"#;
    assert_eq!(trade_refusal(station).0, ErrorCode::UnknownStation);
    let commodity = r#""station_id":"a","commodity_id":"","quantity":1"#;
    assert_eq!(trade_refusal(commodity).0, ErrorCode::UnknownCommodity);
    let long = "x".repeat(65);
    let join =
        format!(r#"{{"type":"session.join_system","seq":2,"payload":{{"system_id":"{long}"}}}}"#);
    assert_eq!(refusal(&join).code, ErrorCode::UnknownSystem);
    let ill_typed = r#""station_id":"a b","commodity_id":7,"quantity":1"#;
    assert_eq!(trade_refusal(ill_typed).0, ErrorCode::MalformedMessage);
}

#[test]
fn a_request_id_is_short_printable_text() {
    let fields =
        |id: &str| format!(r#""station_id":"a","commodity_id":"b","quantity":1,"request_id":{id}"#);
    for bad in ["\"\"", "7", "\"a\\u0000b\"", "\"a\\n\""] {
        assert_eq!(
            trade_refusal(&fields(bad)).0,
            ErrorCode::MalformedMessage,
            "{bad}"
        );
    }
    let long = format!("\"{}\"", "x".repeat(65));
    assert_eq!(trade_refusal(&fields(&long)).0, ErrorCode::MalformedMessage);
    let good = format!(
        r#"{{"type":"trade.buy","seq":2,"payload":{{{}}}}}"#,
        fields("\"ä-1\"")
    );
    with(&good, |outcome| {
        let Request::Buy(trade) = outcome.unwrap().request else {
            panic!("a purchase expected");
        };
        assert_eq!(trade.request_id.unwrap().as_str(), "ä-1");
    });
}

#[test]
fn a_login_may_state_its_version_as_any_number() {
    let version = |stated: &str| {
        let text = format!(
            r#"{{"type":"auth.login","seq":1,"payload":{{"token":"t","protocol_version":{stated}}}}}"#
        );
        with(&text, |outcome| match outcome.unwrap().request {
            Request::Login(login) => login.protocol_version,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(version("1"), AskedVersion::Stated(1));
    assert_eq!(version("2"), AskedVersion::Stated(2));
    assert_eq!(version("null"), AskedVersion::Unstated);
    for odd in ["-1", "1.5", "1e30", "123456789012345678901234567890"] {
        assert_eq!(version(odd), AskedVersion::Unknown, "{odd}");
    }
    let text = r#"{"type":"auth.login","seq":1,"payload":{"token":"t","protocol_version":"1"}}"#;
    assert_malformed(text, Some(1));
}

#[test]
fn a_ping_brings_its_number_back_exactly() {
    for number in [
        "0",
        "-5",
        "1700000000123456789",
        "18446744073709551615",
        "1.25",
        "1e-7",
    ] {
        let text = format!(r#"{{"type":"ping","seq":1,"payload":{{"t0":{number}}}}}"#);
        with(&text, |outcome| match outcome.unwrap().request {
            Request::Ping(ping) => assert_eq!(
                ping.t0,
                serde_json::from_str::<serde_json::Number>(number).unwrap()
            ),
            other => panic!("{other:?}"),
        });
    }
}

#[test]
fn one_scratch_serves_good_and_bad_messages_in_turn() {
    let mut scratch = Scratch::default();
    for _ in 0..100 {
        let mut bad = br#"{"type":"ping","seq":1,"payload":{"t0":"#.to_vec();
        assert!(decode(&mut bad, &mut scratch).is_err());
        let mut good = br#"{"type":"ping","seq":1,"payload":{"t0":4}}"#.to_vec();
        assert!(decode(&mut good, &mut scratch).is_ok());
    }
}
