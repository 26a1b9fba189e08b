//! Space: which solid circles touch, and what is inside a box.
//!
//! Owns the broad phase. Every tick the circles are sorted along a Morton curve and cut into
//! leaves of [`LEAF_ROWS`] neighbours; an [`rstar`] tree is packed over the leaves' tight boxes. So
//! the tree holds a thirty-second of the entries, follows crowds wherever they gather, and its leaves
//! are runs of plain columns that one vector instruction tests four at a time.
//!
//! ```text
//! sorted:  xs     [x x x … x | x x x … x | x x … pad]      leaf 0 | leaf 1 | …
//!          rows   [r r r … r | r r r … r | r r …    ]      the caller's rows
//! tree:    box(leaf 0), box(leaf 1), …                     rebuilt every tick, n/32 entries
//! ```
//!
//! `benches/space` measures this against a fresh tree of circles, fat envelopes, a tree over
//! occupied cells, and brute force, which is also its model in the tests. Order of use: [`clear`],
//! [`push`] each circle, [`pack`], then ask.
//!
//! [`clear`]: Space::clear
//! [`push`]: Space::push
//! [`pack`]: Space::pack

use rayon::prelude::*;
use rstar::{AABB, RTree, RTreeObject};

/// Circles in a leaf: measured at 10k and 100k circles, 32 beats 16 by a third, and a mask of lanes
/// is one `u32`.
pub const LEAF_ROWS: usize = 32;

/// Steps along each axis of the Morton curve; two passes of a radix sort cover both.
const STEPS: u32 = 1 << STEP_BITS;
const STEP_BITS: u32 = 11;

/// Leaves that a worker takes at a time.
const CHUNK_LEAVES: usize = 64;

/// Leaves below which one worker does it alone: each costs about 1 µs, a fork-join 30–140.
const PARALLEL_LEAVES_MIN: usize = 512;

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

/// A run of the sorted columns and the box round its circles.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Leaf {
    low: [f32; 2],
    high: [f32; 2],
    index: u32,
}

impl RTreeObject for Leaf {
    type Envelope = AABB<[f32; 2]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(self.low, self.high)
    }
}

/// The columns of one leaf.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    xs: [f32; LEAF_ROWS],
    ys: [f32; LEAF_ROWS],
    radii: [f32; LEAF_ROWS],
    rows: [u32; LEAF_ROWS],
}

impl Lanes {
    /// Nobody: so far away that the distance to anything is infinite, and without extent, so that
    /// two of them do not touch either.
    const EMPTY: Self = Self {
        xs: [f32::MAX; LEAF_ROWS],
        ys: [f32::MAX; LEAF_ROWS],
        radii: [0.0; LEAF_ROWS],
        rows: [u32::MAX; LEAF_ROWS],
    };

    /// Which circles here touch this one, a bit a lane. No branch inside: it becomes vector code.
    #[inline]
    fn touching(&self, x: f32, y: f32, radius: f32) -> u32 {
        let mut mask = 0;
        for lane in 0..LEAF_ROWS {
            let (dx, dy) = (self.xs[lane] - x, self.ys[lane] - y);
            let apart = self.radii[lane] + radius;
            let touches = dx * dx + dy * dy < apart * apart;
            mask |= if touches { 1 << lane } else { 0 };
        }
        mask
    }

    /// Which circles' boxes meet this one, a bit a lane.
    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "no branch inside: it becomes vector code"
    )]
    fn meeting(&self, low: [f32; 2], high: [f32; 2]) -> u32 {
        let mut mask = 0;
        for lane in 0..LEAF_ROWS {
            let (x, y, radius) = (self.xs[lane], self.ys[lane], self.radii[lane]);
            let meets = (x + radius >= low[0])
                & (x - radius <= high[0])
                & (y + radius >= low[1])
                & (y - radius <= high[1]);
            mask |= if meets { 1 << lane } else { 0 };
        }
        mask
    }
}

/// The broad phase of one world.
#[derive(Debug)]
pub struct Space {
    half_extent: f32,
    circles: Vec<Circle>,
    keys: Vec<(u32, u32)>,
    keys_spare: Vec<(u32, u32)>,
    lanes: Vec<Lanes>,
    leaves: Vec<Leaf>,
    tree: RTree<Leaf>,
    found: Vec<Vec<Pair>>,
    pairs: Vec<Pair>,
}

impl Space {
    /// An empty space over `[-half_extent, half_extent]²`. Circles outside are found all the same.
    pub fn new(half_extent: f32) -> Self {
        Self {
            half_extent,
            circles: Vec::new(),
            keys: Vec::new(),
            keys_spare: Vec::new(),
            lanes: Vec::new(),
            leaves: Vec::new(),
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

    /// Sorts the circles into leaves and builds the tree: linear in circles, and n/32·log for the
    /// tree.
    pub fn pack(&mut self) {
        self.sort();
        self.lanes.clear();
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.clear();
        for (index, run) in self.keys.chunks(LEAF_ROWS).enumerate() {
            let mut lanes = Lanes::EMPTY;
            let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
            for (lane, &(_, at)) in run.iter().enumerate() {
                let Circle { x, y, radius, row } = self.circles[at as usize];
                lanes.xs[lane] = x;
                lanes.ys[lane] = y;
                lanes.radii[lane] = radius;
                lanes.rows[lane] = row;
                low = [low[0].min(x - radius), low[1].min(y - radius)];
                high = [high[0].max(x + radius), high[1].max(y + radius)];
            }
            self.lanes.push(lanes);
            let index = index as u32;
            leaves.push(Leaf { low, high, index });
        }
        self.leaves.clone_from(&leaves);
        self.tree = RTree::bulk_load(leaves);
    }

    /// Puts the circles' places into `keys` along the Morton curve: two passes of counting sort.
    fn sort(&mut self) {
        let scale = STEPS as f32 / (2.0 * self.half_extent).max(1.0);
        let step = |along: f32| (((along + self.half_extent) * scale) as u32).min(STEPS - 1);
        self.keys.clear();
        let circles = self.circles.iter().zip(0..);
        self.keys.extend(
            circles.map(|(circle, at)| (spread(step(circle.x)) | spread(step(circle.y)) << 1, at)),
        );
        self.keys_spare.resize(self.keys.len(), (0, 0));
        for pass in 0..2 {
            let digit = |key: u32| (key >> (pass * STEP_BITS) & (STEPS - 1)) as usize;
            let mut places = [0_u32; STEPS as usize];
            for &(key, _) in &self.keys {
                places[digit(key)] += 1;
            }
            let mut sum = 0;
            for place in &mut places {
                sum += std::mem::replace(place, sum);
            }
            for &entry in &self.keys {
                let place = &mut places[digit(entry.0)];
                self.keys_spare[*place as usize] = entry;
                *place += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.keys_spare);
        }
    }

    /// All pairs of circles that overlap, ascending. Work: pairs of leaves whose boxes meet, shared
    /// by the workers of the current pool where there are many.
    pub fn touching(&mut self) -> &[Pair] {
        let chunks_count = self.leaves.len().div_ceil(CHUNK_LEAVES);
        if self.found.len() < chunks_count {
            self.found.resize_with(chunks_count, Vec::new);
        }
        let (tree, lanes, leaves) = (&self.tree, &self.lanes, &self.leaves);
        let scan = |(chunk, found): (&[Leaf], &mut Vec<Pair>)| {
            found.clear();
            for a in chunk {
                for b in tree.locate_in_envelope_intersecting(a.envelope()) {
                    if a.index <= b.index {
                        scan_leaves(lanes, leaves, a.index as usize, b.index as usize, found);
                    }
                }
            }
        };
        if leaves.len() < PARALLEL_LEAVES_MIN || rayon::current_num_threads() < 2 {
            let chunks = leaves.chunks(CHUNK_LEAVES);
            chunks.zip(&mut self.found).for_each(scan);
        } else {
            let chunks = leaves.par_chunks(CHUNK_LEAVES);
            chunks.zip(&mut self.found).for_each(scan);
        }
        self.pairs.clear();
        for found in self.found.iter().take(chunks_count) {
            self.pairs.extend_from_slice(found);
        }
        self.pairs.sort_unstable();
        &self.pairs
    }

    /// The pairs that the last [`Self::touching`] found.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Calls `visit` with every row whose circle's box meets a box. Work: one descent, and about
    /// 20 ns a leaf.
    pub fn each_near_box(&self, low: [f32; 2], high: [f32; 2], mut visit: impl FnMut(u32)) {
        let area = AABB::from_corners(low, high);
        for leaf in self.tree.locate_in_envelope_intersecting(area) {
            let lanes = &self.lanes[leaf.index as usize];
            for lane in bits(lanes.meeting(low, high)) {
                visit(lanes.rows[lane]);
            }
        }
    }
}

/// Pairs that touch between two leaves, or inside one.
fn scan_leaves(lanes: &[Lanes], leaves: &[Leaf], a: usize, b: usize, found: &mut Vec<Pair>) {
    let (ones, others, area) = (&lanes[a], &lanes[b], &leaves[b]);
    for lane in bits(ones.meeting(area.low, area.high)) {
        let mut touching = others.touching(ones.xs[lane], ones.ys[lane], ones.radii[lane]);
        if a == b {
            // Inside a leaf each pair once, and nobody with itself: later lanes only.
            touching &= u32::MAX << lane << 1;
        }
        for other in bits(touching) {
            let (one, other) = (ones.rows[lane], others.rows[other]);
            found.push((one.min(other), one.max(other)));
        }
    }
}

/// The places of the bits that are set, ascending.
fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (lane < u32::BITS).then_some(lane as usize)
    })
}

/// Moves the low 11 bits apart, one zero between each two.
const fn spread(bits: u32) -> u32 {
    let bits = bits & 0xffff;
    let bits = (bits | bits << 8) & 0x00ff_00ff;
    let bits = (bits | bits << 4) & 0x0f0f_0f0f;
    let bits = (bits | bits << 2) & 0x3333_3333;
    (bits | bits << 1) & 0x5555_5555
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn circles() -> impl Strategy<Value = Vec<(f32, f32, f32)>> {
        let circle = (-500.0_f32..500.0, -500.0_f32..500.0, 0.0_f32..40.0);
        prop::collection::vec(circle, 0..120)
    }

    fn packed(circles: &[(f32, f32, f32)]) -> Space {
        let mut space = Space::new(450.0);
        for (row, &(x, y, radius)) in circles.iter().enumerate() {
            space.push(row as u32, x, y, radius);
        }
        space.pack();
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
            prop_assert_eq!(space.touching(), &expected[..]);
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
        let crowd = vec![(3.0, 4.0, 1.0); 50];
        assert_eq!(packed(&crowd).touching().len(), 50 * 49 / 2);
    }
}
