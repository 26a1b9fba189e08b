//! How often an address may do something: a bounded table of token buckets, one a network.
//!
//! [`AddressBuckets::take`] counts an attempt under every network of the address
//! ([`Network::all`]) and lets it through only if all of them have a token; a refused attempt takes
//! none. Time is an argument. A bucket is one number, the moment at which it will be full again, so
//! a network with a multiple of the allowance merely moves it by a smaller step.
//!
//! The table forgets who has been quiet longest. Whoever takes the place of a forgotten network
//! takes over its bucket as it stands: a stranger who makes the table forget has won nothing, and in
//! calm times what is forgotten is full again anyway.

use std::collections::HashMap;
use std::net::IpAddr;

use super::address::Network;
use super::slot_list::SlotList;
use crate::ids::Millis;
use crate::limits::AddressRate;

/// Fewest places of a table: all networks of one address, and one more.
const PLACES_MIN: usize = 4;

#[derive(Debug)]
struct Entry {
    network: Network,
    /// When the bucket is full again, in microseconds.
    full_at_us: u64,
}

/// Buckets of the networks that were heard of lately.
#[derive(Debug)]
pub struct AddressBuckets {
    rate: AddressRate,
    places_max: usize,
    entries: Vec<Entry>,
    places: HashMap<Network, u32>,
    by_last_use: SlotList,
}

impl AddressBuckets {
    /// A table in which everybody's bucket is full. `places_max` networks cost about 80 bytes each.
    pub fn new(rate: AddressRate, places_max: usize) -> Self {
        Self {
            rate,
            places_max: places_max.max(PLACES_MIN),
            entries: Vec::new(),
            places: HashMap::new(),
            by_last_use: SlotList::default(),
        }
    }

    /// Takes one token for this address, or says how many milliseconds until there is one. Work:
    /// three look-ups at most. A clock that goes backwards refills nothing.
    pub fn take(&mut self, address: IpAddr, now: Millis) -> Result<(), u64> {
        let now_us = now.0.saturating_mul(1_000);
        let mut wait_us = 0;
        for (network, share) in Network::all(address) {
            let full_at_us = self.touch(network).map_or(0, |entry| entry.full_at_us);
            let level_at_us = full_at_us.max(now_us).saturating_add(self.token_us(share));
            let at_most_us = now_us.saturating_add(self.depth_us());
            wait_us = wait_us.max(level_at_us.saturating_sub(at_most_us));
        }
        if wait_us > 0 {
            return Err(wait_us.div_ceil(1_000));
        }
        for (network, share) in Network::all(address) {
            let token_us = self.token_us(share);
            if let Some(entry) = self.touch(network) {
                entry.full_at_us = entry.full_at_us.max(now_us).saturating_add(token_us);
            }
        }
        Ok(())
    }

    /// How long one token takes to come back to a network of this share.
    fn token_us(&self, share: u32) -> u64 {
        let per_minute = u64::from(self.rate.per_minute) * u64::from(share);
        60_000_000 / per_minute.max(1)
    }

    /// How long an empty bucket takes to be full: the same for every share.
    fn depth_us(&self) -> u64 {
        u64::from(self.rate.burst) * self.token_us(1)
    }

    /// The entry of a network, made if there is none, as the one used last.
    fn touch(&mut self, network: Network) -> Option<&mut Entry> {
        let place = match self.places.get(&network) {
            Some(&place) => place,
            None => self.take_place(network)?,
        };
        self.by_last_use.push_back(place);
        self.entries.get_mut(place as usize)
    }

    /// A place for a network that has none: a free one, or that of who was quiet longest.
    fn take_place(&mut self, network: Network) -> Option<u32> {
        let place = if self.entries.len() < self.places_max {
            self.entries.push(Entry {
                network,
                full_at_us: 0,
            });
            self.entries.len() as u32 - 1
        } else {
            let place = self.by_last_use.front()?;
            let entry = self.entries.get_mut(place as usize)?;
            self.places.remove(&entry.network);
            entry.network = network;
            place
        };
        self.places.insert(network, place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::{NETWORK_48_SHARE, NETWORK_56_SHARE};

    const RATE: AddressRate = AddressRate {
        per_minute: 120,
        burst: 3,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many of so many attempts pass at this moment.
    fn passed(
        buckets: &mut AddressBuckets,
        attempts: u32,
        now: u64,
        from: impl Fn(u32) -> IpAddr,
    ) -> usize {
        (0..attempts)
            .filter(|&attempt| buckets.take(from(attempt), Millis(now)).is_ok())
            .count()
    }

    #[test]
    fn a_burst_passes_and_the_wait_is_exact() {
        let mut buckets = AddressBuckets::new(RATE, 100);
        let one = address("192.0.2.1");
        assert_eq!(passed(&mut buckets, 3, 0, |_| one), 3);
        assert_eq!(buckets.take(one, Millis(0)), Err(500));
        assert_eq!(buckets.take(one, Millis(499)), Err(1));
        assert_eq!(buckets.take(one, Millis(500)), Ok(()));
        assert_eq!(buckets.take(one, Millis(500)), Err(500));
        assert_eq!(buckets.take(address("192.0.2.2"), Millis(500)), Ok(()));
        assert_eq!(
            passed(&mut buckets, 9, 10_000, |_| one),
            3,
            "no more than the burst"
        );
        assert_eq!(
            passed(&mut buckets, 9, 9_000, |_| one),
            0,
            "a clock that goes back"
        );
    }

    #[test]
    fn moving_inside_ones_own_network_gains_only_the_wider_networks_share() {
        let mut buckets = AddressBuckets::new(RATE, 10_000);
        let inside_64 = |n: u32| address(&format!("2001:db8:1:100::{n:x}"));
        assert_eq!(passed(&mut buckets, 100, 0, inside_64), 3);
        let inside_56 = |n: u32| address(&format!("2001:db8:1:1{:02x}::1", n % 256));
        let most = 3 * NETWORK_56_SHARE as usize;
        assert_eq!(passed(&mut buckets, 1_000, 0, inside_56), most - 3);
        let inside_48 = |n: u32| address(&format!("2001:db8:1:{:x}::1", n % 65_536));
        let widest = 3 * NETWORK_48_SHARE as usize;
        assert_eq!(passed(&mut buckets, 20_000, 0, inside_48), widest - most);
        assert_eq!(buckets.take(address("2001:db8:2::1"), Millis(0)), Ok(()));
    }

    #[test]
    fn a_refused_attempt_takes_nothing_from_a_wider_network() {
        let mut buckets = AddressBuckets::new(RATE, 100);
        assert_eq!(
            passed(&mut buckets, 1_000, 0, |_| address("2001:db8::1")),
            3
        );
        let neighbour = address("2001:db8:0:1::1");
        assert_eq!(passed(&mut buckets, 1_000, 0, |_| neighbour), 3);
    }

    #[test]
    fn whoever_makes_the_table_forget_has_won_nothing() {
        const PLACES: usize = 50;
        let mut buckets = AddressBuckets::new(RATE, PLACES);
        let many = |n: u32| address(&format!("10.0.{}.{}", n / 256, n % 256));
        let used_up = address("192.0.2.1");
        assert_eq!(passed(&mut buckets, 10, 0, |_| used_up), 3);
        // Far more addresses than places, each of which would have a burst of its own.
        let won = passed(&mut buckets, 20_000, 0, many);
        assert!(won <= 3 * PLACES, "{won}");
        assert!(buckets.take(used_up, Millis(0)).is_err());
        assert!(buckets.entries.len() <= PLACES && buckets.places.len() <= PLACES);
        // Once those who were forgotten would be full again, newcomers are too.
        assert_eq!(passed(&mut buckets, 3, 1_500, |_| used_up), 3);
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            steps in prop::collection::vec((0_u64..2_000, 0_u8..4), 1..200),
        ) {
            let mut buckets = AddressBuckets::new(RATE, 100);
            let (mut now, mut passed) = (0, [0_u64; 4]);
            for (step, host) in steps {
                now += step;
                let from = IpAddr::from([192, 0, 2, host]);
                passed[usize::from(host)] += u64::from(buckets.take(from, Millis(now)).is_ok());
                prop_assert!(passed[usize::from(host)] <= 3 + now * 2 / 1_000);
            }
        }
    }
}
