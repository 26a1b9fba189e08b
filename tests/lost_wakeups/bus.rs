//! The queue to a gateway, from the bus's own files.

#[path = "../../src/bus/bounded_queue.rs"]
#[allow(dead_code, reason = "nobody asks how full a queue is here")]
mod bounded_queue;
#[path = "../../src/bus/messages.rs"]
#[allow(dead_code, reason = "a part of the messages is sent here")]
pub(crate) mod messages;
