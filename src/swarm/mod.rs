//! The load generator: thousands of real clients that log in, fly, fight and trade.
//!
//! One thread, one `mio` poll, `tungstenite` in the client's role: what a browser would send goes
//! over real sockets to whatever server is at the address. It measures what players would feel
//! (how evenly the stream arrives, how soon orders are answered) and says so when it was itself too
//! slow to measure. It shares no code with the server but the protocol's types and the signing of
//! tokens.
//!
//! ```text
//! fleet     the loop: readiness, pace, phases      link       TCP or TLS, upgrade, messages
//! destination  where a URL leads
//!                                                  inbox      the buffer that all read through
//! bot       one conversation                       sight      reading little of much
//! pilot     what a bot wants                       autopilot  how it steers
//! counters, histogram, processor, report, table       what was measured
//! ```

mod autopilot;
mod bot;
mod counters;
mod destination;
mod fleet;
mod histogram;
mod inbox;
mod link;
mod pilot;
mod processor;
mod report;
mod sight;
mod table;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;

pub use pilot::Conduct;
pub use report::{
    Combat, Delivered, Faults, OrderCounts, Own, Percentiles, SentCounts, SwarmReport,
};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::{
    SWARM_CLIENTS_MAX, SWARM_CONNECT_HZ_MAX, SWARM_DURATION_SECONDS_MAX, SWARM_INPUT_HZ_MAX,
};
use crate::session::token::Signer;

/// What to do.
#[derive(Debug, Clone)]
pub struct SwarmOptions {
    /// Where the server is: `ws://HOST:PORT/ws` or `wss://HOST:PORT/ws`. Without a path, `/ws`.
    pub url: String,
    /// A PEM file of the certificates that a `wss://` server's may be signed by, or be.
    pub tls_ca: Option<PathBuf>,
    /// How many bots.
    pub clients: u32,
    /// How long to measure once all bots are in.
    pub duration: Duration,
    /// Inputs of each bot a second; 0 sends none.
    pub input_hz: f64,
    /// Connections begun a second.
    pub connect_hz: u32,
    /// The system for pilots that are in none yet.
    pub system: Name,
    /// Player ids are this, a dash and a number.
    pub prefix: String,
    /// What the bots do.
    pub conduct: Conduct,
    /// Ends the run early, with a report, once it is true.
    pub stop: Arc<AtomicBool>,
}

/// Why there was no run.
#[derive(Debug, Error)]
pub enum SwarmError {
    /// The options cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// The swarm itself failed.
    #[error("the swarm failed: {0}")]
    Failed(#[from] io::Error),
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmPhase {
    /// Bots connect, some each second.
    Ramp,
    /// All are in; the stream settles.
    Settle,
    /// All bots are in, and their messages are counted.
    Measure,
    /// Bots close their connections.
    Close,
    /// Everything is closed and counted.
    Done,
}

/// What an observer is told, about four times a second and at every new stretch.
#[derive(Debug, Clone, Copy)]
pub struct SwarmProgress {
    /// The stretch of the run.
    pub stretch: SwarmPhase,
    /// Time since it began.
    pub spent: Duration,
    /// Bots that began to connect.
    pub begun: u32,
    /// Bots in a system.
    pub joined: u32,
    /// Bots that did not come in.
    pub failed: u32,
    /// Bots that lost their connection.
    pub lost: u32,
    /// Deltas a second since the last telling, while measuring.
    pub deltas_per_second: f64,
}

/// Flies a swarm and reports.
///
/// Takes the calling thread until the run is over: the ramp (`clients / connect_hz` and at most
/// 15 s more), a second to settle, `duration`, and at most 2 s of goodbyes. A run in which no bot
/// came in is a report too; its `failures` say why.
pub fn run(
    options: &SwarmOptions,
    signer: &Signer,
    observe: &mut dyn FnMut(&SwarmProgress),
) -> Result<SwarmReport, SwarmError> {
    check(options)?;
    let destination = destination::resolve(&options.url, options.tls_ca.as_deref())?;
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let unix = UnixMillis(since.as_millis() as u64);
    let crew = bot::Crew {
        address: destination.address,
        upgrade: destination.upgrade,
        tls: destination.tls,
        system: options.system.clone(),
        run: format!("{:x}", unix.0),
    };
    // The ramp is over long before an hour is.
    let ttl_seconds = options.duration.as_secs() + 3600;
    let sign = |number: u32| {
        let player = PlayerId::parse(&format!("{}-{number}", options.prefix))
            .map_err(|error| SwarmError::Unusable(format!("--prefix: {error}")))?;
        let token = signer
            .sign(&player, ttl_seconds, unix)
            .map_err(|error| SwarmError::Unusable(format!("cannot sign a token: {error}")))?;
        Ok(bot::Bot::new(number, player, token, options.conduct))
    };
    let bots = (1..=options.clients)
        .map(sign)
        .collect::<Result<Vec<_>, SwarmError>>()?;
    let mut fleet = fleet::Fleet::new(options, crew, bots)?;
    fleet.fly(observe)?;
    Ok(SwarmReport::new(&options.url, options.input_hz, &fleet))
}

fn check(options: &SwarmOptions) -> Result<(), SwarmError> {
    let within = |holds: bool, sentence: String| {
        if holds {
            Ok(())
        } else {
            Err(SwarmError::Unusable(sentence))
        }
    };
    within(
        (1..=SWARM_CLIENTS_MAX).contains(&options.clients),
        format!("--clients must be 1 to {SWARM_CLIENTS_MAX}"),
    )?;
    within(
        (1..=SWARM_CONNECT_HZ_MAX).contains(&options.connect_hz),
        format!("--connect-hz must be 1 to {SWARM_CONNECT_HZ_MAX}"),
    )?;
    within(
        (0.0..=SWARM_INPUT_HZ_MAX).contains(&options.input_hz),
        format!("--input-hz must be 0 to {SWARM_INPUT_HZ_MAX}"),
    )?;
    within(
        (Duration::from_millis(100)..=Duration::from_secs(SWARM_DURATION_SECONDS_MAX))
            .contains(&options.duration),
        format!("--duration must be 100ms to {SWARM_DURATION_SECONDS_MAX}s"),
    )?;
    // Standard streams, the poll, and a few more of the runtime's.
    let files = u64::from(options.clients) + 32;
    let files_max = processor::open_files_max().unwrap_or(u64::MAX);
    within(
        files <= files_max,
        format!(
            "{} clients need {files} open files, but only {files_max} are allowed: raise `ulimit -n`",
            options.clients
        ),
    )
}
