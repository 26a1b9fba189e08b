//! Space: which solid circles touch, and what is inside a box.
//!
//! Owns the broad phase. Every tick the circles are sorted along a Morton curve and cut into leaves
//! of [`LEAF_ROWS`] neighbours, the leaves into blocks of [`BLOCK_LEAVES`], the blocks into groups of
//! as many; an [`rstar`] tree is packed over the groups' tight boxes. So the tree holds one entry for
//! 8,192 circles, follows crowds wherever they gather, and all below it are plain lanes that vector
//! code tests four at a time.
//!
//! ```text
//! tree    box(group 0)                     box(group 1) …    rstar, rebuilt every tick
//! group   box(block 0) … box(block 31)   | …                 lanes as a block's
//! block   box(leaf 0) … box(leaf 31)     | …                 lanes: low x, low y, high x, high y
//! leaf    x y radius row of 8 circles    | …                 lanes, along the Morton curve
//! ```
//!
//! `benches/space` measures this against a fresh tree of circles, fat envelopes, a tree over
//! occupied cells, and brute force, which is also its model in the tests. Order of use: [`clear`],
//! [`push`] each circle, [`pack`], then [`find_pairs`] or ask. What is told does not depend on the number of workers.
//!
//! In a pile the number of pairs would grow with its square. There, that is where the circles of a block
//! have more than [`CONTACTS_PER_SHIP_MAX`] pairs each, a circle takes part in at most so many with
//! circles that stand behind it in the order of the curve, the nearest in that order; it is left out
//! of the search once it has them. Whoever packs from the other end every other time has every circle
//! served: of two that touch, each stands before the other in one of two packings.
//!
//! [`clear`]: Space::clear
//! [`push`]: Space::push
//! [`pack`]: Space::pack
//! [`find_pairs`]: Space::find_pairs

mod leaf;
mod limit;
mod morton;
mod scan;

use rayon::prelude::*;
use rstar::{AABB, RTree, RTreeObject};

use leaf::{Area, BLOCK_LEAVES, Block, LEAF_ROWS, Leaf, bits};
use limit::{BlockLimit, CircleLimits, PairLimit};
use morton::{Keyed, MortonCurve};
use scan::{scan_block, scan_blocks};

use super::parallelism::Fork;
use crate::limits::CONTACTS_PER_SHIP_MAX;

/// Circles in a block.
const BLOCK_ROWS: usize = BLOCK_LEAVES * LEAF_ROWS;

/// Two rows whose circles overlap, the smaller first.
pub type Pair = (u32, u32);

/// One circle as given, before sorting.
#[derive(Clone, Copy, Debug)]
struct Circle {
    x: f32,
    y: f32,
    radius: f32,
    row: u32,
}

/// A group of [`BLOCK_LEAVES`] neighbouring blocks, which is to them what a block is to leaves.
type Group = Block;

/// A group in the tree.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    area: Area,
    group: u32,
}

impl RTreeObject for Entry {
    type Envelope = AABB<[f32; 2]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.area.low, self.area.high)
    }
}

/// The broad phase of one world.
#[derive(Debug)]
pub struct Space {
    curve: MortonCurve,
    circles: Vec<Circle>,
    /// [`BLOCK_LEAVES`] for each block, the last filled up with empty ones.
    leaves: Vec<Leaf>,
    blocks: Vec<Block>,
    groups: Vec<Group>,
    tree: RTree<Entry>,
    found: Vec<Vec<Pair>>,
    pairs: Vec<Pair>,
}

impl Space {
    /// An empty space over `[-half_extent, half_extent]²`. Circles outside are found all the same.
    pub fn new(half_extent: f32) -> Self {
        Self {
            curve: MortonCurve::new(half_extent),
            circles: Vec::new(),
            leaves: Vec::new(),
            blocks: Vec::new(),
            groups: Vec::new(),
            tree: RTree::new(),
            found: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// Forgets all circles.
    pub fn clear(&mut self) {
        self.circles.clear();
    }

    /// Adds a circle; `row` is the caller's name for it.
    pub fn push(&mut self, row: u32, x: f32, y: f32, radius: f32) {
        self.circles.push(Circle { x, y, radius, row });
    }

    /// Sorts the circles into leaves, beginning at either end of the curve, and builds the tree:
    /// linear in circles; the tree alone takes new memory, an entry for 8,192 circles. Returns into
    /// how many jobs the blocks were cut.
    pub fn pack(&mut self, from_end: bool, fork: Fork) -> usize {
        let circles = &self.circles;
        let order = self
            .curve
            .sort(circles.iter().map(|circle| (circle.x, circle.y)), from_end);
        let blocks_count = circles.len().div_ceil(BLOCK_ROWS);
        self.blocks.resize(blocks_count, Block::EMPTY);
        self.leaves.resize(blocks_count * BLOCK_LEAVES, Leaf::EMPTY);
        let jobs = fork.jobs(blocks_count);
        if jobs == 1 {
            let blocks = self.blocks.iter_mut();
            let leaves = self.leaves.chunks_mut(BLOCK_LEAVES);
            let parts = blocks.zip(leaves).zip(order.chunks(BLOCK_ROWS));
            parts.for_each(|((block, leaves), run)| fill_block(circles, run, block, leaves));
        } else {
            let blocks = self.blocks.par_iter_mut().with_min_len(fork.chunk_items);
            let leaves = self.leaves.par_chunks_mut(BLOCK_LEAVES);
            let parts = blocks.zip(leaves).zip(order.par_chunks(BLOCK_ROWS));
            parts.for_each(|((block, leaves), run)| fill_block(circles, run, block, leaves));
        }
        self.groups.clear();
        for blocks in self.blocks.chunks(BLOCK_LEAVES) {
            let mut group = Group::EMPTY;
            for (at, block) in blocks.iter().enumerate() {
                group.place(at, block.area);
            }
            self.groups.push(group);
        }
        let areas = self.groups.iter().map(|group| group.area).zip(0..);
        let entries = areas.map(|(area, group)| Entry { area, group });
        self.tree = RTree::bulk_load(entries.collect());
        jobs
    }

    /// Finds the pairs of circles that overlap: all of them, but in a pile at most
    /// [`CONTACTS_PER_SHIP_MAX`] a circle. Work: pairs of leaves whose boxes meet, shared by the workers
    /// of the current pool where there are many. Returns into how many jobs the blocks were cut.
    pub fn find_pairs(&mut self, fork: Fork) -> usize {
        self.find_pairs_at_most(CONTACTS_PER_SHIP_MAX, fork)
    }

    fn find_pairs_at_most(&mut self, each_max: u32, fork: Fork) -> usize {
        let chunk_blocks = fork.chunk_items;
        let chunks_count = self.blocks.len().div_ceil(chunk_blocks);
        if self.found.len() < chunks_count {
            self.found.resize_with(chunks_count, Vec::new);
        }
        let packed = Packed {
            tree: &self.tree,
            groups: &self.groups,
            blocks: &self.blocks,
            leaves: &self.leaves,
        };
        let (circles_count, all) = (self.circles.len(), &self.blocks[..]);
        let scan = |(chunk, (blocks, found)): (usize, (&[Block], &mut Vec<Pair>))| {
            found.clear();
            for a in (chunk * chunk_blocks..).take(blocks.len()) {
                let circles = (circles_count - a * BLOCK_ROWS).min(BLOCK_ROWS) as u32;
                packed.find(a, circles, each_max, found);
            }
        };
        let jobs = fork.jobs(all.len());
        if jobs == 1 {
            let chunks = all.chunks(chunk_blocks).zip(&mut self.found);
            chunks.enumerate().for_each(scan);
        } else {
            let chunks = all.par_chunks(chunk_blocks).zip(&mut self.found);
            chunks.enumerate().for_each(scan);
        }
        self.pairs.clear();
        for found in self.found.iter().take(chunks_count) {
            self.pairs.extend_from_slice(found);
        }
        // As one word a pair compares without a branch.
        self.pairs
            .sort_unstable_by_key(|&(a, b)| u64::from(a) << 32 | u64::from(b));
        jobs
    }

    /// The pairs that the last [`Self::find_pairs`] found, ascending.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Calls `visit` with every row whose circle's box meets a box. Work: one descent, about 30 ns a
    /// group or block and 10 ns a leaf.
    #[inline]
    pub fn each_near_box(&self, low: [f32; 2], high: [f32; 2], mut visit: impl FnMut(u32)) {
        let area = Area { low, high };
        for at in blocks_meeting(&self.tree, &self.groups, area) {
            let leaves = leaves_of(&self.leaves, at);
            for leaf in bits(self.blocks[at].meeting(&area)) {
                for lane in bits(leaves[leaf].meeting(&area)) {
                    visit(leaves[leaf].rows[lane]);
                }
            }
        }
    }
}

/// The blocks whose boxes meet a box.
#[inline]
fn blocks_meeting<'a>(
    tree: &'a RTree<Entry>,
    groups: &'a [Group],
    area: Area,
) -> impl Iterator<Item = usize> + 'a {
    let envelope = AABB::from_corners(area.low, area.high);
    tree.locate_in_envelope_intersecting(envelope)
        .flat_map(move |entry| {
            let group = entry.group as usize;
            bits(groups[group].meeting(&area)).map(move |at| group * BLOCK_LEAVES + at)
        })
}

/// The leaves of one block.
fn leaves_of(leaves: &[Leaf], block: usize) -> &[Leaf] {
    &leaves[block * BLOCK_LEAVES..][..BLOCK_LEAVES]
}

/// Puts a run of circles into a block and its leaves, whatever they held.
fn fill_block(circles: &[Circle], run: &[Keyed], block: &mut Block, leaves: &mut [Leaf]) {
    *block = Block::EMPTY;
    leaves.fill(Leaf::EMPTY);
    for (at, (run, leaf)) in run.chunks(LEAF_ROWS).zip(leaves).enumerate() {
        block.place(at, fill_leaf(circles, run, leaf));
    }
}

/// Puts a run of circles into an empty leaf; the box round them.
fn fill_leaf(circles: &[Circle], run: &[Keyed], leaf: &mut Leaf) -> Area {
    let mut area = Area::NOTHING;
    for (lane, &(_, at)) in run.iter().enumerate() {
        let Circle { x, y, radius, row } = circles[at as usize];
        leaf.xs[lane] = x;
        leaf.ys[lane] = y;
        leaf.radii[lane] = radius;
        leaf.rows[lane] = row;
        area = area.with(&Area {
            low: [x - radius, y - radius],
            high: [x + radius, y + radius],
        });
    }
    area
}

/// The packed circles, as the search for pairs reads them.
struct Packed<'a> {
    tree: &'a RTree<Entry>,
    groups: &'a [Group],
    blocks: &'a [Block],
    leaves: &'a [Leaf],
}

impl Packed<'_> {
    /// Appends the pairs that the circles of block `a` begin, at most `each_max` a circle on average; in a
    /// pile, at most `each_max` for each.
    fn find(&self, a: usize, circles: u32, each_max: u32, found: &mut Vec<Pair>) {
        let before = found.len();
        let mut limit = BlockLimit::new(circles.saturating_mul(each_max));
        self.scan(a, &mut limit, found);
        if limit.is_reached() {
            found.truncate(before);
            let mut limits = CircleLimits::new(leaves_of(self.leaves, a), each_max);
            self.scan(a, &mut limits, found);
        }
    }

    fn scan(&self, a: usize, limit: &mut impl PairLimit, found: &mut Vec<Pair>) {
        let (block, ones) = (&self.blocks[a], leaves_of(self.leaves, a));
        scan_block(block, ones, limit, found);
        for b in blocks_meeting(self.tree, self.groups, block.area) {
            if limit.open_leaves() == 0 {
                break;
            }
            if a < b {
                let others = (&self.blocks[b], leaves_of(self.leaves, b));
                scan_blocks((block, ones), others, limit, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::Parallelism;

    fn fork() -> Fork {
        Parallelism::default().space
    }

    /// All pairs, however many.
    fn all_pairs(space: &mut Space) -> &[Pair] {
        space.find_pairs_at_most(u32::MAX, fork());
        space.pairs()
    }

    /// The pairs that a step settles.
    fn pairs(space: &mut Space) -> &[Pair] {
        space.find_pairs(fork());
        space.pairs()
    }

    fn circles() -> impl Strategy<Value = Vec<(f32, f32, f32)>> {
        let circle = (-500.0_f32..500.0, -500.0_f32..500.0, 0.0_f32..40.0);
        prop::collection::vec(circle, 0..900)
    }

    fn packed(circles: &[(f32, f32, f32)]) -> Space {
        let mut space = Space::new(450.0);
        for (row, &(x, y, radius)) in circles.iter().enumerate() {
            space.push(row as u32, x, y, radius);
        }
        space.pack(false, fork());
        space
    }

    proptest! {
        #[test]
        fn touching_pairs_equal_brute_force(circles in circles()) {
            let mut expected = Vec::new();
            for (b, &(bx, by, br)) in circles.iter().enumerate() {
                for (a, &(ax, ay, ar)) in circles.iter().enumerate().take(b) {
                    let (dx, dy) = (bx - ax, by - ay);
                    if dx * dx + dy * dy < (ar + br) * (ar + br) {
                        expected.push((a as u32, b as u32));
                    }
                }
            }
            expected.sort_unstable();
            let mut space = packed(&circles);
            prop_assert_eq!(all_pairs(&mut space), &expected[..]);
        }

        #[test]
        fn a_box_finds_every_circle_that_meets_it(
            circles in circles(),
            corner in (-600.0_f32..600.0, -600.0_f32..600.0),
            size in (0.0_f32..300.0, 0.0_f32..300.0),
        ) {
            let (low, high) = ([corner.0, corner.1], [corner.0 + size.0, corner.1 + size.1]);
            let mut seen = vec![0; circles.len()];
            packed(&circles).each_near_box(low, high, |row| seen[row as usize] += 1);
            for (row, &(x, y, radius)) in circles.iter().enumerate() {
                let meets = x + radius >= low[0] && x - radius <= high[0]
                    && y + radius >= low[1] && y - radius <= high[1];
                prop_assert!(seen[row] <= 1);
                prop_assert!(!meets || seen[row] == 1);
            }
        }
    }

    #[test]
    fn circles_in_one_place_all_touch() {
        let crowd = vec![(3.0, 4.0, 1.0); 300];
        let mut space = packed(&crowd);
        assert_eq!(all_pairs(&mut space).len(), 300 * 299 / 2);
    }

    /// Circles that all touch, in some order of places within a unit.
    fn pile(count: usize) -> Vec<(f32, f32, f32)> {
        let mut random = super::super::random::Random::new(3, 0, 0);
        (0..count)
            .map(|_| (random.unit(), random.unit(), 12.0))
            .collect()
    }

    #[test]
    fn a_piles_pairs_grow_with_its_circles_and_not_with_their_square() {
        for count in [300, 3_000, 20_000] {
            let mut space = packed(&pile(count));
            let pairs = pairs(&mut space);
            let most = count * CONTACTS_PER_SHIP_MAX as usize;
            assert!((most / 2..=most).contains(&pairs.len()), "{}", pairs.len());
            assert!(pairs.is_sorted() && pairs.windows(2).all(|two| two[0] != two[1]));
        }
    }

    #[test]
    fn in_two_packings_every_circle_of_a_pile_is_served() {
        let pile = pile(1_000);
        let mut served = vec![0_u32; pile.len()];
        let mut space = packed(&pile);
        for from_end in [false, true] {
            space.pack(from_end, fork());
            for &(a, b) in pairs(&mut space) {
                served[a as usize] += 1;
                served[b as usize] += 1;
            }
        }
        assert!(served.iter().all(|&count| count >= CONTACTS_PER_SHIP_MAX));
    }

    /// One circle touches a crowded one alone, from outside of its crowd.
    #[test]
    fn who_touches_only_one_of_a_pile_is_served_in_one_of_two_packings() {
        let mut circles = vec![(0.0, 0.0, 12.0); 100];
        circles.push((23.0, 0.0, 12.0));
        circles[50] = (1.0, 0.0, 12.0);
        for other in &mut circles[..100] {
            other.0 -= 1.0;
        }
        let mut space = packed(&circles);
        let mut served = 0;
        for from_end in [false, true] {
            space.pack(from_end, fork());
            let pairs = pairs(&mut space).iter();
            served += pairs.filter(|pair| **pair == (50, 100)).count();
        }
        assert!(served >= 1);
    }

    #[test]
    fn workers_find_the_same_pairs() {
        let rows = BLOCK_ROWS * fork().items_min * 2;
        let circle = |row: usize| {
            let place = |step: f64| ((row as f64 * step).fract() * 9000.0 - 4500.0) as f32;
            (
                place(0.754_877_666_246_693),
                place(0.569_840_290_998_053),
                40.0,
            )
        };
        let circles: Vec<_> = (0..rows).map(circle).collect();
        let found = |workers: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(workers);
            let mut space = Space::new(4500.0);
            pool.build().unwrap().install(|| {
                for (row, &(x, y, radius)) in circles.iter().enumerate() {
                    space.push(row as u32, x, y, radius);
                }
                space.pack(false, fork());
                pairs(&mut space).to_vec()
            })
        };
        let alone = found(1);
        assert!(alone.len() > rows, "{}", alone.len());
        assert_eq!(found(3), alone);
    }
}
