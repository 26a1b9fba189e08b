//! A store that is slow, full or broken as the simulation wants it.
//!
//! Batches wait in a queue, in order; [`Disk::work`] carries some of them out. Reads stand in no order,
//! neither to the batches nor to each other: each comes to an answer at some moment after it was asked,
//! by chance the first or the last, and the answer is told ticks later. A crash drops what waits; what
//! has been carried out stays on the shelf. A real database may stand behind the shelf: it is given the
//! same batches, and must give the same answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use orrery::ids::{Name, PlayerId};
use orrery::limits::REQUEST_DIGESTS_MAX;
use orrery::server::vault::{Answer, Full, OutcomeQuestion, Vault};
use orrery::store::{Batch, LoadedPilot, Purpose, Stock, StoredOutcome};

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
    answer: Option<Answer>,
    /// The tick in which the answer is told.
    due: u64,
}

/// The queue before the shelf, the reads beside it, and the shelf.
pub(crate) struct Disk {
    pub(crate) shelf: Shelf,
    queue: VecDeque<Batch>,
    reads: Vec<Reading>,
    answers: Vec<Answer>,
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
            self.shelf.keep(batch);
            self.durable.store(number, Ordering::Release);
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
    fn read(&mut self, read: &Read) -> Answer {
        match read {
            Read::Load { ticket, player } => Answer::Loaded {
                ticket: *ticket,
                pilot: Box::new(self.load(player)),
            },
            Read::Digests { ticket, player } => {
                let mut digests = self.shelf.request_digests(player);
                let is_complete = digests.len() <= self.request_digests_max;
                digests.truncate(self.request_digests_max);
                Answer::RequestDigests {
                    ticket: *ticket,
                    digests,
                    is_complete,
                }
            }
            Read::Outcome(question) => {
                let (player, id) = (&question.player, question.request_id.as_str());
                let outcome = self.shelf.outcome(player, id);
                if let Some(twin) = &mut self.twin {
                    let kept = twin.outcome(player, id);
                    assert_eq!(kept, outcome, "the store remembers what the shelf does");
                }
                Answer::Outcome {
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
        self.reads.clear();
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
        self.reads.clear();
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

    /// Batches that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }
}

/// The tick's end of a [`Disk`].
pub(crate) struct FaultyVault(pub(crate) Arc<Mutex<Disk>>);

impl FaultyVault {
    fn begin(&self, reads: impl Iterator<Item = Read>) -> Result<(), Full> {
        let mut disk = self.0.lock().expect("one thread");
        let waiting = disk.reads.len();
        if !disk.has_room(waiting) {
            return Err(Full);
        }
        for read in reads {
            disk.begin(read);
        }
        Ok(())
    }
}

impl Vault for FaultyVault {
    fn submit(&mut self, batch: Batch) -> Result<(), Batch> {
        let mut disk = self.0.lock().expect("one thread");
        let waiting = disk.queue.len();
        if !disk.has_room(waiting) {
            return Err(batch);
        }
        disk.queue.push_back(batch);
        Ok(())
    }

    fn load(&mut self, ticket: u64, player: &PlayerId, _: Purpose) -> Result<(), Full> {
        let player = player.clone();
        self.begin([Read::Load { ticket, player }].into_iter())
    }

    fn request_digests(&mut self, ticket: u64, player: &PlayerId) -> Result<(), Full> {
        let player = player.clone();
        self.begin([Read::Digests { ticket, player }].into_iter())
    }

    fn outcomes(&mut self, questions: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>> {
        let reads = questions.iter().cloned().map(Read::Outcome);
        self.begin(reads).map_err(|_| questions)
    }

    fn take_answers(&mut self, answers: &mut Vec<Answer>) {
        answers.append(&mut self.0.lock().expect("one thread").answers);
    }
}
