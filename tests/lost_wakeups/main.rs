//! No message lies in a queue while its reader sleeps.
//!
//! The queue to a gateway, its waker and the two places where a shard waits are built here from the
//! server's own files, over a [`sync`] module whose locks, flags and threads are `shuttle`'s. Its
//! scheduler runs one thread at a time and chooses at each lock, flag and wait who goes on, so a
//! schedule in which a message is left lying ends in a deadlock, which is an error. `shuttle` and not
//! `loom`, because all flags here are sequentially consistent, which `loom` does not model, and
//! because `shuttle` needs neither a build flag nor other code in the files.
//!
//! Time does not pass here: a rest ends when it is woken or never, so that no timeout hides a
//! wake-up that was lost.
//!
//! Small cases are tried in every interleaving. Larger ones in many chosen at random, half of them
//! with few changes of thread, which is where such errors hide; a failure prints its schedule, which
//! `shuttle::replay` runs again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![allow(
    unreachable_pub,
    reason = "the server's files are public where they belong"
)]

mod bus;
mod net;
mod sync;

/// The server's other layers, where the files of this test look for them.
use orrery::{ids, protocol, replication, session};

use bus::messages::{GatewayQueue, Notify, ToGateway};
use ids::SystemIndex;
use net::Shard;
use shuttle::thread;
use std::sync::Arc;

/// Bounds of this test.
mod limits {
    /// So few that a queue can be filled in every interleaving.
    pub(crate) const GATEWAY_QUEUE_MAX: usize = 2;
}

impl Notify for net::Waker {
    fn notify(&self) {
        self.notify();
    }
}

/// Random schedules of each kind for a case that is too large for all of them.
const SCHEDULES: usize = 5_000;

/// Changes of thread in a schedule of the second kind.
const CHANGES: usize = 4;

fn every_schedule(case: impl Fn() + Send + Sync + 'static) {
    shuttle::check_dfs(case, None);
}

fn many_schedules(case: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(case.clone(), SCHEDULES);
    shuttle::check_pct(case, SCHEDULES, CHANGES);
}

/// Sends messages, each followed by a notification.
fn send(queue: &GatewayQueue, numbers: std::ops::Range<u16>) {
    for number in numbers {
        queue.push(ToGateway::Forget(SystemIndex(number)));
        queue.notify();
    }
}

/// What a shard reads from its queue.
#[derive(Default)]
struct Read {
    numbers: Vec<u16>,
    is_broken: bool,
}

impl Read {
    /// What a gateway does when its shard wakes it.
    fn wake(&mut self, queue: &GatewayQueue) {
        self.is_broken |= queue.take_broken();
        let mut taken = Vec::new();
        queue.take(&mut taken);
        for message in taken {
            if let ToGateway::Forget(system) = message {
                self.numbers.push(system.0);
            }
        }
    }

    fn in_order(mut self) -> Vec<u16> {
        self.numbers.sort_unstable();
        self.numbers
    }
}

/// One writer and a reader that sleeps until it has everything.
fn one_writer(rests: bool, messages: u16) {
    let mut shard = Shard::new(rests);
    let queue = Arc::new(GatewayQueue::new(Box::new(shard.waker())));
    let writer = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || send(&queue, 0..messages))
    };
    let mut read = Read::default();
    while read.numbers.len() < usize::from(messages) {
        shard.turn(|| read.wake(&queue), || {});
    }
    writer.join().unwrap();
    assert!(!read.is_broken);
    assert_eq!(read.numbers, (0..messages).collect::<Vec<u16>>());
}

#[test]
fn a_message_reaches_a_polling_shard_in_every_interleaving() {
    every_schedule(|| one_writer(false, 1));
}

#[test]
fn a_message_reaches_a_resting_shard_in_every_interleaving() {
    every_schedule(|| one_writer(true, 1));
}

#[test]
fn messages_one_after_the_other_reach_a_shard() {
    many_schedules(|| one_writer(false, 2));
    many_schedules(|| one_writer(true, 2));
}

/// Two writers, of a node and of a store, and a reader that sleeps until it has everything.
fn two_writers(rests: bool) {
    let mut shard = Shard::new(rests);
    let queues: Vec<Arc<GatewayQueue>> = (0..2)
        .map(|_| Arc::new(GatewayQueue::new(Box::new(shard.waker()))))
        .collect();
    let writers: Vec<_> = [0..2, 2..4]
        .into_iter()
        .zip(&queues)
        .map(|(numbers, queue)| {
            let queue = Arc::clone(queue);
            thread::spawn(move || send(&queue, numbers))
        })
        .collect();
    let mut read = Read::default();
    while read.numbers.len() < 4 {
        shard.turn(|| queues.iter().for_each(|queue| read.wake(queue)), || {});
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(read.in_order(), [0, 1, 2, 3]);
}

#[test]
fn messages_of_two_writers_reach_a_shard() {
    many_schedules(|| two_writers(false));
    many_schedules(|| two_writers(true));
}

/// A writer to a queue that is full unless its reader is awake, which must hear of the loss or miss
/// nothing.
fn overflow(rests: bool) {
    let mut shard = Shard::new(rests);
    let queue = Arc::new(GatewayQueue::new(Box::new(shard.waker())));
    for number in 0..2 {
        queue.push(ToGateway::Forget(SystemIndex(number)));
    }
    let writer = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || send(&queue, 2..3))
    };
    let mut read = Read::default();
    while read.numbers.len() < 3 && !read.is_broken {
        shard.turn(|| read.wake(&queue), || {});
    }
    writer.join().unwrap();
}

#[test]
fn a_queue_that_overflows_says_so_to_a_shard_that_slept_in_every_interleaving() {
    every_schedule(|| overflow(false));
    every_schedule(|| overflow(true));
}

/// Newcomers of another shard and messages at once: neither wake-up swallows the other.
fn newcomers_and_messages(rests: bool) {
    let mut shard = Shard::new(rests);
    let queue = Arc::new(GatewayQueue::new(Box::new(shard.waker())));
    let handed_over = Arc::new(shuttle::sync::Mutex::new(0));
    let other = {
        let (waker, handed_over) = (shard.waker(), Arc::clone(&handed_over));
        thread::spawn(move || {
            for _ in 0..2 {
                *handed_over.lock().unwrap() += 1;
                waker.wake_loop();
            }
        })
    };
    let writer = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || send(&queue, 0..2))
    };
    let (mut read, mut collected) = (Read::default(), 0);
    while read.numbers.len() < 2 || collected < 2 {
        shard.turn(
            || read.wake(&queue),
            || collected += std::mem::take(&mut *handed_over.lock().unwrap()),
        );
    }
    other.join().unwrap();
    writer.join().unwrap();
    assert_eq!(collected, 2);
}

#[test]
fn newcomers_and_messages_reach_a_shard_at_once() {
    many_schedules(|| newcomers_and_messages(false));
    many_schedules(|| newcomers_and_messages(true));
}
