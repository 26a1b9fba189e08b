//! Wakes a shard from another thread.
//!
//! Put the work where the service will find it first, then notify: the shard forgets the notification
//! before it calls [`Service::wake`](super::Service::wake), so nothing put there earlier is missed. Many
//! notifications before the shard wakes cost one system call.
//!
//! A shard waits in one of two places, and a wake-up reaches it in both:
//!
//! ```text
//! polling   in the kernel's poll, for sockets and wake-ups      woken through the poll
//! resting   parked for a moment, deaf to its sockets            woken by unparking its thread
//! ```
//!
//! All flags are sequentially consistent: each side writes its own before it reads the other's. The
//! test `lost_wakeups` tries the interleavings of this very file.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::{
    AtomicBool, Mutex, MutexGuard, Ordering, PoisonError, Thread, current, park_timeout,
};

/// Wakes one shard; cheap to clone.
#[derive(Clone)]
pub struct Waker(Arc<WakerState>);

struct WakerState {
    /// Ends the shard's poll, or its next one where it is not polling.
    wake_poll: Box<dyn Fn() + Send + Sync>,
    /// The service shall be called.
    is_notified: AtomicBool,
    /// The shard shall not wait.
    is_woken: AtomicBool,
    is_resting: AtomicBool,
    sleeper: Mutex<Option<Thread>>,
}

/// Whom a wake-up of a shard was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Nobody woke it.
    Nobody,
    /// The shard's own loop: other shards handed newcomers over, or made room for one.
    Loop,
    /// The loop and the service.
    Service,
}

impl Waker {
    /// A waker whose `wake_poll` ends the shard's poll, or its next one where it is not polling.
    pub(super) fn new(wake_poll: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(WakerState {
            wake_poll: Box::new(wake_poll),
            is_notified: AtomicBool::new(false),
            is_woken: AtomicBool::new(false),
            is_resting: AtomicBool::new(false),
            sleeper: Mutex::new(None),
        }))
    }

    /// Has the shard call its service soon. A shard that is gone does not hear it.
    pub fn notify(&self) {
        if !self.0.is_notified.swap(true, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the shard's loop without a call of its service.
    pub(super) fn wake(&self) {
        if self.0.is_woken.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.0.is_resting.load(Ordering::SeqCst) {
            if let Some(sleeper) = self.sleeper().as_ref() {
                sleeper.unpark();
            }
        } else {
            (self.0.wake_poll)();
        }
    }

    /// The thread that rests is this one, from now on.
    pub(super) fn adopt(&self) {
        *self.sleeper() = Some(current());
    }

    /// Waits for a wake-up, at most so long.
    ///
    /// A wake-up that finds the shard resting does not go through the poll. It set its flag before it
    /// looked, and the shard asks [`Self::is_woken`] after it has ceased to rest and before it
    /// polls, so either the one or the other sees it.
    pub(super) fn rest(&self, at_most: Duration) {
        self.0.is_resting.store(true, Ordering::SeqCst);
        if !self.is_woken() {
            park_timeout(at_most);
        }
        self.0.is_resting.store(false, Ordering::SeqCst);
    }

    /// Whether somebody wants the shard not to wait.
    pub(super) fn is_woken(&self) -> bool {
        self.0.is_woken.load(Ordering::SeqCst)
    }

    /// Whom the shard was woken for since the last call. All of that is forgotten before the shard
    /// acts on it, so a notification that comes while it acts wakes it again.
    pub(super) fn take(&self) -> Woken {
        // A notification raises `is_notified` first and wakes only then: forgotten the other way round,
        // one in between would leave it raised over a shard that nobody wakes, and mute all later ones.
        if !self.is_woken() || !self.0.is_woken.swap(false, Ordering::SeqCst) {
            Woken::Nobody
        } else if self.0.is_notified.swap(false, Ordering::SeqCst) {
            Woken::Service
        } else {
            Woken::Loop
        }
    }

    /// No code panics while it holds the lock.
    fn sleeper(&self) -> MutexGuard<'_, Option<Thread>> {
        self.0
            .sleeper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker")
            .field("is_notified", &self.0.is_notified)
            .field("is_woken", &self.0.is_woken)
            .field("is_resting", &self.0.is_resting)
            .finish_non_exhaustive()
    }
}
