//! Phases: the parts of a step that are measured, and the timer that measures them.
//!
//! Owns the phases' names. The simulation reads no clock: whoever steps a world hands in a
//! [`PhaseTimer`], which is told when the step begins and when each phase ends. `()` measures nothing.

/// A part of a step, in the order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The tick's commands are sorted and become controls and orders.
    Commands,
    /// Docked pilots' orders are filled, and who may leaves the dock.
    Undocking,
    /// Ships that the server flies think, steer and arrive.
    Npcs,
    /// All bodies move.
    Motion,
    /// The index of circles is packed.
    BroadPhase,
    /// Overlaps and hits are found.
    NarrowPhase,
    /// Overlapping bodies are pushed apart.
    Collisions,
    /// Hits take hull points, and kills are paid.
    Combat,
    /// Who asks and may docks.
    Docking,
    /// The other orders are filled or refused, and stocks drift.
    Orders,
    /// Triggers fire shots.
    Gunfire,
    /// Rows end, and destroyed ships come back.
    Reaping,
    /// Zones are blended for each pilot.
    Zones,
    /// Rows are sorted by interest cell.
    Cells,
}

impl Phase {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// All of them in their order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Commands,
        Self::Undocking,
        Self::Npcs,
        Self::Motion,
        Self::BroadPhase,
        Self::NarrowPhase,
        Self::Collisions,
        Self::Combat,
        Self::Docking,
        Self::Orders,
        Self::Gunfire,
        Self::Reaping,
        Self::Zones,
        Self::Cells,
    ];

    /// The identifier by which metrics and logs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Undocking => "undocking",
            Self::Npcs => "npcs",
            Self::Motion => "motion",
            Self::BroadPhase => "broad_phase",
            Self::NarrowPhase => "narrow_phase",
            Self::Collisions => "collisions",
            Self::Combat => "combat",
            Self::Docking => "docking",
            Self::Orders => "orders",
            Self::Gunfire => "gunfire",
            Self::Reaping => "reaping",
            Self::Zones => "zones",
            Self::Cells => "cells",
        }
    }
}

/// Measures the phases of a step.
pub trait PhaseTimer {
    /// A step begins, and its first phase.
    fn start(&mut self);

    /// This phase has ended, and the next one begins.
    fn lap(&mut self, phase: Phase);
}

/// A timer that measures nothing.
impl PhaseTimer for () {
    fn start(&mut self) {}

    fn lap(&mut self, _phase: Phase) {}
}

/// Nanoseconds spent in each phase, summed over the steps that were measured. Costs one reading of
/// the clock a phase.
#[derive(Clone, Debug)]
pub struct PhaseTimes<C> {
    clock: C,
    lap_began_ns: u64,
    spent_ns: [u64; Phase::COUNT],
}

impl<C: FnMut() -> u64> PhaseTimes<C> {
    /// Nothing spent yet. `clock` tells a monotonic time in ns.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            lap_began_ns: 0,
            spent_ns: [0; Phase::COUNT],
        }
    }

    /// What a phase has taken so far, in ns.
    pub fn spent_ns(&self, phase: Phase) -> u64 {
        self.spent_ns[phase as usize]
    }

    /// Sets all of them to 0.
    pub fn reset(&mut self) {
        self.spent_ns = [0; Phase::COUNT];
    }
}

impl<C: FnMut() -> u64> PhaseTimer for PhaseTimes<C> {
    fn start(&mut self) {
        self.lap_began_ns = (self.clock)();
    }

    fn lap(&mut self, phase: Phase) {
        let now_ns = (self.clock)();
        // A clock that steps back has measured nothing.
        let lap_ns = now_ns.saturating_sub(self.lap_began_ns);
        self.spent_ns[phase as usize] += lap_ns;
        self.lap_began_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIndex;
    use crate::sim::World;
    use crate::universe::Universe;

    #[test]
    fn every_phase_has_its_place_and_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for (place, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, place);
            assert!(names.insert(phase.name()));
        }
    }

    #[test]
    fn a_step_measures_each_phase_once_and_in_order() {
        struct Laps(Vec<Option<Phase>>);

        impl PhaseTimer for Laps {
            fn start(&mut self) {
                self.0.push(None);
            }

            fn lap(&mut self, phase: Phase) {
                self.0.push(Some(phase));
            }
        }

        let mut world = World::new(Universe::built_in(), SystemIndex(0), 1, None);
        let mut laps = Laps(Vec::new());
        world.step_timed(&mut Vec::new(), &mut laps);
        let expected = std::iter::once(None).chain(Phase::ALL.map(Some));
        assert_eq!(laps.0, expected.collect::<Vec<_>>());
    }

    #[test]
    fn the_times_of_the_phases_add_up_to_the_steps() {
        let mut world = World::new(Universe::built_in(), SystemIndex(0), 1, None);
        // Each reading is one ns later than the one before, and a step reads once more than it has phases.
        let mut now_ns = 0;
        let mut times = PhaseTimes::new(|| {
            now_ns += 1;
            now_ns
        });
        for _ in 0..3 {
            world.step_timed(&mut Vec::new(), &mut times);
        }
        for phase in Phase::ALL {
            assert_eq!(times.spent_ns(phase), 3, "{}", phase.name());
        }
        times.reset();
        assert_eq!(times.spent_ns(Phase::Motion), 0);
    }
}
