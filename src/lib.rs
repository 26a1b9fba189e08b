//! **orrery** is a simulation server for a browser game of flying, trading and fighting in crowded star
//! systems.
//!
//! ```text
//! clients ══ gateway threads ──commands──▶ node (tick thread, rayon inside) ──batches──▶ store ──▶ disk
//!               ▲     ▲                       │                                            │
//!               │     └──── Arc<TickFrame> ───┘                                            │
//!               └──────────── "durable up to batch k": release held replies ◀──────────────┘
//! ```
//!
//! Clients' messages become commands in a bounded queue. Thirty times a second the [`node`] takes them, steps
//! every system, puts what must be kept into a batch for the [`store`], and publishes one immutable frame a
//! system. A [`gateway`] copies each client's message together from it. Replies about money wait until
//! their batch is on disk.
//!
//! **Where to start reading**: [`docs::architecture`], then `Node::tick` in [`node`] and `World::step` in
//! [`sim`], which read as tables of contents. Words are in [`docs::glossary`].
//!
//! **One test**: `cargo test --test simulation jumps`; see [`docs::testing`]. How to add a message, a column
//! or a phase: [`docs::contributing`].
//!
//! Nothing changes a world but the tick. `universe`, `sim`, `protocol`, `replication` and `session` read no
//! clock and no random source. Every queue is bounded, and full is an answer.

#![forbid(unsafe_code)]
// A panic that a peer, a file or a database could reach is a bug; tests may.
#![warn(clippy::unwrap_used, clippy::expect_used)]

mod bounded_list;
pub mod bucket;
pub mod bus;
pub mod cli;
pub mod docs;
pub mod files;
pub mod gateway;
pub mod ids;
pub mod limits;
pub mod metrics;
pub mod net;
pub mod node;
pub mod ops;
pub mod page;
pub mod protocol;
pub mod recorder;
pub mod replication;
pub mod server;
pub mod session;
pub mod sim;
pub mod store;
pub mod swarm;
mod sync;
pub mod universe;

#[cfg(test)]
extern crate self as orrery;
#[cfg(test)]
#[path = "../tests/units/mod.rs"]
mod units;
