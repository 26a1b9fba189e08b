//! Any bytes as a flight recording, and as the calls of one: an answer, whatever they are.
#![no_main]

#[path = "../properties/recording.rs"]
mod recording;

libfuzzer_sys::fuzz_target!(|data: &[u8]| recording::check(data));
