//! Any list of things done to a world: finite, in bounds, and every credit accounted for.
#![no_main]

#[path = "../properties/world.rs"]
mod world;

libfuzzer_sys::fuzz_target!(|data: &[u8]| world::check(data));
