//! Slots of a table in an order of their own: an intrusive doubly linked list.
//!
//! Appending, taking out from anywhere and looking at the front are O(1), so that the oldest of
//! ten thousand is found as fast as the oldest of two. A slot stands in a list once or not at all.
//! Memory: 8 bytes for each slot up to the highest ever appended.
//!
//! ```text
//! front ─▶ slot 7 ⇄ slot 2 ⇄ slot 9 ◀─ back
//! ```

/// Marks the end of the list.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
}

/// A slot that does not stand in the list points at itself from both sides.
const fn apart(slot: u32) -> Links {
    Links {
        before: slot,
        after: slot,
    }
}

/// Slots in the order in which they were appended.
#[derive(Debug)]
pub(super) struct SlotList {
    links: Vec<Links>,
    front: u32,
    back: u32,
    count: usize,
}

impl Default for SlotList {
    fn default() -> Self {
        Self {
            links: Vec::new(),
            front: NONE,
            back: NONE,
            count: 0,
        }
    }
}

impl SlotList {
    /// How many slots stand in it.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// The slot that was appended first.
    pub(super) fn front(&self) -> Option<u32> {
        (self.front != NONE).then_some(self.front)
    }

    /// Appends a slot; one that stands in the list already moves to the back.
    pub(super) fn push_back(&mut self, slot: u32) {
        if slot == NONE {
            return;
        }
        self.remove(slot);
        let known = self.links.len() as u32;
        self.links.extend((known..=slot).map(apart));
        let before = self.back;
        self.set(slot, |links| {
            links.before = before;
            links.after = NONE;
        });
        if before == NONE {
            self.front = slot;
        } else {
            self.set(before, |links| links.after = slot);
        }
        self.back = slot;
        self.count += 1;
    }

    /// Takes a slot out; says whether it stood in the list.
    pub(super) fn remove(&mut self, slot: u32) -> bool {
        let Some(&Links { before, after }) = self.links.get(slot as usize) else {
            return false;
        };
        if before == slot {
            return false;
        }
        if before == NONE {
            self.front = after;
        } else {
            self.set(before, |links| links.after = after);
        }
        if after == NONE {
            self.back = before;
        } else {
            self.set(after, |links| links.before = before);
        }
        self.set(slot, |links| *links = apart(slot));
        self.count -= 1;
        true
    }

    fn set(&mut self, slot: u32, change: impl FnOnce(&mut Links)) {
        if let Some(links) = self.links.get_mut(slot as usize) {
            change(links);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_keeps_the_order_that_a_queue_keeps(steps in prop::collection::vec((0_u32..12, 0..3), 0..200)) {
            let (mut list, mut model) = (SlotList::default(), VecDeque::new());
            for (slot, step) in steps {
                let stood = model.contains(&slot);
                match step {
                    0 => {
                        model.retain(|other| *other != slot);
                        model.push_back(slot);
                        list.push_back(slot);
                    }
                    1 => {
                        model.retain(|other| *other != slot);
                        prop_assert_eq!(list.remove(slot), stood);
                    }
                    _ => {
                        if let Some(front) = model.pop_front() {
                            prop_assert!(list.remove(front));
                        }
                    }
                }
                prop_assert_eq!(list.front(), model.front().copied());
                prop_assert_eq!(list.len(), model.len());
            }
            while let Some(front) = list.front() {
                prop_assert_eq!(model.pop_front(), Some(front));
                list.remove(front);
            }
            prop_assert!(model.is_empty());
        }
    }
}
