//! What a client is told of its own pilot: `you`, the hold, and the zones at its ship.
//!
//! Each stands in the protocol's table once and becomes a type that owns its values, for readers and the
//! schema, and a row that borrows them, for the writer; see [`world`](super::world).

use std::io::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use simd_json_derive::Serialize as WriteJson;

use super::fixed::Fixed2;
use super::row::{DockText, EntityText, NameTexts, Object};
use super::table::object;
use crate::ids::Name;

/// Defines the pilot's own state: in full ([`You`]), as changes ([`YouChanges`]) and as written
/// ([`YouRow`]). What is `changing` is in all three, and a `constant` of the ship in snapshots only.
macro_rules! you {
    (
        changing {$(
            $(#[doc = $meaning:tt])+
            $field:ident: $full:ty, changed $changed:ty, written $written:ty = $presence:ident
                $(($when:literal))? $(, $unit:literal)? $(, #[$extra:meta])*;
        )+}
        constant {$(
            $(#[doc = $constant_meaning:tt])+
            $constant:ident: $constant_full:ty, written $constant_written:ty = $constant_unit:literal;
        )+}
    ) => {
        object! {
            /// The pilot's own state.
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct You {
                $($(#[doc = $meaning])+ $field: $full = $presence $(($when))? $(, $unit)?;)+
                $($(#[doc = $constant_meaning])+ $constant: $constant_full = added, $constant_unit;)+
            }
        }

        object! {
            /// The fields of the pilot's own state that changed since the last message.
            #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct YouChanges {
                $(
                    $(#[doc = $meaning])+
                    $field: Option<$changed> = optional("when it changed")
                        $(, $unit)? $(, #[$extra])*;
                )+
            }
        }

        /// The value of `you`: of a delta with the fields that changed, of a snapshot with all.
        #[derive(Debug, Clone, Copy, Default)]
        pub struct YouRow<'a> {
            $($(#[doc = $meaning])+ pub $field: Option<$written>,)+
            $($(#[doc = $constant_meaning])+ pub $constant: Option<$constant_written>,)+
        }

        impl YouRow<'_> {
            /// Whether nothing changed; then `you` is left out.
            pub const fn is_empty(&self) -> bool {
                $(self.$field.is_none())&&+ $(&& self.$constant.is_none())+
            }
        }

        impl WriteJson for YouRow<'_> {
            fn json_write<W: Write>(&self, writer: &mut W) -> simd_json_derive::Result {
                let mut object = Object::open(writer)?;
                $(object.field(
                    concat!("\"", stringify!($field), "\":").as_bytes(),
                    self.$field.as_ref(),
                )?;)+
                $(object.field(
                    concat!("\"", stringify!($constant), "\":").as_bytes(),
                    self.$constant.as_ref(),
                )?;)+
                object.close()
            }
        }
    };
}

you! {
    changing {
        /// The entity that is your ship.
        ship_id: String, changed String, written EntityText<'a> = always;
        /// Your money, in whole credits.
        credits: i64, changed i64, written i64 = always, "credits";
        /// Hull points left; 0 is destroyed.
        hull: i32, changed i32, written i32 = always, "points";
        /// Fuel in the tank.
        fuel: Fixed2, changed Fixed2, written Fixed2 = always, "units";
        /// What is in the hold, all of it.
        cargo: Vec<Cargo>, changed Vec<Cargo>, written &'a [CargoRow<'a>] = always;
        /// The station you are docked at; null in space.
        docked_at: Option<Name>, changed Option<Name>, written DockText<'a> = added,
            #[serde(deserialize_with = "present")];
        /// From when on your ship may dock or, where it is docked, undock.
        dock_ready_tick: Option<u64>, changed u64, written u64 = optional("while it lies ahead"), "ticks";
    }
    constant {
        /// What the hold takes.
        cargo_capacity: Option<u32>, written u32 = "units";
        /// Hull points of a whole hull.
        hull_max: Option<i32>, written i32 = "points";
        /// What the tank takes.
        fuel_max: Option<Fixed2>, written Fixed2 = "units";
    }
}

/// A field that is there, be it null.
#[expect(
    clippy::option_option,
    reason = "absent, null and a name are three things"
)]
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Name>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Defines an object as a type that owns and a row that borrows. A field's two types are joined by `as`.
macro_rules! object_and_row {
    (
        $(#[$meta:meta])*
        pub struct $name:ident;
        $(#[$row_meta:meta])*
        pub struct $row:ident<$life:lifetime>;
        {$(
            $(#[doc = $meaning:tt])+
            $field:ident: $owned:ty as $written:ty = $presence:ident $(, $unit:literal)?;
        )+}
    ) => {
        object! {
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            pub struct $name {
                $($(#[doc = $meaning])+ $field: $owned = $presence $(, $unit)?;)+
            }
        }

        $(#[$row_meta])*
        #[derive(Debug, Clone, Copy, WriteJson)]
        pub struct $row<$life> {
            $($(#[doc = $meaning])+ pub $field: $written,)+
        }
    };
}

object_and_row! {
    /// An amount of a commodity in the hold.
    pub struct Cargo;
    /// A [`Cargo`] as it is written.
    pub struct CargoRow<'a>;
    {
        /// Commodity that is meant.
        commodity_id: Name as EntityText<'a> = always;
        /// How much of it.
        qty: u32 as u32 = always, "units";
    }
}

object_and_row! {
    /// The zones at a place, blended with the system's ambient.
    pub struct ZoneContext;
    /// A [`ZoneContext`] as it is written.
    pub struct ZoneContextRow<'a>;
    {
        /// The zones that contain the place.
        zone_ids: Vec<Name> as NameTexts<'a> = always;
        /// Risk to be attacked.
        blended_risk: Fixed2 as Fixed2 = always, "0 to 1";
        /// Protection by patrols.
        blended_security: Fixed2 as Fixed2 = always, "0 to 1";
        /// Factor on bounties.
        blended_profit_multiplier: Fixed2 as Fixed2 = always;
    }
}
