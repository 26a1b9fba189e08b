//! Two pilots and one unit: chance decides, the same chance every time the tick is run.

use std::sync::Arc;

use orrery::ids::{CommodityIndex, Handle, StationIndex};
use orrery::sim::{Command, Order, Place, World};
use orrery::universe::Universe;

use super::{SOL, admit, quiet, steer, step};

const HOME: StationIndex = StationIndex(0);

/// Something that the first station sells and that goes into a hold.
fn goods(universe: &Universe) -> CommodityIndex {
    let listed = universe.systems[0].stations[0].market.iter();
    let mut goods = listed.map(|listing| listing.commodity);
    goods.find(|&goods| goods != universe.fuel).expect("goods")
}

/// A world whose first station has one unit of one commodity, and two pilots who are docked there.
fn contest(seed: u64, names: [&str; 2]) -> (World, [Handle; 2], CommodityIndex) {
    let universe = quiet();
    let goods = goods(&universe);
    let stocks = [(HOME, goods, 1)];
    let mut world = World::new(Arc::new(universe), SOL, seed, Some(&stocks));
    let ships = names.map(|name| admit(&mut world, name, Place::Docked(HOME)));
    (world, ships, goods)
}

fn buy(ship: Handle, seq: u64, ticket: u64, commodity: CommodityIndex) -> Command {
    Command::Order {
        ship,
        seq,
        ticket,
        order: Order::Buy {
            station: HOME,
            commodity,
            quantity: 1,
        },
    }
}

/// The ticket of the order that was carried out.
fn winner(world: &World) -> u64 {
    let receipts = &world.outcome().receipts;
    let mut done = receipts.iter().filter(|receipt| receipt.result.is_ok());
    let winner = done.next().expect("one gets it").ticket;
    assert_eq!(done.count(), 0, "and one only");
    winner
}

/// How many of 200 contests the first of two ships wins.
fn wins_of_the_first(commands: impl Fn([Handle; 2], CommodityIndex) -> Vec<Command>) -> usize {
    let wins = |seed: &u64| {
        let (mut world, ships, goods) = contest(*seed, ["ann", "bob"]);
        step(&mut world, &commands(ships, goods));
        winner(&world) == 1
    };
    (0..200).filter(wins).count()
}

#[test]
fn of_two_orders_for_the_last_unit_chance_decides() {
    let wins =
        wins_of_the_first(|[ann, bob], goods| vec![buy(ann, 1, 1, goods), buy(bob, 1, 2, goods)]);
    assert!(
        (60..=140).contains(&wins),
        "{wins} of 200 by the older ship"
    );
}

#[test]
fn who_leaves_in_the_same_tick_is_not_served_first() {
    let wins = wins_of_the_first(|[ann, bob], goods| {
        vec![
            buy(ann, 1, 1, goods),
            steer(ann, 2, 1.0, false, false),
            buy(bob, 1, 2, goods),
        ]
    });
    assert!((60..=140).contains(&wins), "{wins} of 200 by who leaves");
}

#[test]
fn the_draw_hangs_on_the_player_and_not_on_the_row() {
    let mut by_ann = 0;
    for seed in 0..100 {
        let (mut world, [ann, bob], goods) = contest(seed, ["ann", "bob"]);
        step(&mut world, &[buy(ann, 1, 1, goods), buy(bob, 1, 2, goods)]);
        let (mut turned, [bob, ann], goods) = contest(seed, ["bob", "ann"]);
        step(&mut turned, &[buy(ann, 9, 1, goods), buy(bob, 3, 2, goods)]);
        assert_eq!(winner(&world), winner(&turned), "seed {seed}");
        by_ann += u32::from(winner(&world) == 1);
    }
    assert!((25..=75).contains(&by_ann), "{by_ann}");
}

#[test]
fn one_pilots_orders_are_filled_in_the_order_of_their_numbers() {
    for seed in 0..40 {
        let (mut world, [ann, bob], goods) = contest(seed, ["ann", "bob"]);
        let sell = |ship, seq, ticket| Command::Order {
            ship,
            seq,
            ticket,
            order: Order::Sell {
                station: HOME,
                commodity: goods,
                quantity: 1,
            },
        };
        // Whoever comes first buys the unit and gives it back, so the other gets it too.
        let commands = [
            sell(bob, 2, 4),
            sell(ann, 2, 2),
            buy(ann, 1, 1, goods),
            buy(bob, 1, 3, goods),
        ];
        step(&mut world, &commands);
        let receipts = &world.outcome().receipts;
        assert!(receipts.iter().all(|receipt| receipt.result.is_ok()));
        let tickets: Vec<u64> = receipts.iter().map(|receipt| receipt.ticket).collect();
        assert!(
            tickets == [1, 2, 3, 4] || tickets == [3, 4, 1, 2],
            "{tickets:?}"
        );
    }
}

#[test]
fn what_is_ordered_behind_the_thrust_that_undocks_is_refused() {
    let (mut world, [ann, _], goods) = contest(1, ["ann", "bob"]);
    step(
        &mut world,
        &[steer(ann, 1, 1.0, false, false), buy(ann, 2, 1, goods)],
    );
    let refusal = world.outcome().receipts[0].result;
    assert_eq!(refusal, Err(orrery::sim::OrderRefusal::NotDocked));
}
