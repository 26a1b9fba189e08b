//! The program behind a relay that is a bad network.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orrery::limits::{LINGER_TICKS, SILENCE_MS_MAX, STALL_MS_MAX};
use orrery::protocol::Reply;
use orrery::protocol::client::ReceivedBody;
use orrery::protocol::world::RemovalReason;

use super::relay::{Flow, Relay};
use crate::support::{Client, Ending, Server, Setup, Shared, worlds};

static SHARED: Shared = Shared::new();

/// A server whose every delta has some kilobytes.
fn busy() -> Server {
    Server::start(Setup {
        flags: &["--view-radius", "5000"],
        ..Setup::world(&worlds::busy())
    })
}

/// One of them for all tests that count nothing of it.
fn server() -> Arc<Server> {
    SHARED.server(busy)
}

/// A client that reaches the server through a relay.
fn through(relay: &Relay, server: SocketAddr) -> Client {
    Client::over(TcpStream::connect(relay.address).unwrap(), server, "/ws")
}

/// A pilot who reaches the server through a relay.
fn pilot(relay: &Relay, server: &Server, player: &str) -> Client {
    let mut client = through(relay, server.listen);
    client.login(&Server::token(player));
    client.enter("sol-1");
    client
}

#[test]
fn a_login_and_a_flight_pass_byte_by_byte() {
    let server = Server::start(Setup::world(worlds::PORT));
    let relay = Relay::to(server.listen);
    let single = Flow::Slow {
        step: 1,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
    };
    relay.up(single);
    let mut client = through(&relay, server.listen);
    // Not before the upgrade: this client's library takes an answer in crumbs for an attack.
    relay.down(single);
    client.login(&Server::token("crumbs"));
    client.enter("sol-1");
    let seq = client.steer(1.0, 0.5);
    client.applied(seq);
    client.deltas(60);
    assert_eq!(client.complaints, []);
}

#[test]
fn a_login_that_is_split_at_any_byte_is_a_login() {
    // The upgrade, the login and the join have some 800 bytes; past their end nothing is split.
    const BYTES_MAX: usize = 900;
    let server = Server::start(Setup::world(worlds::PORT));
    let next = AtomicUsize::new(1);
    thread::scope(|scope| {
        for worker in 0..8 {
            let (server, next) = (&server, &next);
            scope.spawn(move || {
                let relay = Relay::to(server.listen);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > BYTES_MAX {
                        break;
                    }
                    let pause = Duration::from_millis(2);
                    relay.up(Flow::Split { at, pause });
                    let mut client = pilot(&relay, server, &format!("split-{worker}"));
                    client.deltas(1);
                    assert_eq!(client.complaints, [], "split at {at}");
                }
            });
        }
    });
}

#[test]
fn delay_and_jitter_cost_time_and_nothing_else() {
    let server = server();
    let relay = Relay::to(server.listen);
    let mut client = pilot(&relay, &server, "remote");
    let far = Flow::Slow {
        step: 16 * 1024,
        delay: Duration::from_millis(1),
        jitter: Duration::from_millis(15),
    };
    relay.up(far);
    relay.down(far);
    // The client holds each delta against the one before it, and snapshots against both.
    client.steer(0.5, 1.0);
    let before = client.sky.tick;
    client.until("three seconds", |client, _| client.sky.tick > before + 90);
    assert_eq!(client.complaints, []);
}

#[test]
fn a_short_stall_costs_deltas_and_ends_with_a_snapshot() {
    let server = busy();
    let relay = Relay::to(server.listen);
    let mut client = pilot(&relay, &server, "dozer");
    client.deltas(5);
    let dropped = "orrery_deltas_dropped_total";
    let before = server.metric(dropped);
    relay.down(Flow::Stall);
    server.wait_until("deltas are dropped", |server| {
        server.metric(dropped) >= before + 30.0
    });
    relay.down(Flow::Permit);
    let awake = client.sky.tick;
    let snapshots = client.sky.snapshots.len();
    let received = client.until("state after the gap", |client, _| {
        client.sky.snapshots.len() > snapshots
    });
    assert!(matches!(received.body, ReceivedBody::Snapshot(_)));
    assert!(client.sky.tick > awake + 30, "the gap was real");
    client.deltas(30);
    assert_eq!(client.complaints, []);
}

#[test]
fn a_reader_that_stands_still_for_ten_seconds_ends_with_4004() {
    let server = busy();
    let relay = Relay::to(server.listen);
    let mut client = pilot(&relay, &server, "sleeper");
    let closes = r#"orrery_closes_total{kind="too_slow"}"#;
    let dropped = "orrery_deltas_dropped_total";
    let (closed, missed) = (server.metric(closes), server.metric(dropped));
    relay.down(Flow::Stall);
    server.wait_until("its output stands still", |server| {
        server.metric(dropped) > missed
    });
    let begun = Instant::now();
    server.wait_until("the server gives up", |server| {
        server.metric(closes) > closed
    });
    let spent_ms = begun.elapsed().as_millis() as u64;
    assert!(
        (STALL_MS_MAX - 1_000..STALL_MS_MAX + 2_000).contains(&spent_ms),
        "{spent_ms} ms"
    );
    relay.down(Flow::Permit);
    assert_eq!(client.ending().code, 4004);
}

#[test]
fn a_reader_that_creeps_is_never_closed_and_never_fed_stale_state() {
    let server = server();
    let relay = Relay::to(server.listen);
    let mut client = pilot(&relay, &server, "snail");
    relay.down(Flow::Slow {
        step: 2048,
        delay: Duration::from_millis(100),
        jitter: Duration::ZERO,
    });
    // Twenty kilobytes a second, of a stream that has more.
    let begun = Instant::now();
    let (first_tick, first_delta) = (client.sky.tick, client.sky.deltas_count);
    client.until("twenty seconds", |_, _| begun.elapsed().as_secs() >= 20);
    let ticks = client.sky.tick - first_tick;
    let deltas = client.sky.deltas_count - first_delta;
    assert!(deltas < ticks * 9 / 10, "{deltas} deltas in {ticks} ticks");
    let mut fresh = Client::pilot(&server, "fresh");
    fresh.deltas(1);
    // What the kernels hold is the only queue: some 130 kB, seven seconds at this speed.
    let behind = fresh.sky.tick.saturating_sub(client.sky.tick);
    assert!(behind < 300, "{behind} ticks behind");
}

#[test]
fn a_cut_leaves_the_ship_for_ten_seconds_and_its_pilot_takes_it_back() {
    let server = Server::start(Setup::world(worlds::PORT));
    let relay = Relay::to(server.listen);
    let mut back_in_time = pilot(&relay, &server, "returner");
    let mut too_late = pilot(&relay, &server, "straggler");
    let mut watcher = Client::pilot(&server, "watcher");
    let ships = [&back_in_time, &too_late].map(|client| client.sky.ship_id().to_owned());
    // A ship that was never steered would be stored at once.
    for client in [&mut back_in_time, &mut too_late] {
        let seq = client.steer(0.0, 0.1);
        client.applied(seq);
    }
    relay.cut();
    for client in [&mut back_in_time, &mut too_late] {
        assert_eq!(client.ending().code, 1006);
    }
    watcher.deltas(1);
    let cut_at = watcher.sky.tick;
    watcher.until("two seconds", |watcher, _| watcher.sky.tick > cut_at + 60);
    for ship in &ships {
        assert!(
            watcher.sky.entities.contains_key(ship),
            "both are still there"
        );
    }
    let mut back = pilot(&relay, &server, "returner");
    assert_eq!(back.sky.ship_id(), ships[0]);
    watcher.until("the other is stored", |watcher, _| {
        watcher.sky.gone.contains_key(&ships[1])
    });
    assert_eq!(watcher.sky.gone[&ships[1]], RemovalReason::Despawned);
    let lingered = watcher.sky.tick - cut_at;
    assert!(
        (LINGER_TICKS - 30..LINGER_TICKS + 60).contains(&lingered),
        "{lingered} ticks"
    );
    back.deltas(1);
    assert!(watcher.sky.entities.contains_key(&ships[0]));
}

/// Waits until the server has let go of all connections but so many.
fn ends_within(server: &Server, left: f64, bound: Duration) -> Duration {
    let begun = Instant::now();
    while server.metric("orrery_connections") > left {
        assert!(begun.elapsed() < bound, "still connected after {bound:?}");
        thread::sleep(Duration::from_millis(50));
    }
    begun.elapsed()
}

#[test]
fn a_peer_that_vanished_and_takes_nothing_ends_like_a_slow_reader() {
    let server = Server::start(Setup {
        flags: &["--view-radius", "5000"],
        ..Setup::world(&worlds::busy())
    });
    let relay = Relay::to(server.listen);
    let client = pilot(&relay, &server, "vanished");
    relay.up(Flow::Swallow);
    relay.down(Flow::Stall);
    drop(client);
    ends_within(&server, 0.0, Duration::from_millis(STALL_MS_MAX + 10_000));
}

#[test]
#[ignore = "waits for the 45 seconds of silence"]
fn a_half_open_peer_ends_within_the_silence_bound() {
    let server = Server::start(Setup::world(worlds::PORT));
    let relay = Relay::to(server.listen);
    let client = pilot(&relay, &server, "half");
    let mut honest = Client::pilot(&server, "whole");
    // Its machine lost power: what is sent to it is lost, and nothing comes back.
    relay.up(Flow::Swallow);
    relay.down(Flow::Swallow);
    drop(client);
    let reader = thread::spawn(move || {
        // A client that answers pings stays, however little it says.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(SILENCE_MS_MAX + 8_000) {
            honest.next();
        }
        honest
    });
    let spent = ends_within(&server, 1.0, Duration::from_millis(SILENCE_MS_MAX + 5_000));
    assert!(
        spent >= Duration::from_millis(SILENCE_MS_MAX - 15_500),
        "{spent:?}"
    );
    let mut honest = reader.join().unwrap();
    honest.deltas(1);
    // The way is open again: whoever it was may come back.
    relay.up(Flow::Permit);
    relay.down(Flow::Permit);
    pilot(&relay, &server, "half").deltas(1);
}

#[test]
fn a_server_that_cannot_be_reached_any_more_is_an_end_without_a_word() {
    let mut server = Server::start(Setup::world(worlds::PORT));
    let relay = Relay::to(server.listen);
    let mut client = pilot(&relay, &server, "orphan");
    server.kill();
    assert_eq!(client.ending().code, 1006);
    let again = server.start_again();
    let mut back = Client::open(&again);
    assert!(matches!(
        back.login(&Server::token("orphan")),
        Reply::AuthOk(_)
    ));
    let Ending { code, .. } = {
        back.send_frame(tungstenite::Message::Close(None));
        back.ending()
    };
    assert_eq!(code, 1005);
}
