//! What a step brought about, settled: receipts become replies, postings go into the batch, hits are
//! told to both sides.

use super::Node;
use super::orders::PendingOrder;
use super::systems::SystemInstance;
use crate::ids::{Handle, SystemIndex};
use crate::limits::REPLIES_PER_TICK_MAX;
use crate::protocol::{
    Cargo, CombatEvent, CombatKind, ErrorCode, RepairDetails, RepairResult, Reply, TradeDetails,
    TradeResult,
};
use crate::sim::{self, OrderOutcome, OrderRefusal, Receipt, RepairOutcome, TradeOutcome};

impl Node {
    /// Reads the outcome of every world that stepped in this tick, and so each outcome once.
    pub(super) fn apply_outcomes(&mut self) {
        for system in self.systems.indices() {
            let instance = self.systems.get(system);
            if instance.is_some_and(SystemInstance::was_stepped) {
                self.add_postings(system);
                self.answer_orders(system);
                self.send_combat_events(system);
            }
        }
    }

    fn add_postings(&mut self, system: SystemIndex) {
        let Some(instance) = self.systems.get(system) else {
            return;
        };
        let postings = &instance.world.outcome().postings;
        let mut changed = Vec::new();
        for posting in postings {
            let pending = posting.ticket.and_then(|ticket| self.orders.get(ticket));
            let request_id = pending.and_then(|pending: &PendingOrder| pending.order.request_id());
            self.batch
                .add_transaction(&self.universe, system, posting, request_id);
            if let Some(key) = posting
                .player
                .as_ref()
                .and_then(|player| self.players.of_player(player))
            {
                changed.push(key);
            }
        }
        for key in changed {
            self.note_wallet(key);
            // Balance, hold and place of one player are stored together, in the batch that moved them.
            self.checkpoint_player(key);
        }
    }

    /// Books what has come up since the world's last step: a slowed system may stand still for
    /// ticks, and a pilot's first record must not be kept without the grant.
    pub(super) fn add_pending_postings(&mut self, system: SystemIndex) {
        let Some(instance) = self.systems.get_mut(system) else {
            return;
        };
        for posting in instance.world.take_pending_postings() {
            self.batch
                .add_transaction(&self.universe, system, &posting, None);
            let player = posting.player.as_ref();
            if let Some(key) = player.and_then(|player| self.players.of_player(player)) {
                self.note_wallet(key);
            }
        }
    }

    fn answer_orders(&mut self, system: SystemIndex) {
        let Some(instance) = self.systems.get(system) else {
            return;
        };
        let receipts: Vec<Receipt> = instance.world.outcome().receipts.clone();
        for receipt in receipts {
            let Some(open) = self.close_order(receipt.ticket) else {
                continue;
            };
            let reply = match receipt.result {
                Err(OrderRefusal::ShipDestroyed) if !self.has_its_ship(&open) => {
                    Some(Reply::error(ErrorCode::NotInSystem))
                }
                Ok(OrderOutcome::Trade(done)) => self.trade_result(system, receipt.ship, done),
                Ok(OrderOutcome::Repair(done)) => self.repair_result(system, done),
                Err(refusal) => Some(Reply::error(refusal_code(refusal))),
            };
            self.conclude(
                &open,
                reply.unwrap_or_else(|| Reply::error(ErrorCode::Internal)),
            );
        }
    }

    fn trade_result(&self, system: SystemIndex, ship: Handle, done: TradeOutcome) -> Option<Reply> {
        let instance = self.systems.get(system)?;
        let held = instance.world.pilot(ship)?.cargo;
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
                station_id: instance.world.system().station(done.station)?.id.clone(),
                commodity_id: self.universe.commodity(done.commodity)?.id.clone(),
                quantity: done.quantity,
                unit_price: done.unit_price,
                total: done.total,
            },
        }))
    }

    fn repair_result(&self, system: SystemIndex, done: RepairOutcome) -> Option<Reply> {
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

    /// Tells a hit or kill to each of the two sides that is a connected pilot.
    fn send_combat_events(&mut self, system: SystemIndex) {
        let Some(instance) = self.systems.get(system) else {
            return;
        };
        let world = &*instance.world;
        for event in world.outcome().combat.iter().take(REPLIES_PER_TICK_MAX) {
            if event.kind == sim::CombatKind::Destroyed
                && let Some(pilot) = world.pilot(event.target_ship)
            {
                let by = world.id_text(&event.source);
                self.events.destroyed(pilot.player, &world.system().id, by);
            }
            for ship in [event.source_ship, event.target_ship] {
                if let Some(conn) = self.conn_of(system, ship) {
                    let reply = Reply::CombatEvent(combat_event(world, event));
                    self.gateways.send_now(conn, None, reply);
                }
            }
        }
    }

    fn conn_of(&self, system: SystemIndex, ship: Handle) -> Option<crate::ids::ConnId> {
        let player = self.systems.get(system)?.world.pilot(ship)?.player;
        self.players.get(self.players.of_player(player)?)?.conn
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

const fn refusal_code(refusal: OrderRefusal) -> ErrorCode {
    match refusal {
        OrderRefusal::NotDocked => ErrorCode::NotDocked,
        OrderRefusal::WrongStation => ErrorCode::WrongStation,
        OrderRefusal::UnknownCommodity => ErrorCode::UnknownCommodity,
        OrderRefusal::InvalidQuantity => ErrorCode::InvalidQuantity,
        OrderRefusal::InsufficientCredits => ErrorCode::InsufficientCredits,
        OrderRefusal::InsufficientCargo => ErrorCode::InsufficientCargo,
        OrderRefusal::CargoFull => ErrorCode::CargoFull,
        OrderRefusal::OutOfStock => ErrorCode::OutOfStock,
        OrderRefusal::NothingToRepair => ErrorCode::NothingToRepair,
        OrderRefusal::ShipDestroyed => ErrorCode::ShipDestroyed,
    }
}
