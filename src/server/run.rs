//! The wiring: threads, sockets, the store and the clock around a [`Node`] and its [`Gateway`]s.
//!
//! ```text
//! main     signals ─▶ stop flag              waits, reports
//! tick     TickSchedule ─▶ Node::tick                the only thread that touches a world
//! net-i    Reactor ─▶ Gateway                   one a shard
//! ops      Reactor ─▶ Ops                    the operator's port
//! store    batches ─▶ disk                   started by the store
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

use super::budget::players_max;
use super::hosts::AllowedHosts;
use super::ops::{Ops, is_exposed};
use super::tick_thread::TickThread;
use crate::bus::BoundedQueue;
use crate::bus::{GatewayQueue, ToGateway, ToNode};
use crate::gateway::http_routes::HttpRoutes;
use crate::gateway::login_rate::LoginRate;
use crate::gateway::{Gateway, GatewayParts};
use crate::ids::SystemIndex;
use crate::limits::{CLOSE_GRACE_MS, DRAIN_DURABLE_MS_MAX, INBOX_MAX, OPS_CONNECTIONS_MAX};
use crate::metrics::Metrics;
use crate::net::counters::NetCounters;
use crate::net::{Clock, NetConfig, Reactor, SystemClock, Tls, Waker};
use crate::node::durable_store::DurableStore;
use crate::node::{Node, NodeParts, Stopwatch};
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
    pub routes: HttpRoutes,
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
    /// Metrics for operators.
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
pub struct DurabilityNotifier {
    /// To be raised to each batch that has become durable, before `notify` is called.
    pub durable: Arc<AtomicU64>,
    wakers: Vec<Waker>,
    metrics: Metrics,
}

impl DurabilityNotifier {
    /// Where to note how long handing over a batch holds up the tick.
    pub fn submit_seconds(&self) -> Histogram {
        self.metrics.submit_seconds.clone()
    }

    /// Batch `number` is durable, after `seconds`.
    pub fn durable(&self, number: u64, seconds: f64) {
        self.durable.fetch_max(number, Ordering::AcqRel);
        self.metrics.commits.inc();
        self.metrics.commit_seconds.observe(seconds);
        for waker in &self.wakers {
            waker.notify();
        }
    }
}

/// What was kept from earlier runs, ready to go on.
pub struct RestoredState {
    /// Where records are kept.
    pub store: Box<dyn DurableStore>,
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
    queues: Vec<Arc<GatewayQueue>>,
}

/// The reactors' threads, by name.
type Threads = Vec<(String, JoinHandle<io::Result<()>>)>;

/// How the operator's port is ended.
struct OpsEnd {
    is_stopping: Arc<AtomicBool>,
    wakers: Vec<Waker>,
}

impl OpsEnd {
    fn end(&self) {
        self.is_stopping.store(true, Ordering::Release);
        for waker in &self.wakers {
            waker.notify();
        }
    }
}

/// Binds the ports and starts every thread. `open_store` gets what the store must tell, and gives
/// the store and the worlds with their stored stocks.
pub fn start<E: From<RunError>>(
    config: &Config,
    open_store: impl FnOnce(DurabilityNotifier) -> Result<RestoredState, E>,
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
    let wakers: Vec<Waker> = reactors.iter().map(Reactor::waker).collect();
    let counters: Vec<_> = reactors.iter().map(Reactor::counters).collect();
    let shared = Shared::new(&wakers, metrics);
    let kept = open_store(shared.notices(wakers))?;

    let mut threads = shared.start_gateways(config, reactors)?;
    let (is_ticking, ops) = shared.start_ops(config, ops_reactors, &counters, &mut threads)?;
    let stop = Arc::new(AtomicBool::new(false));
    let tick_thread = TickThread {
        node: shared.node(config, kept),
        metrics: shared.metrics.clone(),
        clock,
        is_ticking,
        stop: Arc::clone(&stop),
        durable: Arc::clone(&shared.durable),
    };
    let workers = config.sim_threads;
    let (_, tick) = spawn("tick".to_owned(), move || tick_thread.run(workers))?;
    Ok(Running {
        listen,
        admin,
        stop,
        tick,
        threads,
        ops,
        queues: shared.queues,
    })
}

/// What gateways and node have in common.
struct Shared {
    inbox: Arc<BoundedQueue<ToNode>>,
    queues: Vec<Arc<GatewayQueue>>,
    durable: Arc<AtomicU64>,
    metrics: Metrics,
}

impl Shared {
    fn new(wakers: &[Waker], metrics: Metrics) -> Self {
        let queue = |waker: &Waker| Arc::new(GatewayQueue::new(Box::new(waker.clone())));
        Self {
            inbox: Arc::new(BoundedQueue::new(INBOX_MAX)),
            queues: wakers.iter().map(queue).collect(),
            durable: Arc::new(AtomicU64::new(0)),
            metrics,
        }
    }

    fn notices(&self, wakers: Vec<Waker>) -> DurabilityNotifier {
        let (durable, metrics) = (Arc::clone(&self.durable), self.metrics.clone());
        DurabilityNotifier {
            durable,
            wakers,
            metrics,
        }
    }

    fn start_gateways(&self, config: &Config, reactors: Vec<Reactor>) -> Result<Threads, RunError> {
        let logins = LoginRate::new(&config.net);
        let shards = reactors.into_iter().zip(&self.queues).enumerate();
        let threads = shards.map(|(shard, (reactor, queue))| {
            let mut gateway = Gateway::new(GatewayParts {
                shard: shard as u16,
                verifier: Arc::clone(&config.verifier),
                routes: config.routes.clone(),
                logins: Arc::clone(&logins),
                inbox: Arc::clone(&self.inbox),
                queue: Arc::clone(queue),
                durable: Arc::clone(&self.durable),
                metrics: self.metrics.clone(),
            });
            spawn(format!("net-{shard}"), move || reactor.run(&mut gateway))
        });
        threads.collect()
    }

    /// Returns the flag that makes `/readyz` say yes, and how to end the thread.
    fn start_ops(
        &self,
        config: &Config,
        reactors: Vec<Reactor>,
        counters: &[Arc<NetCounters>],
        threads: &mut Threads,
    ) -> Result<(Arc<AtomicBool>, OpsEnd), RunError> {
        let is_ticking = Arc::new(AtomicBool::new(false));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let mut wakers = Vec::new();
        for reactor in reactors {
            wakers.push(reactor.waker());
            let metrics = self.metrics.clone();
            let (ticking, stopping) = (Arc::clone(&is_ticking), Arc::clone(&is_stopping));
            let hosts = config.allowed_hosts.clone();
            let mut ops = Ops::new(metrics, hosts, counters.to_vec(), ticking, stopping);
            threads.push(spawn("ops".to_owned(), move || reactor.run(&mut ops))?);
        }
        Ok((
            is_ticking,
            OpsEnd {
                is_stopping,
                wakers,
            },
        ))
    }

    fn node(&self, config: &Config, kept: RestoredState) -> Node {
        Node::new(NodeParts {
            universe: Arc::clone(&config.universe),
            worlds: kept.worlds,
            elsewhere: kept.elsewhere,
            recorder: kept.recorder,
            inbox: Arc::clone(&self.inbox),
            gateways: self.queues.clone(),
            store: kept.store,
            durable: Arc::clone(&self.durable),
            view_radius: config.view_radius,
            chunks: config.sim_threads,
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
        for queue in &self.queues {
            queue.push(ToGateway::Drain {
                deadline_ms: unix + CLOSE_GRACE_MS + DRAIN_DURABLE_MS_MAX,
            });
            queue.notify();
        }
        info!("draining");
        let failure = self.tick.join();
        for queue in &self.queues {
            queue.push(ToGateway::Stop {
                grace_ms: CLOSE_GRACE_MS,
            });
            queue.notify();
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
