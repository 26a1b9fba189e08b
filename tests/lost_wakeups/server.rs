//! The queue to a gateway, from the server's own files.

#[path = "../../src/server/lane.rs"]
#[allow(dead_code, reason = "a part of the messages is sent here")]
pub(crate) mod lane;
#[path = "../../src/server/mailbox.rs"]
#[allow(dead_code, reason = "nobody asks how full a queue is here")]
mod mailbox;
