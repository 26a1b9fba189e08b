//! TLS under the net layer: real sockets for the protocol and the reload, memory for short writes
//! and for the bounds of the handshake.

use crate::net_rig;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use net_rig::{LOCAL, Recorder, Rig, UPGRADE, frame};
use orrery::limits::{
    TLS_HANDSHAKE_MS_MAX, TLS_HANDSHAKES_MAX, TLS_HANDSHAKES_PER_TURN_MAX, TLS_SILENCE_MS_MAX,
};
use orrery::net::counters::NetCounters;
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
    let (address, waker, _) = serve_with(1, NetConfig::default(), tls, clock);
    (address, waker)
}

fn serve_with(
    shards: u16,
    config: NetConfig,
    tls: &Arc<Tls>,
    clock: Arc<dyn Clock>,
) -> (SocketAddr, orrery::net::Waker, Vec<Arc<NetCounters>>) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let reactors = Reactor::bind(any, shards, config, Some(tls), clock).unwrap();
    let (address, waker) = (reactors[0].local_addr(), reactors[0].waker());
    let counters = reactors.iter().map(Reactor::counters).collect();
    for reactor in reactors {
        thread::spawn(move || reactor.run(&mut Recorder::default()).unwrap());
    }
    (address, waker, counters)
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
    clock.advance(TLS_SILENCE_MS_MAX);
    waker.notify();
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

/// A stranger's end of a connection that has not said anything.
fn stranger(rig: &mut Rig<TlsStream<End>>, tls: &Tls) -> End {
    let (near, far) = duplex();
    rig.shard.admit(tls.stream(near).unwrap(), LOCAL).unwrap();
    far
}

#[test]
fn who_says_nothing_is_given_two_seconds_and_a_handshake_five_from_its_first_byte() {
    let papers = Papers::new();
    let tls = papers.load();
    let mut rig = Rig::<TlsStream<End>>::with(NetConfig::default());
    let silent = stranger(&mut rig, &tls);
    let mut slow = stranger(&mut rig, &tls);
    rig.pass(TLS_SILENCE_MS_MAX - 1);
    slow.write_all(&[0x16]).unwrap();
    rig.settle();
    assert!(!silent.is_at_end());
    rig.pass(1);
    assert!(silent.is_at_end(), "without a word");
    assert!(silent.drain().is_empty());
    rig.pass(TLS_HANDSHAKE_MS_MAX - 2);
    assert!(!slow.is_at_end());
    rig.pass(1);
    assert!(slow.is_at_end());
    assert!(rig.shard.is_empty());
}

#[test]
fn handshakes_are_bounded_from_their_first_byte_on_and_the_oldest_makes_room() {
    let papers = Papers::new();
    let tls = papers.load();
    let mut rig = Rig::<TlsStream<End>>::with(NetConfig {
        tls_handshakes_max: 3,
        ..NetConfig::default()
    });
    let mut crowd: Vec<_> = (0..6).map(|_| stranger(&mut rig, &tls)).collect();
    rig.settle();
    for far in &mut crowd {
        far.write_all(&[0x16]).unwrap();
        rig.settle();
    }
    let ended = crowd.iter().map(|far| {
        // A goodbye may stand before the end.
        far.drain();
        far.is_at_end()
    });
    assert_eq!(
        ended.collect::<Vec<_>>(),
        [true, true, true, false, false, false]
    );
    assert_eq!(rig.shard.counters().handshakes_displaced.value(), 3);
    let far = stranger(&mut rig, &tls);
    let session = session(papers.certificate(), &rustls::version::TLS13);
    let page = page(&mut rig, &mut StreamOwned::new(session, far));
    assert!(page.ends_with("a page"), "{page}");
}

#[test]
fn newcomers_get_in_past_silent_sockets_that_hold_every_place() {
    let papers = Papers::new();
    for shards in [1, 2] {
        let config = NetConfig {
            connections_max: 16,
            ..NetConfig::default()
        };
        let clock = Arc::new(SystemClock::new());
        let (address, _waker, counters) = serve_with(shards, config, &papers.load(), clock);
        for round in 1..=5 {
            let silent: Vec<_> = (0..32).map(|_| connect(address)).collect();
            // Each shard has taken its part of the crowd in: the newcomer is the youngest.
            let accepted = || counters.iter().map(|counters| counters.accepted.value());
            while accepted().sum::<u64>() < 33 * round - 1 {
                thread::yield_now();
            }
            let stream = secure(address, papers.certificate(), &rustls::version::TLS13);
            echoes(&mut upgraded(stream), "in");
            drop(silent);
        }
    }
}

#[test]
fn every_answer_under_tls_asks_browsers_for_tls() {
    let papers = Papers::new();
    let (address, _waker) = serve(&papers.load(), Arc::new(SystemClock::new()));
    for request in [
        "GET /page HTTP/1.1\r\n\r\n",
        "GET /none HTTP/1.1\r\n\r\n",
        "NONSENSE\r\n\r\n",
        &UPGRADE.replace(": 13", ": 8"),
        &UPGRADE.replace("/ws", "/elsewhere"),
        UPGRADE,
    ] {
        let mut stream = secure(address, papers.certificate(), &rustls::version::TLS13);
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        for line in [
            "Strict-Transport-Security: max-age=31536000",
            "X-Content-Type-Options: nosniff",
        ] {
            assert_eq!(head.matches(line).count(), 1, "{request}: {head}");
        }
    }
}

/// Turns until the client has read a whole page.
fn page(rig: &mut Rig<TlsStream<End>>, client: &mut StreamOwned<ClientConnection, End>) -> String {
    let request = b"GET /page HTTP/1.1\r\n\r\n";
    let (mut written, mut received) = (0, Vec::new());
    for _ in 0..1_000 {
        if written < request.len() {
            written += client.write(&request[written..]).unwrap_or(0);
        }
        let _ = client.flush();
        rig.settle();
        let mut buffer = [0; 4_096];
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return format!("{error}"),
        }
    }
    String::from_utf8(received).unwrap()
}

#[test]
fn a_crowd_that_says_nothing_does_not_lock_a_newcomer_out() {
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
    let (near, far) = duplex();
    let admitted = rig.shard.admit(tls.stream(near).unwrap(), LOCAL);
    assert!(admitted.is_ok(), "{admitted:?}");
    let session = session(papers.certificate(), &rustls::version::TLS13);
    let page = page(&mut rig, &mut StreamOwned::new(session, far));
    assert!(page.ends_with("a page"), "{page}");
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
