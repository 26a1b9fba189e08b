//! The net layer on real sockets: mio, TCP and several shards, against plain std clients.

use crate::net_rig;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use net_rig::{Call, Recorder, UPGRADE, close_code, frame};
use orrery::limits::{HEAD_MS_MAX, SHARD_LEAD_MAX};
use orrery::net::counters::NetCounters;
use orrery::net::{Clock, ManualClock, NetConfig, Reactor, Sent, SystemClock, Waker};
use tungstenite::protocol::{Message, Role, WebSocket};

/// A server on a port of its own; each shard's service is given back when it stops.
struct Server {
    address: SocketAddr,
    wakers: Vec<Waker>,
    counters: Vec<Arc<NetCounters>>,
    threads: Vec<JoinHandle<Recorder>>,
}

impl Server {
    fn start(shards: u16, config: NetConfig, clock: Arc<dyn Clock>) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let reactors = Reactor::bind(any, shards, config, None, clock).unwrap();
        let mut server = Self {
            address: reactors[0].local_addr(),
            wakers: Vec::new(),
            counters: Vec::new(),
            threads: Vec::new(),
        };
        for reactor in reactors {
            server.wakers.push(reactor.waker());
            server.counters.push(reactor.counters());
            server.threads.push(thread::spawn(move || {
                let mut service = Recorder::default();
                reactor.run(&mut service).unwrap();
                service
            }));
        }
        server
    }

    fn plain() -> Self {
        Self::start(1, NetConfig::default(), Arc::new(SystemClock::new()))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// What the server says to these bytes until it hangs up.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// A raw connection that is a WebSocket already.
    fn open(&self) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(UPGRADE.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
        stream
    }

    fn client(&self) -> WebSocket<TcpStream> {
        WebSocket::from_raw_socket(self.open(), Role::Client, None)
    }

    /// Stops the first shard by its own service and gives that service back.
    fn stop(mut self) -> Recorder {
        let mut last = self.client();
        last.send("stop".into()).unwrap();
        while last.read().is_ok() {}
        drop(last);
        self.threads.remove(0).join().unwrap()
    }
}

fn echoes(client: &mut WebSocket<TcpStream>, text: &str) {
    client.send(text.into()).unwrap();
    assert_eq!(client.read().unwrap(), Message::from(text));
}

#[test]
fn http_and_websockets_share_the_port() {
    let server = Server::plain();
    let page = server.ask("GET /page?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(
        page.contains("Content-Length: 6\r\nConnection: close\r\n\r\na page"),
        "{page}"
    );
    let head = server.ask("HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(
        head.contains("Content-Length: 6\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let form = server.ask("POST /form HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    assert!(form.ends_with("hello"), "{form}");
    assert!(
        server
            .ask("GET /none HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(
        server
            .ask("DELETE / HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 404 ")
    );
    let large = server.ask("GET /large HTTP/1.1\r\n\r\n");
    assert!(large.len() > 1_000_000);
    echoes(&mut server.client(), "hello");
    let service = server.stop();
    assert_eq!(service.texts(), ["hello", "stop"]);
    assert_eq!(service.closed_count(), 2);
}

#[test]
fn an_upgrade_that_is_not_one_is_refused_by_name() {
    let server = Server::plain();
    let cases = [
        (
            "/ws",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Version: 8",
            "426",
        ),
        ("/ws", "dGhlIHNhbXBsZSBub25jZQ==", "short", "400"),
        ("/ws", "Connection: Upgrade", "Connection: close", "400"),
        ("/ws", "Host: h", "X: h", "400"),
        ("/ws", "GET", "POST", "405"),
        ("/ws", "HTTP/1.1", "HTTP/1.0", "505"),
        ("/ws", "HTTP/1.1", "HTTP/2.0", "505"),
        ("/ws", "GET /ws HTTP/1.1", "\u{16}\u{3}\u{1}", "400"),
        ("/ws", "Host: h", "Host: h\r\nContent-Length: 5000", "413"),
        ("/ws", "Upgrade: websocket", "Upgrade: h2c", "404"),
        ("/elsewhere", "/ws", "/elsewhere", "404"),
    ];
    for (path, part, instead, status) in cases {
        let answer = server.ask(&UPGRADE.replacen(part, instead, 1));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path} {instead}: {answer}"
        );
    }
    let version = server.ask(&UPGRADE.replace(": 13", ": 99"));
    assert!(version.contains("Sec-WebSocket-Version: 13\r\n"));
    let long = server.ask(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(9_000)));
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
}

#[test]
fn a_known_subprotocol_is_chosen_and_an_unknown_one_is_not() {
    let server = Server::plain();
    let offer = |names: &str| {
        let offered = format!("Host: h\r\nSec-WebSocket-Protocol: {names}");
        let mut stream = server.connect();
        stream
            .write_all(UPGRADE.replace("Host: h", &offered).as_bytes())
            .unwrap();
        let mut answer = [0; 512];
        let count = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    assert!(offer("a, orrery.v1.json").contains("Sec-WebSocket-Protocol: orrery.v1.json\r\n"));
    let unknown = offer("a, b");
    assert!(
        unknown.starts_with("HTTP/1.1 101 ") && !unknown.contains("Protocol:"),
        "{unknown}"
    );
}

#[test]
fn last_words_reach_a_peer_that_is_still_sending() {
    let server = Server::plain();
    let large = frame(0x81, &vec![b'x'; 60_000]);
    for (code, bytes) in [
        (1009, large),
        (
            1007,
            [frame(0x81, &[0xff]), frame(0x82, &vec![0; 60_000])].concat(),
        ),
        (
            1002,
            [frame(0x83, b""), frame(0x82, &vec![0; 60_000])].concat(),
        ),
    ] {
        let mut stream = server.open();
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .expect("an end, not a reset");
        assert_eq!(close_code(&answer), Some(code));
    }
    let mut stream = server.connect();
    stream
        .write_all(b"POST /form HTTP/1.1\r\nContent-Length: 99999\r\n\r\n")
        .unwrap();
    stream.write_all(&vec![b'x'; 99_999]).unwrap();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an end, not a reset");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn deadlines_come_by_the_reactors_clock() {
    let clock = Arc::new(ManualClock::new());
    let server = Server::start(1, NetConfig::default(), Arc::clone(&clock) as _);
    let mut slow = server.connect();
    slow.write_all(b"GET / HT").unwrap();
    // An answer to somebody later means that the slow one has been taken in.
    assert!(server.ask("GET /page HTTP/1.1\r\n\r\n").ends_with("a page"));
    clock.advance(HEAD_MS_MAX);
    server.wakers[0].notify();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn an_address_has_its_limit_and_gets_its_places_back() {
    let config = NetConfig {
        connections_per_ip_max: 2,
        ..NetConfig::default()
    };
    let server = Server::start(1, config, Arc::new(SystemClock::new()));
    let mut first = server.client();
    let mut second = server.client();
    let mut third = server.connect();
    let mut nothing = Vec::new();
    // Refused at the door: an end or a reset, never an answer.
    let _ = third.write_all(UPGRADE.as_bytes());
    let _ = third.read_to_end(&mut nothing);
    assert!(nothing.is_empty());
    echoes(&mut first, "still here");
    second.close(None).unwrap();
    while second.read().is_ok() {}
    drop(second);
    // The place is free once the server has seen the end; until then the door stays shut.
    let mut again = loop {
        let mut stream = server.connect();
        let _ = stream.write_all(UPGRADE.as_bytes());
        let mut answer = [0; 12];
        if stream.read_exact(&mut answer).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 101");
            break stream;
        }
    };
    again.write_all(&frame(0x81, b"hello")).unwrap();
    assert!(server.counters[0].refused.value() >= 1);
}

#[test]
fn shards_share_newcomers_fairly() {
    const CLIENTS: usize = 64;
    const SHARDS: usize = 3;
    let config = NetConfig::default();
    let server = Server::start(SHARDS as u16, config, Arc::new(SystemClock::new()));
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
    for client in &mut clients {
        echoes(client, "here");
    }
    let counts: Vec<u64> = server
        .counters
        .iter()
        .map(|counters| counters.connections.value())
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), CLIENTS as u64);
    let fair = (CLIENTS / SHARDS) as u64;
    let lead = 2 * SHARD_LEAD_MAX as u64;
    assert!(
        counts.iter().all(|count| count.abs_diff(fair) <= lead),
        "{counts:?}"
    );
}

#[test]
fn newcomers_get_in_past_a_crowd_over_all_shards_and_who_is_in_stays() {
    for shards in [1, 3] {
        let config = NetConfig {
            connections_max: 16,
            ..NetConfig::default()
        };
        let server = Server::start(shards, config, Arc::new(SystemClock::new()));
        let mut pilot = server.client();
        echoes(&mut pilot, "login");
        for round in 1..=10 {
            let crowd: Vec<_> = (0..32).map(|_| server.connect()).collect();
            // Each shard has taken its part of the crowd in: the newcomer is the youngest.
            let accepted = || {
                server
                    .counters
                    .iter()
                    .map(|counters| counters.accepted.value())
            };
            while accepted().sum::<u64>() < 33 * round {
                thread::yield_now();
            }
            echoes(&mut server.client(), "in");
            echoes(&mut pilot, "still here");
            drop(crowd);
        }
        let displaced = server
            .counters
            .iter()
            .map(|counters| counters.displaced.value());
        assert!(displaced.sum::<u64>() > 0);
    }
}

#[test]
fn two_servers_cannot_share_a_port_unnoticed() {
    let server = Server::start(2, NetConfig::default(), Arc::new(SystemClock::new()));
    let clock = Arc::new(SystemClock::new());
    let taken = Reactor::bind(server.address, 2, NetConfig::default(), None, clock);
    assert_eq!(taken.err().unwrap().kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn a_ring_from_another_thread_reaches_the_service() {
    let server = Server::plain();
    let mut client = server.client();
    for _ in 0..100 {
        server.wakers[0].notify();
    }
    echoes(&mut client, "after the rings");
    drop(client);
    let service = server.stop();
    let wakes = service.count(|call| *call == Call::Wake);
    assert!((1..=100).contains(&wakes), "{wakes}");
}

#[test]
fn a_client_that_never_reads_is_bounded_and_harms_nobody() {
    let server = Server::plain();
    let mut deaf = server.open();
    let mut honest = server.client();
    for _ in 0..20 {
        deaf.write_all(&frame(0x81, b"flood 1000")).unwrap();
        echoes(&mut honest, "still served");
    }
    drop((deaf, honest));
    let service = server.stop();
    assert!(service.sent.contains(&Sent::Full));
    assert!(service.pending_bytes_max <= NetConfig::default().pending_bytes_max);
}

#[test]
fn a_reset_ends_one_connection_and_no_other() {
    let server = Server::plain();
    let mut honest = server.client();
    for _ in 0..50 {
        let mut rude = server.open();
        // Unread output at the moment of closing makes the kernel send a reset.
        rude.write_all(&frame(0x81, b"flood 10")).unwrap();
        rude.peek(&mut [0]).unwrap();
        drop(rude);
        drop(server.connect());
        let half = server.open();
        half.shutdown(Shutdown::Write).unwrap();
    }
    echoes(&mut honest, "still served");
    drop(honest);
    let service = server.stop();
    assert_eq!(service.closed_count(), 102);
    assert!(service.closed_count() == service.count(|call| matches!(call, Call::Open(_))));
}

#[test]
fn many_clients_each_get_their_own_echo() {
    let server = Server::start(2, NetConfig::default(), Arc::new(SystemClock::new()));
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        for number in 0..4 {
            let (server, done) = (&server, done.clone());
            scope.spawn(move || {
                let mut clients: HashMap<_, _> = (0..25).map(|i| (i, server.client())).collect();
                for round in 0..20 {
                    for (index, client) in &mut clients {
                        client
                            .send(format!("{number} {index} {round}").into())
                            .unwrap();
                    }
                    for (index, client) in &mut clients {
                        let text = format!("{number} {index} {round}");
                        assert_eq!(client.read().unwrap(), Message::from(text));
                    }
                }
                done.send(()).unwrap();
            });
        }
    });
    drop(done);
    assert_eq!(results.iter().count(), 4);
}
