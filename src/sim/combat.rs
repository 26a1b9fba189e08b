//! Combat: shots are fired, hits take hull points, ships are destroyed, kills are paid.
//!
//! Owns the trigger and the consequences of a hit. The list of hits comes from
//! [`contacts`](super::contacts), ascending by target and shot, and is applied by one worker in that
//! order. Rows of the destroyed stay until the tick's end with hull 0, and are taken out by
//! [`reaping`](super::reaping).
//!
//! A pilot's shot harms a pilot only where the zones allow it at both ends: where and when it was
//! fired, which the shot remembers whatever becomes of the shooter, and where it hits. Ships that
//! the server flies don't harm their own kind; a docked ship is not in the list at all. Who fires
//! can't dock for a while. Cooldown and flight of a shot run on simulated time.

use super::columns::column_view;
use super::contacts::Strike;
use super::entities::{Entities, Row, Shooter};
use super::entity_id::EntityId;
use super::outcome::{Cause, CombatEvent, CombatKind, Event, EventKind, Outcome, Posting};
use super::pilot::Pilots;
use super::step_context::StepContext;
use super::zones::Zones;
use super::{npc, reaping};
use crate::ids::{CommodityIndex, EntityKind, Handle};
use crate::limits::{DOCK_PAUSE_AFTER_SHOT_TICKS, PROJECTILES_MAX};

column_view! {
    /// What a hit reads and writes.
    struct StrikeColumns of Entities {
        reads {
            handles: [Handle],
            ids: [EntityId],
            kinds: [EntityKind],
            shooters: [Option<Shooter>],
            xs: [f32],
            ys: [f32],
        }
        writes {
            deadlines: [u64],
            hulls: [i32],
            last_changed_ticks: [u32],
        }
    }
}

/// Applies the tick's hits, and lists the ships that they destroy. Linear in hits.
pub(super) fn strike(
    context: &StepContext,
    strikes: &[Strike],
    mut columns: StrikeColumns<'_>,
    zones: &Zones,
    pilots: &mut Pilots,
    dead: &mut Vec<Handle>,
    outcome: &mut Outcome,
) {
    for &strike in strikes {
        let target = strike.target as usize;
        // Nothing else follows from a hit that destroys nobody.
        let Some(shooter) = columns.hit(context, strike, zones, &mut outcome.combat) else {
            continue;
        };
        let ship = columns.handles[target];
        dead.push(ship);
        if let Some(index) = pilots.index(ship) {
            lose_cargo(pilots, index, &mut outcome.postings);
        }
        let kind = columns.kinds[target];
        if kind.is_npc() {
            let bounty = npc::class(&context.universe, kind).bounty;
            let place = zones.blend(columns.xs[target], columns.ys[target]);
            pay_bounty(bounty, place.profit_multiplier, shooter, pilots, outcome);
        }
    }
}

impl StrikeColumns<'_> {
    /// Spends the shot, and takes its damage from a ship that it may harm. Returns the shooter if
    /// that destroyed the ship.
    fn hit(
        &mut self,
        context: &StepContext,
        strike: Strike,
        zones: &Zones,
        combat: &mut Vec<CombatEvent>,
    ) -> Option<Shooter> {
        let (target, shot) = (strike.target as usize, strike.shot as usize);
        self.deadlines[shot] = reaping::SPENT;
        let Some(shooter) = self.shooters[shot] else {
            unreachable!("nobody fired the shot in row {shot}");
        };
        let is_ship = self.kinds[target].is_ship();
        if !is_ship || self.hulls[target] <= 0 || !self.harms(zones, shooter, target) {
            return None;
        }
        let damage = context.universe.weapon.damage;
        let hull = &mut self.hulls[target];
        *hull = hull.saturating_sub(damage).max(0);
        let event = CombatEvent {
            kind: CombatKind::Hit,
            source_ship: shooter.ship,
            source: shooter.id,
            target_ship: self.handles[target],
            target: self.ids[target],
            damage,
            target_hp: *hull,
        };
        self.last_changed_ticks[target] = context.column_tick();
        combat.push(event);
        if event.target_hp > 0 {
            return None;
        }
        combat.push(CombatEvent {
            kind: CombatKind::Destroyed,
            ..event
        });
        Some(shooter)
    }

    fn harms(&self, zones: &Zones, shooter: Shooter, target: usize) -> bool {
        let kind = self.kinds[target];
        if shooter.kind != kind {
            return true;
        }
        let (x, y) = (self.xs[target], self.ys[target]);
        kind == EntityKind::PlayerShip && shooter.pvp_allowed && zones.pvp_allowed(x, y)
    }
}

fn lose_cargo(pilots: &mut Pilots, index: usize, postings: &mut Vec<Posting>) {
    let (player, credits, hold) = pilots.wallet(index);
    for (commodity, held) in hold.iter_mut().enumerate() {
        let quantity = std::mem::take(held);
        if quantity == 0 {
            continue;
        }
        postings.push(Posting {
            player: Some(player.clone()),
            commodity: Some(CommodityIndex(commodity as u16)),
            quantity: i64::from(quantity),
            balance_after: Some(*credits),
            ..Posting::new(Cause::CargoLost)
        });
    }
}

/// Pays the pilot who made the kill the victim's bounty times the profit multiplier at its place,
/// to the nearest credit.
fn pay_bounty(
    bounty: i64,
    profit_multiplier: f32,
    shooter: Shooter,
    pilots: &mut Pilots,
    outcome: &mut Outcome,
) {
    // Ships that the server flies, and pilots who have left since, are not paid.
    let Some(index) = pilots.index(shooter.ship).filter(|_| bounty > 0) else {
        return;
    };
    let total = (bounty as f64 * f64::from(profit_multiplier)).round() as i64;
    // A balance that cannot grow any more stays as it is, and nothing is booked.
    let Some(credits) = pilots.credits[index].checked_add(total) else {
        return;
    };
    pilots.credits[index] = credits;
    outcome.postings.push(Posting {
        player: Some(pilots.players[index].clone()),
        total,
        balance_after: Some(credits),
        ..Posting::new(Cause::Bounty)
    });
}

/// Fires for everybody who holds the trigger, is out of dock and has cooled down, in the order of
/// rows, while there is room for shots besides those in flight. Linear in rows.
pub(super) fn fire(
    context: &StepContext,
    shots_count: usize,
    entities: &mut Entities,
    zones: &Zones,
    events: &mut Vec<Event>,
) {
    let mut room = PROJECTILES_MAX.saturating_sub(shots_count);
    for row in context.stations_count()..entities.len() {
        let ready = entities.triggers[row]
            && entities.docks[row].is_none()
            && entities.hulls[row] > 0
            && entities.deadlines[row] <= context.tick;
        if !ready {
            continue;
        }
        if room == 0 || !entities.has_room() {
            break;
        }
        room -= 1;
        events.push(shoot(context, entities, row, zones));
    }
}

/// Puts one shot before the nose of the ship in this row; there is room for it.
fn shoot(context: &StepContext, entities: &mut Entities, row: usize, zones: &Zones) -> Event {
    let weapon = &context.universe.weapon;
    let wall = context.flight.wall;
    let pvp_allowed = zones.pvp_allowed(entities.xs[row], entities.ys[row]);
    let projectile = entities.next_id(EntityKind::Projectile);
    let (nose_x, nose_y) = (entities.heading_xs[row], entities.heading_ys[row]);
    let ahead = entities.radii[row] + weapon.projectile_radius;
    let source = entities.ids[row];
    let (x, y) = (
        (entities.xs[row] + nose_x * ahead).clamp(-wall, wall),
        (entities.ys[row] + nose_y * ahead).clamp(-wall, wall),
    );
    let shot = Row {
        vx: entities.vxs[row] + nose_x * weapon.muzzle_speed,
        vy: entities.vys[row] + nose_y * weapon.muzzle_speed,
        heading_x: nose_x,
        heading_y: nose_y,
        last_changed_tick: context.column_tick(),
        radius: weapon.projectile_radius,
        deadline: context.tick + u64::from(weapon.lifetime_ticks),
        shooter: Some(Shooter {
            ship: entities.handles[row],
            id: source,
            kind: entities.kinds[row],
            pvp_allowed,
        }),
        ..Row::new(EntityKind::Projectile, projectile, (x, y))
    };
    let shot = entities.insert(shot);
    debug_assert!(shot.is_some(), "the caller has looked for room");
    entities.deadlines[row] = context.tick + u64::from(weapon.cooldown_ticks);
    let ready = &mut entities.dock_ready_ticks[row];
    *ready = (*ready).max(context.tick + DOCK_PAUSE_AFTER_SHOT_TICKS);
    Event {
        kind: EventKind::ProjectileFired { source, projectile },
        x,
        y,
    }
}
