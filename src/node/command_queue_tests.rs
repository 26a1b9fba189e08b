//! Tests of the queue of one pilot: no world, no store, no clock.

use super::*;
use crate::ids::Name;
use crate::protocol::{Repair, RequestId};

const HERE: SystemIndex = SystemIndex(0);
const THERE: SystemIndex = SystemIndex(1);

fn order(id: Option<&str>) -> Order {
    Order::Repair(Repair {
        station_id: Name::parse("dock").unwrap(),
        request_id: id.map(|id| RequestId::parse(id).unwrap()),
    })
}

fn stored(id: &str) -> StoredOutcome {
    StoredOutcome {
        system: Name::parse("sol-1").unwrap(),
        player: PlayerId::parse("ann").unwrap(),
        request_id: id.into(),
        body_digest: 0,
        reply: "{}".into(),
    }
}

/// A player whose ids are all asked for.
fn long_history(digests_max: usize) -> RequestIds {
    let mut requests = RequestIds::new(digests_max);
    assert!(requests.begin_loading());
    requests.load(&[], false);
    requests
}

fn thrust(thrust: f32, fire_primary: bool) -> Input {
    Input {
        thrust,
        fire_primary,
        ..Input::default()
    }
}

/// A queue, its player's ids, and one world's tick.
struct Rig {
    queue: CommandQueue,
    requests: RequestIds,
    tick: u64,
    newest_ticket: u64,
}

impl Rig {
    fn new(requests: RequestIds) -> Self {
        Self {
            queue: CommandQueue::default(),
            requests,
            tick: 10,
            newest_ticket: 0,
        }
    }

    fn order(&mut self, seq: u64, id: &str) {
        self.queue.push_order(seq, order(Some(id))).unwrap();
    }

    fn next(&mut self) -> NextCommand {
        let tick = self.tick;
        self.queue.next(&self.requests, |_| Some(tick))
    }

    /// Asks when a batch is durable; the questions' tickets and ids.
    fn ask(&mut self, durable: u64) -> Vec<(u64, String)> {
        let player = PlayerId::parse("ann").unwrap();
        let mut questions = Vec::new();
        let tickets = (&mut self.newest_ticket, 100);
        self.queue
            .ask(&self.requests, durable, &player, tickets, &mut questions);
        let questions = questions.into_iter();
        questions
            .map(|question| (question.ticket, question.request_id.to_string()))
            .collect()
    }

    /// Hands the front to the world, which must be allowed.
    fn place(&mut self, seq: u64) {
        match self.next() {
            NextCommand::Place { seq: placed, order } => {
                assert_eq!(placed, seq);
                self.queue.note_open(seq, order.request_id());
            }
            other => panic!("{other:?} instead of the order {seq}"),
        }
    }

    fn conclude(&mut self, seq: u64, id: &str, batch: u64) {
        self.queue.note_concluded(seq);
        self.requests.note(request_digest(id), batch);
    }

    fn waits(&mut self) -> bool {
        matches!(self.next(), NextCommand::Nothing)
    }
}

#[test]
fn an_order_of_no_known_id_never_waits() {
    let mut requests = RequestIds::new(10);
    assert!(requests.begin_loading());
    requests.load(&[request_digest("old")], true);
    let mut rig = Rig::new(requests);
    rig.queue.push_order(1, order(None)).unwrap();
    rig.order(2, "new");
    rig.place(1);
    rig.place(2);
    rig.order(3, "old");
    assert!(rig.waits());
    assert_eq!(rig.ask(0), [(1, "old".to_owned())]);
    assert!(rig.waits(), "the store is silent");
    rig.queue.answer(1, &StoreWord::Known(stored("old")));
    assert!(matches!(rig.next(), NextCommand::Repeat { seq: 3, .. }));
    assert!(rig.queue.is_empty());
}

#[test]
fn orders_are_placed_in_their_order_however_the_store_answers() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    rig.order(2, "b");
    rig.queue.push_order(3, order(None)).unwrap();
    let asked = rig.ask(0);
    assert_eq!(asked.len(), 2, "all are asked at once");
    rig.queue.answer(asked[1].0, &StoreWord::Unknown);
    assert!(rig.waits(), "the second does not pass the first");
    rig.queue.answer(asked[0].0, &StoreWord::Unknown);
    rig.place(1);
    rig.place(2);
    rig.place(3);
}

#[test]
fn an_id_that_was_used_meanwhile_is_asked_for_again_behind_its_batch() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    rig.order(2, "a");
    assert_eq!(rig.ask(4), [(1, "a".to_owned())], "one question for both");
    rig.queue.answer(1, &StoreWord::Unknown);
    rig.place(1);
    assert!(rig.waits(), "the first is open in the world");
    assert!(rig.ask(4).is_empty());
    rig.conclude(1, "a", 5);
    assert!(rig.waits(), "the store was asked too early");
    assert!(rig.ask(4).is_empty(), "and would be again");
    assert_eq!(rig.ask(5), [(2, "a".to_owned())]);
    rig.queue.answer(2, &StoreWord::Known(stored("a")));
    assert!(matches!(rig.next(), NextCommand::Repeat { seq: 2, .. }));
}

#[test]
fn an_id_that_was_forgotten_meanwhile_is_asked_for_again() {
    let mut rig = Rig::new(long_history(1));
    for (seq, id) in [(1, "x"), (2, "y"), (3, "x")] {
        rig.order(seq, id);
    }
    let asked = rig.ask(4);
    rig.queue.answer(asked[0].0, &StoreWord::Unknown);
    rig.place(1);
    rig.conclude(1, "x", 5);
    rig.queue.answer(asked[1].0, &StoreWord::Unknown);
    rig.place(2);
    rig.conclude(2, "y", 6);
    assert!(rig.waits(), "x is forgotten, but not that it may be known");
    assert!(rig.ask(4).is_empty());
    assert_eq!(rig.ask(5), [(3, "x".to_owned())]);
}

#[test]
fn an_order_whose_outcome_could_not_be_kept_is_not_carried_out() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    let asked = rig.ask(0);
    rig.queue.answer(asked[0].0, &StoreWord::Full);
    assert!(matches!(rig.next(), NextCommand::GiveUp { seq: 1 }));
}

#[test]
fn the_store_is_not_asked_for_ever() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    for batch in 1..=u64::from(LOOKUP_TRIES_MAX) {
        let asked = rig.ask(batch - 1);
        assert_eq!(asked.len(), 1);
        // Used in a batch that the store did not know when it was asked.
        rig.requests.note(request_digest("a"), batch);
        rig.queue.answer(asked[0].0, &StoreWord::Unknown);
        if batch < u64::from(LOOKUP_TRIES_MAX) {
            assert!(rig.waits());
        }
    }
    assert!(matches!(rig.next(), NextCommand::GiveUp { seq: 1 }));
    assert!(rig.queue.is_empty());
}

#[test]
fn an_answer_to_a_question_of_an_earlier_connection_is_nobodys() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    let asked = rig.ask(0);
    rig.queue.forget_waiting();
    assert_eq!(rig.queue.owed_seqs().count(), 0);
    rig.order(1, "b");
    rig.queue.answer(asked[0].0, &StoreWord::Unknown);
    assert!(rig.waits());
    assert_eq!(rig.ask(0).len(), 1);
}

#[test]
fn a_question_that_found_no_room_is_asked_again() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    let asked = rig.ask(0);
    assert!(rig.ask(0).is_empty());
    rig.queue.take_back(asked[0].0);
    assert_eq!(rig.ask(0).len(), 1);
}

#[test]
fn a_join_waits_for_the_orders_and_the_steering_before_it_and_others_for_the_join() {
    let mut rig = Rig::new(long_history(10));
    rig.queue.push_order(1, order(None)).unwrap();
    rig.place(1);
    rig.queue.note_steered((HERE, 10));
    rig.queue.push_join(3, THERE).unwrap();
    rig.queue.push_order(4, order(None)).unwrap();
    rig.queue.note_steered((HERE, 11));
    assert!(rig.waits(), "the order is open");
    rig.queue.note_concluded(1);
    assert!(rig.waits(), "the steering is not applied");
    assert_eq!(rig.queue.owed_seqs().collect::<Vec<_>>(), [3, 4]);
    rig.tick = 11;
    let next = rig.next();
    assert!(
        matches!(next, NextCommand::Join { seq: 3, target } if target == THERE),
        "later steering is nothing to it: {next:?}"
    );
    rig.place(4);
}

#[test]
fn held_steering_comes_in_its_turn_and_loses_no_thrust_or_shot() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    rig.queue.hold((2, thrust(1.0, false)), 50);
    rig.queue.hold((3, thrust(0.0, true)), 50);
    rig.queue.hold((4, thrust(0.0, false)), 50);
    rig.order(5, "b");
    rig.queue.hold((6, thrust(0.5, false)), 51);
    let asked = rig.ask(0);
    for (ticket, _) in asked {
        rig.queue.answer(ticket, &StoreWord::Unknown);
    }
    rig.place(1);
    match rig.next() {
        NextCommand::Steer { pressed, newest } => {
            let (seq, pressed) = pressed.unwrap();
            assert_eq!((seq, pressed), (3, thrust(1.0, true)));
            assert_eq!(newest, (4, thrust(0.0, false)));
        }
        other => panic!("{other:?} instead of the steering between the orders"),
    }
    rig.place(5);
    let next = rig.next();
    assert!(
        matches!(
            next,
            NextCommand::Steer {
                pressed: None,
                newest: (6, _)
            }
        ),
        "{next:?}"
    );
}

#[test]
fn steering_is_held_for_a_second_at_most() {
    let mut rig = Rig::new(long_history(10));
    rig.order(1, "a");
    rig.queue.hold((2, thrust(1.0, false)), 50);
    rig.queue.hold((3, thrust(0.9, false)), 70);
    let last = 50 + STEERING_HELD_TICKS_MAX - 1;
    assert!(rig.queue.overdue_steering(last).is_none());
    let released = rig.queue.overdue_steering(last + 1);
    assert_eq!(released, Some((None, (3, thrust(0.9, false)))));
    assert!(rig.queue.overdue_steering(last + 1).is_none());
    assert!(!rig.queue.is_empty(), "the order goes on waiting");
}

#[test]
fn the_time_of_steering_without_a_ship_does_not_run() {
    let mut rig = Rig::new(long_history(10));
    rig.queue.push_join(1, THERE).unwrap();
    assert!(!rig.queue.has_steering());
    rig.queue.hold((2, thrust(1.0, false)), 50);
    rig.order(3, "a");
    rig.queue.hold((4, thrust(0.5, false)), 50);
    rig.queue.hold_anew(500);
    let last = 500 + STEERING_HELD_TICKS_MAX - 1;
    assert!(rig.queue.overdue_steering(last).is_none());
    assert!(matches!(rig.next(), NextCommand::Join { seq: 1, .. }));
    assert!(matches!(
        rig.next(),
        NextCommand::Steer { newest: (2, _), .. }
    ));
    assert!(rig.waits(), "the order's id is not looked up");
    assert!(rig.queue.has_steering());
    let released = rig.queue.overdue_steering(last + 1);
    assert_eq!(released, Some((None, (4, thrust(0.5, false)))));
}

#[test]
fn what_waits_and_what_is_open_are_bounded_together() {
    let mut rig = Rig::new(long_history(10));
    rig.queue.push_order(0, order(None)).unwrap();
    rig.place(0);
    for seq in 1..PILOT_COMMANDS_MAX as u64 {
        rig.order(seq, "a");
        for _ in 0..3 {
            rig.queue.hold((seq, thrust(1.0, false)), seq);
        }
    }
    assert_eq!(rig.queue.push_order(999, order(None)), Err(QueueFull));
    assert_eq!(rig.queue.push_join(999, THERE), Err(QueueFull));
    assert!(rig.queue.waiting.len() < 2 * PILOT_COMMANDS_MAX);
    rig.queue.note_concluded(0);
    assert_eq!(rig.queue.push_join(999, THERE), Ok(()));
    rig.queue.forget_waiting();
    assert_eq!(rig.queue.push_order(1, order(None)), Ok(()));
}
