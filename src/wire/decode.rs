//! Text to [`Message`]: one pass of simd-json over the text in place, one walk over its tape.
//!
//! The tape and simd-json's buffers are reused ([`Scratch`]), so that a decode allocates only for
//! the names it keeps. The walk takes fields in any order and decides what JSON leaves open:
//!
//! * A known field twice is refused, whatever its values: two readers would disagree about it.
//! * `seq` and `quantity` are written as integers: `1.0`, `1e3` and `-0` are refused.
//! * A number beyond a double (`1e400`) makes the whole text malformed; an integer beyond 64 bits is
//!   a double.
//! * `null` stands for an absent *optional* field and is a wrong type for any other.
//!
//! Call order: [`decode`] once per text message, nothing to clear between.

use std::borrow::Cow;

use simd_json::{Buffers, Node, StaticNode, Tape};

use super::code::ErrorCode;
use super::request::{
    Input, JoinSystem, Login, Message, Ping, Refresh, Repair, Request, RequestKind, Trade,
};
use super::value::{AskedVersion, RequestId, Seq};
use crate::ids::Name;
use crate::limits::{JSON_DEPTH_MAX, MESSAGE_BYTES_MAX, QUANTITY_MAX};

/// Buffers that one thread reuses for all its decodes; they grow to the largest message seen.
pub struct Scratch {
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            buffers: Buffers::with_max_depth(MESSAGE_BYTES_MAX, JSON_DEPTH_MAX),
            tape: Tape(Vec::new()),
        }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

/// Why a text is not a request, with all that an answer to it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The request's `seq`, where it could be read: the answer's `reply_to`.
    pub seq: Option<Seq>,
    /// The request's type, where it could be read and is known.
    pub kind: Option<RequestKind>,
    /// The answer's `code`.
    pub code: ErrorCode,
    /// The answer's `message`.
    pub message: Cow<'static, str>,
}

/// What is wrong with a body, before the envelope is known.
struct Fault(ErrorCode, Cow<'static, str>);

type Checked<T> = Result<T, Fault>;

fn malformed<T>(message: impl Into<Cow<'static, str>>) -> Checked<T> {
    Err(Fault(ErrorCode::MalformedMessage, message.into()))
}

/// Reads one message; the text is overwritten in the process.
///
/// Work is linear in the text. Errors say which request they answer as far as the text could be
/// understood.
pub fn decode<'t>(text: &'t mut [u8], scratch: &mut Scratch) -> Result<Message<'t>, DecodeError> {
    let mut tape = std::mem::replace(&mut scratch.tape, Tape(Vec::new())).reset();
    let outcome = match simd_json::fill_tape(text, &mut scratch.buffers, &mut tape) {
        Ok(()) => envelope(&tape.0),
        Err(_) => Err(DecodeError {
            seq: None,
            kind: None,
            code: ErrorCode::MalformedMessage,
            message: "not valid JSON".into(),
        }),
    };
    scratch.tape = tape.reset();
    outcome
}

/// A value on the tape: its first node, and for a container all nodes inside it.
#[derive(Clone, Copy)]
struct Value<'a, 't>(&'a [Node<'t>]);

impl<'a, 't> Value<'a, 't> {
    fn first(self) -> Option<Node<'t>> {
        self.0.first().copied()
    }

    fn text(self) -> Option<&'t str> {
        match self.first() {
            Some(Node::String(text)) => Some(text),
            _ => None,
        }
    }

    fn is_null(self) -> bool {
        matches!(self.first(), Some(Node::Static(StaticNode::Null)))
    }

    /// The number as a double, however it was written.
    fn number(self) -> Option<f64> {
        match self.first() {
            Some(Node::Static(StaticNode::F64(number))) => Some(number),
            Some(Node::Static(StaticNode::I64(number))) => Some(number as f64),
            Some(Node::Static(StaticNode::U64(number))) => Some(number as f64),
            _ => None,
        }
    }

    /// The number if it was written as an integer of 0 or more. The parser keeps integers without
    /// a sign as `U64`, so that `-0` is not among them.
    fn whole(self) -> Option<u64> {
        match self.first() {
            Some(Node::Static(StaticNode::U64(number))) => Some(number),
            _ => None,
        }
    }

    fn fields(self) -> Option<Fields<'a, 't>> {
        match self.0.split_first() {
            Some((Node::Object { .. }, rest)) => Some(Fields(rest)),
            _ => None,
        }
    }
}

/// The fields of an object, in the order of the text.
struct Fields<'a, 't>(&'a [Node<'t>]);

impl<'a, 't> Iterator for Fields<'a, 't> {
    type Item = (&'t str, Value<'a, 't>);

    fn next(&mut self) -> Option<Self::Item> {
        let (Node::String(key), rest) = self.0.split_first()? else {
            return None;
        };
        let nodes = match rest.first()? {
            Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
            Node::String(_) | Node::Static(_) => 1,
        };
        let (value, rest) = rest.split_at_checked(nodes)?;
        self.0 = rest;
        Some((key, Value(value)))
    }
}

/// A known field; one found twice has no value.
struct Field<'a, 't> {
    name: &'static str,
    value: Option<Value<'a, 't>>,
    twice: bool,
}

impl<'a, 't> Field<'a, 't> {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            value: None,
            twice: false,
        }
    }

    fn put(&mut self, value: Value<'a, 't>) -> Checked<()> {
        if self.twice || self.value.is_some() {
            self.twice = true;
            self.value = None;
            return malformed(format!("{} appears twice", self.name));
        }
        self.value = Some(value);
        Ok(())
    }

    fn wrong<T>(&self, expected: &'static str) -> Checked<T> {
        malformed(format!("{} must be {expected}", self.name))
    }

    fn required(&self) -> Checked<Value<'a, 't>> {
        match self.value {
            Some(value) => Ok(value),
            None => malformed(format!("{} is missing", self.name)),
        }
    }

    fn text(&self) -> Checked<&'t str> {
        match self.required()?.text() {
            Some(text) => Ok(text),
            None => self.wrong("a string"),
        }
    }

    /// A name, or the refusal `unknown`: text outside the alphabet names nothing that exists.
    fn name(&self, unknown: ErrorCode) -> Checked<Name> {
        Name::parse(self.text()?).map_err(|_| Fault(unknown, unknown.message().into()))
    }

    fn number_or_zero(&self) -> Checked<f64> {
        match self.value.map(Value::number) {
            None => Ok(0.0),
            Some(Some(number)) => Ok(number),
            Some(None) => self.wrong("a number"),
        }
    }

    fn flag_or_false(&self) -> Checked<bool> {
        match self.value.map(Value::first) {
            None => Ok(false),
            Some(Some(Node::Static(StaticNode::Bool(flag)))) => Ok(flag),
            Some(_) => self.wrong("true or false"),
        }
    }

    fn present(&self) -> Option<Value<'a, 't>> {
        self.value.filter(|value| !value.is_null())
    }
}

/// Sorts an object's fields into the known ones; unknown ones are passed over.
fn sort<'a, 't, const N: usize>(
    payload: Value<'a, 't>,
    names: [&'static str; N],
) -> Checked<[Field<'a, 't>; N]> {
    let mut known = names.map(Field::new);
    let Some(fields) = payload.fields() else {
        return malformed("payload must be an object");
    };
    for (key, value) in fields {
        if let Some(field) = known.iter_mut().find(|field| field.name == key) {
            field.put(value)?;
        }
    }
    Ok(known)
}

fn envelope<'t>(nodes: &[Node<'t>]) -> Result<Message<'t>, DecodeError> {
    let mut seq = None;
    let mut kind = None;
    parts(Value(nodes), &mut seq, &mut kind).map_err(|Fault(code, message)| DecodeError {
        seq,
        kind,
        code,
        message,
    })
}

/// Reads the envelope, leaving `seq` and `kind` behind as soon as they are known.
fn parts<'t>(
    whole: Value<'_, 't>,
    known_seq: &mut Option<Seq>,
    known_kind: &mut Option<RequestKind>,
) -> Checked<Message<'t>> {
    let mut r#type = Field::new("type");
    let mut seq = Field::new("seq");
    let mut ts = Field::new("ts");
    let mut payload = Field::new("payload");
    let Some(fields) = whole.fields() else {
        return malformed("the message must be an object");
    };
    let mut twice = Ok(());
    for (key, value) in fields {
        let field = match key {
            "type" => &mut r#type,
            "seq" => &mut seq,
            "ts" => &mut ts,
            "payload" => &mut payload,
            _ => continue,
        };
        twice = twice.and(field.put(value));
    }
    *known_seq = seq.value.and_then(Value::whole).and_then(Seq::new);
    twice?;
    let type_name = r#type.text()?;
    *known_kind = RequestKind::from_wire_name(type_name);
    let Some(seq) = *known_seq else {
        seq.required()?;
        return seq.wrong("an integer from 0 to 2^53-1");
    };
    if ts.value.is_some_and(|value| value.number().is_none()) {
        return ts.wrong("a number");
    }
    let Some(kind) = *known_kind else {
        return Err(Fault(
            ErrorCode::UnknownType,
            ErrorCode::UnknownType.message().into(),
        ));
    };
    let request = request(kind, payload.required()?)?;
    Ok(Message { seq, request })
}

fn request<'t>(kind: RequestKind, payload: Value<'_, 't>) -> Checked<Request<'t>> {
    Ok(match kind {
        RequestKind::Input => Request::Input(input(payload)?),
        RequestKind::Buy => Request::Buy(trade(payload)?),
        RequestKind::Sell => Request::Sell(trade(payload)?),
        RequestKind::Repair => Request::Repair(repair(payload)?),
        RequestKind::Ping => Request::Ping(ping(payload)?),
        RequestKind::JoinSystem => {
            let [system_id] = sort(payload, ["system_id"])?;
            let system_id = system_id.name(ErrorCode::UnknownSystem)?;
            Request::JoinSystem(JoinSystem { system_id })
        }
        RequestKind::Login => Request::Login(login(payload)?),
        RequestKind::Refresh => {
            let [token] = sort(payload, ["token"])?;
            let token = token.text()?;
            Request::Refresh(Refresh { token })
        }
    })
}

fn input(payload: Value<'_, '_>) -> Checked<Input> {
    let names = ["thrust", "turn", "fire_primary", "dock_request"];
    let [thrust, turn, fire_primary, dock_request] = sort(payload, names)?;
    Ok(Input::clamped(
        thrust.number_or_zero()?,
        turn.number_or_zero()?,
        fire_primary.flag_or_false()?,
        dock_request.flag_or_false()?,
    ))
}

fn trade(payload: Value<'_, '_>) -> Checked<Trade> {
    let names = ["station_id", "commodity_id", "quantity", "request_id"];
    let [station_id, commodity_id, quantity, request_id] = sort(payload, names)?;
    // Types before meanings, so that a body which is both ill-typed and unknown is malformed.
    station_id.text()?;
    commodity_id.text()?;
    let given = quantity.required()?;
    if given.number().is_none() {
        return quantity.wrong("a number");
    }
    let request_id = optional_request_id(&request_id)?;
    let quantity = given
        .whole()
        .filter(|units| (1..=u64::from(QUANTITY_MAX)).contains(units));
    let Some(quantity) = quantity else {
        return Err(Fault(
            ErrorCode::InvalidQuantity,
            ErrorCode::InvalidQuantity.message().into(),
        ));
    };
    Ok(Trade {
        station_id: station_id.name(ErrorCode::UnknownStation)?,
        commodity_id: commodity_id.name(ErrorCode::UnknownCommodity)?,
        quantity: quantity as u32,
        request_id,
    })
}

fn repair(payload: Value<'_, '_>) -> Checked<Repair> {
    let [station_id, request_id] = sort(payload, ["station_id", "request_id"])?;
    station_id.text()?;
    let request_id = optional_request_id(&request_id)?;
    Ok(Repair {
        station_id: station_id.name(ErrorCode::UnknownStation)?,
        request_id,
    })
}

fn optional_request_id(field: &Field<'_, '_>) -> Checked<Option<RequestId>> {
    let Some(value) = field.present() else {
        return Ok(None);
    };
    let Some(text) = value.text() else {
        return field.wrong("a string");
    };
    match RequestId::parse(text) {
        Ok(id) => Ok(Some(id)),
        Err(error) => malformed(error.to_string()),
    }
}

fn ping(payload: Value<'_, '_>) -> Checked<Ping> {
    let [t0] = sort(payload, ["t0"])?;
    let number = match t0.required()?.first() {
        Some(Node::Static(StaticNode::U64(number))) => Some(number.into()),
        Some(Node::Static(StaticNode::I64(0))) => serde_json::Number::from_f64(-0.0),
        Some(Node::Static(StaticNode::I64(number))) => Some(number.into()),
        Some(Node::Static(StaticNode::F64(number))) => serde_json::Number::from_f64(number),
        _ => None,
    };
    match number {
        Some(t0) => Ok(Ping { t0 }),
        None => t0.wrong("a number"),
    }
}

fn login<'t>(payload: Value<'_, 't>) -> Checked<Login<'t>> {
    let [token, version] = sort(payload, ["token", "protocol_version"])?;
    let token = token.text()?;
    let protocol_version = match version.present() {
        None => AskedVersion::Unstated,
        Some(value) => match (value.whole(), value.number()) {
            (Some(number), _) => AskedVersion::Stated(number),
            (None, Some(_)) => AskedVersion::Unknown,
            (None, None) => return version.wrong("an integer"),
        },
    };
    Ok(Login {
        token,
        protocol_version,
    })
}
