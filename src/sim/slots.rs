//! Generational handles: which dense row a stable reference means now.
//!
//! Owns the slot table and nothing of the entities. A slot is free, in space (it has a row) or
//! aside (alive without a row: a dead pilot's ship before it comes back). Freeing a slot raises its
//! generation, so an old [`Handle`] never resolves again; a slot whose generations are used up is
//! retired.
//!
//! ```text
//! Handle{slot 2, generation 7} ──▶ slots[2] = {generation 7, row 41} ──▶ row 41 of every column
//! ```

use crate::ids::Handle;

/// Where a slot's tenant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenant {
    Nobody,
    Aside,
    Row(u32),
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    tenant: Tenant,
}

/// The slot table of one world.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slots {
    /// A handle for the entity that now lives in `row`. Reuses the slot freed last.
    pub(super) fn allocate(&mut self, row: u32) -> Handle {
        let tenant = Tenant::Row(row);
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            debug_assert_eq!(entry.tenant, Tenant::Nobody);
            entry.tenant = tenant;
            let generation = entry.generation;
            return Handle { slot, generation };
        }
        let slot = self.slots.len() as u32;
        let generation = 0;
        self.slots.push(Slot { generation, tenant });
        Handle { slot, generation }
    }

    fn tenant(&self, handle: Handle) -> Tenant {
        match self.slots.get(handle.slot as usize) {
            Some(slot) if slot.generation == handle.generation => slot.tenant,
            _ => Tenant::Nobody,
        }
    }

    /// The row, unless the entity is gone or aside.
    pub(super) fn row(&self, handle: Handle) -> Option<usize> {
        match self.tenant(handle) {
            Tenant::Row(row) => Some(row as usize),
            Tenant::Aside | Tenant::Nobody => None,
        }
    }

    /// Whether the handle still means somebody, in space or aside.
    pub(super) fn contains(&self, handle: Handle) -> bool {
        self.tenant(handle) != Tenant::Nobody
    }

    /// The entity lives in `row` from now on.
    ///
    /// # Panics
    /// If the handle means nobody; so do the next two.
    pub(super) fn place(&mut self, handle: Handle, row: u32) {
        self.slot_of(handle).tenant = Tenant::Row(row);
    }

    /// The entity has no row from now on, but its handle stays good.
    pub(super) fn set_aside(&mut self, handle: Handle) {
        self.slot_of(handle).tenant = Tenant::Aside;
    }

    /// Frees the slot; the handle means nobody from now on.
    pub(super) fn release(&mut self, handle: Handle) {
        let slot = self.slot_of(handle);
        slot.tenant = Tenant::Nobody;
        if slot.generation < u32::MAX {
            slot.generation += 1;
            self.free.push(handle.slot);
        }
    }

    /// What decides which handles are given next, as words for a state hash; who has a row is told
    /// by the rows.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let Self { slots, free } = self;
        let generation = |&slot: &u32| u64::from(slots[slot as usize].generation);
        let free = free
            .iter()
            .map(move |slot| u64::from(*slot) << 32 | generation(slot));
        free.chain([slots.len() as u64])
    }

    fn slot_of(&mut self, handle: Handle) -> &mut Slot {
        assert!(self.contains(handle), "{handle:?} means nobody");
        &mut self.slots[handle.slot as usize]
    }
}
