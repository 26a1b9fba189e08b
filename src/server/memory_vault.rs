//! A vault that keeps everything in memory: the model that stores are held against, and what a
//! server runs on in tests of its own logic.
//!
//! Two of them over the same [`Shelf`] are a server before and after a restart.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::requests::digest;
use super::vault::{Answer, Full, Vault};
use crate::ids::PlayerId;
use crate::store::{Batch, LoadedPilot, PilotRecord, StoredOutcome, Transaction};
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

/// A vault over a shelf. Batches wait until [`MemoryVault::flush`] or, where it is prompt, become
/// durable at once.
#[derive(Debug)]
pub struct MemoryVault {
    shelf: Arc<Mutex<Shelf>>,
    durable: Arc<AtomicU64>,
    waiting: VecDeque<Batch>,
    answers: Vec<Answer>,
    is_prompt: bool,
}

impl MemoryVault {
    /// A vault whose batches are durable at once.
    pub fn prompt(shelf: Arc<Mutex<Shelf>>, durable: Arc<AtomicU64>) -> Self {
        Self { shelf, durable, waiting: VecDeque::new(), answers: Vec::new(), is_prompt: true }
    }

    /// Makes all waiting batches durable.
    pub fn flush(&mut self) {
        while let Some(batch) = self.waiting.pop_front() {
            let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            for pilot in batch.pilots {
                shelf.pilots.insert(pilot.player.clone(), pilot);
            }
            for outcome in batch.outcomes {
                let key = (outcome.player.clone(), outcome.request_id.clone());
                shelf.outcomes.entry(key).or_insert(outcome);
            }
            shelf.transactions.extend(batch.transactions);
            drop(shelf);
            self.durable.fetch_max(batch.number, Ordering::AcqRel);
        }
    }
}

impl Vault for MemoryVault {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        self.waiting.push_back(batch);
        if self.is_prompt {
            self.flush();
        }
        Ok(())
    }

    fn load(&mut self, ticket: u32, player: &PlayerId) -> Result<(), Full> {
        self.flush();
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let pilot = shelf.pilots.get(player).cloned().map(|pilot| {
            let used = shelf.outcomes.keys().filter(|(owner, _)| owner == player);
            let request_digests = used.map(|(_, id)| digest(id)).collect();
            Box::new(LoadedPilot { pilot, request_digests, digests_are_complete: true })
        });
        self.answers.push(Answer::Loaded { ticket, pilot });
        Ok(())
    }

    fn outcome(&mut self, ticket: u32, player: &PlayerId, id: &RequestId) -> Result<(), Full> {
        self.flush();
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = shelf.outcomes.get(&(player.clone(), id.as_str().to_owned())).cloned();
        self.answers.push(Answer::Outcome { ticket, outcome });
        Ok(())
    }

    fn take_answers(&mut self, answers: &mut Vec<Answer>) {
        answers.append(&mut self.answers);
    }
}
