//! Fights: what a hit does, to whom it is told, where it is forbidden, and what a kill brings.

use std::f64::consts::TAU;
use std::time::Instant;

use orrery::ids::EntityKind;
use orrery::protocol::client::ReceivedBody;
use orrery::protocol::world::{Event, RemovalReason};
use orrery::protocol::{CombatEvent, CombatKind, ErrorCode, Reply};

use crate::support::{Client, PATIENCE, Server, Setup, buy, repair, sell, worlds};

/// Ticks between two inputs of an attacker: long enough to see what the last one did.
const STEER_TICKS: u64 = 3;

fn arena(pvp: bool, zone: &str) -> Server {
    Server::start(Setup::world(&worlds::arena(pvp, zone)))
}

/// Turns towards a target and holds the trigger while it is ahead.
fn aim_and_fire(client: &mut Client, target: &str) {
    let (Some(ship), Some(other)) = (client.sky.ship(), client.sky.entities.get(target)) else {
        return;
    };
    let (dx, dy) = (
        other.x.to_f64() - ship.x.to_f64(),
        other.y.to_f64() - ship.y.to_f64(),
    );
    let off = (dy.atan2(dx) - ship.r.to_f64() + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
    // In the ticks of one input a ship at full rudder turns by three tenths.
    let turn = (off / 0.3).clamp(-1.0, 1.0) * 0.7;
    client.control(0.0, turn, off.abs() < 0.2, false);
}

/// Fires at a target until something holds, then holds fire.
fn attack(client: &mut Client, target: &str, what: &str, mut holds: impl FnMut(&Client) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut steered_at = 0;
    while !holds(client) {
        assert!(Instant::now() < deadline, "never: {what}");
        if client.sky.tick >= steered_at + STEER_TICKS {
            steered_at = client.sky.tick;
            aim_and_fire(client, target);
        }
        client.next();
    }
    let seq = client.control(0.0, 0.0, false, false);
    client.applied(seq);
}

fn hits<'a>(client: &'a Client, target: &str) -> Vec<&'a CombatEvent> {
    let combat = client.combat.iter();
    combat
        .filter(|event| event.kind == CombatKind::Hit && event.target_id == target)
        .collect()
}

/// What a client was told adds up to a whole ship shot down by one other.
fn is_shot_down(client: &Client, source: &str, target: &str) {
    let struck = hits(client, target);
    assert_eq!(struck.len(), 9, "a hundred points are nine hits of twelve");
    for (nth, hit) in (1..).zip(&struck) {
        assert_eq!((hit.source_id.as_str(), hit.damage), (source, 12));
        assert_eq!(hit.target_hp, (100 - 12 * nth).max(0));
    }
    let last = client.combat.last().unwrap();
    assert_eq!((last.kind, last.target_hp), (CombatKind::Destroyed, 0));
    assert_eq!(
        (last.source_id.as_str(), last.target_id.as_str()),
        (source, target)
    );
}

#[test]
fn a_pilot_is_hit_destroyed_and_back_in_dock_after_three_seconds() {
    let server = arena(true, "");
    let mut victim = Client::pilot(&server, "victim");
    victim.dock();
    let Reply::TradeResult(_) = victim.ask(buy("home", "food", 5)) else {
        panic!("a trade.result");
    };
    victim.undock();
    let credits = victim.sky.you().credits;
    assert_eq!(victim.sky.held("food"), 5);
    let mut attacker = Client::pilot(&server, "attacker");
    let (source, target) = (
        attacker.sky.ship_id().to_owned(),
        victim.sky.ship_id().to_owned(),
    );
    attack(
        &mut attacker,
        &target,
        "the victim is destroyed",
        |attacker| {
            attacker
                .combat
                .iter()
                .any(|event| event.kind == CombatKind::Destroyed)
        },
    );
    attacker.until("it is gone", |attacker, _| {
        attacker.sky.gone.contains_key(&target)
    });
    assert_eq!(attacker.sky.gone[&target], RemovalReason::Destroyed);

    victim.until("both are told the same", |victim, _| {
        victim.combat.len() == attacker.combat.len()
    });
    assert_eq!(victim.combat, attacker.combat);
    is_shot_down(&victim, &source, &target);

    victim.until("it loses its ship", |victim, _| victim.sky.ship().is_none());
    let died_at = victim.sky.tick;
    for request in [
        buy("home", "food", 1),
        sell("home", "food", 1),
        repair("home"),
    ] {
        assert_eq!(victim.refusal(request), ErrorCode::ShipDestroyed);
    }
    victim.until("it is back", |victim, _| victim.sky.ship().is_some());
    let away = victim.sky.tick - died_at;
    assert!((88..=92).contains(&away), "{away} ticks");
    assert_eq!(victim.sky.docked_at(), Some("home"));
    let you = victim.sky.you();
    assert_eq!((you.hull, you.fuel.to_f64()), (100, 100.0));
    assert_eq!(you.credits, credits, "credits are kept");
    assert_eq!(you.cargo, [], "cargo is lost");
    attacker.until("the attacker sees it again", |attacker, _| {
        attacker.sky.entities.contains_key(&target)
    });
}

#[test]
fn a_hull_is_repaired_for_its_price() {
    let server = arena(true, "");
    let mut victim = Client::pilot(&server, "dented");
    let mut attacker = Client::pilot(&server, "denter");
    let target = victim.sky.ship_id().to_owned();
    attack(&mut attacker, &target, "two hits", |attacker| {
        hits(attacker, &target).len() >= 2
    });
    victim.dock();
    let missing = 100 - victim.sky.you().hull;
    assert!(missing >= 24 && missing % 12 == 0, "{missing}");
    let Reply::RepairResult(mended) = victim.ask(repair("home")) else {
        panic!("a ship.repair_result");
    };
    assert!(mended.ok);
    assert_eq!((mended.hull, mended.details.hull_restored), (100, missing));
    assert_eq!(mended.details.unit_price, 4);
    assert_eq!(mended.details.total, i64::from(missing) * 4);
    assert_eq!(mended.credits, 1000 - mended.details.total);
    assert_eq!(mended.details.station_id.as_str(), "home");
    victim.until("the stream tells it too", |victim, _| {
        victim.sky.you().hull == 100 && victim.sky.you().credits == mended.credits
    });
    assert_eq!(victim.refusal(repair("home")), ErrorCode::NothingToRepair);
}

/// Many shots at a neighbour, of which none may do anything.
fn fires_in_vain(server: &Server) {
    let mut target = Client::pilot(server, "target");
    let mut shooter = Client::pilot(server, "shooter");
    let target_id = target.sky.ship_id().to_owned();
    let mut spent = 0;
    attack(&mut shooter, &target_id, "shots that strike", |shooter| {
        let gone = shooter.sky.gone.iter();
        let struck = |(id, gone): &(&String, &RemovalReason)| {
            id.starts_with("pr_") && **gone == RemovalReason::Destroyed
        };
        spent = gone.filter(struck).count();
        spent >= 5
    });
    shooter.deltas(5);
    assert_eq!(shooter.combat, []);
    assert_eq!(shooter.sky.entities[&target_id].hp, 100);
    target.deltas(5);
    assert_eq!(target.combat, []);
    assert_eq!(target.sky.you().hull, 100);
}

#[test]
fn where_a_zone_forbids_it_pilots_cannot_harm_each_other() {
    fires_in_vain(&arena(true, worlds::SANCTUARY));
}

#[test]
fn where_the_ambient_forbids_it_pilots_cannot_harm_each_other() {
    fires_in_vain(&arena(false, ""));
}

#[test]
fn a_docked_ship_is_not_harmed_and_cannot_fire() {
    let server = arena(true, "");
    let mut docked = Client::pilot(&server, "docked");
    docked.dock();
    let mut shooter = Client::pilot(&server, "shooter");
    let target = docked.sky.ship_id().to_owned();
    let seq = docked.control(0.0, 0.0, true, false);
    docked.applied(seq);
    let mut fired = 0;
    let begun = shooter.sky.tick;
    attack(&mut shooter, &target, "two seconds of fire", |shooter| {
        shooter.sky.tick > begun + 60
    });
    docked.until_delta("shots are seen", |delta| {
        for event in &delta.events {
            if let Event::ProjectileFired { source_id, .. } = event {
                assert_ne!(source_id, &target, "a docked ship fires");
                fired += 1;
            }
        }
        fired >= 10
    });
    assert_eq!(docked.combat, []);
    assert_eq!(docked.sky.you().hull, 100);
}

#[test]
fn a_shot_flies_from_its_event_to_its_end_and_the_gun_cools_down() {
    let server = arena(true, "");
    let mut gunner = Client::pilot(&server, "gunner");
    let ship = gunner.sky.ship_id().to_owned();
    gunner.control(0.0, 0.0, true, false);
    let mut shots = Vec::new();
    gunner.until("six shots", |gunner, received| {
        let ReceivedBody::Delta(delta) = &received.body else {
            return false;
        };
        for event in &delta.events {
            let Event::ProjectileFired {
                source_id,
                projectile_id,
            } = event
            else {
                continue;
            };
            assert_eq!(source_id, &ship);
            let row = delta
                .entity_updates
                .iter()
                .find(|row| &row.id == projectile_id);
            let row = row.expect("the shot is in the delta that tells of it");
            assert_eq!(row.kind, Some(EntityKind::Projectile));
            assert!(row.vx.to_f64() > 500.0, "along the nose: {row:?}");
            shots.push((projectile_id.clone(), gunner.sky.tick));
        }
        shots.len() >= 6
    });
    for pair in shots.windows(2) {
        assert_eq!(pair[1].1 - pair[0].1, 3, "a shot each third tick");
    }
    let (first, fired_at) = shots[0].clone();
    gunner.until("the shot runs out", |gunner, _| {
        gunner.sky.gone.contains_key(&first)
    });
    assert_eq!(gunner.sky.gone[&first], RemovalReason::Despawned);
    let flown = gunner.sky.tick - fired_at;
    assert!((19..=25).contains(&flown), "{flown} ticks");
}

#[test]
fn a_pirate_hunts_and_its_bounty_is_credited() {
    let server = Server::start(Setup::world(worlds::LAIR));
    server.wait_until("the pirate is there", |server| {
        server.metric(r#"orrery_entities{system="sol-1"}"#) >= 1.0
    });
    let mut hunter = Client::pilot(&server, "hunter");
    let ship = hunter.sky.ship_id().to_owned();
    hunter.until("the pirate strikes first", |hunter, _| {
        !hits(hunter, &ship).is_empty()
    });
    let hit = hits(&hunter, &ship)[0].clone();
    assert!(hit.source_id.starts_with("npc_"), "{hit:?}");
    let pirate = hunter
        .sky
        .first(EntityKind::Pirate)
        .expect("a pirate")
        .id
        .clone();
    assert_eq!(hit.source_id, pirate);
    attack(&mut hunter, &pirate, "the pirate is shot", |hunter| {
        hunter.sky.gone.contains_key(&pirate)
    });
    assert_eq!(hunter.sky.gone[&pirate], RemovalReason::Destroyed);
    let kill = hunter
        .combat
        .iter()
        .find(|event| event.kind == CombatKind::Destroyed && event.target_id == pirate);
    assert_eq!(kill.expect("the kill is told").source_id, ship);
    hunter.until("the bounty counts double here", |hunter, _| {
        hunter.sky.you().credits == 1000 + 600
    });
}
