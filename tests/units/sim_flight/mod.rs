//! What a pilot can count on: docking, firing, dying, coming back, being paid and being refused.

mod arriving;
mod contests;
use crate::units::crowd;
mod docking;
mod fighting;
mod flying;
mod repairing;
mod sanctuary;

use std::sync::Arc;

use orrery::ids::{Handle, SystemIndex};
use orrery::sim::{Command, EventKind, Place, World};
use orrery::universe::{Population, Universe};

pub(crate) use crowd::pilot;

pub(crate) const SOL: SystemIndex = SystemIndex(0);

/// The built-in universe without ships that the server flies.
pub(crate) fn quiet() -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    for system in &mut universe.systems {
        system.population = Population::default();
    }
    universe
}

pub(crate) fn world_of(universe: Universe) -> World {
    World::new(Arc::new(universe), SOL, 1, None)
}

pub(crate) fn world() -> World {
    world_of(quiet())
}

pub(crate) fn in_space(x: f32, y: f32, rotation: f32) -> Place {
    Place::Space {
        x,
        y,
        vx: 0.0,
        vy: 0.0,
        rotation,
    }
}

pub(crate) fn admit(world: &mut World, name: &str, place: Place) -> Handle {
    world.admit(&pilot(name, place)).expect("room")
}

pub(crate) fn steer(ship: Handle, seq: u64, thrust: f32, fire: bool, dock: bool) -> Command {
    Command::Steer {
        ship,
        seq,
        thrust,
        turn: 0.0,
        fire,
        dock,
    }
}

/// Whether something happened in the newest tick.
pub(crate) fn has_happened(world: &World, wanted: impl Fn(&EventKind) -> bool) -> bool {
    let mut events = world.outcome().events.iter();
    events.any(|event| wanted(&event.kind))
}

pub(crate) fn step(world: &mut World, commands: &[Command]) {
    let mut commands = commands.to_vec();
    world.step(&mut commands);
    assert!(commands.is_empty());
}

pub(crate) fn place_of(world: &World, ship: Handle) -> (f32, f32) {
    let row = world.entities().row(ship).expect("in space");
    (world.entities().xs()[row], world.entities().ys()[row])
}

/// Steps until something happens, at most `ticks` times.
pub(crate) fn step_until(world: &mut World, ticks: u32, mut done: impl FnMut(&World) -> bool) {
    for _ in 0..ticks {
        step(world, &[]);
        if done(world) {
            return;
        }
    }
    panic!("nothing came of {ticks} ticks");
}
