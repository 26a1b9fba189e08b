//! Contacts: what touches what, found by many, settled by one.
//!
//! Owns collision. [`find`] reads the columns as motion left them and lists overlaps and hits;
//! [`settle`] pushes bodies apart. Ships are equal in mass, stations don't move, docked ships are
//! intangible, shots hit the first solid thing on their way except the ship that fired them.
//!
//! Overlapping bodies are moved apart along the line between their centres, and if they approach,
//! an impulse along it turns the approach round with [`RESTITUTION`] < 1: kinetic energy never
//! grows. Lists come in ascending order, whatever the number of workers; in a pile the list of pairs
//! is bounded (see [`space`](super::space)), and the rest is settled in the ticks that follow.
//!
//! Where pilots may not harm each other, nobody is thrown about either: a contact speeds a ship up
//! along the push to [`SHELTERED_PUSH_SPEED_MAX`] at most, whoever pushes. The other one loses what
//! it can't hand on, so that energy shrinks all the more. A ship that rests there can be shoved out
//! of the way, slowly, so that nobody is walled in.
//!
//! A shot is swept: over the tick it and a ship move on straight lines, so their difference does
//! too, and they meet where that line first comes as near as the sum of their radii.

use rayon::prelude::*;

use super::columns::column_view;
use super::entities::Entities;
use super::random::mix;
use super::space::{Pair, Space};
use super::step_context::StepContext;
use super::zones::Zones;
use crate::ids::EntityKind;

/// Share of the approach speed that is left after an impact.
const RESTITUTION: f32 = 0.25;

/// Speed along a push up to which a contact can bring a ship where harm between pilots is forbidden,
/// u/s. Drag stops that within 5 u; one who keeps pushing shoves a ship at about twice this speed,
/// the other half being the parting of the overlap.
const SHELTERED_PUSH_SPEED_MAX: f32 = 2.0;

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
    pub(super) moorings: Vec<Pair>,
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

/// Refreshes the index of solid ships: linear in rows. Returns into how many jobs that was cut.
pub(super) fn refresh(
    context: &StepContext,
    entities: &Entities,
    space: &mut Space,
    contacts: &mut Contacts,
) -> usize {
    space.clear();
    contacts.shots.clear();
    let mut speed2_max = 0.0_f32;
    for row in context.stations_count()..entities.len() {
        if entities.kinds[row] == EntityKind::Projectile {
            contacts.shots.push(row as u32);
        } else if entities.docks[row].is_none() {
            let (vx, vy) = (entities.vxs[row], entities.vys[row]);
            speed2_max = speed2_max.max(vx * vx + vy * vy);
            let (x, y) = (entities.xs[row], entities.ys[row]);
            space.push(row as u32, x, y, entities.radii[row]);
        }
    }
    contacts.stride = speed2_max.sqrt() * context.flight.dt;
    // From one end of the curve and from the other by turns: nobody in a pile is always last.
    space.pack(context.tick % 2 == 1, context.parallelism.space)
}

/// Lists overlaps and hits. Work: circles, stations and shots, each with its neighbours. Returns
/// into how many jobs the search for pairs and the sweep of shots were cut.
pub(super) fn find(
    context: &StepContext,
    entities: &Entities,
    space: &mut Space,
    contacts: &mut Contacts,
) -> (usize, usize) {
    let pairs_jobs = space.find_pairs(context.parallelism.space);
    contacts.find_moorings(context, entities, space);
    (pairs_jobs, contacts.sweep(context, entities, space))
}

impl Contacts {
    fn find_moorings(&mut self, context: &StepContext, entities: &Entities, space: &Space) {
        self.moorings.clear();
        for station in 0..context.stations_count() {
            let (x, y) = (entities.xs[station], entities.ys[station]);
            let radius = entities.radii[station];
            let (low, high) = ([x - radius, y - radius], [x + radius, y + radius]);
            space.each_near_box(low, high, |row| {
                self.moorings.push((station as u32, row));
            });
        }
        self.moorings.sort_unstable();
    }

    /// Finds what each shot met; returns into how many jobs that was cut.
    fn sweep(&mut self, context: &StepContext, entities: &Entities, space: &Space) -> usize {
        let sweep = Sweep {
            entities,
            space,
            stations_count: context.stations_count(),
            stride: self.stride,
            dt: context.flight.dt,
        };
        let fork = context.parallelism.shots;
        let chunks_count = self.shots.len().div_ceil(fork.chunk_items);
        if self.found.len() < chunks_count {
            self.found.resize_with(chunks_count, Vec::new);
        }
        let scan = |(shots, found): (&[u32], &mut Vec<Strike>)| {
            found.clear();
            found.extend(shots.iter().filter_map(|&shot| sweep.first_hit(shot)));
        };
        let jobs = fork.jobs(self.shots.len());
        if jobs == 1 {
            let chunks = self.shots.chunks(fork.chunk_items);
            chunks.zip(&mut self.found).for_each(scan);
        } else {
            let chunks = self.shots.par_chunks(fork.chunk_items);
            chunks.zip(&mut self.found).for_each(scan);
        }
        self.strikes.clear();
        for found in self.found.iter().take(chunks_count) {
            self.strikes.extend_from_slice(found);
        }
        self.strikes.sort_unstable();
        jobs
    }
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
        self.space.each_near_box(low, high, |target| {
            if Some(entities.handles()[target as usize]) != shooter {
                first = self.earlier(first, row, target);
            }
        });
        for station in 0..self.stations_count {
            first = self.earlier(first, row, station as u32);
        }
        first.map(|(_, target)| Strike { target, shot })
    }

    /// The meeting of a shot with a target, if that is before the first one found.
    #[inline]
    fn earlier(&self, first: Option<(f32, u32)>, shot: usize, target: u32) -> Option<(f32, u32)> {
        match self.meeting(shot, target as usize) {
            Some(time) if first.is_none_or(|best| (time, target) < best) => Some((time, target)),
            _ => first,
        }
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

column_view! {
    /// What a contact reads and writes.
    struct ContactColumns of Entities {
        reads {
            radii: [f32],
        }
        writes {
            xs: [f32],
            ys: [f32],
            vxs: [f32],
            vys: [f32],
            last_changed_ticks: [u32],
        }
    }
}

/// Pushes overlapping bodies apart, ships from stations last. Linear in contacts.
pub(super) fn settle(
    context: &StepContext,
    mut columns: ContactColumns<'_>,
    pairs: &[Pair],
    moorings: &[Pair],
    zones: &Zones,
) {
    let (wall, tick) = (context.flight.wall, context.column_tick());
    let shelters = |x: f32, y: f32| !zones.pvp_allowed(x, y);
    for (pairs, shares) in [(pairs, Shares::Even), (moorings, Shares::Second)] {
        for &(a, b) in pairs {
            let rows = (a as usize, b as usize);
            columns.part(rows, shares, &shelters, wall, tick);
        }
    }
}

/// Who takes how much of the way apart, and of the impulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shares {
    /// Two ships, half each.
    Even,
    /// The first is fixed.
    Second,
}

/// Velocities along a push that leave two ships' contact, `a` behind and `b` ahead of it: those of
/// an even impulse, held to what a sheltered ship may be pushed to. `shelters` is asked only where
/// that matters.
fn damped(
    (was_a, was_b): (f32, f32),
    kick: f32,
    shelters_a: impl Fn() -> bool,
    shelters_b: impl Fn() -> bool,
) -> (f32, f32) {
    let (mut a, mut b) = (was_a - 0.5 * kick, was_b + 0.5 * kick);
    let (lowest_a, highest_b) = (
        was_a.min(-SHELTERED_PUSH_SPEED_MAX),
        was_b.max(SHELTERED_PUSH_SPEED_MAX),
    );
    // What one can't take on, the other can't keep: it must not fly on into it.
    if b > highest_b && shelters_b() {
        b = highest_b;
        a = a.min(b);
    }
    if a < lowest_a && shelters_a() {
        a = lowest_a;
        b = b.max(a);
    }
    (a, b)
}

/// A direction for two centres in one place, which have no line between them: another for each pair,
/// so that a heap comes apart to all sides.
fn anywhere(a: usize, b: usize) -> (f32, f32) {
    let mixed = mix((a as u64) << 32 | b as u64);
    let angle = (mixed >> 40) as f32 * (std::f32::consts::TAU / 16_777_216.0);
    (libm::cosf(angle), libm::sinf(angle))
}

impl ContactColumns<'_> {
    /// Settles one contact. Bodies that no longer overlap, an earlier contact having moved them, are
    /// left alone.
    fn part(
        &mut self,
        (a, b): (usize, usize),
        shares: Shares,
        shelters: &impl Fn(f32, f32) -> bool,
        wall: f32,
        tick: u32,
    ) {
        let (dx, dy) = (self.xs[b] - self.xs[a], self.ys[b] - self.ys[a]);
        let apart = self.radii[a] + self.radii[b];
        let distance2 = dx * dx + dy * dy;
        if distance2 >= apart * apart {
            return;
        }
        let distance = distance2.sqrt();
        let (nx, ny) = if distance > 0.0 {
            (dx / distance, dy / distance)
        } else {
            anywhere(a, b)
        };
        let depth = apart - distance;
        let along = |row: usize| self.vxs[row] * nx + self.vys[row] * ny;
        let was = (along(a), along(b));
        let approach = was.1 - was.0;
        let kick = if approach < 0.0 {
            -(1.0 + RESTITUTION) * approach
        } else {
            0.0
        };
        let is_sheltered = |row: usize| shelters(self.xs[row], self.ys[row]);
        let (is, ways) = match shares {
            Shares::Even => (
                damped(was, kick, || is_sheltered(a), || is_sheltered(b)),
                (-0.5, 0.5),
            ),
            Shares::Second => ((was.0, was.1 + kick), (0.0, 1.0)),
        };
        for (row, gain, way) in [(a, is.0 - was.0, ways.0), (b, is.1 - was.1, ways.1)] {
            if way == 0.0 {
                continue;
            }
            self.xs[row] = (self.xs[row] + nx * depth * way).clamp(-wall, wall);
            self.ys[row] = (self.ys[row] + ny * depth * way).clamp(-wall, wall);
            self.vxs[row] += nx * gain;
            self.vys[row] += ny * gain;
            self.last_changed_ticks[row] = tick;
        }
    }
}

#[cfg(test)]
#[path = "contacts_tests.rs"]
mod tests;
