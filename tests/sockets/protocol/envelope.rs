//! The rules of every message: counting, answering, refusing, and how much is too much.

use std::sync::Arc;

use orrery::ids::Name;
use orrery::protocol::client::ReceivedBody;
use orrery::protocol::{ErrorCode, JoinSystem, Ping, Reply, Request};

use crate::support::{Client, Server, Setup, Shared, buy, repair, sell, worlds};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

fn error(reply: Reply) -> orrery::protocol::ErrorReply {
    match reply {
        Reply::Error(error) => error,
        other => panic!("an error, not {other:?}"),
    }
}

fn ping(t0: u64) -> Request<'static> {
    Request::Ping(Ping { t0: t0.into() })
}

#[test]
fn the_server_counts_its_messages_from_one() {
    let server = server();
    let mut client = Client::open(&server);
    client.send(ping(7));
    assert_eq!(client.next().seq, 1);
    client.send(ping(8));
    assert_eq!(client.next().seq, 2);
    client.login(&Server::token("counter"));
    client.enter("sol-1");
    let seq = client.next().seq;
    assert_eq!(client.next().seq, seq + 1);
}

#[test]
fn a_ping_is_answered_by_a_pong_with_both_clocks_and_the_tick() {
    let server = server();
    let mut client = Client::pilot(&server, "pinger");
    let seq = client.send_as("ping", r#"{"t0":1700000001400.25}"#);
    let before = client.sky.tick;
    let Reply::Pong(pong) = client.answer(seq) else {
        panic!("a pong");
    };
    assert_eq!(pong.t0.to_string(), "1700000001400.25");
    assert!(pong.tick >= before, "{} {before}", pong.tick);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    assert!(now.unwrap().as_millis().abs_diff(u128::from(pong.t1)) < 60_000);
}

#[test]
fn every_request_gets_exactly_one_answer_that_names_it() {
    let server = server();
    let mut client = Client::pilot(&server, "asker");
    let mut asked = Vec::new();
    for round in 0..8 {
        let station = if round % 2 == 0 { "alpha" } else { "nowhere" };
        asked.push(client.send(buy(station, "food", 1)));
        asked.push(client.send(sell(station, "food", 1)));
        asked.push(client.send(repair(station)));
        asked.push(client.send(ping(round)));
        let system_id = Name::parse("nowhere").unwrap();
        asked.push(client.send(Request::JoinSystem(JoinSystem { system_id })));
        client.steer(0.0, 0.0);
    }
    for seq in asked {
        client.answer(seq);
    }
    // A second answer, or one to an input, would fail on the way.
    client.deltas(5);
    assert!(client.owes_nothing());
    assert_eq!(client.complaints, []);
}

#[test]
fn fields_that_nobody_knows_are_ignored() {
    let server = server();
    let mut client = Client::open(&server);
    let token = Server::token("verbose");
    client.asked_seq = 1;
    client.expect_answer(1);
    client.send_text(&format!(
        r#"{{"mood":{{"good":[1,2]}},"payload":{{"token":"{token}","colour":"red"}},"seq":1,"type":"auth.login"}}"#
    ));
    assert!(matches!(client.answer(1), Reply::AuthOk(_)));
    client.enter("sol-1");
    let seq = client.send_as("input.command", r#"{"thrust":0,"warp":9}"#);
    client.until("the input is applied", |client, _| {
        client.sky.last_input_seq == Some(seq)
    });
}

#[test]
fn an_unknown_type_is_named_so_and_nothing_ends() {
    let server = server();
    let mut client = Client::pilot(&server, "inventor");
    for kind in ["warp.engage", "", "world.delta", "Input.Command"] {
        let seq = client.send_as(kind, "{}");
        assert_eq!(
            error(client.answer(seq)).code,
            ErrorCode::UnknownType,
            "{kind}"
        );
    }
    client.deltas(2);
}

#[test]
fn what_is_no_message_is_malformed_and_nothing_ends() {
    let server = server();
    let mut client = Client::pilot(&server, "mumbler");
    let unnumbered = [
        "",
        "nonsense",
        "[]",
        "7",
        "null",
        r#""ping""#,
        r#"{"type":"ping","payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":-1,"payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":1.5,"payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":"1","payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":9007199254740992,"payload":{"t0":1}}"#,
        r#"{"type":"ping","seq":1,"payload":{"t0":1}"#,
    ];
    for text in unnumbered {
        let before = client.complaints.len();
        client.send_text(text);
        client.until("a complaint", |client, _| client.complaints.len() > before);
        assert_eq!(
            client.complaints[before],
            ErrorCode::MalformedMessage,
            "{text}"
        );
    }
    let numbered = [
        ("ping", "[]"),
        ("ping", "{}"),
        ("ping", r#"{"t0":"1"}"#),
        ("input.command", r#"{"thrust":"full"}"#),
        ("input.command", r#"{"fire_primary":1}"#),
        ("input.command", r#"{"dock_request":null}"#),
        ("input.command", r#"{"turn":[0]}"#),
        ("session.join_system", "{}"),
        ("session.join_system", r#"{"system_id":7}"#),
        (
            "trade.buy",
            r#"{"station_id":"alpha","commodity_id":"food"}"#,
        ),
        (
            "trade.sell",
            r#"{"station_id":"alpha","commodity_id":4,"quantity":1}"#,
        ),
        ("ship.repair_request", "null"),
    ];
    for (kind, payload) in numbered {
        let seq = client.send_as(kind, payload);
        let code = error(client.answer(seq)).code;
        assert_eq!(code, ErrorCode::MalformedMessage, "{kind} {payload}");
    }
    client.deltas(2);
}

#[test]
fn a_stale_request_is_refused_and_a_stale_input_is_dropped_and_counted() {
    let server = server();
    let mut client = Client::pilot(&server, "echo");
    let seq = client.steer(0.0, 0.5);
    client.applied(seq);
    let counted = server.metric("orrery_inputs_stale_total");
    client.send_text(&format!(
        r#"{{"type":"input.command","seq":{seq},"payload":{{"turn":-1}}}}"#
    ));
    client.send_text(r#"{"type":"input.command","seq":0,"payload":{"turn":-1}}"#);
    for kind in ["trade.buy", "trade.sell"] {
        client.expect_answer(seq);
        client.send_text(&format!(
            r#"{{"type":"{kind}","seq":{seq},"payload":{{"station_id":"alpha","commodity_id":"food","quantity":1}}}}"#
        ));
        assert_eq!(error(client.answer(seq)).code, ErrorCode::StaleSeq);
    }
    client.expect_answer(1);
    client.send_text(r#"{"type":"session.join_system","seq":1,"payload":{"system_id":"sol-1"}}"#);
    assert_eq!(error(client.answer(1)).code, ErrorCode::StaleSeq);
    client.expect_answer(2);
    client.send_text(r#"{"type":"ship.repair_request","seq":2,"payload":{"station_id":"alpha"}}"#);
    assert_eq!(error(client.answer(2)).code, ErrorCode::StaleSeq);
    server.wait_until("stale inputs are counted", |server| {
        server.metric("orrery_inputs_stale_total") >= counted + 2.0
    });
    let turn = client.sky.ship().unwrap().r;
    client.deltas(3);
    assert_ne!(
        client.sky.ship().unwrap().r,
        turn,
        "the newest input is in force"
    );
    assert_eq!(client.sky.last_input_seq, Some(seq));
    assert_eq!(client.complaints, [], "dropped without a word");
}

#[test]
fn client_numbers_may_skip_and_reach_two_to_the_53() {
    let server = server();
    let mut client = Client::pilot(&server, "leaper");
    client.asked_seq = (1 << 53) - 3;
    let seq = client.send(ping(1));
    assert!(matches!(client.answer(seq), Reply::Pong(_)));
    let seq = client.steer(0.0, 0.0);
    assert_eq!(seq, (1 << 53) - 1);
    client.applied(seq);
}

#[test]
fn a_message_over_its_rate_is_rate_limited_and_told_when_to_come_back() {
    let server = server();
    let mut client = Client::pilot(&server, "chatterbox");
    let asked: Vec<u64> = (0..90).map(|number| client.send(ping(number))).collect();
    let mut limited = 0;
    let mut wait_ms = 0;
    for seq in asked {
        match client.answer(seq) {
            Reply::Pong(_) => {}
            reply => {
                let error = error(reply);
                assert_eq!(error.code, ErrorCode::RateLimited);
                wait_ms = error.retry_after_ms.expect("when to come back");
                assert!((1..=1000).contains(&wait_ms), "{wait_ms}");
                limited += 1;
            }
        }
    }
    assert!(limited > 0, "90 pings at once are too many");
    let begun = std::time::Instant::now();
    client.until("the time to wait is over", |_, received| {
        assert!(matches!(
            received.body,
            ReceivedBody::Delta(_) | ReceivedBody::Snapshot(_)
        ));
        begun.elapsed().as_millis() > u128::from(wait_ms)
    });
    let seq = client.send(ping(1));
    assert!(matches!(client.answer(seq), Reply::Pong(_)));
}
