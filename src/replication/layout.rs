//! Chunks laid down one behind the other: where each begins among the cells, and how its positions
//! move when it becomes part of the frame.
//!
//! The cut is by rows, so that every worker has about as much to encode; where it falls does not
//! show in the frame's bytes.

use super::encode::EncodeChunk;
use super::frame::{ByteSpan, CellArrival, CellRemoval, PlaceStart, TickFrame};
use super::view::Grid;

/// The first cell of a chunk, so that each has about equally many rows.
pub(super) fn chunk_start(starts: &[u32], part: usize, parts: usize) -> u32 {
    let cell_count = starts.len() - 1;
    if part == parts {
        return cell_count as u32;
    }
    let rows = starts[cell_count] as usize * part / parts;
    starts
        .partition_point(|&start| (start as usize) < rows)
        .min(cell_count) as u32
}

/// Appends a chunk to the frame, its positions moved to where it now stands.
pub(super) fn lay_down(frame: &mut TickFrame, chunk: &EncodeChunk<'_>) {
    let update_byte = frame.update_bytes.len() as u32;
    let late_byte = frame.late_bytes.len() as u32;
    let arrival = frame.arrivals.len() as u32;
    let extra = frame.extra_bytes.len() as u32;
    let place = frame.places.len() as u32;
    let moved = |span: ByteSpan| ByteSpan {
        start: span.start + extra,
        end: span.end + extra,
    };
    let update_starts = chunk.update_starts.iter();
    frame
        .update_starts
        .extend(update_starts.map(|start| start + update_byte));
    frame
        .places
        .extend(chunk.places.iter().map(|start| PlaceStart {
            late_byte: start.late_byte + late_byte,
            arrival: start.arrival + arrival,
            turn: start.turn,
        }));
    frame.update_bytes.extend_from_slice(chunk.update_bytes);
    frame.late_bytes.extend_from_slice(chunk.late_bytes);
    frame.extra_bytes.extend_from_slice(chunk.extra_bytes);
    frame
        .arrivals
        .extend(chunk.arrivals.iter().map(|entry| CellArrival {
            from: entry.from,
            to: entry.to,
            place: entry.place + place,
            update: moved(entry.update),
            full: moved(entry.full),
        }));
    frame
        .departures
        .extend(chunk.departures.iter().map(|entry| CellRemoval {
            from: entry.from,
            to: entry.to,
            id: moved(entry.id),
            gone: moved(entry.gone),
        }));
}

/// Ends the last entity's part of each list.
pub(super) fn end_places(frame: &mut TickFrame) {
    frame.update_starts.push(frame.update_bytes.len() as u32);
    frame.places.push(PlaceStart {
        late_byte: frame.late_bytes.len() as u32,
        arrival: frame.arrivals.len() as u32,
        turn: 0,
    });
}

/// Notes where each row of cells begins among records that stand in the order of their cells, and
/// at the end how many there are. `cells` are the records'.
pub(super) fn note_rows(
    rows: &mut Vec<u32>,
    grid: Grid,
    cells: impl ExactSizeIterator<Item = u32>,
) {
    let count = cells.len() as u32;
    for (index, cell) in (0_u32..).zip(cells) {
        let row = (cell / grid.columns).min(grid.rows - 1) as usize;
        if rows.len() <= row {
            rows.resize(row + 1, index);
        }
    }
    rows.resize(grid.rows as usize + 1, count);
}
