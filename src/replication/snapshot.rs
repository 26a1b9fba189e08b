//! The parts of a snapshot that are the same for everybody in a system: markets and zones.
//!
//! Encoded at most once a tick, and only in ticks whose frame carries a snapshot for somebody.

use super::viewer::Scene;
use crate::ids::StationIndex;
use crate::protocol::Fixed2;
use crate::protocol::row::append_array;
use crate::protocol::world::{Market, Point, Price, Zone};
use crate::sim::World;

/// Appends every station's prices as `[{…},…]`.
pub(super) fn markets(world: &World, scene: Scene<'_>, out: &mut Vec<u8>) {
    let stations = scene.system.stations.iter().enumerate();
    let markets = stations.map(|(index, station)| Market {
        station_id: station.id.clone(),
        prices: prices(world, scene, StationIndex(index as u16)),
    });
    append_array(&markets.collect::<Vec<_>>(), out);
}

fn prices(world: &World, scene: Scene<'_>, station: StationIndex) -> Vec<Price> {
    let lines = world.market().lines(station);
    let known = lines.filter_map(|line| Some((scene.universe.commodity(line.commodity)?, line)));
    let prices = known.map(|(commodity, line)| Price {
        commodity_id: commodity.id.clone(),
        buy: line.quote.buy,
        sell: line.quote.sell,
        stock: Some(line.stock),
    });
    prices.collect()
}

/// Appends every zone of the system as `[{…},…]`.
pub(super) fn zones(scene: Scene<'_>, out: &mut Vec<u8>) {
    let zones = scene.system.zones.iter().map(|zone| Zone {
        zone_id: zone.id.clone(),
        zone_type: zone.zone_type.clone(),
        center: Point {
            x: Fixed2::new(zone.x),
            y: Fixed2::new(zone.y),
        },
        radius: Fixed2::new(zone.radius),
        risk_level: Fixed2::new(zone.risk_level),
        security_level: Fixed2::new(zone.security_level),
        profit_multiplier: Fixed2::new(zone.profit_multiplier),
        pvp_allowed: zone.pvp_allowed,
    });
    append_array(&zones.collect::<Vec<_>>(), out);
}
