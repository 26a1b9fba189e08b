//! The commands of one pilot that wait for their turn: each takes effect in the order of its `seq`.
//!
//! ```text
//! push ─▶ order (whose id may be known) ─▶ join ─▶ steering ─▶ order …   back
//!         front: waits for the store's word   │         └ held only behind the others
//!                                             └ waits until every order before it is concluded
//! ```
//!
//! An order whose id is new, or that names none, finds an empty queue and is off it at once. What
//! waits is bounded: by [`PILOT_COMMANDS_MAX`] with the orders that the world has not carried out yet,
//! and steering by one run of it between two others. The queue belongs to a connection and is emptied
//! with it; what the world was given stays noted until it is concluded.
//!
//! Sans-IO: [`CommandQueue::next`] says what may take effect, [`CommandQueue::ask`] what the store is to
//! be asked, [`CommandQueue::answer`] takes its word.

use std::collections::VecDeque;

use super::request_ids::{Judgement, RequestIds};
use crate::ids::{PlayerId, SystemIndex};
use crate::limits::{LOOKUP_TRIES_MAX, PILOT_COMMANDS_MAX, STEERING_HELD_TICKS_MAX};
use crate::protocol::{Input, RequestId};
use crate::session::Order;
use crate::store::{OutcomeQuestion, StoredOutcome, request_digest};

/// Controls, with the number of their `input.command`.
pub(super) type Steering = (u64, Input);

/// The pilot has too many commands that are not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueFull;

/// A step of a world: which, and the tick before it.
pub(super) type WorldTick = (SystemIndex, u64);

/// The store's word on an id.
#[derive(Clone, Debug)]
pub(super) enum StoreWord {
    /// It was used, with this outcome.
    Known(StoredOutcome),
    /// It was never used.
    Unknown,
    /// It was never used, and may not be: no more outcomes of the player can be kept.
    Full,
}

/// How far the store's word on an order's id is.
#[derive(Clone, Debug)]
enum Lookup {
    Unasked,
    /// Asked when this batch was durable.
    Asked {
        ticket: u64,
        asked_after: u64,
    },
    Answered {
        word: StoreWord,
        asked_after: u64,
    },
}

/// An order that waits.
#[derive(Debug)]
struct WaitingOrder {
    seq: u64,
    order: Order,
    /// Of its request id.
    digest: Option<u64>,
    lookup: Lookup,
    /// Words of the store that came too early to be trusted.
    tries: u32,
}

/// Steering that waits for what came before it.
#[derive(Clone, Copy, Debug)]
struct HeldSteering {
    since_tick: u64,
    /// Thrust or trigger that were held in between and are not any more.
    pressed: Option<Steering>,
    newest: Steering,
}

#[derive(Debug)]
enum Waiting {
    Order(WaitingOrder),
    Join {
        seq: u64,
        target: SystemIndex,
        /// The step that applies the steering before it.
        after: Option<WorldTick>,
    },
    Steering(HeldSteering),
}

/// What may take effect now.
#[derive(Debug)]
pub(super) enum NextCommand {
    /// Nothing: the queue is empty, or its front has to wait.
    Nothing,
    /// An order for the world.
    Place { seq: u64, order: Order },
    /// An order that was concluded before: its first outcome is told again.
    Repeat {
        seq: u64,
        order: Order,
        outcome: StoredOutcome,
    },
    /// An order that cannot be carried out now: the store's word on its id came too early again and
    /// again, or the store can keep no more.
    GiveUp { seq: u64 },
    /// A request to join a system.
    Join { seq: u64, target: SystemIndex },
    /// Steering; both, one after the other.
    Steer {
        pressed: Option<Steering>,
        newest: Steering,
    },
}

/// Commands of one pilot that are not done; see the module's page.
#[derive(Debug, Default)]
pub(super) struct CommandQueue {
    waiting: VecDeque<Waiting>,
    /// Orders and joins among them.
    waiting_count: usize,
    /// Orders that the world has and has not concluded, by ticket, with their ids' digests.
    open: Vec<(u64, Option<u64>)>,
    /// The newest step that had steering to apply.
    steered: Option<WorldTick>,
    /// Whether the node has it on its list of queues to look at.
    pub(super) is_listed: bool,
}

impl CommandQueue {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the world has orders that are not concluded.
    pub(super) const fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether a join waits.
    pub(super) fn has_join(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| matches!(waiting, Waiting::Join { .. }))
    }

    /// Whether steering is held.
    pub(super) fn has_steering(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| matches!(waiting, Waiting::Steering(_)))
    }

    /// Numbers of the orders and joins that wait for an answer.
    pub(super) fn owed_seqs(&self) -> impl Iterator<Item = u64> {
        self.waiting.iter().filter_map(|waiting| match waiting {
            Waiting::Order(order) => Some(order.seq),
            &Waiting::Join { seq, .. } => Some(seq),
            Waiting::Steering(_) => None,
        })
    }

    /// The connection is over: nobody waits for an answer any more. What the world has, it keeps.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
        self.waiting_count = 0;
        self.steered = None;
    }

    /// Appends an order.
    pub(super) fn push_order(&mut self, seq: u64, order: Order) -> Result<(), QueueFull> {
        self.make_room()?;
        let digest = order.request_id().map(|id| request_digest(id.as_str()));
        self.waiting.push_back(Waiting::Order(WaitingOrder {
            seq,
            order,
            digest,
            lookup: Lookup::Unasked,
            tries: 0,
        }));
        Ok(())
    }

    /// Appends a join.
    pub(super) fn push_join(&mut self, seq: u64, target: SystemIndex) -> Result<(), QueueFull> {
        self.make_room()?;
        let after = self.steered;
        self.waiting.push_back(Waiting::Join { seq, target, after });
        Ok(())
    }

    fn make_room(&mut self) -> Result<(), QueueFull> {
        if self.waiting_count + self.open.len() >= PILOT_COMMANDS_MAX {
            return Err(QueueFull);
        }
        self.waiting_count += 1;
        Ok(())
    }

    /// Appends steering. Of what nothing but steering lies between, the newest counts; thrust and
    /// trigger that were let go of meanwhile are applied before it.
    pub(super) fn hold(&mut self, steering: Steering, tick: u64) {
        if let Some(Waiting::Steering(held)) = self.waiting.back_mut() {
            let (seq, former) = held.newest;
            let lets_go = (former.thrust > 0.0 && steering.1.thrust <= 0.0)
                || (former.fire_primary && !steering.1.fire_primary);
            if lets_go {
                let before = held.pressed.map(|(_, input)| input).unwrap_or_default();
                let pressed = Input {
                    thrust: former.thrust.max(before.thrust),
                    fire_primary: former.fire_primary || before.fire_primary,
                    ..former
                };
                held.pressed = Some((seq, pressed));
            }
            held.newest = steering;
            return;
        }
        self.waiting.push_back(Waiting::Steering(HeldSteering {
            since_tick: tick,
            pressed: None,
            newest: steering,
        }));
    }

    /// Counts the time of held steering from this tick on.
    pub(super) fn hold_anew(&mut self, tick: u64) {
        for waiting in &mut self.waiting {
            if let Waiting::Steering(held) = waiting {
                held.since_tick = tick;
            }
        }
    }

    /// Notes that the next step of a world has steering to apply.
    pub(super) const fn note_steered(&mut self, before: WorldTick) {
        self.steered = Some(before);
    }

    /// Notes that the world has an order.
    pub(super) fn note_open(&mut self, ticket: u64, request_id: Option<&RequestId>) {
        let digest = request_id.map(|id| request_digest(id.as_str()));
        self.open.push((ticket, digest));
    }

    /// Notes that an order is concluded.
    pub(super) fn note_concluded(&mut self, ticket: u64) {
        self.open.retain(|&(open, _)| open != ticket);
    }

    /// Takes off the front what may take effect now. `tick_of` says how far a world is.
    pub(super) fn next(
        &mut self,
        requests: &RequestIds,
        tick_of: impl Fn(SystemIndex) -> Option<u64>,
    ) -> NextCommand {
        let may_go = match self.waiting.front_mut() {
            None => false,
            Some(Waiting::Steering(_)) => true,
            Some(Waiting::Join { after, .. }) => {
                let is_stepped = after.is_none_or(|(system, tick)| tick_of(system) != Some(tick));
                self.open.is_empty() && is_stepped
            }
            Some(Waiting::Order(order)) => order.may_go(requests, &self.open),
        };
        if !may_go {
            return NextCommand::Nothing;
        }
        let Some(front) = self.waiting.pop_front() else {
            return NextCommand::Nothing;
        };
        match front {
            Waiting::Steering(HeldSteering {
                pressed, newest, ..
            }) => NextCommand::Steer { pressed, newest },
            Waiting::Join { seq, target, .. } => {
                self.waiting_count -= 1;
                NextCommand::Join { seq, target }
            }
            Waiting::Order(WaitingOrder {
                seq,
                order,
                lookup,
                tries,
                ..
            }) => {
                self.waiting_count -= 1;
                match lookup {
                    Lookup::Answered {
                        word: StoreWord::Known(outcome),
                        ..
                    } => NextCommand::Repeat {
                        seq,
                        order,
                        outcome,
                    },
                    Lookup::Answered {
                        word: StoreWord::Full,
                        ..
                    } => NextCommand::GiveUp { seq },
                    _ if tries >= LOOKUP_TRIES_MAX => NextCommand::GiveUp { seq },
                    _ => NextCommand::Place { seq, order },
                }
            }
        }
    }

    /// Takes out steering that has been held as long as steering may be, the oldest first.
    pub(super) fn overdue_steering(&mut self, tick: u64) -> Option<(Option<Steering>, Steering)> {
        let is_overdue = |waiting: &Waiting| {
            matches!(waiting, Waiting::Steering(held)
                if tick.saturating_sub(held.since_tick) >= STEERING_HELD_TICKS_MAX)
        };
        let place = self.waiting.iter().position(is_overdue)?;
        match self.waiting.remove(place) {
            Some(Waiting::Steering(held)) => Some((held.pressed, held.newest)),
            _ => None,
        }
    }

    /// Adds to `questions` what the store can be asked now that batch `durable` is, at most `room`
    /// of them. Orders with one id share a question.
    pub(super) fn ask(
        &mut self,
        requests: &RequestIds,
        durable: u64,
        player: &PlayerId,
        (next_ticket, room): (&mut u64, usize),
        questions: &mut Vec<OutcomeQuestion>,
    ) {
        let begun = questions.len();
        for place in 0..self.waiting.len() {
            let Some((digest, ask_after)) = self.asks(place, requests) else {
                continue;
            };
            if ask_after > durable {
                continue;
            }
            let shared = self.asked_before(place, digest, ask_after);
            let (ticket, asked_after) = match shared {
                Some(shared) => shared,
                None if questions.len() - begun >= room => return,
                None => {
                    *next_ticket += 1;
                    (*next_ticket, durable)
                }
            };
            let Some(Waiting::Order(waiting)) = self.waiting.get_mut(place) else {
                continue;
            };
            waiting.lookup = Lookup::Asked {
                ticket,
                asked_after,
            };
            if let (None, Some(id)) = (shared, waiting.order.request_id()) {
                questions.push(OutcomeQuestion {
                    ticket,
                    player: player.clone(),
                    request_id: id.as_str().into(),
                });
            }
        }
    }

    /// Whether the store is to be asked about the command at a place: its id's digest, and the
    /// batch that must be durable.
    fn asks(&self, place: usize, requests: &RequestIds) -> Option<(u64, u64)> {
        let Some(Waiting::Order(order)) = self.waiting.get(place) else {
            return None;
        };
        let digest = order.digest?;
        let asks = matches!(order.lookup, Lookup::Unasked)
            && !is_open(&self.open, digest)
            && requests.judge(digest) == Judgement::MaybeKnown;
        asks.then(|| (digest, requests.ask_after(digest)))
    }

    /// A question about the same id that is on its way and was asked late enough.
    fn asked_before(&self, place: usize, digest: u64, ask_after: u64) -> Option<(u64, u64)> {
        let mut earlier = self.waiting.iter().take(place);
        earlier.find_map(|waiting| match waiting {
            Waiting::Order(order) if order.digest == Some(digest) => match order.lookup {
                Lookup::Asked {
                    ticket,
                    asked_after,
                } if asked_after >= ask_after => Some((ticket, asked_after)),
                _ => None,
            },
            _ => None,
        })
    }

    /// The store has no room for a question: it is asked again later.
    pub(super) fn take_back(&mut self, ticket: u64) {
        self.with_question(ticket, |order, _| order.lookup = Lookup::Unasked);
    }

    /// The store's word.
    pub(super) fn answer(&mut self, ticket: u64, word: &StoreWord) {
        self.with_question(ticket, |order, asked_after| {
            order.lookup = Lookup::Answered {
                word: word.clone(),
                asked_after,
            };
        });
    }

    fn with_question(&mut self, ticket: u64, mut act: impl FnMut(&mut WaitingOrder, u64)) {
        for waiting in &mut self.waiting {
            if let Waiting::Order(order) = waiting
                && let Lookup::Asked {
                    ticket: asked,
                    asked_after,
                } = order.lookup
                && asked == ticket
            {
                act(order, asked_after);
            }
        }
    }
}

impl WaitingOrder {
    /// Whether it is known what becomes of it. A word of the store that came too early is dropped,
    /// so that the store is asked again; judged only at the front, since whatever is before it may
    /// use its id.
    fn may_go(&mut self, requests: &RequestIds, open: &[(u64, Option<u64>)]) -> bool {
        let Some(digest) = self.digest else {
            return true;
        };
        if is_open(open, digest) {
            return false;
        }
        let (word, asked_after) = match (requests.judge(digest), &self.lookup) {
            (Judgement::New, _) => return true,
            (Judgement::Unloaded, _)
            | (Judgement::MaybeKnown, Lookup::Unasked | Lookup::Asked { .. }) => return false,
            (Judgement::MaybeKnown, Lookup::Answered { word, asked_after }) => (word, *asked_after),
        };
        if matches!(word, StoreWord::Known(_)) || requests.trusts_unknown(digest, asked_after) {
            return true;
        }
        self.lookup = Lookup::Unasked;
        self.tries += 1;
        self.tries >= LOOKUP_TRIES_MAX
    }
}

fn is_open(open: &[(u64, Option<u64>)], digest: u64) -> bool {
    open.iter().any(|&(_, open)| open == Some(digest))
}

#[cfg(test)]
#[path = "command_queue_tests.rs"]
mod tests;
