//! The real program on ports of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `orrery serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) listen: SocketAddr,
}

impl Server {
    /// Starts on any free port, or on the one of a server that ended.
    pub(crate) fn start(database: &Path, listen: Option<SocketAddr>, world: Option<&Path>) -> Self {
        let mut command = serve(database, listen);
        command.arg("--guests");
        if let Some(world) = world {
            command.arg("--world").arg(world);
        }
        Self::run(command)
    }

    /// Starts where nobody flies without a token of this secret.
    pub(crate) fn start_private(database: &Path, secret: &Path) -> Self {
        let mut command = serve(database, None);
        command
            .arg("--no-guests")
            .arg("--jwt-secret-file")
            .arg(secret);
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the server says where it listens")
                .unwrap();
            if let Some((_, rest)) = line.split_once("page ") {
                let address = rest
                    .trim()
                    .trim_start_matches("http://")
                    .split('/')
                    .next()
                    .unwrap();
                break address.parse().unwrap();
            }
        };
        // The pipe stays open and read, or the server's next line would end it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            listen: address,
        }
    }

    pub(crate) fn page(&self) -> String {
        format!("http://{}/", self.listen)
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub(crate) fn drain(mut self) -> SocketAddr {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(asked.unwrap().success());
        assert!(self.child.wait().unwrap().success());
        self.listen
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) -> SocketAddr {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.listen
    }
}

fn serve(database: &Path, listen: Option<SocketAddr>) -> Command {
    let listen = listen.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.args(["serve", "--admin", "127.0.0.1:0", "--listen", &listen]);
    command.arg("--database").arg(database);
    command
}

/// A token of a secret, as an operator makes one.
pub(crate) fn token(secret: &Path, subject: &str, ttl: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.args(["token", "--subject", subject, "--ttl", ttl]);
    let output = command
        .arg("--jwt-secret-file")
        .arg(secret)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
