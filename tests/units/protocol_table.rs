//! The protocol's table against all that lists its entries once more: the protocol's page, the schema, and
//! what is written. The browser's types are in `page_types`.
//!
//! `ORRERY_BLESS=1 cargo test --lib protocol_table` writes the tables of the protocol's page anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use orrery::ids::{EntityKind, UnixMillis};
use orrery::protocol::row::{EntityText, append_item, append_reason};
use orrery::protocol::world::{
    Delta, DeltaSource, Entity, EntityValues, Event, OptionalField, RemovalReason, Snapshot,
    SnapshotSource, UpdateRow, append_stamp, write_delta, write_snapshot,
};
use orrery::protocol::{
    CombatKind, Described, FieldSpec, NoticeKind, Presence, Reply, RequestKind, Sender, messages,
    objects, schema,
};
use serde_json::{Value, json};

const PAGE: &str = "src/protocol/PROTOCOL.md";
const HEAD: &str = "| field | type | presence | unit or range | meaning |\n\
                    | --- | --- | --- | --- | --- |\n";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn definitions() -> Value {
    schema()["$defs"].clone()
}

/// The definition that a `$ref` names, and its name.
fn referred<'a>(definitions: &'a Value, schema: &Value) -> Option<(String, &'a Value)> {
    let name = schema["$ref"].as_str()?.rsplit('/').next().unwrap();
    Some((name.to_owned(), &definitions[name]))
}

/// The JSON type of a value as the page words it.
fn type_text(definitions: &Value, schema: &Value) -> String {
    if let Some((name, definition)) = referred(definitions, schema) {
        let is_object = definition.get("properties").is_some();
        return if is_object || name == "Event" {
            format!("[`{name}`](#{})", name.to_lowercase())
        } else {
            type_text(definitions, definition)
        };
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let texts: Vec<_> = choices
            .iter()
            .map(|one| type_text(definitions, one))
            .collect();
        return texts.join(" or ");
    }
    if schema.get("oneOf").is_some() || schema.get("enum").is_some() {
        return "string".into();
    }
    match &schema["type"] {
        Value::String(one) => match one.as_str() {
            "array" => format!(
                "array of {}",
                many(&type_text(definitions, &schema["items"]))
            ),
            "object" => {
                let value = type_text(definitions, &schema["additionalProperties"]);
                format!("object of {}", many(&value))
            }
            plain => plain.into(),
        },
        Value::Array(several) => {
            let one_type = |one: &Value| {
                let mut schema = schema.clone();
                schema["type"] = one.clone();
                type_text(definitions, &schema)
            };
            let texts: Vec<_> = several.iter().map(one_type).collect();
            texts.join(" or ")
        }
        other => panic!("no type: {other} in {schema}"),
    }
}

/// The plural of a type's word; a type that has a section keeps its name.
fn many(one: &str) -> String {
    if one.starts_with('[') {
        one.to_owned()
    } else {
        format!("{one}s")
    }
}

/// What a field holds when it is there. `null` counts where the field's meaning says what it means: of
/// others it only stands for absence, in requests.
fn field_type(definitions: &Value, object: &Value, field: &FieldSpec) -> String {
    let schema = object["properties"]
        .get(field.name)
        .unwrap_or_else(|| panic!("the schema has no {}", field.name));
    let text = type_text(definitions, schema);
    match text.strip_suffix(" or null") {
        Some(plain) if !field.meaning.contains("null") => plain.to_owned(),
        _ => text,
    }
}

fn presence_text(presence: Presence) -> &'static str {
    match presence {
        Presence::Always | Presence::Added => "always",
        Presence::Optional(when) => when,
    }
}

/// The page's table of an object.
fn table(definitions: &Value, object: &Value, fields: &[FieldSpec]) -> String {
    let mut text = HEAD.to_owned();
    for field in fields {
        let (name, meaning) = (field.name, field.meaning.replace('\n', " "));
        let kind = field_type(definitions, object, field);
        let presence = presence_text(field.presence);
        writeln!(
            text,
            "| `{name}` | {kind} | {presence} | {} | {meaning} |",
            field.unit
        )
        .unwrap();
    }
    text.replace("|  |", "| |")
}

/// Where the first table of a section stands in the page.
fn place_of_table(page: &str, is_heading: impl Fn(&str) -> bool) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    let mut is_inside = false;
    let mut start = None;
    for line in page.split_inclusive('\n') {
        match start {
            None if line.starts_with('#') => is_inside = is_heading(line.trim_end()),
            None if is_inside && line.starts_with("| ") => start = Some(at),
            Some(start) if !line.starts_with('|') => return Some(start..at),
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| start..at)
}

/// Every object of the table: how its section's heading is told, its schema, its fields.
fn sections(definitions: &Value) -> Vec<(String, Value, &'static [FieldSpec])> {
    let payloads = messages().into_iter().map(|message| {
        let payload = &definitions[message.name]["properties"]["payload"];
        let (_, object) = referred(definitions, payload).expect("a payload has a type");
        (
            format!("`{}`", message.name),
            object.clone(),
            message.fields,
        )
    });
    let others = objects()
        .into_iter()
        .map(|(name, fields)| (format!("#### `{name}`"), definitions[name].clone(), fields));
    payloads.chain(others).collect()
}

fn is_heading_of(section: &str, line: &str) -> bool {
    line == section
        || (section.starts_with('`') && line.starts_with("### ") && line.contains(section))
}

#[test]
fn the_protocols_page_lists_every_field_as_the_table_does() {
    let definitions = definitions();
    let mut page = read(PAGE);
    let is_blessed = std::env::var_os("ORRERY_BLESS").is_some();
    let mut wrong = String::new();
    for (section, object, fields) in sections(&definitions) {
        let expected = table(&definitions, &object, fields);
        let place = place_of_table(&page, |line| is_heading_of(&section, line));
        let Some(place) = place else {
            writeln!(
                wrong,
                "no table under a heading {section}; put there:\n{expected}"
            )
            .unwrap();
            continue;
        };
        if is_blessed {
            page.replace_range(place, &expected);
        } else if page[place.clone()] != expected {
            let found = &page[place];
            writeln!(wrong, "{section}:\n{found}should be\n{expected}").unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "\n{wrong}\nORRERY_BLESS=1 writes the tables"
    );
    if is_blessed {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), page).unwrap();
    }
}

#[test]
fn the_protocols_page_names_every_word_and_every_event() {
    let page = read(PAGE);
    let words = RemovalReason::ALL
        .map(RemovalReason::wire_name)
        .into_iter()
        .chain(CombatKind::ALL.map(CombatKind::wire_name))
        .chain(NoticeKind::ALL.map(NoticeKind::wire_name))
        .chain(EntityKind::ALL.map(EntityKind::wire_name));
    for word in words {
        assert!(page.contains(&format!("`{word}`")), "{word}");
    }
    for (kind, fields) in Event::KINDS {
        let names: Vec<_> = fields
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect();
        let row = format!("| `{kind}` | {} |", names.join(", "));
        assert!(page.contains(&row), "no row {row}");
    }
}

#[test]
fn the_schema_has_the_tables_fields_and_requires_those_that_are_always_there() {
    let definitions = definitions();
    for (section, object, fields) in sections(&definitions) {
        let properties: BTreeSet<&str> = object["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let names: BTreeSet<&str> = fields.iter().map(|field| field.name).collect();
        assert_eq!(properties, names, "{section}");
        let required: BTreeSet<&str> = object["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let always: BTreeSet<&str> = fields
            .iter()
            .filter(|field| field.presence == Presence::Always)
            .map(|field| field.name)
            .collect();
        assert_eq!(required, always, "{section}");
    }
}

#[test]
fn every_object_of_the_schema_is_in_the_table() {
    let definitions = definitions();
    let mut listed: BTreeSet<String> = objects().into_iter().map(|(name, _)| name.into()).collect();
    for message in messages() {
        let payload = &definitions[message.name]["properties"]["payload"];
        listed.extend(referred(&definitions, payload).map(|(name, _)| name));
    }
    for (name, definition) in definitions.as_object().unwrap() {
        let is_envelope = definition["properties"].get("payload").is_some();
        if definition.get("properties").is_some() && !is_envelope {
            assert!(
                listed.contains(name),
                "{name} is not in the list of objects"
            );
        }
    }
    let kinds = definitions["Event"]["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), Event::KINDS.len());
}

#[test]
fn every_message_is_in_the_table_once() {
    let messages = messages();
    let names: BTreeSet<&str> = messages.iter().map(|message| message.name).collect();
    assert_eq!(names.len(), messages.len());
    for kind in RequestKind::ALL {
        let is_listed = |message: &&_| {
            let message: &orrery::protocol::MessageSpec = message;
            message.name == kind.wire_name() && message.sender == Sender::Client
        };
        assert!(messages.iter().find(is_listed).is_some(), "{kind:?}");
    }
    let definitions = definitions();
    for (name, definition) in definitions.as_object().unwrap() {
        if definition["properties"].get("payload").is_some() {
            assert!(names.contains(name.as_str()), "{name}");
        }
    }
}

#[test]
fn the_protocols_page_lists_the_envelope_as_it_is_written() {
    let mut out = Vec::new();
    let reply = Reply::error(orrery::protocol::ErrorCode::Internal);
    orrery::protocol::encode(&reply, 1, Some(2), UnixMillis(3), &mut out);
    let written: Value = serde_json::from_slice(&out).unwrap();
    let written: BTreeSet<&str> = written
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let page = read(PAGE);
    let place = place_of_table(&page, |line| line == "## Envelope").unwrap();
    let listed: BTreeSet<&str> = page[place]
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(listed, written);
}

/// Writes every field of both messages.
struct Everything<'a> {
    stamp: &'a [u8],
}

impl DeltaSource for Everything<'_> {
    fn stamp(&self) -> &[u8] {
        self.stamp
    }

    fn entity_updates(&mut self, out: &mut Vec<u8>) {
        append_item(
            &UpdateRow::new(EntityText::new(b"s_1"), EntityValues::default()),
            out,
        );
        let row = UpdateRow::new(EntityText::new(b"s_2"), EntityValues::default());
        append_item(&row.full(EntityKind::Pirate), out);
    }

    fn entity_removed(&mut self, out: &mut Vec<u8>) {
        append_item(&EntityText::new(b"s_3"), out);
        append_item(&EntityText::new(b"s_4"), out);
    }

    fn events(&mut self, _: &mut Vec<u8>) {}

    fn you_zone_context(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"zone_ids":[],"blended_risk":0,"blended_security":0,"blended_profit_multiplier":1}"#);
    }

    fn last_input_seq(&mut self, field: OptionalField<'_>) {
        field.append(&7_u64);
    }

    fn gone(&mut self, field: OptionalField<'_>) {
        field.append_entries(|out| {
            append_reason(&EntityText::new(b"s_3"), RemovalReason::Jumped, out);
            append_reason(&EntityText::new(b"s_4"), RemovalReason::LeftView, out);
        });
    }

    fn you(&mut self, field: OptionalField<'_>) {
        field.append_text(br#"{"hull":3}"#);
    }

    fn time_dilation(&mut self, field: OptionalField<'_>) {
        field.append_text(b"0.5");
    }
}

impl SnapshotSource for Everything<'_> {
    fn stamp(&self) -> &[u8] {
        self.stamp
    }

    fn you(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"ship_id":"s_1","credits":1,"hull":2,"fuel":3,"cargo":[]}"#);
    }

    fn entities(&mut self, out: &mut Vec<u8>) {
        let row = UpdateRow::new(EntityText::new(b"s_1"), EntityValues::default());
        append_item(&row.full(EntityKind::PlayerShip), out);
    }

    fn markets(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"[]");
    }

    fn zones(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"[]");
    }
}

/// The fields of a payload in the order of their text.
fn written_fields(text: &str, fields: &[FieldSpec]) -> Vec<&'static str> {
    let envelope: Value = serde_json::from_str(text).unwrap();
    let payload = text.split_once(r#""payload":"#).unwrap().1;
    let mut found: Vec<(usize, &'static str)> = fields
        .iter()
        .filter(|field| envelope["payload"].get(field.name).is_some())
        .map(|field| {
            (
                payload.find(&format!("\"{}\":", field.name)).unwrap(),
                field.name,
            )
        })
        .collect();
    let count = envelope["payload"].as_object().unwrap().len();
    assert_eq!(
        count,
        found.len(),
        "a field that is not in the table: {text}"
    );
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn the_stream_is_written_with_all_fields_of_the_table_in_its_order() {
    let mut stamp = Vec::new();
    append_stamp(5, UnixMillis(9), &mut stamp);
    let mut everything = Everything { stamp: &stamp };
    let names = |fields: &'static [FieldSpec]| -> Vec<&str> {
        fields.iter().map(|field| field.name).collect()
    };

    let mut out = Vec::new();
    write_delta(3, &mut everything, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(written_fields(&text, Delta::FIELDS), names(Delta::FIELDS));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["type"], &value["seq"], &value["ts"]),
        (&json!("world.delta"), &json!(3), &json!(9))
    );
    let delta: Delta = serde_json::from_value(value["payload"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&delta).unwrap(), value["payload"]);
    assert_eq!((delta.tick, delta.entity_updates.len()), (5, 2));

    let mut out = Vec::new();
    write_snapshot(4, &mut everything, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        written_fields(&text, Snapshot::FIELDS),
        names(Snapshot::FIELDS)
    );
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["type"], &value["seq"]),
        (&json!("world.snapshot"), &json!(4))
    );
    let snapshot: Snapshot = serde_json::from_value(value["payload"].clone()).unwrap();
    let entities: &[Entity] = &snapshot.entities;
    assert_eq!(entities[0].kind, EntityKind::PlayerShip);
}

#[test]
fn composing_writes_no_json_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/replication");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        count += 1;
        for (index, line) in text.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("#[cfg(test)]") {
                break;
            }
            let writes = [
                r#"\":"#,
                r#"b"{"#,
                r#"b"["#,
                r#"b","#,
                "b'",
                "serde_json",
                "simd_json",
            ]
            .iter()
            .any(|mark| code.contains(mark));
            let is_code = !code.starts_with("//");
            assert!(
                !(is_code && writes),
                "{}:{}: {line}",
                path.display(),
                index + 1
            );
        }
    }
    assert!(count > 8, "the scan must see the sources");
}
