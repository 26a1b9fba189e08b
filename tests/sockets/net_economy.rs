//! What the net layer asks of the kernel: one write a message, and looks at the sockets that are
//! not one a message once clients are many.

use crate::net_rig;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use net_rig::{Call, LOCAL, Recorder, UPGRADE, frame};
use orrery::net::connection::{Readiness, Transport};
use orrery::net::memory::{End, duplex};
use orrery::net::shard::{Common, Shard};
use orrery::net::{Io as _, ManualClock, NetConfig, Reactor, Sent, SystemClock};

/// A stream that counts what it is asked for.
struct Counted {
    end: End,
    writes: Arc<AtomicUsize>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.end.read(buffer)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.end.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Counted {
    fn ready(&mut self, readiness: Readiness) {
        self.end.ready(readiness);
    }

    fn hang_up(&mut self) -> io::Result<()> {
        self.end.hang_up()
    }
}

#[test]
fn a_message_is_one_write_however_long_and_whoever_else_is_there() {
    const CLIENTS: usize = 50;
    let common = Common::new(NetConfig::default(), Arc::new(ManualClock::new()));
    let mut shard = Shard::new(0, common);
    let mut service = Recorder::default();
    let writes = Arc::new(AtomicUsize::new(0));
    let mut ends = Vec::new();
    let mut conns = Vec::new();
    for _ in 0..CLIENTS {
        let (end, mut far) = duplex();
        let writes = Arc::clone(&writes);
        conns.push(shard.admit(Counted { end, writes }, LOCAL).unwrap());
        far.write_all(UPGRADE.as_bytes()).unwrap();
        ends.push(far);
    }
    while shard.turn(&mut service) {}
    for bytes in [1, 4_000, 16_000, 100_000] {
        let before = writes.load(Ordering::Relaxed);
        for &conn in &conns {
            let sent = shard.send(conn, "x".repeat(bytes).into());
            assert_eq!(sent, Sent::Flushed);
        }
        // Nothing of it is left for the turn.
        while shard.turn(&mut service) {}
        let made = writes.load(Ordering::Relaxed) - before;
        assert_eq!(
            made, CLIENTS,
            "writes for {CLIENTS} messages of {bytes} bytes"
        );
    }
}

/// A reactor on a thread of its own, and a raw connection that is a WebSocket already.
fn serve(gather_us: u64) -> (Reactor, TcpStream) {
    let config = NetConfig {
        gather_us,
        ..NetConfig::default()
    };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = Arc::new(SystemClock::new());
    let reactor = Reactor::bind(any, 1, config, None, clock)
        .unwrap()
        .remove(0);
    let stream = TcpStream::connect(reactor.local_addr()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(40)))
        .unwrap();
    (reactor, stream)
}

fn upgrade(stream: &mut TcpStream) {
    stream.write_all(UPGRADE.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

#[test]
fn a_busy_shard_gathers_what_comes_between_two_looks() {
    const SPAN: Duration = Duration::from_millis(50);
    const MESSAGES: u32 = 400;
    let (reactor, mut stream) = serve(SPAN.as_micros() as u64);
    let (waker, counters) = (reactor.waker(), reactor.counters());
    let thread = thread::spawn(move || {
        let mut service = Recorder::default();
        reactor.run(&mut service).unwrap();
        service
    });
    upgrade(&mut stream);
    let (began, before) = (Instant::now(), counters.looks.value());
    for _ in 0..MESSAGES {
        stream.write_all(&frame(0x81, b"x")).unwrap();
        // Each by itself, as from clients that know nothing of each other.
        let sent = Instant::now();
        while sent.elapsed() < Duration::from_micros(500) {
            thread::yield_now();
        }
    }
    let mut echoes = vec![0; 3 * MESSAGES as usize];
    stream.read_exact(&mut echoes).unwrap();
    let spans = began.elapsed().as_micros() / SPAN.as_micros();
    let looks = u128::from(counters.looks.value() - before);
    assert!(looks <= 2 * spans + 8, "{looks} looks in {spans} spans");
    stream.write_all(&frame(0x81, b"stop")).unwrap();
    drop(stream);
    waker.notify();
    assert_eq!(thread.join().unwrap().texts().len(), MESSAGES as usize + 1);
}

#[test]
fn a_shard_at_rest_hears_every_ring_and_looks_at_its_sockets() {
    // So long that whoever waits for it fails.
    let (reactor, mut stream) = serve(600_000_000);
    let waker = reactor.waker();
    let thread = thread::spawn(move || {
        let mut service = Recorder::default();
        reactor.run(&mut service).unwrap();
        service
    });
    let client = thread::spawn(move || {
        upgrade(&mut stream);
        for _ in 0..20 {
            stream.write_all(&frame(0x81, b"x")).unwrap();
            stream.read_exact(&mut [0; 3]).unwrap();
        }
        stream.write_all(&frame(0x81, b"stop")).unwrap();
    });
    while !thread.is_finished() {
        waker.notify();
        thread::sleep(Duration::from_millis(1));
    }
    client.join().unwrap();
    let service = thread.join().unwrap();
    assert_eq!(service.texts().len(), 21);
    assert!(service.count(|call| *call == Call::Wake) >= 20);
}
