//! The flight recorder: everything that touched a world, and what the world was after each tick, in
//! a file; and the replay that runs it all again and compares.
//!
//! ```text
//! tick thread    RecordedWorld::{admit, step, …} ─▶ notes ─▶ Recorder ══bounded queue══▶ writer thread ─▶ file
//! replay         file ─▶ frames ─▶ the same calls on new worlds ─▶ the same hash in every tick?
//! ```
//!
//! A world is a function of its universe, seed, first stocks and the calls made on it, so that is
//! what is recorded, and nothing else. [`RecordedWorld`] gives nobody a world to change but through
//! itself. Recording never makes a tick wait: what the disk does not take in time ends the recording,
//! not the game.
//!
//! ```text
//! file     magic "ORRERYFR"  version u32     then frames, little-endian
//! frame    length u32  kind u16  system u16  tick u32  checksum of payload u32  checksum of these u32
//!          payload
//! kinds    0 opening (program, universe's text; by system: seed, cell height, stocks, hash)
//!          1 acts    (a system's calls up to the end of a tick, the step's commands and state hash)
//!          2 end     (the recording ended in good order)
//! ```
//!
//! Payloads are values in postcard's encoding. A file is read as a stranger's: lists stop at their
//! bounds, nothing is allocated for what is promised and does not come, and every byte is under a
//! checksum. A file without an end was cut off, and is good up to there.

mod code;
mod frame;
mod opening;
mod recorded_world;
mod replay;
#[cfg(test)]
mod seeds_tests;
mod writer;

/// Whether a file that begins so is a flight recording.
pub fn is_recording(beginning: &[u8]) -> bool {
    beginning.starts_with(frame::MAGIC)
}

pub use recorded_world::RecordedWorld;
pub use replay::{Ending, ReplayReport, ReplayVerdict, SystemReport, Unusable, replay};
pub use writer::Recorder;
