//! How connections end: what the peer did wrong, or that the server goes down.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tungstenite::Message as Frame;

use orrery::protocol::NoticeKind;

use crate::support::{Client, Server, Setup, Shared, worlds};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

/// A client's text frame of up to 125 bytes, masked with zeros.
fn text_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

#[test]
fn a_broken_frame_ends_with_1002() {
    let server = server();
    let unmasked = [0x81, 0x02, b'{', b'}'];
    let reserved_bit = [0xf1, 0x80, 0, 0, 0, 0];
    let unknown_opcode = [0x83, 0x80, 0, 0, 0, 0];
    for bytes in [&unmasked[..], &reserved_bit, &unknown_opcode] {
        let mut client = Client::pilot(&server, "breaker");
        client.stream().write_all(bytes).unwrap();
        assert_eq!(client.ending().code, 1002, "{bytes:x?}");
    }
}

#[test]
fn a_binary_message_ends_with_1003() {
    let server = server();
    let mut client = Client::pilot(&server, "binary");
    client.send_frame(Frame::binary(vec![1, 2, 3]));
    assert_eq!(client.ending().code, 1003);
}

#[test]
fn text_that_is_not_utf_8_ends_with_1007() {
    let server = server();
    let mut client = Client::pilot(&server, "latin");
    client
        .stream()
        .write_all(&text_frame(b"{\"\xff\xfe\"}"))
        .unwrap();
    assert_eq!(client.ending().code, 1007);
}

#[test]
fn a_message_over_16_kib_ends_with_1009_and_one_of_16_kib_does_not() {
    let server = server();
    let mut client = Client::pilot(&server, "large");
    let filler = |bytes: usize| {
        let head = r#"{"type":"ping","seq":900,"payload":{"t0":1},"filler":""#;
        format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2))
    };
    client.asked_seq = 900;
    client.expect_answer(900);
    client.send_text(&filler(16 * 1024));
    client.answer(900);
    client.send_text(&filler(16 * 1024 + 1));
    assert_eq!(client.ending().code, 1009);
}

#[test]
fn a_flood_ends_with_4008() {
    let server = server();
    let mut client = Client::pilot(&server, "flooder");
    let mut other = Client::pilot(&server, "bystander");
    for _ in 0..1500 {
        // The server may be gone before all is written.
        if client.stream().write_all(&text_frame(b"nonsense")).is_err() {
            break;
        }
    }
    assert_eq!(client.ending().code, 4008);
    other.deltas(5);
}

#[test]
fn a_client_that_stops_reading_ends_with_4004() {
    let server = server();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.listen.into()).unwrap();
    let mut client = Client::over(TcpStream::from(socket), server.listen, "/ws");
    client.login(&Server::token("sleeper"));
    client.enter("sol-1");
    let closes = r#"orrery_closes_total{kind="too_slow"}"#;
    let before = server.metric(closes);
    server.wait_until("the server gives up", |server| {
        server.metric(closes) > before
    });
    assert_eq!(client.ending().code, 4004);
}

#[test]
fn a_good_bye_is_answered_with_the_same_code() {
    let server = server();
    let mut client = Client::pilot(&server, "polite");
    client.send_frame(Frame::Close(Some(tungstenite::protocol::CloseFrame {
        code: 1000.into(),
        reason: "".into(),
    })));
    assert_eq!(client.ending().code, 1000);
}

#[test]
fn a_draining_server_says_so_closes_with_1001_and_exits_0_within_5_s() {
    let mut server = Server::start(Setup::world(worlds::PORT));
    let mut pilot = Client::pilot(&server, "pilot");
    let mut stranger = Client::open(&server);
    let mut silent = Client::pilot(&server, "silent");
    silent.deltas(1);
    let begun = Instant::now();
    server.terminate();
    for client in [&mut pilot, &mut stranger] {
        let ending = client.ending();
        assert_eq!(ending.code, 1001);
        let notice = client.notices.last().expect("the notice comes first");
        assert_eq!(notice.kind, NoticeKind::Drain);
        let deadline_ms = notice.deadline_ms.expect("a deadline");
        let now = crate::support::unix().0;
        assert!(deadline_ms.abs_diff(now) < 6_000, "{deadline_ms} {now}");
    }
    // `silent` never answers the close; the server does not wait for it.
    let status = server.exit(Duration::from_secs(5)).expect("it exits");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(status.code(), Some(0));
    drop(silent);
    assert!(TcpStream::connect(server.listen).is_err(), "nobody listens");
}

/// What the log says of the end of a player's connections, a line each.
fn endings(server: &Server, player: &str) -> Vec<String> {
    let log = server.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("connection closed"));
    let own = lines.filter(|line| line.contains(&format!("player={player} ")));
    own.map(str::to_owned).collect()
}

#[test]
fn the_log_says_of_a_connection_that_ended_whose_it_was_from_where_and_why() {
    let mut server = Server::start(Setup::world(worlds::PORT));
    let mut former = Client::pilot(&server, "ann");
    let newer = Client::pilot(&server, "ann");
    assert_eq!(former.ending().code, 4003);
    drop(newer);
    server.wait_until("both ends are in the log", |server| {
        endings(server, "ann").len() == 2
    });
    let ann = endings(&server, "ann");
    assert!(ann[0].contains("address=127.0.0.1 conn="), "{ann:?}");
    assert!(
        ann[0].contains(r#"code=4003 cause="replaced by a newer login""#),
        "{ann:?}"
    );
    assert!(
        ann[1].contains(r#"cause="the peer or its network ended it""#) && !ann[1].contains("code="),
        "{ann:?}"
    );

    let mut bob = Client::pilot(&server, "bob");
    server.terminate();
    assert_eq!(bob.ending().code, 1001);
    assert!(server.exit(Duration::from_secs(5)).is_some());
    let bob = endings(&server, "bob");
    assert!(
        bob.len() == 1 && bob[0].contains(r#"code=1001 cause="server is shutting down""#),
        "{bob:?}"
    );
}
