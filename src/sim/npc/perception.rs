//! Senses: whom a ship notices around it.
//!
//! Owns the search among neighbours, bounded however dense the crowd: of the rows in the cells
//! around, at most [`NPC_ROWS_SENSED_MAX`] are looked at. And it owns the count of hunters behind
//! each quarry, so that a pack does not fall on one newcomer.

use super::super::cells::Cells;
use super::super::entities::Entities;
use super::steering::length;
use crate::ids::{EntityKind, Handle};
use crate::limits::NPC_ROWS_SENSED_MAX;

/// Pirates that hunt one ship at a time.
const HUNTERS_MAX: u8 = 2;

/// The nearest row within `radius` of a point for which `wanted` holds, with its distance. `wanted`
/// is asked only about ships in space that are nearer than the best so far.
pub(super) fn nearest(
    entities: &Entities,
    cells: &Cells,
    (x, y): (f32, f32),
    radius: f32,
    mut wanted: impl FnMut(usize) -> bool,
) -> Option<(usize, f32)> {
    let mut best: Option<(usize, f32)> = None;
    let mut looks_left = NPC_ROWS_SENSED_MAX;
    cells.each_near(x, y, radius, |row| {
        if looks_left == 0 {
            return;
        }
        looks_left -= 1;
        // The cells are as of the last tick's end: the row may be gone or another's.
        let Some(kind) = entities.kinds.get(row) else {
            return;
        };
        if !kind.is_ship() || entities.docks[row].is_some() {
            return;
        }
        let away = length(entities.xs[row] - x, entities.ys[row] - y);
        if away <= best.map_or(radius, |(_, away)| away) && wanted(row) {
            best = Some((row, away));
        }
    });
    best
}

/// Whether a pilot's ship is in space within a distance.
pub(super) fn pilot_near(
    entities: &Entities,
    cells: &Cells,
    place: (f32, f32),
    radius: f32,
) -> bool {
    let is_pilot = |row: usize| entities.kinds[row] == EntityKind::PlayerShip;
    nearest(entities, cells, place, radius, is_pilot).is_some()
}

/// How many pirates hunt each ship, by slot of its handle.
#[derive(Debug, Default)]
pub(super) struct Pursuits {
    hunters: Vec<u8>,
}

impl Pursuits {
    /// Whether one more hunter may join.
    pub(super) fn has_room(&self, quarry: Handle) -> bool {
        // A slot beyond the list has never been hunted.
        self.hunters
            .get(quarry.slot as usize)
            .is_none_or(|count| *count < HUNTERS_MAX)
    }

    pub(super) fn join(&mut self, quarry: Handle) {
        let slot = quarry.slot as usize;
        if self.hunters.len() <= slot {
            self.hunters.resize(slot + 1, 0);
        }
        self.hunters[slot] += 1;
    }

    /// One who has joined lets go.
    pub(super) fn release(&mut self, quarry: Handle) {
        let count = &mut self.hunters[quarry.slot as usize];
        assert!(*count > 0, "nobody hunts {quarry:?}");
        *count -= 1;
    }
}
