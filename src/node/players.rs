//! Who is who: players, their connections, and where their ships are.
//!
//! Owns one entry for each player who is connected, lingering or being looked up, and the map from
//! connections to entries. It decides nothing about the world: [the node](super) moves entries
//! from state to state.
//!
//! ```text
//! Loading ──▶ Stored (new, or stored in a system) ──join──▶ InSystem (a ship in a world)
//!    │   ◀─────── of the new, at the first join               │ connection lost: 10 s in space,
//!    └────────────┴ connection lost: forgotten                ▼ then stored and forgotten
//! Stored or InSystem, docked ──join of another system──▶ Jumping ──arrival──▶ InSystem
//! ```
//!
//! An entry outlives its player's stay until everything that the store was given about the player is
//! durable, so that a login in between finds the pilot here and never in an older record.
//!
//! Invariants: a player has one entry; a connection belongs to at most one; `by_conn` and the
//! entries' `conn` agree; a handle whose entry is gone never resolves again, whoever has the slot.

use std::collections::{HashMap, HashSet};

use super::command_queue::CommandQueue;
use super::request_ids::RequestIds;
use super::wallet::DurableWallet;
use crate::ids::{ConnId, Handle, Name, PlayerId, SystemIndex};
use crate::limits::{PLAYERS_MAX, QUARANTINED_MAX, REQUEST_DIGESTS_MAX};
use crate::replication::Wallet;
use crate::sim::Pilot;

/// A stable reference to a player's entry: slot and generation. It may be kept from tick to tick,
/// and beside a question to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PlayerHandle {
    /// Place in the players's table.
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
pub(super) enum PlayerLocation {
    /// The store is asked.
    Loading,
    /// In no world; none for a new pilot.
    Stored(Option<Box<(SystemIndex, Pilot)>>),
    /// With another server on the same database, in this system if it is known.
    OnOtherNode(Option<Name>),
    /// In a world.
    InSystem(SystemIndex, Handle),
    /// Between two systems.
    Jumping(Box<Transit>),
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
    pub(super) location: PlayerLocation,
    /// The tick in which a ship without a connection is taken in.
    pub(super) leaves_at_tick: Option<u64>,
    /// Whether the ship was steered since it came into its world, on whatever connection.
    pub(super) has_steered: bool,
    pub(super) requests: RequestIds,
    /// Commands that wait for those before them.
    pub(super) queue: CommandQueue,
    pub(super) wallet: DurableWallet,
    /// The newest batch that holds anything about the player.
    pub(super) kept_in_batch: u64,
    /// Whether it is listed among those who leave when everything of them is durable.
    is_leaving: bool,
}

impl Player {
    /// Whether the store is asked about a join, which later commands have to wait for. A jump is
    /// none: until it ends the ship is in no system, and orders are refused for that.
    pub(super) const fn is_joining(&self) -> bool {
        self.first_join.is_some() && !matches!(self.location, PlayerLocation::Jumping(_))
    }

    /// Whether the player has neither a connection nor a ship in a world.
    const fn has_left(&self) -> bool {
        let has_no_ship = matches!(
            self.location,
            PlayerLocation::Stored(_) | PlayerLocation::OnOtherNode(_)
        );
        has_no_ship && self.conn.is_none()
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
pub(super) struct Players {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_id: HashMap<PlayerId, PlayerHandle>,
    by_conn: HashMap<ConnId, PlayerHandle>,
    /// Players of whom nothing is kept any more; as many as the store bears with.
    quarantined: HashSet<PlayerId>,
    /// Players who have left while something of them was not durable; each once.
    leaving: Vec<PlayerHandle>,
    /// Players whose money changed in a batch that is not durable yet; each once.
    undurable_wallets: Vec<PlayerHandle>,
    /// Players at most, the lingering and the leaving included.
    pub(super) count_max: usize,
    /// Request ids of one player that stay resident.
    pub(super) request_digests_max: usize,
}

impl Default for Players {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            by_conn: HashMap::new(),
            quarantined: HashSet::new(),
            leaving: Vec::new(),
            undurable_wallets: Vec::new(),
            count_max: PLAYERS_MAX,
            request_digests_max: REQUEST_DIGESTS_MAX,
        }
    }
}

impl Players {
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
            location: PlayerLocation::Loading,
            leaves_at_tick: None,
            has_steered: false,
            requests: RequestIds::new(self.request_digests_max),
            queue: CommandQueue::default(),
            wallet: DurableWallet::default(),
            kept_in_batch: 0,
            is_leaving: false,
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

    /// Forgets a player without a connection and without a ship in a world as soon as everything that
    /// the store was given of the player is durable, unless the player comes back before. `durable`
    /// is the newest durable batch.
    pub(super) fn evict(&mut self, handle: PlayerHandle, durable: u64) {
        if !self.try_evict(handle, durable)
            && let Some(player) = self.get_mut(handle)
            && !std::mem::replace(&mut player.is_leaving, true)
        {
            self.leaving.push(handle);
        }
    }

    /// Forgets those of whom everything has become durable. Linear in those who wait for it.
    pub(super) fn evict_durable(&mut self, durable: u64) {
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.retain(|&handle| !self.try_evict(handle, durable));
        self.leaving = leaving;
    }

    /// Returns whether there is nothing to wait for: the entry is gone, or in use again.
    fn try_evict(&mut self, handle: PlayerHandle, durable: u64) -> bool {
        let Some(player) = self.get_mut(handle) else {
            return true;
        };
        if !player.has_left() {
            player.is_leaving = false;
            return true;
        }
        let may_go = player.kept_in_batch <= durable;
        if may_go {
            self.remove(handle);
        }
        may_go
    }

    /// Notes that a player's wallet changed in a batch.
    pub(super) fn note_wallet(&mut self, handle: PlayerHandle, batch: u64, wallet: Wallet) {
        if let Some(player) = self.get_mut(handle)
            && player.wallet.note(batch, wallet)
        {
            self.undurable_wallets.push(handle);
        }
    }

    /// Moves wallets on to what batch `durable` covers; `show` gets each player whose wallet may have
    /// moved. Linear in the wallets that wait.
    pub(super) fn release_wallets(&mut self, durable: u64, mut show: impl FnMut(&Player)) {
        let mut waiting = std::mem::take(&mut self.undurable_wallets);
        waiting.retain(|&handle| {
            let Some(player) = self.get_mut(handle) else {
                return false;
            };
            let is_waiting = player.wallet.release(durable);
            show(player);
            is_waiting
        });
        self.undurable_wallets = waiting;
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
        let mut players = Players::default();
        let ann = players.insert(PlayerId::parse("ann").unwrap());
        let bob = players.insert(PlayerId::parse("bob").unwrap());
        assert_eq!(players.connect(ann, conn(1)), None);
        assert_eq!(players.connect(bob, conn(2)), None);
        assert_eq!(players.connect(ann, conn(3)), Some(conn(1)));
        assert_eq!(players.of_conn(conn(1)), None);
        assert_eq!(players.of_conn(conn(3)), Some(ann));
        assert_eq!(players.disconnect(conn(1)), None);
        assert_eq!(players.disconnect(conn(3)), Some(ann));
        players.remove(bob);
        assert_eq!(players.of_conn(conn(2)), None);
        assert_eq!(players.of_player(&PlayerId::parse("bob").unwrap()), None);
        assert_eq!(players.len(), 1);
    }

    #[test]
    fn a_handle_never_resolves_to_whoever_took_the_slot() {
        let mut players = Players::default();
        let ann = players.insert(PlayerId::parse("ann").unwrap());
        players.connect(ann, conn(1));
        assert!(players.remove(ann).is_some());
        let bob = players.insert(PlayerId::parse("bob").unwrap());
        assert_eq!(ann.slot, bob.slot, "the slot is used again");
        assert!(players.get(ann).is_none() && players.get_mut(ann).is_none());
        assert_eq!(players.connect(ann, conn(2)), None);
        assert_eq!(players.of_conn(conn(2)), None, "nobody is connected by it");
        assert!(players.remove(ann).is_none(), "nor forgotten");
        assert_eq!(players.get(bob).map(|bob| bob.id.as_str()), Some("bob"));
        assert_eq!(PlayerHandle::of_ticket(bob.ticket()), bob);
        assert_ne!(ann.ticket(), bob.ticket());
        let listed: Vec<PlayerHandle> = players.iter().map(|(handle, _)| handle).collect();
        assert_eq!(listed, [bob]);
    }

    fn stored(players: &mut Players, name: &str, kept_in_batch: u64) -> PlayerHandle {
        let handle = players.insert(PlayerId::parse(name).unwrap());
        let player = players.get_mut(handle).unwrap();
        player.location = PlayerLocation::Stored(None);
        player.kept_in_batch = kept_in_batch;
        handle
    }

    #[test]
    fn who_has_left_is_forgotten_once_all_is_durable_unless_back_before() {
        let mut players = Players::default();
        let [ann, bob, cid] = [("ann", 5), ("bob", 5), ("cid", 3)]
            .map(|(name, batch)| stored(&mut players, name, batch));
        for handle in [ann, bob, cid] {
            players.evict(handle, 4);
        }
        assert!(players.get(cid).is_none(), "nothing of cid is on its way");
        players.connect(bob, conn(1));
        players.evict_durable(4);
        assert!(players.get(ann).is_some());
        players.evict_durable(5);
        assert!(players.get(ann).is_none());
        assert!(players.get(bob).is_some(), "bob is back");
    }

    #[test]
    fn wallets_are_shown_as_far_as_they_are_durable() {
        let mut players = Players::default();
        let ann = stored(&mut players, "ann", 0);
        for (batch, credits) in [(5, 50), (6, 60)] {
            let cargo = Vec::new();
            players.note_wallet(ann, batch, Wallet { credits, cargo });
        }
        let mut shown = Vec::new();
        for durable in 4..=8 {
            players.release_wallets(durable, |player| {
                shown.push((durable, player.wallet.durable.credits));
            });
        }
        assert_eq!(shown, [(4, 0), (5, 50), (6, 60)]);
    }
}
