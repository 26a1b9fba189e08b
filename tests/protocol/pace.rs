//! Thirty times a second, for many at once, at little cost.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use orrery::wire::client::Body;

use crate::support::{Client, Server};

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
        if !matches!(client.next().body, Body::Delta(_)) {
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
