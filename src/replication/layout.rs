//! Stretches laid down one behind the other: where each begins among the cells, and how its positions
//! move when it becomes part of the frame.
//!
//! The cut is by rows, so that every worker has about as much to encode; where it falls does not
//! show in the frame's bytes.

use super::encode::Stretch;
use super::frame::{Arrival, CellStart, Departure, Span, TickFrame, Update};

/// The first cell of a stretch, so that each has about equally many rows.
pub(super) fn stretch_start(starts: &[u32], part: usize, parts: usize) -> u32 {
    let cell_count = starts.len() - 1;
    if part == parts {
        return cell_count as u32;
    }
    let rows = starts[cell_count] as usize * part / parts;
    starts
        .partition_point(|&start| (start as usize) < rows)
        .min(cell_count) as u32
}

/// Appends a stretch to the frame, its positions moved to where it now stands.
pub(super) fn lay_down(
    frame: &mut TickFrame,
    stretch: &Stretch<'_>,
    departures: &mut Vec<(u32, Departure)>,
    update_of_row: &mut [u32],
) {
    let update_byte = frame.update_bytes.len() as u32;
    let update = frame.updates.len() as u32;
    let late_byte = frame.late_bytes.len() as u32;
    let late = frame.late.len() as u32;
    let arrival = frame.arrivals.len() as u32;
    let extra = frame.extra_bytes.len() as u32;
    let moved = |span: Span| Span {
        start: span.start + extra,
        end: span.end + extra,
    };
    frame
        .starts
        .extend(stretch.starts.iter().map(|start| CellStart {
            update_byte: start.update_byte + update_byte,
            update: start.update + update,
            late_byte: start.late_byte + late_byte,
            late: start.late + late,
            arrival: start.arrival + arrival,
            ..CellStart::default()
        }));
    frame.update_bytes.extend_from_slice(stretch.update_bytes);
    frame.late_bytes.extend_from_slice(stretch.late_bytes);
    frame.extra_bytes.extend_from_slice(stretch.extra_bytes);
    for &(row, index) in stretch.own {
        update_of_row[row as usize] = index + update;
    }
    frame
        .updates
        .extend(stretch.updates.iter().map(|entry| Update {
            end: entry.end + update_byte,
            turn: entry.turn,
        }));
    frame.late.extend(stretch.late.iter().map(|entry| Update {
        end: entry.end + late_byte,
        turn: entry.turn,
    }));
    frame
        .arrivals
        .extend(stretch.arrivals.iter().map(|entry| Arrival {
            from: entry.from,
            update: moved(entry.update),
            full: moved(entry.full),
        }));
    departures.extend(stretch.departures.iter().map(|&(cell, entry)| {
        (
            cell,
            Departure {
                to: entry.to,
                id: moved(entry.id),
                gone: moved(entry.gone),
            },
        )
    }));
}
