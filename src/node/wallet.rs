//! Money may be told only once it is durable: what each player's client knows of credits and hold.
//!
//! A change is noted with the batch that carries it; when that batch is on disk, the newest such
//! state becomes what deltas and snapshots show. Trade results follow the same rule in the gateways.

use std::collections::VecDeque;

use super::Node;
use super::players::{PlayerHandle, PlayerLocation};
use crate::replication::Wallet;

/// A player's wallet as last durable, and its later states that are not durable yet.
#[derive(Debug, Default)]
pub(super) struct DurableWallet {
    /// Balance and cargo as last durable: what clients are told.
    pub(super) durable: Wallet,
    /// With the batch that makes it durable; batches rise.
    coming: VecDeque<(u64, Wallet)>,
}

impl DurableWallet {
    /// A wallet all of which is durable.
    pub(super) fn new(durable: Wallet) -> Self {
        Self {
            durable,
            coming: VecDeque::new(),
        }
    }

    /// Notes the state after a batch. Returns whether nothing was coming before.
    pub(super) fn note(&mut self, batch: u64, wallet: Wallet) -> bool {
        let was_settled = self.coming.is_empty();
        match self.coming.back_mut() {
            Some((newest, coming)) if *newest == batch => *coming = wallet,
            _ => self.coming.push_back((batch, wallet)),
        }
        was_settled
    }

    /// Moves on to what `durable` covers. Returns whether more is coming.
    pub(super) fn release(&mut self, durable: u64) -> bool {
        while let Some((_, wallet)) = self.coming.pop_front_if(|(batch, _)| *batch <= durable) {
            self.durable = wallet;
        }
        !self.coming.is_empty()
    }
}

impl Node {
    /// Notes that a player's money or hold changed in the batch that is open now.
    pub(super) fn note_wallet(&mut self, handle: PlayerHandle) {
        let location = self.players.get(handle).map(|player| &player.location);
        let Some(&PlayerLocation::InSystem(system, ship)) = location else {
            return;
        };
        let instance = self.systems.get(system);
        if let Some(pilot) = instance.and_then(|instance| instance.world.pilot(ship)) {
            let wallet = Wallet {
                credits: pilot.credits,
                cargo: pilot.cargo.to_vec(),
            };
            self.players
                .note_wallet(handle, self.batch.number(), wallet);
        }
    }

    /// Shows clients what has become durable of their wallets.
    pub(super) fn release_wallets(&mut self) {
        let durable = self.newest_durable();
        let systems = &mut self.systems;
        self.players.release_wallets(durable, |player| {
            if let (Some(conn), &PlayerLocation::InSystem(system, _)) =
                (player.conn, &player.location)
                && let Some(instance) = systems.get_mut(system)
                && let Some(viewer) = instance.viewer_mut(conn)
            {
                viewer.set_wallet(&player.wallet.durable);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wallet(credits: i64) -> Wallet {
        Wallet {
            credits,
            cargo: Vec::new(),
        }
    }

    #[test]
    fn only_durable_money_is_told() {
        let mut wallets = DurableWallet::new(wallet(100));
        assert!(wallets.note(5, wallet(90)));
        assert!(!wallets.note(5, wallet(80)));
        assert!(!wallets.note(6, wallet(70)));
        assert!(wallets.release(4));
        assert_eq!(wallets.durable.credits, 100);
        assert!(wallets.release(5));
        assert_eq!(wallets.durable.credits, 80);
        assert!(!wallets.release(9));
        assert_eq!(wallets.durable.credits, 70);
    }
}
