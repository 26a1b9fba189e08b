//! What the store keeps, what it refuses, and what is told of it.

use super::{assert_refused_for_the_servers_sake, crowd, dock, food, quiet, thrust};
use crate::cluster::seat::SeatState;
use crate::cluster::server::DiskPace;
use crate::cluster::{Cluster, Setup, sky};
use orrery::ids::PlayerId;
use orrery::limits::{CHECKPOINT_PERIOD_TICKS, CHECKPOINT_SHARE_TICKS};
use orrery::protocol::{CloseCode, ErrorCode, Reply};

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
    assert!(cluster.node.failure().is_some());
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
    assert_eq!(
        seat.stage,
        SeatState::Over(Some(CloseCode::TryLater.as_u16()))
    );
    assert!(cluster.node.failure().is_none());
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
