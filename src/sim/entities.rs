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

macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident / $field:ident : $value:ty,)*) => {
        /// One entity's values in every column but the handle.
        #[derive(Clone, Debug)]
        pub(super) struct Row { $($(#[$doc])* pub(super) $field: $value,)* }

        /// Columns of all entities of one world; see the module's page for the layout.
        #[derive(Debug, Default)]
        pub struct Entities {
            slots: Slots,
            handles: Vec<Handle>,
            born: u64,
            $($(#[$doc])* pub(super) $column: Vec<$value>,)*
        }

        impl Entities {
            fn push(&mut self, row: Row) {
                $(self.$column.push(row.$field);)*
            }

            fn take(&mut self, row: usize) -> Row {
                Row { $($field: self.$column.swap_remove(row),)* }
            }

            $($(#[$doc])*
            pub fn $column(&self) -> &[$value] { &self.$column })*
        }
    };
}

columns! {
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
    /// What the entity is.
    kinds / kind: EntityKind,
    /// Radius of the body's circle, u.
    radii / radius: f32,
    /// Hull points left; 0 for shots and stations.
    hulls / hull: i32,
    /// The station where a ship is docked.
    docks / dock: Option<StationIndex>,
    /// Whether the trigger is held.
    triggers / trigger: bool,
    /// Whether docking is asked for.
    dock_requests / dock_request: bool,
    /// Tick from which a ship may fire again, or at which a shot ends.
    deadlines / deadline: u64,
    /// Tick from which a ship may dock, or from which a docked one may undock.
    dock_ready_ticks / dock_ready_tick: u64,

    // Cold: identity and bookkeeping.
    /// Interest cell at the end of the last tick; `NO_CELL` before the first.
    cells / cell: u32,
    /// Interest cell at the end of the tick before that, or of the last one that was shown where
    /// ticks were carried over; `NO_CELL` if it had none.
    previous_cells / previous_cell: u32,
    /// Id in the protocol.
    ids / id: EntityId,
    /// Who fired it; only shots have one.
    shooters / shooter: Option<Shooter>,
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

    /// Heading of a row as an angle in (−π, π]. Costs an `atan2`, so ask only for rows to be sent.
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
    pub fn changed_in(&self, row: usize, tick: u64) -> bool {
        self.last_changed_ticks.get(row) == Some(&(tick as u32))
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
        self.push(row);
        self.handles.push(handle);
        Some(handle)
    }

    /// Gives an entity that is aside a row again; nothing when the store is full.
    pub(super) fn restore(&mut self, handle: Handle, row: Row) -> bool {
        if !self.has_room() || !self.contains(handle) || self.row(handle).is_some() {
            return false;
        }
        self.slots.place(handle, self.len() as u32);
        self.push(row);
        self.handles.push(handle);
        true
    }

    /// Takes an entity out and forgets its handle. The last row moves into the gap.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<Row> {
        let row = self.withdraw(handle);
        self.slots.release(handle);
        row
    }

    /// Takes an entity out of space; its handle stays good. The last row moves into the gap.
    pub(super) fn withdraw(&mut self, handle: Handle) -> Option<Row> {
        let row = self.slots.row(handle)?;
        self.slots.set_aside(handle);
        self.handles.swap_remove(row);
        let values = self.take(row);
        if let Some(&moved) = self.handles.get(row) {
            self.slots.place(moved, row as u32);
        }
        Some(values)
    }
}

#[cfg(test)]
#[path = "entities_tests.rs"]
pub(super) mod tests;
