//! A store that is slow, full or broken as the simulation wants it.
//!
//! Batches wait in a queue, in order; [`Disk::work`] carries some of them out. Reads stand in no order,
//! neither to the batches nor to each other: each comes to an answer at some moment after it was asked,
//! by chance the first or the last, and the answer is told ticks later. A crash drops what waits; what
//! has been carried out stays on the shelf. A real database may stand behind the shelf: it is given the
//! same batches, and must give the same answers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::ids::{Name, PlayerId};
use orrery::limits::REQUEST_DIGESTS_MAX;
use orrery::node::durable_store::{DurableStore, StoreEvent, StoreFull};
use orrery::store::{Batch, Cause, LoadedPilot, OutcomeQuestion, Purpose, Stock, StoredOutcome};

use super::dice::Dice;
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

enum Read {
    Load { ticket: u64, player: PlayerId },
    Digests { ticket: u64, player: PlayerId },
    Outcome(OutcomeQuestion),
}

/// A read under way.
struct Reading {
    read: Read,
    /// Where it has come to an answer already.
    answer: Option<StoreEvent>,
    /// The tick in which the answer is told.
    due: u64,
}

/// The queue before the shelf, the reads beside it, and the shelf.
pub(crate) struct Disk {
    pub(crate) shelf: Shelf,
    queue: VecDeque<Batch>,
    reads: Vec<Reading>,
    answers: Vec<StoreEvent>,
    dice: Dice,
    tick: u64,
    /// Ticks that a read may take.
    pub(crate) read_ticks_max: u64,
    /// Used ids that are told of at most.
    pub(crate) request_digests_max: usize,
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
    pub(crate) fn new(capacity: usize, seed: u64) -> Self {
        Self {
            shelf: Shelf::default(),
            queue: VecDeque::new(),
            reads: Vec::new(),
            answers: Vec::new(),
            dice: Dice::new(seed),
            tick: 0,
            read_ticks_max: 0,
            request_digests_max: REQUEST_DIGESTS_MAX,
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

    /// Carries out the oldest batches, at most `count`.
    pub(crate) fn work(&mut self, count: usize) {
        for _ in 0..count {
            let Some(batch) = self.queue.pop_front() else {
                return;
            };
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
                continue;
            }
            let reason = "a test refuses it";
            self.answers
                .extend(refused.into_iter().map(|player| StoreEvent::Quarantined {
                    player,
                    reason: reason.to_owned(),
                }));
            self.answers.push(StoreEvent::DurableWithout(number));
        }
    }

    /// Tells the answers that are due in a tick.
    pub(crate) fn tell(&mut self, tick: u64) {
        self.tick = tick;
        let reads = std::mem::take(&mut self.reads);
        for reading in reads {
            if reading.due > tick {
                self.reads.push(reading);
                continue;
            }
            let answer = match reading.answer {
                Some(answer) => answer,
                None => self.read(&reading.read),
            };
            self.answers.push(answer);
        }
    }

    /// What is kept at this moment.
    fn read(&mut self, read: &Read) -> StoreEvent {
        match read {
            Read::Load { ticket, player } => StoreEvent::Loaded {
                ticket: *ticket,
                pilot: Box::new(self.load(player)),
            },
            Read::Digests { ticket, player } => {
                let mut digests = self.shelf.request_digests(player);
                let is_complete = digests.len() <= self.request_digests_max;
                digests.truncate(self.request_digests_max);
                StoreEvent::RequestDigests {
                    ticket: *ticket,
                    digests,
                    is_complete,
                }
            }
            Read::Outcome(question) => {
                let (player, id) = (&question.player, &*question.request_id);
                let outcome = self.shelf.outcome(player, id);
                if let Some(twin) = &mut self.twin {
                    let kept = twin.outcome(player, id);
                    assert_eq!(kept, outcome, "the store remembers what the shelf does");
                }
                if outcome.is_none() && self.full.contains(player) {
                    return StoreEvent::OutcomesFull {
                        ticket: question.ticket,
                    };
                }
                StoreEvent::Outcome {
                    ticket: question.ticket,
                    outcome,
                }
            }
        }
    }

    fn begin(&mut self, read: Read) {
        let due = self.tick + self.dice.below(self.read_ticks_max + 1);
        let is_read_now = self.dice.permille(500);
        let answer = is_read_now.then(|| self.read(&read));
        self.reads.push(Reading { read, answer, due });
    }

    fn has_room(&mut self, waiting: usize) -> bool {
        let has_room = !self.is_failed && waiting < self.capacity;
        self.full_count += u64::from(!self.is_failed && !has_room);
        has_room
    }

    /// The store has found guests whom nobody has seen for long.
    pub(crate) fn name_guests(&mut self, guests: Vec<PlayerId>) {
        self.answers.push(StoreEvent::StaleGuests(guests));
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
        self.reads.clear();
        self.answers.clear();
        self.answers
            .push(StoreEvent::Failed("no space left on device".to_owned()));
    }

    /// Another server writes for this system from now on.
    pub(crate) fn lose(&mut self, system: &str) {
        let system = Name::parse(system).expect("a name");
        self.answers.push(StoreEvent::LeaseLost(system));
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.is_failed
    }

    /// A new server begins over the same shelf; what was not carried out is lost.
    pub(crate) fn reopen(&mut self) -> Arc<AtomicU64> {
        self.queue.clear();
        self.reads.clear();
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

    /// Batches that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }
}

/// The tick's end of a [`Disk`].
pub(crate) struct FaultyStore(pub(crate) Arc<Mutex<Disk>>);

impl FaultyStore {
    fn begin(&self, reads: impl Iterator<Item = Read>) -> Result<(), StoreFull> {
        let mut disk = self.0.lock().expect("one thread");
        let waiting = disk.reads.len();
        if !disk.has_room(waiting) {
            return Err(StoreFull);
        }
        for read in reads {
            disk.begin(read);
        }
        Ok(())
    }
}

impl DurableStore for FaultyStore {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        let mut disk = self.0.lock().expect("one thread");
        let waiting = disk.queue.len();
        if !disk.has_room(waiting) {
            return Err(batch);
        }
        disk.queue.push_back(batch);
        Ok(())
    }

    fn load(&mut self, ticket: u64, player: &PlayerId, _: Purpose) -> Result<(), StoreFull> {
        let player = player.clone();
        self.begin([Read::Load { ticket, player }].into_iter())
    }

    fn request_digests(&mut self, ticket: u64, player: &PlayerId) -> Result<(), StoreFull> {
        let player = player.clone();
        self.begin([Read::Digests { ticket, player }].into_iter())
    }

    fn outcomes(&mut self, questions: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>> {
        let reads = questions.iter().cloned().map(Read::Outcome);
        self.begin(reads).map_err(|_| questions)
    }

    fn take_events(&mut self, events: &mut Vec<StoreEvent>) {
        events.append(&mut self.0.lock().expect("one thread").answers);
    }
}
