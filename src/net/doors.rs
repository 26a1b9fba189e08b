//! Who may come in: connections in all and per address, over every shard of a listener.
//!
//! A [`Pass`] is the right to be connected; dropping it gives the place back, so no path can leak
//! one. An IPv6 network of 64 bits counts as one address, since one subscriber owns all of it.
//! Trusted proxies have no limit of their own: whom they speak for is counted instead, as soon as
//! the request's head names them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::config::NetConfig;
use super::http::Request;

/// Why somebody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// All places are taken.
    #[error("the server is full")]
    Full,
    /// The address has all the connections it may have.
    #[error("too many connections from this address")]
    TooManyFromAddress,
}

/// The limits and the counts of one listener, shared by its shards.
#[derive(Debug)]
pub struct Doors {
    connections_max: usize,
    connections_per_ip_max: usize,
    trusted_proxies: Vec<IpAddr>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// The right of one connection to be here.
#[derive(Debug)]
pub struct Pass {
    doors: Arc<Doors>,
    address: Option<IpAddr>,
}

impl Doors {
    /// Doors with nobody inside.
    pub fn new(config: &NetConfig) -> Arc<Self> {
        Arc::new(Self {
            connections_max: config.connections_max,
            connections_per_ip_max: config.connections_per_ip_max,
            trusted_proxies: config.trusted_proxies.iter().map(canonical).collect(),
            counts: Mutex::default(),
        })
    }

    /// Connections inside.
    pub fn connections(&self) -> usize {
        self.counts().connections
    }

    /// Lets a peer in, or says why not.
    pub fn enter(self: &Arc<Self>, peer: IpAddr) -> Result<Pass, Refusal> {
        let mut counts = self.counts();
        if counts.connections >= self.connections_max {
            return Err(Refusal::Full);
        }
        let address = (!self.trusts(peer)).then(|| group(peer));
        if let Some(address) = address {
            self.count_address(&mut counts, address)?;
        }
        counts.connections += 1;
        Ok(Pass {
            doors: Arc::clone(self),
            address,
        })
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

    fn count_address(&self, counts: &mut Counts, address: IpAddr) -> Result<(), Refusal> {
        let count = counts.per_address.entry(address).or_default();
        if *count >= self.connections_per_ip_max {
            if *count == 0 {
                counts.per_address.remove(&address);
            }
            return Err(Refusal::TooManyFromAddress);
        }
        *count += 1;
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Counts the connection under the client that a trusted proxy named.
    pub fn count_for(&mut self, client: IpAddr) -> Result<(), Refusal> {
        if self.address.is_none() && !self.doors.trusts(client) {
            let address = group(client);
            let mut counts = self.doors.counts();
            self.doors.count_address(&mut counts, address)?;
            self.address = Some(address);
        }
        Ok(())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.doors.counts();
        counts.connections -= 1;
        let Some(address) = self.address else {
            return;
        };
        if let Some(count) = counts.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.per_address.remove(&address);
            }
        }
    }
}

/// An IPv4 address in IPv6's clothes is the IPv4 address.
fn canonical(address: &IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The address under which a peer is counted.
fn group(address: IpAddr) -> IpAddr {
    match canonical(&address) {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::head::{Incoming, Progress};
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn doors(connections_max: usize, connections_per_ip_max: usize) -> Arc<Doors> {
        Doors::new(&NetConfig {
            connections_max,
            connections_per_ip_max,
            trusted_proxies: vec![address("10.0.0.1"), address("10.0.0.2")],
            ..NetConfig::default()
        })
    }

    #[test]
    fn a_place_comes_back_when_its_pass_is_dropped() {
        let doors = doors(2, 1);
        let first = doors.enter(address("1.1.1.1")).unwrap();
        let again = doors.enter(address("::ffff:1.1.1.1"));
        assert_eq!(again.unwrap_err(), Refusal::TooManyFromAddress);
        let _second = doors.enter(address("2.2.2.2")).unwrap();
        assert_eq!(doors.enter(address("3.3.3.3")).unwrap_err(), Refusal::Full);
        drop(first);
        assert!(doors.enter(address("1.1.1.1")).is_ok());
        assert_eq!(doors.connections(), 1);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let doors = doors(9, 1);
        let _first = doors.enter(address("2001:db8::1")).unwrap();
        assert!(doors.enter(address("2001:db8::2")).is_err());
        assert!(doors.enter(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_proxys_clients_are_counted_one_by_one() {
        let doors = doors(9, 1);
        let mut passes = Vec::new();
        for _ in 0..3 {
            passes.push(doors.enter(address("10.0.0.1")).unwrap());
        }
        assert!(passes[0].count_for(address("1.1.1.1")).is_ok());
        assert!(passes[1].count_for(address("1.1.1.1")).is_err());
        assert!(passes[2].count_for(address("2.2.2.2")).is_ok());
        drop(passes);
        assert_eq!(doors.counts().per_address.len(), 0);
    }

    #[test]
    fn only_a_trusted_proxys_word_is_taken() {
        let doors = doors(9, 9);
        let client = |peer: &str, forwarded: &str| {
            let text = format!("GET / HTTP/1.1\r\nX-Forwarded-For: {forwarded}\r\n\r\n");
            let Progress::Complete(head) = Incoming::default().push(text.as_bytes()) else {
                panic!("{text}");
            };
            head.request(address(peer), false, |request| doors.client(request))
                .unwrap()
        };
        assert_eq!(client("1.1.1.1", "9.9.9.9"), address("1.1.1.1"));
        assert_eq!(client("10.0.0.1", "9.9.9.9"), address("9.9.9.9"));
        assert_eq!(client("10.0.0.1", "6.6.6.6, 9.9.9.9"), address("9.9.9.9"));
        assert_eq!(client("10.0.0.1", "9.9.9.9, 10.0.0.2"), address("9.9.9.9"));
        assert_eq!(client("10.0.0.1", "9.9.9.9, nonsense"), address("10.0.0.1"));
    }
}
