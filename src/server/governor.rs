//! The overload governor: what is given up, and in which order, while ticks take too long.
//!
//! ```text
//! level  0        nothing
//!        1, 2     crowds are thinned more: a half, a quarter of the usual rows in a delta
//!        3, 4     views shrink: at least one, at least two sizes
//!        5 … 13   the system's time slows down: 90 %, 80 %, … 10 % of the beats step it
//! ```
//!
//! Sans-IO: it is told what each system's tick cost and decides from that alone. The heaviest system
//! steps down after half a second above the upper mark, the most restricted one climbs back after
//! three seconds below the lower; the gap between the marks is wider than any one step, so it does
//! not swing. A slowed system is stepped on fewer beats, each step a full tick of simulated time:
//! that is what takes load off, and what `time_dilation` tells clients.

use crate::limits::{GOVERNOR_COOL_TICKS, GOVERNOR_HOT_TICKS, TICK_COST_COOL_NS, TICK_COST_HOT_NS};

/// First level that slows time.
const SLOWING_FROM: u8 = 5;

/// The last level: a tenth of the beats.
const LEVEL_MAX: u8 = 13;

/// A new cost counts for one part in so many of the running mean.
const MEAN_TICKS: u64 = 16;

/// What a system has to do with less of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thrift {
    /// The rows of a delta are divided by this.
    pub rows_divisor: u32,
    /// Sizes by which every view is shrunk at least.
    pub shrunk: u8,
    /// Of a hundred beats, how many step the system.
    pub pace_percent: u32,
}

/// One system, as the governor sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    level: u8,
    mean_ns: u64,
    /// Hundredths of a beat that have come due since the last step.
    credit: u32,
}

/// Decides for all systems of a process.
#[derive(Debug)]
pub struct Governor {
    loads: Vec<Load>,
    hot_ticks: u32,
    cool_ticks: u32,
}

impl Governor {
    /// Nothing is restricted.
    pub fn new(system_count: usize) -> Self {
        Self {
            loads: vec![Load::default(); system_count],
            hot_ticks: 0,
            cool_ticks: 0,
        }
    }

    /// What a system has to do with less of.
    pub fn thrift(&self, system: usize) -> Thrift {
        let level = self.loads.get(system).map_or(0, |load| load.level);
        Thrift {
            rows_divisor: 1 << level.min(2),
            shrunk: level.saturating_sub(2).min(2),
            pace_percent: 100 - 10 * u32::from(level.saturating_sub(SLOWING_FROM - 1)),
        }
    }

    /// Whether this beat steps a system; to be asked once a beat.
    pub fn is_due(&mut self, system: usize) -> bool {
        let pace_percent = self.thrift(system).pace_percent;
        let Some(load) = self.loads.get_mut(system) else {
            return true;
        };
        load.credit += pace_percent;
        let is_due = load.credit >= 100;
        if is_due {
            load.credit -= 100;
        }
        is_due
    }

    /// Takes what a beat cost each system (nothing where it was not stepped), and steps one of them
    /// down or back up where it is time to.
    pub fn observe(&mut self, costs_ns: &[u64]) {
        for (load, &cost_ns) in self.loads.iter_mut().zip(costs_ns) {
            load.mean_ns = (load.mean_ns * (MEAN_TICKS - 1) + cost_ns) / MEAN_TICKS;
        }
        let total_ns: u64 = self.loads.iter().map(|load| load.mean_ns).sum();
        self.hot_ticks = if total_ns > TICK_COST_HOT_NS {
            self.hot_ticks + 1
        } else {
            0
        };
        self.cool_ticks = if total_ns < TICK_COST_COOL_NS {
            self.cool_ticks + 1
        } else {
            0
        };
        if self.hot_ticks >= GOVERNOR_HOT_TICKS {
            self.hot_ticks = 0;
            if let Some(heaviest) = self.loads.iter_mut().max_by_key(|load| load.mean_ns) {
                heaviest.level = (heaviest.level + 1).min(LEVEL_MAX);
            }
        }
        if self.cool_ticks >= GOVERNOR_COOL_TICKS {
            self.cool_ticks = 0;
            if let Some(load) = self.loads.iter_mut().max_by_key(|load| load.level) {
                load.level = load.level.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beats of a world whose step costs `step_ns`; returns how many of the last 300 stepped it.
    fn run(governor: &mut Governor, step_ns: u64, beats: u32) -> usize {
        let mut stepped = Vec::new();
        for _ in 0..beats {
            let is_due = governor.is_due(0);
            stepped.push(is_due);
            governor.observe(&[if is_due { step_ns } else { 0 }, 100_000]);
        }
        stepped
            .iter()
            .rev()
            .take(300)
            .filter(|&&is_due| is_due)
            .count()
    }

    #[test]
    fn a_light_system_is_left_alone() {
        let mut governor = Governor::new(2);
        assert_eq!(run(&mut governor, 5_000_000, 3_000), 300);
        assert_eq!(governor.thrift(0).rows_divisor, 1);
    }

    #[test]
    fn crowds_are_thinned_and_views_shrunk_before_time_slows() {
        let mut governor = Governor::new(2);
        let mut seen = vec![governor.thrift(0)];
        for _ in 0..2_000 {
            governor.observe(&[40_000_000, 0]);
            if governor.thrift(0) != seen[seen.len() - 1] {
                seen.push(governor.thrift(0));
            }
        }
        let order: Vec<_> = seen
            .iter()
            .map(|t| (t.rows_divisor, t.shrunk, t.pace_percent))
            .collect();
        assert_eq!(
            order[..6],
            [
                (1, 0, 100),
                (2, 0, 100),
                (4, 0, 100),
                (4, 1, 100),
                (4, 2, 100),
                (4, 2, 90)
            ]
        );
        assert_eq!(order.last(), Some(&(4, 2, 10)));
        assert_eq!(
            governor.thrift(1).rows_divisor,
            1,
            "the other system is not to blame"
        );
    }

    #[test]
    fn a_system_three_times_too_heavy_settles_near_a_quarter_of_its_beats_and_stays() {
        let mut governor = Governor::new(2);
        run(&mut governor, 90_000_000, 6_000);
        let settled = run(&mut governor, 90_000_000, 3_000);
        assert!((60..=90).contains(&settled), "{settled} of 300 beats");
        assert!(settled.abs_diff(run(&mut governor, 90_000_000, 3_000)) <= 30);
    }

    #[test]
    fn everything_comes_back_once_the_load_is_gone() {
        let mut governor = Governor::new(2);
        run(&mut governor, 90_000_000, 6_000);
        assert_eq!(run(&mut governor, 1_000_000, 3_000), 300);
        assert_eq!(governor.thrift(0), Governor::new(1).thrift(0));
    }
}
