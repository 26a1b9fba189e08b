//! The network layer and the program over real sockets on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod faults;
mod gateway_queue;
mod net_corpus;
mod net_descriptors;
mod net_economy;
mod net_floods;
mod net_limiter;
mod net_operations;
mod net_rig;
mod net_shard;
mod net_sockets;
mod net_tls;
mod protocol;
#[path = "../support/mod.rs"]
mod support;
