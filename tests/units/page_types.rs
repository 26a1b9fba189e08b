//! The page's own words for the protocol, held against the server's schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Types of `types.js` by name: each property, and whether it may be absent.
fn typedefs() -> BTreeMap<String, BTreeMap<String, bool>> {
    let mut all = BTreeMap::new();
    let mut name = String::new();
    for line in include_str!("../../src/page/types.js").lines() {
        if let Some(rest) = line.trim().strip_prefix("* @typedef {object} ") {
            rest.clone_into(&mut name);
            all.insert(name.clone(), BTreeMap::new());
        } else if let Some(rest) = line.trim().strip_prefix("* @property {") {
            // A type may hold braces: the property's name is the last word.
            let word = rest.rsplit(' ').next().unwrap();
            let optional = word.starts_with('[');
            let word = word.trim_matches(['[', ']']).to_owned();
            all.get_mut(&name).unwrap().insert(word, optional);
        }
    }
    all
}

/// Every object schema that lies at or below a value, references left aside.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    if value.get("properties").is_some_and(Value::is_object) {
        found.push(value);
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|field| objects(field, found)),
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

fn names(schema: &Value) -> BTreeSet<String> {
    schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[test]
fn every_property_of_the_page_is_one_that_the_server_sends_or_takes() {
    let schema = orrery::protocol::schema();
    let mut found = Vec::new();
    objects(&schema, &mut found);
    let typedefs = typedefs();
    assert!(typedefs.len() > 25, "{}", typedefs.len());
    for (name, properties) in &typedefs {
        // Variants of an event share one type in the page.
        let wanted: BTreeSet<String> = properties.keys().cloned().collect();
        let fits = |one: &&&Value| wanted.is_subset(&names(one));
        assert!(
            found.iter().any(|one| fits(&one)) || name == "WorldEvent",
            "no message has all of {name}: {wanted:?}"
        );
    }
}

#[test]
fn what_the_page_takes_for_granted_is_what_the_server_requires_of_itself() {
    let schema = orrery::protocol::schema();
    let mut found = Vec::new();
    objects(&schema, &mut found);
    let typedefs = typedefs();
    for name in [
        "EntityRow",
        "WorldSnapshot",
        "WorldDelta",
        "TradeDetails",
        "CombatEvent",
        "Zone",
        "PriceRow",
        "ChartStation",
    ] {
        let certain: BTreeSet<&str> = typedefs[name]
            .iter()
            .filter(|(_, optional)| !**optional)
            .map(|(key, _)| key.as_str())
            .collect();
        let holds = found.iter().any(|one| {
            let required: BTreeSet<&str> = one["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            certain.is_subset(&required)
        });
        assert!(holds, "{name}: no message always has {certain:?}");
    }
}
