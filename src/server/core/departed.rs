//! Players who have left: their entries stay until all that the store was given of them is durable.
//!
//! The store's reads are not ordered behind its batches, so a login in between is served from here.

use std::sync::atomic::Ordering;

use super::Core;
use crate::server::roster::{Player, PlayerHandle, Whereabouts};

impl Core {
    /// A player without a connection has no ship in a world any more: the entry goes as soon as it
    /// may, unless the player comes back before.
    pub(super) fn depart(&mut self, handle: PlayerHandle) {
        if !self.forget(handle)
            && let Some(player) = self.roster.get_mut(handle)
            && !std::mem::replace(&mut player.is_departing, true)
        {
            self.departed.push(handle);
        }
    }

    /// Forgets those of whom everything has become durable. Linear in those who wait for it.
    pub(super) fn forget_departed(&mut self) {
        let mut departed = std::mem::take(&mut self.departed);
        departed.retain(|&handle| !self.forget(handle));
        self.departed = departed;
    }

    /// Returns whether there is nothing to wait for: the entry is gone, or in use again.
    fn forget(&mut self, handle: PlayerHandle) -> bool {
        let durable = self.durable.load(Ordering::Acquire);
        let Some(player) = self.roster.get_mut(handle) else {
            return true;
        };
        if !is_departed(player) {
            player.is_departing = false;
            return true;
        }
        let may_go = player.kept_in_batch <= durable;
        if may_go {
            self.roster.remove(handle);
        }
        may_go
    }
}

fn is_departed(player: &Player) -> bool {
    let is_ashore = matches!(
        player.whereabouts,
        Whereabouts::Ashore(_) | Whereabouts::Elsewhere(_)
    );
    is_ashore && player.conn.is_none()
}
