//! What every phase of a step may read and none may change: where and when it is.

use std::sync::Arc;

use super::motion::Flight;
use super::parallelism::Parallelism;
use crate::ids::SystemIndex;
use crate::universe::{ShipClass, System, Universe};

/// The universe, which of its systems is simulated, and the tick.
#[derive(Debug)]
pub(super) struct StepContext {
    pub(super) universe: Arc<Universe>,
    pub(super) system_index: SystemIndex,
    /// Seed of the world's random numbers.
    pub(super) seed: u64,
    /// Simulated time: what timers run on.
    pub(super) tick: u64,
    pub(super) flight: Flight,
    pub(super) parallelism: Parallelism,
}

impl StepContext {
    /// The time before the first tick.
    ///
    /// # Panics
    /// If the universe has no such system.
    pub(super) fn new(universe: Arc<Universe>, system_index: SystemIndex, seed: u64) -> Self {
        let half_extent = universe.systems[usize::from(system_index.0)].half_extent;
        let flight = Flight::new(&universe.ship, half_extent);
        Self {
            universe,
            system_index,
            seed,
            tick: 0,
            flight,
            parallelism: Parallelism::default(),
        }
    }

    pub(super) fn system(&self) -> &System {
        &self.universe.systems[usize::from(self.system_index.0)]
    }

    pub(super) fn ship(&self) -> &ShipClass {
        &self.universe.ship
    }

    /// Stations stand in the first rows, for ever.
    pub(super) fn stations_count(&self) -> usize {
        self.system().stations.len()
    }

    /// The tick as columns hold it, modulo 2³².
    pub(super) fn column_tick(&self) -> u32 {
        self.tick as u32
    }
}
