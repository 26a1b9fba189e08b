//! The program under attack: a mob of mean clients beside honest pilots, briefly and at full
//! strength, or for minutes with everything else that goes wrong on a network.
//!
//! Both want a release of the server (`ORRERY_TEST_PROGRAM`); `.ci/run` runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../store_harness/postgres_server.rs"]
#[allow(unreachable_pub, reason = "the store's tests share it")]
mod postgres_server;
#[path = "../support/mod.rs"]
mod support;

use support::PATIENCE;

#[path = "../faults/relay.rs"]
#[allow(dead_code, reason = "the soak splits nothing")]
mod relay;

mod distance;
mod footprint;
mod ground;
mod mob;
mod soak;
mod storm;
