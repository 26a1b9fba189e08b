//! Contacts: what touches what, found by many, settled by one.
//!
//! Owns collision. [`find`] reads the columns as motion left them and lists overlaps and hits;
//! [`settle`] pushes bodies apart. Ships are equal in mass, stations don't move, docked ships are
//! intangible, shots hit the first solid thing on their way except the ship that fired them.
//!
//! Overlapping bodies are moved apart along the line between their centres, and if they approach,
//! an impulse along it turns the approach round with [`RESTITUTION`] < 1: kinetic energy never
//! grows. Lists come in ascending order, whatever the number of workers.
//!
//! A shot is swept: over the tick it and a ship move on straight lines, so their difference does
//! too, and they meet where that line first comes as near as the sum of their radii.

use rayon::prelude::*;

use super::entities::Entities;
use super::space::Space;
use super::world::World;
use crate::ids::EntityKind;

/// Share of the approach speed that is left after an impact.
const RESTITUTION: f32 = 0.25;

/// Shots that a worker takes at a time.
const CHUNK_SHOTS: usize = 128;

/// Shots below which one worker does it alone: each costs about 0.5 µs, a fork-join 30–140.
const PARALLEL_SHOTS_MIN: usize = 512;

/// A shot that met something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Strike {
    /// Row of what was hit: a ship or a station.
    pub(super) target: u32,
    /// Row of the shot.
    pub(super) shot: u32,
}

/// Contacts of one tick; buffers are reused.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// Station and ship that overlap, ascending.
    moorings: Vec<(u32, u32)>,
    /// Rows of all shots, ascending.
    shots: Vec<u32>,
    found: Vec<Vec<Strike>>,
    /// Shots that hit, ascending by target.
    pub(super) strikes: Vec<Strike>,
    /// Displacement of the fastest ship in this tick, u.
    stride: f32,
}

impl Contacts {
    /// How many shots are in flight.
    pub(super) fn shots_count(&self) -> usize {
        self.shots.len()
    }
}

/// Refreshes the index of solid ships: linear in rows.
pub(super) fn refresh(world: &mut World) {
    let (entities, space) = (&world.entities, &mut world.space);
    let contacts = &mut world.contacts;
    space.clear();
    contacts.shots.clear();
    let mut speed2_max = 0.0_f32;
    for row in world.universe.systems[world.system_index.0 as usize]
        .stations
        .len()..entities.len()
    {
        if entities.kinds[row] == EntityKind::Projectile {
            contacts.shots.push(row as u32);
        } else if entities.docks[row].is_none() {
            let (vx, vy) = (entities.vxs[row], entities.vys[row]);
            speed2_max = speed2_max.max(vx * vx + vy * vy);
            let (x, y) = (entities.xs[row], entities.ys[row]);
            space.push(row as u32, x, y, entities.radii[row]);
        }
    }
    space.pack();
    let dt = world.flight().dt;
    world.contacts.stride = speed2_max.sqrt() * dt;
}

/// Lists overlaps and hits. Work: circles, stations and shots, each with its neighbours.
pub(super) fn find(world: &mut World) {
    world.space.touching();
    let stations_count = world.stations_count();
    let dt = world.flight().dt;
    let World {
        entities,
        space,
        contacts,
        ..
    } = world;
    contacts.moorings.clear();
    for station in 0..stations_count {
        let (x, y, radius) = (
            entities.xs[station],
            entities.ys[station],
            entities.radii[station],
        );
        let (low, high) = ([x - radius, y - radius], [x + radius, y + radius]);
        space.each_near_box(low, high, |row| {
            contacts.moorings.push((station as u32, row));
        });
    }
    contacts.moorings.sort_unstable();

    let sweep = Sweep {
        entities,
        space,
        stations_count,
        stride: contacts.stride,
        dt,
    };
    let chunks_count = contacts.shots.len().div_ceil(CHUNK_SHOTS);
    if contacts.found.len() < chunks_count {
        contacts.found.resize_with(chunks_count, Vec::new);
    }
    let scan = |(shots, found): (&[u32], &mut Vec<Strike>)| {
        found.clear();
        found.extend(shots.iter().filter_map(|&shot| sweep.first_hit(shot)));
    };
    if contacts.shots.len() < PARALLEL_SHOTS_MIN || rayon::current_num_threads() < 2 {
        let chunks = contacts.shots.chunks(CHUNK_SHOTS);
        chunks.zip(&mut contacts.found).for_each(scan);
    } else {
        let chunks = contacts.shots.par_chunks(CHUNK_SHOTS);
        chunks.zip(&mut contacts.found).for_each(scan);
    }
    contacts.strikes.clear();
    for found in contacts.found.iter().take(chunks_count) {
        contacts.strikes.extend_from_slice(found);
    }
    contacts.strikes.sort_unstable();
}

/// What a sweep of shots reads.
struct Sweep<'a> {
    entities: &'a Entities,
    space: &'a Space,
    stations_count: usize,
    stride: f32,
    dt: f32,
}

impl Sweep<'_> {
    /// What the shot met first in this tick.
    fn first_hit(&self, shot: u32) -> Option<Strike> {
        let entities = self.entities;
        let row = shot as usize;
        let shooter = entities.shooters[row].map(|shooter| shooter.ship);
        let (x, y) = (entities.xs[row], entities.ys[row]);
        let (back_x, back_y) = (
            x - entities.vxs[row] * self.dt,
            y - entities.vys[row] * self.dt,
        );
        let reach = entities.radii[row] + self.stride;
        let low = [x.min(back_x) - reach, y.min(back_y) - reach];
        let high = [x.max(back_x) + reach, y.max(back_y) + reach];
        // (time within the tick, row): the earliest, and among equals the first row.
        let mut first: Option<(f32, u32)> = None;
        let mut consider = |target: u32| {
            let own = Some(entities.handles()[target as usize]) == shooter;
            if let Some(time) = self.meeting(row, target as usize)
                && !own
                && first.is_none_or(|best| (time, target) < best)
            {
                first = Some((time, target));
            }
        };
        self.space.each_near_box(low, high, &mut consider);
        for station in 0..self.stations_count {
            consider(station as u32);
        }
        first.map(|(_, target)| Strike { target, shot })
    }

    /// When two bodies first touched in this tick, as a share of it.
    fn meeting(&self, a: usize, b: usize) -> Option<f32> {
        let entities = self.entities;
        let end = (
            entities.xs[a] - entities.xs[b],
            entities.ys[a] - entities.ys[b],
        );
        let path = (
            (entities.vxs[a] - entities.vxs[b]) * self.dt,
            (entities.vys[a] - entities.vys[b]) * self.dt,
        );
        let start = (end.0 - path.0, end.1 - path.1);
        swept(start, path, entities.radii[a] + entities.radii[b])
    }
}

/// When a point that moves from `start` by `path` is first within `radius` of the origin, as a
/// share of the way: the smaller root of `|start + t·path|² = radius²` in [0, 1], or 0 if it starts
/// inside.
fn swept(start: (f32, f32), path: (f32, f32), radius: f32) -> Option<f32> {
    let c = start.0 * start.0 + start.1 * start.1 - radius * radius;
    if c <= 0.0 {
        return Some(0.0);
    }
    let a = path.0 * path.0 + path.1 * path.1;
    let b = start.0 * path.0 + start.1 * path.1;
    let discriminant = b * b - a * c;
    if b >= 0.0 || discriminant < 0.0 {
        return None;
    }
    // c / (−b + √d) rather than (−b − √d) / a: no cancellation, and no division by a small a.
    let time = c / (-b + discriminant.sqrt());
    (time <= 1.0).then_some(time)
}

/// Pushes overlapping bodies apart, ships from stations last. Linear in contacts.
pub(super) fn settle(world: &mut World) {
    let wall = world.flight().wall;
    let tick = world.tick as u32;
    let entities = &mut world.entities;
    for &(a, b) in world.space.pairs() {
        part(entities, a as usize, b as usize, (0.5, 0.5), wall, tick);
    }
    for &(station, ship) in &world.contacts.moorings {
        part(
            entities,
            station as usize,
            ship as usize,
            (0.0, 1.0),
            wall,
            tick,
        );
    }
}

/// Settles one contact; `shares` say how much of the way, and of the impulse, each takes (1 in
/// all). Bodies that no longer overlap, an earlier contact having moved them, are left alone.
fn part(entities: &mut Entities, a: usize, b: usize, shares: (f32, f32), wall: f32, tick: u32) {
    let (dx, dy) = (
        entities.xs[b] - entities.xs[a],
        entities.ys[b] - entities.ys[a],
    );
    let apart = entities.radii[a] + entities.radii[b];
    let distance2 = dx * dx + dy * dy;
    if distance2 >= apart * apart {
        return;
    }
    let distance = distance2.sqrt();
    // Two centres in one place have no line between them: any direction will do.
    let (nx, ny) = if distance > 0.0 {
        (dx / distance, dy / distance)
    } else {
        (1.0, 0.0)
    };
    let depth = apart - distance;
    let approach =
        (entities.vxs[b] - entities.vxs[a]) * nx + (entities.vys[b] - entities.vys[a]) * ny;
    let kick = if approach < 0.0 {
        -(1.0 + RESTITUTION) * approach
    } else {
        0.0
    };
    for (row, sign) in [(a, -shares.0), (b, shares.1)] {
        if sign == 0.0 {
            continue;
        }
        entities.xs[row] = (entities.xs[row] + nx * depth * sign).clamp(-wall, wall);
        entities.ys[row] = (entities.ys[row] + ny * depth * sign).clamp(-wall, wall);
        entities.vxs[row] += nx * kick * sign;
        entities.vys[row] += ny * kick * sign;
        entities.last_changed_ticks[row] = tick;
    }
}

#[cfg(test)]
#[path = "contacts_tests.rs"]
mod tests;
