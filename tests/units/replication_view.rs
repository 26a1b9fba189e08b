//! Who comes into view, how far away, and how steadily.

use std::sync::Arc;

use orrery::ids::{Handle, SystemIndex};
use orrery::limits::INTEREST_CELL_HEIGHT;
use orrery::replication::view::Views;
use orrery::sim::{Command, Place, World};

use crate::units::crowd;
use crowd::gallery::{Gallery, VIEW_RADIUS};
use crowd::watcher::Watcher;

/// A ship that circles flies round in so many u: thrust over the rate of turn, squared.
const CIRCLE_THRUST: f32 = 0.37;

fn place(world: &World, ship: Handle) -> (f64, f64) {
    let entities = world.entities();
    let row = entities.row(ship).expect("alive");
    (f64::from(entities.xs()[row]), f64::from(entities.ys()[row]))
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

#[test]
fn nobody_enters_beyond_the_radius_and_whoever_is_well_within_is_known() {
    let count = 400;
    let half_extent = crowd::half_extent(count, 40.0, VIEW_RADIUS);
    let mut gallery = Gallery::new(crowd::empty_sky(half_extent), count, 1);
    gallery.viewers.truncate(20);
    let mut watchers: Vec<Watcher> = (0..20).map(|_| Watcher::default()).collect();
    let sure = f64::from(Views::new(VIEW_RADIUS).sure_reach(INTEREST_CELL_HEIGHT));
    let (mut entered, mut farthest) = (0, 0.0_f64);
    for _ in 0..300 {
        gallery.step(&mut Vec::new(), |n| n.is_multiple_of(9));
        let frame = gallery.publish();
        for ((watcher, pilot), &ship) in watchers
            .iter_mut()
            .zip(frame.pilots_of(0))
            .zip(&gallery.ships)
        {
            watcher.hear(&frame, pilot);
            let own = place(&gallery.world, ship);
            entered += watcher.entered.len();
            for id in &watcher.entered {
                farthest = farthest.max(distance(watcher.known[id], own));
            }
            for other in &gallery.ships {
                let away = distance(place(&gallery.world, *other), own);
                let row = gallery.world.entities().row(*other).expect("alive");
                let id = gallery.world.id_text(&gallery.world.entities().ids()[row]);
                assert!(
                    away > sure || watcher.known.contains_key(id),
                    "{id} at {away}"
                );
            }
        }
    }
    assert!(entered > 2_000, "{entered} came into view");
    let radius = f64::from(VIEW_RADIUS);
    assert!(
        farthest <= radius + 0.02,
        "somebody entered {farthest} u away"
    );
    assert!(farthest > radius * 0.95, "the rim is in use: {farthest}");
}

/// One in the middle, and others all over the rim of its view, in a lattice.
fn rim() -> Gallery {
    let universe = Arc::new(crowd::empty_sky(1_600.0));
    let mut world = World::new(Arc::clone(&universe), SystemIndex(0), 3, None);
    let mut admit = |x: f32, y: f32| {
        let name = format!("p{x}:{y}");
        let place = Place::Space {
            x,
            y,
            vx: 0.0,
            vy: 0.0,
            rotation: 0.0,
        };
        world.admit(&crowd::pilot(&name, place)).expect("room")
    };
    let mut ships = vec![admit(0.0, 0.0)];
    for column in -12_i16..=12 {
        for row in -12_i16..=12 {
            let (x, y) = (f32::from(column) * 97.0, f32::from(row) * 103.0);
            if (600.0..1_150.0).contains(&x.hypot(y)) {
                ships.push(admit(x, y));
            }
        }
    }
    let mut gallery = Gallery::of(universe, world, ships, 1);
    gallery.viewers.truncate(1);
    gallery
}

#[test]
fn whoever_sways_by_five_u_is_not_seen_to_come_and_go_nor_sees_others_do() {
    let mut gallery = rim();
    let mut watcher = Watcher::default();
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for tick in 1..=600 {
        let circle = |&ship: &Handle| Command::Steer {
            ship,
            seq: tick,
            thrust: CIRCLE_THRUST,
            turn: 1.0,
            fire: false,
            dock: false,
        };
        let mut commands: Vec<Command> = gallery.ships.iter().map(circle).collect();
        gallery.world.step(&mut commands);
        let frame = gallery.publish();
        watcher.hear(&frame, &frame.pilots_of(0)[0]);
        // By then what was left of the start's drift has ceased.
        if tick <= 450 {
            continue;
        }
        let (x, _) = place(&gallery.world, gallery.ships[0]);
        (low, high) = (low.min(x), high.max(x));
        assert_eq!(
            (&watcher.entered, &watcher.left),
            (&vec![], &vec![]),
            "tick {tick}"
        );
    }
    let swing = high - low;
    assert!((9.0..11.0).contains(&swing), "it sways by {swing}");
    assert!(watcher.known.len() > 100);
}
