//! A pilot's behaviour, told only by texts of the stream and ticks.

use super::*;

const EMPTY: &str = r#""entity_removed":[],"events":[],"you_zone_context":{}"#;

/// A snapshot with the own ship at the origin, a station 300 u off and a pirate 200 u off.
fn snapshot(you: &str) -> String {
    format!(
        r#"{{"type":"world.snapshot","seq":1,"ts":1,"payload":{{"tick":10,"you":{{"ship_id":"s_1","hull":100,{you}}},"entities":[
        {{"id":"s_1","kind":"player_ship","x":0,"y":0,"vx":0,"vy":0,"r":0,"hp":100}},
        {{"id":"port","kind":"station","x":300,"y":0,"vx":0,"vy":0,"r":0,"hp":1}},
        {{"id":"npc_2","kind":"pirate","x":0,"y":200,"vx":0,"vy":0,"r":0,"hp":80}},
        {{"id":"npc_3","kind":"trader","x":0,"y":50,"vx":0,"vy":0,"r":0,"hp":80}}],
        "markets":[{{"station_id":"port","prices":[{{"commodity_id":"food","buy":11,"sell":9}}]}}],"zones":[]}}}}"#
    )
}

fn delta(tick: u64, rows: &str, you: &str) -> String {
    format!(
        r#"{{"type":"world.delta","seq":2,"ts":1,"payload":{{"tick":{tick},"entity_updates":[{rows}],{EMPTY}{you}}}}}"#
    )
}

fn docked() -> BotPilot {
    let mut pilot = BotPilot::new(0, Conduct::Play);
    pilot.hear_snapshot(&snapshot(r#""docked_at":"port""#), 10);
    pilot
}

#[test]
fn a_docked_pilot_keeps_still_and_orders_one_thing_at_a_time() {
    let mut pilot = docked();
    let act = pilot.act(11);
    assert_eq!(
        act.controls,
        BotControls::default(),
        "thrust would undock it"
    );
    let order = act.order.expect("something to buy");
    assert!(
        matches!(&order, BotOrder::Buy(station, food, _) if station.as_str() == "port" && food.as_str() == "food")
    );
    assert_eq!(pilot.act(12).order, None, "the first is not answered yet");
    pilot.answered(&order, true);
    assert!(pilot.act(13).order.is_some());
}

#[test]
fn a_visit_ends_with_full_thrust() {
    let mut pilot = docked();
    for tick in 11..40 {
        if let Some(order) = pilot.act(tick).order {
            pilot.answered(&order, true);
        }
    }
    assert!(pilot.act(40).controls.thrust > 0.9);
}

#[test]
fn a_damaged_hull_is_mended_first() {
    let mut pilot = BotPilot::new(0, Conduct::Play);
    let text = snapshot(r#""docked_at":"port""#).replace(r#""hull":100"#, r#""hull":40"#);
    pilot.hear_snapshot(&text, 10);
    assert!(matches!(pilot.act(11).order, Some(BotOrder::Repair(_))));
}

#[test]
fn pirates_and_other_pilots_are_targets_and_traders_are_not() {
    let mut pilot = BotPilot::new(0, Conduct::Play);
    pilot.hear_snapshot(&snapshot(r#""docked_at":null"#), 10);
    let row =
        |id: &str, y: i32| format!(r#"{{"id":"{id}","x":0,"y":{y},"vx":0,"vy":0,"r":0,"hp":80}}"#);
    let rows = [row("npc_3", 50), row("npc_2", 200), row("s_9", 900)].join(",");
    assert_eq!(
        pilot
            .hear_delta(&delta(LOOK_TICKS, &rows, ""), LOOK_TICKS)
            .rows,
        Some(3)
    );
    assert_eq!(pilot.target.as_ref().unwrap().pose.y, 200.0);
    let rows = [row("npc_3", 50), row("s_9", 100)].join(",");
    pilot.hear_delta(&delta(2 * LOOK_TICKS, &rows, ""), 2 * LOOK_TICKS);
    assert_eq!(pilot.target.as_ref().unwrap().pose.y, 100.0);
}

#[test]
fn the_own_ship_is_looked_for_in_one_delta_of_eight() {
    let mut pilot = BotPilot::new(0, Conduct::Fly);
    pilot.adopt_ship("s_7");
    let row = |id: &str| format!(r#"{{"id":"{id}","x":0,"y":9,"vx":0,"vy":0,"r":0,"hp":80}}"#);
    let (own, other) = (row("s_7"), row("s_77"));
    let mut seen = |tick: u64, rows: &str| pilot.hear_delta(&delta(tick, rows, ""), tick).has_own;
    assert_eq!(seen(OWN_LOOK_TICKS, &own), Some(true));
    assert_eq!(seen(OWN_LOOK_TICKS * 2, &other), Some(false));
    assert_eq!(seen(OWN_LOOK_TICKS * 2 + 1, &own), None);
}

#[test]
fn a_destroyed_pilot_waits_until_it_lives_again() {
    let mut pilot = BotPilot::new(0, Conduct::Play);
    pilot.hear_snapshot(&snapshot(r#""docked_at":null"#), 10);
    pilot.destroyed(20);
    assert_eq!(pilot.act(21), BotAction::default());
    pilot.hear_delta(
        &delta(
            111,
            "",
            r#","you":{"ship_id":"s_77","hull":100,"docked_at":"port"}"#,
        ),
        111,
    );
    assert_eq!(pilot.ship_id(), "s_77");
    assert!(
        matches!(pilot.errand, Errand::Trade { .. }),
        "{:?}",
        pilot.errand
    );
}

#[test]
fn a_peaceful_pilot_reads_no_snapshot_and_never_fires_or_docks() {
    let mut pilot = BotPilot::new(3, Conduct::Fly);
    pilot.hear_snapshot(&snapshot(r#""docked_at":null"#), 10);
    for tick in 10..2000 {
        let act = pilot.act(tick);
        assert!(!act.controls.fire && !act.controls.dock && act.order.is_none());
    }
}
