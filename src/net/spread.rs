//! Evens out the shards of one listener. The kernel spreads newcomers by a hash of their address:
//! fair in the long run, uneven for a few. A shard that leads hands its newcomers to the emptiest.
//!
//! The counts are read without locks and may be a moment old; a handover raises the taker's count
//! at once, so a burst does not pile up on it. Inboxes are bounded.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use mio::net::TcpStream;

use super::waker::Waker;
use crate::limits::{HANDOVER_MAX, SHARD_LEAD_MAX};

/// A connection that no shard has taken in yet.
pub(super) type Newcomer = (TcpStream, SocketAddr);

/// What the shards know of each other.
#[derive(Debug)]
pub(super) struct ConnectionSpread {
    shards: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    connections: AtomicUsize,
    inbox: Mutex<Vec<Newcomer>>,
    waker: Waker,
}

impl ConnectionSpread {
    pub(super) fn new(wakers: Vec<Waker>) -> Self {
        let place = |waker| Place {
            connections: AtomicUsize::new(0),
            inbox: Mutex::default(),
            waker,
        };
        Self {
            shards: wakers.into_iter().map(place).collect(),
        }
    }

    /// Tells the others how many connections a shard has.
    pub(super) fn report(&self, number: u16, connections: usize) {
        if let Some(place) = self.shards.get(number as usize) {
            place.connections.store(connections, Ordering::Relaxed);
        }
    }

    /// Gives the newcomer back if shard `number`, with so many connections, should keep it.
    pub(super) fn place(
        &self,
        number: u16,
        connections: usize,
        newcomer: Newcomer,
    ) -> Option<Newcomer> {
        let emptiest = self
            .shards
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != usize::from(number))
            .map(|(_, place)| place)
            .min_by_key(|place| place.connections.load(Ordering::Relaxed));
        let Some(place) = emptiest else {
            return Some(newcomer);
        };
        if connections < place.connections.load(Ordering::Relaxed) + SHARD_LEAD_MAX {
            return Some(newcomer);
        }
        let mut inbox = place.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.len() >= HANDOVER_MAX {
            return Some(newcomer);
        }
        inbox.push(newcomer);
        drop(inbox);
        place.connections.fetch_add(1, Ordering::Relaxed);
        place.waker.wake();
        None
    }

    /// Wakes the shards whose bits are set, save shard `number`.
    pub(super) fn wake_others(&self, number: u16, bits: u64) {
        if bits == 0 {
            return;
        }
        for (index, place) in self.shards.iter().enumerate() {
            if index != usize::from(number) && bits >> (index % 64) & 1 == 1 {
                place.waker.wake();
            }
        }
    }

    /// Takes what the others handed over.
    pub(super) fn collect(&self, number: u16) -> Vec<Newcomer> {
        self.shards
            .get(number as usize)
            .map(|place| {
                let mut inbox = place.inbox.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *inbox)
            })
            .unwrap_or_default()
    }
}
