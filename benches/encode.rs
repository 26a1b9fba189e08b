//! Serializing one changed entity, beside what a reader would reach for.
//!
//! `encode/<how>/1000`: a batch of 1,000 rows, so a microsecond is a nanosecond a row. `arena` is what
//! the simulation does each tick. All hold the same values; `serde_json` and `simd_json` write them
//! by a derived `Serialize` over floats that are rounded first.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of the wrong thing panics; the macros document nothing"
)]

use std::hint::black_box;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use orrery::protocol::row::{EntityText, append};
use orrery::protocol::world::{EntityValues, UpdateRow};
use orrery::protocol::{Angle, Fixed2};
use serde::Serialize;
use serde_json::Value;

const ROWS: usize = 1_000;

/// An entity as columns hold it.
#[derive(Clone, Copy)]
struct Body {
    x: f32,
    y: f32,
    vx: f32,
    vy: f32,
    r: f32,
    hp: i32,
}

fn bodies() -> Vec<Body> {
    let mut state = 7_u64;
    let mut random = |span: f32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 24) as f32 - 0.5) * span
    };
    (0..ROWS)
        .map(|_| Body {
            x: random(10_000.0),
            y: random(10_000.0),
            vx: random(200.0),
            vy: random(200.0),
            r: random(std::f32::consts::TAU),
            hp: 100,
        })
        .collect()
}

fn row<'a>(body: &Body, id: &'a str) -> UpdateRow<'a> {
    let values = EntityValues {
        x: Fixed2::new(body.x),
        y: Fixed2::new(body.y),
        vx: Fixed2::new(body.vx),
        vy: Fixed2::new(body.vy),
        r: Angle::new(body.r),
        hp: body.hp,
    };
    UpdateRow::new(EntityText::new(id.as_bytes()), values)
}

/// What one would derive with serde: the id as text, floats rounded.
#[derive(Serialize)]
struct Plain<'a> {
    id: &'a str,
    x: f32,
    y: f32,
    vx: f32,
    vy: f32,
    r: f32,
    hp: i32,
}

fn plain<'a>(body: &Body, id: &'a str) -> Plain<'a> {
    let two = |value: f32| (value * 100.0).round() / 100.0;
    Plain {
        id,
        x: two(body.x),
        y: two(body.y),
        vx: two(body.vx),
        vy: two(body.vy),
        r: (body.r * 10_000.0).round() / 10_000.0,
        hp: body.hp,
    }
}

/// Both texts mean the same row, to the last decimal kept.
fn check(body: &Body, id: &str) {
    let mut own = Vec::new();
    append(&row(body, id), &mut own);
    let own: Value = serde_json::from_slice(&own).unwrap();
    let other = serde_json::to_value(plain(body, id)).unwrap();
    assert_eq!(own["id"], other["id"]);
    for field in ["x", "y", "vx", "vy", "r", "hp"] {
        let (a, b) = (own[field].as_f64().unwrap(), other[field].as_f64().unwrap());
        // The other rounds in f32, which at 4,000 u errs by half a thousandth.
        assert!((a - b).abs() < 0.011, "{field}: {a} {b}");
    }
}

fn encoding(c: &mut Criterion) {
    let bodies = bodies();
    let ids: Vec<String> = (0..ROWS).map(|row| format!("s_{}", 10_000 + row)).collect();
    for (body, id) in bodies.iter().zip(&ids) {
        check(body, id);
    }
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(ROWS as u64));

    let mut out = Vec::with_capacity(1 << 20);
    group.bench_function("vec/1000", |b| {
        b.iter(|| {
            out.clear();
            for (body, id) in black_box(&bodies).iter().zip(&ids) {
                append(&row(body, id), &mut out);
            }
            assert!(out.len() > ROWS * 60);
        });
    });
    let mut arena = Bump::with_capacity(1 << 20);
    group.bench_function("arena/1000", |b| {
        b.iter(|| {
            arena.reset();
            let mut out = ArenaVec::with_capacity_in(1 << 17, &arena);
            for (body, id) in black_box(&bodies).iter().zip(&ids) {
                append(&row(body, id), &mut out);
            }
            assert!(out.len() > ROWS * 60);
        });
    });
    group.bench_function("serde_json/1000", |b| {
        b.iter(|| {
            out.clear();
            for (body, id) in black_box(&bodies).iter().zip(&ids) {
                serde_json::to_writer(&mut out, &plain(body, id)).unwrap();
            }
            assert!(out.len() > ROWS * 60);
        });
    });
    group.bench_function("simd_json/1000", |b| {
        b.iter(|| {
            out.clear();
            for (body, id) in black_box(&bodies).iter().zip(&ids) {
                simd_json::to_writer(&mut out, &plain(body, id)).unwrap();
            }
            assert!(out.len() > ROWS * 60);
        });
    });
    group.finish();
}

criterion_group!(benches, encoding);
criterion_main!(benches);
