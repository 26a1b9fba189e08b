//! The process on a bad day: stopped and continued, without descriptors, with a log that nobody
//! reads, with a new certificate.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use orrery::limits::TICK_RATE_HZ;
use rustix::process::Signal;
use tungstenite::Message as Frame;

use crate::support::{Client, Log, Server, Setup, get, worlds};

const TICK_HZ: u64 = TICK_RATE_HZ as u64;

/// Processor time that a process has used.
fn used(server: &Server) -> Duration {
    let line = fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let (_, fields) = line.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // `utime` and `stime`, the 14th and 15th of all, in hundredths of a second.
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

#[test]
fn a_server_stopped_for_five_seconds_goes_on_without_a_burst_and_closes_nobody() {
    let server = Server::start(Setup::world(worlds::PORT));
    let mut client = Client::pilot(&server, "frozen");
    // In the middle of a login: its deadline passes while the server cannot hear it.
    let mut newcomer = Client::open(&server);
    client.deltas(10);
    let ticks = server.metric("orrery_ticks_total");
    server.signal(Signal::STOP);
    let stopped = Instant::now();
    let token = Server::token("newcomer");
    newcomer.send_as("auth.login", &format!(r#"{{"token":"{token}"}}"#));
    thread::sleep(Duration::from_secs(5));
    server.signal(Signal::CONT);
    let away = stopped.elapsed();
    let woken_at = client.sky.tick;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        client.next();
    }
    let (spent, heard) = (begun.elapsed(), client.sky.tick - woken_at);
    let due = spent.as_millis() as u64 * TICK_HZ / 1000;
    // Some from before the stop may have waited; a burst would be a hundred and fifty.
    assert!(
        heard <= due + 30,
        "a burst: {heard} ticks where {due} were due"
    );
    assert!(heard >= due / 2, "service goes on: {heard} of {due}");
    let run = (server.metric("orrery_ticks_total") - ticks) as u64;
    let live = stopped.elapsed().saturating_sub(away).as_millis() as u64 * TICK_HZ / 1000;
    assert!(run <= live + 30, "{run} ticks run in the time of {live}");
    assert!(server.metric("orrery_ticks_skipped_total") >= 4.0 * TICK_HZ as f64);
    newcomer.answer(1);
    newcomer.enter("sol-1");
    assert_eq!(client.complaints, []);
    let seq = client.steer(1.0, 0.0);
    client.applied(seq);
}

#[test]
fn a_server_without_descriptors_serves_those_inside_and_takes_others_later() {
    let server = Server::start(Setup {
        open_files_max: Some(64),
        ..Setup::world(worlds::PORT)
    });
    let mut inside = Client::pilot(&server, "inside");
    let mut crowd: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(server.listen).unwrap())
        .collect();
    // Nobody hangs: who could not be taken in is let go.
    let last = crowd.last_mut().unwrap();
    last.set_read_timeout(Some(crate::support::PATIENCE))
        .unwrap();
    assert!(matches!(last.read(&mut [0]), Ok(0) | Err(_)));
    let (begun, before) = (Instant::now(), used(&server));
    inside.deltas(60);
    let (spent, used) = (begun.elapsed(), used(&server).saturating_sub(before));
    assert!(spent < Duration::from_secs(4), "60 deltas took {spent:?}");
    assert!(
        used < spent / 2,
        "it spins: {used:?} of processor in {spent:?}"
    );
    drop(crowd);
    server.wait_until("others get in again", |server| answers(server.listen));
    server.wait_until("operators get in again", |server| answers(server.admin));
    let mut late = Client::pilot(&server, "late");
    late.deltas(5);
    assert!(server.metric("orrery_descriptors_exhausted_total") > 0.0);
    inside.deltas(5);
}

/// Whether a plain request is answered, and not just let go.
fn answers(port: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(port).unwrap();
    let asked = write!(stream, "GET / HTTP/1.1\r\nHost: {port}\r\n\r\n");
    let mut answer = Vec::new();
    let heard = asked.and_then(|()| stream.read_to_end(&mut answer));
    heard.is_ok() && answer.starts_with(b"HTTP/1.1 200 ")
}

/// A server that says all there is to say to nobody; its clients must not notice.
fn serves_whoever_reads_the_log(log: Log) {
    let mut server = Server::start(Setup {
        log,
        ..Setup::world(worlds::PORT)
    });
    let mut client = Client::pilot(&server, "unheard");
    let dropped = "orrery_log_lines_dropped_total";
    server.wait_until("the log is stuck", |server| {
        // A connection is worth some lines.
        for _ in 0..20 {
            get(server.listen, "/nothing");
        }
        server.metric(dropped) > 0.0
    });
    let begun = Instant::now();
    client.deltas(60);
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
    let seq = client.steer(1.0, 0.0);
    client.applied(seq);
    assert_eq!(get(server.admin, "/healthz").status, 200);
    server.terminate();
    assert_eq!(client.ending().code, 1001);
    let status = server
        .exit(Duration::from_secs(5))
        .expect("it ends in time");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_log_pipe_that_nobody_reads_holds_nothing_up() {
    serves_whoever_reads_the_log(Log::FullPipe);
}

#[test]
fn a_log_pipe_whose_reader_has_gone_holds_nothing_up() {
    serves_whoever_reads_the_log(Log::ClosedPipe);
}

#[test]
fn a_certificate_is_read_again_on_sighup_and_nobody_is_dropped() {
    let papers = tempfile::tempdir().unwrap();
    let paths = ["cert.pem", "key.pem"].map(|name| papers.path().join(name));
    let renew = || {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&paths[0], pair.cert.pem()).unwrap();
        fs::write(&paths[1], pair.signing_key.serialize_pem()).unwrap();
        pair.cert.der().clone()
    };
    let old = renew();
    let server = Server::start(Setup {
        flags: &[
            "--tls-cert",
            paths[0].to_str().unwrap(),
            "--tls-key",
            paths[1].to_str().unwrap(),
        ],
        ..Setup::world(worlds::PORT)
    });
    let mut early = Client::trusting(&server, &old);
    early.send_frame(Frame::Ping("here".into()));
    let new = renew();
    server.signal(Signal::HUP);
    server.wait_until("newcomers see the new certificate", |server| {
        Client::try_trusting(server, &new).is_some()
    });
    assert!(Client::try_trusting(&server, &old).is_none());
    early.login(&Server::token("early"));
    early.enter("sol-1");
    early.deltas(5);
    // A certificate that is of no use changes nothing.
    fs::write(&paths[0], "no certificate").unwrap();
    server.signal(Signal::HUP);
    early.deltas(30);
    assert!(Client::try_trusting(&server, &new).is_some());
}
