//! Buying, selling, repairing: what they move, why they are refused, and that nothing happens twice.

use std::sync::Arc;

use orrery::protocol::{ErrorCode, Reply, Request, TradeResult};

use crate::support::{Client, Server, Setup, Shared, buy, order, repair, sell, worlds};

static SHARED: Shared = Shared::new();

/// Tests side by side share the stocks: each is content with any amount of water, and none takes
/// all the food.
fn server() -> Arc<Server> {
    SHARED.server(|| Server::start(Setup::world(worlds::PORT)))
}

fn docked(server: &Server, player: &str) -> Client {
    let mut client = Client::pilot(server, player);
    client.dock();
    assert_eq!(client.sky.docked_at(), Some("alpha"));
    client
}

fn result(reply: Reply) -> TradeResult {
    match reply {
        Reply::TradeResult(result) => result,
        other => panic!("a trade.result, not {other:?}"),
    }
}

fn hold(result: &TradeResult) -> Vec<(&str, u32)> {
    let cargo = result.cargo.iter();
    cargo
        .map(|cargo| (cargo.commodity_id.as_str(), cargo.qty))
        .collect()
}

#[test]
fn a_purchase_moves_credits_and_goods() {
    let server = server();
    let mut client = docked(&server, "buyer");
    let (price, _, _) = client.sky.price("alpha", "water");
    assert_eq!(price, 11);
    let bought = result(client.ask(buy("alpha", "water", 5)));
    assert!(bought.ok);
    assert_eq!(bought.credits, 1000 - 55);
    assert_eq!(hold(&bought), [("water", 5)]);
    assert_eq!(bought.details.station_id.as_str(), "alpha");
    assert_eq!(bought.details.commodity_id.as_str(), "water");
    let details = (
        bought.details.quantity,
        bought.details.unit_price,
        bought.details.total,
    );
    assert_eq!(details, (5, 11, 55));
    client.until("the stream tells it too", |client, _| {
        client.sky.you().credits == 945 && client.sky.held("water") == 5
    });
}

#[test]
fn a_sale_pays_the_unit_price_times_the_quantity() {
    let server = server();
    let mut client = docked(&server, "seller");
    result(client.ask(buy("alpha", "water", 5)));
    let sold = result(client.ask(sell("alpha", "water", 3)));
    assert_eq!(sold.credits, 945 + 27);
    assert_eq!(hold(&sold), [("water", 2)]);
    assert_eq!((sold.details.unit_price, sold.details.total), (9, 27));
    let rest = result(client.ask(sell("alpha", "water", 2)));
    assert_eq!(
        hold(&rest),
        [("water", 0)],
        "what was traded is listed when none is left"
    );
    assert_eq!(rest.credits, 990);
    client.until("the stream tells it too", |client, _| {
        client.sky.you().credits == 990 && client.sky.you().cargo.is_empty()
    });
}

#[test]
fn a_market_answers_what_was_bought_with_a_higher_price_and_a_lower_stock() {
    let server = Server::built_in();
    let mut client = Client::pilot(&server, "whale");
    client.dock();
    let before = client.sky.price("earth-orbit-station", "luxuries");
    let bought = result(client.ask(buy("earth-orbit-station", "luxuries", 30)));
    assert_eq!(bought.details.unit_price, before.0);
    client.enter("sol-1");
    let after = client.sky.price("earth-orbit-station", "luxuries");
    assert!(after.0 > before.0, "{after:?} {before:?}");
    // The shelf drifts back, and traders call, while the pilot looks.
    assert!(
        (before.2 - 40..before.2 - 20).contains(&after.2),
        "{after:?} {before:?}"
    );
    assert!(after.0 > after.1, "who buys pays more than who sells gets");
}

#[test]
fn fuel_goes_into_the_tank_and_never_into_the_hold() {
    let server = server();
    let mut client = Client::pilot(&server, "burner");
    let full = client.sky.you().fuel;
    client.steer(1.0, 1.0);
    client.until("a unit is burned", |client, _| {
        client.sky.you().fuel.to_f64() < full.to_f64() - 0.5
    });
    client.dock();
    let bought = result(client.ask(buy("alpha", "fuel", 1)));
    assert_eq!(hold(&bought), [("fuel", 0)]);
    client.until("the tank is full", |client, _| {
        client.sky.you().fuel == full
    });
    assert_eq!(
        client.refusal(buy("alpha", "fuel", 1)),
        ErrorCode::CargoFull
    );
    assert_eq!(
        client.refusal(sell("alpha", "fuel", 1)),
        ErrorCode::InsufficientCargo
    );
}

#[test]
fn what_is_ordered_before_the_thrust_that_undocks_or_behind_a_docking_request_is_done() {
    let server = server();
    let mut client = Client::pilot(&server, "hasty");
    for round in 0..3 {
        client.rest();
        // All that is sent at once mostly meets in one tick.
        client.control(0.0, 0.0, false, true);
        let bought = client.send(buy("alpha", "water", 1));
        assert!(
            matches!(client.answer(bought), Reply::TradeResult(_)),
            "round {round}"
        );
        client.until("the dock is told", |client, _| {
            client.sky.docked_at().is_some()
        });
        client.rest();
        let sold = client.send(sell("alpha", "water", 1));
        client.steer(1e-6, 0.0);
        let late = client.send(buy("alpha", "water", 1));
        assert!(
            matches!(client.answer(sold), Reply::TradeResult(_)),
            "round {round}"
        );
        match client.answer(late) {
            Reply::Error(error) => assert_eq!(error.code, ErrorCode::NotDocked),
            other => panic!("round {round}: the ship has left, not {other:?}"),
        }
        client.until("it has left", |client, _| client.sky.docked_at().is_none());
    }
}

#[test]
fn a_ship_in_space_is_not_docked() {
    let server = server();
    let mut client = Client::pilot(&server, "floater");
    for request in [
        buy("alpha", "water", 1),
        sell("alpha", "water", 1),
        repair("alpha"),
    ] {
        assert_eq!(client.refusal(request), ErrorCode::NotDocked);
    }
}

#[test]
fn each_refusal_has_its_code_and_changes_nothing() {
    let server = server();
    let mut client = docked(&server, "hapless");
    for (request, expected) in [
        (buy("beta", "ore", 1), ErrorCode::WrongStation),
        (sell("beta", "ore", 1), ErrorCode::WrongStation),
        (repair("beta"), ErrorCode::WrongStation),
        (buy("nowhere", "water", 1), ErrorCode::UnknownStation),
        (sell("gamma", "water", 1), ErrorCode::UnknownStation),
        (repair("nowhere"), ErrorCode::UnknownStation),
        (buy("alpha", "nothing", 1), ErrorCode::UnknownCommodity),
        (buy("alpha", "ore", 1), ErrorCode::UnknownCommodity),
        (sell("alpha", "nothing", 1), ErrorCode::UnknownCommodity),
        (buy("alpha", "gold", 1), ErrorCode::InsufficientCredits),
        (sell("alpha", "water", 1), ErrorCode::InsufficientCargo),
        (buy("alpha", "water", 51), ErrorCode::CargoFull),
        (buy("alpha", "food", 31), ErrorCode::OutOfStock),
        (repair("alpha"), ErrorCode::NothingToRepair),
    ] {
        let asked = format!("{request:?}");
        assert_eq!(client.refusal(request), expected, "{asked}");
    }
    client.enter("sol-1");
    assert_eq!(client.sky.you().credits, 1000);
    assert_eq!(client.sky.you().cargo, []);
}

#[test]
fn a_quantity_that_is_no_whole_number_of_at_least_one_is_invalid() {
    let server = server();
    let mut client = docked(&server, "divider");
    for kind in ["trade.buy", "trade.sell"] {
        for quantity in ["0", "-1", "1000000001", "99999999999999999999", "1.5"] {
            let payload =
                format!(r#"{{"station_id":"alpha","commodity_id":"water","quantity":{quantity}}}"#);
            let seq = client.send_as(kind, &payload);
            match client.answer(seq) {
                Reply::Error(error) => {
                    assert_eq!(error.code, ErrorCode::InvalidQuantity, "{kind} {quantity}");
                }
                other => panic!("{kind} {quantity}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_same_request_id_gets_the_first_outcome_on_any_connection() {
    let server = server();
    let mut client = docked(&server, "repeater");
    let order_request = || Request::Buy(order("alpha", "water", 4, Some("id-1")));
    let first = client.ask(order_request());
    assert_eq!(result(first.clone()).credits, 956);
    assert_eq!(client.ask(order_request()), first);
    let both = (client.send(order_request()), client.send(order_request()));
    assert_eq!(
        (client.answer(both.0), client.answer(both.1)),
        (first.clone(), first.clone())
    );
    // Another trade between, so that an outcome made anew would differ.
    result(client.ask(sell("alpha", "water", 1)));
    drop(client);
    let mut again = Client::log_in(&server, "repeater");
    assert_eq!(
        again.ask(order_request()),
        first,
        "before it is in a system"
    );
    let fresh = || Request::Buy(order("alpha", "water", 1, Some("id-2")));
    assert_eq!(again.refusal(fresh()), ErrorCode::NotInSystem);
    again.enter("sol-1");
    assert_eq!(again.ask(order_request()), first);
    again.enter("sol-1");
    assert_eq!(again.sky.you().credits, 956 + 9);
    assert_eq!(again.sky.held("water"), 3);
    result(again.ask(fresh()));
}

#[test]
fn a_refusal_with_a_request_id_stays_a_refusal() {
    let server = server();
    let mut client = docked(&server, "denied");
    let order_request = || Request::Sell(order("alpha", "water", 2, Some("mine")));
    assert_eq!(
        client.refusal(order_request()),
        ErrorCode::InsufficientCargo
    );
    result(client.ask(buy("alpha", "water", 5)));
    assert_eq!(
        client.refusal(order_request()),
        ErrorCode::InsufficientCargo
    );
    let fresh = Request::Sell(order("alpha", "water", 2, Some("mine too")));
    assert_eq!(result(client.ask(fresh)).credits, 1000 - 55 + 18);
}

#[test]
fn a_request_id_with_another_body_is_reused_and_does_nothing() {
    let server = server();
    let mut client = docked(&server, "muddler");
    let with = |quantity| order("alpha", "water", quantity, Some("once"));
    let first = result(client.ask(Request::Buy(with(2))));
    assert_eq!(
        client.refusal(Request::Buy(with(3))),
        ErrorCode::RequestIdReused
    );
    assert_eq!(
        client.refusal(Request::Sell(with(2))),
        ErrorCode::RequestIdReused
    );
    assert_eq!(result(client.ask(Request::Buy(with(2)))), first);
    let mut other = docked(&server, "namesake");
    let theirs = result(other.ask(Request::Buy(with(3))));
    assert_eq!(theirs.details.quantity, 3, "ids are each player's own");
}
