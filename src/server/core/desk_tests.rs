//! Tests of what is kept of an order, and of whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::ids::{PlayerId, UnixMillis};
use crate::server::core::CoreParts;
use crate::server::mailbox::Mailbox;
use crate::server::metrics::Metrics;
use crate::server::requests::Judgement;
use crate::server::vault::{Answer, Full, Vault};
use crate::sim::World;
use crate::store::{Batch, OutcomeQuestion, Purpose};
use crate::universe::Universe;

/// Takes everything and says nothing.
#[derive(Default)]
struct Silent {
    /// Players whose pilots were asked for.
    loads: Arc<Mutex<Vec<PlayerId>>>,
}

impl Vault for Silent {
    fn submit(&mut self, _: Batch) -> Result<(), Batch> {
        Ok(())
    }

    fn load(&mut self, _: u64, player: &PlayerId, _: Purpose) -> Result<(), Full> {
        self.loads.lock().unwrap().push(player.clone());
        Ok(())
    }

    fn request_digests(&mut self, _: u64, _: &PlayerId) -> Result<(), Full> {
        Ok(())
    }

    fn outcomes(&mut self, _: Vec<OutcomeQuestion>) -> Result<(), Vec<OutcomeQuestion>> {
        Ok(())
    }

    fn take_answers(&mut self, _: &mut Vec<Answer>) {}
}

fn core() -> Core {
    core_over(Silent::default())
}

fn core_over(vault: Silent) -> Core {
    let universe = Universe::built_in();
    let world = World::new(Arc::clone(&universe), SystemIndex(0), 1, None);
    Core::new(CoreParts {
        universe,
        worlds: vec![world],
        elsewhere: Vec::new(),
        recorder: None,
        inbox: Arc::new(Mailbox::new(8)),
        lanes: Vec::new(),
        vault: Box::new(vault),
        durable: Arc::new(AtomicU64::new(0)),
        view_radius: 1000.0,
        stretches: 1,
        metrics: Metrics::new(),
        stopwatch: Box::new(|| 0),
    })
}

fn player(core: &mut Core, name: &str) -> PlayerHandle {
    let player = core.roster.insert(PlayerId::parse(name).unwrap());
    let entry = core.roster.get_mut(player).unwrap();
    assert!(entry.requests.begin_loading());
    entry.requests.load(&[], true);
    player
}

fn open(player: PlayerHandle) -> OpenOrder {
    OpenOrder {
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
        wish: Wish::Repair(Repair {
            station_id: Name::parse("earth-orbit-station").unwrap(),
            request_id: Some(RequestId::parse("a").unwrap()),
        }),
    }
}

#[test]
fn an_outcome_is_never_booked_under_whoever_took_the_slot() {
    let mut core = core();
    let ann = player(&mut core, "ann");
    let ticket = core.orders.insert(open(ann)) as u64;
    core.roster.remove(ann);
    let bob = player(&mut core, "bob");
    let order = core.close_order(ticket).unwrap();
    core.conclude(&order, Reply::error(ErrorCode::NothingToRepair));
    assert_eq!(core.book.len(), 0, "it is nobody's");
    let requests = &core.roster.get(bob).unwrap().requests;
    assert_eq!(requests.judge(digest("a")), Judgement::New);
}

#[test]
fn an_outcome_is_kept_with_the_batch_that_makes_its_player_forgettable() {
    let mut core = core();
    let ann = player(&mut core, "ann");
    let batch = core.book.number();
    core.conclude(&open(ann), Reply::error(ErrorCode::NothingToRepair));
    assert_eq!(core.book.len(), 1);
    let entry = core.roster.get(ann).unwrap();
    assert_eq!(entry.kept_in_batch, batch);
    assert_eq!(entry.requests.judge(digest("a")), Judgement::MaybeKnown);
}

#[test]
fn a_refusal_that_changes_nothing_and_names_nothing_is_not_kept() {
    let mut core = core();
    let ann = player(&mut core, "ann");
    for code in [
        ErrorCode::UnknownStation,
        ErrorCode::UnknownCommodity,
        ErrorCode::InvalidQuantity,
        ErrorCode::NotInSystem,
    ] {
        core.conclude(&open(ann), Reply::error(code));
        assert_eq!(core.book.len(), 0, "{code:?}");
        let entry = core.roster.get(ann).unwrap();
        assert_eq!(entry.requests.judge(digest("a")), Judgement::New);
    }
}

#[test]
fn an_order_whose_ship_was_taken_in_is_told_no_lie_of_a_wreck() {
    let mut core = core();
    let ann = player(&mut core, "ann");
    let order = open(ann);
    assert!(!core.has_its_ship(&order));
    let entry = core.roster.get_mut(ann).unwrap();
    entry.whereabouts = Whereabouts::Aboard(order.system, order.ship);
    assert!(core.has_its_ship(&order));
}

#[test]
fn a_pilot_is_asked_for_only_once_what_was_kept_of_those_let_go_is_durable() {
    let vault = Silent::default();
    let loads = Arc::clone(&vault.loads);
    let mut core = core_over(vault);
    let ann = player(&mut core, "ann");
    core.conclude(&open(ann), Reply::error(ErrorCode::NothingToRepair));
    core.ask_after_this_batch();
    core.roster.remove(ann);
    let again = core.roster.insert(PlayerId::parse("ann").unwrap());
    core.reads.loads.push(again);
    let batch = core.book.number();
    core.submit(UnixMillis(1));
    core.submit(UnixMillis(2));
    assert!(loads.lock().unwrap().is_empty(), "the batch is on its way");
    core.durable.store(batch, Ordering::Release);
    core.submit(UnixMillis(3));
    assert_eq!(loads.lock().unwrap().len(), 1);
    core.submit(UnixMillis(4));
    assert_eq!(loads.lock().unwrap().len(), 1, "once");
}
