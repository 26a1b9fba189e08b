//! A shard on mio and TCP: readiness in, newcomers in, turns until the service says stop.
//!
//! Edge-triggered readiness is told once, so the shard keeps its own queue and this loop only
//! sleeps when that queue is empty. Deadlines are absolute; mio's timeout is derived from the
//! earliest one each time. A shard that may gather ([`NetConfig::gather_us`]) looks at busy sockets
//! only so often and rests between, on its waker alone. Running out of file descriptors sheds one newcomer through a descriptor
//! held in reserve, then rests: it neither spins nor ends the server.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::clock::Clock;
use super::config::NetConfig;
use super::connection::Readiness;
use super::counters::NetCounters;
use super::shard::{Common, Shard};
use super::socket::{Socket, Tcp, listen};
use super::spread::ConnectionSpread;
use super::tls::Tls;
use super::waker::{Waker, Woken};
use super::{Io as _, Service};
use crate::ids::Millis;
use crate::limits::{ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN_MAX, EVENTS_PER_TURN_MAX};

const LISTENER: Token = Token(usize::MAX - 1);
const WAKER: Token = Token(usize::MAX - 2);

/// One shard of a listener, to be run on a thread of its own.
pub struct Reactor {
    number: u16,
    poll: Poll,
    events: Events,
    listener: Option<TcpListener>,
    address: SocketAddr,
    shard: Shard<Socket>,
    tls: Option<Arc<Tls>>,
    waker: Waker,
    spread: Arc<ConnectionSpread>,
    newcomers_wait: bool,
    accept_rests_until: Option<Millis>,
    reserve: Option<File>,
}

impl Reactor {
    /// Binds `shards` (at least one) reactors to one address; with `tls`, they speak nothing else.
    pub fn bind(
        address: SocketAddr,
        shards: u16,
        config: NetConfig,
        tls: Option<&Arc<Tls>>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Vec<Self>> {
        let common = Common::new(config, clock);
        let listeners = listen(address, usize::from(shards.max(1)))?;
        let polls = listeners
            .iter()
            .map(|_| {
                let poll = Poll::new()?;
                let waker = mio::Waker::new(poll.registry(), WAKER)?;
                // Fails only where the poll is gone.
                let wake_poll = move || drop(waker.wake());
                Ok((poll, Waker::new(wake_poll)))
            })
            .collect::<io::Result<Vec<_>>>()?;
        let wakers = polls.iter().map(|(_, waker)| waker.clone()).collect();
        let spread = Arc::new(ConnectionSpread::new(wakers));
        let mut reactors = Vec::with_capacity(listeners.len());
        for (number, (mut listener, (poll, waker))) in (0..).zip(listeners.into_iter().zip(polls)) {
            poll.registry()
                .register(&mut listener, LISTENER, Interest::READABLE)?;
            reactors.push(Self {
                number,
                poll,
                events: Events::with_capacity(EVENTS_PER_TURN_MAX),
                address: listener.local_addr()?,
                listener: Some(listener),
                shard: Shard::new(number, common.clone()),
                tls: tls.cloned(),
                waker,
                spread: Arc::clone(&spread),
                newcomers_wait: true,
                accept_rests_until: None,
                reserve: reserve(),
            });
        }
        Ok(reactors)
    }

    /// The address in use, its port picked.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A waker for other threads.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The shard's counters.
    pub fn counters(&self) -> Arc<NetCounters> {
        self.shard.counters()
    }

    /// Runs until the service calls [`Io::stop`](super::Io::stop) and everybody is gone. Fails
    /// only where the kernel's polling itself does.
    pub fn run(mut self, service: &mut (impl Service + ?Sized)) -> io::Result<()> {
        self.waker.adopt();
        let counters = self.shard.counters();
        let mut gathering = Gathering::new(self.shard.gather_us());
        let mut more = true;
        while !self.shard.is_stopped() {
            if let Some(rest) = gathering.rest(more) {
                self.waker.rest(rest);
            }
            let timeout = if self.waker.is_woken() {
                Some(Duration::ZERO)
            } else {
                self.timeout(service, more)
            };
            match self.poll.poll(&mut self.events, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => self.events.clear(),
                Err(error) => return Err(error),
            }
            if self.take_events() {
                counters.looks.add(1);
                gathering.looked();
            }
            let woken = self.waker.take();
            if woken != Woken::Nobody {
                self.collect();
            }
            if woken == Woken::Service {
                service.wake(&mut self.shard);
            }
            if self.shard.is_stopping() {
                self.listener = None;
            }
            self.accept();
            // Who made room for a newcomer here may be on any shard.
            self.spread
                .wake_others(self.number, self.shard.shards_to_tell());
            more = self.shard.turn(service);
            self.spread.report(self.number, self.shard.len());
        }
        Ok(())
    }

    /// How long there is nothing to do; rounded up, so that a deadline has come when it wakes.
    fn timeout(&self, service: &(impl Service + ?Sized), more: bool) -> Option<Duration> {
        let accept_at = self.accept_rests_until.filter(|_| self.newcomers_wait);
        if more || (self.newcomers_wait && accept_at.is_none() && self.listener.is_some()) {
            return Some(Duration::ZERO);
        }
        let deadline = [self.shard.deadline(service), accept_at]
            .into_iter()
            .flatten()
            .min()?;
        Some(Duration::from_millis(deadline.since(self.shard.now())))
    }

    /// Notes what the kernel says; whether it was of connections.
    fn take_events(&mut self) -> bool {
        let mut is_of_connections = false;
        for event in &self.events {
            match event.token() {
                WAKER => {}
                LISTENER => self.newcomers_wait = true,
                Token(slot) => {
                    is_of_connections = true;
                    let readiness = Readiness {
                        readable: event.is_readable(),
                        read_closed: event.is_read_closed() || event.is_error(),
                        writable: event.is_writable(),
                    };
                    self.shard.ready(slot as u32, readiness);
                }
            }
        }
        is_of_connections
    }

    /// Takes in what other shards handed over; at most as many as an inbox holds.
    fn collect(&mut self) {
        for (stream, peer) in self.spread.collect(self.number) {
            self.admit(stream, peer);
        }
    }

    /// Accepts newcomers, a bounded number a turn.
    fn accept(&mut self) {
        let now = self.shard.now();
        if self.accept_rests_until.is_some_and(|until| now < until) {
            return;
        }
        self.accept_rests_until = None;
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            let Some(listener) = self.listener.as_ref().filter(|_| self.newcomers_wait) else {
                return;
            };
            match listener.accept() {
                Ok(newcomer) => {
                    let connections = self.shard.len();
                    let kept = self.spread.place(self.number, connections, newcomer);
                    if let Some((stream, peer)) = kept {
                        self.admit(stream, peer);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.newcomers_wait = false,
                Err(error) if is_the_newcomers_fault(&error) => {}
                Err(error) => {
                    self.shed(&error);
                    self.accept_rests_until = Some(now.plus(ACCEPT_PAUSE_MS));
                    return;
                }
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let tcp = Tcp::new(stream);
        let socket = match &self.tls {
            None => Socket::Plain(tcp),
            Some(tls) => match tls.stream(tcp) {
                Ok(stream) => Socket::Tls(Box::new(stream)),
                Err(error) => {
                    tracing::warn!(%error, "a TLS session cannot be made");
                    return;
                }
            },
        };
        let Ok(conn) = self.shard.admit(socket, peer.ip()) else {
            return;
        };
        let Some(stream) = self.shard.stream_mut(conn) else {
            return;
        };
        let registered = self.poll.registry().register(
            stream.source_mut(),
            Token(conn.slot as usize),
            Interest::READABLE | Interest::WRITABLE,
        );
        if let Err(error) = registered {
            tracing::warn!(%error, "a connection cannot be watched and is dropped");
            self.shard.abandon(conn);
        }
    }

    /// No descriptor is left: lets newcomers go through the reserve, so that they are not left
    /// hanging.
    fn shed(&mut self, error: &io::Error) {
        self.shard.counters().descriptors_exhausted.add(1);
        tracing::warn!(%error, "cannot accept; resting {ACCEPT_PAUSE_MS} ms");
        self.reserve = None;
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            let accepted = self.listener.as_ref().map(TcpListener::accept);
            if !matches!(accepted, Some(Ok(_))) {
                break;
            }
        }
        self.reserve = reserve();
    }
}

/// When a busy shard looks at its sockets again.
///
/// A shard that was just told news of its connections within a span of the last such news is busy,
/// and rests until the span is over; the news of a quiet one is seen at once. So a lone client
/// never waits, and a crowd costs a bounded number of wake-ups a second.
struct Gathering {
    span: Duration,
    /// When the last two looks that found something began.
    looks: [Option<Instant>; 2],
}

impl Gathering {
    const fn new(span_us: u64) -> Self {
        Self {
            span: Duration::from_micros(span_us),
            looks: [None; 2],
        }
    }

    /// A look found news of connections.
    fn looked(&mut self) {
        if !self.span.is_zero() {
            self.looks = [self.looks[1], Some(Instant::now())];
        }
    }

    /// How long to rest before the next look, if at all.
    fn rest(&self, more: bool) -> Option<Duration> {
        let [Some(before), Some(last)] = self.looks else {
            return None;
        };
        // Resting makes the gap a span long, and the wait for the next message comes on top.
        if more || last.duration_since(before) > self.span * 2 {
            return None;
        }
        self.span
            .checked_sub(last.elapsed())
            .filter(|rest| !rest.is_zero())
    }
}

/// Errors of one newcomer that say nothing of the next (accept(2) lists them).
fn is_the_newcomers_fault(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
            | ErrorKind::PermissionDenied
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

/// A descriptor to spend when there is no other.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}
