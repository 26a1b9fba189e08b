//! Checkpoints: while pilots fly, where they are is written down every few seconds.

use super::Node;
use super::players::{PlayerHandle, PlayerLocation};
use crate::limits::{CHECKPOINT_PERIOD_TICKS, CHECKPOINT_SHARE_TICKS};

impl Node {
    /// Writes down where ships are, each every few seconds and a share of them at a time: a commit
    /// has its price however little is in it, so ticks in which nobody trades go without one.
    pub(super) fn checkpoint(&mut self) {
        if !self.tick.is_multiple_of(CHECKPOINT_SHARE_TICKS) {
            return;
        }
        let share = self.tick / CHECKPOINT_SHARE_TICKS;
        let shares = CHECKPOINT_PERIOD_TICKS / CHECKPOINT_SHARE_TICKS;
        let is_due = |key: PlayerHandle| (share + u64::from(key.slot)).is_multiple_of(shares);
        let due: Vec<PlayerHandle> = self
            .players
            .iter()
            .map(|(key, _)| key)
            .filter(|&key| is_due(key))
            .collect();
        for key in due {
            self.checkpoint_player(key);
        }
    }

    /// Writes down where a player's ship is.
    pub(super) fn checkpoint_player(&mut self, key: PlayerHandle) {
        let Some(entry) = self.players.get(key) else {
            return;
        };
        let PlayerLocation::InSystem(system, ship) = entry.location else {
            return;
        };
        let world = self.systems.get(system).map(|instance| &instance.world);
        if let Some(pilot) = world.and_then(|world| world.stored_pilot(ship)) {
            self.batch.add_checkpoint(&self.universe, system, &pilot);
            if let Some(entry) = self.players.get_mut(key) {
                entry.kept_in_batch = self.batch.number();
            }
        }
    }
}
