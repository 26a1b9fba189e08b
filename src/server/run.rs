//! The wiring: threads, sockets, the store and the clock around a [`Core`] and its [`Gate`]s.
//!
//! ```text
//! main     signals ─▶ stop flag              waits, reports
//! tick     Pace ─▶ Core::tick                the only thread that touches a world
//! net-i    Reactor ─▶ Gate                   one a shard
//! ops      Reactor ─▶ Ops                    the operator's port
//! store    batches ─▶ disk                   started by the vault
//! ```
//!
//! Going down: stop letting anybody in, take every ship in, wait until the last batch is durable,
//! tell everybody, close with 1001.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thiserror::Error;
use tracing::{info, warn};

use super::core::{Core, CoreParts};
use super::doors::Doors;
use super::gate::{Gate, GateParts};
use super::lane::{GateLane, ToGate};
use super::mailbox::Mailbox;
use super::metrics::Metrics;
use super::ops::Ops;
use super::pace::Pace;
use super::vault::Vault;
use crate::limits::{
    CELLS_PER_VIEW_RADIUS, CLOSE_GRACE_MS, DRAIN_DURABLE_MS_MAX, INBOX_MAX, OPS_CONNECTIONS_MAX,
};
use crate::net::{Clock, NetConfig, Reactor, SystemClock, Tls, Waker};
use crate::replication::Stencils;
use crate::session::token::Verifier;
use crate::sim::World;
use crate::universe::Universe;

/// Everything an operator decides.
pub struct Config {
    /// Where players connect.
    pub listen: SocketAddr,
    /// Where operators connect.
    pub admin: SocketAddr,
    /// What exists.
    pub universe: Arc<Universe>,
    /// Which tokens are good.
    pub verifier: Arc<Verifier>,
    /// Which pages may connect, and whether guests are welcome.
    pub doors: Doors,
    /// Bounds of the player port.
    pub net: NetConfig,
    /// A certificate, for `wss://`.
    pub tls: Option<Arc<Tls>>,
    /// Net shards.
    pub net_threads: u16,
    /// Workers inside the tick.
    pub sim_threads: usize,
    /// How far a client sees, u.
    pub view_radius: f32,
}

/// Why a server could not start, or ended other than by being told to.
#[derive(Debug, Error)]
pub enum RunError {
    /// A port cannot be had.
    #[error("cannot listen on {address}: {error}; is another server running there? Choose a port with {flag}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The flag that chooses it.
        flag: &'static str,
        /// The system's word.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start the {name} thread: {error}")]
    Thread {
        /// Which.
        name: String,
        /// The system's word.
        error: io::Error,
    },
    /// The store failed while serving.
    #[error("the store failed, nothing later than the last batch was told to anybody: {0}")]
    Store(String),
    /// A thread ended that should not have.
    #[error("the {0} thread ended; this is a bug")]
    ThreadEnded(String),
}

/// What a store needs from the server to be opened, and what it must be told.
pub struct Notices {
    /// To be raised to each batch that has become durable, before `ring` is called.
    pub durable: Arc<AtomicU64>,
    bells: Vec<Waker>,
    metrics: Metrics,
}

impl Notices {
    /// Batch `number` is durable, after `seconds`.
    pub fn durable(&self, number: u64, seconds: f64) {
        self.durable.fetch_max(number, Ordering::AcqRel);
        self.metrics.commits.inc();
        self.metrics.commit_seconds.observe(seconds);
        for bell in &self.bells {
            bell.ring();
        }
    }
}

/// A server whose ports are bound and whose threads run.
pub struct Running {
    /// Where players connect; the port is picked.
    pub listen: SocketAddr,
    /// Where operators connect; the port is picked.
    pub admin: SocketAddr,
    stop: Arc<AtomicBool>,
    tick: JoinHandle<Option<String>>,
    others: Vec<(String, JoinHandle<io::Result<()>>)>,
    ops_stop: Arc<AtomicBool>,
    ops_bell: Waker,
    lanes: Vec<Arc<GateLane>>,
}

/// Binds the ports and starts every thread. `open_vault` gets what the store must tell, and gives
/// the vault and the worlds with their stored stocks.
pub fn start<E: From<RunError>>(
    config: Config,
    open_vault: impl FnOnce(Notices) -> Result<(Box<dyn Vault>, Vec<World>), E>,
) -> Result<Running, E> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = Metrics::new();
    let reactors = bind(config.listen, "--listen", config.net_threads, config.net, config.tls.as_ref(), &clock)?;
    let ops_config = NetConfig { connections_max: OPS_CONNECTIONS_MAX, ..NetConfig::default() };
    let mut ops_reactors = bind(config.admin, "--admin", 1, ops_config, None, &clock)?;
    let listen = reactors.first().map_or(config.listen, Reactor::local_addr);
    let admin = ops_reactors.first().map_or(config.admin, Reactor::local_addr);

    let durable = Arc::new(AtomicU64::new(0));
    let bells: Vec<Waker> = reactors.iter().map(Reactor::waker).collect();
    let notices = Notices { durable: Arc::clone(&durable), bells: bells.clone(), metrics: metrics.clone() };
    let (vault, worlds) = open_vault(notices)?;

    let inbox = Arc::new(Mailbox::new(INBOX_MAX));
    let lanes: Vec<_> = bells.iter().map(|bell| Arc::new(GateLane::new(Box::new(bell.clone())))).collect();
    let edge = config.view_radius / CELLS_PER_VIEW_RADIUS;
    let stencils = Arc::new(Stencils::new(config.view_radius, edge));
    let mut others = Vec::new();
    for (shard, reactor) in reactors.into_iter().enumerate() {
        let mut gate = Gate::new(GateParts {
            shard: shard as u16,
            verifier: Arc::clone(&config.verifier),
            doors: config.doors.clone(),
            inbox: Arc::clone(&inbox),
            lane: Arc::clone(&lanes[shard]),
            durable: Arc::clone(&durable),
            stencils: Arc::clone(&stencils),
            metrics: metrics.clone(),
        });
        others.push(spawn(format!("net-{shard}"), move || reactor.run(&mut gate))?);
    }
    let (is_ticking, ops_stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut ops = Ops::new(metrics.clone(), Arc::clone(&is_ticking), Arc::clone(&ops_stop));
    let Some(ops_reactor) = ops_reactors.pop() else {
        return Err(RunError::ThreadEnded("operator's".to_owned()).into());
    };
    let ops_bell = ops_reactor.waker();
    others.push(spawn("ops".to_owned(), move || ops_reactor.run(&mut ops))?);

    let core = Core::new(CoreParts {
        universe: config.universe,
        worlds,
        inbox,
        lanes: lanes.clone(),
        vault,
        durable: Arc::clone(&durable),
        stencils,
        view_radius: config.view_radius,
        stretches: config.sim_threads,
        metrics: metrics.clone(),
    });
    let stop = Arc::new(AtomicBool::new(false));
    let beat = Beat { core, metrics, clock, is_ticking, stop: Arc::clone(&stop), durable };
    let workers = config.sim_threads;
    let (_, tick) = spawn("tick".to_owned(), move || beat.run(workers))?;
    Ok(Running { listen, admin, stop, tick, others, ops_stop, ops_bell, lanes })
}

fn bind(
    address: SocketAddr,
    flag: &'static str,
    shards: u16,
    config: NetConfig,
    tls: Option<&Arc<Tls>>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Reactor>, RunError> {
    Reactor::bind(address, shards, config, tls, Arc::clone(clock))
        .map_err(|error| RunError::Listen { address, flag, error })
}

fn spawn<T: Send + 'static>(
    name: String,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<(String, JoinHandle<T>), RunError> {
    let builder = std::thread::Builder::new().name(name.clone());
    match builder.spawn(body) {
        Ok(thread) => Ok((name, thread)),
        Err(error) => Err(RunError::Thread { name, error }),
    }
}

/// The tick thread.
struct Beat {
    core: Core,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    is_ticking: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    durable: Arc<AtomicU64>,
}

impl Beat {
    /// Ticks until told to stop or the store fails; the latter's reason is returned.
    fn run(mut self, workers: usize) -> Option<String> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("sim-{index}"))
            .build();
        match pool {
            Ok(pool) => pool.install(|| self.beat()),
            Err(error) => {
                warn!("no worker pool, ticking on one thread: {error}");
                self.beat();
            }
        }
        self.core.failure().map(str::to_owned)
    }

    fn beat(&mut self) {
        let mut pace = Pace::new(Instant::now());
        while !self.stop.load(Ordering::Acquire) && self.core.failure().is_none() {
            let beat = pace.wait();
            let begun = Instant::now();
            self.core.tick(self.clock.unix());
            self.metrics.tick_seconds.observe(begun.elapsed().as_secs_f64());
            self.metrics.tick_lateness_seconds.observe(beat.lateness.as_secs_f64());
            self.metrics.ticks.inc();
            self.metrics.ticks_skipped.inc_by(beat.skipped);
            self.is_ticking.store(true, Ordering::Release);
        }
        self.is_ticking.store(false, Ordering::Release);
        if self.core.failure().is_none() {
            self.drain();
        }
    }

    /// Hands the last batch over and waits, within a bound, until it is durable.
    fn drain(&mut self) {
        let last = self.core.drain(self.clock.unix());
        let deadline = Instant::now() + Duration::from_millis(DRAIN_DURABLE_MS_MAX);
        while self.durable.load(Ordering::Acquire) < last && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.durable.load(Ordering::Acquire) < last {
            warn!("the last batch was not durable in time");
        }
    }
}

impl Running {
    /// A flag that, once set, ends the server in good order.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Waits until the server is told to stop, or fails; then ends every thread.
    pub fn wait(self) -> Result<(), RunError> {
        let mut ended = None;
        while !self.stop.load(Ordering::Acquire) && !self.tick.is_finished() {
            ended = self.others.iter().find(|(_, thread)| thread.is_finished()).map(|(name, _)| name.clone());
            if ended.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.stop.store(true, Ordering::Release);
        let unix = SystemClock::new().unix().0;
        for lane in &self.lanes {
            lane.push(ToGate::Drain { deadline_ms: unix + CLOSE_GRACE_MS + DRAIN_DURABLE_MS_MAX });
            lane.ring();
        }
        info!("draining");
        let failure = self.tick.join();
        for lane in &self.lanes {
            lane.push(ToGate::Stop { grace_ms: CLOSE_GRACE_MS });
            lane.ring();
        }
        self.ops_stop.store(true, Ordering::Release);
        self.ops_bell.ring();
        for (name, thread) in self.others {
            if !matches!(thread.join(), Ok(Ok(()))) {
                ended.get_or_insert(name);
            }
        }
        match (failure, ended) {
            (Ok(Some(why)), _) => Err(RunError::Store(why)),
            (Err(_), _) => Err(RunError::ThreadEnded("tick".to_owned())),
            (Ok(None), Some(name)) => Err(RunError::ThreadEnded(name)),
            (Ok(None), None) => Ok(()),
        }
    }
}
