//! How much one client may say, on a clock of our own: the honest are never limited, floods end.

use orrery::limits::{RATE_FAULTS, RATE_MESSAGES, RATE_OTHERS};
use orrery::protocol::{CloseCode, ErrorCode, Reply};
use orrery::session::SessionAction;

use crate::units::session_talk;
use session_talk::{Talk, assert_for_the_servers_sake, assert_refused};

#[test]
fn sixty_inputs_a_second_and_brisk_trading_are_never_limited() {
    let mut talk = Talk::in_system();
    let mut seq = 2;
    for frame in 0..600 {
        talk.now = frame * 1_000 / 60;
        seq += 1;
        assert!(
            matches!(talk.input(seq), SessionAction::Command(_)),
            "frame {frame}"
        );
        if frame % 2 == 0 {
            seq += 1;
            assert!(
                matches!(talk.buy(seq), SessionAction::Command(_)),
                "frame {frame}"
            );
        }
    }
}

#[test]
fn trades_over_the_rate_are_refused_with_a_time_to_wait() {
    let mut talk = Talk::in_system();
    let mut seq = 2;
    let refused = loop {
        seq += 1;
        match talk.buy(seq) {
            SessionAction::Command(_) => {}
            other => break other,
        }
    };
    assert_eq!(seq, 103);
    let SessionAction::Reply(Reply::Error(error), Some(103)) = refused else {
        panic!("an error expected: {refused:?}");
    };
    assert_eq!(error.code, ErrorCode::RateLimited);
    assert_eq!(error.retry_after_ms, Some(20));
    talk.now = 20;
    assert!(matches!(talk.buy(seq), SessionAction::Command(_)));
}

#[test]
fn an_escaped_type_does_not_hide_a_trade_from_its_rate() {
    let mut talk = Talk::in_system();
    for seq in 3..103 {
        assert!(matches!(talk.buy(seq), SessionAction::Command(_)));
    }
    let order = r#"{"station_id":"a","commodity_id":"food","quantity":1}"#;
    let text = format!(r#"{{"\u0074ype":"trade.buy","seq":103,"payload":{order}}}"#);
    assert_refused(&talk.say(&text), ErrorCode::RateLimited, 103);
}

#[test]
fn every_trade_over_the_rate_is_answered_until_the_flood_closes() {
    let mut talk = Talk::in_system();
    let (mut passed, mut refused) = (0, 0);
    let end = (3..).find_map(|seq| match talk.buy(seq) {
        SessionAction::Command(_) => {
            passed += 1;
            None
        }
        SessionAction::Reply(Reply::Error(error), Some(to)) => {
            assert_eq!((error.code, to), (ErrorCode::RateLimited, seq));
            refused += 1;
            None
        }
        other => Some(other),
    });
    assert_eq!(end, Some(SessionAction::Close(CloseCode::Flood)));
    assert_eq!((passed, refused), (100, 240));
    assert_eq!(talk.context.counters.floods, 1);
    assert_eq!(talk.buy(9_999), SessionAction::Nothing);
}

#[test]
fn a_login_over_the_rate_is_refused_for_the_servers_sake() {
    let mut talk = Talk::new();
    for seq in 1..=30 {
        let malformed = talk.ask("auth.login", seq, "{}");
        assert_refused(&malformed, ErrorCode::MalformedMessage, seq);
    }
    let token = talk.token("p_1", 60);
    let refused = talk.login(31, &token);
    assert_for_the_servers_sake(&refused, ErrorCode::RateLimited, 31);
    assert_eq!(talk.login(32, &token), SessionAction::Nothing);
}

#[test]
fn a_second_login_over_the_rate_does_not_end_the_first() {
    let mut talk = Talk::in_system();
    let refused = (3..100).map(|seq| (seq, talk.login(seq, "t"))).find(|(_, verdict)| {
        !matches!(verdict, SessionAction::Reply(Reply::Error(error), _) if error.code == ErrorCode::AlreadyAuthenticated)
    });
    let (seq, verdict) = refused.expect("there is a rate");
    assert_refused(&verdict, ErrorCode::RateLimited, seq);
    assert!(matches!(talk.input(100), SessionAction::Command(_)));
}

#[test]
fn a_flood_of_any_kind_is_closed() {
    let messages = [
        r#"{"type":"input.command","seq":SEQ,"payload":{}}"#,
        r#"{"type":"ping","seq":SEQ,"payload":{"t0":1}}"#,
        r#"{"type":"nope","seq":SEQ,"payload":{}}"#,
        r#"{"type":"auth.login","seq":SEQ,"payload":{"token":7}}"#,
        r#"{"\u0074ype":"trade.sell","seq":SEQ,"payload":{"station_id":"a","commodity_id":"b","quantity":1}}"#,
        "garbage",
        "",
    ];
    for message in messages {
        let mut talk = Talk::in_system();
        let end = (3..2_000).find(|seq| {
            let text = message.replace("SEQ", &seq.to_string());
            talk.say(&text) == SessionAction::Close(CloseCode::Flood)
        });
        assert!(end.is_some(), "{message}");
    }
}

#[test]
fn no_mix_of_messages_is_parsed_more_often_than_the_rates_allow() {
    let messages = [
        r#"{"type":"input.command","seq":SEQ,"payload":{}}"#,
        r#"{"type":"ping","seq":SEQ,"payload":{"t0":1}}"#,
        r#"{"type":"trade.buy","seq":SEQ,"payload":{"station_id":"a","commodity_id":"b","quantity":1}}"#,
        r#"{"type":"auth.refresh","seq":SEQ,"payload":{"token":"t"}}"#,
        r#"{"type":"nope","seq":SEQ,"payload":{}}"#,
        "garbage",
    ];
    let once = u64::from(RATE_MESSAGES.burst + RATE_FAULTS.burst);
    for skipped in 0..=messages.len() {
        let kept = messages.iter().enumerate().filter(|&(at, _)| at != skipped);
        let mut mix = kept.map(|(_, message)| message).cycle();
        let mut talk = Talk::in_system();
        let end = (3..2_000).find(|seq| {
            let text = mix.next().unwrap().replace("SEQ", &seq.to_string());
            talk.say(&text) == SessionAction::Close(CloseCode::Flood)
        });
        // The one that closes is parsed too; login and join came before.
        let parsed = end.unwrap();
        assert!(parsed <= once + 1, "{parsed} without {skipped}");
    }
}

#[test]
fn a_text_that_cannot_be_read_is_charged_as_such_whatever_it_looks_like() {
    let mut talk = Talk::in_system();
    for _ in 0..RATE_OTHERS.burst {
        talk.say(r#"{"type":"trade.buy","seq":3,"payload":7"#);
    }
    assert_eq!(talk.context.counters.rate_limited, 0);
    talk.say("garbage");
    let counters = talk.context.counters;
    assert_eq!(counters.malformed, u64::from(RATE_OTHERS.burst));
    assert_eq!(counters.rate_limited, 1);
    assert!(matches!(talk.buy(3), SessionAction::Command(_)));
}

#[test]
fn errors_that_nobody_is_owed_are_themselves_limited() {
    let mut talk = Talk::in_system();
    let told = (0..230)
        .filter(|_| talk.say("garbage") != SessionAction::Nothing)
        .count();
    assert_eq!(told, 100);
    assert_eq!(talk.context.counters.untold_errors, 130);
}

#[test]
fn a_pause_makes_up_for_mistakes() {
    let mut talk = Talk::in_system();
    for second in 0..100 {
        talk.now = second * 1_000;
        for _ in 0..40 {
            assert!(
                matches!(talk.say("garbage"), SessionAction::Reply(..)),
                "second {second}"
            );
        }
    }
}
