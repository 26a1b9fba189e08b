//! Orders: buy, sell, repair, from a client's wish to its one reply.
//!
//! ```text
//! wish ─▶ known request id? ──maybe──▶ store ──outcome──▶ the first reply again (or REUSED)
//!              │ no                      │ unknown
//!              ▼                         ▼
//!         names → indices ─▶ world (this tick) ─▶ receipt ─▶ reply, told once its batch is durable
//! ```
//!
//! Refusals that depend on the world's state are outcomes too: with a request id they are kept.

use super::Core;
use crate::ids::{ConnId, Handle, Name, SystemIndex};
use crate::limits::{BOOK_ENTRIES_MAX, LOOKUPS_MAX};
use crate::server::book;
use crate::server::lane::Letter;
use crate::server::requests::{Judgement, digest};
use crate::server::roster::PlayerKey;
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

/// An order that the world is carrying out in this tick.
#[derive(Debug)]
pub(super) struct OpenOrder {
    pub(super) key: PlayerKey,
    pub(super) conn: ConnId,
    pub(super) seq: u64,
    pub(super) system: SystemIndex,
    pub(super) wish: Wish,
}

/// An order that waits for what the store knows of its request id.
#[derive(Debug)]
pub(super) struct Lookup {
    key: PlayerKey,
    conn: ConnId,
    seq: u64,
    wish: Wish,
    /// The newest batch handed to the store before it was asked.
    asked_after: u64,
}

impl Core {
    /// A client's wish. Exactly one reply follows, unless its connection ends first.
    pub(super) fn order(&mut self, conn: ConnId, seq: u64, wish: Wish) {
        let Some(key) = self.roster.of_conn(conn) else {
            self.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        if self.book.len() + self.orders.len() >= BOOK_ENTRIES_MAX {
            self.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        if let Some(id) = wish.request_id() {
            let judged = self.roster.get(key).map(|player| player.requests.judge(id));
            if judged != Some(Judgement::New) {
                self.look_up(Lookup {
                    key,
                    conn,
                    seq,
                    wish,
                    asked_after: 0,
                });
                return;
            }
        }
        self.order_aboard(conn, seq, wish);
    }

    /// A wish that was never carried out: it takes a ship in a world, and a client that joined it.
    fn order_aboard(&mut self, conn: ConnId, seq: u64, wish: Wish) {
        let aboard = self.aboard(conn).filter(|&(_, system, _)| {
            self.theatre(system)
                .is_some_and(|theatre| theatre.is_shown_to(conn))
        });
        let Some((key, system, ship)) = aboard else {
            self.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        let open = OpenOrder {
            key,
            conn,
            seq,
            system,
            wish,
        };
        self.place_order(open, ship);
    }

    /// Hands an order to the world; what names nothing is refused here.
    fn place_order(&mut self, open: OpenOrder, ship: Handle) {
        if let Some(id) = open.wish.request_id() {
            let batch = self.book.number();
            if let Some(player) = self.roster.get_mut(open.key) {
                player.requests.note(id, batch);
            }
        }
        match self.order_of(open.system, &open.wish) {
            Ok(order) => {
                let Some(theatre) = self.theatres.get_mut(open.system.0 as usize) else {
                    return;
                };
                let seq = open.seq;
                let ticket = self.orders.insert(open) as u64;
                theatre.commands.push(Command::Order {
                    ship,
                    seq,
                    ticket,
                    order,
                });
            }
            Err(code) => self.conclude(&open, Reply::error(code)),
        }
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

    /// Tells the outcome of an order, and keeps it where the client may ask again.
    pub(super) fn conclude(&mut self, open: &OpenOrder, reply: Reply) {
        if let (Some(id), Some(player)) = (open.wish.request_id(), self.roster.get_mut(open.key)) {
            // A slowed system carries an order out beats after it was placed, in a later batch.
            player.requests.note(id, self.book.number());
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

    /// The store failed: no order comes to anything any more.
    pub(super) fn refuse_orders(&mut self) {
        let orders = self.orders.drain().map(|open| (open.conn, open.seq));
        let lookups = self.lookups.drain(..).chain(self.lookups_open.drain());
        let lookups = lookups.map(|lookup| (lookup.conn, lookup.seq));
        let waiting: Vec<(ConnId, u64)> = orders.chain(lookups).collect();
        for (conn, seq) in waiting {
            self.refuse(conn, seq, ErrorCode::Internal);
        }
    }

    /// Nothing more comes of a player's orders: they are answered INTERNAL.
    pub(super) fn refuse_orders_of(&mut self, key: PlayerKey) {
        let mut refused = Vec::new();
        self.orders.retain(|_, open| {
            if open.key == key {
                refused.push((open.conn, open.seq));
            }
            open.key != key
        });
        let mut is_others = |lookup: &Lookup| {
            if lookup.key == key {
                refused.push((lookup.conn, lookup.seq));
            }
            lookup.key != key
        };
        self.lookups.retain(|lookup| is_others(lookup));
        self.lookups_open.retain(|_, lookup| is_others(lookup));
        for (conn, seq) in refused {
            self.refuse(conn, seq, ErrorCode::Internal);
        }
    }

    /// The store keeps as many of the player's outcomes as it will.
    pub(super) fn refuse_look_up(&mut self, ticket: u32) {
        if let Some(lookup) = self.lookups_open.try_remove(ticket as usize) {
            self.refuse(lookup.conn, lookup.seq, ErrorCode::RateLimited);
        }
    }

    fn look_up(&mut self, lookup: Lookup) {
        if self.lookups.len() + self.lookups_open.len() >= LOOKUPS_MAX {
            self.refuse(lookup.conn, lookup.seq, ErrorCode::RateLimited);
        } else {
            self.lookups.push(lookup);
        }
    }

    /// Asks the store, behind the batch of this tick; what it has no room for waits for the next.
    pub(super) fn send_lookups(&mut self) {
        let submitted = self.book.submitted();
        let mut lookups = std::mem::take(&mut self.lookups).into_iter();
        while let Some(mut lookup) = lookups.next() {
            lookup.asked_after = submitted;
            let Some(player) = self.roster.get(lookup.key) else {
                continue;
            };
            let Some(id) = lookup.wish.request_id().cloned() else {
                continue;
            };
            let entry = self.lookups_open.vacant_entry();
            let ticket = entry.key() as u32;
            if self.vault.outcome(ticket, &player.id, &id).is_err() {
                self.lookups.push(lookup);
                self.lookups.extend(lookups);
                return;
            }
            entry.insert(lookup);
        }
    }

    /// The store's word on a request id.
    pub(super) fn look_up_answered(&mut self, ticket: u32, outcome: Option<StoredOutcome>) {
        let Some(lookup) = self.lookups_open.try_remove(ticket as usize) else {
            return;
        };
        let Some(id) = lookup.wish.request_id() else {
            return;
        };
        if let Some(stored) = outcome {
            let is_same = stored.body_digest == lookup.wish.body_digest();
            let reply = if is_same {
                serde_json::from_str(&stored.reply)
                    .unwrap_or_else(|_| Reply::error(ErrorCode::Internal))
            } else {
                Reply::error(ErrorCode::RequestIdReused)
            };
            // Known before, so durable: only the order of answers makes it wait.
            self.post(Letter {
                conn: lookup.conn,
                reply_to: Some(lookup.seq),
                reply,
                system: None,
                batch: self.book.covers(),
            });
            return;
        }
        let Some(player) = self.roster.get(lookup.key) else {
            return;
        };
        let is_open = |(_, open): (usize, &OpenOrder)| {
            open.key == lookup.key && open.wish.request_id() == Some(id)
        };
        // In a flood of commands an order may stay open for more than a tick.
        if !player.requests.trusts_unknown(id, lookup.asked_after)
            || self.orders.iter().any(is_open)
        {
            self.look_up(lookup);
            return;
        }
        self.order_aboard(lookup.conn, lookup.seq, lookup.wish);
    }
}
