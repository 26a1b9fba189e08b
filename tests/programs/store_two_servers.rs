//! Two servers on one PostgreSQL database: who runs which system, and what becomes of pilots and of what
//! they were told when one ends.

use orrery::ids::Name;
use orrery::protocol::{ErrorCode, JoinSystem, Reply, Request};

use crate::store_harness::Database;
use crate::store_servers::{audit, order_request, refused};
use crate::support::{Client, PATIENCE, Server, Setup, worlds};

fn on_postgres(database: &Database) -> Server {
    Server::start(Setup {
        database: Some(&database.url),
        ..Setup::world(worlds::PORT)
    })
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_second_server_with_nothing_left_to_run_says_whose_the_systems_are() {
    let database = Database::postgres();
    let server = on_postgres(&database);
    let (code, said) = refused(&database.url);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("waiting until that server renews its lease"),
        "{said}"
    );
    assert!(
        said.contains("no system is left to run: sol-1 is run by the server"),
        "{said}"
    );
    // Both listen on port 0 of one machine, and are two servers nevertheless.
    let mut client = Client::pilot(&server, "trader");
    client.dock();
    assert!(matches!(
        client.ask(order_request(0, "r0")),
        Reply::TradeResult(_)
    ));
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_killed_server_is_followed_at_once_on_its_own_machine() {
    let database = Database::postgres();
    let mut server = on_postgres(&database);
    let mut client = Client::pilot(&server, "trader");
    client.dock();
    let told = client.ask(order_request(0, "r0"));
    server.kill();
    let server = server.start_again();
    let log = server.log();
    assert!(
        log.contains("a process that has ended: it is taken over"),
        "{log}"
    );
    let mut client = Client::pilot(&server, "trader");
    assert_eq!(client.ask(order_request(0, "r0")), told);
    let writers = database.count("SELECT COUNT(*) FROM writers");
    assert_eq!(writers, 1, "the dead one's entry is gone");
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_pilot_who_comes_to_two_servers_flies_with_one_and_harms_neither() {
    let database = Database::postgres();
    let far = worlds::PORT
        .replace("sol-1", "vega-1")
        .replace("far-1", "vega-2");
    let here = on_postgres(&database);
    let there = Server::start(Setup {
        database: Some(&database.url),
        ..Setup::world(&far)
    });
    let mut guests = [
        Client::log_in(&here, "twin"),
        Client::log_in(&there, "twin"),
    ];
    // Both know nothing of the pilot, and both are asked at once.
    let join = |client: &mut Client, system| {
        let system_id = Name::parse(system).unwrap();
        client.send(Request::JoinSystem(JoinSystem { system_id }))
    };
    let asked = [
        join(&mut guests[0], "sol-1"),
        join(&mut guests[1], "vega-1"),
    ];
    let answers = [guests[0].answer(asked[0]), guests[1].answer(asked[1])];
    let taken = answers
        .iter()
        .filter(|reply| matches!(reply, Reply::Joined(_)));
    assert_eq!(taken.count(), 1, "{answers:?}");
    let turned_away = |reply: &Reply| match reply {
        Reply::Error(error) => {
            error.code == ErrorCode::UnknownSystem && error.message.contains("another server")
        }
        _ => false,
    };
    assert!(answers.iter().any(turned_away), "{answers:?}");
    // Nor later: the pilot is on the other server's books.
    let (other, system) = match answers {
        [Reply::Joined(_), _] => (&there, "vega-1"),
        _ => (&here, "sol-1"),
    };
    let mut again = Client::log_in(other, "twin");
    assert!(turned_away(&again.join(system)));
    for (server, system) in [(&here, "sol-1"), (&there, "vega-1")] {
        let mut client = Client::log_in(server, &format!("resident-of-{system}"));
        client.enter(system);
        client.dock();
        assert!(matches!(
            client.ask(order_request(0, "r0")),
            Reply::TradeResult(_)
        ));
    }
    drop((here, there));
    let (code, report) = audit(&database.url);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn a_server_that_loses_one_system_stops_there_and_serves_the_other() {
    let database = Database::postgres();
    let mut server = on_postgres(&database);
    let mut client = Client::pilot(&server, "trader");
    let far = "UPDATE systems SET owner = 'thief', fence = fence + 1, \
               expires_ms = 9000000000000000 WHERE system_name = ";
    database.tamper(&format!("{far} 'sol-1'"));
    assert_eq!(client.ending().code, 1001);
    server.wait_until("it says so", |server| {
        server
            .log()
            .contains("sol-1 is run by another server on this database now")
    });
    let mut client = Client::log_in(&server, "settler");
    match client.join("sol-1") {
        Reply::Error(error) => {
            assert_eq!(error.code, ErrorCode::UnknownSystem);
            assert!(error.message.contains("run by another server"), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    client.enter("far-1");
    database.tamper(&format!("{far} 'far-1'"));
    client.ending();
    let status = server.exit(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1));
    let log = server.log();
    assert!(
        log.contains("every system of this server is run by another server now"),
        "{log}"
    );
    let (code, report) = audit(&database.url);
    assert_eq!(code, Some(0), "{report}");
}
