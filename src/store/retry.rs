//! Trying again: how often, and for how long, the store bears with a database that cannot be had.
//!
//! Only an error that may pass is tried again. The first failure starts the clock; when tries or
//! time have run out the error itself is the answer.

use std::thread;
use std::time::{Duration, Instant};

use crate::limits::{STORE_RETRY_MS_MAX, STORE_RETRY_MS_MIN};
use crate::store::StoreConfig;
use crate::store::backend::Backend;
use crate::store::error::StoreError;

/// How long a thread of the store bears with an outage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    retries_max: u32,
    outage_max: Duration,
}

/// How often something was tried again, and since when.
#[derive(Default)]
pub(super) struct Outage {
    tries: u32,
    began: Option<Instant>,
}

impl Patience {
    pub(super) const fn new(config: &StoreConfig) -> Self {
        Self {
            retries_max: config.retries_max,
            outage_max: config.outage_max,
        }
    }

    /// Waits before the next try; the error itself if it cannot pass, or if tries or time have run
    /// out.
    pub(super) fn pause(self, error: StoreError, outage: &mut Outage) -> Result<(), StoreError> {
        let began = *outage.began.get_or_insert_with(Instant::now);
        let is_over = outage.tries >= self.retries_max || began.elapsed() >= self.outage_max;
        if !error.may_pass() || is_over {
            return Err(error);
        }
        let doubled = STORE_RETRY_MS_MIN.saturating_mul(1 << outage.tries.min(16));
        let pause_ms = doubled.min(STORE_RETRY_MS_MAX);
        outage.tries += 1;
        tracing::warn!(%error, attempt = outage.tries, pause_ms, "the store tries again");
        thread::sleep(Duration::from_millis(pause_ms));
        Ok(())
    }

    /// Runs a step until it succeeds, on a new connection after each failure.
    pub(super) fn retrying<B: Backend, T>(
        self,
        backend: &mut B,
        mut step: impl FnMut(&mut B) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut outage = Outage::default();
        loop {
            match step(backend) {
                Ok(found) => return Ok(found),
                Err(error) => self.pause(error, &mut outage)?,
            }
            while let Err(error) = backend.reconnect() {
                self.pause(error, &mut outage)?;
            }
        }
    }
}
