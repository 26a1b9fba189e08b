//! Tokens for guests: players whom nobody has been yet, handed out at a bounded rate an address.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::ids::{Millis, PlayerId, UnixMillis};
use crate::limits::{ADDRESS_BUCKETS_MAX, GUEST_TOKEN_TTL_SECONDS, RATE_GUESTS, REFUSALS_LOG_MS};
use crate::net::Clock;
use crate::net::address_buckets::AddressBuckets;
use crate::net::http::Response;
use crate::session::token::Signer;

/// Where guests get their tokens; shared by all gateways.
pub(super) struct GuestTokens {
    signer: Arc<Signer>,
    clock: Arc<dyn Clock>,
    rates: Mutex<Rates>,
}

struct Rates {
    buckets: AddressBuckets,
    /// Refusals that were not logged yet.
    refused: u64,
    logged_at: Option<Millis>,
}

impl fmt::Debug for GuestTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestTokens").finish_non_exhaustive()
    }
}

impl GuestTokens {
    /// A context at which nobody has asked yet.
    pub(super) fn new(signer: Arc<Signer>, clock: Arc<dyn Clock>) -> Self {
        Self {
            signer,
            clock,
            rates: Mutex::new(Rates {
                buckets: AddressBuckets::new(RATE_GUESTS, ADDRESS_BUCKETS_MAX),
                refused: 0,
                logged_at: None,
            }),
        }
    }

    /// Answers whoever asks from this address.
    pub(super) fn answer(&self, client: IpAddr) -> Response {
        if let Err(wait_ms) = self.admit(client) {
            let seconds = wait_ms.div_ceil(1_000).max(1);
            return Response::text(429, "Too many guests from this address.\n")
                .with_header("Retry-After", seconds.to_string());
        }
        match new_guest(&self.signer, self.clock.unix()) {
            Some(body) => Response::new(200)
                .with_header("Cache-Control", "no-store")
                .with_body("application/json", body),
            None => Response::text(500, "No token could be made.\n"),
        }
    }

    fn admit(&self, client: IpAddr) -> Result<(), u64> {
        let now = self.clock.now();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = rates.buckets.take(client, now);
        if admitted.is_err() {
            rates.refused += 1;
            let rests = |logged: Millis| now.since(logged) < REFUSALS_LOG_MS;
            if !rates.logged_at.is_some_and(rests) {
                let refused = std::mem::take(&mut rates.refused);
                rates.logged_at = Some(now);
                warn!(refused, last_peer = %client, "guests were turned away: too many from an address");
            }
        }
        admitted
    }
}

/// A token for a player nobody has been yet: 96 random bits make the name.
fn new_guest(signer: &Signer, now: UnixMillis) -> Option<String> {
    let mut random = [0; 12];
    getrandom::fill(&mut random).ok()?;
    let number = random
        .iter()
        .fold(0, |number, &byte| number << 8 | u128::from(byte));
    let player = PlayerId::parse(&format!("guest-{number:024x}")).ok()?;
    let token = signer.sign(&player, GUEST_TOKEN_TTL_SECONDS, now).ok()?;
    Some(serde_json::json!({ "token": token, "player_id": player.as_str() }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ManualClock;

    #[test]
    fn an_address_gets_a_burst_and_two_tokens_a_second() {
        let clock = Arc::new(ManualClock::new());
        let signer = Signer::new(b"a secret of the tests, of no use elsewhere").unwrap();
        let context = GuestTokens::new(Arc::new(signer), Arc::clone(&clock) as _);
        let passed = |client: &str| {
            let client = client.parse().unwrap();
            (0..200)
                .take_while(|_| context.answer(client).status == 200)
                .count()
        };
        assert_eq!(passed("192.0.2.1"), 60);
        assert_eq!(passed("192.0.2.2"), 60, "a neighbour has its own");
        let refused = context.answer("192.0.2.1".parse().unwrap());
        assert_eq!(refused.status, 429);
        assert!(refused.headers.contains(&("Retry-After", "1".into())));
        clock.advance(10_000);
        assert_eq!(passed("192.0.2.1"), 20);
        assert_eq!(passed("2001:db8::1"), 60);
        assert_eq!(passed("2001:db8::2"), 0, "the same /64");
    }
}
