//! The long life of client models: ten thousand ticks of joins, deaths, jumps, crowds and stalls,
//! compared with the server's truth in each.

mod cluster;

use cluster::play::{Mood, Play};
use cluster::{Cluster, Setup, sky};

const CROWD: usize = 200;

#[test]
fn a_client_model_rebuilt_from_deltas_alone_equals_the_truth_for_10_000_ticks() {
    let mut setup = Setup::new(sky::close_quarters());
    setup.seed = 42;
    let mut cluster = Cluster::new(setup);
    let mut play = Play::new(Mood {
        players: 8,
        dial: 100,
        cut: 1,
        stall: 2,
        restart: 0,
        disk_trouble: 0,
        disk_failure: 0,
        nap: 0,
    });
    let (mut deltas, mut deaths, mut crowded_ticks) = (0, 0, 0_u64);
    let mut crowd = Vec::new();
    while cluster.tick < 10_000 {
        if cluster.tick == 4_000 {
            crowd = cluster.enter_deaf("crowd", CROWD, "sol-1");
        }
        if cluster.tick == 4_500 {
            for seat in crowd.drain(..) {
                cluster.cut(seat);
            }
        }
        play.tick(&mut cluster);
        for place in cluster.live() {
            let seat = &cluster.seats[place];
            let is_dead = seat.model.you.as_ref().is_some_and(|you| you.hull == 0);
            deaths += u64::from(is_dead);
            crowded_ticks += u64::from(seat.model.is_crowded && !seat.is_deaf);
            deltas += u64::from(seat.model.deltas > 0);
        }
    }
    Play::settle(&mut cluster);
    assert!(deltas > 20_000, "{deltas} models a tick, summed");
    assert!(deaths > 100, "{deaths} ticks as a wreck");
    assert!(crowded_ticks > 300, "{crowded_ticks} ticks in a crowd");
}
