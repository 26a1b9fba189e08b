//! Who gets in: tokens, versions, guests, and one connection a player.

use std::sync::Arc;

use orrery::protocol::client::ReceivedBody;
use orrery::protocol::{AskedVersion, ErrorCode, Login, Refresh, Reply, Request};

use crate::support::{Client, Ending, Server, Setup, Shared, get, request};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(Server::built_in)
}

/// The login is refused with this code and the connection closed with 4001.
fn is_refused(mut client: Client, token: &str, expected: ErrorCode) -> Client {
    match client.login(token) {
        Reply::AuthError(error) => assert_eq!(error.code, expected),
        other => panic!("an auth.error, not {other:?}"),
    }
    assert_eq!(client.ending().code, 4001);
    client
}

#[test]
fn a_new_pilot_is_let_in_and_is_in_no_system() {
    let server = server();
    let mut client = Client::open(&server);
    let Reply::AuthOk(ok) = client.login(&Server::token("new-pilot")) else {
        panic!("auth.ok");
    };
    assert_eq!(ok.player_id.as_str(), "new-pilot");
    assert_eq!(ok.system_id, None);
    assert!(
        client.text.contains(r#""system_id":null"#),
        "{}",
        client.text
    );
}

#[test]
fn what_is_no_token_of_ours_is_invalid_token_and_4001() {
    let server = server();
    let good = Server::token("mallory");
    let (head, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(43));
    for token in ["", "garbage", "a.b.c", &forged, &"x".repeat(5000)] {
        is_refused(Client::open(&server), token, ErrorCode::InvalidToken);
    }
}

#[test]
fn a_token_that_ran_out_is_token_expired_and_4001() {
    let server = server();
    let token = Server::token_for("late", -31);
    is_refused(Client::open(&server), &token, ErrorCode::TokenExpired);
}

#[test]
fn another_version_is_unsupported_wherever_it_is_stated() {
    let server = server();
    let token = Server::token("future");
    for path in ["/ws?protocol_version=2", "/ws?a=b&protocol_version=one"] {
        let client = Client::open_at(server.listen, path);
        is_refused(client, &token, ErrorCode::UnsupportedProtocolVersion);
    }
    for version in ["2", "0", "-1"] {
        let mut client = Client::open(&server);
        let payload = format!(r#"{{"token":"{token}","protocol_version":{version}}}"#);
        let seq = client.send_as("auth.login", &payload);
        let Reply::AuthError(error) = client.answer(seq) else {
            panic!("auth.error");
        };
        assert_eq!(error.code, ErrorCode::UnsupportedProtocolVersion);
        assert_eq!(error.supported_protocol_versions, [1]);
        assert!(error.message.contains('1'), "{}", error.message);
        assert_eq!(client.ending().code, 4001);
    }
}

#[test]
fn version_one_may_be_stated_in_the_query_the_login_both_or_nowhere() {
    let server = server();
    let token = Server::token("punctual");
    for (path, version) in [
        ("/ws", AskedVersion::Unstated),
        ("/ws?protocol_version=1", AskedVersion::Unstated),
        ("/ws", AskedVersion::Stated(1)),
        ("/ws?protocol_version=1", AskedVersion::Stated(1)),
    ] {
        let mut client = Client::open_at(server.listen, path);
        let reply = client.ask(Request::Login(Login {
            token: &token,
            protocol_version: version,
        }));
        assert!(matches!(reply, Reply::AuthOk(_)), "{path}: {reply:?}");
    }
}

#[test]
fn a_second_login_on_a_connection_is_already_authenticated() {
    let server = server();
    let mut client = Client::log_in(&server, "twice");
    let token = Server::token("twice");
    let again = Request::Login(Login {
        token: &token,
        protocol_version: AskedVersion::Unstated,
    });
    assert_eq!(client.refusal(again), ErrorCode::AlreadyAuthenticated);
    client.enter("sol-1");
}

#[test]
fn a_newer_login_of_the_player_replaces_the_older_with_4003() {
    let server = server();
    let mut older = Client::pilot(&server, "everywhere");
    let ship = older.sky.ship_id().to_owned();
    let mut newer = Client::log_in(&server, "everywhere");
    assert_eq!(older.ending().code, 4003);
    assert_eq!(newer.enter("sol-1").ship_id, ship);
    newer.deltas(2);
}

#[test]
fn a_session_ends_with_its_token_unless_refreshed_in_time() {
    let server = server();
    // Out already, but within the leeway of 30 s for four seconds more.
    let token = Server::token_for("brief", -26);
    let mut client = Client::open(&server);
    assert!(matches!(client.login(&token), Reply::AuthOk(_)));
    let mut refreshed = Client::open(&server);
    let other = Server::token_for("renewed", -26);
    assert!(matches!(refreshed.login(&other), Reply::AuthOk(_)));
    refreshed.enter("sol-1");
    let newer = Server::token("renewed");
    let Reply::AuthOk(ok) = refreshed.ask(Request::Refresh(Refresh { token: &newer })) else {
        panic!("auth.ok again");
    };
    assert_eq!(ok.player_id.as_str(), "renewed");
    assert_eq!(ok.system_id.unwrap().as_str(), "sol-1");

    let ReceivedBody::Reply(Reply::AuthError(error)) = client.next().body else {
        panic!("auth.error");
    };
    assert_eq!(error.code, ErrorCode::TokenExpired);
    assert_eq!(client.ending().code, 4001);
    refreshed.deltas(30);
}

#[test]
fn a_bad_refresh_is_an_auth_error_and_changes_nothing() {
    let server = server();
    let mut client = Client::pilot(&server, "faithful");
    let (stranger, old) = (
        Server::token("stranger"),
        Server::token_for("faithful", -60),
    );
    for (token, expected) in [
        (&stranger, ErrorCode::InvalidToken),
        (&old, ErrorCode::TokenExpired),
    ] {
        match client.ask(Request::Refresh(Refresh { token })) {
            Reply::AuthError(error) => assert_eq!(error.code, expected),
            other => panic!("an auth.error, not {other:?}"),
        }
    }
    client.deltas(2);
}

#[test]
fn requests_before_the_login_are_not_authenticated_and_before_the_join_not_in_system() {
    let server = server();
    let mut client = Client::open(&server);
    let station = r#"{"station_id":"earth-orbit-station"}"#;
    let goods = r#"{"station_id":"earth-orbit-station","commodity_id":"food","quantity":1}"#;
    let in_a_system = [
        ("trade.buy", goods),
        ("trade.sell", goods),
        ("ship.repair_request", station),
        ("input.command", "{}"),
    ];
    let logged_in = [
        ("session.join_system", r#"{"system_id":"sol-1"}"#),
        ("auth.refresh", r#"{"token":"x"}"#),
    ];
    for (kind, payload) in in_a_system.into_iter().chain(logged_in) {
        let seq = client.send_as(kind, payload);
        let reply = client.answer(seq);
        assert_eq!(code(&reply), ErrorCode::NotAuthenticated, "{kind}");
    }
    assert!(matches!(
        client.login(&Server::token("early")),
        Reply::AuthOk(_)
    ));
    for (kind, payload) in in_a_system {
        let seq = client.send_as(kind, payload);
        let reply = client.answer(seq);
        assert_eq!(code(&reply), ErrorCode::NotInSystem, "{kind}");
    }
}

fn code(reply: &Reply) -> ErrorCode {
    match reply {
        Reply::Error(error) => error.code,
        other => panic!("an error, not {other:?}"),
    }
}

#[test]
fn a_guest_gets_a_token_that_lets_in() {
    let server = Server::start(Setup {
        has_no_key: true,
        ..Setup::default()
    });
    let answer = request(server.listen, "POST", "/guest", &[]);
    assert_eq!(answer.status, 200);
    let guest: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let mut client = Client::open(&server);
    let Reply::AuthOk(ok) = client.login(guest["token"].as_str().unwrap()) else {
        panic!("auth.ok");
    };
    assert_eq!(ok.player_id.as_str(), guest["player_id"].as_str().unwrap());
    client.enter("sol-1");
    assert_eq!(get(server.listen, "/guest").status, 405);
    let elsewhere = ["Origin: https://elsewhere.example"];
    assert_eq!(
        request(server.listen, "POST", "/guest", &elsewhere).status,
        403
    );
}

#[test]
fn a_server_with_keys_welcomes_guests_only_if_told() {
    let server = server();
    assert_eq!(request(server.listen, "POST", "/guest", &[]).status, 403);
    let told = Server::start(Setup {
        flags: &["--guests"],
        ..Setup::default()
    });
    assert_eq!(request(told.listen, "POST", "/guest", &[]).status, 200);
    let closed = Server::start(Setup {
        has_no_key: true,
        flags: &["--no-guests"],
        ..Setup::default()
    });
    assert_eq!(request(closed.listen, "POST", "/guest", &[]).status, 403);
}

#[test]
fn without_a_login_the_connection_ends_with_4002() {
    let server = server();
    let mut client = Client::open(&server);
    let begun = std::time::Instant::now();
    // Talking is not logging in.
    let seq = client.send_as("ping", r#"{"t0":1}"#);
    assert!(matches!(client.answer(seq), Reply::Pong(_)));
    let Ending { code, .. } = client.ending();
    assert_eq!(code, 4002);
    assert!(
        begun.elapsed().as_millis() >= 4_900,
        "{:?}",
        begun.elapsed()
    );
}
