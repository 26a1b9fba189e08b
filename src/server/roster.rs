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
//! Ashore or Aboard, docked ──join of another system──▶ InTransit ──arrival──▶ Aboard
//! ```
//!
//! An entry outlives its player's stay until everything that the store was given about the player is
//! durable, so that a login in between finds the pilot here and never in an older record.
//!
//! Invariants: a player has one entry; a connection belongs to at most one; `by_conn` and the
//! entries' `conn` agree; a handle whose entry is gone never resolves again, whoever has the slot.

use std::collections::{HashMap, HashSet};

use super::core::{PlayerQueue, Purses};
use super::requests::Requests;
use crate::ids::{ConnId, Handle, Name, PlayerId, SystemIndex};
use crate::limits::{QUARANTINED_MAX, REQUEST_DIGESTS_MAX};
use crate::sim::Pilot;

/// A stable reference to a player's entry: slot and generation. It may be kept from tick to tick,
/// and beside a question to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PlayerHandle {
    /// Place in the roster's table.
    pub(super) slot: u32,
    /// How often the slot had been freed when this handle was made.
    generation: u32,
}

impl PlayerHandle {
    /// The handle as the ticket of a question to the store.
    pub(super) const fn ticket(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The handle that a ticket was made of.
    pub(super) const fn of_ticket(ticket: u64) -> Self {
        Self {
            slot: ticket as u32,
            generation: (ticket >> 32) as u32,
        }
    }
}

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
    /// Between two systems.
    InTransit(Box<Transit>),
}

/// A jump under way.
#[derive(Debug)]
pub(super) struct Transit {
    pub(super) target: SystemIndex,
    pub(super) arrives_at_tick: u64,
    /// As it arrives, and as its record has it.
    pub(super) pilot: Pilot,
}

/// A join that waits: a newcomer's for the store's word that the player is still unknown, a jump's
/// for the arrival.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstJoin {
    pub(super) conn: ConnId,
    pub(super) target: SystemIndex,
    pub(super) seq: u64,
}

/// A player who is connected, lingering or loading.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) id: PlayerId,
    pub(super) conn: Option<ConnId>,
    /// The `auth.login` that waits for an answer.
    pub(super) login_seq: Option<u64>,
    /// The `session.join_system` of a newcomer whom no other server may take in, or of who is in
    /// transit.
    pub(super) first_join: Option<FirstJoin>,
    pub(super) whereabouts: Whereabouts,
    /// The tick in which a ship without a connection is taken in.
    pub(super) leaves_at_tick: Option<u64>,
    /// Whether the ship was steered since it came into its world, on whatever connection.
    pub(super) has_steered: bool,
    pub(super) requests: Requests,
    /// Commands that wait for those before them.
    pub(super) queue: PlayerQueue,
    pub(super) purses: Purses,
    /// The newest batch that holds anything about the player.
    pub(super) kept_in_batch: u64,
    /// Whether the core has it on its list of those who have left.
    pub(super) is_departing: bool,
}

impl Player {
    /// Whether the store is asked about a join, which later commands have to wait for. A jump is
    /// none: until it ends the ship is in no system, and orders are refused for that.
    pub(super) const fn is_joining(&self) -> bool {
        self.first_join.is_some() && !matches!(self.whereabouts, Whereabouts::InTransit(_))
    }
}

/// A place for a player.
#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    player: Option<Player>,
}

/// All players that the server has to do with at the moment.
#[derive(Debug)]
pub(super) struct Roster {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: HashMap<PlayerId, PlayerHandle>,
    by_conn: HashMap<ConnId, PlayerHandle>,
    /// Players of whom nothing is kept any more; as many as the store bears with.
    quarantined: HashSet<PlayerId>,
    /// Request ids of one player that stay resident.
    pub(super) request_digests_max: usize,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            by_conn: HashMap::new(),
            quarantined: HashSet::new(),
            request_digests_max: REQUEST_DIGESTS_MAX,
        }
    }
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
    pub(super) fn of_conn(&self, conn: ConnId) -> Option<PlayerHandle> {
        self.by_conn.get(&conn).copied()
    }

    /// The entry of a player.
    pub(super) fn of_player(&self, player: &PlayerId) -> Option<PlayerHandle> {
        self.by_id.get(player).copied()
    }

    pub(super) fn get(&self, handle: PlayerHandle) -> Option<&Player> {
        let slot = self.slots.get(handle.slot as usize)?;
        let player = slot.player.as_ref();
        player.filter(|_| slot.generation == handle.generation)
    }

    pub(super) fn get_mut(&mut self, handle: PlayerHandle) -> Option<&mut Player> {
        let slot = self.slots.get_mut(handle.slot as usize)?;
        let player = slot.player.as_mut();
        player.filter(|_| slot.generation == handle.generation)
    }

    /// Makes an entry for a player who has none.
    pub(super) fn insert(&mut self, id: PlayerId) -> PlayerHandle {
        let player = Player {
            id: id.clone(),
            conn: None,
            login_seq: None,
            first_join: None,
            whereabouts: Whereabouts::Loading,
            leaves_at_tick: None,
            has_steered: false,
            requests: Requests::new(self.request_digests_max),
            queue: PlayerQueue::default(),
            purses: Purses::default(),
            kept_in_batch: 0,
            is_departing: false,
        };
        let place = self.free.pop().unwrap_or(self.slots.len() as u32);
        if self.slots.len() == place as usize {
            self.slots.push(Slot::default());
        }
        let slot = &mut self.slots[place as usize];
        slot.player = Some(player);
        let handle = PlayerHandle {
            slot: place,
            generation: slot.generation,
        };
        self.by_id.insert(id, handle);
        handle
    }

    /// Gives a player a connection; the one held before is handed back.
    pub(super) fn connect(&mut self, handle: PlayerHandle, conn: ConnId) -> Option<ConnId> {
        let player = self.get_mut(handle)?;
        let former = player.conn.replace(conn);
        player.queue.forget_waiting();
        player.first_join = None;
        player.leaves_at_tick = None;
        if let Some(former) = former {
            self.by_conn.remove(&former);
        }
        self.by_conn.insert(conn, handle);
        former
    }

    /// Takes a connection that is gone off its player.
    pub(super) fn disconnect(&mut self, conn: ConnId) -> Option<PlayerHandle> {
        let handle = self.by_conn.remove(&conn)?;
        let player = self.get_mut(handle)?;
        player.queue.forget_waiting();
        player.conn = None;
        player.login_seq = None;
        player.first_join = None;
        Some(handle)
    }

    /// Forgets a player.
    pub(super) fn remove(&mut self, handle: PlayerHandle) -> Option<Player> {
        self.get(handle)?;
        let slot = self.slots.get_mut(handle.slot as usize)?;
        let player = slot.player.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(handle.slot);
        self.by_id.remove(&player.id);
        if let Some(conn) = player.conn {
            self.by_conn.remove(&conn);
        }
        Some(player)
    }

    /// All players with their handles, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PlayerHandle, &Player)> {
        let slots = (0_u32..).zip(&self.slots);
        slots.filter_map(|(place, slot)| {
            let handle = PlayerHandle {
                slot: place,
                generation: slot.generation,
            };
            Some((handle, slot.player.as_ref()?))
        })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
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

    #[test]
    fn a_handle_never_resolves_to_whoever_took_the_slot() {
        let mut roster = Roster::default();
        let ann = roster.insert(PlayerId::parse("ann").unwrap());
        roster.connect(ann, conn(1));
        assert!(roster.remove(ann).is_some());
        let bob = roster.insert(PlayerId::parse("bob").unwrap());
        assert_eq!(ann.slot, bob.slot, "the slot is used again");
        assert!(roster.get(ann).is_none() && roster.get_mut(ann).is_none());
        assert_eq!(roster.connect(ann, conn(2)), None);
        assert_eq!(roster.of_conn(conn(2)), None, "nobody is connected by it");
        assert!(roster.remove(ann).is_none(), "nor forgotten");
        assert_eq!(roster.get(bob).map(|bob| bob.id.as_str()), Some("bob"));
        assert_eq!(PlayerHandle::of_ticket(bob.ticket()), bob);
        assert_ne!(ann.ticket(), bob.ticket());
        let listed: Vec<PlayerHandle> = roster.iter().map(|(handle, _)| handle).collect();
        assert_eq!(listed, [bob]);
    }
}
