//! `orrery swarm`: a load generator; progress on standard error, the report on standard output.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::keys::KeyArguments;
use super::{Failure, print};
use crate::ids::Name;
use crate::swarm::{
    self, Conduct, SwarmError, SwarmOptions, SwarmPhase, SwarmProgress, SwarmReport,
};

/// What to fly, where and for how long.
///
/// The bots are real clients on real sockets: point them only at a server that you may load. Their
/// players are PREFIX-1, PREFIX-2 and so on; two swarms of one prefix take each other's places.
#[derive(Debug, Args)]
pub(crate) struct SwarmArguments {
    /// The server's WebSocket, ws:// or wss://
    #[arg(
        long,
        env = "ORRERY_URL",
        value_name = "URL",
        default_value = "ws://127.0.0.1:7777/ws"
    )]
    url: String,
    /// PEM file of the certificate that a wss:// server's is signed by, or is
    #[arg(long, env = "ORRERY_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Number of bots
    #[arg(long, env = "ORRERY_CLIENTS", value_name = "N", default_value_t = 100)]
    clients: u32,
    /// How long to measure once all bots are in, as 30s or 5m
    #[arg(long, env = "ORRERY_DURATION", value_name = "SPAN", default_value = "30s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Inputs a second from each bot
    #[arg(
        long,
        env = "ORRERY_INPUT_HZ",
        value_name = "HZ",
        default_value_t = 10.0
    )]
    input_hz: f64,
    /// Connections begun a second
    #[arg(
        long,
        env = "ORRERY_CONNECT_HZ",
        value_name = "HZ",
        default_value_t = 500
    )]
    connect_hz: u32,
    /// System that new pilots join; others return to where they were
    #[arg(
        long,
        env = "ORRERY_SYSTEM",
        value_name = "ID",
        default_value = "sol-1"
    )]
    system: String,
    /// What the bots' player ids begin with
    #[arg(
        long,
        env = "ORRERY_PREFIX",
        value_name = "TEXT",
        default_value = "bot"
    )]
    prefix: String,
    /// Fly only: no fights, no trade
    #[arg(long, env = "ORRERY_PEACEFUL")]
    peaceful: bool,
    /// Print the report as JSON
    #[arg(long, env = "ORRERY_JSON")]
    json: bool,
    /// The server's database, beside which its own secret is kept
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = super::serve::DATABASE)]
    database: String,
    #[command(flatten)]
    keys: KeyArguments,
}

pub(crate) fn run(arguments: &SwarmArguments) -> Result<(), Failure> {
    let system = Name::parse(&arguments.system)
        .map_err(|error| Failure::unusable(format!("--system {:?} {error}", arguments.system)))?;
    if !arguments.keys.jwt_public_key.is_empty() {
        return Err(Failure::unusable(
            "a public key cannot sign; give the server's --jwt-secret-file",
        ));
    }
    let signer = arguments.keys.signer(&arguments.database)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the process at once; the first asks for the report.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    }
    let options = SwarmOptions {
        url: arguments.url.clone(),
        tls_ca: arguments.tls_ca.clone(),
        clients: arguments.clients,
        duration: arguments.duration,
        input_hz: arguments.input_hz,
        connect_hz: arguments.connect_hz,
        system,
        prefix: arguments.prefix.clone(),
        conduct: if arguments.peaceful {
            Conduct::Fly
        } else {
            Conduct::Play
        },
        stop,
    };
    let bar = ProgressBar::new(0);
    let report = swarm::run(&options, &signer, &mut |progress| {
        draw(&bar, &options, progress);
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        SwarmError::Unusable(sentence) => Failure::unusable(sentence),
        SwarmError::Failed(_) => Failure::failed(error.to_string()),
    })?;
    show(&report, arguments.json)?;
    if report.joined == 0 {
        let why = report.failures.iter().max_by_key(|(_, count)| **count);
        let why = why.map_or("the run was stopped", |(reason, _)| reason.as_str());
        return Err(Failure::failed(format!(
            "no bot came in at {}: {why}{}",
            report.url,
            advice(why)
        )));
    }
    Ok(())
}

/// What to do about the commonest reasons why nobody came in.
fn advice(why: &str) -> &'static str {
    if why.starts_with("connect:") {
        "; is a server running there?"
    } else if why.contains("INVALID_TOKEN") {
        "; sign with the server's own secret: --jwt-secret-file, or --database where it keeps one beside it"
    } else {
        ""
    }
}

fn show(report: &SwarmReport, as_json: bool) -> Result<(), Failure> {
    if !as_json {
        return print(&report.to_string());
    }
    let text = serde_json::to_string_pretty(report)
        .map_err(|error| Failure::failed(format!("the report cannot be written: {error}")))?;
    print(&text)
}

/// Draws a run's progress; where standard error is no terminal, the bar draws nothing.
fn draw(bar: &ProgressBar, options: &SwarmOptions, progress: &SwarmProgress) {
    let template = "{prefix:>8} [{bar:40}] {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    let (name, length, position) = match progress.stretch {
        SwarmPhase::Ramp => (
            "joining",
            u64::from(options.clients),
            u64::from(progress.joined + progress.failed),
        ),
        SwarmPhase::Settle => ("settling", 1, 1),
        SwarmPhase::Measure => (
            "flying",
            options.duration.as_millis() as u64,
            progress.spent.as_millis() as u64,
        ),
        SwarmPhase::Close | SwarmPhase::Done => ("leaving", 1, 1),
    };
    bar.set_length(length);
    bar.set_position(position.min(length));
    bar.set_prefix(name);
    bar.set_message(format!(
        "{} in, {} failed, {} lost, {:.0} deltas/s",
        progress.joined, progress.failed, progress.lost, progress.deltas_per_second
    ));
}
