//! Pilots: what belongs to a person rather than to a hull.
//!
//! Owns the cold columns of everybody who is in the system (credits, hold, home, newest input) and
//! the way from a ship's handle to them. A pilot stays here while the ship is destroyed and not yet
//! back; hull, fuel and place are the ship's and live in [`Entities`](super::Entities).
//!
//! Invariants: all columns have the same length; `by_slot[ships[i].slot] == i`; a hold never exceeds
//! its capacity; credits never go below 0 by a trade or repair.

use std::ops::Range;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::columns::{ColumnChange, set_example};
use super::columns::{Packer, StateBits, columns};
use super::docking::Undocking;
use super::entity_id::EntityId;
use super::random::{Random, text_key};
use super::zones::ZoneContext;
use crate::bounded_list;
use crate::ids::{Handle, PlayerId, StationIndex, SystemIndex};
use crate::limits::COMMODITIES_MAX;

const NOBODY: u32 = u32::MAX;

/// Keeps the pilots' draws apart from everybody else's.
const SEED_SALT: u64 = 0x7069_6c6f_745f_6f72;

/// Where a pilot's ship is when it is taken in or given out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Place {
    /// Nowhere yet: at the system's spawn, and the credits are granted (and posted) now.
    New,
    /// At the system's spawn.
    Spawn,
    /// Docked at a station of the system.
    Docked(StationIndex),
    /// In open space.
    Space {
        /// East of the centre, u.
        x: f32,
        /// North of the centre, u.
        y: f32,
        /// Velocity east, u/s.
        vx: f32,
        /// Velocity north, u/s.
        vy: f32,
        /// Heading in rad, counter-clockwise from east.
        rotation: f32,
    },
}

/// A pilot on the way into or out of a world: what is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pilot {
    /// Player who flies the ship.
    pub player: PlayerId,
    /// Balance in whole credits.
    pub credits: i64,
    /// Units held, by commodity; missing entries are 0.
    #[serde(deserialize_with = "bounded_list::at_most::<_, _, COMMODITIES_MAX>")]
    pub cargo: Vec<u32>,
    /// Hull points left; 0 is destroyed.
    pub hull: i32,
    /// Fuel in the tank.
    pub fuel: f32,
    /// Where the ship is.
    pub place: Place,
    /// The station last docked at.
    pub home: Option<(SystemIndex, StationIndex)>,
}

/// A pilot who is in the world, as seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct PilotView<'a> {
    /// Player who flies the ship.
    pub player: &'a PlayerId,
    /// Row of the ship; none while it is destroyed and not yet back.
    pub row: Option<usize>,
    /// Wire id of the ship; the same before and after it is destroyed.
    pub ship_id: EntityId,
    /// Balance in whole credits.
    pub credits: i64,
    /// Units held, by commodity.
    pub cargo: &'a [u32],
    /// Hull points; 0 while destroyed.
    pub hull: i32,
    /// Fuel in the tank; 0 while destroyed.
    pub fuel: f32,
    /// The station where the ship is docked.
    pub docked_at: Option<StationIndex>,
    /// The tick from which the ship may dock, or undock where it is docked; may be past.
    pub dock_ready_tick: u64,
    /// The station last docked at.
    pub home: Option<(SystemIndex, StationIndex)>,
    /// Number of the newest steering applied since the pilot took the controls.
    pub last_input_seq: Option<u64>,
}

columns! {
    /// The cold columns of everybody in one system.
    pub(super) struct Pilots {
        /// Index by slot of the ship's handle; `NOBODY` for slots of no pilot's ship.
        by_slot: Vec<u32>,
        commodities_count: usize,
        /// One hold after the other, `commodities_count` counts each.
        cargo: Vec<u32>,
    }

    /// One pilot's values in every column but the hold.
    row PilotRow;

    accessors private;

    hashed {
        ships / ship: Handle,
        /// Wire id of the ship.
        ids / id: EntityId,
        players / player: PlayerId,
        /// Balance in whole credits.
        credits / credit: i64,
        /// The station last docked at.
        homes / home: Option<(SystemIndex, StationIndex)>,
        /// Number of the newest steering applied since the pilot took the controls.
        last_input_seqs / last_input_seq: Option<u64>,
        /// Who is docked and asked to undock, until the ship does.
        undockings / undocking: Option<Undocking>,
        /// What the zones make of the ship's place; of the last one while the ship is destroyed.
        contexts / context: ZoneContext,
    }

    unhashed {
        /// What a player's chances are drawn by: a hash of the id, which is hashed itself.
        chance_keys / chance_key: u64,
    }
}

impl Pilots {
    pub(super) fn new(commodities_count: usize) -> Self {
        Self {
            commodities_count,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ships.len()
    }

    /// Where in the columns the pilot of this ship is.
    pub(super) fn index(&self, ship: Handle) -> Option<usize> {
        let &index = self.by_slot.get(ship.slot as usize)?;
        (self.ships.get(index as usize) == Some(&ship)).then_some(index as usize)
    }

    fn hold_range(&self, index: usize) -> Range<usize> {
        let start = index * self.commodities_count;
        start..start + self.commodities_count
    }

    /// Units held, by commodity.
    pub(super) fn hold(&self, index: usize) -> &[u32] {
        &self.cargo[self.hold_range(index)]
    }

    /// This pilot's draw of a tick, where chance decides who comes first. It hangs on the player, so
    /// neither an older ship nor an earlier row helps.
    pub(super) fn draw(&self, index: usize, seed: u64, tick: u64) -> u64 {
        Random::new(seed ^ SEED_SALT, tick, self.chance_keys[index]).bits()
    }

    /// What an order may change, and whose it is.
    pub(super) fn wallet(&mut self, index: usize) -> (&PlayerId, &mut i64, &mut [u32]) {
        let range = self.hold_range(index);
        (
            &self.players[index],
            &mut self.credits[index],
            &mut self.cargo[range],
        )
    }

    /// Takes a pilot in, who has this home now; `pilot.place`, `hull` and `fuel` are the ship's
    /// business.
    pub(super) fn insert(
        &mut self,
        ship: Handle,
        id: EntityId,
        pilot: &Pilot,
        home: Option<(SystemIndex, StationIndex)>,
        context: ZoneContext,
    ) {
        let slot = ship.slot as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, NOBODY);
        }
        self.by_slot[slot] = self.ships.len() as u32;
        let hold = pilot.cargo.iter().copied().chain(std::iter::repeat(0));
        self.cargo.extend(hold.take(self.commodities_count));
        self.push_row(PilotRow {
            ship,
            id,
            player: pilot.player.clone(),
            credit: pilot.credits,
            home,
            last_input_seq: None,
            undocking: None,
            context,
            chance_key: text_key(pilot.player.as_str()),
        });
    }

    /// Lets a pilot go; hull, fuel and place of the result are for the caller to fill in.
    pub(super) fn remove(&mut self, ship: Handle) -> Option<Pilot> {
        let index = self.index(ship)?;
        let cargo = self.hold(index).to_vec();
        let last = self.hold_range(self.len() - 1);
        let into = self.hold_range(index).start;
        self.cargo.copy_within(last.clone(), into);
        self.cargo.truncate(last.start);
        self.by_slot[ship.slot as usize] = NOBODY;
        let row = self.swap_remove_row(index);
        if let Some(moved) = self.ships.get(index) {
            self.by_slot[moved.slot as usize] = index as u32;
        }
        Some(Pilot {
            player: row.player,
            credits: row.credit,
            cargo,
            hull: 0,
            fuel: 0.0,
            place: Place::Spawn,
            home: row.home,
        })
    }
}
