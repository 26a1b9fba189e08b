//! The seeds of the fuzz target `recording`: calls that people chose, in the encoding of today.

use std::borrow::Cow;

use super::code::{RecordedCall, write};
use crate::ids::{CommodityIndex, Handle, PlayerId, StationIndex, SystemIndex};
use crate::sim::{Command, Order, Pilot, Place, RemovalReason};

/// The first ship of a world with five stations.
const SHIP: Handle = Handle {
    slot: 5,
    generation: 0,
};

const DOCK: StationIndex = StationIndex(0);

fn encode(acts: &[RecordedCall<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for act in acts {
        write(&mut bytes, act);
    }
    bytes
}

fn ann(place: Place) -> Pilot {
    Pilot {
        player: PlayerId::parse("ann").unwrap(),
        credits: 5_000,
        cargo: vec![0, 3],
        hull: 100,
        fuel: 50.0,
        place,
        home: None,
    }
}

fn admit<'a>(pilot: Pilot) -> RecordedCall<'a> {
    RecordedCall::Admit(Cow::Owned(pilot))
}

/// A tick; its hash is never right.
fn tick<'a>(commands: Vec<Command>) -> [RecordedCall<'a>; 2] {
    [
        RecordedCall::Step(Cow::Owned(commands)),
        RecordedCall::StateHash(0),
    ]
}

fn order(seq: u64, order: Order) -> Command {
    Command::Order {
        ship: SHIP,
        seq,
        ticket: seq + 6,
        order,
    }
}

fn a_docked_pilot_and_an_order() -> Vec<u8> {
    let [step, hash] = tick(vec![order(
        1,
        Order::Buy {
            station: DOCK,
            commodity: CommodityIndex(1),
            quantity: 3,
        },
    )]);
    let pilot = Pilot {
        home: Some((SystemIndex(0), DOCK)),
        ..ann(Place::Docked(DOCK))
    };
    encode(&[admit(pilot), step, hash])
}

fn far_out_and_not_a_number() -> Vec<u8> {
    let [step, hash] = tick(Vec::new());
    let pilot = Pilot {
        credits: i64::MAX,
        hull: -5,
        fuel: f32::NAN,
        ..ann(Place::Space {
            x: 3e38,
            y: -3e38,
            vx: 3e38,
            vy: f32::NAN,
            rotation: f32::INFINITY,
        })
    };
    encode(&[admit(pilot), step, hash])
}

fn holds_too_full() -> Vec<u8> {
    let sale = Order::Sell {
        station: DOCK,
        commodity: CommodityIndex(1),
        quantity: u32::MAX,
    };
    let repair = Order::Repair { station: DOCK };
    let [step, hash] = tick(vec![order(1, sale), order(2, repair)]);
    let pilot = Pilot {
        credits: i64::MIN,
        cargo: vec![u32::MAX; 8],
        ..ann(Place::Docked(DOCK))
    };
    encode(&[admit(pilot), step, hash])
}

fn steering() -> Vec<u8> {
    let [step, hash] = tick(vec![Command::Steer {
        ship: SHIP,
        seq: 1,
        thrust: 1.0,
        turn: -1.0,
        fire: true,
        dock: true,
    }]);
    let place = Place::Space {
        x: 0.0,
        y: 0.0,
        vx: 5.0,
        vy: 5.0,
        rotation: 1.0,
    };
    encode(&[admit(ann(place)), step, hash])
}

fn who_comes_and_goes() -> Vec<u8> {
    let nobody = Handle {
        slot: u32::MAX,
        generation: u32::MAX,
    };
    encode(&[
        admit(ann(Place::New)),
        RecordedCall::Attach(SHIP),
        RecordedCall::Detach(SHIP),
        RecordedCall::Dismiss(SHIP, RemovalReason::Despawned),
        RecordedCall::Dismiss(nobody, RemovalReason::Destroyed),
    ])
}

fn seeds() -> [(&'static str, Vec<u8>); 8] {
    let new_pilot = encode(&[admit(ann(Place::New))]);
    // A step, and the largest number of commands that its 32 bits can promise.
    let mut too_many = encode(&[RecordedCall::Step(Cow::Borrowed(&[]))]);
    too_many.truncate(1);
    write(&mut too_many, &u32::MAX);
    [
        ("a_count_too_large", too_many),
        ("a_docked_pilot_and_an_order", a_docked_pilot_and_an_order()),
        ("cut_off", new_pilot[..9].to_vec()),
        ("a_new_pilot", new_pilot),
        ("far_out_and_not_a_number", far_out_and_not_a_number()),
        ("holds_too_full", holds_too_full()),
        ("steering", steering()),
        ("who_comes_and_goes", who_comes_and_goes()),
    ]
}

#[test]
fn the_fuzz_seeds_are_in_the_encoding_of_today() {
    for (name, bytes) in seeds() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/recording");
        let path = std::path::Path::new(corpus).join(name);
        if std::env::var_os("ORRERY_WRITE_SEEDS").is_some() {
            std::fs::write(&path, &bytes).unwrap();
        }
        let kept = std::fs::read(&path).unwrap();
        assert_eq!(kept, bytes, "{name}: ORRERY_WRITE_SEEDS=1 writes it anew");
    }
}
