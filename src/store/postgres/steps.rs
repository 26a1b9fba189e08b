//! The PostgreSQL back-end's steps: each one statement over whole columns.
//!
//! A round trip costs more than a row, so rows travel as arrays and are spread by `unnest`: a
//! commit is a dozen round trips however many trades it holds. Row locks are taken in one order
//! (leases by system, balances by account and asset), so writers cannot block each other in a
//! circle.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio_postgres::Row;

use crate::ids::{Name, UnixMillis};
use crate::limits::{LEASE_MS, OUTCOME_PROMISED_MS};
use crate::store::audit::STRAY_REQUESTS;
use crate::store::backend::{Backend, ChainEnd, Claim, FORGET_WRITERS, WriterId, is_passing_guest};
use crate::store::columns::{self, PilotColumns};
use crate::store::error::StoreError;
use crate::store::ledger::{self, LedgerRow};
use crate::store::record::{PilotRecord, Stock, StoredOutcome};
use crate::store::staging::{ChainEndRow, StagedChange};

use super::{Postgres, column};

const ENLIST: &str = "INSERT INTO writers (owner, epoch, commits) VALUES ($1, 1, 0) \
    ON CONFLICT (owner) DO UPDATE SET epoch = writers.epoch + 1, commits = 0 RETURNING epoch";

const CLAIM: &str = "INSERT INTO systems \
    (system_name, owner, fence, expires_ms, head_row, head_hash) \
    VALUES ($1, $2, 1, (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT + $4::BIGINT, 0, $3) \
    ON CONFLICT (system_name) DO UPDATE SET owner = excluded.owner, \
    fence = systems.fence + 1, expires_ms = excluded.expires_ms \
    WHERE systems.owner = excluded.owner OR systems.owner = $5 \
    OR systems.expires_ms <= (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT \
    RETURNING fence";

const HOLDER: &str = "SELECT owner, \
    expires_ms - (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT \
    FROM systems WHERE system_name = $1";

const HEADS: &str = "SELECT system_name, fence, head_row, head_hash FROM systems \
    WHERE owner = $1 ORDER BY system_name FOR UPDATE";

const MOVE_HEADS: &str = "UPDATE systems SET head_row = n.head_row, head_hash = n.head_hash, \
    expires_ms = (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT + $2::BIGINT \
    FROM unnest($3::TEXT[], $4::BIGINT[], $5::BYTEA[]) AS n (system_name, head_row, head_hash) \
    WHERE systems.system_name = n.system_name AND systems.owner = $1";

const BALANCES: &str = "SELECT account, asset, balance FROM balances \
    WHERE account = ANY ($1::TEXT[]) ORDER BY account, asset FOR UPDATE";

const CHANGE_BALANCES: &str = "INSERT INTO balances (account, asset, system_name, balance) \
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[]) \
    ON CONFLICT (account, asset) DO UPDATE SET balance = balances.balance + excluded.balance \
    RETURNING account, asset, balance";

const APPEND: &str = "INSERT INTO ledger (system_name, row_id, transaction_id, unix_ms, \
    cause, player, station, commodity, quantity, unit_price, total, request_id, asset, \
    from_account, to_account, amount, from_balance, to_balance, hash) \
    SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], \
    $5::TEXT[], $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::BIGINT[], $10::BIGINT[], $11::BIGINT[], \
    $12::BYTEA[], $13::TEXT[], $14::TEXT[], $15::TEXT[], $16::BIGINT[], $17::BIGINT[], \
    $18::BIGINT[], $19::BYTEA[])";

const ROWS_AFTER: &str = "SELECT system_name, row_id, transaction_id, unix_ms, \
    cause, player, station, commodity, quantity, unit_price, total, request_id, asset, \
    from_account, to_account, amount, from_balance, to_balance, hash FROM ledger \
    WHERE system_name = $1 AND row_id > $2 ORDER BY row_id LIMIT $3";

const KEEP_OUTCOMES: &str = "INSERT INTO outcomes \
    (player, request_id, system_name, body_digest, reply, unix_ms) \
    SELECT * FROM unnest($1::TEXT[], $2::BYTEA[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], \
    $6::BIGINT[]) \
    ON CONFLICT (player, request_id) DO NOTHING RETURNING player, request_id";

const FORGET_OUTCOMES: &str = "WITH gone AS (DELETE FROM outcomes \
    WHERE (player, request_id) IN (SELECT player, request_id FROM outcomes \
    WHERE unix_ms < $1 ORDER BY unix_ms LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1), \
    noted AS (UPDATE outcomes_forgotten SET before_ms = $1 \
    WHERE id = 1 AND before_ms < $1 AND EXISTS (SELECT 1 FROM gone) RETURNING 1) \
    SELECT COUNT(*) FROM gone";

const FORGETTABLE_GUESTS: &str = concat!(
    "SELECT player, system_name FROM pilots WHERE ",
    is_passing_guest!(),
    " AND player = ANY ($2::TEXT[]) ORDER BY player FOR UPDATE"
);

const KEEP_PILOTS: &str = "INSERT INTO pilots (player, system_name, docked_at, x, y, vx, vy, \
    rotation, home_system, home_station, hull, fuel, unix_ms) \
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::FLOAT8[], $5::FLOAT8[], \
    $6::FLOAT8[], $7::FLOAT8[], $8::FLOAT8[], $9::TEXT[], $10::TEXT[], $11::BIGINT[], \
    $12::FLOAT8[], $13::BIGINT[]) \
    ON CONFLICT (player) DO UPDATE SET system_name = excluded.system_name, \
    docked_at = excluded.docked_at, x = excluded.x, y = excluded.y, vx = excluded.vx, \
    vy = excluded.vy, rotation = excluded.rotation, home_system = excluded.home_system, \
    home_station = excluded.home_station, hull = excluded.hull, fuel = excluded.fuel, \
    unix_ms = excluded.unix_ms";

fn triple(row: &Row) -> Result<(String, String, i64), StoreError> {
    Ok((column(row, 0)?, column(row, 1)?, column(row, 2)?))
}

fn text(row: &Row, index: usize) -> Result<Arc<str>, StoreError> {
    column::<&str>(row, index).map(Arc::from)
}

fn optional_text(row: &Row, index: usize) -> Result<Option<Arc<str>>, StoreError> {
    Ok(column::<Option<&str>>(row, index)?.map(Arc::from))
}

fn ledger_row(row: &Row) -> Result<LedgerRow, StoreError> {
    Ok(LedgerRow {
        system: text(row, 0)?,
        row_id: column(row, 1)?,
        transaction_id: column(row, 2)?,
        unix: UnixMillis(column::<i64>(row, 3)? as u64),
        cause: text(row, 4)?,
        player: optional_text(row, 5)?,
        station: optional_text(row, 6)?,
        commodity: optional_text(row, 7)?,
        quantity: column(row, 8)?,
        unit_price: column(row, 9)?,
        total: column(row, 10)?,
        request_id: column::<Option<&[u8]>>(row, 11)?.map(Arc::from),
        asset: text(row, 12)?,
        from_account: text(row, 13)?,
        to_account: text(row, 14)?,
        amount: column(row, 15)?,
        from_balance: column(row, 16)?,
        to_balance: column(row, 17)?,
        hash: columns::hash(column(row, 18)?)?,
    })
}

/// One column out of a slice of records.
pub(super) fn each<'a, T, U>(records: &'a [T], read: impl FnMut(&'a T) -> U) -> Vec<U> {
    records.iter().map(read).collect()
}

impl Backend for Postgres {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.simple("beginning a transaction", "BEGIN")
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.simple("committing", "COMMIT")
    }

    fn rollback(&mut self) {
        if self.link.is_some() && self.simple("rolling back", "ROLLBACK").is_err() {
            // A connection that cannot say so is dropped, and its transaction with it.
            self.hang_up();
        }
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        self.connect_again()
    }

    fn beside(&self) -> Result<Self, StoreError> {
        self.open_beside()
    }

    fn enlist(&mut self, owner: &str) -> Result<WriterId, StoreError> {
        self.run("forgetting former writers", FORGET_WRITERS, &[&owner])?;
        let row = self.one("enlisting the writer", ENLIST, &[&owner])?;
        Ok(WriterId {
            owner: owner.to_owned(),
            epoch: row.map_or(Ok(0), |row| column(&row, 0))?,
        })
    }

    fn claim(&mut self, owner: &str, system: &Name, gone: &str) -> Result<Claim, StoreError> {
        let doing = "taking a lease";
        let genesis = ledger::genesis(system.as_str());
        let genesis = genesis.as_slice();
        let name = system.as_str();
        let system = system.clone();
        let params: super::Params<'_> = &[&name, &owner, &genesis, &LEASE_MS, &gone];
        if let Some(row) = self.one(doing, CLAIM, params)? {
            let fence = column(&row, 0)?;
            return Ok(Claim::Held { system, fence });
        }
        let row = self.one(doing, HOLDER, &[&name])?;
        let row = row.ok_or_else(|| StoreError::Conflict(format!("the lease of {name} moved")))?;
        Ok(Claim::Elsewhere {
            system,
            owner: column(&row, 0)?,
            expires_in_ms: column(&row, 1)?,
        })
    }

    fn release(&mut self, owner: &str) -> Result<(), StoreError> {
        let sql = "UPDATE systems SET expires_ms = 0 WHERE owner = $1";
        self.run("releasing the leases", sql, &[&owner])?;
        Ok(())
    }

    fn count_commit(&mut self, writer: &WriterId, commits: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE writers SET commits = commits + 1 \
            WHERE owner = $1 AND epoch = $2 AND commits = $3";
        let before = commits - 1;
        let params: super::Params<'_> = &[&writer.owner, &writer.epoch, &before];
        Ok(self.run("counting the commit", sql, params)? == 1)
    }

    fn commits(&mut self, writer: &WriterId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT commits FROM writers WHERE owner = $1 AND epoch = $2";
        let params: super::Params<'_> = &[&writer.owner, &writer.epoch];
        let row = self.one("reading the commit count", sql, params)?;
        row.map(|row| column(&row, 0)).transpose()
    }

    fn heads(&mut self, owner: &str) -> Result<BTreeMap<String, ChainEndRow>, StoreError> {
        let rows = self.all("checking the leases", HEADS, &[&owner])?;
        let heads = rows.iter().map(|row| {
            let head = ChainEndRow {
                fence: column(row, 1)?,
                row_id: column(row, 2)?,
                hash: columns::hash(column(row, 3)?)?,
            };
            Ok((column(row, 0)?, head))
        });
        heads.collect()
    }

    fn move_heads(
        &mut self,
        owner: &str,
        heads: &BTreeMap<String, ChainEndRow>,
    ) -> Result<(), StoreError> {
        let systems: Vec<&str> = heads.keys().map(String::as_str).collect();
        let row_ids: Vec<i64> = heads.values().map(|head| head.row_id).collect();
        let hashes: Vec<&[u8]> = heads.values().map(|head| head.hash.as_slice()).collect();
        let params: super::Params<'_> = &[&owner, &LEASE_MS, &systems, &row_ids, &hashes];
        self.run("moving the chains' heads", MOVE_HEADS, params)?;
        Ok(())
    }

    fn balances(&mut self, accounts: &[String]) -> Result<Vec<(String, String, i64)>, StoreError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.all("reading balances", BALANCES, &[&accounts])?;
        rows.iter().map(triple).collect()
    }

    fn change_balances(&mut self, changes: &[StagedChange]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let accounts = each(changes, |change| change.account.as_str());
        let assets = each(changes, |change| change.asset.as_str());
        let systems = each(changes, |change| ledger::key_system(&change.account));
        let deltas = each(changes, |change| change.delta);
        let params: super::Params<'_> = &[&accounts, &assets, &systems, &deltas];
        let rows = self.all("changing balances", CHANGE_BALANCES, params)?;
        let found: HashMap<(&str, &str), i64> = rows
            .iter()
            .map(|row| Ok(((column(row, 0)?, column(row, 1)?), column(row, 2)?)))
            .collect::<Result<_, StoreError>>()?;
        for StagedChange {
            account,
            asset,
            after,
            ..
        } in changes
        {
            let found = found.get(&(account.as_str(), asset.as_str()));
            if found != Some(after) {
                return Err(StoreError::Conflict(format!(
                    "{account} came to {found:?} of {asset} instead of {after}"
                )));
            }
        }
        Ok(())
    }

    fn append(&mut self, rows: &[LedgerRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let params: super::Params<'_> = &[
            &each(rows, |row| &*row.system),
            &each(rows, |row| row.row_id),
            &each(rows, |row| row.transaction_id),
            &each(rows, |row| row.unix.0 as i64),
            &each(rows, |row| &*row.cause),
            &each(rows, |row| row.player.as_deref()),
            &each(rows, |row| row.station.as_deref()),
            &each(rows, |row| row.commodity.as_deref()),
            &each(rows, |row| row.quantity),
            &each(rows, |row| row.unit_price),
            &each(rows, |row| row.total),
            &each(rows, |row| row.request_id.as_deref()),
            &each(rows, |row| &*row.asset),
            &each(rows, |row| &*row.from_account),
            &each(rows, |row| &*row.to_account),
            &each(rows, |row| row.amount),
            &each(rows, |row| row.from_balance),
            &each(rows, |row| row.to_balance),
            &each(rows, |row| row.hash.as_slice()),
        ];
        self.run("appending to the ledger", APPEND, params)?;
        Ok(())
    }

    fn keep_outcomes(
        &mut self,
        outcomes: &[(UnixMillis, &StoredOutcome)],
    ) -> Result<Vec<usize>, StoreError> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        let params: super::Params<'_> = &[
            &each(outcomes, |(_, it)| it.player.as_str()),
            &each(outcomes, |(_, it)| it.request_id.as_bytes()),
            &each(outcomes, |(_, it)| it.system.as_str()),
            &each(outcomes, |(_, it)| it.body_digest as i64),
            &each(outcomes, |(_, it)| &*it.reply),
            &each(outcomes, |(unix, _)| unix.0 as i64),
        ];
        let rows = self.all("keeping outcomes", KEEP_OUTCOMES, params)?;
        let mut kept: HashSet<(&str, &[u8])> = rows
            .iter()
            .map(|row| Ok((column(row, 0)?, column(row, 1)?)))
            .collect::<Result<_, StoreError>>()?;
        let second = outcomes.iter().enumerate().filter(|(_, (_, outcome))| {
            !kept.remove(&(outcome.player.as_str(), outcome.request_id.as_bytes()))
        });
        Ok(second.map(|(index, _)| index).collect())
    }

    fn keep_pilots(&mut self, pilots: &[(UnixMillis, &PilotRecord)]) -> Result<(), StoreError> {
        if pilots.is_empty() {
            return Ok(());
        }
        let rows: Vec<PilotColumns> = pilots
            .iter()
            .map(|(_, pilot)| PilotColumns::of(pilot))
            .collect::<Result<_, _>>()?;
        let motion = |axis: usize| each(&rows, move |row: &PilotColumns| row.motion[axis]);
        let params: super::Params<'_> = &[
            &each(pilots, |(_, pilot)| pilot.player.as_str()),
            &each(&rows, |row| row.system_name.as_str()),
            &each(&rows, |row| row.docked_at.as_deref()),
            &motion(0),
            &motion(1),
            &motion(2),
            &motion(3),
            &motion(4),
            &each(&rows, |row| row.home_system.as_deref()),
            &each(&rows, |row| row.home_station.as_deref()),
            &each(&rows, |row| row.hull),
            &each(&rows, |row| row.fuel),
            &each(pilots, |(unix, _)| unix.0 as i64),
        ];
        self.run("keeping pilots", KEEP_PILOTS, params)?;
        Ok(())
    }

    fn forgettable_guests(
        &mut self,
        players: &[&str],
        before_ms: i64,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let params: super::Params<'_> = &[&before_ms, &players];
        let rows = self.all("looking at guests", FORGETTABLE_GUESTS, params)?;
        let found = rows
            .iter()
            .map(|row| Ok((column(row, 0)?, column(row, 1)?)));
        found.collect()
    }

    fn remove_pilots(&mut self, players: &[&str], accounts: &[String]) -> Result<(), StoreError> {
        let sql = "DELETE FROM pilots WHERE player = ANY ($1::TEXT[])";
        self.run("removing pilots", sql, &[&players])?;
        let sql = "DELETE FROM balances WHERE account = ANY ($1::TEXT[]) AND balance = 0";
        self.run("closing accounts", sql, &[&accounts])?;
        Ok(())
    }

    fn forget_outcomes(&mut self, before_ms: i64, limit: i64) -> Result<u64, StoreError> {
        let doing = "forgetting outcomes";
        let row = self.one(doing, FORGET_OUTCOMES, &[&before_ms, &limit])?;
        let count: i64 = row.map_or(Ok(0), |row| column(&row, 0))?;
        Ok(count as u64)
    }

    fn stocks(&mut self, system: &Name) -> Result<Vec<Stock>, StoreError> {
        let sql = "SELECT account, asset, balance FROM balances WHERE system_name = $1 \
            ORDER BY account, asset";
        let rows = self.all("loading stocks", sql, &[&system.as_str()])?;
        let stocks = rows
            .iter()
            .map(|row| columns::stock(column(row, 0)?, column(row, 1)?, column(row, 2)?));
        stocks.filter_map(Result::transpose).collect()
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        let sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        self.simple("beginning to read", sql)
    }

    fn chain_ends(&mut self) -> Result<Vec<ChainEnd>, StoreError> {
        let sql = "SELECT system_name, head_row, head_hash FROM systems ORDER BY system_name";
        let rows = self.all("reading the chains' ends", sql, &[])?;
        let ends = rows.iter().map(|row| {
            Ok(ChainEnd {
                system: column(row, 0)?,
                row_id: column(row, 1)?,
                hash: columns::hash(column(row, 2)?)?,
            })
        });
        ends.collect()
    }

    fn chained_systems(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT system_name FROM ledger ORDER BY system_name";
        let rows = self.all("listing chains", sql, &[])?;
        rows.iter().map(|row| column(row, 0)).collect()
    }

    fn rows_after(
        &mut self,
        system: &str,
        row_id: i64,
        limit: i64,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let params: super::Params<'_> = &[&system, &row_id, &limit];
        let rows = self.all("reading the ledger", ROWS_AFTER, params)?;
        rows.iter().map(ledger_row).collect()
    }

    fn all_balances(&mut self) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "SELECT account, asset, balance FROM balances";
        let rows = self.all("reading balances", sql, &[])?;
        rows.iter().map(triple).collect()
    }

    fn stray_requests(&mut self, limit: i64) -> Result<Vec<String>, StoreError> {
        let params: super::Params<'_> = &[&(OUTCOME_PROMISED_MS as i64), &limit];
        let rows = self.all("matching requests", STRAY_REQUESTS, params)?;
        let strays = rows.iter().map(|row| {
            let player: &str = column(row, 0)?;
            let request_id = String::from_utf8_lossy(column(row, 1)?);
            Ok(format!("{player} {request_id}"))
        });
        strays.collect()
    }

    fn counts(&mut self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM pilots), (SELECT COUNT(*) FROM outcomes)";
        let row = self.one("counting", sql, &[])?;
        row.map_or(Ok((0, 0)), |row| Ok((column(&row, 0)?, column(&row, 1)?)))
    }
}
