//! A store that is slow, full or broken as the simulation wants it.
//!
//! Whatever the tick hands over waits in a queue, in order; [`Disk::work`] carries some of it out.
//! A crash drops the queue; what has been carried out stays on the shelf. A real database may stand
//! behind the shelf: it is given the same batches, and must give the same answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::ids::{Name, PlayerId};
use orrery::server::vault::{Answer, Full, Vault};
use orrery::store::{Batch, LoadedPilot, Purpose, Stock, StoredOutcome};
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
                    self.shelf.keep(batch);
                    self.durable.store(number, Ordering::Release);
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
                    self.answers.push(Answer::Outcome { ticket, outcome });
                }
            }
        }
    }

    /// What both know of a pilot.
    pub(crate) fn load(&mut self, player: &PlayerId) -> LoadedPilot {
        let known = self.shelf.load(player);
        let Some(twin) = &mut self.twin else {
            return known;
        };
        // The two may list a hold and the digests in different orders.
        let in_order = |mut pilot: LoadedPilot| {
            pilot.request_digests.sort_unstable();
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

    /// Another server writes for this system from now on.
    pub(crate) fn lose(&mut self, system: &str) {
        let system = Name::parse(system).expect("a name");
        self.answers.push(Answer::LeaseLost(system));
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// A new server begins over the same shelf; what was not carried out is lost.
    pub(crate) fn reopen(&mut self) -> Arc<AtomicU64> {
        self.queue.clear();
        self.answers.clear();
        self.is_failed = false;
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
