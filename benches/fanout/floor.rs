//! The least a server can do: one ready buffer, one bare `write` a client and tick, one `read` of
//! whatever arrives.
//!
//! It understands nothing. The upgrade is answered once, the next message with a canned `auth.ok`,
//! the one after with a canned `session.joined`; from then on a client gets the tick's frame, the
//! same bytes for all, made once a tick.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use orrery::ids::{Name, PlayerId, UnixMillis};
use orrery::protocol::client::{Received, ReceivedBody};
use orrery::protocol::world::{Delta, EntityUpdate, ZoneContext};
use orrery::protocol::{Angle, AuthOk, Fixed2, Joined, Reply, Spawn, encode};
use tungstenite::handshake::derive_accept_key;

const TICK: Duration = Duration::from_nanos(1_000_000_000 / 30);
const LISTENER: Token = Token(usize::MAX);
/// Ticks and sequence numbers begin here, so that their text keeps its length.
const FIRST_TICK: u64 = 1_000_000_000;

struct Client {
    stream: TcpStream,
    heard: u32,
    /// What a short write left of a frame.
    rest: Vec<u8>,
    is_gone: bool,
}

/// Serves until it is killed; tells its port on standard output.
pub(crate) fn serve(message_bytes: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    println!("{}", listener.local_addr().unwrap());
    let mut poll = Poll::new().unwrap();
    let interest = Interest::READABLE;
    poll.registry()
        .register(&mut SourceFd(&listener.as_raw_fd()), LISTENER, interest)
        .unwrap();
    let mut events = Events::with_capacity(1024);
    let mut clients: Vec<Client> = Vec::new();
    let mut next_tick = Instant::now() + TICK;
    let mut tick = FIRST_TICK;
    loop {
        let wait = next_tick.saturating_duration_since(Instant::now());
        poll.poll(&mut events, Some(wait)).unwrap();
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients);
            } else if let Some(client) = clients.get_mut(event.token().0) {
                client.hear();
            }
        }
        if Instant::now() >= next_tick {
            next_tick += TICK;
            tick += 1;
            let frame = frame(&delta_text(tick, message_bytes));
            for client in &mut clients {
                client.tell(&frame);
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Vec<Client>) {
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(true).unwrap();
        stream.set_nodelay(true).unwrap();
        let token = Token(clients.len());
        poll.registry()
            .register(
                &mut SourceFd(&stream.as_raw_fd()),
                token,
                Interest::READABLE,
            )
            .unwrap();
        clients.push(Client {
            stream,
            heard: 0,
            rest: Vec::new(),
            is_gone: false,
        });
    }
}

impl Client {
    fn hear(&mut self) {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.is_gone = true;
                    return;
                }
                Ok(count) => {
                    self.answer(&buffer[..count]);
                    if count < buffer.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_gone = true;
                    return;
                }
            }
        }
    }

    fn answer(&mut self, heard: &[u8]) {
        self.heard = self.heard.saturating_add(1);
        let answer = match self.heard {
            1 => upgrade(heard),
            2 => frame(&auth_ok()),
            3 => frame(&joined()),
            _ => return,
        };
        self.stream.write_all(&answer).unwrap();
    }

    fn tell(&mut self, frame: &[u8]) {
        if self.heard < 3 || self.is_gone {
            return;
        }
        let rest = std::mem::take(&mut self.rest);
        let whole = if rest.is_empty() { frame } else { &rest };
        match self.stream.write(whole) {
            Ok(count) if count < whole.len() => self.rest = whole[count..].to_vec(),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.rest = rest,
            Err(_) => self.is_gone = true,
        }
    }
}

fn upgrade(request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    let key = derive_accept_key(value("sec-websocket-key:").unwrap().as_bytes());
    let subprotocol = value("sec-websocket-protocol:").unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
    )
    .into_bytes()
}

/// A text as an unmasked WebSocket frame.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ 0..126 => frame.push(short as u8),
        long @ 126..65_536 => {
            frame.push(126);
            frame.extend_from_slice(&(long as u16).to_be_bytes());
        }
        longer => {
            frame.push(127);
            frame.extend_from_slice(&(longer as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(text);
    frame
}

fn reply(reply: &Reply, seq: u64, reply_to: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode(reply, seq, Some(reply_to), UnixMillis(1), &mut out);
    out
}

fn auth_ok() -> Vec<u8> {
    let player_id = PlayerId::parse("bench").unwrap();
    reply(
        &Reply::AuthOk(AuthOk {
            player_id,
            system_id: None,
        }),
        1,
        1,
    )
}

fn joined() -> Vec<u8> {
    let joined = Joined {
        system_id: Name::parse("sol-1").unwrap(),
        ship_id: "s_1".to_owned(),
        spawn: Spawn {
            x: Fixed2::default(),
            y: Fixed2::default(),
            rotation: Angle::default(),
        },
        tick_rate: 30,
        tick: FIRST_TICK,
        protocol_version: 1,
        view_radius: Fixed2::new(1000.0),
        flight: None,
        chart: None,
    };
    reply(&Reply::Joined(Box::new(joined)), 2, 2)
}

/// A delta of exactly this many bytes, or of two rows where that is longer: moving rows, and spaces
/// for what is left.
fn delta_text(tick: u64, bytes: usize) -> Vec<u8> {
    let row = |nth: usize| EntityUpdate {
        id: format!("s_{}", nth + 1),
        kind: None,
        x: Fixed2::from_hundredths(-123_456 + nth as i32),
        y: Fixed2::from_hundredths(234_567 - nth as i32),
        vx: Fixed2::from_hundredths(-8_765),
        vy: Fixed2::from_hundredths(4_321),
        r: Angle::new(1.2345),
        hp: 100,
    };
    let zero = Fixed2::default();
    let delta = |rows: usize| Delta {
        tick,
        entity_updates: (0..rows).map(row).collect(),
        entity_removed: Vec::new(),
        events: Vec::new(),
        you_zone_context: ZoneContext {
            zone_ids: Vec::new(),
            blended_risk: zero,
            blended_security: zero,
            blended_profit_multiplier: zero,
        },
        gone: None,
        last_input_seq: Some(1),
        you: None,
        time_dilation: None,
    };
    let text = |rows: usize| {
        let body = ReceivedBody::Delta(Box::new(delta(rows)));
        let mut out = Vec::new();
        Received {
            seq: tick,
            reply_to: None,
            ts: 1_700_000_000_000,
            body,
        }
        .encode(&mut out);
        out
    };
    let (none, two) = (text(0).len(), text(2).len());
    let rows = bytes.saturating_sub(none) * 2 / (two - none);
    // Ids grow by a digit: one row less where that would be too long.
    let fitting = (0..=rows).rev().map(text).find(|text| text.len() <= bytes);
    let mut text = fitting.unwrap_or_else(|| text(2));
    text.resize(bytes.max(text.len()), b' ');
    text
}
