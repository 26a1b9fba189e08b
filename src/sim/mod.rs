//! The simulation: one [`World`] a system, advanced one tick at a time.
//!
//! Owns the columns of everything that flies, the physics, docking, fighting, trading and the ships
//! that the server flies. It never reads a clock, a socket or a random source: commands and seeds
//! are arguments, and the same arguments give the same world to the last bit, for
//! any number of rayon workers.
//!
//! ```text
//! admit ─┐
//! dismiss┼─▶ step(commands) ─▶ outcome(): receipts, postings, events, hits, departures
//! attach ┘        │            entities(): columns, cells().rows_in(cell), changed_in(row, tick)
//!                 └─ a file a phase, in the order in which `World::step` names them
//! ```

mod admission;
mod blending;
mod cells;
mod columns;
mod combat;
mod command;
mod contacts;
mod control;
mod docking;
mod entities;
mod entity_id;
pub mod market;
mod motion;
mod npc;
mod occupancy;
mod orders;
mod outcome;
mod parallelism;
mod phase;
mod pilot;
mod random;
mod reaping;
mod slots;
mod space;
mod spawning;
mod state_hash;
mod step_context;
mod world;
pub mod zones;

pub use admission::AdmitError;
pub use cells::{CellOrder, Cells};
pub use command::{Command, Order};
pub use entities::{Entities, NO_CELL, Shooter};
pub use entity_id::{EntityId, IdText};
pub use motion::{Body, Flight, MotionColumns, REST_SPEED};
pub use outcome::{
    Cause, CombatEvent, CombatKind, Event, EventKind, OrderOutcome, OrderRefusal, Outcome, Posting,
    Receipt, Removal, RemovalReason, RepairOutcome, TradeOutcome,
};
pub use parallelism::{Fork, JobCounts, Parallelism};
pub use phase::{Phase, PhaseTimer, PhaseTimes};
pub use pilot::{Pilot, PilotView, Place};
pub use random::Random;
pub use space::{Pair, Space};
pub use world::World;
