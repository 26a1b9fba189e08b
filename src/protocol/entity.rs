//! What a client is told of an entity: its rows, what happened to it, why it was removed.
//!
//! Each stands in the protocol's table once and becomes a type that owns its values, for readers and the
//! schema, and a row that borrows them, for the writer; see [`world`](super::world).

use std::io::Write;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use simd_json_derive::Serialize as WriteJson;

use super::fixed::{Angle, Fixed2};
use super::row::EntityText;
use super::table::{FieldSpec, object, spec, words};
use crate::ids::EntityKind;

/// Defines an entity: in full, as an update, as what the columns give, and as the two rows.
macro_rules! entity {
    ($(
        $(#[doc = $meaning:tt])+
        $field:ident: $type:ty = $unit:literal;
    )+) => {
        object! {
            /// An entity in full.
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct Entity {
                /// Never given to another entity of the system. A station's is its station id.
                id: String = always;
                /// `player_ship`, `pirate`, `patrol`, `trader`, `projectile` or `station`.
                kind: EntityKind = always;
                $($(#[doc = $meaning])+ $field: $type = always, $unit;)+
            }
        }

        object! {
            /// An entity that changed.
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct EntityUpdate {
                /// Which entity it is.
                id: String = always;
                /// As an entity's in a snapshot.
                kind: Option<EntityKind> = optional("when it has just come into view");
                $($(#[doc = $meaning])+ $field: $type = always, $unit;)+
            }
        }

        /// What changes of an entity, rounded for the wire.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct EntityValues {
            $($(#[doc = $meaning])+ pub $field: $type,)+
        }

        /// A row of `entity_updates` for a client that knows the entity:
        /// `{"id":"s_987","x":1201,"y":401,"vx":8,"vy":2,"r":1.62,"hp":100}`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, WriteJson)]
        pub struct UpdateRow<'a> {
            id: EntityText<'a>,
            $($field: $type,)+
        }

        /// A row of `entities`, or of `entity_updates` for a client that does not know the entity: as
        /// [`UpdateRow`], with `kind` behind `id`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, WriteJson)]
        pub struct EntityRow<'a> {
            id: EntityText<'a>,
            kind: EntityKind,
            $($field: $type,)+
        }

        impl<'a> UpdateRow<'a> {
            /// The row of one entity.
            #[inline]
            pub const fn new(id: EntityText<'a>, values: EntityValues) -> Self {
                let EntityValues { $($field),+ } = values;
                Self { id, $($field),+ }
            }

            /// The same with `kind`.
            #[inline]
            #[must_use]
            pub const fn full(self, kind: EntityKind) -> EntityRow<'a> {
                let Self { id, $($field),+ } = self;
                EntityRow { id, kind, $($field),+ }
            }
        }
    };
}

entity! {
    /// Position to the right.
    x: Fixed2 = "u";
    /// Position to the north.
    y: Fixed2 = "u";
    /// Velocity to the right.
    vx: Fixed2 = "u/s";
    /// Velocity to the north.
    vy: Fixed2 = "u/s";
    /// Heading: 0 along +x, rising counter-clockwise.
    r: Angle = "rad, in (-π, π]";
    /// Hull points left.
    hp: i32 = "points";
}

words! {
    /// Why an entity was removed.
    pub enum RemovalReason {
        /// It is out of view.
        LeftView = "left_view",
        /// It was shot.
        Destroyed = "destroyed",
        /// It flew to another system.
        Jumped = "jumped",
        /// It ended of itself: a spent projectile, a pilot who logged out.
        Despawned = "despawned",
    }
}

/// Defines what can happen in view: the event as a type that owns and as a row that borrows. Every field
/// of an event is an id.
macro_rules! events {
    ($(
        $(#[doc = $meaning:tt])+
        $variant:ident = $kind:literal {$($(#[doc = $id_meaning:tt])+ $field:ident,)+}
    )+) => {
        /// Something that happened in view.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum Event {
            $(
                $(#[doc = $meaning])+
                #[serde(rename = $kind)]
                $variant { $($(#[doc = $id_meaning])+ $field: String,)+ },
            )+
        }

        impl Event {
            /// The table of events: each `kind`, and its fields besides.
            pub const KINDS: &'static [(&'static str, &'static [FieldSpec])] = &[
                $(($kind, &[$(spec!($field, Always, [], $($id_meaning)+),)+]),)+
            ];
        }

        /// An [`Event`] as it is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EventRow<'a> {
            $(
                $(#[doc = $meaning])+
                $variant { $($(#[doc = $id_meaning])+ $field: EntityText<'a>,)+ },
            )+
        }

        impl WriteJson for EventRow<'_> {
            #[inline]
            fn json_write<W: Write>(&self, writer: &mut W) -> simd_json_derive::Result {
                match self {
                    $(Self::$variant { $($field),+ } => {
                        writer.write_all(concat!("{\"kind\":\"", $kind, "\"").as_bytes())?;
                        $(
                            writer.write_all(concat!(",\"", stringify!($field), "\":").as_bytes())?;
                            $field.json_write(writer)?;
                        )+
                    })+
                }
                writer.write_all(b"}")
            }
        }
    };
}

events! {
    /// A ship fired.
    ProjectileFired = "projectile_fired" {
        /// Ship that it is about.
        source_id,
        /// Projectile that was fired.
        projectile_id,
    }
    /// A ship docked.
    Docked = "docked" {
        /// Ship that it is about.
        source_id,
        /// Station that is meant.
        station_id,
    }
    /// A ship undocked.
    Undocked = "undocked" {
        /// Ship that it is about.
        source_id,
        /// Station that is meant.
        station_id,
    }
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
