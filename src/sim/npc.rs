//! The ships that the server flies: pirates, patrols and traders.
//!
//! Owns their minds: who exists, what each is about, whom it hunts, what it noticed. Their bodies
//! are rows like any other: a mind sets thrust, rudder, trigger and docking request as a pilot's
//! input would, and the same physics, guns and docks do the rest. It removes nobody: whoever finds
//! its row gone was destroyed, and another takes its place after a while.
//!
//! Each mind thinks every [`THINK_TICKS`] ticks, by turns, and steers every tick. Nothing is
//! allocated in a tick once the world has filled. Chance is drawn by (seed, tick, mind).
//!
//! ```text
//! step: … control ─▶ npc::fly ─▶ motion … apply ─▶ npc::notice (who was hit, by whom) ─▶ reap …
//! ```

mod agent;
mod alarm;
mod patrol_map;
mod perception;
mod steering;

use std::sync::Arc;

use self::agent::{Mode, Now, NpcAgent};
use self::alarm::Alarms;
use self::patrol_map::PatrolMap;
use self::perception::Pursuits;
use self::steering::Steering;
use super::control;
use super::outcome::CombatKind;
use super::pilot::Place;
use super::random::Random;
use super::world::World;
use crate::ids::{EntityKind, Handle, StationIndex, SystemIndex};
use crate::limits::{NPC_ARRIVAL_TRIES_PER_TICK_MAX, NPC_ARRIVALS_PER_TICK_MAX};
use crate::universe::{NpcClass, Universe};

/// Ticks between two thoughts of one ship.
const THINK_TICKS: u64 = 8;

/// Nobody arrives nearer to a pilot's ship than this, u: ships come from afar, not out of nothing.
const ARRIVAL_DISTANCE: f32 = 1100.0;

/// Ticks until a place that was unfit to arrive at is tried again.
const RETRY_TICKS: u64 = 30;

/// Keeps the minds' draws apart from everybody else's.
const SEED_SALT: u64 = 0x6e70_632d_6d69_6e64;

/// Everything that is known about the ships that the server flies in one system.
#[derive(Debug, Default)]
pub(super) struct Npcs {
    minds: Vec<NpcAgent>,
    /// NpcAgent by slot of its ship's handle; `u32::MAX` for slots that are nobody of ours.
    by_slot: Vec<u32>,
    pursuits: Pursuits,
    alarms: Alarms,
    ground: PatrolMap,
    /// The mind that is first in the queue of those whose ship may arrive.
    next_arrival: usize,
}

impl Npcs {
    /// The minds of a system's population; their ships arrive in the first ticks.
    pub(super) fn new(universe: &Universe, system: SystemIndex) -> Self {
        let Some(system) = universe.system(system) else {
            return Self::default();
        };
        let kinds = [
            (EntityKind::Pirate, system.population.pirates),
            (EntityKind::Patrol, system.population.patrols),
            (EntityKind::Trader, system.population.traders),
        ];
        let of_kind =
            |(kind, count): (EntityKind, u32)| (0..count).map(move |nth| NpcAgent::new(kind, nth));
        Self {
            minds: kinds.into_iter().flat_map(of_kind).collect(),
            ground: PatrolMap::new(universe, system),
            ..Self::default()
        }
    }

    /// The mind that flies a ship, if the server flies it.
    fn mind_of(&self, ship: Handle) -> Option<usize> {
        let index = *self.by_slot.get(ship.slot as usize)? as usize;
        (self.minds.get(index)?.ship == Some(ship)).then_some(index)
    }

    fn enrol(&mut self, index: usize, ship: Handle) {
        let slot = ship.slot as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, u32::MAX);
        }
        self.by_slot[slot] = index as u32;
    }

    /// What decides the future of these ships beyond their rows, as words for a state hash.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let minds = self.minds.iter().flat_map(NpcAgent::words);
        let queue = std::iter::once(self.next_arrival as u64);
        minds.chain(self.alarms.words()).chain(queue)
    }
}

/// The rules for one kind.
pub(super) fn class(universe: &Universe, kind: EntityKind) -> &NpcClass {
    match kind {
        EntityKind::Pirate => &universe.npcs.pirate,
        EntityKind::Patrol => &universe.npcs.patrol,
        _ => &universe.npcs.trader,
    }
}

/// Lets every mind steer, an eighth of them think, and a few ships arrive. Linear in minds; a
/// thought looks at a bounded number of neighbours.
pub(super) fn fly(world: &mut World) {
    if world.npcs.minds.is_empty() {
        return;
    }
    // Taken out for the time being, so that minds and world can be used side by side.
    let mut npcs = std::mem::take(&mut world.npcs);
    let universe = Arc::clone(&world.universe);
    let turn_max = world.flight().turn;
    let mut is_awaited = false;
    npcs.alarms.expire(world.tick);
    for index in 0..npcs.minds.len() {
        let Some(row) = present(&mut npcs, index, world, &universe) else {
            is_awaited |= npcs.minds[index].due <= world.tick;
            continue;
        };
        let steering = Steering::new(&world.entities, row, &universe.ship, turn_max);
        let class = class(&universe, npcs.minds[index].kind);
        if (world.tick + index as u64).is_multiple_of(THINK_TICKS) {
            let mut random = Random::new(world.seed ^ SEED_SALT, world.tick, index as u64);
            recover(
                world,
                row,
                class,
                !npcs.minds[index].under_fire(world.tick),
                universe.ship.fuel_max,
            );
            let mut mind = npcs.minds[index];
            let mut now = Now {
                world,
                ground: &npcs.ground,
                alarms: &npcs.alarms,
                pursuits: &mut npcs.pursuits,
                class,
                row,
                steering,
                random: &mut random,
            };
            mind.think(&mut now);
            npcs.minds[index] = mind;
        }
        let controls =
            npcs.minds[index].steer(world, &universe, &npcs.ground, class, &steering, row);
        control::steer_npc(world, row, controls);
    }
    if is_awaited {
        receive(&mut npcs, world, &universe);
    }
    world.npcs = npcs;
}

/// Lets ships arrive that are due, by turns: the next tick goes on where this one stopped, so that
/// those who try in vain keep nobody else out. Work: minds, and the bounds on tries and arrivals.
fn receive(npcs: &mut Npcs, world: &mut World, universe: &Universe) {
    let count = npcs.minds.len();
    let mut arrivals_left = NPC_ARRIVALS_PER_TICK_MAX;
    let mut tries_left = NPC_ARRIVAL_TRIES_PER_TICK_MAX;
    let first = npcs.next_arrival;
    for index in (first..count).chain(0..first) {
        let mind = &npcs.minds[index];
        if mind.ship.is_some() || mind.due > world.tick {
            continue;
        }
        if arrivals_left == 0 || tries_left == 0 {
            npcs.next_arrival = index;
            return;
        }
        tries_left -= 1;
        match arrive(npcs, index, world, universe) {
            Arrival::Unfit => {}
            Arrival::Placed | Arrival::Crowded => arrivals_left -= 1,
        }
    }
}

/// What came of a try to arrive.
enum Arrival {
    /// The ship is there.
    Placed,
    /// Nothing was free around the place: a search as dear as a ship's arrival.
    Crowded,
    /// The place was none to arrive at.
    Unfit,
}

/// The row of a mind's ship; notes the ship's end when it has none any more.
fn present(npcs: &mut Npcs, index: usize, world: &World, universe: &Universe) -> Option<usize> {
    let mind = &mut npcs.minds[index];
    let ship = mind.ship?;
    let row = world.entities.row(ship);
    if row.is_none() {
        npcs.pursuits.release(mind.quarry());
        mind.ship = None;
        mind.mode = Mode::Roam;
        let wait_ticks = u64::from(class(universe, mind.kind).respawn_ticks);
        mind.due = world.tick + wait_ticks;
    }
    row
}

/// Supplies are aboard, and damage is mended while nobody shoots: 1 point a thought.
fn recover(world: &mut World, row: usize, class: &NpcClass, unhurt: bool, fuel_max: f32) {
    world.entities.fuels[row] = fuel_max;
    let hull = &mut world.entities.hulls[row];
    if unhurt && *hull > 0 && *hull < class.hull_max {
        *hull += 1;
        world.entities.last_changed_ticks[row] = world.tick as u32;
    }
}

/// Brings a ship into the world: traders docked, others where their kind belongs and no pilot
/// looks. Where that can't be, it is tried again later.
fn arrive(npcs: &mut Npcs, index: usize, world: &mut World, universe: &Universe) -> Arrival {
    let mut random = Random::new(world.seed ^ SEED_SALT, world.tick, index as u64);
    let (kind, nth) = (npcs.minds[index].kind, npcs.minds[index].nth as usize);
    npcs.minds[index].due = world.tick + RETRY_TICKS;
    let stations = npcs.ground.stations.len();
    let spot = match kind {
        EntityKind::Pirate => npcs
            .ground
            .lurking_place(npcs.ground.lair(nth), &mut random),
        EntityKind::Trader if stations > 0 => None,
        _ => Some(
            npcs.ground
                .patrol_place(npcs.ground.patrol(nth), &mut random),
        ),
    };
    let (place, dock) = match spot {
        Some((x, y))
            if kind != EntityKind::Pirate
                || !perception::pilot_near(world, x, y, ARRIVAL_DISTANCE) =>
        {
            let rotation = random.between(-3.0, 3.0);
            (
                Place::Space {
                    x,
                    y,
                    vx: 0.0,
                    vy: 0.0,
                    rotation,
                },
                None,
            )
        }
        None if kind == EntityKind::Trader => {
            let station = StationIndex((random.bits() % stations as u64) as u16);
            (Place::Docked(station), Some(station))
        }
        _ => return Arrival::Unfit,
    };
    let Some(pose) = world.pose_for(place) else {
        return Arrival::Crowded;
    };
    let id = world.entities.next_id(kind);
    let mut row = world.ship_row(kind, id, pose, dock);
    row.hull = class(universe, kind).hull_max;
    let Some(ship) = world.entities.insert(row) else {
        return Arrival::Crowded;
    };
    npcs.enrol(index, ship);
    npcs.minds[index].arrived(
        ship,
        (pose.x, pose.y),
        dock.is_some(),
        world.tick,
        &mut random,
    );
    Arrival::Placed
}

/// Lets the minds learn from the hits of this tick. Work: hits × alarms.
pub(super) fn notice(world: &mut World) {
    let mut npcs = std::mem::take(&mut world.npcs);
    let hits = world
        .outcome
        .combat
        .iter()
        .filter(|event| event.kind == CombatKind::Hit);
    for hit in hits {
        let (source, target) = (
            world.entities.row(hit.source_ship),
            world.entities.row(hit.target_ship),
        );
        if let Some(index) = npcs.mind_of(hit.target_ship) {
            npcs.minds[index].hurt_by(hit.source_ship, world.tick);
        }
        let (Some(source), Some(target)) = (source, target) else {
            continue;
        };
        let (x, y) = (world.entities.xs[target], world.entities.ys[target]);
        let kinds = (world.entities.kinds[source], world.entities.kinds[target]);
        let offence = match kinds {
            (EntityKind::Patrol, _) | (_, EntityKind::Pirate) => false,
            (_, EntityKind::Trader | EntityKind::Patrol) => true,
            // Whoever answers an offender's fire is none.
            _ => npcs.ground.watched(x, y) && !npcs.alarms.accuses(hit.target_ship),
        };
        if offence {
            npcs.alarms.raise(hit.source_ship, world.tick);
        }
    }
    world.npcs = npcs;
}
