//! Exactly once: which of a player's request ids were used before.
//!
//! The store remembers every outcome for a week and more. So that an ordinary order need not ask it, each
//! player's entry holds 64-bit digests of the ids used, loaded at login and added to since. An id
//! that is not among them is new for sure; for one that may be known the store is asked first, and
//! its answer is the truth, provided that it was asked after the batch that could have held the id.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::limits::REQUEST_DIGESTS_MAX;
use crate::wire::RequestId;

/// What to do with an order that carries a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It was never used: carry the order out.
    New,
    /// It may have been used: ask the store, after the batch of this tick.
    MaybeKnown,
}

/// The request ids of one player, as far as they are resident.
#[derive(Debug, Default)]
pub(super) struct Requests {
    loaded: HashSet<u64>,
    /// Whether `loaded` and `used` hold all that the player ever used.
    is_complete: bool,
    /// Ids used since, with the batch that holds the outcome.
    used: HashMap<u64, u64>,
}

impl Requests {
    /// What the store knows of a player.
    pub(super) fn new(digests: &[u64], is_complete: bool) -> Self {
        Self {
            loaded: digests.iter().copied().collect(),
            is_complete,
            used: HashMap::new(),
        }
    }

    /// Whether an order with this id may be carried out at once.
    pub(super) fn judge(&self, id: &RequestId) -> Judgement {
        let digest = digest(id.as_str());
        let is_new =
            self.is_complete && !self.loaded.contains(&digest) && !self.used.contains_key(&digest);
        if is_new {
            Judgement::New
        } else {
            Judgement::MaybeKnown
        }
    }

    /// Whether the store's word that it does not know an id holds, when it was asked behind batch
    /// `asked_after`: not if the id was used in a later one.
    pub(super) fn trusts_unknown(&self, id: &RequestId, asked_after: u64) -> bool {
        self.used
            .get(&digest(id.as_str()))
            .is_none_or(|&batch| batch <= asked_after)
    }

    /// Notes that an order with this id is carried out, its outcome in `batch`.
    pub(super) fn note(&mut self, id: &RequestId, batch: u64) {
        if self.used.len() + self.loaded.len() >= REQUEST_DIGESTS_MAX {
            // From now on the store is asked for every id; only this batch's must stay resident.
            self.is_complete = false;
            self.loaded = HashSet::new();
            self.used.retain(|_, used_in| *used_in >= batch);
        }
        self.used.insert(digest(id.as_str()), batch);
    }
}

/// The first 64 bits of a text's SHA-256: nobody can make two ids collide on purpose.
pub(super) fn digest(text: &str) -> u64 {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .take(8)
        .fold(0, |digest, &byte| digest << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RequestId {
        RequestId::parse(text).unwrap()
    }

    #[test]
    fn an_id_is_new_once() {
        let mut requests = Requests::new(&[digest("old")], true);
        assert_eq!(requests.judge(&id("old")), Judgement::MaybeKnown);
        assert_eq!(requests.judge(&id("a")), Judgement::New);
        requests.note(&id("a"), 7);
        assert_eq!(requests.judge(&id("a")), Judgement::MaybeKnown);
        assert!(!requests.trusts_unknown(&id("a"), 6));
        assert!(requests.trusts_unknown(&id("a"), 7));
    }

    #[test]
    fn a_long_history_is_asked_for_and_stays_bounded() {
        let mut requests = Requests::new(&[], true);
        for number in 0..=REQUEST_DIGESTS_MAX {
            requests.note(&id(&number.to_string()), number as u64);
        }
        assert_eq!(requests.judge(&id("never")), Judgement::MaybeKnown);
        assert!(requests.used.len() < REQUEST_DIGESTS_MAX);
        let partial = Requests::new(&[], false);
        assert_eq!(partial.judge(&id("a")), Judgement::MaybeKnown);
    }
}
