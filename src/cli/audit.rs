//! `orrery audit`: the ledger replayed from nothing, and compared with an earlier audit's heads.
//!
//! Heads are saved of a clean audit only, where nothing stands, or over the very file that this audit
//! was given and has proven.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, print};
use crate::files;
use crate::limits::CHAIN_HEADS_BYTES_MAX;
use crate::store::{ChainHeads, StoreError, audit_since, shown};

/// Which database to prove.
///
/// The audit proves that the ledger is consistent: no row was edited, added, left out or moved by
/// itself, and every balance, hold and stock is what the rows make it. The chain of hashes has no
/// key, so who can write the whole database can write a whole other history that is consistent too.
/// That shows only beside chain heads which were kept where they cannot write: save them with
/// --save, carry them elsewhere, and give them back with --since.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// SQLite file, or a postgres:// URL
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = super::serve::DATABASE)]
    database: String,
    /// Chain heads of an earlier audit: each of these rows must still be there with its hash
    #[arg(long, env = "ORRERY_SINCE", value_name = "FILE")]
    since: Option<PathBuf>,
    /// New file for the chain heads of this audit, if it is clean; or the file of --since, whose heads
    /// are then proven
    #[arg(long, env = "ORRERY_SAVE", value_name = "FILE")]
    save: Option<PathBuf>,
}

pub(crate) fn run(arguments: &AuditArguments) -> Result<(), Failure> {
    let AuditArguments {
        database,
        since,
        save,
    } = arguments;
    let earlier = match since {
        Some(file) => read(file)?,
        None => ChainHeads::default(),
    };
    let replaces = save.is_some() && save == since;
    if let Some(file) = save.as_ref().filter(|_| !replaces) {
        super::refuse_own_file(database, file)?;
        files::vacant(file).map_err(Failure::unusable)?;
    }
    let report = audit_since(database, &earlier).map_err(|error| failure(database, &error))?;
    print(&report.to_string())?;
    if !report.is_clean() {
        let unsaved = if save.is_some() {
            "; no heads were saved"
        } else {
            ""
        };
        return Err(Failure::failed(format!(
            "the ledger of {} does not add up{unsaved}",
            shown(database)
        )));
    }
    let Some(file) = save else {
        return Ok(());
    };
    write(file, &report.heads, replaces).map_err(|error| {
        Failure::failed(format!(
            "cannot save the chain heads to {}: {error}",
            file.display()
        ))
    })?;
    print(&format!("chain heads saved to {}", file.display()))
}

/// Reads the heads of an earlier audit.
fn read(file: &Path) -> Result<ChainHeads, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::unusable(format!("the chain heads in {}: {why}", file.display()))
    };
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| unusable(&error))?;
    let mut bounded = opened.take(CHAIN_HEADS_BYTES_MAX + 1);
    bounded
        .read_to_string(&mut text)
        .map_err(|error| unusable(&error))?;
    if text.len() as u64 > CHAIN_HEADS_BYTES_MAX {
        let why = format!("the file has more than {CHAIN_HEADS_BYTES_MAX} bytes");
        return Err(unusable(&why));
    }
    let heads: ChainHeads = text.parse().map_err(|error| unusable(&error))?;
    if heads.is_empty() {
        return Err(unusable(&"there are none"));
    }
    Ok(heads)
}

/// Writes the heads beside the file and gives them its name, so that the file is whole at any time.
fn write(file: &Path, heads: &ChainHeads, replaces: bool) -> io::Result<()> {
    let part = files::beside(file, ".part");
    let mut new = files::create_new(&part)?;
    let written = new
        .write_all(heads.to_string().as_bytes())
        .and_then(|()| new.sync_all())
        .and_then(|()| {
            if replaces {
                fs::rename(&part, file)
            } else {
                files::publish(&part, file)
            }
        });
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&part);
    }
    written
}

/// What cannot be opened is an unusable argument; what fails under way is a failure.
pub(crate) fn failure(database: &str, error: &StoreError) -> Failure {
    let sentence = format!("{}: {error}", shown(database));
    match error {
        StoreError::Unusable(_) | StoreError::TooNew { .. } => Failure::unusable(sentence),
        _ => Failure::failed(sentence),
    }
}
