//! The lie of the land: where pirates lurk, where patrols stand guard, where nobody is hunted.
//!
//! Owns the places of a system that non-player ships go by, worked out once from its zones and
//! stations. Never changes, never looks at a ship.

use super::super::random::Random;
use super::steering::length;
use crate::ids::StationIndex;
use crate::universe::{Station, System, Universe, Zone};

/// Zones at least this dangerous are pirates' ground.
const LURK_RISK_MIN: f32 = 75.0;

/// Zones at least this orderly are watched: whoever attacks a pilot there is an offender.
const WATCH_SECURITY_MIN: f32 = 30.0;

/// How far outside a docking ring patrols fly their rounds, u.
const ROUND_MARGIN: f32 = 280.0;

/// A disc of space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Disc {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) radius: f32,
}

impl Disc {
    fn of(zone: &Zone) -> Self {
        Self {
            x: zone.x,
            y: zone.y,
            radius: zone.radius,
        }
    }

    fn round(station: &Station, radius: f32) -> Self {
        Self {
            x: station.x,
            y: station.y,
            radius,
        }
    }

    fn holds(&self, x: f32, y: f32) -> bool {
        length(x - self.x, y - self.y) < self.radius
    }
}

/// What a system means to the ships that the server flies.
#[derive(Debug, Default)]
pub(super) struct PatrolMap {
    /// Where pirates roam, the most dangerous first; never empty once built.
    pub(super) lairs: Vec<Disc>,
    /// The rounds that patrols fly, the most orderly place first; never empty once built.
    pub(super) patrols: Vec<Disc>,
    /// Where pirates neither go nor hunt.
    shelters: Vec<Disc>,
    /// Where attacks on pilots are answered.
    watched: Vec<Disc>,
    /// Bodies of the stations, and the distance from each at which ships moor.
    pub(super) stations: Vec<(Disc, f32)>,
    /// Where the middle of a ship can be, u from the centre.
    wall: f32,
}

impl PatrolMap {
    pub(super) fn new(universe: &Universe, system: &System) -> Self {
        let wall = (system.half_extent - universe.ship.radius).max(0.0);
        let peace = universe.npcs.station_peace;
        let quiet = system
            .stations
            .iter()
            .map(|s| Disc::round(s, s.docking_radius + peace));
        let forbidden = system.zones.iter().filter(|z| !z.pvp_allowed).map(Disc::of);
        let watched = system
            .zones
            .iter()
            .filter(|z| z.security_level >= WATCH_SECURITY_MIN);
        let docking_slot = |s: &Station| f32::midpoint(s.radius, s.docking_radius);
        let stations = system
            .stations
            .iter()
            .map(|s| (Disc::round(s, s.radius), docking_slot(s)));
        Self {
            lairs: lairs(system, wall),
            patrols: patrols(system, wall),
            shelters: quiet.chain(forbidden).collect(),
            watched: watched.map(Disc::of).collect(),
            stations: stations.collect(),
            wall,
        }
    }

    /// Whether pirates leave this point alone. Work: stations and zones of the system.
    pub(super) fn sheltered(&self, x: f32, y: f32) -> bool {
        self.shelters.iter().any(|disc| disc.holds(x, y))
    }

    /// Whether attacks on pilots here are answered. Work: zones of the system.
    pub(super) fn watched(&self, x: f32, y: f32) -> bool {
        self.watched.iter().any(|disc| disc.holds(x, y))
    }

    /// The `nth` ship's lair; they share them in turn.
    pub(super) fn lair(&self, nth: usize) -> Disc {
        shared(&self.lairs, nth)
    }

    /// The `nth` ship's patrol.
    pub(super) fn patrol(&self, nth: usize) -> Disc {
        shared(&self.patrols, nth)
    }

    /// A point inside the walls.
    pub(super) fn inside(&self, x: f32, y: f32) -> (f32, f32) {
        (
            x.clamp(-self.wall, self.wall),
            y.clamp(-self.wall, self.wall),
        )
    }

    /// Somewhere in a lair and out of every shelter, if four draws find such a place.
    pub(super) fn lurking_place(&self, lair: Disc, random: &mut Random) -> Option<(f32, f32)> {
        (0..4)
            .map(|_| self.scatter(lair, 0.0, 0.85, random))
            .find(|(x, y)| !self.sheltered(*x, *y))
    }

    /// Somewhere on a patrol's rim.
    pub(super) fn patrol_place(&self, patrol: Disc, random: &mut Random) -> (f32, f32) {
        self.scatter(patrol, 0.85, 1.15, random)
    }

    fn scatter(&self, disc: Disc, inner: f32, outer: f32, random: &mut Random) -> (f32, f32) {
        let angle = random.between(0.0, std::f32::consts::TAU);
        // The square root spreads points evenly over the area.
        let share = random.between(inner * inner, outer * outer).sqrt();
        let distance = disc.radius * share;
        self.inside(
            disc.x + distance * libm::cosf(angle),
            disc.y + distance * libm::sinf(angle),
        )
    }

    /// Where to fly next on the way from a point to another: straight there, or round the first
    /// station whose body is in the way. Work: stations of the system.
    pub(super) fn way(&self, from: (f32, f32), to: (f32, f32)) -> (f32, f32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let distance = length(dx, dy).max(1e-3);
        let (ux, uy) = (dx / distance, dy / distance);
        let mut first = (distance, to);
        for (body, _) in &self.stations {
            let (sx, sy) = (body.x - from.0, body.y - from.1);
            let (ahead, aside) = (sx * ux + sy * uy, ux * sy - uy * sx);
            let docking_slot = body.radius + 60.0;
            if ahead > 0.0 && ahead < first.0 && aside.abs() < docking_slot {
                // Round the nearer side.
                let side = if aside > 0.0 { -1.0 } else { 1.0 };
                let clear = side * (body.radius + 140.0);
                first = (ahead, (body.x - uy * clear, body.y + ux * clear));
            }
        }
        first.1
    }

    /// Where a ship that comes from `(x, y)` moors at a station: half-way into its docking ring.
    pub(super) fn mooring(&self, station: StationIndex, x: f32, y: f32) -> (f32, f32) {
        let (body, docking_slot) = &self.stations[usize::from(station.0)];
        let (dx, dy) = (x - body.x, y - body.y);
        let distance = length(dx, dy);
        if distance < 1.0 {
            return (body.x + docking_slot, body.y);
        }
        (
            body.x + dx / distance * docking_slot,
            body.y + dy / distance * docking_slot,
        )
    }

    /// The station nearest to a point; none if there is none. Work: stations of the system.
    pub(super) fn nearest_station(&self, x: f32, y: f32) -> Option<StationIndex> {
        let away = |body: &Disc| length(body.x - x, body.y - y);
        let all = self.stations.iter().enumerate();
        let nearest = all.min_by(|(_, a), (_, b)| away(&a.0).total_cmp(&away(&b.0)))?;
        Some(StationIndex(nearest.0 as u16))
    }
}

/// The dangerous zones, the worst first; where there is none, the open space round the centre.
fn lairs(system: &System, wall: f32) -> Vec<Disc> {
    let lurk = |zone: &&Zone| zone.risk_level >= LURK_RISK_MIN && zone.pvp_allowed;
    let mut zones: Vec<&Zone> = system.zones.iter().filter(lurk).collect();
    zones.sort_by(|a, b| b.risk_level.total_cmp(&a.risk_level));
    let open = Disc {
        x: 0.0,
        y: 0.0,
        radius: 0.8 * wall,
    };
    if zones.is_empty() {
        vec![open]
    } else {
        zones.into_iter().map(Disc::of).collect()
    }
}

/// A round about each station, the most orderly first; without stations one about the centre.
fn patrols(system: &System, wall: f32) -> Vec<Disc> {
    let order = |station: &Station| {
        let around = system
            .zones
            .iter()
            .filter(|zone| Disc::of(zone).holds(station.x, station.y));
        around
            .map(|zone| zone.security_level)
            .fold(system.ambient.security_level, f32::max)
    };
    let mut stations: Vec<&Station> = system.stations.iter().collect();
    stations.sort_by(|a, b| order(b).total_cmp(&order(a)));
    let open = Disc {
        x: 0.0,
        y: 0.0,
        radius: 0.3 * wall,
    };
    let round = |station: &Station| Disc::round(station, station.docking_radius + ROUND_MARGIN);
    if stations.is_empty() {
        vec![open]
    } else {
        stations.into_iter().map(round).collect()
    }
}

/// One of the discs, which are at least one.
fn shared(discs: &[Disc], nth: usize) -> Disc {
    discs[nth % discs.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_to_sol_and_every_docking_ring_are_sheltered() {
        let universe = Universe::built_in();
        for system in &universe.systems {
            let ground = PatrolMap::new(&universe, system);
            for station in &system.stations {
                assert!(ground.sheltered(station.x + station.docking_radius, station.y));
            }
            assert!(ground.lairs.iter().all(|lair| lair.radius > 100.0));
        }
        let ground = PatrolMap::new(&universe, &universe.systems[0]);
        assert!(ground.sheltered(1200.0, 400.0));
        assert!(
            !ground.sheltered(6600.0, -700.0),
            "the belt is nobody's shelter"
        );
    }

    #[test]
    fn the_way_leads_round_a_station_and_straight_otherwise() {
        let universe = Universe::built_in();
        let ground = PatrolMap::new(&universe, &universe.systems[0]);
        let (from, to) = ((200.0, 240.0), (2200.0, 240.0));
        let (x, y) = ground.way(from, to);
        assert!(
            (x - 1200.0).abs() < 1.0 && (y - 240.0).abs() > 100.0,
            "{x} {y}"
        );
        assert_eq!(
            ground.way((200.0, 2000.0), (2200.0, 2000.0)),
            (2200.0, 2000.0)
        );
    }
}
