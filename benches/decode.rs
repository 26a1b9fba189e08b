//! Decoding one client message, beside what a reader would reach for.
//!
//! `cargo bench --bench decode`

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use orrery::wire::{Request, Scratch, decode, sniff};
use serde::Deserialize;

const INPUT: &str = r#"{"type":"input.command","seq":40,"ts":1700000000500,"payload":{"thrust":0.8,"turn":-0.4,"fire_primary":true,"dock_request":false}}"#;
const BUY: &str = r#"{"type":"trade.buy","seq":55,"ts":1700000001000,"payload":{"station_id":"earth-orbit-station","commodity_id":"food","quantity":10}}"#;

/// What one would write with serde alone, when only this message were expected.
#[derive(Deserialize)]
struct Typed<'t> {
    r#type: &'t str,
    seq: u64,
    ts: u64,
    payload: Controls,
}

#[derive(Deserialize)]
struct Controls {
    thrust: f32,
    turn: f32,
    fire_primary: bool,
    dock_request: bool,
}

/// What one would write with serde alone for a client that may send anything.
#[derive(Deserialize)]
struct Tagged<'t> {
    seq: u64,
    ts: u64,
    #[serde(flatten, borrow)]
    body: Body<'t>,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "payload")]
enum Body<'t> {
    #[serde(rename = "auth.login")]
    Login { token: &'t str },
    #[serde(rename = "session.join_system")]
    JoinSystem { system_id: &'t str },
    #[serde(rename = "input.command")]
    Input(Controls),
    #[serde(rename = "trade.buy")]
    Buy {
        station_id: &'t str,
        commodity_id: &'t str,
        quantity: u32,
    },
}

impl Tagged<'_> {
    fn check(&self) {
        assert!(self.seq == 40 && self.ts > 0);
        match &self.body {
            Body::Input(controls) => assert!(controls.fire_primary && controls.thrust > 0.0),
            Body::Login { token: text } | Body::JoinSystem { system_id: text } => panic!("{text}"),
            Body::Buy {
                station_id,
                commodity_id,
                quantity,
            } => {
                panic!("{station_id} {commodity_id} {quantity}")
            }
        }
    }
}

impl Typed<'_> {
    fn check(&self) {
        assert_eq!((self.r#type, self.seq), ("input.command", 40));
        assert!(self.ts > 0 && self.payload.thrust > self.payload.turn);
        assert!(self.payload.fire_primary && !self.payload.dock_request);
    }
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode/input.command");
    let mut scratch = Scratch::default();
    let fresh = || INPUT.as_bytes().to_vec();
    group.bench_function("wire::decode", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                let message = decode(black_box(text), &mut scratch).unwrap();
                assert!(matches!(message.request, Request::Input(input) if input.thrust == 0.8));
            },
            BatchSize::SmallInput,
        );
    });
    let mut buffers = simd_json::Buffers::default();
    group.bench_function("simd_json typed, reused buffers", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                let typed: Typed<'_> =
                    simd_json::serde::from_slice_with_buffers(black_box(text), &mut buffers)
                        .unwrap();
                typed.check();
            },
            BatchSize::SmallInput,
        );
    });
    let mut tape = simd_json::Tape(Vec::new());
    group.bench_function("simd_json tape alone, reused", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                let mut nodes = std::mem::replace(&mut tape, simd_json::Tape(Vec::new())).reset();
                simd_json::fill_tape(black_box(text), &mut buffers, &mut nodes).unwrap();
                assert_eq!(nodes.0.len(), 17);
                tape = nodes.reset();
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("serde_json tagged enum", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                let tagged: Tagged<'_> = serde_json::from_slice(black_box(text)).unwrap();
                tagged.check();
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("serde_json typed", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                serde_json::from_slice::<Typed<'_>>(black_box(text))
                    .unwrap()
                    .check()
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("serde_json value", |b| {
        b.iter_batched_ref(
            fresh,
            |text| {
                let value: serde_json::Value = serde_json::from_slice(black_box(text)).unwrap();
                assert_eq!(value["payload"]["thrust"], 0.8);
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("wire::sniff", |b| {
        b.iter(|| assert!(sniff(black_box(INPUT.as_bytes())).seq.is_some()));
    });
    group.finish();

    c.bench_function("decode/trade.buy/wire::decode", |b| {
        b.iter_batched_ref(
            || BUY.as_bytes().to_vec(),
            |text| {
                let message = decode(black_box(text), &mut scratch).unwrap();
                assert!(matches!(message.request, Request::Buy(trade) if trade.quantity == 10));
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, decoding);
criterion_main!(benches);
