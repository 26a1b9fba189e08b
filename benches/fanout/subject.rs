//! A server under measurement, as a child process: its address, and the processor time it used.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; dropped, it is ended.
pub(crate) struct Subject {
    child: Child,
    /// Where players connect.
    pub(crate) address: SocketAddr,
}

impl Subject {
    /// The floor, sending messages of this size.
    pub(crate) fn floor(message_bytes: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--floor", &message_bytes.to_string()]);
        Self::start(command)
    }

    /// `orrery serve` on an empty sky for so many clients.
    pub(crate) fn server(folder: &Path, database: &Path, clients: u32, in_view: u32) -> Self {
        let orrery = env!("CARGO_BIN_EXE_orrery");
        let numbers = (clients.to_string(), in_view.to_string());
        let universe = Command::new(orrery)
            .args([
                "world",
                "bench",
                "--clients",
                &numbers.0,
                "--in-view",
                &numbers.1,
            ])
            .output()
            .unwrap();
        assert!(
            universe.status.success(),
            "{}",
            String::from_utf8_lossy(&universe.stderr)
        );
        let (world, secret) = (folder.join("bench.toml"), folder.join("secret"));
        fs::write(&world, universe.stdout).unwrap();
        fs::write(&secret, super::SECRET).unwrap();
        let mut command = Command::new(orrery);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.args([
            "--max-connections",
            "30000",
            "--max-connections-per-ip",
            "30000",
        ]);
        // As many as the floor has.
        command.args(["--net-threads", "1"]);
        command.arg("--database").arg(database);
        command.arg("--world").arg(&world);
        command.arg("--jwt-secret-file").arg(&secret);
        Self::start(command)
    }

    /// Starts a server that tells its address in its first lines of standard output.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| address_in(&line))
            .expect("the server tells its address");
        // The pipe is read to its end, so that the server never blocks on it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Processor time of the process's threads so far, user and system, in the scheduler's own
    /// nanoseconds. A thread that has ended takes its share with it; servers here end none.
    pub(crate) fn processor_time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let used = tasks.filter_map(Result::ok).filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(used.sum())
    }
}

/// The first `HOST:PORT` in a line, where there is one.
fn address_in(line: &str) -> Option<SocketAddr> {
    let words = line.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'));
    words
        .map(|word| word.trim_matches(':'))
        .find_map(|word| word.parse().ok())
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
