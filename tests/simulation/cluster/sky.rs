//! Small universes for simulations: close quarters, quick deaths, brisk markets.

use std::sync::Arc;

use orrery::ids::Name;
use orrery::universe::{Population, Spawn, Universe};

/// Two systems with stations and one without, the latter with room for few.
pub(crate) fn close_quarters() -> Arc<Universe> {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.weapon.damage = 34;
    universe.jump.ticks = 20;
    universe.economy.drift_ticks = 30;
    universe.npcs.pirate.respawn_ticks = 60;
    universe.npcs.pirate.bounty = 777;
    universe.npcs.station_peace = 50.0;
    universe.systems.truncate(2);
    for system in &mut universe.systems {
        system.half_extent = 2_600.0;
        let inside = |x: f32, y: f32, radius: f32| x.abs().max(y.abs()) + radius < 2_500.0;
        system
            .stations
            .retain(|station| inside(station.x, station.y, station.docking_radius));
        system.zones.retain(|zone| inside(zone.x, zone.y, 0.0));
        system.ambient.pvp_allowed = true;
        system.population = Population {
            pirates: 3,
            patrols: 1,
            traders: 2,
        };
    }
    let mut void = universe.systems[0].clone();
    void.id = Name::parse("void").expect("a name");
    void.stations.clear();
    void.zones.clear();
    void.population = Population::default();
    void.pilots_max = 3;
    universe.systems.push(void);
    Arc::new(universe)
}

/// The first of these systems alone.
pub(crate) fn one_system() -> Arc<Universe> {
    let mut universe = Universe::clone(&close_quarters());
    universe.systems.truncate(1);
    Arc::new(universe)
}

/// The same without ships that the server flies.
pub(crate) fn quiet_system() -> Arc<Universe> {
    let mut universe = Universe::clone(&one_system());
    universe.systems[0].population = Population::default();
    Arc::new(universe)
}

/// Close quarters, in whose second system crowds appear around the first station.
pub(crate) fn room_for_a_crowd(half_side: f32) -> Arc<Universe> {
    let mut universe = Universe::clone(&close_quarters());
    let system = &mut universe.systems[1];
    let (x, y) = (system.stations[0].x, system.stations[0].y);
    system.half_extent = 4_000.0;
    system.pilots_max = 5_000;
    system.spawn = Spawn::Area {
        min_x: x - half_side,
        min_y: y - half_side,
        max_x: x + half_side,
        max_y: y + half_side,
    };
    Arc::new(universe)
}

/// One empty system with room for a crowd, whose ships appear within a square of this half side.
pub(crate) fn crowded(half_side: f32) -> Arc<Universe> {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.systems.truncate(1);
    let system = &mut universe.systems[0];
    system.half_extent = 4_000.0;
    system.stations.truncate(1);
    system.stations[0].x = -3_000.0;
    system.stations[0].y = -3_000.0;
    system.zones.clear();
    system.population = Population::default();
    system.pilots_max = 5_000;
    system.spawn = Spawn::Area {
        min_x: -half_side,
        min_y: -half_side,
        max_x: half_side,
        max_y: half_side,
    };
    Arc::new(universe)
}
