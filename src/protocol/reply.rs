//! The control lane: every answer and event that is sent whole and never dropped.
//!
//! A [`Reply`] is made without knowing its connection; [`encode`] adds the envelope, whose `seq`
//! only the connection's owner can count. Serde's derived form of a `Reply`
//! (`{"type": …, "payload": …}`) is what is kept of an outcome that may have to be told again.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chart::SystemChart;
use super::code::ErrorCode;
use super::fixed::{Angle, Fixed2};
use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::{BUSY_RETRY_MS, LOGIN_RETRY_MS, PROTOCOL_VERSION};

/// One message of the control lane, without its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
pub enum Reply {
    /// A `auth.ok` message.
    #[serde(rename = "auth.ok")]
    AuthOk(AuthOk),
    /// A `auth.error` message.
    #[serde(rename = "auth.error")]
    AuthError(AuthError),
    /// A `session.joined` message.
    #[serde(rename = "session.joined")]
    Joined(Box<Joined>),
    /// A `trade.result` message.
    #[serde(rename = "trade.result")]
    TradeResult(TradeResult),
    /// A `ship.repair_result` message.
    #[serde(rename = "ship.repair_result")]
    RepairResult(RepairResult),
    /// A `combat.event` message.
    #[serde(rename = "combat.event")]
    CombatEvent(CombatEvent),
    /// A `pong` message.
    #[serde(rename = "pong")]
    Pong(Pong),
    /// A `server.notice` message.
    #[serde(rename = "server.notice")]
    Notice(Notice),
    /// A `error` message.
    #[serde(rename = "error")]
    Error(ErrorReply),
}

/// Payload of `auth.ok`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthOk {
    /// Who is logged in: the token's subject.
    pub player_id: PlayerId,
    /// Where the pilot's ship is; null for a new pilot.
    #[serde(default)]
    pub system_id: Option<Name>,
}

/// Payload of `auth.error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthError {
    /// Error code that says why.
    pub code: ErrorCode,
    /// The same for people; wording may change.
    pub message: Cow<'static, str>,
    /// The versions this server speaks, with `UNSUPPORTED_PROTOCOL_VERSION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported_protocol_versions: Vec<u64>,
    /// The login was refused for the server's sake and the token stays good: how long to wait before
    /// the next one, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Payload of `session.joined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    /// The system joined.
    pub system_id: Name,
    /// The entity that is the pilot's ship.
    pub ship_id: String,
    /// Where the ship is.
    pub spawn: Spawn,
    /// Simulation ticks a second.
    #[serde(default)]
    pub tick_rate: u32,
    /// The system's current tick.
    #[serde(default)]
    pub tick: u64,
    /// The protocol version spoken on this connection.
    #[serde(default)]
    pub protocol_version: u64,
    /// How far the pilot sees, in u.
    #[serde(default)]
    pub view_radius: Fixed2,
    /// What is needed to predict the own ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flight: Option<Flight>,
    /// What stands still in the system, and what things are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Arc<SystemChart>>,
}

/// A place and a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spawn {
    /// Position in u, to the right.
    pub x: Fixed2,
    /// Position in u, up.
    pub y: Fixed2,
    /// Heading in radians.
    pub rotation: Angle,
}

/// The constants of the own ship's flight; see "Flight" in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flight {
    /// Acceleration at full thrust, u/s².
    pub thrust_accel: f64,
    /// Turn rate at full deflection, rad/s.
    pub turn_rate: f64,
    /// How fast velocity decays without thrust, 1/s; terminal speed is `thrust_accel / drag`.
    pub drag: f64,
    /// The ship's radius, u.
    pub radius: f64,
    /// Fuel burned a second at full thrust.
    pub fuel_burn: f64,
    /// Share of the thrust that is left on an empty tank.
    pub empty_tank_thrust: f64,
}

/// An amount of a commodity in the hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cargo {
    /// Commodity in the hold.
    pub commodity_id: Name,
    /// Quantity in units.
    pub qty: u32,
}

/// Payload of `trade.result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TradeResult {
    /// Always true: a refused trade is answered by `error`.
    pub ok: bool,
    /// The pilot's credits after the trade.
    pub credits: i64,
    /// The hold after the trade; the traded commodity is listed even when none is left.
    pub cargo: Vec<Cargo>,
    /// What was traded.
    pub details: TradeDetails,
}

/// What a trade was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TradeDetails {
    /// Station that served the order.
    pub station_id: Name,
    /// Commodity that was traded.
    pub commodity_id: Name,
    /// Quantity in units.
    pub quantity: u32,
    /// Credits a unit.
    pub unit_price: i64,
    /// `unit_price` times `quantity`.
    pub total: i64,
}

/// Payload of `ship.repair_result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairResult {
    /// Always true: a refused repair is answered by `error`.
    pub ok: bool,
    /// The pilot's credits after the repair.
    pub credits: i64,
    /// Hull points after the repair.
    pub hull: i32,
    /// What was done.
    pub details: RepairDetails,
}

/// What a repair was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairDetails {
    /// Station that served the order.
    pub station_id: Name,
    /// Hull points restored.
    pub hull_restored: i32,
    /// Credits a hull point.
    pub unit_price: i64,
    /// `unit_price` times `hull_restored`.
    pub total: i64,
}

/// Payload of `combat.event`: sent to both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CombatEvent {
    /// What happened to the ship.
    pub kind: CombatKind,
    /// Whose shot it was.
    pub source_id: String,
    /// Who was hit.
    pub target_id: String,
    /// Hull points taken.
    pub damage: i32,
    /// Hull points the target has left.
    pub target_hp: i32,
}

/// What happened in a `combat.event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CombatKind {
    /// A shot struck.
    Hit,
    /// The shot that took the last hull point.
    Destroyed,
}

/// Payload of `pong`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    /// What the ping carried.
    pub t0: serde_json::Number,
    /// The server's clock, Unix milliseconds.
    pub t1: u64,
    /// The system's current tick; 0 before a system was joined.
    pub tick: u64,
}

/// Payload of `server.notice`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What is announced.
    pub kind: NoticeKind,
    /// The same for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'static, str>>,
    /// When it takes effect, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// With `jump`: where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_id: Option<Name>,
}

/// What a `server.notice` announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The server is going down and will close the connection with 1001.
    Drain,
    /// The pilot's ship is on its way to another system; `session.joined` follows at the deadline.
    Jump,
}

/// Payload of `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorReply {
    /// Error code that says why.
    pub code: ErrorCode,
    /// The same for people; wording may change.
    pub message: Cow<'static, str>,
    /// With `RATE_LIMITED`: how long to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Reply {
    /// An `error` with the code's own sentence.
    pub fn error(code: ErrorCode) -> Self {
        Self::error_with(code, code.message())
    }

    /// An `error` with a sentence of one's own. A `RATE_LIMITED` that no bucket measured comes from a
    /// full queue and says [`BUSY_RETRY_MS`].
    pub fn error_with(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(ErrorReply {
            code,
            message: message.into(),
            retry_after_ms: (code == ErrorCode::RateLimited).then_some(BUSY_RETRY_MS),
        })
    }

    /// An `auth.error` with the code's own sentence, or with the versions spoken. One for the server's
    /// sake says when to come back.
    pub fn auth_error(code: ErrorCode) -> Self {
        let unsupported = code == ErrorCode::UnsupportedProtocolVersion;
        Self::AuthError(AuthError {
            code,
            message: if unsupported {
                format!("Supported protocol versions: {PROTOCOL_VERSION}").into()
            } else {
                code.message().into()
            },
            supported_protocol_versions: if unsupported {
                vec![PROTOCOL_VERSION]
            } else {
                Vec::new()
            },
            retry_after_ms: (!code.is_fault_of_login()).then_some(LOGIN_RETRY_MS),
        })
    }

    /// An `auth.error` for the server's sake: there is room for a login again in `wait_ms`.
    pub fn login_refusal(code: ErrorCode, wait_ms: u64) -> Self {
        Self::AuthError(AuthError {
            code,
            message: code.message().into(),
            supported_protocol_versions: Vec::new(),
            retry_after_ms: Some(wait_ms),
        })
    }

    /// The envelope's `type`.
    pub const fn wire_name(&self) -> &'static str {
        match self {
            Self::AuthOk(_) => "auth.ok",
            Self::AuthError(_) => "auth.error",
            Self::Joined(_) => "session.joined",
            Self::TradeResult(_) => "trade.result",
            Self::RepairResult(_) => "ship.repair_result",
            Self::CombatEvent(_) => "combat.event",
            Self::Pong(_) => "pong",
            Self::Notice(_) => "server.notice",
            Self::Error(_) => "error",
        }
    }
}

/// The envelope as the server writes it.
#[derive(Serialize)]
pub(super) struct Envelope<'a, P> {
    pub(super) r#type: &'static str,
    pub(super) seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<u64>,
    pub(super) ts: u64,
    pub(super) payload: &'a P,
}

/// Appends one message to `out`: `seq` is the connection's next number, `reply_to` the request's.
pub fn encode(reply: &Reply, seq: u64, reply_to: Option<u64>, ts: UnixMillis, out: &mut Vec<u8>) {
    let head = Head {
        r#type: reply.wire_name(),
        seq,
        reply_to,
        ts,
    };
    match reply {
        Reply::AuthOk(payload) => write(head, payload, out),
        Reply::AuthError(payload) => write(head, payload, out),
        Reply::Joined(payload) => write(head, payload, out),
        Reply::TradeResult(payload) => write(head, payload, out),
        Reply::RepairResult(payload) => write(head, payload, out),
        Reply::CombatEvent(payload) => write(head, payload, out),
        Reply::Pong(payload) => write(head, payload, out),
        Reply::Notice(payload) => write(head, payload, out),
        Reply::Error(payload) => write(head, payload, out),
    }
}

#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) r#type: &'static str,
    pub(super) seq: u64,
    pub(super) reply_to: Option<u64>,
    pub(super) ts: UnixMillis,
}

pub(super) fn write<P: Serialize>(head: Head, payload: &P, out: &mut Vec<u8>) {
    let envelope = Envelope {
        r#type: head.r#type,
        seq: head.seq,
        reply_to: head.reply_to,
        ts: head.ts.0,
        payload,
    };
    // Writing plain structs into memory has no way to fail.
    let written = simd_json::to_writer(out, &envelope);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::CloseCode;

    #[test]
    fn an_answer_names_its_request_and_an_event_does_not() {
        let mut out = Vec::new();
        let reply = Reply::error(ErrorCode::NotDocked);
        encode(&reply, 58, Some(55), UnixMillis(9), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"error","seq":58,"reply_to":55,"ts":9,"payload":{"code":"NOT_DOCKED","message":"This requires docking"}}"#
        );
        let mut out = Vec::new();
        encode(&reply, 1, None, UnixMillis(9), &mut out);
        assert!(!String::from_utf8(out).unwrap().contains("reply_to"));
    }

    #[test]
    fn an_unsupported_version_names_those_supported() {
        let Reply::AuthError(error) = Reply::auth_error(ErrorCode::UnsupportedProtocolVersion)
        else {
            panic!("auth.error expected");
        };
        assert_eq!(error.message, "Supported protocol versions: 1");
        assert_eq!(error.supported_protocol_versions, [1]);
    }

    #[test]
    fn a_refusal_for_the_servers_sake_says_when_to_come_back_and_no_other_does() {
        for code in ErrorCode::ALL {
            let Reply::AuthError(error) = Reply::auth_error(code) else {
                panic!("auth.error expected");
            };
            let is_for_us = !code.is_fault_of_login();
            assert_eq!(error.retry_after_ms.is_some(), is_for_us, "{code:?}");
            let close = CloseCode::of_refused_login(code).as_u16();
            assert_eq!(close, if is_for_us { 1013 } else { 4001 }, "{code:?}");
        }
    }

    #[test]
    fn an_outcome_kept_as_text_is_the_same_reply_again() {
        let reply = Reply::error(ErrorCode::OutOfStock);
        let kept = serde_json::to_string(&reply).unwrap();
        assert_eq!(serde_json::from_str::<Reply>(&kept).unwrap(), reply);
    }
}
