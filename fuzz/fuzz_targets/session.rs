//! Any list of operations on one client's conversation: its invariants after each.
#![no_main]

#[path = "../properties/session.rs"]
mod session;

libfuzzer_sys::fuzz_target!(|data: &[u8]| session::check(data));
