//! A whole server on one thread and a virtual clock: the real node and gateways, a faulty network, a
//! faulty store, and clients that believe only what they are told.
//!
//! ```text
//! Seat ──texts──▶ Gateway ──▶ Node ──▶ FaultyStore ─▶ Disk ─▶ Shelf (outlives the server)
//!  Model ◀─heard── Net ◀──┘  └─world()─▶ Truth ◀── compared every tick
//! ```
//!
//! One seed decides everything, so a failure replays exactly. [`Cluster`] runs the ticks and checks
//! the invariants; [`play`] is what the players do.

#![allow(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "a story reads as calls on its cast, and a cast's acts are one match each"
)]
#![allow(dead_code, reason = "each test file uses a part")]
pub(crate) mod assembly;
pub(crate) mod check;
pub(crate) mod dice;
pub(crate) mod model;
pub(crate) mod net;
pub(crate) mod play;
pub(crate) mod seat;
pub(crate) mod server;
pub(crate) mod shelf;
pub(crate) mod sky;
pub(crate) mod store;
pub(crate) mod truth;

pub(crate) use server::{Cluster, Setup};
