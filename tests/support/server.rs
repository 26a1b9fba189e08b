//! The program under test: started with every port left to the system, ended in good order.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use orrery::ids::{PlayerId, UnixMillis};
use orrery::session::token::Signer;
use tempfile::TempDir;

use super::{PATIENCE, get};

/// The secret that the servers of these tests check tokens with.
pub(crate) const SECRET: &[u8] = b"a secret of the tests, of no use elsewhere";

/// Now, as the wire counts it.
pub(crate) fn unix() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis(since.as_millis() as u64)
}

/// What a server is started with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Setup<'a> {
    /// The text of a universe file; the built-in universe without.
    pub(crate) world: Option<&'a str>,
    /// Further flags.
    pub(crate) flags: &'a [&'a str],
    /// Whether the server makes its own secret, as one started without keys.
    pub(crate) has_no_key: bool,
    /// Where it keeps things; a file in its own folder without.
    pub(crate) database: Option<&'a str>,
    /// How long its files may grow, in blocks of 512 bytes, before a write fails.
    pub(crate) file_blocks_max: Option<u64>,
    /// Whether it logs all that it can.
    pub(crate) is_talkative: bool,
}

impl<'a> Setup<'a> {
    /// A server on this universe.
    pub(crate) fn world(text: &'a str) -> Self {
        Self {
            world: Some(text),
            ..Self::default()
        }
    }
}

/// A running server. Dropped, it is told to drain and must end well.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) admin: SocketAddr,
    child: Child,
    arguments: Vec<OsString>,
    log_filter: &'static str,
    folder: Arc<TempDir>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) fn start(setup: Setup<'_>) -> Self {
        let folder = TempDir::with_prefix("orrery-protocol-").unwrap();
        let at = |name: &str| folder.path().join(name).into_os_string();
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut arguments = program(setup.file_blocks_max);
        arguments.extend(fixed.into_iter().map(OsString::from));
        let database = setup.database.map_or_else(|| at("a.db"), OsString::from);
        arguments.extend(["--database".into(), database]);
        if !setup.has_no_key {
            fs::write(at("secret"), SECRET).unwrap();
            arguments.extend(["--jwt-secret-file".into(), at("secret")]);
        }
        if let Some(text) = setup.world {
            fs::write(at("world.toml"), text).unwrap();
            arguments.extend(["--world".into(), at("world.toml")]);
        }
        arguments.extend(setup.flags.iter().map(OsString::from));
        let log_filter = if setup.is_talkative { "trace" } else { "info" };
        Self::launch(arguments, log_filter, Arc::new(folder))
    }

    /// The server once more, on the same folder, after this one ended; however it did.
    pub(crate) fn start_again(&self) -> Self {
        let folder = Arc::clone(&self.folder);
        Self::launch(self.arguments.clone(), self.log_filter, folder)
    }

    fn launch(arguments: Vec<OsString>, log_filter: &'static str, folder: Arc<TempDir>) -> Self {
        let mut command = Command::new(&arguments[0]);
        command.env_clear().env("RUST_LOG", log_filter);
        command.args(&arguments[1..]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(folder.path().join("log")).unwrap());
        let mut child = command.spawn().unwrap();
        let Some((listen, admin)) = addresses(&mut child) else {
            let status = child.wait().unwrap();
            panic!("the server did not start: {status}\n{}", log(folder.path()));
        };
        let server = Self {
            listen,
            admin,
            child,
            arguments,
            log_filter,
            folder,
        };
        server.wait_until("the server is ready", |server| {
            get(server.admin, "/readyz").status == 200
        });
        server
    }

    /// What it has written to its log.
    pub(crate) fn log(&self) -> String {
        log(self.folder.path())
    }

    /// The path of the file that it keeps things in, unless told otherwise.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// A server on the built-in universe.
    pub(crate) fn built_in() -> Self {
        Self::start(Setup::default())
    }

    /// A token of this player's for an hour.
    pub(crate) fn token(player: &str) -> String {
        Self::token_for(player, 3600)
    }

    /// A token that runs out in so many seconds; negative: it ran out so long ago.
    pub(crate) fn token_for(player: &str, seconds: i64) -> String {
        let signer = Self::signer();
        let player = PlayerId::parse(player).unwrap();
        let issued = UnixMillis(unix().0.saturating_add_signed(seconds.min(0) * 1000));
        signer.sign(&player, seconds.max(0) as u64, issued).unwrap()
    }

    /// Signs what the servers of these tests take.
    pub(crate) fn signer() -> Signer {
        Signer::new(SECRET).unwrap()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        log(self.folder.path())
    }

    /// A file of the server's.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the server to go down, in good order.
    pub(crate) fn terminate(&self) {
        let told = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status();
        assert!(told.unwrap().success());
    }

    /// Ends the process at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the process to end.
    pub(crate) fn exit(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A figure that the operator's port shows; 0 while it is not there.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = get(self.admin, "/metrics").body;
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Looks again and again until something holds.
    pub(crate) fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            eprintln!("the server's log:\n{}", log(self.folder.path()));
            return;
        }
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.terminate();
        let status = self.exit(PATIENCE);
        if status.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let ended_well = status.is_some_and(|status| status.success());
        assert!(ended_well, "{status:?}\n{}", log(self.folder.path()));
    }
}

/// The program, under a shell that bounds the size of its files if so asked.
fn program(file_blocks_max: Option<u64>) -> Vec<OsString> {
    let orrery = env!("CARGO_BIN_EXE_orrery");
    match file_blocks_max {
        None => vec![orrery.into()],
        Some(blocks) => {
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            let words = ["/bin/sh", "-c", script.as_str(), orrery];
            words.into_iter().map(OsString::from).collect()
        }
    }
}

/// Where the start-up lines say that players and operators connect.
fn addresses(child: &mut Child) -> Option<(SocketAddr, SocketAddr)> {
    let output = BufReader::new(child.stdout.take()?);
    let (mut listen, mut admin) = (None, None);
    for line in output.lines() {
        let line = line.ok()?;
        let address = |key: &str, scheme: &str| {
            let rest = line.trim().strip_prefix(key)?.trim_start();
            let rest = rest.strip_prefix(scheme)?;
            rest.split('/').next()?.parse::<SocketAddr>().ok()
        };
        listen = listen
            .or_else(|| address("socket", "ws://"))
            .or_else(|| address("socket", "wss://"));
        admin = admin.or_else(|| address("operator", "http://"));
        if let Some(both) = listen.zip(admin) {
            return Some(both);
        }
    }
    None
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// One server for all tests that run at the same time and ask for the same; it ends with the last
/// of them.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<Weak<Server>>);

impl Shared {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The server, started if none runs.
    pub(crate) fn server(&self, start: impl FnOnce() -> Server) -> Arc<Server> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(start());
        *shared = Arc::downgrade(&server);
        server
    }
}
