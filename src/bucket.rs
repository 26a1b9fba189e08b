//! A token bucket: how often something may happen, `burst` at once and `per_second` in the long run.
//!
//! Sixteen bytes and an integer sum; time comes as an argument. Messages are counted with it by
//! their class in `session`, control frames in `net`.

use crate::ids::Millis;
use crate::limits::Rate;

/// What one token is counted as, so that a millisecond's refill is a whole number.
const TOKEN: u64 = 1_000;

/// Tokens that refill at a steady rate up to a burst.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    level: u64,
    filled: Millis,
}

impl Bucket {
    /// A full bucket.
    pub const fn full(rate: Rate, now: Millis) -> Self {
        Self {
            level: rate.burst as u64 * TOKEN,
            filled: now,
        }
    }

    /// How many tokens there are.
    pub fn available(&mut self, rate: Rate, now: Millis) -> u32 {
        self.fill(rate, now);
        u32::try_from(self.level / TOKEN).unwrap_or(u32::MAX)
    }

    /// Takes one token, or says how many milliseconds until there is one. A clock that goes
    /// backwards refills nothing.
    pub fn take(&mut self, rate: Rate, now: Millis) -> Result<(), u64> {
        self.take_many(rate, 1, now)
    }

    /// Takes so many tokens, or none and says how many milliseconds until there are so many; more
    /// than the burst never come.
    pub fn take_many(&mut self, rate: Rate, count: u32, now: Millis) -> Result<(), u64> {
        self.fill(rate, now);
        let wanted = u64::from(count) * TOKEN;
        if self.level >= wanted {
            self.level -= wanted;
            return Ok(());
        }
        let missing = wanted - self.level;
        Err(missing.div_ceil(u64::from(rate.per_second).max(1)))
    }

    fn fill(&mut self, rate: Rate, now: Millis) {
        let refill = now
            .since(self.filled)
            .saturating_mul(u64::from(rate.per_second));
        let capacity = u64::from(rate.burst) * TOKEN;
        self.level = self.level.saturating_add(refill).min(capacity);
        self.filled = self.filled.max(now);
    }
}

/// How many log lines one kind of event may write: a flood of events costs a bounded number of
/// lines, and the next line says how many were left out.
#[derive(Debug, Clone, Copy)]
pub struct LogBudget {
    rate: Rate,
    bucket: Bucket,
    left_out: u64,
}

impl LogBudget {
    /// A budget from which nothing was taken yet.
    pub const fn new(rate: Rate) -> Self {
        Self {
            rate,
            bucket: Bucket::full(rate, Millis(0)),
            left_out: 0,
        }
    }

    /// Takes one line. Returns how many lines were left out since the line before, or none where
    /// this one is to be left out too.
    pub fn take(&mut self, now: Millis) -> Option<u64> {
        if self.bucket.take(self.rate, now).is_err() {
            self.left_out += 1;
            return None;
        }
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        per_second: 5,
        burst: 3,
    };

    #[test]
    fn a_burst_passes_and_the_wait_is_exact() {
        let mut bucket = Bucket::full(RATE, Millis(0));
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, Millis(0)), Ok(()));
        }
        assert_eq!(bucket.take(RATE, Millis(0)), Err(200));
        assert_eq!(bucket.take(RATE, Millis(199)), Err(1));
        assert_eq!(bucket.take(RATE, Millis(200)), Ok(()));
    }

    #[test]
    fn many_tokens_are_taken_all_or_none() {
        let mut bucket = Bucket::full(RATE, Millis(0));
        assert_eq!(bucket.take_many(RATE, 2, Millis(0)), Ok(()));
        assert_eq!(bucket.available(RATE, Millis(0)), 1);
        assert_eq!(bucket.take_many(RATE, 2, Millis(0)), Err(200));
        assert_eq!(bucket.take_many(RATE, 1, Millis(0)), Ok(()));
        assert_eq!(bucket.take_many(RATE, 0, Millis(0)), Ok(()));
        assert_eq!(bucket.take_many(RATE, u32::MAX, Millis(600)).ok(), None);
        assert_eq!(bucket.take_many(RATE, 3, Millis(600)), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::full(RATE, Millis(1_000));
        for _ in 0..3 {
            assert_eq!(bucket.take(RATE, Millis(1_000)), Ok(()));
        }
        assert!(bucket.take(RATE, Millis(0)).is_err());
        assert!(bucket.take(RATE, Millis(1_000)).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(steps in prop::collection::vec(0_u64..500, 1..200)) {
            let mut bucket = Bucket::full(RATE, Millis(0));
            let (mut now, mut passed) = (0, 0_u64);
            for step in steps {
                now += step;
                passed += u64::from(bucket.take(RATE, Millis(now)).is_ok());
                let allowed = u64::from(RATE.burst) + now * u64::from(RATE.per_second) / 1_000;
                prop_assert!(passed <= allowed);
            }
        }
    }

    #[test]
    fn a_flood_of_events_writes_its_burst_and_then_says_how_many_were_left_out() {
        let rate = Rate {
            burst: 3,
            per_second: 1,
        };
        let mut budget = LogBudget::new(rate);
        let written = (0..1_000).filter(|_| budget.take(Millis(5)).is_some());
        assert_eq!(written.count(), 3);
        assert_eq!(budget.take(Millis(2_000)), Some(997));
        assert_eq!(budget.take(Millis(4_000)), Some(0));
    }
}
