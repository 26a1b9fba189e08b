//! Broad phase: refresh the index after a tick of flight, then find every touching pair.
//!
//! `space/<candidate>/<density>/<n>`: moving circles of radius 12 u at up to 300 u/s. `packed` is
//! what the simulation runs. Every candidate's pairs are checked against brute force before it is
//! measured, and against those of a fresh index after it followed the circles for a while.

mod circles;
mod rivals;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orrery::sim::{Parallelism, Space};

use circles::{Candidate, Circles, Density, RADIUS};
use rivals::{Brute, Fat, FixedCells, Rebuild};

/// The simulation's own.
struct Packed(Space);

impl Candidate for Packed {
    fn refresh(&mut self, circles: &Circles) {
        self.0.clear();
        for (row, (&x, &y)) in circles.xs.iter().zip(&circles.ys).enumerate() {
            self.0.push(row as u32, x, y, RADIUS);
        }
        self.0.pack(false, Parallelism::default().space);
    }

    fn pairs(&mut self, _: &Circles, out: &mut Vec<(u32, u32)>) {
        self.0.find_pairs(Parallelism::default().space);
        out.extend_from_slice(self.0.pairs());
    }
}

fn candidates(half: f32) -> Vec<(&'static str, Box<dyn Candidate>)> {
    vec![
        ("packed", Box::new(Packed(Space::new(half)))),
        ("rebuild", Box::new(Rebuild::default())),
        ("fat", Box::new(Fat::new(100.0))),
        ("fixed_cells", Box::new(FixedCells::new(250.0))),
        ("brute", Box::new(Brute)),
    ]
}

fn pairs_of(candidate: &mut dyn Candidate, circles: &Circles) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    candidate.refresh(circles);
    candidate.pairs(circles, &mut pairs);
    pairs.sort_unstable();
    pairs
}

fn space(criterion: &mut Criterion) {
    for (name, density) in [("open", Density::Open), ("crowd", Density::Crowd)] {
        let mut group = criterion.benchmark_group("space");
        group
            .sample_size(20)
            .measurement_time(Duration::from_secs(2));
        let counts: &[usize] = if std::env::var_os("ORRERY_BENCH_TINY").is_some() {
            &[1_000]
        } else {
            &[1_000, 10_000, 100_000]
        };
        for &count in counts {
            let start = Circles::new(count, density);
            let expected = pairs_of(&mut Brute, &start);
            assert!(!expected.is_empty());
            for (candidate_name, mut candidate) in candidates(start.half) {
                if candidate_name == "brute" && count > 1_000 {
                    continue;
                }
                assert!(
                    pairs_of(candidate.as_mut(), &start) == expected,
                    "{candidate_name}"
                );
                let id = BenchmarkId::new(format!("{candidate_name}/{name}"), count);
                let mut circles = Circles::new(count, density);
                let mut out = Vec::new();
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        circles.advance();
                        candidate.refresh(&circles);
                        out.clear();
                        candidate.pairs(&circles, &mut out);
                        black_box(out.len())
                    });
                });
                assert!(
                    pairs_of(candidate.as_mut(), &circles)
                        == pairs_of(&mut Packed(Space::new(start.half)), &circles),
                    "{candidate_name}"
                );
            }
        }
        group.finish();
    }
}

criterion_group!(benches, space);
criterion_main!(benches);
