//! Which cells a client sees, as a function of the cell it is in.
//!
//! The world is covered by square cells, numbered row by row. A client sees every cell of which
//! some point lies within its view radius of some point of its own cell, so everything within the
//! radius is always in view, and its known set is one number: the cell it was in.
//!
//! ```text
//!        . # # # .
//!        # # # # #      a row of a stencil is one run of neighbouring cells,
//!        # # @ # #      and so one contiguous run of bytes in a frame
//!        # # # # #
//!        . # # # .
//! ```

use std::ops::Range;

use crate::limits::STENCIL_REACH_MAX;

/// How far ring 0 reaches, in cells: the own cell and those next to it.
const NEAR_CELLS: u32 = 1;

/// A cell of one system's grid: `row * columns + column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId(pub u32);

impl CellId {
    /// Where an entity comes from that was nowhere, and goes that is gone.
    pub const NOWHERE: Self = Self(u32::MAX);
}

/// How many cells a grid has either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridSize {
    /// Cells along x.
    pub columns: u32,
    /// Cells along y.
    pub rows: u32,
}

impl GridSize {
    /// Number of cells.
    pub const fn cell_count(self) -> usize {
        self.columns as usize * self.rows as usize
    }
}

/// The shape of a view: for each row of cells above and below the own cell, how many cells to
/// either side are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stencil {
    reach: u32,
    half_widths: [u8; STENCIL_REACH_MAX as usize + 1],
}

impl Stencil {
    /// The stencil of a view radius over cells of `cell_edge`, both in u.
    ///
    /// The reach is capped at [`STENCIL_REACH_MAX`] cells; `cell_edge` must be positive.
    pub fn new(view_radius: f32, cell_edge: f32) -> Self {
        let radius_cells = (view_radius / cell_edge).clamp(0.0, STENCIL_REACH_MAX as f32);
        let mut reach = 0;
        let mut half_widths = [0; STENCIL_REACH_MAX as usize + 1];
        for dy in 0..=STENCIL_REACH_MAX {
            let gap_y = dy.saturating_sub(1) as f32;
            let seen = |dx: u32| {
                let gap_x = dx.saturating_sub(1) as f32;
                gap_x * gap_x + gap_y * gap_y < radius_cells * radius_cells
            };
            let Some(half_width) = (0..=STENCIL_REACH_MAX).rev().find(|&dx| seen(dx)) else {
                break;
            };
            reach = dy;
            half_widths[dy as usize] = half_width as u8;
        }
        Self { reach, half_widths }
    }

    /// The runs of cells seen from `center`, from the lowest row up, clipped to the grid.
    /// At most `2 * STENCIL_REACH_MAX + 1` runs.
    pub fn runs(&self, center: CellId, grid: GridSize) -> impl Iterator<Item = Range<u32>> + '_ {
        let (column, row) = split(center, grid);
        let first = row.saturating_sub(self.reach);
        let last = (row + self.reach).min(grid.rows - 1);
        (first..=last).map(move |y| {
            let half_width = u32::from(self.half_widths[y.abs_diff(row) as usize]);
            let start = column.saturating_sub(half_width);
            let end = (column + half_width + 1).min(grid.columns);
            y * grid.columns + start..y * grid.columns + end
        })
    }

    /// As [`Self::runs`], each by rings.
    pub(super) fn ringed_runs(
        &self,
        center: CellId,
        grid: GridSize,
    ) -> impl Iterator<Item = RingedRun> + '_ {
        let (column, row) = split(center, grid);
        self.runs(center, grid).map(move |far| {
            let y = far.start / grid.columns;
            // The cells of the run that lie within so many of the centre either way.
            let within = |reach: u32| {
                if y.abs_diff(row) > reach {
                    return far.start..far.start;
                }
                let first = y * grid.columns + column.saturating_sub(reach);
                let end = y * grid.columns + column + reach + 1;
                first.max(far.start)..end.min(far.end)
            };
            RingedRun {
                near: within(NEAR_CELLS),
                middle: within(self.middle_cells()),
                far,
            }
        })
    }

    /// How far ring 1 reaches, in cells.
    fn middle_cells(&self) -> u32 {
        self.reach.div_ceil(2).max(NEAR_CELLS)
    }

    /// Whether `cell` is seen from `center`; never true of [`CellId::NOWHERE`].
    pub fn sees(&self, center: CellId, cell: CellId, grid: GridSize) -> bool {
        if cell == CellId::NOWHERE || center == CellId::NOWHERE {
            return false;
        }
        let ((column, row), (x, y)) = (split(center, grid), split(cell, grid));
        let dy = row.abs_diff(y);
        dy <= self.reach && column.abs_diff(x) <= u32::from(self.half_widths[dy as usize])
    }

    /// Rings of a cell: how far it lies from `center`, as 0 (own and adjacent cells), 1 (up to
    /// half the reach) or 2 (beyond).
    pub fn ring(&self, center: CellId, cell: u32, grid: GridSize) -> u32 {
        let ((column, row), (x, y)) = (split(center, grid), split(CellId(cell), grid));
        let distance = column.abs_diff(x).max(row.abs_diff(y));
        if distance <= NEAR_CELLS {
            0
        } else if distance <= self.middle_cells() {
            1
        } else {
            2
        }
    }
}

/// A row of a view by rings (see [`Stencil::ring`]): each run holds the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RingedRun {
    /// Cells of ring 0.
    pub(super) near: Range<u32>,
    /// Cells of rings 0 and 1.
    pub(super) middle: Range<u32>,
    /// All cells of the row that are seen.
    pub(super) far: Range<u32>,
}

/// Column and row of a cell.
fn split(cell: CellId, grid: GridSize) -> (u32, u32) {
    (cell.0 % grid.columns, cell.0 / grid.columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: GridSize = GridSize {
        columns: 40,
        rows: 30,
    };

    fn seen(stencil: &Stencil, center: CellId) -> Vec<u32> {
        stencil.runs(center, GRID).flatten().collect()
    }

    #[test]
    fn a_radius_of_four_cells_takes_nine_runs() {
        let stencil = Stencil::new(1000.0, 250.0);
        assert_eq!(stencil.runs(CellId(15 * 40 + 20), GRID).count(), 9);
    }

    proptest! {
        #[test]
        fn whatever_is_within_the_radius_is_seen(
            x in 0.0_f32..40.0, y in 0.0_f32..30.0, angle in 0.0_f32..6.3, share in 0.0_f32..0.999,
        ) {
            let stencil = Stencil::new(1000.0, 250.0);
            let (other_x, other_y) = (x + angle.cos() * 4.0 * share, y + angle.sin() * 4.0 * share);
            prop_assume!((0.0..40.0).contains(&other_x) && (0.0..30.0).contains(&other_y));
            let cell = |x: f32, y: f32| CellId(y as u32 * 40 + x as u32);
            prop_assert!(stencil.sees(cell(x, y), cell(other_x, other_y), GRID));
        }

        #[test]
        fn runs_and_sees_agree(center in 0_u32..1200, radius in 100.0_f32..2000.0) {
            let stencil = Stencil::new(radius, 250.0);
            let cells = seen(&stencil, CellId(center));
            for cell in 0..1200 {
                prop_assert_eq!(cells.contains(&cell), stencil.sees(CellId(center), CellId(cell), GRID));
            }
        }

        #[test]
        fn a_rows_rings_are_its_cells_rings(center in 0_u32..1200, radius in 100.0_f32..2000.0) {
            let stencil = Stencil::new(radius, 250.0);
            for run in stencil.ringed_runs(CellId(center), GRID) {
                for cell in run.far.clone() {
                    let ring = match (run.near.contains(&cell), run.middle.contains(&cell)) {
                        (true, true) => 0,
                        (false, true) => 1,
                        (false, false) => 2,
                        (true, false) => unreachable!("ring 0 lies in ring 1's run"),
                    };
                    prop_assert_eq!(ring, stencil.ring(CellId(center), cell, GRID));
                }
                prop_assert!(run.near.start >= run.middle.start && run.near.end <= run.middle.end
                    || run.near.is_empty());
            }
        }
    }
}
