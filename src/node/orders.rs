//! Orders that a world is carrying out, by their tickets, and the players whose command queues are not
//! empty.
//!
//! Owns no rule: [`place_order`](super::place_order) decides what becomes of an order, the player's
//! [command queue](super::command_queue) when it may take effect.

use super::players::{Player, PlayerHandle};
use crate::ids::{ConnId, Handle, SystemIndex};
use crate::session::Order;

/// An order that a world is carrying out.
#[derive(Debug)]
pub(super) struct PendingOrder {
    pub(super) player: PlayerHandle,
    pub(super) conn: ConnId,
    pub(super) seq: u64,
    pub(super) system: SystemIndex,
    pub(super) ship: Handle,
    pub(super) order: Order,
}

/// Orders that are under way on this node.
#[derive(Debug, Default)]
pub(super) struct Orders {
    /// The key is the ticket that the world gives back with its receipt. At most
    /// [`BATCH_RECORDS_MAX`](crate::limits::BATCH_RECORDS_MAX), together with the open batch.
    pending: slab::Slab<PendingOrder>,
    /// Players in whose command queues something waits; each once.
    queued: Vec<PlayerHandle>,
    /// Buffer of [`Self::take_queued`]; empty between two ticks.
    queued_before: Vec<PlayerHandle>,
}

impl Orders {
    /// How many orders worlds are carrying out.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Notes that a world has an order. Returns its ticket.
    pub(super) fn insert(&mut self, order: PendingOrder) -> u64 {
        self.pending.insert(order) as u64
    }

    /// The order with a ticket, if a world has it.
    pub(super) fn get(&self, ticket: u64) -> Option<&PendingOrder> {
        self.pending.get(usize::try_from(ticket).ok()?)
    }

    /// Takes out an order that a world is done with.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<PendingOrder> {
        self.pending.try_remove(usize::try_from(ticket).ok()?)
    }

    /// Tickets of the orders that a system's world has. Linear in all orders.
    pub(super) fn tickets_in(&self, system: SystemIndex) -> Vec<u64> {
        let pending = self.pending.iter();
        let here = pending.filter(|(_, order)| order.system == system);
        here.map(|(ticket, _)| ticket as u64).collect()
    }

    /// Orders of a player that worlds have. Linear in all orders.
    pub(super) fn of_player(&self, player: PlayerHandle) -> impl Iterator<Item = &PendingOrder> {
        let pending = self.pending.iter().map(|(_, order)| order);
        pending.filter(move |order| order.player == player)
    }

    /// Takes out all orders.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = PendingOrder> {
        self.pending.drain()
    }

    /// Players in whose command queues something waits.
    pub(super) fn queued(&self) -> &[PlayerHandle] {
        &self.queued
    }

    /// Lists a player whose command queue is not empty, once.
    pub(super) fn list(&mut self, handle: PlayerHandle, player: &mut Player) {
        if !player.queue.is_empty() && !std::mem::replace(&mut player.queue.is_listed, true) {
            self.queued.push(handle);
        }
    }

    /// Takes the list of players whose command queues are to be advanced; it is to be given back
    /// empty by [`Self::give_back`].
    pub(super) fn take_queued(&mut self) -> Vec<PlayerHandle> {
        std::mem::swap(&mut self.queued, &mut self.queued_before);
        std::mem::take(&mut self.queued_before)
    }

    /// Takes the emptied buffer of [`Self::take_queued`] back.
    pub(super) fn give_back(&mut self, emptied: Vec<PlayerHandle>) {
        debug_assert!(emptied.is_empty(), "every listed player is advanced");
        self.queued_before = emptied;
    }
}

#[cfg(test)]
mod tests {
    use super::super::players::Players;
    use super::*;
    use crate::ids::{Name, PlayerId};
    use crate::protocol::Repair;

    fn order(player: PlayerHandle, system: u16) -> PendingOrder {
        PendingOrder {
            player,
            conn: ConnId {
                shard: 0,
                slot: 0,
                generation: 0,
            },
            seq: 1,
            system: SystemIndex(system),
            ship: Handle {
                slot: 0,
                generation: 0,
            },
            order: Order::Repair(Repair {
                station_id: Name::parse("earth-orbit-station").unwrap(),
                request_id: None,
            }),
        }
    }

    #[test]
    fn a_ticket_gives_its_order_back_once() {
        let mut players = Players::default();
        let ann = players.insert(PlayerId::parse("ann").unwrap());
        let bob = players.insert(PlayerId::parse("bob").unwrap());
        let mut orders = Orders::default();
        let (first, second) = (orders.insert(order(ann, 0)), orders.insert(order(bob, 1)));
        assert_ne!(first, second);
        assert_eq!(orders.tickets_in(SystemIndex(1)), [second]);
        assert_eq!(orders.of_player(ann).count(), 1);
        assert_eq!(orders.remove(first).map(|order| order.player), Some(ann));
        assert!(orders.remove(first).is_none() && orders.get(first).is_none());
        assert_eq!(orders.len(), 1);
        assert_eq!(orders.drain().count(), 1);
        assert!(orders.remove(u64::MAX).is_none(), "no ticket of ours");
    }

    #[test]
    fn a_player_whose_commands_wait_is_listed_once_until_taken() {
        let mut players = Players::default();
        let ann = players.insert(PlayerId::parse("ann").unwrap());
        let player = players.get_mut(ann).unwrap();
        let mut orders = Orders::default();
        orders.list(ann, player);
        assert!(orders.queued().is_empty(), "nothing waits");
        player.queue.push_join(1, SystemIndex(0)).unwrap();
        orders.list(ann, player);
        orders.list(ann, player);
        assert_eq!(orders.queued(), [ann]);
        let mut taken = orders.take_queued();
        assert!(orders.queued().is_empty());
        taken.clear();
        orders.give_back(taken);
    }
}
