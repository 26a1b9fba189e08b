//! What must hold for any bytes behind an upgrade, however the network splits them.
//!
//! The echo behind a shard in memory gets them whole and in pieces: it says the same both times,
//! in well-formed frames of which only the last is a close, and nothing of the peer is left when
//! it has gone.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use orrery::limits::{CLOSE_MS_MAX, LINGER_MS_MAX, PENDING_BYTES_MAX};
use orrery::net::echo::Echo;
use orrery::net::memory::duplex;
use orrery::net::shard::{Common, Shard};
use orrery::net::{Io, ManualClock, NetConfig};

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Panics if the property does not hold for these bytes; the first is the size of the pieces.
pub(crate) fn check(data: &[u8]) {
    let (piece_bytes, bytes) = match data {
        [first, rest @ ..] => (usize::from(*first) + 1, rest),
        [] => (1, data),
    };
    let whole = echoed(bytes, usize::MAX);
    assert_eq!(
        whole,
        echoed(bytes, piece_bytes),
        "in pieces of {piece_bytes}"
    );
    well_formed(&whole);
}

/// Everything that the server says to a peer that sends the bytes in such pieces and leaves.
fn echoed(bytes: &[u8], piece_bytes: usize) -> Vec<u8> {
    let clock = Arc::new(ManualClock::new());
    let common = Common::new(NetConfig::default(), Arc::clone(&clock) as _);
    let mut shard = Shard::new(0, common.clone());
    let (near, mut far) = duplex();
    let conn = shard
        .admit(near, IpAddr::V4(Ipv4Addr::LOCALHOST))
        .expect("an empty server has a place");
    let conversation = [UPGRADE, bytes].concat();
    for piece in conversation.chunks(piece_bytes.min(conversation.len())) {
        // A server that has hung up takes no more.
        let _ = far.write_all(piece);
        shard.ready_all();
        while shard.turn(&mut Echo) {}
        assert!(shard.pending_bytes(conn) <= PENDING_BYTES_MAX);
    }
    let said = far.drain();
    drop(far);
    for _ in 0..2 {
        shard.ready_all();
        while shard.turn(&mut Echo) {}
        clock.advance(CLOSE_MS_MAX + LINGER_MS_MAX);
    }
    assert!(shard.is_empty() && common.limiter.connections() == 0);
    said
}

/// Checks the frames behind the response's head.
fn well_formed(said: &[u8]) {
    let head_end = said.windows(4).position(|end| end == b"\r\n\r\n");
    let mut rest = said
        .get(head_end.expect("an answer") + 4..)
        .expect("frames");
    while let [first, length, tail @ ..] = rest {
        assert_eq!(first & 0x70, 0, "reserved bits");
        assert!(first & 0x80 != 0, "a server's messages are whole");
        let (length, tail) = match (length, tail) {
            (0..=125, _) => (usize::from(*length), tail),
            (126, [high, low, tail @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), tail),
            other => panic!("a masked or giant frame: {other:?}"),
        };
        assert!(tail.len() >= length, "a frame is cut off");
        rest = &tail[length..];
        match first & 0x0f {
            1 => assert!(std::str::from_utf8(&tail[..length]).is_ok()),
            2 | 10 => {}
            8 => assert!(rest.is_empty(), "nothing follows a close"),
            other => panic!("opcode {other}"),
        }
    }
    assert!(rest.is_empty());
}
