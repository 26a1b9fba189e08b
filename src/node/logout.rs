//! Logout: a connection is lost, the ship lingers, is stored and leaves the world.

use super::Node;
use super::players::{Player, PlayerHandle, PlayerLocation};
use crate::ids::{ConnId, Handle, SystemIndex};
use crate::limits::{LINGER_SAFE_TICKS, LINGER_TICKS};
use crate::sim::RemovalReason;

/// Players whose ships are to be taken in, and the worlds these are in.
pub(super) type LoggingOut = Vec<(PlayerHandle, SystemIndex, Handle)>;

impl Node {
    /// A connection is over: its ship lets go of the controls and lingers, the longer where leaving
    /// could be a way out of a fight. A docked ship cannot be harmed, and one that was never steered
    /// fought nobody; a new connection that only joined does not make a ship of that.
    pub(super) fn log_out(&mut self, conn: ConnId) {
        let Some(key) = self.players.disconnect(conn) else {
            return;
        };
        self.detach_connection(key, conn);
        let Some(entry) = self.players.get(key) else {
            return;
        };
        match entry.location {
            PlayerLocation::Loading | PlayerLocation::Jumping(_) => {}
            PlayerLocation::Stored(_) | PlayerLocation::OnOtherNode(_) => {
                let durable = self.newest_durable();
                self.players.evict(key, durable);
            }
            PlayerLocation::InSystem(system, ship) => {
                let is_safe = !entry.has_steered
                    || self
                        .systems
                        .get(system)
                        .is_some_and(|instance| instance.is_docked(ship));
                let linger = if is_safe {
                    LINGER_SAFE_TICKS
                } else {
                    LINGER_TICKS
                };
                let leaves_at_tick = self.tick + linger;
                if let Some(entry) = self.players.get_mut(key) {
                    entry.leaves_at_tick = Some(leaves_at_tick);
                }
            }
        }
    }

    /// Takes a connection's view away and lets go of the ship's controls, those included that came
    /// in with this tick and are not applied yet.
    pub(super) fn detach_connection(&mut self, key: PlayerHandle, conn: ConnId) {
        let Some(entry) = self.players.get(key) else {
            return;
        };
        if let PlayerLocation::InSystem(system, ship) = entry.location
            && let Some(instance) = self.systems.get_mut(system)
        {
            instance.remove_viewer(conn);
            instance.world.detach(ship);
            instance.pending.forget(ship);
        }
    }

    /// Stores the ships whose time in space without a connection is over.
    pub(super) fn log_out_lingering(&mut self) {
        // What a pilot ordered is done before the ship is taken in.
        let due = |player: &Player| {
            let is_due = player.leaves_at_tick.is_some_and(|at| at <= self.tick);
            is_due && !player.queue.has_open()
        };
        let leaving = self.logging_out(due);
        self.take_in(&leaving);
    }

    /// Stores every ship.
    pub(super) fn log_out_everybody(&mut self) {
        let leaving = self.logging_out(|_| true);
        self.take_in(&leaving);
    }

    pub(super) fn logging_out(&self, is_due: impl Fn(&Player) -> bool) -> LoggingOut {
        let due = self.players.iter().filter(|(_, player)| is_due(player));
        let in_system = due.filter_map(|(key, player)| match player.location {
            PlayerLocation::InSystem(system, ship) => Some((key, system, ship)),
            _ => None,
        });
        in_system.collect()
    }

    fn take_in(&mut self, leaving: &LoggingOut) {
        for &(key, system, ship) in leaving {
            let Some(instance) = self.systems.get_mut(system) else {
                continue;
            };
            let Some(pilot) = instance.world.dismiss(ship, RemovalReason::Despawned) else {
                continue;
            };
            self.batch.add_checkpoint(&self.universe, system, &pilot);
            if let Some(entry) = self.players.get_mut(key) {
                let name = &instance.world.system().id;
                self.events
                    .logged_out(&pilot.player, name, entry.conn.is_some());
                entry.kept_in_batch = self.batch.number();
                entry.leaves_at_tick = None;
                entry.location = PlayerLocation::Stored(Some(Box::new((system, pilot))));
            }
            let durable = self.newest_durable();
            self.players.evict(key, durable);
        }
    }
}
