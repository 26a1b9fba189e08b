//! The search for pairs: lanes of one leaf against lanes of another, wherever their boxes meet.
//!
//! Owns what is compared with what, so that each pair is looked at once; how many are taken is the
//! [`PairLimit`]'s.

use super::Pair;
use super::leaf::{Area, Block, LEAF_ROWS, Leaf, bits};
use super::limit::PairLimit;

/// Pairs that touch inside a block.
pub(super) fn scan_block(
    block: &Block,
    leaves: &[Leaf],
    limit: &mut impl PairLimit,
    found: &mut Vec<Pair>,
) {
    for (at, leaf) in leaves.iter().enumerate() {
        scan_leaf((at, leaf), limit, found);
        // Each pair of leaves once, and none with itself: later leaves only.
        let later = u32::MAX << at << 1;
        for other in bits(block.meeting(&block.leaf(at)) & later) {
            if limit.open_lanes(at) == 0 {
                break;
            }
            scan_leaves((at, leaf), &leaves[other], &block.leaf(other), limit, found);
        }
    }
}

/// Pairs that touch between two blocks.
pub(super) fn scan_blocks(
    ones: (&Block, &[Leaf]),
    others: (&Block, &[Leaf]),
    limit: &mut impl PairLimit,
    found: &mut Vec<Pair>,
) {
    for one in bits(ones.0.meeting(&others.0.area) & limit.open_leaves()) {
        for other in bits(others.0.meeting(&ones.0.leaf(one))) {
            if limit.open_lanes(one) == 0 {
                break;
            }
            let area = others.0.leaf(other);
            scan_leaves((one, &ones.1[one]), &others.1[other], &area, limit, found);
        }
    }
}

/// Pairs that touch inside a leaf.
fn scan_leaf((at, leaf): (usize, &Leaf), limit: &mut impl PairLimit, found: &mut Vec<Pair>) {
    for lane in 0..LEAF_ROWS - 1 {
        let later = u32::MAX << lane << 1;
        let touching = leaf.touching(leaf.xs[lane], leaf.ys[lane], leaf.radii[lane]) & later;
        if touching != 0 {
            limit.take((at, lane), leaf.rows[lane], leaf, touching, found);
        }
    }
}

/// Pairs that touch between two leaves; `area` is the box of the second.
fn scan_leaves(
    (at, ones): (usize, &Leaf),
    others: &Leaf,
    area: &Area,
    limit: &mut impl PairLimit,
    found: &mut Vec<Pair>,
) {
    for lane in bits(ones.meeting(area) & limit.open_lanes(at)) {
        let touching = others.touching(ones.xs[lane], ones.ys[lane], ones.radii[lane]);
        if touching != 0 {
            limit.take((at, lane), ones.rows[lane], others, touching, found);
        }
    }
}
