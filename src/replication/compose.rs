//! One client's message out of a frame: for each field, runs of bytes. No loop over entities, except
//! over those that crossed a cell's edge, and in a crowd. The JSON around them is the protocol's.
//!
//! What the client knew before is the entities of the cells it saw, `B`; what it sees now is `N`:
//!
//! ```text
//! cell in B and N     residents' updates            one copy a run of cells
//! cell in N only      residents in full             one copy a run of cells
//! cell in B only      residents' ids as removed
//! arrival in N        plain if it came from B, else in full
//! departure from B    as removed, unless it went to N
//! ```
//!
//! Leaving one cell and entering the next are thus one message, and nothing is told twice.

use std::ops::Range;

use super::frame::{Before, ClientView, Gravity, TickFrame};
use super::view::{Beside, CellId};
use crate::limits::{DELTA_EVENT_BYTES_MAX, VIEW_BANDS_MAX};
use crate::protocol::Fixed2;
use crate::protocol::world::{
    DeltaSource, OptionalField, SnapshotSource, write_delta, write_snapshot,
};

/// Every how many frames an entity is told to a client, by ring of distance: own and adjacent
/// cells, up to half the reach, beyond. A client takes the first row that fits its byte budget.
/// Powers of two all, so that whose turn it is takes a mask and no division.
pub const THINNING: [[u32; 3]; 6] = [
    [1, 1, 1],
    [1, 2, 4],
    [2, 4, 8],
    [4, 8, 16],
    [8, 16, 16],
    [16, 16, 16],
];

const _: () = {
    let mut row = 0;
    while row < THINNING.len() {
        let [near, middle, far] = THINNING[row];
        assert!(near.is_power_of_two() && middle.is_power_of_two() && far.is_power_of_two());
        row += 1;
    }
};

/// Appends the client's `world.delta`.
///
/// Work: about nine copies, and a look at each entity that crossed a cell's edge in the view; in a
/// crowd, a look at each entity of the view.
#[inline(never)]
pub fn delta(frame: &TickFrame, pilot: &ClientView, seq: u64, out: &mut Vec<u8>) {
    let mut delta = DeltaOf {
        frame,
        pilot,
        mixed: MixedBands::ALL,
        has_removed: false,
    };
    write_delta(seq, &mut delta, out);
}

/// Appends the client's `world.snapshot`: everything in its view in full. Only for a frame that
/// carries one for it ([`ClientView::has_snapshot`]).
#[inline(never)]
pub fn snapshot(frame: &TickFrame, pilot: &ClientView, seq: u64, out: &mut Vec<u8>) {
    write_snapshot(seq, &mut SnapshotOf { frame, pilot }, out);
}

/// One client's delta, field by field in the order of the table.
struct DeltaOf<'f> {
    frame: &'f TickFrame,
    pilot: &'f ClientView,
    /// Known once the updates are written.
    mixed: MixedBands,
    /// Known once the removals are written.
    has_removed: bool,
}

#[expect(
    clippy::inline_always,
    reason = "the writer of the message is instantiated in another codegen unit"
)]
impl DeltaSource for DeltaOf<'_> {
    #[inline(always)]
    fn stamp(&self) -> &[u8] {
        &self.frame.stamp
    }

    #[inline(always)]
    fn entity_updates(&mut self, out: &mut Vec<u8>) {
        if self.pilot.before == Before::Same {
            self.mixed = same(self.frame, self.pilot, out);
        } else {
            write_entered_cells(self.frame, self.pilot, out);
        }
    }

    #[inline(always)]
    fn entity_removed(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        write_removals(self.frame, self.pilot, self.mixed, RemovalField::Id, out);
        self.has_removed = out.len() > start;
    }

    #[inline(always)]
    fn events(&mut self, out: &mut Vec<u8>) {
        events(self.frame, self.pilot, self.mixed, out);
    }

    #[inline(always)]
    fn you_zone_context(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.pilot.zone.of(&self.frame.pilot_bytes));
    }

    #[inline(always)]
    fn last_input_seq(&mut self, field: OptionalField<'_>) {
        if let Some(seq) = self.pilot.last_input_seq {
            field.append(&seq);
        }
    }

    #[inline(always)]
    fn gone(&mut self, field: OptionalField<'_>) {
        if self.has_removed {
            field.append_entries(|out| {
                write_removals(
                    self.frame,
                    self.pilot,
                    self.mixed,
                    RemovalField::Reason,
                    out,
                );
            });
        }
    }

    #[inline(always)]
    fn you(&mut self, field: OptionalField<'_>) {
        if !self.pilot.you.is_empty() {
            field.append_text(self.pilot.you.of(&self.frame.pilot_bytes));
        }
    }

    #[inline(always)]
    fn time_dilation(&mut self, field: OptionalField<'_>) {
        if self.frame.dilation_centi < 100 {
            field.append(&Fixed2::from_hundredths(self.frame.dilation_centi as i32));
        }
    }
}

/// One client's snapshot, field by field in the order of the table.
struct SnapshotOf<'f> {
    frame: &'f TickFrame,
    pilot: &'f ClientView,
}

#[expect(
    clippy::inline_always,
    reason = "the writer of the message is instantiated in another codegen unit"
)]
impl SnapshotSource for SnapshotOf<'_> {
    #[inline(always)]
    fn stamp(&self) -> &[u8] {
        &self.frame.stamp
    }

    #[inline(always)]
    fn you(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.pilot.snapshot_you.of(&self.frame.pilot_bytes));
    }

    #[inline(always)]
    fn entities(&mut self, out: &mut Vec<u8>) {
        for run in self.pilot.now.runs(self.frame.grid) {
            out.extend_from_slice(self.frame.full_in(&run));
            for arrival in self.frame.arrivals_in(&run) {
                out.extend_from_slice(arrival.full.of(&self.frame.extra_bytes));
            }
        }
    }

    #[inline(always)]
    fn markets(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.markets);
    }

    #[inline(always)]
    fn zones(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.zones);
    }
}

/// Bands of a view in which there may be more to tell than updates, a bit each, the lowest first. So
/// the others are not searched for who left and what happened.
#[derive(Clone, Copy)]
struct MixedBands(u32);

const _: () = assert!(VIEW_BANDS_MAX <= u32::BITS as usize);

impl MixedBands {
    const NONE: Self = Self(0);
    const ALL: Self = Self(u32::MAX);

    const fn has(self, band: usize) -> bool {
        self.0 & 1 << band != 0
    }
}

/// The common case: the view's cells for a client who saw the same ones a frame ago.
#[inline]
fn same(frame: &TickFrame, pilot: &ClientView, out: &mut Vec<u8>) -> MixedBands {
    let mut mixed = MixedBands::NONE;
    for (band, run) in pilot.now.runs(frame.grid).enumerate() {
        updates(frame, pilot, &run, out);
        if frame.mixed.has_any_of(&run) {
            mixed.0 |= 1 << band;
            write_arrivals(frame, pilot, &run, out);
        }
    }
    mixed
}

/// What a client that saw a run of cells a frame ago, and sees it now, is told of its residents.
#[inline]
fn updates(frame: &TickFrame, pilot: &ClientView, run: &Range<u32>, out: &mut Vec<u8>) {
    if pilot.thinning > 0 {
        write_thinned_cells(frame, pilot, run, out);
        return;
    }
    out.extend_from_slice(frame.updates_in(run));
    if pilot.was_thinned {
        out.extend_from_slice(frame.late_in(run));
    }
}

/// The view's cells, for a client whose view moved: what it knew gets updates, what it did not know
/// comes in full.
#[inline]
fn write_entered_cells(frame: &TickFrame, pilot: &ClientView, out: &mut Vec<u8>) {
    let before = frame.before(pilot);
    for Beside { left, both, right } in pilot.now.runs_beside(before, frame.grid) {
        updates(frame, pilot, &both, out);
        write_arrivals(frame, pilot, &both, out);
        for run in [left, right].iter().filter(|run| !run.is_empty()) {
            out.extend_from_slice(frame.full_in(run));
            write_arrivals(frame, pilot, run, out);
        }
    }
}

/// The own ship, and of the others those whose turn it is in their ring.
fn write_thinned_cells(frame: &TickFrame, pilot: &ClientView, run: &Range<u32>, out: &mut Vec<u8>) {
    for cell in run.clone() {
        let places = frame.places_in(&(cell..cell + 1));
        if places.is_empty() {
            continue;
        }
        let mask = mask(frame, pilot, cell);
        for place in places {
            let (start, end) = (
                frame.places[place as usize],
                frame.places[place as usize + 1],
            );
            let is_turn = is_turn(frame, start.turn, mask);
            if is_turn || pilot.own == Some(place) {
                out.extend_from_slice(frame.update_of(place));
            }
            if is_turn && pilot.was_thinned {
                let bytes = start.late_byte as usize..end.late_byte as usize;
                out.extend_from_slice(&frame.late_bytes[bytes]);
            }
        }
    }
}

/// Whose turn it is in a cell: the bits of an entity's turn that have to agree with the frame's.
fn mask(frame: &TickFrame, pilot: &ClientView, cell: u32) -> u32 {
    let periods = THINNING[usize::from(pilot.thinning).min(THINNING.len() - 1)];
    periods[pilot.now.ring_of(CellId(cell), frame.grid)] - 1
}

const fn is_turn(frame: &TickFrame, turn: u32, mask: u32) -> bool {
    (turn ^ frame.turn as u32) & mask == 0
}

/// Those who came into a run of cells: plain whom the client knew, and in a crowd only when it is
/// their turn; in full whom it did not know.
fn write_arrivals(frame: &TickFrame, pilot: &ClientView, run: &Range<u32>, out: &mut Vec<u8>) {
    let before = frame.before(pilot);
    for arrival in frame.arrivals_in(run) {
        let span = if !before.sees(arrival.from, frame.grid) {
            arrival.full
        } else if pilot.thinning == 0 || is_told(frame, pilot, arrival.place, run) {
            arrival.update
        } else {
            continue;
        };
        out.extend_from_slice(span.of(&frame.extra_bytes));
    }
}

/// Whether it is the turn of an entity that came into one of a run of cells, or it is the own ship.
fn is_told(frame: &TickFrame, pilot: &ClientView, place: u32, run: &Range<u32>) -> bool {
    let cells = &frame.cell_places[run.start as usize..run.end as usize];
    let cell = run.start + cells.partition_point(|&first| first <= place) as u32 - 1;
    let turn = frame.places[place as usize].turn;
    pilot.own == Some(place) || is_turn(frame, turn, mask(frame, pilot, cell))
}

/// The view's events: all of them, or the gravest and nearest that fit.
#[inline]
fn events(frame: &TickFrame, pilot: &ClientView, mixed: MixedBands, out: &mut Vec<u8>) {
    if frame.events.is_empty() {
        return;
    }
    if frame.event_bytes.len() > DELTA_EVENT_BYTES_MAX {
        gravest_events(frame, pilot, out);
        return;
    }
    let runs = pilot.now.rows().zip(pilot.now.runs(frame.grid));
    for (_, (row, run)) in runs.enumerate().filter(|&(band, _)| mixed.has(band)) {
        out.extend_from_slice(frame.event_text(&frame.events_in(row, &run)));
    }
}

/// The own ship's events, then shots, then docks, near ones before far ones, as far as the room for events
/// goes. Work: a look at each event that is told, and at the first that does not fit.
fn gravest_events(frame: &TickFrame, pilot: &ClientView, out: &mut Vec<u8>) {
    let end = out.len() + DELTA_EVENT_BYTES_MAX;
    let own = pilot.own_events.start as usize..pilot.own_events.end as usize;
    let own = &frame.own_events[own];
    let mut tell = |event: usize| {
        let text = frame.event_text(&(event..event + 1));
        let fits = out.len() + text.len() <= end;
        if fits {
            out.extend_from_slice(text);
        }
        fits
    };
    if !own.iter().all(|&event| tell(event as usize)) {
        return;
    }
    for gravity in [Gravity::Shot, Gravity::Dock] {
        for ring in 0..3 {
            for (row, run) in pilot.now.rows().zip(pilot.now.ringed_runs(frame.grid)) {
                for cells in run.of_ring(ring) {
                    for event in frame.events_in(row, &cells) {
                        let is_new = !own.contains(&(event as u32));
                        if frame.events[event].gravity == gravity && is_new && !tell(event) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum RemovalField {
    Id,
    Reason,
}

/// Who was known and is seen no more: gone, elsewhere, or in a cell that is seen no more.
fn write_removals(
    frame: &TickFrame,
    pilot: &ClientView,
    mixed: MixedBands,
    removal: RemovalField,
    out: &mut Vec<u8>,
) {
    let (before, now) = (frame.before(pilot), &pilot.now);
    if !frame.departures.is_empty() {
        let runs = before.rows().zip(before.runs(frame.grid));
        for (_, (row, run)) in runs.enumerate().filter(|&(band, _)| mixed.has(band)) {
            for departure in frame.departures_in(row, &run) {
                if !now.sees(departure.to, frame.grid) {
                    let span = match removal {
                        RemovalField::Id => departure.id,
                        RemovalField::Reason => departure.gone,
                    };
                    out.extend_from_slice(span.of(&frame.extra_bytes));
                }
            }
        }
    }
    if pilot.before == Before::Same {
        return;
    }
    for Beside { left, right, .. } in before.runs_beside(now, frame.grid) {
        for cells in [left, right].iter().filter(|cells| !cells.is_empty()) {
            for bytes in frame.forgotten_in(cells) {
                let span = match removal {
                    RemovalField::Id => bytes.ids,
                    RemovalField::Reason => bytes.gone,
                };
                out.extend_from_slice(span.of(&frame.extra_bytes));
            }
        }
    }
}
