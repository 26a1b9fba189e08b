//! What the reader looks up in SQLite: one statement each, on a connection that never writes.

use rusqlite::params;

use crate::ids::{Name, PlayerId};
use crate::store::backend::{Lookups, STALE_GUESTS};
use crate::store::columns::{self, PilotColumns};
use crate::store::error::StoreError;
use crate::store::ledger;
use crate::store::record::{OutcomeQuestion, PilotRecord, StoredOutcome};

use super::Sqlite;

const PILOT: &str = "SELECT p.system_name, p.docked_at, p.x, p.y, p.vx, p.vy, p.rotation, \
    p.home_system, p.home_station, p.hull, p.fuel, b.asset, b.balance FROM pilots AS p \
    LEFT JOIN balances AS b ON b.account = ?2 WHERE p.player = ?1";

impl Lookups for Sqlite {
    fn take_in(&mut self, _owner: &str, _player: &PlayerId) -> Result<bool, StoreError> {
        // One process has the file.
        Ok(true)
    }

    fn pilot(
        &mut self,
        _owner: &str,
        player: &PlayerId,
    ) -> Result<Option<(PilotRecord, bool)>, StoreError> {
        let params = params![player.as_str(), ledger::pilot_key(player)];
        let rows = self.all("loading a pilot", PILOT, params, |row| {
            let columns = PilotColumns {
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
            };
            let balance: (Option<String>, Option<i64>) = (row.get(11)?, row.get(12)?);
            Ok((columns, balance))
        })?;
        let pilot = columns::pilot(player, rows.into_iter())?;
        // One process has the file.
        Ok(pilot.map(|pilot| (pilot, false)))
    }

    fn request_ids(&mut self, player: &PlayerId, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT request_id FROM outcomes WHERE player = ?1 LIMIT ?2";
        let params = params![player.as_str(), limit];
        self.all("listing requests", sql, params, |row| row.get(0))
    }

    fn outcomes(
        &mut self,
        questions: &[OutcomeQuestion],
    ) -> Result<Vec<(usize, StoredOutcome)>, StoreError> {
        let sql = "SELECT system_name, body_digest, reply FROM outcomes \
            WHERE player = ?1 AND request_id = ?2";
        let mut found = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            let (player, id) = (&question.player, &*question.request_id);
            let params = params![player.as_str(), id.as_bytes()];
            let outcome = self.one("looking up an outcome", sql, params, |row| {
                let system: String = row.get(0)?;
                let reply: String = row.get(2)?;
                Ok((system, row.get(1)?, reply))
            })?;
            if let Some((system, digest, reply)) = outcome {
                found.push((
                    index,
                    columns::outcome(player, id, &system, digest, &reply)?,
                ));
            }
        }
        Ok(found)
    }

    fn outcome_counts(
        &mut self,
        players: &[&str],
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM outcomes WHERE player = ?1 LIMIT ?2)";
        let counts = players.iter().map(|&player| {
            let count = self.one("counting outcomes", sql, params![player, limit], |row| {
                row.get(0)
            })?;
            Ok((player.to_owned(), count.unwrap_or(0)))
        });
        counts.collect()
    }

    fn stale_guests(
        &mut self,
        system: &Name,
        before_ms: i64,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let params = params![before_ms, system.as_str(), limit];
        self.all("looking for guests", STALE_GUESTS, params, |row| row.get(0))
    }
}
