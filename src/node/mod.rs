//! The node: it owns the system instances, the players, their orders and the open batch, and ticks.
//!
//! Sans-IO: commands come in through the [bus](crate::bus), replies and frames go out through it, the
//! store is a [`DurableStore`], and time is an argument. The server runs one node on a thread of its
//! own; tests run it on a virtual clock, with gateways beside it on the same thread.
//!
//! ```text
//! owns             file              what
//! Systems          systems           worlds, their subscribers, pending commands; the governor
//! Players          players           who is connected, lingering, loading; wallets; used request ids
//! Orders           orders            orders that worlds carry out; whose command queues wait
//! Jumps            jump              arrivals to come
//! BatchBuilder     batch             what becomes durable with the next batch
//! StoreReads       store_reads       questions to the store
//! Gateways         gateways          inbox and queues of the bus
//! ```
//!
//! [`Node::tick`] is the table of contents; nothing else changes a world. Each of the other files
//! follows one thing through those that it concerns: `login`, `join`, `steering`,
//! `place_order`, `jump`, `logout`, `checkpoint`, `lease`, `quarantine`, and
//! `apply_outcome` for what a step brought about.

mod apply_outcome;
mod batch;
mod chart;
mod checkpoint;
mod command_queue;
mod dispatch;
pub mod durable_store;
mod gateways;
pub mod governor;
mod join;
mod jump;
mod lease;
mod login;
mod logout;
mod orders;
mod pending_commands;
mod place_order;
mod player_events;
mod players;
mod quarantine;
mod recording;
mod request_ids;
mod steering;
mod store_reads;
mod system_metrics;
mod systems;
mod wallet;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bus::{BoundedQueue, GatewayQueue, ToGateway, ToNode};
use crate::ids::{ConnId, SystemIndex, UnixMillis};
use crate::limits::CELL_ROWS_PER_VIEW_RADIUS;
use crate::metrics::Metrics;
use crate::protocol::ErrorCode;
use crate::recorder::{RecordedWorld, Recorder};
use crate::replication::Viewer;
use crate::sim::World;
use crate::universe::Universe;
use batch::BatchBuilder;
use command_queue::StoreWord;
use durable_store::{DurableStore, StoreEvent};
use gateways::Gateways;
use jump::Jumps;
use orders::Orders;
pub(crate) use pending_commands::{ORDER_BYTES, STEERING_BYTES};
use player_events::PlayerEvents;
use players::{PlayerHandle, Players};
use store_reads::StoreReads;
use systems::{PublishTick, Systems, SystemsConfig};

/// What a node is made of.
pub struct NodeParts {
    /// Universe that the node simulates.
    pub universe: Arc<Universe>,
    /// One world a system, in the universe's order.
    pub worlds: Vec<World>,
    /// Systems that another node on the same database runs.
    pub elsewhere: Vec<SystemIndex>,
    /// Recorder of the worlds' steps, if they are recorded.
    pub recorder: Option<Recorder>,
    /// Queue that all gateways write to.
    pub inbox: Arc<BoundedQueue<ToNode>>,
    /// Queue to each gateway, by shard.
    pub gateways: Vec<Arc<GatewayQueue>>,
    /// Store that makes batches durable.
    pub store: Box<dyn DurableStore>,
    /// Number of the newest durable batch; raised by the store's side.
    pub durable: Arc<AtomicU64>,
    /// How far a client sees, u.
    pub view_radius: f32,
    /// Parts that encoding is cut into: the number of workers.
    pub chunks: usize,
    /// Metrics for operators.
    pub metrics: Metrics,
    /// Measures the work of a tick, for the governor.
    pub stopwatch: Stopwatch,
}

/// Nanoseconds since any fixed moment; never goes back.
pub type Stopwatch = Box<dyn Fn() -> u64 + Send>;

/// Every system instance and every player of one process; see the module's page.
pub struct Node {
    universe: Arc<Universe>,
    systems: Systems,
    players: Players,
    orders: Orders,
    jumps: Jumps,
    batch: BatchBuilder,
    store: Box<dyn DurableStore>,
    reads: StoreReads,
    /// Buffer for the store's events; empty between two ticks.
    store_events: Vec<StoreEvent>,
    durable: Arc<AtomicU64>,
    gateways: Gateways,
    recorder: Option<Recorder>,
    view_radius: f32,
    metrics: Metrics,
    events: PlayerEvents,
    tick: u64,
    /// Unix time of the newest tick.
    unix: UnixMillis,
    failure: Option<String>,
}

impl Node {
    /// A node whose worlds have not stepped yet.
    pub fn new(parts: NodeParts) -> Self {
        let cell_height = parts.view_radius / CELL_ROWS_PER_VIEW_RADIUS;
        let worlds = parts.worlds.into_iter();
        let worlds = worlds.map(|world| RecordedWorld::new(world.with_cell_height(cell_height)));
        let mut worlds: Vec<RecordedWorld> = worlds.collect();
        let mut recorder = parts.recorder;
        if let Some(recorder) = &mut recorder {
            recorder.open(&mut worlds);
        }
        parts.metrics.recording.set(i64::from(recorder.is_some()));
        let config = SystemsConfig {
            universe: &parts.universe,
            metrics: &parts.metrics,
            elsewhere: &parts.elsewhere,
            view_radius: parts.view_radius,
            chunks: parts.chunks,
        };
        Self {
            systems: Systems::new(worlds, &config, parts.stopwatch),
            universe: parts.universe,
            players: Players::default(),
            orders: Orders::default(),
            jumps: Jumps::default(),
            batch: BatchBuilder::new(parts.durable.load(Ordering::Acquire)),
            store: parts.store,
            reads: StoreReads::default(),
            store_events: Vec::new(),
            durable: parts.durable,
            gateways: Gateways::new(parts.inbox, parts.gateways),
            recorder,
            view_radius: parts.view_radius,
            metrics: parts.metrics,
            events: PlayerEvents::default(),
            tick: 0,
            unix: UnixMillis(0),
            failure: None,
        }
    }

    /// The same node, with at most so many players at once.
    #[must_use]
    pub const fn with_players_max(mut self, players_max: usize) -> Self {
        self.players.count_max = players_max;
        self
    }

    /// The same node, with at most so many request ids of a player in memory.
    #[must_use]
    pub const fn with_request_digests_max(mut self, request_digests_max: usize) -> Self {
        self.players.request_digests_max = request_digests_max;
        self
    }

    /// Runs one tick: the store's events, commands, simulation, outcomes, the durable batch, frames.
    /// After a failure of the store it does nothing any more: see [`Self::failure`].
    pub fn tick(&mut self, unix: UnixMillis) {
        if self.failure.is_some() {
            return;
        }
        self.tick += 1;
        self.unix = unix;
        let _span = tracing::debug_span!("tick", number = self.tick).entered();
        self.events.begin_tick(self.tick);
        self.take_store_events();
        if self.failure.is_some() {
            return;
        }
        self.take_commands();
        self.advance_queues();
        // Before the step: it sorts the rows by cell, and what is published must find them so.
        self.admit_arrivals();
        self.log_out_lingering();
        self.systems.step();
        self.apply_outcomes();
        self.checkpoint();
        self.submit(unix);
        self.publish(unix);
        self.record();
    }

    /// Notes periods that passed without a tick, since the tick before took too long.
    pub fn skip_ticks(&mut self, count: u64) {
        self.systems.skip_ticks(count);
    }

    /// The subscriber with a connection, as of the newest frame; none while it is in no system.
    pub fn viewer(&self, conn: ConnId) -> Option<&Viewer> {
        let mut instances = self.systems.iter();
        instances.find_map(|(_, instance)| instance.viewer(conn))
    }

    /// Why this node cannot go on, if so: nobody was told of anything that is not durable.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Takes every ship in and hands the last batch to the store, for a graceful drain. Returns the
    /// number of the batch that must become durable; until it is, call again, since the store may
    /// have had no room.
    pub fn drain(&mut self, unix: UnixMillis) -> u64 {
        for system in self.systems.indices() {
            if self.systems.owns(system) {
                self.add_pending_postings(system);
            }
        }
        self.log_out_everybody();
        self.record();
        self.submit(unix);
        self.batch.covering_number()
    }

    /// The world of a system.
    pub fn world(&self, system: SystemIndex) -> Option<&World> {
        self.systems.get(system).map(|instance| &*instance.world)
    }

    /// How many steerings and how many orders wait for a system's next step.
    pub fn pending_commands(&self, system: SystemIndex) -> (usize, usize) {
        let instance = self.systems.get(system);
        instance.map_or((0, 0), |instance| instance.pending.counts())
    }

    fn take_store_events(&mut self) {
        let mut events = std::mem::take(&mut self.store_events);
        self.store.take_events(&mut events);
        for event in events.drain(..) {
            self.take_store_event(event);
        }
        self.store_events = events;
        self.release_wallets();
        let durable = self.newest_durable();
        self.players.evict_durable(durable);
    }

    /// Number of the newest durable batch.
    fn newest_durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    fn take_store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Loaded { ticket, pilot } => {
                self.take_loaded(PlayerHandle::of_ticket(ticket), &pilot);
            }
            StoreEvent::RequestDigests {
                ticket,
                digests,
                is_complete,
            } => self.take_digests(ticket, &digests, is_complete),
            StoreEvent::Outcome { ticket, outcome } => {
                let word = outcome.map_or(StoreWord::Unknown, StoreWord::Known);
                self.take_word(ticket, &word);
            }
            StoreEvent::OutcomesFull { ticket } => self.take_word(ticket, &StoreWord::Full),
            StoreEvent::Quarantined { player, reason } => self.quarantine(player, &reason),
            StoreEvent::StaleGuests(guests) => self.forget_guests(guests),
            StoreEvent::LeaseLost(system) => self.lose_system(&system),
            StoreEvent::DurableWithout(batch) => {
                self.durable.fetch_max(batch, Ordering::AcqRel);
            }
            StoreEvent::Failed(why) => self.fail(format!("the store failed: {why}")),
        }
    }

    /// Hands what is to be kept to the store, and asks what could not be judged here. While the
    /// store is behind, the batch stays open and grows, up to the batch's bound.
    fn submit(&mut self, unix: UnixMillis) {
        if let Some(batch) = self.batch.close(unix)
            && let Err(batch) = self.store.submit(batch)
        {
            self.batch.reopen(batch);
        }
        self.send_reads();
    }

    fn publish(&mut self, unix: UnixMillis) {
        let now = PublishTick {
            universe: &self.universe,
            metrics: &self.metrics,
            tick: self.tick,
            unix,
        };
        if let Some(change) = self.systems.publish(&now, &self.gateways) {
            system_metrics::report_shedding(&self.metrics, &self.systems, change);
        }
    }

    /// Nothing becomes durable any more: every open request is answered INTERNAL.
    fn fail(&mut self, why: String) {
        self.failure = Some(why);
        self.gateways.broadcast(|| ToGateway::Fail);
        self.refuse_orders();
        self.refuse_logins();
        for message in self.gateways.take() {
            if let ToNode::Command { conn, command } = message
                && let Some(seq) = command.owed_seq()
            {
                self.gateways
                    .refuse(conn, seq.number(), ErrorCode::Internal);
            }
        }
        self.gateways.notify();
    }
}
