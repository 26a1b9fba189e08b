//! The markets of one system: what each station holds, what it asks, and every order upon it.
//!
//! Owns the stock of each (station, commodity); a price is a function of it, so stock is all that
//! must outlive a restart. Never touches a ship: an order works on the [`PilotAccount`] it is handed.
//! Invariants: every change of stock, hold or balance leaves a [`Posting`]; a refused order changes
//! nothing; stock stays in `[0, STOCK_MAX]`; all arithmetic is integer and cannot overflow.
//!
//! Call order in a tick: [`Market::fill`] for each order in turn, then [`Market::drift`] once.

mod price;

#[cfg(test)]
mod model_tests;

pub use price::{Quote, quote};

use super::command::Order;
use super::outcome::{Cause, OrderOutcome, OrderRefusal, Posting, RepairOutcome, TradeOutcome};
use crate::ids::{CommodityIndex, PlayerId, StationIndex, SystemIndex};
use crate::limits::STOCK_MAX;
use crate::universe::{Economy, Listing, Universe};

/// What a pilot owns, as an order sees and changes it.
#[derive(Debug)]
pub struct PilotAccount<'a> {
    /// Player whose account it is.
    pub player: &'a PlayerId,
    /// Where the ship is docked; `None` in space.
    pub docked_at: Option<StationIndex>,
    /// Whether the ship is destroyed and not yet replaced.
    pub destroyed: bool,
    /// Balance in whole credits, never below 0.
    pub credits: &'a mut i64,
    /// The hold, an entry for each commodity of the universe.
    pub cargo: &'a mut [u32],
    /// What is in the tank.
    pub fuel: &'a mut f32,
    /// Hull points left, from 1 up.
    pub hull: &'a mut i32,
}

/// The stock of one listing, as a store keeps it: where, what, how many units.
pub type Stock = (StationIndex, CommodityIndex, i64);

/// One line of a station's market, as a snapshot shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is traded.
    pub commodity: CommodityIndex,
    /// What it costs and brings.
    pub quote: Quote,
    /// Units on the shelf.
    pub stock: i64,
}

/// The markets of a system. A row a listing, a station's rows next to each other.
#[derive(Clone, Debug)]
pub struct Market {
    listings: Vec<Listing>,
    stations: Vec<StationIndex>,
    stocks: Vec<i64>,
    /// First row of each station, and one past the last row of all.
    starts: Vec<usize>,
    repair_prices: Vec<i64>,
    economy: Economy,
    fuel: CommodityIndex,
    cargo_capacity: u32,
    fuel_max: f32,
    hull_max: i32,
}

impl Market {
    /// The markets of a system. A listing that `stored` knows takes its stock from there (held to
    /// the bounds); one that it does not know opens at its target, produced from nothing.
    /// Work: listings × stored.
    ///
    /// # Panics
    /// If the universe has no such system.
    pub fn new(
        universe: &Universe,
        system: SystemIndex,
        stored: &[Stock],
        postings: &mut Vec<Posting>,
    ) -> Self {
        let stations = &universe.systems[usize::from(system.0)].stations;
        let mut market = Self {
            listings: Vec::new(),
            stations: Vec::new(),
            stocks: Vec::new(),
            starts: vec![0],
            repair_prices: stations
                .iter()
                .map(|station| station.repair_price)
                .collect(),
            economy: universe.economy,
            fuel: universe.fuel,
            cargo_capacity: universe.ship.cargo_capacity,
            fuel_max: universe.ship.fuel_max,
            hull_max: universe.ship.hull_max,
        };
        for (place, station) in stations.iter().enumerate() {
            let index = StationIndex(place as u16);
            for listing in &station.market {
                let same = |stock: &&Stock| stock.0 == index && stock.1 == listing.commodity;
                let units = stored.iter().find(same);
                let units = units.map(|stock| stock.2.clamp(0, STOCK_MAX));
                market.listings.push(*listing);
                market.stations.push(index);
                market.stocks.push(units.unwrap_or(listing.stock_target));
                if units.is_none() {
                    let row = market.stocks.len() - 1;
                    postings.push(market.stocked(Cause::Production, row, listing.stock_target));
                }
            }
            market.starts.push(market.listings.len());
        }
        market
    }

    /// A station's lines, in the universe's order; none for a station that does not exist.
    pub fn lines(&self, station: StationIndex) -> impl Iterator<Item = Line> + '_ {
        self.rows(station).map(|row| Line {
            commodity: self.listings[row].commodity,
            quote: self.quote(row),
            stock: self.stocks[row],
        })
    }

    /// Every stock, for the store and the state hash; in row order.
    pub fn stocks(&self) -> impl Iterator<Item = Stock> + '_ {
        let rows = self.listings.iter().zip(&self.stations).zip(&self.stocks);
        rows.map(|((listing, station), units)| (*station, listing.commodity, *units))
    }

    /// What of the markets is state, as words for a state hash.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let Self {
            stocks,
            // The universe's, which never changes.
            listings: _,
            stations: _,
            starts: _,
            repair_prices: _,
            economy: _,
            fuel: _,
            cargo_capacity: _,
            fuel_max: _,
            hull_max: _,
        } = self;
        stocks.iter().map(|&units| units as u64)
    }

    /// Puts a unit more on the shelf of a row.
    #[cfg(test)]
    pub(super) fn add_unit(&mut self, row: usize) {
        self.stocks[row] += 1;
    }

    fn rows(&self, station: StationIndex) -> std::ops::Range<usize> {
        let place = usize::from(station.0);
        match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(first), Some(end)) => *first..*end,
            // A client may name any station; one that does not exist sells nothing.
            _ => 0..0,
        }
    }

    /// A scan over one station's lines, at most one a commodity.
    fn row(&self, station: StationIndex, commodity: CommodityIndex) -> Option<usize> {
        self.rows(station)
            .find(|row| self.listings[*row].commodity == commodity)
    }

    fn quote(&self, row: usize) -> Quote {
        quote(&self.listings[row], self.stocks[row], &self.economy)
    }

    /// Carries an order out, or says why not and changes nothing. Reasons are looked for in this
    /// order: destroyed, not docked, docked elsewhere, not traded here, no sensible quantity, credits,
    /// cargo, room, stock. Work: one station's lines and one hold.
    ///
    /// # Errors
    /// The first [`OrderRefusal`] that applies.
    pub fn fill(
        &mut self,
        order: Order,
        ticket: u64,
        account: &mut PilotAccount<'_>,
        postings: &mut Vec<Posting>,
    ) -> Result<OrderOutcome, OrderRefusal> {
        let (Order::Buy { station, .. } | Order::Sell { station, .. } | Order::Repair { station }) =
            order;
        if account.destroyed {
            return Err(OrderRefusal::ShipDestroyed);
        }
        match account.docked_at {
            None => return Err(OrderRefusal::NotDocked),
            Some(dock) if dock != station => return Err(OrderRefusal::WrongStation),
            Some(_) => {}
        }
        match order {
            Order::Buy {
                commodity,
                quantity,
                ..
            } => {
                let row = self
                    .row(station, commodity)
                    .ok_or(OrderRefusal::UnknownCommodity)?;
                let done = self.buy(row, quantity, account)?;
                let bought = self.traded(Cause::Buy, row, done, account, ticket);
                let burned = (commodity == self.fuel).then(|| Posting {
                    cause: Cause::FuelBurned,
                    station: None,
                    stock_after: None,
                    unit_price: 0,
                    total: 0,
                    ..bought.clone()
                });
                postings.push(bought);
                postings.extend(burned);
                Ok(OrderOutcome::Trade(done))
            }
            Order::Sell {
                commodity,
                quantity,
                ..
            } => {
                let row = self
                    .row(station, commodity)
                    .ok_or(OrderRefusal::UnknownCommodity)?;
                let done = self.sell(row, quantity, account)?;
                postings.push(self.traded(Cause::Sell, row, done, account, ticket));
                Ok(OrderOutcome::Trade(done))
            }
            Order::Repair { .. } => {
                let done = self.repair(station, account)?;
                postings.push(mended(done, account, ticket));
                Ok(OrderOutcome::Repair(done))
            }
        }
    }

    fn buy(
        &mut self,
        row: usize,
        quantity: u32,
        account: &mut PilotAccount<'_>,
    ) -> Result<TradeOutcome, OrderRefusal> {
        let (commodity, units) = (self.listings[row].commodity, sensible(quantity)?);
        let unit_price = self.quote(row).buy;
        let total = unit_price.saturating_mul(units);
        let is_fuel = commodity == self.fuel;
        if *account.credits < total {
            return Err(OrderRefusal::InsufficientCredits);
        }
        let room = if is_fuel {
            i64::from((self.fuel_max - *account.fuel).max(0.0).ceil() as u32)
        } else {
            let load: i64 = account.cargo.iter().map(|held| i64::from(*held)).sum();
            i64::from(self.cargo_capacity) - load
        };
        if units > room {
            return Err(OrderRefusal::CargoFull);
        }
        if units > self.stocks[row] {
            return Err(OrderRefusal::OutOfStock);
        }
        let held = &mut account.cargo[usize::from(commodity.0)];
        if is_fuel {
            *account.fuel = (*account.fuel + quantity as f32).min(self.fuel_max);
        } else {
            *held += quantity;
        }
        *account.credits -= total;
        self.stocks[row] -= units;
        let (credits, held, station) = (*account.credits, *held, self.stations[row]);
        Ok(TradeOutcome {
            credits,
            held,
            station,
            commodity,
            quantity,
            unit_price,
            total,
        })
    }

    fn sell(
        &mut self,
        row: usize,
        quantity: u32,
        account: &mut PilotAccount<'_>,
    ) -> Result<TradeOutcome, OrderRefusal> {
        let (commodity, units) = (self.listings[row].commodity, sensible(quantity)?);
        let unit_price = self.quote(row).sell;
        let held = &mut account.cargo[usize::from(commodity.0)];
        if *held < quantity {
            return Err(OrderRefusal::InsufficientCargo);
        }
        let total = unit_price.saturating_mul(units);
        let credits = account
            .credits
            .checked_add(total)
            .ok_or(OrderRefusal::InvalidQuantity)?;
        if self.stocks[row] + units > STOCK_MAX {
            return Err(OrderRefusal::InvalidQuantity);
        }
        *held -= quantity;
        *account.credits = credits;
        self.stocks[row] += units;
        let (held, station) = (*held, self.stations[row]);
        Ok(TradeOutcome {
            credits,
            held,
            station,
            commodity,
            quantity,
            unit_price,
            total,
        })
    }

    /// Restores what is missing, or as much of it as the pilot can pay.
    fn repair(
        &mut self,
        station: StationIndex,
        account: &mut PilotAccount<'_>,
    ) -> Result<RepairOutcome, OrderRefusal> {
        // An account and an order may agree on a station that does not exist.
        let unit_price = *self
            .repair_prices
            .get(usize::from(station.0))
            .ok_or(OrderRefusal::WrongStation)?;
        let missing = i64::from(self.hull_max) - i64::from(*account.hull);
        if missing <= 0 {
            return Err(OrderRefusal::NothingToRepair);
        }
        let points = missing.min(*account.credits / unit_price.max(1));
        if points <= 0 {
            return Err(OrderRefusal::InsufficientCredits);
        }
        let total = points * unit_price;
        let hull_restored = points as i32;
        *account.credits -= total;
        *account.hull += hull_restored;
        let (credits, hull) = (*account.credits, *account.hull);
        Ok(RepairOutcome {
            credits,
            hull,
            station,
            hull_restored,
            unit_price,
            total,
        })
    }

    /// Production and consumption: each listing takes a step towards its target once in
    /// `drift_ticks` ticks, the listings by turns. To be called once a tick. Work: rows /
    /// `drift_ticks`.
    pub fn drift(&mut self, tick: u64, postings: &mut Vec<Posting>) {
        if self.economy.drift_permille == 0 {
            return;
        }
        let period = self.economy.drift_ticks.max(1);
        let turn = (tick % period) as usize;
        for row in (turn..self.stocks.len()).step_by(period as usize) {
            postings.extend(self.drift_row(row));
        }
    }

    fn drift_row(&mut self, row: usize) -> Option<Posting> {
        let gap = self.listings[row].stock_target - self.stocks[row];
        if gap == 0 {
            return None;
        }
        let step = (gap.abs() * self.economy.drift_permille / 1000).clamp(1, gap.abs());
        let cause = if gap > 0 {
            Cause::Production
        } else {
            Cause::Consumption
        };
        self.stocks[row] += step * gap.signum();
        Some(self.stocked(cause, row, step))
    }

    /// Goods that a station made, used up or began with.
    fn stocked(&self, cause: Cause, row: usize, quantity: i64) -> Posting {
        Posting {
            station: Some(self.stations[row]),
            commodity: Some(self.listings[row].commodity),
            quantity,
            stock_after: Some(self.stocks[row]),
            ..Posting::new(cause)
        }
    }

    fn traded(
        &self,
        cause: Cause,
        row: usize,
        done: TradeOutcome,
        account: &PilotAccount<'_>,
        ticket: u64,
    ) -> Posting {
        Posting {
            player: Some(account.player.clone()),
            unit_price: done.unit_price,
            total: done.total,
            balance_after: Some(done.credits),
            ticket: Some(ticket),
            ..self.stocked(cause, row, i64::from(done.quantity))
        }
    }
}

fn mended(done: RepairOutcome, account: &PilotAccount<'_>, ticket: u64) -> Posting {
    Posting {
        player: Some(account.player.clone()),
        station: Some(done.station),
        quantity: i64::from(done.hull_restored),
        unit_price: done.unit_price,
        total: done.total,
        balance_after: Some(done.credits),
        ticket: Some(ticket),
        ..Posting::new(Cause::Repair)
    }
}

/// Units of an order, if they are between 1 and what any station may hold.
fn sensible(quantity: u32) -> Result<i64, OrderRefusal> {
    let units = i64::from(quantity);
    if (1..=STOCK_MAX).contains(&units) {
        Ok(units)
    } else {
        Err(OrderRefusal::InvalidQuantity)
    }
}
