//! Parallelism: how much work there must be before a phase is shared by the workers of the pool.
//!
//! Owns the thresholds, and no thread: a phase asks into how many jobs its items are cut, and forks
//! in the current rayon pool. No value depends on the answer.

/// When and how finely a phase is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Items below which one worker does it alone.
    pub items_min: usize,
    /// Items that a worker takes at a time, at least 1.
    pub chunk_items: usize,
}

impl Fork {
    /// Into how many jobs so many items are cut in the current pool; 1 where one worker does it
    /// alone.
    pub fn jobs(self, items_count: usize) -> usize {
        if items_count < self.items_min || rayon::current_num_threads() < 2 {
            1
        } else {
            items_count.div_ceil(self.chunk_items).max(1)
        }
    }
}

/// When each phase of a step is shared. A fork-join costs 30–140 µs; the defaults are where that is
/// less than what the other workers save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parallelism {
    /// Rows that move. A chunk's 13 columns are 400 kB, which an L2 cache holds.
    pub motion: Fork,
    /// Blocks of 256 circles, about 10 µs each, when they are packed and when their pairs are found.
    pub space: Fork,
    /// Shots that are swept, about 0.5 µs each.
    pub shots: Fork,
    /// Pilots whose zones are blended, about 0.1 µs each.
    pub zones: Fork,
}

impl Parallelism {
    pub(super) fn check(&self) {
        let Self {
            motion,
            space,
            shots,
            zones,
        } = self;
        for fork in [motion, space, shots, zones] {
            assert!(fork.chunk_items > 0, "a chunk has at least one item");
        }
    }
}

impl Default for Parallelism {
    fn default() -> Self {
        Self {
            motion: Fork {
                items_min: 32_768,
                chunk_items: 8_192,
            },
            space: Fork {
                items_min: 64,
                chunk_items: 8,
            },
            shots: Fork {
                items_min: 512,
                chunk_items: 128,
            },
            zones: Fork {
                items_min: 2_048,
                chunk_items: 256,
            },
        }
    }
}

/// Into how many jobs the parallel phases of one step were cut; 1 where one worker did it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Rows that move.
    pub motion: usize,
    /// Blocks that are packed.
    pub packing: usize,
    /// Blocks whose pairs are found.
    pub pairs: usize,
    /// Shots that are swept.
    pub shots: usize,
    /// Pilots whose zones are blended.
    pub zones: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_worker_and_few_items_make_one_job() {
        let fork = Fork {
            items_min: 10,
            chunk_items: 4,
        };
        let jobs = |workers: usize, items: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers);
            pool.build().unwrap().install(|| fork.jobs(items))
        };
        assert_eq!([jobs(1, 100), jobs(2, 9)], [1, 1]);
        assert_eq!([jobs(2, 10), jobs(3, 12), jobs(8, 13)], [3, 3, 4]);
    }
}
