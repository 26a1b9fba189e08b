//! **orrery**: a data-oriented simulation server for a browser game of flying, trading and
//! fighting in crowded star systems.
//!
//! ```text
//! clients ══ net shard 0..n ──commands──▶ sim (owns every system, rayon inside) ──batches──▶ store
//!               ▲    ▲                     │                                                  │
//!               │    └── Arc<TickFrame> ───┘                                                  │
//!               └───────────── "durable up to batch k": release held replies ◀────────────────┘
//! ```
//!
//! Nothing changes the world but the tick. Nothing below [`server`] reads a clock or a random
//! source. Every queue is bounded, and full is an answer.

#![forbid(unsafe_code)]
// A panic that a peer, a file or a database could reach is a bug; tests may.
#![warn(clippy::unwrap_used, clippy::expect_used)]

mod bounded_list;
pub mod bucket;
pub mod cli;
pub mod files;
pub mod ids;
pub mod limits;
pub mod net;
pub mod ops;
pub mod page;
pub mod recorder;
pub mod replication;
pub mod server;
pub mod session;
pub mod sim;
pub mod store;
pub mod swarm;
pub mod universe;
pub mod wire;
