//! What others do does not make a client's messages large: events, arrivals and removals are inside the
//! budget, and nobody who left is forgotten to be removed.

use std::sync::Arc;

use orrery::ids::{Handle, SystemIndex};
use orrery::limits::{DELTA_BYTES_MAX, DELTA_EVENT_BYTES_MAX, SNAPSHOT_BYTES_MAX};
use orrery::sim::{Command, EventKind, Place, RemovalReason, World};
use orrery::universe::{Population, Universe};

use crate::units::crowd;
use crowd::gallery::Gallery;
use crowd::watcher::{Watcher, text_of};

/// Crowds of this many are within the client's sight.
const CROWD: usize = 400;

/// The built-in first system without ships that the server flies.
fn harbour() -> Universe {
    let mut universe = Universe::clone(&Universe::built_in());
    universe.weapon.damage = 0;
    universe.systems[0].population = Population::default();
    universe.systems[0].pilots_max = u32::MAX;
    universe
}

/// Ships in a square lattice round a place.
fn lattice(universe: Universe, count: usize, x: f32, y: f32, spacing: f32) -> Gallery {
    let universe = Arc::new(universe);
    let mut world = World::new(Arc::clone(&universe), SystemIndex(0), 3, None);
    let side = (count as f32).sqrt().ceil();
    let ships = (0..count).map(|n| {
        let (column, row) = (n as f32 % side, (n as f32 / side).floor());
        let place = Place::Space {
            x: x + (column - side / 2.0) * spacing,
            y: y + (row - side / 2.0) * spacing,
            vx: 0.0,
            vy: 0.0,
            rotation: 0.5,
        };
        let pilot = crowd::pilot(&format!("p{n}"), place);
        world.admit(&pilot).expect("room")
    });
    let ships = ships.collect();
    Gallery::of(universe, world, ships, 1)
}

/// A crowd and one of it who watches.
struct Scene {
    gallery: Gallery,
    watcher: Watcher,
    own: String,
    largest_delta: usize,
    largest_snapshot: usize,
}

impl Scene {
    /// The watcher is the ship in the middle.
    fn new(mut gallery: Gallery) -> Self {
        let middle = gallery.ships.len() / 2 + (gallery.ships.len() as f32).sqrt() as usize / 2;
        gallery.viewers.swap(0, middle);
        gallery.viewers.truncate(1);
        let entities = gallery.world.entities();
        let row = entities.row(gallery.ships[middle]).expect("alive");
        let own = gallery.world.id_text(&entities.ids()[row]).to_owned();
        Self {
            gallery,
            watcher: Watcher::default(),
            own,
            largest_delta: 0,
            largest_snapshot: 0,
        }
    }

    fn ship(&self) -> Handle {
        self.gallery.viewers[0].ship
    }

    /// A tick in which every ship does what `order` says.
    fn step(&mut self, mut order: impl FnMut(Handle, u64) -> Command) {
        let tick = self.gallery.world.tick() + 1;
        let ships = self.gallery.ships.iter();
        let mut commands = ships.map(|&ship| order(ship, tick)).collect();
        self.gallery.world.step(&mut commands);
        self.hear();
    }

    fn hear(&mut self) {
        let frame = self.gallery.publish();
        self.watcher.hear(&frame, &frame.pilots_of(0)[0]);
        self.largest_delta = self.largest_delta.max(self.watcher.delta_bytes);
        self.largest_snapshot = self.largest_snapshot.max(self.watcher.snapshot_bytes);
        assert!(
            self.largest_delta <= DELTA_BYTES_MAX,
            "{}",
            self.largest_delta
        );
        assert!(self.largest_snapshot <= SNAPSHOT_BYTES_MAX);
        self.compare();
    }

    /// The client knows the entities of its view's cells and no others.
    fn compare(&self) {
        let world = &self.gallery.world;
        let grid = orrery::replication::view::Grid::of(world.cells());
        let view = self.gallery.viewers[0].view();
        let entities = world.entities();
        let mut count = 0;
        for (id, &cell) in entities.ids().iter().zip(entities.cells()) {
            if view.sees(orrery::replication::view::CellId(cell), grid) {
                count += 1;
                let id = world.id_text(id);
                assert!(self.watcher.known.contains_key(id), "{id} is known");
            }
        }
        assert_eq!(self.watcher.known.len(), count, "and nobody else");
    }

    fn events_of(&self, kind: &str, source: Option<&str>) -> usize {
        let events = self.watcher.events.iter();
        let wanted = |event: &&serde_json::Value| {
            let is_source = source.is_none_or(|source| text_of(event, "source_id") == source);
            text_of(event, "kind") == kind && is_source
        };
        events.filter(wanted).count()
    }

    /// How often the watcher's ship fired in this tick.
    fn own_shots(&self) -> usize {
        let world = &self.gallery.world;
        let is_own = |event: &&orrery::sim::Event| {
            matches!(&event.kind, EventKind::ProjectileFired { source, .. }
                if world.id_text(source) == self.own)
        };
        world.outcome().events.iter().filter(is_own).count()
    }

    fn event_bytes(&self) -> usize {
        let events = self.watcher.events.iter();
        events.map(|event| event.to_string().len() + 1).sum()
    }
}

fn rest(ship: Handle, seq: u64) -> Command {
    steer(ship, seq, 0.0, false, false)
}

fn steer(ship: Handle, seq: u64, thrust: f32, fire: bool, dock: bool) -> Command {
    Command::Steer {
        ship,
        seq,
        thrust,
        turn: 0.0,
        fire,
        dock,
    }
}

#[test]
fn a_delta_stays_small_though_hundreds_dock_and_undock_and_the_own_docking_is_told() {
    let gallery = lattice(harbour(), 300, 1_200.0, 400.0, 26.0);
    let mut scene = Scene::new(gallery);
    for _ in 0..3 {
        scene.step(rest);
    }
    let own = scene.own.clone();
    let (mut docked, mut undocked, mut most) = (0, 0, 0);
    for turn in 0..120_u64 {
        // Longer than any pause between docking and undocking.
        let is_in = (turn / 40).is_multiple_of(2);
        scene.step(|ship, seq| steer(ship, seq, if is_in { 0.0 } else { 0.1 }, false, is_in));
        docked += scene.events_of("docked", Some(&own));
        undocked += scene.events_of("undocked", Some(&own));
        most = most.max(scene.event_bytes());
    }
    assert_eq!((docked, undocked), (2, 1), "the own docking is told");
    assert!(
        most > DELTA_EVENT_BYTES_MAX * 3 / 4,
        "hundreds dock at once: {most}"
    );
    assert!(most <= DELTA_EVENT_BYTES_MAX, "{most} bytes of events");
}

#[test]
fn shots_are_told_before_strangers_docking_and_the_own_first() {
    let gallery = lattice(harbour(), 300, 1_200.0, 400.0, 26.0);
    let mut scene = Scene::new(gallery);
    for _ in 0..3 {
        scene.step(rest);
    }
    // The watcher and every tenth fire; all others dock.
    let shooter = scene.ship();
    let is_shooter = |ship: Handle| ship == shooter || ship.slot.is_multiple_of(10);
    let shooters = scene.gallery.ships.iter();
    let shooters = shooters.filter(|&&ship| is_shooter(ship)).count();
    scene.step(|ship, seq| {
        let fires = is_shooter(ship);
        steer(ship, seq, 0.0, fires, !fires)
    });
    let shots = scene.events_of("projectile_fired", None);
    let docks = scene.events_of("docked", None);
    let own = scene.own.clone();
    assert_eq!(scene.events_of("projectile_fired", Some(&own)), 1);
    assert!(
        shots > 20 && shots <= shooters,
        "{shots} of {shooters} shots"
    );
    assert!(docks < 10, "{docks} docks beside {shots} shots");
}

#[test]
fn a_salvo_of_hundreds_is_told_within_the_budget() {
    let mut universe = crowd::empty_sky(2_000.0);
    universe.weapon.damage = 0;
    let gallery = lattice(universe, CROWD, 0.0, 0.0, 40.0);
    let mut scene = Scene::new(gallery);
    let (mut own_shots, mut deltas) = (0, 0);
    let own = scene.own.clone();
    for _ in 0..120 {
        // One after the other, as triggers are pulled.
        scene.step(|ship, seq| steer(ship, seq, 0.3, seq > u64::from(ship.slot % 10), false));
        let shots = scene.events_of("projectile_fired", Some(&own));
        assert!(scene.event_bytes() <= DELTA_EVENT_BYTES_MAX);
        if scene.watcher.delta_bytes > 0 {
            deltas += 1;
            assert_eq!(shots, scene.own_shots(), "the own shot is told");
        }
        own_shots += shots;
    }
    assert!(deltas >= 110, "{deltas} deltas in 120 ticks");
    assert!(own_shots >= 6, "{own_shots} own shots");
}

#[test]
fn hundreds_who_vanish_or_appear_at_once_are_told_within_the_budget_or_in_a_snapshot() {
    let gallery = lattice(crowd::empty_sky(3_000.0), CROWD, 0.0, 0.0, 40.0);
    let mut scene = Scene::new(gallery);
    for _ in 0..40 {
        scene.step(rest);
    }
    assert!(scene.watcher.known.len() > CROWD * 3 / 4);
    let own = scene.ship();
    let mut gone = std::mem::take(&mut scene.gallery.ships);
    gone.retain(|&ship| ship != own);
    for ship in gone {
        scene
            .gallery
            .world
            .dismiss(ship, RemovalReason::Despawned)
            .expect("a pilot");
    }
    scene.gallery.ships = vec![own];
    scene.step(rest);
    assert_eq!(
        scene.watcher.known.len(),
        1,
        "nobody is forgotten to be removed"
    );
    for n in 0..CROWD {
        let (column, row) = ((n % 20) as f32 - 10.0, (n / 20) as f32 - 10.0);
        let place = Place::Space {
            x: column * 41.0 + 20.0,
            y: row * 41.0 + 20.0,
            vx: 0.0,
            vy: 0.0,
            rotation: 0.0,
        };
        let pilot = crowd::pilot(&format!("n{n}"), place);
        scene.gallery.world.admit(&pilot).expect("room");
    }
    for _ in 0..40 {
        scene.step(rest);
    }
    assert!(
        scene.watcher.known.len() > CROWD * 3 / 4,
        "the rest enters by deltas"
    );
}

#[test]
fn a_snapshot_of_a_crowd_is_cut_to_the_nearest_and_the_rest_enters_by_deltas() {
    let gallery = lattice(crowd::empty_sky(3_000.0), 1_200, 0.0, 0.0, 40.0);
    let mut scene = Scene::new(gallery);
    scene.step(rest);
    let told = scene.watcher.known.len();
    assert!(scene.watcher.snapshot_bytes > SNAPSHOT_BYTES_MAX / 2);
    assert!((300..700).contains(&told), "{told} in the snapshot");
    for _ in 0..60 {
        scene.step(rest);
    }
    let known = scene.watcher.known.len();
    assert!(known > 1_000, "{known} of 1,200 are known");
}
