//! Decoding one client message, beside what a reader would reach for.
//!
//! `cargo bench --bench decode`. The peers that do the same job, telling any of eight requests apart,
//! are `serde_json tagged enum` and `serde_json in two steps`; the `one type` ones know beforehand
//! what will come, and `tape alone` is the part of `protocol::decode` that is simd-json's.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement of the wrong thing panics; the macros document nothing"
)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use orrery::limits::MESSAGE_BYTES_MAX;
use orrery::protocol::{Request, Scratch, decode};
use serde::Deserialize;
use serde_json::value::RawValue;

const INPUT: &str = r#"{"type":"input.command","seq":40,"ts":1700000000500,"payload":{"thrust":0.8,"turn":-0.4,"fire_primary":true,"dock_request":false}}"#;
const BUY: &str = r#"{"type":"trade.buy","seq":55,"ts":1700000001000,"payload":{"station_id":"earth-orbit-station","commodity_id":"food","quantity":10}}"#;

#[derive(Deserialize)]
struct Controls {
    thrust: f32,
    turn: f32,
    fire_primary: bool,
    dock_request: bool,
}

impl Controls {
    fn check(&self) {
        assert!(self.thrust > self.turn && self.fire_primary && !self.dock_request);
    }
}

/// When only this message were expected.
#[derive(Deserialize)]
struct OneType<'t> {
    r#type: &'t str,
    seq: u64,
    ts: u64,
    payload: Controls,
}

impl OneType<'_> {
    fn check(&self) {
        assert!(self.r#type == "input.command" && self.seq == 40 && self.ts > 0);
        self.payload.check();
    }
}

/// When anything may come, the short way.
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
}

impl Tagged<'_> {
    fn check(&self) {
        assert!(self.seq == 40 && self.ts > 0);
        match &self.body {
            Body::Input(controls) => controls.check(),
            Body::Login { token: text } | Body::JoinSystem { system_id: text } => panic!("{text}"),
        }
    }
}

/// When anything may come, the long way: the envelope first, then the payload's text.
#[derive(Deserialize)]
struct Envelope<'t> {
    r#type: &'t str,
    seq: u64,
    ts: u64,
    #[serde(borrow)]
    payload: &'t RawValue,
}

impl Envelope<'_> {
    fn check(&self) {
        assert!(self.r#type == "input.command" && self.seq == 40 && self.ts > 0);
        let controls: Controls = serde_json::from_str(self.payload.get()).unwrap();
        controls.check();
    }
}

/// Measures `read` on a fresh copy of the text each time, as simd-json overwrites it.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    text: &str,
    mut read: impl FnMut(&mut Vec<u8>),
) {
    group.bench_function(name, |b| {
        b.iter_batched_ref(
            || text.as_bytes().to_vec(),
            |text| read(black_box(text)),
            BatchSize::SmallInput,
        );
    });
}

fn input(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode/input.command");
    let mut scratch = Scratch::default();
    measure(&mut group, "protocol::decode", INPUT, |text| {
        let message = decode(text, &mut scratch).unwrap();
        assert!(matches!(message.request, Request::Input(input) if input.fire_primary));
    });
    measure(&mut group, "serde_json tagged enum", INPUT, |text| {
        let tagged: Tagged<'_> = serde_json::from_slice(text).unwrap();
        tagged.check();
    });
    measure(&mut group, "serde_json in two steps", INPUT, |text| {
        let envelope: Envelope<'_> = serde_json::from_slice(text).unwrap();
        envelope.check();
    });
    measure(&mut group, "serde_json one type", INPUT, |text| {
        let one: OneType<'_> = serde_json::from_slice(text).unwrap();
        one.check();
    });
    let mut buffers = simd_json::Buffers::default();
    measure(&mut group, "simd_json one type", INPUT, |text| {
        let one: OneType<'_> =
            simd_json::serde::from_slice_with_buffers(text, &mut buffers).unwrap();
        one.check();
    });
    let mut tape = simd_json::Tape(Vec::new());
    measure(&mut group, "simd_json tape alone", INPUT, |text| {
        let mut nodes = std::mem::replace(&mut tape, simd_json::Tape(Vec::new())).reset();
        simd_json::fill_tape(text, &mut buffers, &mut nodes).unwrap();
        assert_eq!(nodes.0.len(), 17);
        tape = nodes.reset();
    });
    group.finish();
}

fn buy(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode/trade.buy");
    let mut scratch = Scratch::default();
    measure(&mut group, "protocol::decode", BUY, |text| {
        let message = decode(text, &mut scratch).unwrap();
        assert!(matches!(message.request, Request::Buy(trade) if trade.quantity == 10));
    });
    group.finish();
}

/// The largest messages that a peer can have parsed, one kind of content each. A flood costs at most these, as often
/// as the rates allow.
fn largest(c: &mut Criterion) {
    let head = r#"{"type":"ping","seq":1,"payload":{"t0":1},"x":"#;
    let filled = |open: &str, item: &str, close: &str| {
        let room = MESSAGE_BYTES_MAX - head.len() - open.len() - close.len() - 1;
        let items = item.repeat(room / item.len());
        format!("{head}{open}{items}{close}}}")
    };
    let contents = [
        ("text", filled("\"", "a", "\"")),
        ("ones", filled("[", "1,", "1]")),
        ("lists", filled("[", "[],", "[]]")),
        ("strings", filled("[", "\"\",", "\"\"]")),
        ("keys", filled("{", "\"\":1,", "\"\":1}")),
        ("floats", filled("[", "1.7976931348623157e-100,", "1]")),
        ("broken", "\u{1}".repeat(MESSAGE_BYTES_MAX)),
    ];
    let mut group = c.benchmark_group("decode/largest");
    let mut scratch = Scratch::default();
    for (name, text) in contents {
        assert!((MESSAGE_BYTES_MAX - 40..=MESSAGE_BYTES_MAX).contains(&text.len()));
        measure(&mut group, name, &text, |text| {
            let is_read = decode(text, &mut scratch).is_ok();
            assert_eq!(is_read, name != "broken");
        });
    }
    group.finish();
}

criterion_group!(benches, input, buy, largest);
criterion_main!(benches);
