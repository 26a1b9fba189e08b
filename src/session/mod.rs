//! One client's conversation, without sockets and without a clock.
//!
//! ```text
//! Connected ──auth.login──▶ LoggingIn ──auth.ok──▶ LoggedIn ──session.joined──▶ InSystem
//!     │ 5 s: 4002               │ auth.error: 4001, or  │                           │
//!     │                         │ 1013; 10 s: 1013      │                           │
//!     └─────────────────────────┴───────────────────────┴── token runs out: 4001 ───┘
//! ```
//!
//! A login is refused in one of two ways, both `auth.error` and the end of the connection: for what
//! the client brought (4001), or for the server's sake (1013, with a time to come back), after which
//! the token is as good as before.
//!
//! [`Session::on_text`] turns a text message into one [`SessionAction`]; what the rest of the server
//! decides about it comes back through [`Session::on_reply`]. Invariants: every request that is
//! owed an answer gets exactly one verdict that either answers it or passes it on as a [`Command`];
//! `seq` of what is passed on rises strictly; nothing comes out after a close.
//!
//! Behind a join that was passed on and is not answered yet, orders and controls are passed on too:
//! whether they find a ship is known only behind the join.
//!
//! Call order: `new` (connection open) → `on_text` and `on_reply` in any order → `on_deadline` when
//! `deadline` has passed.
//!
//! A text is parsed once and then charged to the class of what it turned out to be; what is over a rate is
//! not carried out and uses up no `seq`. So a parse is what a message costs at most, and a connection gets
//! at most as many parses as the rates of all messages and of refused ones allow before it is closed.

mod command;
mod faults;
mod rate;
pub mod token;

use std::borrow::Cow;
use std::sync::Arc;

use crate::ids::{Millis, Name, PlayerId, UnixMillis};
use crate::limits::{LOGIN_ANSWER_MS_MAX, LOGIN_DEADLINE_MS, LOGIN_RETRY_MS, PILOT_COMMANDS_MAX};
use crate::protocol::{
    AskedVersion, AuthError, AuthOk, CloseCode, ErrorCode, ErrorReply, Login, Message, Ping, Pong,
    Reply, Request, RequestKind, Scratch, Seq, decode,
};
pub use command::{Command, Order};
use faults::Origin;
pub use rate::{Class, Rates};
use token::{TokenError, Verified, Verifier, good_until};

/// What all conversations of one thread share.
#[derive(Debug)]
pub struct SessionContext {
    /// Buffers of the decoder.
    pub scratch: Scratch,
    /// Which tokens are good.
    pub verifier: Arc<Verifier>,
    /// The tick that a `pong` reports; the caller keeps it current.
    pub tick: u64,
    /// What was refused so far.
    pub counters: SessionCounters,
}

impl SessionContext {
    /// A context with fresh buffers.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self {
            scratch: Scratch::default(),
            verifier,
            tick: 0,
            counters: SessionCounters::default(),
        }
    }
}

/// Counts of what was refused, for the operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionCounters {
    /// `input.command` whose `seq` was not above the newest: dropped.
    pub stale_inputs: u64,
    /// Messages over a rate.
    pub rate_limited: u64,
    /// Messages that were malformed or of unknown type.
    pub malformed: u64,
    /// Errors that were not sent because too many had been.
    pub untold_errors: u64,
    /// Connections closed for flooding.
    pub floods: u64,
    /// Logins refused for what the client brought.
    pub refused_logins: u64,
}

impl SessionCounters {
    /// What was refused, by the identifier that metrics call it by; stale inputs are no refusals.
    pub const fn refusals(&self) -> [(&'static str, u64); 5] {
        [
            ("rate_limited", self.rate_limited),
            ("malformed", self.malformed),
            ("untold_error", self.untold_errors),
            ("flood", self.floods),
            ("login", self.refused_logins),
        ]
    }
}

/// What to do about a message or a deadline. The number beside a reply is its `reply_to`.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionAction {
    /// The message needs no answer and no command.
    Nothing,
    /// Answer at once.
    Reply(Reply, Option<u64>),
    /// Pass on to the simulation, which will answer.
    Command(Command),
    /// End the connection.
    Close(CloseCode),
    /// Answer, then end the connection.
    ReplyThenClose(Reply, Option<u64>, CloseCode),
}

/// How far a conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Open, no login yet.
    Connected,
    /// The token was good; the pilot is being looked up.
    LoggingIn,
    /// Logged in, in no system.
    LoggedIn,
    /// In a system.
    InSystem,
    /// The conversation has ended; nothing is answered any more.
    Closed,
}

/// One client's conversation.
#[derive(Debug, Clone)]
pub struct Session {
    stage: SessionState,
    asked: AskedVersion,
    /// Until when a login must come; once it has, until when it must be answered.
    login_deadline: Millis,
    /// The `auth.login` that waits for its answer.
    login_seq: Option<Seq>,
    token_deadline: Option<Millis>,
    player: Option<PlayerId>,
    system: Option<Name>,
    newest_seq: Option<Seq>,
    /// Joins that were passed on and are not answered, at most [`PILOT_COMMANDS_MAX`]. The rest of the
    /// server refuses those beyond, perhaps before it answers the first.
    joins: Vec<Seq>,
    sent: u64,
    rates: Rates,
}

impl Session {
    /// A conversation that begins now. `asked` is what the address's query said about the version.
    pub const fn new(now: Millis, asked: AskedVersion) -> Self {
        Self {
            stage: SessionState::Connected,
            asked,
            login_deadline: now.plus(LOGIN_DEADLINE_MS),
            login_seq: None,
            token_deadline: None,
            player: None,
            system: None,
            newest_seq: None,
            joins: Vec::new(),
            sent: 0,
            rates: Rates::new(now),
        }
    }

    /// How far it has come.
    pub const fn stage(&self) -> SessionState {
        self.stage
    }

    /// Who it is, once a good token said so.
    pub const fn player(&self) -> Option<&PlayerId> {
        self.player.as_ref()
    }

    /// The number of the next message to this client: 1, 2, 3, …
    pub const fn next_seq(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    /// The message that got the newest number was not queued: its number is given again.
    pub const fn take_back_seq(&mut self) {
        self.sent = self.sent.saturating_sub(1);
    }

    /// Takes one text message in; the text is overwritten. Work is linear in the text, plus one
    /// signature check for a login or a refresh.
    pub fn on_text(
        &mut self,
        text: &mut [u8],
        now: Millis,
        unix: UnixMillis,
        context: &mut SessionContext,
    ) -> SessionAction {
        if self.stage == SessionState::Closed {
            return SessionAction::Nothing;
        }
        let decoded = decode(text, &mut context.scratch);
        let origin = Origin::of(&decoded);
        if let Err(wait_ms) = self.rates.admit(Class::of(origin.kind), now) {
            return self.over_rate(origin, wait_ms, now, &mut context.counters);
        }
        match decoded {
            Ok(Message { seq, request }) => {
                let (kind, is_named) = (request.kind(), request.request_id().is_some());
                if let Err(verdict) = self.admit(seq, (kind, is_named), now, &mut context.counters)
                {
                    return verdict;
                }
                self.on_request(seq, request, (now, unix), context)
            }
            Err(error) => self.on_unreadable(error, now, &mut context.counters),
        }
    }

    /// How this client is told a reply of the rest of the server: whatever refuses a login is its
    /// `auth.error`, whoever refused it and for what reason.
    pub fn phrase<'r>(&self, reply: &'r Reply) -> Cow<'r, Reply> {
        match reply {
            // Whatever else is asked meanwhile is refused here, so this is the login's refusal.
            Reply::Error(error) if self.stage == SessionState::LoggingIn => {
                let wait_ms = error.retry_after_ms.unwrap_or(LOGIN_RETRY_MS);
                Cow::Owned(Reply::login_refusal(error.code, wait_ms))
            }
            _ => Cow::Borrowed(reply),
        }
    }

    /// Takes note of an answer that the rest of the server sends to this client (not of those in
    /// a [`SessionAction`]), as [phrased](Self::phrase) for it, and of which request it answers; with a code,
    /// the connection is to be closed behind it.
    pub fn on_reply(&mut self, reply: &Reply, reply_to: Option<u64>) -> Option<CloseCode> {
        if self.stage == SessionState::Closed {
            return None;
        }
        if let Some(answered) = reply_to {
            self.joins.retain(|join| join.number() != answered);
        }
        match reply {
            Reply::AuthOk(ok) if self.stage == SessionState::LoggingIn => {
                self.stage = SessionState::LoggedIn;
                self.login_seq = None;
                self.system.clone_from(&ok.system_id);
            }
            Reply::Error(ErrorReply { code, .. }) if self.stage == SessionState::LoggingIn => {
                self.stage = SessionState::Closed;
                return Some(CloseCode::of_refused_login(*code));
            }
            Reply::AuthError(AuthError { code, .. }) => {
                self.stage = SessionState::Closed;
                return Some(CloseCode::of_refused_login(*code));
            }
            Reply::Joined(joined) if self.stage != SessionState::Connected => {
                self.stage = SessionState::InSystem;
                self.system = Some(joined.system_id.clone());
            }
            _ => {}
        }
        None
    }

    /// Ends the conversation, whoever closed the connection.
    pub const fn close(&mut self) {
        self.stage = SessionState::Closed;
    }

    /// When [`Self::on_deadline`] is due.
    pub fn deadline(&self) -> Option<Millis> {
        match self.stage {
            SessionState::Connected => Some(self.login_deadline),
            SessionState::Closed => None,
            SessionState::LoggingIn => {
                let token = self.token_deadline;
                Some(token.map_or(self.login_deadline, |token| token.min(self.login_deadline)))
            }
            SessionState::LoggedIn | SessionState::InSystem => self.token_deadline,
        }
    }

    /// Ends a conversation without a login, one whose login nobody answers, or whose token has run
    /// out.
    pub fn on_deadline(&mut self, now: Millis) -> SessionAction {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return SessionAction::Nothing;
        }
        let stage = std::mem::replace(&mut self.stage, SessionState::Closed);
        if stage == SessionState::Connected {
            return SessionAction::Close(CloseCode::LoginTimeout);
        }
        let reply_to = self.login_seq.take().map(Seq::number);
        let has_run_out = self.token_deadline.is_some_and(|token| token <= now);
        let code = if has_run_out {
            ErrorCode::TokenExpired
        } else {
            ErrorCode::Internal
        };
        let close = CloseCode::of_refused_login(code);
        SessionAction::ReplyThenClose(Reply::auth_error(code), reply_to, close)
    }

    /// Checks the order of `seq` and whether the stage allows the request; notes the `seq`.
    fn admit(
        &mut self,
        seq: Seq,
        (kind, is_named): (RequestKind, bool),
        now: Millis,
        counters: &mut SessionCounters,
    ) -> Result<(), SessionAction> {
        if self.newest_seq.is_some_and(|newest| seq <= newest) {
            if !kind.is_answered() {
                counters.stale_inputs += 1;
                return Err(SessionAction::Nothing);
            }
            return Err(refusal(ErrorCode::StaleSeq, seq));
        }
        self.newest_seq = Some(seq);
        let Some(code) = self.out_of_place(kind, is_named) else {
            return Ok(());
        };
        if !kind.is_answered() && !self.rates.may_complain(now) {
            counters.untold_errors += 1;
            return Err(SessionAction::Nothing);
        }
        Err(refusal(code, seq))
    }

    /// Why the request is refused at this stage. An order that names itself may have an outcome
    /// already, which its player is told in a system or out of it; what follows a join goes by its
    /// answer.
    const fn out_of_place(&self, kind: RequestKind, is_named: bool) -> Option<ErrorCode> {
        let logged_in = matches!(self.stage, SessionState::LoggedIn | SessionState::InSystem);
        match kind {
            RequestKind::Ping => None,
            RequestKind::Login => match self.stage {
                SessionState::Connected => None,
                _ => Some(ErrorCode::AlreadyAuthenticated),
            },
            _ if !logged_in => Some(ErrorCode::NotAuthenticated),
            RequestKind::Refresh | RequestKind::JoinSystem => None,
            _ if is_named => None,
            _ => match self.stage {
                SessionState::InSystem => None,
                _ if !self.joins.is_empty() => None,
                _ => Some(ErrorCode::NotInSystem),
            },
        }
    }

    fn on_request(
        &mut self,
        seq: Seq,
        request: Request<'_>,
        (now, unix): (Millis, UnixMillis),
        context: &mut SessionContext,
    ) -> SessionAction {
        let command = match request {
            Request::Input(input) => Command::Input { seq, input },
            Request::Buy(trade) => Command::Order {
                seq,
                order: Order::Buy(trade),
            },
            Request::Sell(trade) => Command::Order {
                seq,
                order: Order::Sell(trade),
            },
            Request::Repair(repair) => Command::Order {
                seq,
                order: Order::Repair(repair),
            },
            Request::JoinSystem(join) => {
                if self.joins.len() < PILOT_COMMANDS_MAX {
                    self.joins.push(seq);
                }
                let system = join.system_id;
                Command::Join { system, seq }
            }
            Request::Ping(Ping { t0 }) => {
                let (t1, tick) = (unix.0, context.tick);
                let pong = Reply::Pong(Pong { t0, t1, tick });
                return SessionAction::Reply(pong, Some(seq.number()));
            }
            Request::Login(login) => return self.log_in(seq, &login, (now, unix), context),
            Request::Refresh(refresh) => {
                let verified = context.verifier.verify(refresh.token, unix);
                return self.renew(seq, verified, (now, unix));
            }
        };
        SessionAction::Command(command)
    }

    fn log_in(
        &mut self,
        seq: Seq,
        login: &Login<'_>,
        (now, unix): (Millis, UnixMillis),
        context: &mut SessionContext,
    ) -> SessionAction {
        let spoken = self.asked.is_supported() && login.protocol_version.is_supported();
        let checked = if spoken {
            let verified = context.verifier.verify(login.token, unix);
            verified.map_err(token_code)
        } else {
            Err(ErrorCode::UnsupportedProtocolVersion)
        };
        match checked {
            Ok(Verified { player, expires }) => {
                self.stage = SessionState::LoggingIn;
                self.login_seq = Some(seq);
                self.login_deadline = now.plus(LOGIN_ANSWER_MS_MAX);
                self.player = Some(player.clone());
                self.token_deadline = Some(deadline_of(expires, now, unix));
                SessionAction::Command(Command::Login {
                    player,
                    token_expires: expires,
                    seq,
                })
            }
            Err(code) => {
                context.counters.refused_logins += 1;
                self.stage = SessionState::Closed;
                let reply = Reply::auth_error(code);
                SessionAction::ReplyThenClose(reply, Some(seq.number()), CloseCode::LoginFailed)
            }
        }
    }

    /// A newer token of the same player prolongs the session; a bad one changes nothing.
    fn renew(
        &mut self,
        seq: Seq,
        verified: Result<Verified, TokenError>,
        (now, unix): (Millis, UnixMillis),
    ) -> SessionAction {
        let reply = match verified {
            Ok(Verified { player, expires }) if self.player.as_ref() == Some(&player) => {
                self.token_deadline = Some(deadline_of(expires, now, unix));
                Reply::AuthOk(AuthOk {
                    player_id: player,
                    system_id: self.system.clone(),
                })
            }
            Ok(_) => Reply::auth_error(ErrorCode::InvalidToken),
            Err(error) => Reply::auth_error(token_code(error)),
        };
        SessionAction::Reply(reply, Some(seq.number()))
    }
}

fn refusal(code: ErrorCode, seq: Seq) -> SessionAction {
    SessionAction::Reply(Reply::error(code), Some(seq.number()))
}

const fn token_code(error: TokenError) -> ErrorCode {
    match error {
        TokenError::Invalid => ErrorCode::InvalidToken,
        TokenError::Expired => ErrorCode::TokenExpired,
    }
}

/// The moment on our own clock at which a session on this token ends.
fn deadline_of(expires: UnixMillis, now: Millis, unix: UnixMillis) -> Millis {
    now.plus(good_until(expires, unix).0.saturating_sub(unix.0))
}
