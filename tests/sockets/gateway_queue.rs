//! The way from the tick to a gateway when it overflows: nobody goes on with a hole in what was told.

use crate::net_rig;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use net_rig::{LOCAL, UPGRADE, close_code};
use orrery::bus::BoundedQueue;
use orrery::bus::{GatewayQueue, Notify, ToGateway};
use orrery::gateway::http_routes::HttpRoutes;
use orrery::gateway::login_rate::LoginRate;
use orrery::gateway::{Gateway, GatewayParts};
use orrery::ids::SystemIndex;
use orrery::limits::{GATEWAY_QUEUE_MAX, INBOX_MAX};
use orrery::metrics::Metrics;
use orrery::net::memory::{End, duplex};
use orrery::net::shard::{Common, Shard};
use orrery::net::{ManualClock, NetConfig, Service as _};
use orrery::session::token::{Key, Verifier};

struct NotifyNobody;

impl Notify for NotifyNobody {
    fn notify(&self) {}
}

struct Rig {
    shard: Shard<End>,
    gateway: Gateway,
    queue: Arc<GatewayQueue>,
}

impl Rig {
    fn new() -> Self {
        let queue = Arc::new(GatewayQueue::new(Box::new(NotifyNobody)));
        let key = Key::secret(b"a secret of the tests, of no use elsewhere").unwrap();
        let gateway = Gateway::new(GatewayParts {
            shard: 0,
            verifier: Arc::new(Verifier::new(vec![key])),
            routes: HttpRoutes::new(Vec::new(), None),
            logins: LoginRate::new(&NetConfig::default()),
            inbox: Arc::new(BoundedQueue::new(INBOX_MAX)),
            queue: Arc::clone(&queue),
            durable: Arc::new(AtomicU64::new(0)),
            metrics: Metrics::new(),
        });
        let common = Common::new(NetConfig::default(), Arc::new(ManualClock::new()));
        Self {
            shard: Shard::new(0, common),
            gateway,
            queue,
        }
    }

    fn settle(&mut self) {
        self.shard.ready_all();
        while self.shard.turn(&mut self.gateway) {}
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
        self.gateway.wake(&mut self.shard);
        self.settle();
    }
}

#[test]
fn a_queue_that_overflowed_ends_its_gateways_connections_and_then_goes_on() {
    let mut rig = Rig::new();
    let (one, other) = (rig.open(), rig.open());
    for _ in 0..GATEWAY_QUEUE_MAX {
        rig.queue.push(ToGateway::Forget(SystemIndex(0)));
    }
    rig.wake();
    assert_eq!(
        one.drain(),
        b"",
        "a queue that is merely full has lost nothing"
    );
    for _ in 0..=GATEWAY_QUEUE_MAX {
        rig.queue.push(ToGateway::Forget(SystemIndex(0)));
    }
    rig.wake();
    assert_eq!(close_code(&one.drain()), Some(1001));
    assert_eq!(close_code(&other.drain()), Some(1001));
    let later = rig.open();
    rig.wake();
    assert_eq!(later.drain(), b"", "who comes later is served");
}

#[test]
fn a_full_queue_gives_the_item_back() {
    let queue = BoundedQueue::new(2);
    assert_eq!(queue.push(1), Ok(()));
    assert_eq!(queue.push(2), Ok(()));
    assert_eq!(queue.push(3), Err(3));
    let mut taken = Vec::new();
    queue.take(&mut taken);
    assert_eq!(taken, [1, 2]);
    assert!(queue.is_empty());
    assert_eq!(queue.push(4), Ok(()));
}
