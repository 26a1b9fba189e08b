//! Exactly once: which of a player's request ids were used before.
//!
//! The store remembers outcomes for a week and more. So that an ordinary order need not ask it, each
//! player's entry holds 64-bit digests of the ids used, loaded at the first order that names one and
//! added to since. An id that is not among them is new for sure. For one that may be known the store is
//! asked first, and its word that it knows nothing holds only if it was asked after every batch that
//! could have held the id: the one in which the id was used, and all those whose ids this table has
//! forgotten.

use std::collections::{HashMap, HashSet};

/// What to do with an order that carries a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The digests are not loaded yet.
    Unloaded,
    /// It was never used: carry the order out.
    New,
    /// It may have been used: ask the store.
    MaybeKnown,
}

/// How far the digests are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loading {
    Unasked,
    Asked,
    Loaded,
}

/// The request ids of one player, as far as they are resident. Ids go by the 64-bit digests of
/// their texts.
#[derive(Debug)]
pub(super) struct RequestIds {
    loading: Loading,
    loaded: HashSet<u64>,
    /// Whether `loaded` and `used` hold all that the player ever used.
    is_complete: bool,
    /// Ids used since, with the batch that holds the outcome.
    used: HashMap<u64, u64>,
    /// The newest batch among the ids that were forgotten.
    forgotten_through_batch: u64,
    /// Digests that are resident at most.
    digests_max: usize,
}

impl RequestIds {
    /// A player of whose ids nothing is known yet.
    pub(super) fn new(digests_max: usize) -> Self {
        Self {
            loading: Loading::Unasked,
            loaded: HashSet::new(),
            is_complete: false,
            used: HashMap::new(),
            forgotten_through_batch: 0,
            digests_max,
        }
    }

    /// Whether the store is to be asked for the digests now; true once.
    pub(super) fn begin_loading(&mut self) -> bool {
        let is_first = self.loading == Loading::Unasked;
        if is_first {
            self.loading = Loading::Asked;
        }
        is_first
    }

    /// The store's answer. What was durable when it was asked is in it; nothing that this server
    /// keeps of the player may be on its way to the store then.
    pub(super) fn load(&mut self, digests: &[u64], is_complete: bool) {
        if self.loading != Loading::Asked {
            return;
        }
        self.loading = Loading::Loaded;
        self.is_complete = is_complete;
        self.loaded = digests.iter().copied().collect();
    }

    /// Whether an order with this id may be carried out at once.
    pub(super) fn judge(&self, digest: u64) -> Judgement {
        if self.loading != Loading::Loaded {
            return Judgement::Unloaded;
        }
        let is_new =
            self.is_complete && !self.loaded.contains(&digest) && !self.used.contains_key(&digest);
        if is_new {
            Judgement::New
        } else {
            Judgement::MaybeKnown
        }
    }

    /// The batch that must be durable when the store is asked for this id.
    pub(super) fn ask_after(&self, digest: u64) -> u64 {
        let used_in = self.used.get(&digest).copied().unwrap_or(0);
        used_in.max(self.forgotten_through_batch)
    }

    /// Whether the store's word that it does not know an id holds, when batch `asked_after` was
    /// durable as it was asked.
    pub(super) fn trusts_unknown(&self, digest: u64, asked_after: u64) -> bool {
        asked_after >= self.ask_after(digest)
    }

    /// Notes that an order with this id was concluded, its outcome in `batch`.
    pub(super) fn note(&mut self, digest: u64, batch: u64) {
        let is_full = self.used.len() + self.loaded.len() >= self.digests_max;
        if is_full && !self.used.contains_key(&digest) {
            // From now on the store is asked for every id.
            self.is_complete = false;
            self.loaded = HashSet::new();
            for (_, used_in) in self.used.drain() {
                self.forgotten_through_batch = self.forgotten_through_batch.max(used_in);
            }
        }
        self.used.insert(digest, batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(digests: &[u64], is_complete: bool, digests_max: usize) -> RequestIds {
        let mut requests = RequestIds::new(digests_max);
        assert!(requests.begin_loading());
        requests.load(digests, is_complete);
        requests
    }

    #[test]
    fn an_id_is_new_once() {
        let mut requests = loaded(&[1], true, 10);
        assert_eq!(requests.judge(1), Judgement::MaybeKnown);
        assert_eq!(requests.judge(2), Judgement::New);
        requests.note(2, 7);
        assert_eq!(requests.judge(2), Judgement::MaybeKnown);
        assert!(!requests.trusts_unknown(2, 6));
        assert!(requests.trusts_unknown(2, 7));
    }

    #[test]
    fn an_unknown_id_is_trusted_only_if_asked_after_everything_forgotten() {
        let mut requests = loaded(&[], true, 2);
        requests.note(1, 5);
        requests.note(2, 9);
        assert!(requests.trusts_unknown(3, 0), "nothing is forgotten yet");
        requests.note(3, 10);
        for (digest, asked_after, is_trusted) in [
            (1, 8, false),
            (1, 9, true),
            (2, 8, false),
            (4, 8, false),
            (4, 9, true),
            (3, 9, false),
            (3, 10, true),
        ] {
            assert_eq!(
                requests.trusts_unknown(digest, asked_after),
                is_trusted,
                "{digest} asked after batch {asked_after}"
            );
        }
        assert_eq!((requests.ask_after(1), requests.ask_after(3)), (9, 10));
    }

    #[test]
    fn a_long_history_is_asked_for_and_stays_bounded() {
        for ids_a_batch in [1, 1_000] {
            let mut requests = loaded(&[], true, 100);
            for number in 0..1_000 {
                requests.note(number, number / ids_a_batch);
                assert!(requests.used.len() + requests.loaded.len() <= 100);
            }
            assert_eq!(requests.judge(5_000), Judgement::MaybeKnown);
        }
        let partial = loaded(&[], false, 100);
        assert_eq!(partial.judge(1), Judgement::MaybeKnown);
    }

    #[test]
    fn the_digests_are_asked_for_once_and_waited_for() {
        let mut requests = RequestIds::new(10);
        requests.load(&[], true);
        assert_eq!(requests.judge(1), Judgement::Unloaded, "nobody asked");
        assert!(requests.begin_loading());
        assert!(!requests.begin_loading());
        assert_eq!(requests.judge(1), Judgement::Unloaded);
        requests.load(&[1], true);
        assert_eq!(requests.judge(1), Judgement::MaybeKnown);
        assert_eq!(requests.judge(2), Judgement::New);
        requests.load(&[2], true);
        assert_eq!(requests.judge(2), Judgement::New, "a second answer is none");
        assert!(!requests.begin_loading());
    }
}
