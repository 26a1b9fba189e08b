//! Money may be told only once it is durable: what each player's client knows of credits and hold.
//!
//! A change is noted with the batch that carries it; when that batch is on disk, the newest such
//! state becomes what deltas and snapshots show. Trade results follow the same rule in the gates.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use super::Core;
use crate::replication::Purse;
use crate::server::roster::{PlayerHandle, Whereabouts};

/// What may be told of a player's money, and what will be.
#[derive(Debug, Default)]
pub(in crate::server) struct Purses {
    /// Balance and cargo as last durable, which clients are told.
    pub(in crate::server) told: Purse,
    /// With the batch that makes it durable; batches rise.
    coming: VecDeque<(u64, Purse)>,
}

impl Purses {
    /// All of it is durable.
    pub(in crate::server) fn settled(told: Purse) -> Self {
        Self {
            told,
            coming: VecDeque::new(),
        }
    }

    /// Notes the state after a batch. Returns whether nothing was coming before.
    fn note(&mut self, batch: u64, purse: Purse) -> bool {
        let was_settled = self.coming.is_empty();
        match self.coming.back_mut() {
            Some((newest, coming)) if *newest == batch => *coming = purse,
            _ => self.coming.push_back((batch, purse)),
        }
        was_settled
    }

    /// Moves on to what `durable` covers. Returns whether more is coming.
    fn settle(&mut self, durable: u64) -> bool {
        while let Some((_, purse)) = self.coming.pop_front_if(|(batch, _)| *batch <= durable) {
            self.told = purse;
        }
        !self.coming.is_empty()
    }
}

impl Core {
    /// Notes that a player's money or hold changed in the batch that is open now.
    pub(super) fn note_purse(&mut self, key: PlayerHandle) {
        let Some(player) = self.roster.get_mut(key) else {
            return;
        };
        let Whereabouts::Aboard(system, ship) = player.whereabouts else {
            return;
        };
        let world = self
            .theatres
            .get(system.0 as usize)
            .map(|theatre| &theatre.world);
        let Some(pilot) = world.and_then(|world| world.pilot(ship)) else {
            return;
        };
        let purse = Purse {
            credits: pilot.credits,
            cargo: pilot.cargo.to_vec(),
        };
        if player.purses.note(self.book.number(), purse) {
            self.unsettled.push(key);
        }
    }

    /// Lets viewers see what has become durable.
    pub(super) fn settle_purses(&mut self) {
        let durable = self.durable.load(Ordering::Acquire);
        let mut unsettled = std::mem::take(&mut self.unsettled);
        unsettled.retain(|&key| {
            let Some(player) = self.roster.get_mut(key) else {
                return false;
            };
            let more = player.purses.settle(durable);
            if let (Some(conn), &Whereabouts::Aboard(system, _)) =
                (player.conn, &player.whereabouts)
                && let Some(theatre) = self.theatres.get_mut(system.0 as usize)
                && let Some(viewer) = theatre.viewer_mut(conn)
            {
                viewer.set_purse(&player.purses.told);
            }
            more
        });
        self.unsettled = unsettled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purse(credits: i64) -> Purse {
        Purse {
            credits,
            cargo: Vec::new(),
        }
    }

    #[test]
    fn only_durable_money_is_told() {
        let mut purses = Purses::settled(purse(100));
        assert!(purses.note(5, purse(90)));
        assert!(!purses.note(5, purse(80)));
        assert!(!purses.note(6, purse(70)));
        assert!(purses.settle(4));
        assert_eq!(purses.told.credits, 100);
        assert!(purses.settle(5));
        assert_eq!(purses.told.credits, 80);
        assert!(!purses.settle(9));
        assert_eq!(purses.told.credits, 70);
    }
}
