//! One system's world and its tick.
//!
//! Owns the columns, the pilots and the order of the phases. It decides nothing itself: each phase
//! is a file with one verb, and `step` is their table of contents. Between steps the world only
//! takes pilots in, gives them out, and is read.
//!
//! Invariants after every step: all numbers finite, every body inside the walls, every row in
//! exactly one cell's run, `outcome` complete; the same commands give the same `state_hash` under
//! any number of workers.

use std::sync::Arc;

use super::cells::{CellOrder, Cells};
use super::command::Command;
use super::contacts::Contacts;
use super::docking::Undockings;
use super::entities::{Entities, NO_CELL, Row};
use super::entity_id::EntityId;
use super::market::{Market, Stock};
use super::motion::{self, Flight};
use super::npc::{self, Npcs};
use super::orders::DrawnOrder;
use super::outcome::{Outcome, Posting};
use super::pilot::{PilotView, Pilots};
use super::reaping::Wreck;
use super::space::Space;
use super::spawning::SpiralSearch;
use super::zones::{ZoneContext, Zones};
use super::{blending, combat, contacts, control, docking, orders, reaping};
use crate::ids::{EntityKind, Handle, StationIndex, SystemIndex};
use crate::limits::INTEREST_CELL_HEIGHT;
use crate::universe::{System, Universe};

/// One system, simulated.
#[derive(Debug)]
pub struct World {
    pub(super) universe: Arc<Universe>,
    pub(super) system_index: SystemIndex,
    pub(super) seed: u64,
    /// Simulated time: what timers run on.
    pub(super) tick: u64,
    pub(super) entities: Entities,
    pub(super) pilots: Pilots,
    pub(super) cells: Cells,
    pub(super) space: Space,
    pub(super) contacts: Contacts,
    pub(super) zones: Zones,
    pub(super) market: Market,
    /// Orders of this tick that are not answered yet.
    pub(super) orders: Vec<DrawnOrder>,
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
}

impl World {
    /// An empty system: its stations, the ships that the server flies, and nobody else. `stocks`
    /// are the stations' shelves as stored; without them every shelf is at its target.
    pub fn new(
        universe: Arc<Universe>,
        system_index: SystemIndex,
        seed: u64,
        stocks: Option<&[Stock]>,
    ) -> Self {
        let commodities_count = universe.commodities.len();
        let system = &universe.systems[system_index.0 as usize];
        let half_extent = system.half_extent;
        let zones = Zones::new(system);
        let mut pending = Outcome::default();
        let stocks = stocks.unwrap_or_default();
        let market = Market::new(&universe, system_index, stocks, &mut pending.postings);
        let spiral = SpiralSearch::new(universe.ship.radius, system.stations.len());
        let npcs = Npcs::new(&universe, system_index);
        let mut world = Self {
            universe,
            system_index,
            seed,
            tick: 0,
            entities: Entities::default(),
            pilots: Pilots::new(commodities_count),
            cells: Cells::new(half_extent, INTEREST_CELL_HEIGHT),
            space: Space::new(half_extent),
            contacts: Contacts::default(),
            zones,
            market,
            orders: Vec::new(),
            undockings: Undockings::default(),
            dead: Vec::new(),
            wrecks: Vec::new(),
            npcs,
            outcome: Outcome::default(),
            pending,
            spiral,
            is_carried: false,
        };
        world.found_stations();
        world.cells.sort(&mut world.entities, false);
        world
    }

    /// The same world with interest cells of another height, u; [`Cells::new`] says how it is bounded.
    #[must_use]
    pub fn with_cell_height(mut self, height: f32) -> Self {
        self.cells = Cells::new(self.system().half_extent, height);
        self.cells.sort(&mut self.entities, false);
        self
    }

    fn found_stations(&mut self) {
        let universe = Arc::clone(&self.universe);
        let stations = &universe.systems[self.system_index.0 as usize].stations;
        for (index, station) in stations.iter().enumerate() {
            self.entities.insert(Row {
                x: station.x,
                y: station.y,
                vx: 0.0,
                vy: 0.0,
                heading_x: 1.0,
                heading_y: 0.0,
                thrust: 0.0,
                turn: 0.0,
                fuel: 0.0,
                drag: 0.0,
                last_changed_tick: 0,
                kind: EntityKind::Station,
                radius: station.radius,
                hull: 0,
                dock: None,
                trigger: false,
                dock_request: false,
                deadline: 0,
                dock_ready_tick: 0,
                cell: NO_CELL,
                previous_cell: NO_CELL,
                id: EntityId::Station(StationIndex(index as u16)),
                shooter: None,
            });
        }
    }

    /// Advances the world by one tick of 1/30 s. Takes the commands out of the vector;
    /// those beyond [`COMMANDS_PER_TICK_MAX`](crate::limits::COMMANDS_PER_TICK_MAX) stay in it for
    /// the next. Work is linear in rows, contacts and commands.
    pub fn step(&mut self, commands: &mut Vec<Command>) {
        self.tick += 1;
        self.outcome.follow(&mut self.pending, self.is_carried);

        control::take(self, commands);
        orders::fill_docked(self);
        docking::undock(self);
        npc::fly(self);
        motion::integrate(self);
        self.spiral.forget();
        contacts::refresh(self);
        contacts::find(self);
        contacts::settle(self);
        combat::strike(self);
        npc::notice(self);
        docking::dock(self);
        orders::fill_rest(self);
        orders::drift(self);
        combat::fire(self);
        reaping::reap(self);
        blending::blend(self);
        self.cells.sort(&mut self.entities, self.is_carried);
        self.is_carried = false;
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

    /// What the last step brought about.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Ticks since the world began.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// What its chances are drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
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
        &self.universe
    }

    /// The system that this is.
    pub fn system(&self) -> &System {
        &self.universe.systems[self.system_index.0 as usize]
    }

    /// Its place in the universe.
    pub fn system_index(&self) -> SystemIndex {
        self.system_index
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
        Flight::new(&self.universe.ship, self.system().half_extent)
    }

    /// Stations stand in the first rows, for ever.
    pub fn stations_count(&self) -> usize {
        self.system().stations.len()
    }
}
