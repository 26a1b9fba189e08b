//! The chart of a system: what stands still there, told once in `session.joined`.
//!
//! A pilot sees only as far as the view radius; where to fly lies beyond it. The chart names every
//! station with its docking rules, the walls, the other systems and what goods are called, so that a
//! client can draw and speak of them before it has seen them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixed::Fixed2;
use crate::ids::Name;

/// What stands still in a system, and the names that people use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemChart {
    /// The system's name for people.
    pub name: String,
    /// Space is the square from minus this to plus this, in u.
    pub half_extent: Fixed2,
    /// Every station of the system.
    pub stations: Vec<ChartStation>,
    /// Every commodity of the universe.
    pub commodities: Vec<Named>,
    /// Every system of the universe, this one included.
    pub systems: Vec<Named>,
    /// The ship's gun.
    pub weapon: ChartWeapon,
    /// What the way to another system costs.
    #[serde(default)]
    pub jump: ChartJump,
}

/// A station on the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartStation {
    /// Its id, also as an entity.
    pub station_id: Name,
    /// Its name for people.
    pub name: String,
    /// Position in u, to the right.
    pub x: Fixed2,
    /// Position in u, up.
    pub y: Fixed2,
    /// Radius of the body in u.
    pub radius: Fixed2,
    /// A ship docks within this distance of the middle, in u.
    pub docking_radius: Fixed2,
    /// A ship docks below this speed, in u/s.
    pub docking_speed_max: Fixed2,
    /// Credits a hull point.
    pub repair_price: i64,
}

/// The gun's constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartWeapon {
    /// Speed of a shot relative to the ship that fires it, u/s.
    pub muzzle_speed: Fixed2,
    /// Simulated milliseconds between two shots.
    pub cooldown_ms: u32,
    /// Simulated milliseconds that a shot flies.
    pub lifetime_ms: u32,
}

/// What a jump costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartJump {
    /// Fuel that the jump burns.
    pub fuel: Fixed2,
    /// Milliseconds between departure and arrival.
    pub duration_ms: u32,
}

/// An id and the name that people use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Id that messages name it by.
    pub id: Name,
    /// The name for people.
    pub name: String,
}
