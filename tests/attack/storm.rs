//! Everything at once: what honest pilots feel of it, what it costs, and what is left afterwards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use orrery::ids::Name;
use orrery::session::token::Signer;
use orrery::swarm::{self, Conduct, Options, Report};

use crate::footprint::{Footprint, Watch, processor, settled};
use crate::mob::{Deeds, Mob, Strength};
use crate::support::{SECRET, Server, Setup, worlds};

const HONEST: u32 = 100;

const STORM: Strength = Strength {
    slowloris: 500,
    nonreaders: 200,
    flooders: 200,
    garbage: 100,
    connects_hz: 2_000,
};

/// 99 of 100 gaps between two messages of the stream are shorter.
const GAP_P99_MS_MAX: f64 = 70.0;

/// What an allocator may keep once everybody is gone, beyond what it kept after the round before.
const KEPT_BYTES_MAX: u64 = 16_000_000;

/// A hundred pilots who fly, fight and trade.
fn honest(server: &Server, span: Duration) -> Report {
    let options = Options {
        url: format!("ws://{}/ws", server.listen),
        clients: HONEST,
        duration: span,
        input_hz: 10.0,
        connect_hz: 50,
        system: Name::parse("sol-1").unwrap(),
        prefix: "honest".to_owned(),
        conduct: Conduct::Play,
        stop: Arc::new(AtomicBool::new(false)),
    };
    swarm::run(&options, &Signer::new(SECRET).unwrap(), &mut |_| {}).unwrap()
}

struct Round {
    report: Report,
    deeds: Deeds,
    most: Footprint,
    left: Footprint,
    server_share: f64,
}

/// A round of attack of about this length, until all is quiet again.
fn round(server: &Server, span: Duration, seed: u64) -> Round {
    let watch = Watch::over(server);
    let mob = Mob::against(server, STORM, seed);
    let cpu = processor(server.pid());
    let report = honest(server, span);
    let cpu = processor(server.pid()).saturating_sub(cpu);
    let deeds = mob.end();
    Round {
        report,
        deeds,
        most: watch.end(),
        left: settled(server),
        server_share: cpu.as_secs_f64() / deeds.seconds,
    }
}

fn show(name: &str, round: &Round) {
    let Round {
        report,
        deeds,
        most,
        left,
        server_share,
    } = round;
    println!(
        "{name}: honest {:.1} Hz at worst, gaps p50 {:.1} p99 {:.1} max {:.1} ms, {} lost; server {:.0} % of a core, \
         at most {} files and {} MB, then {} files and {} MB; mob {:.0} % of a core, {:.0} connects and {:.0} kB a second, \
         {} thrown out, {} failed; swarm {:?} % of a core",
        report.delivered.hz_min,
        report.gap_ms.p50,
        report.gap_ms.p99,
        report.gap_ms.max,
        report.lost,
        server_share * 100.0,
        most.files,
        most.megabytes(),
        left.files,
        left.megabytes(),
        deeds.own_share * 100.0,
        deeds.connects as f64 / deeds.seconds,
        deeds.sent_bytes as f64 / deeds.seconds / 1000.0,
        deeds.thrown_out,
        deeds.failed,
        report.swarm.cpu_percent,
    );
}

fn is_honest_service(round: &Round) {
    let report = &round.report;
    assert_eq!(
        (report.joined, report.failed, report.lost),
        (HONEST, 0, 0),
        "{report:?}"
    );
    assert_eq!(
        report.faults.seq_breaks + report.faults.unreadable,
        0,
        "{report:?}"
    );
    assert!(
        report.gap_ms.p99 < GAP_P99_MS_MAX,
        "p99 {} ms",
        report.gap_ms.p99
    );
    assert!(
        report.delivered.hz_min >= 29.0,
        "{} Hz",
        report.delivered.hz_min
    );
}

/// How long a round measures; `ORRERY_STORM_SECONDS` says otherwise.
fn span() -> Duration {
    let seconds = std::env::var("ORRERY_STORM_SECONDS").ok();
    Duration::from_secs(seconds.map_or(15, |text| text.parse().unwrap()))
}

#[test]
#[ignore = "measures: wants a release build and a machine with nothing else to do"]
fn a_hundred_honest_pilots_feel_little_of_a_mob_of_a_thousand() {
    let server = Server::start(Setup {
        flags: &[
            "--max-connections",
            "2000",
            "--max-connections-per-ip",
            "256",
        ],
        ..Setup::world(worlds::PORT)
    });
    let calm = honest(&server, span() / 3);
    println!(
        "calm: gaps p50 {:.1} p99 {:.1} max {:.1} ms",
        calm.gap_ms.p50, calm.gap_ms.p99, calm.gap_ms.max
    );
    let before = settled(&server);
    println!(
        "announced bound {} MB; before {} files and {} MB",
        server.memory_bytes_max / 1_000_000,
        before.files,
        before.megabytes()
    );
    let first = round(&server, span(), 1);
    show("first round", &first);
    let second = round(&server, span(), 2);
    show("second round", &second);
    for round in [&first, &second] {
        is_honest_service(round);
        assert!(round.most.resident_bytes < server.memory_bytes_max);
        assert_eq!(round.left.files, before.files, "every file is closed again");
        assert!(
            round.deeds.connects as f64 > 1_500.0 * round.deeds.seconds,
            "it was a storm"
        );
    }
    let kept = second
        .left
        .resident_bytes
        .saturating_sub(first.left.resident_bytes);
    assert!(
        kept < KEPT_BYTES_MAX,
        "{kept} bytes more than after the first round"
    );
    assert_eq!(server.metric("orrery_ticks_skipped_total"), 0.0);
}
