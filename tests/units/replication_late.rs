//! A crowd is told thinned, and what was kept back is owed: when the crowd goes and with it the
//! thinning, a client hears at once of every ship that stopped meanwhile.

use std::collections::HashMap;

use orrery::replication::compose;
use orrery::sim::{Command, RemovalReason};
use serde_json::Value;

use crate::units::crowd;
use crowd::gallery::Gallery;

/// Ships in one view: far more than are told whole.
const CROWD: usize = 1_000;
/// Of those, the ones that stay when the others have gone.
const STAY: usize = 20;

/// A crowd and one client who watches it.
struct Scene {
    gallery: Gallery,
    /// Headings as the client knows them, by id.
    known: HashMap<String, f64>,
}

impl Scene {
    fn new() -> Self {
        let mut gallery = Gallery::new(crowd::empty_sky(600.0), CROWD, 1);
        gallery.viewers.truncate(1);
        Self {
            gallery,
            known: HashMap::new(),
        }
    }

    /// A tick in which every ship turns on the spot, or rests.
    fn step(&mut self, turn: f64) {
        let seq = self.gallery.world.tick() + 1;
        let steer = |&ship| Command::Steer {
            ship,
            seq,
            thrust: 0.0,
            turn: turn as f32,
            fire: false,
            dock: false,
        };
        let mut commands = self.gallery.ships.iter().map(steer).collect();
        self.gallery.world.step(&mut commands);
        let frame = self.gallery.publish();
        for pilot in frame.pilots_of(0) {
            let mut text = Vec::new();
            if pilot.has_delta() {
                compose::delta(&frame, pilot, seq, &mut text);
                self.hear(&text, "entity_updates");
            } else {
                compose::snapshot(&frame, pilot, seq, &mut text);
                self.hear(&text, "entities");
            }
        }
    }

    fn hear(&mut self, text: &[u8], list: &str) {
        let message: Value = serde_json::from_slice(text).expect("JSON");
        for row in message["payload"][list].as_array().expect("rows") {
            let id = row["id"].as_str().expect("an id").to_owned();
            if let Some(heading) = row["r"].as_f64() {
                self.known.insert(id, heading);
            }
        }
    }

    /// Ships that the client knows wrongly.
    fn stale(&self) -> usize {
        let entities = self.gallery.world.entities();
        let is_wrong = |row: &usize| {
            let id = self.gallery.world.id_text(&entities.ids()[*row]);
            let known = self.known.get(id);
            known.is_some_and(|known| (known - f64::from(entities.rotation(*row))).abs() > 1e-4)
        };
        (0..entities.len()).filter(is_wrong).count()
    }
}

#[test]
fn whoever_stopped_in_a_crowd_is_told_of_when_the_crowd_has_gone() {
    let mut scene = Scene::new();
    // A snapshot tells of the nearest; the others come in one after the other.
    for _ in 0..60 {
        scene.step(0.3);
    }
    scene.step(0.0);
    assert!(scene.stale() > CROWD / 4, "the crowd is told thinned");
    for ship in scene.gallery.ships.drain(STAY..) {
        scene
            .gallery
            .world
            .dismiss(ship, RemovalReason::Despawned)
            .expect("a pilot");
    }
    scene.step(0.0);
    assert_eq!(scene.gallery.world.entities().len(), STAY);
    assert_eq!(scene.stale(), 0);
}
