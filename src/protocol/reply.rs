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
use super::table::{object, replies, words};
use super::world::Cargo;
use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::{BUSY_RETRY_MS, LOGIN_RETRY_MS, PROTOCOL_VERSION};

replies! {
    /// One message of the control lane, without its envelope.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Reply {
        AuthOk(AuthOk) = "auth.ok";
        AuthError(AuthError) = "auth.error";
        Joined(Box<Joined>) = "session.joined";
        TradeResult(TradeResult) = "trade.result";
        RepairResult(RepairResult) = "ship.repair_result";
        CombatEvent(CombatEvent) = "combat.event";
        Pong(Pong) = "pong";
        Notice(Notice) = "server.notice";
        Error(ErrorReply) = "error";
    }
}

object! {
    /// Payload of `auth.ok`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct AuthOk {
        /// Who you are: the token's subject.
        player_id: PlayerId = always;
        /// The system your ship is in; null for a new pilot.
        system_id: Option<Name> = added;
    }
}

object! {
    /// Payload of `auth.error`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct AuthError {
        /// `INVALID_TOKEN`, `TOKEN_EXPIRED`, `UNSUPPORTED_PROTOCOL_VERSION`, or another
        /// [code](#error-codes).
        code: ErrorCode = always;
        /// The same for people; wording may change.
        message: Cow<'static, str> = always;
        /// The versions you can speak here.
        supported_protocol_versions: Vec<u64> = optional("with `UNSUPPORTED_PROTOCOL_VERSION`");
        /// How long to wait before you connect and log in again; the token stays good.
        retry_after_ms: Option<u64> = optional("where the login was refused for the server's sake"), "ms";
    }
}

object! {
    /// Payload of `session.joined`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Joined {
        /// Where you are.
        system_id: Name = always;
        /// The entity that is your ship.
        ship_id: String = always;
        /// Where your ship is; where it will be, while it is destroyed.
        spawn: Spawn = always;
        /// Simulation ticks a second: 30.
        tick_rate: u32 = added, "1/s";
        /// The current tick.
        tick: u64 = added, "ticks";
        /// The version spoken on this connection: 1.
        protocol_version: u64 = added;
        /// How far you see at most, see [What is in view](#what-is-in-view).
        view_radius: Fixed2 = added, "u";
        /// Constants of your ship, with which its flight can be predicted.
        flight: Option<Flight> = added;
        /// What stands still here and what things are called.
        chart: Option<Arc<SystemChart>> = optional("optional");
    }
}

object! {
    /// A place and a heading.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Spawn {
        /// Position to the right.
        x: Fixed2 = always, "u";
        /// Position to the north.
        y: Fixed2 = always, "u";
        /// Heading: 0 along +x, rising counter-clockwise.
        rotation: Angle = always, "rad";
    }
}

object! {
    /// The constants of the own ship's flight; see
    /// [Flight](#flight-predicting-your-own-ship) on the protocol's page.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Flight {
        /// Acceleration at full thrust.
        thrust_accel: f64 = always, "u/s²";
        /// Turn rate at full deflection.
        turn_rate: f64 = always, "rad/s";
        /// How fast velocity decays without thrust; terminal speed is `thrust_accel / drag`.
        drag: f64 = always, "1/s";
        /// Your ship's radius.
        radius: f64 = always, "u";
        /// Fuel burned a second at full thrust.
        fuel_burn: f64 = always, "units/s";
        /// Share of thrust left on an empty tank.
        empty_tank_thrust: f64 = always, "0 to 1";
    }
}

object! {
    /// Payload of `trade.result`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct TradeResult {
        /// Always true: a refused trade is an `error`.
        ok: bool = always;
        /// Your money after it.
        credits: i64 = always, "credits";
        /// Your hold after it; the traded commodity is listed even when none is left.
        cargo: Vec<Cargo> = always;
        /// What was traded.
        details: TradeDetails = always;
    }
}

object! {
    /// What a trade was.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct TradeDetails {
        /// Station that is meant.
        station_id: Name = always;
        /// Commodity that is meant.
        commodity_id: Name = always;
        /// How much of it.
        quantity: u32 = always, "units";
        /// Price of a unit.
        unit_price: i64 = always, "credits";
        /// `unit_price` times `quantity`.
        total: i64 = always, "credits";
    }
}

object! {
    /// Payload of `ship.repair_result`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct RepairResult {
        /// Always true: a refused repair is an `error`.
        ok: bool = always;
        /// Your money after it.
        credits: i64 = always, "credits";
        /// Your hull after it.
        hull: i32 = always, "points";
        /// What was done.
        details: RepairDetails = always;
    }
}

object! {
    /// What a repair was.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct RepairDetails {
        /// Station that is meant.
        station_id: Name = always;
        /// Hull points that were restored.
        hull_restored: i32 = always, "points";
        /// Price of a point.
        unit_price: i64 = always, "credits";
        /// `unit_price` times `hull_restored`.
        total: i64 = always, "credits";
    }
}

object! {
    /// Payload of `combat.event`: sent to both sides.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct CombatEvent {
        /// `hit` or `destroyed`.
        kind: CombatKind = always;
        /// Whose shot it was.
        source_id: String = always;
        /// Who was hit.
        target_id: String = always;
        /// Hull points that were taken.
        damage: i32 = always, "points";
        /// Hull that the target has left.
        target_hp: i32 = always, "points";
    }
}

words! {
    /// What happened in a `combat.event`.
    pub enum CombatKind {
        /// A shot struck.
        Hit = "hit",
        /// The shot that took the last hull point.
        Destroyed = "destroyed",
    }
}

object! {
    /// Payload of `pong`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Pong {
        /// What the ping carried.
        t0: serde_json::Number = always;
        /// The server's clock.
        t1: u64 = always, "Unix ms";
        /// The system's current tick; 0 before a system was joined.
        tick: u64 = always, "ticks";
    }
}

object! {
    /// Payload of `server.notice`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Notice {
        /// `drain`: the server is going down, close 1001 follows. `jump`: your ship is on its way to
        /// another system, `session.joined` follows. Ignore kinds you do not know.
        kind: NoticeKind = always;
        /// The same for people.
        message: Option<Cow<'static, str>> = optional("optional");
        /// When it takes effect at the latest; when you arrive.
        deadline_ms: Option<u64> = optional("with `drain`, `jump`"), "Unix ms";
        /// Where the jump leads.
        system_id: Option<Name> = optional("with `jump`");
    }
}

words! {
    /// What a `server.notice` announces.
    pub enum NoticeKind {
        /// The server is going down and will close the connection with 1001.
        Drain = "drain",
        /// The pilot's ship is on its way to another system; `session.joined` follows at the deadline.
        Jump = "jump",
    }
}

object! {
    /// Payload of `error`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct ErrorReply {
        /// One of the [error codes](#error-codes); branch on this.
        code: ErrorCode = always;
        /// The same for people; wording may change.
        message: Cow<'static, str> = always;
        /// How long to wait.
        retry_after_ms: Option<u64> = optional("with `RATE_LIMITED`"), "ms";
    }
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
}

/// The envelope as the server writes it.
#[derive(Serialize)]
struct ServerEnvelope<'a, P> {
    r#type: &'static str,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    ts: u64,
    payload: &'a P,
}

/// What an envelope says besides the payload.
#[derive(Clone, Copy)]
pub(super) struct EnvelopeHead {
    pub(super) r#type: &'static str,
    pub(super) seq: u64,
    pub(super) reply_to: Option<u64>,
    pub(super) ts: UnixMillis,
}

/// Appends one message to `out`: `seq` is the connection's next number, `reply_to` the request's.
pub fn encode(reply: &Reply, seq: u64, reply_to: Option<u64>, ts: UnixMillis, out: &mut Vec<u8>) {
    let head = EnvelopeHead {
        r#type: reply.wire_name(),
        seq,
        reply_to,
        ts,
    };
    reply.write(head, out);
}

pub(super) fn write<P: Serialize>(head: EnvelopeHead, payload: &P, out: &mut Vec<u8>) {
    let envelope = ServerEnvelope {
        r#type: head.r#type,
        seq: head.seq,
        reply_to: head.reply_to,
        ts: head.ts.0,
        payload,
    };
    let written = simd_json::to_writer(out, &envelope);
    debug_assert!(written.is_ok(), "plain structs into memory cannot fail");
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
