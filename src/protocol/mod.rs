//! The protocol as types: what clients may ask, what the server answers, and the text of both.
//!
//! Nothing but this module knows JSON. Text from a peer becomes a [`Message`] once, in [`decode`],
//! and is within its bounds from then on. Control-lane answers ([`Reply`]) are encoded whole by
//! [`encode`]; the state stream is composed elsewhere from the fragments of [`row`], whose types in
//! [`world`] describe it for the schema and for clients. This module reads no clock and keeps no
//! state but the reusable [`Scratch`].

mod chart;
pub mod client;
mod code;
mod decode;
mod fixed;
mod reply;
mod request;
pub mod row;
mod schema;
mod sniff;
mod value;
pub mod world;

pub use chart::{ChartJump, ChartStation, ChartWeapon, Named, SystemChart};
pub use code::{CloseCode, ErrorCode};
pub use decode::{DecodeError, Scratch, decode};
pub use fixed::{Angle, Fixed2};
pub use reply::{
    AuthError, AuthOk, Cargo, CombatEvent, CombatKind, ErrorReply, Flight, Joined, Notice,
    NoticeKind, Pong, RepairDetails, RepairResult, Reply, Spawn, TradeDetails, TradeResult, encode,
};
pub use request::{
    Input, JoinSystem, Login, Message, Ping, Refresh, Repair, Request, RequestKind, Trade,
    encode_request,
};
pub use schema::schema;
pub use sniff::{Sniff, sniff};
pub use value::{AskedVersion, RequestId, RequestIdError, Seq};

/// The protocol's reference for authors of clients, as it is served and published.
pub const PROTOCOL: &str = include_str!("PROTOCOL.md");

#[doc = include_str!("PROTOCOL.md")]
pub mod reference {}
