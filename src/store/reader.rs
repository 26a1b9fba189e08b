//! The reader: a thread with a connection of its own, for what the tick asks.
//!
//! Whatever strangers can make the server look up (pilots at login, request ids, outcomes) is
//! answered here, so that it never waits on, or holds up, the thread that commits: in SQLite's WAL
//! mode a reader blocks no writer, in PostgreSQL a plain SELECT takes no row lock. Each read is one
//! statement, and so sees one moment, after it was asked: all that was told durable before is in it.
//!
//! It writes only for [`Purpose::FirstJoin`] on PostgreSQL, where several servers may ask: one short
//! statement of its own. An SQLite file has one server, which decides alone, so nothing is written
//! and the write lock stays with the writer.
//!
//! A player's record that cannot be read is that player's trouble ([`Answer::Quarantined`]); a
//! database that cannot be read for the bound of an outage ends the store, as for the writer.
//!
//! Beside its requests it looks for guests to forget, now and then and a bounded list at a time. It
//! only names them: who is in the server's memory must not be forgotten, and that the caller knows.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::ids::{Name, PlayerId, UnixMillis};
use crate::limits::{
    FORGET_GUESTS_MAX, FORGET_GUESTS_PAUSE_MS, GUEST_KEPT_MS, PLAYER_OUTCOMES_MAX,
    READER_COUNT_AGE_MAX, READER_COUNT_FULL_AGE_MAX, READER_COUNTS_MAX, STORE_REQUEST_DIGESTS_MAX,
};
use crate::store::StoreConfig;
use crate::store::answer::{Answer, Shared};
use crate::store::backend::Lookups;
use crate::store::error::StoreError;
use crate::store::read_queue::ReadQueue;
use crate::store::record::{LoadedPilot, OutcomeQuestion, Purpose, StoredOutcome, digest64};
use crate::store::retry::Patience;

/// What the reader is asked for.
pub(super) enum Read {
    Load {
        ticket: u64,
        player: PlayerId,
        purpose: Purpose,
    },
    RequestDigests {
        ticket: u64,
        player: PlayerId,
    },
    Outcomes(Vec<OutcomeQuestion>),
    /// The writer has failed.
    Stop,
}

/// See the module.
pub(super) struct Reader<B> {
    backend: B,
    owner: String,
    /// Those held at opening; the writer looks whether they still are.
    systems: Vec<Name>,
    patience: Patience,
    shared: Arc<Shared>,
    counts: HashMap<PlayerId, Count>,
    guests_period: Duration,
    guests_due: Instant,
}

/// How many outcomes of a player are kept.
struct Count {
    kept: usize,
    /// Answers that it does not know since they were counted: each may have become one more.
    unknown: u64,
}

impl Count {
    const fn is_full(&self) -> bool {
        self.kept >= PLAYER_OUTCOMES_MAX
    }

    const fn is_old(&self) -> bool {
        let age_max = if self.is_full() {
            READER_COUNT_FULL_AGE_MAX
        } else {
            READER_COUNT_AGE_MAX
        };
        self.unknown >= age_max
    }
}

impl<B: Lookups> Reader<B> {
    pub(super) fn new(
        backend: B,
        config: &StoreConfig,
        systems: Vec<Name>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            backend,
            owner: config.owner.clone(),
            systems,
            patience: Patience::new(config),
            shared,
            counts: HashMap::new(),
            guests_period: config.guests_period,
            guests_due: Instant::now() + config.guests_period,
        }
    }

    /// Serves the inbox until it is closed or something fatal happens.
    pub(super) fn run(mut self, inbox: &Receiver<Read>, tell: &mut dyn FnMut(Answer)) {
        if let Err(error) = self.serve(inbox, tell) {
            self.shared.fail(error, tell);
        }
    }

    fn serve(
        &mut self,
        inbox: &Receiver<Read>,
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        let mut queue = ReadQueue::default();
        loop {
            while queue.has_room()
                && let Ok(read) = inbox.try_recv()
            {
                queue.push(read);
            }
            let patience = self.guests_due.saturating_duration_since(Instant::now());
            let read = queue.pop().map_or_else(|| inbox.recv_timeout(patience), Ok);
            if self.shared.has_failed() {
                return Ok(());
            }
            match read {
                Ok(read) => self.answer(read, tell)?,
                Err(RecvTimeoutError::Timeout) => self.look_for_guests(tell),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn answer(&mut self, read: Read, tell: &mut dyn FnMut(Answer)) -> Result<(), StoreError> {
        match read {
            Read::Load {
                ticket,
                player,
                purpose,
            } => {
                let loaded = self.load(&player, purpose);
                if let Some(pilot) = of_one_player(loaded, &player, tell)? {
                    tell(Answer::Loaded { ticket, pilot });
                }
            }
            Read::RequestDigests { ticket, player } => {
                let limit = STORE_REQUEST_DIGESTS_MAX as i64 + 1;
                let ids = self.patience.retrying(&mut self.backend, |backend| {
                    backend.request_ids(&player, limit)
                });
                if let Some(mut ids) = of_one_player(ids, &player, tell)? {
                    let is_complete = ids.len() <= STORE_REQUEST_DIGESTS_MAX;
                    ids.truncate(STORE_REQUEST_DIGESTS_MAX);
                    tell(Answer::RequestDigests {
                        ticket,
                        digests: ids.iter().map(|id| digest64(id)).collect(),
                        is_complete,
                    });
                }
            }
            Read::Outcomes(questions) => self.answer_questions(&questions, tell)?,
            Read::Stop => {}
        }
        Ok(())
    }

    fn load(&mut self, player: &PlayerId, purpose: Purpose) -> Result<LoadedPilot, StoreError> {
        let owner = self.owner.as_str();
        self.patience.retrying(&mut self.backend, |backend| {
            // Before the pilot is looked for: one that another has kept meanwhile is found.
            let is_refused = purpose == Purpose::FirstJoin && !backend.take_in(owner, player)?;
            let (record, is_elsewhere) = match backend.pilot(owner, player)? {
                Some((record, is_elsewhere)) => (Some(record), is_elsewhere),
                None => (None, is_refused),
            };
            Ok(LoadedPilot {
                player: player.clone(),
                record,
                is_elsewhere,
            })
        })
    }

    /// All questions at once. One whose answer cannot be read would spoil it for the others, so
    /// then each is asked alone.
    fn answer_questions(
        &mut self,
        questions: &[OutcomeQuestion],
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        match self.outcomes(questions) {
            Ok(outcomes) => self.tell_outcomes(questions, outcomes, tell),
            Err(StoreError::Corrupt(_)) => {
                for question in questions {
                    let one = std::slice::from_ref(question);
                    let outcomes = self.outcomes(one);
                    if let Some(outcomes) = of_one_player(outcomes, &question.player, tell)? {
                        self.tell_outcomes(one, outcomes, tell)?;
                    }
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn outcomes(
        &mut self,
        questions: &[OutcomeQuestion],
    ) -> Result<Vec<(usize, StoredOutcome)>, StoreError> {
        self.patience
            .retrying(&mut self.backend, |backend| backend.outcomes(questions))
    }

    fn tell_outcomes(
        &mut self,
        questions: &[OutcomeQuestion],
        outcomes: Vec<(usize, StoredOutcome)>,
        tell: &mut dyn FnMut(Answer),
    ) -> Result<(), StoreError> {
        let mut found: Vec<Option<StoredOutcome>> = vec![None; questions.len()];
        for (index, outcome) in outcomes {
            if let Some(place) = found.get_mut(index) {
                *place = Some(outcome);
            }
        }
        let unknown = questions.iter().zip(&found);
        let unknown = unknown.filter(|(_, outcome)| outcome.is_none());
        self.count_anew(unknown.map(|(question, _)| &question.player))?;
        for (question, outcome) in questions.iter().zip(found) {
            let ticket = question.ticket;
            let count = self.counts.get_mut(&question.player);
            let is_full = outcome.is_none()
                && count.is_some_and(|count| {
                    count.unknown += 1;
                    count.is_full()
                });
            tell(if is_full {
                Answer::OutcomesFull { ticket }
            } else {
                Answer::Outcome { ticket, outcome }
            });
        }
        Ok(())
    }

    /// Counts the outcomes of those players whose number is not known or out of date.
    fn count_anew<'a>(
        &mut self,
        players: impl Iterator<Item = &'a PlayerId>,
    ) -> Result<(), StoreError> {
        let mut uncounted: Vec<&str> = players
            .filter(|player| self.counts.get(player).is_none_or(Count::is_old))
            .map(PlayerId::as_str)
            .collect();
        uncounted.sort_unstable();
        uncounted.dedup();
        if uncounted.is_empty() {
            return Ok(());
        }
        let limit = PLAYER_OUTCOMES_MAX as i64;
        let counted = self.patience.retrying(&mut self.backend, |backend| {
            backend.outcome_counts(&uncounted, limit)
        })?;
        if self.counts.len() + counted.len() > READER_COUNTS_MAX {
            self.counts.clear();
        }
        for (player, kept) in counted {
            let kept = usize::try_from(kept).unwrap_or(0);
            if let Ok(player) = PlayerId::parse(&player) {
                self.counts.insert(player, Count { kept, unknown: 0 });
            }
        }
        Ok(())
    }

    /// Names guests to forget. A failure is left for the next read to deal with.
    fn look_for_guests(&mut self, tell: &mut dyn FnMut(Answer)) {
        let found = self.stale_guests();
        let is_full = matches!(&found, Ok(players) if players.len() >= FORGET_GUESTS_MAX);
        match found {
            Ok(players) if players.is_empty() => {}
            Ok(players) => tell(Answer::StaleGuests { players }),
            Err(error) => {
                tracing::debug!(%error, "guests to forget were not looked for");
                // The next read finds out whether the connection can be had again.
                let _ = self.backend.reconnect();
            }
        }
        let pause = Duration::from_millis(FORGET_GUESTS_PAUSE_MS);
        let pause = if is_full {
            pause.min(self.guests_period)
        } else {
            self.guests_period
        };
        self.guests_due = Instant::now() + pause;
    }

    fn stale_guests(&mut self) -> Result<Vec<PlayerId>, StoreError> {
        let UnixMillis(now) = self.shared.unix();
        let mut found = Vec::new();
        let Some(before) = now.checked_sub(GUEST_KEPT_MS) else {
            return Ok(found);
        };
        for system in &self.systems {
            let room = FORGET_GUESTS_MAX - found.len();
            if room == 0 {
                break;
            }
            let names = self
                .backend
                .stale_guests(system, before as i64, room as i64)?;
            let players = names.iter().filter_map(|name| PlayerId::parse(name).ok());
            found.extend(players.filter(PlayerId::is_guest));
        }
        Ok(found)
    }
}

/// What was read of one player; none if the player's records are no such thing, which is told.
fn of_one_player<T>(
    read: Result<T, StoreError>,
    player: &PlayerId,
    tell: &mut dyn FnMut(Answer),
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::Corrupt(reason)) => {
            tell(Answer::Quarantined {
                player: player.clone(),
                reason: StoreError::Corrupt(reason).to_string(),
            });
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
