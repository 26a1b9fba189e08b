//! Which networks an address is counted under.
//!
//! An IPv4 address stands for itself. An IPv6 address says little: one subscriber owns a /64 at
//! least, a household often a /56, a site a /48. So it is counted under all three, and a wider
//! network has a multiple of what one address may have: nobody escapes a limit by moving inside
//! their own network, and neighbours in a wider one do not share a single allowance.

use std::net::IpAddr;

use crate::limits::{NETWORK_48_SHARE, NETWORK_56_SHARE};

/// An address or a network of addresses, as one that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    bits: u128,
    prefix_bits: u8,
}

/// Prefixes of an IPv6 address and how many times the allowance of one address each has, the
/// narrowest first.
const IPV6_PREFIXES: [(u8, u32); 3] = [(64, 1), (56, NETWORK_56_SHARE), (48, NETWORK_48_SHARE)];

impl Network {
    /// The narrowest network of an address: what one subscriber owns at least.
    pub fn narrowest(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self {
                bits: v4.to_ipv6_mapped().to_bits(),
                prefix_bits: 128,
            },
            IpAddr::V6(v6) => Self::prefix(v6.to_bits(), 64),
        }
    }

    /// The networks of an address, the narrowest first, each with how many times the allowance of
    /// one address it has.
    pub fn all(address: IpAddr) -> impl Iterator<Item = (Self, u32)> {
        let narrowest = Self::narrowest(address);
        let prefixes = match address.to_canonical() {
            IpAddr::V4(_) => &[][..],
            IpAddr::V6(_) => IPV6_PREFIXES.get(1..).unwrap_or_default(),
        };
        let bits = narrowest.bits;
        let wider = prefixes
            .iter()
            .map(move |&(prefix_bits, share)| (Self::prefix(bits, prefix_bits), share));
        std::iter::once((narrowest, 1)).chain(wider)
    }

    /// The first bits of an IPv6 address, 1 to 128 of them.
    const fn prefix(bits: u128, prefix_bits: u8) -> Self {
        let rest_bits = 128_u8.saturating_sub(prefix_bits) as u32;
        Self {
            bits: bits & (u128::MAX << rest_bits),
            prefix_bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(address: &str) -> Vec<(Network, u32)> {
        Network::all(address.parse().unwrap()).collect()
    }

    #[test]
    fn an_ipv4_address_stands_for_itself_however_it_is_written() {
        assert_eq!(all("192.0.2.1").len(), 1);
        assert_eq!(all("192.0.2.1"), all("::ffff:192.0.2.1"));
        assert_ne!(all("192.0.2.1"), all("192.0.2.2"));
    }

    #[test]
    fn an_ipv6_address_is_counted_under_three_networks() {
        let one = all("2001:db8:1:203::1");
        assert_eq!(one, all("2001:db8:1:203:ffff::2"));
        let shared = |other: &str| {
            let other = all(other);
            one.iter().filter(|network| other.contains(network)).count()
        };
        assert_eq!(shared("2001:db8:1:204::1"), 2, "the /56 and the /48");
        assert_eq!(shared("2001:db8:1:303::1"), 1, "the /48");
        assert_eq!(shared("2001:db8:2:203::1"), 0);
        let shares: Vec<u32> = one.iter().map(|(_, share)| *share).collect();
        assert_eq!(shares, [1, NETWORK_56_SHARE, NETWORK_48_SHARE]);
    }
}
