//! Identities, shared by every layer and owned by none.
//!
//! Text that a peer or a file chose becomes a [`Name`] or a [`PlayerId`] once, at the edge, and is
//! bounded from then on. Inside the simulation things are dense indices ([`SystemIndex`],
//! [`StationIndex`], [`CommodityIndex`]) and generational [`Handle`]s; on the wire an entity is a kind
//! and a number, which is never given twice in the life of a world.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest identifier in bytes: players, systems, stations, commodities, zones, request ids.
pub const NAME_BYTES_MAX: usize = 64;

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text has no byte.
    #[error("must not be empty")]
    Empty,
    /// The text is longer than [`NAME_BYTES_MAX`].
    #[error("must be at most {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// The text holds a byte outside `A–Z a–z 0–9 _ - . : @`.
    #[error("may hold only letters, digits and _ - . : @")]
    Character,
}

/// An identifier of 1–64 bytes out of `A–Z a–z 0–9 _ - . : @`; cheap to clone, safe to print,
/// and in need of no escape inside JSON.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks length and alphabet.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:@".contains(&byte);
        if !text.bytes().all(allowed) {
            return Err(NameError::Character);
        }
        Ok(Self(Arc::from(text)))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// A player: the `sub` of the token that logged in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayerId(pub Name);

impl PlayerId {
    /// Checks length and alphabet.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Name::parse(text).map(Self)
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether `POST /guest` makes such names: `guest-` and 24 hexadecimal digits.
    pub fn is_guest(&self) -> bool {
        let digits = self.as_str().strip_prefix("guest-");
        digits.is_some_and(|digits| {
            digits.len() == 24 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

impl fmt::Display for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of a system in the universe's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SystemIndex(pub u16);

/// Position of a station in its system's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StationIndex(pub u16);

/// Position of a commodity in the universe's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommodityIndex(pub u16);

/// A stable reference to an entity of one world: slot and generation. A handle whose entity is
/// gone never resolves again, whoever lives in the slot now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Handle {
    /// Slot in the world's slot table.
    pub slot: u32,
    /// How often the slot had been freed when this handle was made.
    pub generation: u32,
}

/// A connection: the shard that owns it, its place in that shard's slab, and a generation so that
/// a reused place is not mistaken for its former tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId {
    /// Net shard that owns the connection.
    pub shard: u16,
    /// Place in the shard's slab.
    pub slot: u32,
    /// How often the place had been freed when this id was made.
    pub generation: u32,
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.shard, self.slot, self.generation)
    }
}

/// What an entity is; its wire name and the prefix of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntityKind {
    /// A pilot's ship.
    PlayerShip,
    /// A non-player ship that hunts.
    Pirate,
    /// A non-player ship that answers pirates.
    Patrol,
    /// A non-player ship that flies between stations.
    Trader,
    /// A shot in flight.
    Projectile,
    /// A station; its wire id is the station's own name.
    Station,
}

impl EntityKind {
    /// The `kind` field on the wire.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::PlayerShip => "player_ship",
            Self::Pirate => "pirate",
            Self::Patrol => "patrol",
            Self::Trader => "trader",
            Self::Projectile => "projectile",
            Self::Station => "station",
        }
    }

    /// What stands before the number in an entity's wire id.
    pub const fn id_prefix(self) -> &'static str {
        match self {
            Self::PlayerShip => "s_",
            Self::Pirate | Self::Patrol | Self::Trader => "npc_",
            Self::Projectile => "pr_",
            Self::Station => "",
        }
    }

    /// Whether the entity flies under the ship physics (pilots and non-player ships).
    pub const fn is_ship(self) -> bool {
        matches!(
            self,
            Self::PlayerShip | Self::Pirate | Self::Patrol | Self::Trader
        )
    }

    /// Whether the server itself flies it.
    pub const fn is_npc(self) -> bool {
        matches!(self, Self::Pirate | Self::Patrol | Self::Trader)
    }
}

/// Monotonic milliseconds since the server started: for deadlines and rates, never for the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus a span, saturating.
    #[must_use]
    pub const fn plus(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// Milliseconds from `earlier` to this moment, 0 when `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Milliseconds since the Unix epoch: the wire's `ts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_told_by_the_name() {
        let is_guest = |text: &str| PlayerId::parse(text).map(|player| player.is_guest());
        assert_eq!(is_guest("guest-0123456789abcdef01234567"), Ok(true));
        for other in ["guest-bob", "guest-0123456789abcdef0123456z", "p_1"] {
            assert_eq!(is_guest(other), Ok(false), "{other}");
        }
    }

    #[test]
    fn names_are_bounded_and_plain() {
        assert!(Name::parse("earth-orbit-station").is_ok());
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse(&"a".repeat(65)), Err(NameError::TooLong));
        assert!(Name::parse(&"a".repeat(64)).is_ok());
        for bad in ["a b", "a\"", "ä", "a\n", "a/b"] {
            assert_eq!(Name::parse(bad), Err(NameError::Character), "{bad:?}");
        }
    }
}
