//! `orrery audit`: the ledger replayed from nothing.

use clap::Args;

use super::{Failure, print};
use crate::store::{StoreError, audit, shown};

/// Which database to prove.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// SQLite file, or a postgres:// URL
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = super::serve::DATABASE)]
    database: String,
}

pub(crate) fn run(arguments: &AuditArguments) -> Result<(), Failure> {
    let report =
        audit(&arguments.database).map_err(|error| failure(&arguments.database, &error))?;
    print(&report.to_string())?;
    if report.is_clean() {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "the ledger of {} does not add up",
            shown(&arguments.database)
        )))
    }
}

/// What cannot be opened is an unusable argument; what fails under way is a failure.
pub(crate) fn failure(database: &str, error: &StoreError) -> Failure {
    let sentence = format!("{}: {error}", shown(database));
    match error {
        StoreError::Unusable(_) | StoreError::TooNew { .. } => Failure::unusable(sentence),
        _ => Failure::failed(sentence),
    }
}
