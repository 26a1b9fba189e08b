//! What the store will not keep is not played on: a player in quarantine is put out, and guests whom
//! nobody has seen for long are named to be forgotten.

use super::Node;
use super::players::{Player, PlayerHandle, PlayerLocation};
use crate::ids::{ConnId, PlayerId};
use crate::protocol::{CloseCode, ErrorCode};
use crate::sim::RemovalReason;

impl Node {
    /// The store keeps nothing more of a player: the ship leaves the world without being stored, what
    /// waits to be told is answered INTERNAL, the connection is closed, and so is the door, until the
    /// server is started anew. The world's stations keep what they traded: so does the store, which
    /// books their part against an account of its own.
    pub(super) fn quarantine(&mut self, player: PlayerId, reason: &str) {
        tracing::error!(
            "{player} is in quarantine until this server is started anew: nothing of the player is \
             kept, and what is stored stays as it was: {reason}"
        );
        self.metrics.players_quarantined.inc();
        let key = self.players.of_player(&player);
        self.players.quarantine(player);
        if let Some(key) = key {
            self.disconnect_quarantined(key);
        }
    }

    fn disconnect_quarantined(&mut self, key: PlayerHandle) {
        self.refuse_orders_of(key);
        self.reads.forget(key);
        if let Some(conn) = self.players.get(key).and_then(|entry| entry.conn) {
            self.detach_connection(key, conn);
        }
        let Some(entry) = self.players.remove(key) else {
            return;
        };
        if let PlayerLocation::InSystem(system, ship) = entry.location
            && let Some(instance) = self.systems.get_mut(system)
        {
            // Its record is void: what it holds was never durable.
            drop(instance.world.dismiss(ship, RemovalReason::Despawned));
        }
        if let Some(conn) = entry.conn {
            self.send_away(conn, &entry);
        }
    }

    fn send_away(&self, conn: ConnId, entry: &Player) {
        let first_join = entry.first_join.map(|join| join.seq);
        if let Some(seq) = entry.login_seq.or(first_join) {
            self.gateways.refuse(conn, seq, ErrorCode::Internal);
        }
        self.gateways.discard_held(conn);
        self.gateways.close(conn, CloseCode::TryLater);
    }

    /// Lets the store forget guests who are not here. Whoever logs in from now on is loaded once the
    /// batch that says so is durable.
    pub(super) fn forget_guests(&mut self, guests: Vec<PlayerId>) {
        for guest in guests {
            if self.players.of_player(&guest).is_none() {
                self.batch.add_forgotten(guest);
            }
        }
        self.ask_after_this_batch();
    }
}
