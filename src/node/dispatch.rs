//! The order in which one pilot's commands take effect: that of their `seq`, a join among them.
//!
//! Every order and join goes through the pilot's [queue](super::command_queue). While it is empty they take
//! effect at once. A join waits until the orders before it are concluded and the steering before it
//! is applied; whatever follows a join that is under way waits for its answer. Steering goes by the
//! queue, except where it could undo or overtake what waits there: at a dock, behind a join, and
//! behind other steering. Where the join before it is refused, steering finds no ship and is dropped.

use super::Node;
use super::command_queue::NextCommand;
use super::players::PlayerHandle;
use crate::bus::ToNode;
use crate::ids::{ConnId, SystemIndex};
use crate::protocol::ErrorCode;
use crate::session::{Command, Order};

impl Node {
    /// What clients wanted since the last tick, in the order in which it came.
    pub(super) fn take_commands(&mut self) {
        let mut taken = self.gateways.take();
        for message in taken.drain(..) {
            match message {
                ToNode::Command { conn, command } => self.take_command(conn, command),
                ToNode::SnapshotWanted(conn) => self.owe_snapshot(conn),
                ToNode::Closed(conn) => self.log_out(conn),
            }
        }
        self.gateways.give_back(taken);
    }

    fn take_command(&mut self, conn: ConnId, command: Command) {
        match command {
            Command::Login { player, seq, .. } => self.log_in(conn, player, seq.number()),
            Command::Join { system, seq } => self.queue_join(conn, system.as_str(), seq.number()),
            Command::Input { seq, input } => self.queue_steering(conn, seq.number(), input),
            Command::Order { seq, order } => self.queue_order(conn, seq.number(), order),
        }
    }

    /// Queues a client's order. Exactly one reply follows, unless its connection ends first.
    pub(super) fn queue_order(&mut self, conn: ConnId, seq: u64, order: Order) {
        let Some(handle) = self.players.of_conn(conn) else {
            self.gateways.refuse(conn, seq, ErrorCode::NotInSystem);
            return;
        };
        let Some(player) = self.players.get_mut(handle) else {
            return;
        };
        let names_id = order.request_id().is_some();
        if player.queue.push_order(seq, order).is_err() {
            self.gateways.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        if names_id && player.requests.begin_loading() {
            self.reads.digests.push(handle);
        }
        self.advance(handle);
    }

    /// Queues a client's join of a system. Exactly one reply follows, unless its connection ends first.
    pub(super) fn queue_join(&mut self, conn: ConnId, system_id: &str, seq: u64) {
        let Some(handle) = self.players.of_conn(conn) else {
            return;
        };
        let Some(target) = self.universe.system_index(system_id) else {
            self.gateways.refuse(conn, seq, ErrorCode::UnknownSystem);
            return;
        };
        let Some(player) = self.players.get_mut(handle) else {
            return;
        };
        if player.queue.push_join(seq, target).is_err() {
            self.gateways.refuse(conn, seq, ErrorCode::RateLimited);
            return;
        }
        self.advance(handle);
    }

    /// Lets every queue go on as far as the store's words and the worlds' steps allow. Linear in what
    /// waits.
    pub(super) fn advance_queues(&mut self) {
        let mut queued = self.orders.take_queued();
        for handle in queued.drain(..) {
            if let Some(player) = self.players.get_mut(handle) {
                player.queue.is_listed = false;
                self.advance(handle);
            }
        }
        self.orders.give_back(queued);
    }

    /// Lets a player's commands take effect until one has to wait.
    fn advance(&mut self, handle: PlayerHandle) {
        while let Some((conn, next)) = self.next_of(handle) {
            match next {
                NextCommand::Nothing => break,
                NextCommand::Place { seq, order } => self.place_order(handle, conn, seq, order),
                NextCommand::Repeat {
                    seq,
                    order,
                    outcome,
                } => self.repeat_outcome(conn, seq, &order, &outcome),
                NextCommand::GiveUp { seq } => {
                    self.gateways.refuse(conn, seq, ErrorCode::RateLimited);
                }
                NextCommand::Join { seq, target } => self.begin_join(handle, conn, target, seq),
                NextCommand::Steer { pressed, newest } => {
                    self.pass_steering(handle, conn, pressed, newest);
                }
            }
        }
        self.release_steering(handle);
        if let Some(player) = self.players.get_mut(handle) {
            self.orders.list(handle, player);
        }
    }

    /// What a player's queue lets go of now, and the connection it is for.
    fn next_of(&mut self, handle: PlayerHandle) -> Option<(ConnId, NextCommand)> {
        let systems = &self.systems;
        let player = self.players.get_mut(handle)?;
        let conn = player.conn?;
        if player.is_joining() {
            return None;
        }
        let tick_of = |system: SystemIndex| {
            let instance = systems.get(system)?;
            Some(instance.world.tick())
        };
        Some((conn, player.queue.next(&player.requests, tick_of)))
    }
}
