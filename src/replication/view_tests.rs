//! Tests of what a view covers.

use proptest::prelude::*;

use super::*;

const RADIUS: f32 = 1_000.0;
const GRID: Grid = Grid {
    columns: 50,
    rows: 25,
    width: 100.0,
    height: 200.0,
    half_extent: 2_500.0,
};
const VIEWS: Views = Views::new(RADIUS);

fn cell_at(x: f32, y: f32) -> CellId {
    let (column, row) = GRID.cell_of(x, y);
    CellId(u32::from(row) * GRID.columns + u32::from(column))
}

fn place(x: f32, y: f32) -> ViewPlace {
    let cell = cell_at(x, y);
    ViewPlace { x, y, cell }
}

/// A place inside the grid that an entity of `cell` may be at: the cell and its margin.
fn somewhere_in(cell: u32, across: f32, up: f32) -> (f32, f32) {
    let at = |index: u32, extent: f32, share: f32| {
        let corner = index as f32 * extent - GRID.half_extent;
        corner - INTEREST_CELL_MARGIN + (extent + 2.0 * INTEREST_CELL_MARGIN) * share
    };
    (
        at(cell % GRID.columns, GRID.width, across),
        at(cell / GRID.columns, GRID.height, up),
    )
}

#[test]
fn a_view_is_nine_runs_and_four_fifths_of_the_circle() {
    let view = VIEWS.view(GRID, place(10.0, 20.0), 0);
    assert_eq!(view.runs(GRID).count(), 9);
    let cells = view.runs(GRID).flatten().count() as f32;
    let share = cells * GRID.width * GRID.height / (std::f32::consts::PI * RADIUS * RADIUS);
    assert!((0.78..0.84).contains(&share), "{share}");
    assert!((730.0..745.0).contains(&VIEWS.sure_reach(GRID.height)));
}

proptest! {
    #[test]
    fn nobody_is_seen_beyond_the_radius_wherever_ship_and_entity_are_in_their_bounds(
        x in -2_400.0_f32..2_400.0, y in -2_400.0_f32..2_400.0,
        angle in 0.0_f32..6.3, away in 0.0_f32..VIEW_ANCHOR_REACH,
        steps_off in 0..=VIEW_STEPS_OFF_MAX,
        across in 0.0_f32..=1.0, up in 0.0_f32..=1.0,
    ) {
        let view = VIEWS.view(GRID, place(x, y), steps_off);
        let (ship_x, ship_y) = (view.x + angle.cos() * away, view.y + angle.sin() * away);
        for cell in view.runs(GRID).flatten() {
            let (other_x, other_y) = somewhere_in(cell, across, up);
            let distance = (other_x - ship_x).hypot(other_y - ship_y);
            prop_assert!(distance <= VIEWS.radius_of(steps_off) + 0.01, "{distance}");
        }
    }

    #[test]
    fn whoever_is_within_the_sure_reach_is_seen(
        x in -2_400.0_f32..2_400.0, y in -2_400.0_f32..2_400.0,
        angle in 0.0_f32..6.3, away in 0.0_f32..VIEW_ANCHOR_REACH,
        across in 0.0_f32..=1.0, up in 0.0_f32..=1.0,
    ) {
        let view = VIEWS.view(GRID, place(x, y), 0);
        let (ship_x, ship_y) = (view.x + angle.cos() * away, view.y + angle.sin() * away);
        for cell in 0..GRID.rows * GRID.columns {
            let (other_x, other_y) = somewhere_in(cell, across, up);
            let distance = (other_x - ship_x).hypot(other_y - ship_y);
            if distance < VIEWS.sure_reach(GRID.height) - 1.0 {
                prop_assert!(view.sees(CellId(cell), GRID), "{distance}");
            }
        }
    }

    #[test]
    fn runs_sees_and_rings_agree(
        x in -2_499.0_f32..2_499.0, y in -2_499.0_f32..2_499.0,
        radius in 100.0_f32..2_000.0, steps_off in 0..=VIEW_STEPS_OFF_MAX,
    ) {
        let height = (radius / 5.0).max(GRID.height);
        let grid = Grid { height, width: height / 2.0, ..GRID };
        let (column, row) = grid.cell_of(x, y);
        let cell = CellId(u32::from(row) * grid.columns + u32::from(column));
        let view = Views::new(radius).view(grid, ViewPlace { x, y, cell }, steps_off);
        prop_assert!(view.sees(cell, grid), "the own cell is seen");
        let cells: Vec<u32> = view.runs(grid).flatten().collect();
        for cell in 0..grid.rows * grid.columns {
            prop_assert_eq!(cells.contains(&cell), view.sees(CellId(cell), grid));
        }
        for run in view.ringed_runs(grid) {
            for cell in run.far.clone() {
                let ring = match (run.near.contains(&cell), run.middle.contains(&cell)) {
                    (true, true) => 0,
                    (false, true) => 1,
                    (false, false) => 2,
                    (true, false) => unreachable!("ring 0 lies in ring 1's run"),
                };
                prop_assert_eq!(ring, view.ring_of(CellId(cell), grid));
                let is_in = |ring| run.of_ring(ring).iter().any(|run| run.contains(&cell));
                prop_assert_eq!([0, 1, 2].map(is_in), [0, 1, 2].map(|other| other == ring));
            }
        }
    }

    #[test]
    fn a_view_grows_into_the_larger_one_cell_by_cell(
        x in -2_499.0_f32..2_499.0, y in -2_499.0_f32..2_499.0, steps_off in 1..=VIEW_STEPS_OFF_MAX,
        cells_a_time in 1_usize..40,
    ) {
        let larger = VIEWS.view(GRID, place(x, y), steps_off - 1);
        let mut view = VIEWS.view(GRID, place(x, y), steps_off);
        let count = |view: &View| view.runs(GRID).flatten().count();
        for _ in 0..count(&larger) {
            let before = view;
            let mut left = cells_a_time;
            view = view.grown_towards(&larger, GRID, |cell| {
                let takes = left > 0;
                left = left.saturating_sub(1);
                assert!(larger.sees(CellId(cell), GRID) && !before.sees(CellId(cell), GRID));
                takes
            });
            prop_assert!(before.runs(GRID).flatten().all(|cell| view.sees(CellId(cell), GRID)));
            prop_assert_eq!(count(&view), (count(&before) + cells_a_time).min(count(&larger)));
            if count(&view) == count(&larger) {
                return Ok(());
            }
        }
        prop_assert!(false, "it never grew up");
    }

    #[test]
    fn what_two_views_share_is_cut_out_of_their_runs(
        x in -2_499.0_f32..2_499.0, y in -2_499.0_f32..2_499.0,
        dx in -300.0_f32..300.0, dy in -300.0_f32..300.0,
    ) {
        let view = VIEWS.view(GRID, place(x, y), 0);
        let (x, y) = ((x + dx).clamp(-2_499.0, 2_499.0), (y + dy).clamp(-2_499.0, 2_499.0));
        let other = VIEWS.view(GRID, place(x, y), 2);
        for (run, beside) in view.runs(GRID).zip(view.runs_beside(&other, GRID)) {
            let Beside { left, both, right } = beside;
            prop_assert_eq!((left.start, right.end), (run.start, run.end));
            prop_assert!(left.end == both.start && both.end == right.start);
            for cell in run {
                prop_assert_eq!(both.contains(&cell), other.sees(CellId(cell), GRID));
            }
        }
    }
}
