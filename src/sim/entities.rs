//! The store of everything in space: one dense row an entity, one column a property.
//!
//! Owns the columns, the handles and the wire numbers of every kind of entity: stations, ships that
//! people or the server fly, shots. It never decides anything: phases of the tick read and write
//! columns, and add or remove rows.
//!
//! ```text
//!            row 0      row 1      row 2   …            stations stand in rows 0..station_count,
//! xs         1200.0     -3.5       88.1                 for ever; whoever leaves, the last row
//! ys          400.0     71.0       12.0                 takes the place (`swap_remove`)
//! kinds      Station    PlayerShip Projectile
//! handles    (0,0)      (5,2)      (9,0)
//! ```
//!
//! Invariants: all columns have the same length; `handles[row]` resolves to `row`; a row's numbers
//! are finite; `last_changed_ticks[row]` is the last tick in which a value that clients see (place,
//! velocity, heading, hull) changed, or the entity was born.

#[cfg(test)]
use super::columns::{ColumnChange, set_example};
use super::columns::{Packer, StateBits, columns, digest};
use super::entity_id::EntityId;
use super::slots::Slots;
use crate::ids::{EntityKind, Handle, StationIndex};
use crate::limits::ENTITIES_MAX;

/// Cell of an entity that no published tick has shown yet.
pub const NO_CELL: u32 = u32::MAX;

/// Who fired a shot; kept with the shot, so that it is known after the shooter is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shooter {
    /// The ship that fired; may no longer resolve.
    pub ship: Handle,
    /// Its wire id.
    pub id: EntityId,
    /// What it was.
    pub kind: EntityKind,
    /// Whether pilots could harm each other where and when it fired.
    pub pvp_allowed: bool,
}

impl StateBits for Shooter {
    const STATE_BITS: u32 = u64::BITS;

    /// A digest: few rows are shots.
    #[expect(
        clippy::inline_always,
        reason = "the places of values in words are constants only where all is inlined"
    )]
    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        let Self {
            ship,
            id,
            kind,
            pvp_allowed,
        } = self;
        let digest = digest(|words| {
            ship.put(words);
            id.put(words);
            kind.put(words);
            pvp_allowed.put(words);
        });
        digest.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let shooter = Self {
            ship: Handle::examples()[0],
            id: EntityId::examples()[0],
            kind: EntityKind::PlayerShip,
            pvp_allowed: false,
        };
        let ship = Handle::examples()[1];
        let (id, kind) = (EntityId::examples()[1], EntityKind::Pirate);
        vec![
            shooter,
            Self { ship, ..shooter },
            Self { id, ..shooter },
            Self { kind, ..shooter },
            Self {
                pvp_allowed: true,
                ..shooter
            },
        ]
    }
}

columns! {
    /// Columns of all entities of one world; see the module's page for the layout.
    pub struct Entities {
        pub(super) slots: Slots,
        pub(super) handles: Vec<Handle>,
        /// How many numbered ids have been given.
        born: u64,
    }

    /// One entity's values in every column but the handle.
    row Row;

    accessors public;

    hashed {
        // Hot: what motion reads and writes for every row of every tick.
        /// East of the centre, u.
        xs / x: f32,
        /// North of the centre, u.
        ys / y: f32,
        /// Velocity east, u/s.
        vxs / vx: f32,
        /// Velocity north, u/s.
        vys / vy: f32,
        /// Cosine of the heading; with `heading_ys` a vector of length 1.
        heading_xs / heading_x: f32,
        /// Sine of the heading.
        heading_ys / heading_y: f32,
        /// Thrust in force, 0–1; 0 while docked.
        thrusts / thrust: f32,
        /// Rudder in force, −1–1; 0 while docked.
        turns / turn: f32,
        /// Fuel left in the tank.
        fuels / fuel: f32,
        /// Drag, 1/s; 0 for what flies free.
        drags / drag: f32,
        /// Last tick (modulo 2³²) in which something that clients see changed.
        last_changed_ticks / last_changed_tick: u32,

        // Warm: read by contacts, combat and docking.
        /// Radius of the body's circle, u.
        radii / radius: f32,
        /// Hull points left; 0 for shots and stations.
        hulls / hull: i32,
        /// Interest cell at the end of the last tick; `NO_CELL` before the first. State, since ships
        /// that the server flies look round by cells, and a cell is left later than it is entered.
        cells / cell: u32,
        /// Tick from which a ship may fire again, or at which a shot ends.
        deadlines / deadline: u64,
        /// Tick from which a ship may dock, or from which a docked one may undock.
        dock_ready_ticks / dock_ready_tick: u64,
        /// Who fired it; only shots have one.
        shooters / shooter: Option<Shooter>,

        /// Id in the protocol.
        ids / id: EntityId,
        /// What the entity is.
        kinds / kind: EntityKind,
        /// The station where a ship is docked.
        docks / dock: Option<StationIndex>,
        /// Whether the trigger is held.
        triggers / trigger: bool,
        /// Whether docking is asked for.
        dock_requests / dock_request: bool,
    }

    unhashed {
        /// Interest cell at the end of the tick before that, or of the last one that was shown where
        /// ticks were carried over; `NO_CELL` if it had none. Only says who was shown what.
        previous_cells / previous_cell: u32,
    }
}

impl Row {
    /// A body of no extent that rests at a place, nose to the east, with nothing that flies, docks,
    /// shoots or dies.
    pub(super) fn new(kind: EntityKind, id: EntityId, (x, y): (f32, f32)) -> Self {
        Self {
            x,
            y,
            vx: 0.0,
            vy: 0.0,
            heading_x: 1.0,
            heading_y: 0.0,
            thrust: 0.0,
            turn: 0.0,
            fuel: 0.0,
            drag: 0.0,
            last_changed_tick: 0,
            radius: 0.0,
            hull: 0,
            cell: NO_CELL,
            deadline: 0,
            dock_ready_tick: 0,
            shooter: None,
            id,
            kind,
            dock: None,
            trigger: false,
            dock_request: false,
            previous_cell: NO_CELL,
        }
    }
}

impl Entities {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// The handle of each row.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// The row of an entity; `None` if it is gone, or aside (dead and not yet back).
    pub fn row(&self, handle: Handle) -> Option<usize> {
        self.slots.row(handle)
    }

    /// Whether the handle still means somebody, in space or aside.
    pub fn contains(&self, handle: Handle) -> bool {
        self.slots.contains(handle)
    }

    /// Heading of a row as an angle in (−π, π]; 0 for a row that is not there. Costs an `atan2`, so
    /// ask only for rows to be sent.
    pub fn rotation(&self, row: usize) -> f32 {
        let (Some(&x), Some(&y)) = (self.heading_xs.get(row), self.heading_ys.get(row)) else {
            return 0.0;
        };
        // atan2 gives −π for (−1, −0.0): the same heading as π, whose name is π.
        let angle = libm::atan2f(y, x);
        if angle <= -std::f32::consts::PI {
            std::f32::consts::PI
        } else {
            angle
        }
    }

    /// Whether something that clients see of this row changed in `tick`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn changed_in(&self, row: usize, tick: u64) -> bool {
        self.last_changed_ticks[row] == tick as u32
    }

    /// Whether one more entity fits.
    pub(super) fn has_room(&self) -> bool {
        self.len() < ENTITIES_MAX
    }

    /// A wire id that no entity of this world ever had.
    pub(super) fn next_id(&mut self, kind: EntityKind) -> EntityId {
        self.born += 1;
        EntityId::numbered(kind, self.born)
    }

    /// How many numbered ids have been given.
    pub(super) fn born(&self) -> u64 {
        self.born
    }

    /// Adds an entity, or nothing when the store is full.
    pub(super) fn insert(&mut self, row: Row) -> Option<Handle> {
        if !self.has_room() {
            return None;
        }
        let handle = self.slots.allocate(self.len() as u32);
        self.push_row(row);
        self.handles.push(handle);
        Some(handle)
    }

    /// Gives an entity that is aside a row again; nothing when the store is full.
    pub(super) fn restore(&mut self, handle: Handle, row: Row) -> bool {
        if !self.has_room() || !self.contains(handle) || self.row(handle).is_some() {
            return false;
        }
        self.slots.place(handle, self.len() as u32);
        self.push_row(row);
        self.handles.push(handle);
        true
    }

    /// Takes an entity out and forgets its handle; `None` if it has no row. The last row moves into
    /// the gap.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<Row> {
        let values = self.withdraw(handle);
        if self.contains(handle) {
            self.slots.release(handle);
        }
        values
    }

    /// Takes the entity in a row out and forgets its handle. The last row moves into the gap.
    pub(super) fn remove_row(&mut self, row: usize) -> Row {
        self.slots.release(self.handles[row]);
        self.close_gap(row)
    }

    /// Takes an entity out of space; its handle stays good. The last row moves into the gap.
    pub(super) fn withdraw(&mut self, handle: Handle) -> Option<Row> {
        let row = self.slots.row(handle)?;
        self.slots.set_aside(handle);
        Some(self.close_gap(row))
    }

    fn close_gap(&mut self, row: usize) -> Row {
        self.handles.swap_remove(row);
        let values = self.swap_remove_row(row);
        if let Some(&moved) = self.handles.get(row) {
            self.slots.place(moved, row as u32);
        }
        values
    }
}

#[cfg(test)]
#[path = "entities_tests.rs"]
pub(super) mod tests;
