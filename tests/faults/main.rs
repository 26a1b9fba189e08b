//! What a bad network, a mean peer and a bad day of the machine do to the program itself: the relay
//! between it and its clients, and the process under signals and without descriptors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod network;
mod process;
mod relay;
