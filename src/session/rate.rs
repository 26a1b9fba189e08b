//! Token buckets: how often a connection may do what.
//!
//! A bucket is sixteen bytes and an integer sum; time comes as an argument. [`Rates`] holds those of
//! one connection and sorts messages into classes by what they cost.

use crate::ids::Millis;
use crate::limits::{
    RATE_ACCOUNT, RATE_COMPLAINTS, RATE_FAULTS, RATE_INPUTS, RATE_MESSAGES, RATE_OTHERS,
    RATE_PINGS, RATE_TRANSACTIONS, Rate,
};
use crate::wire::RequestKind;

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

    /// Takes one token, or says how many milliseconds until there is one. A clock that goes
    /// backwards refills nothing.
    pub fn take(&mut self, rate: Rate, now: Millis) -> Result<(), u64> {
        let refill = now
            .since(self.filled)
            .saturating_mul(u64::from(rate.per_second));
        let capacity = u64::from(rate.burst) * TOKEN;
        self.level = self.level.saturating_add(refill).min(capacity);
        self.filled = self.filled.max(now);
        if self.level >= TOKEN {
            self.level -= TOKEN;
            return Ok(());
        }
        let missing = TOKEN - self.level;
        Err(missing.div_ceil(u64::from(rate.per_second).max(1)))
    }
}

/// Messages that cost alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `input.command`
    Input,
    /// Trades and repairs.
    Transaction,
    /// Login, refresh, join.
    Account,
    /// `ping`
    Ping,
    /// Anything not recognised.
    Other,
}

impl Class {
    /// The class of a request.
    pub const fn of(kind: Option<RequestKind>) -> Self {
        match kind {
            Some(RequestKind::Input) => Self::Input,
            Some(RequestKind::Buy | RequestKind::Sell | RequestKind::Repair) => Self::Transaction,
            Some(RequestKind::Login | RequestKind::Refresh | RequestKind::JoinSystem) => {
                Self::Account
            }
            Some(RequestKind::Ping) => Self::Ping,
            None => Self::Other,
        }
    }

    const fn rate(self) -> Rate {
        match self {
            Self::Input => RATE_INPUTS,
            Self::Transaction => RATE_TRANSACTIONS,
            Self::Account => RATE_ACCOUNT,
            Self::Ping => RATE_PINGS,
            Self::Other => RATE_OTHERS,
        }
    }
}

/// The buckets of one connection.
#[derive(Debug, Clone)]
pub struct Rates {
    messages: Bucket,
    classes: [Bucket; 5],
    complaints: Bucket,
    faults: Bucket,
}

impl Rates {
    /// All full.
    pub const fn new(now: Millis) -> Self {
        Self {
            messages: Bucket::full(RATE_MESSAGES, now),
            classes: [
                Bucket::full(Class::Input.rate(), now),
                Bucket::full(Class::Transaction.rate(), now),
                Bucket::full(Class::Account.rate(), now),
                Bucket::full(Class::Ping.rate(), now),
                Bucket::full(Class::Other.rate(), now),
            ],
            complaints: Bucket::full(RATE_COMPLAINTS, now),
            faults: Bucket::full(RATE_FAULTS, now),
        }
    }

    /// Admits one message, or says how many milliseconds to wait.
    pub fn admit(&mut self, class: Class, now: Millis) -> Result<(), u64> {
        self.admit_as(class, now)?;
        self.messages.take(RATE_MESSAGES, now)
    }

    /// Admits a message, counted before, as one of another class.
    pub fn admit_as(&mut self, class: Class, now: Millis) -> Result<(), u64> {
        self.classes[class as usize].take(class.rate(), now)
    }

    /// Whether an `error` may be sent that nobody is owed.
    pub fn may_complain(&mut self, now: Millis) -> bool {
        self.complaints.take(RATE_COMPLAINTS, now).is_ok()
    }

    /// Counts a refused message; false when it is one too many.
    pub fn bears_fault(&mut self, now: Millis) -> bool {
        self.faults.take(RATE_FAULTS, now).is_ok()
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
}
