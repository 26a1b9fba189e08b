//! What trading between two docks pays: the first stations of two systems, with a jump between.
//!
//! Owns the reckoning behind a warning, not an error: an operator may want such a route. Prices are
//! those of shelves at their targets, which is where every shelf returns to. A jump costs its fuel
//! at the cheaper of the two stations, or nothing where neither sells any.

use std::fmt;

use super::error::PROBLEMS_MAX;
use super::model::{Listing, Station, System, Universe};

/// A good that pays more for a jump with a full hold than the jump's fuel costs.
#[derive(Clone, Copy, Debug)]
pub struct JumpProfit<'a> {
    from: &'a System,
    to: &'a System,
    good: &'a str,
    /// Credits a jump, the fuel paid.
    pub credits: i64,
}

/// Every such good, dearest first; displayed up to [`PROBLEMS_MAX`] of them, a line each.
#[derive(Clone, Debug, Default)]
pub struct JumpProfits<'a>(pub Vec<JumpProfit<'a>>);

impl Universe {
    /// The goods that make two docks a trade route without a flight. Quadratic in systems, linear in
    /// their first stations' markets.
    pub fn jump_profits(&self) -> JumpProfits<'_> {
        let mut profits = Vec::new();
        for from in &self.systems {
            for to in self.systems.iter().filter(|to| to.id != from.id) {
                self.profits_between(from, to, &mut profits);
            }
        }
        profits.sort_by_key(|profit| std::cmp::Reverse(profit.credits));
        JumpProfits(profits)
    }

    fn profits_between<'a>(
        &'a self,
        from: &'a System,
        to: &'a System,
        profits: &mut Vec<JumpProfit<'a>>,
    ) {
        let (Some(here), Some(there)) = (from.stations.first(), to.stations.first()) else {
            return;
        };
        let fuel_cost = self.jump_fuel_cost(here, there);
        for bought in here.market.iter().filter(|one| one.commodity != self.fuel) {
            let mut market = there.market.iter();
            let Some(sold) = market.find(|one| one.commodity == bought.commodity) else {
                continue;
            };
            let (pays, _) = self.economy.rest_quote(bought.base_price);
            let (_, gets) = self.economy.rest_quote(sold.base_price);
            let credits = i64::from(self.ship.cargo_capacity) * (gets - pays) - fuel_cost;
            let good = self.commodity(bought.commodity);
            if let Some(good) = good.filter(|_| credits > 0) {
                profits.push(JumpProfit {
                    from,
                    to,
                    good: good.id.as_str(),
                    credits,
                });
            }
        }
    }

    /// Whole credits for one jump's fuel.
    fn jump_fuel_cost(&self, here: &Station, there: &Station) -> i64 {
        let sold = here.market.iter().chain(&there.market);
        let fuel = sold.filter(|one| one.commodity == self.fuel);
        let price = |one: &Listing| self.economy.rest_quote(one.base_price).0;
        let cheapest = fuel.map(price).min().unwrap_or(0);
        self.jump.fuel.ceil() as i64 * cheapest
    }
}

impl fmt::Display for JumpProfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            to,
            good,
            credits,
        } = self;
        write!(
            f,
            "{good} from {} to {} pays {credits} credits a jump more than the fuel, without a flight: \
             bring the prices of the systems' first stations together, or raise [jump] fuel",
            from.id, to.id
        )
    }
}

impl fmt::Display for JumpProfits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, profit) in self.0.iter().take(PROBLEMS_MAX).enumerate() {
            let before = if nth == 0 { "" } else { "\n" };
            write!(f, "{before}warning: {profit}")?;
        }
        match self.0.len().saturating_sub(PROBLEMS_MAX) {
            0 => Ok(()),
            more => write!(f, "\nwarning: and {more} more such routes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::BUILT_IN;

    #[test]
    fn the_built_in_docks_are_no_free_trade_route() {
        let universe = Universe::built_in();
        assert_eq!(universe.jump_profits().to_string(), "");
    }

    #[test]
    fn a_route_of_two_docks_is_told_with_its_systems_its_good_and_its_profit() {
        let dear = BUILT_IN.replacen(
            "\"luxuries\", price = 150, stock = 800 },\n]\n\n[[systems.stations]]\nid = \"ember",
            "\"luxuries\", price = 180, stock = 800 },\n]\n\n[[systems.stations]]\nid = \"ember",
            1,
        );
        assert_ne!(dear, BUILT_IN);
        let universe = Universe::load(&dear, "dear.toml").unwrap();
        let profits = universe.jump_profits();
        // Bought at 132 and a tenth, sold at 180 less a tenth, 20 units of fuel at 3.
        assert_eq!(profits.0[0].credits, 50 * (162 - 146) - 60);
        let told = profits.to_string();
        let route = "luxuries from sol-1 to proxima-1 pays 740 credits";
        assert!(told.starts_with(&format!("warning: {route}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }

    #[test]
    fn a_free_jump_between_docks_is_warned_of_and_a_dear_one_is_not() {
        let text = BUILT_IN.replacen("price = 12, stock = 1500", "price = 14, stock = 1500", 1);
        let food = |text: &str| {
            Universe::load(text, "a.toml")
                .unwrap()
                .jump_profits()
                .0
                .len()
        };
        assert_eq!(food(&text), 0, "one credit a unit is eaten by the fuel");
        assert_eq!(food(&text.replace("fuel = 20.0", "fuel = 0.0")), 1);
    }
}
