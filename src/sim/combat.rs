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

use super::contacts::Strike;
use super::entities::{NO_CELL, Row, Shooter};
use super::outcome::{Cause, CombatEvent, CombatKind, Event, EventKind, Posting};
use super::world::World;
use super::{npc, reaping};
use crate::ids::{CommodityIndex, EntityKind};
use crate::limits::{DOCK_PAUSE_AFTER_SHOT_TICKS, PROJECTILES_MAX};

/// Applies the tick's hits. Linear in hits.
pub(super) fn strike(world: &mut World) {
    let strikes = std::mem::take(&mut world.contacts.strikes);
    for &strike in &strikes {
        hit(world, strike);
    }
    world.contacts.strikes = strikes;
}

/// Spends the shot, and takes its damage from a ship that it may harm.
fn hit(world: &mut World, strike: Strike) {
    let (target, shot) = (strike.target as usize, strike.shot as usize);
    let entities = &mut world.entities;
    entities.deadlines[shot] = reaping::SPENT;
    let Some(shooter) = entities.shooters[shot] else {
        return;
    };
    let kind = entities.kinds[target];
    if !kind.is_ship() || entities.hulls[target] <= 0 || !harms(world, shooter, target) {
        return;
    }
    let damage = world.universe.weapon.damage;
    let entities = &mut world.entities;
    entities.hulls[target] = entities.hulls[target].saturating_sub(damage).max(0);
    entities.last_changed_ticks[target] = world.tick as u32;
    let event = CombatEvent {
        kind: CombatKind::Hit,
        source_ship: shooter.ship,
        source: shooter.id,
        target_ship: entities.handles()[target],
        target: entities.ids[target],
        damage,
        target_hp: entities.hulls[target],
    };
    world.outcome.combat.push(event);
    if event.target_hp == 0 {
        world.outcome.combat.push(CombatEvent {
            kind: CombatKind::Destroyed,
            ..event
        });
        destroy(world, target, shooter);
    }
}

fn harms(world: &World, shooter: Shooter, target: usize) -> bool {
    let entities = &world.entities;
    let kind = entities.kinds[target];
    if shooter.kind != kind {
        return true;
    }
    let (x, y) = (entities.xs[target], entities.ys[target]);
    kind == EntityKind::PlayerShip && shooter.pvp_allowed && world.zones.pvp_allowed(x, y)
}

/// The ship in this row has lost its last hull point.
fn destroy(world: &mut World, target: usize, shooter: Shooter) {
    let ship = world.entities.handles()[target];
    world.dead.push(ship);
    if let Some(index) = world.pilots.index(ship) {
        lose_cargo(world, index);
    }
    if world.entities.kinds[target].is_npc() {
        pay_bounty(world, target, shooter);
    }
}

fn lose_cargo(world: &mut World, index: usize) {
    let player = world.pilots.players[index].clone();
    let credits = world.pilots.credits[index];
    for (commodity, held) in world.pilots.hold_mut(index).iter_mut().enumerate() {
        let quantity = std::mem::take(held);
        if quantity == 0 {
            continue;
        }
        world.outcome.postings.push(Posting {
            cause: Cause::CargoLost,
            player: Some(player.clone()),
            station: None,
            commodity: Some(CommodityIndex(commodity as u16)),
            quantity: i64::from(quantity),
            unit_price: 0,
            total: 0,
            balance_after: Some(credits),
            stock_after: None,
            ticket: None,
        });
    }
}

/// Pays the pilot who made the kill the victim's bounty times the profit multiplier at its place,
/// to the nearest credit.
fn pay_bounty(world: &mut World, target: usize, shooter: Shooter) {
    let entities = &world.entities;
    let bounty = npc::class(&world.universe, entities.kinds[target]).bounty;
    let Some(index) = world.pilots.index(shooter.ship).filter(|_| bounty > 0) else {
        return;
    };
    let place = world.zones.blend(entities.xs[target], entities.ys[target]);
    let total = (bounty as f64 * f64::from(place.profit_multiplier)).round() as i64;
    let Some(credits) = world.pilots.credits[index].checked_add(total) else {
        return;
    };
    world.pilots.credits[index] = credits;
    world.outcome.postings.push(Posting {
        cause: Cause::Bounty,
        player: Some(world.pilots.players[index].clone()),
        station: None,
        commodity: None,
        quantity: 0,
        unit_price: 0,
        total,
        balance_after: Some(credits),
        stock_after: None,
        ticket: None,
    });
}

/// Fires for everybody who holds the trigger, is out of dock and has cooled down, in the order of
/// rows, while there is room for shots. Linear in rows.
pub(super) fn fire(world: &mut World) {
    let mut room = PROJECTILES_MAX.saturating_sub(world.contacts.shots_count());
    for row in world.stations_count()..world.entities.len() {
        let entities = &world.entities;
        let ready = entities.triggers[row]
            && entities.docks[row].is_none()
            && entities.hulls[row] > 0
            && entities.deadlines[row] <= world.tick;
        if !ready {
            continue;
        }
        if room == 0 || !entities.has_room() {
            break;
        }
        room -= 1;
        shoot(world, row);
    }
}

/// Puts one shot before the nose of the ship in this row.
fn shoot(world: &mut World, row: usize) {
    let weapon = world.universe.weapon;
    let wall = world.flight().wall;
    let entities = &mut world.entities;
    let pvp_allowed = world.zones.pvp_allowed(entities.xs[row], entities.ys[row]);
    let id = entities.next_id(EntityKind::Projectile);
    let (nose_x, nose_y) = (entities.heading_xs[row], entities.heading_ys[row]);
    let ahead = entities.radii[row] + weapon.projectile_radius;
    let source = entities.ids[row];
    let shot = Row {
        x: (entities.xs[row] + nose_x * ahead).clamp(-wall, wall),
        y: (entities.ys[row] + nose_y * ahead).clamp(-wall, wall),
        vx: entities.vxs[row] + nose_x * weapon.muzzle_speed,
        vy: entities.vys[row] + nose_y * weapon.muzzle_speed,
        heading_x: nose_x,
        heading_y: nose_y,
        thrust: 0.0,
        turn: 0.0,
        fuel: 0.0,
        drag: 0.0,
        last_changed_tick: world.tick as u32,
        kind: EntityKind::Projectile,
        radius: weapon.projectile_radius,
        hull: 0,
        dock: None,
        trigger: false,
        dock_request: false,
        deadline: world.tick + u64::from(weapon.lifetime_ticks),
        dock_ready_tick: 0,
        cell: NO_CELL,
        previous_cell: NO_CELL,
        id,
        shooter: Some(Shooter {
            ship: entities.handles()[row],
            id: source,
            kind: entities.kinds[row],
            pvp_allowed,
        }),
    };
    let (x, y) = (shot.x, shot.y);
    if entities.insert(shot).is_none() {
        return;
    }
    entities.deadlines[row] = world.tick + u64::from(weapon.cooldown_ticks);
    let ready = &mut entities.dock_ready_ticks[row];
    *ready = (*ready).max(world.tick + DOCK_PAUSE_AFTER_SHOT_TICKS);
    world.outcome.events.push(Event {
        kind: EventKind::ProjectileFired {
            source,
            projectile: id,
        },
        x,
        y,
    });
}
