//! A conversation with a context and a clock of its own, for tests to talk to.

#![allow(dead_code, reason = "each test file uses a part")]
use std::sync::Arc;

use orrery::ids::{Millis, Name, PlayerId, UnixMillis};
use orrery::protocol::{AskedVersion, AuthOk, CloseCode, ErrorCode, Fixed2, Joined, Reply, Spawn};
use orrery::session::token::{Key, Signer, Verifier};
use orrery::session::{Command, Session, SessionAction, SessionContext};

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const UNIX: u64 = 1_700_000_000_000;

/// A session, its context and its clock.
pub(crate) struct Talk {
    pub(crate) session: Session,
    pub(crate) context: SessionContext,
    pub(crate) now: u64,
    /// How far the wall clock was set.
    pub(crate) wall_step_ms: i64,
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::asking(AskedVersion::Unstated)
    }

    pub(crate) fn asking(asked: AskedVersion) -> Self {
        let verifier = Verifier::new(vec![Key::secret(SECRET).unwrap()]);
        Self {
            session: Session::new(Millis(0), asked),
            context: SessionContext::new(Arc::new(verifier)),
            now: 0,
            wall_step_ms: 0,
        }
    }

    pub(crate) fn logged_in() -> Self {
        let mut talk = Self::new();
        let verdict = talk.login(1, &talk.token("p_1", 3_600));
        assert!(matches!(
            verdict,
            SessionAction::Command(Command::Login { .. })
        ));
        assert_eq!(talk.session.on_reply(&auth_ok(), Some(1)), None);
        talk
    }

    pub(crate) fn in_system() -> Self {
        let mut talk = Self::logged_in();
        assert!(matches!(
            talk.join(2),
            SessionAction::Command(Command::Join { .. })
        ));
        assert_eq!(talk.session.on_reply(&joined(), Some(2)), None);
        talk
    }

    pub(crate) fn unix(&self) -> UnixMillis {
        UnixMillis((UNIX + self.now).saturating_add_signed(self.wall_step_ms))
    }

    pub(crate) fn token(&self, player: &str, ttl_seconds: u64) -> String {
        let player = PlayerId::parse(player).unwrap();
        let signer = Signer::new(SECRET).unwrap();
        signer.sign(&player, ttl_seconds, self.unix()).unwrap()
    }

    pub(crate) fn say(&mut self, text: &str) -> SessionAction {
        let mut bytes = text.as_bytes().to_vec();
        let (now, unix) = (Millis(self.now), self.unix());
        self.session
            .on_text(&mut bytes, now, unix, &mut self.context)
    }

    pub(crate) fn ask(&mut self, name: &str, seq: u64, payload: &str) -> SessionAction {
        self.say(&format!(
            r#"{{"type":"{name}","seq":{seq},"ts":1,"payload":{payload}}}"#
        ))
    }

    pub(crate) fn login(&mut self, seq: u64, token: &str) -> SessionAction {
        self.ask("auth.login", seq, &format!(r#"{{"token":"{token}"}}"#))
    }

    pub(crate) fn join(&mut self, seq: u64) -> SessionAction {
        self.ask("session.join_system", seq, r#"{"system_id":"sol-1"}"#)
    }

    pub(crate) fn input(&mut self, seq: u64) -> SessionAction {
        self.ask("input.command", seq, r#"{"thrust":2}"#)
    }

    pub(crate) fn buy(&mut self, seq: u64) -> SessionAction {
        let order = r#"{"station_id":"a","commodity_id":"food","quantity":1}"#;
        self.ask("trade.buy", seq, order)
    }

    pub(crate) fn deadline(&mut self) -> SessionAction {
        self.session.on_deadline(Millis(self.now))
    }
}

pub(crate) fn auth_ok() -> Reply {
    Reply::AuthOk(AuthOk {
        player_id: PlayerId::parse("p_1").unwrap(),
        system_id: None,
    })
}

pub(crate) fn joined() -> Reply {
    Reply::Joined(Box::new(Joined {
        system_id: Name::parse("sol-1").unwrap(),
        ship_id: "s_1".into(),
        spawn: Spawn {
            x: Fixed2::default(),
            y: Fixed2::default(),
            rotation: orrery::protocol::Angle::default(),
        },
        tick_rate: 30,
        tick: 1,
        protocol_version: 1,
        view_radius: Fixed2::new(1000.0),
        flight: None,
        chart: None,
    }))
}

#[track_caller]
pub(crate) fn assert_refused(verdict: &SessionAction, code: ErrorCode, seq: u64) {
    match verdict {
        SessionAction::Reply(Reply::Error(error), reply_to) => {
            assert_eq!((error.code, *reply_to), (code, Some(seq)));
        }
        other => panic!("{code:?} expected: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_login_refused(verdict: &SessionAction, code: ErrorCode) {
    match verdict {
        SessionAction::ReplyThenClose(Reply::AuthError(error), Some(1), CloseCode::LoginFailed) => {
            assert_eq!(error.code, code);
        }
        other => panic!("{code:?} expected: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_for_the_servers_sake(verdict: &SessionAction, code: ErrorCode, seq: u64) {
    match verdict {
        SessionAction::ReplyThenClose(Reply::AuthError(error), reply_to, CloseCode::TryLater) => {
            assert_eq!((error.code, *reply_to), (code, Some(seq)));
            assert!(error.retry_after_ms.is_some_and(|ms| ms > 0), "{error:?}");
        }
        other => panic!("{code:?} expected: {other:?}"),
    }
}
