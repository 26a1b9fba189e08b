//! Blending zones: one point, and every ship of a tick, in a system of 100 zones.
//!
//! Beside each stands the scan over all zones that one would write first. Both are asserted to
//! give the same contexts before anything is timed.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use orrery::sim::zones::Zones;
use orrery::universe::{System, Universe, Zone};

/// 100 zones on a jittered lattice over the built-in system, up to five of them over a point.
fn crowded_system() -> System {
    let mut system = Universe::built_in().systems[0].clone();
    let like = system.zones[0].clone();
    system.zones = (0..100)
        .map(|n| Zone {
            x: -10_800.0 + 2_400.0 * (n % 10) as f32 + (n * 37 % 100) as f32,
            y: -10_800.0 + 2_400.0 * (n / 10) as f32 + (n * 53 % 100) as f32,
            radius: 1_500.0,
            risk_level: (n * 7 % 100) as f32,
            ..like.clone()
        })
        .collect();
    system
}

/// Ships spread evenly but without a pattern (the plastic number's sequence).
fn ships(count: u32) -> Vec<(f32, f32)> {
    let place = |n: u32, step: f64| ((f64::from(n) * step).fract() * 24_000.0 - 12_000.0) as f32;
    (0..count)
        .map(|n| {
            (
                place(n, 0.754_877_666_246_693),
                place(n, 0.569_840_290_998_053_3),
            )
        })
        .collect()
}

/// The blended risk by a scan over all zones.
fn risk_by_scan(system: &System, x: f32, y: f32) -> f32 {
    let (mut weight, mut risk) = (1.0, system.ambient.risk_level);
    for zone in &system.zones {
        let distance = ((zone.x - x).powi(2) + (zone.y - y).powi(2)).sqrt();
        if distance <= zone.radius {
            let w = 4.0 * (1.0 - distance / zone.radius);
            weight += w;
            risk += w * zone.risk_level;
        }
    }
    risk / weight / 100.0
}

fn zones(c: &mut Criterion) {
    let system = crowded_system();
    let zones = Zones::new(&system);
    let ships = ships(10_000);
    for (x, y) in &ships {
        assert!((zones.blend(*x, *y).risk - risk_by_scan(&system, *x, *y)).abs() < 1e-4);
    }
    let inside = ships
        .iter()
        .filter(|(x, y)| !zones.blend(*x, *y).zones().is_empty())
        .count();
    assert!(
        inside > 9_000,
        "most points must have something to blend: {inside}"
    );
    c.bench_function("zones/blend/1", |b| {
        b.iter(|| zones.blend(black_box(1_234.5), black_box(-678.9)));
    });
    for count in [1_000, 10_000, 100_000] {
        let ships = self::ships(count);
        c.bench_function(&format!("zones/blend/{count}"), |b| {
            let risk = |(x, y): &(f32, f32)| zones.blend(*x, *y).risk;
            b.iter(|| ships.iter().map(risk).sum::<f32>());
        });
        c.bench_function(&format!("zones/scan/{count}"), |b| {
            let risk = |(x, y): &(f32, f32)| risk_by_scan(&system, *x, *y);
            b.iter(|| ships.iter().map(risk).sum::<f32>());
        });
    }
}

criterion_group!(benches, zones);
criterion_main!(benches);
