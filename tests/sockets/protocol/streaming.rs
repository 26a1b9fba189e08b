//! The state stream: who is in view, what changed, how often, and in which numbers.

use std::collections::HashSet;
use std::f64::consts::PI;
use std::sync::Arc;

use jsonschema::Validator;
use orrery::protocol::client::ReceivedBody;
use orrery::protocol::world::RemovalReason;
use orrery::protocol::{ErrorCode, Reply};
use serde_json::Value;

use crate::support::{Client, Server, Setup, Shared, buy, worlds};

static SHARED: Shared = Shared::new();

fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

#[test]
fn a_join_is_followed_by_a_snapshot_and_then_by_deltas_tick_by_tick() {
    let server = server();
    let mut client = Client::log_in(&server, "joiner");
    let Reply::Joined(joined) = client.join("sol-1") else {
        panic!("session.joined");
    };
    let ReceivedBody::Snapshot(snapshot) = client.next().body else {
        panic!("the snapshot comes first");
    };
    assert!(snapshot.tick >= joined.tick);
    for nth in 1..=20 {
        let ReceivedBody::Delta(delta) = client.next().body else {
            panic!("a delta");
        };
        assert_eq!(delta.tick, snapshot.tick + nth);
    }
}

#[test]
fn a_snapshot_comes_every_five_seconds_and_shows_what_the_deltas_added_up_to() {
    let server = server();
    let mut client = Client::pilot(&server, "patient");
    client.steer(0.3, 1.0);
    client.until("two more snapshots", |client, _| {
        client.sky.snapshots.len() >= 3
    });
    let snapshots = &client.sky.snapshots;
    assert!(snapshots[1] - snapshots[0] <= 150, "{snapshots:?}");
    assert_eq!(snapshots[2] - snapshots[1], 150, "{snapshots:?}");
}

#[test]
fn an_entity_enters_view_with_its_kind_and_leaves_it_once() {
    let world = worlds::arena(false, "");
    let server = Server::start(Setup {
        flags: &["--view-radius", "100"],
        ..Setup::world(&world)
    });
    let mut watcher = Client::pilot(&server, "watcher");
    let mut runner = Client::pilot(&server, "runner");
    let ship = runner.sky.ship_id().to_owned();
    let follow = |watcher: &mut Client, runner: &Client| {
        while watcher.sky.tick < runner.sky.tick {
            watcher.next();
        }
    };
    runner.steer(1.0, 0.0);
    while watcher.sky.gone.get(&ship) != Some(&RemovalReason::LeftView) {
        runner.deltas(1);
        follow(&mut watcher, &runner);
    }
    let apart = |watcher: &Client, runner: &Client| {
        let (a, b) = (watcher.sky.ship().unwrap(), runner.sky.ship().unwrap());
        (a.x.to_f64() - b.x.to_f64()).hypot(a.y.to_f64() - b.y.to_f64())
    };
    // With so small a radius, the cells that lie wholly within it end well before it.
    let left_at = apart(&watcher, &runner);
    assert!((40.0..115.0).contains(&left_at), "left at {left_at}");
    // Each sees by the cells round its own ship, so the other loses sight a little later or sooner.
    while runner.sky.entities.contains_key(watcher.sky.ship_id()) {
        runner.deltas(1);
        follow(&mut watcher, &runner);
    }
    assert!(apart(&watcher, &runner) < 115.0, "nor the other way");
    // Round, and back the same way; the harness sees to it that the row comes with its kind.
    runner.steer(0.0, 1.0);
    runner.until("it faces home", |runner, _| {
        runner.sky.ship().unwrap().r.to_f64().abs() > 3.0
    });
    runner.steer(1.0, 0.0);
    while !watcher.sky.entities.contains_key(&ship) {
        runner.deltas(1);
        follow(&mut watcher, &runner);
    }
    let entered_at = apart(&watcher, &runner);
    assert!(entered_at <= 100.0, "entered at {entered_at}");
    watcher.deltas(10);
}

#[test]
fn only_what_changed_is_sent() {
    let server = server();
    let mut client = Client::log_in(&server, "still");
    client.enter("far-1");
    // What came into view is told again for a while, for those who were not told at once.
    client.deltas(20);
    client.until_delta("a delta that says nothing", |delta| {
        delta.entity_updates.is_empty()
            && delta.entity_removed.is_empty()
            && delta.events.is_empty()
            && delta.gone.is_none()
            && delta.you.is_none()
            && delta.last_input_seq.is_none()
            && delta.time_dilation.is_none()
    });
    let mut client = Client::pilot(&server, "thrifty");
    client.dock();
    let seq = client.send(buy("alpha", "water", 1));
    let delta = client.until_delta("the purchase is told", |delta| {
        delta.you.as_ref().is_some_and(|you| you.credits.is_some())
    });
    let you = delta.you.unwrap();
    assert!(you.cargo.is_some(), "{you:?}");
    assert_eq!((you.hull, you.fuel, you.docked_at), (None, None, None));
    assert!(matches!(client.answer(seq), Reply::TradeResult(_)));
}

/// How many decimals a number has as it stands in a message.
fn decimals(number: &serde_json::Number) -> usize {
    let text = number.to_string();
    text.split_once('.')
        .map_or(0, |(_, decimals)| decimals.len())
}

fn check_numbers(name: &str, value: &Value) {
    match value {
        Value::Number(number) => {
            let most = if ["r", "rotation"].contains(&name) {
                4
            } else {
                2
            };
            assert!(decimals(number) <= most, "{name}: {number}");
            if name == "r" {
                let r = number.as_f64().unwrap();
                // The largest angle, rounded, lies a little above π; the smallest never below -π.
                assert!(r > -PI && r <= PI + 0.000_05, "{r}");
            }
        }
        Value::Array(values) => values.iter().for_each(|value| check_numbers(name, value)),
        Value::Object(fields) => {
            for (name, value) in fields {
                check_numbers(name, value);
            }
        }
        _ => {}
    }
}

#[test]
fn numbers_have_the_decimals_that_the_protocol_gives_them() {
    let server = Server::built_in();
    let mut client = Client::pilot(&server, "exact");
    client.steer(0.7, 1.0);
    for _ in 0..90 {
        client.next();
        let message: Value = serde_json::from_str(&client.text).unwrap();
        check_numbers("", &message["payload"]);
    }
}

/// What the published schema says of messages from the server.
fn published(server: &Server) -> Validator {
    let mut schema: Value =
        serde_json::from_str(&crate::support::get(server.listen, "/schema.json").body).unwrap();
    schema["oneOf"] = serde_json::json!([{ "$ref": "#/$defs/server_message" }]);
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn every_message_fits_the_published_schema() {
    let server = Server::built_in();
    let validator = published(&server);
    let mut client = Client::open(&server);
    let mut kinds = HashSet::new();
    let mut check = |client: &mut Client| {
        let message: Value = serde_json::from_str(&client.text).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&message)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{faults:?}\n{message}");
        kinds.insert(message["type"].as_str().unwrap().to_owned());
    };
    let token = Server::token("formal");
    client.send_as("auth.login", &format!(r#"{{"token":"{token}"}}"#));
    client.next();
    check(&mut client);
    client.send_as("session.join_system", r#"{"system_id":"sol-1"}"#);
    client.send_as("ping", r#"{"t0":1}"#);
    client.send_as("nonsense", "{}");
    while client.sky.snapshots.is_empty() {
        client.next();
        check(&mut client);
    }
    client.control(0.0, 0.0, true, true);
    while client.sky.docked_at().is_none() {
        client.next();
        check(&mut client);
    }
    client.send(buy("earth-orbit-station", "food", 1));
    client.send(buy("earth-orbit-station", "nothing", 1));
    client.send_as("auth.refresh", r#"{"token":"x"}"#);
    client.steer(1.0, 0.5);
    for _ in 0..60 {
        client.next();
        check(&mut client);
    }
    for kind in [
        "auth.ok",
        "auth.error",
        "session.joined",
        "world.snapshot",
        "world.delta",
        "trade.result",
        "pong",
        "error",
    ] {
        assert!(kinds.contains(kind), "{kind} was seen: {kinds:?}");
    }
    assert!(client.owes_nothing());
}

#[test]
fn what_one_client_does_wrong_is_not_felt_by_another() {
    let server = server();
    let mut good = Client::pilot(&server, "steady");
    let mut bad = Client::pilot(&server, "erratic");
    for _ in 0..50 {
        bad.send_text("{");
        let seq = bad.send_as("warp", "{}");
        if let Reply::Error(error) = bad.answer(seq) {
            assert_eq!(error.code, ErrorCode::UnknownType);
        }
    }
    good.deltas(60);
    assert_eq!(good.complaints, []);
}
