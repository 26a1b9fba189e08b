//! Sudden death: a trading child is killed at random moments, or its disk fails, and what it had
//! told must be there, what it had not told must not be doubled when it is asked for again.
//!
//! The child is this same program, run for its one test `the_trading_child`. Request `n` is the
//! same operation in every life, so the state after N outcomes is that of the first N requests,
//! each done once; the parent computes it anew and compares. Every random choice comes from the
//! run's number, which is printed when a run fails.

use crate::store_harness;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use orrery::store::{Answer, Batch, Cause, audit};
use store_harness::*;

const CHILD: &str = "ORRERY_STORE_CHILD";
const FIRST: &str = "ORRERY_STORE_FIRST";
const STOCK: i64 = 200;
/// Batches that the child lets wait for their durability, by lives: one shows an outcome that is
/// told too early, many show a group commit cut in two.
const WINDOWS: [usize; 2] = [1, 8];

/// A counter-based generator: the same number for the same key, always.
fn random(key: u64) -> u64 {
    let mut z = key.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0xD1B5);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The pilot's books as the game would keep them.
#[derive(Clone, Debug, PartialEq)]
struct Books {
    credits: i64,
    food: i64,
    stock: i64,
}

impl Books {
    const START: Self = Self {
        credits: 5000,
        food: 0,
        stock: STOCK,
    };

    /// Does request `n`; what moved, and the reply.
    fn request(&mut self, n: u64) -> (Option<orrery::store::Transaction>, String) {
        let quantity = (random(n) % 9 + 1) as i64;
        let price = (random(n ^ 0xABCD) % 40 + 1) as i64;
        let total = quantity * price;
        let buys = random(n ^ 0x1234).is_multiple_of(2);
        let possible = if buys {
            self.credits >= total && self.stock >= quantity && self.food + quantity <= 50
        } else {
            self.food >= quantity
        };
        if !possible {
            return (None, format!(r#"{{"n":{n},"code":"REFUSED"}}"#));
        }
        let sign = if buys { 1 } else { -1 };
        self.credits -= sign * total;
        self.food += sign * quantity;
        self.stock -= sign * quantity;
        let cause = if buys { Cause::Buy } else { Cause::Sell };
        let moved = trade(cause, &player("p_1"), quantity, price, &request_id(n));
        (
            Some(moved),
            format!(r#"{{"n":{n},"credits":{}}}"#, self.credits),
        )
    }

    fn after(requests: u64) -> Self {
        let mut books = Self::START;
        for n in 1..=requests {
            books.request(n);
        }
        books
    }
}

fn request_id(n: u64) -> String {
    format!("request-{n}")
}

/// Trades without end, and prints each outcome once it is durable.
#[test]
#[ignore = "the child that the crash tests start"]
fn the_trading_child() {
    let Ok(url) = std::env::var(CHILD) else {
        return;
    };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let config = orrery::store::StoreConfig::new(&url, "here", vec![name(SYSTEM)]);
    let mut opened = StoreUnderTest::open(&config).unwrap();
    let who = player("p_1");
    if opened.load(&who).record.is_none() {
        opened.keep(first_batch(&who, STOCK));
    }
    // A client that was not told asks again; what is remembered is answered, not done.
    let mut next = first;
    while let Some(kept) = opened.outcome(&who, &request_id(next)) {
        tell(next, &kept.reply);
        next += 1;
    }
    let window = WINDOWS[(random(first) % 2) as usize];
    let mut books = Books::after(next - 1);
    let mut waiting: VecDeque<(u64, Vec<(u64, String)>)> = VecDeque::new();
    loop {
        let mut batch = Batch::default();
        let mut replies = Vec::new();
        for _ in 0..=random(next ^ 0x77) % 3 {
            let (moved, reply) = books.request(next);
            batch.transactions.extend(moved);
            batch
                .outcomes
                .push(outcome(&who, &request_id(next), &reply));
            replies.push((next, reply));
            next += 1;
        }
        batch.checkpoints = vec![pilot(&who, books.credits, books.food)];
        if let Some(number) = opened.submit_unless_stopped(batch) {
            waiting.push_back((number, replies));
            if waiting.len() < window {
                continue;
            }
        }
        match opened.answer() {
            Answer::Durable { batch } => {
                while waiting.front().is_some_and(|(number, _)| *number <= batch) {
                    for (n, reply) in waiting.pop_front().unwrap().1 {
                        tell(n, &reply);
                    }
                }
            }
            Answer::Failed(error) => {
                println!("failed {error}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn tell(n: u64, reply: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "told {n} {reply}").unwrap();
    out.flush().unwrap();
}

/// Starts the child, under a shell that limits the size of its files if one is given.
fn start(url: &str, first: u64, file_blocks_max: Option<u64>) -> (Child, BufReader<ChildStdout>) {
    let program = std::env::current_exe().unwrap();
    let mut command = match file_blocks_max {
        None => Command::new(program),
        Some(blocks) => {
            let mut shell = Command::new("sh");
            let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
            shell.args(["-c", &script]).arg(program);
            shell
        }
    };
    let mut child = command
        .args([
            "--ignored",
            "--exact",
            "store_crash::the_trading_child",
            "--nocapture",
        ])
        .env(CHILD, url)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// Reads lines until `enough` were told or the child has ended; the error it reported, if any.
fn listen(
    out: &mut BufReader<ChildStdout>,
    enough: usize,
    told: &mut Vec<(u64, String)>,
) -> Option<String> {
    let mut heard = 0;
    let mut line = String::new();
    while heard < enough {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some(error) = line.strip_prefix("failed ") {
            return Some(error.to_owned());
        }
        // A killed writer may leave half a line: it was not told.
        let whole = line.strip_prefix("told ").filter(|_| line.ends_with('\n'));
        if let Some((n, reply)) = whole.and_then(|rest| rest.trim_end().split_once(' ')) {
            told.push((n.parse().unwrap(), reply.to_owned()));
            heard += 1;
        }
    }
    None
}

/// Every told outcome is kept word for word, and the books are those of each request done once.
fn verify(database: &Database, told: &[(u64, String)], seed: u64) {
    let who = player("p_1");
    // Opening waits for a commit that the dead child's connection may still have in the server.
    let opened = database.open();
    for (n, reply) in told {
        let kept = opened.outcome(&who, &request_id(*n));
        let kept = kept.unwrap_or_else(|| panic!("run {seed}: told {n} is lost"));
        assert_eq!(*kept.reply, **reply, "run {seed}, request {n}");
    }
    let loaded = opened.load(&who);
    let kept = database.count("SELECT COUNT(*) FROM outcomes") as u64;
    assert!(kept >= told.len() as u64);
    if let Some(record) = loaded.record {
        let books = Books::after(kept);
        assert_eq!(record, pilot(&who, books.credits, books.food), "run {seed}");
        assert_eq!(opened.stocks()[0].quantity, books.stock, "run {seed}");
    } else {
        assert_eq!(kept, 0, "run {seed}");
    }
    opened.store.close();
    let report = audit(&database.url).unwrap();
    assert!(report.is_clean(), "run {seed}: {report}");
}

/// Kills the child `runs` times on one database, checking after each.
fn crash_matrix(database: &Database, runs: u64) {
    let mut told: Vec<(u64, String)> = Vec::new();
    let mut checked = 0;
    for seed in 1..=runs {
        let first = told.last().map_or(1, |(n, _)| n + 1);
        let (mut child, mut out) = start(&database.url, first, None);
        let enough = (random(seed ^ 0xC0_FFEE) % 60) as usize;
        listen(&mut out, enough, &mut told);
        // Somewhere inside of a commit: a spin, since no event marks the moment.
        for _ in 0..random(seed ^ 0xFACE) % 2_000_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        listen(&mut out, usize::MAX, &mut told);
        let numbers = told.iter().map(|(n, _)| *n);
        assert!(numbers.eq(1..=told.len() as u64), "run {seed}: a gap");
        verify(database, &told[checked..], seed);
        checked = told.len();
    }
    assert!(told.len() as u64 > runs, "the child hardly traded");
    verify(database, &told, 0);
}

#[test]
fn nothing_told_is_lost_and_nothing_is_doubled_by_kill_9() {
    crash_matrix(&Database::sqlite(), 10);
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn nothing_told_is_lost_and_nothing_is_doubled_by_kill_9_on_postgres() {
    let database = Database::postgres();
    crash_matrix(&database, 5);
}

#[test]
#[ignore = "200 runs: cargo test --test programs store_crash -- --ignored"]
fn two_hundred_kills() {
    crash_matrix(&Database::sqlite(), 200);
}

#[test]
#[ignore = "200 runs: cargo test --test programs store_crash -- --ignored"]
fn two_hundred_kills_on_postgres() {
    let database = Database::postgres();
    crash_matrix(&database, 200);
}

/// A write that the kernel refuses, at some size of some file: in the log, in the middle of a
/// frame, or when the log is folded into the database.
#[test]
fn a_write_error_is_fatal_and_nobody_is_told_of_what_is_not_durable() {
    for seed in 1..=4 {
        let database = Database::sqlite();
        let mut told = Vec::new();
        let blocks = 600 + random(seed) % 900;
        let (mut child, mut out) = start(&database.url, 1, Some(blocks));
        let failed = listen(&mut out, usize::MAX, &mut told);
        child.wait().unwrap();
        let failed = failed.expect("the store noticed");
        assert!(failed.contains("the database failed while"), "{failed}");
        verify(&database, &told, seed);
    }
}
