//! What a tick of one system, or two told as one, looks like to everybody who watches: immutable, shared by the
//! net shards, and laid out so that a client's message is a few contiguous copies.
//!
//! ```text
//! cells, row by row:    … | (11,7)   | (12,7)        | (13,7) | …
//! updates   (bytes)     … | frag     | frag frag frag|        | …   residents that changed
//! late      (bytes)     … |          | frag          | frag   | …   residents that changed a few frames ago
//! arrivals  (records)   … |          | from (11,7)   |        | …   full and plain fragment each
//! departures(records)   … | to (12,7)|               |        | …   id and why it went
//! events    (records)   … |          | fired, docked |        | …   shots before docks
//! full      (bytes)     only for cells that some client begins to see in this tick
//! forgotten (bytes)     only for cells that some client ceases to see in this tick
//! ```
//!
//! Where a cell's part begins: `cell_places[cell]` is the place of its first entity among all
//! entities in cell order, `update_starts[place]` where that entity's update begins, and
//! `places[place]` where its part of the other lists does. So a frame
//! grows with its entities, and the cells cost four bytes each. Departures and events stand in the order of their
//! cells, and each row of cells knows where its own begin.
//!
//! A *resident* was in the same cell a frame ago. What is *late* was told already, except to clients
//! whose view was thinned when it changed. Every fragment ends with a comma; whoever composes
//! an array drops the last one. The layout is private to this layer: [`super::publish`] writes it,
//! [`super::compose`] reads it.

use std::ops::Range;

use super::cell_set::CellSet;
use super::view::{CellId, Grid, View};
use crate::ids::{ConnId, SystemIndex};

/// A range of one of a frame's byte buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSpan {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl ByteSpan {
    pub(super) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span's bytes.
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// Where an entity's part of each list but the updates begins; it ends where the next one's begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlaceStart {
    pub(super) late_byte: u32,
    pub(super) arrival: u32,
    /// When it is told where rows are thinned.
    pub(super) turn: u32,
}

/// An entity that was in another cell, or nowhere, a tick ago.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellArrival {
    pub(super) from: CellId,
    pub(super) to: CellId,
    /// Its place among all entities in cell order.
    pub(super) place: u32,
    pub(super) update: ByteSpan,
    pub(super) full: ByteSpan,
}

/// An entity that was in this cell a tick ago and is elsewhere, or gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellRemoval {
    pub(super) from: CellId,
    pub(super) to: CellId,
    /// Text of the removal: `"id",`.
    pub(super) id: ByteSpan,
    /// Text of the removal with its reason: `"id":"reason",`.
    pub(super) gone: ByteSpan,
}

/// Bytes of a cell that was asked for, in cell order.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellBytes {
    pub(super) cell: u32,
    pub(super) ids: ByteSpan,
    pub(super) gone: ByteSpan,
}

/// An event; its text ends here and begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventEnd {
    pub(super) cell: CellId,
    pub(super) gravity: Gravity,
    pub(super) end: u32,
}

/// How much an event matters to who sees it, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gravity {
    /// A ship fired a shot.
    Shot,
    /// Somebody docked or undocked.
    Dock,
}

/// What a client saw a frame ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: only a snapshot makes sense.
    Nothing,
    /// The same cells as now.
    Same,
    /// Another view, by its place in the frame's list.
    Other(u32),
}

/// One client's own part of a frame.
#[derive(Clone, Copy, Debug)]
pub struct ClientView {
    /// Whose it is.
    pub conn: ConnId,
    pub(super) before: Before,
    pub(super) now: View,
    /// Index into [`THINNING`](super::compose::THINNING): how much the updates are thinned.
    pub(super) thinning: u8,
    /// Whether the frame before was thinned, so that changes may be owed.
    pub(super) was_thinned: bool,
    /// The own ship's place among all entities in cell order.
    pub(super) own: Option<u32>,
    /// The own ship's events, by their places in the frame's list of them; only where the frame has more
    /// events than a delta may tell.
    pub(super) own_events: ByteSpan,
    pub(super) last_input_seq: Option<u64>,
    pub(super) zone: ByteSpan,
    pub(super) you: ByteSpan,
    pub(super) snapshot_you: ByteSpan,
}

impl ClientView {
    /// Whether this frame carries a snapshot for the client.
    pub const fn has_snapshot(&self) -> bool {
        !self.snapshot_you.is_empty()
    }

    /// Whether a delta makes sense: the client saw something a tick ago.
    pub fn has_delta(&self) -> bool {
        self.before != Before::Nothing
    }

    /// What the client sees.
    pub const fn view(&self) -> &View {
        &self.now
    }
}

/// One tick of one system, serialized once for everybody. See the module's picture.
#[derive(Debug, Default)]
pub struct TickFrame {
    pub(super) system: u16,
    pub(super) tick: u64,
    /// The tick of the frame before.
    pub(super) follows: u64,
    /// Counts frames: whose turn it is when rows are thinned.
    pub(super) turn: u64,
    /// What every message of this frame says between its number and its own: `,"ts":…,"payload":{"tick":…`
    pub(super) stamp: Vec<u8>,
    /// Simulated time over real time in hundredths; 100 is full speed.
    pub(super) dilation_centi: u32,
    pub(super) grid: Grid,
    /// One more than there are cells, so that the last one ends too.
    pub(super) cell_places: Vec<u32>,
    /// Where each entity's update begins, by its place, and at the end how many bytes there are. Apart
    /// from [`Self::places`], since every message needs it and few need those.
    pub(super) update_starts: Vec<u32>,
    /// One more than there are entities.
    pub(super) places: Vec<PlaceStart>,
    /// Cells in which there is more to tell than updates.
    pub(super) mixed: CellSet,
    pub(super) update_bytes: Vec<u8>,
    pub(super) late_bytes: Vec<u8>,
    pub(super) arrivals: Vec<CellArrival>,
    /// In the order of the cells that were left.
    pub(super) departures: Vec<CellRemoval>,
    /// Where each row of cells begins among the departures, and at the end how many there are.
    pub(super) departure_rows: Vec<u32>,
    /// What arrivals, departures and [`CellBytes`] point into.
    pub(super) extra_bytes: Vec<u8>,
    /// In the order of their cells, in a cell the gravest first.
    pub(super) events: Vec<EventEnd>,
    /// Where each row of cells begins among the events, and at the end how many there are.
    pub(super) event_rows: Vec<u32>,
    pub(super) event_bytes: Vec<u8>,
    /// Places of events by the ships they are of.
    pub(super) own_events: Vec<u32>,
    /// Views that clients had a frame ago and have no longer.
    pub(super) former_views: Vec<View>,
    pub(super) full_bytes: Vec<u8>,
    pub(super) full: Vec<(u32, ByteSpan)>,
    pub(super) forgotten: Vec<CellBytes>,
    /// What the pilots' spans point into.
    pub(super) pilot_bytes: Vec<u8>,
    /// In the order of their shards.
    pub(super) pilots: Vec<ClientView>,
    pub(super) shard_ends: Vec<u32>,
    /// `[{…},…]`, only where the frame carries a snapshot.
    pub(super) markets: Vec<u8>,
    /// Text of all zones, `[{…},…]`; only where the frame carries a snapshot.
    pub(super) zones: Vec<u8>,
}

impl TickFrame {
    /// The system this is a tick of.
    pub const fn system(&self) -> SystemIndex {
        SystemIndex(self.system)
    }

    /// Number of the tick.
    pub const fn tick(&self) -> u64 {
        self.tick
    }

    /// The tick of the frame before: a client that has seen it can take this one's delta.
    pub const fn follows(&self) -> u64 {
        self.follows
    }

    /// The clients of one net shard.
    pub fn pilots_of(&self, shard: u16) -> &[ClientView] {
        let at = |index: usize| self.shard_ends.get(index).map_or(0, |&end| end as usize);
        let end = at(shard as usize);
        let start = if shard == 0 {
            0
        } else {
            at(shard as usize - 1)
        };
        self.pilots.get(start..end).unwrap_or_default()
    }

    /// All bytes the frame holds, for the high-water mark.
    pub fn bytes_len(&self) -> usize {
        self.update_bytes.len()
            + self.late_bytes.len()
            + self.extra_bytes.len()
            + self.event_bytes.len()
            + self.full_bytes.len()
            + self.pilot_bytes.len()
    }

    /// Where the entities of a cell and all after it begin.
    fn start(&self, cell: u32) -> PlaceStart {
        self.places[self.cell_places[cell as usize] as usize]
    }

    /// The updates of a run of cells' residents.
    #[inline]
    pub(super) fn updates_in(&self, cells: &Range<u32>) -> &[u8] {
        let start = |cell: u32| self.update_starts[self.cell_places[cell as usize] as usize];
        &self.update_bytes[start(cells.start) as usize..start(cells.end) as usize]
    }

    /// The update of one entity; empty if it did not change or is no resident.
    pub(super) fn update_of(&self, place: u32) -> &[u8] {
        let (start, end) = (
            self.update_starts[place as usize],
            self.update_starts[place as usize + 1],
        );
        &self.update_bytes[start as usize..end as usize]
    }

    /// The places of a run of cells' entities.
    pub(super) fn places_in(&self, cells: &Range<u32>) -> Range<u32> {
        self.cell_places[cells.start as usize]..self.cell_places[cells.end as usize]
    }

    pub(super) fn arrivals_in(&self, cells: &Range<u32>) -> &[CellArrival] {
        let (from, to) = (
            self.start(cells.start).arrival,
            self.start(cells.end).arrival,
        );
        &self.arrivals[from as usize..to as usize]
    }

    pub(super) fn late_in(&self, cells: &Range<u32>) -> &[u8] {
        let (from, to) = (
            self.start(cells.start).late_byte,
            self.start(cells.end).late_byte,
        );
        &self.late_bytes[from as usize..to as usize]
    }

    /// The departures from a run of cells of one row.
    pub(super) fn departures_in(&self, row: u32, cells: &Range<u32>) -> &[CellRemoval] {
        let row = records_of(&self.departure_rows, row..row + 1);
        &self.departures[part_of(&self.departures, row, cells, |departure| departure.from)]
    }

    /// Notes in which cells there is more to tell than updates, once all of that is filed.
    pub(super) fn note_mixed_cells(&mut self) {
        self.mixed.clear(self.cell_places.len());
        let arrivals = self.arrivals.iter().map(|arrival| arrival.to);
        let departures = self.departures.iter().map(|departure| departure.from);
        let events = self.events.iter().map(|event| event.cell);
        for cell in arrivals.chain(departures).chain(events) {
            self.mixed.insert(cell);
        }
    }

    /// The places of the events in a run of cells of one row.
    pub(super) fn events_in(&self, row: u32, cells: &Range<u32>) -> Range<usize> {
        let row = records_of(&self.event_rows, row..row + 1);
        part_of(&self.events, row, cells, |event| event.cell)
    }

    /// The text of some events that stand side by side.
    pub(super) fn event_text(&self, events: &Range<usize>) -> &[u8] {
        let end = |index: Option<usize>| {
            let event = index.and_then(|index| self.events.get(index));
            event.map_or(0, |event| event.end as usize)
        };
        &self.event_bytes[end(events.start.checked_sub(1))..end(events.end.checked_sub(1))]
    }

    /// What a client saw a frame ago.
    pub(super) fn before<'a>(&'a self, pilot: &'a ClientView) -> &'a View {
        match pilot.before {
            Before::Nothing => &View::NOTHING,
            Before::Same => &pilot.now,
            Before::Other(index) => &self.former_views[index as usize],
        }
    }

    /// The cells of a run that somebody asked to have in full, with their bytes.
    #[inline]
    pub(super) fn full_in(&self, cells: &Range<u32>) -> &[u8] {
        let at = |cell: u32| self.full.partition_point(|&(full, _)| full < cell);
        let asked = &self.full[at(cells.start)..at(cells.end)];
        let (Some((_, first)), Some((_, last))) = (asked.first(), asked.last()) else {
            return &[];
        };
        // Who asked for a run asked for each of its cells that holds anybody, and they were
        // encoded in the order of cells.
        let (start, end) = (first.start, last.end);
        ByteSpan { start, end }.of(&self.full_bytes)
    }

    /// The ids, as `"id",` and as `"id":"left_view",`, of the residents of the cells of a run that
    /// somebody asked for.
    pub(super) fn forgotten_in(&self, cells: &Range<u32>) -> &[CellBytes] {
        let at = |cell: u32| self.forgotten.partition_point(|bytes| bytes.cell < cell);
        &self.forgotten[at(cells.start)..at(cells.end)]
    }

    /// Empties every list, keeping its memory.
    pub(super) fn clear(&mut self) {
        self.stamp.clear();
        self.cell_places.clear();
        self.places.clear();
        self.update_starts.clear();
        self.update_bytes.clear();
        self.late_bytes.clear();
        self.arrivals.clear();
        self.departures.clear();
        self.departure_rows.clear();
        self.extra_bytes.clear();
        self.events.clear();
        self.event_rows.clear();
        self.event_bytes.clear();
        self.own_events.clear();
        self.former_views.clear();
        self.full_bytes.clear();
        self.full.clear();
        self.forgotten.clear();
        self.pilot_bytes.clear();
        self.pilots.clear();
        self.shard_ends.clear();
        self.markets.clear();
        self.zones.clear();
    }
}

/// Which records belong to some rows of cells.
fn records_of(row_starts: &[u32], rows: Range<u32>) -> Range<usize> {
    row_starts[rows.start as usize] as usize..row_starts[rows.end as usize] as usize
}

/// Of a row of records in the order of their cells, those of a run of cells.
fn part_of<T>(
    records: &[T],
    row: Range<usize>,
    cells: &Range<u32>,
    cell: impl Fn(&T) -> CellId,
) -> Range<usize> {
    let row_start = row.start;
    if row.is_empty() {
        return row;
    }
    let row = &records[row];
    let start = row.partition_point(|record| cell(record).0 < cells.start);
    let count = row[start..].partition_point(|record| cell(record).0 < cells.end);
    row_start + start..row_start + start + count
}
