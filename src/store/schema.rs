//! The schema's versions: forward only, one script a step, applied in order at opening.
//!
//! The version is a row of `orrery_schema`, read and written inside the transaction that applies
//! the next script, so that two servers that start at once apply each script once. A database
//! newer than this program is refused. Scripts are never edited once released: a change is a new
//! step in both dialects.

use crate::store::error::StoreError;

/// One step, in both dialects.
pub(super) struct Step {
    /// Statements of the step for SQLite.
    pub(super) sqlite: &'static str,
    /// For PostgreSQL and what speaks like it.
    pub(super) postgres: &'static str,
}

/// The steps; the step at index `i` leads to version `i + 1`.
pub(super) const STEPS: [Step; 4] = [
    Step {
        sqlite: include_str!("sql/sqlite/0001_ledger.sql"),
        postgres: include_str!("sql/postgres/0001_ledger.sql"),
    },
    Step {
        sqlite: include_str!("sql/sqlite/0002_leases.sql"),
        postgres: include_str!("sql/postgres/0002_leases.sql"),
    },
    Step {
        sqlite: include_str!("sql/sqlite/0003_newcomers.sql"),
        postgres: include_str!("sql/postgres/0003_newcomers.sql"),
    },
    Step {
        sqlite: include_str!("sql/sqlite/0004_forgetting.sql"),
        postgres: include_str!("sql/postgres/0004_forgetting.sql"),
    },
];

/// The version that this program writes.
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// The step that follows a version, none at the newest.
pub(super) fn step_after(version: i64) -> Result<Option<&'static Step>, StoreError> {
    if version > SCHEMA_VERSION {
        return Err(StoreError::TooNew {
            found: version,
            known: SCHEMA_VERSION,
        });
    }
    let index = usize::try_from(version)
        .map_err(|_| StoreError::Corrupt(format!("schema version {version}")))?;
    Ok(STEPS.get(index))
}
