//! The page in a real browser against the real program: what a newcomer does in the first minutes.

mod access;
mod hands;
mod rig;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rig::{Page, Server, SlowLine, browser};

const FLYING: &str =
    "orrery.link.state === 'flying' && orrery.game.prediction.ready && orrery.game.world.tick > 0";

/// Where pictures go: `target/tmp/page`, or the folder that `PAGE_SHOTS` names.
fn shots() -> PathBuf {
    let named = std::env::var_os("PAGE_SHOTS").map(PathBuf::from);
    named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("page"))
}

/// The built-in universe, changed.
fn universe(folder: &Path, changes: &[(&str, &str)]) -> PathBuf {
    let mut text = include_str!("../../../src/universe/builtin.toml").to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "the built-in universe has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    let path = folder.join("universe.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn begin(page: &mut Page) {
    page.wait(FLYING);
    page.wait("document.getElementById('help').open");
    page.tap("Enter");
    page.wait("!document.getElementById('help').open");
}

fn dock(page: &mut Page) {
    page.tap("KeyE");
    page.wait("orrery.game.world.you.docked_at === 'earth-orbit-station'");
    page.wait("!document.getElementById('station').hidden && document.querySelectorAll('#market tr').length >= 6");
}

/// Presses the button that an expression finds, by keyboard alone, and returns what is said of it.
fn act(page: &mut Page, button: &str) -> String {
    page.wait("!document.getElementById('station').hidden");
    page.wait(&format!("!({button}).disabled"));
    page.value(&format!(
        "document.getElementById('result').textContent = ''; ({button}).focus()"
    ));
    page.tap("Enter");
    page.wait("document.getElementById('result').textContent.includes('cr')");
    page.text("document.getElementById('result').textContent")
}

fn credits(page: &mut Page) -> f64 {
    page.number("orrery.game.world.you.credits")
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_newcomer_flies_docks_trades_and_outlives_a_restart() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("page.db");
    let server = Server::start(&database, None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    page.picture(&shots().join("arrival.webp"));

    let before = page.number("orrery.game.prediction.served.y");
    page.press("KeyW");
    page.wait(&format!("orrery.game.prediction.served.y > {before} + 60"));
    page.picture(&shots().join("flight.webp"));
    page.release("KeyW");

    dock(&mut page);
    let at_first = credits(&mut page);
    let bought = act(&mut page, "document.querySelector('#market tr button')");
    assert!(bought.starts_with("Bought 5 "), "{bought}");
    assert!(credits(&mut page) < at_first);
    page.picture(&shots().join("market.webp"));
    let refuelled = act(&mut page, "document.getElementById('refuel')");
    assert!(refuelled.starts_with("Took on "), "{refuelled}");
    let between = credits(&mut page);
    let sold = act(
        &mut page,
        "document.querySelectorAll('#market tr button')[1]",
    );
    assert!(sold.starts_with("Sold 5 "), "{sold}");
    let at_last = credits(&mut page);
    assert!(
        at_last > between && at_last < at_first,
        "{at_first} {between} {at_last}"
    );
    assert_eq!(page.complaints, Vec::<String>::new());

    let listen = server.kill();
    page.wait("orrery.link.state === 'waiting' && !document.getElementById('banner').hidden");
    let _server = Server::start(&database, Some(listen), None);
    page.wait(FLYING);
    page.wait("document.getElementById('banner').hidden");
    page.wait("orrery.game.world.you.docked_at === 'earth-orbit-station'");
    assert!((credits(&mut page) - at_last).abs() < 0.5);
    page.press("KeyW");
    page.wait("orrery.game.world.you.docked_at === null");
    page.release("KeyW");
}

/// A pilot's hand on the stick: to the home station, and to its dock.
const HOMEWARD: &str = "orrery.steering.sources.push({ read: (intent) => { \
    const home = orrery.game.world.stations.get('earth-orbit-station'); const ship = orrery.game.prediction.shown; \
    const away = Math.hypot(home.x - ship.x, home.y - ship.y); \
    if (away < home.docking_radius * 0.8) { orrery.steering.docking = true; orrery.steering.dockTarget = { ...home, reach: home.docking_radius, speedMax: home.docking_speed_max }; return } \
    intent.heading = Math.atan2(home.y - ship.y, home.x - ship.x); intent.headingBurn = away > 500 ? 1 : 0.4 } }); 0";

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_pilot_under_fire_is_told_and_is_repaired_at_a_station() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let world = universe(
        folder.path(),
        &[
            ("station_peace = 500.0", "station_peace = 0.0"),
            ("docking_radius = 420.0", "docking_radius = 180.0"),
            ("y = 400.0\nrotation", "y = 1000.0\nrotation"),
            ("sense_radius = 900.0", "sense_radius = 3000.0"),
            ("risk_level = 72", "risk_level = 100"),
            ("pirates = 14", "pirates = 30"),
            ("patrols = 8", "patrols = 0"),
        ],
    );
    let server = Server::start(&folder.path().join("page.db"), None, Some(&world));
    let mut page = browser.open(&server.page());
    begin(&mut page);
    page.wait("orrery.game.world.you.hull < 100");
    page.wait("document.getElementById('log').textContent.includes('hits you')");
    page.picture(&shots().join("under-fire.webp"));
    page.value(HOMEWARD);
    page.wait("orrery.game.world.you.docked_at === 'earth-orbit-station'");
    if page.value("orrery.game.world.you.hull < 100") == true {
        let repaired = act(&mut page, "document.getElementById('repair')");
        assert!(repaired.starts_with("Repaired "), "{repaired}");
        page.wait("orrery.game.world.you.hull === 100");
    }
    assert_eq!(page.complaints, Vec::<String>::new());
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_jump_is_told_with_a_countdown_and_the_line_holds() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let jump = ("fuel = 20.0\nticks = 300", "fuel = 20.0\nticks = 90");
    let world = universe(folder.path(), &[jump]);
    let server = Server::start(&folder.path().join("page.db"), None, Some(&world));
    let mut page = browser.open(&server.page());
    begin(&mut page);
    dock(&mut page);
    let offer = page.text("document.getElementById('jumps').textContent");
    assert_eq!(offer, "Fly (20 fuel, 3 s) toProxima");
    page.value(
        "globalThis.socket = orrery.link.socket; document.querySelector('#jumps button').click()",
    );
    page.wait("document.getElementById('banner').textContent.includes('Jumping to Proxima: 2 s')");
    page.wait(
        "!document.getElementById('banner').hidden && document.getElementById('station').hidden",
    );
    page.wait("orrery.game.world.systemId === 'proxima-1' && orrery.game.prediction.ready");
    page.wait("document.getElementById('banner').hidden");
    page.wait("orrery.game.world.you.docked_at === 'proxima-gate'");
    assert_eq!(page.value("orrery.link.socket === globalThis.socket"), true);
    assert!((page.number("orrery.game.world.you.fuel") - 80.0).abs() < 0.01);
    assert_eq!(page.complaints, Vec::<String>::new());
}

/// Collects, at every served tick, how far the prediction for it had been off.
const WATCH: &str = "globalThis.off = []; (() => { const p = orrery.game.prediction; const serve = p.serve.bind(p); \
    p.serve = (...told) => { serve(...told); off.push(p.errorUnits) } })()";

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn the_own_ship_is_where_it_was_predicted_with_100_ms_of_added_delay() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let line = SlowLine::before(server.listen, Duration::from_millis(50));
    let mut page = browser.open(&format!("http://{}/", line.listen));
    begin(&mut page);
    page.wait("orrery.game.clock.rttMs >= 95");
    page.value(WATCH);
    page.wait("off.length > 60");
    let at_rest = page.number("Math.max(...off)");
    page.press("KeyW");
    page.value("off.length = 0");
    page.wait("off.length > 120");
    let at_thrust = page.number("Math.max(...off)");
    page.press("KeyA");
    page.value("off.length = 0");
    page.wait("off.length > 60");
    let turning = page.number("Math.max(...off)");
    page.release("KeyA");
    page.release("KeyW");
    println!(
        "predicted against served, worst of each: at rest {at_rest:.3} u, full thrust {at_thrust:.3} u, turning {turning:.3} u"
    );
    assert!(at_rest < 2.0 && at_thrust < 10.0 && turning < 10.0);
    assert_eq!(page.complaints, Vec::<String>::new());
}

/// A thousand ships of every kind about the own one, all inside the picture, in every message.
const CROWD: &str = "(() => { const { game } = orrery; const receive = game.receive.bind(game); \
    const kinds = ['pirate', 'patrol', 'trader', 'player_ship']; \
    game.receive = (message) => { \
        const rows = message.payload.entity_updates ?? message.payload.entities; \
        if (rows) { const { x, y } = game.prediction.served; \
            for (let i = 0; i < 1000; i += 1) { \
                const a = i * i * 0.7 + (message.payload.tick / 30) * (0.1 + (i % 7) / 30); \
                rows.push({ id: `crowd_${i}`, kind: kinds[i % 4], x: x + Math.cos(a) * (30 + i * 0.58), y: y + Math.sin(a) * (30 + i * 0.3), \
                    vx: -60 * Math.sin(a), vy: 60 * Math.cos(a), r: Math.atan2(Math.cos(a), -Math.sin(a)), hp: 100 }) } } \
        receive(message) } })()";

/// Meant to be run alone on a quiet machine, with `--nocapture`.
#[test]
#[ignore = "measures"]
fn a_thousand_ships_are_drawn_in_time() {
    let browser = browser(&["--disable-frame-rate-limit", "--disable-gpu-vsync"]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    page.value(CROWD);
    page.wait("orrery.frameCost().ships >= 990");
    // The silhouettes are turned and the frames before them forgotten.
    page.value("globalThis.until = performance.now() + 12000");
    page.wait("performance.now() > globalThis.until");
    println!(
        "frame cost in ms with a crowd: {}",
        page.value("orrery.frameCost()")
    );
    assert!(page.number("orrery.frameCost().ships") >= 990.0);
    page.picture(&shots().join("crowd.webp"));
}
