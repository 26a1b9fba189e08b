//! `orrery backup`: a consistent copy of the database while a server writes it.

use std::path::PathBuf;

use clap::Args;

use super::audit::failure;
use super::{Failure, print};
use crate::store::backup;

/// What to copy where.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// SQLite file that is copied
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = super::serve::DATABASE)]
    database: String,
    /// The copy; must not exist yet
    file: PathBuf,
}

pub(crate) fn run(arguments: &BackupArguments) -> Result<(), Failure> {
    super::refuse_own_file(&arguments.database, &arguments.file)?;
    backup(&arguments.database, &arguments.file)
        .map_err(|error| failure(&arguments.database, &error))?;
    print(&format!("copied to {}", arguments.file.display()))
}
