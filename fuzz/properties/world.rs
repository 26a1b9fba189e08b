//! Any list of things done to one world, beside books that believe nothing but postings.
//!
//! After each tick: every number is finite, every body inside the walls and in its own cell's run,
//! every order has exactly one receipt; each pilot owns what the postings sum to, each shelf holds
//! what they sum to, and all credits together are those that were brought in, granted and earned,
//! less those that were spent.

#![allow(clippy::expect_used, reason = "a property that does not hold panics")]

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use orrery::ids::{CommodityIndex, EntityKind, Handle, PlayerId, StationIndex, SystemIndex};
use orrery::limits::{ENTITIES_MAX, INTEREST_CELL_MARGIN};
use orrery::sim::{Cause, Command, NO_CELL, Order, Pilot, Place, Posting, RemovalReason, World};
use orrery::universe::{Population, Universe};

/// Ticks that one input may last.
const TICKS_MAX: u32 = 120;

/// Something done to the world between two ticks, or the ticks themselves. Numbers may be wild.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A pilot appears in space.
    Admit {
        /// East of the centre, u.
        x: f32,
        /// North of the centre, u.
        y: f32,
        /// Along both axes, u/s, and the heading.
        speed: f32,
        /// Hull points, none or less included.
        hull: i32,
    },
    /// A new pilot.
    AdmitNew,
    /// A pilot at a station.
    AdmitDocked(u16),
    /// One who went out comes in again with what was taken along.
    Return,
    /// A pilot goes out.
    Dismiss(usize),
    /// A pilot takes the controls anew.
    Attach(usize),
    /// A pilot lets go of the controls.
    Detach(usize),
    /// A pilot steers, with any numbers.
    Steer {
        /// Number of the pilot who steers.
        who: usize,
        /// Share of full thrust, before clamping.
        thrust: f32,
        /// Share of the full turn rate, before clamping.
        turn: f32,
        /// Whether the trigger is held.
        fire: bool,
        /// The request for a dock.
        dock: bool,
    },
    /// A pilot gives an order, docked or not.
    Order(usize, Order),
    /// Nobody is shown the tick that was.
    CarryOver,
    /// Time passes, in ticks.
    Step(u8),
}

/// Checks one input: the first byte chooses the system, each further one begins an action.
pub(crate) fn check(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else {
        return;
    };
    let mut bytes = Bytes(rest);
    run(first, std::iter::from_fn(|| bytes.action()));
}

/// Runs actions against a fresh world, for [`TICKS_MAX`] at most.
pub(crate) fn run(seed: u8, actions: impl IntoIterator<Item = Action>) {
    let mut bench = Bench::new(u16::from(seed) % 2, u64::from(seed));
    for action in actions {
        bench.act(&action);
        if bench.world.tick() >= u64::from(TICKS_MAX) {
            return;
        }
    }
    bench.step();
}

/// Reads actions out of any bytes.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// A number around −1.5–1.5 times the scale, or one that breaks things.
    fn number(&mut self, scale: f32) -> Option<f32> {
        const ODD: [f32; 8] = [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MAX,
            f32::MIN_POSITIVE,
            -0.0,
            1e20,
            -1e-30,
        ];
        let byte = self.byte()?;
        let odd = usize::from(byte)
            .checked_sub(248)
            .and_then(|at| ODD.get(at));
        Some(odd.map_or((f32::from(byte) - 124.0) / 82.0 * scale, |&number| number))
    }

    fn who(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    fn order(&mut self, which: u8) -> Option<Order> {
        let byte = self.byte()?;
        let station = StationIndex(u16::from(byte % 4));
        let commodity = CommodityIndex(u16::from(byte / 4 % 8));
        if which == 2 {
            return Some(Order::Repair { station });
        }
        let byte = self.byte()?;
        // Most orders are small, some as large as they come.
        let quantity = match byte {
            0..=250 => u32::from(byte % 60),
            _ => u32::MAX >> ((255 - byte) * 5),
        };
        Some(if which == 0 {
            Order::Buy {
                station,
                commodity,
                quantity,
            }
        } else {
            Order::Sell {
                station,
                commodity,
                quantity,
            }
        })
    }

    fn action(&mut self) -> Option<Action> {
        let byte = self.byte()?;
        Some(match byte % 16 {
            0 => Action::Admit {
                x: self.number(1_800.0)?,
                y: self.number(1_800.0)?,
                speed: self.number(300.0)?,
                hull: i32::from(self.byte()?) - 20,
            },
            1 => Action::AdmitNew,
            2 => Action::AdmitDocked(u16::from(byte / 16 % 4)),
            3 => Action::Return,
            4 => Action::Dismiss(self.who()?),
            5 => Action::Attach(self.who()?),
            6 => Action::Detach(self.who()?),
            7..=9 => Action::Steer {
                who: self.who()?,
                thrust: self.number(1.0)?,
                turn: self.number(1.0)?,
                fire: byte & 16 != 0,
                dock: byte & 32 != 0,
            },
            which @ 10..=12 => {
                let who = self.who()?;
                Action::Order(who, self.order(which - 10)?)
            }
            13 => Action::CarryOver,
            _ => Action::Step(byte / 16 * 2 + 1),
        })
    }
}

/// Two systems of close quarters: the built-in ones with their stations, pirates and traders
/// nearer to each other.
fn universe() -> &'static Arc<Universe> {
    static UNIVERSE: OnceLock<Arc<Universe>> = OnceLock::new();
    UNIVERSE.get_or_init(|| {
        let mut universe = Universe::clone(&Universe::built_in());
        universe.weapon.damage = 34;
        universe.economy.drift_ticks = 30;
        universe.npcs.pirate.respawn_ticks = 60;
        universe.systems.truncate(2);
        for system in &mut universe.systems {
            system.half_extent = 2_600.0;
            system.stations.retain(|station| {
                station.x.abs().max(station.y.abs()) + station.docking_radius < 2_500.0
            });
            system
                .zones
                .retain(|zone| zone.x.abs().max(zone.y.abs()) < 2_500.0);
            system.ambient.pvp_allowed = true;
            system.population = Population {
                pirates: 2,
                patrols: 1,
                traders: 1,
            };
        }
        Arc::new(universe)
    })
}

/// What postings sum to.
#[derive(Default)]
struct Books {
    credits: HashMap<PlayerId, i64>,
    holds: HashMap<PlayerId, HashMap<CommodityIndex, i64>>,
    stocks: HashMap<(StationIndex, CommodityIndex), i64>,
    /// All credits there ever were, less those that are no more.
    money: i64,
}

impl Books {
    fn post(&mut self, posting: &Posting) {
        let (money, stock, hold) = match posting.cause {
            Cause::Grant | Cause::Bounty => (1, 0, 0),
            Cause::Buy => (-1, -1, 1),
            Cause::Sell => (1, 1, -1),
            Cause::Repair => (-1, 0, 0),
            Cause::FuelBurned | Cause::CargoLost => (0, 0, -1),
            Cause::Production => (0, 1, 0),
            Cause::Consumption => (0, -1, 0),
        };
        assert!(posting.total >= 0 && posting.quantity >= 0, "{posting:?}");
        if let (Some(station), Some(commodity)) = (posting.station, posting.commodity) {
            let shelf = self.stocks.entry((station, commodity)).or_default();
            *shelf += stock * posting.quantity;
            assert_eq!(posting.stock_after, Some(*shelf), "{posting:?}");
        }
        let Some(player) = &posting.player else {
            return;
        };
        self.money += money * posting.total;
        let balance = self.credits.get_mut(player).expect("somebody known");
        *balance += money * posting.total;
        assert!(*balance >= 0, "{posting:?}");
        assert_eq!(posting.balance_after, Some(*balance), "{posting:?}");
        if let Some(commodity) = posting.commodity {
            let held = self.holds.entry(player.clone()).or_default();
            let held = held.entry(commodity).or_default();
            *held += hold * posting.quantity;
            assert!(*held >= 0, "{posting:?}");
        }
    }

    fn agrees(&self, player: &PlayerId, credits: i64, cargo: &[u32]) {
        assert_eq!(Some(&credits), self.credits.get(player), "{player}");
        let held = self.holds.get(player);
        for (place, &units) in cargo.iter().enumerate() {
            let commodity = CommodityIndex(place as u16);
            let booked = held.and_then(|held| held.get(&commodity)).copied();
            assert_eq!(i64::from(units), booked.unwrap_or(0), "{player}");
        }
    }
}

/// The world under test, and a ledger that believes nothing but postings.
struct Bench {
    world: World,
    ships: Vec<Handle>,
    /// Pilots who went out, as they went.
    ashore: Vec<Pilot>,
    commands: Vec<Command>,
    seq: u64,
    tickets: BTreeSet<u64>,
    books: Books,
}

impl Bench {
    fn new(system: u16, seed: u64) -> Self {
        let universe = Arc::clone(universe());
        Self {
            world: World::new(universe, SystemIndex(system), seed, None),
            ships: Vec::new(),
            ashore: Vec::new(),
            commands: Vec::new(),
            seq: 0,
            tickets: BTreeSet::new(),
            books: Books::default(),
        }
    }

    fn admit(&mut self, place: Place, hull: i32) {
        let pilot = Pilot {
            player: PlayerId::parse(&format!("p{}", self.seq)).expect("a name"),
            credits: 5_000,
            cargo: if place == Place::New {
                vec![]
            } else {
                vec![0, 2, 2]
            },
            hull,
            fuel: 10.0,
            place,
            home: None,
        };
        if self.enter(&pilot) {
            // A new pilot's credits come out of a posting.
            let brought = if place == Place::New { 0 } else { 5_000 };
            self.books.money += brought;
            self.books.credits.insert(pilot.player.clone(), brought);
            let held = pilot.cargo.iter().zip(0..);
            let held = held.map(|(&units, place)| (CommodityIndex(place), i64::from(units)));
            self.books.holds.insert(pilot.player, held.collect());
        }
    }

    fn enter(&mut self, pilot: &Pilot) -> bool {
        let Ok(ship) = self.world.admit(pilot) else {
            return false;
        };
        self.ships.push(ship);
        true
    }

    pub(crate) fn act(&mut self, action: &Action) {
        self.seq += 1;
        let seq = self.seq;
        match *action {
            Action::Admit { x, y, speed, hull } => {
                let (vx, vy, rotation) = (speed, -speed, speed);
                self.admit(
                    Place::Space {
                        x,
                        y,
                        vx,
                        vy,
                        rotation,
                    },
                    hull,
                );
            }
            Action::AdmitNew => self.admit(Place::New, 100),
            Action::AdmitDocked(station) => self.admit(Place::Docked(StationIndex(station)), 40),
            Action::Return => self.come_back(),
            Action::Dismiss(who) => self.dismiss(who),
            Action::Attach(who) => {
                if let Some(ship) = self.ship(who) {
                    self.world.attach(ship);
                }
            }
            Action::Detach(who) => {
                if let Some(ship) = self.ship(who) {
                    self.world.detach(ship);
                }
            }
            Action::Steer {
                who,
                thrust,
                turn,
                fire,
                dock,
            } => {
                let steer = |ship| Command::Steer {
                    ship,
                    seq,
                    thrust,
                    turn,
                    fire,
                    dock,
                };
                self.commands.extend(self.ship(who).map(steer));
            }
            Action::Order(who, order) => self.ask(who, order),
            Action::CarryOver => self.world.carry_over(),
            Action::Step(ticks) => (0..ticks).for_each(|_| self.step()),
        }
    }

    fn come_back(&mut self) {
        if let Some(pilot) = self.ashore.pop()
            && !self.enter(&pilot)
        {
            self.ashore.push(pilot);
        }
    }

    fn ask(&mut self, who: usize, order: Order) {
        let (ticket, seq) = (self.seq, self.seq);
        if let Some(ship) = self.ship(who) {
            self.tickets.insert(ticket);
            self.commands.push(Command::Order {
                ship,
                seq,
                ticket,
                order,
            });
        }
    }

    fn dismiss(&mut self, who: usize) {
        let Some(ship) = self.ship(who) else { return };
        let Some(pilot) = self.world.dismiss(ship, RemovalReason::Despawned) else {
            return;
        };
        assert!(pilot.hull > 0 && pilot.fuel.is_finite());
        // What moved it since the last step has been booked with that step, but for the grant.
        if self.books.credits.get(&pilot.player) != Some(&0) {
            self.books
                .agrees(&pilot.player, pilot.credits, &pilot.cargo);
        }
        self.ashore.push(pilot);
    }

    fn ship(&self, who: usize) -> Option<Handle> {
        self.ships.get(who % self.ships.len().max(1)).copied()
    }

    pub(crate) fn step(&mut self) {
        self.world.step(&mut self.commands);
        assert!(self.commands.is_empty());
        for receipt in &self.world.outcome().receipts {
            assert!(self.tickets.remove(&receipt.ticket), "one receipt an order");
        }
        assert!(self.tickets.is_empty(), "each order has its receipt");
        for posting in &self.world.outcome().postings {
            self.books.post(posting);
        }
        let mut money: i64 = self.ashore.iter().map(|pilot| pilot.credits).sum();
        for &ship in self.world.pilot_ships() {
            let pilot = self.world.pilot(ship).expect("listed");
            self.books.agrees(pilot.player, pilot.credits, pilot.cargo);
            money += pilot.credits;
            let load: u32 = pilot.cargo.iter().sum();
            assert!(load <= self.world.universe().ship.cargo_capacity);
        }
        assert_eq!(money, self.books.money, "money conserved");
        for (station, commodity, units) in self.world.market().stocks() {
            let booked = self.books.stocks.get(&(station, commodity));
            assert_eq!(units, booked.copied().unwrap_or(0), "goods conserved");
        }
        self.check_rows();
    }

    /// An entity is in its cell, or not farther beyond the border than a cell is kept.
    fn check_cell(&self, cell: u32, x: f32, y: f32) {
        let cells = self.world.cells();
        let slack = INTEREST_CELL_MARGIN + 0.01;
        let (column, row) = (cell % cells.columns(), cell / cells.columns());
        for (index, extent, along) in [(column, cells.width(), x), (row, cells.height(), y)] {
            let start = index as f32 * extent - cells.half_extent();
            let reach = start - slack..=start + extent + slack;
            assert!(reach.contains(&along), "{along} in cell {index}");
        }
    }

    fn check_rows(&self) {
        let entities = self.world.entities();
        let half = self.world.system().half_extent;
        assert!(entities.len() <= ENTITIES_MAX);
        assert!(self.world.pilots_count() <= self.world.system().pilots_max as usize);
        for row in 0..entities.len() {
            let (x, y) = (entities.xs()[row], entities.ys()[row]);
            assert!(x.abs() <= half && y.abs() <= half, "{x} {y}");
            let (vx, vy) = (entities.vxs()[row], entities.vys()[row]);
            assert!(vx.is_finite() && vy.is_finite(), "{vx} {vy}");
            let (hx, hy) = (entities.heading_xs()[row], entities.heading_ys()[row]);
            assert!((hx * hx + hy * hy - 1.0).abs() < 1e-3, "{hx} {hy}");
            let (thrust, turn) = (entities.thrusts()[row], entities.turns()[row]);
            assert!((0.0..=1.0).contains(&thrust) && (-1.0..=1.0).contains(&turn));
            let fuel = entities.fuels()[row];
            assert!(fuel >= 0.0 && fuel.is_finite(), "{fuel}");
            let cell = entities.cells()[row];
            self.check_cell(cell, x, y);
            let residents = self.world.cell_order().rows_of(cell);
            assert!(residents.contains(&(row as u32)));
            assert_eq!(entities.row(entities.handles()[row]), Some(row));
            if !matches!(
                entities.kinds()[row],
                EntityKind::Projectile | EntityKind::Station
            ) {
                assert!(entities.hulls()[row] > 0, "the dead are taken out");
                let is_docked = entities.docks()[row].is_some();
                assert!(!is_docked || (vx.abs() + vy.abs()) < f32::EPSILON);
            }
        }
        let cells = self.world.cell_order().starts.len();
        for gone in &self.world.outcome().departures {
            assert!(gone.cell == NO_CELL || (gone.cell as usize) < cells);
        }
    }
}
