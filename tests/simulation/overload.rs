//! A system made too heavy on purpose, as its pilots see it. The cluster's own checks run in every
//! tick: nobody flickers, is missed or told twice while ticks are told two at a time.

use crate::cluster;

use cluster::{Cluster, Setup, sky};
use orrery::protocol::{Fixed2, Input};

/// Ticks until the governor has given up all it can: half a second a level, and its mean's inertia.
const TICKS: u64 = 400;

/// What a client was told of time, change by change: ticks a delta, and `time_dilation` in percent.
fn watch(cluster: &mut Cluster, seat: usize, ticks: u64) -> Vec<(u64, u32)> {
    let mut seen: Vec<(u64, u32)> = Vec::new();
    for _ in 0..ticks {
        let model = &cluster.seats[seat].model;
        let (before, deltas) = (model.tick.expect("aboard"), model.deltas);
        cluster.tick();
        let model = &cluster.seats[seat].model;
        if model.deltas == deltas {
            continue;
        }
        let percent =
            (1..100).find(|&percent| model.dilation == Some(Fixed2::new(percent as f32 / 100.0)));
        let now = (model.tick.expect("aboard") - before, percent.unwrap_or(100));
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    seen
}

#[test]
fn a_system_too_heavy_shows_every_second_tick_then_slows_and_all_comes_back() {
    let mut cluster = Cluster::new(Setup::new(sky::one_system()));
    let ann = cluster.enter("ann", "sol-1");
    cluster.overload(true);
    let seen = watch(&mut cluster, ann, TICKS);
    assert_eq!(seen[..2], [(1, 100), (2, 100)], "frames first, then time");
    let mut paces: Vec<u32> = seen.iter().map(|&(_, percent)| percent).collect();
    paces.dedup();
    assert_eq!(paces, [100, 90, 80, 70, 60, 50, 40, 30, 20, 15, 10]);
    let slow = seen.iter().filter(|&&(_, percent)| percent <= 50);
    assert!(slow.clone().all(|&(ticks, _)| ticks <= 2), "{seen:?}");
    assert_eq!(seen.last(), Some(&(1, 10)), "few ticks, each shown");

    cluster.overload(false);
    let back = watch(&mut cluster, ann, 90 * 16);
    assert_eq!(back.first(), Some(&(1, 10)));
    assert_eq!(back.last(), Some(&(1, 100)));
    assert_eq!(back.iter().filter(|&&seen| seen == (2, 100)).count(), 1);
    assert_eq!(watch(&mut cluster, ann, 60), [(1, 100)]);
}

#[test]
fn a_gun_cools_down_and_a_ship_flies_by_simulated_time() {
    let mut cluster = Cluster::new(Setup::new(sky::quiet_system()));
    let ann = cluster.enter("ann", "sol-1");
    let steer = |cluster: &mut Cluster, thrust| {
        let input = Input {
            thrust,
            fire_primary: true,
            ..Input::default()
        };
        let due = cluster.tick + 1;
        cluster.seats[ann].steer(input, due);
    };
    cluster.overload(true);
    cluster.ticks(TICKS);
    steer(&mut cluster, 0.0);
    let begun = cluster.world("sol-1").tick();
    let shots = cluster.seats[ann].model.shots;
    cluster.ticks(900);
    let ticks = cluster.world("sol-1").tick() - begun;
    assert!((85..=95).contains(&ticks), "{ticks} ticks in 900 ticks");
    let cooldown = u64::from(cluster.universe.weapon.cooldown_ticks);
    let shots = cluster.seats[ann].model.shots - shots;
    assert!(shots.abs_diff(ticks / cooldown) <= 1, "{shots} in {ticks}");
    assert!(shots > 2);

    // An input is acknowledged by the tick that obeys it, however late that is.
    let known = cluster.seats[ann].model.last_input_seq;
    steer(&mut cluster, 1.0);
    let tick = cluster.world("sol-1").tick();
    while cluster.seats[ann].model.last_input_seq == known {
        cluster.tick();
        assert!(cluster.world("sol-1").tick() <= tick + 2);
    }
    let row = &cluster.seats[ann].model.entities[&cluster.seats[ann].model.ship];
    assert!(
        row.vx != Fixed2::new(0.0) || row.vy != Fixed2::new(0.0),
        "it flies"
    );
}

#[test]
fn slow_pilots_get_their_snapshots_too() {
    let mut cluster = Cluster::new(Setup::new(sky::quiet_system()));
    let seats: Vec<usize> = (0..7)
        .map(|n| cluster.enter(&format!("p{n}"), "sol-1"))
        .collect();
    cluster.overload(true);
    cluster.ticks(TICKS);
    let before: Vec<u64> = seats
        .iter()
        .map(|&seat| cluster.seats[seat].model.snapshots)
        .collect();
    cluster.ticks(330);
    for (&seat, before) in seats.iter().zip(before) {
        let count = cluster.seats[seat].model.snapshots - before;
        assert!((2..=3).contains(&count), "{count} in 11 seconds");
    }
}

#[test]
fn pilots_who_flood_a_slowed_system_have_one_steering_waiting_each_and_are_obeyed_within_a_few_steps()
 {
    const FLOODERS: usize = 12;
    let mut cluster = Cluster::new(Setup::new(sky::quiet_system()));
    let flooders = cluster.enter_deaf("f", FLOODERS, "sol-1");
    let ann = cluster.enter("ann", "sol-1");
    cluster.overload(true);
    cluster.ticks(TICKS);
    let sol = cluster.universe.system_index("sol-1").expect("a system");
    let mut waited_max = 0;
    for tick in 0..200 {
        for &seat in &flooders {
            for _ in 0..4 {
                let (due, turn) = (cluster.tick + 1, cluster.dice.between(-1.0, 1.0));
                let input = Input {
                    thrust: 0.5,
                    turn,
                    ..Input::default()
                };
                cluster.seats[seat].steer(input, due);
            }
        }
        if tick % 50 == 10 {
            let due = cluster.tick + 1;
            cluster.seats[ann].steer(Input::default(), due);
            let known = cluster.seats[ann].model.last_input_seq;
            let begun = cluster.world("sol-1").tick();
            while cluster.seats[ann].model.last_input_seq == known {
                cluster.tick();
                assert!(cluster.world("sol-1").tick() <= begun + 2, "ann is obeyed");
            }
        }
        cluster.tick();
        let (steerings, _) = cluster.node.pending_commands(sol);
        waited_max = waited_max.max(steerings);
    }
    assert!(waited_max >= FLOODERS, "time is slow: {waited_max}");
    assert!(waited_max <= FLOODERS + 1, "{waited_max} steerings waited");
    let is_on = |seat: &usize| !cluster.seats[*seat].is_over();
    assert!(flooders.iter().all(is_on), "within their rate");
}

#[test]
fn a_shot_that_was_asked_for_and_let_go_between_two_steps_is_fired_once() {
    let mut cluster = Cluster::new(Setup::new(sky::quiet_system()));
    let ann = cluster.enter("ann", "sol-1");
    cluster.overload(true);
    cluster.ticks(TICKS);
    let shots = cluster.seats[ann].model.shots;
    let due = cluster.tick + 1;
    let fire = Input {
        fire_primary: true,
        ..Input::default()
    };
    cluster.seats[ann].steer(fire, due);
    cluster.seats[ann].steer(Input::default(), due);
    cluster.ticks(900);
    assert_eq!(cluster.seats[ann].model.shots - shots, 1);
}
