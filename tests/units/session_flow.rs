//! One client's conversation from outside: states, order and deadlines, on a clock of our own.

use orrery::ids::Millis;
use orrery::protocol::{AskedVersion, CloseCode, ErrorCode, Reply};
use orrery::session::{Command, Order, Session, SessionAction, SessionState};

use crate::units::session_talk;
use session_talk::{
    Talk, UNIX, assert_for_the_servers_sake, assert_login_refused, assert_refused, auth_ok,
};

#[test]
fn a_client_logs_in_joins_and_flies() {
    let mut talk = Talk::in_system();
    assert_eq!(talk.session.stage(), SessionState::InSystem);
    assert_eq!(talk.session.player().unwrap().as_str(), "p_1");
    let SessionAction::Command(Command::Input { seq, input }) = talk.input(3) else {
        panic!("an input expected");
    };
    assert_eq!((seq.number(), input.thrust), (3, 1.0));
    assert!(matches!(
        talk.buy(4),
        SessionAction::Command(Command::Order {
            order: Order::Buy(_),
            ..
        })
    ));
    let repair = talk.ask("ship.repair_request", 9, r#"{"station_id":"a"}"#);
    assert!(matches!(
        repair,
        SessionAction::Command(Command::Order {
            order: Order::Repair(_),
            ..
        })
    ));
    assert!(matches!(
        talk.join(10),
        SessionAction::Command(Command::Join { .. })
    ));
}

#[test]
fn a_request_before_its_time_is_refused() {
    let mut talk = Talk::new();
    assert_refused(&talk.join(1), ErrorCode::NotAuthenticated, 1);
    assert_refused(&talk.buy(2), ErrorCode::NotAuthenticated, 2);
    assert_refused(&talk.input(3), ErrorCode::NotAuthenticated, 3);
    let refresh = talk.ask("auth.refresh", 4, r#"{"token":"t"}"#);
    assert_refused(&refresh, ErrorCode::NotAuthenticated, 4);
    let token = talk.token("p_1", 60);
    talk.login(5, &token);
    assert_eq!(talk.session.stage(), SessionState::LoggingIn);
    assert_refused(&talk.join(6), ErrorCode::NotAuthenticated, 6);
    assert_refused(&talk.login(7, &token), ErrorCode::AlreadyAuthenticated, 7);
    talk.session.on_reply(&auth_ok(), Some(1));
    assert_refused(&talk.login(8, &token), ErrorCode::AlreadyAuthenticated, 8);
    assert_refused(&talk.buy(9), ErrorCode::NotInSystem, 9);
    assert_refused(&talk.input(10), ErrorCode::NotInSystem, 10);
}

#[test]
fn an_order_that_names_itself_may_have_an_answer_before_its_player_joins() {
    let named = r#"{"station_id":"a","commodity_id":"food","quantity":1,"request_id":"r"}"#;
    let mut talk = Talk::new();
    let early = talk.ask("trade.buy", 1, named);
    assert_refused(&early, ErrorCode::NotAuthenticated, 1);
    let mut talk = Talk::logged_in();
    let passed = talk.ask("trade.buy", 2, named);
    assert!(
        matches!(
            passed,
            SessionAction::Command(Command::Order {
                order: Order::Buy(_),
                ..
            })
        ),
        "{passed:?}"
    );
}

#[test]
fn what_follows_a_join_is_passed_on_until_the_join_is_answered() {
    let mut talk = Talk::logged_in();
    assert!(matches!(talk.join(2), SessionAction::Command(_)));
    let input = talk.input(3);
    assert!(
        matches!(input, SessionAction::Command(Command::Input { .. })),
        "{input:?}"
    );
    assert!(matches!(
        talk.buy(4),
        SessionAction::Command(Command::Order {
            order: Order::Buy(_),
            ..
        })
    ));
    assert!(matches!(talk.join(5), SessionAction::Command(_)));
    // The newer join is refused at once, the older one is under way.
    let refusal = Reply::error(ErrorCode::UnknownSystem);
    talk.session.on_reply(&refusal, Some(5));
    let other = Reply::error(ErrorCode::NotInSystem);
    talk.session.on_reply(&other, Some(4));
    talk.session.on_reply(&other, None);
    assert!(matches!(talk.input(6), SessionAction::Command(_)));
    talk.session.on_reply(&refusal, Some(2));
    assert_eq!(talk.session.stage(), SessionState::LoggedIn);
    assert_refused(&talk.input(7), ErrorCode::NotInSystem, 7);
    assert_refused(&talk.buy(8), ErrorCode::NotInSystem, 8);
}

#[test]
fn the_place_is_refused_before_the_body() {
    let mut talk = Talk::new();
    let nowhere = r#"{"station_id":"no where","commodity_id":"b","quantity":0}"#;
    assert_refused(
        &talk.ask("trade.buy", 1, nowhere),
        ErrorCode::NotAuthenticated,
        1,
    );
    let mut talk = Talk::in_system();
    assert_refused(
        &talk.ask("trade.buy", 3, nowhere),
        ErrorCode::InvalidQuantity,
        3,
    );
    assert_refused(&talk.ask("trade.buy", 3, nowhere), ErrorCode::StaleSeq, 3);
    let join = talk.ask("session.join_system", 4, r#"{"system_id":""}"#);
    assert_refused(&join, ErrorCode::UnknownSystem, 4);
}

#[test]
fn a_bad_token_ends_the_connection() {
    let mut talk = Talk::new();
    assert_login_refused(&talk.login(1, "nonsense"), ErrorCode::InvalidToken);
    assert_eq!(talk.session.stage(), SessionState::Closed);
    assert_eq!(talk.login(2, "nonsense"), SessionAction::Nothing);
    assert_eq!(talk.session.deadline(), None);
    assert_eq!(talk.context.counters.refused_logins, 1);

    let mut talk = Talk::new();
    let token = talk.token("p_1", 60);
    talk.now = 91_000;
    assert_login_refused(&talk.login(1, &token), ErrorCode::TokenExpired);
}

#[test]
fn a_version_other_than_one_is_refused_wherever_it_is_stated() {
    for payload in [
        r#"{"token":"t","protocol_version":2}"#,
        r#"{"token":"t","protocol_version":1.5}"#,
    ] {
        let verdict = Talk::new().ask("auth.login", 1, payload);
        assert_login_refused(&verdict, ErrorCode::UnsupportedProtocolVersion);
    }
    let mut talk = Talk::asking(AskedVersion::from_query("7"));
    let token = talk.token("p_1", 60);
    assert_login_refused(
        &talk.login(1, &token),
        ErrorCode::UnsupportedProtocolVersion,
    );
    let mut talk = Talk::asking(AskedVersion::from_query("1"));
    assert!(matches!(talk.login(1, &token), SessionAction::Command(_)));
}

#[test]
fn a_login_that_the_server_refuses_later_closes_too() {
    let mut talk = Talk::new();
    let token = talk.token("p_1", 60);
    talk.login(1, &token);
    let refusal = Reply::auth_error(ErrorCode::Internal);
    assert_eq!(
        talk.session.on_reply(&refusal, Some(1)),
        Some(CloseCode::TryLater)
    );
    assert_eq!(talk.session.on_reply(&auth_ok(), Some(1)), None);
    assert_eq!(talk.session.stage(), SessionState::Closed);
}

#[test]
fn a_refresh_that_fails_says_nothing_of_coming_back() {
    let mut talk = Talk::in_system();
    let verdict = talk.ask("auth.refresh", 3, r#"{"token":"nonsense"}"#);
    let SessionAction::Reply(Reply::AuthError(error), Some(3)) = verdict else {
        panic!("auth.error expected: {verdict:?}");
    };
    assert_eq!(error.retry_after_ms, None);
}

#[test]
fn a_malformed_login_may_be_tried_again() {
    let mut talk = Talk::new();
    assert_refused(
        &talk.ask("auth.login", 1, "{}"),
        ErrorCode::MalformedMessage,
        1,
    );
    let token = talk.token("p_1", 60);
    assert!(matches!(talk.login(1, &token), SessionAction::Command(_)));
}

#[test]
fn a_stale_input_is_dropped_and_counted() {
    let mut talk = Talk::in_system();
    assert!(matches!(talk.input(10), SessionAction::Command(_)));
    for stale in [10, 9, 0] {
        assert_eq!(talk.input(stale), SessionAction::Nothing);
    }
    assert_eq!(talk.context.counters.stale_inputs, 3);
    assert!(matches!(talk.input(11), SessionAction::Command(_)));
}

#[test]
fn a_stale_transaction_is_told_so() {
    let mut talk = Talk::in_system();
    assert!(matches!(talk.buy(10), SessionAction::Command(_)));
    assert_refused(&talk.buy(10), ErrorCode::StaleSeq, 10);
    assert_refused(&talk.join(5), ErrorCode::StaleSeq, 5);
    let ping = talk.ask("ping", 5, r#"{"t0":1}"#);
    assert_refused(&ping, ErrorCode::StaleSeq, 5);
    let login = talk.login(1, "t");
    assert_refused(&login, ErrorCode::StaleSeq, 1);
}

#[test]
fn the_first_seq_may_be_zero_and_the_last_two_to_the_53_less_one() {
    let mut talk = Talk::new();
    let ping = |talk: &mut Talk, seq| talk.ask("ping", seq, r#"{"t0":1}"#);
    assert!(matches!(
        ping(&mut talk, 0),
        SessionAction::Reply(Reply::Pong(_), Some(0))
    ));
    let last = (1 << 53) - 1;
    assert!(
        matches!(ping(&mut talk, last), SessionAction::Reply(Reply::Pong(_), Some(seq)) if seq == last)
    );
    assert_refused(&ping(&mut talk, last), ErrorCode::StaleSeq, last);
}

#[test]
fn a_message_that_cannot_be_read_uses_up_no_seq() {
    let mut talk = Talk::in_system();
    assert_refused(&talk.ask("nope", 50, "{}"), ErrorCode::UnknownType, 50);
    assert_refused(
        &talk.ask("trade.buy", 60, "[]"),
        ErrorCode::MalformedMessage,
        60,
    );
    let verdict = talk.say("nonsense");
    assert!(
        matches!(verdict, SessionAction::Reply(Reply::Error(error), None) if error.code == ErrorCode::MalformedMessage)
    );
    assert!(matches!(talk.buy(3), SessionAction::Command(_)));
    assert_eq!(talk.context.counters.malformed, 3);
}

#[test]
fn a_ping_is_answered_at_any_time() {
    let mut talk = Talk::new();
    talk.context.tick = 77;
    talk.now = 5;
    let SessionAction::Reply(Reply::Pong(pong), Some(1)) = talk.ask("ping", 1, r#"{"t0":12.5}"#)
    else {
        panic!("a pong expected");
    };
    assert_eq!(
        (pong.t0.as_f64(), pong.t1, pong.tick),
        (Some(12.5), UNIX + 5, 77)
    );
}

#[test]
fn no_login_within_five_seconds_closes() {
    let mut talk = Talk::new();
    assert_eq!(talk.session.deadline(), Some(Millis(5_000)));
    talk.now = 4_999;
    assert_eq!(talk.deadline(), SessionAction::Nothing);
    talk.now = 5_000;
    assert_eq!(
        talk.deadline(),
        SessionAction::Close(CloseCode::LoginTimeout)
    );
    assert_eq!(talk.deadline(), SessionAction::Nothing);
}

#[test]
fn a_login_that_nobody_answers_is_refused_for_the_servers_sake_after_ten_seconds() {
    let mut talk = Talk::new();
    let token = talk.token("p_1", 3_600);
    talk.now = 4_000;
    talk.login(7, &token);
    talk.now = 5_000;
    assert_eq!(talk.deadline(), SessionAction::Nothing, "it came in time");
    talk.now = 13_999;
    assert_eq!(talk.deadline(), SessionAction::Nothing);
    talk.now = 14_000;
    assert_eq!(talk.session.deadline(), Some(Millis(14_000)));
    assert_for_the_servers_sake(&talk.deadline(), ErrorCode::Internal, 7);
    assert_eq!(talk.session.on_reply(&auth_ok(), Some(1)), None);
    assert_eq!(talk.session.stage(), SessionState::Closed);
}

#[test]
fn a_token_that_runs_out_while_its_login_waits_answers_the_login() {
    let mut talk = Talk::new();
    let token = talk.token("p_1", 2);
    talk.login(1, &token);
    talk.now = 2_000;
    assert_login_refused(&talk.deadline(), ErrorCode::TokenExpired);
}

#[test]
fn a_session_ends_when_its_token_does() {
    let mut talk = Talk::new();
    let token = talk.token("p_1", 60);
    talk.login(1, &token);
    talk.session.on_reply(&auth_ok(), Some(1));
    talk.now = 59_999;
    assert_eq!(talk.deadline(), SessionAction::Nothing);
    talk.now = 60_000;
    let SessionAction::ReplyThenClose(Reply::AuthError(error), None, CloseCode::LoginFailed) =
        talk.deadline()
    else {
        panic!("the end expected");
    };
    assert_eq!(error.code, ErrorCode::TokenExpired);
    assert_eq!(talk.input(2), SessionAction::Nothing);
}

#[test]
fn a_wall_clock_that_is_set_moves_no_sessions_end_and_judges_new_tokens() {
    for step_ms in [-86_400_000, 86_400_000] {
        let mut talk = Talk::new();
        let token = talk.token("p_1", 60);
        talk.login(1, &token);
        talk.session.on_reply(&auth_ok(), Some(1));
        let issued_before = talk.token("p_1", 600);
        talk.wall_step_ms = step_ms;
        talk.now = 59_999;
        assert_eq!(talk.deadline(), SessionAction::Nothing);
        let SessionAction::Reply(Reply::Pong(pong), Some(2)) = talk.ask("ping", 2, r#"{"t0":1}"#)
        else {
            panic!("a pong expected");
        };
        assert_eq!(pong.t1, talk.unix().0, "what is told is the wall clock's");
        // A day later the old token is no good any more; a day earlier it still is.
        let refresh = talk.ask(
            "auth.refresh",
            3,
            &format!(r#"{{"token":"{issued_before}"}}"#),
        );
        let is_good = matches!(refresh, SessionAction::Reply(Reply::AuthOk(_), Some(3)));
        assert_eq!(is_good, step_ms < 0, "{refresh:?}");
        talk.now = 60_000;
        assert_eq!(talk.deadline() == SessionAction::Nothing, is_good);
    }
}

#[test]
fn a_token_taken_in_its_leeway_lasts_until_the_leeway_is_over() {
    let mut talk = Talk::new();
    let token = talk.token("p_1", 60);
    talk.now = 70_000;
    assert!(matches!(talk.login(1, &token), SessionAction::Command(_)));
    talk.session.on_reply(&auth_ok(), Some(1));
    assert_eq!(talk.session.deadline(), Some(Millis(90_000)));
}

#[test]
fn a_refresh_prolongs_the_session() {
    let mut talk = Talk::in_system();
    assert_eq!(talk.session.deadline(), Some(Millis(3_600_000)));
    talk.now = 3_000_000;
    let token = talk.token("p_1", 3_600);
    let verdict = talk.ask("auth.refresh", 3, &format!(r#"{{"token":"{token}"}}"#));
    let SessionAction::Reply(Reply::AuthOk(ok), Some(3)) = verdict else {
        panic!("auth.ok expected: {verdict:?}");
    };
    assert_eq!(ok.system_id.unwrap().as_str(), "sol-1");
    assert_eq!(talk.session.deadline(), Some(Millis(6_600_000)));
}

#[test]
fn a_bad_refresh_changes_nothing() {
    let mut talk = Talk::in_system();
    let other = talk.token("p_2", 9_999);
    for (seq, token) in [(3, "nonsense"), (4, other.as_str())] {
        let verdict = talk.ask("auth.refresh", seq, &format!(r#"{{"token":"{token}"}}"#));
        assert!(
            matches!(&verdict, SessionAction::Reply(Reply::AuthError(error), Some(to))
            if error.code == ErrorCode::InvalidToken && *to == seq),
            "{verdict:?}"
        );
    }
    assert_eq!(talk.session.deadline(), Some(Millis(3_600_000)));
    assert!(matches!(talk.input(5), SessionAction::Command(_)));
}

#[test]
fn messages_to_the_client_are_counted_from_one() {
    let mut session = Session::new(Millis(0), AskedVersion::Unstated);
    assert_eq!(
        [session.next_seq(), session.next_seq(), session.next_seq()],
        [1, 2, 3]
    );
}

#[test]
fn whatever_refuses_a_login_is_told_as_auth_error_and_closes_1013() {
    for code in [
        ErrorCode::SystemFull,
        ErrorCode::RateLimited,
        ErrorCode::Internal,
    ] {
        let mut talk = Talk::new();
        let token = talk.token("p_1", 60);
        talk.login(1, &token);
        let told = talk.session.phrase(&Reply::error(code)).into_owned();
        let Reply::AuthError(error) = &told else {
            panic!("auth.error expected: {told:?}");
        };
        assert_eq!(error.code, code);
        assert!(error.retry_after_ms.is_some_and(|ms| ms > 0));
        assert_eq!(
            talk.session.on_reply(&told, Some(1)),
            Some(CloseCode::TryLater)
        );
        assert_eq!(talk.session.stage(), SessionState::Closed);
        assert_eq!(talk.login(2, &token), SessionAction::Nothing);
    }
}

#[test]
fn an_error_to_somebody_who_is_logged_in_stays_an_error() {
    let mut talk = Talk::logged_in();
    let full = Reply::error(ErrorCode::SystemFull);
    assert_eq!(*talk.session.phrase(&full), full);
    assert_eq!(talk.session.on_reply(&full, Some(2)), None);
    assert_eq!(talk.session.stage(), SessionState::LoggedIn);
}
