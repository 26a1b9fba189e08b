//! What outlives a server in a simulation, and the book-keeping that proves it right.
//!
//! Every batch that becomes durable is posted into balances of its own, by the causes alone. Then:
//! *money conserved* (a pilot's record holds exactly what its postings sum to, and a record changes
//! in the batch that moved it), *cargo conserved* (the same for holds; stocks are never negative),
//! *once* (a request id has one outcome and moved money once), *one grant a pilot*.

use std::collections::{BTreeMap, BTreeSet};

use orrery::ids::{Name, PlayerId};
use orrery::protocol::Reply;
use orrery::store::{Batch, Cause, LoadedPilot, PilotRecord, StoredOutcome, request_digest};

/// Money and goods of one pilot.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Belongings {
    pub(crate) credits: i64,
    pub(crate) cargo: BTreeMap<String, i64>,
}

/// One pilot's part of the books.
#[derive(Default)]
struct Account {
    now: Belongings,
    /// Every state that was durable at some time, and could be told.
    kept: BTreeSet<Belongings>,
    /// Every balance, also between two postings of a batch.
    balances: BTreeSet<i64>,
    is_granted: bool,
}

/// What is durable.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) pilots: BTreeMap<PlayerId, PilotRecord>,
    pub(crate) outcomes: BTreeMap<(PlayerId, String), StoredOutcome>,
    accounts: BTreeMap<PlayerId, Account>,
    /// By system, station and commodity.
    pub(crate) stocks: BTreeMap<(Name, Name, Name), i64>,
    moved: BTreeSet<(PlayerId, String)>,
    pub(crate) transactions_count: usize,
    /// Postings by cause.
    pub(crate) causes: BTreeMap<Cause, u64>,
}

impl Shelf {
    /// Keeps a batch, and checks that it keeps the books in order.
    pub(crate) fn keep(&mut self, batch: Batch) {
        let mut touched = BTreeSet::new();
        self.transactions_count += batch.transactions.len();
        for posting in &batch.transactions {
            if let Some(player) = &posting.player {
                touched.insert(player.clone());
            }
            self.post(posting);
        }
        for outcome in batch.outcomes {
            let key = (outcome.player.clone(), outcome.request_id.to_string());
            let former = self.outcomes.insert(key, outcome);
            assert!(former.is_none(), "once: a second outcome for {former:?}");
        }
        for record in batch.checkpoints {
            touched.insert(record.player.clone());
            self.pilots.insert(record.player.clone(), record);
        }
        for player in touched {
            self.balance(&player);
        }
    }

    fn post(&mut self, posting: &orrery::store::Transaction) {
        *self.causes.entry(posting.cause).or_default() += 1;
        let (money, stock, hold) = signs(posting.cause);
        if let (Some(station), Some(commodity)) = (&posting.station, &posting.commodity) {
            let key = (posting.system.clone(), station.clone(), commodity.clone());
            let shelf = self.stocks.entry(key).or_default();
            *shelf += stock * posting.quantity;
            assert!(
                *shelf >= 0,
                "cargo conserved: a shelf below zero by {posting:?}"
            );
        }
        let Some(player) = &posting.player else {
            return;
        };
        let account = self.accounts.entry(player.clone()).or_default();
        if posting.cause == Cause::Grant {
            assert!(!account.is_granted, "one grant a pilot: {posting:?}");
            account.is_granted = true;
        }
        account.now.credits += money * posting.total;
        account.balances.insert(account.now.credits);
        if posting.cause == Cause::Grant {
            // A newcomer is told of it, and may buy before its batch is full.
            account.kept.insert(account.now.clone());
        }
        assert!(
            account.now.credits >= 0,
            "money conserved: {posting:?} leaves less than nothing"
        );
        if let Some(commodity) = &posting.commodity {
            let held = account.now.cargo.entry(commodity.to_string()).or_default();
            *held += hold * posting.quantity;
            assert!(
                *held >= 0,
                "cargo conserved: {posting:?} leaves less than nothing"
            );
        }
        account.now.cargo.retain(|_, units| *units != 0);
        if let Some(id) = &posting.request_id {
            let is_first = self.moved.insert((player.clone(), id.to_string()));
            assert!(
                is_first,
                "once: a request moved money or goods twice: {posting:?}"
            );
        }
    }

    /// The record must say what the postings sum to, from the very batch that moved something on.
    fn balance(&mut self, player: &PlayerId) {
        let account = self.accounts.entry(player.clone()).or_default();
        let record = self
            .pilots
            .get(player)
            .expect("money conserved: a posting without a pilot");
        assert_eq!(
            belongings(record),
            account.now,
            "money and cargo conserved: the record of {player} differs from its postings"
        );
        account.kept.insert(account.now.clone());
    }

    /// All records agree with their postings.
    pub(crate) fn audit(&mut self) {
        let players: Vec<PlayerId> = self.accounts.keys().cloned().collect();
        for player in players {
            self.balance(&player);
        }
        assert_eq!(
            self.accounts.len(),
            self.pilots.len(),
            "one account a pilot"
        );
    }

    /// Whether a pilot ever had just this, durably.
    pub(crate) fn ever_kept(&self, player: &PlayerId, told: &Belongings) -> bool {
        let account = self.accounts.get(player);
        account.is_some_and(|account| account.kept.contains(told))
    }

    /// Whether a pilot ever had this balance, durably.
    pub(crate) fn ever_balanced(&self, player: &PlayerId, credits: i64) -> bool {
        let account = self.accounts.get(player);
        account.is_some_and(|account| account.balances.contains(&credits))
    }

    /// What a request was answered, if that is durable.
    pub(crate) fn answered(&self, player: &PlayerId, id: &str) -> Option<Reply> {
        let outcome = self.outcomes.get(&(player.clone(), id.to_owned()))?;
        Some(serde_json::from_str(&outcome.reply).expect("a stored reply reads"))
    }

    pub(crate) fn outcome(&self, player: &PlayerId, id: &str) -> Option<StoredOutcome> {
        self.outcomes.get(&(player.clone(), id.to_owned())).cloned()
    }

    /// Whether a request moved money or goods.
    pub(crate) fn has_moved(&self, player: &PlayerId, id: &str) -> bool {
        self.moved.contains(&(player.clone(), id.to_owned()))
    }

    /// What a login needs to know.
    pub(crate) fn load(&self, player: &PlayerId) -> LoadedPilot {
        LoadedPilot {
            player: player.clone(),
            record: self.pilots.get(player).cloned(),
            is_elsewhere: false,
        }
    }

    /// The ids that a player has used.
    pub(crate) fn request_digests(&self, player: &PlayerId) -> Vec<u64> {
        let used = self.outcomes.keys().filter(|(owner, _)| owner == player);
        used.map(|(_, id)| request_digest(id)).collect()
    }
}

/// Which way a cause moves the pilot's money, the station's stock and the pilot's hold.
fn signs(cause: Cause) -> (i64, i64, i64) {
    match cause {
        Cause::Grant | Cause::Bounty => (1, 0, 0),
        Cause::Buy | Cause::Refuel => (-1, -1, 1),
        Cause::Sell => (1, 1, -1),
        Cause::Repair | Cause::GrantReturned => (-1, 0, 0),
        Cause::FuelBurned | Cause::CargoLost => (0, 0, -1),
        Cause::Production | Cause::QuarantinedSell => (0, 1, 0),
        Cause::Consumption | Cause::QuarantinedBuy | Cause::QuarantinedRefuel => (0, -1, 0),
    }
}

pub(crate) fn belongings(record: &PilotRecord) -> Belongings {
    let cargo = record.cargo.iter();
    Belongings {
        credits: record.credits,
        cargo: cargo
            .map(|held| (held.commodity.to_string(), held.quantity))
            .collect(),
    }
}
