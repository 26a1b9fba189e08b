//! A system full of ships that all fly about, for what is measured and for what is counted.

use orrery::ids::{Handle, PlayerId};
use orrery::sim::{Command, Pilot, Place, Random, World};

/// Half the side of a square in which so many of n ships lie within a radius of one, in u.
#[allow(
    dead_code,
    reason = "some of those who use this file bring a square of their own"
)]
pub(crate) fn half_extent(count: usize, in_view: f32, view_radius: f32) -> f32 {
    (count as f32 * std::f32::consts::PI / in_view).sqrt() * view_radius / 2.0
}

/// Puts so many pilots at rest anywhere in a system.
pub(crate) fn admit(world: &mut World, count: usize) -> Vec<Handle> {
    let half = world.system().half_extent;
    (0..count as u64)
        .map(|n| world.admit(&pilot(n, half)).expect("room"))
        .collect()
}

fn pilot(n: u64, half: f32) -> Pilot {
    let mut random = Random::new(8, 0, n);
    Pilot {
        player: PlayerId::parse(&format!("p{n}")).expect("a name"),
        credits: 0,
        cargo: Vec::new(),
        hull: 100,
        fuel: 100.0,
        place: Place::Space {
            x: random.between(-half, half),
            y: random.between(-half, half),
            vx: 0.0,
            vy: 0.0,
            rotation: random.between(-3.0, 3.0),
        },
        home: None,
    }
}

#[allow(
    dead_code,
    reason = "some of those who use this file steer in a way of their own"
)]
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
