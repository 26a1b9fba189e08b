//! Spawning: where somebody appears, and the row that they appear with.
//!
//! Owns the search for a free place: the wanted one first, then outward on a spiral until one is
//! clear of every ship and station; in a spawn area some places at random first. Nobody appears
//! inside another. The search is bounded; where nothing is free, nobody appears.
//!
//! The spiral is Vogel's (1979): the k-th place at distance `c·√k` and angle `k` times the golden
//! angle, which covers the disc evenly and is near-sorted by distance.

use super::entities::{Entities, NO_CELL, Row};
use super::entity_id::EntityId;
use super::pilot::Place;
use super::random::Random;
use super::world::World;
use crate::ids::{EntityKind, StationIndex};
use crate::limits::{SPAWN_DRAWS_MAX, SPAWN_PLACES_MAX};
use crate::universe::{Spawn, Station};

/// π·(3 − √5): no two turns of the spiral line up.
const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;

/// Distance between places of the spiral, in radii of a ship.
const SPACING_RADII: f32 = 1.5;

/// A place, a heading and a velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pose {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) vx: f32,
    pub(super) vy: f32,
    pub(super) heading_x: f32,
    pub(super) heading_y: f32,
}

impl Pose {
    fn at_rest(x: f32, y: f32, rotation: f32) -> Self {
        Self {
            x,
            y,
            vx: 0.0,
            vy: 0.0,
            heading_x: libm::cosf(rotation),
            heading_y: libm::sinf(rotation),
        }
    }
}

/// The spiral's places relative to its centre, and what the last search left behind.
#[derive(Debug)]
pub(super) struct Spiral {
    places: Vec<(f32, f32)>,
    obstacles: Vec<(f32, f32, f32)>,
    /// Places of the system's spawn point that this tick's searches found taken.
    taken_count: usize,
}

impl Spiral {
    pub(super) fn new(ship_radius: f32) -> Self {
        let spacing = f64::from(ship_radius * SPACING_RADII);
        let place = |k: usize| {
            let (distance, angle) = (spacing * (k as f64).sqrt(), k as f64 * GOLDEN_ANGLE);
            let (x, y) = (distance * libm::cos(angle), distance * libm::sin(angle));
            (x as f32, y as f32)
        };
        Self {
            places: (0..SPAWN_PLACES_MAX).map(place).collect(),
            obstacles: Vec::new(),
            taken_count: 0,
        }
    }

    /// Ships have moved: places may have become free.
    pub(super) fn forget(&mut self) {
        self.taken_count = 0;
    }

    fn reach(&self) -> f32 {
        self.places
            .last()
            .map_or(0.0, |&(x, y)| (x * x + y * y).sqrt())
    }

    /// Notes everything solid that could be in the way of a circle somewhere on the spiral.
    fn survey(&mut self, entities: &Entities, x: f32, y: f32, radius: f32) {
        self.obstacles.clear();
        let reach = self.reach() + radius;
        for row in 0..entities.len() {
            if entities.kinds[row] == EntityKind::Projectile {
                continue;
            }
            let other = (entities.xs[row], entities.ys[row], entities.radii[row]);
            let apart = reach + other.2;
            if (other.0 - x).abs() < apart && (other.1 - y).abs() < apart {
                self.obstacles.push(other);
            }
        }
    }

    fn is_free(&self, x: f32, y: f32, radius: f32) -> bool {
        let clear = |&(ox, oy, other): &(f32, f32, f32)| {
            let (dx, dy) = (x - ox, y - oy);
            dx * dx + dy * dy >= (radius + other) * (radius + other)
        };
        self.obstacles.iter().all(clear)
    }
}

impl World {
    /// Where a ship with this place in mind appears; `None` if nothing is free.
    pub(super) fn pose_for(&mut self, place: Place) -> Option<Pose> {
        match place {
            Place::New | Place::Spawn => self.spawn_pose(),
            Place::Docked(station) => {
                let station = self.system().station(station)?.clone();
                Some(self.berth(&station))
            }
            Place::Space {
                x,
                y,
                vx,
                vy,
                rotation,
            } => {
                let finite = [x, y, vx, vy, rotation].iter().all(|n| n.is_finite());
                let (x, y) = if finite { (x, y) } else { (0.0, 0.0) };
                let mut pose = self.nearest_free(x, y, 0)?.0;
                if finite {
                    (pose.vx, pose.vy) = (vx, vy);
                    pose.heading_x = libm::cosf(rotation);
                    pose.heading_y = libm::sinf(rotation);
                }
                Some(pose)
            }
        }
    }

    fn spawn_pose(&mut self) -> Option<Pose> {
        match self.system().spawn {
            Spawn::Point { x, y, rotation } => {
                let found = self.nearest_free(x, y, self.spiral.taken_count);
                // Whoever asks next in this tick need not look at the taken places again.
                self.spiral.taken_count = found.map_or(SPAWN_PLACES_MAX, |(_, taken)| taken);
                let mut pose = found?.0;
                pose.heading_x = libm::cosf(rotation);
                pose.heading_y = libm::sinf(rotation);
                Some(pose)
            }
            Spawn::Area {
                min_x,
                min_y,
                max_x,
                max_y,
            } => {
                let mut random = Random::new(self.seed, self.tick, self.entities.born());
                let mut draw = || {
                    let x = random.between(min_x, max_x);
                    let y = random.between(min_y, max_y);
                    let rotation = random.between(-std::f32::consts::PI, std::f32::consts::PI);
                    (x, y, rotation)
                };
                let radius = self.universe.ship.radius;
                for _ in 0..SPAWN_DRAWS_MAX {
                    let (x, y, rotation) = draw();
                    if self.is_clear(x, y, radius) {
                        return Some(Pose::at_rest(x, y, rotation));
                    }
                }
                let (x, y, _) = draw();
                Some(self.nearest_free(x, y, 0)?.0)
            }
        }
    }

    /// Whether a circle touches nothing solid; linear in rows.
    fn is_clear(&self, x: f32, y: f32, radius: f32) -> bool {
        let entities = &self.entities;
        (0..entities.len()).all(|row| {
            let (dx, dy) = (entities.xs[row] - x, entities.ys[row] - y);
            let apart = radius + entities.radii[row];
            entities.kinds[row] == EntityKind::Projectile || dx * dx + dy * dy >= apart * apart
        })
    }

    /// The nearest free place on the spiral round a point, from its `first`th place on, and which
    /// place it is. Work: at most [`SPAWN_PLACES_MAX`] × the solid rows within the spiral's reach.
    fn nearest_free(&mut self, x: f32, y: f32, first: usize) -> Option<(Pose, usize)> {
        let radius = self.universe.ship.radius;
        let wall = self.flight().wall;
        let (x, y) = (x.clamp(-wall, wall), y.clamp(-wall, wall));
        self.spiral.survey(&self.entities, x, y, radius);
        let spiral = &self.spiral;
        let places = spiral.places.iter().enumerate().skip(first);
        for (k, &(dx, dy)) in places {
            let (x, y) = (x + dx, y + dy);
            let inside = x.abs() <= wall && y.abs() <= wall;
            if inside && spiral.is_free(x, y, radius) {
                return Some((Pose::at_rest(x, y, 0.0), k));
            }
        }
        None
    }

    /// A place at rest at a station: half-way between its body and its docking radius, nose
    /// outward, at an angle that differs from one arrival to the next. Docked ships are intangible,
    /// so berths need not be free.
    fn berth(&self, station: &Station) -> Pose {
        let inner = station.radius + self.universe.ship.radius;
        let distance = f32::midpoint(inner, station.docking_radius.max(inner));
        let angle = (self.entities.born() as f64 * GOLDEN_ANGLE) % std::f64::consts::TAU;
        let (heading_x, heading_y) = (libm::cos(angle) as f32, libm::sin(angle) as f32);
        let wall = self.flight().wall;
        Pose {
            x: (station.x + heading_x * distance).clamp(-wall, wall),
            y: (station.y + heading_y * distance).clamp(-wall, wall),
            vx: 0.0,
            vy: 0.0,
            heading_x,
            heading_y,
        }
    }

    /// The row of a ship that appears now.
    pub(super) fn ship_row(
        &self,
        kind: EntityKind,
        id: EntityId,
        pose: Pose,
        dock: Option<StationIndex>,
    ) -> Row {
        let ship = &self.universe.ship;
        Row {
            x: pose.x,
            y: pose.y,
            vx: pose.vx,
            vy: pose.vy,
            heading_x: pose.heading_x,
            heading_y: pose.heading_y,
            thrust: 0.0,
            turn: 0.0,
            fuel: ship.fuel_max,
            drag: ship.drag,
            last_changed_tick: self.tick as u32,
            kind,
            radius: ship.radius,
            hull: ship.hull_max,
            dock,
            trigger: false,
            dock_request: false,
            deadline: 0,
            cell: NO_CELL,
            previous_cell: NO_CELL,
            id,
            shooter: None,
        }
    }
}
