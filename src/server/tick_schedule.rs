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
    /// Deadlines that passed unused since the last tick.
    pub(super) skipped: u64,
}

/// Absolute deadlines of the tick thread.
#[derive(Debug)]
pub(super) struct TickSchedule {
    start: Instant,
    tick: u64,
}

impl TickSchedule {
    /// The first deadline is one period after `start`.
    pub(super) const fn new(start: Instant) -> Self {
        Self { start, tick: 0 }
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

    /// Moves to the next deadline; where its whole period is over already, to the latest one that
    /// began. Returns how many were passed over.
    fn advance(&mut self, now: Instant) -> u64 {
        let next = self.tick + 1;
        let elapsed_ns = now.saturating_duration_since(self.start).as_nanos();
        let current = (elapsed_ns * u128::from(TICK_RATE_HZ) / 1_000_000_000) as u64;
        self.tick = next.max(current);
        self.tick - next
    }

    fn deadline(&self) -> Instant {
        let nanoseconds = u128::from(self.tick) * 1_000_000_000 / u128::from(TICK_RATE_HZ);
        self.start + Duration::from_nanos(nanoseconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_a_thirtieth_of_a_second_apart_and_do_not_drift() {
        let start = Instant::now();
        let mut schedule = TickSchedule::new(start);
        for _ in 0..300 {
            assert_eq!(schedule.advance(schedule.deadline()), 0);
        }
        assert_eq!(schedule.deadline(), start + Duration::from_secs(10));
    }

    #[test]
    fn a_stopped_process_skips_ticks_and_does_not_burst() {
        let start = Instant::now();
        let mut schedule = TickSchedule::new(start);
        schedule.advance(start);
        let woken = start + Duration::from_millis(5_010);
        assert_eq!(schedule.advance(woken), 148);
        assert!(schedule.deadline() <= woken);
        assert_eq!(schedule.advance(woken), 0);
        assert!(schedule.deadline() > woken);
    }
}
