//! A server put together as the real wiring does it, without threads, sockets and clocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::bus::BoundedQueue;
use orrery::bus::{GatewayQueue, Notify};
use orrery::gateway::http_routes::HttpRoutes;
use orrery::gateway::login_rate::LoginRate;
use orrery::gateway::{Gateway, GatewayParts};
use orrery::ids::SystemIndex;
use orrery::limits::INBOX_MAX;
use orrery::metrics::Metrics;
use orrery::net::NetConfig;
use orrery::node::{Node, NodeParts};
use orrery::session::token::Verifier;
use orrery::sim::World;
use orrery::universe::Universe;

use super::server::{Setup, Tape};
use super::store::{Disk, FaultyStore};

struct NotifyNobody;

impl Notify for NotifyNobody {
    fn notify(&self) {}
}

/// What a restart makes anew.
pub(super) struct Server {
    pub(super) node: Node,
    pub(super) gateways: Vec<Gateway>,
    pub(super) inbox_len: Box<dyn Fn() -> usize>,
}

/// The stored shelves of one system, for its world.
fn stocks(
    disk: &Disk,
    universe: &Universe,
    system: SystemIndex,
) -> Option<Vec<orrery::sim::market::Stock>> {
    let here = universe.system(system)?;
    let mut stocks = Vec::new();
    for ((at, station, commodity), &units) in &disk.shelf.stocks {
        if *at == here.id {
            let station = here.station_index(station.as_str())?;
            let commodity = universe.commodity_index(commodity.as_str())?;
            stocks.push((station, commodity, units));
        }
    }
    (!stocks.is_empty()).then_some(stocks)
}

/// A server over what the disk has kept.
pub(super) fn serve(
    setup: &Setup,
    load: &Arc<AtomicU64>,
    disk: &Arc<Mutex<Disk>>,
    verifier: &Arc<Verifier>,
    restarts: u64,
) -> Server {
    let mut reopened = disk.lock().expect("one thread");
    let durable = reopened.reopen();
    let worlds = (0..setup.universe.systems.len()).map(|index| {
        let system = SystemIndex(index as u16);
        let stocks = stocks(&reopened, &setup.universe, system);
        let seed = setup
            .seed
            .wrapping_add(restarts << 32)
            .wrapping_add(index as u64);
        World::new(Arc::clone(&setup.universe), system, seed, stocks.as_deref())
    });
    let worlds = worlds.collect();
    drop(reopened);
    let (load, clock) = (Arc::clone(load), AtomicU64::new(0));
    let metrics = Metrics::new();
    let inbox = Arc::new(BoundedQueue::new(INBOX_MAX));
    let queues: Vec<Arc<GatewayQueue>> = (0..setup.shards)
        .map(|_| Arc::new(GatewayQueue::new(Box::new(NotifyNobody))))
        .collect();
    let logins = LoginRate::new(&NetConfig {
        connections_per_ip_max: setup.connections_per_ip_max,
        ..NetConfig::default()
    });
    let gateways = queues.iter().enumerate().map(|(shard, queue)| {
        Gateway::new(GatewayParts {
            shard: shard as u16,
            verifier: Arc::clone(verifier),
            routes: HttpRoutes::new(Vec::new(), None),
            logins: Arc::clone(&logins),
            inbox: Arc::clone(&inbox),
            queue: Arc::clone(queue),
            durable: Arc::clone(&durable),
            metrics: metrics.clone(),
        })
    });
    let gateways = gateways.collect();
    let waiting = Arc::clone(&inbox);
    let node = Node::new(NodeParts {
        universe: Arc::clone(&setup.universe),
        worlds,
        elsewhere: Vec::new(),
        recorder: setup.tape.as_ref().map(Tape::recorder),
        inbox,
        gateways: queues,
        store: Box::new(FaultyStore(Arc::clone(disk))),
        durable,
        view_radius: setup.view_radius,
        chunks: 2,
        metrics,
        stopwatch: Box::new(move || {
            clock.fetch_add(load.load(Ordering::Relaxed), Ordering::Relaxed)
        }),
    })
    .with_request_digests_max(setup.request_digests_max)
    .with_players_max(setup.players_max);
    Server {
        node,
        gateways,
        inbox_len: Box::new(move || waiting.len()),
    }
}
