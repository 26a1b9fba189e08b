//! Leaves and blocks: lanes of circles and of boxes, tested all at once.
//!
//! Owns the arithmetic of touching and meeting. There is no branch inside a loop over lanes, so that
//! each becomes vector code; the answer is a mask, a bit a lane.

/// Circles in a leaf. At 100k circles 8 patrols 16 by a tenth: a leaf is scanned against itself, and
/// that work grows with its square.
pub(super) const LEAF_ROWS: usize = 8;

/// Leaves in a block: as many as a mask has bits.
pub(super) const BLOCK_LEAVES: usize = u32::BITS as usize;

/// A box parallel to the axes, in u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) low: [f32; 2],
    pub(super) high: [f32; 2],
}

impl Area {
    /// The box round nothing, which meets no other.
    pub(super) const NOTHING: Self = Self {
        low: [f32::MAX; 2],
        high: [f32::MIN; 2],
    };

    /// The box round both.
    #[inline]
    pub(super) fn with(&self, other: &Self) -> Self {
        let [low_x, low_y] = self.low;
        let [high_x, high_y] = self.high;
        Self {
            low: [low_x.min(other.low[0]), low_y.min(other.low[1])],
            high: [high_x.max(other.high[0]), high_y.max(other.high[1])],
        }
    }
}

/// Circles that are neighbours on the curve; two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Leaf {
    pub(super) xs: [f32; LEAF_ROWS],
    pub(super) ys: [f32; LEAF_ROWS],
    pub(super) radii: [f32; LEAF_ROWS],
    pub(super) rows: [u32; LEAF_ROWS],
}

impl Leaf {
    /// Nobody: so far away that the distance to anything is infinite, and without extent, so that
    /// two of them do not touch either.
    pub(super) const EMPTY: Self = Self {
        xs: [f32::MAX; LEAF_ROWS],
        ys: [f32::MAX; LEAF_ROWS],
        radii: [0.0; LEAF_ROWS],
        rows: [u32::MAX; LEAF_ROWS],
    };

    /// Which lanes hold a circle.
    pub(super) fn occupied(&self) -> u32 {
        let mut mask = 0;
        for lane in 0..LEAF_ROWS {
            mask |= u32::from(self.rows[lane] != u32::MAX) << lane;
        }
        mask
    }

    /// Which circles here touch this one.
    #[inline]
    pub(super) fn touching(&self, x: f32, y: f32, radius: f32) -> u32 {
        let mut mask = 0;
        for lane in 0..LEAF_ROWS {
            let (dx, dy) = (self.xs[lane] - x, self.ys[lane] - y);
            let apart = self.radii[lane] + radius;
            let touches = dx * dx + dy * dy < apart * apart;
            mask |= if touches { 1 << lane } else { 0 };
        }
        mask
    }

    /// Which circles' boxes meet this one.
    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "no branch inside: it becomes vector code"
    )]
    pub(super) fn meeting(&self, area: &Area) -> u32 {
        let mut mask = 0;
        for lane in 0..LEAF_ROWS {
            let (x, y, radius) = (self.xs[lane], self.ys[lane], self.radii[lane]);
            let meets = (x + radius >= area.low[0])
                & (x - radius <= area.high[0])
                & (y + radius >= area.low[1])
                & (y - radius <= area.high[1]);
            mask |= if meets { 1 << lane } else { 0 };
        }
        mask
    }
}

/// The boxes of leaves that are neighbours on the curve, and the box round them all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    low_xs: [f32; BLOCK_LEAVES],
    low_ys: [f32; BLOCK_LEAVES],
    high_xs: [f32; BLOCK_LEAVES],
    high_ys: [f32; BLOCK_LEAVES],
    pub(super) area: Area,
}

impl Block {
    /// Leaves round nothing.
    pub(super) const EMPTY: Self = Self {
        low_xs: [f32::MAX; BLOCK_LEAVES],
        low_ys: [f32::MAX; BLOCK_LEAVES],
        high_xs: [f32::MIN; BLOCK_LEAVES],
        high_ys: [f32::MIN; BLOCK_LEAVES],
        area: Area::NOTHING,
    };

    /// Notes the box of a leaf.
    pub(super) fn place(&mut self, leaf: usize, area: Area) {
        self.low_xs[leaf] = area.low[0];
        self.low_ys[leaf] = area.low[1];
        self.high_xs[leaf] = area.high[0];
        self.high_ys[leaf] = area.high[1];
        self.area = self.area.with(&area);
    }

    /// The box of a leaf.
    #[inline]
    pub(super) fn leaf(&self, leaf: usize) -> Area {
        Area {
            low: [self.low_xs[leaf], self.low_ys[leaf]],
            high: [self.high_xs[leaf], self.high_ys[leaf]],
        }
    }

    /// Which leaves' boxes meet this one.
    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "no branch inside: it becomes vector code"
    )]
    pub(super) fn meeting(&self, area: &Area) -> u32 {
        let mut mask = 0;
        for lane in 0..BLOCK_LEAVES {
            let meets = (self.high_xs[lane] >= area.low[0])
                & (self.low_xs[lane] <= area.high[0])
                & (self.high_ys[lane] >= area.low[1])
                & (self.low_ys[lane] <= area.high[1]);
            mask |= if meets { 1 << lane } else { 0 };
        }
        mask
    }
}

/// The places of the bits that are set, ascending.
#[inline]
pub(super) fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (lane < u32::BITS).then_some(lane as usize)
    })
}
