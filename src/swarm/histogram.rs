//! Durations counted for percentiles, over millions of them, in fixed memory.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest duration told apart from longer ones, in µs: an hour. Longer ones count as this long.
const TRACKED_US_MAX: u64 = 3_600_000_000;

/// Decimal digits to which a duration is known: a percentile is told at most 0.1 % too long.
const DIGITS: u8 = 3;

/// A histogram of durations in µs that also knows the longest exactly. About 190 KiB.
#[derive(Debug, Clone)]
pub(super) struct DurationHistogram {
    counts: Histogram<u64>,
    max_us: u64,
}

impl Default for DurationHistogram {
    #[expect(clippy::expect_used, reason = "the bounds are constants")]
    fn default() -> Self {
        let counts = Histogram::new_with_bounds(1, TRACKED_US_MAX, DIGITS);
        Self {
            counts: counts.expect("the bounds fit each other"),
            max_us: 0,
        }
    }
}

impl DurationHistogram {
    /// Counts one duration.
    pub(super) fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.counts.saturating_record(us);
        self.max_us = self.max_us.max(us);
    }

    /// The longest, in milliseconds; exact.
    pub(super) fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1000.0
    }

    /// The duration that this share of all (0 to 1) does not exceed, in milliseconds; 0 when
    /// nothing was counted.
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        self.counts.value_at_quantile(share).min(self.max_us) as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_counted_is_zero() {
        let histogram = DurationHistogram::default();
        assert_eq!(
            (histogram.quantile_ms(0.99), histogram.max_ms()),
            (0.0, 0.0)
        );
    }

    proptest! {
        #[test]
        fn quantiles_are_at_most_a_thousandth_above_a_sorted_list(
            mut values in prop::collection::vec(1_u64..10_000_000, 1..300),
            share in 0.01_f64..1.0,
        ) {
            let mut histogram = DurationHistogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            values.sort_unstable();
            let rank = (share * values.len() as f64).ceil() as usize;
            let exact = values[rank.max(1) - 1] as f64 / 1000.0;
            let told = histogram.quantile_ms(share);
            prop_assert!(told >= exact && told <= exact * 1.001, "{told} for {exact}");
            prop_assert_eq!(histogram.max_ms(), *values.last().unwrap() as f64 / 1000.0);
        }

        #[test]
        fn any_duration_is_counted(us: u64) {
            let mut histogram = DurationHistogram::default();
            histogram.record(Duration::from_micros(us));
            prop_assert_eq!(histogram.counts.len(), 1);
            prop_assert!(histogram.quantile_ms(1.0) <= histogram.max_ms());
        }
    }
}
