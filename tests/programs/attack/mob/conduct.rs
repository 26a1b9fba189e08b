//! What each kind of mean client says next, and how long it rests before it says more.
//!
//! ```text
//! slowloris    a request that goes on for ever, a byte a second
//! silent       connects, under TLS without a first byte, and says nothing
//! garbage      random bytes, before or after the upgrade
//! nonreader    logs in, joins, and never reads
//! flooder      logs in, joins, and sends 400 messages a second, whatever the answers
//! dockers      logs in, joins, and undocks and docks twice a tick
//! fragmenter   begins a message and sends empty continuations of it, as many as are taken
//! repeater     logs in, joins, and orders under ids that it has used before and never
//! relogger     logs in and hangs up, with an account of thousands of remembered orders
//! guest        asks for one guest's token after the other
//! ```

use crate::support::Server;

/// A kind of mean client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Slowloris,
    Silent,
    Garbage,
    Nonreader,
    Flooder,
    Docker,
    Fragmenter,
    Repeater,
    Relogger,
    Guest,
}

/// What a step comes to.
pub(crate) enum Step {
    /// These bytes, then a rest of so many milliseconds.
    Say(Vec<u8>, u64),
    /// The connection is dropped without a word.
    HangUp,
}

impl Kind {
    /// Whether it never reads what it is sent.
    pub(crate) const fn is_deaf(self) -> bool {
        matches!(self, Self::Nonreader)
    }

    /// Whether it stays below the first byte of TLS.
    pub(crate) const fn is_below_tls(self) -> bool {
        matches!(self, Self::Silent)
    }

    /// Who it logs in as; its account exists where it is one with a past.
    pub(crate) fn player(self, number: usize) -> String {
        match self {
            Self::Repeater | Self::Relogger => veteran(number),
            _ => format!("mob-{number}"),
        }
    }

    /// The step of this number on a connection. `noise` is 256 random bytes.
    pub(crate) fn step(self, step: u64, number: usize, token: &str, noise: Vec<u8>) -> Step {
        let (bytes, rest_ms) = match self {
            Self::Silent => (Vec::new(), 10_000),
            Self::Slowloris if step == 0 => (b"GET /ws HTTP/1.1\r\nX: ".to_vec(), 1_000),
            Self::Slowloris => (b"x".to_vec(), 1_000),
            Self::Guest => (guest_requests(), 100),
            Self::Garbage if number.is_multiple_of(2) && step == 0 => (UPGRADE.to_vec(), 50),
            Self::Garbage => (noise, 200),
            Self::Fragmenter if step == 0 => ([UPGRADE, BEGUN_TEXT].concat(), 50),
            Self::Fragmenter => (EMPTY_CONTINUATION.repeat(FRAGMENTS_A_STEP), 5),
            _ if step == 0 => ([UPGRADE, &login(token)].concat(), 500),
            Self::Relogger => return Step::HangUp,
            _ if step == 1 => (text_frame(JOIN.as_bytes()), 500),
            Self::Docker => (dock_and_undock(step), 33),
            Self::Repeater => (repeats(step), 2_000),
            Self::Flooder => (flood(step), 100),
            // Twenty seconds are more than the server bears; then it tries again.
            Self::Nonreader if step == 2 => (Vec::new(), 20_000),
            Self::Nonreader => return Step::HangUp,
        };
        Step::Say(bytes, rest_ms)
    }
}

/// A player with thousands of remembered orders, [`remembered`] among them.
pub(crate) fn veteran(number: usize) -> String {
    format!("veteran-{number}")
}

/// The request id of a veteran's order of long ago.
pub(crate) fn remembered(number: u64) -> String {
    format!("old-{number}")
}

/// Frames of 6 bytes: 12 kB a step, a few megabytes a second where all are taken.
const FRAGMENTS_A_STEP: usize = 2_000;

/// The first fragment of a text, masked with zeros and empty.
const BEGUN_TEXT: &[u8] = &[0x01, 0x80, 0, 0, 0, 0];

/// A fragment that neither adds to a message nor ends it.
const EMPTY_CONTINUATION: &[u8] = &[0x00, 0x80, 0, 0, 0, 0];

const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const JOIN: &str =
    r#"{"type":"session.join_system","seq":2,"ts":0,"payload":{"system_id":"sol-1"}}"#;

fn login(token: &str) -> Vec<u8> {
    let message =
        format!(r#"{{"type":"auth.login","seq":1,"ts":0,"payload":{{"token":"{token}"}}}}"#);
    text_frame(message.as_bytes())
}

/// Five requests at once: fifty a second from each.
fn guest_requests() -> Vec<u8> {
    b"POST /guest HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".repeat(5)
}

fn input(seq: u64, payload: &str) -> Vec<u8> {
    let message =
        format!(r#"{{"type":"input.command","seq":{seq},"ts":0,"payload":{{{payload}}}}}"#);
    text_frame(message.as_bytes())
}

fn buy(seq: u64, request_id: &str) -> Vec<u8> {
    let message = format!(
        r#"{{"type":"trade.buy","seq":{seq},"ts":0,"payload":{{"station_id":"alpha","commodity_id":"water","quantity":1,"request_id":"{request_id}"}}}}"#
    );
    text_frame(message.as_bytes())
}

/// Out of the dock and back in, twice.
fn dock_and_undock(step: u64) -> Vec<u8> {
    let seq = 1_000 + 4 * step;
    [
        input(seq, r#""thrust":0.01"#),
        input(seq + 1, r#""dock_request":true"#),
        input(seq + 2, r#""thrust":0.01"#),
        input(seq + 3, r#""dock_request":true"#),
    ]
    .concat()
}

/// A new id, repeats of a known one, another new id, repeats, and the first once more: what makes a
/// table of used ids forget the first while its look-up is under way.
fn repeats(step: u64) -> Vec<u8> {
    let mut seq = 1_000 + 100 * step;
    let mut frames = Vec::new();
    let (first, second) = (format!("x-{step}"), format!("y-{step}"));
    let known = remembered(1);
    for (id, count) in [
        (&first, 1),
        (&known, 45),
        (&second, 1),
        (&known, 45),
        (&first, 1),
    ] {
        for _ in 0..count {
            frames.extend(buy(seq, id));
            seq += 1;
        }
    }
    frames
}

/// Forty messages, each of which has to be looked at: inputs, trades, pings, and what is nothing.
fn flood(step: u64) -> Vec<u8> {
    let mut frames = Vec::new();
    for nth in 0..40 {
        let seq = 1_000 + step * 40 + nth;
        let message = match nth % 4 {
            0 => {
                format!(r#"{{"type":"input.command","seq":{seq},"ts":0,"payload":{{"thrust":1}}}}"#)
            }
            1 => format!(
                r#"{{"type":"trade.buy","seq":{seq},"ts":0,"payload":{{"station_id":"alpha","commodity_id":"food","quantity":1}}}}"#
            ),
            2 => format!(r#"{{"type":"ping","seq":{seq},"ts":0,"payload":{{"t0":0}}}}"#),
            _ => r#"{"type":"nonsense""#.to_owned(),
        };
        frames.extend(text_frame(message.as_bytes()));
    }
    frames
}

/// A client's text frame, masked with zeros.
fn text_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0xfe);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The token that a kind logs in with.
pub(crate) fn token(kind: Kind, number: usize) -> String {
    Server::token(&kind.player(number))
}
