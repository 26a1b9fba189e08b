//! The protocol: what clients may ask, what the server answers, and the text of both.
//!
//! Nothing else in the server reads or writes the JSON of a message. Text from a peer becomes a
//! [`Message`] once, in [`decode`], and is within its bounds from then on. Control-lane answers
//! ([`Reply`]) are encoded whole by [`encode`]; the state stream is composed by
//! [`world::write_delta`] and [`world::write_snapshot`] of text that is ready ([`row`]). This module
//! reads no clock and keeps no state but the reusable [`Scratch`].
//!
//! # The table
//!
//! Each message, object, field and word of the protocol stands in the source once, in an entry beside
//! its neighbours, and everything else comes from that entry:
//!
//! ```text
//!                    ┌▶ the Rust type, with its serde and schema attributes
//! object! {          ├▶ its name in `Request`, `Reply`, `RequestKind`, and the choice by name
//!     /// Fuel.      ├▶ the JSON writer: the row, the stream's key, brackets and commas
//!     fuel: Fixed2   ├▶ the schema that `orrery schema` prints
//!       = always,    ├▶ PROTOCOL.md's tables        written by a test, see below
//!       "units";     └▶ src/page/types.js           checked by a test
//! }
//! ```
//!
//! | file | entries |
//! | --- | --- |
//! | `request.rs` | the requests, their payloads |
//! | `reply.rs`, `chart.rs` | the control lane's messages, their payloads |
//! | `world.rs`, `entity.rs`, `you.rs` | the state stream's two messages and what is in them |
//! | `code.rs` | error codes |
//!
//! **To add a field**, add its entry: meaning, name, type, presence, unit (the macros of `table.rs` say
//! how). The compiler then names each place that has to say what the field's value is: the reading of a
//! request (`decode.rs`), the literal of an answer, the row's values in `replication`. Then
//! `ORRERY_BLESS=1 cargo test --lib protocol_table` writes the tables of `PROTOCOL.md`, and
//! `cargo test --lib page_types` names the line that `types.js` lacks.
//!
//! **To add a message**, add its payload with `object!` and its line to `requests!` or `replies!`, and
//! give it a section with an example in `PROTOCOL.md`. A request also needs a `ReadPayload` in
//! `decode.rs`, a class of rates in `session` and a meaning there. An object inside a message also stands
//! in [`objects`] and has a section of its own.
//!
//! **To add an event, a reason or a notice**, add its line to `events!` or `words!`, and name it on the
//! page.
//!
//! Within a version of the protocol entries are added, and none changes its meaning or goes.

mod chart;
pub mod client;
mod code;
mod decode;
mod entity;
mod fixed;
mod reply;
mod request;
pub mod row;
mod schema;
mod stream;
mod table;
mod value;
pub mod world;
mod you;

pub use chart::{ChartJump, ChartStation, ChartWeapon, Named, SystemChart};
pub use code::{CloseCode, ErrorCode};
pub use decode::{DecodeError, Scratch, decode};
pub use fixed::{Angle, Fixed2};
pub use reply::{
    AuthError, AuthOk, CombatEvent, CombatKind, ErrorReply, Flight, Joined, Notice, NoticeKind,
    Pong, RepairDetails, RepairResult, Reply, Spawn, TradeDetails, TradeResult, encode,
};
pub use request::{
    Input, JoinSystem, Login, Message, Ping, Refresh, Repair, Request, RequestKind, Trade,
    encode_request,
};
pub use schema::schema;
pub use table::{Described, FieldSpec, MessageSpec, Presence, Sender};
pub use value::{AskedVersion, RequestId, RequestIdError, Seq};
pub use world::Cargo;

/// The protocol's reference for authors of clients, as it is served and published.
pub const PROTOCOL: &str = include_str!("PROTOCOL.md");

#[doc = include_str!("PROTOCOL.md")]
pub mod reference {}

/// The table of messages, in the order of the protocol's page.
pub fn messages() -> Vec<MessageSpec> {
    let stream = [world::Snapshot::MESSAGE, world::Delta::MESSAGE];
    let mut messages = Request::MESSAGES.to_vec();
    messages.extend_from_slice(Reply::MESSAGES);
    messages.extend(stream);
    messages
}

/// The table of objects inside messages: each one's name in the schema, and its fields.
pub fn objects() -> Vec<(&'static str, &'static [FieldSpec])> {
    use world::{Entity, EntityUpdate, Market, Point, Price, You, YouChanges, Zone, ZoneContext};
    vec![
        ("Spawn", Spawn::FIELDS),
        ("Flight", Flight::FIELDS),
        ("SystemChart", SystemChart::FIELDS),
        ("ChartStation", ChartStation::FIELDS),
        ("Named", Named::FIELDS),
        ("ChartWeapon", ChartWeapon::FIELDS),
        ("ChartJump", ChartJump::FIELDS),
        ("You", You::FIELDS),
        ("Cargo", Cargo::FIELDS),
        ("Entity", Entity::FIELDS),
        ("Market", Market::FIELDS),
        ("Price", Price::FIELDS),
        ("Zone", Zone::FIELDS),
        ("Point", Point::FIELDS),
        ("EntityUpdate", EntityUpdate::FIELDS),
        ("YouChanges", YouChanges::FIELDS),
        ("ZoneContext", ZoneContext::FIELDS),
        ("TradeDetails", TradeDetails::FIELDS),
        ("RepairDetails", RepairDetails::FIELDS),
    ]
}
