//! Orders: what docked pilots asked of their stations, filled one after the other.
//!
//! Owns the meeting of a pilot's purse, hold and ship with the station's desk; prices and stock are
//! the [`market`](super::market)'s. Each order gets exactly one receipt. Then production and
//! consumption move every shelf a step.

use super::command::Command;
use super::market::Account;
use super::outcome::{Receipt, Refusal};
use super::world::World;
use crate::ids::Handle;

/// Fills the tick's orders in the order in which [`control`](super::control) took them. Linear in
/// orders.
pub(super) fn fill(world: &mut World) {
    let mut orders = std::mem::take(&mut world.orders);
    for command in orders.drain(..) {
        fill_one(world, command);
    }
    world.orders = orders;
}

/// Fills the newest orders of the tick as far as they are this ship's: what its pilot asked before
/// undocking is done in dock. Linear in those orders.
pub(super) fn fill_newest_of(world: &mut World, ship: Handle) {
    let others = world.orders.iter().rposition(|order| order.ship() != ship);
    let own = world.orders.split_off(others.map_or(0, |last| last + 1));
    for command in own {
        fill_one(world, command);
    }
}

fn fill_one(world: &mut World, command: Command) {
    let Command::Order {
        ship,
        ticket,
        order,
        ..
    } = command
    else {
        return;
    };
    let row = world.entities.row(ship);
    let result = match world.pilots.index(ship) {
        None => Err(Refusal::ShipDestroyed),
        Some(index) => {
            let (player, credits, cargo) = world.pilots.purse(index);
            let (mut no_fuel, mut no_hull) = (0.0, 0);
            let (fuel, hull, docked_at) = match row {
                Some(row) => (
                    &mut world.entities.fuels[row],
                    &mut world.entities.hulls[row],
                    world.entities.docks[row],
                ),
                None => (&mut no_fuel, &mut no_hull, None),
            };
            let mut account = Account {
                player,
                docked_at,
                destroyed: *hull <= 0,
                credits,
                cargo,
                fuel,
                hull,
            };
            let postings = &mut world.outcome.postings;
            world.market.fill(order, ticket, &mut account, postings)
        }
    };
    if let (Ok(_), Some(row)) = (result, row) {
        // A repair shows in the row's hull.
        world.entities.last_changed_ticks[row] = world.tick as u32;
    }
    world.outcome.receipts.push(Receipt {
        ticket,
        ship,
        result,
    });
}

/// Moves the shelves on by a tick.
pub(super) fn drift(world: &mut World) {
    world.market.drift(world.tick, &mut world.outcome.postings);
}
