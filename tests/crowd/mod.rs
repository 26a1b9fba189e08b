//! A system full of ships that all fly about, for what is measured and for what is counted.

#![allow(dead_code, reason = "each of those who use this file uses a part")]
#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

pub(crate) mod gallery;
#[cfg(test)]
pub(crate) mod watcher;

use orrery::ids::{Handle, PlayerId};
use orrery::sim::{Command, Pilot, Place, Random, World};
use orrery::universe::{Population, Universe};

/// Half the side of a square in which so many of n ships lie within a radius of one, in u.
pub(crate) fn half_extent(count: usize, in_view: f32, view_radius: f32) -> f32 {
    (count as f32 * std::f32::consts::PI / in_view).sqrt() * view_radius / 2.0
}

/// The built-in universe with nothing in its first system but room for pilots.
pub(crate) fn empty_sky(half_extent: f32) -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    let system = &mut universe.systems[0];
    system.half_extent = half_extent;
    system.stations.clear();
    system.zones.clear();
    system.population = Population::default();
    system.pilots_max = u32::MAX;
    universe
}

/// A pilot with an unharmed ship, a full tank and an empty hold.
pub(crate) fn pilot(name: &str, place: Place) -> Pilot {
    Pilot {
        player: PlayerId::parse(name).expect("a name"),
        credits: 5000,
        cargo: Vec::new(),
        hull: 100,
        fuel: 100.0,
        place,
        home: None,
    }
}

/// Puts so many pilots at rest anywhere in a system.
pub(crate) fn admit(world: &mut World, count: usize) -> Vec<Handle> {
    let half = world.system().half_extent;
    let anywhere = |n: u64| {
        let mut random = Random::new(8, 0, n);
        Place::Space {
            x: random.between(-half, half),
            y: random.between(-half, half),
            vx: 0.0,
            vy: 0.0,
            rotation: random.between(-3.0, 3.0),
        }
    };
    (0..count as u64)
        .map(|n| {
            let pilot = pilot(&format!("p{n}"), anywhere(n));
            world.admit(&pilot).expect("room")
        })
        .collect()
}

/// The n-th pilot's input of a tick: always some thrust, any rudder.
pub(crate) fn steer(ship: Handle, n: u64, tick: u64, fire: bool) -> Command {
    let mut random = Random::new(4, tick, n);
    Command::Steer {
        ship,
        seq: tick,
        thrust: random.between(0.2, 1.0),
        turn: random.between(-1.0, 1.0),
        fire,
        dock: false,
    }
}
