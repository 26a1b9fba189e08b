//! From text to a [`Universe`]: every table, field by field.
//!
//! Owns the layout of a universe file and its defaults. Reads all of it before it gives a verdict,
//! so that an operator repairs many problems at once; what spans several fields is checked by
//! `check`, system by system, once each field on its own is good.

use toml::de::DeTable;

use super::check;
use super::classes::{read_economy, read_jump, read_npcs, read_ship, read_weapon};
use super::error::{ProblemReport, UniverseError};
use super::model::{
    Ambient, Commodity, Listing, Population, Spawn, Station, System, Universe, Zone,
};
use super::section::{Section, TextSpan};
use crate::ids::{CommodityIndex, EntityKind, Name};
use crate::limits::{
    COMMODITIES_MAX, HALF_EXTENT_MAX, NPCS_OF_KIND_MAX, PILOTS_MAX, PRICE_MAX, STATIONS_MAX,
    STOCK_MAX, SYSTEMS_MAX, UNIVERSE_BYTES_MAX, ZONES_MAX,
};

/// The id of the commodity that fills tanks.
pub const FUEL_ID: &str = "fuel";

/// A placeholder id for entries whose own is unusable; the report already refuses the file.
const UNREADABLE: &str = "unreadable";

pub(super) fn load(text: &str, file: &str) -> Result<Universe, UniverseError> {
    let mut report = ProblemReport::new(text, file);
    if text.len() > UNIVERSE_BYTES_MAX {
        let what = format!(
            "has {} bytes, at most {UNIVERSE_BYTES_MAX} are read",
            text.len()
        );
        report.problem(0, "", what);
        return report.close(None);
    }
    if text.trim().is_empty() {
        let what = "is empty; start from the output of `orrery world show`";
        report.problem(0, "", what);
        return report.close(None);
    }
    if let Some(at) = text
        .bytes()
        .position(|byte| byte < b' ' && !b"\t\r\n".contains(&byte))
    {
        let what = "holds a control character; a universe file is TOML text";
        report.problem(at, "", what);
        return report.close(None);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        report.problem(at, "", format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return report.close(None);
    }
    let root = Section::new(document.get_ref(), 0, String::new());
    let universe = read_universe(root, &mut report);
    report.close(Some(universe))
}

fn read_universe(mut root: Section<'_, '_>, report: &mut ProblemReport<'_>) -> Universe {
    let name = root.title(report, "name");
    let starting_credits =
        root.whole_number(report, "starting_credits", 0..=1_000_000_000, Some(5000));
    let commodities = read_commodities(&mut root, report);
    let fuel = commodities
        .iter()
        .position(|commodity| commodity.id.as_str() == FUEL_ID);
    if fuel.is_none() {
        let what =
            format!("must hold one with the id `{FUEL_ID}`: it is what tanks are filled with");
        report.problem(root.at("commodities"), "commodities", what);
    }
    let economy = read_economy(root.section(report, "economy"), report);
    let ship = read_ship(root.section(report, "ship"), report);
    let weapon = read_weapon(root.section(report, "weapon"), report);
    let npcs = read_npcs(root.section(report, "npcs"), &weapon, report);
    let jump = read_jump(root.section(report, "jump"), &ship, report);
    let fuel = CommodityIndex(fuel.unwrap_or(0) as u16);
    let mut universe = Universe {
        name,
        starting_credits,
        commodities,
        fuel,
        economy,
        ship,
        weapon,
        npcs,
        jump,
        systems: Vec::new(),
    };
    let entries = root.list(report, "systems", SYSTEMS_MAX);
    if entries.is_empty() {
        report.problem(
            root.at("systems"),
            "systems",
            "is missing; add at least one [[systems]]",
        );
    }
    for entry in entries {
        let (at, field) = (entry.at("id"), entry.field("id"));
        let system = read_system(entry, &universe, report);
        if universe.systems.iter().any(|other| other.id == system.id) {
            report.problem(
                at,
                field,
                format!(
                    "`{}` is taken by an earlier system; ids are unique",
                    system.id
                ),
            );
        }
        universe.systems.push(system);
    }
    root.close(report);
    universe
}

fn read_commodities(root: &mut Section<'_, '_>, report: &mut ProblemReport<'_>) -> Vec<Commodity> {
    let mut commodities: Vec<Commodity> = Vec::new();
    for mut entry in root.list(report, "commodities", COMMODITIES_MAX) {
        let id = read_id(
            &mut entry,
            report,
            "id",
            "commodity",
            commodities.iter().map(|known| &known.id),
        );
        let name = entry.title(report, "name");
        let base_price = entry.whole_number(report, "base_price", 2..=PRICE_MAX, None);
        entry.close(report);
        commodities.push(Commodity {
            id,
            name,
            base_price,
        });
    }
    commodities
}

/// An id that no earlier entry has.
fn read_id<'n>(
    entry: &mut Section<'_, '_>,
    report: &mut ProblemReport<'_>,
    key: &'static str,
    what: &str,
    mut earlier: impl Iterator<Item = &'n Name>,
) -> Name {
    let id = entry.name(report, key);
    if let Some(id) = &id
        && earlier.any(|known| known == id)
    {
        let problem = format!("`{id}` is taken by an earlier {what}; ids are unique");
        report.problem(entry.at(key), entry.field(key), problem);
    }
    id.unwrap_or_else(unreadable)
}

fn unreadable() -> Name {
    #[expect(clippy::expect_used, reason = "a constant that the alphabet allows")]
    Name::parse(UNREADABLE).expect("the placeholder is a name")
}

fn read_system(
    mut s: Section<'_, '_>,
    universe: &Universe,
    report: &mut ProblemReport<'_>,
) -> System {
    let problems_before = report.count();
    let id = s.name(report, "id").unwrap_or_else(unreadable);
    let name = s.title(report, "name");
    let half_extent = s.number(
        report,
        "half_extent",
        TextSpan::Within(100.0, HALF_EXTENT_MAX),
        None,
    );
    let pilots_max =
        s.whole_number(report, "pilots_max", 1..=i64::from(PILOTS_MAX), Some(2000)) as u32;
    let ambient = read_ambient(&mut s, report);
    let spawn = read_spawn(&mut s, report);
    let population = read_population(s.section(report, "population"), report);
    let mut places = check::Places {
        spawn: s.at("spawn"),
        spawn_field: s.field("spawn"),
        ..check::Places::default()
    };
    let mut stations: Vec<Station> = Vec::new();
    for entry in s.list(report, "stations", STATIONS_MAX) {
        places.stations.push(place_of(&entry));
        let station = read_station(entry, universe, &stations, report);
        stations.push(station);
    }
    let mut zones: Vec<Zone> = Vec::new();
    for entry in s.list(report, "zones", ZONES_MAX) {
        places.zones.push(place_of(&entry));
        let zone = read_zone(entry, &zones, report);
        zones.push(zone);
    }
    s.close(report);
    let system = System {
        id,
        name,
        half_extent,
        ambient,
        spawn,
        pilots_max,
        stations,
        zones,
        population,
    };
    if report.count() == problems_before {
        check::system(&system, universe, &places, report);
    }
    system
}

fn place_of(entry: &Section<'_, '_>) -> check::CheckedPlace {
    check::CheckedPlace {
        x: entry.at("x"),
        docking_radius: entry.at("docking_radius"),
        path: entry.field(""),
    }
}

fn read_ambient(system: &mut Section<'_, '_>, report: &mut ProblemReport<'_>) -> Ambient {
    let Some(mut s) = system.section(report, "ambient") else {
        return Ambient {
            risk_level: 0.0,
            security_level: 0.0,
            profit_multiplier: 1.0,
            pvp_allowed: true,
        };
    };
    let ambient = Ambient {
        risk_level: s.number(report, "risk_level", TextSpan::Within(0.0, 100.0), None),
        security_level: s.number(report, "security_level", TextSpan::Within(0.0, 100.0), None),
        profit_multiplier: s.number(
            report,
            "profit_multiplier",
            TextSpan::Within(0.0, 100.0),
            None,
        ),
        pvp_allowed: s.flag(report, "pvp_allowed"),
    };
    s.close(report);
    ambient
}

fn read_spawn(system: &mut Section<'_, '_>, report: &mut ProblemReport<'_>) -> Spawn {
    let any = TextSpan::Within(-HALF_EXTENT_MAX, HALF_EXTENT_MAX);
    let Some(mut s) = system.section(report, "spawn") else {
        if !system.has("spawn") {
            let what = "is missing; give x, y, rotation, or min_x, min_y, max_x, max_y";
            report.problem(system.start, system.field("spawn"), what);
        }
        return Spawn::Point {
            x: 0.0,
            y: 0.0,
            rotation: 0.0,
        };
    };
    let spawn = if s.has("min_x") || s.has("max_x") || s.has("min_y") || s.has("max_y") {
        Spawn::Area {
            min_x: s.number(report, "min_x", any, None),
            min_y: s.number(report, "min_y", any, None),
            max_x: s.number(report, "max_x", any, None),
            max_y: s.number(report, "max_y", any, None),
        }
    } else {
        let half_turn = std::f32::consts::PI;
        Spawn::Point {
            x: s.number(report, "x", any, None),
            y: s.number(report, "y", any, None),
            rotation: s.number(
                report,
                "rotation",
                TextSpan::Within(-half_turn, half_turn),
                Some(0.0),
            ),
        }
    };
    s.close(report);
    spawn
}

fn read_population(section: Option<Section<'_, '_>>, report: &mut ProblemReport<'_>) -> Population {
    let Some(mut s) = section else {
        return Population::default();
    };
    let allowed = 0..=i64::from(NPCS_OF_KIND_MAX);
    let population = Population {
        pirates: s.whole_number(report, "pirates", allowed.clone(), Some(0)) as u32,
        patrols: s.whole_number(report, "patrols", allowed.clone(), Some(0)) as u32,
        traders: s.whole_number(report, "traders", allowed, Some(0)) as u32,
    };
    s.close(report);
    population
}

fn read_station(
    mut s: Section<'_, '_>,
    universe: &Universe,
    earlier: &[Station],
    report: &mut ProblemReport<'_>,
) -> Station {
    let any = TextSpan::Within(-HALF_EXTENT_MAX, HALF_EXTENT_MAX);
    let station = Station {
        id: read_station_id(&mut s, earlier, report),
        name: s.title(report, "name"),
        x: s.number(report, "x", any, None),
        y: s.number(report, "y", any, None),
        radius: s.number(report, "radius", TextSpan::Positive(5000.0), None),
        docking_radius: s.number(report, "docking_radius", TextSpan::Positive(10_000.0), None),
        docking_speed_max: s.number(
            report,
            "docking_speed_max",
            TextSpan::Positive(10_000.0),
            Some(60.0),
        ),
        repair_price: s.whole_number(report, "repair_price", 1..=PRICE_MAX, Some(1)),
        market: read_market(&mut s, universe, report),
    };
    s.close(report);
    station
}

/// A station's id, which stands among the ids of ships and shots on the wire.
fn read_station_id(
    s: &mut Section<'_, '_>,
    earlier: &[Station],
    report: &mut ProblemReport<'_>,
) -> Name {
    let known = earlier.iter().map(|known| &known.id);
    let id = read_id(s, report, "id", "station", known);
    let numbered = [
        EntityKind::PlayerShip,
        EntityKind::Pirate,
        EntityKind::Projectile,
    ];
    let is_numbered = numbered.iter().any(|kind| {
        let digits = id
            .as_str()
            .strip_prefix(kind.id_prefix())
            .unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_numbered {
        let what = format!("`{id}` is the id of a ship or a shot to come; choose another");
        report.problem(s.at("id"), s.field("id"), what);
    }
    id
}

fn read_market(
    station: &mut Section<'_, '_>,
    universe: &Universe,
    report: &mut ProblemReport<'_>,
) -> Vec<Listing> {
    let mut market: Vec<Listing> = Vec::new();
    for mut s in station.list(report, "market", COMMODITIES_MAX) {
        let named = s.name(report, "commodity");
        let commodity = named
            .as_ref()
            .and_then(|id| universe.commodity_index(id.as_str()));
        if let (Some(id), None) = (&named, commodity) {
            let what =
                format!("no commodity has the id `{id}`; add it to [[commodities]] or correct it");
            report.problem(s.at("commodity"), s.field("commodity"), what);
        }
        let index = commodity.unwrap_or(CommodityIndex(0));
        if commodity.is_some() && market.iter().any(|known| known.commodity == index) {
            let what = "is listed twice at this station; keep one of the lines";
            report.problem(s.at("commodity"), s.field("commodity"), what);
        }
        let usual = universe
            .commodity(index)
            .map_or(2, |known| known.base_price);
        let base_price = s.whole_number(report, "price", 2..=PRICE_MAX, Some(usual));
        let problems_before = report.count();
        let stock_target = s.whole_number(report, "stock", 1..=STOCK_MAX / 4, None);
        let is_number = report.count() == problems_before;
        let steady = check::steady_stock(universe);
        if commodity.is_some() && index != universe.fuel && is_number && stock_target < steady {
            let what = format!(
                "must be at least {steady}, found {stock_target}: with less, one full hold moves the price \
                 past its own spread and money can be made by trading in circles"
            );
            report.problem(s.at("stock"), s.field("stock"), what);
        }
        s.close(report);
        market.push(Listing {
            commodity: index,
            base_price,
            stock_target,
        });
    }
    market
}

fn read_zone(mut s: Section<'_, '_>, earlier: &[Zone], report: &mut ProblemReport<'_>) -> Zone {
    let any = TextSpan::Within(-HALF_EXTENT_MAX, HALF_EXTENT_MAX);
    let zone = Zone {
        id: read_id(
            &mut s,
            report,
            "id",
            "zone",
            earlier.iter().map(|known| &known.id),
        ),
        zone_type: s.name(report, "zone_type").unwrap_or_else(unreadable),
        x: s.number(report, "x", any, None),
        y: s.number(report, "y", any, None),
        radius: s.number(report, "radius", TextSpan::Positive(HALF_EXTENT_MAX), None),
        risk_level: s.number(report, "risk_level", TextSpan::Within(0.0, 100.0), None),
        security_level: s.number(report, "security_level", TextSpan::Within(0.0, 100.0), None),
        profit_multiplier: s.number(
            report,
            "profit_multiplier",
            TextSpan::Within(0.0, 100.0),
            Some(1.0),
        ),
        pvp_allowed: s.flag(report, "pvp_allowed"),
    };
    s.close(report);
    zone
}
