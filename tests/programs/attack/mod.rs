//! The program under attack: a mob of mean clients beside honest pilots, briefly and at full
//! strength, or for minutes with everything else that goes wrong on a network.
//!
//! Both want a release of the server (`ORRERY_TEST_PROGRAM`); `.ci/run` runs them.

mod distance;
mod footprint;
mod ground;
mod mob;
mod soak;
mod storm;
