//! Tests of who may come in.

use super::*;
use crate::limits::{NETWORK_48_SHARE, NETWORK_56_SHARE, RETURN_MS, SILENCE_GRACE_MS};
use crate::net::clock::ManualClock;
use crate::net::http::head::{HeadProgress, Incoming};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn limiter(connections_max: usize, connections_per_ip_max: usize) -> Arc<ConnectionLimiter> {
    at(connections_max, connections_per_ip_max, &Arc::default())
}

fn at(
    connections_max: usize,
    connections_per_ip_max: usize,
    clock: &Arc<ManualClock>,
) -> Arc<ConnectionLimiter> {
    let config = NetConfig {
        connections_max,
        connections_per_ip_max,
        trusted_proxies: vec![address("10.0.0.1"), address("10.0.0.2")],
        ..NetConfig::default()
    };
    ConnectionLimiter::new(&config, Arc::clone(clock) as _)
}

const CONN: ConnId = ConnId {
    shard: 0,
    slot: 0,
    generation: 0,
};

/// The connection of this number, which is on one of three shards.
fn conn(number: u32) -> ConnId {
    ConnId {
        shard: (number % 3) as u16,
        slot: number,
        generation: 0,
    }
}

fn enter(
    limiter: &Arc<ConnectionLimiter>,
    peer: &str,
) -> Result<ConnectionPermit, ConnectionRefusal> {
    limiter.enter(address(peer), CONN)
}

/// Who made room since the last call.
fn displaced(limiter: &ConnectionLimiter) -> Vec<u32> {
    let mut numbers: Vec<_> = (0..3)
        .flat_map(|shard| limiter.take_displaced(shard))
        .map(|conn| conn.slot)
        .collect();
    numbers.sort_unstable();
    numbers
}

fn is_as_new(limiter: &ConnectionLimiter) -> bool {
    limiter.counts().is_as_new()
}

#[test]
fn a_place_comes_back_when_its_pass_is_dropped() {
    let limiter = limiter(2, 1);
    let first = enter(&limiter, "1.1.1.1").unwrap();
    let again = enter(&limiter, "::ffff:1.1.1.1");
    assert_eq!(again.err(), Some(ConnectionRefusal::TooManyFromAddress));
    drop(first);
    let first = enter(&limiter, "1.1.1.1").unwrap();
    let second = enter(&limiter, "2.2.2.2").unwrap();
    assert_eq!(limiter.connections(), 2);
    assert!(displaced(&limiter).is_empty());
    drop((first, second));
    assert!(is_as_new(&limiter));
}

#[test]
fn an_ipv6_network_has_a_multiple_of_what_an_address_may_have() {
    let limiter = limiter(10_000, 2);
    let mut inside = Vec::new();
    let mut enter = |text: String| enter(&limiter, &text).map(|pass| inside.push(pass)).err();
    for host in 1..=2 {
        assert_eq!(enter(format!("2001:db8:1:100::{host}")), None);
    }
    let third = enter("2001:db8:1:100:9::1".to_owned());
    assert_eq!(
        third,
        Some(ConnectionRefusal::TooManyFromAddress),
        "the same /64"
    );
    for subnet in 1..2 * NETWORK_56_SHARE - 1 {
        assert_eq!(enter(format!("2001:db8:1:1{subnet:02x}::1")), None);
    }
    let fresh = enter("2001:db8:1:1ff::1".to_owned());
    assert_eq!(
        fresh,
        Some(ConnectionRefusal::TooManyFromNetwork),
        "the same /56"
    );
    for subnet in 2 * NETWORK_56_SHARE..2 * NETWORK_48_SHARE {
        assert_eq!(enter(format!("2001:db8:1:{:x}::1", subnet << 8)), None);
    }
    let fresh = enter("2001:db8:1:ff00::1".to_owned());
    assert_eq!(
        fresh,
        Some(ConnectionRefusal::TooManyFromNetwork),
        "the same /48"
    );
    assert_eq!(enter("2001:db8:2::1".to_owned()), None);
    inside.clear();
    assert!(is_as_new(&limiter));
}

#[test]
fn a_proxys_clients_are_counted_one_by_one() {
    let limiter = limiter(9, 1);
    let passes: Vec<_> = (0..3)
        .map(|_| enter(&limiter, "10.0.0.1").unwrap())
        .collect();
    assert!(passes[0].count_for(address("1.1.1.1")).is_ok());
    assert!(passes[1].count_for(address("1.1.1.1")).is_err());
    assert!(passes[2].count_for(address("2.2.2.2")).is_ok());
    drop(passes);
    assert!(is_as_new(&limiter));
}

#[test]
fn a_quarter_of_all_places_is_closed_to_the_anonymous() {
    let limiter = limiter(8, 8);
    let mut inside: Vec<_> = (0..7)
        .map(|number| {
            let peer = IpAddr::from([1, 1, 1, number as u8]);
            limiter.enter(peer, conn(number)).unwrap()
        })
        .collect();
    assert_eq!(limiter.connections(), 6);
    assert_eq!(displaced(&limiter), [0]);
    inside[1].authenticate();
    inside[2].authenticate();
    for number in 7..9 {
        inside.push(limiter.enter(address("2.2.2.2"), conn(number)).unwrap());
    }
    assert_eq!((limiter.connections(), displaced(&limiter)), (8, vec![]));
    inside.push(limiter.enter(address("2.2.2.3"), conn(9)).unwrap());
    assert_eq!(
        displaced(&limiter),
        [3],
        "the oldest that is not authenticated"
    );
    drop(inside);
    assert!(is_as_new(&limiter));
}

#[test]
fn who_was_authenticated_finds_a_kept_place_for_a_while() {
    let clock = Arc::default();
    let limiter = at(4, 40, &clock);
    let pilot = enter(&limiter, "1.1.1.1").unwrap();
    pilot.authenticate();
    drop(pilot);
    let crowd = |numbers: std::ops::Range<u32>| -> Vec<_> {
        let strangers = numbers.map(|number| limiter.enter(address("2.2.2.2"), conn(number)));
        strangers.map(Result::unwrap).collect()
    };
    let mut inside = crowd(0..3);
    let back = limiter.enter(address("1.1.1.1"), conn(3)).unwrap();
    assert_eq!(back.standing(), Some(Standing::Returning));
    assert!(displaced(&limiter).is_empty());
    let other = limiter.enter(address("1.1.1.1"), conn(4)).unwrap();
    let known = other.standing();
    assert_eq!(known, Some(Standing::Anonymous), "one left, one comes back");
    inside.extend(crowd(5..50));
    assert_eq!(back.standing(), Some(Standing::Returning), "nobody took it");
    assert!(!displaced(&limiter).contains(&3));
    drop(back);
    clock.advance(RETURN_MS);
    let late = enter(&limiter, "1.1.1.1").unwrap();
    let known = late.standing();
    assert_eq!(known, Some(Standing::Anonymous), "its ship is gone by now");
    drop((inside, other, late));
    assert!(is_as_new(&limiter));
}

#[test]
fn one_who_returns_displaces_strangers_and_then_the_oldest_of_its_own() {
    let limiter = limiter(4, 40);
    let pilot = |peer: &str| {
        let pass = enter(&limiter, peer).unwrap();
        pass.authenticate();
        pass
    };
    let pilots: Vec<_> = (0..4).map(|_| pilot("1.1.1.1")).collect();
    let refused = enter(&limiter, "2.2.2.2");
    assert_eq!(
        refused.err(),
        Some(ConnectionRefusal::Full),
        "nobody makes room"
    );
    drop(pilots);
    let _pilots = [pilot("3.3.3.3"), pilot("3.3.3.3")];
    let _stranger = limiter.enter(address("2.2.2.2"), conn(0)).unwrap();
    let back = |peer: &str, number| limiter.enter(address(peer), conn(number)).unwrap();
    let mut inside = vec![back("1.1.1.1", 1), back("1.1.1.1", 2)];
    assert_eq!(displaced(&limiter), [0]);
    let refused = enter(&limiter, "2.2.2.2");
    assert_eq!(
        refused.err(),
        Some(ConnectionRefusal::Full),
        "a stranger displaces none of them"
    );
    inside.push(back("3.3.3.3", 3));
    assert_eq!(displaced(&limiter), [1]);
    let standings = inside.iter().map(ConnectionPermit::standing);
    let returning = Some(Standing::Returning);
    assert_eq!(standings.collect::<Vec<_>>(), [None, returning, returning]);
}

#[test]
fn the_oldest_makes_room_on_whichever_shard_and_the_silent_before_who_has_spoken() {
    let clock = Arc::default();
    let limiter = at(6, 40, &clock);
    let enter = |number| limiter.enter(address("2.2.2.2"), conn(number)).unwrap();
    let mut inside: Vec<_> = (0..5).map(enter).collect();
    inside[0].has_spoken();
    inside[1].has_spoken();
    inside.push(enter(5));
    assert_eq!(displaced(&limiter), [0], "nobody has been silent for long");
    clock.advance(SILENCE_GRACE_MS);
    inside.extend((6..10).map(enter));
    assert_eq!(displaced(&limiter), [2, 3, 4, 5]);
    inside.push(enter(10));
    assert_eq!(displaced(&limiter), [1]);
    inside.push(enter(11));
    assert_eq!(displaced(&limiter), [6]);
    drop(inside);
    assert!(is_as_new(&limiter));
}

#[test]
fn an_address_that_may_have_all_places_is_displaced_rather_than_refused() {
    let limiter = limiter(3, 3);
    let inside: Vec<_> = (0..9)
        .map(|number| limiter.enter(address("1.1.1.1"), conn(number)).unwrap())
        .collect();
    assert_eq!(displaced(&limiter), [0, 1, 2, 3, 4, 5]);
    drop(inside);
    assert!(is_as_new(&limiter));
}

#[test]
fn an_address_beyond_its_limit_takes_nobodys_place() {
    let limiter = limiter(2, 1);
    let _first = enter(&limiter, "1.1.1.1").unwrap();
    let _second = enter(&limiter, "2.2.2.2").unwrap();
    let greedy = enter(&limiter, "1.1.1.1");
    assert_eq!(greedy.err(), Some(ConnectionRefusal::TooManyFromAddress));
    assert_eq!((limiter.connections(), displaced(&limiter)), (2, vec![]));
}

#[test]
fn only_a_trusted_proxys_word_is_taken() {
    let limiter = limiter(9, 9);
    let client = |peer: &str, forwarded: &str| {
        let text = format!("GET / HTTP/1.1\r\nX-Forwarded-For: {forwarded}\r\n\r\n");
        let HeadProgress::Complete(head) = Incoming::default().push(text.as_bytes()) else {
            panic!("{text}");
        };
        head.request(address(peer), false, |request| limiter.client(request))
            .unwrap()
    };
    assert_eq!(client("1.1.1.1", "9.9.9.9"), address("1.1.1.1"));
    assert_eq!(client("10.0.0.1", "9.9.9.9"), address("9.9.9.9"));
    assert_eq!(client("10.0.0.1", "6.6.6.6, 9.9.9.9"), address("9.9.9.9"));
    assert_eq!(client("10.0.0.1", "9.9.9.9, 10.0.0.2"), address("9.9.9.9"));
    assert_eq!(client("10.0.0.1", "9.9.9.9, nonsense"), address("10.0.0.1"));
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn log_in(limiter: &Arc<ConnectionLimiter>, peer: &str, who: &str) -> ConnectionPermit {
    let pass = enter(limiter, peer).unwrap();
    assert!(pass.begin_login(&name(who)), "{who}");
    pass.authenticate();
    pass
}

#[test]
fn a_login_under_way_makes_room_for_nobody_until_it_has_come_to_nothing() {
    let limiter = limiter(4, 40);
    let newcomer = limiter.enter(address("1.1.1.1"), conn(0)).unwrap();
    assert!(newcomer.begin_login(&name("newcomer")));
    let crowd = |numbers: std::ops::Range<u32>| -> Vec<_> {
        let strangers = numbers.map(|number| limiter.enter(address("2.2.2.2"), conn(number)));
        strangers.map(Result::unwrap).collect()
    };
    let mut inside = crowd(1..50);
    assert_eq!(newcomer.standing(), Some(Standing::LoggingIn));
    newcomer.end_login();
    assert_eq!(newcomer.standing(), Some(Standing::Anonymous));
    inside.extend(crowd(50..60));
    assert_eq!(newcomer.standing(), None);
    drop((inside, newcomer));
    assert!(is_as_new(&limiter));
}

#[test]
fn places_lost_a_moment_ago_are_kept_from_newcomers_by_name_even_behind_one_address() {
    let clock = Arc::default();
    let limiter = at(8, 40, &clock);
    let mut pilots: Vec<_> = (0..8)
        .map(|number| log_in(&limiter, "1.1.1.1", &format!("pilot-{number}")))
        .collect();
    pilots.truncate(6);
    let newcomer = enter(&limiter, "1.1.1.1").unwrap();
    assert!(!newcomer.begin_login(&name("newcomer")));
    let back = enter(&limiter, "1.1.1.1").unwrap();
    assert!(back.begin_login(&name("pilot-7")));
    assert!(
        !newcomer.begin_login(&name("pilot-7")),
        "one claim, one place"
    );
    back.end_login();
    assert!(back.begin_login(&name("pilot-7")), "the claim came back");
    back.authenticate();
    assert!(!newcomer.begin_login(&name("newcomer")));
    clock.advance(RETURN_MS);
    assert!(newcomer.begin_login(&name("newcomer")), "its ship is gone");
    drop((pilots, newcomer, back));
    assert!(is_as_new(&limiter));
}

#[test]
fn only_the_kept_share_waits_for_those_who_are_away() {
    let limiter = limiter(8, 40);
    let mut pilots: Vec<_> = (0..8)
        .map(|number| log_in(&limiter, "1.1.1.1", &format!("pilot-{number}")))
        .collect();
    pilots.truncate(2);
    let newcomers = ["2.2.2.2"; 5].map(|peer| enter(&limiter, peer).unwrap());
    let begun = newcomers
        .iter()
        .enumerate()
        .map(|(number, pass)| pass.begin_login(&name(&format!("newcomer-{number}"))));
    assert_eq!(begun.collect::<Vec<_>>(), [true, true, true, true, false]);
    drop((pilots, newcomers));
    assert!(is_as_new(&limiter));
}

#[test]
fn one_login_at_a_time_takes_over_from_its_own_connection_when_there_is_no_room() {
    let limiter = limiter(8, 40);
    let mut pilots: Vec<_> = (0..8)
        .map(|number| log_in(&limiter, "1.1.1.1", &format!("pilot-{number}")))
        .collect();
    pilots.truncate(6);
    let [first, second] = ["1.1.1.1"; 2].map(|peer| enter(&limiter, peer).unwrap());
    assert!(first.begin_login(&name("pilot-0")));
    assert!(!second.begin_login(&name("pilot-0")));
    first.authenticate();
    drop(pilots.remove(0));
    assert!(second.begin_login(&name("pilot-6")), "still kept");
    drop((pilots, first, second));
    assert!(is_as_new(&limiter));
}
