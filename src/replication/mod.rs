//! From the world to the wire: each tick is serialized once, and every client's message is copied
//! together from it.
//!
//! ```text
//! tick thread    World ──publish──▶ TickFrame (immutable, shared)
//! net threads    TickFrame + ClientView ──compose──▶ world.delta / world.snapshot
//! ```
//!
//! [`Publisher`] reads the world after a step and fills a recycled [`TickFrame`]; the free functions
//! of [`compose`] make one client's message of it. Interest is by cells ([`view`]): what a client
//! knows is the entities of the cells round its ship, so nothing is kept per client and entity.
//! Nothing here changes the world, reads a clock or touches a socket.

mod cell_set;
pub mod compose;
mod encode;
mod events;
mod frame;
mod interest;
mod layout;
mod publish;
mod snapshot;
pub mod view;
mod viewer;

pub use frame::{ClientView, TickFrame};
pub use publish::{PublishContext, Publisher};
pub use view::View;
pub use viewer::{Viewer, Wallet};
