//! What a pilot may ask of a station, the two answers, and the entries that a ledger keeps.
//!
//! Owns the plain types of trade. Holds no state and decides nothing; `server` turns a [`Refusal`]
//! into a wire code and a [`Posting`] into a ledger row.

use crate::ids::{CommodityIndex, PlayerId, StationIndex};

/// Something that a docked pilot asks of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Goods into the hold, or fuel into the tank.
    Buy(Trade),
    /// Goods out of the hold.
    Sell(Trade),
    /// Hull points, as many as are missing and can be paid.
    Repair {
        /// Where.
        station: StationIndex,
    },
}

impl Order {
    /// The station that the order is meant for.
    pub fn station(&self) -> StationIndex {
        match self {
            Self::Buy(trade) | Self::Sell(trade) => trade.station,
            Self::Repair { station } => *station,
        }
    }
}

/// The subject of a purchase or a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Where.
    pub station: StationIndex,
    /// What.
    pub commodity: CommodityIndex,
    /// How many units.
    pub quantity: u32,
}

/// An order that was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// What was asked.
    pub order: Order,
    /// Units traded, or hull points restored.
    pub quantity: u32,
    /// Credits a unit.
    pub unit_price: i64,
    /// Credits in all: `quantity · unit_price`.
    pub total: i64,
}

/// Why an order was not carried out. In the order in which the reasons are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The ship is gone; another is on its way.
    ShipDestroyed,
    /// The ship is in space.
    NotDocked,
    /// The ship is docked, elsewhere.
    WrongStation,
    /// The station does not trade this.
    UnknownCommodity,
    /// Nothing, or more than any station or account holds.
    InvalidQuantity,
    /// The pilot cannot pay.
    InsufficientCredits,
    /// The hold has not that much of it.
    InsufficientCargo,
    /// The hold, or for fuel the tank, has no room.
    CargoFull,
    /// The station has not that much of it.
    OutOfStock,
    /// The hull is whole.
    NothingToRepair,
}

/// Why money or goods moved; with [`Posting`] it says from where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// Credits from nowhere to a new pilot.
    Grant,
    /// Goods from station to pilot, credits from pilot to station.
    Buy,
    /// Goods from pilot to station, credits from station to pilot.
    Sell,
    /// Credits from pilot to station; the quantity is hull points.
    Repair,
    /// Credits from nowhere to the pilot who made the kill.
    Bounty,
    /// Fuel from the pilot to nowhere, at once when it is bought: a tank is no hold.
    FuelBurned,
    /// Goods from the hold of a destroyed ship to nowhere.
    CargoLost,
    /// Goods from nowhere to a station when its market first opens.
    Opening,
    /// Goods from nowhere to a station.
    Production,
    /// Goods from a station to nowhere.
    Consumption,
}

/// One movement of money or goods. Amounts are never negative: the cause is the direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Why, and so from where to where.
    pub cause: Cause,
    /// The pilot on one side of it.
    pub player: Option<PlayerId>,
    /// The station on the other.
    pub station: Option<StationIndex>,
    /// What goods moved.
    pub commodity: Option<CommodityIndex>,
    /// Units of goods, or hull points.
    pub quantity: i64,
    /// Credits a unit.
    pub unit_price: i64,
    /// Credits in all.
    pub total: i64,
    /// The order that this belongs to.
    pub ticket: Option<u64>,
}

impl Posting {
    /// Goods that a station made, used up or began with.
    pub fn of_stock(
        cause: Cause,
        station: StationIndex,
        commodity: CommodityIndex,
        quantity: i64,
    ) -> Self {
        Self {
            cause,
            player: None,
            station: Some(station),
            commodity: Some(commodity),
            quantity,
            unit_price: 0,
            total: 0,
            ticket: None,
        }
    }
}
