//! The audit: replays every chain from nothing and compares what comes out with what is stored.
//!
//! Reads one moment of the database, beside a running server if need be, and writes nothing.
//! Checked: each row's place, hash and balances; that a transaction's rows are those that its cause
//! makes; each chain's recorded end (rows cut off at the end show there); every stored balance,
//! which is every wallet, hold and stock; that nobody owes who must not; that each request stands
//! in one transaction and has an outcome, or is older than those that are kept. Work: one pass over
//! the ledger; memory: the balances.
//!
//! A station's rows lie in one chain and are checked one by one. A pilot's may lie in several,
//! between which no order is recorded, so the steps from balance to balance are summed: all inner
//! ones cancel out, and what is left must lead from 0 to the final balance.
//!
//! What it proves: that the ledger is consistent with itself and with what is stored. A chain
//! without a key does not prove whose ledger it is: who can write the whole database can write
//! another history with good hashes. That shows only beside [`ChainHeads`] that were kept where they
//! cannot write: [`audit_since`] proves that each of those rows is still there with that hash, and so
//! with all that came before it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::ids::{Name, PlayerId};
use crate::limits::{AUDIT_FINDINGS_MAX, AUDIT_PAGE_ROWS};
use crate::store::backend::Backend;
use crate::store::error::StoreError;
use crate::store::heads::{ChainHeads, digits};
use crate::store::ledger::{self, CREDITS, LedgerRow};
use crate::store::postgres::Postgres;
use crate::store::record::{Cause, Transaction};
use crate::store::sqlite::Sqlite;
use crate::store::{is_postgres, sqlite_path};

/// Requests that are in more than one transaction within the time `$1` (ms), or without an outcome
/// and younger than what may be forgotten. An id that is used again once its outcome is forgotten is
/// another request.
pub(super) const STRAY_REQUESTS: &str = "SELECT player, request_id FROM ( \
    SELECT player, request_id, unix_ms, system_name || '/' || CAST(transaction_id AS TEXT) AS own, \
    LAG(system_name || '/' || CAST(transaction_id AS TEXT)) OVER one_id AS former, \
    LAG(unix_ms) OVER one_id AS former_ms \
    FROM ledger WHERE request_id IS NOT NULL \
    WINDOW one_id AS (PARTITION BY player, request_id \
    ORDER BY unix_ms, system_name, transaction_id)) AS steps \
    WHERE own <> former AND unix_ms - former_ms < $1 \
    UNION \
    SELECT ledger.player, ledger.request_id FROM ledger \
    LEFT JOIN outcomes ON outcomes.player = ledger.player \
    AND outcomes.request_id = ledger.request_id \
    WHERE ledger.request_id IS NOT NULL AND outcomes.player IS NULL \
    AND ledger.unix_ms >= (SELECT before_ms FROM outcomes_forgotten WHERE id = 1) \
    LIMIT $2";

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Number of systems whose chain was replayed.
    pub systems_count: usize,
    /// Number of ledger rows that were replayed.
    pub rows_count: u64,
    /// Transactions that they belong to.
    pub transactions_count: u64,
    /// Number of balances compared with the ledger.
    pub balances_count: usize,
    /// Number of pilots that are stored.
    pub pilots_count: i64,
    /// Number of order outcomes that are stored.
    pub outcomes_count: i64,
    /// Credits in pilots' wallets.
    pub wallet_credits: i64,
    /// The last row of each chain.
    pub heads: ChainHeads,
    /// Rows of an earlier audit that are still there.
    pub kept_count: usize,
    /// The first differences, a sentence each, at most [`AUDIT_FINDINGS_MAX`].
    pub findings: Vec<String>,
    /// How many differences there are in all.
    pub findings_count: u64,
}

impl AuditReport {
    /// Whether nothing differs.
    pub fn is_clean(&self) -> bool {
        self.findings_count == 0
    }

    fn find(&mut self, finding: impl FnOnce() -> String) {
        self.findings_count += 1;
        if self.findings.len() < AUDIT_FINDINGS_MAX {
            self.findings.push(finding());
        }
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [
            ("systems", self.systems_count as i64),
            ("ledger rows", self.rows_count as i64),
            ("transactions", self.transactions_count as i64),
            ("balances", self.balances_count as i64),
            ("pilots", self.pilots_count),
            ("outcomes", self.outcomes_count),
            ("credits in wallets", self.wallet_credits),
            ("differences", self.findings_count as i64),
        ];
        for (what, count) in lines {
            writeln!(f, "{what:<20}{count:>16}")?;
        }
        if self.kept_count > 0 {
            writeln!(f, "{:<20}{:>16}", "earlier heads kept", self.kept_count)?;
        }
        for head in self.heads.lines() {
            writeln!(f, "chain head: {head}")?;
        }
        for finding in &self.findings {
            writeln!(f, "differs: {finding}")?;
        }
        let unnamed = self.findings_count - self.findings.len() as u64;
        if unnamed > 0 {
            writeln!(f, "… and {unnamed} more")?;
        }
        Ok(())
    }
}

/// Audits a database named as for [`Store::open`](super::Store::open).
pub fn audit(database: &str) -> Result<AuditReport, StoreError> {
    audit_since(database, &ChainHeads::default())
}

/// Audits a database, and whether it still holds each row of an earlier audit's heads.
pub fn audit_since(database: &str, since: &ChainHeads) -> Result<AuditReport, StoreError> {
    if is_postgres(database) {
        replay(&mut Postgres::open_reading(database)?, since)
    } else {
        replay(&mut Sqlite::open_reading(sqlite_path(database)?)?, since)
    }
}

fn replay<B: Backend>(backend: &mut B, since: &ChainHeads) -> Result<AuditReport, StoreError> {
    backend.begin_reading()?;
    let ends = backend.chain_ends()?;
    let ends = ends.into_iter().map(|end| (end.system.clone(), end));
    let mut ends: BTreeMap<_, _> = ends.collect();
    let mut systems: BTreeSet<String> = ends.keys().cloned().collect();
    systems.extend(backend.chained_systems()?);
    let mut report = AuditReport {
        systems_count: systems.len(),
        ..AuditReport::default()
    };
    let mut books = Books::default();
    // Whoever is no longer there at all is named like a chain that ends too early.
    systems.extend(since.systems().into_iter().map(str::to_owned));
    for system in systems {
        let mut chain = Chain::new(&system, since);
        loop {
            let rows = backend.rows_after(&system, chain.row_id, AUDIT_PAGE_ROWS)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                chain.check(row, &mut report);
                chain.compare(row, &mut report);
                books.take(row, &mut report);
            }
        }
        chain.end(&mut report);
        match ends.remove(&system) {
            Some(end) if end.row_id == chain.row_id && end.hash == chain.hash => {}
            Some(end) => report.find(|| {
                let found = chain.row_id;
                format!(
                    "{system}: the chain ends at row {found}, recorded is {}",
                    end.row_id
                )
            }),
            None if chain.row_id == 0 => {}
            None => report.find(|| format!("{system}: no end of the chain is recorded")),
        }
    }
    books.compare(backend.all_balances()?, &mut report);
    for stray in backend.stray_requests(AUDIT_FINDINGS_MAX as i64 + 1)? {
        report.find(|| format!("request {stray}: not one transaction with one outcome"));
    }
    (report.pilots_count, report.outcomes_count) = backend.counts()?;
    backend.rollback();
    Ok(report)
}

/// Where the replay of one chain stands.
struct Chain<'a> {
    system: &'a str,
    row_id: i64,
    hash: ledger::Hash,
    /// Rows of an earlier audit that did not come yet.
    earlier: BTreeMap<i64, ledger::Hash>,
}

impl<'a> Chain<'a> {
    fn new(system: &'a str, since: &ChainHeads) -> Self {
        Self {
            system,
            row_id: 0,
            hash: ledger::genesis(system),
            earlier: since.of(system),
        }
    }

    /// Whether the row is the one that an earlier audit saw.
    fn compare(&mut self, row: &LedgerRow, report: &mut AuditReport) {
        let (system, row_id) = (self.system, row.row_id);
        match self.earlier.remove(&row_id) {
            None => {}
            Some(hash) if hash == row.hash => report.kept_count += 1,
            Some(hash) => report.find(|| {
                let (was, is) = (digits(&hash), digits(&row.hash));
                format!("{system} row {row_id}: its hash was {was} at the earlier audit, is {is}")
            }),
        }
    }

    /// The chain is at its end: notes its head, and what an earlier audit saw beyond it.
    fn end(&self, report: &mut AuditReport) {
        let (system, end) = (self.system, self.row_id);
        if end > 0 {
            report.heads.insert(system, end, self.hash);
        }
        for row_id in self.earlier.keys() {
            report.find(|| {
                format!(
                    "{system} row {row_id}: was there at the earlier audit, the chain ends at row {end}"
                )
            });
        }
    }

    /// After a difference the replay goes on from the row as found: one wrong row is one finding.
    fn check(&mut self, row: &LedgerRow, report: &mut AuditReport) {
        let system = self.system;
        let row_id = row.row_id;
        if row_id != self.row_id + 1 {
            let missing = self.row_id + 1;
            report.find(|| format!("{system} row {missing}: missing, next is row {row_id}"));
        } else if row.chained(&self.hash) != row.hash {
            report.find(|| format!("{system} row {row_id}: the hash is not that of its contents"));
        }
        match made_by(row) {
            Ok(true) => {}
            Ok(false) => report.find(|| {
                let cause = &row.cause;
                format!("{system} row {row_id}: no {cause} moves this")
            }),
            Err(error) => report.find(|| format!("{system} row {row_id}: {error}")),
        }
        report.rows_count += 1;
        report.transactions_count += u64::from(row.transaction_id == row_id);
        self.row_id = row_id;
        self.hash = row.hash;
    }
}

/// Whether the row is what its transaction makes.
fn made_by(row: &LedgerRow) -> Result<bool, StoreError> {
    let name = |text: &Option<std::sync::Arc<str>>| -> Result<Option<Name>, StoreError> {
        text.as_deref().map(super::columns::name).transpose()
    };
    let cause = Cause::parse(&row.cause);
    let transaction = Transaction {
        system: super::columns::name(&row.system)?,
        cause: cause.ok_or_else(|| StoreError::Corrupt(format!("the cause {}", row.cause)))?,
        player: name(&row.player)?.map(PlayerId),
        station: name(&row.station)?,
        commodity: name(&row.commodity)?,
        quantity: row.quantity,
        unit_price: row.unit_price,
        total: row.total,
        request_id: None,
    };
    let index = usize::try_from(row.row_id - row.transaction_id);
    let transfers = ledger::transfers(&transaction)?;
    let made = index.ok().and_then(|index| transfers.get(index));
    Ok(made.is_some_and(|made| {
        made.asset == row.asset
            && made.amount == row.amount
            && made.from.key() == *row.from_account
            && made.to.key() == *row.to_account
    }))
}

/// The balances as the replay makes them.
#[derive(Default)]
struct Books {
    balances: BTreeMap<(String, String), i64>,
    /// For accounts that several chains share: how much oftener a balance was reached than left.
    steps: BTreeMap<(String, String), HashMap<i64, i64>>,
}

impl Books {
    fn take(&mut self, row: &LedgerRow, report: &mut AuditReport) {
        let moves = [
            (
                &row.from_account,
                row.amount.wrapping_neg(),
                row.from_balance,
            ),
            (&row.to_account, row.amount, row.to_balance),
        ];
        for (account, by, after) in moves {
            let key = (account.to_string(), row.asset.to_string());
            let balance = self.balances.entry(key.clone()).or_insert(0);
            *balance = balance.wrapping_add(by);
            let (system, row_id, asset) = (&row.system, row.row_id, &row.asset);
            if after < 0 && !ledger::key_may_owe(account, asset) {
                report.find(|| format!("{system} row {row_id}: {account} owes {asset}: {after}"));
            }
            if ledger::key_system(account).is_empty() {
                let steps = self.steps.entry(key).or_default();
                step(steps, after.wrapping_sub(by), -1);
                step(steps, after, 1);
            } else if *balance != after {
                let replayed = *balance;
                report.find(|| {
                    format!(
                        "{system} row {row_id}: {account} has {replayed} of {asset}, \
                         recorded is {after}"
                    )
                });
                *balance = after;
            }
        }
    }

    fn compare(&self, stored: Vec<(String, String, i64)>, report: &mut AuditReport) {
        let stored = stored.into_iter();
        let stored: BTreeMap<(String, String), i64> = stored
            .map(|(account, asset, balance)| ((account, asset), balance))
            .collect();
        report.balances_count = stored.len();
        let keys: BTreeSet<_> = self.balances.keys().chain(stored.keys()).collect();
        for key in keys {
            let (account, asset) = key;
            let replayed = self.balances.get(key).copied().unwrap_or(0);
            let kept = stored.get(key).copied().unwrap_or(0);
            if replayed != kept {
                report.find(|| {
                    format!("{account}: {kept} of {asset} is stored, the ledger makes {replayed}")
                });
            }
            if asset == CREDITS && account.starts_with("pilot:") {
                report.wallet_credits = report.wallet_credits.wrapping_add(replayed);
            }
            let steps = self.steps.get(key);
            if steps.is_some_and(|steps| !leads_to(steps, replayed)) {
                report.find(|| format!("{account}: the balances of {asset} do not follow"));
            }
        }
    }
}

fn step(steps: &mut HashMap<i64, i64>, balance: i64, by: i64) {
    let count = steps.entry(balance).or_insert(0);
    *count += by;
    if *count == 0 {
        steps.remove(&balance);
    }
}

/// Whether summed steps lead from 0 to `last`.
fn leads_to(steps: &HashMap<i64, i64>, last: i64) -> bool {
    if last == 0 {
        return steps.is_empty();
    }
    steps.len() == 2 && steps.get(&0) == Some(&-1) && steps.get(&last) == Some(&1)
}
