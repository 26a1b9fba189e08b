//! Universe files as an operator writes them: what is wrong is named by line and field, with what
//! to do; what is right is loaded as written. Each case edits the built-in file in one place, so
//! that the line to expect is found, not counted by hand.

use orrery::universe::{BUILT_IN, Spawn, Universe};

/// The line, from 1, on which the n-th occurrence of a text stands.
fn line_of(text: &str, part: &str, nth: usize) -> usize {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(part));
    lines
        .map(|(at, _)| at + 1)
        .nth(nth)
        .unwrap_or_else(|| panic!("{part} is not in the file"))
}

/// The problems of the built-in file with one text replaced at its first occurrence.
fn problems(from: &str, to: &str) -> (String, Vec<(usize, String, String)>) {
    assert!(BUILT_IN.contains(from), "the built-in file has no {from}");
    let text = BUILT_IN.replacen(from, to, 1);
    let Err(error) = Universe::load(&text, "my.toml") else {
        panic!("{from} -> {to} was accepted")
    };
    let list = error
        .problems
        .iter()
        .map(|p| (p.line, p.field.clone(), p.what.clone()));
    (error.to_string(), list.collect())
}

/// Asserts that an edit is refused at the line of `at`, naming `field` and saying `saying`.
fn refused(from: &str, to: &str, line: usize, field: &str, saying: &str) {
    let (text, found) = problems(from, to);
    let hit = found
        .iter()
        .any(|(l, f, what)| *l == line && f == field && what.contains(saying));
    assert!(hit, "expected line {line}, {field}, {saying}; got:\n{text}");
    assert!(text.starts_with("my.toml:"), "{text}");
}

#[test]
fn the_built_in_universe_keeps_the_protocols_promises() {
    let universe = Universe::built_in();
    let sol = &universe.systems[universe.system_index("sol-1").unwrap().0 as usize];
    let Spawn::Point { x, y, rotation } = sol.spawn else {
        panic!("sol-1 spawns at a point")
    };
    assert_eq!((x, y, rotation), (1200.0, 400.0, 1.57));
    let earth = &sol.stations[sol.station_index("earth-orbit-station").unwrap().0 as usize];
    assert_eq!(
        earth.id, sol.stations[0].id,
        "newcomers' home is the station that they spawn at"
    );
    let away = (earth.x - x).hypot(earth.y - y);
    assert!(away > earth.radius + universe.ship.radius && away < earth.docking_radius - 200.0);
    assert!(sol.station_index("mars-orbit-station").is_some() && sol.stations.len() >= 4);
    assert!(universe.commodities.len() >= 6 && universe.commodity_index("food").is_some());
    assert_eq!(universe.commodity_index("fuel"), Some(universe.fuel));
    let zone = sol
        .zones
        .iter()
        .find(|z| z.id.as_str() == "z_earth_approach")
        .unwrap();
    assert_eq!((zone.x, zone.y, zone.radius), (1200.0, 400.0, 900.0));
    assert_eq!(
        (zone.risk_level, zone.security_level, zone.profit_multiplier),
        (72.0, 35.0, 1.35)
    );
    assert!(zone.pvp_allowed && zone.zone_type.as_str() == "approach_high_value");
    let ambient = sol.ambient;
    assert_eq!(
        (
            ambient.risk_level,
            ambient.security_level,
            ambient.profit_multiplier
        ),
        (52.0, 20.0, 1.0)
    );
    assert!(sol.zones.iter().any(|z| !z.pvp_allowed) && universe.systems.len() >= 2);
    assert_eq!(
        (
            universe.starting_credits,
            universe.ship.hull_max,
            universe.weapon.damage
        ),
        (5000, 100, 12)
    );
    assert_eq!(
        (universe.ship.fuel_max, universe.ship.cargo_capacity),
        (100.0, 50)
    );
}

#[test]
fn earth_to_mars_takes_about_half_a_minute_and_a_full_tank_lasts_for_the_way_back() {
    let universe = Universe::built_in();
    let sol = &universe.systems[0];
    let (earth, mars) = (&sol.stations[0], &sol.stations[1]);
    let terminal = universe.ship.thrust_accel / universe.ship.drag;
    let seconds = (earth.x - mars.x).hypot(earth.y - mars.y) / terminal + 1.0 / universe.ship.drag;
    assert!(seconds < 60.0, "{seconds}");
    assert!(2.0 * seconds * universe.ship.fuel_burn < universe.ship.fuel_max);
}

#[test]
fn every_station_sells_fuel() {
    let universe = Universe::built_in();
    for station in universe.systems.iter().flat_map(|system| &system.stations) {
        assert!(
            station.market.iter().any(|l| l.commodity == universe.fuel),
            "{}",
            station.id
        );
    }
}

#[test]
fn numbers_out_of_their_bounds_are_refused_at_their_line() {
    let line = line_of(BUILT_IN, "thrust_accel = ", 0);
    for bad in ["nan", "inf", "-inf", "0.0", "-5", "1e300", "1e39"] {
        refused(
            "thrust_accel = 120.0",
            &format!("thrust_accel = {bad}"),
            line,
            "ship.thrust_accel",
            "more than 0",
        );
    }
    refused(
        "thrust_accel = 120.0",
        "thrust_accel = \"fast\"",
        line,
        "ship.thrust_accel",
        "must be a number, found string",
    );
    let line = line_of(BUILT_IN, "cargo_capacity", 0);
    for bad in ["0", "-1", "99999999999", "99999999999999999999"] {
        refused(
            "cargo_capacity = 50",
            &format!("cargo_capacity = {bad}"),
            line,
            "ship.cargo_capacity",
            "whole number",
        );
    }
    refused(
        "cargo_capacity = 50",
        "cargo_capacity = 50.5",
        line,
        "ship.cargo_capacity",
        "found float",
    );
    let line = line_of(BUILT_IN, "x = 1200.0", 1);
    let (from, to) = (
        "name = \"Earth Orbit\"\nx = 1200.0",
        "name = \"Earth Orbit\"\nx = nan",
    );
    refused(from, to, line, "systems[0].stations[0].x", "found nan");
}

#[test]
fn ids_are_unique_and_of_the_alphabet() {
    let line = line_of(BUILT_IN, "id = \"water\"", 0);
    refused(
        "id = \"water\"",
        "id = \"food\"",
        line,
        "commodities[2].id",
        "taken",
    );
    let line = line_of(BUILT_IN, "id = \"mars-orbit-station\"", 0);
    refused(
        "mars-orbit-station",
        "earth-orbit-station",
        line,
        "systems[0].stations[1].id",
        "taken",
    );
    refused(
        "mars-orbit-station",
        "mars orbit",
        line,
        "systems[0].stations[1].id",
        "may hold only",
    );
    for id in ["s_1", "npc_70", "pr_0"] {
        refused(
            "mars-orbit-station",
            id,
            line,
            "systems[0].stations[1].id",
            "is the id of a ship or a shot to come",
        );
    }
    let line = line_of(BUILT_IN, "z_luna_sanctuary", 0);
    refused(
        "z_luna_sanctuary",
        "z_earth_approach",
        line,
        "systems[0].zones[1].id",
        "taken",
    );
    let line = line_of(BUILT_IN, "proxima-1", 0);
    refused(
        "id = \"proxima-1\"",
        "id = \"sol-1\"",
        line,
        "systems[1].id",
        "taken",
    );
}

#[test]
fn a_market_names_commodities_that_exist_once_each() {
    let line = line_of(BUILT_IN, "commodity = \"ore\"", 0);
    let field = "systems[0].stations[0].market[3].commodity";
    refused(
        "{ commodity = \"ore\"",
        "{ commodity = \"gold\"",
        line,
        field,
        "no commodity has the id `gold`",
    );
    refused(
        "{ commodity = \"ore\"",
        "{ commodity = \"food\"",
        line,
        field,
        "twice",
    );
}

#[test]
fn a_market_too_thin_for_its_spread_is_refused() {
    let line = line_of(BUILT_IN, "price = 20, stock = 2000", 0);
    let field = "systems[0].stations[0].market[3].stock";
    refused(
        "price = 20, stock = 2000",
        "price = 20, stock = 200",
        line,
        field,
        "trading in circles",
    );
}

#[test]
fn fuel_must_exist() {
    let line = line_of(BUILT_IN, "[[commodities]]", 0);
    refused(
        "id = \"fuel\"",
        "id = \"fool\"",
        line,
        "commodities",
        "with the id `fuel`",
    );
}

#[test]
fn stations_lie_inside_apart_and_with_room_to_dock() {
    let line = line_of(BUILT_IN, "x = 8600.0", 0);
    refused(
        "x = 8600.0",
        "x = 11990.0",
        line,
        "systems[0].stations[1].x",
        "outside the system",
    );
    refused(
        "x = 8600.0\ny = 5400.0",
        "x = 1250.0\ny = 240.0",
        line,
        "systems[0].stations[1].x",
        "overlaps `earth-orbit-station`",
    );
    let line = line_of(BUILT_IN, "docking_radius = 360.0", 0);
    let field = "systems[0].stations[1].docking_radius";
    refused(
        "docking_radius = 360.0",
        "docking_radius = 60.0",
        line,
        field,
        "must be at least 84",
    );
}

#[test]
fn zones_lie_inside_and_do_not_pile_up() {
    let line = line_of(BUILT_IN, "x = 5000.0", 0);
    refused(
        "x = 5000.0",
        "x = 50000.0",
        line,
        "systems[0].zones[3].x",
        "outside the system",
    );
    let zone = |n: usize| {
        format!(
            "[[systems.zones]]\nid = \"pile-{n}\"\nzone_type = \"pile\"\nx = {}\ny = 6000\nradius = 500\n\
             risk_level = 1\nsecurity_level = 1\npvp_allowed = true\n\n",
            -6000 + 50 * n as i32
        )
    };
    let marker = "[[systems.zones]]\nid = \"z_luna_sanctuary\"";
    let eight: String = (0..8).map(zone).collect();
    let fits = BUILT_IN.replacen(marker, &format!("{eight}{marker}"), 1);
    Universe::load(&fits, "my.toml").unwrap_or_else(|error| panic!("{error}"));
    let nine: String = (0..9).map(zone).collect();
    let (text, _) = problems(marker, &format!("{nine}{marker}"));
    assert!(text.contains("more than 8 zones"), "{text}");
}

#[test]
fn the_spawn_is_inside_the_system_and_outside_stations() {
    let line = line_of(BUILT_IN, "[systems.spawn]", 0);
    refused(
        "y = 400.0\nrotation",
        "y = 300.0\nrotation",
        line,
        "systems[0].spawn",
        "inside the station `earth-orbit-station`",
    );
    refused(
        "y = 400.0\nrotation",
        "y = 40000.0\nrotation",
        line,
        "systems[0].spawn",
        "outside the system",
    );
    let area = |area: &str| format!("{area}\n[systems.population]");
    let from = "x = 1200.0\ny = 400.0\nrotation = 1.57\n\n[systems.population]";
    refused(
        from,
        &area("min_x = 0\nmax_x = 0\nmin_y = 0\nmax_y = 50"),
        line,
        "systems[0].spawn",
        "wide and high",
    );
    refused(
        from,
        &area("min_x = 0\nmax_x = 2000\nmin_y = 0\nmax_y = 900"),
        line,
        "systems[0].spawn",
        "touches the station",
    );
    refused(
        from,
        &area("min_x = 0\nmax_x = 13000\nmin_y = 600\nmax_y = 900"),
        line,
        "systems[0].spawn",
        "outside the system",
    );
    refused(
        from,
        &area("min_x = 0\nmax_x = 100\nmin_y = 600"),
        line,
        "systems[0].spawn.max_y",
        "is missing",
    );
}

#[test]
fn a_misspelt_field_is_told_its_neighbour() {
    let line = line_of(BUILT_IN, "docking_radius", 0);
    let field = "systems[0].stations[0].docking_raduis";
    refused(
        "docking_radius = 420.0",
        "docking_raduis = 420.0",
        line,
        field,
        "did you mean `docking_radius`?",
    );
    let line = line_of(BUILT_IN, "starting_credits", 0);
    refused(
        "starting_credits = 5000",
        "lasers = 5000",
        line,
        "lasers",
        "known here: name,",
    );
}

#[test]
fn missing_fields_name_themselves() {
    let line = line_of(BUILT_IN, "[[systems.stations]]", 0);
    refused(
        "radius = 70.0\n",
        "",
        line,
        "systems[0].stations[0].radius",
        "is missing",
    );
    let line = line_of(BUILT_IN, "[[systems]]", 0);
    refused(
        "half_extent = 12000.0\n",
        "",
        line,
        "systems[0].half_extent",
        "is missing",
    );
}

#[test]
fn several_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = BUILT_IN
        .replacen("turn_rate = 3.0", "turn_rate = -3.0", 1)
        .replacen("\"z_luna_sanctuary\"", "\"\"", 1)
        .replacen("radius = 70.0", "radius = true", 1);
    let error = Universe::load(&text, "my.toml").unwrap_err();
    let fields: Vec<&str> = error.problems.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "ship.turn_rate",
            "systems[0].stations[0].radius",
            "systems[0].zones[1].id"
        ]
    );
}

#[test]
fn the_summary_counts_what_the_file_holds() {
    let text = Universe::built_in().summary().to_string();
    assert!(
        text.starts_with("Sol and Proxima: 2 systems, 8 commodities\n  sol-1 "),
        "{text}"
    );
    assert!(text.contains("5 stations, 8 zones, 14 pirates"), "{text}");
}

#[test]
fn a_jump_burns_at_most_a_tank_and_takes_at_most_five_minutes() {
    let line = line_of(BUILT_IN, "fuel = 20.0", 0);
    refused(
        "fuel = 20.0",
        "fuel = 100.5",
        line,
        "jump.fuel",
        "from 0 to 100",
    );
    refused(
        "fuel = 20.0",
        "fuel = -1",
        line,
        "jump.fuel",
        "from 0 to 100",
    );
    let both = "fuel = 20.0\nticks = 300";
    for ticks in ["-1", "9001", "3.5"] {
        let to = format!("fuel = 20.0\nticks = {ticks}");
        refused(both, &to, line + 1, "jump.ticks", "whole number");
    }
    let to = "fuel = 20.0\ntick = 300";
    refused(both, to, line + 1, "jump.tick", "did you mean `ticks`");
}

#[test]
fn a_file_that_says_nothing_of_jumps_has_the_houses_within_its_own_tank() {
    let section = "[jump]\nfuel = 20.0\nticks = 300\n";
    assert!(BUILT_IN.contains(section));
    let silent = BUILT_IN.replacen(section, "", 1);
    let house = Universe::load(&silent, "my.toml").unwrap().jump;
    assert_eq!(house, Universe::built_in().jump);
    assert_eq!((house.fuel.to_bits(), house.ticks), (20_f32.to_bits(), 300));
    let small = silent.replacen("fuel_max = 100.0", "fuel_max = 10.0", 1);
    let jump = Universe::load(&small, "my.toml").unwrap().jump;
    assert_eq!(jump.fuel.to_bits(), 10_f32.to_bits());
}
