//! The program with other real programs and files: databases, browsers, the load generator, attackers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod advisories;
mod attack;
mod backends;
#[path = "../simulation/cluster/mod.rs"]
mod cluster;
mod page_flight;
mod recording;
#[path = "../sockets/faults/relay.rs"]
#[allow(dead_code, reason = "the soak splits nothing")]
mod relay;
mod store_audit;
mod store_connection;
mod store_crash;
mod store_files;
mod store_forgetting;
mod store_harness;
mod store_leases;
mod store_model;
mod store_quarantine;
mod store_reader;
mod store_servers;
mod store_suite;
mod store_two_servers;
#[path = "../support/mod.rs"]
mod support;
mod swarm_flight;
mod universe_files;
