//! The chart of a system: what stands still there, told once in `session.joined`.
//!
//! A pilot sees only as far as the view radius; where to fly lies beyond it. The chart names every
//! station with its docking rules, the walls, the other systems and what goods are called, so that a
//! client can draw and speak of them before it has seen them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fixed::Fixed2;
use super::table::object;
use crate::ids::Name;

object! {
    /// What stands still in a system, and the names that people use.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct SystemChart {
        /// The system's name for people.
        name: String = always;
        /// Space is the square from minus this to plus this.
        half_extent: Fixed2 = always, "u";
        /// Every station of the system.
        stations: Vec<ChartStation> = always;
        /// Every commodity of the universe.
        commodities: Vec<Named> = always;
        /// Every system of the universe, this one included: where `session.join_system` can lead.
        systems: Vec<Named> = always;
        /// The gun of your ship.
        weapon: ChartWeapon = always;
        /// What the way to another system costs.
        jump: ChartJump = added;
    }
}

object! {
    /// A station on the chart.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct ChartStation {
        /// Its id, also as an entity.
        station_id: Name = always;
        /// Its name for people.
        name: String = always;
        /// Position to the right.
        x: Fixed2 = always, "u";
        /// Position to the north.
        y: Fixed2 = always, "u";
        /// Radius of the body.
        radius: Fixed2 = always, "u";
        /// A ship docks within this distance of the middle.
        docking_radius: Fixed2 = always, "u";
        /// A ship docks below this speed.
        docking_speed_max: Fixed2 = always, "u/s";
        /// What a hull point costs.
        repair_price: i64 = always, "credits";
    }
}

object! {
    /// The gun's constants.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct ChartWeapon {
        /// Speed of a shot relative to the ship that fires it.
        muzzle_speed: Fixed2 = always, "u/s";
        /// Simulated time between two shots.
        cooldown_ms: u32 = always, "ms";
        /// Simulated time that a shot flies.
        lifetime_ms: u32 = always, "ms";
    }
}

object! {
    /// What a jump costs.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct ChartJump {
        /// Fuel that the jump burns.
        fuel: Fixed2 = always, "units";
        /// Time between departure and arrival.
        duration_ms: u32 = always, "ms";
    }
}

object! {
    /// An id and the name that people use.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
    pub struct Named {
        /// Id that messages name it by.
        id: Name = always;
        /// The name for people.
        name: String = always;
    }
}
