//! Any bytes as a universe file: a universe that can be lived in, or a report with places in it.
#![no_main]

#[path = "../properties/universe.rs"]
mod universe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| universe::check(data));
