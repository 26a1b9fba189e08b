//! The tick thread's state: every world, every player, and the order in which a tick happens.
//!
//! Sans-IO: commands come in through a mailbox, letters and frames go out through lanes, the store
//! is a [`Vault`], and time is an argument. The server runs one core on a thread of its own; tests
//! run it on a virtual clock, with gates beside it on the same thread.
//!
//! [`Core::tick`] is the table of contents. Nothing changes a world but what it calls.

mod boarding;
mod departed;
mod desk;
mod figures;
mod jump;
mod leaving;
mod ordering;
mod pending;
mod purse;
mod quarantine;
mod queue;
mod reads;
mod recording;
mod settling;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::book::Book;
use super::chart::chart;
use super::governor::{Governor, Turn};
use super::lane::{GateLane, Letter, ToCore, ToGate};
use super::mailbox::Mailbox;
use super::metrics::{Metrics, SystemLabel};
use super::roster::{PlayerHandle, Roster};
use super::vault::{Answer, Vault};

use crate::ids::{ConnId, SystemIndex, UnixMillis};
use crate::limits::{CELL_ROWS_PER_VIEW_RADIUS, ENTITIES_MAX, PLAYERS_MAX, SNAPSHOT_PERIOD_TICKS};
use crate::recorder::{Recorder, TapedWorld};
use crate::replication::{Publisher, Stage, Viewer};
use crate::sim::World;
use crate::universe::Universe;
use crate::wire::{Chart, CloseCode, ErrorCode, Reply};
use desk::OpenOrder;
use jump::Arrival;
use pending::PendingCommands;
pub(in crate::server) use pending::{ORDER_BYTES, STEERING_BYTES};
pub(in crate::server) use purse::Purses;
pub(in crate::server) use queue::PlayerQueue;
use queue::Word;
use reads::Reads;

/// What a core is made of.
pub struct CoreParts {
    /// Universe that the server simulates.
    pub universe: Arc<Universe>,
    /// One world a system, in the universe's order.
    pub worlds: Vec<World>,
    /// Systems that another server on the same database runs.
    pub elsewhere: Vec<SystemIndex>,
    /// Where the flight is recorded, if it is.
    pub recorder: Option<Recorder>,
    /// Where the gates put what clients want.
    pub inbox: Arc<Mailbox<ToCore>>,
    /// The way to each gate, by shard.
    pub lanes: Vec<Arc<GateLane>>,
    /// Where records are kept.
    pub vault: Box<dyn Vault>,
    /// Newest batch that is durable.
    pub durable: Arc<AtomicU64>,
    /// How far a client sees, u.
    pub view_radius: f32,
    /// Parts that encoding is cut into: the number of workers.
    pub stretches: usize,
    /// Figures for operators.
    pub metrics: Metrics,
    /// Measures the work of a tick, for the governor.
    pub stopwatch: Stopwatch,
}

/// Nanoseconds since any fixed moment; never goes back.
pub type Stopwatch = Box<dyn Fn() -> u64 + Send>;

/// One system and everybody who watches it.
struct Theatre {
    world: TapedWorld,
    publisher: Publisher,
    /// In the order of their connections, and so of their shards.
    viewers: Vec<Viewer>,
    pending: PendingCommands,
    /// Places kept free for pilots who are on their way here.
    arriving_count: usize,
    label: SystemLabel,
    chart: Option<Arc<Chart>>,
    /// Whether this server, and no other on the same database, runs the system.
    is_owned: bool,
    /// What this beat is for it.
    turn: Turn,
    /// What this beat's step and frame took.
    cost_ns: u64,
}

impl Theatre {
    /// Whether one more pilot may come, those on their way reckoned in.
    fn has_room(&self) -> bool {
        self.world.pilots_count() + self.arriving_count < self.world.system().pilots_max as usize
            && self.world.entities().len() < ENTITIES_MAX
    }

    /// Where the viewer of a connection stands, or would.
    fn place_of(&self, conn: ConnId) -> Result<usize, usize> {
        let viewers = &self.viewers;
        viewers.binary_search_by_key(&conn, |viewer| viewer.conn)
    }

    fn is_shown_to(&self, conn: ConnId) -> bool {
        self.place_of(conn).is_ok()
    }

    fn viewer_mut(&mut self, conn: ConnId) -> Option<&mut Viewer> {
        let place = self.place_of(conn).ok()?;
        self.viewers.get_mut(place)
    }

    fn add_viewer(&mut self, viewer: Viewer) {
        match self.place_of(viewer.conn) {
            Ok(place) => self.viewers[place] = viewer,
            Err(place) => self.viewers.insert(place, viewer),
        }
    }

    fn remove_viewer(&mut self, conn: ConnId) {
        if let Ok(place) = self.place_of(conn) {
            self.viewers.remove(place);
        }
    }
}

/// Every world and every player; see the module's page.
pub struct Core {
    universe: Arc<Universe>,
    theatres: Vec<Theatre>,
    recorder: Option<Recorder>,
    roster: Roster,
    inbox: Arc<Mailbox<ToCore>>,
    taken: Vec<ToCore>,
    lanes: Vec<Arc<GateLane>>,
    vault: Box<dyn Vault>,
    answers: Vec<Answer>,
    durable: Arc<AtomicU64>,
    book: Book,
    orders: slab::Slab<OpenOrder>,
    /// Jumps under way, the next to end first.
    arrivals: VecDeque<Arrival>,
    reads: Reads,
    /// Players in whose queues something waits.
    queued: Vec<PlayerHandle>,
    /// Those of the tick before, emptied.
    queued_before: Vec<PlayerHandle>,
    /// Players who have left while something of them was not durable.
    departed: Vec<PlayerHandle>,
    /// Players whose money changed in a batch that is not durable yet.
    unsettled: Vec<PlayerHandle>,
    /// Players that it has to do with at most.
    players_max: usize,
    view_radius: f32,
    metrics: Metrics,
    stopwatch: Stopwatch,
    governor: Governor,
    costs_ns: Vec<u64>,
    /// Beats that passed since the last tick, this one included.
    beats: u64,
    tick: u64,
    /// The time of the newest tick.
    unix: UnixMillis,
    failure: Option<String>,
}

impl Core {
    /// A core whose worlds have not stepped yet.
    pub fn new(parts: CoreParts) -> Self {
        let cell_height = parts.view_radius / CELL_ROWS_PER_VIEW_RADIUS;
        let system_count = parts.worlds.len();
        let worlds = parts.worlds.into_iter();
        let worlds = worlds.map(|world| TapedWorld::new(world.with_cell_height(cell_height)));
        let mut worlds: Vec<TapedWorld> = worlds.collect();
        let mut recorder = parts.recorder;
        if let Some(recorder) = &mut recorder {
            recorder.open(&mut worlds);
        }
        parts.metrics.recording.set(i64::from(recorder.is_some()));
        let theatres = worlds.into_iter().map(|world| Theatre {
            chart: chart(&parts.universe, world.system_index()).map(Arc::new),
            turn: Turn::Rest,
            cost_ns: 0,
            is_owned: !parts.elsewhere.contains(&world.system_index()),
            label: SystemLabel {
                system: world.system().id.to_string(),
            },
            world,
            publisher: Publisher::new(parts.view_radius, parts.stretches),
            viewers: Vec::new(),
            pending: PendingCommands::default(),
            arriving_count: 0,
        });
        Self {
            theatres: theatres.collect(),
            universe: parts.universe,
            recorder,
            roster: Roster::default(),
            inbox: parts.inbox,
            taken: Vec::new(),
            lanes: parts.lanes,
            vault: parts.vault,
            answers: Vec::new(),
            book: Book::new(parts.durable.load(Ordering::Acquire)),
            durable: parts.durable,
            orders: slab::Slab::new(),
            arrivals: VecDeque::new(),
            reads: Reads::default(),
            queued: Vec::new(),
            queued_before: Vec::new(),
            departed: Vec::new(),
            unsettled: Vec::new(),
            players_max: PLAYERS_MAX,
            view_radius: parts.view_radius,
            metrics: parts.metrics,
            stopwatch: parts.stopwatch,
            governor: Governor::new(system_count),
            costs_ns: Vec::new(),
            beats: 1,
            tick: 0,
            unix: UnixMillis(0),
            failure: None,
        }
    }

    /// One thirtieth of a second of everything. After a failure of the store it does nothing any
    /// more: see [`Self::failure`].
    pub fn tick(&mut self, unix: UnixMillis) {
        if self.failure.is_some() {
            return;
        }
        self.tick += 1;
        self.unix = unix;
        self.take_answers();
        if self.failure.is_some() {
            return;
        }
        self.take_commands();
        self.advance_queues();
        // Before the step: it sorts the rows by cell, and what is published must find them so.
        self.take_in_arrivals();
        self.take_in_lingering();
        self.step();
        self.settle();
        self.checkpoint();
        self.submit(unix);
        self.publish(unix);
        self.record();
    }

    /// Beats have passed without a tick, since the one before took too long.
    pub fn miss(&mut self, beats: u64) {
        self.beats += beats;
    }

    /// The client of a connection, as the newest frame shows it to it; none while it is in no system.
    pub fn viewer(&self, conn: ConnId) -> Option<&Viewer> {
        let mut places = self.theatres.iter();
        places.find_map(|theatre| theatre.viewers.get(theatre.place_of(conn).ok()?))
    }

    /// Why this server cannot go on, if so: nobody was told of anything that is not durable.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Takes every ship in and hands the last batch to the store, for a server that goes down.
    /// Returns the number of the batch that must become durable; until it is, call again, since
    /// the store may have had no room.
    pub fn drain(&mut self, unix: UnixMillis) -> u64 {
        for index in 0..self.theatres.len() {
            if self.theatres[index].is_owned {
                self.book_pending(SystemIndex(index as u16));
            }
        }
        self.take_everybody_in();
        self.record();
        self.submit(unix);
        self.book.covers()
    }

    /// The world of a system, to look at.
    pub fn world(&self, system: SystemIndex) -> Option<&World> {
        self.theatres
            .get(system.0 as usize)
            .map(|theatre| &*theatre.world)
    }

    /// How many steerings and how many orders wait for a system's next step.
    pub fn pending_commands(&self, system: SystemIndex) -> (usize, usize) {
        self.theatre(system)
            .map_or((0, 0), |theatre| theatre.pending.counts())
    }

    /// What the store has to say.
    fn take_answers(&mut self) {
        let mut answers = std::mem::take(&mut self.answers);
        self.vault.take_answers(&mut answers);
        for answer in answers.drain(..) {
            match answer {
                Answer::Loaded { ticket, pilot } => {
                    self.board(PlayerHandle::of_ticket(ticket), &pilot);
                }
                Answer::RequestDigests {
                    ticket,
                    digests,
                    is_complete,
                } => self.take_digests(ticket, &digests, is_complete),
                Answer::Outcome { ticket, outcome } => {
                    self.take_word(ticket, &outcome.map_or(Word::Unknown, Word::Known));
                }
                Answer::OutcomesFull { ticket } => self.take_word(ticket, &Word::Full),
                Answer::Quarantined { player, reason } => self.quarantine(player, &reason),
                Answer::StaleGuests(guests) => self.forget_guests(guests),
                Answer::LeaseLost(system) => self.lose_system(&system),
                Answer::DurableWithout(batch) => {
                    self.durable.fetch_max(batch, Ordering::AcqRel);
                }
                Answer::Failed(why) => self.fail(format!("the store failed: {why}")),
            }
        }
        self.answers = answers;
        self.settle_purses();
        self.forget_departed();
    }

    /// Steps every system that is due: all of them, unless the governor slows one down.
    fn step(&mut self) {
        for (index, theatre) in self.theatres.iter_mut().enumerate() {
            theatre.turn = Turn::Rest;
            theatre.cost_ns = 0;
            if theatre.is_owned {
                theatre.turn = self.governor.turn(index, self.beats);
            }
            if theatre.turn != Turn::Rest {
                let begun_ns = (self.stopwatch)();
                theatre.world.step(theatre.pending.ready());
                theatre.cost_ns += (self.stopwatch)().saturating_sub(begun_ns);
            }
        }
    }

    /// Hands what is to be kept to the store, and asks what could not be judged here. While the
    /// store is behind, the batch stays open and grows, up to the book's bound.
    fn submit(&mut self, unix: UnixMillis) {
        if let Some(batch) = self.book.close(unix)
            && let Err(batch) = self.vault.submit(batch)
        {
            self.book.reopen(batch);
        }
        self.send_reads();
    }

    /// Shows what was stepped. A system that stood still has nothing new to show.
    fn publish(&mut self, unix: UnixMillis) {
        let shard_count = self.lanes.len() as u16;
        for (index, theatre) in self.theatres.iter_mut().enumerate() {
            // In every beat: one that shows nothing must not pass a client over.
            for viewer in &mut theatre.viewers {
                let turn = self.tick + u64::from(viewer.ship.slot);
                if turn.is_multiple_of(SNAPSHOT_PERIOD_TICKS) {
                    viewer.owe_correction();
                }
            }
            match theatre.turn {
                Turn::Rest => continue,
                Turn::Step => {
                    theatre.world.carry_over();
                    continue;
                }
                Turn::Show => {}
            }
            let begun_ns = (self.stopwatch)();
            let thrift = self.governor.thrift(index);
            let stage = Stage {
                universe: &self.universe,
                system: SystemIndex(index as u16),
                unix,
                shard_count,
                time_dilation_percent: thrift.pace_percent,
                rows_divisor: thrift.rows_divisor,
                shrunk: thrift.shrunk,
            };
            let frame = theatre
                .publisher
                .publish(stage, &theatre.world, &mut theatre.viewers);
            figures::observe(&self.metrics, theatre, &frame, thrift.pace_percent);
            for (shard, lane) in self.lanes.iter().enumerate() {
                if !frame.pilots_of(shard as u16).is_empty() {
                    lane.push(ToGate::Frame(Arc::clone(&frame)));
                }
            }
            theatre.cost_ns += (self.stopwatch)().saturating_sub(begun_ns);
        }
        for lane in &self.lanes {
            lane.ring();
        }
        self.costs_ns.clear();
        self.costs_ns
            .extend(self.theatres.iter().map(|theatre| theatre.cost_ns));
        let beats = std::mem::replace(&mut self.beats, 1);
        if let Some(change) = self.governor.observe(&self.costs_ns, beats) {
            self.tell_operators(change);
        }
    }

    /// Nothing becomes durable any more: whoever waits for an answer hears INTERNAL.
    fn fail(&mut self, why: String) {
        self.failure = Some(why);
        for lane in &self.lanes {
            lane.push(ToGate::Fail);
        }
        self.refuse_orders();
        self.refuse_logins();
        let mut waiting = std::mem::take(&mut self.taken);
        self.inbox.take(&mut waiting);
        for message in waiting {
            if let ToCore::Command { conn, command } = message
                && let Some(seq) = command.owed_seq()
            {
                self.refuse(conn, seq.number(), ErrorCode::Internal);
            }
        }
        for lane in &self.lanes {
            lane.ring();
        }
    }

    /// Tells a client something at once.
    fn write(&self, conn: ConnId, reply_to: Option<u64>, reply: Reply) {
        self.post(Letter {
            conn,
            reply_to,
            reply,
            system: None,
            batch: 0,
        });
    }

    fn post(&self, letter: Letter) {
        if let Some(lane) = self.lanes.get(usize::from(letter.conn.shard)) {
            lane.push(ToGate::Letter(letter));
        }
    }

    fn refuse(&self, conn: ConnId, seq: u64, code: ErrorCode) {
        self.write(conn, Some(seq), Reply::error(code));
    }

    fn close(&self, conn: ConnId, code: CloseCode) {
        if let Some(lane) = self.lanes.get(usize::from(conn.shard)) {
            lane.push(ToGate::Close(conn, code));
        }
    }

    fn theatre(&self, system: SystemIndex) -> Option<&Theatre> {
        self.theatres.get(system.0 as usize)
    }

    fn theatre_mut(&mut self, system: SystemIndex) -> Option<&mut Theatre> {
        self.theatres.get_mut(system.0 as usize)
    }
}
