//! The program under test: started with every port left to the system, ended in good order.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use orrery::ids::{PlayerId, UnixMillis};
use orrery::session::token::Signer;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{PATIENCE, get, wire};

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
    /// Flags behind those that every test's server has.
    pub(crate) flags: &'a [&'a str],
    /// Whether the server makes its own secret, as one started without keys.
    pub(crate) has_no_key: bool,
    /// Where it keeps things; a file in its own folder without.
    pub(crate) database: Option<&'a str>,
    /// How long its files may grow, in blocks of 512 bytes, before a write fails.
    pub(crate) file_blocks_max: Option<u64>,
    /// Where its log goes.
    pub(crate) log: Log,
    /// How many files it may have open.
    pub(crate) open_files_max: Option<u32>,
    /// Whether it speaks TLS also in a run that is not over TLS.
    pub(crate) is_secure: bool,
    /// Further variables of its environment.
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// Where a server's log goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Log {
    /// Into a file, shown when a test fails.
    #[default]
    File,
    /// Everything there is to say, into a file.
    TalkativeFile,
    /// Everything there is to say, into a pipe that nobody reads.
    FullPipe,
    /// Everything there is to say, into a pipe whose other end is closed.
    ClosedPipe,
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
    folder: Arc<TempDir>,
    /// What the start-up lines say of memory, in bytes.
    pub(crate) memory_bytes_max: u64,
    /// `RestoredState` open and never read.
    _unread_log: Option<ChildStderr>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) fn start(setup: Setup<'_>) -> Self {
        let folder = TempDir::with_prefix("orrery-protocol-").unwrap();
        let at = |name: &str| folder.path().join(name).into_os_string();
        let fixed = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut arguments = program(&setup);
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
        if setup.is_secure || wire::is_secure_run() {
            wire::write_papers(folder.path());
            arguments.extend(["--tls-cert".into(), at("cert.pem")]);
            arguments.extend(["--tls-key".into(), at("key.pem")]);
        }
        arguments.extend(setup.flags.iter().map(OsString::from));
        Self::launch(arguments, Arc::new(folder), &setup)
    }

    /// The server once more, on the same folder, after this one ended; however it did.
    pub(crate) fn start_again(&self) -> Self {
        let (arguments, folder) = (self.arguments.clone(), Arc::clone(&self.folder));
        Self::launch(arguments, folder, &Setup::default())
    }

    fn launch(arguments: Vec<OsString>, folder: Arc<TempDir>, setup: &Setup<'_>) -> Self {
        let mut command = Command::new(&arguments[0]);
        command.env_clear().args(&arguments[1..]);
        command.envs(setup.variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let filter = if setup.log == Log::File {
            "info"
        } else {
            "trace"
        };
        command.env("RUST_LOG", filter);
        command.stderr(match setup.log {
            Log::File | Log::TalkativeFile => {
                File::create(folder.path().join("log")).unwrap().into()
            }
            Log::FullPipe | Log::ClosedPipe => Stdio::piped(),
        });
        let mut child = command.spawn().unwrap();
        let log_pipe = child.stderr.take();
        let unread_log = log_pipe.filter(|_| setup.log == Log::FullPipe);
        let Some(start) = greeting(&mut child) else {
            let status = child.wait().unwrap();
            panic!("the server did not start: {status}\n{}", log(folder.path()));
        };
        let server = Self {
            listen: start.listen,
            admin: start.admin,
            child,
            arguments,
            folder,
            memory_bytes_max: start.memory_bytes_max,
            _unread_log: unread_log,
        };
        server.wait_until("the server is ready", |server| {
            get(server.admin, "/readyz").status == 200
        });
        server
    }

    /// The path of the file that it keeps things in, unless told otherwise.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// Where clients connect.
    pub(crate) fn url(&self) -> String {
        let scheme = self.certificate().map_or("ws", |_| "wss");
        format!("{scheme}://{}/ws", self.listen)
    }

    /// The certificate that it shows, where it speaks TLS.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        let file = self.folder.path().join("cert.pem");
        let has_tls = self.arguments.iter().any(|given| given == "--tls-cert");
        has_tls.then_some(file)
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

    /// The process's id, for signals.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the server to go down, in good order.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
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

/// The program under test, under a shell that bounds its files if so asked. `ORRERY_TEST_PROGRAM`
/// names another build of it, so that tests can measure a release without being one.
fn program(setup: &Setup<'_>) -> Vec<OsString> {
    let other = std::env::var_os("ORRERY_TEST_PROGRAM");
    let orrery = other.unwrap_or_else(|| env!("CARGO_BIN_EXE_orrery").into());
    let mut script = String::new();
    if let Some(blocks) = setup.file_blocks_max {
        script = format!("{script}trap '' XFSZ; ulimit -f {blocks}; ");
    }
    if let Some(most) = setup.open_files_max {
        script = format!("{script}ulimit -n {most}; ");
    }
    if script.is_empty() {
        return vec![orrery];
    }
    script += "exec \"$0\" \"$@\"";
    vec!["/bin/sh".into(), "-c".into(), script.into(), orrery]
}

/// What the start-up lines say.
struct Greeting {
    listen: SocketAddr,
    admin: SocketAddr,
    memory_bytes_max: u64,
}

/// Reads the start-up lines, of which the operator's port is the last.
fn greeting(child: &mut Child) -> Option<Greeting> {
    let output = BufReader::new(child.stdout.take()?);
    let (mut listen, mut megabytes) = (None, None);
    for line in output.lines() {
        let line = line.ok()?;
        let (key, value) = line.trim().split_once(' ').unwrap_or_default();
        let value = value.trim_start();
        let address = || value.split_once("://")?.1.split('/').next()?.parse().ok();
        match key {
            "socket" => {
                listen = address();
                wire::note(listen?, value.starts_with("wss://"));
            }
            "memory" => {
                megabytes = value
                    .strip_prefix("at most ")?
                    .split(' ')
                    .next()?
                    .parse()
                    .ok();
            }
            "operator" => {
                let admin = address()?;
                wire::note(admin, false);
                return Some(Greeting {
                    listen: listen?,
                    admin,
                    memory_bytes_max: 1_000_000 * megabytes.unwrap_or(0_u64),
                });
            }
            _ => {}
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
