//! The composition root: the one place that knows every layer, and wires them into a process.
//!
//! ```text
//! net thread    net::Reactor ─▶ Gateway ──inbox──▶ Node (tick thread) ──batches──▶ StoreClient ─▶ disk
//!                                 ▲                │                                 │
//!                                 └──── queue ─────┘◀─────────── durable ────────────┘
//! ```
//!
//! [`Node`](crate::node::Node) and [`Gateway`](crate::gateway::Gateway) read no clock and own no thread
//! or socket, so a test can run a whole server on one thread in virtual time; [`run`] gives them real
//! ones.

pub mod budget;
pub mod hosts;
pub mod identity;
mod net_metrics;
mod ops;
pub mod run;
pub mod store_client;
mod tick_schedule;
mod tick_thread;
