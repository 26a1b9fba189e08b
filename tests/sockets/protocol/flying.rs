//! Systems, spawns, flight and docks.

use std::f64::consts::TAU;
use std::sync::Arc;

use orrery::ids::Name;
use orrery::protocol::world::{Entity, Event};
use orrery::protocol::{ErrorCode, Fixed2, Flight, Reply};

use crate::support::{Client, Server, Setup, Shared, buy, worlds};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

fn speed(ship: &Entity) -> f64 {
    ship.vx.to_f64().hypot(ship.vy.to_f64())
}

#[test]
fn the_first_pilot_of_sol_appears_where_the_zones_blend_as_promised() {
    let server = Server::built_in();
    let mut client = Client::log_in(&server, "first");
    let joined = client.enter("sol-1");
    let spawn = (
        joined.spawn.x.to_f64(),
        joined.spawn.y.to_f64(),
        joined.spawn.rotation.to_f64(),
    );
    assert_eq!(spawn, (1200.0, 400.0, 1.57));
    assert_eq!((joined.tick_rate, joined.protocol_version), (30, 1));
    assert_eq!(joined.view_radius.to_f64(), 1000.0);
    assert!(joined.flight.is_some());
    let you = client.sky.you();
    assert_eq!(
        (you.credits, you.hull, you.fuel.to_f64()),
        (5000, 100, 100.0)
    );
    assert_eq!((you.cargo.len(), you.cargo_capacity), (0, Some(50)));
    assert_eq!(you.hull_max, Some(100));
    assert_eq!(you.fuel_max.map(Fixed2::to_f64), Some(100.0));
    assert_eq!(you.docked_at, None);
    let ship = client.sky.ship().unwrap();
    assert_eq!(
        (ship.x.to_f64(), ship.y.to_f64(), speed(ship)),
        (1200.0, 400.0, 0.0)
    );
    client.deltas(1);
    let context = client.sky.context.clone().unwrap();
    let ids: Vec<&str> = context.zone_ids.iter().map(Name::as_str).collect();
    assert_eq!(ids, ["z_earth_approach"]);
    let blended = (
        context.blended_risk.to_f64(),
        context.blended_security.to_f64(),
        context.blended_profit_multiplier.to_f64(),
    );
    assert_eq!(blended, (0.68, 0.32, 1.28));
    let zones = client.sky.zones.iter();
    let zone = zones
        .clone()
        .find(|zone| zone.zone_id.as_str() == "z_earth_approach");
    assert!(zone.is_some_and(|zone| zone.pvp_allowed && zone.radius.to_f64() == 900.0));
    client.dock();
    assert_eq!(client.sky.docked_at(), Some("earth-orbit-station"));
}

#[test]
fn nobody_appears_inside_another() {
    let server = server();
    let mut pilots: Vec<Client> = (0..5)
        .map(|number| Client::pilot(&server, &format!("crowd-{number}")))
        .collect();
    let last = pilots.last_mut().unwrap();
    let ships: Vec<&Entity> = last
        .sky
        .entities
        .values()
        .filter(|entity| entity.id.starts_with("s_"))
        .collect();
    assert!(ships.len() >= 5);
    for (nth, a) in ships.iter().enumerate() {
        for b in &ships[..nth] {
            let gap = (a.x.to_f64() - b.x.to_f64()).hypot(a.y.to_f64() - b.y.to_f64());
            assert!(gap >= 23.9 || speed(a) + speed(b) > 0.0, "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_system_that_is_not_there_is_unknown() {
    let server = server();
    let mut client = Client::log_in(&server, "lost");
    match client.join("sol-9") {
        Reply::Error(error) => assert_eq!(error.code, ErrorCode::UnknownSystem),
        other => panic!("an error, not {other:?}"),
    }
    client.enter("far-1");
}

#[test]
fn a_system_that_holds_all_it_may_is_full() {
    let server = Server::start(Setup::world(&worlds::tiny()));
    let _first = Client::pilot(&server, "first");
    let mut second = Client::log_in(&server, "second");
    match second.join("sol-1") {
        Reply::Error(error) => assert_eq!(error.code, ErrorCode::SystemFull),
        other => panic!("an error, not {other:?}"),
    }
    second.enter("far-1");
    second.control(0.0, 0.0, false, true);
    match second.join("sol-1") {
        Reply::Error(error) => {
            let expected = [ErrorCode::SystemFull, ErrorCode::NotDocked];
            assert!(expected.contains(&error.code), "{error:?}");
        }
        other => panic!("an error, not {other:?}"),
    }
    second.deltas(2);
}

/// Where a ship is after one tick of the flight that the protocol describes.
fn flown(pose: [f64; 5], flight: Flight, thrust: f64, turn: f64) -> [f64; 5] {
    let [x, y, vx, vy, r] = pose;
    let dt = 1.0 / 30.0;
    let r = r + turn * flight.turn_rate * dt;
    let push = thrust * flight.thrust_accel * dt;
    let slow = 1.0 + flight.drag * dt;
    let (vx, vy) = ((vx + push * r.cos()) / slow, (vy + push * r.sin()) / slow);
    [x + vx * dt, y + vy * dt, vx, vy, r]
}

fn pose(ship: &Entity) -> [f64; 5] {
    [
        ship.x.to_f64(),
        ship.y.to_f64(),
        ship.vx.to_f64(),
        ship.vy.to_f64(),
        ship.r.to_f64(),
    ]
}

/// Flies a payload as it stands for some ticks and compares the server's ship with the formula's.
fn flies_as(player: &str, payload: &str, thrust: f64, turn: f64) {
    // A sky of its own: nobody to bump into.
    let server = Server::start(Setup::world(worlds::PORT));
    let mut client = Client::log_in(&server, player);
    let joined = client.enter("far-1");
    let flight = joined.flight.unwrap();
    let mut expected = pose(client.sky.ship().unwrap());
    let seq = client.send_as("input.command", payload);
    let mut ticks = 0;
    while ticks < 45 {
        client.deltas(1);
        if client.sky.last_input_seq != Some(seq) {
            continue;
        }
        ticks += 1;
        expected = flown(expected, flight, thrust, turn);
        let seen = pose(client.sky.ship().unwrap());
        for (nth, (seen, expected)) in seen.iter().zip(expected).enumerate() {
            let off = if nth == 4 {
                (seen - expected + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0
            } else {
                seen - expected
            };
            assert!(
                off.abs() < 0.05,
                "tick {ticks}, field {nth}: {seen} {expected}"
            );
        }
    }
    let burned = f64::from(ticks) * thrust * flight.fuel_burn / 30.0;
    let fuel = client.sky.you().fuel.to_f64();
    assert!((fuel - (100.0 - burned)).abs() < 0.02, "{fuel} {burned}");
}

#[test]
fn a_ship_flies_as_the_protocol_describes() {
    flies_as("ace", r#"{"thrust":0.8,"turn":-0.4}"#, 0.8, -0.4);
}

#[test]
fn controls_out_of_range_are_clamped() {
    flies_as("brute", r#"{"thrust":900,"turn":-1e9}"#, 1.0, -1.0);
    flies_as("timid", r#"{"thrust":-5,"turn":2}"#, 0.0, 1.0);
}

#[test]
fn a_control_that_is_left_out_is_neutral() {
    flies_as("idler", "{}", 0.0, 0.0);
    flies_as("turner", r#"{"turn":1}"#, 0.0, 1.0);
    flies_as("pusher", r#"{"thrust":1}"#, 1.0, 0.0);
}

#[test]
fn an_empty_input_lets_go_of_everything() {
    let server = server();
    let mut client = Client::log_in(&server, "releaser");
    client.enter("far-1");
    let seq = client.control(1.0, 0.0, true, false);
    client.applied(seq);
    client.deltas(10);
    let seq = client.send_as("input.command", "{}");
    client.applied(seq);
    let fast = speed(client.sky.ship().unwrap());
    client.deltas(10);
    assert!(speed(client.sky.ship().unwrap()) < fast);
}

#[test]
fn a_ship_docks_within_reach_once_it_is_slow_enough() {
    let server = server();
    let mut client = Client::pilot(&server, "docker");
    let mut watcher = Client::pilot(&server, "watcher");
    client.steer(1.0, 0.0);
    client.until("fast", |client, _| {
        client.sky.ship().is_some_and(|ship| speed(ship) > 110.0)
    });
    let seq = client.control(0.0, 0.0, false, true);
    client.applied(seq);
    assert!(client.sky.docked_at().is_none(), "too fast for a dock");
    let mut before = 0.0;
    let ship = client.sky.ship_id().to_owned();
    let docking = Event::Docked {
        source_id: ship.clone(),
        station_id: "alpha".to_owned(),
    };
    while client.sky.docked_at().is_none() {
        before = speed(client.sky.ship().unwrap());
        client.deltas(1);
    }
    assert!((77.0..83.0).contains(&before), "docked at {before}");
    let docked = client.sky.ship().unwrap().clone();
    assert_eq!(speed(&docked), 0.0);
    watcher.until_delta("others see it dock", |delta| {
        delta.events.contains(&docking)
    });
    let seq = client.control(0.0, 1.0, true, false);
    client.applied(seq);
    client.deltas(3);
    assert_eq!(client.sky.ship(), Some(&docked), "docked is at rest");
    assert!(client.sky.docked_at().is_some());
    client.undock();
    let undocking = Event::Undocked {
        source_id: ship,
        station_id: "alpha".to_owned(),
    };
    watcher.until_delta("others see it go", |delta| {
        delta.events.contains(&undocking)
    });
}

#[test]
fn a_pilot_is_told_when_the_pauses_of_docking_end() {
    let server = server();
    let mut client = Client::pilot(&server, "spammer");
    assert_eq!(client.sky.you().dock_ready_tick, None);
    client.dock();
    let docked = client.sky.tick;
    assert_eq!(client.sky.you().dock_ready_tick, Some(docked + 30));
    // Held through the pause.
    client.steer(1e-6, 0.0);
    client.until("it leaves", |client, _| client.sky.docked_at().is_none());
    assert_eq!(client.sky.tick, docked + 30);
    assert_eq!(client.sky.you().dock_ready_tick, Some(docked + 60));
    client.control(0.0, 0.0, false, true);
    client.until("it docks again", |client, _| {
        client.sky.docked_at().is_some()
    });
    assert_eq!(client.sky.tick, docked + 60);
    client.rest();
    client.undock();
    let ship = client.sky.ship_id().to_owned();
    client.control(0.0, 0.0, true, false);
    let is_own = |event: &Event| matches!(event, Event::ProjectileFired { source_id, .. } if *source_id == ship);
    client.until_delta("it fires", |delta| delta.events.iter().any(is_own));
    let fired = client.sky.tick;
    assert_eq!(client.sky.you().dock_ready_tick, Some(fired + 90));
    client.control(0.0, 0.0, false, true);
    let mut newest = fired;
    while client.sky.docked_at().is_none() {
        let mut own = false;
        client.until_delta("time passes", |delta| {
            own = delta.events.iter().any(is_own);
            true
        });
        newest = if own { client.sky.tick } else { newest };
    }
    assert_eq!(
        client.sky.tick,
        newest + 90,
        "three seconds after its last shot"
    );
}

#[test]
fn a_ship_out_of_reach_does_not_dock() {
    let server = server();
    let mut client = Client::log_in(&server, "faraway");
    client.enter("far-1");
    let seq = client.control(0.0, 0.0, false, true);
    client.applied(seq);
    client.deltas(5);
    assert_eq!(client.sky.docked_at(), None);
}

#[test]
fn a_docked_pilot_jumps_and_arrives_docked_at_the_first_station() {
    let server = server();
    let mut client = Client::pilot(&server, "jumper");
    let mut watcher = Client::pilot(&server, "left-behind");
    match client.join("far-1") {
        Reply::Error(error) => {
            assert_eq!(error.code, ErrorCode::NotDocked);
            assert!(error.message.contains("sol-1"), "{}", error.message);
        }
        other => panic!("an error, not {other:?}"),
    }
    client.dock();
    let Reply::TradeResult(_) = client.ask(buy("alpha", "water", 3)) else {
        panic!("a trade.result");
    };
    let ship = client.sky.ship_id().to_owned();
    let joined = client.enter("far-1");
    assert_eq!(joined.system_id.as_str(), "far-1");
    assert_eq!(client.sky.docked_at(), Some("gamma"));
    assert_eq!(client.sky.you().fuel.to_f64().to_bits(), 80_f64.to_bits());
    let told = client.notices.last().map(|notice| notice.kind);
    assert_eq!(told, Some(orrery::protocol::NoticeKind::Jump));
    assert_eq!(
        client.sky.held("water"),
        3,
        "what is in the hold comes along"
    );
    assert_eq!(client.sky.markets.len(), 1);
    client.deltas(3);
    let Reply::TradeResult(_) = client.ask(buy("gamma", "food", 1)) else {
        panic!("a trade.result");
    };
    watcher.until("others see it go", |watcher, _| {
        watcher.sky.gone.contains_key(&ship)
    });
    assert_eq!(
        watcher.sky.gone[&ship],
        orrery::protocol::world::RemovalReason::Jumped
    );
    let back = client.enter("sol-1");
    assert_eq!(back.system_id.as_str(), "sol-1");
    assert_eq!(client.sky.docked_at(), Some("alpha"));
}

#[test]
fn joining_the_own_system_again_gives_a_snapshot_of_the_same_ship() {
    let server = server();
    let mut client = Client::pilot(&server, "again");
    let ship = client.sky.ship_id().to_owned();
    let seq = client.steer(0.0, 0.3);
    client.applied(seq);
    assert_eq!(client.enter("sol-1").ship_id, ship);
    client.deltas(5);
    let seq = client.steer(0.0, 0.0);
    client.applied(seq);
}
