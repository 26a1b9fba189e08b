//! The real server over the real store, against plain maps: random players trade, fight, die, jump,
//! repair, reconnect and ask again while the server restarts and crashes. The shelf, which knows
//! nothing but maps, is given the same batches as the database; every log-in and every looked-up
//! request must come out of both alike, and at the end so must every wallet, hold, stock and outcome.

use crate::cluster;
use crate::store_harness;

use cluster::play::{Mood, Play};
use cluster::store::Twin;
use cluster::{Cluster, Setup, sky};
use orrery::ids::{Name, PlayerId};
use orrery::store::{Answer, Batch, LoadedPilot, Stock, StoreConfig, StoredOutcome, audit};
use store_harness::{Database, StoreUnderTest};

/// The database behind the shelf.
struct RestoredState {
    config: StoreConfig,
    opened: Option<StoreUnderTest>,
}

impl RestoredState {
    fn new(database: &Database, systems: Vec<Name>) -> Self {
        let config = StoreConfig::new(&database.url, "here", systems);
        let opened = StoreUnderTest::open(&config).ok();
        Self { config, opened }
    }

    fn opened(&mut self) -> &mut StoreUnderTest {
        self.opened.as_mut().expect("an open store")
    }
}

impl Twin for RestoredState {
    fn keep(&mut self, batch: Batch) {
        let number = batch.number;
        let opened = self.opened();
        assert_eq!(opened.store.submit(batch), Ok(()));
        assert_eq!(opened.answer(), Answer::Durable { batch: number });
    }

    fn load(&mut self, player: &PlayerId) -> LoadedPilot {
        self.opened().load(player)
    }

    fn outcome(&mut self, player: &PlayerId, id: &str) -> Option<StoredOutcome> {
        self.opened().outcome(player, id)
    }

    fn stocks(&mut self, system: &Name) -> Vec<Stock> {
        self.opened().stocks_of(system)
    }

    fn reopen(&mut self) {
        if let Some(opened) = self.opened.take() {
            opened.store.close();
        }
        self.opened = Some(StoreUnderTest::open(&self.config).expect("the store opens again"));
    }
}

/// One life of a server and its database.
fn live(database: &Database, seed: u64, ticks: u64) -> u64 {
    let mut setup = Setup::new(sky::close_quarters());
    setup.seed = seed;
    let systems = setup.universe.systems.iter();
    let systems: Vec<Name> = systems.map(|system| system.id.clone()).collect();
    let mut cluster = Cluster::new(setup);
    cluster.disk().twin = Some(Box::new(RestoredState::new(database, systems.clone())));
    let mut play = Play::new(Mood {
        players: 6,
        dial: 100,
        cut: 6,
        stall: 0,
        restart: 8,
        disk_trouble: 30,
        disk_failure: 1,
        nap: 0,
        read_ticks: 4,
    });
    for _ in 0..ticks {
        play.tick(&mut cluster);
    }
    Play::settle(&mut cluster);
    cluster.restart(true);
    compare(&mut cluster, &systems);
    cluster.disk().twin = None;
    let report = audit(&database.url).expect("an audit");
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        report.outcomes_count,
        cluster.disk().shelf.outcomes.len() as i64
    );
    assert_eq!(
        report.pilots_count,
        cluster.disk().shelf.pilots.len() as i64
    );
    cluster.told.census.get("retried").copied().unwrap_or(0)
}

/// Everything that the maps hold is what the database holds.
fn compare(cluster: &mut Cluster, systems: &[Name]) {
    let mut disk = cluster.disk();
    let pilots: Vec<PlayerId> = disk.shelf.pilots.keys().cloned().collect();
    for player in &pilots {
        disk.load(player);
    }
    let outcomes = disk.shelf.outcomes.clone();
    let twin = disk.twin.as_mut().expect("a database");
    for ((player, id), outcome) in outcomes {
        assert_eq!(twin.outcome(&player, &id), Some(outcome));
    }
    for system in systems {
        let mut count = 0;
        let stocks = disk.twin.as_mut().expect("a database").stocks(system);
        for stock in stocks {
            let key = (
                system.clone(),
                stock.station.clone(),
                stock.commodity.clone(),
            );
            let on_shelf = disk.shelf.stocks.get(&key);
            assert_eq!(on_shelf, Some(&stock.quantity), "{key:?}");
            count += 1;
        }
        let on_shelf = disk.shelf.stocks.iter();
        let some = on_shelf.filter(|((at, _, _), units)| at == system && **units != 0);
        assert!(some.count() <= count, "no stock is missing");
    }
}

#[test]
fn the_server_over_sqlite_agrees_with_plain_maps() {
    let mut retried = 0;
    for seed in 0..10 {
        println!("seed {seed}");
        retried += live(&Database::sqlite(), seed, 500);
    }
    assert!(retried > 20, "{retried} requests were asked for again");
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn the_server_over_postgres_agrees_with_plain_maps() {
    for seed in 100..102 {
        println!("seed {seed}");
        let database = Database::postgres();
        live(&database, seed, 400);
    }
}

#[test]
#[ignore = "minutes: 200 longer lives"]
fn the_server_over_sqlite_agrees_with_plain_maps_200_times() {
    for seed in 1_000..1_200 {
        println!("seed {seed}");
        live(&Database::sqlite(), seed, 1_500);
    }
}
