//! One client's message out of a finished frame: what a net shard does for each client and tick.
//!
//! - `compose/delta/n`: the deltas of n clients in turn, each of about 50 rows and 4 kB; so few are
//!   in the cache, as in a shard's round. `compose/delta_again/n`: one client's, again and again.
//! - `compose/snapshot/n`: the same clients' snapshots.
//! - `compose/crowd/1000`: a thousand ships in one view, thinned to the byte budget.
//!
//! Beside them what one would write first: `compose/serde_json/50` serializes 50 rows for the one
//! client, `compose/copies/50` has each entity's text ready and copies 50 of them, with the list of
//! those in view given for nothing.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orrery::replication::view::{CellId, Grid};
use orrery::replication::{ClientView, TickFrame, compose};
use orrery::sim::Random;
use serde::Serialize;
use serde_json::Value;

#[path = "../tests/crowd/mod.rs"]
mod crowd;
use crowd::gallery::{Gallery, VIEW_RADIUS};

/// Ships within the view radius. A view is made of the cells that lie wholly within, and so about 50
/// rows.
const IN_VIEW: f32 = 62.0;

/// Rows of a delta that is measured.
const ROWS: std::ops::RangeInclusive<usize> = 45..=55;

/// Ships that all fly about, in an empty square.
struct Sky(Gallery);

impl Sky {
    fn new(count: usize, half_extent: f32) -> Self {
        Self(Gallery::new(crowd::empty_sky(half_extent), count, 1))
    }

    fn step(&mut self) {
        self.0.step(&mut Vec::new(), |_| false);
    }

    /// The frame of a tick in mid-flight, and before it one with everybody's snapshot.
    fn frames(&mut self) -> (Arc<TickFrame>, Arc<TickFrame>) {
        for _ in 0..30 {
            self.step();
        }
        let first = self.0.publish();
        self.step();
        (first, self.0.publish())
    }

    /// How many ships lie in the cells that a pilot sees.
    fn seen_by(&self, pilot: &ClientView) -> usize {
        let grid = Grid::of(self.0.world.cells());
        let cells = self.0.world.entities().cells().iter();
        cells
            .filter(|&&cell| pilot.view().sees(CellId(cell), grid))
            .count()
    }
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("what is composed is JSON")
}

fn rows_in(message: &Value, list: &str) -> usize {
    message["payload"][list].as_array().map_or(0, Vec::len)
}

fn is_tiny() -> bool {
    std::env::var_os("ORRERY_BENCH_TINY").is_some()
}

/// Measures `make` on one pilot after the other.
fn measure(
    criterion: &mut Criterion,
    id: BenchmarkId,
    pilots: &[ClientView],
    make: impl Fn(&ClientView, &mut Vec<u8>),
) {
    let mut group = criterion.benchmark_group("compose");
    group
        .sample_size(30)
        .measurement_time(Duration::from_secs(2));
    let mut out = Vec::with_capacity(1 << 20);
    let mut turn = pilots.iter().cycle();
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            out.clear();
            if let Some(pilot) = turn.next() {
                make(black_box(pilot), &mut out);
            }
            assert!(out.len() > 1_000);
            out.len()
        });
    });
    group.finish();
}

fn deltas(criterion: &mut Criterion) {
    let counts: &[usize] = if is_tiny() { &[500] } else { &[1_000, 10_000] };
    for &count in counts {
        let mut sky = Sky::new(count, crowd::half_extent(count, IN_VIEW, VIEW_RADIUS));
        let (first, frame) = sky.frames();
        let delta = |pilot: &ClientView, out: &mut Vec<u8>| {
            compose::delta(&frame, pilot, 101, out);
        };
        let snapshot = |pilot: &ClientView, out: &mut Vec<u8>| {
            compose::snapshot(&first, pilot, 100, out);
        };
        let (mut wanted, mut whole, mut bytes) = (Vec::new(), Vec::new(), 0);
        let views = frame.pilots_of(0).iter().zip(first.pilots_of(0));
        for (pilot, snapshotted) in views {
            let mut out = Vec::new();
            delta(pilot, &mut out);
            let rows = rows_in(&parsed(&out), "entity_updates");
            assert_eq!(rows, sky.seen_by(pilot), "everybody moves");
            if ROWS.contains(&rows) {
                wanted.push(*pilot);
                whole.push(*snapshotted);
                bytes += out.len();
            }
        }
        let mean = bytes / wanted.len();
        println!("{} deltas of {mean} bytes", wanted.len());
        assert!((3_500..4_800).contains(&mean), "{mean}");
        let mut out = Vec::new();
        snapshot(&whole[0], &mut out);
        assert!(rows_in(&parsed(&out), "entities") > 30);

        measure(criterion, BenchmarkId::new("delta", count), &wanted, delta);
        let one = &wanted[..1];
        measure(
            criterion,
            BenchmarkId::new("delta_again", count),
            one,
            delta,
        );
        let id = BenchmarkId::new("snapshot", count);
        measure(criterion, id, &whole, snapshot);
    }
}

fn crowd(criterion: &mut Criterion) {
    let count = 1_000;
    let mut sky = Sky::new(count, 600.0);
    let (_, frame) = sky.frames();
    let delta = |pilot: &ClientView, out: &mut Vec<u8>| {
        compose::delta(&frame, pilot, 101, out);
    };
    let pilots = frame.pilots_of(0);
    let mut out = Vec::new();
    delta(&pilots[0], &mut out);
    let rows = rows_in(&parsed(&out), "entity_updates");
    assert!((50..count / 2).contains(&rows), "{rows} rows of {count}");
    measure(criterion, BenchmarkId::new("crowd", count), pilots, delta);
}

/// What one would derive with serde: the id as text, floats rounded.
#[derive(Serialize)]
struct Row {
    id: String,
    x: f64,
    y: f64,
    vx: f64,
    vy: f64,
    r: f64,
    hp: i32,
}

#[derive(Serialize)]
struct Delta<'a> {
    r#type: &'static str,
    seq: u64,
    ts: u64,
    payload: Payload<'a>,
}

#[derive(Serialize)]
struct Payload<'a> {
    tick: u64,
    entity_updates: &'a [Row],
    entity_removed: &'a [String],
    last_input_seq: u64,
}

fn rivals(criterion: &mut Criterion) {
    let row = |n: u64| {
        let mut random = Random::new(5, 0, n);
        let mut draw = |span: f32| (f64::from(random.between(-span, span)) * 100.0).round() / 100.0;
        Row {
            id: format!("s_{}", 1000 + n),
            x: draw(10_000.0),
            y: draw(10_000.0),
            vx: draw(200.0),
            vy: draw(200.0),
            r: draw(3.0),
            hp: 100,
        }
    };
    let rows: Vec<Row> = (0..50).map(row).collect();
    let delta = |rows| Delta {
        r#type: "world.delta",
        seq: 101,
        ts: 1_700_000_000_000,
        payload: Payload {
            tick: 31,
            entity_updates: rows,
            entity_removed: &[],
            last_input_seq: 7,
        },
    };
    let mut group = criterion.benchmark_group("compose");
    group.measurement_time(Duration::from_secs(2));
    let mut out = Vec::with_capacity(1 << 16);
    group.bench_function(BenchmarkId::new("serde_json", 50), |bencher| {
        bencher.iter(|| {
            out.clear();
            let written = serde_json::to_writer(&mut out, &delta(black_box(&rows)));
            assert!(written.is_ok() && out.len() > 3_500);
        });
    });
    assert_eq!(rows_in(&parsed(&out), "entity_updates"), 50);

    // Texts of many entities, of which those in view lie anywhere.
    let text = |n| serde_json::to_vec(&row(n)).expect("plain data");
    let texts: Vec<Vec<u8>> = (0..10_000).map(text).collect();
    let in_view: Vec<usize> = (0..50).map(|n| n * 7919 % texts.len()).collect();
    let mut out = Vec::with_capacity(1 << 16);
    group.bench_function(BenchmarkId::new("copies", 50), |bencher| {
        bencher.iter(|| {
            out.clear();
            for &entity in black_box(&in_view) {
                out.extend_from_slice(&texts[entity]);
                out.extend_from_slice(b",");
            }
            assert!(out.len() > 3_000);
        });
    });
    group.finish();
}

criterion_group!(benches, deltas, crowd, rivals);
criterion_main!(benches);
