//! The SQLite back-end's steps: each a prepared statement run row by row.
//!
//! In process a statement costs a few microseconds, so there is nothing to gain from sets here.
//! Statements are cached by the connection. Nothing here decides what is written, or when.

use std::collections::BTreeMap;

use rusqlite::{Row, params};

use crate::ids::{Name, UnixMillis};
use crate::limits::OUTCOME_PROMISED_MS;
use crate::store::audit::STRAY_REQUESTS;
use crate::store::backend::{Backend, ChainEnd, Claim, FORGET_WRITERS, WriterId, is_passing_guest};
use crate::store::columns::{self, PilotColumns};
use crate::store::error::StoreError;
use crate::store::ledger::{self, LedgerRow};
use crate::store::record::{PilotRecord, Stock, StoredOutcome};
use crate::store::staging::{ChainEndRow, StagedChange};

use super::Sqlite;

const LEDGER_INSERT: &str = "INSERT INTO ledger (system_name, row_id, transaction_id, unix_ms, \
    cause, player, station, commodity, quantity, unit_price, total, request_id, asset, \
    from_account, to_account, amount, from_balance, to_balance, hash) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

const LEDGER_SELECT: &str = "SELECT system_name, row_id, transaction_id, unix_ms, \
    cause, player, station, commodity, quantity, unit_price, total, request_id, asset, \
    from_account, to_account, amount, from_balance, to_balance, hash FROM ledger \
    WHERE system_name = ?1 AND row_id > ?2 ORDER BY row_id LIMIT ?3";

const PILOT_UPSERT: &str = "INSERT INTO pilots (player, system_name, docked_at, x, y, vx, vy, \
    rotation, home_system, home_station, hull, fuel, unix_ms) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
    ON CONFLICT (player) DO UPDATE SET system_name = excluded.system_name, \
    docked_at = excluded.docked_at, x = excluded.x, y = excluded.y, vx = excluded.vx, \
    vy = excluded.vy, rotation = excluded.rotation, home_system = excluded.home_system, \
    home_station = excluded.home_station, hull = excluded.hull, fuel = excluded.fuel, \
    unix_ms = excluded.unix_ms";

const BALANCE_UPSERT: &str = "INSERT INTO balances (account, asset, system_name, balance) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT (account, asset) \
    DO UPDATE SET balance = balances.balance + excluded.balance RETURNING balance";

const FORGETTABLE_GUEST: &str = concat!(
    "SELECT player, system_name FROM pilots WHERE ",
    is_passing_guest!(),
    " AND player = $2"
);

/// The driver gives an owned hash for every row; a wrong length is found by the caller.
fn ledger_row(row: &Row<'_>) -> rusqlite::Result<(LedgerRow, Vec<u8>)> {
    let unix: i64 = row.get(3)?;
    let request_id: Option<Vec<u8>> = row.get(11)?;
    let ledger_row = LedgerRow {
        system: row.get(0)?,
        row_id: row.get(1)?,
        transaction_id: row.get(2)?,
        unix: UnixMillis(unix as u64),
        cause: row.get(4)?,
        player: row.get(5)?,
        station: row.get(6)?,
        commodity: row.get(7)?,
        quantity: row.get(8)?,
        unit_price: row.get(9)?,
        total: row.get(10)?,
        request_id: request_id.map(Into::into),
        asset: row.get(12)?,
        from_account: row.get(13)?,
        to_account: row.get(14)?,
        amount: row.get(15)?,
        from_balance: row.get(16)?,
        to_balance: row.get(17)?,
        hash: [0; 32],
    };
    Ok((ledger_row, row.get(18)?))
}

fn triple(row: &Row<'_>) -> rusqlite::Result<(String, String, i64)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

impl Backend for Sqlite {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.run("beginning a transaction", "BEGIN IMMEDIATE", [])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.run("committing", "COMMIT", [])?;
        Ok(())
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let forgotten = self.connection.execute_batch("ROLLBACK");
            // A failed roll-back leaves a transaction that the next begin will refuse.
            drop(forgotten);
        }
    }

    fn reconnect(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn beside(&self) -> Result<Self, StoreError> {
        self.open_beside()
    }

    fn enlist(&mut self, owner: &str) -> Result<WriterId, StoreError> {
        let sql = "INSERT INTO writers (owner, epoch, commits) VALUES (?1, 1, 0) \
            ON CONFLICT (owner) DO UPDATE SET epoch = writers.epoch + 1, commits = 0 \
            RETURNING epoch";
        self.run("forgetting former writers", FORGET_WRITERS, [owner])?;
        let epoch = self.one("enlisting the writer", sql, [owner], |row| row.get(0))?;
        Ok(WriterId {
            owner: owner.to_owned(),
            epoch: epoch.unwrap_or(0),
        })
    }

    fn claim(&mut self, owner: &str, system: &Name, _gone: &str) -> Result<Claim, StoreError> {
        let sql = "INSERT INTO systems \
            (system_name, owner, fence, expires_ms, head_row, head_hash) \
            VALUES (?1, ?2, 1, 0, 0, ?3) ON CONFLICT (system_name) \
            DO UPDATE SET owner = excluded.owner, fence = systems.fence + 1 RETURNING fence";
        let genesis = ledger::genesis(system.as_str());
        let params = params![system.as_str(), owner, genesis.as_slice()];
        let fence = self.one("taking a lease", sql, params, |row| row.get(0))?;
        Ok(Claim::Held {
            system: system.clone(),
            fence: fence.unwrap_or(0),
        })
    }

    fn release(&mut self, owner: &str) -> Result<(), StoreError> {
        let sql = "UPDATE systems SET expires_ms = 0 WHERE owner = ?1";
        self.run("releasing the leases", sql, [owner])?;
        Ok(())
    }

    fn count_commit(&mut self, writer: &WriterId, commits: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE writers SET commits = commits + 1 \
            WHERE owner = ?1 AND epoch = ?2 AND commits = ?3";
        let params = params![writer.owner, writer.epoch, commits - 1];
        Ok(self.run("counting the commit", sql, params)? == 1)
    }

    fn commits(&mut self, writer: &WriterId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT commits FROM writers WHERE owner = ?1 AND epoch = ?2";
        let params = params![writer.owner, writer.epoch];
        self.one("reading the commit count", sql, params, |row| row.get(0))
    }

    fn heads(&mut self, owner: &str) -> Result<BTreeMap<String, ChainEndRow>, StoreError> {
        let sql = "SELECT system_name, fence, head_row, head_hash FROM systems WHERE owner = ?1";
        let rows = self.all("checking the leases", sql, [owner], |row| {
            let bytes: Vec<u8> = row.get(3)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, bytes))
        })?;
        let heads = rows.into_iter().map(|(system, fence, row_id, bytes)| {
            let hash = columns::hash(&bytes)?;
            let head = ChainEndRow {
                fence,
                row_id,
                hash,
            };
            Ok((system, head))
        });
        heads.collect()
    }

    fn move_heads(
        &mut self,
        owner: &str,
        heads: &BTreeMap<String, ChainEndRow>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE systems SET head_row = ?3, head_hash = ?4 \
            WHERE system_name = ?1 AND owner = ?2";
        for (system, head) in heads {
            let params = params![system, owner, head.row_id, head.hash.as_slice()];
            self.run("moving a chain's head", sql, params)?;
        }
        Ok(())
    }

    fn balances(&mut self, accounts: &[String]) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "SELECT account, asset, balance FROM balances WHERE account = ?1";
        let mut found = Vec::new();
        for account in accounts {
            found.append(&mut self.all("reading balances", sql, [account], triple)?);
        }
        Ok(found)
    }

    fn change_balances(&mut self, changes: &[StagedChange]) -> Result<(), StoreError> {
        for change in changes {
            let StagedChange {
                account,
                asset,
                delta,
                after,
            } = change;
            let params = params![account, asset, ledger::key_system(account), delta];
            let found = self.one("changing a balance", BALANCE_UPSERT, params, |row| {
                row.get::<_, i64>(0)
            })?;
            if found != Some(*after) {
                return Err(StoreError::Conflict(format!(
                    "{account} came to {found:?} of {asset} instead of {after}"
                )));
            }
        }
        Ok(())
    }

    fn append(&mut self, rows: &[LedgerRow]) -> Result<(), StoreError> {
        for row in rows {
            let params = params![
                &*row.system,
                row.row_id,
                row.transaction_id,
                row.unix.0 as i64,
                &*row.cause,
                row.player.as_deref(),
                row.station.as_deref(),
                row.commodity.as_deref(),
                row.quantity,
                row.unit_price,
                row.total,
                row.request_id.as_deref(),
                &*row.asset,
                &*row.from_account,
                &*row.to_account,
                row.amount,
                row.from_balance,
                row.to_balance,
                row.hash.as_slice(),
            ];
            self.run("appending to the ledger", LEDGER_INSERT, params)?;
        }
        Ok(())
    }

    fn keep_outcomes(
        &mut self,
        outcomes: &[(UnixMillis, &StoredOutcome)],
    ) -> Result<Vec<usize>, StoreError> {
        let sql = "INSERT INTO outcomes \
            (player, request_id, system_name, body_digest, reply, unix_ms) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (player, request_id) DO NOTHING";
        let mut second = Vec::new();
        for (index, (unix, outcome)) in outcomes.iter().enumerate() {
            let params = params![
                outcome.player.as_str(),
                outcome.request_id.as_bytes(),
                outcome.system.as_str(),
                outcome.body_digest as i64,
                &*outcome.reply,
                unix.0 as i64,
            ];
            if self.run("keeping an outcome", sql, params)? == 0 {
                second.push(index);
            }
        }
        Ok(second)
    }

    fn keep_pilots(&mut self, pilots: &[(UnixMillis, &PilotRecord)]) -> Result<(), StoreError> {
        for (unix, pilot) in pilots {
            let columns = PilotColumns::of(pilot)?;
            let [x, y, vx, vy, rotation] = columns.motion;
            let params = params![
                pilot.player.as_str(),
                columns.system_name,
                columns.docked_at,
                x,
                y,
                vx,
                vy,
                rotation,
                columns.home_system,
                columns.home_station,
                columns.hull,
                columns.fuel,
                unix.0 as i64,
            ];
            self.run("keeping a pilot", PILOT_UPSERT, params)?;
        }
        Ok(())
    }

    fn forgettable_guests(
        &mut self,
        players: &[&str],
        before_ms: i64,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = Vec::new();
        for player in players {
            let params = params![before_ms, player];
            let doing = "looking at a guest";
            found.extend(self.one(doing, FORGETTABLE_GUEST, params, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?);
        }
        Ok(found)
    }

    fn remove_pilots(&mut self, players: &[&str], accounts: &[String]) -> Result<(), StoreError> {
        for player in players {
            let sql = "DELETE FROM pilots WHERE player = ?1";
            self.run("removing a pilot", sql, [player])?;
        }
        for account in accounts {
            let sql = "DELETE FROM balances WHERE account = ?1 AND balance = 0";
            self.run("closing an account", sql, [account])?;
        }
        Ok(())
    }

    fn forget_outcomes(&mut self, before_ms: i64, limit: i64) -> Result<u64, StoreError> {
        let doing = "forgetting outcomes";
        let oldest = "SELECT 1 FROM outcomes WHERE unix_ms < ?1 LIMIT 1";
        if self.one(doing, oldest, [before_ms], |_| Ok(()))?.is_none() {
            return Ok(0);
        }
        self.begin()?;
        let sql = "DELETE FROM outcomes WHERE rowid IN (SELECT rowid FROM outcomes \
            WHERE unix_ms < ?1 ORDER BY unix_ms LIMIT ?2)";
        let count = self.run(doing, sql, params![before_ms, limit])?;
        let sql = "UPDATE outcomes_forgotten SET before_ms = MAX(before_ms, ?1) WHERE id = 1";
        self.run(doing, sql, [before_ms])?;
        self.commit()?;
        Ok(count as u64)
    }

    fn stocks(&mut self, system: &Name) -> Result<Vec<Stock>, StoreError> {
        let sql = "SELECT account, asset, balance FROM balances WHERE system_name = ?1 \
            ORDER BY account, asset";
        let rows = self.all("loading stocks", sql, [system.as_str()], triple)?;
        let stocks = rows
            .into_iter()
            .map(|(account, asset, quantity)| columns::stock(&account, &asset, quantity));
        stocks.filter_map(Result::transpose).collect()
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.run("beginning to read", "BEGIN", [])?;
        Ok(())
    }

    fn chain_ends(&mut self) -> Result<Vec<ChainEnd>, StoreError> {
        let sql = "SELECT system_name, head_row, head_hash FROM systems ORDER BY system_name";
        let rows = self.all("reading the chains' ends", sql, [], |row| {
            let bytes: Vec<u8> = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, bytes))
        })?;
        let ends = rows.into_iter().map(|(system, row_id, bytes)| {
            let hash = columns::hash(&bytes)?;
            Ok(ChainEnd {
                system,
                row_id,
                hash,
            })
        });
        ends.collect()
    }

    fn chained_systems(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT system_name FROM ledger ORDER BY system_name";
        self.all("listing chains", sql, [], |row| row.get(0))
    }

    fn rows_after(
        &mut self,
        system: &str,
        row_id: i64,
        limit: i64,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let params = params![system, row_id, limit];
        let rows = self.all("reading the ledger", LEDGER_SELECT, params, ledger_row)?;
        let rows = rows.into_iter().map(|(mut row, bytes)| {
            row.hash = columns::hash(&bytes)?;
            Ok(row)
        });
        rows.collect()
    }

    fn all_balances(&mut self) -> Result<Vec<(String, String, i64)>, StoreError> {
        let sql = "SELECT account, asset, balance FROM balances";
        self.all("reading balances", sql, [], triple)
    }

    fn stray_requests(&mut self, limit: i64) -> Result<Vec<String>, StoreError> {
        let params = params![OUTCOME_PROMISED_MS as i64, limit];
        let rows = self.all("matching requests", STRAY_REQUESTS, params, |row| {
            let player: String = row.get(0)?;
            let request_id: Vec<u8> = row.get(1)?;
            Ok((player, request_id))
        })?;
        let strays = rows.into_iter();
        Ok(strays
            .map(|(player, id)| format!("{player} {}", String::from_utf8_lossy(&id)))
            .collect())
    }

    fn counts(&mut self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM pilots), (SELECT COUNT(*) FROM outcomes)";
        let counts = self.one("counting", sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counts.unwrap_or((0, 0)))
    }
}
