//! What a client may ask: the messages from client to server, already validated.
//!
//! The same types are decoded by the server, written by clients of ours (load generator, tests) and
//! described by the schema. A [`Request`] that exists is within its bounds: nothing behind the
//! decoder checks a range again.

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{AskedVersion, RequestId, Seq};
use crate::ids::{Name, UnixMillis};
use crate::limits::QUANTITY_MAX;

/// One request with its sequence number.
#[derive(Debug, Clone, PartialEq)]
pub struct Message<'t> {
    /// The client's number for it.
    pub seq: Seq,
    /// What it asks.
    pub request: Request<'t>,
}

/// A validated request. Tokens are borrowed from the message's text; all else is owned.
#[derive(Debug, Clone, PartialEq)]
pub enum Request<'t> {
    /// A `auth.login` message.
    Login(Login<'t>),
    /// A `auth.refresh` message.
    Refresh(Refresh<'t>),
    /// A `session.join_system` message.
    JoinSystem(JoinSystem),
    /// A `input.command` message.
    Input(Input),
    /// A `trade.buy` message.
    Buy(Trade),
    /// A `trade.sell` message.
    Sell(Trade),
    /// A `ship.repair_request` message.
    Repair(Repair),
    /// A `ping` message.
    Ping(Ping),
}

/// Payload of `auth.login`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Login<'t> {
    /// A signed JSON Web Token that names the player.
    pub token: &'t str,
    /// The protocol version that the client speaks.
    #[serde(skip_serializing_if = "AskedVersion::is_unstated")]
    #[schemars(default)]
    pub protocol_version: AskedVersion,
}

/// Payload of `auth.refresh`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Refresh<'t> {
    /// A newer token of the same player.
    pub token: &'t str,
}

/// Payload of `session.join_system`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JoinSystem {
    /// The system to fly in.
    pub system_id: Name,
}

/// Payload of `input.command`: the state of the controls until the next one. Finite and clamped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[serde(default)]
pub struct Input {
    /// Share of full thrust along the nose. Out of range is clamped to 0..=1.
    pub thrust: f32,
    /// Share of the full turn rate; positive turns counter-clockwise. Out of range is clamped to
    /// -1..=1.
    pub turn: f32,
    /// Whether the trigger is held.
    pub fire_primary: bool,
    /// Whether to dock as soon as a station is near and the ship slow enough.
    pub dock_request: bool,
}

impl Input {
    /// Clamps both axes; a value that is no number counts as 0.
    pub fn clamped(thrust: f64, turn: f64, fire_primary: bool, dock_request: bool) -> Self {
        Self {
            thrust: axis(thrust, 0.0),
            turn: axis(turn, -1.0),
            fire_primary,
            dock_request,
        }
    }
}

/// One axis in `low..=1`; adding zero turns -0 into 0, and a NaN falls out of both comparisons.
fn axis(value: f64, low: f64) -> f32 {
    if value.is_nan() {
        return 0.0;
    }
    value.clamp(low, 1.0) as f32 + 0.0
}

/// Payload of `trade.buy` and `trade.sell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trade {
    /// The station to trade with; the ship must be docked there.
    pub station_id: Name,
    /// What to trade.
    pub commodity_id: Name,
    /// How many units.
    #[schemars(range(min = 1, max = QUANTITY_MAX))]
    pub quantity: u32,
    /// Makes the request safe to repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// Payload of `ship.repair_request`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Repair {
    /// The station to be repaired at; the ship must be docked there.
    pub station_id: Name,
    /// Makes the request safe to repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

/// Payload of `ping`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ping {
    /// Any number, usually the client's clock; comes back as it went.
    pub t0: serde_json::Number,
}

/// What a request is, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// A `auth.login` message.
    Login,
    /// A `auth.refresh` message.
    Refresh,
    /// A `session.join_system` message.
    JoinSystem,
    /// A `input.command` message.
    Input,
    /// A `trade.buy` message.
    Buy,
    /// A `trade.sell` message.
    Sell,
    /// A `ship.repair_request` message.
    Repair,
    /// A `ping` message.
    Ping,
}

impl RequestKind {
    /// All kinds, in the order of the protocol's page.
    pub const ALL: [Self; 8] = [
        Self::Login,
        Self::Refresh,
        Self::JoinSystem,
        Self::Input,
        Self::Buy,
        Self::Sell,
        Self::Repair,
        Self::Ping,
    ];

    /// The envelope's `type`.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Login => "auth.login",
            Self::Refresh => "auth.refresh",
            Self::JoinSystem => "session.join_system",
            Self::Input => "input.command",
            Self::Buy => "trade.buy",
            Self::Sell => "trade.sell",
            Self::Repair => "ship.repair_request",
            Self::Ping => "ping",
        }
    }

    /// The kind that an envelope's `type` names.
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Some(match name {
            "input.command" => Self::Input,
            "trade.buy" => Self::Buy,
            "trade.sell" => Self::Sell,
            "ship.repair_request" => Self::Repair,
            "ping" => Self::Ping,
            "session.join_system" => Self::JoinSystem,
            "auth.login" => Self::Login,
            "auth.refresh" => Self::Refresh,
            _ => return None,
        })
    }

    /// Whether the request is owed exactly one reply: its result, or an error that names it.
    /// `input.command` alone is not; its effect shows in the stream.
    pub const fn is_answered(self) -> bool {
        !matches!(self, Self::Input)
    }
}

impl Request<'_> {
    /// What the request is.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Login(_) => RequestKind::Login,
            Self::Refresh(_) => RequestKind::Refresh,
            Self::JoinSystem(_) => RequestKind::JoinSystem,
            Self::Input(_) => RequestKind::Input,
            Self::Buy(_) => RequestKind::Buy,
            Self::Sell(_) => RequestKind::Sell,
            Self::Repair(_) => RequestKind::Repair,
            Self::Ping(_) => RequestKind::Ping,
        }
    }

    /// The name that an order gives itself, so that it can be repeated.
    pub const fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => trade.request_id.as_ref(),
            Self::Repair(repair) => repair.request_id.as_ref(),
            _ => None,
        }
    }
}

/// The envelope as a client writes it.
#[derive(Serialize)]
struct Envelope<'a, P> {
    r#type: &'static str,
    seq: Seq,
    ts: u64,
    payload: &'a P,
}

/// Appends a request as a client would send it.
pub fn encode_request(message: &Message<'_>, ts: UnixMillis, out: &mut Vec<u8>) {
    match &message.request {
        Request::Login(payload) => write(message, ts, payload, out),
        Request::Refresh(payload) => write(message, ts, payload, out),
        Request::JoinSystem(payload) => write(message, ts, payload, out),
        Request::Input(payload) => write(message, ts, payload, out),
        Request::Buy(payload) | Request::Sell(payload) => write(message, ts, payload, out),
        Request::Repair(payload) => write(message, ts, payload, out),
        Request::Ping(payload) => write(message, ts, payload, out),
    }
}

fn write<P: Serialize>(message: &Message<'_>, ts: UnixMillis, payload: &P, out: &mut Vec<u8>) {
    let envelope = Envelope {
        r#type: message.request.kind().wire_name(),
        seq: message.seq,
        ts: ts.0,
        payload,
    };
    // Writing plain structs into memory has no way to fail.
    let written = serde_json::to_writer(out, &envelope);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_wire_names_agree() {
        for kind in RequestKind::ALL {
            assert_eq!(RequestKind::from_wire_name(kind.wire_name()), Some(kind));
        }
        assert_eq!(RequestKind::from_wire_name("input.Command"), None);
    }

    #[test]
    fn axes_are_clamped_finite_and_never_negative_zero() {
        let input = Input::clamped(7.0, -7.0, false, false);
        assert_eq!((input.thrust, input.turn), (1.0, -1.0));
        let input = Input::clamped(-0.0, f64::NAN, false, false);
        assert_eq!(input.thrust.to_bits(), 0);
        assert_eq!(input.turn.to_bits(), 0);
        let input = Input::clamped(f64::NEG_INFINITY, f64::INFINITY, true, true);
        assert_eq!((input.thrust, input.turn), (0.0, 1.0));
    }
}
