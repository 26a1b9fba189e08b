//! The last phase of a tick: the world as it is now, serialized once for everybody.
//!
//! Owns the arenas and the recycled frames. [`Publisher::publish`] reads as its own table of
//! contents: encode what changed, lay it down by cell, aim each client's view, add what single
//! clients asked for, and hand the frame out. Nothing is allocated per entity or client once the
//! buffers have grown to the system's size.

use std::ops::Range;
use std::sync::Arc;

use bumpalo::Bump;
use rayon::prelude::*;

use super::encode::{self, EncodeChunk, Rows};
use super::events;
use super::frame::{Before, ByteSpan, CellBytes, CellRemoval, ClientView, TickFrame};
use super::interest::{self, Crowd, Sight};
use super::layout::{chunk_start, end_places, lay_down, note_rows};
use super::view::{Beside, CellId, Grid, View, ViewPlace, Views};
use super::viewer::{Due, Scene, Viewer};
use crate::ids::{SystemIndex, UnixMillis};
use crate::limits::{
    DELTA_EVENT_BYTES_MAX, FRAME_TICKS_MAX, FRAMES_KEPT_MAX, PARALLEL_ROWS_MIN, STICKY_FRAMES,
    VIEW_STEPS_PER_SIZE,
};
use crate::protocol::Fixed2;
use crate::protocol::row::{NameTexts, append};
use crate::protocol::world::{RemovalReason, ZoneContextRow, append_stamp};
use crate::sim::World;
use crate::sim::zones::ZoneContext;
use crate::universe::Universe;

/// What a frame needs besides the world and its viewers.
#[derive(Clone, Copy, Debug)]
pub struct PublishContext<'a> {
    /// Universe that the world is a part of.
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
    views: Views,
    arenas: Vec<Bump>,
    scratch: Bump,
    frames: Vec<Arc<TickFrame>>,
    wanted: Vec<Wanted>,
    wanted_cells: Vec<u32>,
    events: events::Sorter,
    /// Bytes of the markets and zones of the newest snapshot.
    fixed_bytes: usize,
    /// The ticks of the last frames, each at its number modulo the length.
    shown_ticks: [u64; STICKY_FRAMES as usize],
    frames_count: u64,
}

impl Publisher {
    /// A publisher for clients who see so far, in u, whose encoding is cut into `chunks` parts,
    /// one for each worker.
    pub fn new(view_radius: f32, chunks: usize) -> Self {
        Self {
            views: Views::new(view_radius),
            arenas: (0..chunks.max(1)).map(|_| Bump::new()).collect(),
            scratch: Bump::new(),
            frames: Vec::new(),
            wanted: Vec::new(),
            wanted_cells: Vec::new(),
            events: events::Sorter::default(),
            fixed_bytes: 0,
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
        stage: PublishContext<'_>,
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
        append_stamp(frame.tick, stage.unix, &mut frame.stamp);
        frame.dilation_centi = stage.time_dilation_percent.clamp(1, 100);
        frame.grid = Grid::of(cells);
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

        frame.cell_places.extend_from_slice(cells.starts());
        self.encode(frame, rows);
        file_departures(frame, world, scene);
        self.events.file(frame, world, scene);
        frame.note_mixed_cells();
        self.markets_and_zones(frame, world, scene, viewers);
        self.aim(frame, stage, world, viewers);
        self.answer_wanted(frame, rows);
        self.show_pilots(frame, world, scene, viewers);
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
        stage: PublishContext<'_>,
        world: &World,
        viewers: &mut [Viewer],
    ) {
        self.wanted
            .resize(frame.cell_places.len(), Wanted::default());
        let snapshot_rows_max = interest::snapshot_rows_max(self.fixed_bytes);
        for viewer in viewers {
            let ship = place_of(world, viewer);
            if ship.is_none() && viewer.view.is_nothing() {
                continue;
            }
            let crowd = Crowd {
                frame,
                views: self.views,
                divisor: stage.rows_divisor.max(1),
                steps_off_min: stage.shrunk.saturating_mul(VIEW_STEPS_PER_SIZE),
                snapshot_rows_max,
            };
            let aim = crowd.aim(&Sight {
                before: &viewer.view,
                known: viewer.known,
                ship,
                needs_snapshot: viewer.due == Due::Snapshot,
                restarted: viewer.restarted,
            });
            if aim.is_restart {
                viewer.due = Due::Snapshot;
                viewer.restarted = frame.turn;
                viewer.view = View::NOTHING;
            }
            if viewer.due == Due::Correction {
                let fits = aim.rows <= snapshot_rows_max;
                viewer.due = if fits { Due::Snapshot } else { Due::Nothing };
            }
            self.want(frame, viewer, &aim.view);
            let before = std::mem::replace(&mut viewer.view, aim.view);
            viewer.known = aim.rows;
            frame.pilots.push(ClientView {
                conn: viewer.conn,
                before: before_of(&mut frame.former_views, before, &aim.view),
                now: aim.view,
                thinning: aim.thinning,
                was_thinned: std::mem::replace(&mut viewer.is_thinned, aim.thinning > 0),
                own: ship.and_then(|ship| own_place(frame, world, viewer, ship.cell)),
                own_events: ByteSpan::default(),
                last_input_seq: None,
                zone: ByteSpan::default(),
                you: ByteSpan::default(),
                snapshot_you: ByteSpan::default(),
            });
        }
    }

    /// Notes the occupied cells that a client begins or ceases to see.
    fn want(&mut self, frame: &TickFrame, viewer: &Viewer, now: &View) {
        let (before, grid) = (&viewer.view, frame.grid);
        if viewer.due == Due::Snapshot {
            for run in now.runs(grid) {
                self.note(frame, run, |wanted| wanted.full = true);
            }
        }
        if before == now {
            return;
        }
        for Beside { left, right, .. } in now.runs_beside(before, grid) {
            for cells in [left, right] {
                self.note(frame, cells, |wanted| wanted.full = true);
            }
        }
        for Beside { left, right, .. } in before.runs_beside(now, grid) {
            for cells in [left, right] {
                self.note(frame, cells, |wanted| wanted.ids = true);
            }
        }
    }

    fn note(&mut self, frame: &TickFrame, cells: Range<u32>, want: impl Fn(&mut Wanted)) {
        if frame.places_in(&cells).is_empty() {
            return;
        }
        for cell in cells {
            if frame.places_in(&(cell..cell + 1)).is_empty() {
                continue;
            }
            let wanted = &mut self.wanted[cell as usize];
            if !wanted.full && !wanted.ids {
                self.wanted_cells.push(cell);
            }
            want(wanted);
        }
    }

    /// Encodes all rows, in parallel if there are many, and lays the chunks down in cell order.
    fn encode(&mut self, frame: &mut TickFrame, rows: Rows<'_>) {
        let row_count = rows.entities.len();
        let parts = if row_count < PARALLEL_ROWS_MIN {
            1
        } else {
            self.arenas.len()
        };
        let bounds = |part: usize| chunk_start(rows.cells.starts(), part, parts);
        if parts == 1 {
            let chunk = rows.chunk(bounds(0)..bounds(1), &mut self.arenas[0]);
            lay_down(frame, &chunk);
        } else {
            let chunks: Vec<EncodeChunk<'_>> = self
                .arenas
                .par_iter_mut()
                .enumerate()
                .map(|(part, arena)| rows.chunk(bounds(part)..bounds(part + 1), arena))
                .collect();
            for chunk in &chunks {
                lay_down(frame, chunk);
            }
        }
        end_places(frame);
    }

    /// The parts of a snapshot that are the same for everybody, where somebody may get one.
    fn markets_and_zones(
        &mut self,
        frame: &mut TickFrame,
        world: &World,
        scene: Scene<'_>,
        viewers: &[Viewer],
    ) {
        if viewers.iter().any(|viewer| viewer.due > Due::Nothing) {
            add_markets_and_zones(frame, world, scene);
            self.fixed_bytes = frame.markets.len() + frame.zones.len();
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
                    rows.ids(cell, Some(RemovalReason::LeftView), out);
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
        let mut newest_zone: Option<(ZoneContext, ByteSpan)> = None;
        for viewer in viewers {
            let Some(ship) = world.pilot(viewer.ship) else {
                continue;
            };
            // Viewers without a place yet were not aimed, so the two lists may differ in length.
            let is_next = |view: &ClientView| view.conn == viewer.conn;
            if !views.as_slice().first().is_some_and(is_next) {
                continue;
            }
            let Some(view) = views.next() else { continue };
            self.scratch.reset();
            let bytes = &mut frame.pilot_bytes;
            view.last_input_seq = ship.last_input_seq;
            if frame.event_bytes.len() > DELTA_EVENT_BYTES_MAX {
                view.own_events = self.events.own(&ship.ship_id);
            }
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
            if viewer.due == Due::Snapshot {
                view.snapshot_you = span(bytes, |out| {
                    viewer.you(&ship, world.tick(), scene, &self.scratch, out);
                });
                viewer.due = Due::Nothing;
            }
        }
        drop(views);
        frame.pilots = pilots;
        if frame.markets.is_empty() && frame.pilots.iter().any(ClientView::has_snapshot) {
            // Somebody began anew who had no snapshot due.
            add_markets_and_zones(frame, world, scene);
            self.fixed_bytes = frame.markets.len() + frame.zones.len();
        }
    }
}

pub(super) fn span(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> ByteSpan {
    let start = bytes.len() as u32;
    write(bytes);
    ByteSpan {
        start,
        end: bytes.len() as u32,
    }
}

/// Where a client's ship is; none while it is destroyed.
fn place_of(world: &World, viewer: &Viewer) -> Option<ViewPlace> {
    let entities = world.entities();
    let row = entities.row(viewer.ship)?;
    Some(ViewPlace {
        x: entities.xs()[row],
        y: entities.ys()[row],
        cell: CellId(entities.cells()[row]),
    })
}

/// The place of a client's ship among all entities in cell order.
fn own_place(frame: &TickFrame, world: &World, viewer: &Viewer, cell: CellId) -> Option<u32> {
    let row = world.entities().row(viewer.ship)? as u32;
    let in_cell = world.cells().rows_in(cell.0).binary_search(&row).ok()?;
    Some(frame.places_in(&(cell.0..cell.0 + 1)).start + in_cell as u32)
}

fn before_of(former_views: &mut Vec<View>, before: View, now: &View) -> Before {
    if before.is_nothing() {
        return Before::Nothing;
    }
    if before == *now {
        return Before::Same;
    }
    former_views.push(before);
    Before::Other(former_views.len() as u32 - 1)
}

/// Sorts who left a cell, for another one or for good, by the cell that was left.
fn file_departures(frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
    for gone in &world.outcome().departures {
        // Nobody was shown what came and went between two frames.
        if gone.cell as usize + 1 >= frame.cell_places.len() {
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
        frame.departures.push(CellRemoval {
            from: CellId(gone.cell),
            to: CellId::NOWHERE,
            id: ids,
            gone: gone_span,
        });
    }
    // A stable sort would take memory every tick; ids stand in the order of their departures.
    frame
        .departures
        .sort_unstable_by_key(|departure| (departure.from, departure.id.start));
    let cells = frame.departures.iter().map(|departure| departure.from.0);
    note_rows(&mut frame.departure_rows, frame.grid, cells);
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
        zone_ids: NameTexts(&names),
        blended_risk: Fixed2::new(context.risk),
        blended_security: Fixed2::new(context.security),
        blended_profit_multiplier: Fixed2::new(context.profit_multiplier),
    };
    append(&row, out);
}

fn add_markets_and_zones(frame: &mut TickFrame, world: &World, scene: Scene<'_>) {
    super::snapshot::markets(world, scene, &mut frame.markets);
    super::snapshot::zones(scene, &mut frame.zones);
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
