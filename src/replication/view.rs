//! Which cells a client sees: every cell that lies wholly within the view radius of its ship.
//!
//! The world is covered by cells, numbered row by row. A view is laid round an *anchor*, the
//! place of the client's ship when the view was laid; it is laid anew when the ship is
//! [`VIEW_ANCHOR_REACH`] away. What the client knows is the entities of the view's cells, so its
//! known set is one anchor and one size, and nothing is kept per client and entity.
//!
//! ```text
//!          . . . . .
//!        . # # # # # .
//!        . # # @ # # .    @ anchor   # seen   . touched by the circle, not seen
//!        . # # # # # .    a row of a view is one run of neighbouring cells,
//!          . . . . .      and so one contiguous run of bytes in a frame
//! ```
//!
//! Nobody beyond the radius is seen, wherever in its cell an entity is and wherever near the anchor
//! the ship. What is within [`Views::sure_reach`] is seen for sure; at the usual sizes that is 74 % of
//! the radius, and a view holds 78 % of what the circle holds. Nobody comes and goes who only
//! sways: the anchor stays while the ship is near it, and an entity stays in its cell until it is
//! [`INTEREST_CELL_MARGIN`] beyond the border.
//!
//! Finer cells would fit closer and cost more runs and more changes of cell; a test of each row at
//! the rim would fit best, but would need to know of each entity and client what was told.

use std::ops::Range;

use crate::limits::{
    INTEREST_CELL_ASPECT, INTEREST_CELL_MARGIN, VIEW_ANCHOR_REACH, VIEW_BANDS_MAX, VIEW_STEPS,
    VIEW_STEPS_OFF_MAX,
};
use crate::sim::Cells;

/// How far ring 0 and ring 1 reach from the anchor's cell, in columns and in rows.
const RING_COLUMNS: [u32; 2] = [
    RING_ROWS[0] * INTEREST_CELL_ASPECT,
    RING_ROWS[1] * INTEREST_CELL_ASPECT,
];
const RING_ROWS: [u32; 2] = [1, 2];

/// A cell of one system's grid: `row * columns + column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId(pub u32);

impl CellId {
    /// Where an entity comes from that was nowhere, and goes that is gone.
    pub const NOWHERE: Self = Self(u32::MAX);
}

/// The grid of one system: cells from `(-half_extent, -half_extent)` on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grid {
    /// Cells from west to east.
    pub columns: u32,
    /// Cells from south to north.
    pub rows: u32,
    /// Extent of a cell to the east, u.
    pub width: f32,
    /// Extent of a cell to the north, u.
    pub height: f32,
    /// Half a side of the system, u.
    pub half_extent: f32,
}

impl Grid {
    /// The grid of a world's cells.
    pub fn of(cells: &Cells) -> Self {
        Self {
            columns: cells.columns(),
            rows: cells.rows(),
            width: cells.width(),
            height: cells.height(),
            half_extent: cells.half_extent(),
        }
    }

    /// Column and row of a cell.
    const fn split(self, cell: CellId) -> (u32, u32) {
        (cell.0 % self.columns, cell.0 / self.columns)
    }

    /// How many columns lie west of a coordinate.
    fn columns_to(self, x: f32) -> f32 {
        (x + self.half_extent) / self.width
    }

    /// How many rows lie south of a coordinate.
    fn rows_to(self, y: f32) -> f32 {
        (y + self.half_extent) / self.height
    }

    /// A number of columns as the index of one of them, or of the end behind the last.
    fn clip_column(self, columns: f32) -> u16 {
        // A float's cast to an integer saturates.
        (columns as u32).min(self.columns) as u16
    }

    /// A number of rows, likewise.
    fn clip_row(self, rows: f32) -> u16 {
        (rows as u32).min(self.rows) as u16
    }

    /// Column and row of the cell that holds a point.
    fn cell_of(self, x: f32, y: f32) -> (u16, u16) {
        (
            self.clip_column(self.columns_to(x))
                .min(self.columns as u16 - 1),
            self.clip_row(self.rows_to(y)).min(self.rows as u16 - 1),
        )
    }
}

/// The views of one view radius, from the full one down.
#[derive(Clone, Copy, Debug)]
pub struct Views {
    radius: f32,
}

impl Views {
    /// The views of a radius in u.
    pub const fn new(radius: f32) -> Self {
        Self { radius }
    }

    /// Radius of the circle round the ship within which all cells of a view lie, u.
    fn radius_of(self, steps_off: u8) -> f32 {
        self.radius * f32::from(VIEW_STEPS - steps_off.min(VIEW_STEPS_OFF_MAX))
            / f32::from(VIEW_STEPS)
    }

    /// How far from its ship a client sees everything, whatever lies how in its cell, u.
    pub fn sure_reach(self, cell_height: f32) -> f32 {
        let width = cell_height / INTEREST_CELL_ASPECT as f32;
        let both_margins = 2.0 * INTEREST_CELL_MARGIN;
        let diagonal = (width + both_margins).hypot(cell_height + both_margins);
        (self.radius - 2.0 * VIEW_ANCHOR_REACH - diagonal).max(0.0)
    }

    /// The view round a ship's place. `cell` is the ship's; it is always part of the view.
    /// Work: one root a row of cells.
    pub fn view(self, grid: Grid, ship: ViewPlace, steps_off: u8) -> View {
        let (x, y) = (ship.x.round(), ship.y.round());
        let mut view = View {
            x,
            y,
            steps_off,
            center: grid.cell_of(x, y),
            ..View::NOTHING
        };
        let reach = self.radius_of(steps_off) - VIEW_ANCHOR_REACH;
        let margin = INTEREST_CELL_MARGIN;
        // Rows that lie wholly between the circle's lowest and highest point.
        let first = grid.clip_row(grid.rows_to(y - reach + margin).ceil().max(0.0));
        let end = grid.clip_row(grid.rows_to(y + reach - margin).floor().max(0.0));
        view.first = first;
        for row in (first..end).take(VIEW_BANDS_MAX) {
            let south = f32::from(row) * grid.height - grid.half_extent - margin;
            let north = south + grid.height + 2.0 * margin;
            let off = (y - south).abs().max((north - y).abs());
            let half_width = (reach * reach - off * off).max(0.0).sqrt() - margin;
            let start = grid.clip_column(grid.columns_to(x - half_width).ceil().max(0.0));
            let end = grid.clip_column(grid.columns_to(x + half_width).floor().max(0.0));
            let run = if half_width > 0.0 && start < end {
                Columns { start, end }
            } else {
                Columns::default()
            };
            view.bands[usize::from(view.count)] = run;
            view.count += 1;
        }
        view.take_in(grid, ship.cell);
        view
    }
}

/// Where a ship is.
#[derive(Clone, Copy, Debug)]
pub struct ViewPlace {
    /// East of the centre, u.
    pub x: f32,
    /// North of the centre, u.
    pub y: f32,
    /// Interest cell that the ship is counted in.
    pub cell: CellId,
}

/// Columns of one row of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    start: u16,
    end: u16,
}

impl Columns {
    const fn has(self, column: u32) -> bool {
        self.start as u32 <= column && column < self.end as u32
    }
}

/// The cells that a client sees, as one run a row of cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Place of the anchor to the east, u.
    x: f32,
    y: f32,
    /// Steps by which it is smaller than the full view.
    pub(super) steps_off: u8,
    count: u8,
    /// The lowest row.
    first: u16,
    /// Column and row of the anchor's cell.
    center: (u16, u16),
    bands: [Columns; VIEW_BANDS_MAX],
}

impl View {
    /// Nothing is seen.
    pub const NOTHING: Self = Self {
        x: 0.0,
        y: 0.0,
        steps_off: 0,
        count: 0,
        first: 0,
        center: (0, 0),
        bands: [Columns { start: 0, end: 0 }; VIEW_BANDS_MAX],
    };

    /// Whether nothing is seen, as before the first snapshot.
    pub const fn is_nothing(&self) -> bool {
        self.count == 0
    }

    /// Steps by which a crowd or an overload has made the view smaller.
    pub const fn steps_off(&self) -> u8 {
        self.steps_off
    }

    /// The point that it is laid round, as a ship's place: where a destroyed ship was.
    pub(super) fn anchor(&self, grid: Grid) -> ViewPlace {
        let (column, row) = self.center;
        ViewPlace {
            x: self.x,
            y: self.y,
            cell: CellId(u32::from(row) * grid.columns + u32::from(column)),
        }
    }

    /// Whether the view may stay as it is while the ship is there.
    pub(super) fn serves(&self, grid: Grid, ship: ViewPlace) -> bool {
        let (dx, dy) = (ship.x - self.x, ship.y - self.y);
        dx * dx + dy * dy <= VIEW_ANCHOR_REACH * VIEW_ANCHOR_REACH && self.sees(ship.cell, grid)
    }

    /// Adds a cell near the anchor, and what lies between it and the view.
    fn take_in(&mut self, grid: Grid, cell: CellId) {
        let (column, row) = grid.split(cell);
        let (column, row) = (column as u16, row as u16);
        if self.count == 0 {
            self.first = row;
        }
        while row < self.first && usize::from(self.count) < VIEW_BANDS_MAX {
            self.bands.rotate_right(1);
            self.bands[0] = Columns::default();
            self.first -= 1;
            self.count += 1;
        }
        while row >= self.first + u16::from(self.count) && usize::from(self.count) < VIEW_BANDS_MAX
        {
            self.bands[usize::from(self.count)] = Columns::default();
            self.count += 1;
        }
        let Some(band) = self
            .bands
            .get_mut(usize::from(row.wrapping_sub(self.first)))
        else {
            return;
        };
        *band = if band.start == band.end {
            Columns {
                start: column,
                end: column + 1,
            }
        } else {
            Columns {
                start: band.start.min(column),
                end: band.end.max(column + 1),
            }
        };
    }

    /// Whether each cell that another view sees is seen.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.rows().all(|row| {
            let (own, other) = (self.columns(row), other.columns(row));
            other.start == other.end || (own.start <= other.start && other.end <= own.end)
        })
    }

    /// This view and those cells of a larger one round the same anchor that `takes` lets in, asked row by
    /// row from the anchor's on. A row's cells are asked for from the inside out, and the first
    /// that is refused is the last one asked for.
    pub(super) fn grown_towards(
        &self,
        larger: &Self,
        grid: Grid,
        mut takes: impl FnMut(u32) -> bool,
    ) -> Self {
        let mut grown = *larger;
        grown.steps_off = self.steps_off;
        let rows = larger.rows();
        for (row, band) in rows.clone().zip(&mut grown.bands) {
            *band = self.columns(row);
        }
        let center = u32::from(self.center.1);
        for off in 0..grid.rows {
            let mut both = [center.checked_sub(off), center.checked_add(off)];
            both[1] = both[1].filter(|_| off > 0);
            if both.iter().flatten().all(|row| !rows.contains(row)) {
                break;
            }
            for row in both.into_iter().flatten().filter(|row| rows.contains(row)) {
                let wide = larger.columns(row);
                let band = &mut grown.bands[(row - rows.start) as usize];
                if band.start == band.end {
                    let middle = self.center.0.clamp(wide.start, wide.end);
                    (band.start, band.end) = (middle, middle);
                }
                while band.end < wide.end {
                    if !takes(row * grid.columns + u32::from(band.end)) {
                        return grown;
                    }
                    band.end += 1;
                }
                while band.start > wide.start {
                    if !takes(row * grid.columns + u32::from(band.start) - 1) {
                        return grown;
                    }
                    band.start -= 1;
                }
            }
        }
        grown
    }

    /// The columns of a row of cells that are seen.
    #[inline]
    fn columns(&self, row: u32) -> Columns {
        let index = row.wrapping_sub(u32::from(self.first));
        if index >= u32::from(self.count) {
            return Columns::default();
        }
        self.bands[index as usize % VIEW_BANDS_MAX]
    }

    /// The rows of cells that it covers.
    pub(super) fn rows(&self) -> Range<u32> {
        let first = u32::from(self.first);
        first..first + u32::from(self.count)
    }

    /// The seen cells, a run a row of cells, from the lowest row up. At most [`VIEW_BANDS_MAX`].
    #[inline]
    pub fn runs(&self, grid: Grid) -> impl Iterator<Item = Range<u32>> + '_ {
        let first = u32::from(self.first) * grid.columns;
        let bands = self.bands.iter().take(usize::from(self.count));
        bands.zip(0..).map(move |(columns, index)| {
            let row = first + index * grid.columns;
            row + u32::from(columns.start)..row + u32::from(columns.end)
        })
    }

    /// As [`Self::runs`], each beside what another view sees of it: the cells that only this one sees,
    /// those that both see, and again those that only this one sees.
    pub(super) fn runs_beside(
        &self,
        other: &Self,
        grid: Grid,
    ) -> impl Iterator<Item = Beside> + '_ {
        let other = *other;
        self.runs(grid).map(move |run| {
            let row = run.start / grid.columns;
            let columns = other.columns(row);
            let start = (row * grid.columns + u32::from(columns.start)).clamp(run.start, run.end);
            let end = (row * grid.columns + u32::from(columns.end)).clamp(start, run.end);
            Beside {
                left: run.start..start,
                both: start..end,
                right: end..run.end,
            }
        })
    }

    /// As [`Self::runs`], each by rings.
    pub(super) fn ringed_runs(&self, grid: Grid) -> impl Iterator<Item = RingedRun> + '_ {
        self.runs(grid).map(move |far| {
            let row = far.start / grid.columns;
            let (center_column, center_row) = (u32::from(self.center.0), u32::from(self.center.1));
            // The cells of the run that lie in a ring or further in.
            let within = |ring: usize| {
                if row.abs_diff(center_row) > RING_ROWS[ring] {
                    return far.start..far.start;
                }
                let reach = RING_COLUMNS[ring];
                let first = row * grid.columns + center_column.saturating_sub(reach);
                let end = row * grid.columns + center_column + reach + 1;
                let first = first.clamp(far.start, far.end);
                first..end.clamp(first, far.end)
            };
            RingedRun {
                near: within(0),
                middle: within(1),
                far: far.clone(),
            }
        })
    }

    /// Whether `cell` is seen; never true of [`CellId::NOWHERE`].
    #[inline]
    pub fn sees(&self, cell: CellId, grid: Grid) -> bool {
        if cell == CellId::NOWHERE {
            return false;
        }
        let (column, row) = grid.split(cell);
        self.columns(row).has(column)
    }

    /// The ring of a cell: how far it lies from the anchor's, as 0 (near), 1 (in the middle) or 2.
    pub(super) fn ring_of(&self, cell: CellId, grid: Grid) -> usize {
        let (column, row) = grid.split(cell);
        let columns = column.abs_diff(u32::from(self.center.0));
        let rows = row.abs_diff(u32::from(self.center.1));
        (0..RING_ROWS.len())
            .find(|&ring| columns <= RING_COLUMNS[ring] && rows <= RING_ROWS[ring])
            .unwrap_or(RING_ROWS.len())
    }
}

/// A row of a view beside another view; see [`View::runs_beside`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) left: Range<u32>,
    pub(super) both: Range<u32>,
    pub(super) right: Range<u32>,
}

/// A row of a view by rings (see [`View::ring`]): each run lies in the one after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RingedRun {
    /// Cells of ring 0.
    pub(super) near: Range<u32>,
    /// Cells of rings 0 and 1.
    pub(super) middle: Range<u32>,
    /// All cells of the row that are seen.
    pub(super) far: Range<u32>,
}

impl RingedRun {
    /// The cells of one ring alone, on both sides of the next inner one's.
    pub(super) fn of_ring(&self, ring: usize) -> [Range<u32>; 2] {
        let outside = |inner: &Range<u32>, outer: &Range<u32>| {
            if inner.is_empty() {
                [outer.clone(), outer.end..outer.end]
            } else {
                [outer.start..inner.start, inner.end..outer.end]
            }
        };
        match ring {
            0 => [self.near.clone(), self.near.end..self.near.end],
            1 => outside(&self.near, &self.middle),
            _ => outside(&self.middle, &self.far),
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
