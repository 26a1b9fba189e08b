//! Who may come in: connections in all, per address and per network, over every shard of a
//! listener, and for whom places are kept.
//!
//! A [`ConnectionPermit`] is the right to be connected; dropping it gives the place back, so no path can leak
//! one. An IPv6 address is counted under its /64, /56 and /48, see [`address`](super::address).
//! Trusted proxies have no limit of their own: whom they speak for is counted instead, as soon as
//! the request's head names them.
//!
//! A share of all places is closed to anonymous connections. It is for those whom the service calls
//! authenticated, and for those who come from where somebody authenticated is, or was a moment ago:
//! they are *returning*, at most as many at a time as the address has or lately had authenticated.
//!
//! ```text
//! all places  ├──────── anonymous at most ────────┼── kept ──┤
//!             ├── authenticated and returning: any place ────┤
//! ```
//!
//! A login keeps its place from the moment its token is found good ([`ConnectionPermit::begin_login`]): nobody
//! displaces it. So that newcomers' logins cannot take what authenticated connections have just lost,
//! one rule bounds them. It goes by name, for many players share an address:
//!
//! > A newcomer's login begins only while the authenticated, the logins under way and the names that
//! > are away, the last counted up to the kept share, leave a place.
//!
//! A name is away for [`RETURN_MS`](crate::limits::RETURN_MS) after its last authenticated connection
//! ended. A login of a name that is away begins always, and so does one that takes over from its own
//! authenticated connection. How long a login may take and how many an address may begin is bounded
//! by the service.
//!
//! Where there is no place for a newcomer, another connection makes room, on whichever shard it is:
//!
//! 1. the oldest anonymous one that has been silent for longer than an honest client takes to speak,
//! 2. the oldest anonymous one,
//! 3. the oldest returning one; only for a returning newcomer.
//!
//! Silence alone does not decide: where the whole crowd has spoken, the only silent ones are those
//! who have just come. Its place goes to the newcomer at once, its shard ends it in its next turn
//! ([`ConnectionLimiter::take_displaced`]). Work: O(1), whatever the crowd.

mod claims;
mod counts;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::clock::Clock;
use super::config::NetConfig;
use super::http::Request;
use crate::ids::{ConnId, Name};
use counts::{Counts, Limits};

/// Why somebody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectionRefusal {
    /// All places are taken, and nobody has to make room.
    #[error("the server is full")]
    Full,
    /// The address has all the connections it may have.
    #[error("too many connections from this address")]
    TooManyFromAddress,
    /// A wider network of the address has all the connections it may have.
    #[error("too many connections from this network")]
    TooManyFromNetwork,
    /// The server is going down.
    #[error("the server is shutting down")]
    Stopping,
}

impl ConnectionRefusal {
    /// Every refusal, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::Full,
        Self::TooManyFromAddress,
        Self::TooManyFromNetwork,
        Self::Stopping,
    ];

    /// Its name among the operator's figures.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::TooManyFromAddress => "address",
            Self::TooManyFromNetwork => "network",
            Self::Stopping => "stopping",
        }
    }
}

/// What is known of a connection; the higher, the longer it keeps its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The peer has not shown who it is.
    Anonymous,
    /// It comes from where somebody authenticated is, or was within [`RETURN_MS`](crate::limits::RETURN_MS).
    Returning,
    /// It has proved who it is, and the service is about to let it in.
    LoggingIn,
    /// The service knows who it is.
    Authenticated,
}

/// The limits and the counts of one listener, shared by its shards.
pub struct ConnectionLimiter {
    limits: Limits,
    trusted_proxies: Vec<IpAddr>,
    clock: Arc<dyn Clock>,
    counts: Mutex<Counts>,
    /// A bit for each shard some of whose connections made room and that has not been told yet.
    shards_to_tell: AtomicU64,
}

/// The right of one connection to be here.
pub struct ConnectionPermit {
    limiter: Arc<ConnectionLimiter>,
    key: counts::AddressKey,
}

impl ConnectionLimiter {
    /// A limiter that has admitted nobody.
    pub fn new(config: &NetConfig, clock: Arc<dyn Clock>) -> Arc<Self> {
        // An address that may have all places has no limit: whoever comes from it when all are taken
        // displaces somebody.
        let is_limited = config.connections_per_ip_max < config.connections_max;
        let per_address_max = is_limited.then_some(config.connections_per_ip_max);
        Arc::new(Self {
            limits: Limits {
                connections: config.connections_max,
                anonymous: config.connections_max - config.places_kept(),
                per_address: per_address_max.unwrap_or(usize::MAX),
            },
            trusted_proxies: config.trusted_proxies.iter().map(canonical).collect(),
            clock,
            counts: Mutex::default(),
            shards_to_tell: AtomicU64::new(0),
        })
    }

    /// Number of connections that hold a place now.
    pub fn connections(&self) -> usize {
        self.counts().connections()
    }

    /// Lets a peer in as `conn`, in the place of another connection if need be; or says why not.
    pub fn enter(
        self: &Arc<Self>,
        peer: IpAddr,
        conn: ConnId,
    ) -> Result<ConnectionPermit, ConnectionRefusal> {
        let address = (!self.trusts(peer)).then_some(peer);
        let now = self.clock.now();
        let mut counts = self.counts();
        let (key, displaced) = counts.enter(address, conn, &self.limits, now)?;
        if let Some(displaced) = displaced {
            let bit = shard_bit(displaced.shard);
            self.shards_to_tell.fetch_or(bit, Ordering::AcqRel);
        }
        drop(counts);
        Ok(ConnectionPermit {
            limiter: Arc::clone(self),
            key,
        })
    }

    /// The shards that have somebody to end, a bit each.
    pub fn shards_to_tell(&self) -> u64 {
        self.shards_to_tell.load(Ordering::Acquire)
    }

    /// Which connections of a shard made room since the last call; at most as many as it had.
    pub fn take_displaced(&self, shard: u16) -> Vec<ConnId> {
        let bit = shard_bit(shard);
        if self.shards_to_tell() & bit == 0 {
            return Vec::new();
        }
        let mut counts = self.counts();
        self.shards_to_tell.fetch_and(!bit, Ordering::AcqRel);
        counts.take_displaced(shard)
    }

    /// Whether the peer is a proxy whose word is taken.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.contains(&canonical(&peer))
    }

    /// Whom a request is from: the peer, or the nearest address in `X-Forwarded-For` that is no
    /// trusted proxy itself. A malformed entry ends the search at the proxy that passed it on.
    pub fn client(&self, request: &Request<'_>) -> IpAddr {
        let mut client = request.peer;
        let hops: Vec<&str> = request.list("x-forwarded-for").collect();
        for hop in hops.into_iter().rev() {
            let Ok(address) = hop.parse::<IpAddr>() else {
                break;
            };
            if !self.trusts(client) {
                break;
            }
            client = address;
        }
        client
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionPermit {
    /// The connection has said its first byte.
    pub fn has_spoken(&self) {
        self.limiter.counts().has_spoken(self.key);
    }

    /// A login under this name begins; says whether there is a place for it, which it then keeps.
    pub fn begin_login(&self, name: &Name) -> bool {
        let now = self.limiter.clock.now();
        let mut counts = self.limiter.counts();
        counts.begin_login(self.key, name, &self.limiter.limits, now)
    }

    /// The login came to nothing: its connection is a stranger's again.
    pub fn end_login(&self) {
        let now = self.limiter.clock.now();
        self.limiter.counts().end_login(self.key, now);
    }

    /// The service knows who it is.
    pub fn authenticate(&self) {
        self.limiter.counts().authenticate(self.key);
    }

    /// Counts the connection under the client that a trusted proxy named.
    pub fn count_for(&self, client: IpAddr) -> Result<(), ConnectionRefusal> {
        if self.limiter.trusts(client) {
            return Ok(());
        }
        let mut counts = self.limiter.counts();
        counts.count_for(self.key, client, &self.limiter.limits)
    }

    /// What is known of its connection; nothing once it made room.
    pub fn standing(&self) -> Option<Standing> {
        self.limiter.counts().standing(self.key)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let now = self.limiter.clock.now();
        self.limiter.counts().leave(self.key, now);
    }
}

/// Shards that share a bit are told together, which costs a look at an empty list.
const fn shard_bit(shard: u16) -> u64 {
    1 << (shard % 64)
}

/// An IPv4 address in IPv6's clothes is the IPv4 address.
fn canonical(address: &IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests;
