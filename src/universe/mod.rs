//! The universe: what exists before anybody flies.
//!
//! Owns the [`model`] of systems, stations, zones, commodities and classes, the reading and
//! checking of universe files, and the built-in universe. Nothing changes after loading, and
//! nothing here knows anybody above it. A [`Universe`] comes from [`Universe::built_in`],
//! [`Universe::load`] or [`Universe::load_bytes`], and from nowhere else.

mod bench;
mod check;
mod classes;
mod error;
mod jumps;
mod load;
pub mod model;
mod section;
mod summary;

use std::sync::{Arc, OnceLock};

pub use bench::{BENCH_VIEW_RADIUS, bench_side, bench_text, seen_on_average};
pub use error::{PROBLEMS_MAX, Problem, UniverseError};
pub use jumps::{JumpProfit, JumpProfits};
pub use load::FUEL_ID;
pub use model::{
    Ambient, Commodity, Economy, Jump, Listing, NpcClass, NpcRules, Population, ShipClass, Spawn,
    Station, System, Universe, Weapon, Zone,
};
pub use summary::Summary;

/// The text of the built-in universe: what `orrery world show` prints and a good file to start from.
pub const BUILT_IN: &str = include_str!("builtin.toml");

impl Universe {
    /// The universe that a server without `--world` runs; parsed once a process.
    pub fn built_in() -> Arc<Self> {
        static PARSED: OnceLock<Arc<Universe>> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "our own file: a test loads it")]
        let parsed = PARSED.get_or_init(|| {
            let universe =
                Self::load(BUILT_IN, "builtin.toml").expect("the built-in universe is valid");
            Arc::new(universe)
        });
        Arc::clone(parsed)
    }

    /// Reads and checks the text of a universe file; `file` is only what problems are said to be in.
    ///
    /// # Errors
    /// Every problem found, up to [`PROBLEMS_MAX`] of them, each with line, field and what to do.
    pub fn load(text: &str, file: &str) -> Result<Self, UniverseError> {
        load::load(text, file)
    }

    /// As [`Self::load`], from bytes that may not even be text.
    ///
    /// # Errors
    /// As [`Self::load`]; bytes that are no UTF-8 are named by line and column.
    pub fn load_bytes(bytes: &[u8], file: &str) -> Result<Self, UniverseError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::load(text, file),
            Err(broken) => {
                let good = bytes.get(..broken.valid_up_to()).unwrap_or_default();
                let good = std::str::from_utf8(good).unwrap_or_default();
                let (line, column) = error::position(good, good.len());
                let what =
                    "not UTF-8 text; a universe file is TOML, see `orrery world show`".to_owned();
                let problems = vec![Problem {
                    line,
                    column,
                    field: String::new(),
                    what,
                }];
                Err(UniverseError {
                    file: file.to_owned(),
                    problems,
                    more: 0,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_universe_is_valid() {
        Universe::load(BUILT_IN, "builtin.toml").unwrap_or_else(|error| panic!("{error}"));
    }
}
