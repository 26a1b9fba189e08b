//! Pilots: what belongs to a person rather than to a hull.
//!
//! Owns the cold columns of everybody who is in the system (credits, hold, home, newest input) and
//! the way from a ship's handle to them. A pilot stays here while the ship is destroyed and not yet
//! back; hull, fuel and place are the ship's and live in [`Entities`](super::Entities).
//!
//! Invariants: all columns have the same length; `by_slot[ships[i].slot] == i`; a hold never exceeds
//! its capacity; credits never go below 0 by a trade or repair.

use serde::{Deserialize, Serialize};

use super::docking::Undocking;
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
    pub ship_id: super::EntityId,
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

/// The cold columns of everybody in one system.
#[derive(Debug)]
pub(super) struct Pilots {
    by_slot: Vec<u32>,
    commodities_count: usize,
    pub(super) ships: Vec<Handle>,
    pub(super) ids: Vec<super::EntityId>,
    pub(super) players: Vec<PlayerId>,
    pub(super) credits: Vec<i64>,
    /// One hold after the other, `commodities_count` counts each.
    cargo: Vec<u32>,
    pub(super) homes: Vec<Option<(SystemIndex, StationIndex)>>,
    pub(super) last_input_seqs: Vec<Option<u64>>,
    /// Who is docked and asked to undock, until the ship does.
    pub(super) undockings: Vec<Option<Undocking>>,
    /// What a player's chances are drawn by: a hash of the id.
    chance_keys: Vec<u64>,
    pub(super) contexts: Vec<ZoneContext>,
}

impl Pilots {
    pub(super) fn new(commodities_count: usize) -> Self {
        Self {
            by_slot: Vec::new(),
            commodities_count,
            ships: Vec::new(),
            ids: Vec::new(),
            players: Vec::new(),
            credits: Vec::new(),
            cargo: Vec::new(),
            homes: Vec::new(),
            last_input_seqs: Vec::new(),
            undockings: Vec::new(),
            chance_keys: Vec::new(),
            contexts: Vec::new(),
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

    /// Units held, by commodity.
    pub(super) fn hold(&self, index: usize) -> &[u32] {
        let start = index * self.commodities_count;
        self.cargo
            .get(start..start + self.commodities_count)
            .unwrap_or_default()
    }

    /// As [`Self::hold`], to change.
    pub(super) fn hold_mut(&mut self, index: usize) -> &mut [u32] {
        let start = index * self.commodities_count;
        self.cargo
            .get_mut(start..start + self.commodities_count)
            .unwrap_or_default()
    }

    /// This pilot's draw of a tick, where chance decides who comes first. It hangs on the player, so
    /// neither an older ship nor an earlier row helps.
    pub(super) fn draw(&self, index: usize, seed: u64, tick: u64) -> u64 {
        Random::new(seed ^ SEED_SALT, tick, self.chance_keys[index]).bits()
    }

    /// What an order may change, and whose it is.
    pub(super) fn wallet(&mut self, index: usize) -> (&PlayerId, &mut i64, &mut [u32]) {
        let start = index * self.commodities_count;
        let hold = self.cargo.get_mut(start..start + self.commodities_count);
        (
            &self.players[index],
            &mut self.credits[index],
            hold.unwrap_or_default(),
        )
    }

    /// Takes a pilot in; `pilot.place`, `hull` and `fuel` are the ship's business.
    pub(super) fn insert(
        &mut self,
        ship: Handle,
        id: super::EntityId,
        pilot: &Pilot,
        context: ZoneContext,
    ) {
        let slot = ship.slot as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, NOBODY);
        }
        self.by_slot[slot] = self.ships.len() as u32;
        self.ships.push(ship);
        self.ids.push(id);
        self.players.push(pilot.player.clone());
        self.credits.push(pilot.credits);
        let hold = pilot.cargo.iter().copied().chain(std::iter::repeat(0));
        self.cargo.extend(hold.take(self.commodities_count));
        self.homes.push(pilot.home);
        self.last_input_seqs.push(None);
        self.undockings.push(None);
        self.chance_keys.push(text_key(pilot.player.as_str()));
        self.contexts.push(context);
    }

    /// Lets a pilot go; hull, fuel and place of the result are for the caller to fill in.
    pub(super) fn remove(&mut self, ship: Handle) -> Option<Pilot> {
        let index = self.index(ship)?;
        let cargo = self.hold(index).to_vec();
        let last = self.len() - 1;
        let (from, width) = (last * self.commodities_count, self.commodities_count);
        self.cargo.copy_within(from..from + width, index * width);
        self.cargo.truncate(from);
        self.by_slot[ship.slot as usize] = NOBODY;
        self.ships.swap_remove(index);
        self.ids.swap_remove(index);
        let player = self.players.swap_remove(index);
        let credits = self.credits.swap_remove(index);
        let home = self.homes.swap_remove(index);
        self.last_input_seqs.swap_remove(index);
        self.undockings.swap_remove(index);
        self.chance_keys.swap_remove(index);
        self.contexts.swap_remove(index);
        if let Some(moved) = self.ships.get(index) {
            self.by_slot[moved.slot as usize] = index as u32;
        }
        Some(Pilot {
            player,
            credits,
            cargo,
            hull: 0,
            fuel: 0.0,
            place: Place::Spawn,
            home,
        })
    }
}
