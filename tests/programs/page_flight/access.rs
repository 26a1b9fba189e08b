//! The page for everybody: by keyboard alone, by ear, without motion.

use std::collections::BTreeSet;

use super::{begin, dock};
use crate::page_flight::rig::{Page, Server, browser};

/// Roles that a pilot can act on, or that carry a reading.
const NAMED_ROLES: [&str; 14] = [
    "button",
    "textbox",
    "spinbutton",
    "link",
    "checkbox",
    "meter",
    "image",
    "dialog",
    "region",
    "complementary",
    "navigation",
    "group",
    "columnheader",
    "rowheader",
];

/// Every control and every reading has a name; returns the controls' names.
fn named(page: &mut Page, place: &str) -> BTreeSet<String> {
    let told = page.told();
    for (role, name) in &told {
        let silent = NAMED_ROLES.contains(&role.as_str()) && name.trim().is_empty();
        assert!(!silent, "{place}: a {role} without a name in {told:?}");
    }
    let controls = told
        .into_iter()
        .filter(|(role, _)| ["button", "textbox", "spinbutton"].contains(&role.as_str()));
    controls.map(|(_, name)| name).collect()
}

fn holds(names: &BTreeSet<String>, wanted: &[&str]) {
    for want in wanted {
        assert!(
            names.iter().any(|name| name.starts_with(want)),
            "no control {want:?} among {names:?}"
        );
    }
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn assistive_technology_is_told_the_name_of_every_control_and_the_value_of_every_gauge() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open(&server.page());
    page.wait("document.getElementById('help').open");
    holds(&named(&mut page, "help"), &["Fly"]);
    begin(&mut page);
    page.wait("document.getElementById('view').ariaLabel.includes('ships in sight')");
    let flight = named(&mut page, "flight");
    holds(&flight, &["Zoom out", "Zoom in", "Pilot", "Help"]);
    let told = page.told();
    for wanted in ["Hull", "Fuel", "Risk"] {
        assert!(told.contains(&("meter".into(), wanted.into())), "{told:?}");
    }
    let gauges = page.value(
        "[...document.querySelectorAll('[role=meter]')].every((one) => Number(one.ariaValueNow) >= 0 && Number(one.ariaValueMax) > 0)",
    );
    assert_eq!(gauges, true);

    dock(&mut page);
    let station = named(&mut page, "station");
    holds(
        &station,
        &["Undock", "Refuel", "Repair", "Max", "Other quantity"],
    );
    holds(&station, &["Buy 5 Food for", "Sell 5 Food for"]);
    page.tap("KeyP");
    page.wait("document.getElementById('pilot').open");
    let pilot = named(&mut page, "pilot");
    holds(
        &pilot,
        &["Start over as a new guest", "Or with a token", "Sign in"],
    );
    page.tap("Escape");
    page.wait("!document.getElementById('pilot').open");
}

/// What has the focus, and whether that shows.
const FOCUS: &str = "(() => { const one = document.activeElement; \
    const shows = one === document.body || one.id === 'station-name' || getComputedStyle(one).outlineStyle !== 'none'; \
    return `${shows ? '' : 'unseen '}${one.id || one.ariaLabel || one.textContent.trim()}` })()";

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn the_tab_key_reaches_every_control_of_a_station_and_shows_where_it_is() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    dock(&mut page);
    assert_eq!(page.text(FOCUS), "station-name");
    let enabled = page.number(
        "document.querySelectorAll('#station button:not(:disabled), #station input, #tools button').length",
    );
    let mut met = BTreeSet::new();
    for _ in 0..60 {
        page.tap("Tab");
        let focus = page.text(FOCUS);
        assert!(!focus.starts_with("unseen "), "{focus}");
        met.insert(focus);
    }
    for wanted in ["undock", "quantity-other", "zoom-in", "open-help"] {
        assert!(met.contains(wanted), "{wanted} not among {met:?}");
    }
    assert!(met.len() as f64 >= enabled, "{enabled} controls, {met:?}");

    // Keys that mean something to a ship mean nothing while a number is typed.
    page.value("document.getElementById('quantity-other').focus()");
    page.tap("KeyW");
    page.tap("KeyE");
    assert_eq!(
        page.value("orrery.game.world.you.docked_at"),
        "earth-orbit-station"
    );
    page.tap("KeyM");
    page.value("document.getElementById('station-name').focus()");
    page.tap("KeyM");
    assert_eq!(page.value("document.activeElement === document.body"), true);
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn where_motion_is_unwelcome_nothing_shakes_turns_or_flickers() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open("about:blank");
    page.prefer("prefers-reduced-motion", "reduce");
    page.value(&format!("location.href = '{}'", server.page()));
    begin(&mut page);
    page.value(
        "orrery.scene.camera.jolt(9); orrery.scene.effects.burst(0, 0, 0, 0, 30, 10, '#fff', 1)",
    );
    assert_eq!(page.value("orrery.scene.camera.shake"), 0);
    assert!(page.number("orrery.scene.effects.sparks.length") <= 10.0);
    // A station's machinery and lamps stand still: two pictures of its heart are the same.
    let heart = "(() => { const { camera } = orrery.scene; const { x, y } = orrery.game.world.stations.get('earth-orbit-station'); \
        return [...orrery.scene.g.getImageData(camera.toX(x) - 30, camera.toY(y) - 30, 60, 60).data].join() })()";
    let first = page.text(heart);
    page.value("globalThis.later = orrery.game.world.tick + 20");
    page.wait("orrery.game.world.tick > later");
    assert_eq!(first, page.text(heart));
    page.prefer("prefers-reduced-motion", "no-preference");
    page.wait("!orrery.scene.calm");
    page.value("globalThis.later = orrery.game.world.tick + 20");
    page.wait("orrery.game.world.tick > later");
    assert_ne!(first, page.text(heart));
}
