//! Interest cells: which rows are where, for whoever looks round in squares.
//!
//! Owns the grid over a system's square and, after every tick, the rows sorted by cell. Rows of one
//! cell are one contiguous run, and cells follow each other row by row from the south-west, so a
//! band of cells is a contiguous run too. It never looks at what an entity is.
//!
//! ```text
//! cell = cy · side + cx          starts:  [0, 2, 2, 5, …]      side² + 1 offsets
//! (cx east, cy north)            order:   [7, 9 | | 1, 3, 8 | …]   rows, ascending inside a cell
//! ```
//!
//! Between two ticks rows may come and go: then `order` is that of the last tick's end.

use super::entities::{Entities, NO_CELL};
use crate::limits::INTEREST_CELLS_PER_SIDE_MAX;

/// The grid and the sorted rows.
#[derive(Debug)]
pub struct Cells {
    edge: f32,
    half_extent: f32,
    side: u32,
    starts: Vec<u32>,
    order: Vec<u32>,
}

/// All rows by cell, as of the end of the last tick.
#[derive(Clone, Copy, Debug)]
pub struct CellOrder<'a> {
    /// Cells from west to east.
    pub columns: u32,
    /// Cells from south to north.
    pub rows: u32,
    /// Where each cell's run starts in `order`, and at the end its length.
    pub starts: &'a [u32],
    /// Rows, cell by cell, ascending inside a cell.
    pub order: &'a [u32],
}

impl<'a> CellOrder<'a> {
    /// Rows in `cell`, ascending; none for a cell that does not exist.
    pub fn rows_of(&self, cell: u32) -> &'a [u32] {
        let bound = |cell: usize| self.starts.get(cell).map(|&start| start as usize);
        match (bound(cell as usize), bound(cell as usize + 1)) {
            (Some(start), Some(end)) => self.order.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Cells {
    /// A grid over `[-half_extent, half_extent]²`. The edge grows, if it must, until no side has
    /// more than [`INTEREST_CELLS_PER_SIDE_MAX`] cells.
    pub fn new(half_extent: f32, edge: f32) -> Self {
        let least = 2.0 * half_extent / INTEREST_CELLS_PER_SIDE_MAX as f32;
        let edge = edge.max(least).max(1.0);
        let side = (2.0 * half_extent / edge).ceil() as u32;
        let side = side.clamp(1, INTEREST_CELLS_PER_SIDE_MAX);
        Self {
            edge,
            half_extent,
            side,
            starts: vec![0; (side * side) as usize + 1],
            order: Vec::new(),
        }
    }

    /// Length of a cell's side, u.
    pub fn edge(&self) -> f32 {
        self.edge
    }

    /// Cells along a side of the system.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Column of a coordinate east, or row of one north; outside counts as the outermost.
    pub fn coordinate(&self, along: f32) -> u32 {
        // A float's cast to an integer saturates, and NaN gives 0.
        let cell = ((along + self.half_extent) * (1.0 / self.edge)) as u32;
        cell.min(self.side - 1)
    }

    /// The cell that holds a point.
    pub fn cell_at(&self, x: f32, y: f32) -> u32 {
        self.coordinate(y) * self.side + self.coordinate(x)
    }

    /// Rows in `cell`, ascending; none for a cell that does not exist.
    pub fn rows_in(&self, cell: u32) -> &[u32] {
        self.rows_between(cell, cell)
    }

    /// Rows in all cells from `first` to `last`, both included, cell by cell: for the cells of one
    /// band, `cy · side + cx0` to `cy · side + cx1`.
    pub fn rows_between(&self, first: u32, last: u32) -> &[u32] {
        let start = self.starts.get(first as usize).copied().unwrap_or(0);
        let end = last as usize + 1;
        let end = self.starts.get(end).copied().unwrap_or(start);
        let run = start as usize..end as usize;
        self.order.get(run).unwrap_or_default()
    }

    /// All rows by cell.
    pub fn order(&self) -> CellOrder<'_> {
        CellOrder {
            columns: self.side,
            rows: self.side,
            starts: &self.starts,
            order: &self.order,
        }
    }

    /// Where each cell's run starts in the order of rows by cell, and at the end how many rows there are.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Calls `visit` with each row of the cells that a circle touches (a superset of the rows in
    /// it: the caller measures). Rows are those of the last tick's end, so one may be out of range.
    pub fn each_near(&self, x: f32, y: f32, radius: f32, mut visit: impl FnMut(usize)) {
        let (west, east) = (self.coordinate(x - radius), self.coordinate(x + radius));
        let (south, north) = (self.coordinate(y - radius), self.coordinate(y + radius));
        for cy in south..=north {
            let band = cy * self.side;
            for &row in self.rows_between(band + west, band + east) {
                visit(row as usize);
            }
        }
    }

    /// Sorts all rows by cell, and moves each row's cell on by a tick; the previous one stays where
    /// the last tick was not shown. Linear in rows and cells.
    pub(super) fn sort(&mut self, entities: &mut Entities, is_carried: bool) {
        if !is_carried {
            std::mem::swap(&mut entities.cells, &mut entities.previous_cells);
        }
        let (scale, half, last) = (1.0 / self.edge, self.half_extent, self.side - 1);
        let places = entities.xs.iter().zip(&entities.ys);
        for (cell, (&x, &y)) in entities.cells.iter_mut().zip(places) {
            let cx = (((x + half) * scale) as u32).min(last);
            let cy = (((y + half) * scale) as u32).min(last);
            *cell = cy * self.side + cx;
        }
        sort_by_cell(&entities.cells, &mut self.starts, &mut self.order);
    }
}

/// A counting sort: `order` becomes the indices of `cells` by cell, ascending inside a cell, and
/// `starts[c]` the first place of cell `c`. `starts` has one entry more than there are cells.
pub(super) fn sort_by_cell(cells: &[u32], starts: &mut [u32], order: &mut Vec<u32>) {
    starts.fill(0);
    for &cell in cells {
        debug_assert_ne!(cell, NO_CELL);
        starts[cell as usize] += 1;
    }
    let mut sum = 0;
    for start in starts.iter_mut() {
        sum += *start;
        *start = sum;
    }
    order.resize(cells.len(), 0);
    // From the back, each cell's end moves down to its start, and equal cells stay in order.
    for (row, &cell) in cells.iter().enumerate().rev() {
        let place = &mut starts[cell as usize];
        *place -= 1;
        order[*place as usize] = row as u32;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counting_sort_equals_a_stable_sort(cells in prop::collection::vec(0_u32..20, 0..200)) {
            let mut starts = vec![0; 21];
            let mut order = Vec::new();
            sort_by_cell(&cells, &mut starts, &mut order);
            let mut expected: Vec<u32> = (0..cells.len() as u32).collect();
            expected.sort_by_key(|&row| cells[row as usize]);
            prop_assert_eq!(&order, &expected);
            for cell in 0..20_u32 {
                let run = &order[starts[cell as usize] as usize..starts[cell as usize + 1] as usize];
                prop_assert!(run.iter().all(|&row| cells[row as usize] == cell));
            }
        }
    }

    #[test]
    fn every_place_has_a_cell_and_the_grid_is_bounded() {
        let cells = Cells::new(100_000.0, 250.0);
        assert_eq!(cells.side(), INTEREST_CELLS_PER_SIDE_MAX);
        let last = cells.side() - 1;
        assert_eq!(cells.cell_at(-100_000.0, -100_000.0), 0);
        assert_eq!(
            cells.cell_at(100_000.0, 100_000.0),
            last * cells.side() + last
        );
        assert_eq!(cells.cell_at(f32::INFINITY, f32::NAN), last);
        assert_eq!(Cells::new(10.0, 250.0).side(), 1);
        assert_eq!(Cells::new(1000.0, 250.0).side(), 8);
    }
}
