//! Mean clients by the hundred, flown by one thread so that they cost little beside what they attack.
//!
//! They come from loopback addresses of their own, a few to an address, as a botnet would. Whoever
//! is thrown out is back in a quarter of a second. Every choice comes from a seed. What they say is
//! in [`conduct`]; where the server speaks TLS, so do they.

mod conduct;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use conduct::{Kind, Step};
pub(crate) use conduct::{remembered, veteran};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::attack::footprint::own_processor;
use crate::support::{Server, Wire};

/// How many of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strength {
    pub(crate) slowloris: usize,
    pub(crate) silent: usize,
    pub(crate) garbage: usize,
    pub(crate) nonreaders: usize,
    pub(crate) flooders: usize,
    pub(crate) dockers: usize,
    pub(crate) fragmenters: usize,
    /// They, and the reloggers behind them, log in as the veterans from 0 on.
    pub(crate) repeaters: usize,
    pub(crate) reloggers: usize,
    pub(crate) guests: usize,
    pub(crate) connects_hz: usize,
}

/// What the mob did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deeds {
    /// Connections begun, those of connectors included.
    pub(crate) connects: u64,
    pub(crate) sent_bytes: u64,
    /// Times that somebody was thrown out.
    pub(crate) thrown_out: u64,
    /// Connections that could not even be begun.
    pub(crate) failed: u64,
    /// Share of one processor that it used itself.
    pub(crate) own_share: f64,
    pub(crate) seconds: f64,
}

/// A mob that is at it.
pub(crate) struct Mob {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Deeds>,
}

impl Mob {
    pub(crate) fn against(server: &Server, strength: Strength, seed: u64) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (target, over) = (server.listen, Arc::clone(&is_over));
        let thread = thread::spawn(move || Riot::new(target, strength, seed).run(&over));
        Self { is_over, thread }
    }

    /// Sends everybody home.
    pub(crate) fn end(self) -> Deeds {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Members to one source address.
const MEMBERS_PER_ADDRESS: usize = 100;

/// Connections of connectors that are kept a moment, so that each is taken in.
const HELD_CONNECTS_MAX: usize = 200;

const COMEBACK: Duration = Duration::from_millis(250);

struct Member {
    kind: Kind,
    address: Ipv4Addr,
    token: String,
    stream: Option<Wire>,
    /// What is to be written, as far as the socket takes it.
    waiting: Vec<u8>,
    next_step: u64,
    acts_at: Instant,
}

impl Member {
    fn hang_up(&mut self, now: Instant) {
        self.stream = None;
        self.acts_at = now + COMEBACK;
    }
}

struct Riot {
    target: SocketAddr,
    poll: Poll,
    members: Vec<Member>,
    held: VecDeque<Socket>,
    connects_hz: usize,
    dice: u64,
    deeds: Deeds,
}

impl Riot {
    fn new(target: SocketAddr, strength: Strength, seed: u64) -> Self {
        let kinds = [
            (Kind::Repeater, strength.repeaters),
            (Kind::Relogger, strength.reloggers),
            (Kind::Slowloris, strength.slowloris),
            (Kind::Silent, strength.silent),
            (Kind::Garbage, strength.garbage),
            (Kind::Nonreader, strength.nonreaders),
            (Kind::Flooder, strength.flooders),
            (Kind::Docker, strength.dockers),
            (Kind::Fragmenter, strength.fragmenters),
            (Kind::Guest, strength.guests),
        ];
        let kinds = kinds
            .into_iter()
            .flat_map(|(kind, count)| std::iter::repeat_n(kind, count));
        let begun = Instant::now();
        let members = kinds.enumerate().map(|(number, kind)| Member {
            kind,
            address: Ipv4Addr::new(127, 1, 0, 1 + (number / MEMBERS_PER_ADDRESS) as u8),
            token: conduct::token(kind, number),
            stream: None,
            waiting: Vec::new(),
            next_step: 0,
            // All within the first second.
            acts_at: begun + Duration::from_millis(number as u64 % 1000),
        });
        Self {
            target,
            poll: Poll::new().unwrap(),
            members: members.collect(),
            held: VecDeque::new(),
            connects_hz: strength.connects_hz,
            dice: seed,
            deeds: Deeds::default(),
        }
    }

    fn run(mut self, is_over: &AtomicBool) -> Deeds {
        let (begun, cpu) = (Instant::now(), own_processor());
        let mut events = Events::with_capacity(1024);
        let mut connected = 0;
        while !is_over.load(Ordering::Relaxed) {
            self.poll
                .poll(&mut events, Some(Duration::from_millis(5)))
                .unwrap();
            for event in &events {
                self.ready(event.token().0);
            }
            let now = Instant::now();
            for number in 0..self.members.len() {
                if self.members[number].acts_at <= now {
                    self.act(number, now);
                }
            }
            let due = (begun.elapsed().as_secs_f64() * self.connects_hz as f64) as usize;
            for _ in 0..(due - connected).min(200) {
                self.connect_and_go();
            }
            connected = due;
        }
        self.deeds.seconds = begun.elapsed().as_secs_f64();
        self.deeds.own_share =
            own_processor().saturating_sub(cpu).as_secs_f64() / self.deeds.seconds;
        self.deeds
    }

    /// Takes in what came, unless it is one who does not read, and writes what waits.
    fn ready(&mut self, number: usize) {
        let member = &mut self.members[number];
        let Some(stream) = &mut member.stream else {
            return;
        };
        let mut is_out = false;
        let mut chunk = [0; 16 * 1024];
        while !member.kind.is_deaf() && !is_out {
            match stream.read(&mut chunk) {
                Ok(0) => is_out = true,
                Ok(_) => {}
                // Not connected yet is not thrown out.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::NotConnected
                    ) =>
                {
                    break;
                }
                Err(_) => is_out = true,
            }
        }
        is_out |= write_waiting(stream, &mut member.waiting, &mut self.deeds).is_err();
        if is_out {
            member.hang_up(Instant::now());
            self.deeds.thrown_out += 1;
        }
    }

    fn act(&mut self, number: usize, now: Instant) {
        if self.members[number].stream.is_none() && !self.begin(number, now) {
            return;
        }
        let noise = self.noise(256);
        let member = &mut self.members[number];
        let step = member.next_step;
        member.next_step += 1;
        match member.kind.step(step, number, &member.token, noise) {
            Step::HangUp => member.hang_up(now),
            Step::Say(bytes, rest_ms) => {
                member.acts_at = now + Duration::from_millis(rest_ms);
                if member.waiting.len() < 64 * 1024 {
                    member.waiting.extend(bytes);
                }
                self.ready(number);
            }
        }
    }

    /// Connects a member; whether it worked.
    fn begin(&mut self, number: usize, now: Instant) -> bool {
        let member = &mut self.members[number];
        member.waiting.clear();
        member.next_step = 0;
        self.deeds.connects += 1;
        let (kind, target) = (member.kind, self.target);
        let connected = connect(target, member.address, kind.is_deaf()).and_then(|socket| {
            let stream = TcpStream::from(socket);
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(
                &mut SourceFd(&stream.as_raw_fd()),
                Token(number),
                interest,
            )?;
            Ok(if kind.is_below_tls() {
                Wire::Plain(stream)
            } else {
                Wire::over(stream, target)
            })
        });
        if let Ok(stream) = connected {
            member.stream = Some(stream);
        } else {
            self.deeds.failed += 1;
            member.acts_at = now + COMEBACK;
        }
        member.stream.is_some()
    }

    fn connect_and_go(&mut self) {
        self.deeds.connects += 1;
        match connect(self.target, Ipv4Addr::new(127, 2, 0, 1), false) {
            Ok(socket) => self.held.push_back(socket),
            Err(_) => self.deeds.failed += 1,
        }
        if self.held.len() > HELD_CONNECTS_MAX {
            self.held.pop_front();
        }
    }

    fn noise(&mut self, bytes: usize) -> Vec<u8> {
        let mut noise = Vec::with_capacity(bytes);
        while noise.len() < bytes {
            self.dice = self
                .dice
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(1);
            noise.extend_from_slice(&(self.dice >> 32).to_le_bytes()[..4]);
        }
        noise
    }
}

/// A connection from an address of one's own, which leaves nothing behind when it is dropped.
fn connect(to: SocketAddr, from: Ipv4Addr, is_narrow: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_linger(Some(Duration::ZERO))?;
    if is_narrow {
        socket.set_recv_buffer_size(4096)?;
    }
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.set_nonblocking(true)?;
    match socket.connect(&to.into()) {
        Err(error)
            if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Err(error)
        }
        _ => Ok(socket),
    }
}

fn write_waiting(stream: &mut Wire, waiting: &mut Vec<u8>, deeds: &mut Deeds) -> io::Result<()> {
    while !waiting.is_empty() {
        match stream.write(waiting) {
            Ok(count) => {
                deeds.sent_bytes += count as u64;
                waiting.drain(..count);
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::NotConnected
                ) =>
            {
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
