//! A PostgreSQL server of the tests' own, one a test process: started when first needed, on a
//! fresh directory and a free port, with durability as installed. It stops with the process that
//! started it, because a shell that waits for the end of its standard input stops it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::PATIENCE;

/// A running server, and the shell that watches over it until this process ends.
struct Server {
    port: u16,
    #[allow(
        dead_code,
        reason = "held: its open standard input keeps the server up"
    )]
    shell: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new empty database. Fails where no server is installed.
pub fn fresh_database() -> String {
    let server = SERVER.get_or_init(start);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let root = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
    let mut client = postgres::Client::connect(&root, postgres::NoTls).unwrap();
    let sql = format!("CREATE DATABASE orrery_{number}");
    client.batch_execute(&sql).unwrap();
    format!(
        "postgres://postgres@127.0.0.1:{}/orrery_{number}",
        server.port
    )
}

/// Whether a server is installed.
pub fn is_installed() -> bool {
    binaries().is_some()
}

fn binaries() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("POSTGRES_BIN") {
        return Some(PathBuf::from(named));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let mut found: Vec<PathBuf> = versions
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("postgres").is_file())
        .collect();
    found.sort();
    found.pop()
}

/// The server refuses to run as root, so root runs it as the user that the package made.
fn as_server_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

fn start() -> Server {
    let bin = binaries().expect(
        "PostgreSQL is installed (Debian: apt-get install postgresql), or POSTGRES_BIN names its bin folder",
    );
    let directory = tempfile::Builder::new()
        .prefix("orrery-postgres-")
        .tempdir()
        .unwrap()
        .keep();
    if is_root() {
        let output = Command::new("id")
            .args(["-u", "postgres"])
            .output()
            .unwrap();
        let uid = String::from_utf8(output.stdout).unwrap();
        let uid = uid
            .trim()
            .parse()
            .expect("the package made the user postgres");
        chown(&directory, Some(uid), None).unwrap();
    }
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    let data = directory.join("data");
    let made = as_server_user(&bin.join("initdb"))
        .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "-D"])
        .arg(&data)
        .current_dir("/")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success(), "initdb failed");
    let port = free_port();
    // Waits for the end of its input, then stops the server and removes its directory.
    let script = r#"
        "$BIN/postgres" -D "$DATA" -p "$PORT" -c listen_addresses=127.0.0.1 \
            -c unix_socket_directories="$DATA" -c max_connections=200 >"$DATA/log" 2>&1 </dev/null &
        server=$!
        echo started
        cat >/dev/null
        kill -INT $server; wait $server
        cd /; rm -rf "$(dirname "$DATA")"
    "#;
    let mut shell = as_server_user(Path::new("sh"))
        .args(["-c", script])
        .env("BIN", &bin)
        .env("DATA", &data)
        .env("PORT", port.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(shell.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let ready = Command::new(bin.join("pg_isready"));
    wait_until_ready(ready, port);
    Server { port, shell }
}

fn wait_until_ready(mut pg_isready: Command, port: u16) {
    let deadline = std::time::Instant::now() + PATIENCE;
    pg_isready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    while !pg_isready.status().unwrap().success() {
        assert!(
            std::time::Instant::now() < deadline,
            "PostgreSQL did not start"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
