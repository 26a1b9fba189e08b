//! The SQLite back-end: one file in WAL mode with `synchronous=FULL`, one writing connection.
//!
//! A server holds an OS lock on `FILE.lock` for as long as it lives, so a second one refuses to
//! start, and a killed one leaves nothing behind. The file itself stays readable: audits and
//! backups open it beside the running server. Since the lock proves that no other server lives, a
//! lease is always free for the taking; the fence still rises and is still checked.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, Row, params};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::STORE_BUSY_MS_MAX;
use crate::store::backend::{Backend, ChainEnd, Claim, WriterId};
use crate::store::columns::{self, PilotColumns};
use crate::store::error::StoreError;
use crate::store::ledger::{self, LedgerRow};
use crate::store::record::{PilotRecord, Stock, StoredOutcome};
use crate::store::schema;
use crate::store::staging::{Change, Head};

/// An open SQLite file.
pub(super) struct Sqlite {
    connection: Connection,
    /// Held, not used: the lock goes when it is dropped.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens or makes the file for writing, locks it, and brings its schema up to date.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let connection = Connection::open(path).map_err(failed("opening the file"))?;
        let mut this = Self {
            connection,
            _lock: Some(lock),
        };
        this.configure()?;
        this.migrate()?;
        Ok(this)
    }

    /// Opens an existing file for reading only, beside whoever writes it.
    pub(super) fn open_reading(path: &Path) -> Result<Self, StoreError> {
        let this = Self {
            connection: connect_reading(path)?,
            _lock: None,
        };
        let version = this.version()?;
        if schema::step_after(version)?.is_some() {
            return Err(StoreError::Unusable(format!(
                "{} has schema version {version}: serve it once to bring it up to date",
                path.display()
            )));
        }
        Ok(this)
    }

    fn configure(&self) -> Result<(), StoreError> {
        let busy = Duration::from_millis(STORE_BUSY_MS_MAX);
        let doing = "configuring the connection";
        let connection = &self.connection;
        connection.busy_timeout(busy).map_err(failed(doing))?;
        let pragma = |name, value| {
            connection
                .pragma_update_and_check(None, name, value, |row| row.get::<_, String>(0))
                .map_err(failed(doing))
        };
        let mode = pragma("journal_mode", "WAL")?;
        if mode != "wal" {
            return Err(StoreError::Unusable(format!(
                "the database's file system allows only journal mode {mode}, WAL is needed"
            )));
        }
        let full = connection.pragma_update(None, "synchronous", "FULL");
        full.map_err(failed(doing))
    }

    fn version(&self) -> Result<i64, StoreError> {
        let sql = "SELECT version FROM orrery_schema";
        match self.connection.query_row(sql, [], |row| row.get(0)) {
            Ok(version) => Ok(version),
            Err(error) if error.to_string().contains("no such table") => Ok(0),
            Err(error) => Err(failed("reading the schema's version")(error)),
        }
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let table = "CREATE TABLE IF NOT EXISTS orrery_schema (version INTEGER NOT NULL) STRICT;
                     INSERT INTO orrery_schema SELECT 0
                     WHERE NOT EXISTS (SELECT 1 FROM orrery_schema);";
        self.script(table)?;
        while let Some(step) = schema::step_after(self.version()?)? {
            self.begin()?;
            let done = self.script(step.sqlite).and_then(|()| {
                self.script("UPDATE orrery_schema SET version = version + 1")?;
                self.commit()
            });
            if done.is_err() {
                self.rollback();
            }
            done?;
        }
        Ok(())
    }

    fn script(&self, sql: &str) -> Result<(), StoreError> {
        let done = self.connection.execute_batch(sql);
        done.map_err(failed("migrating the schema"))
    }

    fn run(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        statement.execute(params).map_err(failed(doing))
    }

    fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        let found = statement.query_row(params, read).optional();
        found.map_err(failed(doing))
    }

    fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed(doing))?;
        let rows = statement.query_map(params, read).map_err(failed(doing))?;
        rows.collect::<Result<_, _>>().map_err(failed(doing))
    }

    /// Lets a test make the disk full.
    #[cfg(test)]
    pub(super) fn cap_pages(&self, more: i64) -> Result<(), StoreError> {
        let doing = "capping the file";
        let count = self.one(doing, "PRAGMA page_count", [], |row| row.get::<_, i64>(0))?;
        let cap = count.unwrap_or(0) + more;
        let sql = format!("PRAGMA max_page_count = {cap}");
        self.one(doing, &sql, [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }
}

/// Opens an existing file read-only.
pub(super) fn connect_reading(path: &Path) -> Result<Connection, StoreError> {
    if !path.is_file() {
        return Err(StoreError::Unusable(format!(
            "there is no database file {}",
            path.display()
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let doing = "opening the file for reading";
    let connection = Connection::open_with_flags(path, flags).map_err(failed(doing))?;
    let busy = connection.busy_timeout(Duration::from_millis(STORE_BUSY_MS_MAX));
    busy.map_err(failed(doing))?;
    Ok(connection)
}

/// Takes the server's lock beside the file; the lock file holds the holder's process id.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = lock_path(path)?;
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot lock {}: {error}", lock_path.display()))
    };
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&lock_path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(unusable)?;
            return Err(StoreError::InUse(format!(
                "the database {} is being served already, by process {}: \
                 stop that server or give this one another --database",
                path.display(),
                holder.trim()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(unusable(error)),
    }
    file.set_len(0).map_err(unusable)?;
    file.rewind().map_err(unusable)?;
    writeln!(file, "{}", std::process::id()).map_err(unusable)?;
    Ok(file)
}

/// `FILE.lock` with links followed, so that two names of one file share it.
fn lock_path(path: &Path) -> Result<PathBuf, StoreError> {
    let unusable = |error: std::io::Error| {
        StoreError::Unusable(format!("cannot open {}: {error}", path.display()))
    };
    let whole = if path.exists() {
        path.canonicalize().map_err(unusable)?
    } else {
        std::path::absolute(path).map_err(unusable)?
    };
    let mut text = whole.into_os_string();
    text.push(".lock");
    Ok(PathBuf::from(text))
}

/// Sorts an error of the driver.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| match &error {
        rusqlite::Error::SqliteFailure(code, _)
            if matches!(
                code.code,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
            ) =>
        {
            StoreError::Unavailable(format!("{doing}: {error}"))
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => {
            StoreError::Corrupt(format!("{doing}: {error}"))
        }
        _ => StoreError::Database {
            doing,
            message: error.to_string(),
        },
    }
}

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

    fn enlist(&mut self, owner: &str) -> Result<WriterId, StoreError> {
        let sql = "INSERT INTO writers (owner, epoch, commits) VALUES (?1, 1, 0) \
            ON CONFLICT (owner) DO UPDATE SET epoch = writers.epoch + 1, commits = 0 \
            RETURNING epoch";
        let epoch = self.one("enlisting the writer", sql, [owner], |row| row.get(0))?;
        Ok(WriterId {
            owner: owner.to_owned(),
            epoch: epoch.unwrap_or(0),
        })
    }

    fn claim(&mut self, owner: &str, system: &Name) -> Result<Claim, StoreError> {
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
        let sql = "UPDATE writers SET commits = ?3 WHERE owner = ?1 AND epoch = ?2";
        let params = params![writer.owner, writer.epoch, commits];
        Ok(self.run("counting the commit", sql, params)? == 1)
    }

    fn commits(&mut self, writer: &WriterId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT commits FROM writers WHERE owner = ?1 AND epoch = ?2";
        let params = params![writer.owner, writer.epoch];
        self.one("reading the commit count", sql, params, |row| row.get(0))
    }

    fn heads(&mut self, owner: &str) -> Result<BTreeMap<String, Head>, StoreError> {
        let sql = "SELECT system_name, fence, head_row, head_hash FROM systems WHERE owner = ?1";
        let rows = self.all("checking the leases", sql, [owner], |row| {
            let bytes: Vec<u8> = row.get(3)?;
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, bytes))
        })?;
        let heads = rows.into_iter().map(|(system, fence, row_id, bytes)| {
            let hash = columns::hash(&bytes)?;
            let head = Head {
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
        heads: &BTreeMap<String, Head>,
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

    fn change_balances(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            let Change {
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
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO outcomes \
            (player, request_id, system_name, body_digest, reply, unix_ms) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        for (unix, outcome) in outcomes {
            let params = params![
                outcome.player.as_str(),
                outcome.request_id.as_bytes(),
                outcome.system.as_str(),
                outcome.body_digest as i64,
                &*outcome.reply,
                unix.0 as i64,
            ];
            self.run("keeping an outcome", sql, params)?;
        }
        Ok(())
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

    fn pilot(&mut self, player: &PlayerId) -> Result<Option<PilotRecord>, StoreError> {
        let sql = "SELECT system_name, docked_at, x, y, vx, vy, rotation, home_system, \
            home_station, hull, fuel FROM pilots WHERE player = ?1";
        let found = self.one("loading a pilot", sql, [player.as_str()], |row| {
            Ok(PilotColumns {
                system_name: row.get(0)?,
                docked_at: row.get(1)?,
                motion: [
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ],
                home_system: row.get(7)?,
                home_station: row.get(8)?,
                hull: row.get(9)?,
                fuel: row.get(10)?,
            })
        })?;
        found.map(|columns| columns.record(player)).transpose()
    }

    fn request_ids(&mut self, player: &PlayerId, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT request_id FROM outcomes WHERE player = ?1 LIMIT ?2";
        let params = params![player.as_str(), limit];
        self.all("listing requests", sql, params, |row| row.get(0))
    }

    fn outcome(
        &mut self,
        player: &PlayerId,
        request_id: &str,
    ) -> Result<Option<StoredOutcome>, StoreError> {
        let sql = "SELECT system_name, body_digest, reply FROM outcomes \
            WHERE player = ?1 AND request_id = ?2";
        let params = params![player.as_str(), request_id.as_bytes()];
        let found = self.one("looking up an outcome", sql, params, |row| {
            let system: String = row.get(0)?;
            let reply: String = row.get(2)?;
            Ok((system, row.get(1)?, reply))
        })?;
        let outcome = found.map(|(system, digest, reply)| {
            columns::outcome(player, request_id, &system, digest, &reply)
        });
        outcome.transpose()
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
        let sql = super::audit::STRAY_REQUESTS;
        let rows = self.all("matching requests", sql, [limit], |row| {
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
