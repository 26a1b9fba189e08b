//! The markets of one system: what each station holds, what it asks, and every order upon it.
//!
//! Owns the stock of each (station, commodity); a price is a function of it, so stock is all that
//! must outlive a restart. Never touches a ship: an order works on the [`Account`] it is handed.
//! Invariants: every change of stock, hold or balance leaves a [`Posting`]; a refused order changes
//! nothing; stock stays in `[0, STOCK_MAX]`; all arithmetic is integer and cannot overflow.
//!
//! Call order in a tick: [`Market::fill`] for each order in turn, then [`Market::drift`] once.

mod order;
mod price;

#[cfg(test)]
mod model_tests;

pub use order::{Cause, Done, Order, Posting, Refusal, Trade};
pub use price::{Quote, quote};

use crate::ids::{CommodityIndex, PlayerId, StationIndex, SystemIndex};
use crate::limits::STOCK_MAX;
use crate::universe::{Economy, Listing, Universe};

/// What a pilot owns, as an order sees and changes it.
#[derive(Debug)]
pub struct Account<'a> {
    /// Who.
    pub player: &'a PlayerId,
    /// Where the ship is docked; `None` in space.
    pub docked_at: Option<StationIndex>,
    /// Whether the ship is destroyed and not yet replaced.
    pub destroyed: bool,
    /// The balance.
    pub credits: &'a mut i64,
    /// The hold, by commodity.
    pub cargo: &'a mut [u32],
    /// What is in the tank.
    pub fuel: &'a mut f32,
    /// Hull points.
    pub hull: &'a mut i32,
}

/// The stock of one listing, as a store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Where.
    pub station: StationIndex,
    /// What.
    pub commodity: CommodityIndex,
    /// How many units.
    pub units: i64,
}

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
    /// the bounds); one that it does not know opens at its target, with a posting that says so.
    /// Work: listings × stored.
    pub fn new(
        universe: &Universe,
        system: SystemIndex,
        stored: &[Stock],
        postings: &mut Vec<Posting>,
    ) -> Self {
        let stations = universe
            .system(system)
            .map_or(&[][..], |system| &system.stations);
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
                let same =
                    |stock: &&Stock| stock.station == index && stock.commodity == listing.commodity;
                let units = stored
                    .iter()
                    .find(same)
                    .map(|stock| stock.units.clamp(0, STOCK_MAX));
                if units.is_none() {
                    let opening = Posting::of_stock(
                        Cause::Opening,
                        index,
                        listing.commodity,
                        listing.stock_target,
                    );
                    postings.push(opening);
                }
                market.listings.push(*listing);
                market.stations.push(index);
                market.stocks.push(units.unwrap_or(listing.stock_target));
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
        rows.map(|((listing, station), units)| Stock {
            station: *station,
            commodity: listing.commodity,
            units: *units,
        })
    }

    fn rows(&self, station: StationIndex) -> std::ops::Range<usize> {
        let place = usize::from(station.0);
        match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(first), Some(end)) => *first..*end,
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

    /// Carries an order out, or says why not and changes nothing. Reasons are looked for in the
    /// order of [`Refusal`]. Work: one station's lines and one hold.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn fill(
        &mut self,
        order: Order,
        ticket: u64,
        account: &mut Account<'_>,
        postings: &mut Vec<Posting>,
    ) -> Result<Done, Refusal> {
        if account.destroyed {
            return Err(Refusal::ShipDestroyed);
        }
        match account.docked_at {
            None => return Err(Refusal::NotDocked),
            Some(station) if station != order.station() => return Err(Refusal::WrongStation),
            Some(_) => {}
        }
        match order {
            Order::Buy(trade) => self.buy(trade, ticket, account, postings),
            Order::Sell(trade) => self.sell(trade, ticket, account, postings),
            Order::Repair { station } => self.repair(station, ticket, account, postings),
        }
    }

    /// The row and the quantity of a trade, once both make sense.
    fn subject(&self, trade: Trade) -> Result<(usize, i64), Refusal> {
        let row = self
            .row(trade.station, trade.commodity)
            .ok_or(Refusal::UnknownCommodity)?;
        let quantity = i64::from(trade.quantity);
        if quantity == 0 || quantity > STOCK_MAX {
            return Err(Refusal::InvalidQuantity);
        }
        Ok((row, quantity))
    }

    fn buy(
        &mut self,
        trade: Trade,
        ticket: u64,
        account: &mut Account<'_>,
        postings: &mut Vec<Posting>,
    ) -> Result<Done, Refusal> {
        let (row, quantity) = self.subject(trade)?;
        let unit_price = self.quote(row).buy;
        let total = unit_price.saturating_mul(quantity);
        let is_fuel = trade.commodity == self.fuel;
        if *account.credits < total {
            return Err(Refusal::InsufficientCredits);
        }
        let room = if is_fuel {
            i64::from((self.fuel_max - *account.fuel).max(0.0).ceil() as u32)
        } else {
            let held: i64 = account.cargo.iter().map(|units| i64::from(*units)).sum();
            i64::from(self.cargo_capacity) - held
        };
        if quantity > room {
            return Err(Refusal::CargoFull);
        }
        if quantity > self.stocks[row] {
            return Err(Refusal::OutOfStock);
        }
        if is_fuel {
            *account.fuel = (*account.fuel + trade.quantity as f32).min(self.fuel_max);
        } else {
            let held = account
                .cargo
                .get_mut(usize::from(trade.commodity.0))
                .ok_or(Refusal::UnknownCommodity)?;
            *held += trade.quantity;
        }
        *account.credits -= total;
        self.stocks[row] -= quantity;
        let posting = traded(Cause::Buy, trade, unit_price, total, account.player, ticket);
        if is_fuel {
            let burned = Posting {
                cause: Cause::FuelBurned,
                station: None,
                unit_price: 0,
                total: 0,
                ..posting.clone()
            };
            postings.extend([posting, burned]);
        } else {
            postings.push(posting);
        }
        Ok(Done {
            order: Order::Buy(trade),
            quantity: trade.quantity,
            unit_price,
            total,
        })
    }

    fn sell(
        &mut self,
        trade: Trade,
        ticket: u64,
        account: &mut Account<'_>,
        postings: &mut Vec<Posting>,
    ) -> Result<Done, Refusal> {
        let (row, quantity) = self.subject(trade)?;
        let unit_price = self.quote(row).sell;
        let held = account
            .cargo
            .get_mut(usize::from(trade.commodity.0))
            .ok_or(Refusal::UnknownCommodity)?;
        if *held < trade.quantity {
            return Err(Refusal::InsufficientCargo);
        }
        let total = unit_price.saturating_mul(quantity);
        let credits = account
            .credits
            .checked_add(total)
            .ok_or(Refusal::InvalidQuantity)?;
        if self.stocks[row] + quantity > STOCK_MAX {
            return Err(Refusal::InvalidQuantity);
        }
        *held -= trade.quantity;
        *account.credits = credits;
        self.stocks[row] += quantity;
        postings.push(traded(
            Cause::Sell,
            trade,
            unit_price,
            total,
            account.player,
            ticket,
        ));
        Ok(Done {
            order: Order::Sell(trade),
            quantity: trade.quantity,
            unit_price,
            total,
        })
    }

    /// Restores what is missing, or as much of it as the pilot can pay.
    fn repair(
        &mut self,
        station: StationIndex,
        ticket: u64,
        account: &mut Account<'_>,
        postings: &mut Vec<Posting>,
    ) -> Result<Done, Refusal> {
        let unit_price = *self
            .repair_prices
            .get(usize::from(station.0))
            .ok_or(Refusal::WrongStation)?;
        let missing = i64::from(self.hull_max) - i64::from(*account.hull);
        if missing <= 0 {
            return Err(Refusal::NothingToRepair);
        }
        let quantity = missing.min(*account.credits / unit_price.max(1));
        if quantity <= 0 {
            return Err(Refusal::InsufficientCredits);
        }
        let total = quantity * unit_price;
        *account.credits -= total;
        *account.hull += quantity as i32;
        postings.push(Posting {
            cause: Cause::Repair,
            player: Some(account.player.clone()),
            station: Some(station),
            commodity: None,
            quantity,
            unit_price,
            total,
            ticket: Some(ticket),
        });
        Ok(Done {
            order: Order::Repair { station },
            quantity: quantity as u32,
            unit_price,
            total,
        })
    }

    /// Production and consumption: each listing takes a step towards its target once in
    /// `drift_ticks` ticks of simulated time, the listings by turns. Work: rows / `drift_ticks`.
    pub fn drift(&mut self, tick: u64, postings: &mut Vec<Posting>) {
        if self.economy.drift_permille == 0 {
            return;
        }
        let period = self.economy.drift_ticks.max(1) as usize;
        let turn = (tick % period as u64) as usize;
        for row in (turn..self.stocks.len()).step_by(period) {
            let gap = self.listings[row].stock_target - self.stocks[row];
            if gap == 0 {
                continue;
            }
            let step = (gap.abs() * self.economy.drift_permille / 1000).clamp(1, gap.abs());
            let cause = if gap > 0 {
                Cause::Production
            } else {
                Cause::Consumption
            };
            self.stocks[row] += step * gap.signum();
            postings.push(Posting::of_stock(
                cause,
                self.stations[row],
                self.listings[row].commodity,
                step,
            ));
        }
    }
}

fn traded(
    cause: Cause,
    trade: Trade,
    unit_price: i64,
    total: i64,
    player: &PlayerId,
    ticket: u64,
) -> Posting {
    Posting {
        cause,
        player: Some(player.clone()),
        station: Some(trade.station),
        commodity: Some(trade.commodity),
        quantity: i64::from(trade.quantity),
        unit_price,
        total,
        ticket: Some(ticket),
    }
}
