//! What `src/sync.rs` names, under a scheduler that tries the interleavings.

pub(crate) use shuttle::sync::atomic::{AtomicBool, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
pub(crate) use shuttle::thread::{Thread, current, park_timeout};
pub(crate) use std::sync::PoisonError;
