//! Interest cells: which rows are where, for whoever looks round in squares.
//!
//! Owns the grid over a system's square and, after every tick, the rows sorted by cell. Rows of one
//! cell are one contiguous run, and cells follow each other row by row from the south-west, so a
//! band of cells is a contiguous run too. Whoever looks round pays for each row of cells, so cells are
//! [`INTEREST_CELL_ASPECT`] times as high as wide. It never looks at what an entity is.
//!
//! An entity changes its cell only when it is [`INTEREST_CELL_MARGIN`] beyond the border, so one that
//! sways over a border stays in one cell, and nobody sees it come and go. Who searches by place
//! therefore looks that much farther ([`Cells::each_near`] does).
//!
//! ```text
//! cell = cy · columns + cx       starts:  [0, 2, 2, 5, …]      one offset more than cells
//! (cx east, cy north)            order:   [7, 9 | | 1, 3, 8 | …]   rows, ascending inside a cell
//! ```
//!
//! Between two ticks rows may come and go: then `order` is that of the last tick's end.

use super::columns::column_view;
use super::entities::{Entities, NO_CELL};
use crate::limits::{INTEREST_CELL_ASPECT, INTEREST_CELL_MARGIN, INTEREST_CELL_ROWS_MAX};

/// Cells a row from which on the rows are sorted digit by digit: then most cells are empty, and
/// counting them all would cost more than moving every row twice.
const SPARSE_CELLS_PER_ROW: usize = 8;

column_view! {
    /// What the sort reads and writes.
    struct CellColumns of Entities {
        reads {
            xs: [f32],
            ys: [f32],
        }
        writes {
            cells: [u32],
            previous_cells: [u32],
        }
    }
}

/// The grid and the sorted rows.
#[derive(Debug)]
pub struct Cells {
    height: f32,
    width: f32,
    half_extent: f32,
    rows: u32,
    columns: u32,
    starts: Vec<u32>,
    order: Vec<u32>,
    scratch: Scratch,
}

/// Memory that a sort leaves for the next.
#[derive(Debug, Default)]
struct Scratch {
    /// The cell of each row's place.
    exact: Vec<u32>,
    by_column: Vec<u32>,
    counts: Vec<u32>,
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
            (Some(start), Some(end)) => &self.order[start..end],
            _ => &[],
        }
    }
}

impl Cells {
    /// A grid over `[-half_extent, half_extent]²` of cells so high, in u. They are higher, if they must be,
    /// so that there are no more than [`INTEREST_CELL_ROWS_MAX`] rows.
    pub fn new(half_extent: f32, height: f32) -> Self {
        let least = 2.0 * half_extent / INTEREST_CELL_ROWS_MAX as f32;
        let height = height.max(least).max(1.0);
        let rows = (2.0 * half_extent / height).ceil() as u32;
        let rows = rows.clamp(1, INTEREST_CELL_ROWS_MAX);
        let columns = rows * INTEREST_CELL_ASPECT;
        Self {
            height,
            width: height / INTEREST_CELL_ASPECT as f32,
            half_extent,
            rows,
            columns,
            starts: vec![0; (rows * columns) as usize + 1],
            order: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// Half a side of the system, u.
    pub fn half_extent(&self) -> f32 {
        self.half_extent
    }

    /// Extent of a cell to the north, u.
    pub fn height(&self) -> f32 {
        self.height
    }

    /// Extent of a cell to the east, u.
    pub fn width(&self) -> f32 {
        self.width
    }

    /// Cells from west to east.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Cells from south to north.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Column of a coordinate east; outside counts as the outermost.
    fn column(&self, x: f32) -> u32 {
        clip((x + self.half_extent) * (1.0 / self.width), self.columns)
    }

    /// Row of a coordinate north, likewise.
    fn row(&self, y: f32) -> u32 {
        clip((y + self.half_extent) * (1.0 / self.height), self.rows)
    }

    /// The cell that holds a point.
    pub fn cell_at(&self, x: f32, y: f32) -> u32 {
        self.row(y) * self.columns + self.column(x)
    }

    /// Rows in `cell`, ascending; none for a cell that does not exist.
    pub fn rows_in(&self, cell: u32) -> &[u32] {
        self.rows_between(cell, cell)
    }

    /// Rows in all cells from `first` to `last`, both included, cell by cell: for the cells of one
    /// band, `cy · columns + cx0` to `cy · columns + cx1`. None if one of the two does not exist.
    pub fn rows_between(&self, first: u32, last: u32) -> &[u32] {
        let starts = (
            self.starts.get(first as usize),
            self.starts.get(last as usize + 1),
        );
        match starts {
            (Some(&start), Some(&end)) => &self.order[start as usize..end as usize],
            // Whoever asks may have the cell from elsewhere, or none.
            _ => &[],
        }
    }

    /// All rows by cell.
    pub fn order(&self) -> CellOrder<'_> {
        CellOrder {
            columns: self.columns,
            rows: self.rows,
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
        let radius = radius + INTEREST_CELL_MARGIN;
        let (west, east) = (self.column(x - radius), self.column(x + radius));
        for cy in self.row(y - radius)..=self.row(y + radius) {
            let band = cy * self.columns;
            for &row in self.rows_between(band + west, band + east) {
                visit(row as usize);
            }
        }
    }

    /// Sorts all rows by cell, and moves each row's cell on by a tick; the previous one stays where
    /// the last tick was not shown. Linear in rows; the starts of empty cells are filled in.
    pub(super) fn sort(&mut self, columns: CellColumns<'_>, is_carried: bool) {
        let CellColumns {
            xs,
            ys,
            cells,
            previous_cells,
        } = columns;
        if !is_carried {
            // Where nothing is carried, the newest cell is told of as the previous one from now on.
            previous_cells.copy_from_slice(cells);
        }
        self.find_exact(xs, ys);
        for (row, (cell, &exact)) in cells.iter_mut().zip(&self.scratch.exact).enumerate() {
            if *cell != exact && !self.still_holds(*cell, xs[row], ys[row]) {
                *cell = exact;
            }
        }
        if self.starts.len() > SPARSE_CELLS_PER_ROW * cells.len() {
            let sides = [self.columns, self.rows];
            sort_by_digits(cells, sides, &mut self.scratch, &mut self.order);
            fill_starts(cells, &self.order, &mut self.starts);
        } else {
            sort_by_cell(cells, &mut self.starts, &mut self.order);
        }
    }

    /// Notes the cell of each row's place. Without a branch, so that it becomes vector code; few
    /// entities are in another cell than before.
    fn find_exact(&mut self, xs: &[f32], ys: &[f32]) {
        let (half, columns, rows) = (self.half_extent, self.columns, self.rows);
        let (per_width, per_height) = (1.0 / self.width, 1.0 / self.height);
        let exact = &mut self.scratch.exact;
        exact.clear();
        exact.extend(xs.iter().zip(ys).map(|(&x, &y)| {
            clip((y + half) * per_height, rows) * columns + clip((x + half) * per_width, columns)
        }));
    }

    /// Whether a place lies in a cell or so little outside that an entity of that cell stays in it.
    fn still_holds(&self, cell: u32, x: f32, y: f32) -> bool {
        if cell == NO_CELL {
            return false;
        }
        let is_near = |along: f32, index: u32, extent: f32| {
            let low = index as f32 * extent - self.half_extent;
            (low - INTEREST_CELL_MARGIN..=low + extent + INTEREST_CELL_MARGIN).contains(&along)
        };
        is_near(x, cell % self.columns, self.width) && is_near(y, cell / self.columns, self.height)
    }
}

/// The index of one of `count` cells in a row; `count` is at least 1.
#[inline]
fn clip(cells: f32, count: u32) -> u32 {
    // A float's cast to an integer saturates, and NaN gives 0. The signed one has a vector instruction.
    (cells as i32).clamp(0, count as i32 - 1) as u32
}

/// `order` becomes the indices of `cells` by cell, ascending inside a cell: a counting sort by column,
/// then one by row. Linear in entities and in the sides of the grid, however many cells it has.
fn sort_by_digits(
    cells: &[u32],
    [columns, rows]: [u32; 2],
    scratch: &mut Scratch,
    order: &mut Vec<u32>,
) {
    let Scratch {
        by_column, counts, ..
    } = scratch;
    by_column.resize(cells.len(), 0);
    order.resize(cells.len(), 0);
    let entities = 0..cells.len() as u32;
    pass(entities, columns, counts, by_column, |entity| {
        cells[entity as usize] % columns
    });
    pass(by_column.iter().copied(), rows, counts, order, |entity| {
        cells[entity as usize] / columns
    });
}

/// A counting sort of `rows` by a digit below `base`; equal digits stay in order.
fn pass(
    rows: impl Iterator<Item = u32> + Clone,
    base: u32,
    counts: &mut Vec<u32>,
    sorted: &mut [u32],
    digit: impl Fn(u32) -> u32,
) {
    counts.clear();
    counts.resize(base as usize + 1, 0);
    for row in rows.clone() {
        counts[digit(row) as usize + 1] += 1;
    }
    let mut sum = 0;
    for count in counts.iter_mut() {
        sum += *count;
        *count = sum;
    }
    for row in rows {
        let place = &mut counts[digit(row) as usize];
        sorted[*place as usize] = row;
        *place += 1;
    }
}

/// Sets each cell's first place in `order`, the empty cells' too.
fn fill_starts(cells: &[u32], order: &[u32], starts: &mut [u32]) {
    let mut next = 0;
    for (place, &row) in (0_u32..).zip(order) {
        let cell = cells[row as usize] as usize;
        if cell >= next {
            starts[next..=cell].fill(place);
            next = cell + 1;
        }
    }
    starts[next..].fill(order.len() as u32);
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
        fn both_sorts_equal_a_stable_sort(cells in prop::collection::vec(0_u32..20, 0..200)) {
            let mut starts = vec![0; 21];
            let mut order = Vec::new();
            sort_by_cell(&cells, &mut starts, &mut order);
            let (mut sparse_starts, mut sparse_order) = (vec![7; 21], Vec::new());
            sort_by_digits(&cells, [5, 4], &mut Scratch::default(), &mut sparse_order);
            fill_starts(&cells, &sparse_order, &mut sparse_starts);
            prop_assert_eq!((&sparse_starts, &sparse_order), (&starts, &order));
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
        assert_eq!(cells.rows(), INTEREST_CELL_ROWS_MAX);
        assert_eq!(cells.cell_at(-100_000.0, -100_000.0), 0);
        assert_eq!(
            cells.cell_at(100_000.0, 100_000.0),
            cells.rows() * cells.columns() - 1
        );
        assert_eq!(cells.cell_at(f32::INFINITY, f32::NAN), cells.columns() - 1);
        assert_eq!(Cells::new(10.0, 250.0).rows(), 1);
        assert_eq!(Cells::new(1000.0, 250.0).rows(), 8);
        assert_eq!(Cells::new(1000.0, 250.0).columns(), 16);
    }
}
