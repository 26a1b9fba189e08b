//! The writer: one thread that owns the database and takes requests in order.
//!
//! A commit takes in every batch that waits, up to a bound, and is one transaction:
//!
//! ```text
//! count the commit (superseded? stop) → heads of the leases held → balances of the accounts
//! touched → stage rows and sums, compare checkpoints → heads, rows, balances, outcomes, pilots
//! → COMMIT → LeaseLost … Durable
//! ```
//!
//! Nothing is remembered between commits but their count: what a transaction needs it reads under
//! its own locks, so that a retry starts from the truth. The count tells, after a connection was
//! lost in the middle of a COMMIT, whether it happened; and since a commit counts only from the
//! one before, the same one cannot be made twice, not even where the database carries out the lost
//! COMMIT after the new try has begun. An error that cannot pass, or passes too slowly, is
//! answered [`Answer::Failed`] once; the thread then ends, and nothing later is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::ids::{Name, PlayerId};
use crate::limits::{
    LEASE_RENEW_MS, STORE_MERGE_BATCHES_MAX, STORE_REQUEST_DIGESTS_MAX, STORE_RETRY_MS_MAX,
    STORE_RETRY_MS_MIN,
};
use crate::store::StoreConfig;
use crate::store::backend::{Backend, Claim, WriterId};
use crate::store::columns;
use crate::store::error::StoreError;
use crate::store::ledger;
use crate::store::record::{Batch, LoadedPilot, Purpose, Stock, StoredOutcome, digest64};
use crate::store::staging::Staging;
use crate::store::work::Work;

/// What the writer is asked for.
pub(super) enum Request {
    Submit(Batch),
    Load {
        ticket: u64,
        player: PlayerId,
        purpose: Purpose,
    },
    Outcome {
        ticket: u64,
        player: PlayerId,
        request_id: String,
    },
    Stocks {
        ticket: u64,
        system: Name,
    },
    Claim {
        system: Name,
    },
}

/// What the writer tells, in the order of the requests.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Every batch up to this number is on disk, but for what a [`Answer::LeaseLost`] before it
    /// took out.
    Durable {
        /// The newest batch's number.
        batch: u64,
    },
    /// Another server owns the system now. Nothing of it in the batches of the next
    /// [`Answer::Durable`] was kept: its replies must not be sent, its ticking must stop.
    LeaseLost {
        /// The system.
        system: Name,
    },
    /// A pilot, as of all batches submitted before.
    Loaded {
        /// The caller's number for the request.
        ticket: u64,
        /// The pilot.
        pilot: LoadedPilot,
    },
    /// A request's outcome.
    Outcome {
        /// The caller's number for the request.
        ticket: u64,
        /// The outcome, none if the request is unknown.
        outcome: Option<StoredOutcome>,
    },
    /// What a system's stations hold.
    Stocks {
        /// The caller's number for the request.
        ticket: u64,
        /// By station and commodity; a system that was never served has none.
        stocks: Vec<Stock>,
    },
    /// What came of asking for a lease.
    Claimed(Claim),
    /// The store is dead: nothing that was not answered before is known to be kept.
    Failed(StoreError),
}

/// See the module.
pub(super) struct Writer<B> {
    backend: B,
    identity: WriterId,
    commits: i64,
    retries_max: u32,
    outage_max: Duration,
    /// Fences of the leases held, by system.
    fences: BTreeMap<String, i64>,
    /// The goods that the server sees; none: all.
    commodities: BTreeSet<Name>,
}

impl<B: Backend> Writer<B> {
    /// A writer that holds nothing yet; the schema is up to date. Call order: claims, then
    /// [`Writer::enlist`], then [`Writer::run`].
    pub(super) fn new(backend: B, config: &StoreConfig) -> Self {
        Self {
            backend,
            identity: WriterId {
                owner: config.owner.clone(),
                epoch: 0,
            },
            commits: 0,
            retries_max: config.retries_max,
            outage_max: config.outage_max,
            fences: BTreeMap::new(),
            commodities: config.commodities.iter().cloned().collect(),
        }
    }

    /// Enters the owner among those that commit.
    pub(super) fn enlist(&mut self) -> Result<(), StoreError> {
        let owner = self.identity.owner.clone();
        // Once more than needed only leaves out a number.
        self.identity = self.retrying(|backend| backend.enlist(&owner))?;
        Ok(())
    }

    /// Asks for a system's lease, be it the owner's `gone`, whose process has ended.
    pub(super) fn claim(&mut self, system: &Name, gone: &str) -> Result<Claim, StoreError> {
        let owner = self.identity.owner.clone();
        let claim = self.retrying(|backend| backend.claim(&owner, system, gone))?;
        if let Claim::Held { system, fence } = &claim {
            self.fences.insert(system.to_string(), *fence);
        }
        Ok(claim)
    }

    /// Serves the inbox until it is closed or something fatal happens.
    pub(super) fn run(mut self, inbox: &Receiver<Request>, tell: &mut dyn FnMut(Answer)) {
        let ended = self.serve(inbox, tell);
        let ended = ended.and_then(|()| {
            let owner = self.identity.owner.clone();
            self.backend.release(&owner)
        });
        if let Err(error) = ended {
            tell(Answer::Failed(error));
        }
    }

    fn serve(
        &mut self,
        inbox: &Receiver<Request>,
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        let mut pushed_back = None;
        let mut batches: Vec<Batch> = Vec::new();
        loop {
            let request = match pushed_back.take() {
                Some(request) => request,
                None => match inbox.recv_timeout(Duration::from_millis(LEASE_RENEW_MS)) {
                    Ok(request) => request,
                    Err(RecvTimeoutError::Timeout) => {
                        self.commit(&[], tell)?;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                },
            };
            match request {
                Request::Submit(batch) => {
                    batches.clear();
                    batches.push(batch);
                    while batches.len() < STORE_MERGE_BATCHES_MAX {
                        match inbox.try_recv() {
                            Ok(Request::Submit(batch)) => batches.push(batch),
                            Ok(other) => {
                                pushed_back = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit(&batches, tell)?;
                }
                other => tell(self.answer(other)?),
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<Answer, StoreError> {
        match request {
            Request::Load {
                ticket,
                player,
                purpose,
            } => {
                let owner = self.identity.owner.clone();
                let pilot = self.retrying(|backend| load(backend, &owner, &player, purpose))?;
                Ok(Answer::Loaded { ticket, pilot })
            }
            Request::Outcome {
                ticket,
                player,
                request_id,
            } => {
                let outcome = self.retrying(|backend| backend.outcome(&player, &request_id))?;
                Ok(Answer::Outcome { ticket, outcome })
            }
            Request::Stocks { ticket, system } => {
                let stocks = self.retrying(|backend| backend.stocks(&system))?;
                Ok(Answer::Stocks { ticket, stocks })
            }
            Request::Claim { system } => Ok(Answer::Claimed(self.claim(&system, "")?)),
            Request::Submit(batch) => Err(StoreError::Malformed(format!(
                "batch {} out of turn",
                batch.number
            ))),
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
            let Err(error) = done else { break };
            self.backend.rollback();
            self.pause(error, &mut outage)?;
            if self.has_happened(commits, &mut outage)? {
                break;
            }
        }
        self.commits = commits;
        for system in lost {
            self.fences.remove(system.as_str());
            tell(Answer::LeaseLost { system });
        }
        if let Some(batch) = batches.last() {
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
    ) -> Result<(), StoreError> {
        let backend = &mut self.backend;
        backend.begin()?;
        if !backend.count_commit(&self.identity, commits)? {
            let found = backend.commits(&self.identity)?;
            backend.rollback();
            // A try before this one was carried out after all; what it lost is in `lost`.
            let was_made = found == Some(commits);
            return was_made.then_some(()).ok_or_else(|| self.superseded());
        }
        let mut heads = backend.heads(&self.identity.owner)?;
        heads.retain(|system, head| self.fences.get(system) == Some(&head.fence));
        lost.clear();
        let gone = self.fences.keys().filter(|held| !heads.contains_key(*held));
        for system in gone {
            lost.insert(columns::name(system)?);
        }
        let work = Work::of(batches, &heads, lost)?;
        let balances = backend.balances(&work.accounts())?;
        let mut staging = Staging::new(heads, balances);
        work.stage(&mut staging, &self.commodities)?;
        backend.move_heads(&self.identity.owner, staging.heads())?;
        backend.append(staging.rows())?;
        backend.change_balances(&staging.changes())?;
        backend.keep_outcomes(&work.outcomes)?;
        backend.keep_pilots(&work.newest_pilots())?;
        backend.commit()
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
                Err(error) => self.pause(error, outage)?,
            }
        }
    }

    fn superseded(&self) -> StoreError {
        StoreError::Superseded {
            owner: self.identity.owner.clone(),
        }
    }

    fn retrying<T>(
        &mut self,
        mut read: impl FnMut(&mut B) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut outage = Outage::default();
        loop {
            match read(&mut self.backend) {
                Ok(found) => return Ok(found),
                Err(error) => self.pause(error, &mut outage)?,
            }
            while let Err(error) = self.backend.reconnect() {
                self.pause(error, &mut outage)?;
            }
        }
    }

    /// Waits before the next try; the error itself if it cannot pass, or if tries or time have run
    /// out.
    fn pause(&self, error: StoreError, outage: &mut Outage) -> Result<(), StoreError> {
        let began = *outage.began.get_or_insert_with(Instant::now);
        let is_over = outage.tries >= self.retries_max || began.elapsed() >= self.outage_max;
        if !error.may_pass() || is_over {
            return Err(error);
        }
        let doubled = STORE_RETRY_MS_MIN.saturating_mul(1 << outage.tries.min(16));
        let pause_ms = doubled.min(STORE_RETRY_MS_MAX);
        outage.tries += 1;
        tracing::warn!(%error, attempt = outage.tries, pause_ms, "the store tries again");
        thread::sleep(Duration::from_millis(pause_ms));
        Ok(())
    }
}

/// How often something was tried again, and since when.
#[derive(Default)]
struct Outage {
    tries: u32,
    began: Option<Instant>,
}

fn load<B: Backend>(
    backend: &mut B,
    owner: &str,
    player: &PlayerId,
    purpose: Purpose,
) -> Result<LoadedPilot, StoreError> {
    // Before the pilot is looked for: one that another has kept meanwhile is found.
    let is_refused = purpose == Purpose::FirstJoin && !backend.take_in(owner, player)?;
    let mut record = backend.pilot(player)?;
    let mut is_elsewhere = is_refused;
    if let Some(pilot) = &mut record {
        is_elsewhere = backend.is_run_by_another(owner, &pilot.system)?;
        let balances = backend.balances(&[ledger::pilot_key(player)])?;
        columns::fill(pilot, balances)?;
    }
    let limit = STORE_REQUEST_DIGESTS_MAX as i64 + 1;
    let mut ids = backend.request_ids(player, limit)?;
    let request_digests_complete = ids.len() <= STORE_REQUEST_DIGESTS_MAX;
    ids.truncate(STORE_REQUEST_DIGESTS_MAX);
    Ok(LoadedPilot {
        player: player.clone(),
        record,
        is_elsewhere,
        request_digests: ids.iter().map(|id| digest64(id)).collect(),
        request_digests_complete,
    })
}
