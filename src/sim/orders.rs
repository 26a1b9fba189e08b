//! Orders: what docked pilots asked of their stations, filled one after the other.
//!
//! Owns the meeting of a pilot's wallet, hold and ship with the station's desk, and who comes first:
//! of several pilots' orders in one tick chance decides, drawn by (seed, tick, player), so that
//! neither an older ship nor an earlier packet wins a station's last unit. One pilot's orders keep
//! the order of their numbers. Prices and stock are the [`market`](super::market)'s. Each order gets
//! exactly one receipt. Then production and consumption move every shelf a step.
//!
//! ```text
//! control ─▶ fill_docked ─▶ undock ─▶ … dock ─▶ fill_rest ─▶ drift
//!            who is in dock             who docked just now; the others are refused
//! ```
//!
//! So an order before the thrust that undocks, or behind a docking request, is filled in dock, and
//! leaving in the same tick gets nobody served first.

use super::command::Order;
use super::docking;
use super::market::PilotAccount;
use super::outcome::{OrderRefusal, Receipt};
use super::world::World;
use crate::ids::Handle;

/// An order of this tick that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrawnOrder {
    /// The pilot's draw of this tick: the least comes first.
    draw: u64,
    ship: Handle,
    seq: u64,
    ticket: u64,
    order: Order,
}

/// Notes an order of this tick.
pub(super) fn take(world: &mut World, ship: Handle, seq: u64, ticket: u64, order: Order) {
    let index = world.pilots.index(ship);
    let draw = index.map_or(0, |index| world.pilots.draw(index, world.seed, world.tick));
    world.orders.push(DrawnOrder {
        draw,
        ship,
        seq,
        ticket,
        order,
    });
}

/// Fills the orders of those who are in dock, but for what stands behind the thrust with which they
/// leave in this tick. Work: a sort of the tick's orders.
pub(super) fn fill_docked(world: &mut World) {
    let mut orders = std::mem::take(&mut world.orders);
    orders.sort_unstable_by_key(|order| (order.draw, order.ship, order.seq));
    orders.retain(|order| {
        let waits = !docking::serves(world, order.ship, order.seq);
        if !waits {
            fill_one(world, order);
        }
        waits
    });
    world.orders = orders;
}

/// Fills or refuses all other orders of the tick. Linear in them.
pub(super) fn fill_rest(world: &mut World) {
    let mut orders = std::mem::take(&mut world.orders);
    for order in orders.drain(..) {
        fill_one(world, &order);
    }
    world.orders = orders;
}

fn fill_one(world: &mut World, pending: &DrawnOrder) {
    let DrawnOrder {
        ship,
        ticket,
        order,
        ..
    } = *pending;
    let row = world.entities.row(ship);
    let result = match world.pilots.index(ship) {
        None => Err(OrderRefusal::ShipDestroyed),
        Some(index) => {
            let (player, credits, cargo) = world.pilots.wallet(index);
            let (mut no_fuel, mut no_hull) = (0.0, 0);
            let (fuel, hull, docked_at) = match row {
                Some(row) => (
                    &mut world.entities.fuels[row],
                    &mut world.entities.hulls[row],
                    world.entities.docks[row],
                ),
                None => (&mut no_fuel, &mut no_hull, None),
            };
            let mut account = PilotAccount {
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
