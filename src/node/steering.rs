//! Steering: controls of a ship reach its world with the next step, behind what they must not undo.

use super::Node;
use super::command_queue::Steering;
use super::players::{PlayerHandle, PlayerLocation};
use crate::ids::{ConnId, Handle, SystemIndex};
use crate::protocol::Input;

impl Node {
    /// New controls: at once, or behind what they must not undo.
    pub(super) fn queue_steering(&mut self, conn: ConnId, seq: u64, input: Input) {
        let Some(handle) = self.players.of_conn(conn) else {
            return;
        };
        let ship = self.joined_ship(conn);
        let is_docked = ship.is_some_and(|(_, system, ship)| {
            self.systems
                .get(system)
                .is_some_and(|instance| instance.is_docked(ship))
        });
        let tick = self.tick;
        let Some(player) = self.players.get_mut(handle) else {
            return;
        };
        let is_joining = player.is_joining();
        let queue = &mut player.queue;
        let is_behind = queue.has_join() || queue.has_steering();
        if is_joining || is_behind || (is_docked && !queue.is_empty()) {
            queue.hold((seq, input), tick);
            self.orders.list(handle, player);
        } else {
            self.pass_steering(handle, conn, None, (seq, input));
        }
    }

    /// Hands steering to the world that the ship is in; without a ship it is dropped.
    pub(super) fn pass_steering(
        &mut self,
        handle: PlayerHandle,
        conn: ConnId,
        pressed: Option<Steering>,
        newest: Steering,
    ) {
        let Some((_, system, _)) = self.joined_ship(conn) else {
            return;
        };
        let Some(tick) = self
            .systems
            .get(system)
            .map(|instance| instance.world.tick())
        else {
            return;
        };
        if let Some(player) = self.players.get_mut(handle) {
            player.queue.note_steered((system, tick));
        }
        for (seq, input) in pressed.into_iter().chain([newest]) {
            self.steer(conn, seq, input);
        }
    }

    /// Takes new controls of a pilot's ship.
    pub(super) fn steer(&mut self, conn: ConnId, seq: u64, input: Input) {
        let Some((key, system, ship)) = self.in_system(conn) else {
            return;
        };
        if let Some(entry) = self.players.get_mut(key) {
            entry.has_steered = true;
        }
        if let Some(instance) = self.systems.get_mut(system) {
            instance.pending.steer(ship, seq, input);
        }
    }

    /// Steering is not held for ever, whatever it waits for. While it waits for the join that brings
    /// the ship, nobody is kept from steering, and its time does not run.
    pub(super) fn release_steering(&mut self, handle: PlayerHandle) {
        let tick = self.tick;
        let conn = self.players.get(handle).and_then(|player| player.conn);
        let has_ship = conn.is_some_and(|conn| self.joined_ship(conn).is_some());
        if let Some(player) = self.players.get_mut(handle)
            && (player.is_joining() || (!has_ship && player.queue.has_join()))
        {
            player.queue.hold_anew(tick);
            return;
        }
        while let Some(player) = self.players.get_mut(handle)
            && let Some(conn) = player.conn
            && let Some((pressed, newest)) = player.queue.overdue_steering(tick)
        {
            self.pass_steering(handle, conn, pressed, newest);
        }
    }

    /// The player of a connection and the ship, if it is in a world.
    pub(super) fn in_system(&self, conn: ConnId) -> Option<(PlayerHandle, SystemIndex, Handle)> {
        let key = self.players.of_conn(conn)?;
        match self.players.get(key)?.location {
            PlayerLocation::InSystem(system, ship) => Some((key, system, ship)),
            _ => None,
        }
    }

    /// As [`Self::in_system`], for a client who has joined: a login alone gives no say over a ship that
    /// lingers.
    pub(super) fn joined_ship(&self, conn: ConnId) -> Option<(PlayerHandle, SystemIndex, Handle)> {
        self.in_system(conn).filter(|&(_, system, _)| {
            let instance = self.systems.get(system);
            instance.is_some_and(|instance| instance.viewer(conn).is_some())
        })
    }

    /// The next frame carries a snapshot for this client.
    pub(super) fn owe_snapshot(&mut self, conn: ConnId) {
        let Some((_, system, _)) = self.in_system(conn) else {
            return;
        };
        if let Some(viewer) = self
            .systems
            .get_mut(system)
            .and_then(|instance| instance.viewer_mut(conn))
        {
            viewer.owe_snapshot();
        }
    }
}
