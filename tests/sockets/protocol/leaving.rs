//! A lost connection: the ship stays for ten seconds, and is there again whenever its pilot is.

use std::sync::Arc;

use orrery::protocol::world::RemovalReason;
use orrery::protocol::{ErrorCode, Ping, Reply, Request};

use crate::support::{Client, Server, Setup, Shared, worlds};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

/// Reads all that was sent so far.
fn catch_up(client: &mut Client) {
    client.ask(Request::Ping(Ping { t0: 0.into() }));
}

#[test]
fn a_ship_lingers_for_ten_seconds_and_is_then_stored_where_it_was() {
    let server = server();
    let mut leaver = Client::pilot(&server, "leaver");
    let mut watcher = Client::pilot(&server, "watcher");
    leaver.steer(1.0, 0.5);
    leaver.deltas(20);
    let ship = leaver.sky.ship_id().to_owned();
    watcher.until("the ship moves", |watcher, _| {
        let seen = watcher.sky.entities.get(&ship);
        seen.is_some_and(|seen| seen.vx.to_f64() > 5.0)
    });
    catch_up(&mut watcher);
    let left_at = watcher.sky.tick;
    drop(leaver);
    let mut last = None;
    watcher.until("the ship is stored", |watcher, _| {
        let seen = watcher.sky.entities.get(&ship).cloned();
        last = seen.or(last.take());
        watcher.sky.gone.contains_key(&ship)
    });
    assert_eq!(watcher.sky.gone[&ship], RemovalReason::Despawned);
    let lingered = watcher.sky.tick - left_at;
    assert!((300..390).contains(&lingered), "{lingered} ticks");
    let last = last.unwrap();

    let mut back = Client::open(&server);
    let Reply::AuthOk(ok) = back.login(&Server::token("leaver")) else {
        panic!("auth.ok");
    };
    assert_eq!(ok.system_id.unwrap().as_str(), "sol-1");
    match back.join("far-1") {
        Reply::Error(error) => {
            assert_eq!(error.code, ErrorCode::NotDocked);
            assert!(error.message.contains("sol-1"), "{}", error.message);
        }
        other => panic!("an error, not {other:?}"),
    }
    let joined = back.enter("sol-1");
    let (dx, dy) = (
        joined.spawn.x.to_f64() - last.x.to_f64(),
        joined.spawn.y.to_f64() - last.y.to_f64(),
    );
    assert!(dx.hypot(dy) < 20.0, "{joined:?} {last:?}");
    assert!(back.sky.you().fuel.to_f64() < 100.0, "and as it was");
}

#[test]
fn a_pilot_who_is_back_in_time_takes_the_same_ship_over() {
    let server = server();
    let mut leaver = Client::pilot(&server, "returner");
    let mut watcher = Client::pilot(&server, "witness");
    leaver.steer(1.0, 0.0);
    leaver.deltas(15);
    let ship = leaver.sky.ship_id().to_owned();
    drop(leaver);
    // Nobody holds the throttle any more.
    let mut speeds = Vec::new();
    watcher.until("the ship slows down", |watcher, _| {
        let seen = &watcher.sky.entities[&ship];
        speeds.push(seen.vx.to_f64());
        speeds.len() > 10 && speeds[speeds.len() - 8..].is_sorted_by(|a, b| a > b)
    });
    let mut back = Client::open(&server);
    let Reply::AuthOk(ok) = back.login(&Server::token("returner")) else {
        panic!("auth.ok");
    };
    assert_eq!(ok.system_id.unwrap().as_str(), "sol-1");
    assert_eq!(back.enter("sol-1").ship_id, ship);
    // A fresh connection counts from the beginning.
    let seq = back.steer(0.0, 1.0);
    back.applied(seq);
    catch_up(&mut watcher);
    assert!(!watcher.sky.gone.contains_key(&ship), "it was never away");
    let left_at = watcher.sky.tick;
    watcher.until("ten seconds and more", |watcher, _| {
        watcher.sky.tick > left_at + 330
    });
    assert!(
        watcher.sky.entities.contains_key(&ship),
        "the clock was stopped"
    );
    back.deltas(330);
}

#[test]
fn a_docked_pilot_is_docked_again_and_may_join_another_system_from_ashore() {
    let server = server();
    let mut leaver = Client::pilot(&server, "moored");
    leaver.dock();
    let ship = leaver.sky.ship_id().to_owned();
    let mut watcher = Client::pilot(&server, "harbourmaster");
    drop(leaver);
    watcher.until("the ship is stored", |watcher, _| {
        watcher.sky.gone.contains_key(&ship)
    });
    let mut back = Client::log_in(&server, "moored");
    back.enter("far-1");
    assert_eq!(back.sky.docked_at(), Some("gamma"));
}
