//! What an idle connection costs: hundreds of clients log in to the program itself, in the clear and
//! over TLS, and then say nothing; the process's own memory is compared before and after.
//!
//! ```text
//! cargo test --release --test sockets protocol::memory idle -- --nocapture     prints the figures
//! ```
//!
//! What the kernel holds beside it is not the process's: 3.7 kB a connection by `/proc/slabinfo` on
//! Linux 6.18 (socket 2,368 bytes, its inode 832, file 192, directory entry 192, poll entry 128), and
//! what waits to be sent or read, which is nothing while a connection is idle.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tungstenite::protocol::WebSocket;

use crate::support::{PATIENCE, Server, Setup};

/// Memory of the process for one idle connection, every buffer included.
const IDLE_BYTES_MAX: u64 = 24 * 1024;
/// Clients that come first, so that what grows once has grown.
const FIRST: u32 = 64;
/// Clients that are measured.
const CLIENTS: u32 = 512;

/// Memory that is the process's own, in bytes.
fn own_bytes(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.unwrap().split_ascii_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A client that has asked to be let in, over any stream.
fn asking<S: Read + Write>(stream: S, number: u32) -> WebSocket<S> {
    let (mut client, _) = tungstenite::client("ws://localhost/ws", stream)
        .map_err(|error| error.to_string())
        .unwrap();
    let token = Server::token(&format!("idle-{number}"));
    let login =
        format!(r#"{{"type":"auth.login","seq":1,"ts":1,"payload":{{"token":"{token}"}}}}"#);
    client.send(login.into()).unwrap();
    client
}

/// So many clients who have been let in.
fn logged_in<S: Read + Write>(
    numbers: Range<u32>,
    come: impl Fn(u32) -> WebSocket<S>,
) -> Vec<WebSocket<S>> {
    // All ask before the first is answered: an answer takes a tick or two.
    let mut clients: Vec<_> = numbers.map(come).collect();
    for client in &mut clients {
        let answer = client.read().unwrap();
        assert!(answer.to_text().unwrap().contains("auth.ok"), "{answer}");
    }
    clients
}

/// Lets clients log in and tells what each costs the server.
fn cost<S: Read + Write>(name: &str, server: &Server, come: impl Fn(u32) -> WebSocket<S>) -> u64 {
    let first = logged_in(0..FIRST, &come);
    let before = own_bytes(server);
    let clients = logged_in(FIRST..FIRST + CLIENTS, &come);
    let bytes = own_bytes(server).saturating_sub(before) / u64::from(CLIENTS);
    println!("{name}: {bytes} bytes a connection, of {CLIENTS}");
    drop((first, clients));
    bytes
}

#[test]
fn an_idle_connection_costs_at_most_24_kib_in_the_clear() {
    let server = Server::built_in();
    let bytes = cost("ws", &server, |number| {
        asking(connect(server.listen), number)
    });
    assert!((1..=IDLE_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}

#[test]
fn an_idle_connection_costs_at_most_24_kib_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    fs::write(&cert, pair.cert.pem()).unwrap();
    fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let flags = [
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let server = Server::start(Setup {
        flags: &flags,
        ..Setup::default()
    });
    let config = trusting(pair.cert.der().clone());
    let bytes = cost("wss", &server, |number| {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::clone(&config), name).unwrap();
        asking(StreamOwned::new(session, connect(server.listen)), number)
    });
    assert!((1..=IDLE_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}

fn trusting(cert: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
