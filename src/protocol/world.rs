//! The state stream: `world.snapshot`, `world.delta` and what they are made of.
//!
//! Most things here stand twice, from one entry of the protocol's table: as a type that owns its
//! values, which clients read and the schema describes, and as a *row*, which borrows them and which
//! the server writes. A row is a small `Copy` struct over integers, written by simd-json-derive's
//! `Serialize` into whatever grows: a `Vec<u8>` or an arena's; nothing allocates. Rounding happens when
//! a row is made, so that a row that did not change is equal to the one before it.
//!
//! The two messages themselves are composed of text that is ready, by [`write_delta`] and
//! [`write_snapshot`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::entity::{
    Entity, EntityRow, EntityUpdate, EntityValues, Event, EventRow, RemovalReason, UpdateRow,
};
use super::fixed::Fixed2;
use super::stream::stream_message;
pub use super::stream::{OptionalField, append_stamp};
use super::table::object;
pub use super::you::{Cargo, CargoRow, You, YouChanges, YouRow, ZoneContext, ZoneContextRow};
use crate::ids::Name;

stream_message! {
    /// Payload of `world.snapshot`: all that the pilot can see.
    pub struct Snapshot = "world.snapshot";
    /// What a `world.snapshot` is composed of, a method a field.
    pub trait SnapshotSource;
    /// Appends a `world.snapshot`.
    pub fn write_snapshot;
    {
        /// The tick it shows.
        stamp tick: u64 = always, "ticks";
        /// Your state, in full.
        value you: You = always;
        /// Every entity in view.
        list entities: Vec<Entity> = always;
        /// Every station's prices.
        value markets: Vec<Market> = always;
        /// Every zone of the system.
        value zones: Vec<Zone> = always;
    }
}

stream_message! {
    /// Payload of `world.delta`: what changed since the last message of the stream.
    pub struct Delta = "world.delta";
    /// What a `world.delta` is composed of, a method a field.
    pub trait DeltaSource;
    /// Appends a `world.delta`.
    pub fn write_delta;
    {
        /// The tick it shows.
        stamp tick: u64 = always, "ticks";
        /// Entities that changed or came into view, each row whole.
        list entity_updates: Vec<EntityUpdate> = always;
        /// Ids of entities to forget.
        list entity_removed: Vec<String> = always;
        /// What happened in view, see [How much is told](#how-much-is-told).
        list events: Vec<Event> = always;
        /// The zones at your ship, blended.
        value you_zone_context: ZoneContext = always;
        /// The newest `input.command` that this state includes.
        value last_input_seq: Option<u64> = optional("after your first input");
        /// Why entities were removed, by id: `left_view`, `destroyed`, `jumped` or `despawned`.
        map gone: Option<BTreeMap<String, RemovalReason>> = optional("with removals");
        /// Your state, only the fields that changed.
        value you: Option<YouChanges> = optional("when it changed");
        /// Simulated seconds a second: the server is overloaded and ticks less often; see
        /// [Under load](#under-load).
        value time_dilation: Option<Fixed2> = optional("below 1 only"), "0.1 to 0.99, 2 decimals",
            #[schemars(range(min = 0.1, max = 1.0))];
    }
}

object! {
    /// The prices of one station.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Market {
        /// The station whose market it is.
        station_id: Name = always;
        /// One entry a commodity traded there.
        prices: Vec<Price> = always;
    }
}

object! {
    /// What a commodity costs at a station.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Price {
        /// Commodity that is meant.
        commodity_id: Name = always;
        /// What you pay for a unit.
        buy: i64 = always, "credits";
        /// What you get for a unit, always less.
        sell: i64 = always, "credits";
        /// What the station has.
        stock: Option<i64> = added, "units";
    }
}

object! {
    /// A zone of the system.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Zone {
        /// Id of the zone.
        zone_id: Name = always;
        /// What sort of zone it is.
        zone_type: Name = always;
        /// Centre of the zone.
        center: Point = always;
        /// Radius of the zone.
        radius: Fixed2 = always, "u";
        /// Risk to be attacked.
        risk_level: Fixed2 = always, "0 to 100";
        /// Protection by patrols.
        security_level: Fixed2 = always, "0 to 100";
        /// Factor on bounties.
        profit_multiplier: Fixed2 = always;
        /// Whether pilots can harm pilots here.
        pvp_allowed: bool = always;
    }
}

object! {
    /// A place in a system.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Point {
        /// Position to the right.
        x: Fixed2 = always, "u";
        /// Position to the north.
        y: Fixed2 = always, "u";
    }
}
