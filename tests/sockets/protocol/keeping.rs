//! What outlives the process: pilots, and every outcome that was told.

use std::time::Duration;

use orrery::protocol::{Reply, Request};

use crate::support::{Client, Server, Setup, buy, order, worlds};

#[test]
fn a_pilot_is_found_again_after_a_restart() {
    let mut server = Server::start(Setup::world(worlds::PORT));
    let mut sailor = Client::pilot(&server, "sailor");
    sailor.steer(1.0, 0.2);
    sailor.deltas(20);
    let mut trader = Client::pilot(&server, "trader");
    trader.dock();
    assert!(matches!(
        trader.ask(buy("alpha", "water", 5)),
        Reply::TradeResult(_)
    ));
    sailor.until("the sailor is under way", |sailor, _| {
        sailor.sky.ship().unwrap().x.to_f64() > 30.0
    });
    server.terminate();
    assert_eq!(sailor.ending().code, 1001);
    assert_eq!(trader.ending().code, 1001);
    let last = sailor.sky.ship().unwrap().clone();
    assert_eq!(
        server.exit(Duration::from_secs(10)).unwrap().code(),
        Some(0)
    );

    let server = server.start_again();
    let mut trader = Client::open(&server);
    let Reply::AuthOk(ok) = trader.login(&Server::token("trader")) else {
        panic!("auth.ok");
    };
    assert_eq!(ok.system_id.unwrap().as_str(), "sol-1");
    trader.enter("sol-1");
    assert_eq!(trader.sky.docked_at(), Some("alpha"));
    assert_eq!(
        (trader.sky.you().credits, trader.sky.held("water")),
        (945, 5)
    );
    assert_eq!(trader.sky.price("alpha", "water").2, 9995);
    let mut sailor = Client::log_in(&server, "sailor");
    let spawn = sailor.enter("sol-1").spawn;
    // It flew on for as long as the server took to hear the signal.
    let (dx, dy) = (
        spawn.x.to_f64() - last.x.to_f64(),
        spawn.y.to_f64() - last.y.to_f64(),
    );
    assert!(dx.hypot(dy) < 60.0, "{spawn:?} {last:?}");
    assert!(sailor.sky.you().fuel.to_f64() < 100.0);
}

#[test]
fn an_outcome_that_was_told_outlives_a_kill_and_happens_once() {
    let mut server = Server::start(Setup::world(worlds::PORT));
    let mut client = Client::pilot(&server, "careful");
    client.dock();
    let order_request = || Request::Buy(order("alpha", "water", 7, Some("before the cut")));
    let told = client.ask(order_request());
    assert!(matches!(told, Reply::TradeResult(_)), "{told:?}");
    server.kill();
    let server = server.start_again();
    let mut client = Client::log_in(&server, "careful");
    client.enter("sol-1");
    assert_eq!(client.sky.you().credits, 1000 - 77);
    assert_eq!(client.sky.held("water"), 7);
    assert_eq!(client.ask(order_request()), told);
    assert_eq!(client.sky.price("alpha", "water").2, 9993);
}
