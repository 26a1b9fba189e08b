//! What becomes of a ship whose connection is lost.

use super::{dock, food, quiet, thrust};
use crate::cluster::Cluster;
use orrery::ids::Name;
use orrery::limits::LINGER_TICKS;
use orrery::protocol::Reply;

#[test]
fn a_ship_lingers_ten_seconds_and_is_taken_back() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let bob = cluster.enter("bob", "sol-1");
    let due = cluster.tick + 1;
    cluster.seats[ann].steer(thrust(0.0, 0.1), due);
    cluster.ticks(3);
    let ship = cluster.seats[ann].model.ship.clone();
    cluster.cut(ann);
    cluster.ticks(LINGER_TICKS - 5);
    assert!(
        cluster.seats[bob].model.entities.contains_key(&ship),
        "it is still there"
    );
    let again = cluster.enter("ann", "sol-1");
    let home = cluster.seats[again].home.clone();
    assert_eq!(home.as_ref().map(Name::as_str), Some("sol-1"));
    assert_eq!(cluster.seats[again].model.ship, ship);
    cluster.cut(again);
    cluster.ticks(LINGER_TICKS - 1);
    assert!(cluster.seats[bob].model.entities.contains_key(&ship));
    cluster.ticks(3);
    assert!(
        !cluster.seats[bob].model.entities.contains_key(&ship),
        "it is taken in"
    );
    let later = cluster.enter("ann", "sol-1");
    let seat = &cluster.seats[later];
    assert_ne!(seat.model.ship, ship, "a number is never given twice");
}

#[test]
fn a_docked_ship_and_one_that_was_never_steered_are_stored_within_a_second() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let bob = cluster.enter("bob", "sol-1");
    let eve = cluster.enter("eve", "sol-1");
    dock(&mut cluster, ann);
    let ships = [ann, bob].map(|seat| cluster.seats[seat].model.ship.clone());
    let are_seen = |cluster: &Cluster| {
        let seen = &cluster.seats[eve].model.entities;
        ships.iter().filter(|ship| seen.contains_key(*ship)).count()
    };
    cluster.cut(ann);
    cluster.cut(bob);
    cluster.ticks(5);
    assert_eq!(are_seen(&cluster), 2);
    // Whoever is back inside that time finds the ship where it was.
    let again = cluster.enter("ann", "sol-1");
    assert_eq!(cluster.seats[again].model.ship, ships[0]);
    cluster.ticks(24);
    assert_eq!(are_seen(&cluster), 1, "bob's is stored, ann's is hers");
    cluster.cut(again);
    cluster.ticks(29);
    assert_eq!(are_seen(&cluster), 0);
    let again = cluster.enter("ann", "sol-1");
    let you = cluster.seats[again].model.you.as_ref();
    assert!(
        you.is_some_and(|you| you.docked_at.is_some()),
        "where it was"
    );
}

#[test]
fn an_order_given_before_the_line_was_cut_is_carried_out_before_the_docked_ship_is_stored() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    dock(&mut cluster, ann);
    // The ids that its player has used are known from the first order on.
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(1, Some("first")), due);
    cluster.ticks(6);
    cluster.overload(true);
    cluster.ticks(600);
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(3, Some("last")), due);
    cluster.tick();
    cluster.cut(ann);
    cluster.ticks(30);
    assert_eq!(cluster.world("sol-1").pilots_count(), 0, "it is stored");
    let disk = cluster.disk();
    let player = orrery::ids::PlayerId::parse("ann").expect("a name");
    let kept = disk.shelf.answered(&player, "last");
    assert!(matches!(kept, Some(Reply::TradeResult(_))), "{kept:?}");
}

#[test]
fn a_ship_that_fought_lingers_however_often_its_pilot_comes_back_only_to_leave() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let due = cluster.tick + 1;
    cluster.seats[ann].steer(thrust(1.0, 0.0), due);
    cluster.ticks(3);
    cluster.cut(ann);
    cluster.ticks(5);
    let again = cluster.enter("ann", "sol-1");
    assert_eq!(cluster.seats[again].model.last_input_seq, 0);
    cluster.cut(again);
    cluster.ticks(LINGER_TICKS - 5);
    assert_eq!(
        cluster.world("sol-1").pilots_count(),
        1,
        "it is still there"
    );
    cluster.ticks(10);
    assert_eq!(cluster.world("sol-1").pilots_count(), 0);
}

#[test]
fn a_cut_line_lets_go_of_the_controls_even_in_the_same_tick() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let due = cluster.tick;
    cluster.seats[ann].steer(thrust(1.0, 0.0), due);
    cluster.deliver();
    cluster.cut(ann);
    cluster.ticks(30);
    let world = cluster.world("sol-1");
    let ship = world.pilot_ships()[0];
    let row = world.entities().row(ship).expect("it lingers");
    assert_eq!(
        world.entities().thrusts()[row].to_bits(),
        0,
        "nobody thrusts"
    );
}
