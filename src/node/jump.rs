//! Jumps: a pilot leaves a dock, is in no system for a while, and arrives docked at another.
//!
//! ```text
//! join of another system ─▶ fuel burned, place reserved, record kept ─▶ in transit ─▶ admitted
//!      (docked, or stored docked)                                        │ connection lost: forgotten
//!                                                                        ▼ at arrival, as if stored
//! ```
//!
//! From the departure on the record says that the ship is docked at its goal with the fuel burned:
//! whatever ends the server before the arrival, the pilot is there afterwards, once and with nothing
//! lost. The goal keeps a place free meanwhile, so nobody waits in transit for room. Where an arrival
//! fails all the same, the join is refused and the pilot is stored at the goal, to join it again.
//!
//! A jump takes ticks of the server, not of a system: no system's slowed time holds it up.

use std::collections::VecDeque;

use super::Node;
use super::players::{FirstJoin, PlayerHandle, PlayerLocation, Transit};
use super::systems::SystemInstance;
use crate::ids::{ConnId, Handle, Name, StationIndex, SystemIndex};
use crate::limits::TICK_RATE_HZ;
use crate::protocol::{ErrorCode, ErrorReply, Notice, NoticeKind, Reply};
use crate::sim::{Pilot, Place, RemovalReason};

/// Where a join led.
#[derive(Clone, Copy, Debug)]
pub(super) enum JoinOutcome {
    /// Into the system, with this ship.
    InSystem(Handle),
    /// On the way; the answer follows at the arrival.
    Jumping,
}

/// An arrival to come. Its place in the goal is reserved until then, whatever becomes of the player.
#[derive(Clone, Copy, Debug)]
pub(super) struct JumpArrival {
    key: PlayerHandle,
    target: SystemIndex,
    at_tick: u64,
}

/// Jumps under way.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    /// The next to arrive first: all jumps take equally long. At most one a player.
    arrivals: VecDeque<JumpArrival>,
}

impl Jumps {
    fn push(&mut self, arrival: JumpArrival) {
        debug_assert!(
            self.arrivals
                .back()
                .is_none_or(|last| last.at_tick <= arrival.at_tick),
            "whoever leaves later arrives later"
        );
        self.arrivals.push_back(arrival);
    }

    fn pop_due(&mut self, tick: u64) -> Option<JumpArrival> {
        self.arrivals.pop_front_if(|next| next.at_tick <= tick)
    }
}

impl Node {
    /// Leaves one system for another; only from a dock.
    pub(super) fn jump(
        &mut self,
        key: PlayerHandle,
        from: SystemIndex,
        ship: Handle,
        target: SystemIndex,
    ) -> Result<JoinOutcome, Reply> {
        let internal = || Reply::error(ErrorCode::Internal);
        let world = &self.systems.get(from).ok_or_else(internal)?.world;
        let pilot = world.pilot(ship).ok_or_else(internal)?;
        if pilot.row.is_none() {
            return Err(Reply::error(ErrorCode::ShipDestroyed));
        }
        if pilot.docked_at.is_none() {
            return Err(self.elsewhere(from));
        }
        self.check_departure(target, pilot.fuel)?;
        let conn = self.players.get(key).and_then(|entry| entry.conn);
        let instance = self.systems.get_mut(from).ok_or_else(internal)?;
        if let Some(conn) = conn {
            instance.remove_viewer(conn);
        }
        instance.pending.forget(ship);
        let pilot = instance
            .world
            .dismiss(ship, RemovalReason::Jumped)
            .ok_or_else(internal)?;
        self.depart(key, target, pilot);
        Ok(JoinOutcome::Jumping)
    }

    /// As [`Self::jump`], for a pilot who is stored in another system.
    pub(super) fn jump_from_storage(
        &mut self,
        key: PlayerHandle,
        from: SystemIndex,
        pilot: Pilot,
        target: SystemIndex,
    ) -> Result<JoinOutcome, Reply> {
        if !matches!(pilot.place, Place::Docked(_)) {
            return Err(self.elsewhere(from));
        }
        self.check_departure(target, pilot.fuel)?;
        self.depart(key, target, pilot);
        Ok(JoinOutcome::Jumping)
    }

    fn check_departure(&self, target: SystemIndex, fuel: f32) -> Result<(), Reply> {
        let needed = self.universe.jump.fuel;
        if fuel < needed {
            let why = format!("A jump burns {needed} fuel, and the tank has {fuel:.1}");
            return Err(Reply::error_with(ErrorCode::InsufficientFuel, why));
        }
        if self
            .systems
            .get(target)
            .is_some_and(SystemInstance::has_room)
        {
            Ok(())
        } else {
            Err(Reply::error(ErrorCode::SystemFull))
        }
    }

    fn depart(&mut self, key: PlayerHandle, target: SystemIndex, mut pilot: Pilot) {
        let jump = self.universe.jump;
        pilot.fuel = (pilot.fuel - jump.fuel).max(0.0);
        pilot.place = self.arrival_place(target);
        if let Place::Docked(station) = pilot.place {
            pilot.home = Some((target, station));
        }
        self.events
            .jumped(&pilot.player, self.universe.system_id(target));
        let at_tick = self.tick + u64::from(jump.ticks);
        self.batch.add_checkpoint(&self.universe, target, &pilot);
        if let Some(instance) = self.systems.get_mut(target) {
            instance.arriving_count += 1;
        }
        self.jumps.push(JumpArrival {
            key,
            target,
            at_tick,
        });
        if let Some(entry) = self.players.get_mut(key) {
            entry.kept_in_batch = self.batch.number();
            entry.location = PlayerLocation::Jumping(Box::new(Transit {
                target,
                arrives_at_tick: at_tick,
                pilot,
            }));
        }
    }

    /// Where a jump ends: docked at the first station, or at the spawn of a system without any.
    fn arrival_place(&self, target: SystemIndex) -> Place {
        let has_station = self
            .universe
            .system(target)
            .is_some_and(|system| !system.stations.is_empty());
        if has_station {
            Place::Docked(StationIndex(0))
        } else {
            Place::Spawn
        }
    }

    /// A join is answered at the arrival; the client is told when that is.
    pub(super) fn await_arrival(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        seq: u64,
        target: SystemIndex,
    ) {
        let Some(entry) = self.players.get_mut(key) else {
            return;
        };
        entry.first_join = Some(FirstJoin { conn, target, seq });
        let PlayerLocation::Jumping(transit) = &entry.location else {
            return;
        };
        let wait_ms = millis(transit.arrives_at_tick.saturating_sub(self.tick));
        let system = self.universe.system(target);
        let notice = Notice {
            kind: NoticeKind::Jump,
            message: None,
            deadline_ms: Some(self.unix.0.saturating_add(wait_ms)),
            system_id: system.map(|system| system.id.clone()),
        };
        self.gateways.send_now(conn, None, Reply::Notice(notice));
    }

    /// Refuses a join while the ship is on its way to `target`.
    pub(super) fn under_way(&self, target: SystemIndex, arrives_at_tick: u64) -> Reply {
        let system = self.universe.system(target);
        let name = system.map_or("another system", |system| system.id.as_str());
        Reply::Error(ErrorReply {
            code: ErrorCode::RateLimited,
            message: format!("The ship is on its way to {name}").into(),
            retry_after_ms: Some(millis(arrives_at_tick.saturating_sub(self.tick)).max(1)),
        })
    }

    /// Lets in whose jumps are over. All jumps take equally long, so the first to leave is the first
    /// to arrive.
    pub(super) fn admit_arrivals(&mut self) {
        let tick = self.tick;
        while let Some(arrival) = self.jumps.pop_due(tick) {
            self.arrive(arrival);
        }
    }

    fn arrive(&mut self, arrival: JumpArrival) {
        let JumpArrival {
            key,
            target,
            at_tick,
        } = arrival;
        if let Some(instance) = self.systems.get_mut(target) {
            instance.arriving_count = instance.arriving_count.saturating_sub(1);
        }
        let Some(entry) = self.players.get_mut(key) else {
            return;
        };
        let PlayerLocation::Jumping(transit) = &entry.location else {
            return;
        };
        if (transit.target, transit.arrives_at_tick) != (target, at_tick) {
            return;
        }
        let pilot = transit.pilot.clone();
        entry.location = PlayerLocation::Stored(Some(Box::new((target, pilot))));
        if entry.conn.is_none() {
            // The record has said so since the departure.
            let durable = self.newest_durable();
            self.players.evict(key, durable);
            return;
        }
        // Who logged in again and has not joined yet stays stored until then.
        if let Some(FirstJoin { conn, target, seq }) = entry.first_join.take() {
            let entered = self.enter(key, target);
            self.answer_join(key, conn, seq, target, entered);
        }
    }

    /// Another server owns the goal now: whoever is on the way there goes on with that one. Returns
    /// the connections.
    pub(super) fn lose_arrivals(&mut self, system: &Name) -> Vec<ConnId> {
        let Some(lost) = self.universe.system_index(system.as_str()) else {
            return Vec::new();
        };
        let on_the_way = self.players.iter().filter(|(_, player)| {
            matches!(&player.location, PlayerLocation::Jumping(transit) if transit.target == lost)
        });
        let keys: Vec<PlayerHandle> = on_the_way.map(|(key, _)| key).collect();
        let gone = keys.into_iter().filter_map(|key| self.players.remove(key));
        gone.filter_map(|player| player.conn).collect()
    }
}

/// Whole milliseconds of so many ticks.
fn millis(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / u64::from(TICK_RATE_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlayerId;
    use crate::node::players::Players;

    #[test]
    fn arrivals_come_when_they_are_due_and_in_the_order_of_departure() {
        let mut players = Players::default();
        let mut jumps = Jumps::default();
        let keys = ["ann", "bob", "cid"].map(|name| players.insert(PlayerId::parse(name).unwrap()));
        for (key, at_tick) in keys.into_iter().zip([5, 5, 9]) {
            jumps.push(JumpArrival {
                key,
                target: SystemIndex(0),
                at_tick,
            });
        }
        assert!(jumps.pop_due(4).is_none());
        let due: Vec<PlayerHandle> =
            std::iter::from_fn(|| jumps.pop_due(5).map(|arrival| arrival.key)).collect();
        assert_eq!(due, keys[..2]);
        assert!(jumps.pop_due(8).is_none());
        assert_eq!(jumps.pop_due(20).map(|arrival| arrival.key), Some(keys[2]));
    }
}
