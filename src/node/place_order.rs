//! Orders: buy, sell, repair, from a client's message to its one reply.
//!
//! ```text
//! order ─▶ queue ─▶ known request id? ──maybe──▶ store ──outcome──▶ the first reply again (or REUSED)
//!                       │ no                      │ unknown
//!                       ▼                         ▼
//!                  names → indices ─▶ world (this tick) ─▶ receipt ─▶ reply, sent once durable
//! ```
//!
//! Refusals that depend on the world's state are outcomes too: with a request id they are kept. Those
//! that name nothing that exists, or that never came before a station, are not: the same id may be
//! used again.

use super::Node;
use super::batch::RequestKey;
use super::orders::PendingOrder;
use super::players::{PlayerHandle, PlayerLocation};
use crate::bus::AddressedReply;
use crate::ids::{ConnId, SystemIndex};
use crate::limits::BATCH_RECORDS_MAX;
use crate::protocol::{ErrorCode, Reply, Trade};
use crate::session::Order;
use crate::sim;
use crate::store::{StoredOutcome, digest64, request_digest};
use crate::universe::Universe;

impl Node {
    /// Carries out an order that was never carried out: it takes a ship in a world, and a client that
    /// joined it. What names nothing is refused here.
    pub(super) fn place_order(
        &mut self,
        player: PlayerHandle,
        conn: ConnId,
        seq: u64,
        order: Order,
    ) {
        if self.batch.len() + self.orders.len() >= BATCH_RECORDS_MAX {
            self.gateways.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        let Some((_, system, ship)) = self.joined_ship(conn) else {
            self.gateways.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        let instance = self.systems.get(system);
        let has_room = instance.is_some_and(|instance| instance.pending.has_room_for_order());
        if !has_room {
            self.gateways.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        let pending = PendingOrder {
            player,
            conn,
            seq,
            system,
            ship,
            order,
        };
        match resolve(&self.universe, system, &pending.order) {
            Ok(order) => self.give_to_world(pending, order),
            Err(code) => self.conclude(&pending, Reply::error(code)),
        }
    }

    fn give_to_world(&mut self, pending: PendingOrder, order: sim::Order) {
        let Some(instance) = self.systems.get_mut(pending.system) else {
            return;
        };
        let (handle, ship, seq) = (pending.player, pending.ship, pending.seq);
        let request_id = pending.order.request_id().cloned();
        let ticket = self.orders.insert(pending);
        if let Some(player) = self.players.get_mut(handle) {
            player.queue.note_open(ticket, request_id.as_ref());
        }
        instance.pending.push_order(sim::Command::Order {
            ship,
            seq,
            ticket,
            order,
        });
    }

    /// Takes out an order that the world is done with.
    pub(super) fn close_order(&mut self, ticket: u64) -> Option<PendingOrder> {
        let order = self.orders.remove(ticket)?;
        if let Some(player) = self.players.get_mut(order.player) {
            player.queue.note_concluded(ticket);
        }
        Some(order)
    }

    /// Whether the ship that an order was given for is still its player's. One that was taken in
    /// meanwhile is not, and the world has only known that it is gone.
    pub(super) fn has_its_ship(&self, order: &PendingOrder) -> bool {
        self.players.get(order.player).is_some_and(|player| {
            matches!(player.location, PlayerLocation::InSystem(system, ship)
                if (system, ship) == (order.system, order.ship))
        })
    }

    /// Tells the outcome of an order, and keeps it where the client may ask again. An order whose
    /// player is gone is kept for nobody, and whoever asked has been answered.
    pub(super) fn conclude(&mut self, pending: &PendingOrder, reply: Reply) {
        let Some(player) = self.players.get_mut(pending.player) else {
            return;
        };
        if let (Some(id), true) = (pending.order.request_id(), is_kept(&reply)) {
            let batch = self.batch.number();
            player.requests.note(request_digest(id.as_str()), batch);
            player.kept_in_batch = batch;
            let key = RequestKey {
                system: pending.system,
                player: &player.id,
                id,
            };
            let body_digest = body_digest(&pending.order);
            self.batch
                .add_outcome(&self.universe, &key, body_digest, &reply);
        }
        self.gateways.send(AddressedReply {
            conn: pending.conn,
            reply_to: Some(pending.seq),
            reply,
            system: Some(pending.system),
            batch: self.batch.covering_number(),
        });
    }

    /// Tells the first outcome of an order again. It was known before, so it is durable: only the
    /// order of answers makes it wait.
    pub(super) fn repeat_outcome(
        &self,
        conn: ConnId,
        seq: u64,
        order: &Order,
        stored: &StoredOutcome,
    ) {
        let reply = if stored.body_digest == body_digest(order) {
            serde_json::from_str(&stored.reply).unwrap_or_else(|error| {
                tracing::error!(
                    player = %stored.player, request_id = %stored.request_id, %error,
                    "a stored outcome cannot be read and is answered INTERNAL"
                );
                Reply::error(ErrorCode::Internal)
            })
        } else {
            Reply::error(ErrorCode::RequestIdReused)
        };
        self.gateways.send(AddressedReply {
            conn,
            reply_to: Some(seq),
            reply,
            system: None,
            batch: self.batch.covering_number(),
        });
    }

    /// A system that another server runs now carries out no order any more.
    pub(super) fn forget_orders_in(&mut self, system: SystemIndex) {
        for ticket in self.orders.tickets_in(system) {
            self.close_order(ticket);
        }
    }

    /// The store failed: every order is answered INTERNAL, those that wait in queues too.
    pub(super) fn refuse_orders(&mut self) {
        for order in self.orders.drain() {
            self.gateways
                .refuse(order.conn, order.seq, ErrorCode::Internal);
        }
        for (_, player) in self.players.iter() {
            if let Some(conn) = player.conn {
                for seq in player.queue.owed_seqs() {
                    self.gateways.refuse(conn, seq, ErrorCode::Internal);
                }
            }
        }
    }

    /// Answers a player's orders with INTERNAL. Those that the world has keep their tickets until it
    /// is done with them, so that no other order gets one of these.
    pub(super) fn refuse_orders_of(&self, handle: PlayerHandle) {
        for order in self.orders.of_player(handle) {
            self.gateways
                .refuse(order.conn, order.seq, ErrorCode::Internal);
        }
        if let Some(player) = self.players.get(handle)
            && let Some(conn) = player.conn
        {
            for seq in player.queue.owed_seqs() {
                self.gateways.refuse(conn, seq, ErrorCode::Internal);
            }
        }
    }
}

/// The order with the universe's indices for its names.
fn resolve(
    universe: &Universe,
    system: SystemIndex,
    order: &Order,
) -> Result<sim::Order, ErrorCode> {
    let system = universe.system(system).ok_or(ErrorCode::Internal)?;
    let station = system
        .station_index(order.station_id().as_str())
        .ok_or(ErrorCode::UnknownStation)?;
    let goods = |trade: &Trade| {
        let commodity = universe.commodity_index(trade.commodity_id.as_str());
        commodity
            .map(|commodity| (commodity, trade.quantity))
            .ok_or(ErrorCode::UnknownCommodity)
    };
    Ok(match order {
        Order::Buy(trade) => {
            let (commodity, quantity) = goods(trade)?;
            sim::Order::Buy {
                station,
                commodity,
                quantity,
            }
        }
        Order::Sell(trade) => {
            let (commodity, quantity) = goods(trade)?;
            sim::Order::Sell {
                station,
                commodity,
                quantity,
            }
        }
        Order::Repair(_) => sim::Order::Repair { station },
    })
}

/// Digest of everything that makes two requests the same one.
fn body_digest(order: &Order) -> u64 {
    let station = order.station_id();
    let text = match order {
        Order::Buy(trade) => {
            format!("buy {station} {} {}", trade.quantity, trade.commodity_id)
        }
        Order::Sell(trade) => {
            format!("sell {station} {} {}", trade.quantity, trade.commodity_id)
        }
        Order::Repair(_) => format!("repair {station}"),
    };
    digest64(text.as_bytes())
}

/// Whether a reply is an outcome that the same request id brings again: not a refusal that changed
/// nothing and named nothing that exists, and not one of an order that no station has seen.
const fn is_kept(reply: &Reply) -> bool {
    let Reply::Error(error) = reply else {
        return true;
    };
    !matches!(
        error.code,
        ErrorCode::UnknownStation
            | ErrorCode::UnknownCommodity
            | ErrorCode::InvalidQuantity
            | ErrorCode::NotInSystem
    )
}

#[cfg(test)]
#[path = "place_order_tests.rs"]
mod tests;
