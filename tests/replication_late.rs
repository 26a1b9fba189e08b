//! A crowd is told thinned, and what was kept back is owed: when the crowd goes and with it the
//! thinning, a client hears at once of every ship that stopped meanwhile.

#![allow(clippy::expect_used, reason = "a test that cannot go on panics")]

use std::collections::HashMap;
use std::sync::Arc;

use orrery::ids::{ConnId, Handle, SystemIndex, UnixMillis};
use orrery::replication::{Publisher, Purse, Stage, Stencils, Viewer, compose};
use orrery::sim::{Command, Gone, World};
use orrery::universe::{Population, Universe};
use serde_json::Value;

#[allow(dead_code, reason = "these ships turn on the spot")]
mod crowd;

/// Ships in one view: far more than are told whole.
const CROWD: usize = 1_000;
/// Of those, the ones that stay when the others have gone.
const STAY: usize = 20;

/// A crowd and one client who watches it.
struct Scene {
    universe: Arc<Universe>,
    world: World,
    ships: Vec<Handle>,
    viewers: Vec<Viewer>,
    stencils: Arc<Stencils>,
    publisher: Publisher,
    /// Headings as the client knows them, by id.
    known: HashMap<String, f64>,
}

impl Scene {
    fn new() -> Self {
        let mut universe = Universe::clone(&Universe::built_in());
        let system = &mut universe.systems[0];
        (system.half_extent, system.pilots_max) = (600.0, CROWD as u32);
        system.stations.clear();
        system.zones.clear();
        system.population = Population::default();
        let universe = Arc::new(universe);
        let mut world = World::new(Arc::clone(&universe), SystemIndex(0), 1, None);
        let ships = crowd::admit(&mut world, CROWD);
        let conn = ConnId {
            shard: 0,
            slot: 0,
            generation: 0,
        };
        let stencils = Arc::new(Stencils::new(1000.0, 250.0));
        Self {
            viewers: vec![Viewer::new(conn, ships[0], Purse::default())],
            publisher: Publisher::new(Arc::clone(&stencils), 1),
            universe,
            world,
            ships,
            stencils,
            known: HashMap::new(),
        }
    }

    /// A tick in which every ship turns on the spot, or rests.
    fn step(&mut self, turn: f64) {
        let seq = self.world.tick() + 1;
        let steer = |&ship| Command::Steer {
            ship,
            seq,
            thrust: 0.0,
            turn: turn as f32,
            fire: false,
            dock: false,
        };
        let mut commands = self.ships.iter().map(steer).collect();
        self.world.step(&mut commands);
        let stage = Stage {
            universe: &self.universe,
            system: SystemIndex(0),
            unix: UnixMillis(1),
            shard_count: 1,
            time_dilation_percent: 100,
            rows_divisor: 1,
            shrunk: 0,
        };
        let frame = self
            .publisher
            .publish(stage, &self.world, &mut self.viewers);
        for pilot in frame.pilots_of(0) {
            let mut text = Vec::new();
            if pilot.has_delta() {
                compose::delta(&frame, pilot, &self.stencils, seq, &mut text);
                self.hear(&text, "entity_updates");
            } else {
                compose::snapshot(&frame, pilot, &self.stencils, seq, &mut text);
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
        let entities = self.world.entities();
        let wrong = |row: &usize| {
            let id = self.world.id_text(&entities.ids()[*row]);
            let known = self.known.get(id).expect("a snapshot told of everybody");
            (known - f64::from(entities.rotation(*row))).abs() > 1e-4
        };
        (0..entities.len()).filter(wrong).count()
    }
}

#[test]
fn whoever_stopped_in_a_crowd_is_told_of_when_the_crowd_has_gone() {
    let mut scene = Scene::new();
    for _ in 0..20 {
        scene.step(0.3);
    }
    scene.step(0.0);
    assert!(scene.stale() > CROWD / 2, "the crowd is told thinned");
    for ship in scene.ships.drain(STAY..) {
        scene.world.dismiss(ship, Gone::Despawned).expect("a pilot");
    }
    scene.step(0.0);
    assert_eq!(scene.world.entities().len(), STAY);
    assert_eq!(scene.stale(), 0);
}
