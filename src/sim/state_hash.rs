//! One number for the whole state: equal states have equal numbers, on every machine.
//!
//! Owns the choice of what counts as state: everything that decides a later tick or is seen from
//! outside. What is rebuilt from that (sorted cells, the index of circles) and what only says who was
//! shown what (a row's previous cell) is left out. Of rows the lists of columns choose, see
//! [`columns`](super::columns); every struct is taken apart in full here, so that a new field has to
//! be placed. Rows are taken in order, so that two rows that change places are noticed.
//!
//! The mixer is XXH3 in 64 bits: one function of the bytes, on every machine and under every
//! instruction set. It takes a row's words at once.

use xxhash_rust::xxh3::Xxh3;

use super::columns::{Packer, StateBits};
use super::entities::Entities;
use super::pilot::Pilots;
use super::reaping::Wreck;
use super::step_context::StepContext;
use super::world::World;

/// A running hash of 64-bit words, in the order in which it is told them.
struct Hash(Xxh3);

impl Hash {
    fn word(&mut self, word: u64) {
        self.0.update(&word.to_le_bytes());
    }

    /// The words of one row.
    #[inline]
    fn row<const WORDS: usize>(&mut self, words: [u64; WORDS]) {
        self.0.update(words.map(u64::to_le_bytes).as_flattened());
    }

    fn entities(&mut self, entities: &Entities) {
        let (slots, handles, born) = entities.other_fields();
        self.word(handles.len() as u64);
        self.word(*born);
        for word in slots.words() {
            self.word(word);
        }
        for (row, handle) in handles.iter().enumerate() {
            self.word(bits_of(handle));
            self.row(entities.row_words(row));
        }
    }

    fn pilots(&mut self, pilots: &Pilots) {
        // The first follows from the ships, the second never changes. Each hold goes with its pilot.
        let (_by_slot, _commodities_count, _cargo) = pilots.other_fields();
        self.word(pilots.len() as u64);
        for index in 0..pilots.len() {
            self.row(pilots.row_words(index));
            for &units in pilots.hold(index) {
                self.word(u64::from(units));
            }
        }
    }

    fn wrecks(&mut self, wrecks: &[Wreck]) {
        self.word(wrecks.len() as u64);
        for Wreck { ship, id, due } in wrecks {
            let mut packer = Packer::<5>::new();
            ship.put(&mut packer);
            due.put(&mut packer);
            id.put(&mut packer);
            self.row(packer.words());
        }
    }
}

/// A value of at most 64 bits as a word.
fn bits_of(value: &impl StateBits) -> u64 {
    let mut packer = Packer::<1>::new();
    value.put(&mut packer);
    packer.words()[0]
}

impl World {
    /// A hash of everything that decides later ticks. Linear in the state: about 0.1 µs a row.
    pub fn state_hash(&self) -> u64 {
        let Self {
            context,
            entities,
            pilots,
            market,
            wrecks,
            npcs,
            // Built anew in every step, or empty between two.
            cells: _,
            space: _,
            contacts: _,
            orders: _,
            dead: _,
            job_counts: _,
            // Follows from the pilots who asked.
            undockings: _,
            // Never changes.
            zones: _,
            // What a search for places has learnt in this tick; it would find the same without.
            spiral: _,
            // What is reported of a tick, and what only says who was shown what.
            outcome: _,
            pending: _,
            is_carried: _,
        } = self;
        let StepContext {
            seed,
            tick,
            // Where this is, and how it is worked out.
            universe: _,
            system_index: _,
            flight: _,
            parallelism: _,
        } = context;
        let mut hash = Hash(Xxh3::with_seed(*seed));
        hash.word(*tick);
        hash.entities(entities);
        hash.pilots(pilots);
        hash.wrecks(wrecks);
        for word in market.words().chain(npcs.words()) {
            hash.word(word);
        }
        hash.0.digest()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::columns::{ColumnChange, Example};
    use super::*;
    use crate::ids::{EntityKind, PlayerId, StationIndex, SystemIndex};
    use crate::sim::{Pilot, Place};
    use crate::universe::Universe;

    /// A world with ships in it.
    fn world() -> World {
        let mut world = World::new(Universe::built_in(), SystemIndex(0), 3, None);
        for _ in 0..60 {
            world.step(&mut Vec::new());
        }
        world
    }

    /// A pilot who is docked in the world of [`world`].
    fn admit(world: &mut World) {
        let pilot = Pilot {
            player: PlayerId::parse("bob").unwrap(),
            credits: 0,
            cargo: Vec::new(),
            hull: 100,
            fuel: 100.0,
            place: Place::Docked(StationIndex(0)),
            home: None,
        };
        world.admit(&pilot).unwrap();
    }

    /// Puts every example of every column into a row, and sees the hash change with each, or not.
    fn change_all<T>(
        world: &mut World,
        changes: &[ColumnChange<T>],
        row: usize,
        table: fn(&mut World) -> &mut T,
    ) {
        let mut before = world.state_hash();
        for change in changes {
            let mut changes_count = 0;
            for nth in 0.. {
                match (change.set)(table(world), row, nth) {
                    Example::None => break,
                    Example::Same => continue,
                    Example::Set => changes_count += 1,
                }
                let after = world.state_hash();
                let is_seen = after != before;
                assert_eq!(is_seen, change.is_hashed, "{}, {nth}", change.column);
                before = after;
            }
            assert!(changes_count > 0, "{}", change.column);
        }
    }

    #[test]
    fn every_column_of_an_entity_counts() {
        let mut world = world();
        let last = world.entities.len() - 1;
        change_all(&mut world, Entities::CHANGES, last, |world| {
            &mut world.entities
        });
        let mut seen = vec![world.state_hash()];
        world.entities.xs.swap(last, last - 1);
        seen.push(world.state_hash());
        world.entities.next_id(EntityKind::Trader);
        seen.push(world.state_hash());
        world.entities.remove_row(last);
        seen.push(world.state_hash());
        world.entities.handles[last - 1].generation += 1;
        seen.push(world.state_hash());
        assert_all_differ(&seen);
    }

    #[test]
    fn every_column_of_a_pilot_counts() {
        let mut world = world();
        admit(&mut world);
        change_all(&mut world, Pilots::CHANGES, 0, |world| &mut world.pilots);
        let mut seen = vec![world.state_hash()];
        for commodity in 0..world.universe().commodities.len() {
            world.pilots.wallet(0).2[commodity] += 1;
            seen.push(world.state_hash());
        }
        assert_all_differ(&seen);
    }

    #[test]
    fn stocks_wrecks_the_seed_and_the_tick_count() {
        let mut world = world();
        let mut seen = vec![world.state_hash()];
        for row in 0..world.market().stocks().count() {
            world.market.add_unit(row);
            seen.push(world.state_hash());
        }
        let wreck = Wreck {
            ship: world.entities.handles[0],
            id: world.entities.ids[0],
            due: 9,
        };
        for wreck in [
            wreck,
            Wreck {
                ship: world.entities.handles[1],
                ..wreck
            },
            Wreck {
                id: world.entities.ids[1],
                ..wreck
            },
            Wreck { due: 10, ..wreck },
        ] {
            world.wrecks = vec![wreck];
            seen.push(world.state_hash());
        }
        world.context.tick += 1;
        seen.push(world.state_hash());
        world.context.seed += 1;
        seen.push(world.state_hash());
        assert_all_differ(&seen);
    }

    fn assert_all_differ(hashes: &[u64]) {
        let distinct: BTreeSet<u64> = hashes.iter().copied().collect();
        assert_eq!(distinct.len(), hashes.len(), "{hashes:?}");
    }

    #[test]
    fn what_was_shown_does_not_count() {
        let (mut shown, mut carried) = (world(), world());
        for tick in 0..120 {
            if tick % 2 == 0 {
                carried.carry_over();
            }
            shown.step(&mut Vec::new());
            carried.step(&mut Vec::new());
            assert_eq!(shown.state_hash(), carried.state_hash());
        }
    }
}
