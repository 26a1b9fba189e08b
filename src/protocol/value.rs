//! Small validated values of the protocol: [`Seq`], [`RequestId`], [`AskedVersion`], and how
//! [`Name`] and [`PlayerId`] stand in JSON.
//!
//! Each is built in one place that checks its bound, so that holding one is the proof.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::table::Absent;
use crate::ids::{NAME_BYTES_MAX, Name, PlayerId};
use crate::limits::{PROTOCOL_VERSION, REQUEST_ID_BYTES_MAX, SEQ_MAX};

/// A client's sequence number: a whole number in 0..=2^53-1, so that every JSON library can hold
/// it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Seq(#[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))] u64);

impl Seq {
    /// The number as a sequence number; `None` above 2^53-1.
    pub const fn new(number: u64) -> Option<Self> {
        if number <= SEQ_MAX {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Self::new(number).ok_or_else(|| D::Error::custom("seq must be at most 2^53-1"))
    }
}

/// Why a text is not a [`RequestId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("request_id must be 1 to {REQUEST_ID_BYTES_MAX} bytes without control characters")]
pub struct RequestIdError;

/// A client's own name for one transaction: 1–64 bytes of UTF-8 without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Checks length and characters.
    pub fn parse(text: &str) -> Result<Self, RequestIdError> {
        let sized = (1..=REQUEST_ID_BYTES_MAX).contains(&text.len());
        if !sized || text.chars().any(char::is_control) {
            return Err(RequestIdError);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for RequestId {
    fn schema_name() -> Cow<'static, str> {
        "RequestId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The client's own name for one transaction; at most 64 bytes of UTF-8 \
                            without control characters.",
            "minLength": 1,
            "maxLength": REQUEST_ID_BYTES_MAX,
        })
    }
}

/// Which protocol version a client asked for, in its login or in the address it connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AskedVersion {
    /// Not stated: version 1.
    #[default]
    Unstated,
    /// A version number.
    Stated(u64),
    /// Something that is no version number (negative, fractional, huge, or text in the query).
    Unknown,
}

impl AskedVersion {
    /// The value of the query parameter `protocol_version`.
    pub fn from_query(text: &str) -> Self {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(version) if plain => Self::Stated(version),
            _ => Self::Unknown,
        }
    }

    /// Whether this server speaks it.
    pub const fn is_supported(self) -> bool {
        match self {
            Self::Unstated => true,
            Self::Stated(version) => version == PROTOCOL_VERSION,
            Self::Unknown => false,
        }
    }
}

impl Absent for AskedVersion {
    fn is_absent(&self) -> bool {
        *self == Self::Unstated
    }
}

impl Serialize for AskedVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unstated => serializer.serialize_none(),
            Self::Stated(version) => serializer.serialize_u64(*version),
            Self::Unknown => serializer.serialize_i64(-1),
        }
    }
}

impl JsonSchema for AskedVersion {
    fn schema_name() -> Cow<'static, str> {
        "ProtocolVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "null"],
            "description": "The protocol version that the client speaks; absent or null means 1.",
        })
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An identifier.",
            "minLength": 1,
            "maxLength": NAME_BYTES_MAX,
            "pattern": "^[A-Za-z0-9_.:@-]+$",
        })
    }
}

impl Serialize for PlayerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PlayerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Name::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for PlayerId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Name::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Name>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_fits_a_double_exactly() {
        assert!(Seq::new(SEQ_MAX).is_some());
        assert!(Seq::new(SEQ_MAX + 1).is_none());
    }

    #[test]
    fn request_ids_are_bounded_and_printable() {
        assert!(RequestId::parse("ä/🚀 1").is_ok());
        assert!(RequestId::parse(&"x".repeat(64)).is_ok());
        for bad in [String::new(), "x".repeat(65), "a\0b".into(), "a\nb".into()] {
            assert_eq!(RequestId::parse(&bad), Err(RequestIdError), "{bad:?}");
        }
    }

    #[test]
    fn only_version_one_is_spoken() {
        assert!(AskedVersion::Unstated.is_supported());
        assert!(AskedVersion::from_query("1").is_supported());
        for other in [
            "",
            "0",
            "2",
            "+1",
            "-1",
            "1.0",
            "one",
            "99999999999999999999",
        ] {
            assert!(!AskedVersion::from_query(other).is_supported(), "{other:?}");
        }
    }
}
