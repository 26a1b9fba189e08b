//! What no field shows on its own: places inside their system, bodies apart, room to spawn, prices
//! that cannot be milked.
//!
//! Owns the rules between fields of one system. Is asked only about systems whose fields are each
//! good on their own. Work: quadratic in stations, cubic in zones, both bounded in `limits`.

use super::error::ProblemReport;
use super::model::{Spawn, System, Universe, Zone};
use crate::limits::ZONES_AT_POINT_MAX;

/// Where in the file the parts of a system stand: bytes and paths.
#[derive(Default)]
pub(super) struct Places {
    pub(super) spawn: usize,
    pub(super) spawn_field: String,
    pub(super) stations: Vec<CheckedPlace>,
    pub(super) zones: Vec<CheckedPlace>,
}

/// Where a station or a zone stands.
pub(super) struct CheckedPlace {
    /// Byte of its `x`.
    pub(super) x: usize,
    /// Byte of its `docking_radius`; a zone has none.
    pub(super) docking_radius: usize,
    /// Path that a field's name is appended to.
    pub(super) path: String,
}

/// Least stock target at which no sequence of orders, by however many pilots, gains money by
/// trading in circles at one station.
///
/// An order moves the stock by at most a hold `c`, so whoever sells across a level of stock and
/// whoever buys across it stood at most `q = 2c` apart. The circle loses money if what a pilot gets
/// at stock `s` is never more than what a pilot pays at `s + q`. With spread σ, swing ω and target
/// T that is worst on the fullest shelf: `(1-σ)(1-ω+ωq/T) ≤ (1+σ)(1-ω)`, so `T ≥ ωq(1-σ) / 2σ(1-ω)`.
pub(super) fn steady_stock(universe: &Universe) -> i64 {
    let economy = &universe.economy;
    let reach = 2 * i64::from(universe.ship.cargo_capacity);
    let over = economy.swing_permille * reach * (1000 - economy.spread_permille);
    let under = 2 * economy.spread_permille * (1000 - economy.swing_permille);
    over / under.max(1) + 1
}

pub(super) fn system(
    system: &System,
    universe: &Universe,
    places: &Places,
    report: &mut ProblemReport<'_>,
) {
    stations(system, universe, places, report);
    zones(system, places, report);
    spawn(system, universe, places, report);
}

fn stations(system: &System, universe: &Universe, places: &Places, report: &mut ProblemReport<'_>) {
    let half = system.half_extent;
    for (nth, (station, place)) in system.stations.iter().zip(&places.stations).enumerate() {
        let id = &station.id;
        if station.x.abs() + station.radius > half || station.y.abs() + station.radius > half {
            let what = format!(
                "station `{id}` reaches outside the system; keep x and y within ±(half_extent - radius)"
            );
            report.problem(place.x, format!("{}x", place.path), what);
        }
        let least = station.radius + 2.0 * universe.ship.radius;
        if station.docking_radius < least {
            let what = format!(
                "station `{id}`: must be at least {least} (its radius and a ship's width), found {}",
                station.docking_radius
            );
            report.problem(
                place.docking_radius,
                format!("{}docking_radius", place.path),
                what,
            );
        }
        for other in &system.stations[..nth] {
            let gap = distance((station.x, station.y), (other.x, other.y))
                - station.radius
                - other.radius;
            if gap < 4.0 * universe.ship.radius {
                let what = format!(
                    "station `{id}` overlaps `{}` or leaves no way between; move it {} u away",
                    other.id,
                    (4.0 * universe.ship.radius - gap).ceil()
                );
                report.problem(place.x, format!("{}x", place.path), what);
            }
        }
    }
}

fn zones(system: &System, places: &Places, report: &mut ProblemReport<'_>) {
    let half = system.half_extent;
    for (zone, place) in system.zones.iter().zip(&places.zones) {
        if zone.x.abs() > half || zone.y.abs() > half {
            let what = format!(
                "zone `{}` has its centre outside the system; keep x and y within ±half_extent",
                zone.id
            );
            report.problem(place.x, format!("{}x", place.path), what);
        }
    }
    if let Some(nth) = crowded_zone(&system.zones)
        && let Some(place) = places.zones.get(nth)
    {
        let what = format!(
            "zone `{}` lies over a point that is in more than {ZONES_AT_POINT_MAX} zones; spread them out",
            system.zones[nth].id
        );
        report.problem(place.x, format!("{}x", place.path), what);
    }
}

/// A zone that shares a point with at least [`ZONES_AT_POINT_MAX`] others. The deepest place of
/// overlapping discs is at one's centre or where two of their rims cross.
fn crowded_zone(zones: &[Zone]) -> Option<usize> {
    if zones.len() <= ZONES_AT_POINT_MAX {
        return None;
    }
    let crowded = |x: f64, y: f64| {
        let within = |zone: &&Zone| {
            let (dx, dy, r) = (
                f64::from(zone.x) - x,
                f64::from(zone.y) - y,
                f64::from(zone.radius) + 0.01,
            );
            dx * dx + dy * dy <= r * r
        };
        zones.iter().filter(within).count() > ZONES_AT_POINT_MAX
    };
    for (nth, a) in zones.iter().enumerate() {
        let (ax, ay, ar) = (f64::from(a.x), f64::from(a.y), f64::from(a.radius));
        if crowded(ax, ay) {
            return Some(nth);
        }
        for b in &zones[..nth] {
            let (dx, dy, br) = (
                f64::from(b.x) - ax,
                f64::from(b.y) - ay,
                f64::from(b.radius),
            );
            let gap = dx.hypot(dy);
            if gap == 0.0 || gap > ar + br || gap < (ar - br).abs() {
                continue;
            }
            let along = (gap * gap + ar * ar - br * br) / (2.0 * gap);
            let aside = (ar * ar - along * along).max(0.0).sqrt();
            let (ux, uy) = (dx / gap, dy / gap);
            let (mx, my) = (ax + along * ux, ay + along * uy);
            if crowded(mx - aside * uy, my + aside * ux)
                || crowded(mx + aside * uy, my - aside * ux)
            {
                return Some(nth);
            }
        }
    }
    None
}

fn spawn(system: &System, universe: &Universe, places: &Places, report: &mut ProblemReport<'_>) {
    let (half, ship) = (system.half_extent, universe.ship.radius);
    let mut problem = |what: String| report.problem(places.spawn, places.spawn_field.clone(), what);
    match system.spawn {
        Spawn::Point { x, y, .. } => {
            if x.abs() + ship > half || y.abs() + ship > half {
                problem("lies outside the system; keep x and y within ±half_extent".to_owned());
            }
            for station in &system.stations {
                if distance((x, y), (station.x, station.y)) < station.radius + ship {
                    problem(format!(
                        "lies inside the station `{}`; move it out of its radius",
                        station.id
                    ));
                }
            }
        }
        Spawn::Area {
            min_x,
            min_y,
            max_x,
            max_y,
        } => {
            let width = 2.0 * ship;
            if max_x - min_x < width || max_y - min_y < width {
                problem(format!(
                    "must be at least {width} u wide and high: min_x < max_x, min_y < max_y"
                ));
            } else if min_x < -half || min_y < -half || max_x > half || max_y > half {
                problem("reaches outside the system; keep it within ±half_extent".to_owned());
            }
            for station in &system.stations {
                let (x, y) = (
                    station.x.clamp(min_x, max_x.max(min_x)),
                    station.y.clamp(min_y, max_y.max(min_y)),
                );
                if distance((x, y), (station.x, station.y)) < station.radius + ship {
                    problem(format!(
                        "touches the station `{}`; keep the area clear of it",
                        station.id
                    ));
                }
            }
        }
    }
}

fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}
