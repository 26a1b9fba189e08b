//! Pilots come: login, join, and the controls once they are there.
//!
//! The world is only touched through `admit`, `attach`, `detach` and `dismiss`, between its steps.

use super::Core;
use super::jump::Entered;
use super::purse::Purses;
use crate::ids::{ConnId, Handle, Name, PlayerId, SystemIndex};
use crate::limits::TICK_RATE_HZ;
use crate::replication::{Purse, Viewer};
use crate::server::book;
use crate::server::roster::{FirstJoin, PlayerHandle, Whereabouts};
use crate::sim::{Pilot, Place};
use crate::store::LoadedPilot;
use crate::universe::Universe;
use crate::wire::{
    Angle, AuthOk, CloseCode, ErrorCode, Fixed2, Flight, Input, Joined, Reply, Spawn,
};

impl Core {
    /// The same core, for at most so many players at once.
    #[must_use]
    pub const fn with_players_max(mut self, players_max: usize) -> Self {
        self.players_max = players_max;
        self
    }

    /// A token was good: takes the player's entry, or asks the store for the pilot.
    pub(super) fn log_in(&mut self, conn: ConnId, player: PlayerId, seq: u64) {
        if self.roster.is_quarantined(&player) {
            self.refuse(conn, seq, ErrorCode::Internal);
            return;
        }
        let key = match self.roster.of_player(&player) {
            Some(key) => key,
            None if self.roster.len() >= self.players_max => {
                self.refuse(conn, seq, ErrorCode::SystemFull);
                return;
            }
            None => {
                let key = self.roster.insert(player);
                self.reads.loads.push(key);
                key
            }
        };
        if let Some(former) = self.roster.connect(key, conn) {
            self.hide(key, former);
            self.close(former, CloseCode::Replaced);
        }
        let Some(entry) = self.roster.get_mut(key) else {
            return;
        };
        entry.login_seq = Some(seq);
        if !matches!(entry.whereabouts, Whereabouts::Loading) {
            self.welcome(key);
        }
    }

    /// The store's answer to a login, or to a newcomer's first join.
    pub(super) fn board(&mut self, key: PlayerHandle, stored: &LoadedPilot) {
        let Some(entry) = self.roster.get_mut(key) else {
            return;
        };
        if !matches!(entry.whereabouts, Whereabouts::Loading) {
            return;
        }
        if entry.conn.is_none() {
            self.roster.remove(key);
            return;
        }
        let pilot = stored
            .record
            .as_ref()
            .map(|record| book::revive(&self.universe, record));
        if let Some((_, pilot)) = &pilot {
            let (credits, cargo) = (pilot.credits, pilot.cargo.clone());
            entry.purses = Purses::settled(Purse { credits, cargo });
        }
        entry.whereabouts = if stored.is_elsewhere {
            let record = stored.record.as_ref();
            Whereabouts::Elsewhere(record.map(|record| record.system.clone()))
        } else {
            Whereabouts::Ashore(pilot.map(Box::new))
        };
        let first_join = entry.first_join.take();
        self.welcome(key);
        if let Some(FirstJoin { conn, target, seq }) = first_join {
            let entered = self.enter(key, target);
            self.answer_join(key, conn, seq, target, entered);
        }
    }

    /// The store failed: nobody who waits for a pilot will get one.
    pub(super) fn refuse_logins(&mut self) {
        let waiting = self.roster.iter().filter_map(|(_, player)| {
            let first_join = player.first_join.map(|join| join.seq);
            Some((player.conn?, player.login_seq.or(first_join)?))
        });
        for (conn, seq) in waiting.collect::<Vec<_>>() {
            self.refuse(conn, seq, ErrorCode::Internal);
        }
    }

    fn welcome(&mut self, key: PlayerHandle) {
        let Some(entry) = self.roster.get_mut(key) else {
            return;
        };
        let (Some(conn), Some(seq)) = (entry.conn, entry.login_seq.take()) else {
            return;
        };
        let player_id = entry.id.clone();
        let system_id = match &entry.whereabouts {
            Whereabouts::Ashore(Some(stored)) => id_of(&self.universe, stored.0),
            Whereabouts::Aboard(system, _) => id_of(&self.universe, *system),
            Whereabouts::Elsewhere(system) => system.clone(),
            Whereabouts::InTransit(transit) => id_of(&self.universe, transit.target),
            Whereabouts::Loading | Whereabouts::Ashore(None) => None,
        };
        self.write(
            conn,
            Some(seq),
            Reply::AuthOk(AuthOk {
                player_id,
                system_id,
            }),
        );
    }

    /// Puts the player's ship into a system, or takes it over where it lingers. Nothing of what the
    /// pilot asked for before is still to be done.
    pub(super) fn begin_join(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        target: SystemIndex,
        seq: u64,
    ) {
        let is_owned = self.owns(target);
        if let Some(entry) = self.roster.get_mut(key)
            && matches!(entry.whereabouts, Whereabouts::Ashore(None))
            && is_owned
        {
            entry.whereabouts = Whereabouts::Loading;
            entry.first_join = Some(FirstJoin { conn, target, seq });
            self.reads.loads.push(key);
            return;
        }
        let entered = self.enter(key, target);
        self.answer_join(key, conn, seq, target, entered);
    }

    pub(super) fn answer_join(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        seq: u64,
        target: SystemIndex,
        entered: Result<Entered, Reply>,
    ) {
        match entered {
            Ok(Entered::Aboard(ship)) => self.show(key, conn, seq, target, ship),
            Ok(Entered::Jumping) => self.await_arrival(key, conn, seq, target),
            Err(refusal) => self.write(conn, Some(seq), refusal),
        }
    }

    pub(super) fn enter(
        &mut self,
        key: PlayerHandle,
        target: SystemIndex,
    ) -> Result<Entered, Reply> {
        let internal = || Reply::error(ErrorCode::Internal);
        if !self.owns(target) {
            let system = id_of(&self.universe, target);
            return Err(run_by_another(system.as_ref().map(Name::as_str)));
        }
        let entry = self.roster.get_mut(key).ok_or_else(internal)?;
        match &entry.whereabouts {
            // The first join is under way.
            Whereabouts::Loading => Err(Reply::error(ErrorCode::RateLimited)),
            Whereabouts::Elsewhere(system) => {
                Err(run_by_another(system.as_ref().map(Name::as_str)))
            }
            &Whereabouts::Aboard(system, ship) if system == target => {
                let theatre = self.theatre_mut(system).ok_or_else(internal)?;
                theatre.world.attach(ship);
                Ok(Entered::Aboard(ship))
            }
            &Whereabouts::Aboard(system, ship) => self.jump(key, system, ship, target),
            Whereabouts::InTransit(transit)
                if transit.target == target && entry.first_join.is_none() =>
            {
                Ok(Entered::Jumping)
            }
            Whereabouts::InTransit(transit) => {
                let (target, tick) = (transit.target, transit.arrives_at_tick);
                Err(self.under_way(target, tick))
            }
            Whereabouts::Ashore(None) => {
                let pilot = self.new_pilot(key).ok_or_else(internal)?;
                self.admit(key, target, &pilot)
            }
            Whereabouts::Ashore(Some(stored)) => {
                let (system, pilot) = (**stored).clone();
                // The server that runs the ship's system may have the pilot aboard.
                if !self.owns(system) {
                    let system = id_of(&self.universe, system);
                    return Err(run_by_another(system.as_ref().map(Name::as_str)));
                }
                if system != target {
                    return self.jump_from_ashore(key, system, pilot, target);
                }
                self.admit(key, target, &pilot)
            }
        }
    }

    fn admit(
        &mut self,
        key: PlayerHandle,
        target: SystemIndex,
        pilot: &Pilot,
    ) -> Result<Entered, Reply> {
        let internal = || Reply::error(ErrorCode::Internal);
        let theatre = self.theatre_mut(target).ok_or_else(internal)?;
        if !theatre.has_room() {
            return Err(Reply::error(ErrorCode::SystemFull));
        }
        let ship = theatre
            .world
            .admit(pilot)
            .map_err(|_| Reply::error(ErrorCode::SystemFull))?;
        let entry = self.roster.get_mut(key).ok_or_else(internal)?;
        entry.whereabouts = Whereabouts::Aboard(target, ship);
        entry.has_steered = false;
        if pilot.place == Place::New {
            let told = Purse {
                credits: pilot.credits,
                cargo: pilot.cargo.clone(),
            };
            entry.purses = Purses::settled(told);
        }
        self.book_pending(target);
        self.keep(key);
        Ok(Entered::Aboard(ship))
    }

    fn new_pilot(&self, key: PlayerHandle) -> Option<Pilot> {
        let ship = &self.universe.ship;
        Some(Pilot {
            player: self.roster.get(key)?.id.clone(),
            credits: self.universe.starting_credits,
            cargo: vec![0; self.universe.commodities.len()],
            hull: ship.hull_max,
            fuel: ship.fuel_max,
            place: Place::New,
            home: None,
        })
    }

    fn owns(&self, system: SystemIndex) -> bool {
        self.theatre(system).is_some_and(|theatre| theatre.is_owned)
    }

    pub(super) fn elsewhere(&self, system: SystemIndex) -> Reply {
        let name = self
            .universe
            .system(system)
            .map_or("another system", |system| system.id.as_str());
        Reply::error_with(
            ErrorCode::NotDocked,
            format!("The ship is in {name} and not docked; dock there to join another system"),
        )
    }

    /// Answers a join and shows the system from the next frame on, which carries a snapshot.
    fn show(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        seq: u64,
        system: SystemIndex,
        ship: Handle,
    ) {
        let Some(told) = self.roster.get(key).map(|entry| entry.purses.told.clone()) else {
            return;
        };
        let Some(joined) = self.joined(system, ship) else {
            self.refuse(conn, seq, ErrorCode::Internal);
            return;
        };
        self.write(conn, Some(seq), Reply::Joined(Box::new(joined)));
        if let Some(theatre) = self.theatre_mut(system) {
            theatre.add_viewer(Viewer::new(conn, ship, told));
        }
    }

    fn joined(&self, system: SystemIndex, ship: Handle) -> Option<Joined> {
        let theatre = self.theatre(system)?;
        let world = &theatre.world;
        let pilot = world.pilot(ship)?;
        let (x, y, rotation) = match pilot.row {
            Some(row) => {
                let entities = world.entities();
                let (x, y) = (entities.xs()[row], entities.ys()[row]);
                (x, y, entities.rotation(row))
            }
            // Destroyed and not back yet: where it will be.
            None => world.refuge_place(pilot.home),
        };
        let class = &self.universe.ship;
        Some(Joined {
            system_id: world.system().id.clone(),
            ship_id: world.id_text(&pilot.ship_id).to_owned(),
            spawn: Spawn {
                x: Fixed2::new(x),
                y: Fixed2::new(y),
                rotation: Angle::new(rotation),
            },
            tick_rate: TICK_RATE_HZ,
            tick: world.tick(),
            protocol_version: crate::limits::PROTOCOL_VERSION,
            view_radius: Fixed2::new(self.view_radius),
            flight: Some(Flight {
                thrust_accel: decimal(class.thrust_accel),
                turn_rate: decimal(class.turn_rate),
                drag: decimal(class.drag),
                radius: decimal(class.radius),
                fuel_burn: decimal(class.fuel_burn),
                empty_tank_thrust: decimal(class.empty_tank_thrust),
            }),
            chart: theatre.chart.clone(),
        })
    }

    /// Takes new controls of a pilot's ship.
    pub(super) fn steer(&mut self, conn: ConnId, seq: u64, input: Input) {
        let Some((key, system, ship)) = self.aboard(conn) else {
            return;
        };
        if let Some(entry) = self.roster.get_mut(key) {
            entry.has_steered = true;
        }
        if let Some(theatre) = self.theatre_mut(system) {
            theatre.pending.steer(ship, seq, input);
        }
    }

    /// The player of a connection and the ship, if it is in a world.
    pub(super) fn aboard(&self, conn: ConnId) -> Option<(PlayerHandle, SystemIndex, Handle)> {
        let key = self.roster.of_conn(conn)?;
        match self.roster.get(key)?.whereabouts {
            Whereabouts::Aboard(system, ship) => Some((key, system, ship)),
            _ => None,
        }
    }

    /// As [`Self::aboard`], for a client who has joined: a login alone gives no say over a ship that
    /// lingers.
    pub(super) fn joined_ship(&self, conn: ConnId) -> Option<(PlayerHandle, SystemIndex, Handle)> {
        self.aboard(conn).filter(|&(_, system, _)| {
            let theatre = self.theatre(system);
            theatre.is_some_and(|theatre| theatre.is_shown_to(conn))
        })
    }

    /// The next frame carries a snapshot for this client.
    pub(super) fn owe_snapshot(&mut self, conn: ConnId) {
        let Some((_, system, _)) = self.aboard(conn) else {
            return;
        };
        if let Some(viewer) = self
            .theatre_mut(system)
            .and_then(|theatre| theatre.viewer_mut(conn))
        {
            viewer.owe_snapshot();
        }
    }
}

fn id_of(universe: &Universe, system: SystemIndex) -> Option<Name> {
    universe.system(system).map(|system| system.id.clone())
}

/// Refuses a join: another server on the same database runs the system, or has the pilot.
fn run_by_another(system: Option<&str>) -> Reply {
    let system = system.unwrap_or("the pilot's system");
    let why = format!("{system} is run by another server, where the pilot can log in");
    Reply::error_with(ErrorCode::UnknownSystem, why)
}

/// A constant as the universe file wrote it: six decimals are more than a single holds, and the
/// widened single's own tail would only look like precision.
fn decimal(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
