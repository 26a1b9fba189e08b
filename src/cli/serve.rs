//! `orrery serve`: the server, from its flags to its exit code.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::FalseyValueParser;
use clap::{Args, Parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tracing::{error, info, warn};

use super::keys::KeyArguments;
use super::log::{Log, LogFormat};
use super::{Failure, audit, recording, world};
use crate::gateway::http_routes::HttpRoutes;
use crate::ids::{Name, SystemIndex};
use crate::limits::{
    CONNECTIONS_MAX, CONNECTIONS_PER_IP_MAX, GATHER_US, SPARE_FILES, VIEW_RADIUS, VIEW_RADIUS_MAX,
    VIEW_RADIUS_MIN,
};
use crate::metrics::Metrics;
use crate::net::{NetConfig, Tls};
use crate::server::budget::Budget;
use crate::server::hosts::{AllowedHosts, parse_host};
use crate::server::identity;
use crate::server::run::{self, Config, DurabilityNotifier, RestoredState, RunError, Running};
use crate::server::store_client::StoreClient;
use crate::sim::{World, market};
use crate::store::{self, StoreConfig};
use crate::universe::Universe;

/// Where records are kept unless told otherwise.
pub(crate) const DATABASE: &str = "orrery.db";

/// How a server runs.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where players connect; port 0 picks one
    #[arg(
        long,
        env = "ORRERY_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7777",
        value_parser = super::address
    )]
    listen: SocketAddr,
    /// Where operators connect; keep it private
    #[arg(
        long,
        env = "ORRERY_ADMIN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7778",
        value_parser = super::address
    )]
    admin: SocketAddr,
    /// Name by which operators may ask, besides addresses and localhost; may be given several times
    #[arg(
        long,
        env = "ORRERY_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ','
    )]
    allow_host: Vec<String>,
    /// SQLite file, or a postgres:// URL
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = DATABASE)]
    database: String,
    /// Universe file; see `orrery world show`
    #[arg(long, env = "ORRERY_WORLD", value_name = "FILE")]
    world: Option<PathBuf>,
    #[command(flatten)]
    keys: KeyArguments,
    /// Hand guest tokens to the page; the default while --listen is a loopback address and no key is given
    #[arg(
        long,
        env = "ORRERY_GUESTS",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = FalseyValueParser::new(),
        overrides_with = "no_guests"
    )]
    guests: Option<bool>,
    /// Hand guest tokens to nobody
    #[arg(long, env = "ORRERY_NO_GUESTS", value_parser = FalseyValueParser::new(), overrides_with = "guests")]
    no_guests: bool,
    /// Origin whose pages may connect besides the server's own; may be given several times
    #[arg(
        long,
        env = "ORRERY_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    allow_origin: Vec<String>,
    /// Proxy whose X-Forwarded-For is believed; may be given several times
    #[arg(
        long,
        env = "ORRERY_TRUSTED_PROXY",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    trusted_proxy: Vec<IpAddr>,
    /// PEM file with a certificate chain, for wss://; read again on SIGHUP
    #[arg(
        long,
        env = "ORRERY_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key; read again on SIGHUP
    #[arg(
        long,
        env = "ORRERY_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Threads that serve connections
    #[arg(long, env = "ORRERY_NET_THREADS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    net_threads: u16,
    /// Workers inside the tick [default: the number of processors, at most 8]
    #[arg(long, env = "ORRERY_SIM_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    sim_threads: Option<u16>,
    /// File for a flight recording, for `orrery replay`; a recording of the name is kept as FILE.previous,
    /// in place of an older one; any other file of either name is refused
    #[arg(long, env = "ORRERY_RECORD", value_name = "FILE")]
    record: Option<PathBuf>,
    /// How far a pilot sees, in u
    #[arg(long, env = "ORRERY_VIEW_RADIUS", value_name = "U", default_value_t = VIEW_RADIUS)]
    view_radius: f32,
    /// Connections in all; a quarter is kept for who is logged in or comes back
    #[arg(long, env = "ORRERY_MAX_CONNECTIONS", value_name = "N", default_value_t = CONNECTIONS_MAX, value_parser = at_least_one)]
    max_connections: usize,
    /// Connections from one address, 4 and 16 times as many from an IPv6 /56 and /48 [default: 256; on a loopback address, as many as in all]
    #[arg(long, env = "ORRERY_MAX_CONNECTIONS_PER_IP", value_name = "N", value_parser = at_least_one)]
    max_connections_per_ip: Option<usize>,
    /// How log lines are written to standard error; `RUST_LOG` chooses which
    #[arg(
        long,
        env = "ORRERY_LOG",
        value_name = "FORMAT",
        default_value = "text"
    )]
    log: LogFormat,
}

/// The flags alone, for a start without a subcommand.
#[derive(Debug, Parser)]
struct Alone {
    #[command(flatten)]
    serve: ServeArguments,
}

impl ServeArguments {
    /// The defaults, and what the environment says.
    pub(crate) fn from_environment() -> Self {
        Alone::parse_from(["orrery"]).serve
    }

    fn guests_are_welcome(&self) -> bool {
        let by_default = self.listen.ip().is_loopback() && !self.keys.is_given();
        !self.no_guests && self.guests.unwrap_or(by_default)
    }

    /// Names that operators may ask by.
    fn allowed_hosts(&self) -> Result<AllowedHosts, Failure> {
        let given = self.allow_host.iter().filter(|name| !name.is_empty());
        let names = given.map(|name| parse_host(name));
        let names = names.collect::<Result<_, _>>();
        let unusable = |why| Failure::unusable(format!("--allow-host {why}"));
        names.map(AllowedHosts::new).map_err(unusable)
    }

    fn net(&self) -> NetConfig {
        let per_ip = match self.max_connections_per_ip {
            Some(limit) => limit,
            None if self.listen.ip().is_loopback() => self.max_connections,
            None => CONNECTIONS_PER_IP_MAX,
        };
        NetConfig {
            connections_max: self.max_connections,
            connections_per_ip_max: per_ip,
            trusted_proxies: self.trusted_proxy.clone(),
            gather_us: GATHER_US,
            ..NetConfig::default()
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("{error}")),
    }
}

pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let metrics = Metrics::new();
    let log = Log::start(arguments.log, metrics.log_lines_dropped.clone())
        .map_err(|error| Failure::failed(format!("cannot start the log's thread: {error}")))?;
    let served = serve(arguments, metrics);
    log.flush();
    served
}

fn serve(arguments: &ServeArguments, metrics: Metrics) -> Result<(), Failure> {
    if !(VIEW_RADIUS_MIN..=VIEW_RADIUS_MAX).contains(&arguments.view_radius) {
        return Err(Failure::unusable(format!(
            "--view-radius must be between {VIEW_RADIUS_MIN} and {VIEW_RADIUS_MAX}"
        )));
    }
    if let Some(file) = &arguments.record {
        recording::check(file, &arguments.database)?;
    }
    let universe = match &arguments.world {
        Some(file) => world::load(file)?,
        None => Universe::built_in(),
    };
    if let Some(profit) = universe.jump_profits().0.first() {
        warn!("{profit} (`orrery world check` lists all such routes)");
    }
    let (verifier, signer) = arguments.keys.load(&arguments.database)?;
    let guests = signer
        .map(Arc::new)
        .filter(|_| arguments.guests_are_welcome());
    if arguments.guests == Some(true) && !arguments.no_guests && guests.is_none() {
        return Err(Failure::unusable(
            "--guests needs a secret to sign with; give --jwt-secret-file",
        ));
    }
    let tls = load_tls(arguments)?;
    let has_guests = guests.is_some();
    let config = Config {
        listen: arguments.listen,
        admin: arguments.admin,
        allowed_hosts: arguments.allowed_hosts()?,
        universe: Arc::clone(&universe),
        verifier: Arc::new(verifier),
        routes: HttpRoutes::new(arguments.allow_origin.clone(), guests),
        net: arguments.net(),
        tls: tls.clone(),
        net_threads: arguments.net_threads,
        sim_threads: arguments
            .sim_threads
            .map_or_else(default_workers, usize::from),
        view_radius: arguments.view_radius,
        metrics,
    };
    raise_open_files(config.net.connections_max);
    let is_secure = config.tls.is_some();
    let budget = Budget::new(&config.net, is_secure, config.net_threads, &universe);
    let seed = random_seed()?;
    let running = run::start(&config, |notices| {
        let kept = open_store(arguments, &universe, seed, notices)?;
        // Last, so that a start that fails sets no recording aside.
        let recorder = match &arguments.record {
            Some(file) => Some(recording::start(file, arguments.world.as_deref())?),
            None => None,
        };
        Ok::<_, Failure>(RestoredState { recorder, ..kept })
    })?;
    greet(arguments, &running, has_guests, &budget);
    watch_signals(running.stop_flag(), tls)?;
    running.wait().map_err(Failure::from)?;
    info!("stopped");
    Ok(())
}

/// The certificate and its key, where both are given.
fn load_tls(arguments: &ServeArguments) -> Result<Option<Arc<Tls>>, Failure> {
    let Some((cert, key)) = arguments.tls_cert.as_ref().zip(arguments.tls_key.as_ref()) else {
        return Ok(None);
    };
    super::keys::warn_if_open_to_others(key);
    let tls = Tls::load(cert, key).map_err(|error| Failure::unusable(error.to_string()))?;
    Ok(Some(tls))
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::failed(error.to_string())
    }
}

/// Raises the limit of open files to what the connections need, as far as the system lets it.
fn raise_open_files(connections_max: usize) {
    let needed = connections_max as u64 + SPARE_FILES;
    let limit = getrlimit(Resource::Nofile);
    // No limit is none to raise.
    let Some(current) = limit.current.filter(|&current| current < needed) else {
        return;
    };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let asked = Rlimit {
        current: Some(raised),
        maximum: limit.maximum,
    };
    let allowed = setrlimit(Resource::Nofile, asked).map_or(current, |()| raised);
    if allowed < needed {
        warn!(
            "{connections_max} connections need {needed} open files and only {allowed} are allowed; \
             raise `ulimit -n` or lower --max-connections"
        );
    }
}

pub(super) fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(8))
}

fn random_seed() -> Result<u64, Failure> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(u64::from_le_bytes(seed))
}

/// Tells where to point a browser; on standard output, so that a script can read the ports.
fn greet(arguments: &ServeArguments, running: &Running, has_guests: bool, budget: &Budget) {
    let (listen, admin) = (running.listen, running.admin);
    let (http, ws) = if arguments.tls_cert.is_some() {
        ("https", "wss")
    } else {
        ("http", "ws")
    };
    let login = if has_guests {
        "guests are welcome"
    } else {
        "log in with a token; see `orrery token`"
    };
    let lines = format!(
        "orrery is flying\n  page      {http}://{listen}/ ({login})\n  socket    {ws}://{listen}/ws\n  \
         protocol  {http}://{listen}/protocol\n  memory    {budget}\n  database  {}\n  \
         operator  http://{admin}/",
        store::shown(&arguments.database)
    );
    if let Err(failure) = super::print(&lines) {
        error!("{}", failure.sentence);
    }
}

/// SIGTERM and SIGINT drain, a second one of either ends at once; SIGHUP reads the certificate again.
fn watch_signals(stop: Arc<AtomicBool>, tls: Option<Arc<Tls>>) -> Result<(), Failure> {
    let cannot = |error| Failure::failed(format!("cannot listen to signals: {error}"));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .map_err(cannot)?;
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(cannot)?;
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP]).map_err(cannot)?;
    let watch = move || {
        for _ in signals.forever() {
            match tls.as_ref().map(|tls| tls.reload()) {
                Some(Ok(())) => info!("the certificate was read again"),
                Some(Err(error)) => error!("the certificate stays as it was: {error}"),
                None => info!("SIGHUP: there is no certificate to read again"),
            }
            if stop.load(Ordering::Acquire) {
                return;
            }
        }
    };
    let spawned = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch);
    spawned.map(drop).map_err(cannot)
}

/// Opens the database and sets the worlds up with the stocks that it holds.
fn open_store(
    arguments: &ServeArguments,
    universe: &Arc<Universe>,
    seed: u64,
    notices: DurabilityNotifier,
) -> Result<RestoredState, Failure> {
    let database = &arguments.database;
    let systems = universe
        .systems
        .iter()
        .map(|system| system.id.clone())
        .collect();
    let commodities = universe.commodities.iter();
    let config = StoreConfig {
        commodities: commodities.map(|goods| goods.id.clone()).collect(),
        has_ended: identity::has_ended,
        ..StoreConfig::new(database, &identity::own_name(arguments.listen), systems)
    };
    let opened =
        StoreClient::open(&config, notices).map_err(|error| audit::failure(database, &error))?;
    if let Some((system, owner)) = opened
        .elsewhere
        .first()
        .filter(|_| opened.stocks.is_empty())
    {
        return Err(Failure::failed(format!(
            "{}: no system is left to run: {system} is run by the server {owner}; stop that \
             server, or give this one another --database or --world",
            store::shown(database)
        )));
    }
    for (system, owner) in &opened.elsewhere {
        warn!("{system} is run by the server {owner}; this one serves the other systems");
    }
    let elsewhere = opened
        .elsewhere
        .iter()
        .filter_map(|(id, _)| universe.system_index(id.as_str()));
    let worlds = (0..universe.systems.len()).map(|place| {
        let index = SystemIndex(place as u16);
        let stocks = stocks_of(universe, index, &opened.stocks);
        World::new(Arc::clone(universe), index, seed, Some(&stocks))
    });
    let (worlds, elsewhere) = (worlds.collect(), elsewhere.collect());
    Ok(RestoredState {
        store: Box::new(opened.store),
        worlds,
        elsewhere,
        recorder: None,
    })
}

/// A system's stored shelves in the universe's indices; what is not in the universe is left out.
fn stocks_of(
    universe: &Universe,
    system: SystemIndex,
    stored: &[(Name, Vec<store::Stock>)],
) -> Vec<market::Stock> {
    let Some(here) = universe.system(system) else {
        return Vec::new();
    };
    let shelves = stored
        .iter()
        .filter(|(id, _)| *id == here.id)
        .flat_map(|(_, shelves)| shelves);
    let known = shelves.filter_map(|shelf| {
        let station = here.station_index(shelf.station.as_str())?;
        let commodity = universe.commodity_index(shelf.commodity.as_str())?;
        Some((station, commodity, shelf.quantity))
    });
    known.collect()
}
