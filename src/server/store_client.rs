//! The store as the node sees it: the store's answers wait here until the tick takes them.
//!
//! `Durable` goes straight on to the gateways, which hold replies for it; everything else is the
//! node's. Answers are bounded by the questions that the store's inboxes take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;

use super::run::DurabilityNotifier;
use crate::ids::{Name, PlayerId};
use crate::limits::STORE_CLOSE_MS_MAX;
use crate::node::durable_store::{DurableStore, StoreEvent, StoreFull};
use crate::store::{
    self, Batch, Claim, OutcomeQuestion, Purpose, Refused, Stock, Store, StoreConfig, StoreError,
};

/// A running store behind the port that the node uses.
pub struct StoreClient {
    /// Taken when the store is dropped, which waits for the writer to finish.
    store: Option<Store>,
    answers: Receiver<StoreEvent>,
    oldest: OldestBatch,
    submit_seconds: Histogram,
}

/// When the oldest batch that is not durable was handed over. The tick thread shares no lock with
/// the writer, which may be suspended at any moment.
#[derive(Clone)]
struct OldestBatch {
    start: Instant,
    /// Nanoseconds after `start`, at least 1; 0: all is durable.
    at_ns: Arc<AtomicU64>,
}

impl OldestBatch {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            at_ns: Arc::default(),
        }
    }

    fn now_ns(&self) -> u64 {
        (self.start.elapsed().as_nanos() as u64).max(1)
    }

    fn note(&self) {
        let now = self.now_ns();
        // Nothing to do if an older one is noted.
        let _ = self
            .at_ns
            .compare_exchange(0, now, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Its age in seconds; from here on nothing waits.
    fn take(&self) -> f64 {
        match self.at_ns.swap(0, Ordering::AcqRel) {
            0 => 0.0,
            at => self.now_ns().saturating_sub(at) as f64 / 1e9,
        }
    }
}

/// A store that has been opened, and what it knew of each system's stocks.
pub struct OpenedStore {
    /// Store behind the port that the node uses.
    pub store: StoreClient,
    /// The shelves of the systems that this server owns.
    pub stocks: Vec<(Name, Vec<Stock>)>,
    /// Systems that another server owns, with its name.
    pub elsewhere: Vec<(Name, String)>,
}

impl StoreClient {
    /// Opens the store, migrates it if need be, and reads the stocks. Blocks until that is done.
    pub fn open(
        config: &StoreConfig,
        notices: DurabilityNotifier,
    ) -> Result<OpenedStore, StoreError> {
        let (to, answers) = mpsc::channel();
        let oldest = OldestBatch::new();
        let (stocked, stocks) = mpsc::channel();
        let handed_over = oldest.clone();
        let submit_seconds = notices.submit_seconds();
        let mut has_lost = false;
        let tell = move |answer| {
            let event = match answer {
                store::Answer::Durable { batch } if !has_lost => {
                    notices.durable(batch, handed_over.take());
                    None
                }
                store::Answer::Stocks { stocks, .. } => {
                    // Nobody waits any more once all systems have theirs.
                    let _ = stocked.send(stocks);
                    None
                }
                answer => event_of(answer),
            };
            match event {
                Some(StoreEvent::Quarantined { .. } | StoreEvent::LeaseLost(_)) => has_lost = true,
                Some(StoreEvent::DurableWithout(_)) => has_lost = false,
                _ => {}
            }
            if let Some(event) = event {
                // A node that is gone has nobody to tell.
                let _ = to.send(event);
            }
        };
        let store = Store::open(config, tell)?;
        let store = Self {
            store: Some(store),
            answers,
            oldest,
            submit_seconds,
        };
        store.with_stocks(&stocks)
    }

    fn with_stocks(self, stocks: &Receiver<Vec<Stock>>) -> Result<OpenedStore, StoreError> {
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
                    let known = stocks.recv().map_err(|_| self.failure())?;
                    owned.push((system.clone(), known));
                }
                Claim::Elsewhere { system, owner, .. } => {
                    elsewhere.push((system.clone(), owner.clone()));
                }
            }
        }
        Ok(OpenedStore {
            store: self,
            stocks: owned,
            elsewhere,
        })
    }

    /// Why the writer has ended.
    fn failure(&self) -> StoreError {
        let failed = self.answers.iter().find_map(|answer| match answer {
            StoreEvent::Failed(why) => Some(StoreError::Unavailable(why)),
            _ => None,
        });
        failed.unwrap_or_else(|| stopped(Refused::Stopped))
    }
}

/// The node's event for an answer; none for answers that only opening the store waits for. A durable
/// batch becomes [`StoreEvent::DurableWithout`]: one of which nothing was lost is told to the gateways
/// at once and does not come here.
fn event_of(answer: store::Answer) -> Option<StoreEvent> {
    Some(match answer {
        store::Answer::Durable { batch } => StoreEvent::DurableWithout(batch),
        store::Answer::Stocks { .. } | store::Answer::Claimed(_) => return None,
        store::Answer::RequestDigests {
            ticket,
            digests,
            is_complete,
        } => StoreEvent::RequestDigests {
            ticket,
            digests,
            is_complete,
        },
        store::Answer::Quarantined { player, reason } => StoreEvent::Quarantined { player, reason },
        store::Answer::StaleGuests { players } => StoreEvent::StaleGuests(players),
        store::Answer::OutcomesFull { ticket } => StoreEvent::OutcomesFull { ticket },
        store::Answer::LeaseLost { system } => StoreEvent::LeaseLost(system),
        store::Answer::Loaded { ticket, pilot } => StoreEvent::Loaded {
            ticket,
            pilot: Box::new(pilot),
        },
        store::Answer::Outcome { ticket, outcome } => StoreEvent::Outcome { ticket, outcome },
        store::Answer::Failed(error) => StoreEvent::Failed(error.to_string()),
    })
}

fn stopped(refused: Refused) -> StoreError {
    StoreError::Unavailable(refused.to_string())
}

impl DurableStore for StoreClient {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        let begun = Instant::now();
        self.oldest.note();
        let taken = match &self.store {
            Some(store) => store.submit(batch).map_err(|(_, batch)| batch),
            None => Err(batch),
        };
        self.submit_seconds.observe(begun.elapsed().as_secs_f64());
        taken
    }

    fn load(&mut self, ticket: u64, player: &PlayerId, purpose: Purpose) -> Result<(), StoreFull> {
        let store = self.store.as_ref().ok_or(StoreFull)?;
        store
            .load(ticket, player.clone(), purpose)
            .map_err(|_| StoreFull)
    }

    fn request_digests(&mut self, ticket: u64, player: &PlayerId) -> Result<(), StoreFull> {
        let store = self.store.as_ref().ok_or(StoreFull)?;
        store
            .request_digests(ticket, player.clone())
            .map_err(|_| StoreFull)
    }

    fn outcomes(&mut self, questions: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>> {
        let taken = self
            .store
            .as_ref()
            .map(|store| store.outcomes(questions.clone()));
        match taken {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(questions),
        }
    }

    fn take_events(&mut self, events: &mut Vec<StoreEvent>) {
        events.extend(self.answers.try_iter());
    }
}

impl Drop for StoreClient {
    fn drop(&mut self) {
        let patience = Duration::from_millis(STORE_CLOSE_MS_MAX);
        let ended = self
            .store
            .take()
            .is_none_or(|store| store.close_within(patience));
        if !ended {
            tracing::warn!(
                "the store did not close within {STORE_CLOSE_MS_MAX} ms and is left; what was \
                 told is on disk"
            );
        }
    }
}
