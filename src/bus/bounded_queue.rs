//! A bounded queue between two threads that run at their own pace.
//!
//! The writer appends under a short lock; the reader takes everything at once and hands its own
//! empty buffer back, so nothing is allocated once both buffers are warm. Full is an answer: the
//! item comes back to the writer, who knows what it is worth.

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A queue of at most `capacity` items, emptied as a whole.
#[derive(Debug)]
pub struct BoundedQueue<T> {
    items: Mutex<Vec<T>>,
    capacity: usize,
}

impl<T> BoundedQueue<T> {
    /// An empty queue; memory is taken as it is needed.
    pub const fn new(capacity: usize) -> Self {
        Self {
            items: Mutex::new(Vec::new()),
            capacity,
        }
    }

    /// Appends an item, or gives it back if the queue is full.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut items = self.lock();
        if items.len() >= self.capacity {
            return Err(item);
        }
        items.push(item);
        Ok(())
    }

    /// Moves everything into `taken`, which must be empty; the order is the order of writing.
    pub fn take(&self, taken: &mut Vec<T>) {
        debug_assert!(
            taken.is_empty(),
            "a reader finishes what it took before it takes more"
        );
        std::mem::swap(&mut *self.lock(), taken);
    }

    /// Number of items waiting.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No code panics while it holds the lock, so a poisoned one still guards a whole list.
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
