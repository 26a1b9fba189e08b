//! How often an address may log in, over all its connections and every shard.
//!
//! A login costs a look-up in the store, which others' trades wait behind. Counted is a login whose
//! token is good: who has none costs no more than a connection, and cannot use up what neighbours
//! behind the same address need. An address may log in in proportion to the connections that it may
//! have: a server that starts anew is joined by everybody at once, whole schools behind one address
//! included.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::ids::Millis;
use crate::limits::{
    ADDRESS_BUCKETS_MAX, AddressRate, LOGIN_BURST_PER_CONNECTION, LOGIN_RATE_MIN,
    LOGINS_PER_MINUTE_PER_CONNECTION,
};
use crate::net::NetConfig;
use crate::net::address_buckets::AddressBuckets;

/// The logins of all addresses; shared by the gateways.
#[derive(Debug)]
pub struct LoginRate {
    buckets: Mutex<AddressBuckets>,
    /// Proxies have no limit of their own: whom they name is counted.
    trusted_proxies: Vec<IpAddr>,
}

impl LoginRate {
    /// A rate under which nobody has logged in yet.
    pub fn new(config: &NetConfig) -> Arc<Self> {
        let rate = rate(config.connections_per_ip_max);
        Arc::new(Self {
            buckets: Mutex::new(AddressBuckets::new(rate, ADDRESS_BUCKETS_MAX)),
            trusted_proxies: config.trusted_proxies.clone(),
        })
    }

    /// Counts one login, or says how many milliseconds until there is room for it.
    pub fn take(&self, address: IpAddr, now: Millis) -> Result<(), u64> {
        let address = address.to_canonical();
        if self.trusted_proxies.contains(&address) {
            return Ok(());
        }
        // No code panics while it holds the lock.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(address, now)
    }
}

/// What an address with so many connections may do.
fn rate(connections_max: usize) -> AddressRate {
    let connections = u32::try_from(connections_max).unwrap_or(u32::MAX);
    let times = |factor: u32, least: u32| connections.saturating_mul(factor).max(least);
    AddressRate {
        per_minute: times(LOGINS_PER_MINUTE_PER_CONNECTION, LOGIN_RATE_MIN.per_minute),
        burst: times(LOGIN_BURST_PER_CONNECTION, LOGIN_RATE_MIN.burst),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn logins(config: &NetConfig) -> Arc<LoginRate> {
        LoginRate::new(config)
    }

    #[test]
    fn a_school_comes_back_twice_at_once_and_then_at_its_pace() {
        let config = NetConfig::default();
        let (rate, school) = (logins(&config), address("192.0.2.1"));
        let at_once = (0..10_000).take_while(|_| rate.take(school, Millis(0)).is_ok());
        assert_eq!(at_once.count(), 2 * config.connections_per_ip_max);
        let wait_ms = rate.take(school, Millis(0)).unwrap_err();
        assert!((1..=100).contains(&wait_ms), "{wait_ms}");
        assert_eq!(rate.take(school, Millis(wait_ms)), Ok(()));
        assert_eq!(rate.take(address("192.0.2.2"), Millis(0)), Ok(()));
    }

    #[test]
    fn an_address_that_may_have_all_connections_may_log_all_of_them_in() {
        let config = NetConfig {
            connections_per_ip_max: 10_000,
            ..NetConfig::default()
        };
        let rate = logins(&config);
        assert!((0..20_000).all(|_| rate.take(address("127.0.0.1"), Millis(0)).is_ok()));
    }

    #[test]
    fn a_few_connections_leave_room_for_a_bad_line() {
        let config = NetConfig {
            connections_per_ip_max: 1,
            ..NetConfig::default()
        };
        let rate = logins(&config);
        let at_once = (0..1_000).take_while(|_| rate.take(address("192.0.2.1"), Millis(0)).is_ok());
        assert_eq!(at_once.count(), LOGIN_RATE_MIN.burst as usize);
    }

    #[test]
    fn a_proxy_that_names_nobody_has_no_limit_and_whom_it_names_has() {
        let config = NetConfig {
            connections_per_ip_max: 1,
            trusted_proxies: vec![address("10.0.0.1")],
            ..NetConfig::default()
        };
        let rate = logins(&config);
        assert!((0..1_000).all(|_| rate.take(address("::ffff:10.0.0.1"), Millis(0)).is_ok()));
        assert!(!(0..1_000).all(|_| rate.take(address("192.0.2.1"), Millis(0)).is_ok()));
    }
}
