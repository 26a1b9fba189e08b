//! The stream's fragments: what the hot encoders write is what the protocol's types read.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use orrery::ids::{EntityKind, Name};
use orrery::protocol::row::{DockText, EntityText, NameTexts, append};
use orrery::protocol::world::{
    CargoRow, Entity, EntityUpdate, EntityValues, Event, EventRow, RemovalReason, UpdateRow, You,
    YouChanges, YouRow, ZoneContext, ZoneContextRow,
};
use orrery::protocol::{Angle, Cargo, Described, Fixed2};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use simd_json_derive::Serialize;

fn text(fragment: &impl Serialize) -> String {
    let mut out = Vec::new();
    append(fragment, &mut out);
    String::from_utf8(out).unwrap()
}

fn read<T: DeserializeOwned>(fragment: &impl Serialize) -> T {
    let text = text(fragment);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn values(x: f32, y: f32, vx: f32, vy: f32, r: f32, hp: i32) -> EntityValues {
    EntityValues {
        x: Fixed2::new(x),
        y: Fixed2::new(y),
        vx: Fixed2::new(vx),
        vy: Fixed2::new(vy),
        r: Angle::new(r),
        hp,
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn a_row_is_as_short_as_it_can_be() {
    let values = values(1201.0, 401.25, 8.0, -2.5, 1.62, 100);
    let row = UpdateRow::new(EntityText::new(b"s_987"), values);
    assert_eq!(
        text(&row),
        r#"{"id":"s_987","x":1201,"y":401.25,"vx":8,"vy":-2.5,"r":1.62,"hp":100}"#
    );
    assert_eq!(
        text(&row.full(EntityKind::PlayerShip)),
        r#"{"id":"s_987","kind":"player_ship","x":1201,"y":401.25,"vx":8,"vy":-2.5,"r":1.62,"hp":100}"#
    );
}

#[test]
fn a_row_of_nonsense_is_still_json() {
    let values = values(f32::NAN, f32::INFINITY, -0.0, -0.001, f32::NAN, -1);
    let row = UpdateRow::new(EntityText::new(b"earth-orbit-station"), values);
    let text = text(&row);
    assert!(
        !text.contains("NaN") && !text.contains("inf") && !text.contains("-0,"),
        "{text}"
    );
    let update: EntityUpdate = read(&row);
    assert_eq!((update.x, update.hp), (Fixed2::default(), -1));
}

#[test]
fn kinds_and_reasons_have_the_protocols_names() {
    for kind in EntityKind::ALL {
        let row = UpdateRow::new(EntityText::new(b"x"), EntityValues::default());
        let entity: Entity = read(&row.full(kind));
        assert_eq!(entity.kind, kind);
        assert_eq!(text(&kind), format!("\"{}\"", kind.wire_name()));
    }
    for gone in RemovalReason::ALL {
        assert_eq!(read::<RemovalReason>(&gone), gone);
    }
}

#[test]
fn a_zone_context_lists_its_zones() {
    for zones in [
        vec![],
        vec![name("a")],
        vec![name("a"), name("b.c:d@e-f_0")],
    ] {
        let row = ZoneContextRow {
            zone_ids: NameTexts(&zones),
            blended_risk: Fixed2::new(0.68),
            blended_security: Fixed2::new(0.32),
            blended_profit_multiplier: Fixed2::new(1.28),
        };
        let context: ZoneContext = read(&row);
        assert_eq!(context.zone_ids, zones);
        assert_eq!(context.blended_profit_multiplier.hundredths(), 128);
    }
}

#[test]
fn changes_of_ones_own_state_name_only_what_changed() {
    assert_eq!(text(&YouRow::default()), "{}");
    assert!(YouRow::default().is_empty());
    let (food, dock) = (name("food"), name("a"));
    let cargo = [CargoRow {
        commodity_id: EntityText::from(&food),
        qty: 3,
    }];
    let row = YouRow {
        ship_id: Some(EntityText::new(b"s_2")),
        credits: Some(i64::MIN),
        hull: Some(7),
        fuel: Some(Fixed2::new(99.5)),
        cargo: Some(&cargo),
        docked_at: Some(DockText(Some(&dock))),
        dock_ready_tick: Some(5_042),
        ..YouRow::default()
    };
    let expected = YouChanges {
        ship_id: Some("s_2".into()),
        credits: Some(i64::MIN),
        hull: Some(7),
        fuel: Some(Fixed2::from_hundredths(9_950)),
        cargo: Some(vec![Cargo {
            commodity_id: food.clone(),
            qty: 3,
        }]),
        docked_at: Some(Some(dock.clone())),
        dock_ready_tick: Some(5_042),
    };
    assert_eq!(read::<YouChanges>(&row), expected);
    let undocked = YouRow {
        docked_at: Some(DockText(None)),
        ..YouRow::default()
    };
    assert_eq!(text(&undocked), r#"{"docked_at":null}"#);
    assert_eq!(read::<YouChanges>(&undocked).docked_at, Some(None));
    let emptied = YouRow {
        cargo: Some(&[]),
        hull: Some(0),
        ..YouRow::default()
    };
    assert!(!emptied.is_empty());
    assert_eq!(text(&emptied), r#"{"hull":0,"cargo":[]}"#);
}

#[test]
fn what_is_written_of_ones_own_state_in_full_is_all_that_the_table_has() {
    let (food, dock) = (name("food"), name("a"));
    let cargo = [CargoRow {
        commodity_id: EntityText::from(&food),
        qty: 3,
    }];
    let row = YouRow {
        ship_id: Some(EntityText::new(b"s_2")),
        credits: Some(1),
        hull: Some(7),
        fuel: Some(Fixed2::new(99.5)),
        cargo: Some(&cargo),
        docked_at: Some(DockText(Some(&dock))),
        dock_ready_tick: Some(5_042),
        cargo_capacity: Some(50),
        hull_max: Some(100),
        fuel_max: Some(Fixed2::new(100.0)),
    };
    let written: serde_json::Value = serde_json::from_str(&text(&row)).unwrap();
    assert_eq!(serde_json::to_value(read::<You>(&row)).unwrap(), written);
    for field in You::FIELDS {
        assert!(written.get(field.name).is_some(), "{}", field.name);
    }
}

#[test]
fn events_name_their_two_sides() {
    let (ship, shot) = (EntityText::new(b"npc_1"), EntityText::new(b"pr_22"));
    let station = name("mars-orbit-station");
    assert_eq!(
        read::<Event>(&EventRow::ProjectileFired {
            source_id: ship,
            projectile_id: shot,
        }),
        Event::ProjectileFired {
            source_id: "npc_1".into(),
            projectile_id: "pr_22".into()
        }
    );
    let (source_id, station_id) = ("npc_1".to_owned(), station.to_string());
    assert_eq!(
        read::<Event>(&EventRow::Docked {
            source_id: ship,
            station_id: (&station).into(),
        }),
        Event::Docked {
            source_id: source_id.clone(),
            station_id: station_id.clone()
        }
    );
    assert_eq!(
        read::<Event>(&EventRow::Undocked {
            source_id: ship,
            station_id: (&station).into(),
        }),
        Event::Undocked {
            source_id,
            station_id
        }
    );
}

proptest! {
    #[test]
    fn any_row_reads_back_as_it_was_rounded(
        x: f32, y: f32, vx: f32, vy: f32, r: f32, hp: i32, number: u64,
    ) {
        let values = values(x, y, vx, vy, r, hp);
        let id = format!("npc_{number}");
        let row = UpdateRow::new(EntityText::new(id.as_bytes()), values);
        let update: EntityUpdate = read(&row);
        let EntityValues { x, y, vx, vy, r, hp } = values;
        prop_assert_eq!(update, EntityUpdate { id, kind: None, x, y, vx, vy, r, hp });
    }

    #[test]
    fn rounding_is_to_the_nearest(x in -1e5_f32..1e5, r in -3.1_f32..3.1) {
        prop_assert!((Fixed2::new(x).to_f64() - f64::from(x)).abs() <= 0.005 + 1e-9);
        prop_assert!((Angle::new(r).to_f64() - f64::from(r)).abs() <= 0.00005 + 1e-9);
    }

    #[test]
    fn an_arena_and_a_vec_get_the_same_bytes(x: f32, hp: i32) {
        let arena = Bump::new();
        let mut in_arena = ArenaVec::new_in(&arena);
        let mut in_vec = Vec::new();
        let row = UpdateRow::new(EntityText::new(b"s_1"), values(x, x, x, x, x, hp));
        append(&row, &mut in_arena);
        append(&row, &mut in_vec);
        prop_assert_eq!(in_arena.as_slice(), in_vec.as_slice());
    }
}
