//! Commands that wait for a system's next step: one steering a ship, and orders up to a bound.
//!
//! A slowed system steps rarely, while its pilots steer as often as ever. Of what a pilot steers
//! between two steps only the newest counts, so a ship has one slot and a flood fills nothing. What
//! an older steering asked for and the newest does not (a shot, a dock, an undocking) is a *pulse*:
//! it is in force for one step, and the newest follows with the next.
//!
//! ```text
//! seq 7 fire ─┐                 step: 7 fires
//! seq 8       ├─▶ pulse, newest
//! seq 9 turn ─┘                 step: 9 turns, and is told as `last_input_seq`
//! ```
//!
//! An order seals the steering before it: that one is not merged into later ones, so an undocking
//! does not slip behind an order. Invariant: `by_slot[steerings[i].newest.ship.slot] == i`.
//! Everything but [`PendingCommands::ready`], which is linear, takes constant time.

use crate::ids::Handle;
use crate::limits::{COMMANDS_PER_TICK_MAX, ORDERS_PENDING_MAX, PLAYERS_MAX};
use crate::protocol::Input;
use crate::sim::Command;

const _: () = assert!(
    ORDERS_PENDING_MAX > 0 && ORDERS_PENDING_MAX + PLAYERS_MAX <= COMMANDS_PER_TICK_MAX,
    "one step takes everything that may wait"
);

const NOWHERE: u32 = u32::MAX;

/// What a pending order weighs, and a pending steering with its place in the index, in bytes. A pulse
/// of a ship makes room in one step for its newest in the next.
pub(crate) const ORDER_BYTES: usize = size_of::<Command>();
pub(crate) const STEERING_BYTES: usize =
    size_of::<Steering>() + size_of::<Command>() + size_of::<u32>();

/// Controls that a pilot asked for, under the client's number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Steer {
    ship: Handle,
    seq: u64,
    input: Input,
}

impl Steer {
    fn moves(&self) -> bool {
        self.input.thrust > 0.0 || self.input.dock_request
    }

    /// Whether something asked for here is over with `newer`.
    fn asks_more_than(&self, newer: &Self) -> bool {
        (self.input.fire_primary && !newer.input.fire_primary) || (self.moves() && !newer.moves())
    }

    /// Both in one. It keeps the number of the first that thrusts: orders stand before or behind an
    /// undocking as they were sent.
    fn merged_with(&self, newer: &Self) -> Self {
        let moving = if newer.moves() { newer } else { self };
        let has_thrust = self.input.thrust > 0.0 && moving.input.thrust > 0.0;
        Self {
            ship: newer.ship,
            seq: if has_thrust { self.seq } else { newer.seq },
            input: Input {
                thrust: moving.input.thrust,
                turn: newer.input.turn,
                fire_primary: self.input.fire_primary || newer.input.fire_primary,
                dock_request: moving.input.dock_request,
            },
        }
    }

    const fn command(&self) -> Command {
        Command::Steer {
            ship: self.ship,
            seq: self.seq,
            thrust: self.input.thrust,
            turn: self.input.turn,
            fire: self.input.fire_primary,
            dock: self.input.dock_request,
        }
    }
}

/// One ship's slot.
#[derive(Clone, Copy, Debug)]
struct Steering {
    newest: Steer,
    /// In force for the next step, before `newest`.
    pulse: Option<Steer>,
    /// Whether an order came behind `newest`.
    is_sealed: bool,
}

impl Steering {
    fn follow(&mut self, newer: Steer) {
        let before = match self.pulse {
            Some(pulse) => pulse.merged_with(&self.newest),
            None => self.newest,
        };
        let is_owed = self.pulse.is_some() || self.is_sealed || before.asks_more_than(&newer);
        *self = Self {
            newest: newer,
            pulse: is_owed.then_some(before),
            is_sealed: false,
        };
    }
}

/// What waits for one system's next step; see the module's page.
#[derive(Debug, Default)]
pub(super) struct PendingCommands {
    /// Orders, and during a step everything.
    commands: Vec<Command>,
    steerings: Vec<Steering>,
    /// Place in `steerings` by a ship's slot.
    by_slot: Vec<u32>,
}

impl PendingCommands {
    /// How many steerings wait, and how many orders; linear.
    pub(super) fn counts(&self) -> (usize, usize) {
        let pulses = self.steerings.iter().filter(|one| one.pulse.is_some());
        let steerings = self.steerings.len() + pulses.count();
        (steerings, self.commands.len())
    }

    /// Whether one more order may wait.
    pub(super) fn has_room_for_order(&self) -> bool {
        self.commands.len() < ORDERS_PENDING_MAX
    }

    fn index(&self, ship: Handle) -> Option<usize> {
        let &index = self.by_slot.get(ship.slot as usize)?;
        (index != NOWHERE).then_some(index as usize)
    }

    /// Takes an order in; see [`Self::has_room_for_order`].
    pub(super) fn push_order(&mut self, order: Command) {
        let ship = order.ship();
        if let Some(steering) = self.index(ship).and_then(|at| self.steerings.get_mut(at))
            && steering.newest.ship == ship
        {
            steering.is_sealed = true;
        }
        self.commands.push(order);
    }

    /// Takes the controls of a ship in. Numbers of one ship rise until it is forgotten; one that does
    /// not is left out.
    pub(super) fn steer(&mut self, ship: Handle, seq: u64, input: Input) {
        let newer = Steer { ship, seq, input };
        let fresh = Steering {
            newest: newer,
            pulse: None,
            is_sealed: false,
        };
        let known = self.index(ship);
        if let Some(steering) = known.and_then(|at| self.steerings.get_mut(at)) {
            if steering.newest.ship != ship {
                // The slot's former ship is gone.
                *steering = fresh;
            } else if seq > steering.newest.seq {
                steering.follow(newer);
            }
            return;
        }
        let slot = ship.slot as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, NOWHERE);
        }
        self.by_slot[slot] = self.steerings.len() as u32;
        self.steerings.push(fresh);
    }

    /// Lets go of a ship's controls that are not applied yet; its orders stand.
    pub(super) fn forget(&mut self, ship: Handle) {
        if let Some(at) = self.index(ship) {
            self.remove(at);
        }
    }

    /// Lets go of everything: the system is another server's now.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn remove(&mut self, at: usize) {
        if at >= self.steerings.len() {
            return;
        }
        let gone = self.steerings.swap_remove(at);
        self.point(gone.newest.ship, NOWHERE);
        if let Some(moved) = self.steerings.get(at) {
            self.point(moved.newest.ship, at as u32);
        }
    }

    fn point(&mut self, ship: Handle, at: u32) {
        if let Some(place) = self.by_slot.get_mut(ship.slot as usize) {
            *place = at;
        }
    }

    /// The commands of the next step, for [`World::step`](crate::sim::World::step) to take out.
    pub(super) fn ready(&mut self) -> &mut Vec<Command> {
        let mut at = 0;
        while let Some(steering) = self.steerings.get_mut(at) {
            if let Some(pulse) = steering.pulse.take() {
                self.commands.push(pulse.command());
                at += 1;
            } else {
                self.commands.push(steering.newest.command());
                self.remove(at);
            }
        }
        &mut self.commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StationIndex;
    use crate::sim::Order;

    const REST: Input = Input {
        thrust: 0.0,
        turn: 0.0,
        fire_primary: false,
        dock_request: false,
    };
    const FIRE: Input = Input {
        fire_primary: true,
        ..REST
    };
    const DOCK: Input = Input {
        dock_request: true,
        ..REST
    };
    const BURN: Input = Input {
        thrust: 0.5,
        ..REST
    };

    fn ship(slot: u32) -> Handle {
        Handle {
            slot,
            generation: 1,
        }
    }

    fn order(slot: u32, seq: u64) -> Command {
        Command::Order {
            ship: ship(slot),
            seq,
            ticket: seq,
            order: Order::Repair {
                station: StationIndex(0),
            },
        }
    }

    /// A command's number and its thrust, fire and dock; an order is a number alone.
    type Applied = (u64, Option<(f32, bool, bool)>);

    /// What a step applies, in its order.
    fn step(pending: &mut PendingCommands) -> Vec<Applied> {
        let mut taken: Vec<Command> = pending.ready().drain(..).collect();
        taken.sort_by_key(|command| (command.ship(), command.seq()));
        let told = taken.iter().map(|command| match *command {
            Command::Steer {
                seq,
                thrust,
                fire,
                dock,
                ..
            } => (seq, Some((thrust, fire, dock))),
            Command::Order { seq, .. } => (seq, None),
        });
        told.collect()
    }

    #[test]
    fn of_a_flood_the_newest_steering_is_all_that_waits() {
        let mut pending = PendingCommands::default();
        for seq in 1..=10_000 {
            pending.steer(ship(3), seq, BURN);
        }
        assert_eq!(pending.counts(), (1, 0));
        assert_eq!(step(&mut pending), [(10_000, Some((0.5, false, false)))]);
        assert_eq!(pending.counts(), (0, 0));
        assert_eq!(step(&mut pending), []);
    }

    #[test]
    fn a_shot_a_dock_and_an_undocking_are_in_force_for_a_step_before_the_newest() {
        for (asked, controls) in [
            (FIRE, (0.0, true, false)),
            (DOCK, (0.0, false, true)),
            (BURN, (0.5, false, false)),
        ] {
            let mut pending = PendingCommands::default();
            pending.steer(ship(0), 1, asked);
            for seq in 2..500 {
                pending.steer(ship(0), seq, REST);
            }
            assert_eq!(pending.counts(), (2, 0));
            let first = step(&mut pending);
            assert_eq!(first.len(), 1);
            assert_eq!(first[0].1, Some(controls));
            assert_eq!(step(&mut pending), [(499, Some((0.0, false, false)))]);
            assert_eq!(step(&mut pending), []);
        }
    }

    #[test]
    fn what_was_asked_apart_is_in_force_together_and_the_later_of_burn_and_dock_counts() {
        let mut pending = PendingCommands::default();
        for (seq, input) in (1..).zip([FIRE, BURN, REST, DOCK, REST]) {
            pending.steer(ship(0), seq, input);
        }
        assert_eq!(step(&mut pending)[0].1, Some((0.0, true, true)));
        assert_eq!(step(&mut pending), [(5, Some((0.0, false, false)))]);
    }

    #[test]
    fn an_undocking_stays_before_the_order_that_it_was_sent_before() {
        let mut pending = PendingCommands::default();
        pending.steer(ship(0), 4, BURN);
        pending.push_order(order(0, 5));
        for seq in 6..9 {
            pending.steer(ship(0), seq, BURN);
        }
        let burn = Some((0.5, false, false));
        assert_eq!(step(&mut pending), [(4, burn), (5, None)]);
        assert_eq!(step(&mut pending), [(8, burn)]);

        pending.push_order(order(0, 9));
        pending.steer(ship(0), 10, BURN);
        assert_eq!(step(&mut pending), [(9, None), (10, burn)]);
    }

    #[test]
    fn a_lost_ship_is_forgotten_alone_and_its_slot_begins_anew() {
        let mut pending = PendingCommands::default();
        for slot in 0..5 {
            pending.steer(ship(slot), 7, BURN);
        }
        pending.push_order(order(1, 8));
        pending.forget(ship(1));
        pending.forget(ship(1));
        let heir = Handle {
            slot: 2,
            generation: 2,
        };
        // Numbers of another connection begin anew.
        pending.steer(heir, 1, FIRE);
        pending.steer(ship(1), 2, FIRE);
        let mut seen: Vec<(u32, u64)> = Vec::new();
        for command in pending.ready().drain(..) {
            seen.push((command.ship().slot, command.seq()));
        }
        seen.sort_unstable();
        assert_eq!(seen, [(0, 7), (1, 2), (1, 8), (2, 1), (3, 7), (4, 7)]);
        assert_eq!(pending.counts(), (0, 0));
    }

    #[test]
    fn orders_are_bounded() {
        let mut pending = PendingCommands::default();
        for seq in 0..ORDERS_PENDING_MAX as u64 {
            assert!(pending.has_room_for_order());
            pending.push_order(order(0, seq));
        }
        assert!(!pending.has_room_for_order());
    }
}
