//! Who holds a place by name, and whose place is kept until they come back. O(1) each.
//!
//! A name is *away* from the end of its last authenticated connection until it is expected back no
//! longer, unless it logs in again. A login under way takes the claim along, and gives it back if it
//! comes to nothing: one who is away takes one place, however many logins are tried at a time.

use std::collections::HashMap;

use crate::ids::{Millis, Name};

/// What is known under one name.
#[derive(Debug, Default)]
struct Holder {
    authenticated: usize,
    logging_in: usize,
    /// Until when it is expected back, once nobody of this name is inside.
    until: Millis,
}

impl Holder {
    const fn is_inside(&self) -> bool {
        self.authenticated + self.logging_in > 0
    }
}

/// All names that are inside or away.
#[derive(Debug, Default)]
pub(super) struct Claims {
    holders: HashMap<Name, Holder>,
    away: usize,
}

impl Claims {
    /// Names that are away.
    pub(super) const fn away(&self) -> usize {
        self.away
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.away == 0
    }

    /// Lets a login of this name begin; one that is neither away nor the first that takes over from
    /// an authenticated connection needs `has_room`.
    pub(super) fn begin(&mut self, name: &Name, has_room: bool) -> bool {
        let holder = self.holders.get(name);
        let is_away = holder.is_some_and(|holder| !holder.is_inside());
        let takes_over =
            holder.is_some_and(|holder| holder.authenticated > 0 && holder.logging_in == 0);
        if !(is_away || takes_over || has_room) {
            return false;
        }
        self.away -= usize::from(is_away);
        let holder = self.holders.entry(name.clone()).or_default();
        holder.logging_in += 1;
        true
    }

    /// A login of this name has succeeded.
    pub(super) fn complete(&mut self, name: &Name) {
        if let Some(holder) = self.holders.get_mut(name) {
            holder.logging_in -= 1;
            holder.authenticated += 1;
        }
    }

    /// A login of this name has come to nothing.
    pub(super) fn give_up(&mut self, name: &Name, now: Millis) {
        if let Some(holder) = self.holders.get_mut(name) {
            holder.logging_in -= 1;
            self.settle(name, now);
        }
    }

    /// An authenticated connection of this name has ended; it is expected back until then.
    pub(super) fn depart(&mut self, name: &Name, now: Millis, until: Millis) {
        if let Some(holder) = self.holders.get_mut(name) {
            holder.authenticated -= 1;
            holder.until = until;
            self.settle(name, now);
        }
    }

    /// A departure that was to count until then counts no more.
    pub(super) fn forget(&mut self, name: &Name, until: Millis) {
        let Some(holder) = self.holders.get_mut(name) else {
            return;
        };
        if holder.until != until {
            return;
        }
        holder.until = Millis(0);
        if !holder.is_inside() {
            self.holders.remove(name);
            self.away -= 1;
        }
    }

    /// Nobody of this name may be inside any more: it is away or forgotten.
    fn settle(&mut self, name: &Name, now: Millis) {
        let Some(holder) = self.holders.get(name) else {
            return;
        };
        if holder.is_inside() {
            return;
        }
        if holder.until > now {
            self.away += 1;
        } else {
            self.holders.remove(name);
        }
    }
}
