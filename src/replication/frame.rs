//! What a tick of one system, or two told as one, looks like to everybody who watches: immutable, shared by the
//! net shards, and laid out so that a client's message is a few contiguous copies.
//!
//! ```text
//! cells, row by row:    … | (11,7)   | (12,7)        | (13,7) | …
//! updates   (bytes)     … | frag     | frag frag frag|        | …   residents that changed
//! late      (bytes)     … |          | frag          | frag   | …   residents that changed a few frames ago
//! arrivals  (records)   … |          | from (11,7)   |        | …   full and plain fragment each
//! departures(records)   … | to (12,7)|               |        | …   id and why it went
//! events    (bytes)     … |          | fired         |        | …
//! full      (bytes)     only for cells that some client begins to see in this tick
//! forgotten (bytes)     only for cells that some client ceases to see in this tick
//! ```
//!
//! A *resident* was in the same cell a frame ago. What is *late* was told already, except to clients
//! whose view was thinned when it changed. Every fragment ends with a comma; whoever composes
//! an array drops the last one. The layout is private to this layer: [`super::publish`] writes it,
//! [`super::compose`] reads it.

use std::ops::Range;

use super::stencil::{CellId, GridSize};
use crate::ids::{ConnId, SystemIndex};

/// A range of one of a frame's byte buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span's bytes.
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// Where each list's part for a cell begins; it ends where the next cell's begins. One record a
/// cell, because a reader of one list nearly always looks at the others too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CellStart {
    pub(super) update_byte: u32,
    pub(super) update: u32,
    pub(super) late_byte: u32,
    pub(super) late: u32,
    pub(super) arrival: u32,
    pub(super) departure: u32,
    pub(super) event_byte: u32,
}

/// A changed resident: where its fragment ends (it begins where the one before it ends) and whose
/// turn it is when the cell is thinned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Update {
    pub(super) end: u32,
    pub(super) turn: u32,
}

/// An entity that was in another cell, or nowhere, a tick ago.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) from: CellId,
    pub(super) update: Span,
    pub(super) full: Span,
}

/// An entity that was in this cell a tick ago and is elsewhere, or gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    pub(super) to: CellId,
    /// `"id",`
    pub(super) id: Span,
    /// `"id":"reason",`
    pub(super) gone: Span,
}

/// Bytes of a cell that was asked for, in cell order.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellBytes {
    pub(super) cell: u32,
    pub(super) ids: Span,
    pub(super) gone: Span,
}

/// What a client sees: the cell its ship is in, and how far its view has shrunk (0 is not at all).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The own ship's cell; [`CellId::NOWHERE`] before the first snapshot.
    pub center: CellId,
    /// Index into the stencils, from the full view radius down.
    pub level: u8,
}

impl View {
    /// Nothing is seen.
    pub const NOTHING: Self = Self {
        center: CellId::NOWHERE,
        level: 0,
    };
}

/// One client's own part of a frame.
#[derive(Clone, Copy, Debug)]
pub struct PilotView {
    /// Whose it is.
    pub conn: ConnId,
    pub(super) before: View,
    pub(super) now: View,
    /// Index into [`THINNING`](super::compose::THINNING): how much the updates are thinned.
    pub(super) thinning: u8,
    /// Whether the frame before was thinned, so that changes may be owed.
    pub(super) was_thinned: bool,
    /// The own ship's place in the list of updates, if it is a changed resident.
    pub(super) own: Option<u32>,
    pub(super) last_input_seq: Option<u64>,
    pub(super) zone: Span,
    pub(super) you: Span,
    pub(super) snapshot_you: Span,
}

impl PilotView {
    /// Whether this frame carries a snapshot for the client.
    pub const fn has_snapshot(&self) -> bool {
        !self.snapshot_you.is_empty()
    }

    /// Whether a delta makes sense: the client saw something a tick ago.
    pub fn has_delta(&self) -> bool {
        self.before.center != CellId::NOWHERE
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
    pub(super) grid: GridSize,
    pub(super) starts: Vec<CellStart>,
    pub(super) update_bytes: Vec<u8>,
    pub(super) updates: Vec<Update>,
    pub(super) late_bytes: Vec<u8>,
    pub(super) late: Vec<Update>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) departures: Vec<Departure>,
    /// What arrivals, departures and [`CellBytes`] point into.
    pub(super) extra_bytes: Vec<u8>,
    pub(super) event_bytes: Vec<u8>,
    pub(super) full_bytes: Vec<u8>,
    pub(super) full: Vec<(u32, Span)>,
    pub(super) forgotten: Vec<CellBytes>,
    /// What the pilots' spans point into.
    pub(super) pilot_bytes: Vec<u8>,
    /// In the order of their shards.
    pub(super) pilots: Vec<PilotView>,
    pub(super) shard_ends: Vec<u32>,
    /// `[{…},…]`, only where the frame carries a snapshot.
    pub(super) markets: Vec<u8>,
    /// `[{…},…]`, likewise.
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
    pub fn pilots_of(&self, shard: u16) -> &[PilotView] {
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

    pub(super) fn start(&self, cell: u32) -> CellStart {
        self.starts[cell as usize]
    }

    pub(super) fn arrivals_in(&self, cells: &Range<u32>) -> &[Arrival] {
        let (from, to) = (
            self.start(cells.start).arrival,
            self.start(cells.end).arrival,
        );
        &self.arrivals[from as usize..to as usize]
    }

    pub(super) fn departures_in(&self, cells: &Range<u32>) -> &[Departure] {
        let (from, to) = (
            self.start(cells.start).departure,
            self.start(cells.end).departure,
        );
        &self.departures[from as usize..to as usize]
    }

    pub(super) fn updates_in(&self, cells: &Range<u32>) -> &[u8] {
        let (from, to) = (
            self.start(cells.start).update_byte,
            self.start(cells.end).update_byte,
        );
        &self.update_bytes[from as usize..to as usize]
    }

    pub(super) fn late_in(&self, cells: &Range<u32>) -> &[u8] {
        let (from, to) = (
            self.start(cells.start).late_byte,
            self.start(cells.end).late_byte,
        );
        &self.late_bytes[from as usize..to as usize]
    }

    pub(super) fn events_in(&self, cells: &Range<u32>) -> &[u8] {
        let (from, to) = (
            self.start(cells.start).event_byte,
            self.start(cells.end).event_byte,
        );
        &self.event_bytes[from as usize..to as usize]
    }

    /// The full fragments of the residents of a cell that was asked for.
    pub(super) fn full_in(&self, cell: u32) -> &[u8] {
        match self.full.binary_search_by_key(&cell, |&(cell, _)| cell) {
            Ok(index) => self.full[index].1.of(&self.full_bytes),
            Err(_) => &[],
        }
    }

    /// The residents' ids of a cell that was asked for, as `"id",` and as `"id":"left_view",`.
    pub(super) fn forgotten_in(&self, cell: u32) -> (&[u8], &[u8]) {
        match self
            .forgotten
            .binary_search_by_key(&cell, |bytes| bytes.cell)
        {
            Ok(index) => {
                let bytes = self.forgotten[index];
                (
                    bytes.ids.of(&self.extra_bytes),
                    bytes.gone.of(&self.extra_bytes),
                )
            }
            Err(_) => (&[], &[]),
        }
    }

    /// Empties every list, keeping its memory.
    pub(super) fn clear(&mut self) {
        self.stamp.clear();
        self.starts.clear();
        self.update_bytes.clear();
        self.updates.clear();
        self.late_bytes.clear();
        self.late.clear();
        self.arrivals.clear();
        self.departures.clear();
        self.extra_bytes.clear();
        self.event_bytes.clear();
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
