//! What each client gets to see in a tick: the cell it looks from, how far, and how often.
//!
//! A client has a budget of bytes a delta. While what changed in its view fits, it gets all of it.
//! In a crowd the updates are thinned by rings of distance, near ones last; only when even the
//! thinnest does not fit does the view itself shrink, a step a tick, and it grows back once the
//! larger view would fit with room to spare. A view also never holds more than a snapshot of it
//! can tell in one message. Membership is never thinned: who enters or leaves the
//! view is told in the tick in which it happens.
//!
//! Decides from row counts alone, before anything is encoded.

use super::compose::{Stencils, THINNING};
use super::frame::View;
use super::stencil::{CellId, GridSize};
use crate::limits::{DELTA_BYTES_MAX, ROW_BYTES_ESTIMATE, VIEW_LEVELS, VIEW_ROWS_MAX};

/// How many rows each cell holds, as running sums: cell `c` holds `starts[c]..starts[c + 1]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occupancy<'a> {
    pub(super) grid: GridSize,
    pub(super) starts: &'a [u32],
    /// Rows of an update list that fit a client's budget.
    pub(super) rows_max: u32,
    /// Sizes by which every view is shrunk at least.
    pub(super) level_min: u8,
}

impl Occupancy<'_> {
    fn rows(&self, start: u32, end: u32) -> u32 {
        let at = |cell: u32| self.starts.get(cell as usize).copied().unwrap_or(0);
        at(end) - at(start)
    }

    fn rows_in_view(&self, stencils: &Stencils, view: View) -> u32 {
        let runs = stencils.at(view.level).runs(view.center, self.grid);
        runs.map(|run| self.rows(run.start, run.end)).sum()
    }

    fn rows_in_rings(&self, stencils: &Stencils, view: View) -> [u32; 3] {
        let stencil = stencils.at(view.level);
        let mut rings = [0; 3];
        for run in stencil.ringed_runs(view.center, self.grid) {
            // Each ring's cells lie on both sides of the next inner one's.
            let rows =
                [&run.near, &run.middle, &run.far].map(|part| self.rows(part.start, part.end));
            rings[0] += rows[0];
            rings[1] += rows[1] - rows[0];
            rings[2] += rows[2] - rows[1];
        }
        rings
    }
}

/// Rows of an update list that fit a client's budget, the budget divided by `divisor`.
pub(super) const fn rows_budget(divisor: u32) -> u32 {
    (DELTA_BYTES_MAX / ROW_BYTES_ESTIMATE) as u32 / divisor
}

/// The view from `center` after `before`, and the place in [`THINNING`] that keeps it within the
/// budget. A first view is as small as it must be at once: its snapshot has to be sent whole.
/// Work: one sum a row of cells; in a crowd, three.
pub(super) fn aim(
    occupancy: Occupancy<'_>,
    stencils: &Stencils,
    before: View,
    center: CellId,
) -> (View, u8) {
    let rows_max = occupancy.rows_max;
    let level = before.level.max(occupancy.level_min);
    let mut now = View { center, level };
    if now.level > occupancy.level_min {
        let larger = View {
            center,
            level: now.level - 1,
        };
        let rings = occupancy.rows_in_rings(stencils, larger);
        let is_roomy = rings.iter().sum::<u32>() <= VIEW_ROWS_MAX * 3 / 4;
        if is_roomy && thinned_rows(rings, THINNING.len() - 1) <= rows_max * 3 / 4 {
            now = larger;
        }
    }
    let thinnest = THINNING.len() - 1;
    loop {
        if occupancy.rows_in_view(stencils, now) <= rows_max {
            return (now, 0);
        }
        let rings = occupancy.rows_in_rings(stencils, now);
        let is_told_whole = rings.iter().sum::<u32>() <= VIEW_ROWS_MAX;
        let fits = (1..=thinnest).find(|&index| thinned_rows(rings, index) <= rows_max);
        let is_smallest = usize::from(now.level) + 1 == VIEW_LEVELS;
        if (is_told_whole && fits.is_some()) || is_smallest {
            return (now, fits.unwrap_or(thinnest) as u8);
        }
        now.level += 1;
        if before.center != CellId::NOWHERE {
            return (now, thinnest as u8);
        }
    }
}

/// Rows a tick on average under a row of [`THINNING`].
fn thinned_rows(rings: [u32; 3], thinning: usize) -> u32 {
    let periods = THINNING[thinning];
    rings
        .iter()
        .zip(periods)
        .map(|(&rows, period)| rows.div_ceil(period))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: GridSize = GridSize {
        columns: 20,
        rows: 20,
    };
    const ROWS_MAX: u32 = rows_budget(1);
    const CENTER: CellId = CellId(10 * 20 + 10);

    /// Running sums of a grid with `crowd` rows in one cell.
    fn starts(cell: u32, crowd: u32) -> Vec<u32> {
        (0..=400)
            .map(|index| if index > cell { crowd } else { 0 })
            .collect()
    }

    fn aimed(cell: u32, crowd: u32, before: View) -> (View, u8) {
        let starts = starts(cell, crowd);
        let stencils = Stencils::new(1000.0, 250.0);
        aim(
            Occupancy {
                grid: GRID,
                starts: &starts,
                rows_max: ROWS_MAX,
                level_min: 0,
            },
            &stencils,
            before,
            CENTER,
        )
    }

    #[test]
    fn a_few_neighbours_are_told_every_tick() {
        let view = View {
            center: CENTER,
            level: 0,
        };
        assert_eq!(aimed(CENTER.0, ROWS_MAX, view), (view, 0));
    }

    #[test]
    fn a_far_crowd_is_thinned_before_a_near_one() {
        let view = View {
            center: CENTER,
            level: 0,
        };
        let (far, near) = (CENTER.0 + 4, CENTER.0);
        let crowd = ROWS_MAX * 3;
        assert_eq!(aimed(far, crowd, view).1, 1);
        assert!(aimed(near, crowd, view).1 > 1);
    }

    #[test]
    fn the_view_shrinks_last_and_grows_back() {
        let view = View {
            center: CENTER,
            level: 0,
        };
        let (shrunk, thinning) = aimed(CENTER.0 + 4, ROWS_MAX * 17, view);
        assert_eq!(
            (shrunk.level, usize::from(thinning)),
            (1, THINNING.len() - 1)
        );
        assert_eq!(aimed(CENTER.0 + 4, 10, shrunk).0.level, 0);
    }

    #[test]
    fn a_first_view_is_at_once_small_enough_for_a_snapshot() {
        let far_crowd = aimed(CENTER.0 + 4, VIEW_ROWS_MAX + 1, View::NOTHING);
        assert_eq!((far_crowd.0.level, far_crowd.1), (1, 0));
        let near_crowd = aimed(CENTER.0, VIEW_ROWS_MAX * 9, View::NOTHING);
        assert_eq!(usize::from(near_crowd.0.level), VIEW_LEVELS - 1);
    }
}
