//! Rows into bytes: each entity that changed is serialized once a frame, whoever sees it.
//!
//! The rows of a tick are cut into chunks of cells with about equally many rows; each chunk is
//! encoded into an arena of its own, in parallel where there is enough to do. Laying the chunks
//! down one behind the other (in [`publish`](super::publish)) gives the same bytes however many
//! there were.

use std::io;
use std::ops::Range;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::frame::{ByteSpan, CellArrival, CellRemoval, PlaceStart};
use super::view::CellId;
use crate::limits::ROW_BYTES_ESTIMATE;
use crate::protocol::row::{EntityText, append_item, append_reason};
use crate::protocol::world::{EntityValues, RemovalReason as Reason, UpdateRow};
use crate::protocol::{Angle, Fixed2};
use crate::sim::{Cells, Entities, EntityId, NO_CELL, RemovalReason};
use crate::universe::System;

/// Bytes in an arena that a row encoder can write to; copies by blocks, which is what makes an
/// arena as fast as a reused buffer.
pub(super) struct ArenaBytes<'a>(pub(super) BumpVec<'a, u8>);

impl<'a> ArenaBytes<'a> {
    fn with_capacity_in(bytes: usize, arena: &'a Bump) -> Self {
        Self(BumpVec::with_capacity_in(bytes, arena))
    }

    /// Appends what `write` writes and tells where it stands.
    fn span(&mut self, write: impl FnOnce(&mut Self)) -> ByteSpan {
        let start = self.0.len() as u32;
        write(self);
        ByteSpan {
            start,
            end: self.0.len() as u32,
        }
    }
}

impl io::Write for ArenaBytes<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice_copy(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice_copy(bytes);
        Ok(())
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is encoded from.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) entities: &'a Entities,
    pub(super) system: &'a System,
    pub(super) cells: &'a Cells,
    pub(super) tick: u64,
    /// Ticks that this frame tells of: a change in them is an update.
    pub(super) frame_ticks: u32,
    /// Ticks that the last few frames tell of: an older change in them is late.
    pub(super) fresh_ticks: u32,
}

/// A chunk of cells, encoded. Positions count from the chunk's own beginning.
pub(super) struct EncodeChunk<'a> {
    pub(super) update_starts: &'a [u32],
    pub(super) places: &'a [PlaceStart],
    pub(super) update_bytes: &'a [u8],
    pub(super) late_bytes: &'a [u8],
    pub(super) arrivals: &'a [CellArrival],
    pub(super) departures: &'a [CellRemoval],
    pub(super) extra_bytes: &'a [u8],
}

/// A chunk being encoded. Its vectors stay on the worker that fills them.
struct ArenaColumns<'a> {
    update_starts: BumpVec<'a, u32>,
    places: BumpVec<'a, PlaceStart>,
    update_bytes: ArenaBytes<'a>,
    late_bytes: ArenaBytes<'a>,
    arrivals: BumpVec<'a, CellArrival>,
    departures: BumpVec<'a, CellRemoval>,
    extra_bytes: ArenaBytes<'a>,
}

impl<'a> ArenaColumns<'a> {
    fn new(row_count: usize, arena: &'a Bump) -> Self {
        Self {
            update_starts: BumpVec::with_capacity_in(row_count, arena),
            places: BumpVec::with_capacity_in(row_count, arena),
            update_bytes: ArenaBytes::with_capacity_in(row_count * ROW_BYTES_ESTIMATE, arena),
            late_bytes: ArenaBytes(BumpVec::new_in(arena)),
            arrivals: BumpVec::new_in(arena),
            departures: BumpVec::new_in(arena),
            extra_bytes: ArenaBytes::with_capacity_in(row_count * ROW_BYTES_ESTIMATE / 8, arena),
        }
    }

    fn finish(self) -> EncodeChunk<'a> {
        EncodeChunk {
            update_starts: self.update_starts.into_bump_slice(),
            places: self.places.into_bump_slice(),
            update_bytes: self.update_bytes.0.into_bump_slice(),
            late_bytes: self.late_bytes.0.into_bump_slice(),
            arrivals: self.arrivals.into_bump_slice(),
            departures: self.departures.into_bump_slice(),
            extra_bytes: self.extra_bytes.0.into_bump_slice(),
        }
    }
}

/// An entity's id as the wire writes it.
pub(super) fn text<'a>(id: &'a EntityId, system: &'a System) -> EntityText<'a> {
    match id {
        EntityId::Numbered(text) => EntityText::new(text.as_bytes()),
        EntityId::Station(index) => match system.station(*index) {
            Some(station) => EntityText::from(&station.id),
            None => EntityText::new(b""),
        },
    }
}

/// Appends an id as an item of a list or, with a reason, as an entry of `gone`.
pub(super) fn departure<W: io::Write>(id: &EntityText<'_>, reason: Option<Reason>, out: &mut W) {
    match reason {
        None => append_item(id, out),
        Some(reason) => append_reason(id, reason, out),
    }
}

/// The protocol's word for why an entity is gone.
pub(super) const fn reason(gone: RemovalReason) -> Reason {
    match gone {
        RemovalReason::Destroyed => Reason::Destroyed,
        RemovalReason::Jumped => Reason::Jumped,
        RemovalReason::Despawned => Reason::Despawned,
    }
}

impl<'a> Rows<'a> {
    fn row(&self, row: usize) -> UpdateRow<'a> {
        let entities = self.entities;
        let values = EntityValues {
            x: Fixed2::new(entities.xs()[row]),
            y: Fixed2::new(entities.ys()[row]),
            vx: Fixed2::new(entities.vxs()[row]),
            vy: Fixed2::new(entities.vys()[row]),
            r: Angle::new(entities.rotation(row)),
            hp: entities.hulls()[row],
        };
        UpdateRow::new(text(&entities.ids()[row], self.system), values)
    }

    /// Ticks since anything changed that a client sees of the row.
    fn age_ticks(&self, row: usize) -> u32 {
        (self.tick as u32).wrapping_sub(self.entities.last_changed_ticks()[row])
    }

    /// Encodes the rows of a range of cells into an arena, which is emptied first.
    pub(super) fn chunk<'b>(&self, cells: Range<u32>, arena: &'b mut Bump) -> EncodeChunk<'b> {
        arena.reset();
        let starts = self.cells.starts();
        let places = starts[cells.start as usize] as usize..starts[cells.end as usize] as usize;
        let mut chunk = ArenaColumns::new(places.len(), arena);
        for &row in &self.cells.order().order[places] {
            self.encode(row as usize, &mut chunk);
        }
        chunk.finish()
    }

    #[inline]
    fn encode(&self, row: usize, chunk: &mut ArenaColumns<'_>) {
        let update_start = chunk.update_bytes.0.len() as u32;
        chunk.update_starts.push(update_start);
        chunk.places.push(PlaceStart {
            late_byte: chunk.late_bytes.0.len() as u32,
            arrival: chunk.arrivals.len() as u32,
            turn: self.entities.handles()[row].slot,
        });
        let (previous, cell) = (
            self.entities.previous_cells()[row],
            self.entities.cells()[row],
        );
        if previous != cell {
            self.arrive(row, cell, previous, chunk);
            return;
        }
        let age_ticks = self.age_ticks(row);
        if age_ticks < self.frame_ticks {
            append_item(&self.row(row), &mut chunk.update_bytes);
        } else if age_ticks < self.fresh_ticks {
            append_item(&self.row(row), &mut chunk.late_bytes);
        }
    }

    fn arrive(&self, row: usize, cell: u32, previous: u32, chunk: &mut ArenaColumns<'_>) {
        let plain = self.row(row);
        let full = plain.full(self.entities.kinds()[row]);
        let extra = &mut chunk.extra_bytes;
        let update = extra.span(|out| append_item(&plain, out));
        let full = extra.span(|out| append_item(&full, out));
        let from = if previous == NO_CELL {
            CellId::NOWHERE
        } else {
            CellId(previous)
        };
        chunk.arrivals.push(CellArrival {
            from,
            to: CellId(cell),
            place: chunk.places.len() as u32 - 1,
            update,
            full,
        });
        if previous != NO_CELL {
            let id = text(&self.entities.ids()[row], self.system);
            let ids = extra.span(|out| departure(&id, None, out));
            let gone = extra.span(|out| departure(&id, Some(Reason::LeftView), out));
            chunk.departures.push(CellRemoval {
                from,
                to: CellId(cell),
                id: ids,
                gone,
            });
        }
    }

    /// Appends the full rows of a cell's residents.
    pub(super) fn full(&self, cell: u32, out: &mut Vec<u8>) {
        for row in self.residents(cell) {
            append_item(&self.row(row).full(self.entities.kinds()[row]), out);
        }
    }

    /// Appends the ids of a cell's residents, for `gone` with the reason.
    pub(super) fn ids(&self, cell: u32, reason: Option<Reason>, out: &mut Vec<u8>) {
        for row in self.residents(cell) {
            departure(&text(&self.entities.ids()[row], self.system), reason, out);
        }
    }

    fn residents(&self, cell: u32) -> impl Iterator<Item = usize> + '_ {
        let rows = self.cells.rows_in(cell).iter().map(|&row| row as usize);
        rows.filter(move |&row| self.entities.previous_cells()[row] == cell)
    }
}
