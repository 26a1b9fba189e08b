//! 1,000 trades a second through the whole server: the program on an SQLite file, 40 pilots on
//! sockets who buy and sell by turns under request ids, each reply timed from its sending.
//!
//! `cargo bench --bench trades`. The same pilots first only watch for as long: what their replies
//! and the ticks look like beside it is the store's doing. Tick figures are the operator's own.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::ErrorKind;
use std::process::Command;
use std::time::{Duration, Instant};

use orrery::protocol::Reply;
use orrery::protocol::client::{Received, ReceivedBody};
use support::{Client, Server, Setup, Wire, get};
use tungstenite::{Error, Message, WebSocket};

const PILOTS: usize = 40;
const TRADES_PER_SECOND: usize = 1_020;
const STATION: &str = "earth-orbit-station";

/// One pilot's connection, never waited for.
struct Pilot {
    socket: WebSocket<Wire>,
    seq: u64,
    asked: Option<Instant>,
    due: Instant,
    trades: usize,
}

impl Pilot {
    fn new(server: &Server, number: usize) -> Self {
        let mut client = Client::pilot(server, &format!("p{number}"));
        client.dock();
        let seq = client.asked_seq;
        let socket = client.into_socket();
        socket.get_ref().tcp().set_nonblocking(true).unwrap();
        Self {
            socket,
            seq,
            asked: None,
            due: Instant::now(),
            trades: 0,
        }
    }

    /// Reads what is there; how long the reply took, if it is among it.
    fn read(&mut self) -> Option<Duration> {
        let mut took = None;
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) if text.contains("\"reply_to\":") => {
                    let received = Received::decode(text.as_str()).unwrap();
                    assert_eq!(received.reply_to, Some(self.seq));
                    let is_traded =
                        matches!(received.body, ReceivedBody::Reply(Reply::TradeResult(_)));
                    assert!(is_traded, "{text}");
                    took = self.asked.take().map(|asked| asked.elapsed());
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return took,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn trade(&mut self, number: usize) {
        let kind = ["trade.buy", "trade.sell"][self.trades % 2];
        let id = format!("{number}-{}", self.trades);
        self.seq += 1;
        self.trades += 1;
        let text = format!(
            r#"{{"type":"{kind}","seq":{},"ts":0,"payload":{{"station_id":"{STATION}","commodity_id":"food","quantity":1,"request_id":"{id}"}}}}"#,
            self.seq
        );
        self.asked = Some(Instant::now());
        self.socket.send(Message::text(text)).unwrap();
    }
}

/// Lets the pilots be for a while, trading or not; how long each reply took.
fn fly(pilots: &mut [Pilot], seconds: f64, is_trading: bool) -> Vec<Duration> {
    let period = Duration::from_secs_f64(PILOTS as f64 / TRADES_PER_SECOND as f64);
    let start = Instant::now();
    let count = pilots.len() as u32;
    for (number, pilot) in pilots.iter_mut().enumerate() {
        pilot.due = start + period * number as u32 / count;
    }
    let mut took = Vec::new();
    let end = start + Duration::from_secs_f64(seconds);
    loop {
        let now = Instant::now();
        for (number, pilot) in pilots.iter_mut().enumerate() {
            took.extend(pilot.read());
            if is_trading && now < end && now >= pilot.due && pilot.asked.is_none() {
                pilot.due += period;
                pilot.trade(number);
            }
        }
        if now >= end && pilots.iter().all(|pilot| pilot.asked.is_none()) {
            return took;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many ticks were late or long by more than 5 ms, and how long their submitting was.
#[derive(Clone, Copy)]
struct Ticks {
    all: f64,
    late: f64,
    long: f64,
    submits: f64,
    submits_slow: f64,
    submit_seconds: f64,
}

impl Ticks {
    fn read(server: &Server) -> Self {
        let page = get(server.admin, "/metrics").body;
        let figure = |name: &str| -> f64 {
            let lines = page.lines();
            let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            values.next().unwrap_or("0").trim().parse().unwrap()
        };
        let over = |name: &str, bound: &str| {
            let count = figure(&format!("orrery_{name}_seconds_count"));
            count - figure(&format!("orrery_{name}_seconds_bucket{{le=\"{bound}\"}}"))
        };
        Self {
            all: figure("orrery_ticks_total"),
            late: over("tick_lateness", "0.005"),
            long: over("tick", "0.005"),
            submits: figure("orrery_submit_seconds_count"),
            submits_slow: over("submit", "0.001"),
            submit_seconds: figure("orrery_submit_seconds_sum"),
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            all: self.all - before.all,
            late: self.late - before.late,
            long: self.long - before.long,
            submits: self.submits - before.submits,
            submits_slow: self.submits_slow - before.submits_slow,
            submit_seconds: self.submit_seconds - before.submit_seconds,
        }
    }

    fn tell(&self, what: &str) {
        println!(
            "trades/{what}: {:.0} ticks, {:.0} began more than 5 ms late, {:.0} took more than \
             5 ms; {:.0} submits of {:.1} µs, {:.0} above 1 ms",
            self.all,
            self.late,
            self.long,
            self.submits,
            self.submit_seconds * 1e6 / self.submits.max(1.0),
            self.submits_slow,
        );
    }
}

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let is_tiny = !is_bench || std::env::var_os("ORRERY_BENCH_TINY").is_some();
    let seconds = if is_tiny { 1.0 } else { 20.0 };
    let server = Server::start(Setup::default());
    let mut pilots: Vec<Pilot> = (0..PILOTS).map(|n| Pilot::new(&server, n)).collect();
    fly(&mut pilots, 1.0, true);
    let before = Ticks::read(&server);
    fly(&mut pilots, seconds, false);
    let watched = Ticks::read(&server);
    watched.since(before).tell("watching");
    let mut took = fly(&mut pilots, seconds, true);
    let traded = Ticks::read(&server).since(watched);
    traded.tell("trading");
    took.sort();
    let ms = |per_mille: usize| took[(took.len() - 1) * per_mille / 1000].as_secs_f64() * 1e3;
    let rate = took.len() as f64 / seconds;
    println!(
        "trades/replies: {rate:.0} a second; p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        ms(500),
        ms(990),
        ms(1000)
    );
    drop(pilots);
    let mut audit = Command::new(env!("CARGO_BIN_EXE_orrery"));
    audit.args(["audit", "--database"]).arg(server.database());
    let audited = audit.output().unwrap();
    assert!(audited.status.success(), "{audited:?}");
    if !is_tiny {
        assert!(rate > 990.0, "{rate} trades a second");
        assert!(ms(990) < 100.0, "p99 {} ms", ms(990));
    }
}
