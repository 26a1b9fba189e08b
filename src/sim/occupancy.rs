//! Occupancy: whether a circle at a place would touch a body, in constant time.
//!
//! Owns a hash grid of all ships and, aside, the few bodies that are larger than its cells. It is
//! built from the columns when it is first needed in a tick, is told of every place that is taken or
//! left until ships move, and is then out of date. It decides nothing: [`spawning`](super::spawning)
//! asks it about one place after the other.
//!
//! A cell's edge is a ship's diameter, so whatever a ship at a place could touch lies in the 3 × 3
//! cells round it.

use super::entities::Entities;
use crate::ids::{EntityKind, StationIndex};

/// End of a bucket's chain.
const NOTHING: u32 = u32::MAX;

/// Which bodies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bodies {
    /// Docked ships too: nobody appears on top of one.
    All,
    /// Those that can be touched.
    Solid,
}

/// The columns that say where bodies are; all of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyColumns<'a> {
    pub(super) xs: &'a [f32],
    pub(super) ys: &'a [f32],
    pub(super) radii: &'a [f32],
    pub(super) kinds: &'a [EntityKind],
    pub(super) docks: &'a [Option<StationIndex>],
}

impl<'a> BodyColumns<'a> {
    pub(super) fn of(entities: &'a Entities) -> Self {
        Self {
            xs: &entities.xs,
            ys: &entities.ys,
            radii: &entities.radii,
            kinds: &entities.kinds,
            docks: &entities.docks,
        }
    }

    /// Whether a circle touches none of these. Linear in rows, about 1 ns each.
    pub(super) fn leave_free(self, x: f32, y: f32, radius: f32, bodies: Bodies) -> bool {
        (0..self.xs.len()).all(|row| {
            let (dx, dy) = (self.xs[row] - x, self.ys[row] - y);
            let apart = radius + self.radii[row];
            dx * dx + dy * dy >= apart * apart
                || self.kinds[row] == EntityKind::Projectile
                || (bodies == Bodies::Solid && self.docks[row].is_some())
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Body {
    x: f32,
    y: f32,
    radius: f32,
    is_solid: bool,
    next: u32,
}

impl Body {
    fn meets(&self, x: f32, y: f32, radius: f32, bodies: Bodies) -> bool {
        let (dx, dy) = (x - self.x, y - self.y);
        let apart = radius + self.radius;
        (self.is_solid || bodies == Bodies::All) && dx * dx + dy * dy < apart * apart
    }
}

/// Places that are taken round a spawn point, by cells of a grid.
#[derive(Debug)]
pub(super) struct Occupancy {
    edge: f32,
    /// Newest body of each bucket; a power of two of them.
    heads: Vec<u32>,
    bodies: Vec<Body>,
    large: Vec<Body>,
    /// Those of `large` that the present search could touch.
    near: Vec<Body>,
    is_current: bool,
}

impl Occupancy {
    pub(super) fn new(ship_radius: f32) -> Self {
        Self {
            edge: 2.0 * ship_radius,
            heads: Vec::new(),
            bodies: Vec::new(),
            large: Vec::new(),
            near: Vec::new(),
            is_current: false,
        }
    }

    /// Ships have moved.
    pub(super) fn forget(&mut self) {
        self.is_current = false;
    }

    pub(super) fn is_current(&self) -> bool {
        self.is_current
    }

    /// Reads the columns, unless it is up to date. Linear in rows.
    pub(super) fn build(&mut self, columns: BodyColumns<'_>) {
        if self.is_current {
            return;
        }
        self.is_current = true;
        self.bodies.clear();
        self.large.clear();
        let buckets = (2 * columns.xs.len()).next_power_of_two().max(1024);
        self.heads.clear();
        self.heads.resize(buckets, NOTHING);
        for row in 0..columns.xs.len() {
            if columns.kinds[row] != EntityKind::Projectile {
                let (x, y) = (columns.xs[row], columns.ys[row]);
                let is_solid = columns.docks[row].is_none();
                self.insert(x, y, columns.radii[row], is_solid);
            }
        }
    }

    /// A place was taken. Without effect while out of date: the columns tell it then.
    pub(super) fn occupy(&mut self, x: f32, y: f32, radius: f32, is_solid: bool) {
        if self.is_current {
            self.insert(x, y, radius, is_solid);
        }
    }

    /// A place was left.
    pub(super) fn vacate(&mut self, x: f32, y: f32, is_solid: bool) {
        if !self.is_current {
            return;
        }
        let bucket = self.bucket(self.cell(x), self.cell(y));
        let mut at = self.heads[bucket];
        while let Some(body) = self.bodies.get_mut(at as usize) {
            if (body.x, body.y, body.is_solid) == (x, y, is_solid) {
                // So far away that it touches nothing.
                body.x = f32::INFINITY;
                return;
            }
            at = body.next;
        }
        // A body that is not found is none of the small ones that were told of: no place is freed,
        // and at worst a free one counts as taken until ships move.
    }

    /// Prepares for questions about places within `reach` of a point. Linear in large bodies.
    pub(super) fn approach(&mut self, x: f32, y: f32, reach: f32) {
        let Self { large, near, .. } = self;
        near.clear();
        near.extend(
            large
                .iter()
                .filter(|body| body.meets(x, y, reach, Bodies::All)),
        );
    }

    /// Whether a circle no larger than a ship touches nothing, within what was approached. To be
    /// asked of a grid that is built.
    pub(super) fn is_free(&self, x: f32, y: f32, radius: f32, bodies: Bodies) -> bool {
        let (cx, cy) = (self.cell(x), self.cell(y));
        let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
        let meets_ship = |(dx, dy): (i32, i32)| {
            let bucket = self.bucket(cx.wrapping_add(dx), cy.wrapping_add(dy));
            let mut at = self.heads[bucket];
            while let Some(body) = self.bodies.get(at as usize) {
                if body.meets(x, y, radius, bodies) {
                    return true;
                }
                at = body.next;
            }
            false
        };
        let mut large = self.near.iter();
        !large.any(|body| body.meets(x, y, radius, bodies)) && !around.into_iter().any(meets_ship)
    }

    fn cell(&self, along: f32) -> i32 {
        // A float's cast to an integer saturates.
        (along / self.edge).floor() as i32
    }

    fn bucket(&self, cx: i32, cy: i32) -> usize {
        let mixed = (cx as u32).wrapping_mul(0x9e37_79b1) ^ (cy as u32).wrapping_mul(0x85eb_ca77);
        (mixed ^ mixed >> 15) as usize & self.heads.len().wrapping_sub(1)
    }

    fn insert(&mut self, x: f32, y: f32, radius: f32, is_solid: bool) {
        let mut body = Body {
            x,
            y,
            radius,
            is_solid,
            next: NOTHING,
        };
        if 2.0 * radius > self.edge {
            self.large.push(body);
            return;
        }
        if self.heads.len() < 2 * self.bodies.len() {
            self.grow();
        }
        body.next = self.link(x, y, self.bodies.len() as u32);
        self.bodies.push(body);
    }

    /// Puts a body at the head of its bucket's chain; returns the one that was there.
    fn link(&mut self, x: f32, y: f32, at: u32) -> u32 {
        let bucket = self.bucket(self.cell(x), self.cell(y));
        std::mem::replace(&mut self.heads[bucket], at)
    }

    /// Doubles the buckets, so that chains stay short: linear in bodies, once each time that they
    /// have doubled.
    fn grow(&mut self) {
        let buckets = 2 * self.heads.len();
        self.heads.clear();
        self.heads.resize(buckets, NOTHING);
        for at in 0..self.bodies.len() {
            let (x, y) = (self.bodies[at].x, self.bodies[at].y);
            self.bodies[at].next = self.link(x, y, at as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::entities::tests::row;
    use super::*;

    const RADIUS: f32 = 12.0;

    fn places() -> impl Strategy<Value = Vec<(f32, f32, bool)>> {
        prop::collection::vec((-200.0_f32..200.0, -200.0_f32..200.0, any::<bool>()), 0..60)
    }

    fn occupied(places: &[(f32, f32, bool)]) -> Entities {
        let mut entities = Entities::default();
        let mut station = row(&mut entities, 30.0);
        (station.y, station.radius) = (-40.0, 70.0);
        entities.insert(station);
        for &(x, y, is_docked) in places {
            let mut ship = row(&mut entities, x);
            (ship.y, ship.radius) = (y, RADIUS);
            ship.dock = is_docked.then_some(StationIndex(0));
            entities.insert(ship);
        }
        entities
    }

    proptest! {
        #[test]
        fn a_place_is_free_as_a_scan_of_all_rows_finds_it(
            places in places(), later in places(), at in (-230.0_f32..230.0, -230.0_f32..230.0),
            is_solid_only in any::<bool>(), left in any::<prop::sample::Index>(),
        ) {
            let entities = occupied(&places);
            let mut grid = Occupancy::new(RADIUS);
            grid.build(BodyColumns::of(&entities));
            for &(x, y, is_docked) in &later {
                grid.occupy(x, y, RADIUS, !is_docked);
            }
            let mut all: Vec<_> = places.iter().chain(&later).copied().collect();
            if !all.is_empty() {
                let (x, y, is_docked) = all.swap_remove(left.index(all.len()));
                grid.vacate(x, y, !is_docked);
            }
            let bodies = if is_solid_only { Bodies::Solid } else { Bodies::All };
            grid.approach(at.0, at.1, RADIUS);
            let clear = |x: f32, y: f32, radius: f32| {
                let (dx, dy) = (at.0 - x, at.1 - y);
                dx * dx + dy * dy >= (RADIUS + radius) * (RADIUS + radius)
            };
            let expected = clear(30.0, -40.0, 70.0)
                && all.iter().all(|&(x, y, is_docked)| (is_docked && is_solid_only) || clear(x, y, RADIUS));
            prop_assert_eq!(grid.is_free(at.0, at.1, RADIUS, bodies), expected);
        }
    }
}
