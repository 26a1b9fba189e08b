//! Who is let in, who is turned away for the server's sake, and who is replaced.

use super::{assert_refused_for_the_servers_sake, quiet, thrust};
use crate::cluster::seat::SeatState;
use crate::cluster::server::DiskPace;
use crate::cluster::{Cluster, Setup, sky};
use orrery::limits::{LOGIN_ANSWER_MS_MAX, LOGIN_RATE_MIN, SWEEP_MS};
use orrery::protocol::{CloseCode, ErrorCode, Reply};

#[test]
fn a_login_that_the_store_does_not_answer_is_refused_after_ten_seconds_and_may_come_again() {
    let mut cluster = quiet();
    cluster.disk_pace = DiskPace::Silent;
    let ann = cluster.dial("ann", 0);
    let token = cluster.token(&cluster.seats[ann].player);
    cluster.seats[ann].login(&token, 0);
    let asked_at = cluster.tick;
    while !cluster.seats[ann].is_over() {
        cluster.tick();
        assert!(cluster.tick < asked_at + 400, "nobody waits for ever");
    }
    let waited_ms = (cluster.tick - asked_at) * 1000 / 30;
    let bounds = LOGIN_ANSWER_MS_MAX..LOGIN_ANSWER_MS_MAX + 2 * SWEEP_MS + 100;
    assert!(bounds.contains(&waited_ms), "refused after {waited_ms} ms");
    assert_refused_for_the_servers_sake(&cluster, ann, ErrorCode::Internal);
    cluster.disk_pace = DiskPace::Prompt;
    cluster.enter("ann", "sol-1");
}

#[test]
fn a_server_full_of_players_refuses_a_login_for_its_own_sake() {
    let mut setup = Setup::new(sky::close_quarters());
    setup.players_max = 1;
    let mut cluster = Cluster::new(setup);
    cluster.enter("ann", "sol-1");
    let bob = cluster.dial("bob", 0);
    let token = cluster.token(&cluster.seats[bob].player);
    cluster.seats[bob].login(&token, 0);
    cluster.ticks(3);
    assert_refused_for_the_servers_sake(&cluster, bob, ErrorCode::SystemFull);
}

#[test]
fn an_address_logs_in_only_so_often_over_all_its_connections_and_shards() {
    let mut setup = Setup::new(sky::close_quarters());
    (setup.shards, setup.connections_per_ip_max) = (2, 1);
    let mut cluster = Cluster::new(setup);
    let log_in = |cluster: &mut Cluster, number: u32| {
        let seat = cluster.dial(&format!("p{number}"), (number % 2) as u16);
        let token = cluster.token(&cluster.seats[seat].player);
        cluster.seats[seat].login(&token, 0);
        cluster.tick();
        seat
    };
    // A tick gives less than a token back.
    let first = (0..LOGIN_RATE_MIN.burst).map(|number| log_in(&mut cluster, number));
    let first: Vec<usize> = first.collect();
    cluster.ticks(2);
    let seats = &cluster.seats;
    assert!(
        first
            .iter()
            .all(|&seat| seats[seat].stage == SeatState::Ashore)
    );
    for number in 0..4 {
        log_in(&mut cluster, 1_000 + number);
    }
    let last = cluster.seats.len() - 1;
    assert_refused_for_the_servers_sake(&cluster, last, ErrorCode::RateLimited);
    let Some(Reply::AuthError(error)) = cluster.seats[last].newest_reply.clone() else {
        panic!("looked at above");
    };
    let wait_ms = error.retry_after_ms.expect("looked at above");
    assert!(wait_ms <= 1_000, "{wait_ms}");
    cluster.ticks(wait_ms * 30 / 1_000 + 1);
    let again = log_in(&mut cluster, 1_003);
    cluster.ticks(2);
    assert_eq!(
        cluster.seats[again].stage,
        SeatState::Ashore,
        "the token is good"
    );
}

#[test]
fn a_store_that_fails_refuses_the_logins_that_wait_for_it_and_those_that_follow() {
    let mut cluster = quiet();
    cluster.disk_pace = DiskPace::Silent;
    let seats = [cluster.dial("ann", 0), cluster.dial("bob", 0)];
    for (seat, due) in seats.into_iter().zip([0, 8]) {
        let token = cluster.token(&cluster.seats[seat].player);
        cluster.seats[seat].login(&token, due);
    }
    cluster.ticks(3);
    cluster.disk().fail();
    cluster.ticks(12);
    for seat in seats {
        assert_refused_for_the_servers_sake(&cluster, seat, ErrorCode::Internal);
    }
}

#[test]
fn a_replaced_login_closes_the_former_4003() {
    let mut cluster = quiet();
    let former = cluster.enter("ann", "sol-1");
    let ship = cluster.seats[former].model.ship.clone();
    let newer = cluster.enter("ann", "sol-1");
    let code = CloseCode::Replaced.as_u16();
    assert_eq!(cluster.seats[former].stage, SeatState::Over(Some(code)));
    assert_eq!(
        cluster.seats[newer].model.ship, ship,
        "the ship is taken over"
    );
    let due = cluster.tick + 1;
    cluster.seats[newer].steer(thrust(1.0, 0.0), due);
    cluster.ticks(3);
    assert!(
        cluster.seats[newer].model.last_input_seq > 0,
        "and obeys, its numbers begun anew"
    );
}
