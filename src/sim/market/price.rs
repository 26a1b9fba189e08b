//! From stock to whole credits: one formula, integers only.
//!
//! Owns the quote. The price between rises on an empty shelf and falls on a full one:
//! `p(s) = base · (1 + swing · (target − s) / target)`, with `s` held to `[0, 2·target]`. A pilot
//! pays `p` plus the spread, rounded up, and gets `p` less the spread, rounded down, so rounding
//! never favours the pilot and what a pilot pays is always more than what a pilot gets.

use crate::universe::{Economy, Listing};

/// What a station asks and offers for one unit, whole credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What a pilot pays; at least one more than `sell`.
    pub buy: i64,
    /// What a pilot gets; at least 1.
    pub sell: i64,
}

/// The quote for a listing that holds `stock` units. Cannot overflow for listings that the universe
/// loader lets through: the largest intermediate value is below 2^60.
pub fn quote(listing: &Listing, stock: i64, economy: &Economy) -> Quote {
    let target = listing.stock_target.max(1);
    let shortage = target - stock.clamp(0, 2 * target);
    let swing_milli = listing.base_price * economy.swing_permille * shortage / target;
    let price_milli = (listing.base_price * 1000 + swing_milli).max(0);
    let above = price_milli * (1000 + economy.spread_permille);
    let below = price_milli * (1000 - economy.spread_permille);
    let sell = (below / 1_000_000).max(1);
    let buy = ((above + 999_999) / 1_000_000).max(sell + 1);
    Quote { buy, sell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CommodityIndex;
    use crate::limits::{PRICE_MAX, STOCK_MAX};
    use crate::universe::Universe;
    use proptest::prelude::*;

    fn listing(base_price: i64, stock_target: i64) -> Listing {
        Listing {
            commodity: CommodityIndex(1),
            base_price,
            stock_target,
        }
    }

    #[test]
    fn food_is_quoted_as_in_the_protocols_examples() {
        let universe = Universe::built_in();
        let food = universe.commodity_index("food").unwrap();
        let at = |station: usize| {
            let market = &universe.systems[0].stations[station].market;
            let listing = market
                .iter()
                .find(|listing| listing.commodity == food)
                .unwrap();
            quote(listing, listing.stock_target, &universe.economy)
        };
        assert_eq!(at(0), Quote { buy: 11, sell: 9 });
        assert_eq!(at(1).sell, 15);
    }

    proptest! {
        #[test]
        fn a_pilot_always_pays_more_than_a_pilot_gets(
            base in 2..=PRICE_MAX, target in 1..=STOCK_MAX / 4, stock in 0..=STOCK_MAX,
            spread_permille in 1_i64..=500, swing_permille in 0_i64..=900,
        ) {
            let economy = Economy { spread_permille, swing_permille, drift_ticks: 1, drift_permille: 1 };
            let quote = quote(&listing(base, target), stock, &economy);
            prop_assert!(quote.sell >= 1 && quote.buy > quote.sell);
            prop_assert!(quote.buy <= 3 * PRICE_MAX);
        }

        #[test]
        fn more_stock_never_raises_a_price(base in 2..=1000_i64, target in 450..=4000_i64, stock in 0..=9000_i64) {
            let economy = Universe::built_in().economy;
            let listing = listing(base, target);
            let (less, more) = (quote(&listing, stock, &economy), quote(&listing, stock + 1, &economy));
            prop_assert!(more.buy <= less.buy && more.sell <= less.sell);
        }

        /// Within the reach of two full holds, buying back never costs less than selling gave: the
        /// reason for the least stock target that the universe loader demands.
        #[test]
        fn trading_in_circles_never_pays(base in 2..=1000_i64, extra in 0..=4000_i64, stock in 0..=9000_i64) {
            let universe = Universe::built_in();
            // 0.5 · 100 · 0.9 / (2 · 0.1 · 0.5), rounded up past it.
            let listing = listing(base, 451 + extra);
            let sold_at = quote(&listing, stock, &universe.economy).sell;
            let bought_at = quote(&listing, stock + 100, &universe.economy).buy;
            prop_assert!(sold_at <= bought_at, "{} {}", sold_at, bought_at);
        }
    }
}
