//! Double entry: how a transaction becomes ledger rows, and the hash that chains them.
//!
//! A row moves one amount of one asset from one account to another, so no row can make or lose
//! anything; both balances after it stand in it. Pilots and stations own accounts; everything
//! that enters or leaves the economy does so through a named flow of its system:
//!
//! ```text
//! grant, bounty ──credits──▶ pilot ◀──credits, goods──▶ station ◀──goods── production
//!                              │ credits ▶ repair          │ goods ▶ consumption
//!                              │ goods ▶ cargo_lost        │ goods ▶ fuel_burned (refuel)
//!                              │ credits ▶ grant (a guest who is forgotten)
//!             quarantine ◀──credits, goods──▶ station (for a pilot whose part is left out)
//! ```
//!
//! Each system has its own chain of rows 1, 2, 3, …; a row's hash covers the hash before it, so an
//! edited, missing or reordered row shows from there on. Pilots may never be below zero in
//! anything, stations never in goods; flows and a station's credits may.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::store::error::StoreError;
use crate::store::record::{Cause, Transaction};

/// The asset that money is; no commodity can be called so.
pub const CREDITS: &str = "$";

/// SHA-256 of a ledger row and the hash before it.
pub type Hash = [u8; 32];

/// Something that can hold credits or goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A pilot's wallet and hold, the same in every system.
    Pilot(PlayerId),
    /// A station's till and stock.
    Station {
        /// System that the station is in.
        system: Name,
        /// Name of the station within its system.
        station: Name,
    },
    /// A named source or sink of a system: `grant`, `bounty`, `repair`, `fuel_burned`,
    /// `cargo_lost`, `production`, `consumption` or `quarantine`.
    Flow {
        /// System whose flow it is.
        system: Name,
        /// Name of the flow, such as `grant`.
        name: &'static str,
    },
}

impl Account {
    /// The account's name in the database: `pilot:P`, `station:S/N` or `flow:S/N`.
    pub fn key(&self) -> String {
        match self {
            Self::Pilot(player) => pilot_key(player),
            Self::Station { system, station } => format!("station:{system}/{station}"),
            Self::Flow { system, name } => format!("flow:{system}/{name}"),
        }
    }

    /// Whether the balance of `asset` may fall below zero.
    fn may_owe(&self, asset: &str) -> bool {
        match self {
            Self::Pilot(_) => false,
            Self::Station { .. } => asset == CREDITS,
            Self::Flow { .. } => true,
        }
    }
}

/// The database name of a pilot's account.
pub fn pilot_key(player: &PlayerId) -> String {
    format!("pilot:{player}")
}

/// Whether the account of this database name may hold less than nothing of `asset`.
pub fn key_may_owe(key: &str, asset: &str) -> bool {
    key.starts_with("flow:") || (key.starts_with("station:") && asset == CREDITS)
}

/// The system that an account of this database name belongs to; empty for pilots.
pub fn key_system(key: &str) -> &str {
    key.strip_prefix("station:")
        .or_else(|| key.strip_prefix("flow:"))
        .and_then(|rest| rest.split_once('/'))
        .map_or("", |(system, _)| system)
}

/// One movement between two accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Account that gives.
    pub from: Account,
    /// Account that receives.
    pub to: Account,
    /// [`CREDITS`] or a commodity.
    pub asset: Arc<str>,
    /// How much; above 0.
    pub amount: i64,
}

impl Transfer {
    /// Whether the source account may go below zero by this.
    pub fn may_owe(&self) -> bool {
        self.from.may_owe(&self.asset)
    }
}

/// The movements of a transaction, at most two; those of nothing are left out.
///
/// Fails on a missing part, a negative number, or a total that is not quantity × unit price.
pub fn transfers(transaction: &Transaction) -> Result<Vec<Transfer>, StoreError> {
    check_numbers(transaction)?;
    let credits: Arc<str> = Arc::from(CREDITS);
    let money = |from, to| Transfer {
        from,
        to,
        asset: Arc::clone(&credits),
        amount: transaction.total,
    };
    let goods = |from, to| -> Result<Transfer, StoreError> {
        let commodity = transaction.commodity.as_ref();
        let commodity = commodity.ok_or_else(|| lacks(transaction, "commodity"))?;
        Ok(Transfer {
            from,
            to,
            asset: Arc::from(commodity.as_str()),
            amount: transaction.quantity,
        })
    };
    let flow = |name| Account::Flow {
        system: transaction.system.clone(),
        name,
    };
    let pilot = || pilot_of(transaction);
    let station = || station_of(transaction);
    let mut transfers = match transaction.cause {
        Cause::Grant => vec![money(flow("grant"), pilot()?)],
        Cause::GrantReturned => vec![money(pilot()?, flow("grant"))],
        Cause::Bounty => vec![money(flow("bounty"), pilot()?)],
        Cause::Repair => vec![money(pilot()?, flow("repair"))],
        Cause::Buy => vec![money(pilot()?, station()?), goods(station()?, pilot()?)?],
        Cause::Sell => vec![goods(pilot()?, station()?)?, money(station()?, pilot()?)],
        Cause::Refuel => vec![
            money(pilot()?, station()?),
            goods(station()?, flow("fuel_burned"))?,
        ],
        Cause::FuelBurned => vec![goods(pilot()?, flow("fuel_burned"))?],
        Cause::CargoLost => vec![goods(pilot()?, flow("cargo_lost"))?],
        Cause::Production => vec![goods(flow("production"), station()?)?],
        Cause::Consumption => vec![goods(station()?, flow("consumption"))?],
        Cause::QuarantinedBuy | Cause::QuarantinedRefuel => vec![
            money(flow("quarantine"), station()?),
            goods(station()?, flow("quarantine"))?,
        ],
        Cause::QuarantinedSell => vec![
            goods(flow("quarantine"), station()?)?,
            money(station()?, flow("quarantine")),
        ],
    };
    transfers.retain(|transfer| transfer.amount > 0);
    Ok(transfers)
}

fn pilot_of(transaction: &Transaction) -> Result<Account, StoreError> {
    let player = transaction.player.clone();
    let player = player.ok_or_else(|| lacks(transaction, "player"))?;
    Ok(Account::Pilot(player))
}

fn station_of(transaction: &Transaction) -> Result<Account, StoreError> {
    let station = transaction.station.clone();
    Ok(Account::Station {
        system: transaction.system.clone(),
        station: station.ok_or_else(|| lacks(transaction, "station"))?,
    })
}

fn lacks(transaction: &Transaction, part: &str) -> StoreError {
    let cause = transaction.cause.as_str();
    StoreError::Malformed(format!("a {cause} without a {part}"))
}

fn check_numbers(transaction: &Transaction) -> Result<(), StoreError> {
    let Transaction {
        cause,
        quantity,
        unit_price,
        total,
        ..
    } = transaction;
    let priced = matches!(
        cause,
        Cause::Buy | Cause::Sell | Cause::Refuel | Cause::Repair
    );
    let in_range = *quantity >= 0 && *unit_price >= 0 && *total >= 0;
    if !in_range || (priced && quantity.checked_mul(*unit_price) != Some(*total)) {
        return Err(StoreError::Malformed(format!(
            "a {} of {quantity} at {unit_price} for {total} in all",
            cause.as_str()
        )));
    }
    Ok(())
}

/// A row of the ledger as it stands in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The system whose chain it belongs to.
    pub system: Arc<str>,
    /// Its place in that chain, from 1.
    pub row_id: i64,
    /// The row id of its transaction's first row.
    pub transaction_id: i64,
    /// When, in Unix milliseconds.
    pub unix: UnixMillis,
    /// Cause of the transfer, as [`Cause::as_str`] writes it.
    pub cause: Arc<str>,
    /// The transaction's player.
    pub player: Option<Arc<str>>,
    /// The transaction's station.
    pub station: Option<Arc<str>>,
    /// The transaction's commodity.
    pub commodity: Option<Arc<str>>,
    /// The transaction's quantity.
    pub quantity: i64,
    /// The transaction's unit price.
    pub unit_price: i64,
    /// The transaction's total.
    pub total: i64,
    /// The transaction's request id.
    pub request_id: Option<Arc<[u8]>>,
    /// [`CREDITS`] or a commodity.
    pub asset: Arc<str>,
    /// Source: an [`Account::key`].
    pub from_account: Arc<str>,
    /// Text of the account that receives.
    pub to_account: Arc<str>,
    /// How much; above 0.
    pub amount: i64,
    /// What the source has after it.
    pub from_balance: i64,
    /// What the target has after it.
    pub to_balance: i64,
    /// [`LedgerRow::chained`] over the row before.
    pub hash: Hash,
}

impl LedgerRow {
    /// The hash that this row must have after a row of hash `before`: SHA-256 over that hash and
    /// every field, each text with its length in front.
    pub fn chained(&self, before: &Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(before);
        for text in [&self.system, &self.cause, &self.asset] {
            text_into(&mut sha, text.as_bytes());
        }
        for text in [&self.from_account, &self.to_account] {
            text_into(&mut sha, text.as_bytes());
        }
        for text in [&self.player, &self.station, &self.commodity] {
            optional_into(&mut sha, text.as_deref().map(str::as_bytes));
        }
        optional_into(&mut sha, self.request_id.as_deref());
        for number in [
            self.row_id,
            self.transaction_id,
            self.unix.0 as i64,
            self.quantity,
            self.unit_price,
            self.total,
            self.amount,
            self.from_balance,
            self.to_balance,
        ] {
            sha.update(number.to_le_bytes());
        }
        sha.finalize().into()
    }
}

/// The hash before a system's first row.
pub fn genesis(system: &str) -> Hash {
    let mut sha = Sha256::new();
    sha.update(b"orrery ledger 1\n");
    sha.update(system.as_bytes());
    sha.finalize().into()
}

fn text_into(sha: &mut Sha256, text: &[u8]) {
    sha.update((text.len() as u64).to_le_bytes());
    sha.update(text);
}

fn optional_into(sha: &mut Sha256, text: Option<&[u8]>) {
    match text {
        None => sha.update([0]),
        Some(text) => {
            sha.update([1]);
            text_into(sha, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NameError;

    fn buy(quantity: i64, unit_price: i64, total: i64) -> Result<Transaction, NameError> {
        Ok(Transaction {
            system: Name::parse("sol-1")?,
            cause: Cause::Buy,
            player: Some(PlayerId::parse("p_1")?),
            station: Some(Name::parse("mars")?),
            commodity: Some(Name::parse("food")?),
            quantity,
            unit_price,
            total,
            request_id: None,
        })
    }

    #[test]
    fn a_purchase_is_money_one_way_and_goods_the_other() -> Result<(), NameError> {
        let moved = transfers(&buy(3, 7, 21)?).unwrap_or_default();
        let moved: Vec<_> = moved
            .iter()
            .map(|it| (it.from.key(), it.to.key(), &*it.asset, it.amount))
            .collect();
        let (pilot, station) = ("pilot:p_1".to_owned(), "station:sol-1/mars".to_owned());
        let money = (pilot.clone(), station.clone(), CREDITS, 21);
        assert_eq!(moved, [money, (station, pilot, "food", 3)]);
        Ok(())
    }

    #[test]
    fn a_total_that_is_not_the_product_is_refused() -> Result<(), NameError> {
        for wrong in [buy(3, 7, 20)?, buy(-3, 7, -21)?, buy(i64::MAX, 2, -2)?] {
            assert!(matches!(transfers(&wrong), Err(StoreError::Malformed(_))));
        }
        Ok(())
    }

    #[test]
    fn a_gift_of_nothing_moves_only_what_is_something() -> Result<(), NameError> {
        assert_eq!(transfers(&buy(3, 0, 0)?).map(|moved| moved.len()), Ok(1));
        assert_eq!(transfers(&buy(0, 7, 0)?).map(|moved| moved.len()), Ok(0));
        Ok(())
    }

    #[test]
    fn the_hash_covers_every_field() {
        let row = LedgerRow {
            system: Arc::from("sol-1"),
            row_id: 1,
            transaction_id: 1,
            unix: UnixMillis(2),
            cause: Arc::from("buy"),
            player: Some(Arc::from("p")),
            station: Some(Arc::from("s")),
            commodity: Some(Arc::from("c")),
            quantity: 3,
            unit_price: 4,
            total: 12,
            request_id: Some(Arc::from(*b"r")),
            asset: Arc::from("a"),
            from_account: Arc::from("f"),
            to_account: Arc::from("t"),
            amount: 5,
            from_balance: 6,
            to_balance: 7,
            hash: [0; 32],
        };
        let changes: [fn(&mut LedgerRow); 20] = [
            |row| row.system = Arc::from("x"),
            |row| row.row_id = 9,
            |row| row.transaction_id = 9,
            |row| row.unix = UnixMillis(9),
            |row| row.cause = Arc::from("x"),
            |row| row.player = None,
            |row| row.player = Some(Arc::from("")),
            |row| row.station = None,
            |row| row.commodity = None,
            |row| row.quantity = 9,
            |row| row.unit_price = 9,
            |row| row.total = 9,
            |row| row.request_id = None,
            |row| row.asset = Arc::from("x"),
            |row| row.from_account = Arc::from("x"),
            |row| row.to_account = Arc::from("x"),
            |row| row.amount = 9,
            |row| row.from_balance = 9,
            |row| row.to_balance = 9,
            // A byte that changes sides between neighbours is a change too.
            |row| (row.from_account, row.to_account) = (Arc::from("ft"), Arc::from("")),
        ];
        let genesis = genesis("sol-1");
        let mut seen = std::collections::HashSet::from([row.chained(&genesis)]);
        for (index, change) in changes.iter().enumerate() {
            let mut changed = row.clone();
            change(&mut changed);
            assert!(seen.insert(changed.chained(&genesis)), "change {index}");
        }
        assert!(seen.insert(row.chained(&[0; 32])), "the row before");
    }
}
