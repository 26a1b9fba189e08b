//! The one place that knows every layer: the tick thread's [`core`], the shards' [`gate`]s, and the
//! wiring that makes a process of them ([`run`]).
//!
//! ```text
//! shard thread   net::Reactor ─▶ Gate ──inbox──▶ Core (tick thread) ──batches──▶ Vault (store)
//!                                  ▲               │                               │
//!                                  └───── lane ────┘◀──────── durable ─────────────┘
//! ```
//!
//! [`Core`](core::Core) and [`Gate`](gate::Gate) read no clock and own no thread or socket, so a
//! test can run a whole server on one thread in virtual time; [`run`] gives them real ones.

mod beat;
mod book;
pub mod budget;
mod chart;
pub mod core;
pub mod doors;
pub mod gate;
pub mod governor;
mod guests;
pub mod hosts;
pub mod identity;
pub mod lane;
pub mod logins;
pub mod mailbox;
pub mod metrics;
mod ops;
mod pace;
mod requests;
mod roster;
pub mod run;
pub mod store_vault;
pub mod vault;
