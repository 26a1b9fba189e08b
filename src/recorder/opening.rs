//! The opening of a recording: everything needed to make its worlds anew.
//!
//! Owns what a world begins with: the universe it is of, its seed, the height of its cells (what ships
//! sense is looked up in them), and its stations' stocks. Written when the worlds are new; whatever
//! happens to them later is an act.

use std::sync::Arc;

use super::code;
use super::reader::{Malformed, Reader};
use crate::ids::SystemIndex;
use crate::limits::{
    COMMODITIES_MAX, STATIONS_MAX, SYSTEMS_MAX, TITLE_BYTES_MAX, UNIVERSE_BYTES_MAX,
};
use crate::sim::World;
use crate::sim::market::Stock;
use crate::universe::Universe;

/// How one world began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Beginning {
    pub(super) system: SystemIndex,
    seed: u64,
    cell_height: f32,
    stocks: Vec<Stock>,
    /// The state hash of the new world.
    pub(super) hash: u64,
}

/// How all of them began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opening<'a> {
    /// Who wrote it.
    pub(super) program: &'a str,
    /// The universe, as its file has it.
    pub(super) universe: &'a str,
    pub(super) beginnings: Vec<Beginning>,
}

/// Appends the opening of these worlds, which have not stepped yet.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    universe: &str,
    worlds: impl ExactSizeIterator<Item = &'a World>,
) {
    code::text(out, concat!("orrery ", env!("CARGO_PKG_VERSION")));
    code::text(out, universe);
    code::varint(out, worlds.len() as u64);
    for world in worlds {
        code::varint(out, u64::from(world.system_index().0));
        code::varint(out, world.seed());
        code::float(out, world.cells().height());
        code::varint(out, world.market().stocks().count() as u64);
        for (station, commodity, units) in world.market().stocks() {
            code::varint(out, u64::from(station.0));
            code::varint(out, u64::from(commodity.0));
            code::signed(out, units);
        }
        code::step_end(out, world.state_hash());
    }
}

impl<'a> Opening<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let program = reader.text(TITLE_BYTES_MAX)?;
        let universe = reader.text(UNIVERSE_BYTES_MAX)?;
        let mut beginnings = Vec::new();
        for _ in 0..reader.count(SYSTEMS_MAX)? {
            beginnings.push(Beginning::read(&mut reader)?);
        }
        if !reader.is_at_end() {
            return Err(Malformed("there is more than an opening"));
        }
        Ok(Self {
            program,
            universe,
            beginnings,
        })
    }
}

impl Beginning {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let system =
            u16::try_from(reader.varint()?).map_err(|_| Malformed("there is no such system"))?;
        let seed = reader.varint()?;
        let cell_height = reader.float()?;
        if !cell_height.is_finite() {
            return Err(Malformed("a cell has no size"));
        }
        let mut stocks = Vec::new();
        for _ in 0..reader.count(STATIONS_MAX * COMMODITIES_MAX)? {
            stocks.push((reader.station()?, reader.commodity()?, reader.signed()?));
        }
        Ok(Self {
            system: SystemIndex(system),
            seed,
            cell_height,
            stocks,
            hash: reader.word()?,
        })
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
