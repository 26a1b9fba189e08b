//! Where the net layer gets its time: the machine's clocks, or a test's.
//!
//! Monotonic time decides deadlines and never goes back; wall time is only ever shown to peers.
//! A clock is asked at each call, never cached across a turn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::ids::{Millis, UnixMillis};

/// A source of both kinds of time.
pub trait Clock: Send + Sync {
    /// Monotonic milliseconds since some fixed start.
    fn now(&self) -> Millis;

    /// Milliseconds since the Unix epoch.
    fn unix(&self) -> UnixMillis;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Monotonic time counts from here.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn unix(&self) -> UnixMillis {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when it is told to; both kinds of time move together.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

/// The wall time at which a [`ManualClock`] starts.
pub const MANUAL_EPOCH_UNIX_MS: u64 = 1_700_000_000_000;

impl ManualClock {
    /// Starts at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves time forward.
    pub fn advance(&self, span_ms: u64) {
        self.now_ms.fetch_add(span_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis(self.now_ms.load(Ordering::SeqCst))
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(MANUAL_EPOCH_UNIX_MS.saturating_add(self.now_ms.load(Ordering::SeqCst)))
    }
}
