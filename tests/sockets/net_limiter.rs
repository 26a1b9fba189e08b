//! Who gets in when all places are taken: a shard in memory, small limits, a clock that the test
//! moves.

use crate::net_rig;

use std::io::Write;
use std::net::IpAddr;

use net_rig::{LOCAL, Rig, UPGRADE, close_code, frame};
use orrery::limits::{RETURN_MS, SILENCE_GRACE_MS};
use orrery::net::NetConfig;
use orrery::net::limiter::ConnectionRefusal;
use orrery::net::memory::{End, duplex};

fn small(connections_max: usize) -> Rig {
    Rig::with(NetConfig {
        connections_max,
        ..NetConfig::default()
    })
}

/// A peer of this address, or why it was turned away.
fn connect_from(rig: &mut Rig, peer: IpAddr) -> Result<End, ConnectionRefusal> {
    let (near, far) = duplex();
    rig.shard.admit(near, peer).map(|_| far)
}

/// Peers that have begun a request and do not end it, each from an address of its own.
fn slow_crowd(rig: &mut Rig, count: u8) -> Vec<End> {
    let mut begin = |host| {
        let mut far = connect_from(rig, IpAddr::from([192, 0, 2, host])).unwrap();
        far.write_all(b"GET /ws HTTP/1.1\r\nX-Slow: ").unwrap();
        rig.settle();
        far
    };
    (1..=count).map(&mut begin).collect()
}

fn ended(crowd: &[End]) -> Vec<bool> {
    crowd.iter().map(End::is_at_end).collect()
}

#[test]
fn when_all_places_are_taken_the_oldest_stranger_makes_room() {
    let mut rig = small(3);
    let crowd = slow_crowd(&mut rig, 3);
    let mut newcomer = rig.connect();
    newcomer.write_all(UPGRADE.as_bytes()).unwrap();
    rig.settle();
    assert!(newcomer.drain().starts_with(b"HTTP/1.1 101 "));
    assert_eq!(ended(&crowd), [true, false, false]);
    assert_eq!(rig.common.limiter.connections(), 3);
    assert_eq!(rig.shard.counters().displaced.value(), 1);
    assert_eq!(rig.shard.counters().refused.value(), 0);
}

#[test]
fn a_websocket_that_makes_room_is_told_to_come_again() {
    let mut rig = small(1);
    let first = rig.open();
    let second = rig.open();
    assert_eq!(close_code(&first.drain()), Some(1013));
    assert!(first.is_at_end());
    assert_eq!(rig.service.closed_count(), 1);
    assert!(!second.is_at_end());
    assert_eq!(rig.shard.len(), 1, "nothing is left of the first");
}

#[test]
fn who_has_said_nothing_for_a_while_makes_room_before_who_is_older_and_has_spoken() {
    let mut rig = small(3);
    let slow = slow_crowd(&mut rig, 1);
    let silent = [rig.connect(), rig.connect()];
    // Just come is not silent yet: the oldest goes.
    let mut spoken = rig.connect();
    spoken.write_all(b"GET").unwrap();
    rig.settle();
    assert_eq!((ended(&slow), ended(&silent)), (vec![true], vec![false; 2]));
    rig.pass(SILENCE_GRACE_MS);
    let _newcomers = [rig.connect(), rig.connect()];
    rig.settle();
    assert_eq!(ended(&silent), [true, true]);
    assert!(!spoken.is_at_end());
}

#[test]
fn no_crowd_takes_the_place_of_one_who_is_authenticated() {
    let mut rig = small(8);
    let mut pilots: Vec<_> = (0..3).map(|_| rig.log_in()).collect();
    let crowd = slow_crowd(&mut rig, 50);
    assert_eq!(ended(&crowd).iter().filter(|ended| !**ended).count(), 5);
    for pilot in &mut pilots {
        pilot.write_all(&frame(0x81, b"still here")).unwrap();
    }
    rig.settle();
    assert_eq!(rig.service.texts()[3..], ["still here"; 3]);
    // All places authenticated: nobody makes room any more.
    drop(crowd);
    rig.settle();
    pilots.extend((0..5).map(|_| rig.log_in()));
    let refused = connect_from(&mut rig, LOCAL);
    assert_eq!(refused.err(), Some(ConnectionRefusal::Full));
    assert_eq!(
        rig.shard
            .counters()
            .refusals(ConnectionRefusal::Full)
            .value(),
        1
    );
    assert_eq!(rig.service.closed_count(), 0);
}

#[test]
fn who_lost_the_connection_comes_back_to_a_place_that_no_crowd_can_take() {
    let mut rig = small(8);
    let pilot = rig.log_in();
    drop(pilot);
    rig.settle();
    let _crowd = slow_crowd(&mut rig, 6);
    let mut back = rig.connect();
    let _more = slow_crowd(&mut rig, 50);
    // It takes its time, and is still there to log in.
    rig.pass(SILENCE_GRACE_MS);
    let _still_more = slow_crowd(&mut rig, 50);
    back.write_all(&[UPGRADE.as_bytes(), &frame(0x81, b"login")].concat())
        .unwrap();
    rig.settle();
    assert!(back.drain().ends_with(b"login"));
    assert_eq!(rig.service.texts(), ["login", "login"]);
    // Once the ship is gone, who comes from there is a stranger again.
    drop(back);
    rig.settle();
    rig.pass(RETURN_MS);
    let late = rig.connect();
    let _crowd = slow_crowd(&mut rig, 50);
    assert!(late.is_at_end());
}

#[test]
fn no_crowd_takes_the_place_of_a_login_that_is_under_way() {
    let mut rig = small(8);
    let mut newcomer = rig.begin_login("newcomer");
    let _crowd = slow_crowd(&mut rig, 50);
    rig.pass(SILENCE_GRACE_MS);
    let _more = slow_crowd(&mut rig, 50);
    assert!(!newcomer.is_at_end());
    newcomer.write_all(&frame(0x81, b"login")).unwrap();
    rig.settle();
    assert!(newcomer.drain().ends_with(b"login"));
}

#[test]
fn newcomers_do_not_log_in_to_the_places_of_those_who_were_cut_a_moment_ago() {
    let mut rig = small(8);
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut pilots: Vec<_> = names.iter().map(|name| rig.log_in_as(name)).collect();
    pilots.truncate(5);
    rig.settle();
    // Three were cut; two places are the kept quarter, so one is free for anybody.
    let newcomer = rig.log_in_as("newcomer");
    assert_eq!(close_code(&rig.begin_login("another").drain()), Some(1013));
    assert_eq!(close_code(&rig.begin_login("third").drain()), Some(1013));
    pilots.extend(["g", "f"].map(|name| rig.log_in_as(name)));
    assert!(pilots.iter().all(|pilot| !pilot.is_at_end()));
    assert!(!newcomer.is_at_end());
    assert_eq!(rig.common.limiter.connections(), 8);
}

#[test]
fn a_client_behind_a_proxy_returns_once_the_proxy_has_named_it() {
    let mut rig = Rig::with(NetConfig {
        connections_max: 4,
        trusted_proxies: vec![LOCAL],
        ..NetConfig::default()
    });
    let named = UPGRADE.replace("Host: h", "Host: h\r\nX-Forwarded-For: 203.0.113.7");
    let mut pilot = rig.connect();
    pilot
        .write_all(&[named.as_bytes(), &frame(0x81, b"login")].concat())
        .unwrap();
    rig.settle();
    drop(pilot);
    rig.settle();
    let mut back = rig.connect();
    back.write_all(named.as_bytes()).unwrap();
    rig.settle();
    let _crowd = slow_crowd(&mut rig, 50);
    assert!(back.drain().starts_with(b"HTTP/1.1 101 "));
    assert!(!back.is_at_end());
}

#[test]
fn each_refusal_is_counted_with_its_cause() {
    let mut rig = Rig::with(NetConfig {
        connections_per_ip_max: 1,
        ..NetConfig::default()
    });
    let v6 = |subnet: u16| IpAddr::from([0x2001, 0xdb8, 1, subnet, 0, 0, 0, 1]);
    let _inside: Vec<_> = (0..4)
        .map(|subnet| connect_from(&mut rig, v6(subnet)))
        .collect();
    assert!(connect_from(&mut rig, v6(0)).is_err());
    assert!(connect_from(&mut rig, v6(4)).is_err());
    let counters = rig.shard.counters();
    assert_eq!(
        counters
            .refusals(ConnectionRefusal::TooManyFromAddress)
            .value(),
        1
    );
    assert_eq!(
        counters
            .refusals(ConnectionRefusal::TooManyFromNetwork)
            .value(),
        1
    );
    assert_eq!(counters.refused.value(), 2);
    assert_eq!(counters.displaced.value(), 0);
}
