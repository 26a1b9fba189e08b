//! What one commit has to do: the merged batches, less what belongs to systems whose lease is gone.
//!
//! [`Work::of`] checks what no honest server submits; the rest is the order of things, which is
//! that of the batches.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Name, UnixMillis};
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::store::error::StoreError;
use crate::store::ledger;
use crate::store::record::{Batch, Cause, PilotRecord, StoredOutcome, Transaction};
use crate::store::staging::{Head, Staging};

/// The parts of merged batches that belong to systems whose lease is held.
pub(super) struct Work<'a> {
    events: Vec<Event<'a>>,
    pub(super) outcomes: Vec<(UnixMillis, &'a StoredOutcome)>,
    pilots: Vec<(UnixMillis, &'a PilotRecord)>,
}

/// What the staging does, in order.
enum Event<'a> {
    Post(UnixMillis, &'a Transaction),
    Verify(&'a PilotRecord),
}

impl<'a> Work<'a> {
    pub(super) fn of(
        batches: &'a [Batch],
        heads: &BTreeMap<String, Head>,
        lost: &mut BTreeSet<Name>,
    ) -> Result<Self, StoreError> {
        let mut work = Self {
            events: Vec::new(),
            outcomes: Vec::new(),
            pilots: Vec::new(),
        };
        let mut held = |system: &Name| {
            let held = heads.contains_key(system.as_str());
            if !held {
                lost.insert(system.clone());
            }
            held
        };
        for batch in batches {
            let unix = batch.unix;
            check_grants(batch)?;
            for transaction in &batch.transactions {
                if held(&transaction.system) {
                    work.events.push(Event::Post(unix, transaction));
                }
            }
            for outcome in &batch.outcomes {
                check_outcome(outcome)?;
                if held(&outcome.system) {
                    work.outcomes.push((unix, outcome));
                }
            }
            for pilot in &batch.checkpoints {
                if held(&pilot.system) {
                    work.events.push(Event::Verify(pilot));
                    work.pilots.push((unix, pilot));
                }
            }
        }
        Ok(work)
    }

    /// The accounts touched, each once, in order: every writer locks in one order.
    pub(super) fn accounts(&self) -> Vec<String> {
        let mut keys = BTreeSet::new();
        for event in &self.events {
            match event {
                Event::Post(_, transaction) => {
                    // A malformed one is reported when it is staged.
                    for transfer in ledger::transfers(transaction).into_iter().flatten() {
                        keys.insert(transfer.from.key());
                        keys.insert(transfer.to.key());
                    }
                }
                Event::Verify(pilot) => {
                    keys.insert(ledger::pilot_key(&pilot.player));
                }
            }
        }
        keys.into_iter().collect()
    }

    pub(super) fn stage(
        &self,
        staging: &mut Staging,
        commodities: &BTreeSet<Name>,
    ) -> Result<(), StoreError> {
        for event in &self.events {
            match event {
                Event::Post(unix, transaction) => staging.post(*unix, transaction)?,
                Event::Verify(pilot) => staging.verify(pilot, commodities)?,
            }
        }
        Ok(())
    }

    /// The newest checkpoint of each pilot.
    pub(super) fn newest_pilots(&self) -> Vec<(UnixMillis, &'a PilotRecord)> {
        let pilots = self.pilots.iter();
        let newest: BTreeMap<&str, _> = pilots
            .map(|(unix, pilot)| (pilot.player.as_str(), (*unix, *pilot)))
            .collect();
        newest.into_values().collect()
    }
}

/// A pilot that owns something must be found at the next login, or it would be granted again.
fn check_grants(batch: &Batch) -> Result<(), StoreError> {
    let grants = batch.transactions.iter();
    for grant in grants.filter(|transaction| transaction.cause == Cause::Grant) {
        let kept = batch
            .checkpoints
            .iter()
            .any(|pilot| Some(&pilot.player) == grant.player.as_ref());
        if !kept {
            return Err(StoreError::Malformed(format!(
                "a starting grant for {:?} without a checkpoint in the same batch",
                grant.player
            )));
        }
    }
    Ok(())
}

/// JSON text holds no NUL, and PostgreSQL's text cannot; request ids are kept as bytes.
fn check_outcome(outcome: &StoredOutcome) -> Result<(), StoreError> {
    let bytes = outcome.request_id.len();
    if bytes > REQUEST_ID_BYTES_MAX || outcome.reply.contains('\0') {
        return Err(StoreError::Malformed(format!(
            "an outcome for a request id of {bytes} bytes: {:?}",
            outcome.reply
        )));
    }
    Ok(())
}
