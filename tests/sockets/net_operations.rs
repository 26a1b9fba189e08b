//! Arbitrary operations on a shard in memory: whatever peers, network and service do, each
//! accepted connection is closed once, output stays bounded, and nothing is left in the end.

use crate::net_rig;

use std::collections::HashSet;
use std::io::Write;

use net_rig::{Call, LOCAL, Rig, UPGRADE, frame};
use orrery::limits::PENDING_BYTES_MAX;
use orrery::net::Io as _;
use orrery::net::connection::Transport as _;
use orrery::net::memory::{End, duplex};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Connect,
    Write(usize, Vec<u8>),
    Frame(usize, u8, Vec<u8>),
    Say(usize, &'static str),
    Read(usize),
    Narrow(usize, usize, usize),
    HangUp(usize),
    Cut(usize),
    Drop(usize),
    ConnectionPermit(u64),
    ServiceCloses(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation as Op;
    let peer = 0..6_usize;
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let upgrade = UPGRADE.as_bytes().to_vec();
    let words = prop::sample::select(vec!["hello", "close", "flood 300", "flood 3"]);
    prop_oneof![
        3 => Just(Op::Connect),
        3 => (peer.clone(), Just(upgrade)).prop_map(|(peer, bytes)| Op::Write(peer, bytes)),
        1 => (peer.clone(), bytes.clone()).prop_map(|(peer, bytes)| Op::Write(peer, bytes)),
        2 => (peer.clone(), any::<u8>(), bytes).prop_map(|(p, first, b)| Op::Frame(p, first, b)),
        5 => (peer.clone(), words).prop_map(|(peer, word)| Op::Say(peer, word)),
        3 => peer.clone().prop_map(Op::Read),
        1 => (peer.clone(), 0..5_000_usize, 1..100_usize).prop_map(|(p, c, s)| Op::Narrow(p, c, s)),
        1 => peer.clone().prop_map(Op::HangUp),
        1 => peer.clone().prop_map(Op::Cut),
        1 => peer.clone().prop_map(Op::Drop),
        2 => (0..20_000_u64).prop_map(Op::ConnectionPermit),
        1 => peer.prop_map(Op::ServiceCloses),
    ]
}

fn apply(rig: &mut Rig, peers: &mut [Option<End>; 6], operation: Operation) {
    match operation {
        Operation::Connect => {
            let Some(place) = peers.iter_mut().find(|place| place.is_none()) else {
                return;
            };
            let (near, far) = duplex();
            rig.shard.admit(near, LOCAL).unwrap();
            *place = Some(far);
        }
        Operation::ConnectionPermit(span_ms) => rig.pass(span_ms),
        Operation::ServiceCloses(index) => {
            let opened = rig.service.calls.iter().filter_map(|call| match call {
                Call::Open(conn) => Some(*conn),
                _ => None,
            });
            if let Some(conn) = opened.skip(index).last() {
                rig.shard.close(conn, 4003, "replaced");
            }
        }
        Operation::Drop(peer) => peers[peer] = None,
        Operation::Write(peer, bytes) => say(&mut peers[peer], &bytes),
        Operation::Frame(peer, first, bytes) => say(&mut peers[peer], &frame(first, &bytes)),
        Operation::Say(peer, word) => say(&mut peers[peer], &frame(0x81, word.as_bytes())),
        Operation::Read(peer) => drop(peers[peer].as_ref().map(End::drain)),
        Operation::Narrow(peer, capacity, step) => {
            if let Some(end) = &peers[peer] {
                end.set_peer_capacity(capacity);
                end.set_step(step);
            }
        }
        Operation::HangUp(peer) => drop(peers[peer].as_mut().map(End::hang_up)),
        Operation::Cut(peer) => drop(peers[peer].as_ref().map(End::cut)),
    }
}

/// What a peer says is lost if it is not connected, or not any more.
fn say(peer: &mut Option<End>, bytes: &[u8]) {
    if let Some(end) = peer {
        let _ = end.write(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_a_peer_does_leaks_or_repeats(
        operations in prop::collection::vec(operation(), 1..80),
    ) {
        let mut rig = Rig::new();
        let mut peers = [const { None }; 6];
        for operation in operations {
            apply(&mut rig, &mut peers, operation);
            rig.settle();
            prop_assert!(rig.service.pending_bytes_max <= PENDING_BYTES_MAX);
            prop_assert_eq!(rig.shard.len(), rig.common.limiter.connections());
            let mut live = HashSet::new();
            for call in &rig.service.calls {
                match call {
                    Call::Open(conn) => prop_assert!(live.insert(*conn)),
                    Call::Closed(conn) => prop_assert!(live.remove(conn)),
                    _ => {}
                }
            }
            prop_assert!(live.len() <= rig.shard.len());
        }
        drop(peers);
        rig.pass(60_000);
        prop_assert!(rig.shard.is_empty());
        prop_assert_eq!(rig.common.limiter.connections(), 0);
        let opened = rig.service.count(|call| matches!(call, Call::Open(_)));
        prop_assert_eq!(opened, rig.service.closed_count());
        prop_assert_eq!(rig.shard.deadline(&rig.service), None);
    }
}
