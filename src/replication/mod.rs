//! From the world to the wire: each tick is serialized once, and every client's message is copied
//! together from it.
//!
//! ```text
//! tick thread    World ──publish──▶ TickFrame (immutable, shared)
//! net threads    TickFrame + PilotView ──compose──▶ world.delta / world.snapshot
//! ```
//!
//! [`Publisher`] reads the world after a step and fills a recycled [`TickFrame`]; the free functions
//! of [`compose`] make one client's message of it. Interest is by cells ([`stencil`]): what a client
//! knows is the set of cells around the one it was in, so nothing is kept per client and entity.
//! Nothing here changes the world, reads a clock or touches a socket.

pub mod compose;
mod encode;
mod frame;
mod interest;
mod layout;
mod publish;
mod snapshot;
pub mod stencil;
mod viewer;

pub use compose::Stencils;
pub use frame::{PilotView, TickFrame, View};
pub use publish::{Publisher, Stage};
pub use viewer::{Purse, Viewer};
