//! Calls on a world as bytes: whole numbers in LEB128 (signed ones in zigzag), floats as their bits.
//!
//! Owns the way out; [`reader`](super::reader) is the way in. Writing appends to a buffer that is
//! kept, so once that has grown nothing is allocated.

use crate::ids::Handle;
use crate::sim::{Command, Gone, Order, Pilot, Place};

pub(super) const ADMIT: u8 = 1;
pub(super) const ATTACH: u8 = 2;
pub(super) const DETACH: u8 = 3;
pub(super) const DISMISS: u8 = 4;
pub(super) const STEP: u8 = 5;

/// One call on a world. The commands of a step are handed over beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// A pilot comes in, or is turned away.
    Admit(Pilot),
    /// A pilot takes the controls anew.
    Attach(Handle),
    /// A pilot lets go of the controls.
    Detach(Handle),
    /// A pilot goes out.
    Dismiss(Handle, Gone),
    /// A tick, and the state after it.
    Step {
        /// State hash after the step, as [`World::state_hash`](crate::sim::World::state_hash) gives it.
        hash: u64,
    },
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    varint(out, (value << 1 ^ value >> 63) as u64);
}

pub(super) fn float(out: &mut Vec<u8>, value: f32) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn handle(out: &mut Vec<u8>, handle: Handle) {
    varint(out, u64::from(handle.slot));
    varint(out, u64::from(handle.generation));
}

pub(super) fn admit(out: &mut Vec<u8>, pilot: &Pilot) {
    out.push(ADMIT);
    text(out, pilot.player.as_str());
    signed(out, pilot.credits);
    varint(out, pilot.cargo.len() as u64);
    for &units in &pilot.cargo {
        varint(out, u64::from(units));
    }
    signed(out, i64::from(pilot.hull));
    float(out, pilot.fuel);
    match pilot.place {
        Place::New => out.push(0),
        Place::Spawn => out.push(1),
        Place::Docked(station) => {
            out.push(2);
            varint(out, u64::from(station.0));
        }
        Place::Space {
            x,
            y,
            vx,
            vy,
            rotation,
        } => {
            out.push(3);
            for number in [x, y, vx, vy, rotation] {
                float(out, number);
            }
        }
    }
    match pilot.home {
        None => out.push(0),
        Some((system, station)) => {
            out.push(1);
            varint(out, u64::from(system.0));
            varint(out, u64::from(station.0));
        }
    }
}

pub(super) fn attach(out: &mut Vec<u8>, ship: Handle) {
    out.push(ATTACH);
    handle(out, ship);
}

pub(super) fn detach(out: &mut Vec<u8>, ship: Handle) {
    out.push(DETACH);
    handle(out, ship);
}

pub(super) fn dismiss(out: &mut Vec<u8>, ship: Handle, gone: Gone) {
    out.push(DISMISS);
    handle(out, ship);
    out.push(match gone {
        Gone::Destroyed => 0,
        Gone::Jumped => 1,
        Gone::Despawned => 2,
    });
}

/// A step's commands, in the order in which they came; [`step_end`] must follow.
pub(super) fn step(out: &mut Vec<u8>, commands: &[Command]) {
    out.push(STEP);
    varint(out, commands.len() as u64);
    for command in commands {
        self::command(out, command);
    }
}

/// What came of the step.
pub(super) fn step_end(out: &mut Vec<u8>, hash: u64) {
    out.extend_from_slice(&hash.to_le_bytes());
}

fn command(out: &mut Vec<u8>, command: &Command) {
    match *command {
        Command::Steer {
            ship,
            seq,
            thrust,
            turn,
            fire,
            dock,
        } => {
            out.push(u8::from(fire) | u8::from(dock) << 1);
            handle(out, ship);
            varint(out, seq);
            float(out, thrust);
            float(out, turn);
        }
        Command::Order {
            ship,
            seq,
            ticket,
            order,
        } => {
            let (kind, station, goods) = match order {
                Order::Buy {
                    station,
                    commodity,
                    quantity,
                } => (4, station, Some((commodity, quantity))),
                Order::Sell {
                    station,
                    commodity,
                    quantity,
                } => (5, station, Some((commodity, quantity))),
                Order::Repair { station } => (6, station, None),
            };
            out.push(kind);
            handle(out, ship);
            varint(out, seq);
            varint(out, ticket);
            varint(out, u64::from(station.0));
            if let Some((commodity, quantity)) = goods {
                varint(out, u64::from(commodity.0));
                varint(out, u64::from(quantity));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{CommodityIndex, PlayerId, StationIndex, SystemIndex};
    use crate::recorder::reader::Reader;

    fn ship() -> impl Strategy<Value = Handle> {
        (any::<u32>(), any::<u32>()).prop_map(|(slot, generation)| Handle { slot, generation })
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let order = (any::<u16>(), any::<u16>(), any::<u32>(), 0..3).prop_map(
            |(station, commodity, quantity, kind)| {
                let (station, commodity) = (StationIndex(station), CommodityIndex(commodity));
                match kind {
                    0 => Order::Buy {
                        station,
                        commodity,
                        quantity,
                    },
                    1 => Order::Sell {
                        station,
                        commodity,
                        quantity,
                    },
                    _ => Order::Repair { station },
                }
            },
        );
        let steer = (
            ship(),
            any::<u64>(),
            -9.0_f32..9.0,
            -9.0_f32..9.0,
            any::<(bool, bool)>(),
        );
        prop_oneof![
            steer.prop_map(|(ship, seq, thrust, turn, (fire, dock))| Command::Steer {
                ship,
                seq,
                thrust,
                turn,
                fire,
                dock
            }),
            (ship(), any::<u64>(), any::<u64>(), order).prop_map(|(ship, seq, ticket, order)| {
                Command::Order {
                    ship,
                    seq,
                    ticket,
                    order,
                }
            }),
        ]
    }

    fn any_pilot() -> impl Strategy<Value = Pilot> {
        let place = prop_oneof![
            Just(Place::New),
            Just(Place::Spawn),
            any::<u16>().prop_map(|at| Place::Docked(StationIndex(at))),
            prop::array::uniform5(-1e9_f32..1e9).prop_map(|[x, y, vx, vy, rotation]| {
                Place::Space {
                    x,
                    y,
                    vx,
                    vy,
                    rotation,
                }
            }),
        ];
        let home = prop::option::of(
            any::<(u16, u16)>()
                .prop_map(|(system, station)| (SystemIndex(system), StationIndex(station))),
        );
        let cargo = prop::collection::vec(any::<u32>(), 0..9);
        (
            any::<i64>(),
            cargo,
            any::<i32>(),
            0.0_f32..100.0,
            place,
            home,
        )
            .prop_map(|(credits, cargo, hull, fuel, place, home)| Pilot {
                player: PlayerId::parse("ann").expect("a name"),
                credits,
                cargo,
                hull,
                fuel,
                place,
                home,
            })
    }

    proptest! {
        #[test]
        fn calls_read_as_they_were_written(
            pilot in any_pilot(),
            ship in ship(),
            commands in prop::collection::vec(any_command(), 0..20),
            hash in any::<u64>(),
        ) {
            let mut bytes = Vec::new();
            admit(&mut bytes, &pilot);
            attach(&mut bytes, ship);
            detach(&mut bytes, ship);
            dismiss(&mut bytes, ship, Gone::Jumped);
            step(&mut bytes, &commands);
            step_end(&mut bytes, hash);
            let (mut reader, mut read) = (Reader(&bytes), Vec::new());
            let mut acts = Vec::new();
            while let Some(act) = reader.act(&mut read)? {
                acts.push(act);
            }
            prop_assert_eq!(acts, [
                Act::Admit(pilot),
                Act::Attach(ship),
                Act::Detach(ship),
                Act::Dismiss(ship, Gone::Jumped),
                Act::Step { hash },
            ]);
            prop_assert_eq!(read, commands);
        }

        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (mut reader, mut commands) = (Reader(&bytes), Vec::new());
            while let Ok(Some(_)) = reader.act(&mut commands) {
                prop_assert!(commands.len() <= bytes.len());
            }
        }
    }
}
