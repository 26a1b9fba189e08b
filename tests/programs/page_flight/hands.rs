//! Every way to hold the ship: a gamepad, thumbs on a phone, a token instead of a guest's welcome; and
//! what the page does when the server ends the conversation.

use std::path::Path;

use super::{FLYING, begin, shots};
use crate::page_flight::rig::{Page, Server, browser, token};

/// A gamepad at rest. Chromium has no way to plug one in from outside.
const PAD: &str = "globalThis.pad = { connected: true, axes: [0, 0, 0, 0], \
    buttons: Array.from({ length: 17 }, () => ({ pressed: false, value: 0 })) }; \
    navigator.getGamepads = () => [null, pad]; \
    globalThis.hold = (button, value) => { pad.buttons[button] = { pressed: value > 0, value } }; \
    dispatchEvent(new Event('gamepadconnected'))";

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_gamepad_turns_burns_brakes_fires_and_docks() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    page.value(PAD);
    let heading = page.number("orrery.game.prediction.served.r");
    page.value("pad.axes[0] = -1");
    page.wait(&format!(
        "orrery.game.prediction.served.r > {heading} + 0.3"
    ));
    page.value("pad.axes[0] = 0; hold(7, 1)");
    page.wait("orrery.game.prediction.served.vy > 25");
    page.value("hold(7, 0); hold(0, 1)");
    page.wait("[...orrery.game.world.entities.values()].some((one) => one.ownShot)");
    page.value("hold(0, 0); hold(6, 1)");
    page.wait("Math.hypot(orrery.game.prediction.served.vx, orrery.game.prediction.served.vy) < 8");
    page.value("hold(6, 0); hold(2, 1)");
    page.wait("orrery.game.world.you.docked_at === 'earth-orbit-station'");
    assert_eq!(page.complaints, Vec::<String>::new());
}

/// Every button that shows lies inside the picture and is large enough for a thumb.
const WITHIN_REACH: &str = "[...document.querySelectorAll('button, input')].filter((one) => { \
    const box = one.getBoundingClientRect(); \
    if (box.width === 0 || one.closest('.scroll')) return false; \
    return box.left < 0 || box.right > innerWidth || box.top < 0 || box.bottom > innerHeight || box.height < 32 \
    }).map((one) => one.id || one.textContent).join()";

fn on_a_phone(width: u32, height: u32, name: &str) {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open("about:blank");
    page.resize(width, height, 2, true);
    page.value(&format!("location.href = '{}'", server.page()));
    page.wait(FLYING);
    page.wait("document.getElementById('help').open");
    assert_eq!(page.text(WITHIN_REACH), "", "under the help");
    page.value("document.querySelector('#help button').click()");
    page.wait("!document.getElementById('touch').hidden");
    assert_eq!(page.text(WITHIN_REACH), "", "in flight");
    let wide = page.number("document.documentElement.scrollWidth");
    assert!(wide <= f64::from(width), "{wide} px wide");

    // A thumb that lands on the sky and pulls to the left.
    let (x, y) = (f64::from(width) * 0.35, f64::from(height) * 0.6);
    page.finger("touchStart", Some((x, y)));
    page.finger("touchMove", Some((x - 60.0, y)));
    page.wait("orrery.game.prediction.served.vx < -20");
    page.picture(&shots().join(format!("{name}.webp")));
    page.finger("touchEnd", None);
    page.wait("orrery.steering.current.thrust === 0");

    let fire = page.value(
        "(() => { const box = document.getElementById('touch-fire').getBoundingClientRect(); \
         return [box.x + box.width / 2, box.y + box.height / 2] })()",
    );
    let at = (fire[0].as_f64().unwrap(), fire[1].as_f64().unwrap());
    page.finger("touchStart", Some(at));
    page.wait("[...orrery.game.world.entities.values()].some((one) => one.ownShot)");
    page.finger("touchEnd", None);

    page.value("document.getElementById('touch-dock').click()");
    page.wait("orrery.game.world.you.docked_at !== null");
    page.wait("document.querySelectorAll('#market tr').length >= 6");
    page.picture(&shots().join(format!("{name}-market.webp")));
    assert_eq!(page.complaints, Vec::<String>::new());
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_phone_held_upright_gets_thumbs_instead_of_keys() {
    on_a_phone(390, 844, "phone");
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_phone_held_sideways_gets_thumbs_instead_of_keys() {
    on_a_phone(844, 390, "phone-sideways");
}

fn sign_in(page: &mut Page, token: &str) {
    page.wait("document.getElementById('pilot').open");
    page.value(&format!(
        "document.getElementById('token').value = '{token}'; document.getElementById('sign-in').requestSubmit()"
    ));
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn where_no_guests_are_let_in_a_token_is_asked_for_and_kept_in_the_tab_alone() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    let server = Server::start_private(&folder.path().join("page.db"), &secret);
    let mut page = browser.open(&server.page());
    page.wait(
        "document.getElementById('pilot').open && document.getElementById('fly-guest').hidden",
    );
    // A guest turned away is an answer of the server, which the console notes by itself.
    page.complaints.clear();
    sign_in(&mut page, "not-a-token");
    page.wait("document.getElementById('pilot-words').textContent.includes('not valid')");
    let ada = token(&secret, "ada", "1h");
    sign_in(&mut page, &ada);
    page.wait(FLYING);
    assert_eq!(page.text("sessionStorage.getItem('orrery.token')"), ada);
    let kept = page.text("JSON.stringify(localStorage) + document.cookie");
    assert!(!kept.contains(&ada[..20]), "{kept}");

    // A newer token of the same pilot prolongs the session; another pilot's begins one.
    begin(&mut page);
    page.value("globalThis.before = orrery.link.socket");
    page.tap("KeyP");
    let newer = token(&secret, "ada", "2h");
    sign_in(&mut page, &newer);
    page.wait(&format!("orrery.link.token === '{newer}'"));
    assert_eq!(page.value("orrery.link.socket === before"), true);
    assert_eq!(page.value(KEY_BEFORE_THE_NEXT_FRAME), true);
    sign_in(&mut page, &token(&secret, "grace", "1h"));
    page.wait("orrery.link.state === 'flying' && orrery.link.playerId === 'grace'");

    // A token that runs out in flight is asked for again, in words that say so.
    page.tap("KeyP");
    sign_in(&mut page, &token(&secret, "brief", "2s"));
    page.wait("document.getElementById('pilot-words').textContent.includes('run out')");
    assert_eq!(
        page.value("sessionStorage.getItem('orrery.token')"),
        serde_json::Value::Null
    );
    assert_eq!(page.complaints, Vec::<String>::new());
}

/// Closes the pilot's dialog while its field has the focus, and presses P before a frame is drawn;
/// whether the dialog is open again.
const KEY_BEFORE_THE_NEXT_FRAME: &str = "(() => { const pilot = document.getElementById('pilot'); \
    document.getElementById('open-pilot').click(); \
    document.getElementById('pilot-close').click(); \
    const focused = document.activeElement ?? document.body; \
    focused.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyP', bubbles: true })); \
    return pilot.open })()";

/// Logs the page's own pilot in a second time, past the page.
const ELSEWHERE: &str = "(() => { const other = new WebSocket(orrery.link.url, 'orrery.v1.json'); \
    other.onopen = () => other.send(JSON.stringify({ type: 'auth.login', seq: 1, ts: 0, payload: { token: orrery.link.token } })); \
    globalThis.other = other })()";

/// The page hears what a server without room answers a login.
const FULL: &str = "orrery.link.refused({ code: 'SYSTEM_FULL', message: 'The system is full', retry_after_ms: 1500 })";

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn close_codes_are_obeyed() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("page.db"), None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    let told = page.value(
        "(async () => { \
         const { retryAfter } = await import(new URL('retry.js', document.querySelector('script[type=module]').src)); \
         return [4001, 4003, 1001, 1013, 4008, 1006].map((code) => { const { act, ms } = retryAfter(code, 0, () => 1); return `${code} ${act} ${ms}` }) })()",
    );
    let expected = [
        "4001 sign-in 0",
        "4003 stop 0",
        "1001 retry 400",
        "1013 retry 1000",
        "4008 retry 12000",
        "1006 retry 500",
    ];
    assert_eq!(told, serde_json::json!(expected));
    let spread = page.value(
        "(async () => { \
         const { retryAfter } = await import(new URL('retry.js', document.querySelector('script[type=module]').src)); \
         const longest = [0, 1, 2, 3, 9].map((attempt) => retryAfter(1006, attempt, () => 1).ms); \
         const shortest = [0, 1, 2, 3, 9].map((attempt) => retryAfter(1006, attempt, () => 0).ms); \
         return longest.every((ms, at) => shortest[at] * 2 === ms && ms <= 15000 && (at === 0 || ms > longest[at - 1])) })()",
    );
    assert_eq!(
        spread, true,
        "each wait is longer than the last, and spread"
    );

    page.value(FULL);
    page.wait("orrery.link.state === 'waiting'");
    assert_eq!(
        page.value("orrery.link.token === sessionStorage.getItem('orrery.token')"),
        true,
        "the token stays good"
    );
    page.value("document.dispatchEvent(new Event('visibilitychange'))");
    assert_eq!(page.value("orrery.link.state"), "waiting", "nobody hurries");
    page.wait(FLYING);

    page.value(ELSEWHERE);
    page.wait("orrery.link.state === 'stopped' && document.getElementById('banner').textContent.includes('another window')");
    page.wait("document.getElementById('retry-now').textContent === 'Take over here'");
    page.value("document.getElementById('retry-now').click()");
    page.wait(FLYING);
    page.wait("other.readyState === WebSocket.CLOSED");
    page.value("orrery.link.open('not a token')");
    page.wait(
        "document.getElementById('pilot').open && sessionStorage.getItem('orrery.token') === null",
    );
}

#[test]
#[cfg_attr(
    not(with_chromium),
    ignore = "needs Chromium: ORRERY_TEST_WITH=chromium"
)]
fn a_drained_server_is_named_as_the_cause_and_waited_for() {
    let browser = browser(&[]);
    let folder = tempfile::tempdir().unwrap();
    let database: &Path = &folder.path().join("page.db");
    let server = Server::start(database, None, None);
    let mut page = browser.open(&server.page());
    begin(&mut page);
    let listen = server.drain();
    page.wait("orrery.link.state === 'waiting'");
    page.wait("document.getElementById('banner').textContent.includes('server is restarting')");
    let _server = Server::start(database, Some(listen), None);
    page.wait(FLYING);
    page.wait("document.getElementById('banner').hidden");
}
