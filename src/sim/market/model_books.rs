//! What a world's postings alone tell of wallets, holds and stocks.

use std::collections::BTreeMap;

use crate::sim::outcome::{Cause, Posting};

/// Balances and goods as the postings alone tell them.
#[derive(Default)]
pub(super) struct Books {
    pub(super) credits: BTreeMap<String, i64>,
    pub(super) holds: BTreeMap<(String, u16), i64>,
    pub(super) stocks: BTreeMap<(u16, u16), i64>,
}

impl Books {
    pub(super) fn of(postings: &[Posting]) -> Self {
        let mut books = Self::default();
        for posting in postings {
            books.enter(posting);
        }
        books
    }

    fn enter(&mut self, posting: &Posting) {
        let who = posting
            .player
            .as_ref()
            .map_or("nobody", |player| player.as_str())
            .to_owned();
        let station = posting.station.map_or(u16::MAX, |station| station.0);
        let goods = posting.commodity.map_or(u16::MAX, |commodity| commodity.0);
        assert!(posting.quantity > 0 && posting.total >= 0, "{posting:?}");
        assert_eq!(
            posting.total,
            posting.quantity * posting.unit_price,
            "{posting:?}"
        );
        let (pilot, held, shelf) = match posting.cause {
            Cause::Buy => (-1, 1, -1),
            Cause::Sell => (1, -1, 1),
            Cause::Repair => (-1, 0, 0),
            Cause::FuelBurned => (0, -1, 0),
            Cause::Production => (0, 0, 1),
            Cause::Consumption => (0, 0, -1),
            Cause::Grant | Cause::Bounty | Cause::CargoLost => {
                panic!("a market makes no {:?}", posting.cause)
            }
        };
        *self.credits.entry(who.clone()).or_default() += pilot * posting.total;
        *self.holds.entry((who, goods)).or_default() += held * posting.quantity;
        *self.stocks.entry((station, goods)).or_default() += shelf * posting.quantity;
    }
}
