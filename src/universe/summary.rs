//! What a universe holds, in a few lines for people.
//!
//! Owns the text that `orrery world check` prints for a good file. Formats only; decides nothing.

use std::fmt;

use super::model::{Spawn, Universe};

/// Displays a universe as a short table: a head line, then a line a system.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a Universe);

impl Universe {
    /// A few lines about what is in it.
    pub fn summary(&self) -> Summary<'_> {
        Summary(self)
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (systems, commodities) = (self.0.systems.len(), self.0.commodities.len());
        write!(
            f,
            "{}: {}, {}",
            self.0.name,
            counted(systems, "system", "systems"),
            counted(commodities, "commodity", "commodities")
        )?;
        for system in &self.0.systems {
            let (stations, zones) = (system.stations.len(), system.zones.len());
            let people = system.population;
            let spawn = match system.spawn {
                Spawn::Point { x, y, .. } => format!("at ({x}, {y})"),
                Spawn::Area {
                    min_x,
                    min_y,
                    max_x,
                    max_y,
                } => {
                    format!("in ({min_x}, {min_y}) to ({max_x}, {max_y})")
                }
            };
            write!(
                f,
                "\n  {:<16} {:>7.0} u wide, {}, {}, {} pirates, {} patrols, \
                 {} traders, pilots appear {spawn}",
                system.id.as_str(),
                2.0 * system.half_extent,
                counted(stations, "station", "stations"),
                counted(zones, "zone", "zones"),
                people.pirates,
                people.patrols,
                people.traders
            )?;
        }
        Ok(())
    }
}
