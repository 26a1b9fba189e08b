//! Taking the leases when a server starts.
//!
//! A lease that another owner holds means one of three things. Its process is known to have ended:
//! the lease is taken at once. Its server lives: it renews the lease, which is seen within a
//! renewal's period, and the system stays with it. Nobody renews it: it runs out, and is taken
//! then. The wait is bounded by one lease. A wrong guess loses nothing: taking a lease raises its
//! fence, and a writer with an older fence keeps nothing.

use std::thread;
use std::time::{Duration, Instant};

use crate::ids::Name;
use crate::limits::{LEASE_POLL_MS, LEASE_WAIT_MS_MAX};
use crate::store::StoreConfig;
use crate::store::backend::{Backend, Claim};
use crate::store::error::StoreError;
use crate::store::writer::Writer;

/// Asks for every system of the configuration; what came of each, in its order.
pub(super) fn claim_all<B: Backend>(
    writer: &mut Writer<B>,
    config: &StoreConfig,
) -> Result<Vec<Claim>, StoreError> {
    let systems = config.systems.iter();
    let mut claims = systems
        .map(|system| first_claim(writer, system, config))
        .collect::<Result<Vec<_>, _>>()?;
    let deadline = Instant::now() + Duration::from_millis(LEASE_WAIT_MS_MAX);
    let mut open: Vec<usize> = (0..claims.len())
        .filter(|&place| matches!(claims[place], Claim::Elsewhere { .. }))
        .collect();
    let has_waited = !open.is_empty();
    while !open.is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(LEASE_POLL_MS));
        let mut still_open = Vec::new();
        for place in open {
            let claim = writer.claim(&config.systems[place], "")?;
            if is_unmoved(&claims[place], &claim) {
                still_open.push(place);
            }
            claims[place] = claim;
        }
        open = still_open;
    }
    if has_waited {
        // The leases taken first have aged meanwhile.
        for claim in &mut claims {
            if let Claim::Held { system, .. } = claim {
                *claim = writer.claim(&system.clone(), "")?;
            }
        }
    }
    Ok(claims)
}

fn first_claim<B: Backend>(
    writer: &mut Writer<B>,
    system: &Name,
    config: &StoreConfig,
) -> Result<Claim, StoreError> {
    let claim = writer.claim(system, "")?;
    let Claim::Elsewhere {
        owner,
        expires_in_ms,
        ..
    } = &claim
    else {
        return Ok(claim);
    };
    if (config.has_ended)(owner) {
        tracing::info!("{system} was run by {owner}, a process that has ended: it is taken over");
        return writer.claim(system, owner);
    }
    let seconds = *expires_in_ms as f64 / 1e3;
    tracing::info!(
        "{system} is leased to {owner} for another {seconds:.1} s: waiting until that server \
         renews its lease or the lease runs out"
    );
    Ok(claim)
}

/// Whether the other's lease only grew older between two claims.
fn is_unmoved(before: &Claim, now: &Claim) -> bool {
    match (before, now) {
        (
            Claim::Elsewhere {
                owner,
                expires_in_ms,
                ..
            },
            Claim::Elsewhere {
                owner: owner_now,
                expires_in_ms: expires_in_ms_now,
                ..
            },
        ) => owner == owner_now && expires_in_ms_now <= expires_in_ms,
        _ => false,
    }
}
