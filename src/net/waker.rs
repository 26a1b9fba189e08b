//! Rings a shard from another thread.
//!
//! Put the work where the service will find it first, then ring: the shard forgets the ring before
//! it calls [`Service::wake`](super::Service::wake), so nothing put there earlier is missed. Many
//! rings before the shard wakes cost one system call.
//!
//! A shard waits in one of two places, and a ring reaches it in both:
//!
//! ```text
//! polling   in the kernel's poll, for sockets and for a ring    woken through the poll
//! resting   parked for a moment, deaf to its sockets            woken by unparking its thread
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use mio::{Registry, Token};

/// A shard's bell; cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    waker: mio::Waker,
    /// The service shall be called.
    rung: AtomicBool,
    /// The shard shall not wait.
    stirred: AtomicBool,
    is_resting: AtomicBool,
    sleeper: Mutex<Option<Thread>>,
}

impl Waker {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self(Arc::new(Bell {
            waker: mio::Waker::new(registry, token)?,
            rung: AtomicBool::new(false),
            stirred: AtomicBool::new(false),
            is_resting: AtomicBool::new(false),
            sleeper: Mutex::new(None),
        })))
    }

    /// Has the shard call its service soon. A shard that is gone does not hear it.
    pub fn ring(&self) {
        if !self.0.rung.swap(true, Ordering::SeqCst) {
            self.stir();
        }
    }

    /// Wakes the shard's loop without a call of its service.
    pub(super) fn stir(&self) {
        if self.0.stirred.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.0.is_resting.load(Ordering::SeqCst) {
            if let Some(sleeper) = self.sleeper().as_ref() {
                sleeper.unpark();
            }
        } else {
            // Fails only where the shard's poll is gone.
            let _ = self.0.waker.wake();
        }
    }

    /// The thread that rests is this one, from now on.
    pub(super) fn adopt(&self) {
        *self.sleeper() = Some(thread::current());
    }

    /// Waits for a ring, at most so long.
    ///
    /// A ring that finds the shard resting does not go through the poll. It stirred before it
    /// looked, and the shard asks [`Self::is_stirred`] after it has ceased to rest and before it
    /// polls, so either the one or the other sees it.
    pub(super) fn rest(&self, at_most: Duration) {
        self.0.is_resting.store(true, Ordering::SeqCst);
        if !self.is_stirred() {
            thread::park_timeout(at_most);
        }
        self.0.is_resting.store(false, Ordering::SeqCst);
    }

    /// Whether somebody wants the shard not to wait.
    pub(super) fn is_stirred(&self) -> bool {
        self.0.stirred.load(Ordering::SeqCst)
    }

    /// Whether it was stirred since the last call.
    pub(super) fn rouse(&self) -> bool {
        self.is_stirred() && self.0.stirred.swap(false, Ordering::SeqCst)
    }

    /// Whether it was rung since the last call.
    pub(super) fn answer(&self) -> bool {
        self.0.rung.swap(false, Ordering::SeqCst)
    }

    /// No code panics while it holds the lock.
    fn sleeper(&self) -> std::sync::MutexGuard<'_, Option<Thread>> {
        self.0
            .sleeper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
