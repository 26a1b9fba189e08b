//! The star systems that this node simulates, each with its subscribers and its pending commands.
//!
//! Owns the [`SystemInstance`]s and the [`Governor`] that sheds load per system. It knows neither
//! players nor money: [`Systems::step`] takes the commands that wait, and [`Systems::publish`] turns
//! what was stepped into one frame a system and tick.
//!
//! ```text
//! pending commands ─▶ step ─▶ world.outcome() (read by the node) ─▶ publish ─▶ Arc<TickFrame> a gateway
//!                      ▲                                               │
//!                      └── StepDecision ◀── Governor ◀── cost in ns ───┘
//! ```
//!
//! Invariants: instance `i` is the universe's system `i`; viewers are in the order of their
//! connections, at most one a connection.

use std::sync::Arc;

use super::Stopwatch;
use super::chart::chart;
use super::gateways::Gateways;
use super::governor::{Governor, ShedChange, StepDecision};
use super::pending_commands::PendingCommands;
use super::system_metrics::{self, PhaseSeconds};
use crate::ids::{ConnId, Handle, SystemIndex, UnixMillis};
use crate::limits::{ENTITIES_MAX, SNAPSHOT_PERIOD_TICKS};
use crate::metrics::{Metrics, SystemLabel};
use crate::protocol::SystemChart;
use crate::recorder::RecordedWorld;
use crate::replication::{PublishContext, Publisher, TickFrame, Viewer};
use crate::sim::PhaseTimes;
use crate::universe::Universe;

/// One star system being simulated, with its subscribers.
pub(super) struct SystemInstance {
    pub(super) world: RecordedWorld,
    publisher: Publisher,
    /// Sorted by connection, and so by gateway.
    viewers: Vec<Viewer>,
    pub(super) pending: PendingCommands,
    /// Places kept free for pilots who jump to this system.
    pub(super) arriving_count: usize,
    pub(super) label: SystemLabel,
    pub(super) chart: Option<Arc<SystemChart>>,
    /// Whether this node, and no other on the same database, runs the system.
    pub(super) is_owned: bool,
    /// What the governor decided for this tick.
    decision: StepDecision,
    /// What this tick's step and frame took, in nanoseconds.
    cost_ns: u64,
    phases: PhaseSeconds,
}

impl SystemInstance {
    fn new(world: RecordedWorld, config: &SystemsConfig<'_>) -> Self {
        let label = SystemLabel {
            system: world.system().id.to_string(),
        };
        Self {
            phases: PhaseSeconds::new(config.metrics, &label),
            chart: chart(config.universe, world.system_index()).map(Arc::new),
            decision: StepDecision::Skip,
            cost_ns: 0,
            is_owned: !config.elsewhere.contains(&world.system_index()),
            label,
            world,
            publisher: Publisher::new(config.view_radius, config.chunks),
            viewers: Vec::new(),
            pending: PendingCommands::default(),
            arriving_count: 0,
        }
    }

    /// Whether one more pilot may come, those on their way included.
    pub(super) fn has_room(&self) -> bool {
        self.world.pilots_count() + self.arriving_count < self.world.system().pilots_max as usize
            && self.world.entities().len() < ENTITIES_MAX
    }

    /// Whether the world was stepped in this tick, so that its outcome is new.
    pub(super) fn was_stepped(&self) -> bool {
        self.decision != StepDecision::Skip
    }

    /// Whether a ship is in dock.
    pub(super) fn is_docked(&self, ship: Handle) -> bool {
        let pilot = self.world.pilot(ship);
        pilot.is_some_and(|pilot| pilot.docked_at.is_some())
    }

    /// Bytes that the publisher's encoding arena has grown to.
    pub(super) fn arena_bytes(&self) -> usize {
        self.publisher.arena_bytes()
    }

    fn viewer_index(&self, conn: ConnId) -> Result<usize, usize> {
        let viewers = &self.viewers;
        viewers.binary_search_by_key(&conn, |viewer| viewer.conn)
    }

    /// The subscriber with a connection.
    pub(super) fn viewer(&self, conn: ConnId) -> Option<&Viewer> {
        self.viewers.get(self.viewer_index(conn).ok()?)
    }

    pub(super) fn viewer_mut(&mut self, conn: ConnId) -> Option<&mut Viewer> {
        let index = self.viewer_index(conn).ok()?;
        self.viewers.get_mut(index)
    }

    /// Subscribes a connection, in place of what it was subscribed as before.
    pub(super) fn add_viewer(&mut self, viewer: Viewer) {
        match self.viewer_index(viewer.conn) {
            Ok(index) => self.viewers[index] = viewer,
            Err(index) => self.viewers.insert(index, viewer),
        }
    }

    pub(super) fn remove_viewer(&mut self, conn: ConnId) {
        if let Ok(index) = self.viewer_index(conn) {
            self.viewers.remove(index);
        }
    }

    /// Owes a few clients the unthinned values of their next frame: each client once in
    /// [`SNAPSHOT_PERIOD_TICKS`].
    fn owe_corrections(&mut self, tick: u64) {
        for viewer in &mut self.viewers {
            let phase = tick + u64::from(viewer.ship.slot);
            if phase.is_multiple_of(SNAPSHOT_PERIOD_TICKS) {
                viewer.owe_correction();
            }
        }
    }
}

/// What every instance is made with.
pub(super) struct SystemsConfig<'a> {
    pub(super) universe: &'a Universe,
    pub(super) metrics: &'a Metrics,
    /// Systems that another node on the same database runs.
    pub(super) elsewhere: &'a [SystemIndex],
    /// How far a client sees, u.
    pub(super) view_radius: f32,
    /// Parts that encoding is cut into: the number of workers.
    pub(super) chunks: usize,
}

/// The time and the tables that publishing a tick reads.
pub(super) struct PublishTick<'a> {
    pub(super) universe: &'a Universe,
    pub(super) metrics: &'a Metrics,
    pub(super) tick: u64,
    pub(super) unix: UnixMillis,
}

/// All system instances of a node.
pub(super) struct Systems {
    instances: Vec<SystemInstance>,
    governor: Governor,
    stopwatch: Stopwatch,
    /// Cost of each instance in this tick, ns.
    costs_ns: Vec<u64>,
    /// Periods since the last tick, this tick's included: more than 1 where ticks were skipped.
    periods: u64,
}

impl Systems {
    /// One instance a world; worlds are in the universe's order.
    pub(super) fn new(
        worlds: Vec<RecordedWorld>,
        config: &SystemsConfig<'_>,
        stopwatch: Stopwatch,
    ) -> Self {
        let governor = Governor::new(worlds.len());
        let instances = worlds.into_iter();
        let instances = instances.map(|world| SystemInstance::new(world, config));
        Self {
            instances: instances.collect(),
            governor,
            stopwatch,
            costs_ns: Vec::new(),
            periods: 1,
        }
    }

    pub(super) fn get(&self, system: SystemIndex) -> Option<&SystemInstance> {
        self.instances.get(usize::from(system.0))
    }

    pub(super) fn get_mut(&mut self, system: SystemIndex) -> Option<&mut SystemInstance> {
        self.instances.get_mut(usize::from(system.0))
    }

    /// Index of every system, owned or not.
    pub(super) fn indices(&self) -> impl Iterator<Item = SystemIndex> + use<> {
        (0..self.instances.len() as u16).map(SystemIndex)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SystemIndex, &SystemInstance)> {
        let indices = (0_u16..).map(SystemIndex);
        indices.zip(&self.instances)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut SystemInstance> {
        self.instances.iter_mut()
    }

    /// Whether this node runs a system.
    pub(super) fn owns(&self, system: SystemIndex) -> bool {
        self.get(system).is_some_and(|instance| instance.is_owned)
    }

    /// Notes periods that passed without a tick, since the tick before took too long.
    pub(super) fn skip_ticks(&mut self, count: u64) {
        self.periods += count;
    }

    /// Steps every system that is due: all of them, unless the governor slows one down.
    pub(super) fn step(&mut self) {
        for (index, instance) in self.instances.iter_mut().enumerate() {
            instance.decision = StepDecision::Skip;
            instance.cost_ns = 0;
            if instance.is_owned {
                instance.decision = self.governor.decide(index, self.periods);
            }
            if instance.was_stepped() {
                let system = instance.label.system.as_str();
                let _span = tracing::debug_span!("step", system).entered();
                let begun_ns = (self.stopwatch)();
                let mut times = PhaseTimes::new(&self.stopwatch);
                let commands = instance.pending.ready();
                instance.world.step_timed(commands, &mut times);
                instance.phases.observe_step(&times);
                instance.cost_ns += (self.stopwatch)().saturating_sub(begun_ns);
            }
        }
    }

    /// Sends the frame of every system that is due to the gateways with clients in it. Returns the
    /// change of a system's shed level that the governor decided for the next ticks.
    pub(super) fn publish(
        &mut self,
        now: &PublishTick<'_>,
        gateways: &Gateways,
    ) -> Option<ShedChange> {
        for (index, instance) in self.instances.iter_mut().enumerate() {
            // In every tick: one without a frame must not pass a client over.
            instance.owe_corrections(now.tick);
            match instance.decision {
                StepDecision::Skip => {}
                StepDecision::Step => instance.world.carry_over(),
                StepDecision::StepAndPublish => {
                    let begun_ns = (self.stopwatch)();
                    let frame = publish_one(index, instance, &self.governor, now, gateways);
                    gateways.send_frame(&frame);
                    let spent_ns = (self.stopwatch)().saturating_sub(begun_ns);
                    instance.phases.observe_publish(spent_ns);
                    instance.cost_ns += spent_ns;
                }
            }
        }
        gateways.notify();
        self.costs_ns.clear();
        let costs_ns = self.instances.iter().map(|instance| instance.cost_ns);
        self.costs_ns.extend(costs_ns);
        let periods = std::mem::replace(&mut self.periods, 1);
        self.governor.observe(&self.costs_ns, periods)
    }
}

fn publish_one(
    index: usize,
    instance: &mut SystemInstance,
    governor: &Governor,
    now: &PublishTick<'_>,
    gateways: &Gateways,
) -> Arc<TickFrame> {
    let shed_level = governor.shed_level(index);
    let stage = PublishContext {
        universe: now.universe,
        system: SystemIndex(index as u16),
        unix: now.unix,
        shard_count: gateways.count(),
        time_dilation_percent: shed_level.pace_percent,
        rows_divisor: shed_level.rows_divisor,
        shrunk: shed_level.shrunk,
    };
    let frame = instance
        .publisher
        .publish(stage, &instance.world, &mut instance.viewers);
    system_metrics::observe(now.metrics, instance, &frame, shed_level.pace_percent);
    frame
}
