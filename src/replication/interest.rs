//! What each client gets to see in a tick: round which point, how far, and how often.
//!
//! A client has a budget of bytes a delta, for rows and removals what [`ROOM_BYTES`] leaves. Who
//! enters or leaves the view is told in the tick in which it happens; the updates get the rest.
//! While what changed in the view fits, the client gets all of it. In a crowd the updates are thinned
//! by rings of distance, near ones last; when even the thinnest does not fit, or too many would
//! enter or leave at once, the view itself shrinks, and it grows back step by step once the larger
//! view would fit with room to spare. When no view fits (hundreds that the client knows are gone at
//! once) the client gets a snapshot in the delta's stead, and then deltas against that: so nobody who left
//! is ever forgotten to be removed, and nothing is kept of what was not told.
//!
//! Decides from counts of rows, before anything is copied.

use std::ops::Range;

use super::compose::THINNING;
use super::frame::TickFrame;
use super::view::{Beside, View, ViewPlace, Views};
use crate::limits::{
    DELTA_BYTES_MAX, DELTA_EVENT_BYTES_MAX, DELTA_HEAD_BYTES, FULL_ROW_BYTES_ESTIMATE,
    REMOVAL_BYTES_ESTIMATE, RESTART_FRAMES_MIN, ROW_BYTES_ESTIMATE, SNAPSHOT_BYTES_MAX,
    SNAPSHOT_HEAD_BYTES, VIEW_ROWS_MAX, VIEW_STEPS_OFF_MAX,
};

/// Bytes of a delta for rows and removals.
const ROOM_BYTES: u32 = (DELTA_BYTES_MAX - DELTA_HEAD_BYTES - DELTA_EVENT_BYTES_MAX) as u32;

/// Entities that fit into a snapshot beside so many bytes of markets and zones.
pub(super) fn snapshot_rows_max(fixed_bytes: usize) -> u32 {
    let rest = (SNAPSHOT_BYTES_MAX - SNAPSHOT_HEAD_BYTES).saturating_sub(fixed_bytes);
    (rest / FULL_ROW_BYTES_ESTIMATE) as u32
}

/// A frame's entities, and what holds for every view of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd<'a> {
    pub(super) frame: &'a TickFrame,
    pub(super) views: Views,
    /// By what the room for updates is divided, in an overload.
    pub(super) divisor: u32,
    /// Steps by which every view is smaller at least.
    pub(super) steps_off_min: u8,
    /// Entities that a snapshot may tell.
    pub(super) snapshot_rows_max: u32,
}

/// A client before it is aimed anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    /// What it saw a frame ago.
    pub(super) before: &'a View,
    /// How many entities that were.
    pub(super) known: u32,
    /// Its ship, unless that is destroyed.
    pub(super) ship: Option<ViewPlace>,
    /// Whether a snapshot will be sent to it whatever it saw.
    pub(super) needs_snapshot: bool,
    /// The frame in which it last began anew.
    pub(super) restarted: u64,
}

/// What a client is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Aim {
    pub(super) view: View,
    /// Entities in it.
    pub(super) rows: u32,
    /// Place in [`THINNING`].
    pub(super) thinning: u8,
    /// Whether the client begins anew with a snapshot, whatever it knew.
    pub(super) is_restart: bool,
}

/// Who comes into a view and leaves it.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    entering: u32,
    leaving: u32,
}

impl Change {
    const fn bytes(self) -> u32 {
        self.entering * FULL_ROW_BYTES_ESTIMATE as u32
            + self.leaving * REMOVAL_BYTES_ESTIMATE as u32
    }
}

/// How a view would be told: its place in [`THINNING`], or that it does not fit.
enum Fit {
    Thinned(u8),
    TooCrowded,
    TooMuchChange,
}

impl Crowd<'_> {
    fn rows(&self, view: &View) -> u32 {
        let starts = &self.frame.cell_places;
        let at = |cell: u32| starts.get(cell as usize).copied().unwrap_or(0);
        let runs = view.runs(self.frame.grid);
        runs.map(|run| at(run.end) - at(run.start)).sum()
    }

    fn rows_in_rings(&self, view: &View) -> [u32; 3] {
        let rows = |cells: &Range<u32>| self.frame.places_in(cells).len() as u32;
        let mut rings = [0; 3];
        for run in view.ringed_runs(self.frame.grid) {
            // Each ring's cells lie on both sides of the next inner one's.
            let rows = [&run.near, &run.middle, &run.far].map(rows);
            rings[0] += rows[0];
            rings[1] += rows[1] - rows[0];
            rings[2] += rows[2] - rows[1];
        }
        rings
    }

    /// Work: one look at each arrival in the view.
    fn change(&self, sight: &Sight<'_>, view: &View, rows: u32) -> Change {
        let (frame, before) = (self.frame, sight.before);
        let was_seen = |cells: &Range<u32>| {
            let arrivals = frame.arrivals_in(cells).iter();
            arrivals
                .filter(|arrival| before.sees(arrival.from, frame.grid))
                .count() as u32
        };
        let mut entering = 0;
        for Beside { left, both, right } in view.runs_beside(before, frame.grid) {
            for cells in [left, right] {
                entering += frame.places_in(&cells).len() as u32 - was_seen(&cells);
            }
            entering += frame.arrivals_in(&both).len() as u32 - was_seen(&both);
        }
        Change {
            entering,
            leaving: sight.known.saturating_sub(rows - entering),
        }
    }

    /// How a view fits into the next delta of a client who knows another.
    fn fit(&self, sight: &Sight<'_>, view: &View, rows: u32, room: u32) -> Fit {
        // The most that it can be: everybody known leaves, everybody seen is new.
        let most = Change {
            entering: rows,
            leaving: sight.known,
        };
        if most.bytes() <= room / self.divisor {
            return Fit::Thinned(0);
        }
        let change = self.change(sight, view, rows);
        if change.bytes() > room {
            return Fit::TooMuchChange;
        }
        let updates_max =
            (room - change.bytes()).min(room / self.divisor) / ROW_BYTES_ESTIMATE as u32;
        if rows - change.entering <= updates_max {
            return Fit::Thinned(0);
        }
        if rows > VIEW_ROWS_MAX {
            return Fit::TooCrowded;
        }
        // Those who enter are counted with their ring, where they are few, or there is no crowd yet.
        let rings = self.rows_in_rings(view);
        let fits = |index: &usize| thinned_rows(rings, *index) <= updates_max;
        match (1..THINNING.len()).find(fits) {
            Some(index) => Fit::Thinned(index as u8),
            None if rows > change.entering => Fit::TooCrowded,
            None => Fit::Thinned(THINNING.len() as u8 - 1),
        }
    }

    /// The view of a client after the one before, and how it is told.
    /// Work: one sum a row of cells; in a crowd, some more, and a look at each arrival.
    pub(super) fn aim(&self, sight: &Sight<'_>) -> Aim {
        let (room, before) = (ROOM_BYTES, sight.before);
        let mut view = self.view_of(sight, before.steps_off.max(self.steps_off_min));
        let mut rows = self.rows(&view);
        if before.is_nothing() || (sight.needs_snapshot && rows > self.snapshot_rows_max) {
            return self.begin(sight);
        }
        match self.grow(sight, &view, room) {
            Growth::None => {}
            Growth::ByDelta(larger, larger_rows) => (view, rows) = (larger, larger_rows),
            Growth::BySnapshot => return self.begin(sight),
        }
        loop {
            let fit = self.fit(sight, &view, rows, room);
            let steps_off = view.steps_off;
            match fit {
                Fit::Thinned(thinning) => {
                    return Aim {
                        view,
                        rows,
                        thinning,
                        is_restart: false,
                    };
                }
                Fit::TooMuchChange
                    if steps_off >= VIEW_STEPS_OFF_MAX || self.may_begin(sight, rows) =>
                {
                    return self.begin(sight);
                }
                Fit::TooCrowded if steps_off >= VIEW_STEPS_OFF_MAX => {
                    return Aim {
                        view,
                        rows,
                        thinning: THINNING.len() as u8 - 1,
                        is_restart: false,
                    };
                }
                Fit::TooMuchChange | Fit::TooCrowded => {
                    view = self.view_of(sight, steps_off + 1);
                    rows = self.rows(&view);
                }
            }
        }
    }

    /// The view of a size: as it was, where it still serves. That of a wreck stays where it is.
    fn view_of(&self, sight: &Sight<'_>, steps_off: u8) -> View {
        let (before, grid) = (sight.before, self.frame.grid);
        let ship = sight.ship.unwrap_or_else(|| before.anchor(grid));
        if before.steps_off == steps_off && before.serves(grid, ship) {
            *before
        } else {
            self.views.view(grid, ship, steps_off)
        }
    }

    /// How the view grows: by what the next larger one adds, or by the nearest cells of that, as far as
    /// they fit with room to spare. Who stands in one cell and does not fit into a delta comes
    /// with a snapshot.
    fn grow(&self, sight: &Sight<'_>, view: &View, room: u32) -> Growth {
        if view.steps_off <= self.steps_off_min {
            return Growth::None;
        }
        let grid = self.frame.grid;
        let mut place = view.anchor(grid);
        place.cell = sight.ship.map_or(place.cell, |ship| ship.cell);
        let larger = self.views.view(grid, place, view.steps_off - 1);
        let rows = self.rows(&larger);
        if rows > VIEW_ROWS_MAX / 4 * 3 {
            return Growth::None;
        }
        let room = room / 4 * 3;
        let updates = thinned_rows(self.rows_in_rings(&larger), THINNING.len() - 1);
        let updates_bytes = updates * ROW_BYTES_ESTIMATE as u32;
        if updates_bytes > room / self.divisor {
            return Growth::None;
        }
        let change = self.change(sight, view, self.rows(view));
        let spare = room.saturating_sub(change.bytes() + updates_bytes);
        let mut left = spare;
        let mut grown = view.grown_towards(&larger, grid, |cell| {
            let rows = self.frame.places_in(&(cell..cell + 1)).len() as u32;
            let bytes = rows * FULL_ROW_BYTES_ESTIMATE as u32;
            let fits = bytes <= left;
            left = left.saturating_sub(bytes);
            fits
        });
        if grown == *view && spare >= room / 3 && self.may_begin(sight, rows) {
            return Growth::BySnapshot;
        }
        if larger.covers(&grown) && grown.covers(&larger) {
            grown = larger;
        }
        Growth::ByDelta(grown, self.rows(&grown))
    }

    /// Whether a view of so many may be told by a snapshot in the delta's stead.
    fn may_begin(&self, sight: &Sight<'_>, rows: u32) -> bool {
        rows <= self.snapshot_rows_max && self.frame.turn >= sight.restarted + RESTART_FRAMES_MIN
    }

    /// The largest view that a snapshot can tell.
    fn begin(&self, sight: &Sight<'_>) -> Aim {
        let mut view = self.view_of(sight, self.steps_off_min);
        let mut rows = self.rows(&view);
        while rows > self.snapshot_rows_max && view.steps_off < VIEW_STEPS_OFF_MAX {
            view = self.view_of(sight, view.steps_off + 1);
            rows = self.rows(&view);
        }
        Aim {
            view,
            rows,
            thinning: 0,
            is_restart: true,
        }
    }
}

/// How a view that is smaller than it might be grows.
enum Growth {
    None,
    ByDelta(View, u32),
    BySnapshot,
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
    use super::super::frame::PlaceStart;
    use super::super::view::{CellId, Grid};
    use super::*;

    const GRID: Grid = Grid {
        columns: 50,
        rows: 25,
        width: 100.0,
        height: 200.0,
        half_extent: 2_500.0,
    };
    /// The cell east and north of the centre.
    const CENTER: u32 = 12 * 50 + 25;
    const SHIP: ViewPlace = ViewPlace {
        x: 60.0,
        y: 60.0,
        cell: CellId(CENTER),
    };
    const VIEWS: Views = Views::new(1_000.0);
    const UPDATES_MAX: u32 = ROOM_BYTES / ROW_BYTES_ESTIMATE as u32;
    const FAR: u32 = CENTER + 5;

    /// A frame of some crowds, by cell, where nobody has moved.
    fn frame(crowds: &[(u32, u32)]) -> TickFrame {
        let mut frame = TickFrame {
            grid: GRID,
            turn: 100,
            ..TickFrame::default()
        };
        let rows_before = |cell: u32| {
            let crowds = crowds.iter().filter(|&&(at, _)| at < cell);
            crowds.map(|&(_, rows)| rows).sum::<u32>()
        };
        frame.cell_places = (0..=GRID.rows * GRID.columns).map(rows_before).collect();
        let rows = frame.cell_places.last().copied().unwrap_or(0) as usize;
        frame.places = vec![PlaceStart::default(); rows + 1];
        frame.update_starts = vec![0; rows + 1];
        frame
    }

    /// The aim of a client who knew so many entities of a view.
    fn aim(crowds: &[(u32, u32)], before: &View, known: u32) -> Aim {
        let frame = frame(crowds);
        let crowd = Crowd {
            frame: &frame,
            views: VIEWS,
            divisor: 1,
            steps_off_min: 0,
            snapshot_rows_max: 500,
        };
        crowd.aim(&Sight {
            before,
            known,
            ship: Some(SHIP),
            needs_snapshot: false,
            restarted: 99,
        })
    }

    fn full() -> View {
        VIEWS.view(GRID, SHIP, 0)
    }

    #[test]
    fn a_few_neighbours_are_told_every_tick() {
        let aim = aim(&[(CENTER, UPDATES_MAX)], &full(), UPDATES_MAX);
        assert_eq!((aim.view, aim.thinning), (full(), 0));
    }

    #[test]
    fn a_far_crowd_is_thinned_before_a_near_one() {
        let crowd = UPDATES_MAX * 3;
        let far = aim(&[(FAR, crowd)], &full(), crowd);
        let near = aim(&[(CENTER, crowd)], &full(), crowd);
        assert_eq!((far.view, far.thinning), (full(), 1));
        assert!(near.thinning > far.thinning);
    }

    #[test]
    fn the_view_shrinks_last_and_grows_back() {
        let (far, near) = (VIEW_ROWS_MAX, 10);
        let shrunk = aim(&[(CENTER, near), (FAR, far)], &full(), far + near);
        assert!(shrunk.view.steps_off > 0);
        assert_eq!(
            (shrunk.rows, shrunk.is_restart),
            (near, true),
            "a crowd is dropped"
        );
        let grown = aim(&[(CENTER, near), (FAR, 10)], &shrunk.view, near);
        assert_eq!(grown.view.steps_off, shrunk.view.steps_off - 1);
    }

    #[test]
    fn a_first_view_is_at_once_small_enough_for_a_snapshot() {
        let aim = aim(&[(CENTER, 400), (FAR, 101)], &View::NOTHING, 0);
        assert!(aim.is_restart && aim.view.steps_off > 0);
        assert_eq!(aim.rows, 400);
    }

    #[test]
    fn a_crowd_that_appears_at_once_is_left_out_until_it_may_come_with_a_snapshot() {
        let crowds = [(CENTER, 10), (FAR, 200)];
        let before = VIEWS.view(GRID, SHIP, 8);
        assert!(!before.sees(CellId(FAR), GRID));
        let mut frame = frame(&crowds);
        let view_at = |frame: &TickFrame, before: &View| {
            let crowd = Crowd {
                frame,
                views: VIEWS,
                divisor: 1,
                steps_off_min: 0,
                snapshot_rows_max: 500,
            };
            crowd.aim(&Sight {
                before,
                known: 10,
                ship: Some(SHIP),
                needs_snapshot: false,
                restarted: 99,
            })
        };
        let mut view = before;
        for _ in 0..20 {
            let aim = view_at(&frame, &view);
            assert!(!aim.is_restart && aim.rows == 10);
            view = aim.view;
        }
        frame.turn += RESTART_FRAMES_MIN;
        let aim = view_at(&frame, &view);
        assert!(aim.is_restart);
        assert_eq!((aim.view, aim.rows), (full(), 210));
    }
}
