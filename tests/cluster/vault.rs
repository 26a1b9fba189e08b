//! A store that is slow, full or broken as the simulation wants it.
//!
//! Whatever the tick hands over waits in a queue, in order; [`Disk::work`] carries some of it out.
//! A crash drops the queue; what has been carried out stays on the shelf. A real database may stand
//! behind the shelf: it is given the same batches, and must give the same answers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::ids::{Name, PlayerId};
use orrery::server::vault::{Answer, Full, Vault};
use orrery::store::{Batch, Cause, LoadedPilot, Purpose, Stock, StoredOutcome};
use orrery::wire::RequestId;

use super::shelf::Shelf;

/// A real store behind the shelf.
pub(crate) trait Twin: Send {
    /// Keeps the batch, and returns once it is durable.
    fn keep(&mut self, batch: Batch);
    /// What a login needs to know.
    fn load(&mut self, player: &PlayerId) -> LoadedPilot;
    /// What a request was answered.
    fn outcome(&mut self, player: &PlayerId, id: &str) -> Option<StoredOutcome>;
    /// What a system's stations hold.
    fn stocks(&mut self, system: &Name) -> Vec<Stock>;
    /// A new server begins.
    fn reopen(&mut self);
}

enum Asked {
    Keep(Batch),
    Load {
        ticket: u32,
        player: PlayerId,
    },
    Outcome {
        ticket: u32,
        player: PlayerId,
        id: RequestId,
    },
}

/// The queue before the shelf, and the shelf.
pub(crate) struct Disk {
    pub(crate) shelf: Shelf,
    queue: VecDeque<Asked>,
    answers: Vec<Answer>,
    /// How much may wait.
    pub(crate) capacity: usize,
    /// How often something found no room.
    pub(crate) full_count: u64,
    durable: Arc<AtomicU64>,
    is_failed: bool,
    /// Nothing is kept of these from the next batch that holds something of them.
    pub(crate) refused: BTreeSet<PlayerId>,
    quarantined: BTreeSet<PlayerId>,
    /// Players who have as many outcomes kept as can be.
    pub(crate) full: BTreeSet<PlayerId>,
    /// Guests whom batches gave to forget.
    pub(crate) forgotten: Vec<PlayerId>,
    pub(crate) twin: Option<Box<dyn Twin>>,
}

impl Disk {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shelf: Shelf::default(),
            queue: VecDeque::new(),
            answers: Vec::new(),
            capacity,
            full_count: 0,
            durable: Arc::default(),
            is_failed: false,
            refused: BTreeSet::new(),
            quarantined: BTreeSet::new(),
            full: BTreeSet::new(),
            forgotten: Vec::new(),
            twin: None,
        }
    }

    /// Carries out the oldest requests, at most `count`.
    pub(crate) fn work(&mut self, count: usize) {
        for _ in 0..count {
            let Some(asked) = self.queue.pop_front() else {
                return;
            };
            match asked {
                Asked::Keep(batch) => {
                    let number = batch.number;
                    assert!(
                        number > self.durable.load(Ordering::Acquire),
                        "batches rise"
                    );
                    if let Some(twin) = &mut self.twin {
                        twin.keep(batch.clone());
                    }
                    self.forgotten.extend(batch.forgotten.iter().cloned());
                    let (batch, refused) = self.without_refused(batch);
                    self.shelf.keep(batch);
                    if refused.is_empty() {
                        self.durable.store(number, Ordering::Release);
                    } else {
                        let reason = "a test refuses it".to_owned();
                        self.answers.extend(refused.into_iter().map(|player| {
                            Answer::Quarantined {
                                player,
                                reason: reason.clone(),
                            }
                        }));
                        self.answers.push(Answer::DurableWithout(number));
                    }
                }
                Asked::Load { ticket, player } => {
                    let pilot = Box::new(self.load(&player));
                    self.answers.push(Answer::Loaded { ticket, pilot });
                }
                Asked::Outcome { ticket, player, id } => {
                    let outcome = self.shelf.outcome(&player, id.as_str());
                    if let Some(twin) = &mut self.twin {
                        let kept = twin.outcome(&player, id.as_str());
                        assert_eq!(kept, outcome, "the store remembers what the shelf does");
                    }
                    let is_full = outcome.is_none() && self.full.contains(&player);
                    self.answers.push(if is_full {
                        Answer::OutcomesFull { ticket }
                    } else {
                        Answer::Outcome { ticket, outcome }
                    });
                }
            }
        }
    }

    /// The store has found guests whom nobody has seen for long.
    pub(crate) fn name_guests(&mut self, guests: Vec<PlayerId>) {
        self.answers.push(Answer::StaleGuests(guests));
    }

    /// The batch as the store keeps it, and whom it refuses for the first time: of a quarantined
    /// pilot's trade the station's part alone.
    fn without_refused(&mut self, mut batch: Batch) -> (Batch, Vec<PlayerId>) {
        let transactions = batch.transactions.iter();
        let traders = transactions.filter_map(|transaction| transaction.player.clone());
        let asked = batch.outcomes.iter().map(|outcome| outcome.player.clone());
        let flown = batch.checkpoints.iter().map(|pilot| pilot.player.clone());
        let present: BTreeSet<PlayerId> = traders.chain(asked).chain(flown).collect();
        let refused = present.intersection(&self.refused);
        let refused: Vec<PlayerId> = refused.cloned().collect();
        for player in &refused {
            self.refused.remove(player);
            self.quarantined.insert(player.clone());
        }
        let quarantined = &self.quarantined;
        batch
            .outcomes
            .retain(|outcome| !quarantined.contains(&outcome.player));
        batch
            .checkpoints
            .retain(|pilot| !quarantined.contains(&pilot.player));
        batch.transactions = batch
            .transactions
            .into_iter()
            .filter_map(|mut transaction| {
                let player = transaction.player.as_ref();
                if player.is_some_and(|player| quarantined.contains(player)) {
                    transaction.cause = match transaction.cause {
                        Cause::Buy => Cause::QuarantinedBuy,
                        Cause::Sell => Cause::QuarantinedSell,
                        _ => return None,
                    };
                    (transaction.player, transaction.request_id) = (None, None);
                }
                Some(transaction)
            })
            .collect();
        (batch, refused)
    }

    /// What both know of a pilot.
    pub(crate) fn load(&mut self, player: &PlayerId) -> LoadedPilot {
        let known = self.shelf.load(player);
        let Some(twin) = &mut self.twin else {
            return known;
        };
        // The two may list a hold in different orders.
        let in_order = |mut pilot: LoadedPilot| {
            if let Some(record) = &mut pilot.record {
                record.cargo.sort_by(|a, b| a.commodity.cmp(&b.commodity));
            }
            pilot
        };
        let kept = twin.load(player);
        assert_eq!(
            in_order(kept.clone()),
            in_order(known),
            "the store keeps what the shelf does"
        );
        kept
    }

    /// Nothing becomes durable any more.
    pub(crate) fn fail(&mut self) {
        self.is_failed = true;
        self.queue.clear();
        self.answers.clear();
        self.answers
            .push(Answer::Failed("no space left on device".to_owned()));
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// A new server begins over the same shelf; what was not carried out is lost.
    pub(crate) fn reopen(&mut self) -> Arc<AtomicU64> {
        self.queue.clear();
        self.answers.clear();
        self.is_failed = false;
        self.quarantined.clear();
        if let Some(twin) = &mut self.twin {
            twin.reopen();
        }
        self.durable = Arc::default();
        Arc::clone(&self.durable)
    }

    /// The newest batch that is durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn take(&mut self, asked: Asked) -> Result<(), Asked> {
        if self.is_failed {
            return Err(asked);
        }
        if self.queue.len() >= self.capacity {
            self.full_count += 1;
            return Err(asked);
        }
        self.queue.push_back(asked);
        Ok(())
    }
}

/// The tick's end of a [`Disk`].
pub(crate) struct FaultyVault(pub(crate) Arc<Mutex<Disk>>);

impl FaultyVault {
    fn ask(&self, asked: Asked) -> Result<(), Asked> {
        self.0.lock().expect("one thread").take(asked)
    }
}

impl Vault for FaultyVault {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        match self.ask(Asked::Keep(batch)) {
            Err(Asked::Keep(batch)) => Err(batch),
            _ => Ok(()),
        }
    }

    fn load(&mut self, ticket: u32, player: &PlayerId, _: Purpose) -> Result<(), Full> {
        let player = player.clone();
        self.ask(Asked::Load { ticket, player }).map_err(|_| Full)
    }

    fn outcome(&mut self, ticket: u32, player: &PlayerId, id: &RequestId) -> Result<(), Full> {
        let (player, id) = (player.clone(), id.clone());
        self.ask(Asked::Outcome { ticket, player, id })
            .map_err(|_| Full)
    }

    fn take_answers(&mut self, answers: &mut Vec<Answer>) {
        answers.append(&mut self.0.lock().expect("one thread").answers);
    }
}
