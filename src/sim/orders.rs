//! Orders: what docked pilots asked of their stations, filled one after the other.
//!
//! Owns the meeting of a pilot's wallet, hold and ship with the station's market, and who comes first:
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

use super::columns::column_view;
use super::command::Order;
use super::entities::Entities;
use super::market::{Market, PilotAccount};
use super::outcome::{OrderRefusal, Outcome, Receipt};
use super::pilot::Pilots;
use super::slots::Slots;
use super::step_context::StepContext;
use crate::ids::{Handle, StationIndex};

/// An order of this tick that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct DrawnOrder {
    /// The pilot's draw of this tick: the least comes first.
    draw: u64,
    ship: Handle,
    seq: u64,
    ticket: u64,
    order: Order,
}

/// Orders of one tick that are not answered yet; none between two ticks.
#[derive(Debug, Default)]
pub(super) struct TickOrders {
    pending: Vec<DrawnOrder>,
}

impl TickOrders {
    /// Notes an order of this tick.
    pub(super) fn note(
        &mut self,
        context: &StepContext,
        pilots: &Pilots,
        ship: Handle,
        seq: u64,
        ticket: u64,
        order: Order,
    ) {
        let index = pilots.index(ship);
        // Whoever has left is refused, in any turn.
        let draw = index.map_or(0, |index| pilots.draw(index, context.seed, context.tick));
        self.pending.push(DrawnOrder {
            draw,
            ship,
            seq,
            ticket,
            order,
        });
    }
}

column_view! {
    /// What filling orders reads and writes.
    struct OrderColumns of Entities {
        reads {
            slots: Slots,
            docks: [Option<StationIndex>],
            dock_ready_ticks: [u64],
        }
        writes {
            fuels: [f32],
            hulls: [i32],
            last_changed_ticks: [u32],
        }
    }
}

impl OrderColumns<'_> {
    /// Whether the station serves an order of this ship now: it is docked, and the order does not
    /// stand behind the thrust with which it leaves in this tick.
    fn serves(&self, context: &StepContext, pilots: &Pilots, ship: Handle, seq: u64) -> bool {
        // A destroyed ship is not docked, nor is one that has left.
        let (Some(row), Some(index)) = (self.slots.row(ship), pilots.index(ship)) else {
            return false;
        };
        let may_leave = self.dock_ready_ticks[row] <= context.tick;
        let leaves = pilots.undockings[index]
            .is_some_and(|asked| may_leave && asked.is_ahead_of(seq, context.tick));
        self.docks[row].is_some() && !leaves
    }
}

/// Fills the orders of those who are in dock, but for what stands behind the thrust with which they
/// leave in this tick. Work: a sort of the tick's orders.
pub(super) fn fill_docked(
    context: &StepContext,
    orders: &mut TickOrders,
    mut columns: OrderColumns<'_>,
    pilots: &mut Pilots,
    market: &mut Market,
    outcome: &mut Outcome,
) {
    let pending = &mut orders.pending;
    pending.sort_unstable_by_key(|order| (order.draw, order.ship, order.seq));
    pending.retain(|order| {
        let waits = !columns.serves(context, pilots, order.ship, order.seq);
        if !waits {
            fill_one(context, order, &mut columns, pilots, market, outcome);
        }
        waits
    });
}

/// Fills or refuses all other orders of the tick. Linear in them.
pub(super) fn fill_rest(
    context: &StepContext,
    orders: &mut TickOrders,
    mut columns: OrderColumns<'_>,
    pilots: &mut Pilots,
    market: &mut Market,
    outcome: &mut Outcome,
) {
    for order in orders.pending.drain(..) {
        fill_one(context, &order, &mut columns, pilots, market, outcome);
    }
}

fn fill_one(
    context: &StepContext,
    pending: &DrawnOrder,
    columns: &mut OrderColumns<'_>,
    pilots: &mut Pilots,
    market: &mut Market,
    outcome: &mut Outcome,
) {
    let DrawnOrder {
        ship,
        ticket,
        order,
        ..
    } = *pending;
    let result = match pilots.index(ship).zip(columns.slots.row(ship)) {
        // Destroyed and not yet back, or no longer here.
        None => Err(OrderRefusal::ShipDestroyed),
        Some((index, row)) => {
            let (player, credits, cargo) = pilots.wallet(index);
            let hull = &mut columns.hulls[row];
            let mut account = PilotAccount {
                player,
                docked_at: columns.docks[row],
                destroyed: *hull <= 0,
                credits,
                cargo,
                fuel: &mut columns.fuels[row],
                hull,
            };
            let result = market.fill(order, ticket, &mut account, &mut outcome.postings);
            if result.is_ok() {
                // A repair shows in the row's hull.
                columns.last_changed_ticks[row] = context.column_tick();
            }
            result
        }
    };
    outcome.receipts.push(Receipt {
        ticket,
        ship,
        result,
    });
}
