//! Named stories on the simulated server: laggards, replaced logins, lingering ships, a full disk,
//! a crowd. The cluster's own checks run in every tick of each.

mod cluster;

use cluster::seat::Stage;
use cluster::server::DiskPace;
use cluster::{Cluster, Setup, sky};
use orrery::ids::{Name, PlayerId};
use orrery::limits::{
    CHECKPOINT_PERIOD_TICKS, CHECKPOINT_SHARE_TICKS, DELTA_BYTES_MAX, LINGER_TICKS,
    LOGIN_ANSWER_MS_MAX, LOGIN_RATE_MIN, PENDING_BYTES_MAX, STALL_MS_MAX, SWEEP_MS,
};
use orrery::wire::{CloseCode, ErrorCode, Input, Reply, RequestId, Trade};

fn quiet() -> Cluster {
    Cluster::new(Setup::new(sky::close_quarters()))
}

/// A sky for crowds, over a disk that takes them in at once.
fn crowd(half_side: f32) -> Cluster {
    let mut setup = Setup::new(sky::crowded(half_side));
    setup.disk_capacity = 8_192;
    Cluster::new(setup)
}

fn thrust(thrust: f32, turn: f32) -> Input {
    Input {
        thrust,
        turn,
        ..Input::default()
    }
}

/// Asks for the dock until the ship is in it.
fn dock(cluster: &mut Cluster, seat: usize) {
    let input = Input {
        dock_request: true,
        ..Input::default()
    };
    let due = cluster.tick + 1;
    cluster.seats[seat].steer(input, due);
    cluster.ticks(3);
    let you = cluster.seats[seat].model.you.as_ref();
    assert!(
        you.is_some_and(|you| you.docked_at.is_some()),
        "pilots appear at a dock"
    );
}

fn food(quantity: u32, id: Option<&str>) -> Trade {
    Trade {
        station_id: Name::parse("earth-orbit-station").expect("a name"),
        commodity_id: Name::parse("food").expect("a name"),
        quantity,
        request_id: id.map(|id| RequestId::parse(id).expect("an id")),
    }
}

#[test]
fn a_laggard_gets_a_snapshot_when_it_reads_again() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let bob = cluster.enter("bob", "sol-1");
    let due = cluster.tick + 1;
    cluster.seats[bob].steer(thrust(0.5, 0.3), due);
    cluster.set_rate(ann, 0);
    cluster.ticks(120);
    let conn = cluster.seats[ann].conn;
    let pending = cluster.pending_bytes(conn);
    assert!(pending > 0, "nothing flows");
    assert!(
        pending < 16 * 1024,
        "state does not queue behind unsent output: {pending} bytes"
    );
    let (deltas, snapshots) = (
        cluster.seats[ann].model.deltas,
        cluster.seats[ann].model.snapshots,
    );
    cluster.set_rate(ann, usize::MAX);
    cluster.ticks(2);
    assert_eq!(cluster.seats[ann].model.snapshots, snapshots + 1);
    cluster.ticks(20);
    assert_eq!(
        cluster.seats[ann].model.deltas,
        deltas + 20,
        "one a tick from then on"
    );
    assert_eq!(cluster.seats[ann].stage, Stage::Aboard);
}

#[test]
fn a_client_that_never_reads_is_closed_4004_and_bounded() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    cluster.set_rate(ann, 0);
    let conn = cluster.seats[ann].conn;
    let mut pending_max = 0;
    while cluster.pending_bytes(conn) == 0 {
        cluster.tick();
    }
    let stalled_at = cluster.tick;
    while !cluster.seats[ann].is_over() {
        pending_max = pending_max.max(cluster.pending_bytes(conn));
        cluster.tick();
        assert!(cluster.tick < stalled_at + 400, "it is closed at last");
    }
    let code = CloseCode::TooSlow.as_u16();
    assert_eq!(cluster.seats[ann].stage, Stage::Over(Some(code)));
    let stalled_ms = (cluster.tick - stalled_at) * 1000 / 30;
    let bounds = STALL_MS_MAX..STALL_MS_MAX + 2 * SWEEP_MS + 100;
    assert!(bounds.contains(&stalled_ms), "closed after {stalled_ms} ms");
    assert!(
        pending_max < PENDING_BYTES_MAX / 8,
        "{pending_max} bytes waited"
    );
}

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

/// The login was told `auth.error` with a time to come back, and closed with 1013.
fn assert_refused_for_the_servers_sake(cluster: &Cluster, seat: usize, code: ErrorCode) {
    let seat = &cluster.seats[seat];
    let Some(Reply::AuthError(error)) = &seat.newest_reply else {
        panic!("auth.error expected: {:?}", seat.newest_reply);
    };
    assert_eq!(error.code, code);
    assert!(error.retry_after_ms.is_some_and(|ms| ms > 0), "{error:?}");
    assert!(seat.asked.is_empty(), "it answers the login");
    let close = CloseCode::TryLater.as_u16();
    assert_eq!(seat.stage, Stage::Over(Some(close)));
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
    assert!(first.iter().all(|&seat| seats[seat].stage == Stage::Ashore));
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
        Stage::Ashore,
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
    assert_eq!(cluster.seats[former].stage, Stage::Over(Some(code)));
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

#[test]
fn a_failed_store_answers_internal_and_tells_nothing_undurable() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    dock(&mut cluster, ann);
    cluster.ticks(5);
    cluster.disk_pace = DiskPace::Stopped;
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(3, Some("first")), due);
    cluster.ticks(30);
    assert!(
        !cluster.seats[ann].asked.is_empty(),
        "nothing is told before it is durable"
    );
    let credits = cluster.seats[ann].model.you.as_ref().map(|you| you.credits);
    assert_eq!(credits, Some(5_000));
    // One waits for the store's word, one comes in with the failure, one after it.
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(3, Some("first")), due);
    cluster.ticks(2);
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(1, Some("second")), due);
    cluster.seats[ann].buy(food(1, None), due + 1);
    cluster.disk().fail();
    cluster.ticks(4);
    let seat = &cluster.seats[ann];
    assert!(seat.asked.is_empty(), "each is answered: {:?}", seat.asked);
    assert_eq!(seat.errors, [ErrorCode::Internal; 4]);
    assert!(cluster.core.failure().is_some());
    cluster.restart(false);
    cluster.disk_pace = DiskPace::Prompt;
    let again = cluster.enter("ann", "sol-1");
    let credits = cluster.seats[again]
        .model
        .you
        .as_ref()
        .map(|you| you.credits);
    assert_eq!(credits, Some(5_000), "what was not durable did not happen");
    dock(&mut cluster, again);
    for _ in 0..2 {
        let due = cluster.tick + 1;
        cluster.seats[again].buy(food(3, Some("first")), due);
        cluster.ticks(4);
        let reply = cluster.seats[again].newest_reply.clone();
        let Some(Reply::TradeResult(result)) = reply else {
            panic!("a result, not {reply:?}");
        };
        assert_eq!(result.cargo[0].qty, 3, "once, however often it is asked");
    }
}

/// The store refuses what is one pilot's; the trade of another in the same batch is told.
#[test]
fn a_quarantined_pilot_is_put_out_and_nobody_else_notices() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    let bob = cluster.enter("bob", "sol-1");
    for seat in [ann, bob] {
        dock(&mut cluster, seat);
    }
    let ship = cluster.seats[ann].model.ship.clone();
    let who = cluster.seats[ann].player.clone();
    cluster.ticks(5);
    cluster.disk_pace = DiskPace::Stopped;
    cluster.disk().refused.insert(who.clone());
    let due = cluster.tick + 1;
    cluster.seats[ann].buy(food(3, Some("hers")), due);
    cluster.seats[bob].buy(food(2, Some("his")), due);
    cluster.ticks(5);
    cluster.disk_pace = DiskPace::Prompt;
    cluster.ticks(4);
    let seat = &cluster.seats[ann];
    assert_eq!(seat.errors, [ErrorCode::Internal], "no success is told");
    assert_eq!(seat.stage, Stage::Over(Some(CloseCode::TryLater.as_u16())));
    assert!(cluster.core.failure().is_none());
    let reply = cluster.seats[bob].newest_reply.clone();
    assert!(matches!(reply, Some(Reply::TradeResult(_))), "{reply:?}");
    assert!(
        !cluster.seats[bob].model.entities.contains_key(&ship),
        "the ship is gone"
    );
    let shelf_knows = cluster.disk().shelf.answered(&who, "hers");
    assert_eq!(shelf_knows, None);
    // Until the server is started anew.
    let again = cluster.dial("ann", 0);
    let token = cluster.token(&who);
    cluster.seats[again].login(&token, 0);
    cluster.ticks(4);
    assert_refused_for_the_servers_sake(&cluster, again, ErrorCode::Internal);
    // The stations of the world and of the shelf agree: a clean end checks it.
    cluster.restart(true);
    let back = cluster.enter("ann", "sol-1");
    let you = cluster.seats[back].model.you.as_ref();
    assert_eq!(you.map(|you| you.credits), Some(5_000));
    dock(&mut cluster, back);
    let due = cluster.tick + 1;
    cluster.seats[back].buy(food(3, Some("hers")), due);
    cluster.ticks(5);
    let reply = cluster.seats[back].newest_reply.clone();
    assert!(matches!(reply, Some(Reply::TradeResult(_))), "{reply:?}");
}

#[test]
fn only_guests_who_are_not_here_are_given_to_forget() {
    let mut cluster = quiet();
    let here = cluster.enter("guest-00000000000000000000000a", "sol-1");
    let here = cluster.seats[here].player.clone();
    let gone = PlayerId::parse("guest-00000000000000000000000b").expect("a name");
    cluster.disk().name_guests(vec![here, gone.clone()]);
    cluster.ticks(3);
    assert_eq!(cluster.disk().forgotten, [gone]);
}

#[test]
fn a_player_with_as_many_outcomes_as_are_kept_gets_old_answers_and_no_new_ones() {
    let mut setup = Setup::new(sky::close_quarters());
    setup.request_digests_max = 1;
    let mut cluster = Cluster::new(setup);
    let ann = cluster.enter("ann", "sol-1");
    dock(&mut cluster, ann);
    let ask = |cluster: &mut Cluster, id| {
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(food(1, id), due);
        cluster.ticks(6);
        cluster.seats[ann].newest_reply.clone()
    };
    let first = ask(&mut cluster, Some("old"));
    // More than the server keeps in mind: from now on it asks about every id.
    ask(&mut cluster, Some("older"));
    let who = cluster.seats[ann].player.clone();
    cluster.disk().full.insert(who);
    assert_eq!(ask(&mut cluster, Some("old")), first);
    let refused = ask(&mut cluster, Some("new"));
    assert!(
        matches!(&refused, Some(Reply::Error(error)) if error.code == ErrorCode::RateLimited),
        "{refused:?}"
    );
    let nameless = ask(&mut cluster, None);
    assert!(
        matches!(nameless, Some(Reply::TradeResult(_))),
        "{nameless:?}"
    );
}

#[test]
fn a_crowd_of_1000_ships_in_one_view_stays_within_the_byte_budget_and_sees_itself_at_30_hz() {
    let mut cluster = crowd(550.0);
    let deaf = cluster.enter_deaf("d", 992, "sol-1");
    let listeners: Vec<usize> = (0..8)
        .map(|n| cluster.enter(&format!("l{n}"), "sol-1"))
        .collect();
    let everybody: Vec<usize> = deaf.into_iter().chain(listeners.clone()).collect();
    for &seat in &everybody {
        let (due, turn) = (cluster.tick + 1, cluster.dice.between(-1.0, 1.0));
        cluster.seats[seat].steer(thrust(0.4, turn), due);
    }
    cluster.ticks(40);
    let in_view = listeners
        .iter()
        .map(|&seat| cluster.seats[seat].model.entities.len());
    assert!(
        in_view.clone().all(|count| count > 500),
        "a crowd: {:?}",
        in_view.collect::<Vec<_>>()
    );
    for &seat in &listeners {
        let seat = &mut cluster.seats[seat];
        (seat.delta_bytes, seat.delta_bytes_max) = (0, 0);
        (seat.model.deltas, seat.model.own_rows) = (0, 0);
    }
    cluster.ticks(60);
    for &seat in &listeners {
        let seat = &cluster.seats[seat];
        assert_eq!(seat.model.deltas, 60, "30 deltas a second");
        assert_eq!(seat.model.own_rows, 60, "the own ship stands in each");
        let mean = seat.delta_bytes / 60;
        assert!(
            seat.delta_bytes_max <= DELTA_BYTES_MAX as u64,
            "{mean} bytes a delta, {} at most",
            seat.delta_bytes_max
        );
    }
}

#[test]
fn who_only_flies_is_kept_every_five_seconds_and_in_few_batches() {
    let mut cluster = crowd(2_000.0);
    let seats = cluster.enter_deaf("f", 40, "sol-1");
    for &seat in &seats {
        let due = cluster.tick + 1;
        cluster.seats[seat].steer(thrust(0.4, 0.3), due);
    }
    cluster.ticks(CHECKPOINT_PERIOD_TICKS);
    let before = cluster.disk().shelf.pilots.clone();
    let batches = cluster.disk().durable();
    cluster.ticks(CHECKPOINT_PERIOD_TICKS);
    let batches = cluster.disk().durable() - batches;
    assert!(
        batches <= CHECKPOINT_PERIOD_TICKS / CHECKPOINT_SHARE_TICKS + 1,
        "{batches} batches"
    );
    let disk = cluster.disk();
    let moved = before
        .iter()
        .filter(|(player, record)| disk.shelf.pilots.get(*player) != Some(record));
    assert_eq!((before.len(), moved.count()), (40, 40));
}

#[test]
fn a_view_of_4000_ships_shrinks_until_its_snapshot_can_be_sent() {
    let mut cluster = crowd(900.0);
    cluster.enter_deaf("d", 4_000, "sol-1");
    assert_eq!(cluster.world("sol-1").pilots_count(), 4_000);
    let seat = cluster.enter("ann", "sol-1");
    cluster.ticks(3);
    let seat = &cluster.seats[seat];
    assert_eq!(seat.model.tick, Some(cluster.world("sol-1").tick()));
    let count = seat.model.entities.len();
    assert!((100..2_000).contains(&count), "{count} ships seen");
}

#[test]
fn a_retry_in_a_slowed_system_is_carried_out_once() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    dock(&mut cluster, ann);
    cluster.overload(true);
    let (before, ticks) = (cluster.world("sol-1").tick(), 600);
    cluster.ticks(ticks);
    assert!(
        cluster.world("sol-1").tick() < before + ticks,
        "time is slowed"
    );
    cluster.disk_pace = DiskPace::Random(1);
    for number in 0..12 {
        let id = format!("r{number}");
        for _ in 0..6 {
            let due = cluster.tick + 1;
            cluster.seats[ann].buy(food(1, Some(&id)), due);
            cluster.ticks(4);
        }
    }
    cluster.overload(false);
    cluster.disk_pace = DiskPace::Prompt;
    cluster.ticks(60);
    let seat = &cluster.seats[ann];
    assert!(seat.asked.is_empty(), "each is answered: {:?}", seat.asked);
    let cargo = &seat.model.you.as_ref().expect("a snapshot came").cargo;
    assert_eq!(cargo[0].qty, 12, "each order once");
}

#[test]
fn answers_that_waited_for_the_disk_come_in_the_order_of_their_requests() {
    let mut cluster = quiet();
    let ann = cluster.enter("ann", "sol-1");
    dock(&mut cluster, ann);
    cluster.disk_pace = DiskPace::Stopped;
    let before = cluster.seats[ann].answered.len();
    for _ in 0..6 {
        let due = cluster.tick + 1;
        cluster.seats[ann].buy(food(1, None), due);
        cluster.ticks(2);
    }
    assert_eq!(cluster.seats[ann].answered.len(), before, "nothing is kept");
    cluster.disk_pace = DiskPace::Prompt;
    cluster.ticks(4);
    let answered = &cluster.seats[ann].answered[before..];
    assert!(answered.len() == 6 && answered.is_sorted(), "{answered:?}");
}

#[test]
fn new_pilots_in_a_slowed_system_are_granted_in_the_batch_of_their_first_record() {
    let mut cluster = quiet();
    cluster.enter("ann", "sol-1");
    cluster.overload(true);
    cluster.ticks(600);
    // The shelf compares each record with its postings, batch by batch.
    let seats: Vec<usize> = (0..8).map(|n| cluster.dial(&format!("b{n}"), 0)).collect();
    for &seat in &seats {
        let token = cluster.token(&cluster.seats[seat].player);
        cluster.seats[seat].login(&token, 0);
        cluster.ticks(2);
        let due = cluster.tick + 1;
        cluster.seats[seat].join("sol-1", due);
        cluster.tick();
    }
    // The last one's join waits for the store's word.
    cluster.ticks(2);
    cluster.restart(true);
    assert_eq!(cluster.disk().shelf.pilots.len(), 9);
}
