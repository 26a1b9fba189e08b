//! The long life of client models: ten thousand ticks of joins, deaths, jumps, crowds and stalls,
//! compared with the server's truth in each.
//!
//! Two crowds come: one so large that its rows are told by turns, one so large that views shrink.
//! A witness flies through both. Also in a crowd every row is compared: with the truth of the
//! newest ticks, and with the newest one where a snapshot has just come.

use crate::cluster;

use cluster::play::{Mood, Play};
use cluster::{Cluster, Setup, sky};
use orrery::protocol::Input;

/// More rows than a delta has room for.
const CROWD: usize = 300;
/// More rows than a snapshot has room for.
const THRONG: usize = 2_000;

/// A crowd that flies about, and somebody who flies through it and looks.
struct Gathering {
    seats: Vec<usize>,
    witness: usize,
    ends: u64,
}

impl Gathering {
    fn come(cluster: &mut Cluster, names: &str, count: usize, ticks: u64) -> Self {
        let system = cluster.universe.systems[1].id.clone();
        let seats = cluster.enter_deaf(names, count, system.as_str());
        for &seat in &seats {
            steer(cluster, seat);
        }
        let witness = cluster.enter(&format!("{names}-witness"), system.as_str());
        Self {
            seats,
            witness,
            ends: cluster.tick + ticks,
        }
    }

    /// Returns whether it is over.
    fn tick(&mut self, cluster: &mut Cluster) -> bool {
        if cluster.tick.is_multiple_of(20) && !cluster.seats[self.witness].is_over() {
            steer(cluster, self.witness);
        }
        if cluster.tick < self.ends {
            return false;
        }
        for seat in self.seats.drain(..) {
            cluster.cut(seat);
        }
        true
    }
}

fn steer(cluster: &mut Cluster, seat: usize) {
    let due = cluster.tick + 1 + cluster.dice.below(3);
    let input = Input {
        thrust: cluster.dice.between(0.3, 1.0),
        turn: cluster.dice.between(-1.0, 1.0),
        ..Input::default()
    };
    cluster.seats[seat].steer(input, due);
}

#[test]
fn a_client_model_rebuilt_from_deltas_alone_equals_the_truth_for_10_000_ticks() {
    let mut setup = Setup::new(sky::room_for_a_crowd(700.0));
    setup.seed = 42;
    setup.disk_capacity = 8_192;
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
        read_ticks: 4,
    });
    let mut gathering: Option<Gathering> = None;
    let mut came = [false; 2];
    while cluster.tick < 10_000 {
        if cluster.tick >= 3_000 && !came[0] {
            came[0] = true;
            gathering = Some(Gathering::come(&mut cluster, "crowd", CROWD, 600));
        }
        if cluster.tick >= 6_000 && !came[1] {
            came[1] = true;
            gathering = Some(Gathering::come(&mut cluster, "throng", THRONG, 60));
        }
        if gathering
            .as_mut()
            .is_some_and(|gathering| gathering.tick(&mut cluster))
        {
            gathering = None;
        }
        play.tick(&mut cluster);
    }
    Play::settle(&mut cluster);
    let census = &cluster.told.census;
    for (what, least) in [
        ("up to date", 20_000),
        ("snapshot compared", 200),
        ("join", 20),
        ("tick as a wreck", 100),
        ("jump", 5),
        ("stall", 50),
        ("late rows", 200),
        ("shrunk view", 20),
    ] {
        let count = census.get(what).copied().unwrap_or(0);
        assert!(count >= least, "{count} times {what}: {census:#?}");
    }
}
