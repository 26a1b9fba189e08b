//! The overload governor: what is given up, and in which order, while ticks take too long.
//!
//! ```text
//! level  0        nothing
//!        1, 2     crowds are thinned more: a half, a quarter of the usual rows in a delta
//!        3, 4     views shrink: at least one, at least two sizes
//!        5        every second frame: two ticks are told as one
//!        6 … 15   the system's time slows down: 90, 80, … 20, 15, 10 % of the ticks step it
//! ```
//!
//! Sans-IO: it is told what each system cost in a tick and decides from that alone. The heaviest
//! system steps down after half a second above the upper mark. The most restricted one climbs back
//! after three seconds in which, by what a step can bring back at most, it would have stayed below
//! the lower mark: so it does not swing.
//!
//! A step costs the same however much time it covers, so what takes load off is stepping less often:
//! every step is a whole tick of 1/30 s, and a slowed system has fewer of them a second.

use std::fmt;

use crate::ids::SystemIndex;
use crate::limits::{
    FRAME_TICKS_MAX, GOVERNOR_COOL_TICKS, GOVERNOR_HOT_TICKS, TICK_COST_COOL_NS, TICK_COST_HOT_NS,
};

/// The level from which frames are coalesced.
const COALESCING: u8 = 5;

/// Shares of the ticks that step a system, level by level after that. No two neighbours differ by
/// more than a third, so that one step down never falls below the mark for climbing back.
const PACES_PERCENT: [u32; 10] = [90, 80, 70, 60, 50, 40, 30, 20, 15, 10];

/// The last level: a tenth of the ticks.
pub const LEVEL_MAX: u8 = COALESCING + PACES_PERCENT.len() as u8;

/// A new cost counts for one part in so many of the running mean, about a second of ticks; for more
/// in the first ticks at a level, which begin a mean of their own.
const MEAN_TICKS: u64 = 32;

/// What a system has to do with less of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedLevel {
    /// The rows of a delta are divided by this.
    pub rows_divisor: u32,
    /// Sizes by which every view is shrunk at least.
    pub shrunk: u8,
    /// Ticks from one frame to the next, at least.
    pub frame_ticks: u32,
    /// Of a hundred ticks, how many step the system.
    pub pace_percent: u32,
}

impl ShedLevel {
    /// What a level asks for.
    pub fn at(level: u8) -> Self {
        let slowing = level.checked_sub(COALESCING + 1);
        let pace = slowing.and_then(|index| PACES_PERCENT.get(usize::from(index)));
        Self {
            rows_divisor: 1 << level.min(2),
            shrunk: level.saturating_sub(2).min(2),
            frame_ticks: if level >= COALESCING {
                FRAME_TICKS_MAX
            } else {
                1
            },
            pace_percent: pace.copied().unwrap_or(100),
        }
    }
}

impl fmt::Display for ShedLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows_divisor == 1 {
            return f.write_str("nothing is given up");
        }
        write!(f, "1/{} of the rows", self.rows_divisor)?;
        if self.shrunk > 0 {
            write!(f, ", views {} sizes smaller", self.shrunk)?;
        }
        if self.frame_ticks > 1 {
            f.write_str(", every second frame")?;
        }
        if self.pace_percent < 100 {
            write!(f, ", time at {} %", self.pace_percent)?;
        }
        Ok(())
    }
}

/// What a tick is for a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepDecision {
    /// Its time stands still.
    Skip,
    /// It steps; what happens is shown with a later one.
    Step,
    /// It steps, and a frame shows it.
    StepAndPublish,
}

/// A system's level changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShedChange {
    /// Which, by its place.
    pub system: SystemIndex,
    /// The level before.
    pub from: u8,
    /// The level now.
    pub to: u8,
    /// What all systems together took of a tick.
    pub total_ns: u64,
}

/// One system, as the governor sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    level: u8,
    mean_ns: u64,
    /// Ticks that the mean is of, up to [`MEAN_TICKS`].
    mean_of: u64,
    /// Hundredths of a step that have come due.
    credit: u64,
    /// Ticks since the last frame.
    frame_age: u64,
}

/// Decides for all systems of a process.
#[derive(Debug)]
pub struct Governor {
    loads: Vec<Load>,
    hot_ticks: u64,
    cool_ticks: u64,
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

    /// How much a system has given up, from 0 to [`LEVEL_MAX`].
    pub fn level(&self, system: usize) -> u8 {
        self.loads.get(system).map_or(0, |load| load.level)
    }

    /// What a system has to do with less of.
    pub fn shed_level(&self, system: usize) -> ShedLevel {
        ShedLevel::at(self.level(system))
    }

    /// What this tick is for a system; to be asked once a tick. `ticks` is 1, and more where ticks
    /// were missed since the last one: they count, so that time goes as fast as is said.
    pub fn decide(&mut self, system: usize, ticks: u64) -> StepDecision {
        let shed_level = self.shed_level(system);
        let Some(load) = self.loads.get_mut(system) else {
            return StepDecision::StepAndPublish;
        };
        load.frame_age += ticks;
        load.credit += u64::from(shed_level.pace_percent) * ticks;
        if load.credit < 100 {
            return StepDecision::Skip;
        }
        // What was missed is not caught up by a burst.
        load.credit = (load.credit - 100).min(99);
        if load.frame_age < u64::from(shed_level.frame_ticks) {
            return StepDecision::Step;
        }
        load.frame_age = 0;
        StepDecision::StepAndPublish
    }

    /// Takes what each system cost since the last call (nothing where it stood still), `ticks` ago,
    /// and steps one of them down or back up where it is time to.
    pub fn observe(&mut self, costs_ns: &[u64], ticks: u64) -> Option<ShedChange> {
        for (load, &cost_ns) in self.loads.iter_mut().zip(costs_ns) {
            let cost_ns = cost_ns / ticks.max(1);
            for _ in 0..ticks.clamp(1, MEAN_TICKS) {
                load.mean_of = (load.mean_of + 1).min(MEAN_TICKS);
                load.mean_ns = (load.mean_ns * (load.mean_of - 1) + cost_ns) / load.mean_of;
            }
        }
        let total_ns: u64 = self.loads.iter().map(|load| load.mean_ns).sum();
        let counted = |is_so: bool, count: u64| if is_so { count + ticks } else { 0 };
        self.hot_ticks = counted(total_ns > TICK_COST_HOT_NS, self.hot_ticks);
        self.cool_ticks = counted(
            self.total_after_relief_ns() < TICK_COST_COOL_NS,
            self.cool_ticks,
        );
        if self.hot_ticks >= GOVERNOR_HOT_TICKS {
            self.hot_ticks = 0;
            let heaviest = self.system_with_most(|load| load.mean_ns)?;
            return self.apply_outcomes(
                heaviest,
                (self.level(heaviest) + 1).min(LEVEL_MAX),
                total_ns,
            );
        }
        if self.cool_ticks >= GOVERNOR_COOL_TICKS {
            self.cool_ticks = 0;
            let poorest = self.system_with_most(|load| u64::from(load.level))?;
            return self.apply_outcomes(poorest, self.level(poorest).saturating_sub(1), total_ns);
        }
        None
    }

    /// What a tick may take once the most restricted system is given a level back.
    fn total_after_relief_ns(&self) -> u64 {
        let total: u64 = self.loads.iter().map(|load| load.mean_ns).sum();
        let poorest = self.loads.iter().max_by_key(|load| load.level);
        let Some(load) = poorest.filter(|load| load.level > 0) else {
            return total;
        };
        let (now, then) = (ShedLevel::at(load.level), ShedLevel::at(load.level - 1));
        let slowed = load.mean_ns * u64::from(then.pace_percent) / u64::from(now.pace_percent);
        let grown = slowed * u64::from(now.frame_ticks) / u64::from(then.frame_ticks);
        total - load.mean_ns + grown
    }

    fn system_with_most(&self, of: impl Fn(&Load) -> u64) -> Option<usize> {
        (0..self.loads.len()).max_by_key(|&system| of(&self.loads[system]))
    }

    fn apply_outcomes(&mut self, system: usize, to: u8, total_ns: u64) -> Option<ShedChange> {
        let load = self.loads.get_mut(system)?;
        let from = std::mem::replace(&mut load.level, to);
        load.mean_of = 0;
        (from != to).then_some(ShedChange {
            system: SystemIndex(system as u16),
            from,
            to,
            total_ns,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK_NS: u64 = 33_333_333;

    /// Real time with a world whose step and frame take so long. Ticks that begin too late are
    /// missed, as on a real clock.
    struct Rig {
        governor: Governor,
        now_ns: u64,
        tick: u64,
        changes: Vec<ShedChange>,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                governor: Governor::new(2),
                now_ns: 0,
                tick: 0,
                changes: Vec::new(),
            }
        }

        /// Returns how many ticks and frames there were in so many ticks.
        fn run(&mut self, step_ns: u64, frame_ns: u64, ticks: u64) -> (u64, u64) {
            let (mut steps, mut frames) = (0, 0);
            let end = self.tick + ticks;
            while self.tick < end {
                let next = (self.tick + 1).max(self.now_ns / TICK_NS);
                let passed = next - self.tick;
                self.tick = next;
                self.now_ns = self.now_ns.max(next * TICK_NS);
                let turn = self.governor.decide(0, passed);
                steps += u64::from(turn != StepDecision::Skip);
                frames += u64::from(turn == StepDecision::StepAndPublish);
                let cost_ns = match turn {
                    StepDecision::Skip => 0,
                    StepDecision::Step => step_ns,
                    StepDecision::StepAndPublish => step_ns + frame_ns,
                };
                self.now_ns += cost_ns + 100_000;
                let change = self.governor.observe(&[cost_ns, 100_000], passed);
                self.changes.extend(change);
            }
            (steps, frames)
        }
    }

    #[test]
    fn a_light_system_is_left_alone() {
        let mut rig = Rig::new();
        assert_eq!(rig.run(5_000_000, 2_000_000, 3_000), (3_000, 3_000));
        assert!(rig.changes.is_empty());
    }

    #[test]
    fn all_is_given_up_in_order_and_given_back_in_the_same() {
        let mut rig = Rig::new();
        rig.run(800_000_000, 10_000_000, 3_000);
        let given: Vec<u8> = rig.changes.iter().map(|change| change.to).collect();
        assert_eq!(given, (1..=LEVEL_MAX).collect::<Vec<_>>());
        let asked: Vec<_> = (0..=LEVEL_MAX)
            .map(|level| {
                let shed_level = ShedLevel::at(level);
                (
                    shed_level.rows_divisor,
                    shed_level.shrunk,
                    shed_level.frame_ticks,
                    shed_level.pace_percent,
                )
            })
            .collect();
        assert_eq!(
            asked[..7],
            [
                (1, 0, 1, 100),
                (2, 0, 1, 100),
                (4, 0, 1, 100),
                (4, 1, 1, 100),
                (4, 2, 1, 100),
                (4, 2, 2, 100),
                (4, 2, 2, 90)
            ]
        );
        assert_eq!(asked.last(), Some(&(4, 2, 2, 10)));
        assert_eq!(rig.governor.level(1), 0, "the other is not to blame");
        rig.changes.clear();
        rig.run(1_000_000, 1_000_000, 3_000);
        let back: Vec<u8> = rig.changes.iter().map(|change| change.to).collect();
        assert_eq!(back, (0..LEVEL_MAX).rev().collect::<Vec<_>>());
    }

    #[test]
    fn every_load_settles_at_one_level_and_the_time_told_is_the_time_given() {
        for step_ms in (20..=240).step_by(10) {
            for frame_ms in [0, 8] {
                let mut rig = Rig::new();
                rig.run(step_ms * 1_000_000, frame_ms * 1_000_000, 6_000);
                rig.changes.clear();
                let (steps, frames) = rig.run(step_ms * 1_000_000, frame_ms * 1_000_000, 3_000);
                let load = format!("{step_ms} + {frame_ms} ms: {:?}", rig.changes);
                assert!(rig.changes.is_empty(), "no swinging: {load}");
                let pace = u64::from(rig.governor.shed_level(0).pace_percent);
                assert!((steps * 100).abs_diff(pace * 3_000) <= 3_000, "{load}");
                assert!(
                    frames <= steps && frames * 2 + 2 >= steps,
                    "two at most: {load}"
                );
            }
        }
    }

    #[test]
    fn two_ticks_in_one_frame_come_before_slow_time() {
        let mut rig = Rig::new();
        // Too much with a frame for each tick, fine with one for two.
        rig.run(14_000_000, 16_000_000, 6_000);
        assert_eq!(rig.run(14_000_000, 16_000_000, 300), (300, 150));
    }

    #[test]
    fn skipped_ticks_count_and_are_not_caught_up() {
        let mut governor = Governor::new(1);
        assert_eq!(governor.decide(0, 40), StepDecision::StepAndPublish);
        governor.loads[0].level = LEVEL_MAX;
        governor.loads[0].credit = 0;
        assert_eq!(governor.decide(0, 9), StepDecision::Skip);
        assert_eq!(governor.decide(0, 31), StepDecision::StepAndPublish);
        assert_eq!(
            governor.decide(0, 1),
            StepDecision::Step,
            "99 are left over, no more"
        );
        assert_eq!(governor.decide(0, 1), StepDecision::Skip);
    }
}
