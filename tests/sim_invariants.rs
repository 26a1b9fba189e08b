//! Whatever pilots do, the world stays finite, inside its walls, and honest with money.

#![allow(
    clippy::expect_used,
    reason = "a test or bench may stop where it stands"
)]

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use orrery::ids::{CommodityIndex, EntityKind, Handle, PlayerId, StationIndex, SystemIndex};
use orrery::sim::{Cause, Command, Gone, NO_CELL, Order, Outcome, Pilot, Place, World};
use orrery::universe::Universe;

/// What somebody does to the world; numbers are wild on purpose.
#[derive(Clone, Debug)]
enum Action {
    Admit {
        x: f32,
        y: f32,
        speed: f32,
        hull: i32,
    },
    AdmitNew,
    AdmitDocked(u16),
    Dismiss(usize),
    Attach(usize),
    Steer {
        who: usize,
        thrust: f32,
        turn: f32,
        fire: bool,
        dock: bool,
    },
    Buy {
        who: usize,
        station: u16,
        commodity: u16,
        quantity: u32,
    },
    Sell {
        who: usize,
        station: u16,
        commodity: u16,
        quantity: u32,
    },
    Repair {
        who: usize,
        station: u16,
    },
    CarryOver,
    Step(u8),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let wild = prop_oneof![
        4 => -1.5_f32..1.5,
        1 => any::<f32>(),
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
    ];
    let near = prop_oneof![4 => -300.0_f32..300.0, 1 => any::<f32>()];
    let who = any::<usize>();
    let order = (any::<usize>(), 0_u16..5, 0_u16..10, 0_u32..20);
    let action = prop_oneof![
        3 => (near.clone(), near.clone(), near, -5..150).prop_map(|(x, y, speed, hull)| {
            Action::Admit { x, y, speed, hull }
        }),
        1 => Just(Action::AdmitNew),
        2 => (0_u16..6).prop_map(Action::AdmitDocked),
        1 => who.prop_map(Action::Dismiss),
        1 => who.prop_map(Action::Attach),
        6 => (who, wild.clone(), wild, any::<bool>(), any::<bool>()).prop_map(
            |(who, thrust, turn, fire, dock)| Action::Steer { who, thrust, turn, fire, dock }
        ),
        2 => order.clone().prop_map(|(who, station, commodity, quantity)| {
            Action::Buy { who, station, commodity, quantity }
        }),
        2 => order.prop_map(|(who, station, commodity, quantity)| {
            Action::Sell { who, station, commodity, quantity }
        }),
        1 => (who, 0_u16..5).prop_map(|(who, station)| Action::Repair { who, station }),
        1 => Just(Action::CarryOver),
        4 => (1_u8..40).prop_map(Action::Step),
    ];
    prop::collection::vec(action, 1..80)
}

/// The world under test, and a ledger that believes nothing but postings.
struct Bench {
    world: World,
    ships: Vec<Handle>,
    commands: Vec<Command>,
    seq: u64,
    orders: usize,
    balances: HashMap<PlayerId, i64>,
}

impl Bench {
    fn new() -> Self {
        Self {
            world: World::new(Arc::clone(&Universe::built_in()), SystemIndex(0), 5, None),
            ships: Vec::new(),
            commands: Vec::new(),
            seq: 0,
            orders: 0,
            balances: HashMap::new(),
        }
    }

    fn admit(&mut self, place: Place, hull: i32) {
        let player = PlayerId::parse(&format!("p{}", self.ships.len())).expect("a name");
        let pilot = Pilot {
            player: player.clone(),
            credits: 5_000,
            cargo: vec![0, 2, 2],
            hull,
            fuel: 10.0,
            place,
            home: None,
        };
        if let Ok(ship) = self.world.admit(&pilot) {
            self.ships.push(ship);
            // A new pilot's credits come out of a posting.
            let known = if place == Place::New { 0 } else { 5_000 };
            self.balances.insert(player, known);
        }
    }

    fn act(&mut self, action: &Action) {
        self.seq += 1;
        match *action {
            Action::Admit { x, y, speed, hull } => {
                let place = Place::Space {
                    x,
                    y,
                    vx: speed,
                    vy: -speed,
                    rotation: speed,
                };
                self.admit(place, hull);
            }
            Action::AdmitNew => self.admit(Place::New, 100),
            Action::AdmitDocked(station) => self.admit(Place::Docked(StationIndex(station)), 40),
            Action::Dismiss(who) => {
                if let Some(ship) = self.ship(who)
                    && let Some(pilot) = self.world.dismiss(ship, Gone::Despawned)
                {
                    assert!(pilot.hull > 0 && pilot.fuel.is_finite());
                }
            }
            Action::Attach(who) => {
                if let Some(ship) = self.ship(who) {
                    self.world.attach(ship);
                }
            }
            Action::CarryOver => self.world.carry_over(),
            Action::Step(ticks) => {
                for _ in 0..ticks {
                    self.step();
                }
            }
            _ => {
                let command = self.command(action);
                self.orders += usize::from(matches!(command, Some(Command::Order { .. })));
                self.commands.extend(command);
            }
        }
    }

    fn ship(&self, who: usize) -> Option<Handle> {
        self.ships.get(who % self.ships.len().max(1)).copied()
    }

    #[expect(clippy::too_many_lines, reason = "one arm an action, and nothing else")]
    fn command(&self, action: &Action) -> Option<Command> {
        let seq = self.seq;
        let (who, order) = match *action {
            Action::Steer {
                who,
                thrust,
                turn,
                fire,
                dock,
            } => {
                let ship = self.ship(who)?;
                return Some(Command::Steer {
                    ship,
                    seq,
                    thrust,
                    turn,
                    fire,
                    dock,
                });
            }
            Action::Buy {
                who,
                station,
                commodity,
                quantity,
            } => {
                let (station, commodity) = (StationIndex(station), CommodityIndex(commodity));
                (
                    who,
                    Order::Buy {
                        station,
                        commodity,
                        quantity,
                    },
                )
            }
            Action::Sell {
                who,
                station,
                commodity,
                quantity,
            } => {
                let (station, commodity) = (StationIndex(station), CommodityIndex(commodity));
                (
                    who,
                    Order::Sell {
                        station,
                        commodity,
                        quantity,
                    },
                )
            }
            Action::Repair { who, station } => (
                who,
                Order::Repair {
                    station: StationIndex(station),
                },
            ),
            _ => return None,
        };
        let ship = self.ship(who)?;
        Some(Command::Order {
            ship,
            seq,
            ticket: seq,
            order,
        })
    }

    fn step(&mut self) {
        self.world.step(&mut self.commands);
        assert!(self.commands.is_empty());
        assert_eq!(
            self.world.outcome().receipts.len(),
            std::mem::take(&mut self.orders)
        );
        book(&mut self.balances, self.world.outcome());
        for &ship in &self.ships {
            if let Some(pilot) = self.world.pilot(ship) {
                assert_eq!(
                    pilot.credits, self.balances[pilot.player],
                    "{}",
                    pilot.player
                );
                assert!(pilot.credits >= 0);
                let load: u32 = pilot.cargo.iter().sum();
                assert!(load <= self.world.universe().ship.cargo_capacity);
            }
        }
        self.check_rows();
    }

    fn check_rows(&self) {
        let entities = self.world.entities();
        let half = self.world.system().half_extent;
        for row in 0..entities.len() {
            let (x, y) = (entities.xs()[row], entities.ys()[row]);
            assert!(x.abs() <= half && y.abs() <= half, "{x} {y}");
            let (vx, vy) = (entities.vxs()[row], entities.vys()[row]);
            assert!(vx.is_finite() && vy.is_finite());
            let (hx, hy) = (entities.heading_xs()[row], entities.heading_ys()[row]);
            assert!((hx * hx + hy * hy - 1.0).abs() < 1e-3, "{hx} {hy}");
            assert!(entities.fuels()[row] >= 0.0);
            let cell = entities.cells()[row];
            assert_eq!(cell, self.world.cell_at(x, y));
            assert!(
                self.world
                    .cell_order()
                    .rows_of(cell)
                    .contains(&(row as u32))
            );
            assert_eq!(entities.row(entities.handles()[row]), Some(row));
            if entities.kinds()[row] != EntityKind::Projectile {
                let docked = entities.docks()[row].is_some();
                assert!(!docked || (vx.abs() + vy.abs()) < f32::EPSILON);
            }
        }
        for gone in &self.world.outcome().departures {
            assert!(
                gone.cell == NO_CELL || (gone.cell as usize) < self.world.cell_order().starts.len()
            );
        }
    }
}

/// Moves the balances as the postings say.
fn book(balances: &mut HashMap<PlayerId, i64>, outcome: &Outcome) {
    for posting in &outcome.postings {
        let Some(player) = &posting.player else {
            continue;
        };
        let Some(balance) = balances.get_mut(player) else {
            panic!("{player} unknown")
        };
        match posting.cause {
            Cause::Grant | Cause::Sell | Cause::Bounty => *balance += posting.total,
            Cause::Buy | Cause::Repair => *balance -= posting.total,
            _ => assert_eq!(posting.total, 0),
        }
        assert_eq!(posting.balance_after, Some(*balance), "{posting:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_actions_leave_the_world_finite_bounded_and_honest(actions in actions()) {
        let mut bench = Bench::new();
        for action in &actions {
            bench.act(action);
        }
        bench.step();
    }
}
