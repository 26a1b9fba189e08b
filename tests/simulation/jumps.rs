//! Jumps on the simulated server: what they burn and take, and what may befall a pilot on the way. The
//! cluster's own checks run in every tick of each story.

use crate::cluster;

use cluster::seat::SeatState;
use cluster::server::DiskPace;
use cluster::{Cluster, Setup, sky};
use orrery::ids::{Name, PlayerId};
use orrery::protocol::{CloseCode, ErrorCode, Fixed2, Input, NoticeKind, Reply, Trade};
use orrery::store::Place;

const TICKS: u64 = 20;

fn quiet() -> Cluster {
    Cluster::new(Setup::new(sky::close_quarters()))
}

/// A pilot who is docked at Earth.
fn docked(cluster: &mut Cluster, player: &str) -> usize {
    let seat = cluster.enter(player, "sol-1");
    let due = cluster.tick + 1;
    let input = Input {
        dock_request: true,
        ..Input::default()
    };
    cluster.seats[seat].steer(input, due);
    cluster.ticks(3);
    assert_eq!(docked_at(cluster, seat), "earth-orbit-station");
    seat
}

fn docked_at(cluster: &Cluster, seat: usize) -> String {
    let you = cluster.seats[seat].model.you.as_ref();
    let at = you.and_then(|you| you.docked_at.as_ref());
    at.map_or_else(String::new, Name::to_string)
}

fn fuel(cluster: &Cluster, seat: usize) -> f64 {
    let you = cluster.seats[seat].model.you.as_ref();
    you.expect("a snapshot came").fuel.to_f64()
}

/// Asks to join a system, and ticks once.
fn join(cluster: &mut Cluster, seat: usize, system: &str) {
    let due = cluster.tick + 1;
    cluster.seats[seat].join(system, due);
    cluster.tick();
}

/// A new connection of a player that has logged in and not joined.
fn log_in(cluster: &mut Cluster, player: &str) -> usize {
    let seat = cluster.dial(player, 0);
    let token = cluster.token(&cluster.seats[seat].player);
    cluster.seats[seat].login(&token, 0);
    cluster.ticks(3);
    assert_eq!(cluster.seats[seat].stage, SeatState::Ashore);
    seat
}

fn record(cluster: &Cluster, player: &str) -> orrery::store::PilotRecord {
    let player = PlayerId::parse(player).expect("a name");
    cluster.disk().shelf.pilots[&player].clone()
}

fn water() -> Trade {
    Trade {
        station_id: Name::parse("earth-orbit-station").expect("a name"),
        commodity_id: Name::parse("water").expect("a name"),
        quantity: 1,
        request_id: None,
    }
}

#[test]
fn a_jump_burns_its_fuel_takes_its_ticks_and_is_answered_at_the_arrival() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    let (asked, deltas) = (cluster.tick, cluster.seats[ann].model.deltas);
    join(&mut cluster, ann, "proxima-1");
    let Some(Reply::Notice(notice)) = cluster.seats[ann].newest_reply.clone() else {
        panic!("a notice: {:?}", cluster.seats[ann].newest_reply);
    };
    assert_eq!(notice.kind, NoticeKind::Jump);
    assert_eq!(
        notice.system_id.as_ref().map(Name::as_str),
        Some("proxima-1")
    );
    assert!(notice.deadline_ms.is_some());
    for system in ["sol-1", "proxima-1"] {
        assert_eq!(cluster.world(system).pilots_count(), 0, "in no system");
    }
    while cluster.seats[ann].model.system.as_deref() == Some("sol-1") {
        assert!(cluster.tick <= asked + TICKS + 1, "it arrives");
        cluster.tick();
    }
    assert_eq!(cluster.tick, asked + 1 + TICKS);
    assert_eq!(cluster.seats[ann].model.deltas, deltas, "nothing was shown");
    cluster.ticks(2);
    assert_eq!(docked_at(&cluster, ann), "proxima-gate");
    assert_eq!(
        cluster.seats[ann].model.you.as_ref().map(|you| you.fuel),
        Some(Fixed2::new(80.0))
    );
    assert!(cluster.seats[ann].asked.is_empty() && cluster.seats[ann].errors.is_empty());
}

#[test]
fn a_jump_without_the_fuel_is_refused_and_burns_nothing() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    for system in ["proxima-1", "sol-1"].iter().cycle().take(5) {
        join(&mut cluster, ann, system);
        cluster.ticks(TICKS + 2);
        assert_eq!(cluster.seats[ann].model.system.as_deref(), Some(*system));
    }
    assert_eq!(fuel(&cluster, ann).to_bits(), 0_f64.to_bits());
    join(&mut cluster, ann, "sol-1");
    assert_eq!(cluster.seats[ann].errors, [ErrorCode::InsufficientFuel]);
    cluster.ticks(TICKS + 2);
    assert_eq!(docked_at(&cluster, ann), "proxima-gate");
    assert_eq!(cluster.world("proxima-1").pilots_count(), 1);
}

#[test]
fn on_the_way_controls_are_dropped_and_orders_and_joins_are_answered() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    join(&mut cluster, ann, "proxima-1");
    let due = cluster.tick + 1;
    let burn = Input {
        thrust: 1.0,
        ..Input::default()
    };
    cluster.seats[ann].steer(burn, due);
    cluster.seats[ann].buy(water(), due);
    cluster.seats[ann].join("proxima-1", due);
    cluster.seats[ann].join("sol-1", due);
    cluster.ticks(2);
    let told = [
        ErrorCode::NotInSystem,
        ErrorCode::RateLimited,
        ErrorCode::RateLimited,
    ];
    assert_eq!(cluster.seats[ann].errors, told);
    let Some(Reply::Error(error)) = cluster.seats[ann].newest_reply.clone() else {
        panic!("an error");
    };
    let wait_ms = error.retry_after_ms.expect("when to come again");
    assert!((500..700).contains(&wait_ms), "{wait_ms} ms");
    cluster.ticks(TICKS + 2);
    assert_eq!(
        docked_at(&cluster, ann),
        "proxima-gate",
        "nothing undocked it"
    );
}

#[test]
fn who_comes_back_on_the_way_is_told_the_goal_and_let_in_at_the_arrival() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    join(&mut cluster, ann, "proxima-1");
    let departed = cluster.tick;
    cluster.cut(ann);
    cluster.ticks(2);
    let again = log_in(&mut cluster, "ann");
    let home = cluster.seats[again].home.clone();
    assert_eq!(home.as_ref().map(Name::as_str), Some("proxima-1"));
    join(&mut cluster, again, "sol-1");
    assert_eq!(cluster.seats[again].errors, [ErrorCode::RateLimited]);
    join(&mut cluster, again, "proxima-1");
    // A newer connection takes the wait over.
    let newest = log_in(&mut cluster, "ann");
    let replaced = SeatState::Over(Some(CloseCode::Replaced.as_u16()));
    assert_eq!(cluster.seats[again].stage, replaced);
    join(&mut cluster, newest, "proxima-1");
    while cluster.seats[newest].stage != SeatState::Aboard {
        assert!(cluster.tick <= departed + TICKS, "the jump goes on");
        cluster.tick();
    }
    assert_eq!(cluster.tick, departed + TICKS);
    cluster.ticks(2);
    assert_eq!(docked_at(&cluster, newest), "proxima-gate");
    assert_eq!(
        fuel(&cluster, newest).to_bits(),
        80_f64.to_bits(),
        "burned once"
    );
}

#[test]
fn who_has_logged_in_and_not_joined_when_the_jump_ends_joins_afterwards() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    join(&mut cluster, ann, "proxima-1");
    cluster.cut(ann);
    let again = log_in(&mut cluster, "ann");
    cluster.ticks(TICKS + 5);
    assert_eq!(cluster.world("proxima-1").pilots_count(), 0);
    join(&mut cluster, again, "proxima-1");
    cluster.ticks(2);
    assert_eq!(docked_at(&cluster, again), "proxima-gate");
    assert_eq!(fuel(&cluster, again).to_bits(), 80_f64.to_bits());
}

#[test]
fn who_is_gone_when_the_jump_ends_is_stored_at_the_goal() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    join(&mut cluster, ann, "proxima-1");
    cluster.cut(ann);
    cluster.ticks(TICKS + 5);
    let stored = record(&cluster, "ann");
    assert_eq!(stored.system.as_str(), "proxima-1");
    let again = cluster.enter("ann", "proxima-1");
    assert_eq!(docked_at(&cluster, again), "proxima-gate");
    assert_eq!(fuel(&cluster, again).to_bits(), 80_f64.to_bits());
}

#[test]
fn whatever_ends_the_server_on_the_way_the_pilot_is_docked_at_the_goal_with_the_fuel_burned() {
    for is_clean in [false, true] {
        let mut cluster = quiet();
        let ann = docked(&mut cluster, "ann");
        join(&mut cluster, ann, "proxima-1");
        cluster.ticks(3);
        let stored = record(&cluster, "ann");
        assert_eq!(stored.system.as_str(), "proxima-1");
        assert!(
            matches!(&stored.place, Place::Docked { station } if station.as_str() == "proxima-gate")
        );
        assert_eq!(stored.fuel.to_bits(), 80_f32.to_bits());
        cluster.restart(is_clean);
        let again = cluster.enter("ann", "proxima-1");
        assert_eq!(docked_at(&cluster, again), "proxima-gate");
        assert_eq!(fuel(&cluster, again).to_bits(), 80_f64.to_bits());
    }
}

#[test]
fn a_pilot_who_is_stored_in_a_dock_goes_to_another_system_by_a_jump_too() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    cluster.cut(ann);
    cluster.ticks(30);
    assert_eq!(cluster.world("sol-1").pilots_count(), 0, "she is stored");
    let again = log_in(&mut cluster, "ann");
    let asked = cluster.tick;
    join(&mut cluster, again, "proxima-1");
    while cluster.seats[again].stage != SeatState::Aboard {
        assert!(cluster.tick <= asked + TICKS + 1, "it arrives");
        cluster.tick();
    }
    assert_eq!(
        cluster.tick,
        asked + 1 + TICKS,
        "logging out is no faster way"
    );
    cluster.ticks(2);
    assert_eq!(docked_at(&cluster, again), "proxima-gate");
    assert_eq!(fuel(&cluster, again).to_bits(), 80_f64.to_bits());
}

#[test]
fn a_jump_keeps_a_place_free_at_its_goal_so_nobody_is_stuck_on_the_way() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    let bob = docked(&mut cluster, "bob");
    cluster.enter("c", "void");
    cluster.enter("d", "void");
    join(&mut cluster, ann, "void");
    // The last place of three is ann's from now on: for jumpers and for newcomers.
    join(&mut cluster, bob, "void");
    assert_eq!(cluster.seats[bob].errors, [ErrorCode::SystemFull]);
    assert_eq!(fuel(&cluster, bob).to_bits(), 100_f64.to_bits());
    let eve = log_in(&mut cluster, "eve");
    join(&mut cluster, eve, "void");
    cluster.ticks(2);
    assert_eq!(cluster.seats[eve].errors, [ErrorCode::SystemFull]);
    cluster.ticks(TICKS);
    assert_eq!(cluster.seats[ann].model.system.as_deref(), Some("void"));
    assert!(cluster.seats[ann].errors.is_empty());
    assert_eq!(cluster.world("void").pilots_count(), 3);
    // A pilot who is lost on the way gives the place back.
    cluster.cut(ann);
    cluster.ticks(30);
    join(&mut cluster, bob, "void");
    cluster.cut(bob);
    cluster.ticks(TICKS + 5);
    join(&mut cluster, eve, "void");
    cluster.ticks(3);
    assert_eq!(cluster.seats[eve].stage, SeatState::Aboard);
}

#[test]
fn a_store_that_fails_on_the_way_answers_the_join() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    cluster.disk_pace = DiskPace::Stopped;
    join(&mut cluster, ann, "proxima-1");
    cluster.disk().fail();
    cluster.ticks(3);
    assert_eq!(cluster.seats[ann].errors, [ErrorCode::Internal]);
    assert!(cluster.seats[ann].asked.is_empty());
    cluster.disk_pace = DiskPace::Prompt;
    cluster.restart(false);
    let again = cluster.enter("ann", "sol-1");
    assert_eq!(
        fuel(&cluster, again).to_bits(),
        100_f64.to_bits(),
        "it did not happen"
    );
}

#[test]
fn a_goal_that_another_server_runs_is_refused_before_anything_is_burned() {
    let mut cluster = quiet();
    let ann = docked(&mut cluster, "ann");
    let bob = docked(&mut cluster, "bob");
    join(&mut cluster, ann, "proxima-1");
    cluster.disk().lose("proxima-1");
    cluster.ticks(2);
    // Whoever is on the way there goes on with the other server.
    let draining = SeatState::Over(Some(CloseCode::Draining.as_u16()));
    assert_eq!(cluster.seats[ann].stage, draining);
    join(&mut cluster, bob, "proxima-1");
    cluster.ticks(TICKS + 2);
    assert_eq!(cluster.seats[bob].errors, [ErrorCode::UnknownSystem]);
    assert_eq!(docked_at(&cluster, bob), "earth-orbit-station");
    assert_eq!(fuel(&cluster, bob).to_bits(), 100_f64.to_bits());
    assert!(cluster.node.failure().is_none());
}
