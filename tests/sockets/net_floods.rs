//! Floods against a shard in memory: of control frames, which no session counts, and of so many peers
//! that one turn could go on for ever.

use crate::net_rig;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use net_rig::{LOCAL, Recorder, Rig, UPGRADE, close_code, frame};
use orrery::ids::{Millis, UnixMillis};
use orrery::limits::{FLOOD_CLOSE_CODE, RATE_CONTROLS};
use orrery::net::echo::EchoOptions;
use orrery::net::memory::duplex;
use orrery::net::shard::{Common, Shard};
use orrery::net::{Clock, NetConfig};

#[test]
fn pings_and_pongs_without_end_are_a_flood() {
    for opcode in [0x89, 0x8a] {
        let mut rig = Rig::new();
        let mut far = rig.open();
        let quiet = rig.open();
        // As many as anybody may send in a minute's calm, spread out, do no harm.
        for _ in 0..60 {
            far.write_all(&frame(opcode, b"x")).unwrap();
            rig.pass(100);
        }
        assert_eq!(rig.service.closed_count(), 0);
        far.drain();
        for _ in 0..2 * RATE_CONTROLS.burst {
            far.write_all(&frame(opcode, b"x")).unwrap();
        }
        rig.settle();
        assert_eq!(rig.service.closed_count(), 1);
        assert_eq!(close_code(&far.drain()), Some(FLOOD_CLOSE_CODE));
        assert!(far.is_at_end());
        assert!(!quiet.is_at_end());
    }
}

#[test]
fn fragments_that_finish_nothing_are_a_flood() {
    for payload in [&b""[..], b"x"] {
        let mut rig = Rig::new();
        let mut far = rig.open();
        let quiet = rig.open();
        far.write_all(&frame(0x01, b"")).unwrap();
        far.write_all(&frame(0x00, payload).repeat(10_000)).unwrap();
        rig.settle();
        assert_eq!(close_code(&far.drain()), Some(FLOOD_CLOSE_CODE));
        assert_eq!(rig.service.closed_count(), 1);
        assert!(far.is_at_end());
        assert!(!quiet.is_at_end());
    }
}

#[test]
fn a_message_in_some_hundred_fragments_passes_again_and_again() {
    let mut rig = Rig::new();
    let mut far = rig.open();
    for _ in 0..10 {
        far.write_all(&frame(0x01, b"x")).unwrap();
        far.write_all(&frame(0x00, b"x").repeat(300)).unwrap();
        far.write_all(&frame(0x80, b"x")).unwrap();
        rig.pass(2_000);
    }
    assert_eq!(rig.service.texts(), vec!["x".repeat(302); 10]);
}

#[test]
fn the_largest_message_passes_in_small_pieces_however_large_it_may_be() {
    // As conformance suites do it: four megabytes, 64 bytes at a time.
    for (message_bytes_max, piece_bytes) in [(16 * 1024, 32), (4 * 1024 * 1024, 64)] {
        let options = EchoOptions {
            message_bytes_max,
            ..EchoOptions::new("127.0.0.1:0".parse().unwrap())
        };
        let mut rig = Rig::with(options.config());
        let mut far = rig.open();
        let piece = vec![b'x'; piece_bytes];
        let pieces = message_bytes_max / piece_bytes;
        far.write_all(&frame(0x01, &piece)).unwrap();
        far.write_all(&frame(0x00, &piece).repeat(pieces - 2))
            .unwrap();
        far.write_all(&frame(0x80, &piece)).unwrap();
        rig.settle();
        assert_eq!(rig.service.texts(), ["x".repeat(message_bytes_max)]);
    }
}

#[test]
fn whoever_is_being_closed_cannot_flood_either() {
    for flood in [
        frame(0x00, b"").repeat(10_000),
        frame(0x89, b"").repeat(10_000),
    ] {
        let mut rig = Rig::new();
        let mut far = rig.open();
        far.write_all(&frame(0x81, b"close")).unwrap();
        rig.settle();
        far.write_all(&frame(0x01, b"")).unwrap();
        far.write_all(&flood).unwrap();
        rig.settle();
        assert!(far.drain().len() > 4 && far.is_at_end(), "hung up at once");
    }
}

/// A clock that goes on by a millisecond each time somebody looks.
#[derive(Default)]
struct Creeping(AtomicU64);

impl Clock for Creeping {
    fn now(&self) -> Millis {
        Millis(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(0)
    }
}

#[test]
fn a_turn_ends_in_time_however_many_wait_and_nobody_is_passed_over() {
    const PEERS: usize = 20;
    let mut shard = Shard::new(
        0,
        Common::new(NetConfig::default(), Arc::new(Creeping::default())),
    );
    let mut service = Recorder::default();
    let mut peers = Vec::new();
    for number in 0..PEERS {
        let (near, mut far) = duplex();
        far.write_all(UPGRADE.as_bytes()).unwrap();
        far.write_all(&frame(0x81, format!("{number}").as_bytes()))
            .unwrap();
        shard.admit(near, LOCAL).unwrap();
        peers.push(far);
    }
    let mut turns = 1;
    assert!(shard.turn(&mut service), "there is more to do");
    assert!(service.texts().len() < PEERS / 2, "{:?}", service.texts());
    while shard.turn(&mut service) {
        turns += 1;
    }
    assert!(turns > 3);
    let expected: Vec<String> = (0..PEERS).map(|number| number.to_string()).collect();
    assert_eq!(service.texts(), expected, "in the order of their coming");
}
