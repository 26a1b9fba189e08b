//! Counts of durations by size, for percentiles over millions of them.
//!
//! Log-linear buckets: 64 to an octave, so a value is known to better than 1.6 %, from 1 µs to
//! about an hour. Memory is fixed (16 KiB) and recording is one addition.

use std::time::Duration;

/// Buckets to an octave, as a power of two.
const FINE_BITS: u32 = 6;
const FINE: u64 = 1 << FINE_BITS;
/// Octaves above the linear part.
const OCTAVES: u64 = 27;
const BUCKETS: usize = (FINE * (OCTAVES + 1)) as usize;

/// A histogram of durations in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Box<[u64]>,
    total: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            total: 0,
            max_us: 0,
        }
    }
}

/// The bucket of a value: linear below [`FINE`], then [`FINE`] steps an octave.
fn bucket(us: u64) -> usize {
    if us < FINE {
        return us as usize;
    }
    let octave = u64::from(us.ilog2() - FINE_BITS);
    let step = (us >> octave) - FINE;
    ((octave + 1) * FINE + step).min(BUCKETS as u64 - 1) as usize
}

/// The middle of a bucket.
fn value(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    if bucket < FINE {
        return bucket as f64;
    }
    let (octave, step) = (bucket / FINE - 1, bucket % FINE);
    let low = (FINE + step) << octave;
    low as f64 + ((1_u64 << octave) - 1) as f64 / 2.0
}

impl Histogram {
    /// Counts one duration.
    pub(super) fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(us)) {
            *count += 1;
        }
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    /// The longest, in milliseconds; exact.
    pub(super) fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1000.0
    }

    /// The duration that this share of all (0 to 1) does not exceed, in milliseconds; 0 when
    /// nothing was counted.
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut passed = 0;
        for (index, count) in self.counts.iter().enumerate() {
            passed += count;
            if passed >= rank {
                return value(index).min(self.max_us as f64) / 1000.0;
            }
        }
        self.max_ms()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_counted_is_zero() {
        let histogram = Histogram::default();
        assert_eq!(
            (histogram.quantile_ms(0.99), histogram.max_ms()),
            (0.0, 0.0)
        );
    }

    proptest! {
        #[test]
        fn quantiles_are_within_two_percent_of_a_sorted_list(
            mut values in prop::collection::vec(1_u64..10_000_000, 1..300),
            share in 0.01_f64..1.0,
        ) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Duration::from_micros(*value));
            }
            values.sort_unstable();
            let rank = (share * values.len() as f64).ceil() as usize;
            let exact = values[rank.max(1) - 1] as f64 / 1000.0;
            let told = histogram.quantile_ms(share);
            prop_assert!((told - exact).abs() <= exact * 0.02 + 0.001, "{told} for {exact}");
            prop_assert_eq!(histogram.max_ms(), *values.last().unwrap() as f64 / 1000.0);
        }

        #[test]
        fn any_duration_is_counted(us: u64) {
            let mut histogram = Histogram::default();
            histogram.record(Duration::from_micros(us));
            prop_assert_eq!(histogram.total, 1);
            prop_assert!(histogram.quantile_ms(1.0) <= histogram.max_ms());
        }
    }
}
