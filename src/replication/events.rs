//! The events of a frame: by cell, the gravest first, and findable by whose they are.
//!
//! As a rule all of a view's events fit into a delta, and a client's share is one copy a run of cells.
//! Where a frame has more of them than any delta may tell, each client is told its own first; so for such
//! frames the ships' own events are noted too.

use super::encode;
use super::frame::{ByteSpan, EventEnd, Gravity, TickFrame};
use super::layout::note_rows;
use super::view::CellId;
use super::viewer::Scene;
use crate::limits::DELTA_EVENT_BYTES_MAX;
use crate::protocol::row::append_item;
use crate::protocol::world::EventRow;
use crate::sim::{EntityId, EventKind, World};

/// Sorts events, and remembers whose they were until the frame is done.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    sorted: Vec<(CellId, Gravity, u32)>,
    /// Whose each event is, and its place in the frame; in the order of ids.
    sources: Vec<(EntityId, u32)>,
}

impl Sorter {
    /// Encodes the tick's events in the order of their cells.
    pub(super) fn file(&mut self, frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
        let events = &world.outcome().events;
        let keys = events.iter().zip(0..).map(|(event, index)| {
            let cell = CellId(world.cells().cell_at(event.x, event.y));
            (cell, gravity(&event.kind), index)
        });
        self.sorted.clear();
        self.sorted.extend(keys);
        self.sorted.sort_unstable();
        for &(cell, gravity, index) in &self.sorted {
            let row = event_row(&events[index as usize].kind, scene);
            append_item(&row, &mut frame.event_bytes);
            let end = frame.event_bytes.len() as u32;
            frame.events.push(EventEnd { cell, gravity, end });
        }
        let cells = frame.events.iter().map(|event| event.cell.0);
        note_rows(&mut frame.event_rows, frame.grid, cells);
        self.sources.clear();
        if frame.event_bytes.len() > DELTA_EVENT_BYTES_MAX {
            let sources = self.sorted.iter().zip(0..).map(|(&(_, _, index), place)| {
                let kind = &events[index as usize].kind;
                (source(kind), place)
            });
            self.sources.extend(sources);
            self.sources.sort_unstable();
            let places = self.sources.iter().map(|&(_, place)| place);
            frame.own_events.extend(places);
        }
    }

    /// Which of the frame's `own_events` are a ship's.
    pub(super) fn own(&self, ship: &EntityId) -> ByteSpan {
        let start = self.sources.partition_point(|(id, _)| id < ship);
        let count = self.sources[start..].partition_point(|(id, _)| id == ship);
        ByteSpan {
            start: start as u32,
            end: (start + count) as u32,
        }
    }
}

const fn gravity(kind: &EventKind) -> Gravity {
    match kind {
        EventKind::ProjectileFired { .. } => Gravity::Shot,
        EventKind::Docked { .. } | EventKind::Undocked { .. } => Gravity::Dock,
    }
}

const fn source(kind: &EventKind) -> EntityId {
    match kind {
        EventKind::ProjectileFired { source, .. } => *source,
        EventKind::Docked { ship, .. } | EventKind::Undocked { ship, .. } => *ship,
    }
}

fn event_row<'a>(kind: &'a EventKind, scene: Scene<'a>) -> EventRow<'a> {
    let name = |id| encode::text(id, scene.system);
    match kind {
        EventKind::ProjectileFired { source, projectile } => EventRow::ProjectileFired {
            source_id: name(source),
            projectile_id: name(projectile),
        },
        EventKind::Docked { ship, station } => EventRow::Docked {
            source_id: name(ship),
            station_id: scene.station(*station),
        },
        EventKind::Undocked { ship, station } => EventRow::Undocked {
            source_id: name(ship),
            station_id: scene.station(*station),
        },
    }
}
