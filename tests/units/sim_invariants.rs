//! Whatever pilots do, the world stays finite, inside its walls, and honest with money and goods:
//! the fuzzing property of worlds on its corpus, on its neighbours, and on wild actions.

use proptest::prelude::*;

use orrery::ids::{CommodityIndex, StationIndex};
use orrery::sim::Order;

#[path = "../../fuzz/properties/world.rs"]
mod world;
use world::Action;

fn order() -> impl Strategy<Value = Order> {
    (0..5_u8, 0_u16..5, 0_u16..10, 0_u32..20).prop_map(|(which, station, commodity, quantity)| {
        let (station, commodity) = (StationIndex(station), CommodityIndex(commodity));
        match which {
            0 | 1 => Order::Buy {
                station,
                commodity,
                quantity,
            },
            2 | 3 => Order::Sell {
                station,
                commodity,
                quantity,
            },
            _ => Order::Repair { station },
        }
    })
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
    let action = prop_oneof![
        3 => (near.clone(), near.clone(), near, -5..150).prop_map(|(x, y, speed, hull)| {
            Action::Admit { x, y, speed, hull }
        }),
        1 => Just(Action::AdmitNew),
        2 => (0_u16..6).prop_map(Action::AdmitDocked),
        1 => Just(Action::Return),
        1 => who.prop_map(Action::Dismiss),
        1 => who.prop_map(Action::Attach),
        1 => who.prop_map(Action::Detach),
        6 => (who, wild.clone(), wild, any::<bool>(), any::<bool>()).prop_map(
            |(who, thrust, turn, fire, dock)| Action::Steer { who, thrust, turn, fire, dock }
        ),
        5 => (who, order()).prop_map(|(who, order)| Action::Order(who, order)),
        1 => Just(Action::CarryOver),
        4 => (1_u8..40).prop_map(Action::Step),
    ];
    prop::collection::vec(action, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_actions_leave_the_world_finite_bounded_and_honest(seed: u8, actions in actions()) {
        world::run(seed, actions);
    }
}

#[test]
fn the_corpus_and_its_neighbours_hold() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/world");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let seed = std::fs::read(entry.unwrap().path()).unwrap();
        world::check(&seed);
        for at in (0..seed.len()).step_by(5) {
            let mut changed = seed.clone();
            changed[at] ^= 0x81;
            world::check(&changed);
        }
        count += 1;
    }
    assert!(count >= 6);
}
