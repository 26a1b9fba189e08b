//! The net layer without sockets: a shard on streams in memory, under a clock that the test moves.

use crate::net_rig;

use std::io::Write;

use net_rig::{Call, LOCAL, Rig, UPGRADE, close_code, frame, messages};
use orrery::limits::{
    BODY_MS_MAX, CLOSE_MS_MAX, HEAD_MS_MAX, LINGER_MS_MAX, MESSAGE_BYTES_MAX,
    MESSAGES_PER_TURN_MAX, PENDING_BYTES_MAX, PING_MS, SILENCE_MS_MAX,
};
use orrery::net::connection::Transport as _;
use orrery::net::memory::duplex;
use orrery::net::{Io as _, NetConfig, Sent};
use tungstenite::protocol::Message;

#[test]
fn a_conversation_split_at_every_byte_is_the_same_conversation() {
    let conversation = [
        UPGRADE.as_bytes(),
        &frame(0x81, b"hello"),
        &frame(0x01, "gr\u{fc}".as_bytes()),
        &frame(0x89, b"ping"),
        &frame(0x80, "\u{df}e".as_bytes()),
        &frame(0x82, &[0, 255]),
        &frame(0x81, &[b'x'; 300]),
        &frame(0x88, &1000_u16.to_be_bytes()),
    ]
    .concat();
    let mut whole = None;
    for cut in 0..conversation.len() {
        let mut rig = Rig::new();
        let mut far = rig.connect();
        let (first, rest) = conversation.split_at(cut);
        far.write_all(first).unwrap();
        rig.settle();
        far.write_all(rest).unwrap();
        rig.settle();
        assert_eq!(
            rig.service.texts()[..2],
            ["hello", "gr\u{fc}\u{df}e"],
            "{cut}"
        );
        assert_eq!(rig.service.closed_count(), 1, "{cut}");
        let answer = far.drain();
        assert!(far.is_at_end(), "{cut}");
        assert_eq!(
            *whole.get_or_insert_with(|| answer.clone()),
            answer,
            "{cut}"
        );
    }
}

#[test]
fn a_stream_that_moves_one_byte_at_a_time_loses_nothing() {
    let mut rig = Rig::new();
    let (near, mut far) = duplex();
    near.set_step(1);
    near.set_capacity(3);
    far.set_step(1);
    rig.shard.admit(near, LOCAL).unwrap();
    far.write_all(UPGRADE.as_bytes()).unwrap();
    for round in 0..20 {
        far.write_all(&frame(0x81, format!("message {round}").as_bytes()))
            .unwrap();
    }
    let mut received = Vec::new();
    for _ in 0..2_000 {
        rig.settle();
        received.extend(far.drain());
    }
    assert_eq!(rig.service.texts().len(), 20);
    let text = String::from_utf8_lossy(&received);
    assert_eq!(text.matches("message").count(), 20);
    assert!(rig.service.calls.contains(&Call::Drained));
}

#[test]
fn frames_sent_right_behind_the_request_are_answered_after_it() {
    let mut rig = Rig::new();
    let mut far = rig.connect();
    far.write_all(&[UPGRADE.as_bytes(), &frame(0x81, b"eager")].concat())
        .unwrap();
    rig.settle();
    let answer = far.drain();
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(answer.ends_with(b"\x81\x05eager"));
}

#[test]
fn each_broken_rule_has_its_close_code() {
    let large = vec![b'x'; MESSAGE_BYTES_MAX + 1];
    let cases: [(&str, u16, Vec<u8>); 9] = [
        ("too large a frame", 1009, frame(0x81, &large)),
        (
            "too large in fragments",
            1009,
            [frame(0x01, &large[1..]), frame(0x80, b"xx")].concat(),
        ),
        (
            "a claimed size of 2^63",
            1009,
            [&[0x82, 0xff, 0x7f][..], &[0xff; 11]].concat(),
        ),
        ("bad UTF-8", 1007, frame(0x81, &[0xc3, 0x28])),
        ("bad UTF-8 in a close", 1007, frame(0x88, &[3, 0xe8, 0xff])),
        ("unmasked", 1002, b"\x81\x02hi".to_vec()),
        ("reserved bits", 1002, frame(0xc1, b"hi")),
        ("reserved opcode", 1002, frame(0x83, b"hi")),
        ("a lone continuation", 1002, frame(0x80, b"hi")),
    ];
    for (name, code, bytes) in cases {
        let mut rig = Rig::new();
        let mut far = rig.open();
        far.write_all(&bytes).unwrap();
        rig.settle();
        assert_eq!(close_code(&far.drain()), Some(code), "{name}");
        assert_eq!(rig.service.closed_count(), 1, "{name}");
        assert!(rig.service.texts().is_empty(), "{name}");
        drop(far);
        rig.settle();
        assert!(rig.shard.is_empty(), "{name}");
    }
}

#[test]
fn the_largest_message_passes() {
    let mut rig = Rig::new();
    let mut client = rig.client();
    let message = Message::from("x".repeat(MESSAGE_BYTES_MAX));
    client.send(message.clone()).unwrap();
    rig.settle();
    assert_eq!(messages(&mut client), [message]);
}

#[test]
fn a_ping_comes_every_fifteen_seconds_and_a_pong_keeps_the_peer() {
    let mut rig = Rig::new();
    let mut client = rig.client();
    for round in 0..20 {
        rig.pass(PING_MS - 1);
        assert_eq!(messages(&mut client), [], "round {round}");
        rig.pass(1);
        assert_eq!(
            messages(&mut client),
            [Message::Ping("".into())],
            "round {round}"
        );
        rig.settle();
    }
    assert_eq!(rig.service.closed_count(), 0);
}

#[test]
fn a_silent_peer_is_closed_after_forty_five_seconds() {
    let mut rig = Rig::new();
    let far = rig.open();
    rig.pass(SILENCE_MS_MAX - 1);
    assert_eq!(rig.service.closed_count(), 0);
    assert_eq!(close_code(&far.drain()), None);
    rig.pass(1);
    assert_eq!(rig.service.closed_count(), 1);
    assert_eq!(close_code(&far.drain()), Some(1001));
    rig.pass(CLOSE_MS_MAX + LINGER_MS_MAX);
    assert!(
        rig.shard.is_empty(),
        "the silent peer does not answer and is cut"
    );
}

#[test]
fn what_came_during_a_pause_of_the_server_counts_against_silence() {
    let mut rig = Rig::new();
    let mut far = rig.open();
    far.write_all(&frame(0x81, b"here")).unwrap();
    rig.clock.advance(10 * SILENCE_MS_MAX);
    rig.settle();
    assert_eq!(rig.service.texts(), ["here"]);
    assert_eq!(rig.service.closed_count(), 0);
}

#[test]
fn bytes_of_a_message_that_never_ends_do_not_count_as_life() {
    let mut rig = Rig::new();
    let mut far = rig.open();
    far.write_all(&frame(0x81, &[b'x'; 125])[..20]).unwrap();
    for _ in 0..SILENCE_MS_MAX / 1_000 {
        far.write_all(b"x").unwrap();
        rig.pass(1_000);
    }
    assert_eq!(rig.service.closed_count(), 1);
}

#[test]
fn the_services_close_waits_for_the_peers_answer() {
    let mut rig = Rig::new();
    let mut far = rig.open();
    far.write_all(&frame(0x81, b"close")).unwrap();
    rig.settle();
    assert_eq!(rig.service.closed_count(), 1);
    assert_eq!(close_code(&far.drain()), Some(4001));
    assert!(!far.is_at_end());
    far.write_all(&frame(0x81, b"under way already")).unwrap();
    far.write_all(&frame(0x88, &4001_u16.to_be_bytes()))
        .unwrap();
    rig.settle();
    assert!(far.is_at_end());
    assert_eq!(rig.service.texts(), ["close"]);
    drop(far);
    rig.settle();
    assert!(rig.shard.is_empty());
    assert_eq!(rig.service.closed_count(), 1);
}

#[test]
fn an_unanswered_close_ends_at_its_deadline() {
    let mut rig = Rig::new();
    let mut far = rig.open();
    far.write_all(&frame(0x81, b"close")).unwrap();
    rig.settle();
    rig.pass(CLOSE_MS_MAX);
    assert!(far.drain().starts_with(&[0x88]));
    assert!(far.is_at_end());
    rig.pass(LINGER_MS_MAX);
    assert!(rig.shard.is_empty());
    assert_eq!(rig.common.limiter.connections(), 0);
}

#[test]
fn a_cut_ends_the_connection_once() {
    let mut rig = Rig::new();
    let far = rig.open();
    far.cut();
    rig.settle();
    assert!(rig.shard.is_empty());
    assert_eq!(rig.service.closed_count(), 1);

    let mut far = rig.open();
    far.hang_up().unwrap();
    rig.settle();
    assert!(rig.shard.is_empty());
    assert_eq!(rig.service.closed_count(), 2);
}

#[test]
fn a_cut_that_only_a_send_can_notice_is_noticed() {
    let mut rig = Rig::new();
    let far = rig.open();
    let Some(Call::Open(conn)) = rig.service.calls.first().cloned() else {
        panic!("not open");
    };
    far.cut();
    assert_eq!(rig.shard.send(conn, "anybody there?".into()), Sent::Gone);
    while rig.shard.turn(&mut rig.service) {}
    assert_eq!(rig.service.closed_count(), 1);
    assert!(rig.shard.is_empty());
}

#[test]
fn whoever_does_not_read_costs_a_bounded_amount() {
    let mut rig = Rig::new();
    let (near, mut far) = duplex();
    near.set_capacity(1_000);
    rig.shard.admit(near, LOCAL).unwrap();
    far.write_all(UPGRADE.as_bytes()).unwrap();
    rig.settle();
    far.drain();
    far.write_all(&frame(0x81, b"flood 2000")).unwrap();
    rig.settle();
    assert!(rig.service.sent.contains(&Sent::Full));
    assert!(rig.service.pending_bytes_max <= PENDING_BYTES_MAX);
    assert!(rig.service.pending_bytes_max > PENDING_BYTES_MAX / 2);
    // Once it reads, everything that was taken comes, whole and in order.
    let taken = rig
        .service
        .sent
        .iter()
        .filter(|sent| **sent != Sent::Full)
        .count();
    let mut received = Vec::new();
    for _ in 0..1_000 {
        received.extend(far.drain());
        rig.settle();
    }
    assert_eq!(received.len(), taken * 1_004);
    assert_eq!(rig.service.count(|call| *call == Call::Drained), 1);
}

#[test]
fn answers_to_pings_do_not_pile_up_on_who_does_not_read() {
    let mut rig = Rig::new();
    let (near, mut far) = duplex();
    near.set_capacity(200);
    let conn = rig.shard.admit(near, LOCAL).unwrap();
    far.write_all(UPGRADE.as_bytes()).unwrap();
    rig.settle();
    let pings = frame(0x89, &[7; 125]).repeat(10_000);
    far.write_all(&pings).unwrap();
    rig.settle();
    let pending_bytes = rig.shard.pending_bytes(conn);
    assert!(
        pending_bytes <= PENDING_BYTES_MAX / 2 + 200,
        "{pending_bytes}"
    );
}

#[test]
fn a_flood_takes_no_more_than_its_share_of_a_turn() {
    let mut rig = Rig::new();
    let mut flooder = rig.open();
    let mut honest = rig.open();
    flooder
        .write_all(&frame(0x81, b"f").repeat(10_000))
        .unwrap();
    honest.write_all(&frame(0x81, b"honest")).unwrap();
    rig.shard.ready_all();
    assert!(rig.shard.turn(&mut rig.service), "there is more to do");
    let texts = rig.service.texts();
    assert!(texts.contains(&"honest"));
    assert_eq!(texts.len(), MESSAGES_PER_TURN_MAX + 1);
    while rig.shard.turn(&mut rig.service) {}
    assert_eq!(
        rig.service.texts().len(),
        10_001,
        "nothing is lost without new readiness"
    );
}

#[test]
fn a_slow_head_is_answered_408_however_it_trickles() {
    let mut rig = Rig::new();
    let mut far = rig.connect();
    for byte in &UPGRADE.as_bytes()[..(HEAD_MS_MAX / 1_000) as usize] {
        far.write_all(&[*byte]).unwrap();
        assert!(!far.is_at_end());
        rig.pass(1_000);
    }
    assert!(far.drain().starts_with(b"HTTP/1.1 408 "));
    assert!(far.is_at_end());
    rig.pass(LINGER_MS_MAX);
    assert!(rig.shard.is_empty());
}

#[test]
fn who_says_nothing_is_dropped_without_a_word() {
    let mut rig = Rig::new();
    let far = rig.connect();
    rig.pass(HEAD_MS_MAX);
    assert!(rig.shard.is_empty());
    assert!(far.drain().is_empty());
}

#[test]
fn a_slow_body_is_answered_408() {
    let mut rig = Rig::new();
    let mut far = rig.connect();
    far.write_all(b"POST /form HTTP/1.1\r\nContent-Length: 100\r\n\r\nx")
        .unwrap();
    rig.settle();
    rig.pass(BODY_MS_MAX - 1);
    far.write_all(b"y").unwrap();
    rig.settle();
    assert!(far.drain().is_empty());
    rig.pass(1);
    assert!(far.drain().starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_large_answer_reaches_a_slow_reader_whole() {
    let mut rig = Rig::new();
    let (near, mut far) = duplex();
    near.set_capacity(10_000);
    rig.shard.admit(near, LOCAL).unwrap();
    far.write_all(b"GET /large HTTP/1.1\r\n\r\n").unwrap();
    let mut received_bytes = 0;
    for _ in 0..110 {
        rig.pass(200);
        received_bytes += far.drain().len();
    }
    assert!(received_bytes > 1_000_000);
    assert!(far.is_at_end());
}

#[test]
fn a_half_closed_request_is_still_answered() {
    let mut rig = Rig::new();
    let mut far = rig.connect();
    far.write_all(b"GET /page HTTP/1.1\r\n\r\n").unwrap();
    far.hang_up().unwrap();
    rig.settle();
    assert!(far.drain().ends_with(b"a page"));
    assert!(rig.shard.is_empty());
}

#[test]
fn an_id_dies_with_its_connection() {
    let mut rig = Rig::new();
    let first = rig.open();
    let Some(Call::Open(old)) = rig.service.calls.first().cloned() else {
        panic!("not open");
    };
    drop(first);
    rig.settle();
    let second = rig.open();
    assert_eq!(rig.shard.send(old, "for the first".into()), Sent::Gone);
    rig.shard.close(old, 4001, "");
    rig.settle();
    assert!(second.drain().is_empty());
    assert_eq!(rig.service.closed_count(), 1);
}

#[test]
fn stopping_closes_everybody_with_1001_and_lets_nobody_in() {
    let mut rig = Rig::new();
    let mut asks = rig.open();
    let mut other = rig.open();
    let undecided = rig.connect();
    asks.write_all(&frame(0x81, b"stop")).unwrap();
    rig.settle();
    for far in [&mut asks, &mut other] {
        assert_eq!(close_code(&far.drain()), Some(1001));
        far.write_all(&frame(0x88, &1001_u16.to_be_bytes()))
            .unwrap();
    }
    assert!(undecided.drain().is_empty());
    assert!(undecided.is_at_end());
    assert!(rig.shard.admit(duplex().0, LOCAL).is_err());
    assert!(!rig.shard.is_stopped());
    drop((asks, other));
    rig.settle();
    assert!(rig.shard.is_stopped());
    assert_eq!(rig.service.closed_count(), 2);
}

#[test]
fn stopping_ends_at_its_deadline_whoever_stays() {
    let mut rig = Rig::new();
    let (near, mut far) = duplex();
    near.set_capacity(500);
    rig.shard.admit(near, LOCAL).unwrap();
    far.write_all(
        &[
            UPGRADE.as_bytes(),
            &frame(0x81, b"flood 9"),
            &frame(0x81, b"stop"),
        ]
        .concat(),
    )
    .unwrap();
    rig.settle();
    assert!(!rig.shard.is_stopped());
    rig.pass(10_000);
    assert!(rig.shard.is_stopped());
}

#[test]
fn the_services_own_deadline_is_kept() {
    let mut rig = <Rig>::new();
    rig.service.deadline = Some(orrery::ids::Millis(500));
    assert_eq!(
        rig.shard.deadline(&rig.service),
        Some(orrery::ids::Millis(500))
    );
    rig.pass(499);
    assert_eq!(rig.service.calls, []);
    rig.pass(1);
    assert_eq!(rig.service.calls, [Call::Timeout]);
}

#[test]
fn a_proxys_client_is_seen_and_counted_through_it() {
    let mut rig = Rig::with(NetConfig {
        trusted_proxies: vec![LOCAL],
        connections_per_ip_max: 1,
        ..NetConfig::default()
    });
    let request = b"GET /who HTTP/1.1\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
    let (mut first, mut second) = (rig.connect(), rig.connect());
    first.write_all(request).unwrap();
    rig.settle();
    assert!(first.drain().ends_with(b"9.9.9.9"));
    second.write_all(request).unwrap();
    rig.settle();
    assert!(
        second.drain().starts_with(b"HTTP/1.1 429 "),
        "the first still lingers"
    );
}
