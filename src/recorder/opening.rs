//! The opening of a recording: everything needed to make its worlds anew.
//!
//! Owns what a world begins with: the universe it is of, its seed, the height of its cells (what ships
//! sense is looked up in them), and its stations' stocks. Written when the worlds are new; whatever
//! happens to them later is an act.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::replay::Unusable;
use crate::bounded_list::at_most;
use crate::ids::SystemIndex;
use crate::limits::{
    COMMODITIES_MAX, STATIONS_MAX, SYSTEMS_MAX, TITLE_BYTES_MAX, UNIVERSE_BYTES_MAX,
};
use crate::sim::World;
use crate::sim::market::Stock;
use crate::universe::Universe;

/// How one world began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Beginning {
    pub(super) system: SystemIndex,
    seed: u64,
    cell_height: f32,
    #[serde(deserialize_with = "at_most::<_, _, { STATIONS_MAX * COMMODITIES_MAX }>")]
    stocks: Vec<Stock>,
    /// The state hash of the new world.
    #[serde(with = "postcard::fixint::le")]
    pub(super) hash: u64,
}

/// How all of them began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Opening<'a> {
    /// Who wrote it.
    pub(super) program: &'a str,
    /// The universe, as its file has it.
    pub(super) universe: &'a str,
    #[serde(deserialize_with = "at_most::<_, _, SYSTEMS_MAX>")]
    pub(super) beginnings: Vec<Beginning>,
}

impl<'a> Opening<'a> {
    /// Of these worlds, which have not stepped yet.
    pub(super) fn of(universe: &'a str, worlds: impl Iterator<Item = &'a World>) -> Self {
        Self {
            program: concat!("orrery ", env!("CARGO_PKG_VERSION")),
            universe,
            beginnings: worlds.map(Beginning::of).collect(),
        }
    }

    /// Reads all of a payload.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Unusable> {
        let (opening, rest): (Self, _) = postcard::take_from_bytes(bytes)?;
        let fault = if !rest.is_empty() {
            "there is more than an opening"
        } else if opening.program.len() > TITLE_BYTES_MAX
            || opening.universe.len() > UNIVERSE_BYTES_MAX
        {
            "a text is too long"
        } else if !opening
            .beginnings
            .iter()
            .all(|one| one.cell_height.is_finite())
        {
            "a cell has no size"
        } else {
            return Ok(opening);
        };
        Err(Unusable::Malformed(fault))
    }
}

impl Beginning {
    fn of(world: &World) -> Self {
        Self {
            system: world.system_index(),
            seed: world.seed(),
            cell_height: world.cells().height(),
            stocks: world.market().stocks().collect(),
            hash: world.state_hash(),
        }
    }

    /// The world as it began; none if the universe has no such system.
    pub(super) fn world(&self, universe: &Arc<Universe>) -> Option<World> {
        universe.system(self.system)?;
        let world = World::new(
            Arc::clone(universe),
            self.system,
            self.seed,
            Some(&self.stocks),
        );
        Some(world.with_cell_height(self.cell_height))
    }
}
