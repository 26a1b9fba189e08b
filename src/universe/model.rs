//! What exists, as plain data: commodities, the ship and its weapon, the non-player ships' rules,
//! systems with their stations and zones.
//!
//! Owns the shape of a universe and nothing else: values are built and checked by
//! [`Universe::load`](super::Universe::load) only, and never change while a server runs. Whoever
//! holds a [`Universe`] may rely on what the loader proved: every number is finite and within its
//! bound, every index points into its list, ids are unique, stations lie inside their system, do
//! not overlap, and the spawn is not inside one.
//!
//! Units: distance u, speed u/s, angles rad, time s or ticks as named, money whole credits.

use crate::ids::{CommodityIndex, Name, StationIndex, SystemIndex};

/// Everything that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Universe {
    /// What people call it.
    pub name: String,
    /// Credits that a new pilot is granted.
    pub starting_credits: i64,
    /// Every commodity that any station trades; holds and stocks are indexed by place in this list.
    pub commodities: Vec<Commodity>,
    /// The commodity that goes into the tank, never into the hold: the one with the id `fuel`.
    pub fuel: CommodityIndex,
    /// How prices and stocks move.
    pub economy: Economy,
    /// The ship that everybody flies.
    pub ship: ShipClass,
    /// The gun that every ship carries.
    pub weapon: Weapon,
    /// Temper and prices of the ships that the server flies.
    pub npcs: NpcRules,
    /// What the way from one system to another costs.
    pub jump: Jump,
    /// The systems; a world each.
    pub systems: Vec<System>,
}

/// Something that can be bought and sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commodity {
    /// Its id on the wire.
    pub id: Name,
    /// What people call it.
    pub name: String,
    /// Credits a unit where a station names no price of its own; at least 2.
    pub base_price: i64,
}

/// How prices follow stock, and how stock returns to its target. All integers, so that every
/// machine quotes the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Economy {
    /// Half the gap between what a pilot pays and gets, in thousandths of the price between.
    pub spread_permille: i64,
    /// How far the price between rises on an empty shelf and falls on one twice as full as its
    /// target, in thousandths of the base price.
    pub swing_permille: i64,
    /// Ticks between two steps of production or consumption of one listing.
    pub drift_ticks: u64,
    /// Share of the distance to the target that one step covers, in thousandths; at least one unit.
    pub drift_permille: i64,
}

impl Economy {
    /// What a pilot pays and gets for a unit while the stock is at its target, whole credits.
    pub fn rest_quote(&self, base_price: i64) -> (i64, i64) {
        let above = base_price * (1000 + self.spread_permille);
        let below = base_price * (1000 - self.spread_permille);
        let sell = (below / 1000).max(1);
        ((above.saturating_add(999) / 1000).max(sell + 1), sell)
    }
}

/// What a jump between two systems costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Fuel burned, at most a full tank.
    pub fuel: f32,
    /// Ticks between departure and arrival, during which the ship is in no system.
    pub ticks: u32,
}

/// Flight constants of a ship.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShipClass {
    /// Acceleration along the nose at full thrust, u/s².
    pub thrust_accel: f32,
    /// Turning speed at full rudder, rad/s.
    pub turn_rate: f32,
    /// Share of the velocity lost a second, 1/s; terminal speed is `thrust_accel / drag`.
    pub drag: f32,
    /// Radius of the hull's circle, u.
    pub radius: f32,
    /// Hull points of a whole pilot's ship.
    pub hull_max: i32,
    /// Size of the tank.
    pub fuel_max: f32,
    /// Fuel burned a second at full thrust.
    pub fuel_burn: f32,
    /// Share of the thrust that is left on an empty tank, 0–1.
    pub empty_tank_thrust: f32,
    /// Units of goods that the hold takes.
    pub cargo_capacity: u32,
}

/// What a gun does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weapon {
    /// Hull points that a hit takes.
    pub damage: i32,
    /// Speed of a shot relative to the ship that fires it, u/s.
    pub muzzle_speed: f32,
    /// Ticks that a shot lives.
    pub lifetime_ticks: u32,
    /// Ticks between two shots of one ship.
    pub cooldown_ticks: u32,
    /// Radius of a shot's circle, u.
    pub projectile_radius: f32,
}

impl Weapon {
    /// How far a shot flies from a ship at rest, u.
    pub fn reach(&self) -> f32 {
        self.muzzle_speed * self.lifetime_ticks as f32 * crate::limits::TICK_SECONDS
    }
}

/// Rules for the ships that the server flies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NpcRules {
    /// Those that hunt.
    pub pirate: NpcClass,
    /// Those that answer.
    pub patrol: NpcClass,
    /// Those that carry.
    pub trader: NpcClass,
    /// Distance from a station's docking ring within which pirates neither fly nor pick a target, u.
    pub station_peace: f32,
}

/// Temper of one kind of non-player ship. Physics and gun are those of every ship.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NpcClass {
    /// Hull points of a whole ship.
    pub hull_max: i32,
    /// Most thrust it uses, 0–1.
    pub throttle: f32,
    /// How far it notices others, u.
    pub sense_radius: f32,
    /// How near a target must be before it fires, u.
    pub fire_range: f32,
    /// Largest error of its aim, rad; what makes it beatable.
    pub aim_error: f32,
    /// Ticks that it waits between two shots, at least the weapon's cooldown.
    pub trigger_ticks: u32,
    /// Hull points at or below which it breaks off.
    pub flee_hull: i32,
    /// Credits that its death pays, before the place's profit multiplier.
    pub bounty: i64,
    /// Ticks from its death until another takes its place.
    pub respawn_ticks: u32,
}

/// One star system: a square of space with what stands in it.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// Its id on the wire.
    pub id: Name,
    /// What people call it.
    pub name: String,
    /// Half the side of the square `[-half_extent, half_extent]²` that nothing leaves, u.
    pub half_extent: f32,
    /// What holds where no zone does, and everywhere with weight 1.
    pub ambient: Ambient,
    /// Where new pilots appear.
    pub spawn: Spawn,
    /// Pilots that may be in the system at once.
    pub pilots_max: u32,
    /// Stations; the first is home to pilots who have none. May be empty.
    pub stations: Vec<Station>,
    /// Zones; may overlap, may be empty.
    pub zones: Vec<Zone>,
    /// How many ships the server flies here.
    pub population: Population,
}

impl System {
    /// The station with this id; a scan over at most [`STATIONS_MAX`](crate::limits::STATIONS_MAX).
    pub fn station_index(&self, id: &str) -> Option<StationIndex> {
        let place = self.stations.iter().position(|s| s.id.as_str() == id)?;
        Some(StationIndex(place as u16))
    }

    /// The station at this index.
    pub fn station(&self, index: StationIndex) -> Option<&Station> {
        self.stations.get(index.0 as usize)
    }
}

/// Risk, security and profit of a system's open space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ambient {
    /// Danger, out of 100.
    pub risk_level: f32,
    /// Order, out of 100.
    pub security_level: f32,
    /// Factor on bounties.
    pub profit_multiplier: f32,
    /// Whether pilots can harm each other in this system at all.
    pub pvp_allowed: bool,
}

/// Where a new pilot appears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spawn {
    /// At the nearest free place to a point.
    Point {
        /// East of the centre, u.
        x: f32,
        /// North of the centre, u.
        y: f32,
        /// Heading, rad in (-π, π].
        rotation: f32,
    },
    /// Anywhere inside a rectangle.
    Area {
        /// Western side, u.
        min_x: f32,
        /// Southern side, u.
        min_y: f32,
        /// Eastern side, u; more than `min_x`.
        max_x: f32,
        /// Northern side, u; more than `min_y`.
        max_y: f32,
    },
}

impl Spawn {
    /// The point, or the middle of the rectangle, as x, y (u) and rotation (rad).
    pub const fn middle(&self) -> (f32, f32, f32) {
        match *self {
            Self::Point { x, y, rotation } => (x, y, rotation),
            Self::Area {
                min_x,
                min_y,
                max_x,
                max_y,
            } => (
                f32::midpoint(min_x, max_x),
                f32::midpoint(min_y, max_y),
                0.0,
            ),
        }
    }
}

/// A place to dock, trade and repair.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Its id on the wire.
    pub id: Name,
    /// What people call it.
    pub name: String,
    /// East of the centre, u.
    pub x: f32,
    /// North of the centre, u.
    pub y: f32,
    /// Radius of the body, u.
    pub radius: f32,
    /// Radius inside which a ship may dock, u; more than `radius` plus a ship's.
    pub docking_radius: f32,
    /// Speed up to which a ship may dock, u/s.
    pub docking_speed_max: f32,
    /// Credits a hull point.
    pub repair_price: i64,
    /// What it trades, each commodity at most once.
    pub market: Vec<Listing>,
}

/// A commodity on one station's market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is traded.
    pub commodity: CommodityIndex,
    /// Credits a unit while the stock is at its target.
    pub base_price: i64,
    /// Units that production and consumption bring the stock back to.
    pub stock_target: i64,
}

/// A disc of space with its own risk, security and profit.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its id on the wire.
    pub id: Name,
    /// What kind of place it is, for people and pages.
    pub zone_type: Name,
    /// East of the system's centre, u.
    pub x: f32,
    /// North of the system's centre, u.
    pub y: f32,
    /// Radius of the zone, u.
    pub radius: f32,
    /// Danger, out of 100.
    pub risk_level: f32,
    /// Order, out of 100.
    pub security_level: f32,
    /// Factor on bounties.
    pub profit_multiplier: f32,
    /// Whether pilots can harm each other here.
    pub pvp_allowed: bool,
}

/// How many ships of each kind the server keeps flying in a system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Ships that hunt.
    pub pirates: u32,
    /// Ships that answer.
    pub patrols: u32,
    /// Ships that carry.
    pub traders: u32,
}

impl Universe {
    /// The system with this id; a scan over at most [`SYSTEMS_MAX`](crate::limits::SYSTEMS_MAX).
    pub fn system_index(&self, id: &str) -> Option<SystemIndex> {
        let place = self.systems.iter().position(|s| s.id.as_str() == id)?;
        Some(SystemIndex(place as u16))
    }

    /// The system at this index.
    pub fn system(&self, index: SystemIndex) -> Option<&System> {
        self.systems.get(index.0 as usize)
    }

    /// The id of the system at this index.
    pub fn system_id(&self, index: SystemIndex) -> Option<&Name> {
        self.system(index).map(|system| &system.id)
    }

    /// The commodity with this id; a scan over at most
    /// [`COMMODITIES_MAX`](crate::limits::COMMODITIES_MAX).
    pub fn commodity_index(&self, id: &str) -> Option<CommodityIndex> {
        let place = self.commodities.iter().position(|c| c.id.as_str() == id)?;
        Some(CommodityIndex(place as u16))
    }

    /// The commodity at this index.
    pub fn commodity(&self, index: CommodityIndex) -> Option<&Commodity> {
        self.commodities.get(index.0 as usize)
    }
}
