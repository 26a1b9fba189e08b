//! Universes for measuring: an empty sky in which every ship sees about as many others as asked.
//!
//! Owns the geometry that turns "so many clients, so many in view" into the side of a square, and
//! the text of such a universe. The square is both the system and its spawn area: ships that fly
//! about stay as dense as they began.

use std::f64::consts::{PI, SQRT_2};

use super::classes::SHIP;
use crate::limits::{HALF_EXTENT_MAX, PILOTS_MAX};

/// The view radius that the square is sized for, u.
pub const BENCH_VIEW_RADIUS: f32 = 1000.0;

/// Share of the square that hulls may cover; denser than this, free places run out.
const COVERAGE_MAX: f64 = 0.25;

/// Chance that two random points of a unit square are at most `d` apart.
///
/// The density is `2d(π - 4d + d²)` up to 1 and
/// `2d(2·asin(1/d) - 2·acos(1/d) + 4√(d²-1) - d² - 2)` up to √2 ("square line picking"); the second
/// part is summed in 200 steps.
fn within(d: f64) -> f64 {
    let near = |d: f64| PI * d * d - 8.0 / 3.0 * d.powi(3) + d.powi(4) / 2.0;
    if d <= 1.0 {
        return near(d.max(0.0));
    }
    let far = |d: f64| {
        let angles = 2.0 * (1.0 / d).asin() - 2.0 * (1.0 / d).acos();
        2.0 * d * (angles + 4.0 * (d * d - 1.0).sqrt() - d * d - 2.0)
    };
    let step = (d.min(SQRT_2) - 1.0) / 200.0;
    let sum: f64 = (0..200)
        .map(|nth| far(1.0 + (f64::from(nth) + 0.5) * step))
        .sum();
    (near(1.0) + sum * step).min(1.0)
}

/// How many others a ship sees on average when `clients` ships are spread over a square of this side.
pub fn seen_on_average(clients: u32, side: f32) -> f32 {
    let others = f64::from(clients.saturating_sub(1));
    (others * within(f64::from(BENCH_VIEW_RADIUS) / f64::from(side))) as f32
}

/// Side of the square in which each of `clients` ships sees about `in_view` others, the part of
/// the view that lies beyond the walls reckoned in. Never so small that hulls cover more than a
/// quarter of it, never larger than a system may be. Work: 60 halvings.
pub fn bench_side(clients: u32, in_view: u32) -> f32 {
    let hull = PI * f64::from(SHIP.radius).powi(2);
    let least = (f64::from(clients) * hull / COVERAGE_MAX).sqrt().max(600.0);
    let most = f64::from(2.0 * HALF_EXTENT_MAX);
    let (mut low, mut high) = (least, most.max(least));
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if seen_on_average(clients, middle as f32) > in_view as f32 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (high.min(most) as f32).floor()
}

/// The text of a universe with one empty system, `sol-1`, for `clients` pilots of whom each sees
/// about `in_view` others. `clients` is taken as at most [`PILOTS_MAX`].
pub fn bench_text(clients: u32, in_view: u32) -> String {
    let clients = clients.clamp(1, PILOTS_MAX);
    let side = bench_side(clients, in_view);
    let seen = seen_on_average(clients, side);
    let half = side / 2.0;
    let (min, max) = (SHIP.radius - half, half - SHIP.radius);
    let pilots_max = clients.saturating_mul(2).min(PILOTS_MAX);
    format!(
        "# For measuring: {clients} ships in a square of {side:.0} u; within the view radius of
# {BENCH_VIEW_RADIUS:.0} u each sees {seen:.1} others on average.
name = \"Bench, {clients} clients\"

[[commodities]]
id = \"fuel\"
name = \"Fuel\"
base_price = 2

[ship]
fuel_burn = 0.0

[[systems]]
id = \"sol-1\"
name = \"Empty sky\"
half_extent = {half:.1}
pilots_max = {pilots_max}

[systems.ambient]
risk_level = 52
security_level = 20
profit_multiplier = 1.0
pvp_allowed = true

[systems.spawn]
min_x = {min:.1}
min_y = {min:.1}
max_x = {max:.1}
max_y = {max:.1}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::Universe;

    /// Counts by hand what the formula predicts: a lattice of points stands in for random ones.
    fn counted(side: f64) -> f64 {
        let (points, radius) = (40, f64::from(BENCH_VIEW_RADIUS));
        let place = |n: i32| (f64::from(n) + 0.5) / f64::from(points) * side;
        let mut near = 0_u64;
        for (ax, ay) in (0..points * points).map(|n| (place(n % points), place(n / points))) {
            for (bx, by) in (0..points * points).map(|n| (place(n % points), place(n / points))) {
                near += u64::from((ax - bx).hypot(ay - by) <= radius);
            }
        }
        near as f64 / f64::from(points).powi(4)
    }

    #[test]
    fn the_formula_agrees_with_counting_on_both_sides_of_the_corner() {
        for side in [720.0, 900.0, 1000.0, 1500.0, 4000.0] {
            let (formula, counted) = (within(f64::from(BENCH_VIEW_RADIUS) / side), counted(side));
            assert!(
                (formula - counted).abs() < 0.01,
                "{side}: {formula} {counted}"
            );
        }
    }

    #[test]
    fn a_bench_universe_is_valid_and_as_dense_as_asked() {
        for (clients, in_view) in [(1000, 50), (100, 50), (3000, 50), (100_000, 50), (64, 10)] {
            let text = bench_text(clients, in_view);
            let universe = Universe::load(&text, "bench.toml").unwrap_or_else(|e| panic!("{e}"));
            let seen = seen_on_average(clients, 2.0 * universe.systems[0].half_extent);
            assert!(
                (seen - in_view as f32).abs() < 0.5,
                "{clients} {in_view}: {seen}"
            );
        }
    }

    #[test]
    fn impossible_wishes_still_give_a_universe_with_room_for_all() {
        for (clients, in_view) in [
            (1, 0),
            (1, 9),
            (1000, 999),
            (0, 0),
            (u32::MAX, 0),
            (u32::MAX, u32::MAX),
        ] {
            let text = bench_text(clients, in_view);
            Universe::load(&text, "bench.toml").unwrap_or_else(|e| panic!("{e}"));
        }
    }
}
