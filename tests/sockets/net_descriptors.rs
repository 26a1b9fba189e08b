//! Running out of file descriptors, in a process of its own that was given few.

use crate::net_rig;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net_rig::{Recorder, UPGRADE, frame};
use orrery::net::{NetConfig, Reactor, SystemClock};

const CHILD: &str = "ORRERY_TEST_FEW_DESCRIPTORS";
const TEST: &str = "net_descriptors::running_out_of_descriptors_sheds_newcomers_and_serves_on";
const DESCRIPTORS: usize = 40;

/// A child that is ended with its test.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = Arc::new(SystemClock::new());
    let mut reactors = Reactor::bind(any, 1, NetConfig::default(), None, clock).unwrap();
    let reactor = reactors.remove(0);
    println!("\nlistening {}", reactor.local_addr());
    reactor.run(&mut Recorder::default()).unwrap();
}

fn start() -> Server {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -n {DESCRIPTORS} && exec \"$0\" --nocapture --exact {TEST}"
        ))
        .arg(program)
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .find_map(|line| line.unwrap().strip_prefix("listening ")?.parse().ok())
        .unwrap();
    Server { child, address }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// A WebSocket, if the server has a place.
fn open(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = connect(address);
    stream.write_all(UPGRADE.as_bytes()).ok()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(stream)
}

fn echoes(stream: &mut TcpStream) {
    stream.write_all(&frame(0x81, b"hello")).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\x81\x05hello");
}

/// Processor time that a process has used, in clock ticks of 10 ms.
fn used_ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn running_out_of_descriptors_sheds_newcomers_and_serves_on() {
    if std::env::var_os(CHILD).is_some() {
        return serve();
    }
    let server = start();
    let mut honest = open(server.address).unwrap();
    let mut crowd: Vec<TcpStream> = (0..2 * DESCRIPTORS)
        .map(|_| connect(server.address))
        .collect();
    echoes(&mut honest);
    // The newest could not be taken in: it is let go, not left hanging.
    let mut end = [0];
    assert!(matches!(
        crowd.last_mut().unwrap().read(&mut end),
        Ok(0) | Err(_)
    ));
    echoes(&mut honest);
    let (before, started) = (used_ticks(server.child.id()), Instant::now());
    while started.elapsed() < Duration::from_millis(500) {
        echoes(&mut honest);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let used = used_ticks(server.child.id()) - before;
    assert!(
        used < 25,
        "the server spins: {used} ticks of 10 ms in half a second"
    );
    drop(crowd);
    let mut late = std::iter::repeat_with(|| open(server.address))
        .flatten()
        .next()
        .unwrap();
    echoes(&mut late);
    echoes(&mut honest);
}
