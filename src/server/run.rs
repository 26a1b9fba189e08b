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

use prometheus_client::metrics::histogram::Histogram;
use thiserror::Error;
use tracing::{info, warn};

use super::beat::Beat;
use super::budget::players_max;
use super::core::{Core, CoreParts, Stopwatch};
use super::doors::Doors;
use super::gate::{Gate, GateParts};
use super::hosts::AllowedHosts;
use super::lane::{GateLane, ToCore, ToGate};
use super::logins::LoginRate;
use super::mailbox::Mailbox;
use super::metrics::Metrics;
use super::ops::{Ops, is_exposed};
use super::vault::Vault;
use crate::ids::SystemIndex;
use crate::limits::{CLOSE_GRACE_MS, DRAIN_DURABLE_MS_MAX, INBOX_MAX, OPS_CONNECTIONS_MAX};
use crate::net::tally::Tally;
use crate::net::{Clock, NetConfig, Reactor, SystemClock, Tls, Waker};
use crate::recorder::Recorder;
use crate::session::token::Verifier;
use crate::sim::World;
use crate::universe::Universe;

/// How often the main thread looks whether it was told to stop or a thread ended: often enough for
/// whoever waits, and no load.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Everything an operator decides.
pub struct Config {
    /// Where players connect.
    pub listen: SocketAddr,
    /// Where operators connect.
    pub admin: SocketAddr,
    /// By which names operators may ask.
    pub allowed_hosts: AllowedHosts,
    /// Universe that the server simulates.
    pub universe: Arc<Universe>,
    /// Which tokens are good.
    pub verifier: Arc<Verifier>,
    /// Which pages may connect, and whether guests are welcome.
    pub doors: Doors,
    /// Bounds of the player port.
    pub net: NetConfig,
    /// A certificate, for `wss://`.
    pub tls: Option<Arc<Tls>>,
    /// Number of net threads, one shard each.
    pub net_threads: u16,
    /// Workers inside the tick.
    pub sim_threads: usize,
    /// How far a client sees, u.
    pub view_radius: f32,
    /// Where figures are kept.
    pub metrics: Metrics,
}

/// Why a server could not start, or ended other than by being told to.
#[derive(Debug, Error)]
pub enum RunError {
    /// A port cannot be had.
    #[error(
        "cannot listen on {address}: {error}; is another server running there? Choose a port with {flag}"
    )]
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
        /// Name of the thread.
        name: String,
        /// The system's word.
        error: io::Error,
    },
    /// The store failed while serving or draining, or other servers took every system.
    #[error("{0}; nobody was told of anything that is not on disk")]
    Store(String),
    /// A thread ended that should not have.
    #[error("the {0} thread ended; this is a bug")]
    ThreadEnded(String),
}

/// What a store needs from the server to be opened, and what it must be told.
#[derive(Clone)]
pub struct Notices {
    /// To be raised to each batch that has become durable, before `ring` is called.
    pub durable: Arc<AtomicU64>,
    bells: Vec<Waker>,
    metrics: Metrics,
}

impl Notices {
    /// Where to note how long handing over a batch holds up the tick.
    pub fn submit_seconds(&self) -> Histogram {
        self.metrics.submit_seconds.clone()
    }

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

/// What was kept from earlier runs, ready to go on.
pub struct Kept {
    /// Where records are kept.
    pub vault: Box<dyn Vault>,
    /// One world a system, in the universe's order.
    pub worlds: Vec<World>,
    /// Systems that another server on the same database runs.
    pub elsewhere: Vec<SystemIndex>,
    /// Where the flight is recorded, if it is.
    pub recorder: Option<Recorder>,
}

/// A server whose ports are bound and whose threads run.
pub struct Running {
    /// Where players connect; the port is picked.
    pub listen: SocketAddr,
    /// Where operators connect; the port is picked.
    pub admin: SocketAddr,
    stop: Arc<AtomicBool>,
    tick: JoinHandle<Option<String>>,
    threads: Threads,
    ops: OpsEnd,
    lanes: Vec<Arc<GateLane>>,
}

/// The reactors' threads, by name.
type Threads = Vec<(String, JoinHandle<io::Result<()>>)>;

/// How the operator's port is ended.
struct OpsEnd {
    is_stopping: Arc<AtomicBool>,
    bells: Vec<Waker>,
}

impl OpsEnd {
    fn end(&self) {
        self.is_stopping.store(true, Ordering::Release);
        for bell in &self.bells {
            bell.ring();
        }
    }
}

/// Binds the ports and starts every thread. `open_vault` gets what the store must tell, and gives
/// the vault and the worlds with their stored stocks.
pub fn start<E: From<RunError>>(
    config: &Config,
    open_vault: impl FnOnce(Notices) -> Result<Kept, E>,
) -> Result<Running, E> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = config.metrics.clone();
    let player_port = Port {
        address: config.listen,
        flag: "--listen",
        shards: config.net_threads,
    };
    let reactors = player_port.bind(config.net.clone(), config.tls.as_ref(), &clock)?;
    let ops_net = NetConfig {
        connections_max: OPS_CONNECTIONS_MAX,
        // Nobody logs in here.
        places_kept_percent: 0,
        ..NetConfig::default()
    };
    let ops_port = Port {
        address: config.admin,
        flag: "--admin",
        shards: 1,
    };
    let ops_reactors = ops_port.bind(ops_net, None, &clock)?;
    let listen = reactors.first().map_or(config.listen, Reactor::local_addr);
    let admin = ops_reactors
        .first()
        .map_or(config.admin, Reactor::local_addr);
    if is_exposed(admin.ip()) {
        warn!(
            "the operator's port listens on {admin}, not only on this machine, and asks nobody who they \
             are: see that only operators reach it"
        );
    }
    let bells: Vec<Waker> = reactors.iter().map(Reactor::waker).collect();
    let tallies: Vec<_> = reactors.iter().map(Reactor::tally).collect();
    let shared = Shared::new(&bells, metrics);
    let kept = open_vault(shared.notices(bells))?;

    let mut threads = shared.start_gates(config, reactors)?;
    let (is_ticking, ops) = shared.start_ops(config, ops_reactors, &tallies, &mut threads)?;
    let stop = Arc::new(AtomicBool::new(false));
    let beat = Beat {
        core: shared.core(config, kept),
        metrics: shared.metrics.clone(),
        clock,
        is_ticking,
        stop: Arc::clone(&stop),
        durable: Arc::clone(&shared.durable),
    };
    let workers = config.sim_threads;
    let (_, tick) = spawn("tick".to_owned(), move || beat.run(workers))?;
    Ok(Running {
        listen,
        admin,
        stop,
        tick,
        threads,
        ops,
        lanes: shared.lanes,
    })
}

/// What gates and core have in common.
struct Shared {
    inbox: Arc<Mailbox<ToCore>>,
    lanes: Vec<Arc<GateLane>>,
    durable: Arc<AtomicU64>,
    metrics: Metrics,
}

impl Shared {
    fn new(bells: &[Waker], metrics: Metrics) -> Self {
        let lane = |bell: &Waker| Arc::new(GateLane::new(Box::new(bell.clone())));
        Self {
            inbox: Arc::new(Mailbox::new(INBOX_MAX)),
            lanes: bells.iter().map(lane).collect(),
            durable: Arc::new(AtomicU64::new(0)),
            metrics,
        }
    }

    fn notices(&self, bells: Vec<Waker>) -> Notices {
        let (durable, metrics) = (Arc::clone(&self.durable), self.metrics.clone());
        Notices {
            durable,
            bells,
            metrics,
        }
    }

    fn start_gates(&self, config: &Config, reactors: Vec<Reactor>) -> Result<Threads, RunError> {
        let logins = LoginRate::new(&config.net);
        let shards = reactors.into_iter().zip(&self.lanes).enumerate();
        let threads = shards.map(|(shard, (reactor, lane))| {
            let mut gate = Gate::new(GateParts {
                shard: shard as u16,
                verifier: Arc::clone(&config.verifier),
                doors: config.doors.clone(),
                logins: Arc::clone(&logins),
                inbox: Arc::clone(&self.inbox),
                lane: Arc::clone(lane),
                durable: Arc::clone(&self.durable),
                metrics: self.metrics.clone(),
            });
            spawn(format!("net-{shard}"), move || reactor.run(&mut gate))
        });
        threads.collect()
    }

    /// Returns the flag that makes `/readyz` say yes, and how to end the thread.
    fn start_ops(
        &self,
        config: &Config,
        reactors: Vec<Reactor>,
        tallies: &[Arc<Tally>],
        threads: &mut Threads,
    ) -> Result<(Arc<AtomicBool>, OpsEnd), RunError> {
        let is_ticking = Arc::new(AtomicBool::new(false));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut bells = Vec::new();
        for reactor in reactors {
            bells.push(reactor.waker());
            let metrics = self.metrics.clone();
            let (ticking, stopping) = (Arc::clone(&is_ticking), Arc::clone(&is_stopping));
            let hosts = config.allowed_hosts.clone();
            let mut ops = Ops::new(metrics, hosts, tallies.to_vec(), ticking, stopping);
            threads.push(spawn("ops".to_owned(), move || reactor.run(&mut ops))?);
        }
        Ok((is_ticking, OpsEnd { is_stopping, bells }))
    }

    fn core(&self, config: &Config, kept: Kept) -> Core {
        Core::new(CoreParts {
            universe: Arc::clone(&config.universe),
            worlds: kept.worlds,
            elsewhere: kept.elsewhere,
            recorder: kept.recorder,
            inbox: Arc::clone(&self.inbox),
            lanes: self.lanes.clone(),
            vault: kept.vault,
            durable: Arc::clone(&self.durable),
            view_radius: config.view_radius,
            stretches: config.sim_threads,
            metrics: self.metrics.clone(),
            stopwatch: stopwatch(),
        })
        .with_players_max(players_max(config.net.connections_max))
    }
}

/// Real time since now.
fn stopwatch() -> Stopwatch {
    let start = Instant::now();
    Box::new(move || start.elapsed().as_nanos() as u64)
}

/// An address to listen on, and the flag that named it.
struct Port {
    address: SocketAddr,
    flag: &'static str,
    shards: u16,
}

impl Port {
    fn bind(
        &self,
        config: NetConfig,
        tls: Option<&Arc<Tls>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Vec<Reactor>, RunError> {
        let reactors = Reactor::bind(self.address, self.shards, config, tls, Arc::clone(clock));
        let (address, flag) = (self.address, self.flag);
        reactors.map_err(|error| RunError::Listen {
            address,
            flag,
            error,
        })
    }
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

impl Running {
    /// A flag that, once set, ends the server in good order.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Waits until the server is told to stop, or fails; then ends every thread.
    pub fn wait(self) -> Result<(), RunError> {
        let mut ended = None;
        while !self.stop.load(Ordering::Acquire) && !self.tick.is_finished() {
            ended = self
                .threads
                .iter()
                .find(|(_, thread)| thread.is_finished())
                .map(|(name, _)| name.clone());
            if ended.is_some() {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.stop.store(true, Ordering::Release);
        let unix = SystemClock::new().unix().0;
        for lane in &self.lanes {
            lane.push(ToGate::Drain {
                deadline_ms: unix + CLOSE_GRACE_MS + DRAIN_DURABLE_MS_MAX,
            });
            lane.ring();
        }
        info!("draining");
        let failure = self.tick.join();
        for lane in &self.lanes {
            lane.push(ToGate::Stop {
                grace_ms: CLOSE_GRACE_MS,
            });
            lane.ring();
        }
        self.ops.end();
        for (name, thread) in self.threads {
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
