//! Every bound of the server in one place: what it limits, its unit, what it costs.
//!
//! A section a layer. A constant that nobody reads does not belong here.

/// Ticks a second: the fixed simulation rate.
pub const TICK_RATE_HZ: u32 = 30;

/// Length of a tick in seconds of simulated time.
pub const TICK_SECONDS: f32 = 1.0 / TICK_RATE_HZ as f32;
