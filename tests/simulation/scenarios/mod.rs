//! Named stories on the simulated server: laggards, replaced logins, lingering ships, a full disk,
//! a crowd. The cluster's own checks run in every tick of each.

use crate::cluster;

mod keeping;
mod leaving;
mod logins;
mod reading;

use cluster::seat::SeatState;
use cluster::{Cluster, Setup, sky};
use orrery::ids::Name;
use orrery::protocol::{CloseCode, ErrorCode, Input, Reply, RequestId, Trade};

fn quiet() -> Cluster {
    Cluster::new(Setup::new(sky::close_quarters()))
}

fn thrust(thrust: f32, turn: f32) -> Input {
    Input {
        thrust,
        turn,
        ..Input::default()
    }
}

/// Asks for the dock until the ship is in it.
fn dock(cluster: &mut Cluster, seat: usize) {
    let input = Input {
        dock_request: true,
        ..Input::default()
    };
    let due = cluster.tick + 1;
    cluster.seats[seat].steer(input, due);
    cluster.ticks(3);
    let you = cluster.seats[seat].model.you.as_ref();
    assert!(
        you.is_some_and(|you| you.docked_at.is_some()),
        "pilots appear at a dock"
    );
}

fn food(quantity: u32, id: Option<&str>) -> Trade {
    Trade {
        station_id: Name::parse("earth-orbit-station").expect("a name"),
        commodity_id: Name::parse("food").expect("a name"),
        quantity,
        request_id: id.map(|id| RequestId::parse(id).expect("an id")),
    }
}

/// A sky for crowds, over a disk that takes them in at once.
fn crowd(half_side: f32) -> Cluster {
    let mut setup = Setup::new(sky::crowded(half_side));
    setup.disk_capacity = 8_192;
    Cluster::new(setup)
}

/// The login was told `auth.error` with a time to come back, and closed with 1013.
fn assert_refused_for_the_servers_sake(cluster: &Cluster, seat: usize, code: ErrorCode) {
    let seat = &cluster.seats[seat];
    let Some(Reply::AuthError(error)) = &seat.newest_reply else {
        panic!("auth.error expected: {:?}", seat.newest_reply);
    };
    assert_eq!(error.code, code);
    assert!(error.retry_after_ms.is_some_and(|ms| ms > 0), "{error:?}");
    assert!(seat.asked.is_empty(), "it answers the login");
    let close = CloseCode::TryLater.as_u16();
    assert_eq!(seat.stage, SeatState::Over(Some(close)));
}
