//! Calls on a world as bytes: the recorded types in postcard's encoding, one value after the other.
//!
//! A file's bytes are taken as a stranger's: a list that is longer than a recorder writes is refused
//! at its bound, and nothing is allocated beyond a small multiple of the bytes read. Numbers that a
//! world can cope with whatever they are (handles, credits, floats) are taken as they stand.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::bounded_list;
use crate::ids::Handle;
use crate::limits::COMMANDS_PER_TICK_MAX;
use crate::sim::{Command, Pilot, RemovalReason};

/// One call on a world, or what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum RecordedCall<'a> {
    /// A pilot comes in, or is turned away.
    Admit(Cow<'a, Pilot>),
    /// A pilot takes the controls anew.
    Attach(Handle),
    /// A pilot lets go of the controls.
    Detach(Handle),
    /// A pilot goes out.
    Dismiss(Handle, RemovalReason),
    /// A tick, with its commands in the order in which they came; a [`Self::StateHash`] follows.
    Step(#[serde(deserialize_with = "commands")] Cow<'a, [Command]>),
    /// The state after a tick, as [`World::state_hash`](crate::sim::World::state_hash) gives it.
    StateHash(#[serde(with = "postcard::fixint::le")] u64),
}

fn commands<'de, 'a, D>(deserializer: D) -> Result<Cow<'a, [Command]>, D::Error>
where
    D: Deserializer<'de>,
{
    bounded_list::at_most::<_, _, COMMANDS_PER_TICK_MAX>(deserializer).map(Cow::Owned)
}

/// Appends a value. The buffer is kept by its owner, so once that has grown nothing is allocated.
pub(super) fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    #[expect(
        clippy::expect_used,
        reason = "memory takes every byte, and recorded types are plain"
    )]
    postcard::to_io(value, out).expect("postcard encodes every recorded type");
}

/// The calls in some bytes; ends behind the first that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Acts<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Acts<'a> {
    type Item = postcard::Result<RecordedCall<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        match postcard::take_from_bytes(self.0) {
            Ok((act, rest)) => {
                self.0 = rest;
                Some(Ok(act))
            }
            Err(error) => {
                self.0 = &[];
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{CommodityIndex, PlayerId, StationIndex, SystemIndex};
    use crate::limits::COMMODITIES_MAX;
    use crate::sim::{Order, Place};

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
            let acts = [
                RecordedCall::Admit(Cow::Owned(pilot)),
                RecordedCall::Attach(ship),
                RecordedCall::Detach(ship),
                RecordedCall::Dismiss(ship, RemovalReason::Jumped),
                RecordedCall::Step(Cow::Owned(commands)),
                RecordedCall::StateHash(hash),
            ];
            let mut bytes = Vec::new();
            for act in &acts {
                write(&mut bytes, act);
            }
            let read: Vec<_> = Acts(&bytes).collect::<Result<_, _>>()?;
            prop_assert_eq!(read, acts);
        }

        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for act in Acts(&bytes) {
                if let Ok(RecordedCall::Step(commands)) = act {
                    prop_assert!(commands.len() <= bytes.len());
                }
            }
        }
    }

    /// Whether these bytes are one act.
    fn is_read(bytes: &[u8]) -> bool {
        Acts(bytes).map(|act| act.is_ok()).collect::<Vec<_>>() == [true]
    }

    #[test]
    fn a_list_beyond_its_bound_is_refused_whatever_stands_in_it() {
        let step = |count: usize| {
            let repair = Command::Order {
                ship: Handle {
                    slot: 0,
                    generation: 0,
                },
                seq: 0,
                ticket: 0,
                order: Order::Repair {
                    station: StationIndex(0),
                },
            };
            let mut bytes = Vec::new();
            write(&mut bytes, &RecordedCall::Step(vec![repair; count].into()));
            is_read(&bytes)
        };
        assert!(step(COMMANDS_PER_TICK_MAX) && !step(COMMANDS_PER_TICK_MAX + 1));
        let admit = |count: usize| {
            let pilot = Pilot {
                player: PlayerId::parse("ann").expect("a name"),
                credits: 0,
                cargo: vec![1; count],
                hull: 1,
                fuel: 0.0,
                place: Place::New,
                home: None,
            };
            let mut bytes = Vec::new();
            write(&mut bytes, &RecordedCall::Admit(Cow::Owned(pilot)));
            is_read(&bytes)
        };
        assert!(admit(COMMODITIES_MAX) && !admit(COMMODITIES_MAX + 1));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let admit = |name: &str| {
            let mut bytes = vec![0];
            write(&mut bytes, &name);
            // No credits, goods, hull or fuel; at the spawn, without a home.
            bytes.extend([0; 9]);
            is_read(&bytes)
        };
        assert!(admit("ann") && !admit("") && !admit("a b") && !admit(&"a".repeat(65)));
    }
}
