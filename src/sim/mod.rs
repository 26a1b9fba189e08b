//! The simulation of one system.

mod command;
mod entities;
mod entity_id;
pub mod market;
pub mod npc;
mod outcome;
mod random;
mod slots;
pub mod zones;
pub use command::{Command, Order};
pub use entities::{Entities, NO_CELL, Shooter};
pub use entity_id::{EntityId, IdText};
pub use outcome::{
    Cause, CombatEvent, CombatKind, Departure, Done, Event, EventKind, Gone, Outcome, Posting,
    Receipt, Refusal, RepairDone, TradeDone,
};
pub use random::Random;
