//! What a step brought about, settled: receipts become replies, postings go into the book, hits are
//! told to both sides.

use super::Core;
use crate::ids::{Handle, SystemIndex};
use crate::limits::LETTERS_PER_TICK_MAX;
use crate::server::governor::Turn;
use crate::sim::{self, Done, Receipt, Refusal, RepairDone, TradeDone};
use crate::wire::{
    Cargo, CombatEvent, CombatKind, ErrorCode, RepairDetails, RepairResult, Reply, TradeDetails,
    TradeResult,
};

impl Core {
    /// Reads the outcome of every world that stepped in this beat, and so each outcome once.
    pub(super) fn settle(&mut self) {
        for index in 0..self.theatres.len() {
            if self.theatres[index].turn == Turn::Rest {
                continue;
            }
            let system = SystemIndex(index as u16);
            self.book_postings(system);
            self.answer_orders(system);
            self.tell_combat(system);
        }
    }

    fn book_postings(&mut self, system: SystemIndex) {
        let Some(theatre) = self.theatres.get(system.0 as usize) else {
            return;
        };
        let postings = &theatre.world.outcome().postings;
        let mut changed = Vec::new();
        for posting in postings {
            let order = posting
                .ticket
                .and_then(|ticket| self.orders.get(ticket as usize));
            let request_id = order.and_then(|order| order.wish.request_id());
            self.book.post(&self.universe, system, posting, request_id);
            if let Some(key) = posting
                .player
                .as_ref()
                .and_then(|player| self.roster.of_player(player))
            {
                changed.push(key);
            }
        }
        for key in changed {
            self.note_purse(key);
            // Balance, hold and place of one player are stored together, in the batch that moved them.
            self.keep(key);
        }
    }

    /// Books what has come up since the world's last step: a slowed system may stand still for
    /// beats, and a pilot's first record must not be kept without the grant.
    pub(super) fn book_pending(&mut self, system: SystemIndex) {
        let Some(theatre) = self.theatres.get_mut(system.0 as usize) else {
            return;
        };
        for posting in theatre.world.take_pending_postings() {
            self.book.post(&self.universe, system, &posting, None);
            let player = posting.player.as_ref();
            if let Some(key) = player.and_then(|player| self.roster.of_player(player)) {
                self.note_purse(key);
            }
        }
    }

    fn answer_orders(&mut self, system: SystemIndex) {
        let Some(theatre) = self.theatres.get(system.0 as usize) else {
            return;
        };
        let receipts: Vec<Receipt> = theatre.world.outcome().receipts.clone();
        for receipt in receipts {
            let Some(open) = self.close_order(receipt.ticket) else {
                continue;
            };
            let reply = match receipt.result {
                Err(Refusal::ShipDestroyed) if !self.has_its_ship(&open) => {
                    Some(Reply::error(ErrorCode::NotInSystem))
                }
                Ok(Done::Trade(done)) => self.trade_result(system, receipt.ship, done),
                Ok(Done::Repair(done)) => self.repair_result(system, done),
                Err(refusal) => Some(Reply::error(refusal_code(refusal))),
            };
            self.conclude(
                &open,
                reply.unwrap_or_else(|| Reply::error(ErrorCode::Internal)),
            );
        }
    }

    fn trade_result(&self, system: SystemIndex, ship: Handle, done: TradeDone) -> Option<Reply> {
        let theatre = self.theatre(system)?;
        let held = theatre.world.pilot(ship)?.cargo;
        let goods = self.universe.commodities.iter().zip(held).zip(0_u16..);
        let listed = goods.filter(|((_, qty), index)| **qty > 0 || done.commodity.0 == *index);
        let cargo = listed.map(|((commodity, &qty), _)| Cargo {
            commodity_id: commodity.id.clone(),
            qty,
        });
        Some(Reply::TradeResult(TradeResult {
            ok: true,
            credits: done.credits,
            cargo: cargo.collect(),
            details: TradeDetails {
                station_id: theatre.world.system().station(done.station)?.id.clone(),
                commodity_id: self.universe.commodity(done.commodity)?.id.clone(),
                quantity: done.quantity,
                unit_price: done.unit_price,
                total: done.total,
            },
        }))
    }

    fn repair_result(&self, system: SystemIndex, done: RepairDone) -> Option<Reply> {
        Some(Reply::RepairResult(RepairResult {
            ok: true,
            credits: done.credits,
            hull: done.hull,
            details: RepairDetails {
                station_id: self
                    .universe
                    .system(system)?
                    .station(done.station)?
                    .id
                    .clone(),
                hull_restored: done.hull_restored,
                unit_price: done.unit_price,
                total: done.total,
            },
        }))
    }

    /// A hit or kill, to whoever of the two sides is a connected pilot.
    fn tell_combat(&mut self, system: SystemIndex) {
        let Some(theatre) = self.theatres.get(system.0 as usize) else {
            return;
        };
        let combat = &theatre.world.outcome().combat;
        for event in combat.iter().take(LETTERS_PER_TICK_MAX) {
            for ship in [event.source_ship, event.target_ship] {
                if let Some(conn) = self.conn_of(system, ship) {
                    let reply = Reply::CombatEvent(combat_event(&theatre.world, event));
                    self.write(conn, None, reply);
                }
            }
        }
    }

    fn conn_of(&self, system: SystemIndex, ship: Handle) -> Option<crate::ids::ConnId> {
        let player = self.theatre(system)?.world.pilot(ship)?.player;
        self.roster.get(self.roster.of_player(player)?)?.conn
    }
}

fn combat_event(world: &sim::World, event: &sim::CombatEvent) -> CombatEvent {
    CombatEvent {
        kind: match event.kind {
            sim::CombatKind::Hit => CombatKind::Hit,
            sim::CombatKind::Destroyed => CombatKind::Destroyed,
        },
        source_id: world.id_text(&event.source).to_owned(),
        target_id: world.id_text(&event.target).to_owned(),
        damage: event.damage,
        target_hp: event.target_hp,
    }
}

const fn refusal_code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::NotDocked => ErrorCode::NotDocked,
        Refusal::WrongStation => ErrorCode::WrongStation,
        Refusal::UnknownCommodity => ErrorCode::UnknownCommodity,
        Refusal::InvalidQuantity => ErrorCode::InvalidQuantity,
        Refusal::InsufficientCredits => ErrorCode::InsufficientCredits,
        Refusal::InsufficientCargo => ErrorCode::InsufficientCargo,
        Refusal::CargoFull => ErrorCode::CargoFull,
        Refusal::OutOfStock => ErrorCode::OutOfStock,
        Refusal::NothingToRepair => ErrorCode::NothingToRepair,
        Refusal::ShipDestroyed => ErrorCode::ShipDestroyed,
    }
}
