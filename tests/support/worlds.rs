//! Small universes in which what a test waits for happens at once.

/// Two systems with a free port each: `sol-1`, whose pilots appear inside the docking radius of
/// `alpha`, with `beta` out of reach, and `far-1` with `gamma`. Prices stand still.
pub(crate) const PORT: &str = r#"
name = "Port"
starting_credits = 1000

[[commodities]]
id = "fuel"
name = "Fuel"
base_price = 2

[[commodities]]
id = "food"
name = "Food"
base_price = 10

[[commodities]]
id = "water"
name = "Water"
base_price = 10

[[commodities]]
id = "gold"
name = "Gold"
base_price = 1000

[[commodities]]
id = "ore"
name = "Ore"
base_price = 10

[economy]
spread_permille = 100
swing_permille = 0
drift_permille = 0

[jump]
ticks = 15

[[systems]]
id = "sol-1"
name = "Sol"
half_extent = 3000.0
pilots_max = 1000

[systems.ambient]
risk_level = 0
security_level = 100
profit_multiplier = 1.0
pvp_allowed = false

[systems.spawn]
x = 0.0
y = 0.0
rotation = 0.0

[[systems.stations]]
id = "alpha"
name = "Alpha"
x = 0.0
y = 300.0
radius = 50.0
docking_radius = 600.0
docking_speed_max = 80.0
repair_price = 4
market = [
    { commodity = "fuel", stock = 10000 },
    { commodity = "food", stock = 30 },
    { commodity = "water", stock = 10000 },
    { commodity = "gold", stock = 100 },
]

[[systems.stations]]
id = "beta"
name = "Beta"
x = 2000.0
y = 0.0
radius = 50.0
docking_radius = 200.0
docking_speed_max = 80.0
repair_price = 4
market = [{ commodity = "ore", stock = 100 }]

[[systems]]
id = "far-1"
name = "Far"
half_extent = 2000.0
pilots_max = 1000

[systems.ambient]
risk_level = 0
security_level = 100
profit_multiplier = 1.0
pvp_allowed = false

[systems.spawn]
x = 900.0
y = 900.0
rotation = 0.0

[[systems.stations]]
id = "gamma"
name = "Gamma"
x = 0.0
y = 0.0
radius = 50.0
docking_radius = 200.0
docking_speed_max = 80.0
repair_price = 4
market = [{ commodity = "food", stock = 100 }]
"#;

/// A system of one station, `home`, whose docking radius holds the spawn; quick guns, and nobody
/// but pilots. `pvp` is the ambient's word, `zone` one more zone round the spawn.
pub(crate) fn arena(pvp: bool, zone: &str) -> String {
    format!(
        r#"
name = "Arena"
starting_credits = 1000

[[commodities]]
id = "fuel"
name = "Fuel"
base_price = 2

[[commodities]]
id = "food"
name = "Food"
base_price = 10

[economy]
swing_permille = 0
drift_permille = 0

[weapon]
cooldown_ticks = 3
lifetime_ticks = 20

[[systems]]
id = "sol-1"
name = "Arena"
half_extent = 1500.0
pilots_max = 100

[systems.ambient]
risk_level = 50
security_level = 0
profit_multiplier = 1.0
pvp_allowed = {pvp}

[systems.spawn]
x = 0.0
y = 0.0
rotation = 0.0

[[systems.stations]]
id = "home"
name = "Home"
x = 0.0
y = -200.0
radius = 40.0
docking_radius = 400.0
docking_speed_max = 80.0
repair_price = 4
market = [{{ commodity = "food", stock = 1000 }}]
{zone}
"#
    )
}

/// A zone round the arena's spawn in which pilots cannot harm each other.
pub(crate) const SANCTUARY: &str = r#"
[[systems.zones]]
id = "z_sanctuary"
zone_type = "sanctuary"
x = 0.0
y = 0.0
radius = 600.0
risk_level = 0
security_level = 100
profit_multiplier = 1.0
pvp_allowed = false
"#;

/// One pirate of a single hit's hull beside the spawn. Bounties count double everywhere.
pub(crate) const LAIR: &str = r#"
name = "Lair"
starting_credits = 1000

[[commodities]]
id = "fuel"
name = "Fuel"
base_price = 2

[ship]
hull_max = 1000

[weapon]
cooldown_ticks = 3
projectile_radius = 30.0
muzzle_speed = 900.0

[npcs]
station_peace = 0.0

[npcs.pirate]
hull_max = 12
throttle = 0.2
sense_radius = 2000.0
fire_range = 900.0
aim_error = 0.0
flee_hull = 0
bounty = 300

[[systems]]
id = "sol-1"
name = "Lair"
half_extent = 2000.0
pilots_max = 100

[systems.ambient]
risk_level = 90
security_level = 0
profit_multiplier = 2.0
pvp_allowed = true

[systems.spawn]
x = 0.0
y = 0.0
rotation = 0.0

[systems.population]
pirates = 1

[[systems.zones]]
id = "z_lair"
zone_type = "pirate_belt"
x = 700.0
y = 0.0
radius = 100.0
risk_level = 95
security_level = 0
profit_multiplier = 2.0
pvp_allowed = true
"#;

/// Two systems that take one pilot each.
pub(crate) fn tiny() -> String {
    PORT.replace("pilots_max = 1000", "pilots_max = 1")
}

/// [`PORT`] with so much traffic round the spawn that every delta is large, and none is thinned.
pub(crate) fn busy() -> String {
    let traffic = "[systems.population]\ntraders = 90\n\n[[systems.stations]]";
    PORT.replacen("[[systems.stations]]", traffic, 1)
}
