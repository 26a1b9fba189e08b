//! A client's own world, rebuilt from snapshots and deltas alone.
//!
//! Each message is checked as it is taken in, without a look at the server: *nobody is introduced
//! twice*, *the first row carries the kind*, *removed exactly once*, *`gone` agrees*, *a delta
//! follows the frame before*, *a snapshot beside a delta says the same*, *`last_input_seq` never
//! falls*, *nobody enters the view beyond its radius*.

use std::collections::{BTreeMap, HashMap, HashSet};

use orrery::ids::EntityKind;
use orrery::limits::FRAME_TICKS_MAX;
use orrery::protocol::world::{Delta, Entity, EntityUpdate, Event, RemovalReason, Snapshot, You};
use orrery::protocol::{Angle, Fixed2, Input, Joined};

use super::shelf::Belongings;

/// An entity as the client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: EntityKind,
    pub(crate) x: Fixed2,
    pub(crate) y: Fixed2,
    pub(crate) vx: Fixed2,
    pub(crate) vy: Fixed2,
    pub(crate) r: Angle,
    pub(crate) hp: i32,
}

/// What one client believes.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) system: Option<String>,
    /// As far as it was told to see.
    view_radius: f64,
    pub(crate) ship: String,
    /// The tick of the newest state; none before the first snapshot of a system.
    pub(crate) tick: Option<u64>,
    pub(crate) entities: HashMap<String, Known>,
    pub(crate) you: Option<You>,
    pub(crate) last_input_seq: u64,
    /// The tick of the newest snapshot: in that tick nothing is late.
    pub(crate) snapshot_tick: Option<u64>,
    /// The tick of the newest delta, which told of inputs.
    pub(crate) input_tick: Option<u64>,
    /// Who left since this was last emptied, and why.
    pub(crate) gone: Vec<(String, RemovalReason)>,
    /// Whether rows may be told late: a snapshot then brings news.
    pub(crate) is_crowded: bool,
    /// Whether two ticks may be told as one, and time slow down.
    pub(crate) is_overloaded: bool,
    /// `time_dilation` of the newest delta.
    pub(crate) dilation: Option<Fixed2>,
    /// Shots of the own ship that were told.
    pub(crate) shots: u64,
    pub(crate) deltas: u64,
    pub(crate) snapshots: u64,
    /// Deltas in which the own ship's row stood.
    pub(crate) own_rows: u64,
}

impl Model {
    /// Another system, or the same one anew: nothing is known until a snapshot comes.
    pub(crate) fn join(&mut self, joined: &Joined) {
        self.system = Some(joined.system_id.to_string());
        self.ship.clone_from(&joined.ship_id);
        self.view_radius = joined.view_radius.to_f64();
        self.tick = None;
        self.snapshot_tick = None;
        self.entities.clear();
        self.you = None;
        self.last_input_seq = 0;
        self.input_tick = None;
        self.gone.clear();
    }

    pub(crate) fn snapshot(&mut self, snapshot: Snapshot) {
        assert!(
            self.system.is_some(),
            "a snapshot comes after `session.joined`"
        );
        let mut entities = HashMap::new();
        for entity in snapshot.entities {
            let known = known(&entity);
            let former = entities.insert(entity.id, known);
            assert!(former.is_none(), "nobody twice in a snapshot: {former:?}");
        }
        if self.tick == Some(snapshot.tick) {
            same_members(&self.entities, &entities);
            if !self.is_crowded {
                assert_eq!(
                    self.entities, entities,
                    "a snapshot beside a delta says the same"
                );
                let you = self.you.as_mut().expect("a delta came before");
                // A pause that is over is not told again.
                you.dock_ready_tick = you.dock_ready_tick.filter(|&at| at > snapshot.tick);
                assert_eq!(
                    *you, snapshot.you,
                    "a snapshot beside a delta says the same of `you`"
                );
            }
        }
        assert!(self.tick <= Some(snapshot.tick), "ticks rise");
        assert_eq!(
            snapshot.you.ship_id, self.ship,
            "the own ship is the one joined with"
        );
        let entered = entities
            .keys()
            .filter(|id| !self.entities.contains_key(*id));
        let entered: Vec<String> = entered.cloned().collect();
        self.entities = entities;
        self.check_entered(&entered);
        self.tick = Some(snapshot.tick);
        self.snapshot_tick = self.tick;
        self.you = Some(snapshot.you);
        self.snapshots += 1;
    }

    pub(crate) fn delta(&mut self, delta: Delta) {
        let tick = self.tick.expect("a delta comes after a snapshot");
        let ticks_max = if self.is_overloaded {
            FRAME_TICKS_MAX
        } else {
            1
        };
        assert!(
            (tick + 1..=tick + u64::from(ticks_max)).contains(&delta.tick),
            "a delta follows the tick before, or the one before that under overload"
        );
        let dilation = delta.time_dilation;
        let is_slowed = dilation.is_some_and(|dilation| dilation < Fixed2::new(1.0));
        assert_eq!(
            is_slowed,
            dilation.is_some(),
            "`time_dilation` only below 1"
        );
        self.dilation = dilation;
        self.tick = Some(delta.tick);
        self.deltas += 1;
        let mut seen = HashSet::new();
        let entered = delta.entity_updates.iter();
        let entered = entered.filter(|update| update.kind.is_some());
        let entered: Vec<String> = entered.map(|update| update.id.clone()).collect();
        for update in delta.entity_updates {
            assert!(
                seen.insert(update.id.clone()),
                "two rows of {} in one delta",
                update.id
            );
            self.own_rows += u64::from(update.id == self.ship);
            self.update(update);
        }
        self.remove(&delta.entity_removed, delta.gone.unwrap_or_default(), &seen);
        self.check_entered(&entered);
        let own = |event: &&Event| matches!(event, Event::ProjectileFired { source_id, .. } if *source_id == self.ship);
        self.shots += delta.events.iter().filter(own).count() as u64;
        let newest = delta.last_input_seq.unwrap_or(0);
        assert!(newest >= self.last_input_seq, "last_input_seq never falls");
        self.last_input_seq = newest;
        self.input_tick = Some(delta.tick);
        let (Some(you), Some(changes)) = (&mut self.you, delta.you) else {
            return;
        };
        set(&mut you.credits, changes.credits);
        set(&mut you.hull, changes.hull);
        set(&mut you.fuel, changes.fuel);
        set(&mut you.cargo, changes.cargo);
        set(&mut you.docked_at, changes.docked_at);
        set(&mut you.dock_ready_tick, changes.dock_ready_tick.map(Some));
    }

    /// Whoever has just come into view is within its radius of the own ship.
    fn check_entered(&self, ids: &[String]) {
        let Some(own) = self.entities.get(&self.ship) else {
            return;
        };
        for id in ids {
            let Some(other) = self.entities.get(id) else {
                continue;
            };
            let (dx, dy) = (
                other.x.to_f64() - own.x.to_f64(),
                other.y.to_f64() - own.y.to_f64(),
            );
            let distance = dx.hypot(dy);
            assert!(
                distance <= self.view_radius + 0.02,
                "nobody enters the view beyond its radius: {id} at {distance}"
            );
        }
    }

    fn update(&mut self, update: EntityUpdate) {
        let former = self.entities.get(&update.id);
        let kind = match (former, update.kind) {
            (Some(former), None) => former.kind,
            (None, Some(kind)) => kind,
            (Some(_), Some(_)) => panic!("nobody is introduced twice: {}", update.id),
            (None, None) => panic!("the first row carries the kind: {}", update.id),
        };
        let known = Known {
            kind,
            x: update.x,
            y: update.y,
            vx: update.vx,
            vy: update.vy,
            r: update.r,
            hp: update.hp,
        };
        self.entities.insert(update.id, known);
    }

    fn remove(
        &mut self,
        removed: &[String],
        gone: BTreeMap<String, RemovalReason>,
        seen: &HashSet<String>,
    ) {
        assert_eq!(
            removed.len(),
            gone.len(),
            "`gone` agrees: {removed:?} {gone:?}"
        );
        for id in removed {
            assert!(
                !seen.contains(id),
                "{id} is updated and removed in one delta"
            );
            let known = self.entities.remove(id);
            assert!(known.is_some(), "removed exactly once: {id} was not known");
            assert!(gone.contains_key(id), "`gone` agrees: no reason for {id}");
        }
        self.gone.extend(gone);
    }

    /// Whether rows may be older than the newest tick told of.
    pub(crate) fn may_be_late(&self) -> bool {
        self.is_crowded && self.snapshot_tick != self.tick
    }

    /// Controls that turn to the nearest pirate in view, and fire.
    pub(crate) fn aim(&self) -> Option<Input> {
        let own = self.entities.get(&self.ship)?;
        let offset = |known: &Known| {
            let (x, y) = (
                known.x.to_f64() - own.x.to_f64(),
                known.y.to_f64() - own.y.to_f64(),
            );
            (x, y)
        };
        let pirates = self
            .entities
            .iter()
            .filter(|(_, known)| known.kind == EntityKind::Pirate);
        let (_, nearest) = pirates.min_by(|one, other| {
            let distance = |known| {
                let (x, y): (f64, f64) = offset(known);
                x.hypot(y)
            };
            let by_distance = distance(one.1).total_cmp(&distance(other.1));
            by_distance.then_with(|| one.0.cmp(other.0))
        })?;
        let (x, y) = offset(nearest);
        let off = y.atan2(x) - own.r.to_f64();
        let turn = off
            .sin()
            .mul_add(4.0, if off.cos() < 0.0 { 1.0 } else { 0.0 });
        Some(Input {
            thrust: 0.5,
            turn: (turn as f32).clamp(-1.0, 1.0),
            fire_primary: true,
            dock_request: false,
        })
    }

    /// Money and hold as told.
    pub(crate) fn belongings(&self) -> Option<Belongings> {
        let you = self.you.as_ref()?;
        let cargo = you.cargo.iter();
        Some(Belongings {
            credits: you.credits,
            cargo: cargo
                .map(|held| (held.commodity_id.to_string(), i64::from(held.qty)))
                .collect(),
        })
    }
}

fn set<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

fn known(entity: &Entity) -> Known {
    Known {
        kind: entity.kind,
        x: entity.x,
        y: entity.y,
        vx: entity.vx,
        vy: entity.vy,
        r: entity.r,
        hp: entity.hp,
    }
}

fn same_members(one: &HashMap<String, Known>, other: &HashMap<String, Known>) {
    let missing = one.keys().find(|id| !other.contains_key(*id));
    let extra = other.keys().find(|id| !one.contains_key(*id));
    assert!(
        missing.is_none() && extra.is_none(),
        "a snapshot beside a delta has the same members: {missing:?} {extra:?}"
    );
}
