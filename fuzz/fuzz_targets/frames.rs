//! Any bytes behind an upgrade, whole and in pieces: the same well-formed answer, nothing left.
#![no_main]

#[path = "../properties/frames.rs"]
mod frames;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frames::check(data));
