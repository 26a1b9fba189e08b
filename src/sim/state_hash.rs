//! One number for the whole state: equal states have equal numbers, on every machine.
//!
//! Owns the choice of what counts as state: everything that decides a later tick or is seen from
//! outside. What is rebuilt from that (sorted cells, the index of circles) and what only says who was
//! shown what (a row's cells) is left out. Rows are taken in order, each mixed by itself, so that two
//! rows that change places are noticed.
//!
//! The mixer folds the 128-bit product of two words, as wyhash does (Wang Yi, 2019): the products of
//! one row do not wait for each other.

use super::docking::Undocking;
use super::entities::Entities;
use super::entity_id::EntityId;
use super::pilot::Pilots;
use super::world::World;
use crate::ids::{Handle, StationIndex};

/// Odd words with as many ones as zeros, one for each place in a row.
const KEYS: [u64; 4] = [
    0x2d35_8dcc_aa6c_78a5,
    0x8bb8_4b93_962e_acc9,
    0x4b33_a62e_d433_d4a3,
    0x4d5a_2da5_1de1_aa47,
];

const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ (product >> 64) as u64
}

/// Two words in one, neither of which can cover for the other.
const fn pair(a: u64, b: u64) -> u64 {
    fold(a ^ KEYS[0], b ^ KEYS[1])
}

/// A running hash of 64-bit words.
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        self.0 = fold(self.0 ^ KEYS[2], word ^ KEYS[3]).wrapping_add(word);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let mut sum = bytes.len() as u64;
        for (place, chunk) in (0_u64..).zip(bytes.chunks(8)) {
            let mut word = [0; 8];
            for (byte, &value) in word.iter_mut().zip(chunk) {
                *byte = value;
            }
            sum = sum.wrapping_add(pair(u64::from_le_bytes(word), place));
        }
        self.word(sum);
    }

    fn entities(&mut self, entities: &Entities) {
        self.word(entities.len() as u64);
        self.word(entities.born());
        for row in 0..entities.len() {
            self.word(row_word(entities, row));
        }
    }

    fn pilots(&mut self, pilots: &Pilots) {
        self.word(pilots.len() as u64);
        for (index, &ship) in pilots.ships.iter().enumerate() {
            self.bytes(pilots.players[index].as_str().as_bytes());
            let home = pilots.homes[index];
            let system = home.map_or(0, |(system, _)| u64::from(system.0) + 1);
            let station = dock_word(home.map(|(_, station)| station));
            let seq = pilots.last_input_seqs[index].map_or(0, |seq| seq.wrapping_add(1));
            let mut sum = pair(handle_word(ship), pilots.credits[index] as u64)
                .wrapping_add(pair(system << 32 | station, seq))
                .wrapping_add(undocking_word(pilots.undockings[index].as_ref()));
            for (goods, &units) in (0_u64..).zip(pilots.hold(index)) {
                sum = sum.wrapping_add(pair(u64::from(units), goods));
            }
            self.word(sum);
        }
    }
}

fn handle_word(handle: Handle) -> u64 {
    u64::from(handle.slot) << 32 | u64::from(handle.generation)
}

/// 0 for a pilot who has not asked to undock.
fn undocking_word(asked: Option<&Undocking>) -> u64 {
    asked.map_or(0, |asked| {
        let controls = u64::from(asked.thrust.to_bits()) << 32 | u64::from(asked.turn.to_bits());
        pair(pair(asked.since_tick, asked.seq), controls)
    })
}

fn dock_word(dock: Option<StationIndex>) -> u64 {
    dock.map_or(0, |station| u64::from(station.0) + 1)
}

fn id_words(id: &EntityId) -> [u64; 3] {
    match id {
        EntityId::Numbered(text) => text.words(),
        EntityId::Station(index) => [u64::MAX, u64::from(index.0), 0],
    }
}

/// Everything in one row; the sum's parts differ in their keys, so none can stand for another.
#[inline]
fn row_word(entities: &Entities, row: usize) -> u64 {
    let singles = |high: f32, low: f32| u64::from(high.to_bits()) << 32 | u64::from(low.to_bits());
    let handle = handle_word(entities.handles()[row]);
    let place = singles(entities.xs[row], entities.ys[row]);
    let velocity = singles(entities.vxs[row], entities.vys[row]);
    let heading = singles(entities.heading_xs[row], entities.heading_ys[row]);
    let controls = singles(entities.thrusts[row], entities.turns[row]);
    let fuel = u64::from(entities.fuels[row].to_bits()) << 32
        | u64::from(entities.last_changed_ticks[row]);
    let flags = u64::from(entities.triggers[row]) << 1 | u64::from(entities.dock_requests[row]);
    let berth = dock_word(entities.docks[row]) << 32 | (entities.kinds[row] as u64) << 8 | flags;
    let hull = u64::from(entities.hulls[row] as u32);
    let shooter = entities.shooters[row].as_ref();
    let permit = u64::from(shooter.is_some_and(|shooter| shooter.pvp_allowed));
    let shooter = shooter.map_or(u64::MAX, |shooter| handle_word(shooter.ship));
    let id = id_words(&entities.ids[row]);
    let parts = [
        (handle, place),
        (velocity, heading),
        (controls, fuel),
        (berth, hull),
        (entities.deadlines[row], shooter),
        (id[0], id[1] ^ id[2].rotate_left(32)),
        (entities.dock_ready_ticks[row], permit),
    ];
    let mut sum = 0_u64;
    for (part, (a, b)) in (0_u32..).zip(parts) {
        sum = sum.wrapping_add(fold(
            a ^ KEYS[0].rotate_left(part * 8),
            b ^ KEYS[1].rotate_left(part * 8),
        ));
    }
    sum
}

impl World {
    /// A hash of everything that decides later ticks. Linear in the state: about 0.1 µs a row.
    pub fn state_hash(&self) -> u64 {
        let mut hash = Hash(self.seed);
        hash.word(self.tick);
        hash.entities(&self.entities);
        hash.pilots(&self.pilots);
        for wreck in &self.wrecks {
            hash.word(pair(handle_word(wreck.ship), wreck.due));
        }
        for (station, commodity, units) in self.market.stocks() {
            let line = u64::from(station.0) << 32 | u64::from(commodity.0);
            hash.word(pair(line, units as u64));
        }
        for word in self.npcs.words() {
            hash.word(word);
        }
        hash.0
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
