//! Spawning: where somebody appears or comes out of dock, and the row that they appear with.
//!
//! Owns the search for a free place: the wanted one first, then outward on a spiral until one is
//! clear of every ship and station; in a spawn area some places at random first. Nobody appears
//! inside another. The search is bounded; where nothing is free, nobody appears.
//!
//! What a search learns is kept until ships move: which places are taken (see
//! [`occupancy`](super::occupancy)), and how far the spiral round the spawn point and round each
//! station is full. So n arrivals at one point in one tick look at each place once, not n times.
//!
//! The spiral is Vogel's (1979): the k-th place at distance `c·√k` and angle `k` times the golden
//! angle, which covers the disc evenly and is near-sorted by distance.

use super::entities::{Entities, Row};
use super::entity_id::EntityId;
use super::occupancy::{Bodies, BodyColumns, Occupancy};
use super::pilot::Place;
use super::random::Random;
use super::step_context::StepContext;
use crate::ids::{EntityKind, StationIndex};
use crate::limits::{
    PLACES_SCANNED_PER_TICK_MAX, SPAWN_DRAWS_MAX, SPAWN_PLACES_MAX, UNDOCK_PLACES_MAX,
};
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

/// The spiral's places relative to its centre, and what is known of taken places until ships move.
#[derive(Debug)]
pub(super) struct SpiralSearch {
    places: Vec<(f32, f32)>,
    occupancy: Occupancy,
    /// Places that may be looked at by a pass over all rows before the index is built.
    scans_left: u32,
    /// Places of the system's spawn point that this tick's searches found taken.
    taken_count: usize,
    /// The same around each station, for those who undock.
    taken_counts: Vec<usize>,
}

impl SpiralSearch {
    pub(super) fn new(ship_radius: f32, stations_count: usize) -> Self {
        let spacing = f64::from(ship_radius * SPACING_RADII);
        let place = |k: usize| {
            let (distance, angle) = (spacing * (k as f64).sqrt(), k as f64 * GOLDEN_ANGLE);
            let (x, y) = (distance * libm::cos(angle), distance * libm::sin(angle));
            (x as f32, y as f32)
        };
        Self {
            places: (0..SPAWN_PLACES_MAX).map(place).collect(),
            occupancy: Occupancy::new(ship_radius),
            scans_left: PLACES_SCANNED_PER_TICK_MAX,
            taken_count: 0,
            taken_counts: vec![0; stations_count],
        }
    }

    /// Ships have moved: places may have become free.
    pub(super) fn forget(&mut self) {
        self.occupancy.forget();
        self.scans_left = PLACES_SCANNED_PER_TICK_MAX;
        self.taken_count = 0;
        self.taken_counts.fill(0);
    }

    /// A ship was taken out of this place.
    pub(super) fn vacate(&mut self, x: f32, y: f32, is_docked: bool) {
        self.occupancy.vacate(x, y, !is_docked);
    }

    fn reach(&self) -> f32 {
        self.places
            .last()
            .map_or(0.0, |&(x, y)| (x * x + y * y).sqrt())
    }
}

/// A spiral of places to be tried.
#[derive(Clone, Copy, Debug)]
struct Search {
    x: f32,
    y: f32,
    /// The first place of the spiral to try, and one past the last.
    first: usize,
    end: usize,
    bodies: Bodies,
}

impl SpiralSearch {
    /// Where a ship with this place in mind appears; `None` if nothing is free. The place counts as
    /// taken from now on.
    ///
    /// # Panics
    /// If the system has no such station.
    pub(super) fn pose_for(
        &mut self,
        context: &StepContext,
        entities: &Entities,
        place: Place,
    ) -> Option<Pose> {
        let bodies = BodyColumns::of(entities);
        let pose = match place {
            Place::New | Place::Spawn => self.spawn_pose(context, entities)?,
            Place::Docked(station) => {
                let station = &context.system().stations[usize::from(station.0)];
                docking_slot(context, station, entities.born())
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
                let mut pose = self.nearest_free(context, bodies, x, y)?;
                if finite {
                    (pose.vx, pose.vy) = (vx, vy);
                    pose.heading_x = libm::cosf(rotation);
                    pose.heading_y = libm::sinf(rotation);
                }
                pose
            }
        };
        let is_solid = !matches!(place, Place::Docked(_));
        let radius = context.ship().radius;
        self.occupancy.occupy(pose.x, pose.y, radius, is_solid);
        Some(pose)
    }

    fn spawn_pose(&mut self, context: &StepContext, entities: &Entities) -> Option<Pose> {
        let columns = BodyColumns::of(entities);
        match context.system().spawn {
            Spawn::Point { x, y, rotation } => {
                let search = Search {
                    x,
                    y,
                    first: self.taken_count,
                    end: SPAWN_PLACES_MAX,
                    bodies: Bodies::All,
                };
                let found = self.search(context, columns, search);
                // Whoever asks next in this tick need not look at the taken places again.
                self.taken_count = found.map_or(SPAWN_PLACES_MAX, |(.., taken)| taken);
                found.map(|(x, y, _)| Pose::at_rest(x, y, rotation))
            }
            Spawn::Area {
                min_x,
                min_y,
                max_x,
                max_y,
            } => {
                let mut random = Random::new(context.seed, context.tick, entities.born());
                let mut draw = || {
                    let x = random.between(min_x, max_x);
                    let y = random.between(min_y, max_y);
                    let rotation = random.between(-std::f32::consts::PI, std::f32::consts::PI);
                    (x, y, rotation)
                };
                for _ in 0..SPAWN_DRAWS_MAX {
                    let (x, y, rotation) = draw();
                    if self.is_free(context, columns, (x, y), Bodies::All) {
                        return Some(Pose::at_rest(x, y, rotation));
                    }
                }
                let (x, y, _) = draw();
                self.nearest_free(context, columns, x, y)
            }
        }
    }

    /// Where the docked ship of this row comes out: at its own place if it touches nothing solid
    /// there, else at one near it, else at the nearest one around the station. Where all is taken it
    /// stays where it is. The place counts as taken from now on.
    ///
    /// Work: a pass over all rows for the first few in a tick, an index of them for the others;
    /// [`UNDOCK_PLACES_MAX`] places, and all around the station once a tick.
    pub(super) fn place_outside(
        &mut self,
        context: &StepContext,
        columns: BodyColumns<'_>,
        row: usize,
        station: StationIndex,
    ) -> (f32, f32) {
        let own = (columns.xs[row], columns.ys[row]);
        let place = if self.is_free(context, columns, own, Bodies::Solid) {
            own
        } else {
            let search = Search {
                x: own.0,
                y: own.1,
                first: 1,
                end: UNDOCK_PLACES_MAX,
                bodies: Bodies::Solid,
            };
            let near = self.search(context, columns, search);
            let place = near.map(|(x, y, _)| (x, y));
            let place = place.or_else(|| self.place_around(context, columns, station));
            place.unwrap_or(own)
        };
        let radius = columns.radii[row];
        self.occupancy.vacate(own.0, own.1, false);
        self.occupancy.occupy(place.0, place.1, radius, true);
        place
    }

    /// The free place nearest to a station's centre.
    fn place_around(
        &mut self,
        context: &StepContext,
        columns: BodyColumns<'_>,
        station: StationIndex,
    ) -> Option<(f32, f32)> {
        let station = usize::from(station.0);
        let search = Search {
            x: columns.xs[station],
            y: columns.ys[station],
            first: self.taken_counts[station],
            end: SPAWN_PLACES_MAX,
            bodies: Bodies::Solid,
        };
        let found = self.search(context, columns, search);
        self.taken_counts[station] = found.map_or(SPAWN_PLACES_MAX, |(.., taken)| taken);
        found.map(|(x, y, _)| (x, y))
    }

    /// Whether a ship at a place touches nothing. Work: a pass over all rows, or an index of them.
    fn is_free(
        &mut self,
        context: &StepContext,
        columns: BodyColumns<'_>,
        (x, y): (f32, f32),
        bodies: Bodies,
    ) -> bool {
        let radius = context.ship().radius;
        if !self.occupancy.is_current() && self.scans_left > 0 {
            self.scans_left -= 1;
            return columns.leave_free(x, y, radius, bodies);
        }
        self.occupancy.build(columns);
        self.occupancy.approach(x, y, radius);
        self.occupancy.is_free(x, y, radius, bodies)
    }

    /// The free place nearest to a point, at rest there.
    fn nearest_free(
        &mut self,
        context: &StepContext,
        columns: BodyColumns<'_>,
        x: f32,
        y: f32,
    ) -> Option<Pose> {
        let wall = context.flight.wall;
        let (x, y) = (x.clamp(-wall, wall), y.clamp(-wall, wall));
        if self.is_free(context, columns, (x, y), Bodies::All) {
            return Some(Pose::at_rest(x, y, 0.0));
        }
        let search = Search {
            x,
            y,
            first: 1,
            end: SPAWN_PLACES_MAX,
            bodies: Bodies::All,
        };
        let (x, y, _) = self.search(context, columns, search)?;
        Some(Pose::at_rest(x, y, 0.0))
    }

    /// The first free place of a spiral, as x, y and which place it is. Work: about 40 ns a place.
    fn search(
        &mut self,
        context: &StepContext,
        columns: BodyColumns<'_>,
        search: Search,
    ) -> Option<(f32, f32, usize)> {
        let radius = context.ship().radius;
        let wall = context.flight.wall;
        let (x, y) = (search.x.clamp(-wall, wall), search.y.clamp(-wall, wall));
        let reach = self.reach() + radius;
        let Self {
            places, occupancy, ..
        } = self;
        occupancy.build(columns);
        occupancy.approach(x, y, reach);
        let tried = search.first..search.end.min(places.len());
        let places = places.iter().enumerate().skip(tried.start);
        for (k, &(dx, dy)) in places.take(tried.len()) {
            let (x, y) = (x + dx, y + dy);
            let inside = x.abs() <= wall && y.abs() <= wall;
            if inside && occupancy.is_free(x, y, radius, search.bodies) {
                return Some((x, y, k));
            }
        }
        None
    }
}

/// A place at rest at a station: half-way between its body and its docking radius, nose
/// outward, at an angle that differs from one arrival, the `nth`, to the next. Docked ships are
/// intangible, so docking slots need not be free; who undocks inside another is moved then.
fn docking_slot(context: &StepContext, station: &Station, nth: u64) -> Pose {
    let inner = station.radius + context.ship().radius;
    let distance = f32::midpoint(inner, station.docking_radius.max(inner));
    let angle = (nth as f64 * GOLDEN_ANGLE) % std::f64::consts::TAU;
    let (heading_x, heading_y) = (libm::cos(angle) as f32, libm::sin(angle) as f32);
    let wall = context.flight.wall;
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
    context: &StepContext,
    kind: EntityKind,
    id: EntityId,
    pose: Pose,
    dock: Option<StationIndex>,
) -> Row {
    let ship = context.ship();
    Row {
        vx: pose.vx,
        vy: pose.vy,
        heading_x: pose.heading_x,
        heading_y: pose.heading_y,
        fuel: ship.fuel_max,
        drag: ship.drag,
        last_changed_tick: context.column_tick(),
        radius: ship.radius,
        hull: ship.hull_max,
        dock,
        ..Row::new(kind, id, (pose.x, pose.y))
    }
}
