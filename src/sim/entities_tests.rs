//! The store against the obvious model: a `HashMap` from handle to values.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A row that can be told from all others by `x` and its id.
pub(in crate::sim) fn row(entities: &mut Entities, x: f32) -> Row {
    let id = entities.next_id(EntityKind::Trader);
    Row {
        radius: 1.0,
        hull: 1,
        ..Row::new(EntityKind::Trader, id, (x, -x))
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Insert,
    Remove(usize),
    Withdraw(usize),
    Restore(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        3 => Just(Operation::Insert),
        2 => any::<usize>().prop_map(Operation::Remove),
        1 => any::<usize>().prop_map(Operation::Withdraw),
        1 => any::<usize>().prop_map(Operation::Restore),
    ];
    prop::collection::vec(operation, 1..200)
}

proptest! {
    #[test]
    fn rows_and_handles_equal_a_hash_map(operations in operations()) {
        let mut entities = Entities::default();
        // Every handle ever given; Some(Some(x)): in space, Some(None): aside, None: gone.
        let mut model: HashMap<Handle, Option<Option<f32>>> = HashMap::new();
        let mut given: Vec<Handle> = Vec::new();
        let pick = |given: &[Handle], at: usize| given.get(at % given.len().max(1)).copied();
        for (step, operation) in operations.into_iter().enumerate() {
            let x = step as f32;
            match operation {
                Operation::Insert => {
                    let row = row(&mut entities, x);
                    let handle = entities.insert(row).expect("room");
                    prop_assert!(model.insert(handle, Some(Some(x))).is_none(), "handle reused");
                    given.push(handle);
                }
                Operation::Remove(at) => if let Some(handle) = pick(&given, at) {
                    let removed = entities.remove(handle).map(|row| row.x);
                    let known = model.insert(handle, None).flatten();
                    prop_assert_eq!(removed, known.flatten());
                },
                Operation::Withdraw(at) => if let Some(handle) = pick(&given, at) {
                    let known = model[&handle];
                    let taken = entities.withdraw(handle).map(|row| row.x);
                    prop_assert_eq!(taken, known.flatten());
                    if known.is_some() { model.insert(handle, Some(None)); }
                },
                Operation::Restore(at) => if let Some(handle) = pick(&given, at) {
                    let row = row(&mut entities, x);
                    let aside = model[&handle] == Some(None);
                    prop_assert_eq!(entities.restore(handle, row), aside);
                    if aside { model.insert(handle, Some(Some(x))); }
                },
            }
            let in_space = model.values().filter(|known| matches!(known, Some(Some(_)))).count();
            prop_assert_eq!(entities.len(), in_space);
            for (&handle, &known) in &model {
                prop_assert_eq!(entities.contains(handle), known.is_some());
                let found = entities.row(handle).map(|row| entities.xs()[row]);
                prop_assert_eq!(found, known.flatten());
                if let Some(row) = entities.row(handle) {
                    prop_assert_eq!(entities.handles()[row], handle);
                    prop_assert_eq!(entities.ys()[row].to_bits(), (-entities.xs()[row]).to_bits());
                }
            }
        }
    }
}

#[test]
fn rotation_is_in_the_half_open_circle() {
    let mut entities = Entities::default();
    for (x, y, angle) in [
        (1.0, 0.0, 0.0),
        (0.0, 1.0, std::f32::consts::FRAC_PI_2),
        (-1.0, 0.0, std::f32::consts::PI),
        (-1.0, -0.0, std::f32::consts::PI),
    ] {
        let mut row = row(&mut entities, 0.0);
        (row.heading_x, row.heading_y) = (x, y);
        let handle = entities.insert(row).expect("room");
        let row = entities.row(handle).expect("in space");
        assert_eq!(entities.rotation(row).to_bits(), f32::to_bits(angle));
    }
    assert_eq!(entities.rotation(99).to_bits(), 0.0_f32.to_bits());
}
