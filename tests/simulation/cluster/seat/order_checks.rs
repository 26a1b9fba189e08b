//! What a seat checks of the answers to its orders and to its login.

use orrery::protocol::{ErrorCode, Reply, RequestId};

use super::super::shelf::Shelf;
use super::{Seat, Told};

/// An overloaded world takes a step in so many ticks at least.
const STEP_TICKS_MAX: u64 = 12;

impl Seat {
    /// *Commands of one pilot take effect in the order of their `seq`*: an order sent aboard finds the
    /// ship there, whatever join follows, and a wreck only where there was one.
    pub(super) fn check_turn(
        &mut self,
        id: Option<&RequestId>,
        code: ErrorCode,
        reply_to: Option<u64>,
        told: &Told,
    ) {
        let Some(due) = reply_to.and_then(|seq| self.aboard.remove(&seq)) else {
            return;
        };
        assert_ne!(
            code,
            ErrorCode::NotInSystem,
            "in the order of their seq: {} was aboard when it ordered",
            self.player
        );
        if code == ErrorCode::ShipDestroyed {
            let wrecked = told.wrecked.get(&self.player);
            // An outcome that is told again may be older than the request.
            let since = if id.is_some() { 0 } else { due };
            assert!(
                wrecked.is_some_and(|&at| at + STEP_TICKS_MAX >= since),
                "in the order of their seq: {} was no wreck when it ordered",
                self.player
            );
        }
    }

    /// *Told = durable*, and *the same request id gets the first outcome again*.
    pub(super) fn check_outcome(
        &self,
        id: Option<&RequestId>,
        reply: &Reply,
        credits: Option<i64>,
        shelf: &Shelf,
        told: &mut Told,
    ) {
        if let Some(credits) = credits {
            let is_kept = shelf.ever_balanced(&self.player, credits);
            assert!(is_kept, "told = durable: {reply:?} to {}", self.player);
        }
        let Some(id) = id else { return };
        let stored = shelf.answered(&self.player, id.as_str());
        assert_eq!(
            stored.as_ref(),
            Some(reply),
            "told = durable: outcome of {id:?}"
        );
        let moved = shelf.has_moved(&self.player, id.as_str());
        assert_eq!(
            moved,
            credits.is_some(),
            "a refusal moves nothing, a result something: {id:?}"
        );
        let key = (self.player.clone(), id.as_str().to_owned());
        let restarts = told.restarts;
        if let Some((first, life)) = told.outcomes.get(&key) {
            assert_eq!(
                first, reply,
                "the same request id gets the first outcome again"
            );
            let is_of_old = *life < restarts;
            told.count("retried");
            if is_of_old {
                told.count("retried after a restart");
            }
        } else {
            told.outcomes.insert(key, (reply.clone(), restarts));
        }
    }

    /// *A login is refused by `auth.error` and the end*: 4001 for what was brought, 1013 with a time to
    /// come back for the server's sake.
    pub(super) fn check_refused_login(&mut self, reply: &Reply) {
        match reply {
            Reply::AuthError(error) => {
                let is_ours = error.code.is_fault_of_login();
                assert_eq!(error.retry_after_ms.is_none(), is_ours, "{error:?}");
                self.parting = Some(if is_ours { 4001 } else { 1013 });
            }
            Reply::Error(error) => assert!(
                !matches!(
                    error.code,
                    ErrorCode::SystemFull | ErrorCode::RateLimited | ErrorCode::Internal
                ),
                "a login that cannot be taken is refused by auth.error: {error:?}"
            ),
            _ => {}
        }
    }
}
