//! To which names the operator's port answers.
//!
//! A stranger whose own name points at an operator's machine (DNS rebinding) can have the operator's
//! browser ask this port and read the answer, for to the browser it is the stranger's own. It cannot
//! do so by a literal address or as `localhost`, which no stranger owns; other names an operator has
//! to allow.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::net::http::{Request, Response};

/// Longest name of a host, in bytes (RFC 1035).
const HOST_BYTES_MAX: usize = 253;

/// Names that an operator allows besides literal addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Arc<[String]>);

impl AllowedHosts {
    /// These names, in any case, on any port.
    pub fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    /// Answers a request that asks by a name which is not allowed, by several, or by none.
    pub fn check(&self, request: &Request<'_>) -> Result<(), Response> {
        let mut hosts = request.headers_named("host");
        match (hosts.next(), hosts.next()) {
            (Some(host), None) if self.allows(host) => Ok(()),
            _ => Err(Response::text(
                421,
                "Ask by address or as localhost; for other names see --allow-host.\n",
            )),
        }
    }

    fn allows(&self, host: &str) -> bool {
        if let Some((address, rest)) = host.strip_prefix('[').and_then(|h| h.split_once(']')) {
            return address.parse::<Ipv6Addr>().is_ok() && is_port_or_nothing(rest);
        }
        let name_bytes = host.find(':').unwrap_or(host.len());
        let (name, port) = host.split_at(name_bytes);
        let is_known = || {
            name.eq_ignore_ascii_case("localhost")
                || self.0.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        is_port_or_nothing(port) && (name.parse::<Ipv4Addr>().is_ok() || is_known())
    }
}

fn is_port_or_nothing(text: &str) -> bool {
    let port = text.strip_prefix(':').map(str::parse::<u16>);
    text.is_empty() || port.is_some_and(|port| port.is_ok())
}

/// A name as it is given to `--allow-host`.
pub fn parse_host(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if text.is_empty() || text.len() > HOST_BYTES_MAX || !text.bytes().all(is_allowed) {
        return Err(format!(
            "must be the name of a host, without a scheme or a port, not {text:?}"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_no_stranger_can_own_are_answered() {
        let hosts = AllowedHosts::new(vec!["Ops.example".to_owned()]);
        for host in [
            "127.0.0.1",
            "192.0.2.7:7778",
            "[::1]",
            "[2001:db8::1]:9",
            "localhost",
            "LocalHost:7778",
            "ops.example",
            "OPS.EXAMPLE:443",
        ] {
            assert!(hosts.allows(host), "{host}");
        }
        for host in [
            "",
            ":7778",
            "evil.example",
            "ops.example.evil.example",
            "evil-ops.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "localhost:",
            "localhost:x",
            "localhost:99999",
            "localhost:1:2",
            "::1",
            "[::1",
            "[::1]x",
            "[localhost]",
            "user@localhost",
        ] {
            assert!(!hosts.allows(host), "{host}");
        }
    }

    #[test]
    fn an_allowed_host_is_a_bare_name() {
        assert_eq!(parse_host("ops.example").as_deref(), Ok("ops.example"));
        for text in ["", "https://ops.example", "ops.example:80", "a b", "*"] {
            assert!(parse_host(text).is_err(), "{text}");
        }
    }
}
