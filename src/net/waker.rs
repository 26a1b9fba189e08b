//! Rings a shard from another thread.
//!
//! Put the work where the service will find it first, then ring: the shard forgets the ring before
//! it calls [`Service::wake`](super::Service::wake), so nothing put there earlier is missed. Many
//! rings before the shard wakes cost one system call.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token};

/// A shard's bell; cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    waker: mio::Waker,
    rung: AtomicBool,
}

impl Waker {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self(Arc::new(Bell {
            waker: mio::Waker::new(registry, token)?,
            rung: AtomicBool::new(false),
        })))
    }

    /// Has the shard call its service soon. A shard that is gone does not hear it.
    pub fn ring(&self) {
        if !self.0.rung.swap(true, Ordering::AcqRel) {
            self.stir();
        }
    }

    /// Wakes the shard's loop without a call of its service.
    pub(super) fn stir(&self) {
        // Fails only where the shard's poll is gone.
        let _ = self.0.waker.wake();
    }

    /// Whether it was rung since the last call.
    pub(super) fn answer(&self) -> bool {
        self.0.rung.swap(false, Ordering::AcqRel)
    }
}
