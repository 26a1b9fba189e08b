//! Orders: buy, sell, repair, from a client's wish to its one reply.
//!
//! ```text
//! wish ─▶ queue ─▶ known request id? ──maybe──▶ store ──outcome──▶ the first reply again (or REUSED)
//!                       │ no                      │ unknown
//!                       ▼                         ▼
//!                  names → indices ─▶ world (this tick) ─▶ receipt ─▶ reply, told once durable
//! ```
//!
//! Refusals that depend on the world's state are outcomes too: with a request id they are kept. Those
//! that name nothing that exists, or that never came before a station, are not: the same id may be
//! used again.

use super::Core;
use crate::ids::{ConnId, Handle, Name, SystemIndex};
use crate::limits::BOOK_ENTRIES_MAX;
use crate::server::book;
use crate::server::lane::Letter;
use crate::server::requests::digest;
use crate::server::roster::{PlayerHandle, Whereabouts};
use crate::sim::{Command, Order};
use crate::store::StoredOutcome;
use crate::wire::{ErrorCode, Repair, Reply, RequestId, Trade};

/// What a client asked of a station.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Buy(Trade),
    Sell(Trade),
    Repair(Repair),
}

impl Wish {
    pub(super) const fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => trade.request_id.as_ref(),
            Self::Repair(repair) => repair.request_id.as_ref(),
        }
    }

    pub(super) const fn station_id(&self) -> &Name {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => &trade.station_id,
            Self::Repair(repair) => &repair.station_id,
        }
    }

    /// Names everything that makes two requests the same one.
    pub(super) fn body_digest(&self) -> u64 {
        let (kind, trade) = match self {
            Self::Buy(trade) => ("buy", Some(trade)),
            Self::Sell(trade) => ("sell", Some(trade)),
            Self::Repair(_) => ("repair", None),
        };
        let goods = trade.map(|trade| format!(" {} {}", trade.quantity, trade.commodity_id));
        digest(&format!(
            "{kind} {}{}",
            self.station_id(),
            goods.unwrap_or_default()
        ))
    }
}

/// An order that the world is carrying out.
#[derive(Debug)]
pub(super) struct OpenOrder {
    pub(super) player: PlayerHandle,
    pub(super) conn: ConnId,
    pub(super) seq: u64,
    pub(super) system: SystemIndex,
    pub(super) ship: Handle,
    pub(super) wish: Wish,
}

impl Core {
    /// Carries out an order that was never carried out: it takes a ship in a world, and a client that
    /// joined it. What names nothing is refused here.
    pub(super) fn place(&mut self, player: PlayerHandle, conn: ConnId, seq: u64, wish: Wish) {
        if self.book.len() + self.orders.len() >= BOOK_ENTRIES_MAX {
            self.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        let Some((_, system, ship)) = self.joined_ship(conn) else {
            self.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        let has_room = self
            .theatre(system)
            .is_some_and(|theatre| theatre.pending.has_room_for_order());
        if !has_room {
            self.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        let open = OpenOrder {
            player,
            conn,
            seq,
            system,
            ship,
            wish,
        };
        match self.order_of(system, &open.wish) {
            Ok(order) => self.give_to_world(open, order),
            Err(code) => self.conclude(&open, Reply::error(code)),
        }
    }

    fn give_to_world(&mut self, open: OpenOrder, order: Order) {
        let Some(theatre) = self.theatres.get_mut(usize::from(open.system.0)) else {
            return;
        };
        let (ship, seq) = (open.ship, open.seq);
        let entry = self.orders.vacant_entry();
        let ticket = entry.key() as u64;
        if let Some(player) = self.roster.get_mut(open.player) {
            player.queue.note_open(ticket, &open.wish);
        }
        entry.insert(open);
        theatre.pending.push_order(Command::Order {
            ship,
            seq,
            ticket,
            order,
        });
    }

    fn order_of(&self, system: SystemIndex, wish: &Wish) -> Result<Order, ErrorCode> {
        let system = self.universe.system(system).ok_or(ErrorCode::Internal)?;
        let station = system
            .station_index(wish.station_id().as_str())
            .ok_or(ErrorCode::UnknownStation)?;
        let goods = |trade: &Trade| {
            let commodity = self.universe.commodity_index(trade.commodity_id.as_str());
            commodity
                .map(|commodity| (commodity, trade.quantity))
                .ok_or(ErrorCode::UnknownCommodity)
        };
        Ok(match wish {
            Wish::Buy(trade) => {
                let (commodity, quantity) = goods(trade)?;
                Order::Buy {
                    station,
                    commodity,
                    quantity,
                }
            }
            Wish::Sell(trade) => {
                let (commodity, quantity) = goods(trade)?;
                Order::Sell {
                    station,
                    commodity,
                    quantity,
                }
            }
            Wish::Repair(_) => Order::Repair { station },
        })
    }

    /// The world is done with an order.
    pub(super) fn close_order(&mut self, ticket: u64) -> Option<OpenOrder> {
        let open = self.orders.try_remove(usize::try_from(ticket).ok()?)?;
        if let Some(player) = self.roster.get_mut(open.player) {
            player.queue.note_concluded(ticket);
        }
        Some(open)
    }

    /// Whether the ship that an order was given for is still its player's. One that was taken in
    /// meanwhile is not, and the world has only known that it is gone.
    pub(super) fn has_its_ship(&self, open: &OpenOrder) -> bool {
        self.roster.get(open.player).is_some_and(|player| {
            matches!(player.whereabouts, Whereabouts::Aboard(system, ship)
                if (system, ship) == (open.system, open.ship))
        })
    }

    /// Tells the outcome of an order, and keeps it where the client may ask again. An order whose
    /// player is gone is kept for nobody, and whoever asked has been answered.
    pub(super) fn conclude(&mut self, open: &OpenOrder, reply: Reply) {
        let Some(player) = self.roster.get_mut(open.player) else {
            return;
        };
        if let (Some(id), true) = (open.wish.request_id(), is_kept(&reply)) {
            let batch = self.book.number();
            player.requests.note(digest(id.as_str()), batch);
            player.kept_in_batch = batch;
            let request = book::Request {
                system: open.system,
                player: &player.id,
                id,
            };
            self.book
                .remember(&self.universe, &request, open.wish.body_digest(), &reply);
        }
        self.post(Letter {
            conn: open.conn,
            reply_to: Some(open.seq),
            reply,
            system: Some(open.system),
            batch: self.book.covers(),
        });
    }

    /// Tells the first outcome of an order again. It was known before, so it is durable: only the
    /// order of answers makes it wait.
    pub(super) fn repeat(&self, conn: ConnId, seq: u64, wish: &Wish, stored: &StoredOutcome) {
        let reply = if stored.body_digest == wish.body_digest() {
            serde_json::from_str(&stored.reply)
                .unwrap_or_else(|_| Reply::error(ErrorCode::Internal))
        } else {
            Reply::error(ErrorCode::RequestIdReused)
        };
        self.post(Letter {
            conn,
            reply_to: Some(seq),
            reply,
            system: None,
            batch: self.book.covers(),
        });
    }

    /// A system that another server runs now carries out no order any more.
    pub(super) fn forget_orders_in(&mut self, system: SystemIndex) {
        let here = self.orders.iter();
        let here = here.filter(|(_, open)| open.system == system);
        let tickets: Vec<u64> = here.map(|(ticket, _)| ticket as u64).collect();
        for ticket in tickets {
            self.close_order(ticket);
        }
    }

    /// The store failed: no order comes to anything any more.
    pub(super) fn refuse_orders(&mut self) {
        let orders = self.orders.drain().map(|open| (open.conn, open.seq));
        for (conn, seq) in orders.collect::<Vec<_>>() {
            self.refuse(conn, seq, ErrorCode::Internal);
        }
        self.refuse_queued();
    }

    /// Nothing more comes of a player's orders: they are answered INTERNAL. Those that the world has
    /// keep their tickets until it is done with them, so that no other order gets one of these.
    pub(super) fn refuse_orders_of(&self, handle: PlayerHandle) {
        let orders = self.orders.iter().map(|(_, open)| open);
        for open in orders.filter(|open| open.player == handle) {
            self.refuse(open.conn, open.seq, ErrorCode::Internal);
        }
        if let Some(player) = self.roster.get(handle)
            && let Some(conn) = player.conn
        {
            for seq in player.queue.owed_seqs() {
                self.refuse(conn, seq, ErrorCode::Internal);
            }
        }
    }
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
#[path = "desk_tests.rs"]
mod tests;
