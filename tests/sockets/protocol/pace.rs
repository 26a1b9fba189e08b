//! Thirty times a second, for many at once, at little cost.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use orrery::ids::Name;
use orrery::limits::DELTA_BYTES_MAX;
use orrery::protocol::client::ReceivedBody;
use orrery::swarm::{self, Conduct, SwarmOptions};
use orrery::universe::bench_text;

use crate::support::{Client, Server, Setup};

const CLIENTS: usize = 64;
const SETTLE: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(10);

/// Processor time that a process has used, in seconds.
fn used_seconds(pid: u32) -> f64 {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = line.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().unwrap();
    // `utime` and `stime`, the 14th and 15th of all, in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

/// Deltas a second over the span, flying about all the while. What had waited to be read is read
/// before.
fn delivered_hz(client: &mut Client) -> f64 {
    let begun = Instant::now();
    while begun.elapsed() < SETTLE {
        client.next();
    }
    let (mut first, mut last, mut count) = (None, Instant::now(), 0);
    while first.is_none_or(|first: Instant| first.elapsed() < SPAN) {
        if !matches!(client.next().body, ReceivedBody::Delta(_)) {
            continue;
        }
        last = Instant::now();
        if first.is_none() {
            first = Some(last);
        } else {
            count += 1;
        }
        if count % 3 == 0 {
            client.steer(0.4, f64::from(count % 7) / 7.0);
        }
    }
    f64::from(count) / last.duration_since(first.unwrap()).as_secs_f64()
}

#[test]
#[ignore = "measures: wants a release build and a machine with nothing else to do"]
fn sixty_four_clients_get_thirty_deltas_a_second_for_a_tenth_of_a_core() {
    let server = Server::built_in();
    let clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::pilot(&server, &format!("pilot-{number}")))
        .collect();
    let skipped = server.metric("orrery_ticks_skipped_total");
    let (used, begun) = (used_seconds(server.pid()), Instant::now());
    let pilots: Vec<_> = clients
        .into_iter()
        .map(|mut client| thread::spawn(move || delivered_hz(&mut client)))
        .collect();
    let rates: Vec<f64> = pilots
        .into_iter()
        .map(|pilot| pilot.join().unwrap())
        .collect();
    let share = (used_seconds(server.pid()) - used) / begun.elapsed().as_secs_f64();
    let skipped = server.metric("orrery_ticks_skipped_total") - skipped;
    let (least, most) = rates
        .iter()
        .fold((f64::MAX, 0.0_f64), |(least, most), &rate| {
            (least.min(rate), most.max(rate))
        });
    println!(
        "{least:.2} to {most:.2} Hz, {:.1} % of a core, {skipped} ticks skipped",
        share * 100.0
    );
    assert!(least >= 29.7 && most <= 30.3, "{least} to {most} Hz");
    assert_eq!(skipped, 0.0);
    assert!(share < 0.1, "{share} of a core");
}

#[test]
#[ignore = "measures: wants a release build and a machine with nothing else to do"]
fn a_crowd_of_a_thousand_in_one_view_keeps_the_pace_and_each_client_its_budget() {
    const SHIPS: u32 = 1_000;
    let world = bench_text(SHIPS, SHIPS);
    let server = Server::start(Setup::world(&world));
    let options = SwarmOptions {
        url: format!("ws://{}/ws", server.listen),
        tls_ca: None,
        clients: SHIPS,
        duration: SPAN,
        input_hz: 10.0,
        connect_hz: 500,
        system: Name::parse("sol-1").unwrap(),
        prefix: "crowd".to_owned(),
        conduct: Conduct::Fly,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let report = swarm::run(&options, &Server::signer(), &mut |_| {}).unwrap();
    let ticks = server.metric("orrery_tick_seconds_count");
    let short = server.metric("orrery_tick_seconds_bucket{le=\"0.02\"}");
    println!("{report}\nof {ticks} ticks {short} took at most 20 ms");
    assert_eq!(report.joined, SHIPS);
    let delivered = &report.delivered;
    assert!(delivered.delta_bytes_mean_max <= DELTA_BYTES_MAX as f64);
    assert!(delivered.own_ship_percent >= 99.5);
    assert!(delivered.hz_min >= 29.0);
    assert!(short >= ticks * 0.99);
}

#[test]
fn a_swarm_flies_over_tls() {
    let server = Server::start(Setup {
        is_secure: true,
        ..Setup::default()
    });
    let options = SwarmOptions {
        url: server.url(),
        tls_ca: server.certificate(),
        clients: 3,
        duration: Duration::from_millis(300),
        input_hz: 10.0,
        connect_hz: 500,
        system: Name::parse("sol-1").unwrap(),
        prefix: "private".to_owned(),
        conduct: Conduct::Fly,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let report = swarm::run(&options, &Server::signer(), &mut |_| {}).unwrap();
    assert_eq!((report.joined, report.lost), (3, 0), "{report}");
    assert!(report.delivered.deltas > 15, "{report}");
    let folder = tempfile::tempdir().unwrap();
    let another = folder.path().join("another.pem");
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&another, stranger.cert.pem()).unwrap();
    let strangers = SwarmOptions {
        tls_ca: Some(another),
        ..options
    };
    let report = swarm::run(&strangers, &Server::signer(), &mut |_| {}).unwrap();
    assert_eq!(report.joined, 0, "{report}");
}
