//! What must hold for any bytes that are read as a universe file.
//!
//! Either they are refused with problems that stand in the file, or they give a universe whose
//! indices point somewhere, whose numbers are finite and in which a world ticks.

use std::sync::Arc;

use orrery::ids::SystemIndex;
use orrery::sim::World;
use orrery::universe::{PROBLEMS_MAX, System, Universe};

/// Panics if the property does not hold for these bytes.
pub(crate) fn check(bytes: &[u8]) {
    match Universe::load_bytes(bytes, "fuzzed.toml") {
        Err(error) => {
            assert!((1..=PROBLEMS_MAX).contains(&error.problems.len()));
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(
                error
                    .problems
                    .iter()
                    .all(|problem| (1..=lines).contains(&problem.line))
            );
            assert!(
                error
                    .problems
                    .iter()
                    .all(|problem| problem.column >= 1 && !problem.what.is_empty())
            );
            assert!(error.to_string().starts_with("fuzzed.toml:"));
        }
        Ok(universe) => inhabit(universe),
    }
}

fn inhabit(universe: Universe) {
    assert!(universe.commodity(universe.fuel).is_some() && !universe.systems.is_empty());
    for system in &universe.systems {
        assert_whole(system, &universe);
        let ids = system
            .stations
            .iter()
            .map(|station| system.station_index(station.id.as_str()));
        assert!(
            ids.enumerate()
                .all(|(place, index)| index.is_some_and(|index| usize::from(index.0) == place))
        );
    }
    let universe = Arc::new(universe);
    for index in 0..universe.systems.len().min(2) {
        let mut world = World::new(Arc::clone(&universe), SystemIndex(index as u16), 1, None);
        for _ in 0..3 {
            world.step(&mut Vec::new());
        }
        let entities = world.entities();
        let places = entities.xs().iter().chain(entities.ys());
        assert!(
            places
                .chain(entities.vxs())
                .chain(entities.vys())
                .all(|number| number.is_finite())
        );
    }
}

fn assert_whole(system: &System, universe: &Universe) {
    assert!(system.half_extent.is_finite() && system.half_extent > 0.0);
    for station in &system.stations {
        assert!(station.x.abs() <= system.half_extent && station.y.abs() <= system.half_extent);
        assert!(station.docking_radius > station.radius && station.radius > 0.0);
        assert!(
            station
                .market
                .iter()
                .all(|listing| universe.commodity(listing.commodity).is_some())
        );
        assert!(
            station
                .market
                .iter()
                .all(|listing| listing.base_price >= 2 && listing.stock_target >= 1)
        );
    }
    for zone in &system.zones {
        assert!(
            zone.radius > 0.0
                && [zone.x, zone.y, zone.radius]
                    .iter()
                    .all(|number| number.is_finite())
        );
        assert!(
            (0.0..=100.0).contains(&zone.risk_level)
                && (0.0..=100.0).contains(&zone.security_level)
        );
    }
}
