//! Clients that read late or never, and crowds that are too much to tell.

use super::{crowd, quiet, thrust};
use crate::cluster::seat::SeatState;
use orrery::limits::{DELTA_BYTES_MAX, PENDING_BYTES_MAX, STALL_MS_MAX, SWEEP_MS};
use orrery::protocol::CloseCode;

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
    assert_eq!(cluster.seats[ann].stage, SeatState::Aboard);
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
    assert_eq!(cluster.seats[ann].stage, SeatState::Over(Some(code)));
    let stalled_ms = (cluster.tick - stalled_at) * 1000 / 30;
    let bounds = STALL_MS_MAX..STALL_MS_MAX + 2 * SWEEP_MS + 100;
    assert!(bounds.contains(&stalled_ms), "closed after {stalled_ms} ms");
    assert!(
        pending_max < PENDING_BYTES_MAX / 8,
        "{pending_max} bytes waited"
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
