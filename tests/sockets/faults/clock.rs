//! A wall clock that jumps, under the real program: `ts` follows it, and nothing else.
//!
//! libfaketime stands between the program and its clock and reads the offset from a file each time.
//! Monotonic time stays what it is.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Client, Server, Setup, unix, worlds};

/// Where Debian puts it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Waits for a message whose `ts` is about so far from now.
fn until_off_by(client: &mut Client, off_ms: i64) {
    let close = |ts: u64| {
        let expected = unix().0.saturating_add_signed(off_ms);
        ts.abs_diff(expected) < 60_000
    };
    client.until("the clock has jumped", |_, received| close(received.ts));
}

#[test]
#[cfg_attr(
    not(with_faketime),
    ignore = "needs faketime: ORRERY_TEST_WITH=faketime"
)]
fn a_wall_clock_that_jumps_moves_ts_and_neither_ticks_nor_sessions() {
    assert!(Path::new(FAKETIME).exists(), "Debian's package faketime");
    let folder = tempfile::tempdir().unwrap();
    let offset = folder.path().join("offset");
    fs::write(&offset, "+0").unwrap();
    let server = Server::start(Setup {
        variables: &[
            ("LD_PRELOAD", FAKETIME),
            ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ],
        ..Setup::world(worlds::PORT)
    });
    let mut client = Client::pilot(&server, "traveller");
    client.deltas(10);
    // The pilot's token is good for an hour: a day's jump must not end its session.
    for (jump, off_ms) in [("+1d", DAY_MS as i64), ("-1d", -(DAY_MS as i64)), ("+0", 0)] {
        let (begun, tick) = (Instant::now(), client.sky.tick);
        fs::write(&offset, jump).unwrap();
        until_off_by(&mut client, off_ms);
        client.deltas(45);
        let due = begun.elapsed().as_millis() as u64 * 30 / 1000;
        let heard = client.sky.tick - tick;
        assert!(
            heard.abs_diff(due) <= 15,
            "{jump}: {heard} ticks where {due} were due"
        );
    }
    // Whether a token is still good is the wall clock's to say.
    fs::write(&offset, "+1d").unwrap();
    until_off_by(&mut client, DAY_MS as i64);
    let mut late = Client::open(&server);
    late.login(&Server::token("late"));
    assert_eq!(late.ending().code, 4001);
    fs::write(&offset, "+0").unwrap();
    until_off_by(&mut client, 0);
    let begun = Instant::now();
    let mut early = Client::pilot(&server, "early");
    early.deltas(5);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
