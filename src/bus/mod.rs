//! What a node and its gateways say to each other, and the bounded queues it travels on.
//!
//! ```text
//! gateway 0 ──ToNode──▶ inbox ──▶ node       node ──ToGateway──▶ queue 0 ──▶ gateway 0   (+ notify)
//! gateway 1 ──ToNode──▶ inbox                     ──ToGateway──▶ queue 1 ──▶ gateway 1
//! ```
//!
//! The node owns system instances and ticks; a gateway owns clients. Neither calls the other: a
//! message is put into a bounded queue, and whoever reads takes all of them at its own pace. A queue
//! keeps order, so a `session.joined` reaches a gateway before the first frame that shows the pilot.
//! A full queue is an answer; what the writer then does is said at [`ToNode`] and [`ToGateway`].

mod bounded_queue;
mod messages;

pub use bounded_queue::BoundedQueue;
pub use messages::{AddressedReply, GatewayQueue, Notify, ToGateway, ToNode};
