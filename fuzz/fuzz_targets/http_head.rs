//! Any bytes as an HTTP request, whole and in pieces: bounded, and the same request.
#![no_main]

#[path = "../properties/http_head.rs"]
mod http_head;

libfuzzer_sys::fuzz_target!(|data: &[u8]| http_head::check(data));
