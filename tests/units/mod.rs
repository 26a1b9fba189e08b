//! Tests of the crate's own rooms that need no socket and no program: compiled into the library's test
//! binary, so that what only tests look at may stay private to the crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

#[path = "../crowd/mod.rs"]
mod crowd;
mod fuzz_corpora;
mod house;
mod page_types;
mod protocol_corpus;
mod protocol_decode;
mod protocol_page;
mod protocol_row;
mod protocol_table;
mod replication_budget;
mod replication_late;
mod replication_view;
mod session_attacks;
mod session_flow;
mod session_keyring;
mod session_keys;
mod session_model;
mod session_rates;
mod session_talk;
mod session_token;
mod sim_determinism;
mod sim_flight;
mod sim_invariants;
mod universe_load;
mod universe_npcs;
