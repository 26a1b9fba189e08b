//! What stands before the first message: paths, origins, subprotocols, and the operator's port.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use orrery::limits::{BODY_MS_MAX, HEAD_MS_MAX, OPS_CONNECTIONS_MAX};
use orrery::protocol::{ErrorCode, Ping, Reply, Request};

use crate::support::{Client, Server, Setup, Shared, Wire, get, handshake, request};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| {
        Server::start(Setup {
            flags: &["--allow-origin", "https://friend.example"],
            ..Setup::default()
        })
    })
}

#[test]
fn the_subprotocol_is_echoed_if_offered_and_never_invented() {
    let server = server();
    for (offer, expected) in [
        (&[][..], None),
        (
            &["Sec-WebSocket-Protocol: orrery.v1.json"][..],
            Some("orrery.v1.json"),
        ),
        (
            &["Sec-WebSocket-Protocol: chat, orrery.v1.json"][..],
            Some("orrery.v1.json"),
        ),
        (&["Sec-WebSocket-Protocol: chat, orrery.v2.json"][..], None),
    ] {
        let (answer, _stream) = handshake(server.listen, "/ws", offer);
        assert_eq!(answer.status, 101, "{offer:?}");
        assert_eq!(
            answer.header("Sec-WebSocket-Protocol"),
            expected,
            "{offer:?}"
        );
        let accept = answer.header("Sec-WebSocket-Accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(answer.header("Sec-WebSocket-Extensions"), None);
    }
}

#[test]
fn pages_connect_from_the_same_origin_and_from_allowed_ones_only() {
    let server = server();
    let own = format!("Origin: http://{}", server.listen);
    for (origin, status) in [
        (own.as_str(), 101),
        ("Origin: https://friend.example", 101),
        ("Origin: https://foe.example", 403),
        ("Origin: https://friend.example.foe.example", 403),
        ("Origin: null", 403),
    ] {
        let (answer, _stream) = handshake(server.listen, "/ws", &[origin]);
        assert_eq!(answer.status, status, "{origin}");
    }
    let (answer, _stream) = handshake(server.listen, "/ws", &[]);
    assert_eq!(answer.status, 101, "no Origin is no browser");
}

#[test]
fn the_player_port_answers_plain_requests() {
    let server = server();
    let page = get(server.listen, "/");
    assert_eq!(page.status, 200);
    assert!(
        page.header("Content-Type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(page.body.contains("<html"));
    let protocol = get(server.listen, "/protocol");
    assert_eq!(protocol.status, 200);
    assert_eq!(protocol.body, orrery::protocol::PROTOCOL);
    let schema = get(server.listen, "/schema.json").body;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema, orrery::protocol::schema());
    assert_eq!(get(server.listen, "/ws").status, 426);
    assert_eq!(get(server.listen, "/nothing").status, 404);
    assert_eq!(get(server.listen, "/metrics").status, 404);
    assert_eq!(request(server.listen, "DELETE", "/", &[]).status, 405);
    let (elsewhere, _stream) = handshake(server.listen, "/socket", &[]);
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn the_operators_port_tells_health_readiness_and_figures() {
    let server = server();
    let _pilot = Client::pilot(&server, "counted");
    assert_eq!(get(server.admin, "/healthz").status, 200);
    assert_eq!(get(server.admin, "/readyz").status, 200);
    assert_eq!(get(server.admin, "/").status, 200);
    assert_eq!(get(server.admin, "/nothing").status, 404);
    assert_eq!(request(server.admin, "POST", "/healthz", &[]).status, 405);
    let (upgrade, _stream) = handshake(server.admin, "/ws", &[]);
    assert_eq!(upgrade.status, 404);
    let metrics = get(server.admin, "/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.ends_with("# EOF\n"));
    server.wait_until("the pilot is counted", |server| {
        server.metric(r#"orrery_pilots{system="sol-1"}"#) >= 1.0
    });
    assert!(server.metric("orrery_connections") >= 1.0);
    assert!(server.metric("orrery_ticks_total") > 0.0);
    assert!(server.metric("orrery_tick_seconds_count") > 0.0);
    assert!(server.metric(r#"orrery_messages_sent_total{kind="world.snapshot"}"#) >= 1.0);
}

#[test]
fn connections_are_limited_in_all_and_their_places_come_back() {
    let server = Server::start(Setup {
        flags: &["--max-connections", "3"],
        ..Setup::default()
    });
    let mut inside: Vec<Client> = (0..3)
        .map(|number| Client::log_in(&server, &format!("inside-{number}")))
        .collect();
    let mut one_too_many = Wire::dial(server.listen);
    assert!(
        matches!(one_too_many.read(&mut [0]), Ok(0) | Err(_)),
        "let go at once"
    );
    server.wait_until("the refusal is counted", |server| {
        server.metric("orrery_refused_total") >= 1.0
    });
    inside.pop();
    server.wait_until("a place is free", |server| {
        server.metric("orrery_sockets") < 3.0
    });
    inside.push(Client::log_in(&server, "next"));
}

#[test]
fn a_crowd_of_strangers_keeps_no_pilot_out_and_throws_none_out() {
    let server = Server::start(Setup {
        flags: &["--max-connections", "8"],
        ..Setup::default()
    });
    let crowd = || -> Vec<_> {
        (0..24)
            .map(|_| std::net::TcpStream::connect(server.listen).unwrap())
            .collect()
    };
    let first = crowd();
    let mut pilot = Client::pilot(&server, "pilot");
    let second = crowd();
    pilot.ask(Request::Ping(Ping { t0: 0.into() }));
    drop(pilot);
    let third = crowd();
    let mut pilot = Client::log_in(&server, "pilot");
    let fourth = crowd();
    pilot.ask(Request::Ping(Ping { t0: 0.into() }));
    drop((first, second, third, fourth));
    assert!(server.metric(r#"orrery_displaced_total{kind="connection"}"#) > 0.0);
    assert_eq!(server.metric("orrery_refused_total"), 0.0);
    assert!(server.log().contains("made room for others"));
}

#[test]
fn who_was_cut_finds_the_place_again_and_a_newcomer_hears_when_to_come() {
    let server = Server::start(Setup {
        flags: &["--max-connections", "8"],
        ..Setup::default()
    });
    let name = |number: usize| format!("pilot-{number}");
    let mut inside: Vec<Client> = (0..8)
        .map(|number| Client::log_in(&server, &name(number)))
        .collect();
    inside.truncate(6);
    server.wait_until("two places are free", |server| {
        server.metric("orrery_sockets") <= 6.0
    });
    let mut newcomer = Client::open(&server);
    let Reply::AuthError(refusal) = newcomer.login(&Server::token("newcomer")) else {
        panic!("a newcomer took a kept place");
    };
    assert_eq!(refusal.code, ErrorCode::SystemFull);
    assert!(refusal.retry_after_ms.is_some());
    assert_eq!(newcomer.ending().code, 1013);
    inside.extend([7, 6].map(|number| Client::log_in(&server, &name(number))));
    for pilot in &mut inside {
        pilot.ask(Request::Ping(Ping { t0: 0.into() }));
    }
}

#[test]
fn connections_are_limited_by_address_and_a_trusted_proxys_clients_by_what_it_says() {
    let limit = ["--max-connections-per-ip", "2"];
    let server = Server::start(Setup {
        flags: &limit,
        ..Setup::default()
    });
    let _inside = [Client::open(&server), Client::open(&server)];
    let mut third = Wire::dial(server.listen);
    assert!(matches!(third.read(&mut [0]), Ok(0) | Err(_)));
    // What an untrusted peer says of itself is not believed.
    drop(server);
    let server = Server::start(Setup {
        flags: &[limit[0], limit[1], "--trusted-proxy", "127.0.0.1"],
        ..Setup::default()
    });
    let from = |address: &str| {
        let header = format!("X-Forwarded-For: {address}");
        let (answer, stream) = handshake(server.listen, "/ws", &[&header]);
        (answer.status, stream)
    };
    let first = [from("203.0.113.7"), from("203.0.113.7")];
    assert_eq!(first.each_ref().map(|(status, _)| *status), [101, 101]);
    assert_eq!(from("203.0.113.7").0, 429);
    assert_eq!(from("6.6.6.6, 203.0.113.7").0, 429, "the nearest counts");
    assert_eq!(from("203.0.113.8").0, 101);
}

/// Sends the beginning of a request, then a byte now and then; how long the server bears it.
fn trickle(server: &Server, beginning: &str) -> (Duration, String) {
    let mut stream = Wire::dial(server.listen);
    stream
        .tcp()
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    stream.write_all(beginning.as_bytes()).unwrap();
    let begun = Instant::now();
    let mut answer = Vec::new();
    while begun.elapsed() < Duration::from_secs(20) {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend(&chunk[..count]),
            // Nothing yet; or the end, if it does not take another byte.
            Err(_) if stream.write_all(b"x").is_ok() => {}
            Err(_) => break,
        }
    }
    (
        begun.elapsed(),
        String::from_utf8_lossy(&answer).into_owned(),
    )
}

#[test]
fn a_head_or_a_body_that_trickles_in_is_answered_408_after_five_seconds() {
    let server = server();
    let head = "GET /ws HTTP/1.1\r\nHost: h\r\nX-Slow: ";
    let body = "POST /guest HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n";
    for (beginning, bound_ms) in [(head, HEAD_MS_MAX), (body, BODY_MS_MAX)] {
        let (spent, answer) = trickle(&server, beginning);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        let bound = Duration::from_millis(bound_ms);
        assert!(
            spent > bound.mul_f64(0.8) && spent < bound.mul_f64(2.0),
            "{spent:?}"
        );
    }
}

#[test]
fn who_pings_without_end_is_closed_with_4008() {
    let server = server();
    let mut client = Client::pilot(&server, "pinger");
    let masked_ping = [0x89, 0x80, 0, 0, 0, 0];
    for _ in 0..500 {
        // The server may be gone before all is written.
        if client.stream().write_all(&masked_ping).is_err() {
            break;
        }
    }
    assert_eq!(client.ending().code, 4008);
    server.wait_until("the flood is counted", |server| {
        server.metric("orrery_faults_total{kind=\"ping_flood\"}") >= 1.0
    });
}

#[test]
fn a_guest_flood_is_answered_429_and_says_when_to_come_again() {
    let server = Server::start(Setup {
        flags: &["--guests", "--trusted-proxy", "127.0.0.1"],
        ..Setup::default()
    });
    let ask = |client: &str| {
        let header = format!("X-Forwarded-For: {client}");
        request(server.listen, "POST", "/guest", &[&header])
    };
    let statuses: Vec<u16> = (0..70).map(|_| ask("203.0.113.7").status).collect();
    let passed = statuses.iter().take_while(|status| **status == 200).count();
    assert!((60..70).contains(&passed), "{statuses:?}");
    let refused = ask("203.0.113.7");
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(ask("203.0.113.8").status, 200, "a neighbour has its own");
}

#[test]
fn every_answer_of_both_ports_forbids_sniffing() {
    let server = server();
    let asked = [
        get(server.listen, "/"),
        get(server.listen, "/protocol"),
        get(server.listen, "/schema.json"),
        get(server.listen, "/nothing"),
        get(server.listen, "/ws"),
        request(server.listen, "DELETE", "/", &[]),
        request(server.listen, "POST", "/guest", &[]),
        request(server.listen, "POST", "/guest", &["Content-Length: 1"]),
        handshake(server.listen, "/elsewhere", &[]).0,
        handshake(server.listen, "/ws", &[]).0,
        get(server.admin, "/"),
        get(server.admin, "/healthz"),
        get(server.admin, "/metrics"),
        get(server.admin, "/nothing"),
        handshake(server.admin, "/ws", &[]).0,
    ];
    for answer in asked {
        let values: Vec<_> = answer
            .head
            .lines()
            .filter(|line| line.starts_with("X-Content-Type-Options:"))
            .collect();
        assert_eq!(values, ["X-Content-Type-Options: nosniff"], "{answer:?}");
    }
}

#[test]
fn idle_connections_do_not_starve_the_operators_port() {
    let server = server();
    let _idle: Vec<_> = (0..2 * OPS_CONNECTIONS_MAX)
        .map(|_| std::net::TcpStream::connect(server.admin).unwrap())
        .collect();
    assert_eq!(get(server.admin, "/healthz").status, 200);
}

#[test]
fn the_operators_port_answers_only_to_names_that_no_stranger_can_own() {
    let server = Server::start(Setup {
        variables: &[("ORRERY_ALLOW_HOST", "ops.example,metrics.example")],
        ..Setup::default()
    });
    let ask = |hosts: &[&str]| {
        let mut stream = std::net::TcpStream::connect(server.admin).unwrap();
        let mut text = String::from("GET /healthz HTTP/1.1\r\n");
        for host in hosts {
            text = text + "Host: " + host + "\r\n";
        }
        stream.write_all((text + "\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    for host in [
        "127.0.0.1",
        "192.0.2.7:7778",
        "[::1]",
        "[2001:db8::1]:9",
        "localhost",
        "LocalHost:7778",
        "ops.example",
        "Metrics.Example:443",
    ] {
        assert_eq!(ask(&[host]), 200, "{host}");
    }
    for host in [
        "evil.example",
        "ops.example.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost:x",
        "[::1",
        "::1",
        "",
    ] {
        assert_eq!(ask(&[host]), 421, "{host}");
    }
    assert_eq!(ask(&[]), 421, "no Host at all");
    assert_eq!(ask(&["localhost", "evil.example"]), 421, "two of them");
}
