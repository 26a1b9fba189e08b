//! Messages that are refused before they mean anything: over a rate, unreadable, of no known type.

use super::{Session, SessionAction, SessionCounters, SessionState};
use crate::ids::Millis;
use crate::protocol::{
    CloseCode, DecodeError, ErrorCode, ErrorReply, Reply, RequestKind, Seq, Sniff,
};

impl Session {
    /// A message over a rate: not parsed, its `seq` not used up. A login that way is refused for the
    /// server's sake; a second login of a conversation is a message like any other.
    pub(super) fn over_rate(
        &mut self,
        seen: Sniff,
        wait_ms: u64,
        now: Millis,
        counters: &mut SessionCounters,
    ) -> SessionAction {
        counters.rate_limited += 1;
        if seen.kind == Some(RequestKind::Login) && self.stage == SessionState::Connected {
            self.stage = SessionState::Closed;
            let refusal = Reply::login_refusal(ErrorCode::RateLimited, wait_ms);
            let reply_to = seen.seq.map(Seq::number);
            return SessionAction::ReplyThenClose(refusal, reply_to, CloseCode::TryLater);
        }
        let reply = Reply::Error(ErrorReply {
            code: ErrorCode::RateLimited,
            message: ErrorCode::RateLimited.message().into(),
            retry_after_ms: Some(wait_ms),
        });
        self.fault(reply, seen, now, counters)
    }

    /// A message that cannot be read, or whose body names what cannot exist.
    pub(super) fn on_unreadable(
        &mut self,
        error: DecodeError,
        now: Millis,
        counters: &mut SessionCounters,
    ) -> SessionAction {
        let DecodeError {
            seq,
            kind,
            code,
            message,
        } = error;
        let reply = Reply::error_with(code, message);
        let is_broken = matches!(code, ErrorCode::MalformedMessage | ErrorCode::UnknownType);
        if let (false, Some(seq), Some(kind)) = (is_broken, seq, kind) {
            return match self.admit(seq, (kind, false), now, counters) {
                Ok(()) => SessionAction::Reply(reply, Some(seq.number())),
                Err(verdict) => verdict,
            };
        }
        counters.malformed += 1;
        self.fault(reply, Sniff { kind, seq }, now, counters)
    }

    /// Answers a refused message while the connection may have more of them; a request that is owed
    /// an answer always gets it, others as long as there is room.
    fn fault(
        &mut self,
        reply: Reply,
        seen: Sniff,
        now: Millis,
        counters: &mut SessionCounters,
    ) -> SessionAction {
        if !self.rates.bears_fault(now) {
            counters.floods += 1;
            self.stage = SessionState::Closed;
            return SessionAction::Close(CloseCode::Flood);
        }
        let is_owed = seen.seq.is_some() && seen.kind.is_some_and(RequestKind::is_answered);
        if !is_owed && !self.rates.may_complain(now) {
            counters.untold_errors += 1;
            return SessionAction::Nothing;
        }
        SessionAction::Reply(reply, seen.seq.map(Seq::number))
    }
}
