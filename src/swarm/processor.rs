//! How much processor time the swarm's own thread has used.
//!
//! From the kernel's scheduler statistics, which count nanoseconds; where there are none (another
//! system than Linux), the answer is that it is unknown.

use std::fs;
use std::time::Duration;

/// Processor time of the calling thread since it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct ThreadTime(Duration);

impl ThreadTime {
    /// Up to now.
    pub(super) fn now() -> Option<Self> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let ns = text.split_ascii_whitespace().next()?.parse().ok()?;
        Some(Self(Duration::from_nanos(ns)))
    }

    /// What was used since an earlier moment.
    pub(super) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// How many files this process may have open, where the system tells.
pub(super) fn open_files_max() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
