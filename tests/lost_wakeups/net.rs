//! A shard of nothing but the waits: the server's waker, and a poll that only a waker ends.

use std::sync::Arc;
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex};

#[path = "../../src/net/waker.rs"]
mod waker;

pub(crate) use waker::Waker;
use waker::Woken;

impl Waker {
    /// Wakes the shard as another shard does that has something for it.
    pub(crate) fn wake_loop(&self) {
        self.wake();
    }
}

/// The kernel's poll: remembers one wake-up, and ends at once where it remembers one.
#[derive(Default)]
struct Poll {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Poll {
    fn wake(&self) {
        *self.is_woken.lock().unwrap() = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut is_woken = self.is_woken.lock().unwrap();
        while !*is_woken {
            is_woken = self.changed.wait(is_woken).unwrap();
        }
        *is_woken = false;
    }

    fn look(&self) {
        *self.is_woken.lock().unwrap() = false;
    }
}

/// The thread that waits, in the order of the reactor's loop.
pub(crate) struct Shard {
    waker: Waker,
    poll: Arc<Poll>,
    rests: bool,
}

impl Shard {
    /// A shard of this thread; one that `rests` does so before each poll.
    pub(crate) fn new(rests: bool) -> Self {
        let poll = Arc::new(Poll::default());
        let woken = Arc::clone(&poll);
        let waker = Waker::new(move || woken.wake());
        waker.adopt();
        Self { waker, poll, rests }
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Sleeps until it is woken, then calls whom it was woken for.
    pub(crate) fn turn(&mut self, service: impl FnOnce(), collect: impl FnOnce()) {
        if self.rests {
            self.waker.rest(Duration::from_millis(1));
        }
        if self.waker.is_woken() {
            self.poll.look();
        } else {
            self.poll.wait();
        }
        let woken = self.waker.take();
        if woken != Woken::Nobody {
            collect();
        }
        if woken == Woken::Service {
            service();
        }
    }
}
