//! The order in which one pilot's commands take effect: that of their `seq`, a join among them.
//!
//! Every order and join goes through the pilot's [queue](super::queue). While it is empty they take
//! effect at once. A join waits until the orders before it are concluded and the steering before it
//! is applied; whatever follows a join that is under way waits for its answer. Steering goes by the
//! queue, except where it could undo or overtake what waits there: at a dock, behind a join, and
//! behind other steering. Where the join before it is refused, steering finds no ship and is dropped.

use super::Core;
use super::desk::Wish;
use super::queue::{Next, Steering};
use crate::ids::{ConnId, Handle, SystemIndex};
use crate::server::lane::ToCore;
use crate::server::roster::PlayerHandle;
use crate::session::Command as Request;
use crate::wire::{ErrorCode, Input};

impl Core {
    /// What clients wanted since the last tick, in the order in which it came.
    pub(super) fn take_commands(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        self.inbox.take(&mut taken);
        for message in taken.drain(..) {
            match message {
                ToCore::Command { conn, command } => self.take_command(conn, command),
                ToCore::SnapshotWanted(conn) => self.owe_snapshot(conn),
                ToCore::Closed(conn) => self.leave(conn),
            }
        }
        self.taken = taken;
    }

    fn take_command(&mut self, conn: ConnId, request: Request) {
        match request {
            Request::Login { player, seq, .. } => self.log_in(conn, player, seq.number()),
            Request::Join { system, seq } => self.join(conn, system.as_str(), seq.number()),
            Request::Input { seq, input } => self.steer_in_order(conn, seq.number(), input),
            Request::Buy { seq, trade } => self.order(conn, seq.number(), Wish::Buy(trade)),
            Request::Sell { seq, trade } => self.order(conn, seq.number(), Wish::Sell(trade)),
            Request::Repair { seq, repair } => {
                self.order(conn, seq.number(), Wish::Repair(repair));
            }
        }
    }

    /// A client's order. Exactly one reply follows, unless its connection ends first.
    pub(super) fn order(&mut self, conn: ConnId, seq: u64, wish: Wish) {
        let Some(handle) = self.roster.of_conn(conn) else {
            self.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        let Some(player) = self.roster.get_mut(handle) else {
            return;
        };
        let names_id = wish.request_id().is_some();
        if player.queue.push_order(seq, wish).is_err() {
            self.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        if names_id && player.requests.begin_loading() {
            self.reads.digests.push(handle);
        }
        self.advance(handle);
    }

    /// A client's wish to be in a system. Exactly one reply follows, unless its connection ends first.
    pub(super) fn join(&mut self, conn: ConnId, system_id: &str, seq: u64) {
        let Some(handle) = self.roster.of_conn(conn) else {
            return;
        };
        let Some(target) = self.universe.system_index(system_id) else {
            self.refuse(conn, seq, ErrorCode::UnknownSystem);
            return;
        };
        let Some(player) = self.roster.get_mut(handle) else {
            return;
        };
        if player.queue.push_join(seq, target).is_err() {
            self.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        self.advance(handle);
    }

    /// New controls: at once, or behind what they must not undo.
    pub(super) fn steer_in_order(&mut self, conn: ConnId, seq: u64, input: Input) {
        let Some(handle) = self.roster.of_conn(conn) else {
            return;
        };
        let ship = self.joined_ship(conn);
        let is_docked = ship.is_some_and(|(_, system, ship)| self.is_docked(system, ship));
        let tick = self.tick;
        let Some(player) = self.roster.get_mut(handle) else {
            return;
        };
        let is_joining = player.is_joining();
        let queue = &mut player.queue;
        let is_behind = queue.has_join() || queue.has_steering();
        if is_joining || is_behind || (is_docked && !queue.is_empty()) {
            queue.hold((seq, input), tick);
            self.list(handle);
        } else {
            self.pass_steering(handle, conn, None, (seq, input));
        }
    }

    pub(super) fn is_docked(&self, system: SystemIndex, ship: Handle) -> bool {
        let pilot = self
            .theatre(system)
            .and_then(|theatre| theatre.world.pilot(ship));
        pilot.is_some_and(|pilot| pilot.docked_at.is_some())
    }

    /// Hands steering to the world that the ship is in; without a ship it is dropped.
    fn pass_steering(
        &mut self,
        handle: PlayerHandle,
        conn: ConnId,
        pressed: Option<Steering>,
        newest: Steering,
    ) {
        let Some((_, system, _)) = self.joined_ship(conn) else {
            return;
        };
        let Some(tick) = self.theatre(system).map(|theatre| theatre.world.tick()) else {
            return;
        };
        if let Some(player) = self.roster.get_mut(handle) {
            player.queue.note_steered((system, tick));
        }
        for (seq, input) in pressed.into_iter().chain([newest]) {
            self.steer(conn, seq, input);
        }
    }

    /// Lets every queue go on as far as the store's words and the worlds' steps allow. Linear in what
    /// waits.
    pub(super) fn advance_queues(&mut self) {
        std::mem::swap(&mut self.queued, &mut self.queued_before);
        let mut before = std::mem::take(&mut self.queued_before);
        for handle in before.drain(..) {
            if let Some(player) = self.roster.get_mut(handle) {
                player.queue.is_listed = false;
                self.advance(handle);
            }
        }
        self.queued_before = before;
    }

    /// Lets a player's commands take effect until one has to wait.
    fn advance(&mut self, handle: PlayerHandle) {
        while let Some((conn, next)) = self.next_of(handle) {
            match next {
                Next::Nothing => break,
                Next::Place { seq, wish } => self.place(handle, conn, seq, wish),
                Next::Repeat { seq, wish, outcome } => self.repeat(conn, seq, &wish, &outcome),
                Next::GiveUp { seq } => self.refuse(conn, seq, ErrorCode::RateLimited),
                Next::Join { seq, target } => self.begin_join(handle, conn, target, seq),
                Next::Steer { pressed, newest } => {
                    self.pass_steering(handle, conn, pressed, newest);
                }
            }
        }
        self.release_steering(handle);
        self.list(handle);
    }

    /// Puts a player in whose queue something waits on the list of queues to look at.
    fn list(&mut self, handle: PlayerHandle) {
        if let Some(player) = self.roster.get_mut(handle)
            && !player.queue.is_empty()
            && !std::mem::replace(&mut player.queue.is_listed, true)
        {
            self.queued.push(handle);
        }
    }

    /// What a player's queue lets go of now, and the connection it is for.
    fn next_of(&mut self, handle: PlayerHandle) -> Option<(ConnId, Next)> {
        let Self {
            roster, theatres, ..
        } = self;
        let player = roster.get_mut(handle)?;
        let conn = player.conn?;
        if player.is_joining() {
            return None;
        }
        let tick_of = |system: SystemIndex| {
            let theatre = theatres.get(usize::from(system.0))?;
            Some(theatre.world.tick())
        };
        Some((conn, player.queue.next(&player.requests, tick_of)))
    }

    /// Steering is not held for ever, whatever it waits for. While it waits for the join that brings
    /// the ship, nobody is kept from steering, and its time does not run.
    fn release_steering(&mut self, handle: PlayerHandle) {
        let tick = self.tick;
        let conn = self.roster.get(handle).and_then(|player| player.conn);
        let has_ship = conn.is_some_and(|conn| self.joined_ship(conn).is_some());
        if let Some(player) = self.roster.get_mut(handle)
            && (player.is_joining() || (!has_ship && player.queue.has_join()))
        {
            player.queue.hold_anew(tick);
            return;
        }
        while let Some(player) = self.roster.get_mut(handle)
            && let Some(conn) = player.conn
            && let Some((pressed, newest)) = player.queue.overdue_steering(tick)
        {
            self.pass_steering(handle, conn, pressed, newest);
        }
    }

    /// The store failed: no command that waits comes to anything any more.
    pub(super) fn refuse_queued(&mut self) {
        let mut waiting: Vec<(ConnId, u64)> = Vec::new();
        for (_, player) in self.roster.iter() {
            if let Some(conn) = player.conn {
                waiting.extend(player.queue.owed_seqs().map(|seq| (conn, seq)));
            }
        }
        for (conn, seq) in waiting {
            self.refuse(conn, seq, ErrorCode::Internal);
        }
    }
}
