//! What a delivered delta costs the server, against the least that any server could spend.
//!
//! Two servers, one loader. The *floor* does nothing but a bare non-blocking `write` of a ready
//! buffer per client and tick, and a `read` of what clients send. The other is `orrery serve` with
//! everything on: upgrade, login, world, interest, composition, inputs, database. Both send
//! messages of the same size at 30 Hz to the same bots, who send 10 inputs a second. What is
//! compared is the processor time of the server's process per message delivered; runs alternate, so
//! that a machine's moods meet both.
//!
//! Both serve all sockets from one thread, write each message with one call and read each input
//! with one. The floor has the easier time: its frame is one for all and never leaves the nearest
//! cache. It looks at its sockets whenever the kernel has news; the server, which wants inputs only
//! by the next tick, gathers news for up to 2 ms (`GATHER_US`) and so wakes less often.
//!
//! ```text
//! cargo bench --bench fanout
//! ORRERY_BENCH_CLIENTS=300 ORRERY_BENCH_SECONDS=5 ORRERY_BENCH_ROUNDS=2 cargo bench --bench fanout
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot run must stop"
)]

mod floor;
mod subject;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use orrery::ids::Name;
use orrery::session::token::Signer;
use orrery::swarm::{self, Conduct, SwarmOptions, SwarmPhase, SwarmReport};
use subject::Subject;

/// Secret of the tokens of this run, which ends with it.
const SECRET: &[u8] = b"a secret for one benchmark on loopback";
/// Ships within the view radius of each client. The server tells whole cells, those that lie wholly
/// within it, and so about 50 rows.
const IN_VIEW: u32 = 65;

struct Plan {
    clients: u32,
    duration: Duration,
    rounds: usize,
}

impl Plan {
    /// As the environment says; tiny unless it is `cargo bench` that runs this.
    fn from_environment() -> Self {
        let number = |name: &str, default: f64| {
            let text = std::env::var(format!("ORRERY_BENCH_{name}"));
            text.ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(default)
        };
        let is_bench = std::env::args().any(|argument| argument == "--bench");
        let (clients, seconds, rounds) = if is_bench && number("TINY", 0.0) == 0.0 {
            (1000.0, 8.0, 3.0)
        } else {
            (20.0, 0.3, 1.0)
        };
        Self {
            clients: number("CLIENTS", clients) as u32,
            duration: Duration::from_secs_f64(number("SECONDS", seconds)),
            rounds: number("ROUNDS", rounds) as usize,
        }
    }
}

/// Below this rate a server did less than it was asked for, and its cost is not comparable.
const HZ_MIN: f64 = 29.0;

/// One run of one server.
struct Cost {
    us_per_message: f64,
    core_percent: f64,
    report: SwarmReport,
}

fn measure(plan: &Plan, subject: &Subject) -> Cost {
    let options = SwarmOptions {
        url: format!("ws://{}/ws", subject.address),
        tls_ca: None,
        clients: plan.clients,
        duration: plan.duration,
        input_hz: 10.0,
        connect_hz: 1000,
        system: Name::parse("sol-1").unwrap(),
        prefix: "bench".to_owned(),
        conduct: Conduct::Fly,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let signer = Signer::new(SECRET).unwrap();
    let (mut used, mut window) = (Duration::ZERO, Duration::ZERO);
    let report = swarm::run(&options, &signer, &mut |progress| match progress.stretch {
        SwarmPhase::Measure if progress.spent.is_zero() => used = subject.processor_time(),
        SwarmPhase::Close if window.is_zero() => {
            used = subject.processor_time().saturating_sub(used);
            window = plan.duration;
        }
        _ => {}
    });
    let report = report.unwrap();
    assert_eq!(report.joined, plan.clients, "{report}");
    let messages = report.delivered.deltas + report.delivered.snapshots;
    assert!(messages > 0, "{report}");
    Cost {
        us_per_message: used.as_secs_f64() * 1e6 / messages as f64,
        core_percent: used.as_secs_f64() / report.duration_s * 100.0,
        report,
    }
}

fn tell(name: &str, cost: &Cost) {
    let (delivered, gap) = (&cost.report.delivered, &cost.report.gap_ms);
    println!(
        "{name:<6} {:>6.2} µs a message, {:>4.0} % of a node | {:>5.2} Hz, slowest {:>5.2}, gap p99 {:>5.1} ms max {:>6.1} | {:>5.0} B, {:>4.1} rows | swarm {:>3.0} %",
        cost.us_per_message,
        cost.core_percent,
        delivered.hz_mean,
        delivered.hz_min,
        gap.p99,
        gap.max,
        delivered.message_bytes_mean,
        delivered.rows_mean,
        cost.report.swarm.cpu_percent.unwrap_or(f64::NAN),
    );
}

/// The middle value, or the middle of the middle two.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    f64::midpoint(values[half], values[(values.len() - 1) / 2])
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--floor") {
        let bytes = arguments.next().and_then(|text| text.parse().ok()).unwrap();
        floor::serve(bytes);
        return;
    }
    let plan = Plan::from_environment();
    println!(
        "fanout: {} clients, about {IN_VIEW} others within the view radius, 30 Hz, 10 inputs/s each, {:.1} s a run",
        plan.clients,
        plan.duration.as_secs_f64()
    );
    let folder = tempfile::tempdir().unwrap();
    let (mut served, mut floors) = (Vec::new(), Vec::new());
    let mut is_starved = false;
    for _ in 0..plan.rounds.max(1) {
        // A new database each time: all pilots are new, and spread as the universe spreads them.
        let database = folder.path().join(format!("{}.db", served.len()));
        let server = Subject::server(folder.path(), &database, plan.clients, IN_VIEW);
        let cost = measure(&plan, &server);
        drop(server);
        tell("orrery", &cost);
        let bytes = cost.report.delivered.message_bytes_mean.round() as usize;
        served.push(cost.us_per_message);
        is_starved |= cost.report.delivered.hz_min < HZ_MIN;

        let floor = Subject::floor(bytes);
        let cost = measure(&plan, &floor);
        drop(floor);
        tell("floor", &cost);
        let sent = cost.report.delivered.message_bytes_mean;
        assert!(
            (sent - bytes as f64).abs() <= bytes as f64 * 0.02 + 8.0,
            "{sent} for {bytes} bytes"
        );
        floors.push(cost.us_per_message);
        is_starved |= cost.report.delivered.hz_min < HZ_MIN;
    }
    if is_starved {
        println!(
            "some runs fell below {HZ_MIN} Hz: the machine had no room, the ratio means little"
        );
    }
    let mut ratios: Vec<f64> = served.iter().zip(&floors).map(|(a, b)| a / b).collect();
    println!(
        "median: orrery {:.2} µs, floor {:.2} µs, ratio {:.2}",
        median(&mut served),
        median(&mut floors),
        median(&mut ratios)
    );
}
