//! What the reader looks up in PostgreSQL: one statement each, none of which takes a lock but that of
//! a newcomer's own row.

use crate::ids::{Name, PlayerId};
use crate::limits::NEWCOMER_MS;
use crate::store::backend::{Lookups, STALE_GUESTS};
use crate::store::columns::{self, PilotColumns};
use crate::store::error::StoreError;
use crate::store::ledger;
use crate::store::record::{OutcomeQuestion, PilotRecord, StoredOutcome};

use super::steps::each;
use super::{Postgres, column};

const FORGET_NEWCOMERS: &str = "DELETE FROM newcomers \
    WHERE expires_ms <= (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT";

const TAKE_IN: &str = "INSERT INTO newcomers (player, owner, expires_ms) \
    VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT + $3::BIGINT) \
    ON CONFLICT (player) DO UPDATE SET expires_ms = excluded.expires_ms \
    WHERE newcomers.owner = excluded.owner";

const PILOT: &str = "SELECT p.system_name, p.docked_at, p.x, p.y, p.vx, p.vy, p.rotation, \
    p.home_system, p.home_station, p.hull, p.fuel, b.asset, b.balance, \
    EXISTS (SELECT 1 FROM systems AS s WHERE s.system_name = p.system_name AND s.owner <> $3 \
    AND s.expires_ms > (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT) \
    FROM pilots AS p LEFT JOIN balances AS b ON b.account = $2 WHERE p.player = $1";

const OUTCOMES: &str = "SELECT q.place, o.system_name, o.body_digest, o.reply \
    FROM unnest($1::BIGINT[], $2::TEXT[], $3::BYTEA[]) AS q (place, player, request_id) \
    JOIN outcomes AS o ON o.player = q.player AND o.request_id = q.request_id";

const OUTCOME_COUNTS: &str = "SELECT q.player, \
    (SELECT COUNT(*) FROM (SELECT 1 FROM outcomes AS o WHERE o.player = q.player \
    LIMIT $2::BIGINT) AS few) FROM unnest($1::TEXT[]) AS q (player)";

impl Lookups for Postgres {
    fn take_in(&mut self, owner: &str, player: &PlayerId) -> Result<bool, StoreError> {
        let doing = "taking a newcomer in";
        self.run(doing, FORGET_NEWCOMERS, &[])?;
        let params: super::Params<'_> = &[&player.as_str(), &owner, &NEWCOMER_MS];
        Ok(self.run(doing, TAKE_IN, params)? == 1)
    }

    fn pilot(
        &mut self,
        owner: &str,
        player: &PlayerId,
    ) -> Result<Option<(PilotRecord, bool)>, StoreError> {
        let account = ledger::pilot_key(player);
        let params: super::Params<'_> = &[&player.as_str(), &account, &owner];
        let rows = self.all("loading a pilot", PILOT, params)?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let is_elsewhere = column(first, 13)?;
        let read = rows.iter().map(|row| {
            let columns = PilotColumns {
                system_name: column(row, 0)?,
                docked_at: column(row, 1)?,
                motion: [
                    column(row, 2)?,
                    column(row, 3)?,
                    column(row, 4)?,
                    column(row, 5)?,
                    column(row, 6)?,
                ],
                home_system: column(row, 7)?,
                home_station: column(row, 8)?,
                hull: column(row, 9)?,
                fuel: column(row, 10)?,
            };
            Ok((columns, (column(row, 11)?, column(row, 12)?)))
        });
        let read: Vec<_> = read.collect::<Result<_, StoreError>>()?;
        let pilot = columns::pilot(player, read.into_iter())?;
        Ok(pilot.map(|pilot| (pilot, is_elsewhere)))
    }

    fn request_ids(&mut self, player: &PlayerId, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT request_id FROM outcomes WHERE player = $1 LIMIT $2";
        let rows = self.all("listing requests", sql, &[&player.as_str(), &limit])?;
        rows.iter().map(|row| column(row, 0)).collect()
    }

    fn outcomes(
        &mut self,
        questions: &[OutcomeQuestion],
    ) -> Result<Vec<(usize, StoredOutcome)>, StoreError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<i64> = (0..questions.len() as i64).collect();
        let params: super::Params<'_> = &[
            &places,
            &each(questions, |it| it.player.as_str()),
            &each(questions, |it| it.request_id.as_bytes()),
        ];
        let rows = self.all("looking up outcomes", OUTCOMES, params)?;
        let mut found = Vec::new();
        for row in &rows {
            let place = column::<i64>(row, 0)? as usize;
            let Some(question) = questions.get(place) else {
                continue;
            };
            let (system, digest, reply) = (column(row, 1)?, column(row, 2)?, column(row, 3)?);
            let (player, id) = (&question.player, &question.request_id);
            found.push((place, columns::outcome(player, id, system, digest, reply)?));
        }
        Ok(found)
    }

    fn outcome_counts(
        &mut self,
        players: &[&str],
        limit: i64,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let params: super::Params<'_> = &[&players, &limit];
        let rows = self.all("counting outcomes", OUTCOME_COUNTS, params)?;
        let counts = rows
            .iter()
            .map(|row| Ok((column(row, 0)?, column(row, 1)?)));
        counts.collect()
    }

    fn stale_guests(
        &mut self,
        system: &Name,
        before_ms: i64,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        let params: super::Params<'_> = &[&before_ms, &system.as_str(), &limit];
        let rows = self.all("looking for guests", STALE_GUESTS, params)?;
        rows.iter().map(|row| column(row, 0)).collect()
    }
}
