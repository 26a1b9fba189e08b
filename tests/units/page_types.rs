//! The browser page's own words for the protocol, held against the protocol's table.

use std::collections::{BTreeMap, BTreeSet};

use orrery::ids::UnixMillis;
use orrery::protocol::world::{
    Delta, EntityUpdate, Event, Market, Price, Snapshot, You, Zone, ZoneContext,
};
use orrery::protocol::{
    AuthOk, Cargo, ChartJump, ChartStation, ChartWeapon, CombatEvent, Described, ErrorCode,
    ErrorReply, FieldSpec, Flight, Input, JoinSystem, Joined, Login, Named, Notice, Ping, Pong,
    Presence, Refresh, Repair, RepairDetails, RepairResult, Reply, Spawn, SystemChart, Trade,
    TradeDetails, TradeResult, encode, schema,
};
use serde_json::Value;

/// A property of a type: its own type, and whether it may be absent.
type Property = (String, bool);

/// Types of `types.js` by name: each property with its type, and whether it may be absent.
fn typedefs() -> BTreeMap<String, BTreeMap<String, Property>> {
    let mut all = BTreeMap::new();
    let mut name = String::new();
    for line in include_str!("../../src/page/types.js").lines() {
        if let Some(rest) = line.trim().strip_prefix("* @typedef {object} ") {
            rest.clone_into(&mut name);
            all.insert(name.clone(), BTreeMap::new());
        } else if let Some(rest) = line.trim().strip_prefix("* @property {") {
            // A type may hold braces: the property's name is the last word.
            let (kind, word) = rest.rsplit_once("} ").unwrap();
            let is_optional = word.starts_with('[');
            let word = word.trim_matches(['[', ']']).to_owned();
            let properties: &mut BTreeMap<_, _> = all.get_mut(&name).unwrap();
            properties.insert(word, (kind.to_owned(), is_optional));
        }
    }
    all
}

/// The page's own names for the protocol's objects.
const TYPEDEFS: &[(&str, &str, &[FieldSpec])] = &[
    ("AuthOk", "AuthOk", AuthOk::FIELDS),
    ("Spawn", "Spawn", Spawn::FIELDS),
    ("Flight", "Flight", Flight::FIELDS),
    ("ChartStation", "ChartStation", ChartStation::FIELDS),
    ("ChartWeapon", "ChartWeapon", ChartWeapon::FIELDS),
    ("ChartJump", "ChartJump", ChartJump::FIELDS),
    ("Named", "Named", Named::FIELDS),
    ("SystemChart", "SystemChart", SystemChart::FIELDS),
    ("SessionJoined", "Joined", Joined::FIELDS),
    ("EntityRow", "EntityUpdate", EntityUpdate::FIELDS),
    ("CargoRow", "Cargo", Cargo::FIELDS),
    ("You", "You", You::FIELDS),
    ("PriceRow", "Price", Price::FIELDS),
    ("Market", "Market", Market::FIELDS),
    ("Zone", "Zone", Zone::FIELDS),
    ("WorldSnapshot", "Snapshot", Snapshot::FIELDS),
    ("ZoneContext", "ZoneContext", ZoneContext::FIELDS),
    ("WorldDelta", "Delta", Delta::FIELDS),
    ("TradeDetails", "TradeDetails", TradeDetails::FIELDS),
    ("TradeResult", "TradeResult", TradeResult::FIELDS),
    ("RepairDetails", "RepairDetails", RepairDetails::FIELDS),
    ("RepairResult", "RepairResult", RepairResult::FIELDS),
    ("CombatEvent", "CombatEvent", CombatEvent::FIELDS),
    ("Pong", "Pong", Pong::FIELDS),
    ("Notice", "Notice", Notice::FIELDS),
    ("Failure", "ErrorReply", ErrorReply::FIELDS),
];

/// Types that are no object of the table, and have tests of their own here.
const OTHERS: [&str; 3] = ["Envelope", "WorldEvent", "InputCommand"];

/// What the page sends, the controls aside: its type, and the fields of the request.
const REQUESTS: &[(&str, &[FieldSpec])] = &[
    ("Login", Login::FIELDS),
    ("TokenRefresh", Refresh::FIELDS),
    ("JoinSystem", JoinSystem::FIELDS),
    ("TradeOrder", Trade::FIELDS),
    ("RepairOrder", Repair::FIELDS),
    ("Ping", Ping::FIELDS),
];

fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> BTreeSet<&'a str> {
    names.into_iter().map(String::as_str).collect()
}

fn names_of(fields: &[FieldSpec]) -> BTreeSet<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

#[test]
fn every_type_of_the_page_has_exactly_the_fields_that_the_server_sends_or_takes() {
    let typedefs = typedefs();
    for (ours, _, fields) in TYPEDEFS {
        let properties = typedefs
            .get(*ours)
            .unwrap_or_else(|| panic!("types.js has no {ours}"));
        assert_eq!(names(properties.keys()), names_of(fields), "{ours}");
    }
    let known: BTreeSet<&str> = TYPEDEFS
        .iter()
        .map(|(ours, _, _)| *ours)
        .chain(OTHERS)
        .chain(REQUESTS.iter().map(|(ours, _)| *ours))
        .collect();
    assert_eq!(names(typedefs.keys()), known);
}

#[test]
fn what_the_page_takes_for_granted_is_what_the_server_always_sends() {
    let typedefs = typedefs();
    for (ours, _, fields) in TYPEDEFS {
        for field in *fields {
            let (_, is_optional) = &typedefs[*ours][field.name];
            let may_lack = matches!(field.presence, Presence::Optional(_));
            assert_eq!(*is_optional, may_lack, "{ours}.{}", field.name);
        }
    }
}

/// The type that JavaScript has for a plain value; none for objects and lists, which have names there.
fn script_type(definitions: &Value, schema: &Value) -> Option<&'static str> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next()?;
        return script_type(definitions, &definitions[name]);
    }
    let choices = schema["anyOf"].as_array().or(schema["type"].as_array());
    if let Some([one, _]) = choices.map(Vec::as_slice) {
        let is_schema = one.is_object();
        let plain = if is_schema {
            one.clone()
        } else {
            serde_json::json!({ "type": one })
        };
        return script_type(definitions, &plain);
    }
    if schema.get("enum").is_some() || schema.get("oneOf").is_some() {
        return Some("string");
    }
    match schema["type"].as_str()? {
        "integer" | "number" => Some("number"),
        "string" => Some("string"),
        "boolean" => Some("boolean"),
        _ => None,
    }
}

#[test]
fn plain_values_have_the_type_that_the_schema_gives_them() {
    let definitions = &schema()["$defs"];
    let typedefs = typedefs();
    let mut count = 0;
    for (ours, definition, fields) in TYPEDEFS {
        for field in *fields {
            let (found, _) = &typedefs[*ours][field.name];
            let property = &definitions[*definition]["properties"][field.name];
            if let Some(plain) = script_type(definitions, property) {
                // A field that can be null says what null means.
                let is_nullable = field.meaning.contains("null");
                let expected = if is_nullable {
                    format!("{plain} | null")
                } else {
                    plain.into()
                };
                assert_eq!(*found, expected, "{ours}.{}", field.name);
                count += 1;
            }
        }
    }
    assert!(count > 80, "{count}");
}

#[test]
fn the_pages_event_has_what_any_event_has_and_needs_what_all_have() {
    let mut counts = BTreeMap::from([("kind", Event::KINDS.len())]);
    for field in Event::KINDS.iter().flat_map(|(_, fields)| *fields) {
        *counts.entry(field.name).or_default() += 1;
    }
    let expected: BTreeMap<&str, bool> = counts
        .into_iter()
        .map(|(name, count)| (name, count < Event::KINDS.len()))
        .collect();
    let typedefs = typedefs();
    let found: BTreeMap<&str, bool> = typedefs["WorldEvent"]
        .iter()
        .map(|(name, (_, is_optional))| (name.as_str(), *is_optional))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_page_sends_every_control() {
    let typedefs = typedefs();
    let sent = &typedefs["InputCommand"];
    assert_eq!(names(sent.keys()), names_of(Input::FIELDS));
    assert!(sent.values().all(|(_, is_optional)| !is_optional));
}

#[test]
fn every_request_of_the_page_has_exactly_the_fields_that_the_server_takes() {
    let typedefs = typedefs();
    for (ours, fields) in REQUESTS {
        assert_eq!(names(typedefs[*ours].keys()), names_of(fields), "{ours}");
    }
}

#[test]
fn the_pages_envelope_is_the_one_that_is_written() {
    let mut out = Vec::new();
    let reply = Reply::error(ErrorCode::Internal);
    encode(&reply, 1, Some(2), UnixMillis(3), &mut out);
    let written: Value = serde_json::from_slice(&out).unwrap();
    let typedefs = typedefs();
    let envelope = &typedefs["Envelope"];
    assert_eq!(
        names(envelope.keys()),
        names(written.as_object().unwrap().keys())
    );
    let optional = envelope.iter().filter(|(_, (_, is_optional))| *is_optional);
    assert_eq!(
        names(optional.map(|(name, _)| name)),
        BTreeSet::from(["reply_to"])
    );
}
