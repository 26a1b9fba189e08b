//! What one commit has to do: the merged batches, less what belongs to systems whose lease is gone
//! and to players in quarantine.
//!
//! [`Work::of`] checks what no honest server submits; the rest is the order of things, which is
//! that of the batches.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::REQUEST_ID_BYTES_MAX;
use crate::store::columns::PilotColumns;
use crate::store::error::StoreError;
use crate::store::ledger::{self, CREDITS};
use crate::store::quarantine::{Quarantine, RecordRefusal, Stopped, without_pilot};
use crate::store::record::{Batch, Cause, PilotRecord, StoredOutcome, Transaction, request_digest};
use crate::store::staging::{ChainEndRow, Staging};

/// The parts of merged batches that are to be kept.
pub(super) struct Work<'a> {
    events: Vec<Event<'a>>,
    pub(super) outcomes: Vec<(UnixMillis, &'a StoredOutcome)>,
    pilots: Vec<(UnixMillis, &'a PilotRecord)>,
    /// Guests to forget who are not in the rest of the batches.
    pub(super) forgotten: Vec<&'a PlayerId>,
}

/// What the staging does, in order.
enum Event<'a> {
    Post(UnixMillis, Cow<'a, Transaction>),
    Verify(&'a PilotRecord),
}

impl Event<'_> {
    /// Whom to leave out when this cannot be done; nobody where the player is left out already.
    fn player(&self) -> Option<&PlayerId> {
        match self {
            Self::Post(_, Cow::Borrowed(transaction)) => transaction.player.as_ref(),
            Self::Post(_, Cow::Owned(_)) => None,
            Self::Verify(pilot) => Some(&pilot.player),
        }
    }
}

impl<'a> Work<'a> {
    pub(super) fn of(
        batches: &'a [Batch],
        heads: &BTreeMap<String, ChainEndRow>,
        quarantine: &Quarantine,
        lost: &mut BTreeSet<Name>,
    ) -> Result<Self, Stopped> {
        let mut work = Self {
            events: Vec::new(),
            outcomes: Vec::new(),
            pilots: Vec::new(),
            forgotten: Vec::new(),
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
            for transaction in &batch.transactions {
                if held(&transaction.system) {
                    let player = transaction.player.as_ref();
                    let event = if player.is_some_and(|player| quarantine.holds(player)) {
                        without_pilot(transaction).map(Cow::Owned)
                    } else {
                        Some(Cow::Borrowed(transaction))
                    };
                    work.events
                        .extend(event.map(|transaction| Event::Post(unix, transaction)));
                }
            }
            for outcome in &batch.outcomes {
                if held(&outcome.system) && !quarantine.holds(&outcome.player) {
                    work.outcomes.push((unix, outcome));
                }
            }
            for pilot in &batch.checkpoints {
                if held(&pilot.system) && !quarantine.holds(&pilot.player) {
                    work.events.push(Event::Verify(pilot));
                    work.pilots.push((unix, pilot));
                }
            }
        }
        work.check(batches, quarantine)?;
        work.forgotten = work.forgotten_of(batches, quarantine);
        Ok(work)
    }

    /// Finds what cannot be kept, whatever the ledger says.
    fn check(&self, batches: &[Batch], quarantine: &Quarantine) -> Result<(), Stopped> {
        let mut refused = Vec::new();
        let mut refuse = |player: &PlayerId, checked: Result<(), StoreError>| {
            if let Err(reason) = checked {
                let player = player.clone();
                refused.push(RecordRefusal { player, reason });
            }
        };
        for batch in batches {
            for player in ungrounded_grants(batch) {
                if !quarantine.holds(player) {
                    let what = "a starting grant without a checkpoint in the same batch";
                    refuse(player, Err(StoreError::Malformed(what.to_owned())));
                }
            }
        }
        for (_, outcome) in &self.outcomes {
            refuse(&outcome.player, check_outcome(outcome));
        }
        for (_, pilot) in &self.pilots {
            refuse(&pilot.player, PilotColumns::of(pilot).map(drop));
        }
        if refused.is_empty() {
            Ok(())
        } else {
            Err(Stopped::Refused(refused))
        }
    }

    /// A guest who came back is in the batches with a checkpoint, and stays.
    fn forgotten_of(&self, batches: &'a [Batch], quarantine: &Quarantine) -> Vec<&'a PlayerId> {
        let named = batches.iter().flat_map(|batch| &batch.forgotten);
        let mut named: Vec<&PlayerId> = named.collect();
        if named.is_empty() {
            return named;
        }
        named.sort_unstable();
        named.dedup();
        let mut present: BTreeSet<&PlayerId> = BTreeSet::new();
        for event in &self.events {
            present.extend(match event {
                Event::Post(_, transaction) => transaction.player.as_ref(),
                Event::Verify(pilot) => Some(&pilot.player),
            });
        }
        named.retain(|player| {
            player.is_guest() && !present.contains(player) && !quarantine.holds(player)
        });
        named
    }

    /// The accounts touched, each once, in order: every writer locks in one order.
    pub(super) fn accounts(&self, forgotten: &[(PlayerId, Name)]) -> Vec<String> {
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
        for (player, system) in forgotten {
            let returned = grant_returned(player, system, 1);
            for transfer in ledger::transfers(&returned).into_iter().flatten() {
                keys.insert(transfer.from.key());
                keys.insert(transfer.to.key());
            }
        }
        keys.into_iter().collect()
    }

    pub(super) fn stage(
        &self,
        staging: &mut Staging,
        commodities: &BTreeSet<Name>,
    ) -> Result<(), Stopped> {
        for event in &self.events {
            let staged = match event {
                Event::Post(unix, transaction) => staging.post(*unix, transaction),
                Event::Verify(pilot) => staging.verify(pilot, commodities),
            };
            staged.map_err(|reason| match event.player() {
                Some(player) => {
                    let player = player.clone();
                    Stopped::Refused(vec![RecordRefusal { player, reason }])
                }
                None => Stopped::Failed(reason),
            })?;
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

    /// The players of outcomes that there were already.
    pub(super) fn refuse_outcomes(&self, indices: &[usize]) -> Stopped {
        let outcomes = indices.iter().filter_map(|&index| self.outcomes.get(index));
        let refused = outcomes.map(|(_, outcome)| RecordRefusal {
            player: outcome.player.clone(),
            reason: StoreError::Malformed(format!(
                "a second outcome for the request of digest {:016x}",
                request_digest(&outcome.request_id)
            )),
        });
        Stopped::Refused(refused.collect())
    }
}

/// What guests who are forgotten had goes back to where their grants came from.
pub(super) fn stage_forgotten(
    forgotten: &[(PlayerId, Name)],
    unix: UnixMillis,
    staging: &mut Staging,
) -> Result<(), StoreError> {
    for (player, system) in forgotten {
        let credits = staging.balance(&ledger::pilot_key(player), CREDITS);
        staging.post(unix, &grant_returned(player, system, credits))?;
    }
    Ok(())
}

fn grant_returned(player: &PlayerId, system: &Name, credits: i64) -> Transaction {
    Transaction {
        system: system.clone(),
        cause: Cause::GrantReturned,
        player: Some(player.clone()),
        station: None,
        commodity: None,
        quantity: 0,
        unit_price: 0,
        total: credits,
        request_id: None,
    }
}

/// Players who are granted something and not kept: a pilot that owns something must be found at the
/// next login, or it would be granted again.
fn ungrounded_grants(batch: &Batch) -> impl Iterator<Item = &PlayerId> {
    let grants = batch.transactions.iter();
    let grants = grants.filter(|transaction| transaction.cause == Cause::Grant);
    let granted = grants.filter_map(|grant| grant.player.as_ref());
    granted.filter(|&player| {
        let mut kept = batch.checkpoints.iter();
        !kept.any(|pilot| pilot.player == *player)
    })
}

/// JSON text holds no NUL, and PostgreSQL's text cannot; request ids are kept as bytes.
fn check_outcome(outcome: &StoredOutcome) -> Result<(), StoreError> {
    let bytes = outcome.request_id.len();
    if bytes > REQUEST_ID_BYTES_MAX || outcome.reply.contains('\0') {
        return Err(StoreError::Malformed(format!(
            "an outcome for a request id of {bytes} bytes, its reply has {}",
            outcome.reply.len()
        )));
    }
    Ok(())
}
