//! The way from the tick to a gate when it overflows: nobody goes on with a hole in what was told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod net_rig;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use net_rig::{LOCAL, UPGRADE, close_code};
use orrery::ids::SystemIndex;
use orrery::limits::{GATE_LANE_MAX, INBOX_MAX};
use orrery::net::memory::{End, duplex};
use orrery::net::shard::{Common, Shard};
use orrery::net::{ManualClock, NetConfig, Service as _};
use orrery::server::doors::Doors;
use orrery::server::gate::{Gate, GateParts};
use orrery::server::lane::{GateLane, Ring, ToGate};
use orrery::server::logins::LoginRate;
use orrery::server::mailbox::Mailbox;
use orrery::server::metrics::Metrics;
use orrery::session::token::{Key, Verifier};

struct NoBell;

impl Ring for NoBell {
    fn ring(&self) {}
}

struct Rig {
    shard: Shard<End>,
    gate: Gate,
    lane: Arc<GateLane>,
}

impl Rig {
    fn new() -> Self {
        let lane = Arc::new(GateLane::new(Box::new(NoBell)));
        let key = Key::secret(b"a secret of the tests, of no use elsewhere").unwrap();
        let gate = Gate::new(GateParts {
            shard: 0,
            verifier: Arc::new(Verifier::new(vec![key])),
            doors: Doors::new(Vec::new(), None),
            logins: LoginRate::new(&NetConfig::default()),
            inbox: Arc::new(Mailbox::new(INBOX_MAX)),
            lane: Arc::clone(&lane),
            durable: Arc::new(AtomicU64::new(0)),
            metrics: Metrics::new(),
        });
        let common = Common::new(NetConfig::default(), Arc::new(ManualClock::new()));
        Self {
            shard: Shard::new(0, common),
            gate,
            lane,
        }
    }

    fn settle(&mut self) {
        self.shard.ready_all();
        while self.shard.turn(&mut self.gate) {}
    }

    fn open(&mut self) -> End {
        let (near, mut far) = duplex();
        self.shard.admit(near, LOCAL).unwrap();
        far.write_all(UPGRADE.as_bytes()).unwrap();
        self.settle();
        let answer = far.drain();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{answer:?}");
        far
    }

    fn wake(&mut self) {
        self.gate.wake(&mut self.shard);
        self.settle();
    }
}

#[test]
fn a_lane_that_overflowed_ends_its_gates_connections_and_then_goes_on() {
    let mut rig = Rig::new();
    let (one, other) = (rig.open(), rig.open());
    for _ in 0..GATE_LANE_MAX {
        rig.lane.push(ToGate::Forget(SystemIndex(0)));
    }
    rig.wake();
    assert_eq!(
        one.drain(),
        b"",
        "a lane that is merely full has lost nothing"
    );
    for _ in 0..=GATE_LANE_MAX {
        rig.lane.push(ToGate::Forget(SystemIndex(0)));
    }
    rig.wake();
    assert_eq!(close_code(&one.drain()), Some(1001));
    assert_eq!(close_code(&other.drain()), Some(1001));
    let later = rig.open();
    rig.wake();
    assert_eq!(later.drain(), b"", "who comes later is served");
}

#[test]
fn a_full_mailbox_gives_the_item_back() {
    let mailbox = Mailbox::new(2);
    assert_eq!(mailbox.push(1), Ok(()));
    assert_eq!(mailbox.push(2), Ok(()));
    assert_eq!(mailbox.push(3), Err(3));
    let mut taken = Vec::new();
    mailbox.take(&mut taken);
    assert_eq!(taken, [1, 2]);
    assert!(mailbox.is_empty());
    assert_eq!(mailbox.push(4), Ok(()));
}
