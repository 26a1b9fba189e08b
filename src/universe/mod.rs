//! The universe: what exists before anybody flies.
//!
//! Owns the [`model`] of systems, stations, zones, commodities and classes. Never changes after it
//! is loaded and knows nobody above it.

pub mod model;

pub use model::{
    Ambient, Commodity, Economy, Listing, NpcClass, NpcRules, Population, ShipClass, Spawn,
    Station, System, Universe, Weapon, Zone,
};
