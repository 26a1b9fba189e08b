//! The simulation of one system.

pub mod market;
pub mod npc;
pub mod zones;
