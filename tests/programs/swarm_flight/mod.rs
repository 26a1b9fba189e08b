//! The load generator against a small server that speaks the protocol from a script.

mod command;
mod harbour;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harbour::{Harbour, Manner, SECRET};
use orrery::ids::Name;
use orrery::session::token::Signer;
use orrery::swarm::{self, Conduct, SwarmError, SwarmOptions, SwarmPhase, SwarmReport};

fn options(url: String, clients: u32) -> SwarmOptions {
    SwarmOptions {
        url,
        tls_ca: None,
        clients,
        duration: Duration::from_millis(1500),
        input_hz: 30.0,
        connect_hz: 500,
        system: Name::parse("sol-1").unwrap(),
        prefix: "bot".to_owned(),
        conduct: Conduct::Play,
        stop: Arc::new(AtomicBool::new(false)),
    }
}

fn flown(options: &SwarmOptions) -> Result<SwarmReport, SwarmError> {
    swarm::run(options, &Signer::new(SECRET).unwrap(), &mut |_| {})
}

#[test]
fn bots_log_in_fly_dock_and_trade() {
    let harbour = Harbour::open(Manner::Play);
    let report = flown(&options(harbour.url(), 8)).unwrap();
    assert_eq!(
        (report.joined, report.failed, report.lost),
        (8, 0, 0),
        "{report:?}"
    );
    assert!(report.delivered.deltas > 100, "{report:?}");
    assert!(
        report.delivered.hz_min > 0.0 && report.gap_ms.max > 0.0,
        "{report:?}"
    );
    assert!(
        (report.delivered.rows_mean - 2.0).abs() < 0.01,
        "{report:?}"
    );
    assert_eq!(
        (report.faults.seq_breaks, report.faults.unreadable),
        (0, 0),
        "{report:?}"
    );
    assert_eq!(report.delivered.ticks_missed, 0, "{report:?}");
    assert!(
        report.orders.done > 0 && report.orders.latency_ms.max > 0.0,
        "{report:?}"
    );
    assert_eq!(report.orders.unanswered, 0, "{report:?}");
    assert!(
        report.closes.is_empty() && report.failures.is_empty(),
        "{report:?}"
    );
    let seen = harbour.close();
    assert_eq!(seen.players.len(), 8);
    assert_eq!(
        seen.request_ids.len() as u64,
        report.orders.placed,
        "no request id twice"
    );
    assert_eq!(seen.goodbyes, 8, "each connection ends with a close frame");
}

#[test]
fn peaceful_bots_neither_fire_nor_dock() {
    let harbour = Harbour::open(Manner::Play);
    let report = flown(&SwarmOptions {
        conduct: Conduct::Fly,
        ..options(harbour.url(), 4)
    })
    .unwrap();
    assert_eq!((report.joined, report.orders.placed), (4, 0), "{report:?}");
    let seen = harbour.close();
    assert!(seen.inputs > 0 && seen.thrusts > 0, "{seen:?}");
    assert_eq!((seen.shots, seen.dockings), (0, 0), "{seen:?}");
}

#[test]
fn refused_logins_are_told_with_their_reason() {
    let harbour = Harbour::open(Manner::RefuseLogins);
    let report = flown(&options(harbour.url(), 3)).unwrap();
    assert_eq!((report.joined, report.failed), (0, 3));
    assert_eq!(
        report.failures.get("login: INVALID_TOKEN"),
        Some(&3),
        "{report:?}"
    );
    assert_eq!(report.errors.get("INVALID_TOKEN"), Some(&3), "{report:?}");
    assert!(
        report.closes.is_empty(),
        "the server only echoed the bots' goodbyes: {report:?}"
    );
    harbour.close();
}

#[test]
fn bots_that_the_server_had_no_room_for_come_back_when_it_says_so() {
    let harbour = Harbour::open(Manner::PutOffOnce(200));
    let report = flown(&options(harbour.url(), 3)).unwrap();
    assert_eq!((report.joined, report.failed), (3, 0), "{report:?}");
    assert_eq!(report.errors.get("SYSTEM_FULL"), Some(&3), "{report:?}");
    assert_eq!(harbour.close().players.len(), 3);
}

#[test]
fn connections_that_the_server_ends_are_counted_by_their_code() {
    let harbour = Harbour::open(Manner::EndAfterInputs(5, 4008));
    let report = flown(&options(harbour.url(), 3)).unwrap();
    assert_eq!((report.joined, report.lost), (3, 3), "{report:?}");
    assert_eq!(report.closes.get(&4008), Some(&3), "{report:?}");
    harbour.close();
}

#[test]
fn a_connection_cut_without_a_word_is_counted_as_abnormal() {
    let harbour = Harbour::open(Manner::CutAfterInputs(5));
    let report = flown(&options(harbour.url(), 2)).unwrap();
    assert_eq!(report.closes.get(&1006), Some(&2), "{report:?}");
    harbour.close();
}

#[test]
fn breaks_in_the_count_of_messages_are_found() {
    let harbour = Harbour::open(Manner::SkipOneSeq);
    let report = flown(&options(harbour.url(), 2)).unwrap();
    assert_eq!(report.faults.seq_breaks, 2, "{report:?}");
    harbour.close();
}

#[test]
fn where_nobody_listens_nobody_comes_in() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let report = flown(&options(format!("ws://{gone}/ws"), 2)).unwrap();
    assert_eq!((report.joined, report.failed), (0, 2));
    let (reason, count) = report.failures.iter().next().unwrap();
    assert!(reason.starts_with("connect: ") && *count == 2, "{report:?}");
}

#[test]
fn a_run_that_is_stopped_still_reports() {
    let harbour = Harbour::open(Manner::Play);
    let options = SwarmOptions {
        duration: Duration::from_hours(1),
        ..options(harbour.url(), 2)
    };
    let signer = Signer::new(SECRET).unwrap();
    let stop = Arc::clone(&options.stop);
    let report = swarm::run(&options, &signer, &mut |progress| {
        if progress.stretch == SwarmPhase::Measure {
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert_eq!(report.unwrap().joined, 2);
    harbour.close();
}

#[test]
fn options_out_of_bounds_are_refused_by_name() {
    let good = options("ws://127.0.0.1:1/ws".to_owned(), 1);
    for (options, flag) in [
        (
            SwarmOptions {
                clients: 0,
                ..good.clone()
            },
            "--clients",
        ),
        (
            SwarmOptions {
                clients: 1_000_000,
                ..good.clone()
            },
            "--clients",
        ),
        (
            SwarmOptions {
                input_hz: f64::NAN,
                ..good.clone()
            },
            "--input-hz",
        ),
        (
            SwarmOptions {
                connect_hz: 0,
                ..good.clone()
            },
            "--connect-hz",
        ),
        (
            SwarmOptions {
                duration: Duration::ZERO,
                ..good.clone()
            },
            "--duration",
        ),
        (
            SwarmOptions {
                prefix: "a b".to_owned(),
                ..good.clone()
            },
            "--prefix",
        ),
        (
            SwarmOptions {
                url: "wss://127.0.0.1:1".to_owned(),
                ..good.clone()
            },
            "--url",
        ),
    ] {
        let Err(SwarmError::Unusable(told)) = flown(&options) else {
            panic!("{flag} was taken")
        };
        assert!(told.contains(flag), "{told}");
    }
}
