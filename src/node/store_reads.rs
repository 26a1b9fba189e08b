//! What the store is asked: pilots, the request ids that a player has used, outcomes of requests.
//!
//! Reads are not ordered behind batches, so each is asked only when everything that its answer must
//! contain is durable. A pilot's and a player's ids may be asked for at once, since whoever has
//! something on its way to the store still has an entry in the players; an outcome is asked for when the
//! batch is durable that may hold it. What the store has no room for waits for the next tick.

use std::collections::HashMap;

use super::Node;
use super::command_queue::StoreWord;
use super::players::PlayerHandle;
use crate::limits::LOOKUPS_MAX;
use crate::store::Purpose;

/// Questions to the store: those to be asked, and those on their way.
#[derive(Debug, Default)]
pub(super) struct StoreReads {
    /// Players whose pilot is to be asked for; at most one entry a player.
    pub(super) loads: Vec<PlayerHandle>,
    /// Players whose used ids are to be asked for; at most one entry a player.
    pub(super) digests: Vec<PlayerHandle>,
    /// Who looks up the id of the question with a ticket; at most [`LOOKUPS_MAX`].
    asked: HashMap<u64, PlayerHandle>,
    newest_ticket: u64,
    /// No pilot and no used ids are asked for before this batch is durable.
    after_batch: u64,
}

impl StoreReads {
    /// Nothing that a player asked is waited for any more: the store may never answer it.
    pub(super) fn forget(&mut self, player: PlayerHandle) {
        self.asked.retain(|_, asking| *asking != player);
    }
}

impl Node {
    /// Players without an entry have something on its way to the store: no pilot and no used ids are
    /// asked for before it is durable.
    pub(super) const fn ask_after_this_batch(&mut self) {
        self.reads.after_batch = self.batch.number();
    }

    /// Asks the store what could not be judged here.
    pub(super) fn send_reads(&mut self) {
        // Read once: whatever is asked below is asked after it.
        let durable = self.newest_durable();
        // A batch that is empty is not handed over, and holds nothing to wait for.
        if durable >= self.reads.after_batch.min(self.batch.covering_number()) {
            self.send_loads();
            self.send_digests();
        }
        self.send_lookups(durable);
    }

    fn send_loads(&mut self) {
        let Self {
            reads,
            players,
            store,
            ..
        } = self;
        reads.loads.retain(|&handle| {
            players.get(handle).is_some_and(|player| {
                let purpose = match player.first_join {
                    Some(_) => Purpose::FirstJoin,
                    None => Purpose::Login,
                };
                store.load(handle.ticket(), &player.id, purpose).is_err()
            })
        });
    }

    fn send_digests(&mut self) {
        let Self {
            reads,
            players,
            store,
            ..
        } = self;
        reads.digests.retain(|&handle| {
            players
                .get(handle)
                .is_some_and(|player| store.request_digests(handle.ticket(), &player.id).is_err())
        });
    }

    /// All look-ups of a tick at once.
    fn send_lookups(&mut self, durable: u64) {
        let Self {
            reads,
            players,
            orders,
            ..
        } = self;
        let queued = orders.queued();
        let mut questions = Vec::new();
        // Another one is the first each time: none waits for ever where the room does not do for all.
        let first = self.tick as usize % queued.len().max(1);
        let (later, sooner) = queued.split_at(first);
        for &handle in sooner.iter().chain(later) {
            let Some(player) = players.get_mut(handle) else {
                continue;
            };
            let begun = questions.len();
            let room = LOOKUPS_MAX.saturating_sub(reads.asked.len());
            let requests = &player.requests;
            let tickets = (&mut reads.newest_ticket, room);
            player
                .queue
                .ask(requests, durable, &player.id, tickets, &mut questions);
            for question in questions.iter().skip(begun) {
                reads.asked.insert(question.ticket, handle);
            }
        }
        if questions.is_empty() {
            return;
        }
        if let Err(untaken) = self.store.outcomes(questions) {
            for question in untaken {
                let asked = self.reads.asked.remove(&question.ticket);
                if let Some(player) = asked.and_then(|handle| self.players.get_mut(handle)) {
                    player.queue.take_back(question.ticket);
                }
            }
        }
    }

    /// The store's word on the ids that a player has used.
    pub(super) fn take_digests(&mut self, ticket: u64, digests: &[u64], is_complete: bool) {
        if let Some(player) = self.players.get_mut(PlayerHandle::of_ticket(ticket)) {
            player.requests.load(digests, is_complete);
        }
    }

    /// The store's word on one id.
    pub(super) fn take_word(&mut self, ticket: u64, word: &StoreWord) {
        let asked = self.reads.asked.remove(&ticket);
        if let Some(player) = asked.and_then(|handle| self.players.get_mut(handle)) {
            player.queue.answer(ticket, word);
        }
    }
}
