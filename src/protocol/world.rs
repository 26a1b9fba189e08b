//! The state stream as types: `world.snapshot` and `world.delta`.
//!
//! The server composes these messages from fragments (see [`row`](super::row)) and never builds
//! these values; clients decode into them, the schema is made from them, and tests hold the
//! composed bytes against them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fixed::{Angle, Fixed2};
use super::reply::Cargo;
use crate::ids::{EntityKind, Name};

/// Payload of `world.snapshot`: all that the pilot can see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The tick it shows.
    pub tick: u64,
    /// The pilot's own state.
    pub you: You,
    /// Every entity in view.
    pub entities: Vec<Entity>,
    /// Every station's prices.
    pub markets: Vec<Market>,
    /// Every zone of the system.
    pub zones: Vec<Zone>,
}

/// The pilot's own state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct You {
    /// The entity that is the pilot's ship.
    pub ship_id: String,
    /// Balance in whole credits.
    pub credits: i64,
    /// Hull points left; 0 is destroyed.
    pub hull: i32,
    /// Fuel in the tank.
    pub fuel: Fixed2,
    /// What is in the hold.
    pub cargo: Vec<Cargo>,
    /// The station docked at, or null.
    #[serde(default)]
    pub docked_at: Option<Name>,
    /// The tick from which the ship may dock, or undock where it is docked; while it lies ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dock_ready_tick: Option<u64>,
    /// Units the hold takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cargo_capacity: Option<u32>,
    /// Hull points when whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hull_max: Option<i32>,
    /// Fuel when full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel_max: Option<Fixed2>,
}

/// The fields of the pilot's own state that changed since the last message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct YouChanges {
    /// Another entity is now the pilot's ship.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_id: Option<String>,
    /// Balance in whole credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<i64>,
    /// Hull points left; 0 is destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hull: Option<i32>,
    /// Fuel in the tank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<Fixed2>,
    /// The whole hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cargo: Option<Vec<Cargo>>,
    /// The station docked at, or null after undocking.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub docked_at: Option<Option<Name>>,
    /// The tick from which the ship may dock, or undock where it is docked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dock_ready_tick: Option<u64>,
}

/// A field that is there, be it null.
#[expect(
    clippy::option_option,
    reason = "absent, null and a name are three things"
)]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Name>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// An entity in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Its id, never given to another entity.
    pub id: String,
    /// What it is.
    pub kind: EntityKind,
    /// Position in u, to the right.
    pub x: Fixed2,
    /// Position in u, up.
    pub y: Fixed2,
    /// Velocity in u/s.
    pub vx: Fixed2,
    /// Velocity in u/s.
    pub vy: Fixed2,
    /// Heading in rad, counter-clockwise from east.
    pub r: Angle,
    /// Hull points left.
    pub hp: i32,
}

/// An entity that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityUpdate {
    /// Id of the entity.
    pub id: String,
    /// What it is; there when the entity has just come into view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntityKind>,
    /// Position in u, to the right.
    pub x: Fixed2,
    /// Position in u, up.
    pub y: Fixed2,
    /// Velocity in u/s.
    pub vx: Fixed2,
    /// Velocity in u/s.
    pub vy: Fixed2,
    /// Heading in rad, counter-clockwise from east.
    pub r: Angle,
    /// Hull points left.
    pub hp: i32,
}

/// The prices of one station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Market {
    /// Station whose market it is.
    pub station_id: Name,
    /// One entry a commodity traded there.
    pub prices: Vec<Price>,
}

/// What a commodity costs at a station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// Commodity that is on sale.
    pub commodity_id: Name,
    /// Credits a pilot pays for a unit.
    pub buy: i64,
    /// Credits a pilot gets for a unit.
    pub sell: i64,
    /// Units the station has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
}

/// A zone of the system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// Id of the zone.
    pub zone_id: Name,
    /// What sort of zone.
    pub zone_type: Name,
    /// Centre of the zone.
    pub center: Point,
    /// Its radius in u.
    pub radius: Fixed2,
    /// Risk out of 100.
    pub risk_level: Fixed2,
    /// Security out of 100.
    pub security_level: Fixed2,
    /// Factor on bounties.
    pub profit_multiplier: Fixed2,
    /// Whether pilots can harm pilots here.
    pub pvp_allowed: bool,
}

/// A place in a system, u from its centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// In u, to the right.
    pub x: Fixed2,
    /// In u, up.
    pub y: Fixed2,
}

/// Payload of `world.delta`: what changed since the last message of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    /// The tick it shows.
    pub tick: u64,
    /// Entities that changed or came into view.
    pub entity_updates: Vec<EntityUpdate>,
    /// Entities that left view or are no more.
    pub entity_removed: Vec<String>,
    /// What happened in view.
    pub events: Vec<Event>,
    /// The zones at the own ship's place, blended.
    pub you_zone_context: ZoneContext,
    /// Why entities were removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<BTreeMap<String, RemovalReason>>,
    /// The newest `input.command` that this state includes; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_input_seq: Option<u64>,
    /// The pilot's own state, only what changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub you: Option<YouChanges>,
    /// Simulated seconds a second, when below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.1, max = 1.0))]
    pub time_dilation: Option<Fixed2>,
}

/// Why an entity was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// It is out of view.
    LeftView,
    /// It was shot.
    Destroyed,
    /// It flew to another system.
    Jumped,
    /// It ended of itself: a spent projectile, a pilot who logged out.
    Despawned,
}

impl RemovalReason {
    /// The reason's text on the wire.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::LeftView => "left_view",
            Self::Destroyed => "destroyed",
            Self::Jumped => "jumped",
            Self::Despawned => "despawned",
        }
    }
}

/// Something that happened in view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A ship fired.
    ProjectileFired {
        /// Id of the ship.
        source_id: String,
        /// Id of the projectile.
        projectile_id: String,
    },
    /// A ship docked.
    Docked {
        /// Id of the ship.
        source_id: String,
        /// Station at which it docked.
        station_id: String,
    },
    /// A ship undocked.
    Undocked {
        /// Id of the ship.
        source_id: String,
        /// Station that it left.
        station_id: String,
    },
}

/// The zones at a place, blended with the system's ambient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneContext {
    /// The zones that contain the place.
    pub zone_ids: Vec<Name>,
    /// Risk out of 1.
    pub blended_risk: Fixed2,
    /// Security out of 1.
    pub blended_security: Fixed2,
    /// Factor on bounties.
    pub blended_profit_multiplier: Fixed2,
}

impl EntityKind {
    /// All kinds, in the order of the protocol's page.
    pub const ALL: [Self; 6] = [
        Self::PlayerShip,
        Self::Pirate,
        Self::Patrol,
        Self::Trader,
        Self::Projectile,
        Self::Station,
    ];
}

impl Serialize for EntityKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire_name())
    }
}

impl<'de> Deserialize<'de> for EntityKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let kind = Self::ALL.into_iter().find(|kind| kind.wire_name() == name);
        kind.ok_or_else(|| D::Error::custom("unknown kind of entity"))
    }
}

impl JsonSchema for EntityKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EntityKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "What an entity is.",
            "enum": Self::ALL.map(Self::wire_name),
        })
    }
}
