//! The client's side of the protocol: reading what the server sends.
//!
//! The load generator, the tests and anyone who writes a client in Rust decode with this; the
//! server never does. Requests are written by [`encode_request`](super::encode_request).

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::reply::{self, EnvelopeHead, Reply};
use super::world::{Delta, Snapshot};
use crate::ids::UnixMillis;

/// One message from the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The connection's count of messages.
    pub seq: u64,
    /// The request this answers.
    pub reply_to: Option<u64>,
    /// The server's clock, Unix milliseconds.
    pub ts: u64,
    /// What it says.
    pub body: ReceivedBody,
}

/// What a message from the server says.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceivedBody {
    /// A message of the control lane.
    Reply(Reply),
    /// A `world.snapshot` message.
    Snapshot(Box<Snapshot>),
    /// A `world.delta` message.
    Delta(Box<Delta>),
}

/// The envelope with its payload unread.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sealed<'t> {
    /// What the payload is.
    pub r#type: &'t str,
    /// The connection's count of messages.
    pub seq: u64,
    /// The request this answers.
    #[serde(default)]
    pub reply_to: Option<u64>,
    /// The server's clock, Unix milliseconds.
    pub ts: u64,
    /// The payload's text.
    #[serde(borrow)]
    pub payload: &'t RawValue,
}

impl<'t> Sealed<'t> {
    /// Reads the envelope and leaves the payload as text.
    pub fn decode(text: &'t str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// Reads the payload.
    pub fn open(&self) -> serde_json::Result<Received> {
        let text = self.payload.get();
        let body = if self.r#type == Delta::MESSAGE.name {
            ReceivedBody::Delta(serde_json::from_str(text)?)
        } else if self.r#type == Snapshot::MESSAGE.name {
            ReceivedBody::Snapshot(serde_json::from_str(text)?)
        } else if let Some(reply) = Reply::read(self.r#type, text) {
            ReceivedBody::Reply(reply?)
        } else {
            return Err(serde_json::Error::custom("unknown type of message"));
        };
        Ok(Received {
            seq: self.seq,
            reply_to: self.reply_to,
            ts: self.ts,
            body,
        })
    }
}

impl Received {
    /// Reads a whole message.
    pub fn decode(text: &str) -> serde_json::Result<Self> {
        Sealed::decode(text)?.open()
    }

    /// Appends the message as the server would write it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let ts = UnixMillis(self.ts);
        let head = |r#type| EnvelopeHead {
            r#type,
            seq: self.seq,
            reply_to: self.reply_to,
            ts,
        };
        match &self.body {
            ReceivedBody::Reply(reply) => reply::encode(reply, self.seq, self.reply_to, ts, out),
            ReceivedBody::Snapshot(snapshot) => {
                reply::write(head(Snapshot::MESSAGE.name), snapshot, out);
            }
            ReceivedBody::Delta(delta) => reply::write(head(Delta::MESSAGE.name), delta, out),
        }
    }
}
