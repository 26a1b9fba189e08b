//! A client's world, rebuilt from one viewer's messages alone.

use std::collections::{HashMap, HashSet};

use orrery::replication::{ClientView, TickFrame, compose};
use serde_json::Value;

/// What one client knows, and what the newest message brought.
#[derive(Default)]
pub(crate) struct Watcher {
    /// Places by id.
    pub(crate) known: HashMap<String, (f64, f64)>,
    /// Who came into view with the newest frame.
    pub(crate) entered: Vec<String>,
    /// Who left it.
    pub(crate) left: Vec<String>,
    /// Events of the newest delta.
    pub(crate) events: Vec<Value>,
    /// Bytes of the newest delta; 0 where there was none.
    pub(crate) delta_bytes: usize,
    /// Bytes of the newest snapshot, likewise.
    pub(crate) snapshot_bytes: usize,
}

impl Watcher {
    /// Takes in what a frame has for the client: a delta, a snapshot or both.
    pub(crate) fn hear(&mut self, frame: &TickFrame, pilot: &ClientView) {
        self.entered.clear();
        self.left.clear();
        self.events.clear();
        (self.delta_bytes, self.snapshot_bytes) = (0, 0);
        let mut text = Vec::new();
        if pilot.has_delta() {
            compose::delta(frame, pilot, 1, &mut text);
            self.delta_bytes = text.len();
            self.delta(&payload(&text));
        }
        if pilot.has_snapshot() {
            text.clear();
            compose::snapshot(frame, pilot, 2, &mut text);
            self.snapshot_bytes = text.len();
            self.snapshot(&payload(&text), pilot.has_delta());
        }
    }

    fn delta(&mut self, payload: &Value) {
        let mut told = HashSet::new();
        for row in list(payload, "entity_updates") {
            let id = text_of(row, "id");
            assert!(told.insert(id.clone()), "two rows of {id}");
            let is_new = self.known.insert(id.clone(), place(row)).is_none();
            assert_eq!(is_new, row["kind"].is_string(), "`kind` comes first: {row}");
            if is_new {
                self.entered.push(id);
            }
        }
        for id in list(payload, "entity_removed") {
            let id = id.as_str().expect("an id").to_owned();
            assert!(self.known.remove(&id).is_some(), "{id} is removed once");
            assert!(!told.contains(&id), "{id} is updated and removed");
            self.left.push(id);
        }
        self.events.extend(list(payload, "events").iter().cloned());
    }

    fn snapshot(&mut self, payload: &Value, is_beside_delta: bool) {
        let rows = list(payload, "entities").iter();
        let rows: HashMap<String, (f64, f64)> =
            rows.map(|row| (text_of(row, "id"), place(row))).collect();
        let (new, old): (HashSet<_>, HashSet<_>) =
            (rows.keys().collect(), self.known.keys().collect());
        assert!(!is_beside_delta || new == old, "the same members");
        self.entered
            .extend(new.difference(&old).map(|id| (*id).clone()));
        self.left
            .extend(old.difference(&new).map(|id| (*id).clone()));
        self.known = rows;
    }
}

fn payload(text: &[u8]) -> Value {
    let mut message: Value = serde_json::from_slice(text).expect("JSON");
    message["payload"].take()
}

fn list<'a>(payload: &'a Value, name: &str) -> &'a [Value] {
    payload[name].as_array().expect("a list")
}

/// A field that is text.
pub(crate) fn text_of(row: &Value, name: &str) -> String {
    row[name].as_str().expect("text").to_owned()
}

fn place(row: &Value) -> (f64, f64) {
    let number = |name: &str| row[name].as_f64().expect("a number");
    (number("x"), number("y"))
}
