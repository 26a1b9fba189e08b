//! Where pilots may not harm each other: what shots remember, and how far a ram pushes.

use orrery::ids::Handle;
use orrery::sim::{CombatKind, Place, RemovalReason, World};
use orrery::universe::Universe;

use super::{admit, in_space, place_of, quiet, steer, step, world_of};

/// Sol with one zone, in which harm is forbidden.
fn with_sanctuary(x: f32, y: f32, radius: f32) -> Universe {
    let mut universe = quiet();
    let mut sanctuary = universe.systems[0].zones[0].clone();
    (sanctuary.x, sanctuary.y, sanctuary.radius) = (x, y, radius);
    sanctuary.pvp_allowed = false;
    universe.systems[0].zones = vec![sanctuary];
    universe
}

fn hits(world: &World) -> usize {
    let combat = world.outcome().combat.iter();
    combat.filter(|event| event.kind == CombatKind::Hit).count()
}

/// Hits within the life of a shot.
fn hits_of_a_shot(world: &mut World, mut each_tick: impl FnMut(&mut World)) -> usize {
    let mut sum = 0;
    for _ in 0..world.universe().weapon.lifetime_ticks {
        each_tick(world);
        step(world, &[]);
        sum += hits(world);
    }
    sum
}

#[test]
fn a_shot_out_of_a_sanctuary_stays_harmless_when_its_shooter_is_gone() {
    let mut world = world_of(with_sanctuary(0.0, 3000.0, 60.0));
    let shooter = admit(&mut world, "a", in_space(0.0, 3000.0, 0.0));
    let target = admit(&mut world, "b", in_space(150.0, 3000.0, 0.0));
    step(&mut world, &[steer(shooter, 1, 0.0, true, false)]);
    world
        .dismiss(shooter, RemovalReason::Despawned)
        .expect("a pilot");
    assert_eq!(hits_of_a_shot(&mut world, |_| ()), 0);
    assert_eq!(world.pilot(target).expect("a pilot").hull, 100);
}

/// A shooter outside a sanctuary drifts into it while its shot flies.
#[test]
fn a_shot_keeps_the_permission_of_the_place_where_it_was_fired() {
    let mut world = world_of(with_sanctuary(0.0, 3085.0, 60.0));
    let drifting = Place::Space {
        x: 0.0,
        y: 3000.0,
        vx: 0.0,
        vy: 290.0,
        rotation: 0.0,
    };
    let shooter = admit(&mut world, "a", drifting);
    let target = admit(&mut world, "b", in_space(220.0, 3119.0, 0.0));
    step(&mut world, &[steer(shooter, 1, 0.0, true, false)]);
    step(&mut world, &[steer(shooter, 2, 0.0, false, false)]);
    let mut was_inside = false;
    let hits = hits_of_a_shot(&mut world, |world| {
        let (x, y) = place_of(world, shooter);
        was_inside |= !world.zones().pvp_allowed(x, y);
    });
    assert!(was_inside);
    assert_eq!(hits, 1, "it was fired where firing is allowed");
    assert_eq!(world.pilot(target).expect("a pilot").hull, 88);
}

#[test]
fn nobody_is_hit_inside_a_sanctuary_from_outside() {
    let mut world = world_of(with_sanctuary(150.0, 3000.0, 60.0));
    let shooter = admit(&mut world, "a", in_space(0.0, 3000.0, 0.0));
    let target = admit(&mut world, "b", in_space(150.0, 3000.0, 0.0));
    step(&mut world, &[steer(shooter, 1, 0.0, true, false)]);
    assert_eq!(hits_of_a_shot(&mut world, |_| ()), 0);
    assert_eq!(world.pilot(target).expect("a pilot").hull, 100);
}

/// How far an idle ship is moved in so many ticks by one that runs into it from 600 u away.
fn rammed(world: &mut World, (x, y): (f32, f32), ticks: u32, is_pushing_on: bool) -> f32 {
    let idle = admit(world, "idle", in_space(x, y, 0.0));
    let rammer = admit(world, "rammer", in_space(x - 600.0, y, 0.0));
    step(world, &[steer(rammer, 1, 1.0, false, false)]);
    let mut seq = 1;
    let mut farthest = 0.0_f32;
    for _ in 0..ticks {
        step(world, &[]);
        let moved = |ship: Handle| place_of(world, ship).0 - x;
        if moved(idle) > 0.0 && !is_pushing_on && seq == 1 {
            seq = 2;
            step(world, &[steer(rammer, 2, 0.0, false, false)]);
        }
        let (now_x, now_y) = place_of(world, idle);
        farthest = farthest.max((now_x - x).hypot(now_y - y));
    }
    assert!(farthest > 0.0, "it never arrived");
    farthest
}

#[test]
fn a_ram_in_a_sanctuary_moves_an_idle_ship_by_at_most_sixty_units() {
    for is_pushing_on in [false, true] {
        let mut world = world_of(with_sanctuary(0.0, 3000.0, 900.0));
        let moved = rammed(&mut world, (0.0, 3000.0), 400, is_pushing_on);
        assert!(moved <= 60.0, "{moved} u, pushing on: {is_pushing_on}");
    }
}

#[test]
fn a_ram_across_the_border_is_damped_by_where_the_idle_ship_is() {
    let mut world = world_of(with_sanctuary(30.0, 3000.0, 45.0));
    let moved = rammed(&mut world, (0.0, 3000.0), 400, false);
    assert!(moved <= 60.0, "{moved} u");
}

#[test]
fn where_harm_is_allowed_a_ram_has_all_its_force() {
    let mut universe = quiet();
    universe.systems[0].zones.clear();
    let mut world = world_of(universe);
    let moved = rammed(&mut world, (0.0, 3000.0), 400, false);
    assert!(moved > 200.0, "{moved} u");
}
