//! One number for the whole state: equal states have equal numbers, on every machine.
//!
//! Owns the choice of what counts as state: everything that decides a later tick or is seen from
//! outside. What is rebuilt from that (sorted cells, the index of circles) and what only says who was
//! shown what (a row's cells) is left out. Columns are taken one after the other, each in the order of
//! its rows, so that two rows that change places are noticed.
//!
//! The mixer is XXH3 in 64 bits: one function of the bytes, on every machine and under every
//! instruction set. It is fed by runs of a column, which it takes at its full speed; row by row it
//! would be slower than the rows are fetched.

use xxhash_rust::xxh3::Xxh3;

use super::docking::Undocking;
use super::entities::Entities;
use super::entity_id::EntityId;
use super::pilot::Pilots;
use super::world::World;
use crate::ids::{Handle, StationIndex};

/// Values that are handed to the mixer at once.
const RUN: usize = 128;

/// A running hash of everything that it is told, in this order.
struct Hash(Xxh3);

impl Hash {
    fn word(&mut self, word: u64) {
        self.0.update(&word.to_le_bytes());
    }

    fn words(&mut self, mut words: impl Iterator<Item = u64>) {
        let mut run = [[0; 8]; RUN];
        loop {
            let mut count = 0;
            for (place, word) in run.iter_mut().zip(&mut words) {
                *place = word.to_le_bytes();
                count += 1;
            }
            self.0.update(run[..count].as_flattened());
            if count < RUN {
                return;
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    /// A column whose length is known from elsewhere.
    fn column<const BYTES: usize, T>(
        &mut self,
        values: &[T],
        bytes_of: impl Fn(&T) -> [u8; BYTES],
    ) {
        let mut run = [[0; BYTES]; RUN];
        for values in values.chunks(RUN) {
            for (place, value) in run.iter_mut().zip(values) {
                *place = bytes_of(value);
            }
            self.0.update(run[..values.len()].as_flattened());
        }
    }

    fn entities(&mut self, entities: &Entities) {
        let Entities {
            xs,
            ys,
            vxs,
            vys,
            heading_xs,
            heading_ys,
            thrusts,
            turns,
            fuels,
            ..
        } = entities;
        self.word(entities.len() as u64);
        self.word(entities.born());
        self.column(entities.handles(), |&handle| handle_bytes(handle));
        for column in [
            xs, ys, vxs, vys, heading_xs, heading_ys, thrusts, turns, fuels,
        ] {
            self.column(column, |value| value.to_bits().to_le_bytes());
        }
        self.column(&entities.last_changed_ticks, |tick| tick.to_le_bytes());
        self.column(&entities.kinds, |&kind| [kind as u8]);
        self.column(&entities.hulls, |hull| hull.to_le_bytes());
        self.column(&entities.docks, |&dock| station_number(dock).to_le_bytes());
        self.column(&entities.triggers, |&is_held| [u8::from(is_held)]);
        self.column(&entities.dock_requests, |&is_asked| [u8::from(is_asked)]);
        self.column(&entities.deadlines, |tick| tick.to_le_bytes());
        self.column(&entities.dock_ready_ticks, |tick| tick.to_le_bytes());
        self.column(&entities.ids, id_bytes);
        self.column(&entities.shooters, |shooter| {
            let ship = shooter.as_ref().map(|shooter| shooter.ship);
            ship.map_or([u8::MAX; 8], handle_bytes)
        });
        self.column(&entities.shooters, |shooter| {
            let is_allowed = shooter.as_ref().is_some_and(|shooter| shooter.pvp_allowed);
            [u8::from(is_allowed)]
        });
    }

    fn pilots(&mut self, pilots: &Pilots) {
        self.word(pilots.len() as u64);
        for player in &pilots.players {
            self.text(player.as_str());
        }
        self.column(&pilots.ships, |&ship| handle_bytes(ship));
        self.column(&pilots.credits, |credits| credits.to_le_bytes());
        self.words(pilots.homes.iter().map(|home| {
            let (system, station) = home.unzip();
            let system = system.map_or(0, |system| u64::from(system.0) + 1);
            system << 32 | u64::from(station_number(station))
        }));
        let seqs = pilots.last_input_seqs.iter();
        self.words(seqs.flat_map(|seq| [u64::from(seq.is_some()), seq.unwrap_or(0)]));
        let undockings = pilots.undockings.iter().map(Option::as_ref);
        self.words(undockings.flat_map(undocking_words));
        for index in 0..pilots.len() {
            self.column(pilots.hold(index), |units| units.to_le_bytes());
        }
    }
}

fn handle_word(handle: Handle) -> u64 {
    u64::from(handle.slot) << 32 | u64::from(handle.generation)
}

fn handle_bytes(handle: Handle) -> [u8; 8] {
    handle_word(handle).to_le_bytes()
}

fn station_number(station: Option<StationIndex>) -> u32 {
    station.map_or(0, |station| u32::from(station.0) + 1)
}

/// Zeros for a pilot who has not asked to undock.
fn undocking_words(asked: Option<&Undocking>) -> [u64; 4] {
    asked.map_or([0; 4], |asked| {
        let controls = u64::from(asked.thrust.to_bits()) << 32 | u64::from(asked.turn.to_bits());
        [1, asked.since_tick, asked.seq, controls]
    })
}

fn id_bytes(id: &EntityId) -> [u8; 24] {
    let words = match id {
        EntityId::Numbered(text) => text.words(),
        EntityId::Station(index) => [u64::MAX, u64::from(index.0), 0],
    };
    let mut bytes = [0; 24];
    bytes.copy_from_slice(words.map(u64::to_le_bytes).as_flattened());
    bytes
}

impl World {
    /// A hash of everything that decides later ticks. Linear in the state: about 0.1 µs a row.
    pub fn state_hash(&self) -> u64 {
        let mut hash = Hash(Xxh3::with_seed(self.seed));
        hash.word(self.tick);
        hash.entities(&self.entities);
        hash.pilots(&self.pilots);
        let wrecks = self.wrecks.iter();
        hash.words(wrecks.flat_map(|wreck| [handle_word(wreck.ship), wreck.due]));
        let stocks = self.market.stocks().flat_map(|(station, goods, units)| {
            let line = u64::from(station.0) << 32 | u64::from(goods.0);
            [line, units as u64]
        });
        hash.words(stocks);
        hash.words(self.npcs.words());
        hash.0.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::super::entities::Shooter;
    use super::*;
    use crate::ids::{PlayerId, SystemIndex};
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

    #[test]
    fn every_column_of_every_row_counts() {
        let mut world = world();
        let before = world.state_hash();
        let last = world.entities.len() - 1;
        let changes: [fn(&mut Entities, usize); 15] = [
            |e, row| e.xs[row] = -e.xs[row],
            |e, row| e.ys[row] += 0.01,
            |e, row| e.vxs[row] += 1.0,
            |e, row| e.vys[row] += 1.0,
            |e, row| e.heading_xs[row] = -e.heading_xs[row],
            |e, row| e.thrusts[row] += 0.5,
            |e, row| e.turns[row] += 0.5,
            |e, row| e.fuels[row] += 1.0,
            |e, row| e.hulls[row] += 1,
            |e, row| e.triggers[row] = !e.triggers[row],
            |e, row| e.dock_requests[row] = !e.dock_requests[row],
            |e, row| e.deadlines[row] += 1,
            |e, row| e.last_changed_ticks[row] += 1,
            |e, row| e.dock_ready_ticks[row] += 1,
            |e, row| {
                let (ship, id) = (e.handles()[row], e.ids[row]);
                let kind = e.kinds[row];
                let pvp_allowed = true;
                e.shooters[row] = Some(Shooter {
                    ship,
                    id,
                    kind,
                    pvp_allowed,
                });
            },
        ];
        let mut seen = vec![before];
        for change in changes {
            change(&mut world.entities, last);
            let hash = world.state_hash();
            assert!(!seen.contains(&hash));
            seen.push(hash);
        }
        world.entities.shooters[last].as_mut().unwrap().pvp_allowed = false;
        let hash = world.state_hash();
        assert!(!seen.contains(&hash), "what a shot may do");
        seen.push(hash);
        world.entities.xs.swap(last, last - 1);
        assert!(!seen.contains(&world.state_hash()), "rows have an order");
    }

    #[test]
    fn what_a_docked_pilot_asked_for_counts() {
        let mut world = world();
        let pilot = Pilot {
            player: PlayerId::parse("ann").unwrap(),
            credits: 0,
            cargo: Vec::new(),
            hull: 100,
            fuel: 100.0,
            place: Place::Docked(StationIndex(0)),
            home: None,
        };
        world.admit(&pilot).unwrap();
        let mut seen = vec![world.state_hash()];
        for (since_tick, seq, thrust, turn) in [
            (1, 1, 0.5, 0.5),
            (2, 1, 0.5, 0.5),
            (1, 2, 0.5, 0.5),
            (1, 1, 1.0, 0.5),
            (1, 1, 0.5, 1.0),
        ] {
            world.pilots.undockings[0] = Some(Undocking {
                since_tick,
                seq,
                thrust,
                turn,
            });
            let hash = world.state_hash();
            assert!(!seen.contains(&hash));
            seen.push(hash);
        }
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
