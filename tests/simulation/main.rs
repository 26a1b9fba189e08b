//! The whole server on a virtual clock: the real node and gateways between a faulty network and a
//! faulty store, and clients that believe only what they are told.
//!
//! `ORRERY_SEED=n cargo test --test simulation one_seed -- --ignored` replays one seed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod cluster;
mod counting;
#[path = "../crowd/mod.rs"]
mod crowd;
mod jumps;
mod model;
mod orders;
mod overload;
mod publish_allocations;
mod scenarios;
mod seeds;
mod step_allocations;
mod store;
#[path = "../programs/store_harness/mod.rs"]
mod store_harness;
