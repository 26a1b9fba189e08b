//! What durability costs: a commit of n trades from `submit` to `Durable`, beside the alternative
//! of a transaction a trade; and a sustained 1,000 trades a second in 30 batches.
//!
//! `cargo bench --bench store` runs both; `-- sustained` prints the second alone. PostgreSQL takes
//! part where it is installed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/programs/store_harness/mod.rs"]
mod store_harness;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use orrery::ids::PlayerId;
use orrery::store::{Answer, Batch, Cause, audit};
use store_harness::{Database, StoreUnderTest, first_batch, outcome, player, trade};

const TICK: Duration = Duration::from_nanos(1_000_000_000 / 30);
const PILOTS: usize = 64;
const REPLY: &str = r#"{"ok":true,"credits":4890,"cargo":[{"commodity_id":"food","qty":10}],"details":{"station_id":"earth-orbit-station","commodity_id":"food","quantity":1,"unit_price":11,"total":11}}"#;

/// Pilots that buy and sell by turns, each trade with its request id and outcome.
struct Market {
    opened: StoreUnderTest,
    pilots: Vec<PlayerId>,
    trades: usize,
}

impl Market {
    fn open(database: &Database) -> Self {
        let mut opened = database.open();
        let pilots: Vec<_> = (0..PILOTS).map(|n| player(&format!("p_{n}"))).collect();
        for who in &pilots {
            opened.keep(first_batch(who, 1000));
        }
        Self {
            opened,
            pilots,
            trades: 0,
        }
    }

    fn batch(&mut self, trades: usize) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..trades {
            let who = &self.pilots[self.trades % PILOTS];
            let buys = (self.trades / PILOTS).is_multiple_of(2);
            let cause = if buys { Cause::Buy } else { Cause::Sell };
            let request = format!("request-{}", self.trades);
            batch.transactions.push(trade(cause, who, 1, 11, &request));
            batch.outcomes.push(outcome(who, &request, REPLY));
            self.trades += 1;
        }
        batch
    }

    /// Commits so many trades in batches of so many and waits for each.
    fn commit(&mut self, trades: usize, per_batch: usize) {
        for _ in 0..trades / per_batch {
            let batch = self.batch(per_batch);
            self.opened.keep(batch);
        }
    }
}

fn commits(criterion: &mut Criterion, kind: &str, database: &Database) {
    let mut market = Market::open(database);
    let mut group = criterion.benchmark_group(format!("store/{kind}"));
    group.sample_size(20);
    group.measurement_time(Duration::from_secs(4));
    for trades in [1, 33, 100, 1000] {
        group.throughput(Throughput::Elements(trades as u64));
        group.bench_function(BenchmarkId::new("commit", trades), |bencher| {
            bencher.iter(|| market.commit(trades, trades));
        });
    }
    group.throughput(Throughput::Elements(33));
    group.bench_function(BenchmarkId::new("commit_each", 33), |bencher| {
        bencher.iter(|| market.commit(33, 1));
    });
    group.finish();
    let trades = market.trades as i64;
    market.opened.store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.outcomes_count, trades);
}

/// 30 batches a second of 34 trades; how long each took to be durable, and what `submit` cost.
fn sustained(kind: &str, database: &Database, ticks: usize) {
    let mut market = Market::open(database);
    let rows = database.count("SELECT COUNT(*) FROM ledger");
    let start = Instant::now();
    let mut submitted: Vec<(u64, Instant)> = Vec::new();
    let mut latencies: Vec<Duration> = Vec::new();
    let mut submits: Vec<Duration> = Vec::new();
    for tick in 0..ticks {
        let batch = market.batch(34);
        let before = Instant::now();
        let number = market.opened.submit(batch);
        submits.push(before.elapsed());
        submitted.push((number, before));
        let next = start + TICK * (tick as u32 + 1);
        loop {
            let left = next.saturating_duration_since(Instant::now());
            let Ok(answer) = market.opened.answers.recv_timeout(left) else {
                break;
            };
            settle(&answer, &mut submitted, &mut latencies);
        }
    }
    while !submitted.is_empty() {
        let answer = market.opened.answer();
        settle(&answer, &mut submitted, &mut latencies);
    }
    let seconds = start.elapsed().as_secs_f64();
    let rows = database.count("SELECT COUNT(*) FROM ledger") - rows;
    let trades = ticks as f64 * 34.0 / seconds;
    latencies.sort();
    submits.sort();
    let ms = |sorted: &[Duration], per_mille: usize| {
        sorted[(sorted.len() - 1) * per_mille / 1000].as_secs_f64() * 1e3
    };
    println!(
        "sustained/{kind}: {trades:.0} trades/s, {:.0} rows/s; submit→durable ms p50 {:.2} \
         p99 {:.2} max {:.2}; submit ms p99 {:.3} max {:.3}",
        rows as f64 / seconds,
        ms(&latencies, 500),
        ms(&latencies, 990),
        ms(&latencies, 1000),
        ms(&submits, 990),
        ms(&submits, 1000),
    );
    assert!(trades > 990.0, "{trades} trades a second");
    assert_eq!(latencies.len(), ticks);
}

fn settle(answer: &Answer, submitted: &mut Vec<(u64, Instant)>, latencies: &mut Vec<Duration>) {
    let Answer::Durable { batch } = answer else {
        panic!("{answer:?}");
    };
    submitted.retain(|(number, at)| {
        let waits = number > batch;
        if !waits {
            latencies.push(at.elapsed());
        }
        waits
    });
}

fn main() {
    let databases = || {
        let sqlite = Some(("sqlite", Database::sqlite()));
        let postgres = store_harness::postgres_server::is_installed()
            .then(|| ("postgres", Database::postgres()));
        sqlite.into_iter().chain(postgres)
    };
    // `cargo test --benches` compiles and runs this once, quickly.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    for (kind, database) in databases() {
        sustained(kind, &database, if is_bench { 300 } else { 15 });
    }
    if std::env::args().any(|argument| argument == "sustained") {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for (kind, database) in databases() {
        commits(&mut criterion, kind, &database);
    }
}
