//! Messages that are refused before they mean anything: over a rate, unreadable, of no known type.

use super::{Session, SessionAction, SessionCounters, SessionState};
use crate::ids::Millis;
use crate::protocol::{
    CloseCode, DecodeError, ErrorCode, ErrorReply, Message, Reply, RequestKind, Seq,
};

/// Which request a text is, as far as it could be read: what its rate goes by, and its refusal names.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) kind: Option<RequestKind>,
    seq: Option<Seq>,
}

impl Origin {
    pub(super) fn of(decoded: &Result<Message<'_>, DecodeError>) -> Self {
        match decoded {
            Ok(message) => Self {
                kind: Some(message.request.kind()),
                seq: Some(message.seq),
            },
            Err(error) => Self {
                kind: error.kind,
                seq: error.seq,
            },
        }
    }
}

impl Session {
    /// A message over a rate: not carried out, its `seq` not used up. A login that way is refused for the
    /// server's sake; a second login of a conversation is a message like any other.
    pub(super) fn over_rate(
        &mut self,
        origin: Origin,
        wait_ms: u64,
        now: Millis,
        counters: &mut SessionCounters,
    ) -> SessionAction {
        counters.rate_limited += 1;
        if origin.kind == Some(RequestKind::Login) && self.stage == SessionState::Connected {
            self.stage = SessionState::Closed;
            let refusal = Reply::login_refusal(ErrorCode::RateLimited, wait_ms);
            let reply_to = origin.seq.map(Seq::number);
            return SessionAction::ReplyThenClose(refusal, reply_to, CloseCode::TryLater);
        }
        let reply = Reply::Error(ErrorReply {
            code: ErrorCode::RateLimited,
            message: ErrorCode::RateLimited.message().into(),
            retry_after_ms: Some(wait_ms),
        });
        self.fault(reply, origin, now, counters)
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
        self.fault(reply, Origin { kind, seq }, now, counters)
    }

    /// Answers a refused message while the connection may have more of them; a request that is owed
    /// an answer always gets it, others as long as there is room.
    fn fault(
        &mut self,
        reply: Reply,
        origin: Origin,
        now: Millis,
        counters: &mut SessionCounters,
    ) -> SessionAction {
        if !self.rates.bears_fault(now) {
            counters.floods += 1;
            self.stage = SessionState::Closed;
            return SessionAction::Close(CloseCode::Flood);
        }
        let is_owed = origin.seq.is_some() && origin.kind.is_some_and(RequestKind::is_answered);
        if !is_owed && !self.rates.may_complain(now) {
            counters.untold_errors += 1;
            return SessionAction::Nothing;
        }
        SessionAction::Reply(reply, origin.seq.map(Seq::number))
    }
}
