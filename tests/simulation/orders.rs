//! Orders, joins and controls of one pilot, over a store whose reads are slow and in no order: each
//! takes effect once, and in its turn. The shelf refuses a second outcome of a request id.

use crate::cluster;

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::seat::SeatState;
use cluster::server::DiskPace;
use cluster::{Cluster, Setup, sky};
use orrery::ids::Name;
use orrery::limits::{DOCK_PAUSE_TICKS, LINGER_TICKS, PILOT_COMMANDS_MAX, STEERING_HELD_TICKS_MAX};
use orrery::protocol::{ErrorCode, Input, Reply, RequestId, Trade};
use orrery::universe::{Population, Universe};

/// A server that keeps one request id of a player in mind, so that nearly all are looked up.
fn forgetful(seed: u64) -> Cluster {
    let mut setup = Setup::new(sky::close_quarters());
    setup.seed = seed;
    setup.request_digests_max = 1;
    Cluster::new(setup)
}

/// A docked pilot, of whose request ids the server has forgotten some.
fn docked(cluster: &mut Cluster, name: &str) -> usize {
    let seat = cluster.enter(name, "sol-1");
    let input = Input {
        dock_request: true,
        ..Input::default()
    };
    let due = cluster.tick + 1;
    cluster.seats[seat].steer(input, due);
    cluster.ticks(3);
    assert!(is_docked(cluster, seat), "pilots appear at a dock");
    for id in ["first", "second"] {
        let due = cluster.tick + 1;
        cluster.seats[seat].buy(food(1, Some(id)), due);
        cluster.ticks(6);
    }
    assert_eq!(held(cluster, seat), 2);
    seat
}

/// A pilot who has logged in and joined no system.
fn ashore(cluster: &mut Cluster, name: &str) -> usize {
    let seat = cluster.dial(name, 0);
    let token = cluster.token(&cluster.seats[seat].player);
    cluster.seats[seat].login(&token, 0);
    cluster.ticks(3);
    assert_eq!(cluster.seats[seat].stage, SeatState::Ashore);
    seat
}

fn food(quantity: u32, id: Option<&str>) -> Trade {
    Trade {
        station_id: Name::parse("earth-orbit-station").expect("a name"),
        commodity_id: Name::parse("food").expect("a name"),
        quantity,
        request_id: id.map(|id| RequestId::parse(id).expect("an id")),
    }
}

fn held(cluster: &Cluster, seat: usize) -> i64 {
    let told = cluster.seats[seat].model.belongings();
    let cargo = told.expect("a snapshot came").cargo;
    cargo.values().sum()
}

fn is_docked(cluster: &Cluster, seat: usize) -> bool {
    let you = cluster.seats[seat].model.you.as_ref();
    you.is_some_and(|you| you.docked_at.is_some())
}

fn thrust(thrust: f32) -> Input {
    Input {
        thrust,
        ..Input::default()
    }
}

#[test]
fn an_order_and_a_join_in_one_packet_are_both_done() {
    for id in [None, Some("a"), Some("first")] {
        let mut cluster = forgetful(1);
        let ann = docked(&mut cluster, "ann");
        cluster.disk().read_ticks_max = 5;
        let there = cluster.universe.systems[1].id.clone();
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(food(1, id), due);
        cluster.seats[ann].join(there.as_str(), due);
        let jump_ticks = u64::from(cluster.universe.jump.ticks);
        cluster.ticks(jump_ticks + 20);
        let seat = &cluster.seats[ann];
        assert_eq!(seat.errors, [], "{id:?}");
        assert!(seat.asked.is_empty(), "{:?}", seat.asked);
        assert_eq!(seat.model.system.as_deref(), Some(there.as_str()));
        let is_repeat = id == Some("first");
        assert_eq!(held(&cluster, ann), if is_repeat { 2 } else { 3 });
    }
}

#[test]
fn a_join_waits_for_the_orders_before_it_in_a_slowed_system() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.overload(true);
    cluster.ticks(600);
    let there = cluster.universe.systems[1].id.clone();
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(1, None), due);
    cluster.seats[ann].join(there.as_str(), due);
    cluster.ticks(60);
    let seat = &cluster.seats[ann];
    assert_eq!(seat.errors, []);
    assert_eq!(seat.model.system.as_deref(), Some(there.as_str()));
    assert_eq!(held(&cluster, ann), 3);
}

#[test]
fn controls_before_a_join_in_one_packet_are_applied_before_it() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.ticks(DOCK_PAUSE_TICKS);
    let there = cluster.universe.systems[1].id.clone();
    let due = cluster.tick + 1;
    cluster.seats[ann].steer(thrust(1.0), due);
    cluster.seats[ann].join(there.as_str(), due);
    cluster.ticks(5);
    assert_eq!(cluster.seats[ann].errors, [ErrorCode::NotDocked]);
}

#[test]
fn a_newcomer_joins_docks_and_buys_in_one_packet_however_slow_the_store_is() {
    for read_ticks_max in [0, 5, 4 * STEERING_HELD_TICKS_MAX] {
        let mut cluster = forgetful(3);
        let ann = ashore(&mut cluster, "ann");
        cluster.disk().read_ticks_max = read_ticks_max;
        let due = cluster.tick + 1;
        cluster.seats[ann].join("sol-1", due);
        let dock = Input {
            dock_request: true,
            ..Input::default()
        };
        cluster.seats[ann].steer(dock, due);
        cluster.seats[ann].buy(food(1, Some("a")), due);
        cluster.seats[ann].buy(food(1, None), due);
        cluster.ticks(3 * read_ticks_max + 10);
        let seat = &cluster.seats[ann];
        assert_eq!(seat.errors, [], "{read_ticks_max}");
        assert!(seat.asked.is_empty(), "{:?}", seat.asked);
        assert!(is_docked(&cluster, ann));
        assert_eq!(held(&cluster, ann), 2);
    }
}

#[test]
fn controls_between_the_orders_behind_a_join_take_effect_between_them() {
    for away_ticks in [1, LINGER_TICKS + 2] {
        for read_ticks_max in [0, 5] {
            let mut cluster = forgetful(1);
            let ann = docked(&mut cluster, "ann");
            cluster.ticks(DOCK_PAUSE_TICKS);
            cluster.cut(ann);
            cluster.ticks(away_ticks);
            let ann = ashore(&mut cluster, "ann");
            cluster.disk().read_ticks_max = read_ticks_max;
            let due = cluster.tick + 1;
            cluster.seats[ann].join("sol-1", due);
            cluster.seats[ann].buy(food(1, Some("c")), due);
            cluster.seats[ann].steer(thrust(1.0), due);
            cluster.seats[ann].buy(food(1, Some("d")), due);
            cluster.ticks(3 * read_ticks_max + 10);
            let seat = &cluster.seats[ann];
            assert_eq!(seat.errors, [ErrorCode::NotDocked], "{away_ticks}");
            assert!(seat.asked.is_empty(), "{:?}", seat.asked);
            assert!(!is_docked(&cluster, ann));
            assert_eq!(held(&cluster, ann), 3);
        }
    }
}

#[test]
fn behind_a_join_that_is_refused_controls_do_nothing_and_orders_are_in_no_system() {
    let mut universe = Universe::clone(&sky::close_quarters());
    for system in &mut universe.systems {
        system.population = Population::default();
    }
    let mut cluster = Cluster::new(Setup::new(Arc::new(universe)));
    let ann = cluster.enter("ann", "sol-1");
    cluster.cut(ann);
    cluster.ticks(1);
    let before = places(&cluster);
    let ann = ashore(&mut cluster, "ann");
    let there = cluster.universe.systems[1].id.clone();
    let due = cluster.tick + 1;
    for system in [there.as_str(), "nowhere"] {
        cluster.seats[ann].join(system, due);
        cluster.seats[ann].steer(thrust(1.0), due);
        cluster.seats[ann].buy(food(1, None), due);
        cluster.seats[ann].buy(food(1, Some("a")), due);
    }
    cluster.ticks(10);
    let mut told = cluster.seats[ann].errors.clone();
    told.sort_unstable_by_key(|code| code.as_str());
    let expected = [
        ErrorCode::NotDocked,
        ErrorCode::NotInSystem,
        ErrorCode::NotInSystem,
        ErrorCode::NotInSystem,
        ErrorCode::NotInSystem,
        ErrorCode::UnknownSystem,
    ];
    assert_eq!(told, expected);
    assert!(cluster.seats[ann].asked.is_empty());
    assert_eq!(places(&cluster), before, "its ship lingers, and rests");
    // No such refusal is kept, and an input after the answer is out of place.
    let due = cluster.tick + 1;
    cluster.seats[ann].steer(thrust(1.0), due);
    cluster.ticks(2);
    assert_eq!(cluster.seats[ann].errors.len(), expected.len() + 1);
    let due = cluster.tick + 1;
    cluster.seats[ann].join("sol-1", due);
    cluster.seats[ann].buy(food(1, Some("a")), due);
    cluster.ticks(5);
    let newest = cluster.seats[ann].errors.last().copied();
    assert_eq!(newest, Some(ErrorCode::NotDocked));
}

/// Where everything is in a system, to the last bit.
fn places(cluster: &Cluster) -> Vec<(u32, u32)> {
    let entities = cluster.world("sol-1").entities();
    let places = entities.xs().iter().zip(entities.ys());
    places.map(|(x, y)| (x.to_bits(), y.to_bits())).collect()
}

#[test]
fn what_is_bought_and_flown_off_with_in_one_packet_is_bought() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.disk().read_ticks_max = 8;
    for number in 0..6 {
        let id = format!("a{number}");
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(food(1, Some(&id)), due);
    }
    let due = cluster.tick + 1;
    cluster.seats[ann].steer(thrust(1.0), due);
    cluster.seats[ann].steer(thrust(0.0), due);
    cluster.ticks(30);
    assert_eq!(cluster.seats[ann].errors, []);
    assert_eq!(held(&cluster, ann), 8);
    assert!(!is_docked(&cluster, ann), "and then it left");
}

#[test]
fn steering_is_not_held_for_ever() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.disk().read_ticks_max = 10_000;
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(1, Some("a")), due);
    cluster.seats[ann].steer(thrust(1.0), due);
    cluster.ticks(STEERING_HELD_TICKS_MAX);
    assert!(is_docked(&cluster, ann));
    cluster.ticks(3);
    assert!(!is_docked(&cluster, ann));
}

#[test]
fn an_id_at_the_tables_edge_is_carried_out_once() {
    for seed in 0..40 {
        let mut cluster = forgetful(seed);
        let ann = docked(&mut cluster, "ann");
        cluster.disk().read_ticks_max = 8;
        let mut ids = BTreeSet::new();
        for _ in 0..40 {
            let due = cluster.tick + 1;
            let id = format!("r{}", cluster.dice.below(6));
            cluster.seats[ann].buy(food(1, Some(&id)), due);
            ids.insert(id);
            let ticks = cluster.dice.below(4);
            cluster.ticks(ticks);
        }
        cluster.ticks(200);
        let seat = &cluster.seats[ann];
        assert!(seat.asked.is_empty(), "{:?}", seat.asked);
        assert_eq!(seat.errors, []);
        assert_eq!(held(&cluster, ann), 2 + ids.len() as i64, "seed {seed}");
    }
}

#[test]
fn a_pilot_who_is_back_before_the_last_batch_is_durable_goes_on_from_it() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.disk_pace = DiskPace::Stopped;
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(3, Some("third")), due);
    cluster.ticks(10);
    cluster.cut(ann);
    cluster.ticks(LINGER_TICKS + 2);
    assert_eq!(
        cluster.world("sol-1").pilots_count(),
        0,
        "the ship is taken in, and not stored yet"
    );
    let again = cluster.enter("ann", "sol-1");
    assert_eq!(held(&cluster, again), 2, "what is durable is told");
    assert!(is_docked(&cluster, again), "where it was");
    let due = cluster.tick + 1;
    for id in ["first", "third", "fourth"] {
        let quantity = if id == "third" { 3 } else { 1 };
        cluster.seats[again].buy(food(quantity, Some(id)), due);
    }
    cluster.ticks(10);
    cluster.disk_pace = DiskPace::Prompt;
    cluster.ticks(20);
    assert_eq!(cluster.seats[again].errors, []);
    assert_eq!(held(&cluster, again), 6);
    cluster.cut(again);
    cluster.ticks(LINGER_TICKS + 2);
    let later = cluster.enter("ann", "sol-1");
    assert_eq!(held(&cluster, later), 6, "and from the store");
}

#[test]
fn a_pilot_whose_queue_is_full_is_told_so_and_nothing_is_lost() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.disk().read_ticks_max = 100_000;
    let mut asked = 0;
    while asked < PILOT_COMMANDS_MAX + 20 {
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(food(1, Some("first")), due);
        asked += 1;
        cluster.ticks(1 + (asked % 2) as u64);
    }
    let limited = cluster.seats[ann].errors.len();
    assert_eq!(limited, 20);
    assert!(
        cluster.seats[ann]
            .errors
            .iter()
            .all(|&code| code == ErrorCode::RateLimited)
    );
    let bob = docked_in_time(&mut cluster);
    assert_eq!(cluster.seats[bob].errors, [], "nobody else is");
}

/// A pilot who comes while the store's reads stand still for others.
fn docked_in_time(cluster: &mut Cluster) -> usize {
    cluster.disk().read_ticks_max = 0;
    docked(cluster, "bob")
}

#[test]
fn an_id_whose_refusal_named_nothing_may_be_used_again() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    let mut nowhere = food(1, Some("a"));
    nowhere.station_id = Name::parse("nowhere").expect("a name");
    let mut nothing = food(1, Some("a"));
    nothing.commodity_id = Name::parse("nothing").expect("a name");
    for trade in [nowhere, nothing, food(1, Some("a")), food(1, Some("a"))] {
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(trade, due);
        cluster.ticks(5);
    }
    let seat = &cluster.seats[ann];
    assert_eq!(
        seat.errors,
        [ErrorCode::UnknownStation, ErrorCode::UnknownCommodity]
    );
    assert!(matches!(seat.newest_reply, Some(Reply::TradeResult(_))));
    assert_eq!(held(&cluster, ann), 3, "once");
}

#[test]
fn an_order_that_is_open_while_its_pilot_reconnects_is_carried_out_once() {
    let mut cluster = forgetful(1);
    let ann = docked(&mut cluster, "ann");
    cluster.overload(true);
    cluster.ticks(600);
    for number in 0..10 {
        let id = format!("r{number}");
        let ann = cluster.by_player().into_values().next().unwrap_or(ann);
        let due = cluster.tick;
        cluster.seats[ann].buy(food(1, Some(&id)), due);
        cluster.deliver();
        cluster.tick();
        let again = cluster.dial("ann", 0);
        let token = cluster.token(&cluster.seats[again].player);
        cluster.seats[again].login(&token, 0);
        cluster.ticks(2);
        let due = cluster.tick + 1;
        cluster.seats[again].join("sol-1", due);
        cluster.seats[again].buy(food(1, Some(&id)), due);
        cluster.ticks(60);
        assert!(cluster.seats[again].asked.is_empty());
        assert_eq!(cluster.seats[again].errors, []);
        assert_eq!(held(&cluster, again), 3 + number);
    }
}
