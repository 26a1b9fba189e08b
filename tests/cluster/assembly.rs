//! A server put together as the real wiring does it, without threads, sockets and clocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::ids::SystemIndex;
use orrery::limits::INBOX_MAX;
use orrery::net::NetConfig;
use orrery::server::core::{Core, CoreParts};
use orrery::server::doors::Doors;
use orrery::server::gate::{Gate, GateParts};
use orrery::server::lane::{GateLane, Ring};
use orrery::server::logins::LoginRate;
use orrery::server::mailbox::Mailbox;
use orrery::server::metrics::Metrics;
use orrery::session::token::Verifier;
use orrery::sim::World;
use orrery::universe::Universe;

use super::server::{Setup, Tape};
use super::vault::{Disk, FaultyVault};

struct NoBell;

impl Ring for NoBell {
    fn ring(&self) {}
}

/// What a restart makes anew.
pub(super) struct Server {
    pub(super) core: Core,
    pub(super) gates: Vec<Gate>,
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
    let inbox = Arc::new(Mailbox::new(INBOX_MAX));
    let lanes: Vec<Arc<GateLane>> = (0..setup.shards)
        .map(|_| Arc::new(GateLane::new(Box::new(NoBell))))
        .collect();
    let logins = LoginRate::new(&NetConfig {
        connections_per_ip_max: setup.connections_per_ip_max,
        ..NetConfig::default()
    });
    let gates = lanes.iter().enumerate().map(|(shard, lane)| {
        Gate::new(GateParts {
            shard: shard as u16,
            verifier: Arc::clone(verifier),
            doors: Doors::new(Vec::new(), None),
            logins: Arc::clone(&logins),
            inbox: Arc::clone(&inbox),
            lane: Arc::clone(lane),
            durable: Arc::clone(&durable),
            metrics: metrics.clone(),
        })
    });
    let gates = gates.collect();
    let waiting = Arc::clone(&inbox);
    let core = Core::new(CoreParts {
        universe: Arc::clone(&setup.universe),
        worlds,
        elsewhere: Vec::new(),
        recorder: setup.tape.as_ref().map(Tape::recorder),
        inbox,
        lanes,
        vault: Box::new(FaultyVault(Arc::clone(disk))),
        durable,
        view_radius: setup.view_radius,
        stretches: 2,
        metrics,
        stopwatch: Box::new(move || {
            clock.fetch_add(load.load(Ordering::Relaxed), Ordering::Relaxed)
        }),
    })
    .with_request_digests_max(setup.request_digests_max)
    .with_players_max(setup.players_max);
    Server {
        core,
        gates,
        inbox_len: Box::new(move || waiting.len()),
    }
}
