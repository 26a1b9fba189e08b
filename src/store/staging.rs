//! A transaction's arithmetic, done in memory between reading the balances and writing the rows.
//!
//! Owns the rows to append and the balances as they will be. It never touches a database, so the
//! sums are the same whatever the back-end. Call order: [`Staging::new`] with the chain heads of
//! the systems that this writer holds and with every balance of the accounts that are touched;
//! [`Staging::post`] and [`Staging::verify`] in the order of events; then the parts.
//!
//! Balances live in the database alone. What the server believes of a pilot is compared with them
//! at every checkpoint, and a difference puts the pilot in quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::store::error::StoreError;
use crate::store::ledger::{self, Account, CREDITS, Hash, LedgerRow, Transfer};
use crate::store::record::{Cause, PilotRecord, Transaction};

/// The end of a system's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChainEndRow {
    /// The lease's fencing token.
    pub(super) fence: i64,
    /// The newest row, 0 before the first.
    pub(super) row_id: i64,
    /// Hash of the newest row.
    pub(super) hash: Hash,
}

/// A balance as found and as it will be.
#[derive(Clone, Copy, Debug)]
struct Balance {
    before: i64,
    after: i64,
}

/// A balance that has to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StagedChange {
    pub(super) account: String,
    pub(super) asset: String,
    /// What to add.
    pub(super) delta: i64,
    /// What must come out.
    pub(super) after: i64,
}

/// See the module.
pub(super) struct Staging {
    heads: BTreeMap<String, ChainEndRow>,
    balances: BTreeMap<String, BTreeMap<String, Balance>>,
    rows: Vec<LedgerRow>,
}

impl Staging {
    /// Starts from what the database holds.
    pub(super) fn new(
        heads: BTreeMap<String, ChainEndRow>,
        balances: impl IntoIterator<Item = (String, String, i64)>,
    ) -> Self {
        let mut accounts: BTreeMap<String, BTreeMap<String, Balance>> = BTreeMap::new();
        for (account, asset, balance) in balances {
            let balance = Balance {
                before: balance,
                after: balance,
            };
            accounts.entry(account).or_default().insert(asset, balance);
        }
        Self {
            heads,
            balances: accounts,
            rows: Vec::new(),
        }
    }

    /// What an account has of an asset at this point.
    pub(super) fn balance(&self, account: &str, asset: &str) -> i64 {
        let assets = self.balances.get(account);
        let balance = assets.and_then(|assets| assets.get(asset));
        balance.map_or(0, |balance| balance.after)
    }

    /// Turns a transaction into rows. The caller has made sure that its system's lease is held.
    pub(super) fn post(
        &mut self,
        unix: UnixMillis,
        transaction: &Transaction,
    ) -> Result<(), StoreError> {
        if transaction.cause == Cause::Grant {
            self.check_first_grant(transaction)?;
        }
        let mut transaction_id = None;
        for transfer in ledger::transfers(transaction)? {
            let row = self.row(unix, transaction, &transfer, transaction_id)?;
            transaction_id = Some(row.transaction_id);
            self.rows.push(row);
        }
        Ok(())
    }

    fn check_first_grant(&self, transaction: &Transaction) -> Result<(), StoreError> {
        let player = transaction.player.as_ref();
        let known = player.is_some_and(|player| {
            let account = self.balances.get(&ledger::pilot_key(player));
            account.is_some_and(|assets| assets.contains_key(CREDITS))
        });
        if known {
            let player = player.map_or("", PlayerId::as_str);
            return Err(StoreError::Malformed(format!(
                "a second starting grant for {player}"
            )));
        }
        Ok(())
    }

    fn row(
        &mut self,
        unix: UnixMillis,
        transaction: &Transaction,
        transfer: &Transfer,
        transaction_id: Option<i64>,
    ) -> Result<LedgerRow, StoreError> {
        let (from_account, to_account) = (transfer.from.key(), transfer.to.key());
        let asset = &*transfer.asset;
        let from_balance = self.move_balance(&from_account, asset, -transfer.amount)?;
        if from_balance < 0 && !transfer.may_owe() {
            return Err(StoreError::Overdraft {
                account: from_account,
                asset: asset.to_owned(),
                balance: from_balance,
                cause: transaction.cause.as_str(),
                system: transaction.system.clone(),
            });
        }
        let to_balance = self.move_balance(&to_account, asset, transfer.amount)?;
        let system = transaction.system.as_str();
        let head = self.heads.get_mut(system).ok_or_else(|| {
            StoreError::Malformed(format!(
                "a transaction in {system}, whose lease is not held"
            ))
        })?;
        let row_id = head.row_id + 1;
        let name = |name: &Name| Arc::from(name.as_str());
        let mut row = LedgerRow {
            system: Arc::from(system),
            row_id,
            transaction_id: transaction_id.unwrap_or(row_id),
            unix,
            cause: Arc::from(transaction.cause.as_str()),
            player: transaction.player.as_ref().map(|player| name(&player.0)),
            station: transaction.station.as_ref().map(name),
            commodity: transaction.commodity.as_ref().map(name),
            quantity: transaction.quantity,
            unit_price: transaction.unit_price,
            total: transaction.total,
            request_id: transaction
                .request_id
                .as_ref()
                .map(|id| Arc::from(id.as_bytes())),
            asset: Arc::clone(&transfer.asset),
            from_account: Arc::from(from_account),
            to_account: Arc::from(to_account),
            amount: transfer.amount,
            from_balance,
            to_balance,
            hash: [0; 32],
        };
        row.hash = row.chained(&head.hash);
        *head = ChainEndRow {
            fence: head.fence,
            row_id,
            hash: row.hash,
        };
        Ok(row)
    }

    fn move_balance(&mut self, account: &str, asset: &str, by: i64) -> Result<i64, StoreError> {
        if !self.balances.contains_key(account) {
            self.balances.insert(account.to_owned(), BTreeMap::new());
        }
        let assets = self.balances.entry(account.to_owned()).or_default();
        let balance = assets.entry(asset.to_owned()).or_insert(Balance {
            before: 0,
            after: 0,
        });
        balance.after = balance.after.checked_add(by).ok_or_else(|| {
            StoreError::Malformed(format!("{account} would overflow its balance of {asset}"))
        })?;
        Ok(balance.after)
    }

    /// Compares a checkpoint's wallet and hold with the ledger's.
    ///
    /// Goods that the universe served does not know (none named: it knows all) the server cannot
    /// see; where its record has none of them, the ledger's stay as they are.
    pub(super) fn verify(
        &self,
        pilot: &PilotRecord,
        commodities: &BTreeSet<Name>,
    ) -> Result<(), StoreError> {
        let account = Account::Pilot(pilot.player.clone()).key();
        let mut held: BTreeMap<&str, i64> = BTreeMap::new();
        held.insert(CREDITS, pilot.credits);
        for cargo in &pilot.cargo {
            let before = held.insert(cargo.commodity.as_str(), cargo.quantity);
            if before.is_some() {
                return Err(StoreError::Malformed(format!(
                    "{} is twice in the hold of {}",
                    cargo.commodity, pilot.player
                )));
            }
        }
        let kept = self.balances.get(&account);
        let kept = kept.into_iter().flatten();
        let mut ledger: BTreeMap<&str, i64> = kept
            .map(|(asset, balance)| (asset.as_str(), balance.after))
            .collect();
        for asset in held.keys() {
            ledger.entry(asset).or_insert(0);
        }
        let is_unseen = |asset: &str| {
            let mut known = commodities.iter();
            asset != CREDITS
                && !commodities.is_empty()
                && !known.any(|commodity| commodity.as_str() == asset)
        };
        for (asset, ledger) in ledger {
            if !held.contains_key(asset) && is_unseen(asset) {
                continue;
            }
            let server = held.get(asset).copied().unwrap_or(0);
            if server != ledger {
                return Err(StoreError::Mismatch {
                    account,
                    asset: asset.to_owned(),
                    ledger,
                    server,
                });
            }
        }
        Ok(())
    }

    /// The rows to append, in chain order within each system.
    pub(super) fn rows(&self) -> &[LedgerRow] {
        &self.rows
    }

    /// The chain heads as they will be.
    pub(super) fn heads(&self) -> &BTreeMap<String, ChainEndRow> {
        &self.heads
    }

    /// The balances that changed, or came to be, in key order: every writer locks in one order.
    pub(super) fn changes(&self) -> Vec<StagedChange> {
        let accounts = self.balances.iter();
        let balances = accounts.flat_map(|(account, assets)| {
            assets
                .iter()
                .map(move |(asset, balance)| (account, asset, balance))
        });
        balances
            .filter(|(_, _, balance)| balance.before != balance.after)
            .map(|(account, asset, balance)| StagedChange {
                account: account.clone(),
                asset: asset.clone(),
                delta: balance.after - balance.before,
                after: balance.after,
            })
            .collect()
    }
}
