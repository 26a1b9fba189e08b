//! A mind: what one ship is about, how it decides and how it acts on it.
//!
//! Owns the modes and the changes between them; the numbers come from the universe's rules for its
//! kind. Thinking changes the mind only; steering turns the mind's mode into controls.
//!
//! ```text
//!            sees prey                hurt, or a patrol near
//!  pirate    Roam ───────▶ Hunt ───────────────────────────▶ Flee ──▶ Roam
//!  patrol    Roam ─ pirate or offender ─▶ Hunt ─ too far, or hurt ─▶ Roam (its patrol)
//!  trader    Rest (docked) ──▶ Travel ──▶ Rest …              shot at: Travel to the nearest dock
//! ```

use super::super::cells::Cells;
use super::super::control::Controls;
use super::super::entities::Entities;
use super::super::random::Random;
use super::super::step_context::StepContext;
use super::alarm::Alarms;
use super::patrol_map::PatrolMap;
use super::perception::{Pursuits, nearest};
use super::steering::{Gun, NpcSteering, Target, length};
use crate::ids::{EntityKind, Handle, StationIndex};
use crate::limits::TICK_SECONDS;
use crate::universe::NpcClass;

/// Ticks after a hit during which a ship counts as under fire: 10 s.
const HURT_TICKS: u64 = 300;

/// Ticks that a flight lasts: 8 s.
const FLEE_TICKS: u64 = 240;

/// How far from its lair or patrol a ship lets itself be drawn, u beyond the disc's rim.
const LEASH: f32 = 2600.0;

/// A patrol nearer than this makes a pirate break off, u.
const FEAR_DISTANCE: f32 = 650.0;

/// Thrust with which a trader leaves a dock.
const CAST_OFF: f32 = 0.1;

/// What a ship is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// Going round its own ground.
    Roam,
    /// After a ship.
    Hunt(Handle),
    /// Away from a place until a tick.
    Flee { x: f32, y: f32, until: u64 },
    /// On the way to a dock.
    Travel(StationIndex),
    /// Docked until a tick.
    Rest { until: u64 },
}

/// One ship's mind; outlives the ship, and gets another after a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct NpcAgent {
    pub(super) kind: EntityKind,
    /// Which of its kind it is: decides its lair or patrol.
    pub(super) nth: u32,
    pub(super) ship: Option<Handle>,
    /// The tick from which the next ship may arrive.
    pub(super) due: u64,
    pub(super) mode: Mode,
    waypoint: (f32, f32),
    /// The tick in which it shoots again.
    fires_at: u64,
    /// How far off it aims at present, rad.
    aim: f32,
    attacker: Option<Handle>,
    /// The tick until which it counts as under fire.
    hurt_until: u64,
}

/// All that a thought may look at.
pub(super) struct Now<'a> {
    pub(super) context: &'a StepContext,
    pub(super) entities: &'a Entities,
    pub(super) cells: &'a Cells,
    pub(super) ground: &'a PatrolMap,
    pub(super) alarms: &'a Alarms,
    pub(super) pursuits: &'a mut Pursuits,
    pub(super) class: &'a NpcClass,
    pub(super) row: usize,
    pub(super) steering: NpcSteering,
    pub(super) random: &'a mut Random,
}

impl Now<'_> {
    fn kind(&self, row: usize) -> EntityKind {
        self.entities.kinds[row]
    }

    fn place(&self, row: usize) -> (f32, f32) {
        (self.entities.xs[row], self.entities.ys[row])
    }

    /// The row of a ship that is in space and not docked.
    fn at_large(&self, ship: Handle) -> Option<usize> {
        let row = self.entities.row(ship)?;
        self.entities.docks[row].is_none().then_some(row)
    }

    fn away(&self, row: usize) -> f32 {
        let (x, y) = self.place(row);
        length(x - self.steering.x, y - self.steering.y)
    }

    fn hull(&self) -> i32 {
        self.entities.hulls[self.row]
    }

    fn ticks_from_now(&self, ticks: u64) -> u64 {
        self.context.tick + ticks
    }
}

impl NpcAgent {
    pub(super) fn new(kind: EntityKind, nth: u32) -> Self {
        Self {
            kind,
            nth,
            ship: None,
            due: 0,
            mode: Mode::Roam,
            waypoint: (0.0, 0.0),
            fires_at: 0,
            aim: 0.0,
            attacker: None,
            hurt_until: 0,
        }
    }

    /// A new ship is in the world.
    pub(super) fn arrived(
        &mut self,
        ship: Handle,
        place: (f32, f32),
        docked: bool,
        tick: u64,
        random: &mut Random,
    ) {
        let rest_ticks = random.between(30.0, 600.0) as u64;
        *self = Self {
            ship: Some(ship),
            mode: if docked {
                Mode::Rest {
                    until: tick + rest_ticks,
                }
            } else {
                Mode::Roam
            },
            waypoint: place,
            ..Self::new(self.kind, self.nth)
        };
    }

    /// A shot hit it.
    pub(super) fn hurt_by(&mut self, source: Handle, tick: u64) {
        self.attacker = Some(source);
        self.hurt_until = tick + HURT_TICKS;
    }

    pub(super) fn under_fire(&self, tick: u64) -> bool {
        tick < self.hurt_until
    }

    /// Whom it hunts as one of a pack: only pirates hunt in packs.
    fn pack_quarry(&self) -> Option<Handle> {
        match self.mode {
            Mode::Hunt(quarry) if self.kind == EntityKind::Pirate => Some(quarry),
            _ => None,
        }
    }

    /// Changes what it is about, and what the packs count.
    pub(super) fn turn_to(&mut self, mode: Mode, pursuits: &mut Pursuits) {
        if let Some(quarry) = self.pack_quarry() {
            pursuits.release(quarry);
        }
        self.mode = mode;
        if let Some(quarry) = self.pack_quarry() {
            pursuits.join(quarry);
        }
    }

    /// Looks round and decides. Work: one search among neighbours, at most two.
    pub(super) fn think(&mut self, now: &mut Now<'_>) {
        self.aim = now
            .random
            .between(-now.class.aim_error, now.class.aim_error);
        match self.kind {
            EntityKind::Pirate => self.think_as_pirate(now),
            EntityKind::Patrol => self.think_as_patrol(now),
            _ => self.think_as_trader(now),
        }
    }

    fn think_as_pirate(&mut self, now: &mut Now<'_>) {
        let lair = now.ground.lair(self.nth as usize);
        if let Mode::Flee { until, .. } = self.mode {
            if now.context.tick < until {
                return;
            }
            self.turn_to(Mode::Roam, now.pursuits);
        }
        let (x, y) = (now.steering.x, now.steering.y);
        let threat = self.threat_to_pirate(now);
        if let Some((x, y)) = threat {
            let until = now.ticks_from_now(FLEE_TICKS);
            self.turn_to(Mode::Flee { x, y, until }, now.pursuits);
            return;
        }
        let prey = |row: usize, now: &Now<'_>| {
            let (x, y) = now.place(row);
            matches!(now.kind(row), EntityKind::PlayerShip | EntityKind::Trader)
                && !now.ground.sheltered(x, y)
        };
        if let Mode::Hunt(quarry) = self.mode {
            let strayed = length(x - lair.x, y - lair.y) > lair.radius + LEASH;
            let reach = 1.5 * now.class.sense_radius;
            let on = now
                .at_large(quarry)
                .is_some_and(|row| prey(row, now) && now.away(row) < reach);
            if on && !strayed {
                return;
            }
            self.turn_to(Mode::Roam, now.pursuits);
        }
        if now.hull() > now.class.flee_hull {
            let found = nearest(
                now.entities,
                now.cells,
                (x, y),
                now.class.sense_radius,
                |row| prey(row, now) && now.pursuits.has_room(now.entities.handles[row]),
            );
            if let Some((row, _)) = found {
                self.turn_to(Mode::Hunt(now.entities.handles[row]), now.pursuits);
                return;
            }
        }
        if self.arrived_at_waypoint(now) || now.ground.sheltered(x, y) {
            // Where four draws found no place, the lair's middle will do.
            let place = now.ground.lurking_place(lair, now.random);
            self.waypoint = place.unwrap_or((lair.x, lair.y));
        }
    }

    /// What a pirate runs from, if anything: whoever hurt it badly or shoots out of a shelter, or a
    /// patrol too near.
    fn threat_to_pirate(&self, now: &Now<'_>) -> Option<(f32, f32)> {
        let assailant = self.attacker.filter(|_| self.under_fire(now.context.tick));
        if let Some(row) = assailant.and_then(|ship| now.at_large(ship)) {
            let (x, y) = now.place(row);
            if now.hull() <= now.class.flee_hull || now.ground.sheltered(x, y) {
                return Some((x, y));
            }
        }
        let here = (now.steering.x, now.steering.y);
        let is_patrol = |row: usize| now.kind(row) == EntityKind::Patrol;
        let patrol = nearest(now.entities, now.cells, here, FEAR_DISTANCE, is_patrol);
        patrol.map(|(row, _)| now.place(row))
    }

    fn think_as_patrol(&mut self, now: &mut Now<'_>) {
        let patrol = now.ground.patrol(self.nth as usize);
        let (x, y) = (now.steering.x, now.steering.y);
        let near_patrol =
            |(x, y): (f32, f32)| length(x - patrol.x, y - patrol.y) < patrol.radius + LEASH;
        let fit = now.hull() > now.class.flee_hull;
        let assailant = self.attacker.filter(|_| self.under_fire(now.context.tick));
        let wanted = |row: usize, now: &Now<'_>| {
            let ship = now.entities.handles[row];
            now.kind(row) != EntityKind::Patrol
                && (now.kind(row) == EntityKind::Pirate
                    || assailant == Some(ship)
                    || now.alarms.accuses(ship))
        };
        if let Mode::Hunt(quarry) = self.mode {
            let reach = 2.0 * now.class.sense_radius;
            let on = now
                .at_large(quarry)
                .is_some_and(|row| wanted(row, now) && now.away(row) < reach);
            if on && fit && near_patrol((x, y)) {
                return;
            }
            self.turn_to(Mode::Roam, now.pursuits);
        }
        if fit && near_patrol((x, y)) {
            let call = now.alarms.rows(now.entities).find(|row| {
                now.entities.docks[*row].is_none()
                    && near_patrol(now.place(*row))
                    && now.away(*row) < 2.0 * now.class.sense_radius
                    && wanted(*row, now)
            });
            let seen = || {
                nearest(
                    now.entities,
                    now.cells,
                    (x, y),
                    now.class.sense_radius,
                    |row| wanted(row, now),
                )
            };
            if let Some(row) = call.or_else(|| seen().map(|(row, _)| row)) {
                self.turn_to(Mode::Hunt(now.entities.handles[row]), now.pursuits);
                return;
            }
        }
        if self.arrived_at_waypoint(now) || !near_patrol(self.waypoint) {
            self.waypoint = now.ground.patrol_place(patrol, now.random);
        }
    }

    fn think_as_trader(&mut self, now: &mut Now<'_>) {
        let stations_count = now.ground.stations.len();
        let docked = now.entities.docks[now.row];
        let tick = now.context.tick;
        if stations_count == 0 {
            if self.arrived_at_waypoint(now) {
                self.waypoint = now.ground.patrol_place(now.ground.patrol(0), now.random);
            }
            return;
        }
        match (self.mode, docked) {
            (Mode::Rest { until }, Some(here)) if tick >= until && stations_count > 1 => {
                let step = 1 + now.random.bits() % (stations_count as u64 - 1);
                let next = (u64::from(here.0) + step) % stations_count as u64;
                self.mode = Mode::Travel(StationIndex(next as u16));
            }
            (Mode::Rest { .. }, Some(_)) => {}
            // On its way out.
            (Mode::Travel(next), Some(here)) if next != here => {}
            (_, Some(_)) => {
                let stay_ticks = now.random.between(240.0, 600.0) as u64;
                self.mode = Mode::Rest {
                    until: now.ticks_from_now(stay_ticks),
                };
            }
            (Mode::Travel(_), None) if !self.under_fire(tick) => {}
            (_, None) => {
                // Under fire, or adrift: the nearest dock is the safest place.
                let Some(respawn_station) =
                    now.ground.nearest_station(now.steering.x, now.steering.y)
                else {
                    unreachable!("there are {stations_count} stations");
                };
                self.mode = Mode::Travel(respawn_station);
            }
        }
        if let Mode::Travel(station) = self.mode {
            let here = (now.steering.x, now.steering.y);
            let mooring = now.ground.mooring(station, here.0, here.1);
            self.waypoint = now.ground.way(here, mooring);
        }
    }

    fn arrived_at_waypoint(&self, now: &Now<'_>) -> bool {
        length(
            self.waypoint.0 - now.steering.x,
            self.waypoint.1 - now.steering.y,
        ) < 120.0
    }

    /// The controls for this tick.
    pub(super) fn steer(
        &mut self,
        context: &StepContext,
        entities: &Entities,
        ground: &PatrolMap,
        class: &NpcClass,
        steering: &NpcSteering,
        row: usize,
    ) -> Controls {
        let (x, y) = self.waypoint;
        match self.mode {
            Mode::Roam => steering.fly_to(x, y, 0.5 * class.throttle),
            Mode::Rest { .. } => Controls {
                dock: true,
                ..Controls::default()
            },
            Mode::Hunt(quarry) => self.chase(context, entities, class, steering, quarry),
            Mode::Flee {
                x: from_x,
                y: from_y,
                ..
            } => {
                let (away_x, away_y) = (steering.x - from_x, steering.y - from_y);
                let far = 1000.0 / length(away_x, away_y).max(1.0);
                let (to_x, to_y) =
                    ground.inside(steering.x + away_x * far, steering.y + away_y * far);
                // Against a wall the way out is along it.
                let (dx, dy) = (to_x - steering.x, to_y - steering.y);
                if length(dx, dy) < 200.0 {
                    steering.run(-dy - steering.y, dx - steering.x)
                } else {
                    steering.run(dx, dy)
                }
            }
            Mode::Travel(station) => {
                let throttle = if self.under_fire(context.tick) {
                    1.0
                } else {
                    class.throttle
                };
                let s = &context.system().stations[usize::from(station.0)];
                let near = length(s.x - steering.x, s.y - steering.y) < 0.95 * s.docking_radius
                    && steering.speed() < 0.95 * s.docking_speed_max;
                let docked = entities.docks[row];
                if docked.map_or(near, |here| here == station) {
                    return Controls {
                        dock: true,
                        ..Controls::default()
                    };
                }
                let controls = steering.fly_to(x, y, throttle);
                // In dock a ship does not turn: out first, however it lies.
                let thrust = controls
                    .thrust
                    .max(if docked.is_some() { CAST_OFF } else { 0.0 });
                Controls { thrust, ..controls }
            }
        }
    }

    fn chase(
        &mut self,
        context: &StepContext,
        entities: &Entities,
        class: &NpcClass,
        steering: &NpcSteering,
        quarry: Handle,
    ) -> Controls {
        // It may be gone; the next thought is about somebody else.
        let Some(row) = entities.row(quarry) else {
            return Controls::default();
        };
        let weapon = &context.universe.weapon;
        let gun = Gun {
            weapon,
            lifetime_s: weapon.lifetime_ticks as f32 * TICK_SECONDS,
            range: class.fire_range,
            throttle: class.throttle,
        };
        let target = Target::new(entities, row);
        let controls = steering.engage(&target, &gun, self.aim, context.tick >= self.fires_at);
        if controls.fire {
            self.fires_at = context.tick + u64::from(class.trigger_ticks);
        }
        controls
    }

    /// What decides its future, as words for a state hash.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + use<> {
        let handle = |ship: Option<Handle>| {
            ship.map_or(u64::MAX, |ship| {
                u64::from(ship.slot) << 32 | u64::from(ship.generation)
            })
        };
        let pair = |x: f32, y: f32| u64::from(x.to_bits()) << 32 | u64::from(y.to_bits());
        let &Self {
            ship,
            due,
            mode,
            waypoint: (x, y),
            fires_at,
            aim,
            attacker,
            hurt_until,
            // Never change.
            kind: _,
            nth: _,
        } = self;
        let mode = match mode {
            Mode::Roam => [0, 0, 0],
            Mode::Hunt(quarry) => [1, handle(Some(quarry)), 0],
            Mode::Flee { x, y, until } => [2, pair(x, y), until],
            Mode::Travel(station) => [3, u64::from(station.0), 0],
            Mode::Rest { until } => [4, until, 0],
        };
        let rest = [
            handle(ship),
            due,
            pair(x, y),
            fires_at,
            u64::from(aim.to_bits()),
            handle(attacker),
            hurt_until,
        ];
        mode.into_iter().chain(rest)
    }
}
