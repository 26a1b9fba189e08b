//! The chart of a system out of the universe: made once a system at the start, sent with each join.

use crate::ids::SystemIndex;
use crate::limits::TICK_RATE_HZ;
use crate::protocol::{ChartJump, ChartStation, ChartWeapon, Fixed2, Named, SystemChart};
use crate::universe::Universe;

/// What `session.joined` tells of a system; `None` for an index out of range.
///
/// Linear in the universe's stations, commodities and systems.
pub(super) fn chart(universe: &Universe, system: SystemIndex) -> Option<SystemChart> {
    let here = universe.systems.get(usize::from(system.0))?;
    let stations = here.stations.iter().map(|station| ChartStation {
        station_id: station.id.clone(),
        name: station.name.clone(),
        x: Fixed2::new(station.x),
        y: Fixed2::new(station.y),
        radius: Fixed2::new(station.radius),
        docking_radius: Fixed2::new(station.docking_radius),
        docking_speed_max: Fixed2::new(station.docking_speed_max),
        repair_price: station.repair_price,
    });
    let named = |id: &crate::ids::Name, name: &str| Named {
        id: id.clone(),
        name: name.to_owned(),
    };
    let commodities = universe.commodities.iter();
    let systems = universe.systems.iter();
    let weapon = &universe.weapon;
    Some(SystemChart {
        name: here.name.clone(),
        half_extent: Fixed2::new(here.half_extent),
        stations: stations.collect(),
        commodities: commodities.map(|one| named(&one.id, &one.name)).collect(),
        systems: systems.map(|one| named(&one.id, &one.name)).collect(),
        weapon: ChartWeapon {
            muzzle_speed: Fixed2::new(weapon.muzzle_speed),
            cooldown_ms: weapon.cooldown_ticks.saturating_mul(1000) / TICK_RATE_HZ,
            lifetime_ms: weapon.lifetime_ticks.saturating_mul(1000) / TICK_RATE_HZ,
        },
        jump: ChartJump {
            fuel: Fixed2::new(universe.jump.fuel),
            duration_ms: universe.jump.ticks.saturating_mul(1000) / TICK_RATE_HZ,
        },
    })
}
