//! Who is who: players, their connections, and where their ships are.
//!
//! Owns one entry for each player who is connected, lingering or being looked up, and the map from
//! connections to entries. It decides nothing about the world: [`core`](super::core) moves entries
//! from state to state.
//!
//! ```text
//! Loading ──▶ Ashore (new, or stored in a system) ──join──▶ Aboard (a ship in a world)
//!    │   ◀─────── of the new, at the first join               │ connection lost: 10 s in space,
//!    └────────────┴ connection lost: forgotten                ▼ then stored and forgotten
//! ```
//!
//! Invariants: a player has one entry; a connection belongs to at most one; `by_conn` and the
//! entries' `conn` agree.

use std::collections::{HashMap, HashSet};

use slab::Slab;

use super::core::Purses;
use super::requests::Requests;
use crate::ids::{ConnId, Handle, Name, PlayerId, SystemIndex};
use crate::limits::QUARANTINED_MAX;
use crate::sim::Pilot;

/// Place of a player's entry in the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PlayerKey(pub(super) u32);

/// Where a player's ship is.
#[derive(Debug)]
pub(super) enum Whereabouts {
    /// The store is asked.
    Loading,
    /// In no world; none for a new pilot.
    Ashore(Option<Box<(SystemIndex, Pilot)>>),
    /// With another server on the same database, in this system if it is known.
    Elsewhere(Option<Name>),
    /// In a world.
    Aboard(SystemIndex, Handle),
}

/// A join that waits for the store's word that the player is still unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstJoin {
    pub(super) conn: ConnId,
    pub(super) target: SystemIndex,
    pub(super) seq: u64,
}

/// One player.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) id: PlayerId,
    pub(super) conn: Option<ConnId>,
    /// The `auth.login` that waits for an answer.
    pub(super) login_seq: Option<u64>,
    /// The `session.join_system` of a newcomer whom no other server may take in.
    pub(super) first_join: Option<FirstJoin>,
    pub(super) whereabouts: Whereabouts,
    /// The tick in which a ship without a connection is taken in.
    pub(super) leaves_at_tick: Option<u64>,
    pub(super) requests: Requests,
    pub(super) purses: Purses,
}

/// All players that the server has to do with at the moment.
#[derive(Debug, Default)]
pub(super) struct Roster {
    players: Slab<Player>,
    by_id: HashMap<PlayerId, PlayerKey>,
    by_conn: HashMap<ConnId, PlayerKey>,
    /// Players of whom nothing is kept any more; as many as the store bears with.
    quarantined: HashSet<PlayerId>,
}

impl Roster {
    /// Notes that nothing is kept of a player any more.
    pub(super) fn quarantine(&mut self, player: PlayerId) {
        if self.quarantined.len() < QUARANTINED_MAX {
            self.quarantined.insert(player);
        }
    }

    /// Whether nothing is kept of a player any more.
    pub(super) fn is_quarantined(&self, player: &PlayerId) -> bool {
        self.quarantined.contains(player)
    }

    /// The player of a connection.
    pub(super) fn of_conn(&self, conn: ConnId) -> Option<PlayerKey> {
        self.by_conn.get(&conn).copied()
    }

    /// The entry of a player.
    pub(super) fn of_player(&self, player: &PlayerId) -> Option<PlayerKey> {
        self.by_id.get(player).copied()
    }

    pub(super) fn get(&self, key: PlayerKey) -> Option<&Player> {
        self.players.get(key.0 as usize)
    }

    pub(super) fn get_mut(&mut self, key: PlayerKey) -> Option<&mut Player> {
        self.players.get_mut(key.0 as usize)
    }

    /// Makes an entry for a player who has none.
    pub(super) fn insert(&mut self, id: PlayerId) -> PlayerKey {
        let player = Player {
            id: id.clone(),
            conn: None,
            login_seq: None,
            first_join: None,
            whereabouts: Whereabouts::Loading,
            leaves_at_tick: None,
            requests: Requests::default(),
            purses: Purses::default(),
        };
        let key = PlayerKey(self.players.insert(player) as u32);
        self.by_id.insert(id, key);
        key
    }

    /// Gives a player a connection; the one held before is handed back.
    pub(super) fn connect(&mut self, key: PlayerKey, conn: ConnId) -> Option<ConnId> {
        let player = self.players.get_mut(key.0 as usize)?;
        let former = player.conn.replace(conn);
        player.first_join = None;
        player.leaves_at_tick = None;
        if let Some(former) = former {
            self.by_conn.remove(&former);
        }
        self.by_conn.insert(conn, key);
        former
    }

    /// Takes a connection that is gone off its player.
    pub(super) fn disconnect(&mut self, conn: ConnId) -> Option<PlayerKey> {
        let key = self.by_conn.remove(&conn)?;
        let player = self.players.get_mut(key.0 as usize)?;
        player.conn = None;
        player.login_seq = None;
        player.first_join = None;
        Some(key)
    }

    /// Forgets a player.
    pub(super) fn remove(&mut self, key: PlayerKey) -> Option<Player> {
        let player = self.players.try_remove(key.0 as usize)?;
        self.by_id.remove(&player.id);
        if let Some(conn) = player.conn {
            self.by_conn.remove(&conn);
        }
        Some(player)
    }

    /// Every entry.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PlayerKey, &Player)> {
        self.players
            .iter()
            .map(|(key, player)| (PlayerKey(key as u32), player))
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.players.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(slot: u32) -> ConnId {
        ConnId {
            shard: 0,
            slot,
            generation: 0,
        }
    }

    #[test]
    fn a_player_has_one_connection_and_a_connection_one_player() {
        let mut roster = Roster::default();
        let ann = roster.insert(PlayerId::parse("ann").unwrap());
        let bob = roster.insert(PlayerId::parse("bob").unwrap());
        assert_eq!(roster.connect(ann, conn(1)), None);
        assert_eq!(roster.connect(bob, conn(2)), None);
        assert_eq!(roster.connect(ann, conn(3)), Some(conn(1)));
        assert_eq!(roster.of_conn(conn(1)), None);
        assert_eq!(roster.of_conn(conn(3)), Some(ann));
        assert_eq!(roster.disconnect(conn(1)), None);
        assert_eq!(roster.disconnect(conn(3)), Some(ann));
        roster.remove(bob);
        assert_eq!(roster.of_conn(conn(2)), None);
        assert_eq!(roster.of_player(&PlayerId::parse("bob").unwrap()), None);
        assert_eq!(roster.len(), 1);
    }
}
