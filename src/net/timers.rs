//! Absolute deadlines, one a connection: never more entries than connections.
//!
//! An ordered set, so that an entry is moved or taken out exactly, in O(log n). Deadlines move
//! rarely (a change of phase, a ping every 15 s), so a wheel would buy nothing.

use std::collections::BTreeSet;

use crate::ids::Millis;

/// The deadlines of a shard's connections, by slab slot.
#[derive(Debug, Default)]
pub(super) struct Timers {
    entries: BTreeSet<(Millis, u32)>,
}

impl Timers {
    /// Moves a slot's deadline; `was` is what it was last set to.
    pub(super) fn set(&mut self, slot: u32, was: Option<Millis>, deadline: Option<Millis>) {
        if was == deadline {
            return;
        }
        if let Some(was) = was {
            self.entries.remove(&(was, slot));
        }
        if let Some(deadline) = deadline {
            self.entries.insert((deadline, slot));
        }
    }

    /// The earliest deadline.
    pub(super) fn earliest(&self) -> Option<Millis> {
        self.entries.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out one slot whose deadline has come.
    pub(super) fn expire(&mut self, now: Millis) -> Option<u32> {
        let (deadline, slot) = *self.entries.first()?;
        if deadline > now {
            return None;
        }
        self.entries.pop_first();
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_deadline_leaves_no_trace() {
        let mut timers = Timers::default();
        timers.set(1, None, Some(Millis(10)));
        timers.set(2, None, Some(Millis(10)));
        timers.set(1, Some(Millis(10)), Some(Millis(30)));
        timers.set(2, Some(Millis(10)), None);
        assert_eq!(timers.expire(Millis(29)), None);
        assert_eq!(timers.earliest(), Some(Millis(30)));
        assert_eq!(timers.expire(Millis(30)), Some(1));
        assert_eq!(timers.earliest(), None);
    }
}
