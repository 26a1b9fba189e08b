//! The writer: one thread that commits what it is handed over, in order.
//!
//! A commit takes in every batch that waits, up to a bound, and is one transaction:
//!
//! ```text
//! count the commit (superseded? stop) → heads of the leases held → balances of the accounts
//! touched → stage rows and sums, compare checkpoints → heads, rows, balances, outcomes, pilots
//! → COMMIT → LeaseLost … Quarantined … Durable
//! ```
//!
//! Nothing is remembered between commits but their count and who is in [quarantine](super::quarantine):
//! what a transaction needs it reads under its own locks, so that a retry starts from the truth. The
//! count tells, after a connection was lost in the middle of a COMMIT, whether it happened; and since
//! a commit counts only from the one before, the same one cannot be made twice, not even where the
//! database carries out the lost COMMIT after the new try has begun. An error that cannot pass, or
//! passes too slowly, is answered [`Answer::Failed`] once; the thread then ends, and nothing later is
//! told.
//!
//! Outcomes past their age are forgotten between commits, a bounded step at a time and only while
//! nothing waits: that moment belongs to nobody. A step that fails is left for the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::{
    FORGET_OUTCOMES_MAX, FORGET_PERIOD_MS, GUEST_KEPT_MS, LEASE_RENEW_MS, OUTCOME_KEPT_MS,
    STORE_MERGE_BATCHES_MAX,
};
use crate::store::StoreConfig;
use crate::store::answer::{Answer, Shared};
use crate::store::backend::{Backend, Claim, WriterId};
use crate::store::columns;
use crate::store::error::StoreError;
use crate::store::ledger;
use crate::store::quarantine::{Quarantine, Stopped};
use crate::store::reader::Read;
use crate::store::record::Batch;
use crate::store::retry::{Outage, Patience};
use crate::store::staging::{ChainEndRow, Staging};
use crate::store::work::{Work, stage_forgotten};

/// What the writer is asked for.
pub(super) enum WriterRequest {
    Submit(Batch),
    Stocks { ticket: u64, system: Name },
    Claim { system: Name },
}

/// See the module.
pub(super) struct Writer<B> {
    backend: B,
    identity: WriterId,
    commits: i64,
    patience: Patience,
    /// Fences of the leases held, by system.
    fences: BTreeMap<String, i64>,
    /// The goods that the server sees; none: all.
    commodities: BTreeSet<Name>,
    quarantine: Quarantine,
    shared: Arc<Shared>,
    /// When outcomes are to be forgotten again, by the batches' time.
    forget_due: UnixMillis,
}

impl<B: Backend> Writer<B> {
    /// A writer that holds nothing yet; the schema is up to date. Call order: claims, then
    /// [`Writer::enlist`], then [`Writer::run`].
    pub(super) fn new(backend: B, config: &StoreConfig, shared: Arc<Shared>) -> Self {
        Self {
            backend,
            identity: WriterId {
                owner: config.owner.clone(),
                epoch: 0,
            },
            commits: 0,
            patience: Patience::new(config),
            fences: BTreeMap::new(),
            commodities: config.commodities.iter().cloned().collect(),
            quarantine: Quarantine::default(),
            shared,
            forget_due: UnixMillis(0),
        }
    }

    /// Another connection to the same database, for the reader.
    pub(super) fn beside(&self) -> Result<B, StoreError> {
        self.backend.beside()
    }

    /// Enters the owner among those that commit.
    pub(super) fn enlist(&mut self) -> Result<(), StoreError> {
        let owner = self.identity.owner.clone();
        // Once more than needed only leaves out a number.
        self.identity = self
            .patience
            .retrying(&mut self.backend, |backend| backend.enlist(&owner))?;
        Ok(())
    }

    /// Asks for a system's lease, be it the owner's `gone`, whose process has ended.
    pub(super) fn claim(&mut self, system: &Name, gone: &str) -> Result<Claim, StoreError> {
        let owner = self.identity.owner.clone();
        let claim = self.patience.retrying(&mut self.backend, |backend| {
            backend.claim(&owner, system, gone)
        })?;
        if let Claim::Held { system, fence } = &claim {
            self.fences.insert(system.to_string(), *fence);
        }
        Ok(claim)
    }

    /// Serves the inbox until it is closed or something fatal happens; the reader then ends too.
    pub(super) fn run(
        mut self,
        inbox: &Receiver<WriterRequest>,
        reads: &SyncSender<Read>,
        tell: &mut dyn FnMut(Answer),
    ) {
        let ended = self.serve(inbox, tell);
        let ended = ended.and_then(|()| {
            let owner = self.identity.owner.clone();
            self.backend.release(&owner)
        });
        if let Err(error) = ended {
            self.shared.fail(error, tell);
            // A reader whose inbox is full is awake, and looks before it answers.
            let _ = reads.try_send(Read::Stop);
        }
    }

    fn serve(
        &mut self,
        inbox: &Receiver<WriterRequest>,
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        let mut pushed_back = None;
        let mut batches: Vec<Batch> = Vec::new();
        loop {
            let request = match pushed_back.take() {
                Some(request) => request,
                None => match self.next(inbox) {
                    Ok(request) => request,
                    Err(RecvTimeoutError::Timeout) => {
                        self.commit(&[], tell)?;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            };
            if self.shared.has_failed() {
                return Ok(());
            }
            match request {
                WriterRequest::Submit(batch) => {
                    batches.clear();
                    batches.push(batch);
                    while batches.len() < STORE_MERGE_BATCHES_MAX {
                        match inbox.try_recv() {
                            Ok(WriterRequest::Submit(batch)) => batches.push(batch),
                            Ok(other) => {
                                pushed_back = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit(&batches, tell)?;
                }
                WriterRequest::Stocks { ticket, system } => {
                    let stocks = self
                        .patience
                        .retrying(&mut self.backend, |backend| backend.stocks(&system))?;
                    tell(Answer::Stocks { ticket, stocks });
                }
                WriterRequest::Claim { system } => tell(Answer::Claimed(self.claim(&system, "")?)),
            }
        }
    }

    /// The next request; what is to be forgotten is while there is none.
    fn next(&mut self, inbox: &Receiver<WriterRequest>) -> Result<WriterRequest, RecvTimeoutError> {
        match inbox.try_recv() {
            Ok(request) => return Ok(request),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => self.forget_outcomes(),
        }
        inbox.recv_timeout(Duration::from_millis(LEASE_RENEW_MS))
    }

    /// One step, if it is due.
    fn forget_outcomes(&mut self) {
        let now = self.shared.unix();
        let Some(before) = now.0.checked_sub(OUTCOME_KEPT_MS) else {
            return;
        };
        if now < self.forget_due {
            return;
        }
        match self
            .backend
            .forget_outcomes(before as i64, FORGET_OUTCOMES_MAX)
        {
            // There are more: after the next commit.
            Ok(count) if count >= FORGET_OUTCOMES_MAX as u64 => {}
            Ok(_) => self.forget_due = UnixMillis(now.0 + FORGET_PERIOD_MS),
            Err(error) => {
                tracing::warn!(%error, "old outcomes were not forgotten this time");
                self.forget_due = UnixMillis(now.0 + FORGET_PERIOD_MS);
                self.backend.rollback();
                // The next commit finds out whether the connection can be had again.
                let _ = self.backend.reconnect();
            }
        }
    }

    /// Commits batches as one transaction and tells; without any, renews the leases.
    fn commit(
        &mut self,
        batches: &[Batch],
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        let commits = self.commits + 1;
        let mut lost = BTreeSet::new();
        let mut outage = Outage::default();
        loop {
            let done = self.attempt(commits, batches, &mut lost);
            let Err(stopped) = done else { break };
            self.backend.rollback();
            match stopped {
                Stopped::Refused(refused) => self.quarantine.take_in(refused)?,
                Stopped::Failed(error) => {
                    self.patience.pause(error, &mut outage)?;
                    if self.has_happened(commits, &mut outage)? {
                        break;
                    }
                }
            }
        }
        self.commits = commits;
        for system in lost {
            self.fences.remove(system.as_str());
            tell(Answer::LeaseLost { system });
        }
        for refusal in self.quarantine.take_untold() {
            tell(Answer::Quarantined {
                player: refusal.player,
                reason: refusal.reason.to_string(),
            });
        }
        if let Some(batch) = batches.last() {
            self.shared.set_unix(batch.unix);
            tell(Answer::Durable {
                batch: batch.number,
            });
        }
        Ok(())
    }

    fn attempt(
        &mut self,
        commits: i64,
        batches: &[Batch],
        lost: &mut BTreeSet<Name>,
    ) -> Result<(), Stopped> {
        let backend = &mut self.backend;
        backend.begin()?;
        if !backend.count_commit(&self.identity, commits)? {
            let found = backend.commits(&self.identity)?;
            backend.rollback();
            // A try before this one was carried out after all; what it lost is in `lost`.
            let was_made = found == Some(commits);
            return Ok(was_made.then_some(()).ok_or_else(|| self.superseded())?);
        }
        let mut heads = backend.heads(&self.identity.owner)?;
        heads.retain(|system, head| self.fences.get(system) == Some(&head.fence));
        lost.clear();
        let gone = self.fences.keys().filter(|held| !heads.contains_key(*held));
        for system in gone {
            lost.insert(columns::name(system)?);
        }
        let work = Work::of(batches, &heads, &self.quarantine, lost)?;
        let unix = batches.last().map_or(UnixMillis(0), |batch| batch.unix);
        let forgotten = forgettable(backend, &work.forgotten, unix, &heads)?;
        let balances = backend.balances(&work.accounts(&forgotten))?;
        let mut staging = Staging::new(heads, balances);
        work.stage(&mut staging, &self.commodities)?;
        stage_forgotten(&forgotten, unix, &mut staging)?;
        backend.move_heads(&self.identity.owner, staging.heads())?;
        backend.append(staging.rows())?;
        backend.change_balances(&staging.changes())?;
        let second = backend.keep_outcomes(&work.outcomes)?;
        if !second.is_empty() {
            return Err(work.refuse_outcomes(&second));
        }
        backend.keep_pilots(&work.newest_pilots())?;
        if !forgotten.is_empty() {
            let players: Vec<&str> = forgotten.iter().map(|(it, _)| it.as_str()).collect();
            let accounts: Vec<String> = forgotten
                .iter()
                .map(|(player, _)| ledger::pilot_key(player))
                .collect();
            backend.remove_pilots(&players, &accounts)?;
        }
        backend.commit()?;
        Ok(())
    }

    /// After a failed try: a connection that works, and whether the commit was made all the same.
    fn has_happened(&mut self, commits: i64, outage: &mut Outage) -> Result<bool, StoreError> {
        loop {
            let backend = &mut self.backend;
            let found = backend
                .reconnect()
                .and_then(|()| backend.commits(&self.identity));
            match found {
                Ok(Some(found)) => return Ok(found == commits),
                Ok(None) => return Err(self.superseded()),
                Err(error) => self.patience.pause(error, outage)?,
            }
        }
    }

    fn superseded(&self) -> StoreError {
        StoreError::Superseded {
            owner: self.identity.owner.clone(),
        }
    }
}

/// Those of the guests who still may be forgotten, with the systems of theirs that are held.
fn forgettable<B: Backend>(
    backend: &mut B,
    players: &[&PlayerId],
    unix: UnixMillis,
    heads: &BTreeMap<String, ChainEndRow>,
) -> Result<Vec<(PlayerId, Name)>, StoreError> {
    let Some(before) = unix.0.checked_sub(GUEST_KEPT_MS) else {
        return Ok(Vec::new());
    };
    if players.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = players.iter().map(|player| player.as_str()).collect();
    let found = backend.forgettable_guests(&names, before as i64)?;
    let held = found
        .into_iter()
        .filter(|(_, system)| heads.contains_key(system));
    held.map(|(player, system)| Ok((PlayerId(columns::name(&player)?), columns::name(&system)?)))
        .collect()
}
