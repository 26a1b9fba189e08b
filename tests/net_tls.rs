//! TLS under the net layer: real sockets for the protocol and the reload, memory for short writes
//! and for the bounds of the handshake.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod net_rig;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use net_rig::{LOCAL, Recorder, Rig, UPGRADE, frame};
use orrery::limits::{TLS_HANDSHAKE_MS_MAX, TLS_HANDSHAKES_MAX, TLS_HANDSHAKES_PER_TURN_MAX};
use orrery::net::memory::{End, duplex};
use orrery::net::tls::{TlsError, TlsStream};
use orrery::net::{Clock, ManualClock, NetConfig, Reactor, SystemClock, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use tempfile::TempDir;
use tungstenite::protocol::{Message, Role, WebSocket};

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A certificate and its key in files of their own.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn new() -> Self {
        let papers = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        papers.renew();
        papers
    }

    /// Puts a new pair in place; gives the certificate back.
    fn renew(&self) -> CertificateDer<'static> {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(self.path("cert.pem"), pair.cert.pem()).unwrap();
        std::fs::write(self.path("key.pem"), pair.signing_key.serialize_pem()).unwrap();
        pair.cert.der().clone()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self) -> Arc<Tls> {
        Tls::load(&self.path("cert.pem"), &self.path("key.pem")).unwrap()
    }

    fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path("cert.pem")).unwrap()
    }
}

fn session(
    trusted: CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

fn serve(tls: &Arc<Tls>, clock: Arc<dyn Clock>) -> (SocketAddr, orrery::net::Waker) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut reactors = Reactor::bind(any, 1, NetConfig::default(), Some(tls), clock).unwrap();
    let reactor = reactors.remove(0);
    let (address, waker) = (reactor.local_addr(), reactor.waker());
    thread::spawn(move || reactor.run(&mut Recorder::default()).unwrap());
    (address, waker)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

fn secure(
    address: SocketAddr,
    trusted: CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Client {
    StreamOwned::new(session(trusted, version), connect(address))
}

fn upgraded(mut stream: Client) -> WebSocket<Client> {
    stream.write_all(UPGRADE.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    WebSocket::from_raw_socket(stream, Role::Client, None)
}

fn echoes(client: &mut WebSocket<Client>, text: &str) {
    client.send(text.into()).unwrap();
    assert_eq!(client.read().unwrap(), Message::from(text));
}

#[test]
fn pages_and_messages_pass_over_both_versions() {
    let papers = Papers::new();
    let (address, _waker) = serve(&papers.load(), Arc::new(SystemClock::new()));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stream = secure(address, papers.certificate(), version);
        stream.write_all(b"GET /large HTTP/1.1\r\n\r\n").unwrap();
        let mut page = Vec::new();
        stream
            .read_to_end(&mut page)
            .expect("an end with a goodbye");
        assert!(page.len() > 1_000_000);
        let stream = secure(address, papers.certificate(), version);
        let mut client = upgraded(stream);
        for length in [1, 125, 4_200, 16_384] {
            echoes(&mut client, &"x".repeat(length));
        }
        client.close(None).unwrap();
        while client.read().is_ok() {}
    }
}

#[test]
fn a_reload_is_seen_by_newcomers_and_nobody_else() {
    let papers = Papers::new();
    let old = papers.certificate();
    let tls = papers.load();
    let (address, _waker) = serve(&tls, Arc::new(SystemClock::new()));
    let mut early = upgraded(secure(address, old.clone(), &rustls::version::TLS13));
    let new = papers.renew();
    tls.reload().unwrap();
    let late = upgraded(secure(address, new.clone(), &rustls::version::TLS13));
    assert_eq!(late.get_ref().conn.peer_certificates(), Some(&[new][..]));
    echoes(&mut early, "still here");
    let mut distrustful = secure(address, old, &rustls::version::TLS13);
    assert!(distrustful.write_all(b"x").is_err());
}

#[test]
fn a_reload_that_fails_changes_nothing_and_names_the_file() {
    let papers = Papers::new();
    let tls = papers.load();
    let (address, _waker) = serve(&tls, Arc::new(SystemClock::new()));
    let certificate = papers.certificate();
    let key = papers.path("key.pem");
    let whole = std::fs::read(&key).unwrap();
    let fails_with = |contents: &[u8], part: &str| {
        std::fs::write(&key, contents).unwrap();
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains("key.pem") && error.contains(part), "{error}");
    };
    fails_with(b"", "no items");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fails_with(other.signing_key.serialize_pem().as_bytes(), "key");
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::File { .. })));
    echoes(
        &mut upgraded(secure(address, certificate, &rustls::version::TLS12)),
        "hello",
    );
    std::fs::write(&key, whole).unwrap();
    std::fs::write(papers.path("cert.pem"), "no certificate").unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Empty { .. })));
    assert!(
        Tls::load(Path::new("/nowhere"), &key)
            .unwrap_err()
            .to_string()
            .contains("/nowhere")
    );
}

#[test]
fn strangers_to_tls_end_only_themselves() {
    let papers = Papers::new();
    let clock = Arc::new(ManualClock::new());
    let (address, waker) = serve(&papers.load(), Arc::clone(&clock) as _);
    let mut honest = upgraded(secure(
        address,
        papers.certificate(),
        &rustls::version::TLS13,
    ));
    let mut plain = connect(address);
    plain.write_all(UPGRADE.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // An alert, then an end or a reset; never HTTP.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    let mut silent = connect(address);
    echoes(&mut honest, "still served");
    clock.advance(TLS_HANDSHAKE_MS_MAX);
    waker.ring();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0, "hung up without a word");
    echoes(&mut honest, "still served");
}

/// A TLS peer in memory, and the shard that serves it.
fn in_memory(papers: &Papers) -> (Rig<TlsStream<End>>, StreamOwned<ClientConnection, End>) {
    let mut rig = Rig::<TlsStream<End>>::with(NetConfig::default());
    let tls = papers.load();
    let (near, far) = duplex();
    near.set_step(7);
    near.set_capacity(900);
    rig.shard.admit(tls.stream(near).unwrap(), LOCAL).unwrap();
    let session = session(papers.certificate(), &rustls::version::TLS13);
    (rig, StreamOwned::new(session, far))
}

#[test]
fn short_writes_lose_nothing_and_waiting_output_is_counted() {
    let papers = Papers::new();
    let (mut rig, mut client) = in_memory(&papers);
    let mut write = [UPGRADE.as_bytes(), &frame(0x81, b"flood 2000")].concat();
    let mut received = Vec::<u8>::new();
    for _ in 0..20_000 {
        if !write.is_empty() {
            match client.write(&write) {
                Ok(count) => drop(write.drain(..count)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
        let _ = client.flush();
        rig.settle();
        let mut buffer = [0; 4_096];
        match client.read(&mut buffer) {
            Ok(count) => received.extend(&buffer[..count]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    let taken = rig
        .service
        .sent
        .iter()
        .filter(|sent| **sent != orrery::net::Sent::Full)
        .count();
    assert!(taken < 2_000, "some did not fit");
    assert!(rig.service.pending_bytes_max <= NetConfig::default().pending_bytes_max);
    let head_bytes = received
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap()
        + 4;
    assert_eq!(received.len() - head_bytes, taken * 1_004);
}

#[test]
fn handshakes_are_bounded_in_number_and_in_time() {
    let papers = Papers::new();
    let tls = papers.load();
    let mut rig = Rig::<TlsStream<End>>::with(NetConfig {
        connections_per_ip_max: usize::MAX,
        ..NetConfig::default()
    });
    let mut silent = Vec::new();
    for _ in 0..TLS_HANDSHAKES_MAX {
        let (near, far) = duplex();
        rig.shard.admit(tls.stream(near).unwrap(), LOCAL).unwrap();
        silent.push(far);
    }
    let refused = rig.shard.admit(tls.stream(duplex().0).unwrap(), LOCAL);
    assert!(refused.is_err());
    rig.pass(TLS_HANDSHAKE_MS_MAX);
    assert!(rig.shard.is_empty());
    assert!(
        rig.shard
            .admit(tls.stream(duplex().0).unwrap(), LOCAL)
            .is_ok()
    );
}

#[test]
fn one_turn_moves_only_so_many_handshakes_on() {
    let papers = Papers::new();
    let tls = papers.load();
    let mut rig = Rig::<TlsStream<End>>::with(NetConfig::default());
    let mut clients = Vec::new();
    for _ in 0..3 * TLS_HANDSHAKES_PER_TURN_MAX {
        let (near, mut far) = duplex();
        rig.shard.admit(tls.stream(near).unwrap(), LOCAL).unwrap();
        let mut session = session(papers.certificate(), &rustls::version::TLS13);
        session.write_tls(&mut far).unwrap();
        clients.push(far);
    }
    rig.shard.ready_all();
    assert!(rig.shard.turn(&mut rig.service), "there is more to do");
    let answered = clients.iter().filter(|far| !far.drain().is_empty()).count();
    assert_eq!(answered, TLS_HANDSHAKES_PER_TURN_MAX);
}
