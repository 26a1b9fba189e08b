//! What a client may ask: the messages from client to server, already validated.
//!
//! The same types are decoded by the server, written by clients of ours (load generator, tests) and
//! described by the schema. A [`Request`] that exists is within its bounds: nothing behind the
//! decoder checks a range again. Each field here is an entry of the protocol's table.

use schemars::JsonSchema;
use serde::Serialize;

use super::table::{object, requests};
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

requests! {
    /// A validated request. Tokens are borrowed from the message's text; all else is owned.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Request<'t>;
    /// What a request is, without its body.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RequestKind {
        Login(Login<'t>) = "auth.login", answered;
        Refresh(Refresh<'t>) = "auth.refresh", answered;
        JoinSystem(JoinSystem) = "session.join_system", answered;
        Input(Input) = "input.command", unanswered;
        Buy(Trade) = "trade.buy", answered;
        Sell(Trade) = "trade.sell", answered;
        Repair(Repair) = "ship.repair_request", answered;
        Ping(Ping) = "ping", answered;
    }
}

object! {
    /// Payload of `auth.login`.
    #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
    pub struct Login<'t> {
        /// A signed JSON Web Token (HS256, RS256, ES256 or `EdDSA`, as the operator chose).
        token: &'t str = always, "at most 4096 bytes";
        /// The version you speak.
        protocol_version: AskedVersion = optional("absent: 1");
    }
}

object! {
    /// Payload of `auth.refresh`.
    #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
    pub struct Refresh<'t> {
        /// The newer token, of the same player.
        token: &'t str = always;
    }
}

object! {
    /// Payload of `session.join_system`.
    #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
    pub struct JoinSystem {
        /// The system to fly in.
        system_id: Name = always;
    }
}

object! {
    /// Payload of `input.command`: the state of the controls until the next one. Finite and clamped.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
    pub struct Input {
        /// Share of full thrust, along the nose; above 0 undocks.
        thrust: f32 = neutral("absent: 0"), "0 to 1, clamped";
        /// Share of the full turn rate, positive counter-clockwise.
        turn: f32 = neutral("absent: 0"), "-1 to 1, clamped";
        /// The trigger; the gun's cooldown is the server's.
        fire_primary: bool = neutral("absent: false");
        /// Dock as soon as a station is near and you are slow enough.
        dock_request: bool = neutral("absent: false");
    }
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

object! {
    /// Payload of `trade.buy` and `trade.sell`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    pub struct Trade {
        /// The station to trade with.
        station_id: Name = always;
        /// What to trade.
        commodity_id: Name = always;
        /// How many units.
        quantity: u32 = always, "1 to 1 000 000 000", #[schemars(range(min = 1, max = QUANTITY_MAX))];
        /// Makes it safe to repeat, see [Exactly once](#exactly-once).
        request_id: Option<RequestId> = optional("optional"), "1 to 64 bytes, no control characters";
    }
}

object! {
    /// Payload of `ship.repair_request`.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
    pub struct Repair {
        /// The station to be repaired at.
        station_id: Name = always;
        /// Makes it safe to repeat, see [Exactly once](#exactly-once).
        request_id: Option<RequestId> = optional("optional"), "1 to 64 bytes, no control characters";
    }
}

object! {
    /// Payload of `ping`.
    #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
    pub struct Ping {
        /// Any number, usually your clock; comes back as it went.
        t0: serde_json::Number = always;
    }
}

impl Request<'_> {
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
struct ClientEnvelope<'a, P> {
    r#type: &'static str,
    seq: Seq,
    ts: u64,
    payload: &'a P,
}

/// Appends a request as a client would send it.
pub fn encode_request(message: &Message<'_>, ts: UnixMillis, out: &mut Vec<u8>) {
    message.request.write(message.seq, ts, out);
}

fn write<P: Serialize>(
    wire_name: &'static str,
    seq: Seq,
    ts: UnixMillis,
    payload: &P,
    out: &mut Vec<u8>,
) {
    let envelope = ClientEnvelope {
        r#type: wire_name,
        seq,
        ts: ts.0,
        payload,
    };
    let written = serde_json::to_writer(out, &envelope);
    debug_assert!(written.is_ok(), "plain structs into memory cannot fail");
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
