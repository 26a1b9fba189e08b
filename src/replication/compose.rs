//! One client's message out of a frame: head, runs of bytes, tail. No loop over entities, except
//! over those that crossed a cell's edge, and in a crowd.
//!
//! What the client knew before is `S = stencil(before)`, what it sees now is `N = stencil(now)`:
//!
//! ```text
//! cell in S and N     residents' updates            one copy a run of cells
//! cell in N only      residents in full
//! cell in S only      residents' ids as removed
//! arrival in N        plain if it came from S, else in full
//! departure from S    as removed, unless it went to N
//! ```
//!
//! Leaving one cell and entering the next are thus one message, and nothing is told twice.

use std::ops::Range;

use super::frame::{PilotView, TickFrame, View};
use super::stencil::Stencil;
use crate::ids::UnixMillis;
use crate::limits::{VIEW_LEVELS, VIEW_SHRINK_PERMILLE};

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

/// The stencils of one view radius, from the full view down.
#[derive(Clone, Debug)]
pub struct Stencils([Stencil; VIEW_LEVELS]);

impl Stencils {
    /// The stencils of a view radius over cells of `cell_edge`, both in u.
    pub fn new(view_radius: f32, cell_edge: f32) -> Self {
        Self(
            VIEW_SHRINK_PERMILLE.map(|permille| {
                Stencil::new(view_radius * f32::from(permille) / 1000.0, cell_edge)
            }),
        )
    }

    /// The stencil of a level; past the last it is the last.
    pub fn at(&self, level: u8) -> &Stencil {
        &self.0[usize::from(level).min(VIEW_LEVELS - 1)]
    }
}

/// Appends the client's `world.delta`.
///
/// Work: about nine copies; where its cell changed, one look-up for each cell of the view; in a
/// crowd, a look at each changed resident of the view.
pub fn delta(
    frame: &TickFrame,
    pilot: &PilotView,
    stencils: &Stencils,
    seq: u64,
    out: &mut Vec<u8>,
) {
    head(out, b"{\"type\":\"world.delta\",\"seq\":", seq, frame);
    out.extend_from_slice(b",\"entity_updates\":[");
    let mut besides = Besides::UNKNOWN;
    if pilot.before != pilot.now {
        entered(frame, pilot, stencils, out);
    } else if pilot.thinning == 0 {
        besides = whole(frame, pilot, stencils, out);
    } else {
        thinned(frame, pilot, stencils, out);
    }
    if besides.has_arrivals {
        arrivals(frame, pilot, stencils, out);
    }
    end_list(out, b"],\"entity_removed\":[");
    let removed_at = out.len();
    if besides.has_departures {
        removals(frame, pilot, stencils, Removal::Id, out);
    }
    let has_removed = out.len() > removed_at;
    end_list(out, b"],\"events\":[");
    if besides.has_events {
        events(frame, pilot, stencils, out);
    }
    end_list(out, b"],\"you_zone_context\":");
    out.extend_from_slice(pilot.zone.of(&frame.pilot_bytes));
    if let Some(seq) = pilot.last_input_seq {
        out.extend_from_slice(b",\"last_input_seq\":");
        number(out, seq);
    }
    if has_removed {
        out.extend_from_slice(b",\"gone\":{");
        removals(frame, pilot, stencils, Removal::Reason, out);
        end_list(out, b"}");
    }
    if !pilot.you.is_empty() {
        out.extend_from_slice(b",\"you\":");
        out.extend_from_slice(pilot.you.of(&frame.pilot_bytes));
    }
    if frame.dilation_centi < 100 {
        out.extend_from_slice(b",\"time_dilation\":0.");
        let (tenths, hundredths) = (frame.dilation_centi / 10 % 10, frame.dilation_centi % 10);
        out.extend_from_slice(&[b'0' + tenths as u8, b'0' + hundredths as u8]);
    }
    out.extend_from_slice(b"}}");
}

/// Appends the client's `world.snapshot`: everything in its view in full. Only for a frame that
/// carries one for it ([`PilotView::has_snapshot`]).
pub fn snapshot(
    frame: &TickFrame,
    pilot: &PilotView,
    stencils: &Stencils,
    seq: u64,
    out: &mut Vec<u8>,
) {
    head(out, b"{\"type\":\"world.snapshot\",\"seq\":", seq, frame);
    out.extend_from_slice(b",\"you\":");
    out.extend_from_slice(pilot.snapshot_you.of(&frame.pilot_bytes));
    out.extend_from_slice(b",\"entities\":[");
    for run in stencils
        .at(pilot.now.level)
        .runs(pilot.now.center, frame.grid)
    {
        for cell in run.clone() {
            out.extend_from_slice(frame.full_in(cell));
        }
        for arrival in frame.arrivals_in(&run) {
            out.extend_from_slice(arrival.full.of(&frame.extra_bytes));
        }
    }
    end_list(out, b"],\"markets\":");
    out.extend_from_slice(&frame.markets);
    out.extend_from_slice(b",\"zones\":");
    out.extend_from_slice(&frame.zones);
    out.extend_from_slice(b"}}");
}

fn head(out: &mut Vec<u8>, opening: &[u8], seq: u64, frame: &TickFrame) {
    out.extend_from_slice(opening);
    number(out, seq);
    out.extend_from_slice(&frame.stamp);
}

/// What all messages of a frame have in common ahead of their lists.
pub(super) fn stamp(tick: u64, unix: UnixMillis, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"ts\":");
    number(out, unix.0);
    out.extend_from_slice(b",\"payload\":{\"tick\":");
    number(out, tick);
}

/// What a view's cells may hold besides updates; where they hold none, it is not looked for again.
#[derive(Clone, Copy)]
struct Besides {
    has_arrivals: bool,
    has_departures: bool,
    has_events: bool,
}

impl Besides {
    const UNKNOWN: Self = Self {
        has_arrivals: true,
        has_departures: true,
        has_events: true,
    };
}

/// The common case, a view that stands still and is told whole: one copy a run of cells.
fn whole(frame: &TickFrame, pilot: &PilotView, stencils: &Stencils, out: &mut Vec<u8>) -> Besides {
    let mut besides = Besides {
        has_arrivals: false,
        has_departures: false,
        has_events: false,
    };
    let stencil = stencils.at(pilot.now.level);
    for run in stencil.runs(pilot.now.center, frame.grid) {
        let (from, to) = (frame.start(run.start), frame.start(run.end));
        let updates = from.update_byte as usize..to.update_byte as usize;
        out.extend_from_slice(&frame.update_bytes[updates]);
        if pilot.was_thinned {
            out.extend_from_slice(frame.late_in(&run));
        }
        besides.has_arrivals |= from.arrival != to.arrival;
        besides.has_departures |= from.departure != to.departure;
        besides.has_events |= from.event_byte != to.event_byte;
    }
    besides
}

fn events(frame: &TickFrame, pilot: &PilotView, stencils: &Stencils, out: &mut Vec<u8>) {
    let stencil = stencils.at(pilot.now.level);
    for run in stencil.runs(pilot.now.center, frame.grid) {
        out.extend_from_slice(frame.events_in(&run));
    }
}

/// The view's cells one by one, for a client whose view moved: what it knew gets updates, what it
/// did not know comes in full.
fn entered(frame: &TickFrame, pilot: &PilotView, stencils: &Stencils, out: &mut Vec<u8>) {
    let stencil = stencils.at(pilot.now.level);
    for cell in stencil.runs(pilot.now.center, frame.grid).flatten() {
        if !sees(stencils, pilot.before, cell, frame) {
            out.extend_from_slice(frame.full_in(cell));
        } else if pilot.thinning == 0 {
            whole_cell(frame, pilot, cell, out);
        } else {
            thinned_cell(frame, pilot, stencil, cell, out);
        }
    }
}

fn sees(stencils: &Stencils, view: View, cell: u32, frame: &TickFrame) -> bool {
    stencils
        .at(view.level)
        .sees(view.center, super::stencil::CellId(cell), frame.grid)
}

/// The own ship, and of the others those whose turn it is in their ring.
fn thinned(frame: &TickFrame, pilot: &PilotView, stencils: &Stencils, out: &mut Vec<u8>) {
    let stencil = stencils.at(pilot.now.level);
    for cell in stencil.runs(pilot.now.center, frame.grid).flatten() {
        thinned_cell(frame, pilot, stencil, cell, out);
    }
}

fn thinned_cell(
    frame: &TickFrame,
    pilot: &PilotView,
    stencil: &Stencil,
    cell: u32,
    out: &mut Vec<u8>,
) {
    let periods = THINNING[usize::from(pilot.thinning).min(THINNING.len() - 1)];
    let period = periods[stencil.ring(pilot.now.center, cell, frame.grid) as usize];
    let (start, end) = (frame.start(cell), frame.start(cell + 1));
    if period == 1 {
        whole_cell(frame, pilot, cell, out);
        return;
    }
    let (mask, turn) = (period - 1, frame.turn as u32);
    let mut byte = start.update_byte;
    let updates = &frame.updates[start.update as usize..end.update as usize];
    for (index, update) in (start.update..).zip(updates) {
        if (update.turn ^ turn) & mask == 0 || pilot.own == Some(index) {
            out.extend_from_slice(&frame.update_bytes[byte as usize..update.end as usize]);
        }
        byte = update.end;
    }
    if !pilot.was_thinned {
        return;
    }
    let mut byte = start.late_byte;
    for update in &frame.late[start.late as usize..end.late as usize] {
        if (update.turn ^ turn) & mask == 0 {
            out.extend_from_slice(&frame.late_bytes[byte as usize..update.end as usize]);
        }
        byte = update.end;
    }
}

/// Everything that changed in a cell, and what a thinner view before may have kept back.
fn whole_cell(frame: &TickFrame, pilot: &PilotView, cell: u32, out: &mut Vec<u8>) {
    let run = cell..cell + 1;
    out.extend_from_slice(frame.updates_in(&run));
    if pilot.was_thinned {
        out.extend_from_slice(frame.late_in(&run));
    }
}

fn arrivals(frame: &TickFrame, pilot: &PilotView, stencils: &Stencils, out: &mut Vec<u8>) {
    for run in stencils
        .at(pilot.now.level)
        .runs(pilot.now.center, frame.grid)
    {
        for arrival in frame.arrivals_in(&run) {
            let known =
                stencils
                    .at(pilot.before.level)
                    .sees(pilot.before.center, arrival.from, frame.grid);
            let span = if known { arrival.update } else { arrival.full };
            out.extend_from_slice(span.of(&frame.extra_bytes));
        }
    }
}

#[derive(Clone, Copy)]
enum Removal {
    Id,
    Reason,
}

fn removals(
    frame: &TickFrame,
    pilot: &PilotView,
    stencils: &Stencils,
    removal: Removal,
    out: &mut Vec<u8>,
) {
    let now = stencils.at(pilot.now.level);
    let moved = pilot.before != pilot.now;
    for run in stencils
        .at(pilot.before.level)
        .runs(pilot.before.center, frame.grid)
    {
        for departure in frame.departures_in(&run) {
            if !now.sees(pilot.now.center, departure.to, frame.grid) {
                let span = match removal {
                    Removal::Id => departure.id,
                    Removal::Reason => departure.gone,
                };
                out.extend_from_slice(span.of(&frame.extra_bytes));
            }
        }
        if moved {
            forgotten(frame, pilot, stencils, run, removal, out);
        }
    }
}

/// The residents of the cells of a run that are seen no more.
fn forgotten(
    frame: &TickFrame,
    pilot: &PilotView,
    stencils: &Stencils,
    run: Range<u32>,
    removal: Removal,
    out: &mut Vec<u8>,
) {
    for cell in run {
        if !sees(stencils, pilot.now, cell, frame) {
            let (ids, reasons) = frame.forgotten_in(cell);
            out.extend_from_slice(match removal {
                Removal::Id => ids,
                Removal::Reason => reasons,
            });
        }
    }
}

/// Closes a list whose items each end with a comma.
fn end_list(out: &mut Vec<u8>, closing: &[u8]) {
    if out.last() == Some(&b',') {
        out.truncate(out.len() - 1);
    }
    out.extend_from_slice(closing);
}

fn number(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
