//! Any list of operations on one client's conversation, beside a plain model of it.
//!
//! After each operation: a request that is owed an answer got exactly one, or was passed on once;
//! what is passed on rises in `seq` and fits the stage; nothing comes out after the end; no class
//! exceeds its rate; deadlines end a conversation when due and not before.

#![allow(clippy::expect_used, reason = "a property that does not hold panics")]

use std::sync::{Arc, OnceLock};

use orrery::ids::{Millis, Name, PlayerId, UnixMillis};
use orrery::limits::{
    LOGIN_ANSWER_MS_MAX, LOGIN_DEADLINE_MS, PILOT_COMMANDS_MAX, RATE_INPUTS, RATE_TRANSACTIONS,
    Rate,
};
use orrery::protocol::{
    Angle, AskedVersion, AuthOk, ErrorCode, Fixed2, Input, Joined, Reply, Spawn,
};
use orrery::session::token::{Key, Signer, Verifier};
use orrery::session::{Command, Order, Session, SessionAction, SessionContext, SessionState};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const UNIX: u64 = 1_700_000_000_000;

/// One thing that happens to a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Time passes, in milliseconds.
    Wait(u16),
    /// A well-formed request (its number in the list of kinds), its `seq` this far from the newest.
    Ask(u8, i8),
    /// A login or (second flag) a refresh with a token of this number.
    Token(u8, bool),
    /// A message of any bytes, well-formed or not.
    Raw(Vec<u8>),
    /// The server's answer: `auth.ok`, `auth.error`, `session.joined`, `error`.
    Answer(u8),
    /// The deadline is looked at.
    Deadline,
}

/// Checks one input: three bytes an operation.
pub(crate) fn check(data: &[u8]) {
    let operations: Vec<_> = data.chunks_exact(3).take(2_000).map(operation).collect();
    run(&operations);
}

fn operation(bytes: &[u8]) -> Operation {
    match bytes[0] % 8 {
        0 => Operation::Wait(u16::from_le_bytes([bytes[1], bytes[2]])),
        1..=3 => Operation::Ask(bytes[1], bytes[2].cast_signed()),
        4 => Operation::Token(bytes[1], bytes[2] % 2 == 1),
        5 => Operation::Raw(vec![bytes[1]; usize::from(bytes[2] % 16)]),
        6 => Operation::Answer(bytes[1]),
        _ => Operation::Deadline,
    }
}

/// Runs operations against a fresh conversation.
pub(crate) fn run(operations: &[Operation]) {
    let mut model = Model::new();
    for operation in operations {
        model.apply(operation);
        model.hold();
    }
}

struct Model {
    session: Session,
    context: SessionContext,
    now: u64,
    stage: SessionState,
    /// When the login was passed on.
    logging_in: u64,
    newest: Option<u64>,
    passed_on: Option<u64>,
    /// Joins that are not answered.
    joins: Vec<u64>,
    inputs: u64,
    transactions: u64,
}

const REQUESTS: [(&str, &str); 7] = [
    ("input.command", r#"{"thrust":1,"turn":-3}"#),
    (
        "trade.buy",
        r#"{"station_id":"a","commodity_id":"b","quantity":1}"#,
    ),
    (
        "trade.sell",
        r#"{"station_id":"a","commodity_id":"b","quantity":0}"#,
    ),
    (
        "ship.repair_request",
        r#"{"station_id":"a","request_id":"r"}"#,
    ),
    ("session.join_system", r#"{"system_id":"sol-1"}"#),
    ("ping", r#"{"t0":1}"#),
    ("nope", "{}"),
];

/// A good token, one soon at its end, one of another player, an expired one, and nonsense.
fn tokens() -> &'static [String; 5] {
    static TOKENS: OnceLock<[String; 5]> = OnceLock::new();
    TOKENS.get_or_init(|| {
        let signer = Signer::new(SECRET).expect("long enough");
        let sign = |player, ttl_seconds, at| {
            let player = PlayerId::parse(player).expect("a name");
            signer
                .sign(&player, ttl_seconds, UnixMillis(at))
                .expect("signed")
        };
        [
            sign("p_1", 3_600, UNIX),
            sign("p_1", 60, UNIX),
            sign("p_2", 3_600, UNIX),
            sign("p_1", 1, UNIX - 100_000),
            "nonsense".to_owned(),
        ]
    })
}

impl Model {
    fn new() -> Self {
        let verifier = Verifier::new(vec![Key::secret(SECRET).expect("long enough")]);
        Self {
            session: Session::new(Millis(0), AskedVersion::Unstated),
            context: SessionContext::new(Arc::new(verifier)),
            now: 0,
            stage: SessionState::Connected,
            logging_in: 0,
            newest: None,
            passed_on: None,
            joins: Vec::new(),
            inputs: 0,
            transactions: 0,
        }
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Wait(ms) => self.now += u64::from(*ms),
            Operation::Ask(which, step) => {
                let (name, payload) = REQUESTS[usize::from(*which) % REQUESTS.len()];
                let seq = self
                    .newest
                    .unwrap_or(0)
                    .saturating_add_signed(i64::from(*step));
                self.ask(name, seq, payload);
            }
            Operation::Token(which, is_refresh) => {
                let token = &tokens()[usize::from(*which) % 5];
                let name = if *is_refresh {
                    "auth.refresh"
                } else {
                    "auth.login"
                };
                let seq = self.newest.map_or(0, |newest| newest + 1);
                self.ask(name, seq, &format!(r#"{{"token":"{token}"}}"#));
            }
            Operation::Raw(bytes) => {
                let verdict = self.say(&mut bytes.clone());
                assert!(!matches!(verdict, SessionAction::Command(_)));
                self.ended_by(&verdict);
            }
            Operation::Answer(which) => self.answer(*which),
            Operation::Deadline => self.deadline(),
        }
    }

    fn say(&mut self, text: &mut [u8]) -> SessionAction {
        let (now, unix) = (Millis(self.now), UnixMillis(UNIX + self.now));
        let verdict = self.session.on_text(text, now, unix, &mut self.context);
        if self.stage == SessionState::Closed {
            assert_eq!(
                verdict,
                SessionAction::Nothing,
                "nothing comes after the end"
            );
        }
        verdict
    }

    fn ask(&mut self, name: &str, seq: u64, payload: &str) {
        let text = format!(r#"{{"type":"{name}","seq":{seq},"ts":1,"payload":{payload}}}"#);
        let limited = self.context.counters.rate_limited;
        let verdict = self.say(&mut text.into_bytes());
        if self.stage == SessionState::Closed {
            return;
        }
        let is_fresh = self.newest.is_none_or(|newest| seq > newest);
        match &verdict {
            SessionAction::Nothing => {
                assert!(
                    ["input.command", "nope"].contains(&name),
                    "{name} without an answer"
                );
            }
            SessionAction::Reply(reply, to) => {
                if name != "nope" || to.is_some() {
                    assert_eq!(*to, Some(seq), "the answer names its request");
                }
                self.fits(name, is_fresh, reply);
            }
            SessionAction::Command(command) => self.passed(name, seq, command),
            SessionAction::Close(_) | SessionAction::ReplyThenClose(..) => {}
        }
        // A message over its rate, or of no known type, uses up no number.
        let was_read = self.context.counters.rate_limited == limited && name != "nope";
        if is_fresh && was_read {
            self.newest = Some(seq);
        }
        self.ended_by(&verdict);
    }

    /// Whether a refusal is one that the stage and the order allow.
    fn fits(&self, name: &str, is_fresh: bool, reply: &Reply) {
        let logged_in = matches!(self.stage, SessionState::LoggedIn | SessionState::InSystem);
        if is(reply, ErrorCode::StaleSeq) {
            assert!(!is_fresh);
        } else if is(reply, ErrorCode::NotAuthenticated) {
            assert!(!logged_in && name != "auth.login" && name != "ping");
        } else if is(reply, ErrorCode::AlreadyAuthenticated) {
            assert!(self.stage != SessionState::Connected && name == "auth.login");
        } else if is(reply, ErrorCode::NotInSystem) {
            assert!(self.stage == SessionState::LoggedIn && name != "ship.repair_request");
            assert!(self.joins.is_empty(), "{name} goes by the join before it");
        } else if is(reply, ErrorCode::InvalidQuantity) {
            assert!(name == "trade.sell" && self.is_in_place());
        }
    }

    /// Whether controls and orders are passed on.
    fn is_in_place(&self) -> bool {
        let follows_join = self.stage == SessionState::LoggedIn && !self.joins.is_empty();
        self.stage == SessionState::InSystem || follows_join
    }

    fn passed(&mut self, name: &str, seq: u64, command: &Command) {
        assert!(self.passed_on.is_none_or(|last| seq > last), "seq rises");
        self.passed_on = Some(seq);
        let logged_in = matches!(self.stage, SessionState::LoggedIn | SessionState::InSystem);
        match command {
            Command::Login { player, .. } => {
                assert!(self.stage == SessionState::Connected && name == "auth.login");
                assert_eq!(Some(player), self.session.player());
                self.stage = SessionState::LoggingIn;
                self.logging_in = self.now;
            }
            Command::Join { .. } => {
                assert!(logged_in);
                if self.joins.len() < PILOT_COMMANDS_MAX {
                    self.joins.push(seq);
                }
            }
            Command::Input { input, .. } => {
                assert!(self.is_in_place());
                assert_eq!(*input, Input::clamped(1.0, -1.0, false, false));
                self.inputs += 1;
            }
            Command::Order {
                order: Order::Buy(_),
                ..
            } => {
                assert!(self.is_in_place());
                self.transactions += 1;
            }
            // It names itself, so its outcome may be known.
            Command::Order {
                order: Order::Repair(_),
                ..
            } => {
                assert!(logged_in);
                self.transactions += 1;
            }
            Command::Order {
                order: Order::Sell(_),
                ..
            } => panic!("a sale of nothing"),
        }
    }

    fn answer(&mut self, which: u8) {
        let player_id = PlayerId::parse("p_1").expect("a name");
        // Half of the errors answer a join, the newest first.
        let joins = self.joins.len();
        let reply_to = match which % 8 {
            2 | 6 if joins > 0 => Some(self.joins[0]),
            7 if joins > 0 => Some(self.joins[joins - 1]),
            _ => None,
        };
        let (reply, next) = match which % 4 {
            0 if self.stage == SessionState::LoggingIn => {
                let ok = AuthOk {
                    player_id,
                    system_id: None,
                };
                (Reply::AuthOk(ok), SessionState::LoggedIn)
            }
            1 if self.stage != SessionState::Connected => {
                (Reply::auth_error(ErrorCode::Internal), SessionState::Closed)
            }
            2 if matches!(self.stage, SessionState::LoggedIn | SessionState::InSystem) => {
                (Reply::Joined(Box::new(joined())), SessionState::InSystem)
            }
            // While a login waits for its answer, an error is that answer.
            3 if self.stage == SessionState::LoggingIn => {
                (Reply::error(ErrorCode::SystemFull), SessionState::Closed)
            }
            3 => (Reply::error(ErrorCode::OutOfStock), self.stage),
            _ => return,
        };
        let told = self.session.phrase(&reply).into_owned();
        let is_refused = self.stage == SessionState::LoggingIn && next == SessionState::Closed;
        assert!(!is_refused || matches!(told, Reply::AuthError(_)));
        let close = self.session.on_reply(&told, reply_to);
        self.joins.retain(|&join| Some(join) != reply_to);
        assert_eq!(
            close.is_some(),
            next == SessionState::Closed && self.stage != SessionState::Closed
        );
        if self.stage != SessionState::Closed {
            self.stage = next;
        }
    }

    fn deadline(&mut self) {
        let due = self.session.deadline();
        if self.stage == SessionState::Connected {
            assert_eq!(due, Some(Millis(LOGIN_DEADLINE_MS)));
        }
        if self.stage == SessionState::LoggingIn {
            let latest = Millis(self.logging_in + LOGIN_ANSWER_MS_MAX);
            assert!(
                due.is_some_and(|due| due <= latest),
                "no login waits for ever"
            );
        }
        let is_due = due.is_some_and(|due| due.0 <= self.now);
        let verdict = self.session.on_deadline(Millis(self.now));
        let ends = matches!(
            verdict,
            SessionAction::Close(_) | SessionAction::ReplyThenClose(..)
        );
        assert_eq!(ends, is_due);
        self.ended_by(&verdict);
    }

    fn ended_by(&mut self, verdict: &SessionAction) {
        if matches!(
            verdict,
            SessionAction::Close(_) | SessionAction::ReplyThenClose(..)
        ) {
            assert_ne!(self.stage, SessionState::Closed, "an end comes once");
            self.stage = SessionState::Closed;
        }
    }

    /// What holds at any time.
    fn hold(&self) {
        assert_eq!(self.session.stage(), self.stage);
        assert_eq!(
            self.session.deadline().is_none(),
            self.stage == SessionState::Closed
        );
        let allowed =
            |rate: Rate| u64::from(rate.burst) + self.now * u64::from(rate.per_second) / 1_000;
        assert!(self.inputs <= allowed(RATE_INPUTS));
        assert!(self.transactions <= allowed(RATE_TRANSACTIONS));
    }
}

fn is(reply: &Reply, code: ErrorCode) -> bool {
    matches!(reply, Reply::Error(error) if error.code == code)
}

fn joined() -> Joined {
    Joined {
        system_id: Name::parse("sol-1").expect("a name"),
        ship_id: "s_1".into(),
        spawn: Spawn {
            x: Fixed2::default(),
            y: Fixed2::default(),
            rotation: Angle::default(),
        },
        tick_rate: 30,
        tick: 1,
        protocol_version: 1,
        view_radius: Fixed2::default(),
        flight: None,
        chart: None,
    }
}
