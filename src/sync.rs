//! What threads meet through, named once.
//!
//! Files whose protocol between threads is proved take these from here and not from `std`. The test
//! `lost_wakeups` builds the same files over a module of this name that holds `shuttle`'s, whose
//! scheduler tries the interleavings. Nothing here is more than another name.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
pub(crate) use std::thread::{Thread, current, park_timeout};
