//! Pilots leave: a connection is lost, the ship lingers, is stored and forgotten. And while they fly,
//! where they are is written down every few seconds.

use super::Core;
use crate::ids::{ConnId, Handle, Name, SystemIndex};
use crate::limits::{
    CHECKPOINT_PERIOD_TICKS, CHECKPOINT_SHARE_TICKS, LINGER_SAFE_TICKS, LINGER_TICKS,
};
use crate::server::book;
use crate::server::lane::ToGate;
use crate::server::roster::{Player, PlayerHandle, Whereabouts};
use crate::sim::Gone;
use crate::wire::CloseCode;

/// Players whose ships are to be taken in, and the worlds these are in.
type Leaving = Vec<(PlayerHandle, SystemIndex, Handle)>;

impl Core {
    /// A connection is over: its ship lets go of the controls and lingers, the longer where leaving
    /// could be a way out of a fight. A docked ship cannot be harmed, and one that was never steered
    /// fought nobody; a new connection that only joined does not make a ship of that.
    pub(super) fn leave(&mut self, conn: ConnId) {
        let Some(key) = self.roster.disconnect(conn) else {
            return;
        };
        self.hide(key, conn);
        let Some(entry) = self.roster.get(key) else {
            return;
        };
        match entry.whereabouts {
            Whereabouts::Loading | Whereabouts::InTransit(_) => {}
            Whereabouts::Ashore(_) | Whereabouts::Elsewhere(_) => self.depart(key),
            Whereabouts::Aboard(system, ship) => {
                let is_safe = !entry.has_steered || self.is_docked(system, ship);
                let linger = if is_safe {
                    LINGER_SAFE_TICKS
                } else {
                    LINGER_TICKS
                };
                let leaves_at_tick = self.tick + linger;
                if let Some(entry) = self.roster.get_mut(key) {
                    entry.leaves_at_tick = Some(leaves_at_tick);
                }
            }
        }
    }

    /// Takes a connection's view away and lets go of the ship's controls, those included that came
    /// in with this tick and are not applied yet.
    pub(super) fn hide(&mut self, key: PlayerHandle, conn: ConnId) {
        let Some(entry) = self.roster.get(key) else {
            return;
        };
        if let Whereabouts::Aboard(system, ship) = entry.whereabouts
            && let Some(theatre) = self.theatre_mut(system)
        {
            theatre.remove_viewer(conn);
            theatre.world.detach(ship);
            theatre.pending.forget(ship);
        }
    }

    /// Stores the ships whose time in space without a connection is over.
    pub(super) fn take_in_lingering(&mut self) {
        // What a pilot ordered is done before the ship is taken in.
        let due = |player: &Player| {
            let is_due = player.leaves_at_tick.is_some_and(|at| at <= self.tick);
            is_due && !player.queue.has_open()
        };
        let leaving = self.leaving(due);
        self.take_in(&leaving);
    }

    /// Stores every ship.
    pub(super) fn take_everybody_in(&mut self) {
        let leaving = self.leaving(|_| true);
        self.take_in(&leaving);
    }

    fn leaving(&self, is_due: impl Fn(&Player) -> bool) -> Leaving {
        let due = self.roster.iter().filter(|(_, player)| is_due(player));
        let aboard = due.filter_map(|(key, player)| match player.whereabouts {
            Whereabouts::Aboard(system, ship) => Some((key, system, ship)),
            _ => None,
        });
        aboard.collect()
    }

    fn take_in(&mut self, leaving: &Leaving) {
        for &(key, system, ship) in leaving {
            let Some(theatre) = self.theatre_mut(system) else {
                continue;
            };
            let Some(pilot) = theatre.world.dismiss(ship, Gone::Despawned) else {
                continue;
            };
            self.book.checkpoint(&self.universe, system, &pilot);
            if let Some(entry) = self.roster.get_mut(key) {
                entry.kept_in_batch = self.book.number();
                entry.leaves_at_tick = None;
                entry.whereabouts = Whereabouts::Ashore(Some(Box::new((system, pilot))));
            }
            self.depart(key);
        }
    }

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
            .roster
            .iter()
            .map(|(key, _)| key)
            .filter(|&key| is_due(key))
            .collect();
        for key in due {
            self.keep(key);
        }
    }

    /// Writes down where a player's ship is.
    pub(super) fn keep(&mut self, key: PlayerHandle) {
        let Some(entry) = self.roster.get(key) else {
            return;
        };
        let Whereabouts::Aboard(system, ship) = entry.whereabouts else {
            return;
        };
        let world = self
            .theatres
            .get(system.0 as usize)
            .map(|theatre| &theatre.world);
        if let Some(pilot) = world.and_then(|world| book::portrait(world, ship)) {
            self.book.checkpoint(&self.universe, system, &pilot);
            if let Some(entry) = self.roster.get_mut(key) {
                entry.kept_in_batch = self.book.number();
            }
        }
    }

    /// Another server owns a system now: it stands still here, its pilots are let go without being
    /// stored, and whoever joins it is turned away. A server that lost its last system ends.
    pub(super) fn lose_system(&mut self, id: &Name) {
        let Some(system) = self.universe.system_index(id.as_str()) else {
            return;
        };
        tracing::error!(
            "{id} is run by another server on this database now: here it stands still, nothing more \
             of it is kept or told, and its pilots are sent away"
        );
        if let Some(theatre) = self.theatre_mut(system) {
            theatre.is_owned = false;
            theatre.pending.clear();
        }
        self.forget_orders_in(system);
        // Its pilots are forgotten while something of them may be on its way.
        self.ask_after_this_batch();
        for lane in &self.lanes {
            lane.push(ToGate::Forget(system));
        }
        for (key, _, _) in self
            .leaving(|_| true)
            .into_iter()
            .filter(|&(_, at, _)| at == system)
        {
            if let Some(conn) = self.roster.remove(key).and_then(|player| player.conn) {
                if let Some(theatre) = self.theatre_mut(system) {
                    theatre.remove_viewer(conn);
                }
                self.close(conn, CloseCode::Draining);
            }
        }
        for conn in self.lose_arrivals(id) {
            self.close(conn, CloseCode::Draining);
        }
        if !self.theatres.iter().any(|theatre| theatre.is_owned) {
            self.fail(format!(
                "every system of this server is run by another server now, {id} last"
            ));
        }
    }
}
