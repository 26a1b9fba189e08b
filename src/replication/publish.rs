//! The last phase of a tick: the world as it is now, serialized once for everybody.
//!
//! Owns the arenas and the recycled frames. [`Publisher::publish`] reads as its own table of
//! contents: aim each client's view, encode what changed, lay it down by cell, add what single
//! clients asked for, and hand the frame out. Nothing is allocated per entity or client once the
//! buffers have grown to the system's size.

use std::sync::Arc;

use bumpalo::Bump;
use rayon::prelude::*;

use super::compose::{self, Stencils};
use super::encode::{self, Rows, Stretch};
use super::frame::{CellBytes, CellStart, Departure, PilotView, Span, TickFrame, View};
use super::interest::{self, Occupancy, rows_budget};
use super::layout::{lay_down, stretch_start};
use super::stencil::{CellId, GridSize};
use super::viewer::{Scene, Viewer};
use crate::ids::{SystemIndex, UnixMillis};
use crate::limits::{FRAME_TICKS_MAX, FRAMES_KEPT_MAX, PARALLEL_ROWS_MIN, STICKY_FRAMES};
use crate::sim::zones::ZoneContext;
use crate::sim::{EventKind, World};
use crate::universe::Universe;
use crate::wire::Fixed2;
use crate::wire::row::{EventRow, Names, ZoneContextRow, append};

/// What a frame needs besides the world and its viewers.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// What exists.
    pub universe: &'a Universe,
    /// Which part of it this is.
    pub system: SystemIndex,
    /// The wire's time of this tick.
    pub unix: UnixMillis,
    /// How many net shards there are.
    pub shard_count: u16,
    /// Simulated time over real time, in percent; 100 is full speed.
    pub time_dilation_percent: u32,
    /// The rows of a delta's budget are divided by this, in an overload.
    pub rows_divisor: u32,
    /// Sizes by which every view is shrunk at least, in an overload.
    pub shrunk: u8,
}

/// A cell that some client needs more of than its updates.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    full: bool,
    ids: bool,
}

/// Makes the frames of one system.
#[derive(Debug)]
pub struct Publisher {
    stencils: Arc<Stencils>,
    arenas: Vec<Bump>,
    scratch: Bump,
    frames: Vec<Arc<TickFrame>>,
    wanted: Vec<Wanted>,
    wanted_cells: Vec<u32>,
    departures: Vec<(u32, Departure)>,
    events: Vec<(u32, u32)>,
    update_of_row: Vec<u32>,
    /// The ticks of the last frames, each at its number modulo the length.
    shown_ticks: [u64; STICKY_FRAMES as usize],
    frames_count: u64,
}

const NO_UPDATE: u32 = u32::MAX;

impl Publisher {
    /// A publisher whose encoding is cut into `stretches` parts, one for each worker.
    pub fn new(stencils: Arc<Stencils>, stretches: usize) -> Self {
        Self {
            stencils,
            arenas: (0..stretches.max(1)).map(|_| Bump::new()).collect(),
            scratch: Bump::new(),
            frames: Vec::new(),
            wanted: Vec::new(),
            wanted_cells: Vec::new(),
            departures: Vec::new(),
            events: Vec::new(),
            update_of_row: Vec::new(),
            shown_ticks: [0; STICKY_FRAMES as usize],
            frames_count: 0,
        }
    }

    /// Bytes that the encoding arenas hold.
    pub fn arena_bytes(&self) -> usize {
        self.arenas.iter().map(Bump::allocated_bytes).sum()
    }

    /// Serializes the world as it is after a step, against the frame before. `viewers` are in the order of their
    /// shards; each one's view moves on to what this frame shows it.
    pub fn publish(
        &mut self,
        stage: Stage<'_>,
        world: &World,
        viewers: &mut [Viewer],
    ) -> Arc<TickFrame> {
        let mut shared = self.free_frame();
        let Some(system) = stage.universe.system(stage.system) else {
            return shared;
        };
        let Some(frame) = Arc::get_mut(&mut shared) else {
            return shared;
        };
        let cells = world.cells();
        frame.clear();
        frame.system = stage.system.0;
        frame.tick = world.tick();
        let fresh_ticks = self.count_frame(frame);
        compose::stamp(frame.tick, stage.unix, &mut frame.stamp);
        frame.dilation_centi = stage.time_dilation_percent.clamp(1, 100);
        frame.grid = GridSize {
            columns: cells.side(),
            rows: cells.side(),
        };
        let rows = Rows {
            entities: world.entities(),
            system,
            cells,
            tick: world.tick(),
            frame_ticks: (frame.tick - frame.follows.min(frame.tick)) as u32,
            fresh_ticks,
        };
        let scene = Scene {
            universe: stage.universe,
            system,
        };

        self.aim(frame, stage, world, viewers);
        self.encode(frame, rows);
        self.file_departures(frame, world, scene);
        self.file_events(frame, world, scene);
        self.answer_wanted(frame, rows);
        self.show_pilots(frame, world, scene, viewers);
        markets_and_zones(frame, world, scene);
        end_shards(frame, stage.shard_count);
        self.keep(&shared);
        shared
    }

    /// Numbers a frame. Returns how many ticks the last [`STICKY_FRAMES`] frames, this one
    /// included, tell of.
    fn count_frame(&mut self, frame: &mut TickFrame) -> u32 {
        let place = |number: u64| (number % u64::from(STICKY_FRAMES)) as usize;
        frame.follows = self.shown_ticks[place(self.frames_count)];
        self.frames_count += 1;
        frame.turn = self.frames_count;
        let oldest = &mut self.shown_ticks[place(self.frames_count)];
        let span = frame.tick - std::mem::replace(oldest, frame.tick).min(frame.tick);
        span.min(u64::from(STICKY_FRAMES * FRAME_TICKS_MAX)) as u32
    }

    /// A frame that nobody reads any more, or a new one.
    fn free_frame(&mut self) -> Arc<TickFrame> {
        match self
            .frames
            .iter()
            .position(|frame| Arc::strong_count(frame) == 1)
        {
            Some(index) => self.frames.swap_remove(index),
            None => Arc::default(),
        }
    }

    fn keep(&mut self, frame: &Arc<TickFrame>) {
        if self.frames.len() < FRAMES_KEPT_MAX {
            self.frames.push(Arc::clone(frame));
        }
    }

    /// Moves each client's view and notes which cells it begins or ceases to see.
    fn aim(
        &mut self,
        frame: &mut TickFrame,
        stage: Stage<'_>,
        world: &World,
        viewers: &mut [Viewer],
    ) {
        let cell_count = frame.grid.cell_count();
        self.wanted.resize(cell_count, Wanted::default());
        let occupancy = Occupancy {
            grid: frame.grid,
            starts: world.cells().starts(),
            rows_max: rows_budget(stage.rows_divisor),
            level_min: stage.shrunk,
        };
        for viewer in viewers {
            let row = world.entities().row(viewer.ship);
            let center = match row {
                Some(row) => CellId(world.entities().cells()[row]),
                None => viewer.view.center,
            };
            if center == CellId::NOWHERE {
                continue;
            }
            let (now, thinning) = interest::aim(occupancy, &self.stencils, viewer.view, center);
            self.want(frame.grid, viewer, now);
            frame.pilots.push(PilotView {
                conn: viewer.conn,
                before: viewer.view,
                now,
                thinning,
                was_thinned: std::mem::replace(&mut viewer.is_thinned, thinning > 0),
                own: None,
                last_input_seq: None,
                zone: Span::default(),
                you: Span::default(),
                snapshot_you: Span::default(),
            });
        }
    }

    fn want(&mut self, grid: GridSize, viewer: &Viewer, now: View) {
        let before = viewer.view;
        let stencils = Arc::clone(&self.stencils);
        let (seen_before, seen_now) = (stencils.at(before.level), stencils.at(now.level));
        if before != now || viewer.snapshot_due {
            for cell in seen_now.runs(now.center, grid).flatten() {
                if viewer.snapshot_due || !seen_before.sees(before.center, CellId(cell), grid) {
                    self.note(cell).full = true;
                }
            }
        }
        if before != now && before.center != CellId::NOWHERE {
            for cell in seen_before.runs(before.center, grid).flatten() {
                if !seen_now.sees(now.center, CellId(cell), grid) {
                    self.note(cell).ids = true;
                }
            }
        }
    }

    fn note(&mut self, cell: u32) -> &mut Wanted {
        let wanted = &mut self.wanted[cell as usize];
        if !wanted.full && !wanted.ids {
            self.wanted_cells.push(cell);
        }
        wanted
    }

    /// Encodes all rows, in parallel if there are many, and lays the stretches down in cell order.
    fn encode(&mut self, frame: &mut TickFrame, rows: Rows<'_>) {
        let row_count = rows.entities.len();
        self.update_of_row.clear();
        self.update_of_row.resize(row_count, NO_UPDATE);
        self.departures.clear();
        let parts = if row_count < PARALLEL_ROWS_MIN {
            1
        } else {
            self.arenas.len()
        };
        let bounds = |part: usize| stretch_start(rows.cells.starts(), part, parts);
        if parts == 1 {
            let stretch = rows.stretch(bounds(0)..bounds(1), &mut self.arenas[0]);
            lay_down(
                frame,
                &stretch,
                &mut self.departures,
                &mut self.update_of_row,
            );
        } else {
            let stretches: Vec<Stretch<'_>> = self
                .arenas
                .par_iter_mut()
                .enumerate()
                .map(|(part, arena)| rows.stretch(bounds(part)..bounds(part + 1), arena))
                .collect();
            for stretch in &stretches {
                lay_down(
                    frame,
                    stretch,
                    &mut self.departures,
                    &mut self.update_of_row,
                );
            }
        }
        // One more start than cells, so that the last cell ends too.
        frame.starts.push(CellStart {
            update_byte: frame.update_bytes.len() as u32,
            update: frame.updates.len() as u32,
            late_byte: frame.late_bytes.len() as u32,
            late: frame.late.len() as u32,
            arrival: frame.arrivals.len() as u32,
            ..CellStart::default()
        });
    }

    /// Sorts who left a cell, for another one or for good, by the cell that was left.
    fn file_departures(&mut self, frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
        for gone in &world.outcome().departures {
            if gone.cell as usize >= frame.grid.cell_count() {
                continue;
            }
            let id = encode::text(&gone.id, scene.system);
            let reason = encode::reason(gone.gone);
            let ids = span(&mut frame.extra_bytes, |out| {
                encode::departure(&id, None, out);
            });
            let gone_span = span(&mut frame.extra_bytes, |out| {
                encode::departure(&id, Some(reason), out);
            });
            self.departures.push((
                gone.cell,
                Departure {
                    to: CellId::NOWHERE,
                    id: ids,
                    gone: gone_span,
                },
            ));
        }
        // A stable sort would take memory every tick; ids stand in the order of their departures.
        self.departures
            .sort_unstable_by_key(|&(cell, departure)| (cell, departure.id.start));
        let mut next = 0;
        for (cell, start) in frame.starts.iter_mut().enumerate() {
            while self
                .departures
                .get(next)
                .is_some_and(|&(from, _)| (from as usize) < cell)
            {
                next += 1;
            }
            start.departure = next as u32;
        }
        frame
            .departures
            .extend(self.departures.iter().map(|&(_, departure)| departure));
    }

    /// Encodes the tick's events in the order of their cells.
    fn file_events(&mut self, frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
        self.events.clear();
        let events = &world.outcome().events;
        let cells = events
            .iter()
            .map(|event| world.cells().cell_at(event.x, event.y));
        self.events.extend(cells.zip(0..));
        self.events.sort_unstable();
        let mut next = 0;
        for (cell, start) in frame.starts.iter_mut().enumerate() {
            while let Some(&(at, index)) = self
                .events
                .get(next)
                .filter(|&&(at, _)| (at as usize) < cell)
            {
                debug_assert!((at as usize) < cell);
                append(
                    &event_row(&events[index as usize].kind, scene),
                    &mut frame.event_bytes,
                );
                frame.event_bytes.push(b',');
                next += 1;
            }
            start.event_byte = frame.event_bytes.len() as u32;
        }
    }

    /// Encodes whole cells for clients that begin or cease to see them.
    fn answer_wanted(&mut self, frame: &mut TickFrame, rows: Rows<'_>) {
        self.wanted_cells.sort_unstable();
        for cell in self.wanted_cells.drain(..) {
            let wanted = std::mem::take(&mut self.wanted[cell as usize]);
            if wanted.full {
                let full = span(&mut frame.full_bytes, |out| rows.full(cell, out));
                frame.full.push((cell, full));
            }
            if wanted.ids {
                let ids = span(&mut frame.extra_bytes, |out| rows.ids(cell, None, out));
                let gone = span(&mut frame.extra_bytes, |out| {
                    rows.ids(cell, Some(encode::LEFT_VIEW), out);
                });
                frame.forgotten.push(CellBytes { cell, ids, gone });
            }
        }
    }

    /// Each client's own part.
    fn show_pilots(
        &mut self,
        frame: &mut TickFrame,
        world: &World,
        scene: Scene<'_>,
        viewers: &mut [Viewer],
    ) {
        let mut pilots = std::mem::take(&mut frame.pilots);
        let mut views = pilots.iter_mut();
        // Most pilots are where the one before is: in the ambient, or docked at one station.
        let mut newest_zone: Option<(ZoneContext, Span)> = None;
        for viewer in viewers {
            let Some(ship) = world.pilot(viewer.ship) else {
                continue;
            };
            // Viewers without a place yet were not aimed, so the two lists may differ in length.
            let Some(view) = views
                .as_slice()
                .first()
                .filter(|view| view.conn == viewer.conn)
            else {
                continue;
            };
            let now = view.now;
            let Some(view) = views.next() else { continue };
            self.scratch.reset();
            let bytes = &mut frame.pilot_bytes;
            view.last_input_seq = ship.last_input_seq;
            view.own = ship
                .row
                .map(|row| self.update_of_row[row])
                .filter(|&update| update != NO_UPDATE);
            let context = world.zone_context(viewer.ship);
            view.zone = match newest_zone {
                Some((newest, zone)) if newest == context => zone,
                _ => span(bytes, |out| {
                    zone_context(&context, scene, &self.scratch, out);
                }),
            };
            newest_zone = Some((context, view.zone));
            view.you = span(bytes, |out| {
                viewer.you_changes(&ship, world.tick(), scene, &self.scratch, out);
            });
            if viewer.snapshot_due {
                view.snapshot_you = span(bytes, |out| {
                    viewer.you(&ship, world.tick(), scene, &self.scratch, out);
                });
                viewer.snapshot_due = false;
            }
            viewer.view = now;
        }
        drop(views);
        frame.pilots = pilots;
    }
}

fn span(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Span {
    let start = bytes.len() as u32;
    write(bytes);
    Span {
        start,
        end: bytes.len() as u32,
    }
}

fn event_row<'a>(kind: &'a EventKind, scene: Scene<'a>) -> EventRow<'a> {
    let name = |id| encode::text(id, scene.system);
    match kind {
        EventKind::ProjectileFired { source, projectile } => {
            EventRow::ProjectileFired(name(source), name(projectile))
        }
        EventKind::Docked { ship, station } => {
            EventRow::Docked(name(ship), scene.station(*station))
        }
        EventKind::Undocked { ship, station } => {
            EventRow::Undocked(name(ship), scene.station(*station))
        }
    }
}

/// Appends the `you_zone_context` of a client: of its ship's place, or of none while it has none.
fn zone_context(context: &ZoneContext, scene: Scene<'_>, arena: &Bump, out: &mut Vec<u8>) {
    let zones = &scene.system.zones;
    let names = context
        .zones()
        .iter()
        .filter_map(|&zone| zones.get(usize::from(zone)));
    let names = bumpalo::collections::Vec::from_iter_in(names.map(|zone| zone.id.clone()), arena);
    let row = ZoneContextRow {
        zone_ids: Names(&names),
        blended_risk: Fixed2::new(context.risk),
        blended_security: Fixed2::new(context.security),
        blended_profit_multiplier: Fixed2::new(context.profit_multiplier),
    };
    append(&row, out);
}

/// The parts of a snapshot that are the same for everybody.
fn markets_and_zones(frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
    if frame.pilots.iter().any(PilotView::has_snapshot) {
        super::snapshot::markets(world, scene, &mut frame.markets);
        super::snapshot::zones(scene, &mut frame.zones);
    }
}

/// Notes where each shard's clients end.
fn end_shards(frame: &mut TickFrame, shard_count: u16) {
    for shard in 0..shard_count {
        let end = frame
            .pilots
            .partition_point(|pilot| pilot.conn.shard <= shard);
        frame.shard_ends.push(end as u32);
    }
}
