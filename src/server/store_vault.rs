//! The store as the tick's vault: its writer's answers wait here until the tick takes them.
//!
//! `Durable` goes straight on to the gates, which hold replies for it; everything else is the
//! core's. Answers are bounded by the questions that the store's inbox takes.

use std::mem;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::run::Notices;
use super::vault::{Answer, Full, Vault};
use crate::ids::{Name, PlayerId};
use crate::store::{self, Batch, Claim, Refused, Stock, Store, StoreConfig, StoreError};
use crate::wire::RequestId;

/// A running store, as a vault.
pub struct StoreVault {
    /// Taken when the vault is dropped, which waits for the writer to finish.
    store: Option<Store>,
    answers: Arc<Mutex<Vec<Answer>>>,
    submitted: Arc<Mutex<Option<Instant>>>,
}

/// A store that has been opened, and what it knew of each system's stocks.
pub struct Opened {
    /// The vault.
    pub vault: StoreVault,
    /// The shelves of the systems that this server owns.
    pub stocks: Vec<(Name, Vec<Stock>)>,
    /// Systems that another server owns, with its name.
    pub elsewhere: Vec<(Name, String)>,
}

impl StoreVault {
    /// Opens the store, migrates it if need be, and reads the stocks. Blocks until that is done.
    pub fn open(config: &StoreConfig, notices: Notices) -> Result<Opened, StoreError> {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let submitted = Arc::new(Mutex::new(None));
        let (stocked, stocks) = mpsc::channel();
        let (to, since) = (Arc::clone(&answers), Arc::clone(&submitted));
        let mut has_lost = false;
        let tell = move |answer| {
            let answer = match answer {
                store::Answer::Durable { batch } if has_lost => {
                    has_lost = false;
                    Answer::DurableWithout(batch)
                }
                store::Answer::Durable { batch } => {
                    let begun: Option<Instant> =
                        since.lock().unwrap_or_else(PoisonError::into_inner).take();
                    notices.durable(batch, begun.map_or(0.0, |at| at.elapsed().as_secs_f64()));
                    return;
                }
                store::Answer::Stocks { stocks, .. } => {
                    // Nobody waits any more once all systems have theirs.
                    let _ = stocked.send(stocks);
                    return;
                }
                store::Answer::Claimed(_) => return,
                store::Answer::LeaseLost { system } => {
                    has_lost = true;
                    Answer::LeaseLost(system)
                }
                store::Answer::Loaded { ticket, pilot } => Answer::Loaded {
                    ticket: ticket as u32,
                    pilot: Box::new(pilot),
                },
                store::Answer::Outcome { ticket, outcome } => Answer::Outcome {
                    ticket: ticket as u32,
                    outcome,
                },
                store::Answer::Failed(error) => Answer::Failed(error.to_string()),
            };
            to.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(answer);
        };
        let store = Store::open(config, tell)?;
        let vault = Self {
            store: Some(store),
            answers,
            submitted,
        };
        vault.with_stocks(&stocks)
    }

    fn with_stocks(self, stocks: &Receiver<Vec<Stock>>) -> Result<Opened, StoreError> {
        let mut owned = Vec::new();
        let mut elsewhere = Vec::new();
        let store = self
            .store
            .as_ref()
            .ok_or_else(|| stopped(Refused::Stopped))?;
        for claim in store.claims() {
            match claim {
                Claim::Held { system, .. } => {
                    store.stocks(0, system.clone()).map_err(stopped)?;
                    let known = stocks.recv().map_err(|_| stopped(Refused::Stopped))?;
                    owned.push((system.clone(), known));
                }
                Claim::Elsewhere { system, owner, .. } => {
                    elsewhere.push((system.clone(), owner.clone()));
                }
            }
        }
        Ok(Opened {
            vault: self,
            stocks: owned,
            elsewhere,
        })
    }
}

fn stopped(refused: Refused) -> StoreError {
    StoreError::Unavailable(refused.to_string())
}

impl Vault for StoreVault {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        let mut since = self
            .submitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
        drop(since);
        match &self.store {
            Some(store) => store.submit(batch).map_err(|(_, batch)| batch),
            None => Err(batch),
        }
    }

    fn load(&mut self, ticket: u32, player: &PlayerId) -> Result<(), Full> {
        let store = self.store.as_ref().ok_or(Full)?;
        store
            .load(u64::from(ticket), player.clone())
            .map_err(|_| Full)
    }

    fn outcome(&mut self, ticket: u32, player: &PlayerId, id: &RequestId) -> Result<(), Full> {
        let store = self.store.as_ref().ok_or(Full)?;
        store
            .outcome(u64::from(ticket), player.clone(), id.as_str())
            .map_err(|_| Full)
    }

    fn take_answers(&mut self, answers: &mut Vec<Answer>) {
        let mut waiting = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.append(&mut mem::take(&mut *waiting));
    }
}

impl Drop for StoreVault {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            store.close();
        }
    }
}
