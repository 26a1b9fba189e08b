//! When ticks begin: absolute deadlines a thirtieth of a second apart.
//!
//! A tick that overruns, or a process that was stopped for a while, is never caught up by a burst:
//! deadlines that passed are skipped and counted. The wait sleeps until shortly before the
//! deadline and spins for the rest, since a sleeping thread wakes a tenth of a millisecond late.

use std::time::{Duration, Instant};

use crate::limits::{TICK_RATE_HZ, TICK_SPIN_US};

/// What the wait for a tick found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TickStart {
    /// How long after its deadline the tick begins.
    pub(super) lateness: Duration,
    /// Deadlines that passed unused since the last beat.
    pub(super) skipped: u64,
}

/// The metronome of the tick thread.
#[derive(Debug)]
pub(super) struct TickSchedule {
    start: Instant,
    beat: u64,
}

impl TickSchedule {
    /// The first deadline is one period after `start`.
    pub(super) const fn new(start: Instant) -> Self {
        Self { start, beat: 0 }
    }

    /// Waits for the next deadline that has not passed by more than a period.
    pub(super) fn wait(&mut self) -> TickStart {
        let skipped = self.advance(Instant::now());
        let deadline = self.deadline();
        let spin = Duration::from_micros(TICK_SPIN_US);
        if let Some(sleep) = deadline
            .saturating_duration_since(Instant::now())
            .checked_sub(spin)
        {
            std::thread::sleep(sleep);
        }
        loop {
            let now = Instant::now();
            if now >= deadline {
                return TickStart {
                    lateness: now - deadline,
                    skipped,
                };
            }
            std::hint::spin_loop();
        }
    }

    /// Moves to the next beat; where its whole period is over already, to the latest one that
    /// began. Returns how many were passed over.
    fn advance(&mut self, now: Instant) -> u64 {
        let next = self.beat + 1;
        let elapsed_ns = now.saturating_duration_since(self.start).as_nanos();
        let current = (elapsed_ns * u128::from(TICK_RATE_HZ) / 1_000_000_000) as u64;
        self.beat = next.max(current);
        self.beat - next
    }

    fn deadline(&self) -> Instant {
        let nanoseconds = u128::from(self.beat) * 1_000_000_000 / u128::from(TICK_RATE_HZ);
        self.start + Duration::from_nanos(nanoseconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_a_thirtieth_of_a_second_apart_and_do_not_drift() {
        let start = Instant::now();
        let mut pace = TickSchedule::new(start);
        for _ in 0..300 {
            assert_eq!(pace.advance(pace.deadline()), 0);
        }
        assert_eq!(pace.deadline(), start + Duration::from_secs(10));
    }

    #[test]
    fn a_stopped_process_skips_beats_and_does_not_burst() {
        let start = Instant::now();
        let mut pace = TickSchedule::new(start);
        pace.advance(start);
        let woken = start + Duration::from_millis(5_010);
        assert_eq!(pace.advance(woken), 148);
        assert!(pace.deadline() <= woken);
        assert_eq!(pace.advance(woken), 0);
        assert!(pace.deadline() > woken);
    }
}
