//! The command line: what people type, and the sentences they get back.
//!
//! Arguments are parsed once into plain values; each subcommand is a file with a `run` that either
//! does its work or returns a `Failure`, whose sentence says what was wrong, where, and what to
//! do. Results go to standard output, everything else to standard error. Exit codes: 0 done,
//! 1 failed, 2 unusable arguments or files.

mod audit;
mod backup;
mod echo;
mod keys;
mod log;
mod recording;
mod replay;
mod serve;
mod swarm;
mod token;
mod world;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::files;
use crate::limits::LOG_FLUSH_MS_MAX;
use crate::store::{refuse_own_file as refuse_own_database_file, shown};

/// A simulation server for a browser game of flying, trading and fighting in crowded star systems.
///
/// Without a subcommand it serves the built-in universe on 127.0.0.1:7777.
#[derive(Debug, Parser)]
#[command(name = "orrery", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<serve::ServeArguments>),
    /// Print a signed token for a player
    Token(token::TokenArguments),
    /// Check, print or generate universe files
    #[command(subcommand)]
    World(world::WorldCommand),
    /// Load a server with bots that fly, fight and trade, and measure what they get
    Swarm(Box<swarm::SwarmArguments>),
    /// Replay the ledger and prove that every balance, hold and stock equals it
    Audit(audit::AuditArguments),
    /// Copy the database while a server writes it
    Backup(backup::BackupArguments),
    /// Run a flight recording again and check the state hash of every recorded tick
    Replay(replay::ReplayArguments),
    /// Print the JSON Schema of every message, both directions
    Schema,
    /// Run the network layer alone, echoing messages: for WebSocket conformance suites
    Echo(echo::EchoArguments),
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit_code: u8,
    sentence: String,
}

impl Failure {
    /// The work was begun and failed: exit code 1.
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            sentence: sentence.into(),
        }
    }

    /// The arguments or a named file cannot be used: exit code 2.
    pub(crate) fn unusable(sentence: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            sentence: sentence.into(),
        }
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => serve::run(&serve::ServeArguments::from_environment()),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Token(arguments)) => token::run(&arguments),
        Some(Command::World(command)) => world::run(&command),
        Some(Command::Swarm(arguments)) => swarm::run(&arguments),
        Some(Command::Audit(arguments)) => audit::run(&arguments),
        Some(Command::Backup(arguments)) => backup::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Schema) => print(&format!("{:#}", crate::protocol::schema())),
        Some(Command::Echo(arguments)) => echo::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(failure.sentence);
            ExitCode::from(failure.exit_code)
        }
    }
}

/// Refuses to write to a file of the database, or to the secret that is made for it.
fn refuse_own_file(database: &str, file: &Path) -> Result<(), Failure> {
    refuse_own_database_file(database, file).map_err(Failure::unusable)?;
    let is_same = |secret: PathBuf| {
        let (secret, file) = (files::in_real_folder(&secret), files::in_real_folder(file));
        secret.is_ok_and(|secret| file.is_ok_and(|file| file == secret))
    };
    if is_same(keys::secret_path(database)) {
        return Err(Failure::unusable(format!(
            "{} belongs to the database {}, as its secret: give another name",
            file.display(),
            shown(database)
        )));
    }
    Ok(())
}

/// An address to listen on: `HOST:PORT`, the host an IP address or a name. Of a name's addresses
/// the first of IPv4 is taken, so that `localhost` is what the defaults are.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; give HOST:PORT, as 127.0.0.1:7777"))?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found
        .first()
        .copied()
        .ok_or_else(|| "the name has no address".to_owned())
}

/// Says why a command failed, on standard error; gives up where that is a pipe that nobody reads.
fn complain(sentence: String) {
    use std::io::Write;
    let (done, said) = std::sync::mpsc::sync_channel(1);
    let say = move || {
        // Nobody is left to tell that nobody could be told.
        let _ = writeln!(std::io::stderr(), "orrery: {sentence}");
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(say).is_ok() {
        let _ = said.recv_timeout(Duration::from_millis(LOG_FLUSH_MS_MAX));
    }
}

/// Prints a result; a reader who went away is no failure of ours.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}
