//! The JSON Schema of every message, both directions, generated from the types that are decoded and
//! encoded.
//!
//! One document: `$defs` holds each message under its `type` and each shared value under its name;
//! the document itself is the choice of one message by `type`. Unknown fields are allowed
//! everywhere, as the protocol demands.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::request::Request;
use super::value::Seq;
use super::world::{Delta, Snapshot};

/// The schema document.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut messages = Map::new();
    from_client(&mut generator, &mut messages);
    let client = references(&messages);
    let mut answers = Map::new();
    from_server(&mut generator, &mut answers);
    let server = references(&answers);
    messages.append(&mut answers);

    let mut definitions = generator.take_definitions(true);
    definitions.append(&mut messages);
    definitions.insert(
        "client_message".into(),
        json!({ "description": "What a client sends.", "oneOf": client }),
    );
    definitions.insert(
        "server_message".into(),
        json!({ "description": "What the server sends.", "oneOf": server }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the orrery protocol, version 1",
        "oneOf": [
            { "$ref": "#/$defs/client_message" },
            { "$ref": "#/$defs/server_message" },
        ],
        "$defs": definitions,
    })
}

fn references(messages: &Map<String, Value>) -> Vec<Value> {
    let reference = |name: &String| json!({ "$ref": format!("#/$defs/{name}") });
    messages.keys().map(reference).collect()
}

fn from_client(generator: &mut SchemaGenerator, messages: &mut Map<String, Value>) {
    for (name, payload) in Request::payload_schemas(generator) {
        let seq = generator.subschema_for::<Seq>();
        let schema = json!({
            "type": "object",
            "properties": {
                "type": { "const": name },
                "seq": seq,
                "ts": { "type": "number", "description": "Unix milliseconds." },
                "payload": payload,
            },
            "required": ["type", "seq", "payload"],
        });
        messages.insert(name.into(), schema);
    }
}

fn from_server(generator: &mut SchemaGenerator, messages: &mut Map<String, Value>) {
    let stream = [
        (
            Snapshot::MESSAGE.name,
            generator.subschema_for::<Snapshot>(),
        ),
        (Delta::MESSAGE.name, generator.subschema_for::<Delta>()),
    ];
    for (name, payload) in Reply::payload_schemas(generator).into_iter().chain(stream) {
        let schema = json!({
            "type": "object",
            "properties": {
                "type": { "const": name },
                "seq": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "Counts every message of the connection, from 1.",
                },
                "reply_to": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "The seq of the request that this answers.",
                },
                "ts": { "type": "integer", "description": "Unix milliseconds." },
                "payload": payload,
            },
            "required": ["type", "seq", "ts", "payload"],
        });
        messages.insert(name.into(), schema);
    }
}
