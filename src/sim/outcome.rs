//! What one tick brought about, besides the columns: answers, money moved, things seen.
//!
//! Owns the buffers that a tick fills and others read: receipts for `server`, postings for the
//! ledger, events, hits and departures for `replication`. Nothing here changes the world. Buffers
//! are reused: each holds exactly what happened between the end of the previous step and the end of
//! this one (admissions and dismissals between steps are reported by the step that follows); events
//! and departures of a tick that nobody was shown are kept for the next.
//!
//! Order inside each buffer is the order of cause, and the same for any number of workers.

use serde::{Deserialize, Serialize};

use super::entity_id::EntityId;
use crate::ids::{CommodityIndex, EntityKind, Handle, PlayerId, StationIndex};

/// The answer to one order; exactly one an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The order's own number, chosen by whoever gave it.
    pub ticket: u64,
    /// The ship that ordered.
    pub ship: Handle,
    /// What came of it.
    pub result: Result<OrderOutcome, OrderRefusal>,
}

/// An order carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// Goods changed hands.
    Trade(TradeOutcome),
    /// The hull was mended.
    Repair(RepairOutcome),
}

/// A purchase or sale as booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeOutcome {
    /// Credits of the pilot afterwards.
    pub credits: i64,
    /// Units of this commodity in the hold afterwards.
    pub held: u32,
    /// Station that served the order.
    pub station: StationIndex,
    /// Commodity that was traded.
    pub commodity: CommodityIndex,
    /// Units that changed hands; less than asked only for fuel that did not fit.
    pub quantity: u32,
    /// Credits a unit.
    pub unit_price: i64,
    /// Unit price × quantity.
    pub total: i64,
}

/// A repair as booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairOutcome {
    /// Credits of the pilot afterwards.
    pub credits: i64,
    /// Hull points afterwards.
    pub hull: i32,
    /// Station that served the order.
    pub station: StationIndex,
    /// Hull points mended.
    pub hull_restored: i32,
    /// Credits a hull point.
    pub unit_price: i64,
    /// Unit price × points.
    pub total: i64,
}

/// Why an order was not carried out; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderRefusal {
    /// The ship is in open space.
    NotDocked,
    /// The ship is docked at another station.
    WrongStation,
    /// The station does not trade this.
    UnknownCommodity,
    /// Zero, or more than an order may ask for.
    InvalidQuantity,
    /// The pilot can't pay.
    InsufficientCredits,
    /// The hold has less than that.
    InsufficientCargo,
    /// Hold or tank can't take that much.
    CargoFull,
    /// The station has less than that.
    OutOfStock,
    /// The hull is whole.
    NothingToRepair,
    /// The ship is destroyed and not yet back, or not here at all.
    ShipDestroyed,
}

/// Why money or goods moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A new pilot's first credits, from nowhere.
    Grant,
    /// A pilot bought goods from a station.
    Buy,
    /// A pilot sold goods to a station.
    Sell,
    /// A pilot paid for hull points.
    Repair,
    /// A kill was paid for, from nowhere.
    Bounty,
    /// Fuel bought left the goods economy for a tank.
    FuelBurned,
    /// Goods were lost with a ship.
    CargoLost,
    /// A station's own production filled its stock.
    Production,
    /// A station's own consumption drained its stock.
    Consumption,
}

/// Money or goods that moved: one line for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Reason for which money or goods moved.
    pub cause: Cause,
    /// The pilot concerned.
    pub player: Option<PlayerId>,
    /// The station concerned.
    pub station: Option<StationIndex>,
    /// The goods concerned; none where only money moved.
    pub commodity: Option<CommodityIndex>,
    /// Units that moved (hull points for a repair), never negative; the cause says which way.
    pub quantity: i64,
    /// Credits a unit.
    pub unit_price: i64,
    /// Credits that moved, never negative; the cause says which way.
    pub total: i64,
    /// The pilot's credits afterwards, where a pilot is concerned.
    pub balance_after: Option<i64>,
    /// The station's stock afterwards, where one is concerned.
    pub stock_after: Option<i64>,
    /// The order that caused it.
    pub ticket: Option<u64>,
}

impl Posting {
    /// A posting in which nothing moves and nobody is concerned, to be filled in.
    pub fn new(cause: Cause) -> Self {
        Self {
            cause,
            player: None,
            station: None,
            commodity: None,
            quantity: 0,
            unit_price: 0,
            total: 0,
            balance_after: None,
            stock_after: None,
            ticket: None,
        }
    }
}

/// Something that whoever sees the place may be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// What happened, and to whom.
    pub kind: EventKind,
    /// Where, east of the centre, u.
    pub x: f32,
    /// Where, north of the centre, u.
    pub y: f32,
}

/// What an [`Event`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A ship fired.
    ProjectileFired {
        /// Ship that fired.
        source: EntityId,
        /// Projectile that was fired.
        projectile: EntityId,
    },
    /// A ship docked.
    Docked {
        /// Ship that docked or undocked.
        ship: EntityId,
        /// Station at which that was.
        station: StationIndex,
    },
    /// A ship left its dock.
    Undocked {
        /// Ship that docked or undocked.
        ship: EntityId,
        /// Which it left.
        station: StationIndex,
    },
}

/// What a [`CombatEvent`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CombatKind {
    /// A shot took hull points.
    Hit,
    /// It took the last.
    Destroyed,
}

/// A hit or a kill, for both sides of it. A kill is told after the hit that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CombatEvent {
    /// Hit or kill.
    pub kind: CombatKind,
    /// The shooter's ship; may no longer resolve.
    pub source_ship: Handle,
    /// The shooter's wire id.
    pub source: EntityId,
    /// The ship that was hit; aside or gone once destroyed.
    pub target_ship: Handle,
    /// Its wire id.
    pub target: EntityId,
    /// Hull points that the shot takes; fewer were left if it killed.
    pub damage: i32,
    /// Hull points left.
    pub target_hp: i32,
}

/// Why an entity is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RemovalReason {
    /// Shot down, or a shot that hit.
    Destroyed,
    /// Went to another system.
    Jumped,
    /// Logged out, or ran out of life.
    Despawned,
}

/// An entity that left the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Its wire id.
    pub id: EntityId,
    /// What it was.
    pub kind: EntityKind,
    /// The cell in which the last published tick showed it; [`NO_CELL`](super::NO_CELL) if none did.
    pub cell: u32,
    /// Where it was last, east of the centre, u.
    pub x: f32,
    /// Where it was last, north of the centre, u.
    pub y: f32,
    /// Reason for which the entity is gone.
    pub gone: RemovalReason,
}

impl Removal {
    /// The departure of an entity with these last values; `is_carried` says that the last tick was
    /// not shown.
    pub(super) fn of(row: &super::entities::Row, gone: RemovalReason, is_carried: bool) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            cell: if is_carried {
                row.previous_cell
            } else {
                row.cell
            },
            x: row.x,
            y: row.y,
            gone,
        }
    }
}

/// Everything that one tick brought about; see the module's page.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One answer an order.
    pub receipts: Vec<Receipt>,
    /// Money and goods that moved.
    pub postings: Vec<Posting>,
    /// What onlookers may be told.
    pub events: Vec<Event>,
    /// Hits and kills.
    pub combat: Vec<CombatEvent>,
    /// Entities that are no longer there.
    pub departures: Vec<Removal>,
}

impl Outcome {
    /// Begins a tick with what has come up since the last one, which is taken out of `pending`.
    /// What onlookers have not been shown yet stays before it.
    pub(super) fn follow(&mut self, pending: &mut Self, is_carried: bool) {
        if !is_carried {
            self.events.clear();
            self.departures.clear();
        }
        self.receipts.clear();
        self.postings.clear();
        self.combat.clear();
        self.receipts.append(&mut pending.receipts);
        self.postings.append(&mut pending.postings);
        self.events.append(&mut pending.events);
        self.combat.append(&mut pending.combat);
        self.departures.append(&mut pending.departures);
    }
}
