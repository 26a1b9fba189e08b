//! One system's world and its tick.
//!
//! Owns the columns, the pilots and the order of the phases. It decides nothing itself: each phase
//! is a function of the tables and columns that it reads (`&`) and writes (`&mut`), so its signature
//! tells what it may touch, and `step` is their table of contents. What no phase changes is the
//! [`StepContext`]. Between steps the world only takes pilots in, gives them out, and is read.
//!
//! Invariants after every step: all numbers finite, every body inside the walls, every row in
//! exactly one cell's run, `outcome` complete; the same commands give the same `state_hash` under
//! any number of workers.

use std::sync::Arc;

use super::blending;
use super::cells::{CellColumns, CellOrder, Cells};
use super::combat::{self, StrikeColumns};
use super::command::Command;
use super::contacts::{self, ContactColumns, Contacts};
use super::control::{self, ControlColumns};
use super::docking::{self, DockColumns, UndockColumns, Undockings};
use super::entities::{Entities, Row};
use super::entity_id::EntityId;
use super::market::{Market, Stock};
use super::motion::{self, Flight, MotionColumns};
use super::npc::{self, Npcs};
use super::orders::{self, OrderColumns, TickOrders};
use super::outcome::{Outcome, Posting};
use super::parallelism::{JobCounts, Parallelism};
use super::phase::{Phase, PhaseTimer};
use super::pilot::{PilotView, Pilots};
use super::reaping::{self, Departures, Wreck};
use super::space::Space;
use super::spawning::SpiralSearch;
use super::step_context::StepContext;
use super::zones::{ZoneContext, Zones};
use crate::ids::{EntityKind, Handle, StationIndex, SystemIndex};
use crate::limits::INTEREST_CELL_HEIGHT;
use crate::universe::{System, Universe};

/// One system, simulated.
#[derive(Debug)]
pub struct World {
    pub(super) context: StepContext,
    pub(super) entities: Entities,
    pub(super) pilots: Pilots,
    pub(super) cells: Cells,
    pub(super) space: Space,
    pub(super) contacts: Contacts,
    pub(super) zones: Zones,
    pub(super) market: Market,
    pub(super) orders: TickOrders,
    pub(super) undockings: Undockings,
    /// Ships destroyed in this tick, until they are taken out.
    pub(super) dead: Vec<Handle>,
    pub(super) wrecks: Vec<Wreck>,
    pub(super) npcs: Npcs,
    pub(super) outcome: Outcome,
    /// What admissions and dismissals brought about since the last step.
    pub(super) pending: Outcome,
    pub(super) spiral: SpiralSearch,
    /// Whether what the last step told is told again with the next one.
    pub(super) is_carried: bool,
    pub(super) job_counts: JobCounts,
}

impl World {
    /// An empty system: its stations, the ships that the server flies, and nobody else. `stocks`
    /// are the stations' shelves as stored; without them every shelf is at its target.
    ///
    /// # Panics
    /// If the universe has no such system.
    pub fn new(
        universe: Arc<Universe>,
        system_index: SystemIndex,
        seed: u64,
        stocks: Option<&[Stock]>,
    ) -> Self {
        let context = StepContext::new(universe, system_index, seed);
        let (universe, system) = (&context.universe, context.system());
        let half_extent = system.half_extent;
        let mut pending = Outcome::default();
        let stocks = stocks.unwrap_or_default();
        let mut world = Self {
            entities: stations(system),
            pilots: Pilots::new(universe.commodities.len()),
            cells: Cells::new(half_extent, INTEREST_CELL_HEIGHT),
            space: Space::new(half_extent),
            contacts: Contacts::default(),
            zones: Zones::new(system),
            market: Market::new(universe, system_index, stocks, &mut pending.postings),
            orders: TickOrders::default(),
            undockings: Undockings::default(),
            dead: Vec::new(),
            wrecks: Vec::new(),
            npcs: Npcs::new(universe, system),
            outcome: Outcome::default(),
            pending,
            spiral: SpiralSearch::new(universe.ship.radius, system.stations.len()),
            is_carried: false,
            job_counts: JobCounts::default(),
            context,
        };
        world.sort_cells();
        world
    }

    /// The same world with interest cells of another height, u; [`Cells::new`] says how it is bounded.
    #[must_use]
    pub fn with_cell_height(mut self, height: f32) -> Self {
        self.cells = Cells::new(self.system().half_extent, height);
        self.sort_cells();
        self
    }

    /// The same world with phases shared by the workers from other thresholds on. Changes no value.
    #[must_use]
    ///
    /// # Panics
    /// If a chunk has no items.
    pub fn with_parallelism(mut self, parallelism: Parallelism) -> Self {
        parallelism.check();
        self.context.parallelism = parallelism;
        self
    }

    fn sort_cells(&mut self) {
        let columns = CellColumns::of(&mut self.entities);
        self.cells.sort(columns, false);
    }

    /// Advances the world by one tick of 1/30 s. Takes the commands out of the vector;
    /// those beyond [`COMMANDS_PER_TICK_MAX`](crate::limits::COMMANDS_PER_TICK_MAX) stay in it for
    /// the next. Work is linear in rows, contacts and commands.
    pub fn step(&mut self, commands: &mut Vec<Command>) {
        self.step_timed(commands, &mut ());
    }

    /// As [`Self::step`], measured by a timer: [`Phase`] tells the order of the phases.
    pub fn step_timed(&mut self, commands: &mut Vec<Command>, timer: &mut dyn PhaseTimer) {
        timer.start();
        self.context.tick += 1;
        self.outcome.follow(&mut self.pending, self.is_carried);

        self.take_controls(commands, timer);
        self.move_bodies(timer);
        self.apply_consequences(timer);
        self.close_tick(timer);
    }

    /// What pilots and ships that the server flies want becomes controls; ships leave and arrive.
    fn take_controls(&mut self, commands: &mut Vec<Command>, timer: &mut dyn PhaseTimer) {
        let Self {
            context,
            entities,
            pilots,
            cells,
            market,
            orders,
            undockings,
            npcs,
            outcome,
            spiral,
            ..
        } = self;
        let columns = ControlColumns::of(entities);
        control::apply(context, commands, columns, pilots, undockings, orders);
        timer.lap(Phase::Commands);

        let columns = OrderColumns::of(entities);
        orders::fill_docked(context, orders, columns, pilots, market, outcome);
        let (columns, events) = (UndockColumns::of(entities), &mut outcome.events);
        docking::undock(context, undockings, columns, pilots, spiral, events);
        timer.lap(Phase::Undocking);

        let events = &mut outcome.events;
        npc::fly(context, npcs, entities, cells, spiral, undockings, events);
        timer.lap(Phase::Npcs);
    }

    /// Bodies move, and what touches is found and pushed apart.
    fn move_bodies(&mut self, timer: &mut dyn PhaseTimer) {
        let Self {
            context,
            entities,
            space,
            contacts,
            zones,
            spiral,
            job_counts,
            ..
        } = self;
        let movers = MotionColumns::of(entities, context.stations_count());
        job_counts.motion = motion::integrate(context, movers);
        spiral.forget();
        timer.lap(Phase::Motion);

        job_counts.packing = contacts::refresh(context, entities, space, contacts);
        timer.lap(Phase::BroadPhase);

        let (pairs, shots) = contacts::find(context, entities, space, contacts);
        (job_counts.pairs, job_counts.shots) = (pairs, shots);
        timer.lap(Phase::NarrowPhase);

        let columns = ContactColumns::of(entities);
        contacts::settle(context, columns, space.pairs(), &contacts.moorings, zones);
        timer.lap(Phase::Collisions);
    }

    /// Hits count, ships dock, orders are filled, guns fire.
    fn apply_consequences(&mut self, timer: &mut dyn PhaseTimer) {
        let Self {
            context,
            entities,
            pilots,
            contacts,
            zones,
            market,
            orders,
            dead,
            npcs,
            outcome,
            ..
        } = self;
        let (columns, strikes) = (StrikeColumns::of(entities), &contacts.strikes);
        combat::strike(context, strikes, columns, zones, pilots, dead, outcome);
        npc::notice(context, npcs, entities, &outcome.combat);
        timer.lap(Phase::Combat);

        let (columns, events) = (DockColumns::of(entities), &mut outcome.events);
        docking::dock(context, columns, pilots, events);
        timer.lap(Phase::Docking);

        let columns = OrderColumns::of(entities);
        orders::fill_rest(context, orders, columns, pilots, market, outcome);
        market.drift(context.tick, &mut outcome.postings);
        timer.lap(Phase::Orders);

        let (shots_count, events) = (contacts.shots_count(), &mut outcome.events);
        combat::fire(context, shots_count, entities, zones, events);
        timer.lap(Phase::Gunfire);
    }

    /// Rows end and come back, and what is told of the others is worked out.
    fn close_tick(&mut self, timer: &mut dyn PhaseTimer) {
        let Self {
            context,
            entities,
            pilots,
            cells,
            zones,
            dead,
            wrecks,
            outcome,
            spiral,
            is_carried,
            job_counts,
            ..
        } = self;
        let mut departures = Departures {
            list: &mut outcome.departures,
            is_carried: *is_carried,
        };
        reaping::end_shots(context, entities, &mut departures);
        reaping::bury(context, dead, entities, pilots, wrecks, &mut departures);
        reaping::restore_wrecks(context, wrecks, entities, pilots, spiral);
        timer.lap(Phase::Reaping);

        let (ships, zone_contexts) = (&pilots.ships, &mut pilots.contexts);
        job_counts.zones = blending::blend(context, entities, zones, ships, zone_contexts);
        timer.lap(Phase::Zones);

        cells.sort(CellColumns::of(entities), *is_carried);
        *is_carried = false;
        timer.lap(Phase::Cells);
    }

    /// Nobody is shown the state as it is now: the next step's events and departures stand behind
    /// this one's, and a row's `previous_cell` stays the one that was shown last. The simulation
    /// itself does not depend on it.
    pub fn carry_over(&mut self) {
        self.is_carried = true;
    }

    /// Takes the postings that have come up since the last step (the opening stock, the grants of
    /// new pilots), for whoever books them sooner; the next step does not report them again.
    pub fn take_pending_postings(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.pending.postings)
    }

    /// Into how many jobs the parallel phases of the last step were cut.
    pub fn job_counts(&self) -> JobCounts {
        self.job_counts
    }

    /// What the last step brought about.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Ticks since the world began.
    pub fn tick(&self) -> u64 {
        self.context.tick
    }

    /// Seed of this world's random numbers.
    pub fn seed(&self) -> u64 {
        self.context.seed
    }

    /// Columns of all entities, a row each.
    pub fn entities(&self) -> &Entities {
        &self.entities
    }

    /// The grid of interest cells.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// The rows by interest cell, as of the end of the last step.
    pub fn cell_order(&self) -> CellOrder<'_> {
        self.cells.order()
    }

    /// The interest cell of a point.
    pub fn cell_at(&self, x: f32, y: f32) -> u32 {
        self.cells.cell_at(x, y)
    }

    /// What stations hold and ask.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// The system's zones, to ask about points.
    pub fn zones(&self) -> &Zones {
        &self.zones
    }

    /// What the zones make of the place of a pilot's ship, as of the last step; of the place where
    /// it was destroyed while it is not back. A ship that has no pilot gets the system's centre.
    pub fn zone_context(&self, ship: Handle) -> ZoneContext {
        match self.pilots.index(ship) {
            Some(index) => self.pilots.contexts[index],
            None => self.zones.blend(0.0, 0.0),
        }
    }

    /// Universe that this world is a system of.
    pub fn universe(&self) -> &Arc<Universe> {
        &self.context.universe
    }

    /// The system that this is.
    pub fn system(&self) -> &System {
        self.context.system()
    }

    /// Its place in the universe.
    pub fn system_index(&self) -> SystemIndex {
        self.context.system_index
    }

    /// How many pilots are here, dead ones included.
    pub fn pilots_count(&self) -> usize {
        self.pilots.len()
    }

    /// The ships of all pilots who are here, in no particular order.
    pub fn pilot_ships(&self) -> &[Handle] {
        &self.pilots.ships
    }

    /// The pilot of a ship, alive or waiting to come back.
    pub fn pilot(&self, ship: Handle) -> Option<PilotView<'_>> {
        let index = self.pilots.index(ship)?;
        let row = self.entities.row(ship);
        Some(PilotView {
            player: &self.pilots.players[index],
            row,
            ship_id: self.pilots.ids[index],
            credits: self.pilots.credits[index],
            cargo: self.pilots.hold(index),
            hull: row.map_or(0, |row| self.entities.hulls[row]),
            fuel: row.map_or(0.0, |row| self.entities.fuels[row]),
            docked_at: row.and_then(|row| self.entities.docks[row]),
            dock_ready_tick: row.map_or(0, |row| self.entities.dock_ready_ticks[row]),
            home: self.pilots.homes[index],
            last_input_seq: self.pilots.last_input_seqs[index],
        })
    }

    /// An entity's id as the wire has it; empty for a station that is not of this system.
    pub fn id_text<'a>(&'a self, id: &'a EntityId) -> &'a str {
        match id {
            EntityId::Numbered(text) => text.as_str(),
            EntityId::Station(index) => match self.system().station(*index) {
                Some(station) => station.id.as_str(),
                None => "",
            },
        }
    }

    /// The constants of flight in a tick.
    pub fn flight(&self) -> Flight {
        self.context.flight
    }

    /// Stations stand in the first rows, for ever.
    pub fn stations_count(&self) -> usize {
        self.context.stations_count()
    }
}

/// The stations of a system in its first rows.
fn stations(system: &System) -> Entities {
    let mut entities = Entities::default();
    for (index, station) in system.stations.iter().enumerate() {
        let id = EntityId::Station(StationIndex(index as u16));
        let handle = entities.insert(Row {
            radius: station.radius,
            ..Row::new(EntityKind::Station, id, (station.x, station.y))
        });
        assert!(
            handle.is_some(),
            "a universe has fewer stations than a world has rows"
        );
    }
    entities
}
