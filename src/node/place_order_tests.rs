//! Tests of what is kept of an order, and of whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::bus::{BoundedQueue, GatewayQueue, Notify};
use crate::ids::{Handle, Name, PlayerId, UnixMillis};
use crate::metrics::Metrics;
use crate::node::NodeParts;
use crate::node::durable_store::{DurableStore, StoreEvent, StoreFull};
use crate::node::request_ids::Judgement;
use crate::protocol::{Repair, RequestId};
use crate::sim::World;
use crate::store::{Batch, OutcomeQuestion, Purpose};
use crate::universe::Universe;

/// Takes everything and says nothing.
#[derive(Default)]
struct Silent {
    /// Players whose pilots were asked for.
    loads: Arc<Mutex<Vec<PlayerId>>>,
}

struct NotifyNobody;

impl Notify for NotifyNobody {
    fn notify(&self) {}
}

impl DurableStore for Silent {
    fn submit(&mut self, _: Batch) -> Result<(), Batch> {
        Ok(())
    }

    fn load(&mut self, _: u64, player: &PlayerId, _: Purpose) -> Result<(), StoreFull> {
        self.loads.lock().unwrap().push(player.clone());
        Ok(())
    }

    fn request_digests(&mut self, _: u64, _: &PlayerId) -> Result<(), StoreFull> {
        Ok(())
    }

    fn outcomes(&mut self, _: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>> {
        Ok(())
    }

    fn take_events(&mut self, _: &mut Vec<StoreEvent>) {}
}

fn node() -> Node {
    node_over(Silent::default())
}

fn node_over(store: Silent) -> Node {
    let universe = Universe::built_in();
    let world = World::new(Arc::clone(&universe), SystemIndex(0), 1, None);
    Node::new(NodeParts {
        universe,
        worlds: vec![world],
        elsewhere: Vec::new(),
        recorder: None,
        inbox: Arc::new(BoundedQueue::new(8)),
        gateways: vec![Arc::new(GatewayQueue::new(Box::new(NotifyNobody)))],
        store: Box::new(store),
        durable: Arc::new(AtomicU64::new(0)),
        view_radius: 1000.0,
        chunks: 1,
        metrics: Metrics::new(),
        stopwatch: Box::new(|| 0),
    })
}

fn player(node: &mut Node, name: &str) -> PlayerHandle {
    let player = node.players.insert(PlayerId::parse(name).unwrap());
    let entry = node.players.get_mut(player).unwrap();
    assert!(entry.requests.begin_loading());
    entry.requests.load(&[], true);
    player
}

fn open(player: PlayerHandle) -> PendingOrder {
    PendingOrder {
        player,
        conn: ConnId {
            shard: 0,
            slot: 0,
            generation: 0,
        },
        seq: 1,
        system: SystemIndex(0),
        ship: Handle {
            slot: 0,
            generation: 0,
        },
        order: Order::Repair(Repair {
            station_id: Name::parse("earth-orbit-station").unwrap(),
            request_id: Some(RequestId::parse("a").unwrap()),
        }),
    }
}

#[test]
fn an_outcome_is_never_booked_under_whoever_took_the_slot() {
    let mut node = node();
    let ann = player(&mut node, "ann");
    let ticket = node.orders.insert(open(ann));
    node.players.remove(ann);
    let bob = player(&mut node, "bob");
    let order = node.close_order(ticket).unwrap();
    node.conclude(&order, Reply::error(ErrorCode::NothingToRepair));
    assert_eq!(node.batch.len(), 0, "it is nobody's");
    let requests = &node.players.get(bob).unwrap().requests;
    assert_eq!(requests.judge(request_digest("a")), Judgement::New);
}

#[test]
fn an_outcome_is_kept_with_the_batch_that_makes_its_player_forgettable() {
    let mut node = node();
    let ann = player(&mut node, "ann");
    let batch = node.batch.number();
    node.conclude(&open(ann), Reply::error(ErrorCode::NothingToRepair));
    assert_eq!(node.batch.len(), 1);
    let entry = node.players.get(ann).unwrap();
    assert_eq!(entry.kept_in_batch, batch);
    assert_eq!(
        entry.requests.judge(request_digest("a")),
        Judgement::MaybeKnown
    );
}

#[test]
fn a_refusal_that_changes_nothing_and_names_nothing_is_not_kept() {
    let mut node = node();
    let ann = player(&mut node, "ann");
    for code in [
        ErrorCode::UnknownStation,
        ErrorCode::UnknownCommodity,
        ErrorCode::InvalidQuantity,
        ErrorCode::NotInSystem,
    ] {
        node.conclude(&open(ann), Reply::error(code));
        assert_eq!(node.batch.len(), 0, "{code:?}");
        let entry = node.players.get(ann).unwrap();
        assert_eq!(entry.requests.judge(request_digest("a")), Judgement::New);
    }
}

#[test]
fn an_order_whose_ship_was_taken_in_is_told_no_lie_of_a_wreck() {
    let mut node = node();
    let ann = player(&mut node, "ann");
    let order = open(ann);
    assert!(!node.has_its_ship(&order));
    let entry = node.players.get_mut(ann).unwrap();
    entry.location = PlayerLocation::InSystem(order.system, order.ship);
    assert!(node.has_its_ship(&order));
}

#[test]
fn a_pilot_is_asked_for_only_once_what_was_kept_of_those_let_go_is_durable() {
    let store = Silent::default();
    let loads = Arc::clone(&store.loads);
    let mut node = node_over(store);
    let ann = player(&mut node, "ann");
    node.conclude(&open(ann), Reply::error(ErrorCode::NothingToRepair));
    node.ask_after_this_batch();
    node.players.remove(ann);
    let again = node.players.insert(PlayerId::parse("ann").unwrap());
    node.reads.loads.push(again);
    let batch = node.batch.number();
    node.submit(UnixMillis(1));
    node.submit(UnixMillis(2));
    assert!(loads.lock().unwrap().is_empty(), "the batch is on its way");
    node.durable.store(batch, Ordering::Release);
    node.submit(UnixMillis(3));
    assert_eq!(loads.lock().unwrap().len(), 1);
    node.submit(UnixMillis(4));
    assert_eq!(loads.lock().unwrap().len(), 1, "once");
}
