//! A vault that keeps everything in memory: the model that stores are held against, and what a
//! server runs on in tests of its own logic.
//!
//! Two of them over the same [`Shelf`] are a server before and after a restart.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::vault::{Answer, Full, Vault};
use crate::ids::PlayerId;
use crate::store::{Batch, LoadedPilot, PilotRecord, StoredOutcome, Transaction, request_digest};
use crate::wire::RequestId;

/// What outlives the server.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Every pilot.
    pub pilots: HashMap<PlayerId, PilotRecord>,
    /// Every outcome, by player and request id.
    pub outcomes: HashMap<(PlayerId, String), StoredOutcome>,
    /// Every transaction, in order.
    pub transactions: Vec<Transaction>,
}

impl Shelf {
    /// Keeps a batch.
    pub fn keep(&mut self, batch: Batch) {
        for pilot in batch.checkpoints {
            self.pilots.insert(pilot.player.clone(), pilot);
        }
        for outcome in batch.outcomes {
            let key = (outcome.player.clone(), outcome.request_id.to_string());
            self.outcomes.entry(key).or_insert(outcome);
        }
        self.transactions.extend(batch.transactions);
    }

    /// What a login needs to know.
    pub fn load(&self, player: &PlayerId) -> LoadedPilot {
        let used = self.outcomes.keys().filter(|(owner, _)| owner == player);
        LoadedPilot {
            player: player.clone(),
            record: self.pilots.get(player).cloned(),
            request_digests: used.map(|(_, id)| request_digest(id)).collect(),
            request_digests_complete: true,
        }
    }
}

/// A vault over a shelf whose batches are durable as soon as they are handed over.
#[derive(Debug)]
pub struct MemoryVault {
    shelf: Arc<Mutex<Shelf>>,
    durable: Arc<AtomicU64>,
    answers: VecDeque<Answer>,
}

impl MemoryVault {
    /// A vault that raises `durable` as it goes.
    pub const fn new(shelf: Arc<Mutex<Shelf>>, durable: Arc<AtomicU64>) -> Self {
        Self {
            shelf,
            durable,
            answers: VecDeque::new(),
        }
    }
}

impl Vault for MemoryVault {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        let number = batch.number;
        self.shelf
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep(batch);
        self.durable.fetch_max(number, Ordering::AcqRel);
        Ok(())
    }

    fn load(&mut self, ticket: u32, player: &PlayerId) -> Result<(), Full> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let pilot = Box::new(shelf.load(player));
        self.answers.push_back(Answer::Loaded { ticket, pilot });
        Ok(())
    }

    fn outcome(&mut self, ticket: u32, player: &PlayerId, id: &RequestId) -> Result<(), Full> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (player.clone(), id.as_str().to_owned());
        let outcome = shelf.outcomes.get(&key).cloned();
        self.answers.push_back(Answer::Outcome { ticket, outcome });
        Ok(())
    }

    fn take_answers(&mut self, answers: &mut Vec<Answer>) {
        answers.extend(self.answers.drain(..));
    }
}
