//! The decoder against a second reading of the same bytes by `serde_json` and derived types: both
//! take it and see the same values, or both refuse it.
//!
//! The second reading shares no code with the first. It differs on purpose only in wording: all it
//! knows of a refusal is its code.

#![allow(clippy::expect_used, reason = "a property that does not hold panics")]

use orrery::ids::{Name, UnixMillis};
use orrery::limits::QUANTITY_MAX;
use orrery::protocol::{
    AskedVersion, DecodeError, ErrorCode, Message, Request, RequestId, Scratch, decode,
    encode_request,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let mut text = data.to_vec();
    let mut scratch = Scratch::default();
    let ours = decode(&mut text, &mut scratch);
    let theirs = reading(data);
    match (&ours, &theirs) {
        (Ok(message), Ok(expected)) => assert_eq!(&plain(message), expected),
        (Err(error), Err(code)) => assert_eq!(error.code, *code, "{error:?}"),
        _ => panic!("ours: {ours:?}\ntheirs: {theirs:?}"),
    }
    match ours {
        Ok(message) => written_again_is_the_same(&message),
        Err(error) => names_only_what_is_there(data, &error),
    }
}

/// A refusal answers, and is charged to, the request that the text is.
fn names_only_what_is_there(data: &[u8], error: &DecodeError) {
    let text = serde_json::from_slice::<Value>(data);
    if let Some(seq) = error.seq {
        let text = text.as_ref().expect("a number was read");
        assert_eq!(text["seq"].as_u64(), Some(seq.number()));
    }
    if let Some(kind) = error.kind {
        let text = text.as_ref().expect("a type was read");
        assert_eq!(text["type"].as_str(), Some(kind.wire_name()));
    }
}

fn written_again_is_the_same(message: &Message<'_>) {
    let mut text = Vec::new();
    encode_request(message, UnixMillis(1), &mut text);
    let mut scratch = Scratch::default();
    let again = decode(&mut text, &mut scratch).expect("what is written can be read");
    assert_eq!(plain(&again), plain(message));
}

/// A request as plain values.
#[derive(Debug, PartialEq)]
enum Plain {
    Login(String, AskedVersion),
    Refresh(String),
    Join(String),
    Input(f32, f32, bool, bool),
    Trade(bool, String, String, u32, Option<String>),
    Repair(String, Option<String>),
    Ping(Number),
}

fn plain(message: &Message<'_>) -> (u64, Plain) {
    let id = |id: &Option<RequestId>| id.as_ref().map(|id| id.as_str().to_owned());
    let trade = |buys, trade: &orrery::protocol::Trade| {
        let (station, commodity) = (trade.station_id.to_string(), trade.commodity_id.to_string());
        Plain::Trade(
            buys,
            station,
            commodity,
            trade.quantity,
            id(&trade.request_id),
        )
    };
    let body = match &message.request {
        Request::Login(login) => Plain::Login(login.token.to_owned(), login.protocol_version),
        Request::Refresh(refresh) => Plain::Refresh(refresh.token.to_owned()),
        Request::JoinSystem(join) => Plain::Join(join.system_id.to_string()),
        Request::Input(input) => {
            for axis in [input.thrust, input.turn] {
                assert!((-1.0..=1.0).contains(&axis) && axis.to_bits() != (-0.0_f32).to_bits());
            }
            assert!(input.thrust >= 0.0);
            Plain::Input(
                input.thrust,
                input.turn,
                input.fire_primary,
                input.dock_request,
            )
        }
        Request::Buy(order) => trade(true, order),
        Request::Sell(order) => trade(false, order),
        Request::Repair(repair) => {
            Plain::Repair(repair.station_id.to_string(), id(&repair.request_id))
        }
        Request::Ping(ping) => Plain::Ping(ping.t0.clone()),
    };
    (message.seq.number(), body)
}

#[derive(Deserialize)]
struct Envelope<'t> {
    #[serde(borrow, default, deserialize_with = "present")]
    r#type: Option<Present<'t>>,
    #[serde(borrow, default, deserialize_with = "present")]
    seq: Option<Present<'t>>,
    #[serde(borrow, default, deserialize_with = "present")]
    ts: Option<Present<'t>>,
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<Present<'t>>,
}

/// A value that is there, be it `null`.
#[derive(Deserialize, Clone, Copy)]
#[serde(transparent)]
struct Present<'t>(#[serde(borrow)] &'t RawValue);

fn present<'t, D: Deserializer<'t>>(deserializer: D) -> Result<Option<Present<'t>>, D::Error> {
    Present::deserialize(deserializer).map(Some)
}

impl<'t> Present<'t> {
    fn read<T: Deserialize<'t>>(self) -> Result<T, ErrorCode> {
        serde_json::from_str(self.0.get()).map_err(|_| ErrorCode::MalformedMessage)
    }
}

#[derive(Deserialize)]
struct LoginBody {
    token: String,
    protocol_version: Option<Number>,
}

#[derive(Deserialize)]
struct RefreshBody {
    token: String,
}

#[derive(Deserialize)]
struct JoinBody {
    system_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputBody {
    thrust: Exact,
    turn: Exact,
    fire_primary: bool,
    dock_request: bool,
}

#[derive(Deserialize)]
struct TradeBody {
    station_id: String,
    commodity_id: String,
    quantity: Number,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct RepairBody {
    station_id: String,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct PingBody {
    t0: Exact,
}

/// A number to the last bit: `serde_json` reads some long decimals one unit in the last place off.
struct Exact(Number);

impl Default for Exact {
    fn default() -> Self {
        Self(0.into())
    }
}

impl<'t> Deserialize<'t> for Exact {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let number: Number = serde_json::from_str(text).map_err(D::Error::custom)?;
        if !number.is_f64() {
            return Ok(Self(number));
        }
        let exact = text.parse().ok().and_then(Number::from_f64);
        exact
            .map(Self)
            .ok_or_else(|| D::Error::custom("not finite"))
    }
}

impl Exact {
    fn clamped(&self, low: f64) -> f32 {
        (self.0.as_f64().unwrap_or_default().max(low).min(1.0) as f32) + 0.0
    }
}

/// A value that is an object; derived types would take arrays as well.
fn object<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ErrorCode> {
    if !text.starts_with('{') {
        return Err(ErrorCode::MalformedMessage);
    }
    serde_json::from_str(text).map_err(|_| ErrorCode::MalformedMessage)
}

fn reading(data: &[u8]) -> Result<(u64, Plain), ErrorCode> {
    const MALFORMED: ErrorCode = ErrorCode::MalformedMessage;
    let text = str::from_utf8(data).map_err(|_| MALFORMED)?;
    // Unknown fields are skipped unread by derived types; this reading looks at every value.
    serde_json::from_str::<Value>(text).map_err(|_| MALFORMED)?;
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let envelope: Envelope<'_> = object(text)?;
    let name: String = envelope.r#type.ok_or(MALFORMED)?.read()?;
    let seq: u64 = envelope.seq.ok_or(MALFORMED)?.read()?;
    if seq >= 1 << 53 {
        return Err(MALFORMED);
    }
    if let Some(ts) = envelope.ts {
        ts.read::<f64>()?;
    }
    let names = [
        "auth.login",
        "auth.refresh",
        "session.join_system",
        "input.command",
        "trade.buy",
        "trade.sell",
        "ship.repair_request",
        "ping",
    ];
    if !names.contains(&name.as_str()) {
        return Err(ErrorCode::UnknownType);
    }
    let payload = envelope.payload.ok_or(MALFORMED)?.0.get();
    Ok((seq, body(&name, payload)?))
}

fn body(name: &str, payload: &str) -> Result<Plain, ErrorCode> {
    Ok(match name {
        "auth.login" => {
            let LoginBody {
                token,
                protocol_version,
            } = object(payload)?;
            let version = match protocol_version {
                None => AskedVersion::Unstated,
                Some(number) => number
                    .as_u64()
                    .map_or(AskedVersion::Unknown, AskedVersion::Stated),
            };
            Plain::Login(token, version)
        }
        "auth.refresh" => Plain::Refresh(object::<RefreshBody>(payload)?.token),
        "session.join_system" => {
            let JoinBody { system_id } = object(payload)?;
            Plain::Join(existing(system_id, ErrorCode::UnknownSystem)?)
        }
        "input.command" => {
            let body: InputBody = object(payload)?;
            let (thrust, turn) = (body.thrust.clamped(0.0), body.turn.clamped(-1.0));
            Plain::Input(thrust, turn, body.fire_primary, body.dock_request)
        }
        "ship.repair_request" => {
            let RepairBody {
                station_id,
                request_id,
            } = object(payload)?;
            let id = bounded(request_id)?;
            Plain::Repair(existing(station_id, ErrorCode::UnknownStation)?, id)
        }
        "ping" => Plain::Ping(object::<PingBody>(payload)?.t0.0),
        _ => trade(name == "trade.buy", object(payload)?)?,
    })
}

fn trade(buys: bool, body: TradeBody) -> Result<Plain, ErrorCode> {
    let id = bounded(body.request_id)?;
    let quantity = body.quantity.as_u64().unwrap_or(0);
    if quantity < 1 || quantity > u64::from(QUANTITY_MAX) {
        return Err(ErrorCode::InvalidQuantity);
    }
    let station = existing(body.station_id, ErrorCode::UnknownStation)?;
    let commodity = existing(body.commodity_id, ErrorCode::UnknownCommodity)?;
    Ok(Plain::Trade(buys, station, commodity, quantity as u32, id))
}

fn existing(name: String, unknown: ErrorCode) -> Result<String, ErrorCode> {
    Name::parse(&name).map(|_| name).map_err(|_| unknown)
}

fn bounded(id: Option<String>) -> Result<Option<String>, ErrorCode> {
    match id {
        Some(id) if id.is_empty() || id.len() > 64 || id.chars().any(char::is_control) => {
            Err(ErrorCode::MalformedMessage)
        }
        id => Ok(id),
    }
}
