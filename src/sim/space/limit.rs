//! How many pairs the circles of a block may begin.
//!
//! As a rule a block begins few, and a scan only counts them ([`BlockLimit`]). A block that begins as
//! many as its circles may together lies in a pile: it is scanned anew, with a limit for each circle
//! ([`CircleLimits`]). The counting scan stops where it sees that, so a pile costs at most twice.

use super::Pair;
use super::leaf::{BLOCK_LEAVES, LEAF_ROWS, Leaf, bits};

/// A bound on the pairs that are found in one scan of a block.
pub(super) trait PairLimit {
    /// Leaves whose circles may begin more pairs, a bit a leaf.
    fn open_leaves(&self) -> u32;

    /// Circles of a leaf that may begin more, a bit a lane.
    fn open_lanes(&self, leaf: usize) -> u32;

    /// Pairs the circle in a leaf's lane with those of `other` that it touches, a bit each, as far as
    /// the limit goes.
    fn take(
        &mut self,
        place: (usize, usize),
        row: u32,
        other: &Leaf,
        touching: u32,
        found: &mut Vec<Pair>,
    );
}

/// A bound on the pairs of a block alone.
pub(super) struct BlockLimit {
    left: u32,
}

impl BlockLimit {
    pub(super) const fn new(pairs_max: u32) -> Self {
        Self { left: pairs_max }
    }

    /// Whether there are as many pairs as the limit or more; then those that were found may not be all.
    pub(super) const fn is_reached(&self) -> bool {
        self.left == 0
    }
}

impl PairLimit for BlockLimit {
    #[inline]
    fn open_leaves(&self) -> u32 {
        if self.is_reached() { 0 } else { u32::MAX }
    }

    #[inline]
    fn open_lanes(&self, _leaf: usize) -> u32 {
        self.open_leaves()
    }

    #[inline]
    fn take(
        &mut self,
        _place: (usize, usize),
        row: u32,
        other: &Leaf,
        touching: u32,
        found: &mut Vec<Pair>,
    ) {
        for partner in bits(touching) {
            found.push(pair(row, other.rows[partner]));
        }
        self.left = self.left.saturating_sub(touching.count_ones());
    }
}

/// A bound on the pairs that each circle of a block begins.
pub(super) struct CircleLimits {
    lefts: [[u32; LEAF_ROWS]; BLOCK_LEAVES],
    open_lanes: [u32; BLOCK_LEAVES],
    open_leaves: u32,
}

impl CircleLimits {
    pub(super) fn new(leaves: &[Leaf], each_max: u32) -> Self {
        let mut limits = Self {
            lefts: [[each_max; LEAF_ROWS]; BLOCK_LEAVES],
            open_lanes: [0; BLOCK_LEAVES],
            open_leaves: 0,
        };
        for (at, (leaf, open)) in leaves.iter().zip(&mut limits.open_lanes).enumerate() {
            *open = leaf.occupied();
            limits.open_leaves |= u32::from(*open != 0) << at;
        }
        limits
    }
}

impl PairLimit for CircleLimits {
    fn open_leaves(&self) -> u32 {
        self.open_leaves
    }

    fn open_lanes(&self, leaf: usize) -> u32 {
        self.open_lanes[leaf]
    }

    fn take(
        &mut self,
        (at, lane): (usize, usize),
        row: u32,
        other: &Leaf,
        touching: u32,
        found: &mut Vec<Pair>,
    ) {
        let left = &mut self.lefts[at][lane];
        for partner in bits(touching).take(*left as usize) {
            found.push(pair(row, other.rows[partner]));
        }
        *left = left.saturating_sub(touching.count_ones());
        if *left == 0 {
            self.open_lanes[at] &= !(1 << lane);
            if self.open_lanes[at] == 0 {
                self.open_leaves &= !(1 << at);
            }
        }
    }
}

#[inline]
fn pair(a: u32, b: u32) -> Pair {
    (a.min(b), a.max(b))
}
