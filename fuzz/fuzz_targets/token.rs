//! Any bytes as a token or a key: nobody gets in without a good signature.
#![no_main]

#[path = "../properties/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|data: &[u8]| token::check(data));
