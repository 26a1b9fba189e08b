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

use self::agent::{Mode, Now, NpcAgent};
use self::alarm::Alarms;
use self::patrol_map::PatrolMap;
use self::perception::Pursuits;
use self::steering::NpcSteering;
use super::cells::Cells;
use super::control::{ControlColumns, Controls};
use super::docking::{self, UndockColumns, Undockings};
use super::entities::{Entities, Row};
use super::outcome::{CombatEvent, CombatKind, Event};
use super::pilot::Place;
use super::random::Random;
use super::spawning::{SpiralSearch, ship_row};
use super::step_context::StepContext;
use crate::ids::{EntityKind, Handle, StationIndex};
use crate::limits::{NPC_ARRIVAL_TRIES_PER_TICK_MAX, NPC_ARRIVALS_PER_TICK_MAX};
use crate::universe::{NpcClass, System, Universe};

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
    /// Index of the agent by slot of its ship's handle; `u32::MAX` for slots that are nobody of ours.
    by_slot: Vec<u32>,
    pursuits: Pursuits,
    alarms: Alarms,
    ground: PatrolMap,
    /// The mind that is first in the queue of those whose ship may arrive.
    next_arrival: usize,
}

impl Npcs {
    /// The minds of a system's population; their ships arrive in the first ticks.
    pub(super) fn new(universe: &Universe, system: &System) -> Self {
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
        let Self {
            minds,
            alarms,
            next_arrival,
            // Follows from the minds' ships.
            by_slot: _,
            // Follows from the minds' modes.
            pursuits: _,
            // Never changes.
            ground: _,
        } = self;
        let queue = std::iter::once(*next_arrival as u64);
        minds
            .iter()
            .flat_map(NpcAgent::words)
            .chain(alarms.words())
            .chain(queue)
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
pub(super) fn fly(
    context: &StepContext,
    npcs: &mut Npcs,
    entities: &mut Entities,
    cells: &Cells,
    spiral: &mut SpiralSearch,
    undockings: &mut Undockings,
    events: &mut Vec<Event>,
) {
    if npcs.minds.is_empty() {
        return;
    }
    let mut is_awaited = false;
    npcs.alarms.expire(context.tick);
    for index in 0..npcs.minds.len() {
        let Some(row) = npcs.present(context, entities, index) else {
            is_awaited |= npcs.minds[index].due <= context.tick;
            continue;
        };
        let controls = npcs.decide(context, entities, cells, index, row).clamped();
        if controls.thrust > 0.0 && entities.docks[row].is_some() {
            let leaving = (row, controls.thrust, controls.turn);
            let columns = UndockColumns::of(entities);
            docking::undock_npc(context, undockings, columns, leaving, spiral, events);
        }
        ControlColumns::of(entities).set(row, controls);
    }
    if is_awaited {
        npcs.receive(context, entities, cells, spiral);
    }
}

impl Npcs {
    /// Lets a mind think, if it is its turn, and steer the ship in this row.
    fn decide(
        &mut self,
        context: &StepContext,
        entities: &mut Entities,
        cells: &Cells,
        index: usize,
        row: usize,
    ) -> Controls {
        let mind = &mut self.minds[index];
        let class = class(&context.universe, mind.kind);
        let steering = NpcSteering::new(entities, row, context.ship(), context.flight.turn);
        if (context.tick + index as u64).is_multiple_of(THINK_TICKS) {
            let unhurt = !mind.under_fire(context.tick);
            recover(context, entities, row, class, unhurt);
            mind.think(&mut Now {
                context,
                entities,
                cells,
                ground: &self.ground,
                alarms: &self.alarms,
                pursuits: &mut self.pursuits,
                class,
                row,
                steering,
                random: &mut draws(context, index),
            });
        }
        mind.steer(context, entities, &self.ground, class, &steering, row)
    }

    /// Lets ships arrive that are due, by turns: the next tick goes on where this one stopped, so
    /// that those who try in vain keep nobody else out. Work: minds, and the bounds on tries and
    /// arrivals.
    fn receive(
        &mut self,
        context: &StepContext,
        entities: &mut Entities,
        cells: &Cells,
        spiral: &mut SpiralSearch,
    ) {
        let count = self.minds.len();
        let mut arrivals_left = NPC_ARRIVALS_PER_TICK_MAX;
        let mut tries_left = NPC_ARRIVAL_TRIES_PER_TICK_MAX;
        let first = self.next_arrival;
        for index in (first..count).chain(0..first) {
            let mind = &self.minds[index];
            if mind.ship.is_some() || mind.due > context.tick {
                continue;
            }
            if arrivals_left == 0 || tries_left == 0 {
                self.next_arrival = index;
                return;
            }
            tries_left -= 1;
            match self.arrive(context, entities, cells, spiral, index) {
                Arrival::Unfit => {}
                Arrival::Placed | Arrival::Crowded => arrivals_left -= 1,
            }
        }
    }
}

/// A mind's draws of this tick.
fn draws(context: &StepContext, index: usize) -> Random {
    Random::new(context.seed ^ SEED_SALT, context.tick, index as u64)
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

/// Supplies are aboard, and damage is mended while nobody shoots: 1 point a thought.
fn recover(
    context: &StepContext,
    entities: &mut Entities,
    row: usize,
    class: &NpcClass,
    unhurt: bool,
) {
    entities.fuels[row] = context.ship().fuel_max;
    let hull = &mut entities.hulls[row];
    if unhurt && *hull > 0 && *hull < class.hull_max {
        *hull += 1;
        entities.last_changed_ticks[row] = context.column_tick();
    }
}

impl Npcs {
    /// The row of a mind's ship; notes the ship's end when it has none any more.
    fn present(
        &mut self,
        context: &StepContext,
        entities: &Entities,
        index: usize,
    ) -> Option<usize> {
        let mind = &mut self.minds[index];
        let ship = mind.ship?;
        let row = entities.row(ship);
        if row.is_none() {
            mind.turn_to(Mode::Roam, &mut self.pursuits);
            mind.ship = None;
            let wait_ticks = u64::from(class(&context.universe, mind.kind).respawn_ticks);
            mind.due = context.tick + wait_ticks;
        }
        row
    }

    /// Brings a ship into the world: traders docked, others where their kind belongs and no pilot
    /// looks. Where that can't be, it is tried again later.
    fn arrive(
        &mut self,
        context: &StepContext,
        entities: &mut Entities,
        cells: &Cells,
        spiral: &mut SpiralSearch,
        index: usize,
    ) -> Arrival {
        let mut random = draws(context, index);
        let mind = &mut self.minds[index];
        mind.due = context.tick + RETRY_TICKS;
        let kind = mind.kind;
        let place = place_to_arrive(&self.ground, mind, &mut random);
        let Some(place) = place.filter(|place| !is_watched(kind, place, entities, cells)) else {
            return Arrival::Unfit;
        };
        let dock = match place {
            Place::Docked(station) => Some(station),
            _ => None,
        };
        if !entities.has_room() {
            return Arrival::Crowded;
        }
        let Some(pose) = spiral.pose_for(context, entities, place) else {
            return Arrival::Crowded;
        };
        let id = entities.next_id(kind);
        let row = Row {
            hull: class(&context.universe, kind).hull_max,
            ..ship_row(context, kind, id, pose, dock)
        };
        let Some(ship) = entities.insert(row) else {
            unreachable!("there was room");
        };
        let place = (pose.x, pose.y);
        mind.arrived(ship, place, dock.is_some(), context.tick, &mut random);
        self.enrol(index, ship);
        Arrival::Placed
    }
}

/// Where a mind's next ship appears; none if four draws found no place that is fit.
fn place_to_arrive(ground: &PatrolMap, mind: &NpcAgent, random: &mut Random) -> Option<Place> {
    let nth = mind.nth as usize;
    let stations_count = ground.stations.len() as u64;
    let (x, y) = match mind.kind {
        EntityKind::Pirate => ground.lurking_place(ground.lair(nth), random)?,
        EntityKind::Trader if stations_count > 0 => {
            let station = StationIndex((random.bits() % stations_count) as u16);
            return Some(Place::Docked(station));
        }
        _ => ground.patrol_place(ground.patrol(nth), random),
    };
    Some(Place::Space {
        x,
        y,
        vx: 0.0,
        vy: 0.0,
        rotation: random.between(-3.0, 3.0),
    })
}

/// Whether a pilot would see a pirate come out of nothing.
fn is_watched(kind: EntityKind, place: &Place, entities: &Entities, cells: &Cells) -> bool {
    match *place {
        Place::Space { x, y, .. } if kind == EntityKind::Pirate => {
            perception::pilot_near(entities, cells, (x, y), ARRIVAL_DISTANCE)
        }
        _ => false,
    }
}

/// Lets the minds learn from the hits of this tick. Work: hits × alarms.
pub(super) fn notice(
    context: &StepContext,
    npcs: &mut Npcs,
    entities: &Entities,
    combat: &[CombatEvent],
) {
    let hits = combat.iter().filter(|event| event.kind == CombatKind::Hit);
    for hit in hits {
        if let Some(index) = npcs.mind_of(hit.target_ship) {
            npcs.minds[index].hurt_by(hit.source_ship, context.tick);
        }
        // Nobody can be accused whose ship is gone by now.
        let Some(source) = entities.row(hit.source_ship) else {
            continue;
        };
        let Some(target) = entities.row(hit.target_ship) else {
            unreachable!("rows stay until the end of the tick in which they are hit");
        };
        let (x, y) = (entities.xs[target], entities.ys[target]);
        let kinds = (entities.kinds[source], entities.kinds[target]);
        let offence = match kinds {
            (EntityKind::Patrol, _) | (_, EntityKind::Pirate) => false,
            (_, EntityKind::Trader | EntityKind::Patrol) => true,
            // Whoever answers an offender's fire is none.
            _ => npcs.ground.watched(x, y) && !npcs.alarms.accuses(hit.target_ship),
        };
        if offence {
            npcs.alarms.raise(hit.source_ship, context.tick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SystemIndex;

    #[test]
    fn only_a_pirate_that_ends_leaves_a_place_in_a_pack() {
        let context = StepContext::new(Universe::built_in(), SystemIndex(0), 1);
        let ship = |slot| Handle {
            slot,
            generation: 0,
        };
        let hunter = |kind, slot| {
            let mut mind = NpcAgent::new(kind, 0);
            mind.ship = Some(ship(slot));
            mind
        };
        let quarry = ship(7);
        let mut npcs = Npcs {
            minds: vec![
                hunter(EntityKind::Pirate, 1),
                hunter(EntityKind::Pirate, 2),
                hunter(EntityKind::Patrol, 3),
            ],
            ..Npcs::default()
        };
        for mind in &mut npcs.minds {
            mind.turn_to(Mode::Hunt(quarry), &mut npcs.pursuits);
        }
        assert!(!npcs.pursuits.has_room(quarry));
        // Nobody of them has a row any more.
        let nobody = Entities::default();
        assert_eq!(npcs.present(&context, &nobody, 2), None);
        assert!(!npcs.pursuits.has_room(quarry));
        assert_eq!(npcs.present(&context, &nobody, 0), None);
        assert!(npcs.pursuits.has_room(quarry));
    }
}
