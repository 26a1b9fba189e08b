//! Contacts against first principles: energy, overlap, and hits at any speed.

use proptest::prelude::*;

use super::super::entities::tests::row;
use super::*;

fn bodies(list: &[[f32; 4]]) -> Entities {
    let mut entities = Entities::default();
    for &[x, y, vx, vy] in list {
        let mut body = row(&mut entities, x);
        (body.y, body.vx, body.vy, body.radius) = (y, vx, vy, 12.0);
        entities.insert(body);
    }
    entities
}

fn energy(entities: &Entities) -> f64 {
    let speeds = entities.vxs.iter().chain(&entities.vys);
    speeds.map(|&v| f64::from(v) * f64::from(v)).sum()
}

proptest! {
    #[test]
    fn a_contact_never_adds_energy_and_parts_the_bodies(
        a in prop::array::uniform4(-20.0_f32..20.0),
        b in prop::array::uniform4(-20.0_f32..20.0),
        fixed in any::<bool>(),
        sheltered in any::<(bool, bool)>(),
    ) {
        let mut a = a;
        if fixed { (a[2], a[3]) = (0.0, 0.0); }
        let mut entities = bodies(&[a, b]);
        let before = energy(&entities);
        let momentum = entities.vxs[0] + entities.vxs[1];
        let shares = if fixed { Shares::Second } else { Shares::Even };
        // Told apart by where they are.
        let first = entities.xs[0];
        let shelters = |x: f32, _: f32| if x == first { sheltered.0 } else { sheltered.1 };
        ContactColumns::of(&mut entities).part((0, 1), shares, &shelters, 1000.0, 1);
        prop_assert!(energy(&entities) <= before * (1.0 + 1e-5) + 1e-6);
        let (dx, dy) = (entities.xs[1] - entities.xs[0], entities.ys[1] - entities.ys[0]);
        prop_assert!((dx * dx + dy * dy).sqrt() >= 24.0 - 1e-3);
        let is_open = !sheltered.0 && !sheltered.1;
        if !fixed && is_open {
            prop_assert!((entities.vxs[0] + entities.vxs[1] - momentum).abs() < 1e-3);
        }
    }

    #[test]
    fn a_push_leaves_nobody_approaching_and_no_sheltered_ship_faster_than_it_may_be(
        was in (-300.0_f32..300.0, -300.0_f32..300.0),
        sheltered in any::<(bool, bool)>(),
    ) {
        let approach = was.1 - was.0;
        prop_assume!(approach < 0.0);
        let kick = -(1.0 + RESTITUTION) * approach;
        let is = damped(was, kick, || sheltered.0, || sheltered.1);
        prop_assert!(is.0 <= is.1 + 1e-3, "{:?}", is);
        let energy = |(a, b): (f32, f32)| a * a + b * b;
        prop_assert!(energy(is) <= energy(was) * (1.0 + 1e-5) + 1e-6, "{:?}", is);
        prop_assert!(!sheltered.1 || is.1 <= was.1.max(SHELTERED_PUSH_SPEED_MAX));
        prop_assert!(!sheltered.0 || -is.0 <= (-was.0).max(SHELTERED_PUSH_SPEED_MAX));
    }

    #[test]
    fn a_swept_hit_equals_many_small_steps(
        start in (-400.0_f32..400.0, -400.0_f32..400.0),
        path in (-900.0_f32..900.0, -900.0_f32..900.0),
        radius in 1.0_f32..60.0,
    ) {
        const STEPS: u32 = 20_000;
        let at = |step: u32| {
            let t = f64::from(step) / f64::from(STEPS);
            let x = f64::from(start.0) + t * f64::from(path.0);
            let y = f64::from(start.1) + t * f64::from(path.1);
            (t, (x * x + y * y).sqrt())
        };
        let nearest = (0..=STEPS).map(|step| at(step).1).fold(f64::MAX, f64::min);
        let stepped = (0..=STEPS).map(at).find(|&(_, away)| away <= f64::from(radius));
        match (swept(start, path, radius), stepped) {
            (Some(time), Some((expected, _))) => {
                prop_assert!((f64::from(time) - expected).abs() < 2e-3);
            }
            (None, None) => {}
            // Only a graze may be seen differently by the two.
            _ => prop_assert!((nearest - f64::from(radius)).abs() < 0.05, "nearest {}", nearest),
        }
    }
}

#[test]
fn two_ships_in_one_place_are_parted() {
    let mut entities = bodies(&[[5.0, 5.0, 0.0, 0.0], [5.0, 5.0, 0.0, 0.0]]);
    ContactColumns::of(&mut entities).part((0, 1), Shares::Even, &|_, _| false, 1000.0, 9);
    let (dx, dy) = (
        entities.xs[1] - entities.xs[0],
        entities.ys[1] - entities.ys[0],
    );
    assert!((dx.hypot(dy) - 24.0).abs() < 1e-4);
    assert_eq!(entities.last_changed_ticks, [9, 9]);
}
