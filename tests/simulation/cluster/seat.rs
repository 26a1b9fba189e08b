//! One client on one connection: what it asked, what it was told, and its own model of the world.
//!
//! Checked with every message: *seq 1, 2, 3, …*; *exactly one reply a request*, of the right kind;
//! *told = durable*: an outcome, or money in `you`, is on the shelf when it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use orrery::ids::{ConnId, Name, PlayerId, UnixMillis};
use orrery::limits::TOKEN_LEEWAY_MS;
use orrery::protocol::client::{Received, ReceivedBody};
use orrery::protocol::{
    CombatKind, ErrorCode, Input, JoinSystem, Login, Message, Ping, Refresh, Reply, Request,
    RequestId, Seq, Trade, encode_request,
};

mod order_checks;

use super::model::Model;
use super::shelf::{Belongings, Shelf};

/// How far a client believes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatState {
    Open,
    LoggingIn,
    Ashore,
    Aboard,
    /// With the server's close code; none where the line was cut.
    Over(Option<u16>),
}

/// What a request asked for, as far as its reply must fit.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Login,
    /// Whether the token is one that renews the session.
    Refresh(bool),
    Join,
    Ping,
    Trade(Option<RequestId>),
    Repair(Option<RequestId>),
}

/// What was told so far to anybody, on whatever connection, before any crash.
#[derive(Default)]
pub(crate) struct Told {
    /// Outcomes by player and request id, and the life of the server in which they were told.
    outcomes: BTreeMap<(PlayerId, String), (Reply, u64)>,
    /// How often the server began anew.
    pub(crate) restarts: u64,
    /// How often each thing happened, to see what a simulation reaches.
    pub(crate) census: BTreeMap<String, u64>,
    /// The newest tick in which each player's ship was a wreck.
    pub(crate) wrecked: BTreeMap<PlayerId, u64>,
}

impl Told {
    pub(crate) fn count(&mut self, what: &str) {
        *self.census.entry(what.to_owned()).or_default() += 1;
    }
}

/// A token and the time at which it runs out.
#[derive(Clone)]
pub(crate) struct Permit {
    pub(crate) token: String,
    pub(crate) expires: UnixMillis,
    /// Whether it is good for the player it is given to.
    pub(crate) is_good: bool,
}

/// A client on a connection.
pub(crate) struct Seat {
    pub(crate) player: PlayerId,
    pub(crate) conn: ConnId,
    pub(crate) stage: SeatState,
    pub(crate) model: Model,
    /// Where `auth.ok` said the ship is.
    pub(crate) home: Option<Name>,
    /// Whether the newest input asks for a dock.
    pub(crate) is_docking: bool,
    /// The earliest and the latest moment at which the session ends unless it is renewed.
    pub(crate) ends: Option<(UnixMillis, UnixMillis)>,
    /// When the tokens in `asked` run out.
    passes: BTreeMap<u64, UnixMillis>,
    /// The close code that must follow: the login was refused.
    parting: Option<u16>,
    /// A client that never looks at what it is told.
    pub(crate) is_deaf: bool,
    /// The tick from which on rows are told without delay.
    pub(crate) calm_from: u64,
    /// Text of every delta heard, in bytes.
    pub(crate) delta_bytes: u64,
    pub(crate) delta_bytes_max: u64,
    /// Texts on their way to the server, and the tick in which they arrive.
    pub(crate) says: VecDeque<(u64, Vec<u8>)>,
    pub(crate) asked: BTreeMap<u64, Asked>,
    /// Orders sent in a system, with no join before them that is not answered, and when they arrive.
    aboard: BTreeMap<u64, u64>,
    /// The newest join, and when it arrives.
    newest_join: Option<(u64, u64)>,
    /// Controls that arrive together with a join before them, and that join.
    behind_join: BTreeMap<u64, u64>,
    /// `RequestIds` that were answered, in the order of their answers.
    pub(crate) answered: Vec<u64>,
    /// Error codes told so far.
    pub(crate) errors: Vec<ErrorCode>,
    pub(crate) newest_reply: Option<Reply>,
    next_seq: u64,
    newest_input: u64,
    /// Inputs that no error was told of.
    inputs: BTreeSet<u64>,
    server_seq: u64,
}

impl Seat {
    pub(crate) fn new(player: PlayerId, conn: ConnId) -> Self {
        Self {
            player,
            conn,
            stage: SeatState::Open,
            model: Model::default(),
            home: None,
            is_docking: false,
            ends: None,
            passes: BTreeMap::new(),
            parting: None,
            is_deaf: false,
            calm_from: 0,
            delta_bytes: 0,
            delta_bytes_max: 0,
            says: VecDeque::new(),
            asked: BTreeMap::new(),
            aboard: BTreeMap::new(),
            newest_join: None,
            behind_join: BTreeMap::new(),
            answered: Vec::new(),
            errors: Vec::new(),
            newest_reply: None,
            next_seq: 1,
            newest_input: 0,
            inputs: BTreeSet::new(),
            server_seq: 0,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, SeatState::Over(_))
    }

    /// Sends a request that arrives in tick `due`.
    pub(crate) fn ask(&mut self, request: Request<'_>, due: u64) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let asked = match &request {
            Request::Login(_) => Some(Asked::Login),
            Request::Refresh(_) => Some(Asked::Refresh(true)),
            Request::JoinSystem(_) => Some(Asked::Join),
            Request::Ping(_) => Some(Asked::Ping),
            Request::Buy(trade) | Request::Sell(trade) => {
                Some(Asked::Trade(trade.request_id.clone()))
            }
            Request::Repair(repair) => Some(Asked::Repair(repair.request_id.clone())),
            Request::Input(_) => None,
        };
        let is_joining = self
            .asked
            .values()
            .any(|asked| matches!(asked, Asked::Join));
        if matches!(asked, Some(Asked::Trade(_) | Asked::Repair(_)))
            && self.stage == SeatState::Aboard
            && !is_joining
        {
            self.aboard.insert(seq, due);
        }
        let due = self.says.back().map_or(due, |&(last, _)| last.max(due));
        if matches!(asked, Some(Asked::Join)) {
            self.newest_join = Some((seq, due));
        } else if let (None, Some((join, arrives))) = (&asked, self.newest_join)
            && arrives == due
        {
            self.behind_join.insert(seq, join);
        }
        if let Some(asked) = asked {
            self.asked.insert(seq, asked);
        } else {
            self.newest_input = seq;
            self.inputs.insert(seq);
        }
        if matches!(request, Request::Login(_)) {
            self.stage = SeatState::LoggingIn;
        }
        let seq = Seq::new(seq).expect("a small number");
        let mut text = Vec::new();
        encode_request(&Message { seq, request }, UnixMillis(1), &mut text);
        self.says.push_back((due, text));
    }

    pub(crate) fn login(&mut self, pass: &Permit, due: u64) {
        self.passes.insert(self.next_seq, pass.expires);
        let login = Login {
            token: &pass.token,
            protocol_version: orrery::protocol::AskedVersion::Unstated,
        };
        self.ask(Request::Login(login), due);
    }

    /// Asks for a longer session.
    pub(crate) fn refresh(&mut self, pass: &Permit, due: u64) {
        let seq = self.next_seq;
        self.passes.insert(seq, pass.expires);
        let token = &pass.token;
        self.ask(Request::Refresh(Refresh { token }), due);
        self.asked.insert(seq, Asked::Refresh(pass.is_good));
    }

    pub(crate) fn join(&mut self, system: &str, due: u64) {
        let system_id = Name::parse(system).expect("a name");
        self.ask(Request::JoinSystem(JoinSystem { system_id }), due);
    }

    pub(crate) fn steer(&mut self, input: Input, due: u64) {
        self.is_docking = input.dock_request;
        self.ask(Request::Input(input), due);
    }

    pub(crate) fn ping(&mut self, due: u64) {
        self.ask(Request::Ping(Ping { t0: 7.into() }), due);
    }

    pub(crate) fn buy(&mut self, trade: Trade, due: u64) {
        self.ask(Request::Buy(trade), due);
    }

    /// Takes one message in.
    pub(crate) fn hear(&mut self, text: &str, now: UnixMillis, shelf: &Shelf, told: &mut Told) {
        let received = Received::decode(text).unwrap_or_else(|error| {
            panic!("every message reads: {error}: {text}");
        });
        self.server_seq += 1;
        assert_eq!(received.seq, self.server_seq, "seq 1, 2, 3, …: {text}");
        match received.body {
            ReceivedBody::Snapshot(snapshot) => {
                self.model.snapshot(*snapshot);
                self.check_money(shelf);
            }
            ReceivedBody::Delta(delta) => {
                let is_money = delta
                    .you
                    .as_ref()
                    .is_some_and(|you| you.credits.is_some() || you.cargo.is_some());
                if delta.time_dilation.is_some() {
                    told.count("slowed");
                }
                self.model.delta(*delta);
                self.delta_bytes += text.len() as u64;
                self.delta_bytes_max = self.delta_bytes_max.max(text.len() as u64);
                if is_money {
                    self.check_money(shelf);
                }
                let newest = self.model.last_input_seq;
                assert!(
                    newest <= self.newest_input,
                    "only inputs that were sent are applied"
                );
            }
            ReceivedBody::Reply(reply) => self.reply(&reply, received.reply_to, now, shelf, told),
        }
    }

    /// Which request a reply answers; none for what comes unasked, and for errors about inputs.
    fn answered(&mut self, reply: &Reply, reply_to: Option<u64>) -> Option<Asked> {
        let Some(seq) = reply_to else {
            let is_unasked = matches!(
                reply,
                Reply::CombatEvent(_) | Reply::Notice(_) | Reply::Error(_) | Reply::AuthError(_)
            );
            assert!(
                is_unasked,
                "exactly one reply a request: {reply:?} answers none"
            );
            return None;
        };
        let asked = self.asked.remove(&seq);
        self.answered.push(seq);
        let is_about_input = matches!(reply, Reply::Error(_)) && self.inputs.remove(&seq);
        self.check_controls(seq, asked.as_ref(), reply);
        assert!(
            asked.is_some() || is_about_input,
            "exactly one reply a request: {reply:?} to {seq}"
        );
        asked
    }

    fn reply(
        &mut self,
        reply: &Reply,
        reply_to: Option<u64>,
        now: UnixMillis,
        shelf: &Shelf,
        told: &mut Told,
    ) {
        match reply {
            Reply::Error(error) => {
                self.errors.push(error.code);
                told.count(error.code.as_str());
            }
            Reply::AuthError(error) => {
                told.count(error.code.as_str());
                if reply_to.is_none() {
                    self.check_end(error.code, now);
                    told.count("token ran out");
                }
            }
            Reply::TradeResult(_) => told.count("trade"),
            Reply::RepairResult(_) => told.count("repair"),
            Reply::CombatEvent(event) if event.kind == CombatKind::Destroyed => told.count("kill"),
            _ => {}
        }
        self.newest_reply = Some(reply.clone());
        let Some(asked) = self.answered(reply, reply_to) else {
            return;
        };
        if matches!(asked, Asked::Login) {
            self.check_refused_login(reply);
        }
        match (&asked, reply) {
            (Asked::Login, Reply::AuthOk(ok)) => {
                self.stage = SeatState::Ashore;
                self.home.clone_from(&ok.system_id);
                self.renewed(reply_to, now);
            }
            (Asked::Refresh(is_good), Reply::AuthOk(ok)) => {
                assert!(is_good, "a stranger's token renews nothing");
                assert_eq!(ok.player_id, self.player);
                self.renewed(reply_to, now);
                told.count("refresh");
            }
            (Asked::Refresh(is_good), Reply::AuthError(_)) => {
                assert!(!is_good, "a good token renews the session: {reply:?}");
                told.count("refresh refused");
            }
            (Asked::Join, Reply::Joined(joined)) => {
                self.stage = SeatState::Aboard;
                let is_jump = self
                    .model
                    .system
                    .as_deref()
                    .is_some_and(|from| from != joined.system_id.as_str());
                told.count(if is_jump { "jump" } else { "join" });
                self.model.join(joined);
            }
            (Asked::Trade(id), Reply::TradeResult(result)) => {
                assert!(result.ok);
                self.check_outcome(id.as_ref(), reply, Some(result.credits), shelf, told);
            }
            (Asked::Repair(id), Reply::RepairResult(result)) => {
                assert!(result.ok);
                self.check_outcome(id.as_ref(), reply, Some(result.credits), shelf, told);
            }
            (Asked::Trade(id) | Asked::Repair(id), Reply::Error(error)) => {
                self.check_turn(id.as_ref(), error.code, reply_to, told);
                if is_outcome(error.code) {
                    self.check_outcome(id.as_ref(), reply, None, shelf, told);
                }
            }
            (Asked::Ping, Reply::Pong(_)) | (_, Reply::Error(_) | Reply::AuthError(_)) => {}
            _ => panic!("a reply fits its request: {asked:?} {reply:?}"),
        }
    }

    /// *Controls behind a join go by its answer*: none is out of place, unless the join was answered
    /// at the gateway: over its rate, or by a server that fails.
    fn check_controls(&mut self, seq: u64, asked: Option<&Asked>, reply: &Reply) {
        let Reply::Error(error) = reply else { return };
        let is_of_gateway = matches!(error.code, ErrorCode::RateLimited | ErrorCode::Internal);
        if matches!(asked, Some(Asked::Join)) && is_of_gateway {
            self.behind_join.retain(|_, join| *join != seq);
        }
        let is_behind = self.behind_join.remove(&seq).is_some();
        assert!(
            !is_behind || error.code != ErrorCode::NotInSystem,
            "in the order of their seq: {} steered behind a join",
            self.player
        );
    }

    /// The server ends the connection, for the reason that it gave.
    pub(crate) fn check_close(&self, code: u16) {
        if let Some(parting) = self.parting {
            assert_eq!(code, parting, "{:?}", self.newest_reply);
        }
    }

    /// A token was taken: the session ends with it, or, if it had run out already, with its leeway.
    fn renewed(&mut self, reply_to: Option<u64>, now: UnixMillis) {
        let expires = reply_to.and_then(|seq| self.passes.remove(&seq));
        let expires = expires.expect("a token was presented");
        let leeway = UnixMillis(expires.0 + TOKEN_LEEWAY_MS);
        // Between request and reply time may have passed.
        let latest = if now < expires { expires } else { leeway };
        self.ends = Some((expires, latest));
    }

    /// *No session ends before its token.*
    fn check_end(&self, code: ErrorCode, now: UnixMillis) {
        assert_eq!(code, ErrorCode::TokenExpired);
        if let Some((earliest, _)) = self.ends {
            assert!(now >= earliest, "{now:?} is before {earliest:?}");
        }
    }

    /// *Told = durable*: money and hold in `you` were on the shelf once, or are a new pilot's.
    fn check_money(&self, shelf: &Shelf) {
        let Some(told) = self.model.belongings() else {
            return;
        };
        let new = Belongings {
            credits: 5_000,
            ..Belongings::default()
        };
        let is_new = told == new && !shelf.pilots.contains_key(&self.player);
        assert!(
            is_new || shelf.ever_kept(&self.player, &told),
            "told = durable: {} was told of {told:?}",
            self.player
        );
    }
}

/// Whether a refusal of an order is an outcome that a request id brings again.
const fn is_outcome(code: ErrorCode) -> bool {
    !matches!(
        code,
        ErrorCode::RateLimited
            | ErrorCode::NotInSystem
            | ErrorCode::NotAuthenticated
            | ErrorCode::StaleSeq
            | ErrorCode::Internal
            | ErrorCode::MalformedMessage
            | ErrorCode::RequestIdReused
            | ErrorCode::UnknownStation
            | ErrorCode::UnknownCommodity
            | ErrorCode::InvalidQuantity
    )
}
