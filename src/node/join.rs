//! Join: a pilot's ship is put into a system's world, or taken over where it lingers, and the client
//! subscribes to the system.
//!
//! The world is only touched through `admit` and `attach`, between its steps.

use super::Node;
use super::jump::JoinOutcome;
use super::players::{FirstJoin, PlayerHandle, PlayerLocation};
use super::wallet::DurableWallet;
use crate::ids::{ConnId, Handle, Name, SystemIndex};
use crate::limits::TICK_RATE_HZ;
use crate::protocol::{Angle, ErrorCode, Fixed2, Flight, Joined, Reply, Spawn};
use crate::replication::{Viewer, Wallet};
use crate::sim::{Pilot, Place};

impl Node {
    /// Puts the player's ship into a system, or takes it over where it lingers. Nothing of what the
    /// pilot asked for before is still to be done.
    pub(super) fn begin_join(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        target: SystemIndex,
        seq: u64,
    ) {
        let is_owned = self.systems.owns(target);
        if let Some(entry) = self.players.get_mut(key)
            && matches!(entry.location, PlayerLocation::Stored(None))
            && is_owned
        {
            entry.location = PlayerLocation::Loading;
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
        entered: Result<JoinOutcome, Reply>,
    ) {
        match entered {
            Ok(JoinOutcome::InSystem(ship)) => self.subscribe(key, conn, seq, target, ship),
            Ok(JoinOutcome::Jumping) => self.await_arrival(key, conn, seq, target),
            Err(refusal) => self.gateways.send_now(conn, Some(seq), refusal),
        }
    }

    pub(super) fn enter(
        &mut self,
        key: PlayerHandle,
        target: SystemIndex,
    ) -> Result<JoinOutcome, Reply> {
        let internal = || Reply::error(ErrorCode::Internal);
        if !self.systems.owns(target) {
            return Err(run_by_another(self.universe.system_id(target)));
        }
        let entry = self.players.get_mut(key).ok_or_else(internal)?;
        match &entry.location {
            // The first join is under way.
            PlayerLocation::Loading => Err(Reply::error(ErrorCode::RateLimited)),
            PlayerLocation::OnOtherNode(system) => Err(run_by_another(system.as_ref())),
            &PlayerLocation::InSystem(system, ship) if system == target => {
                let instance = self.systems.get_mut(system).ok_or_else(internal)?;
                instance.world.attach(ship);
                Ok(JoinOutcome::InSystem(ship))
            }
            &PlayerLocation::InSystem(system, ship) => self.jump(key, system, ship, target),
            PlayerLocation::Jumping(transit)
                if transit.target == target && entry.first_join.is_none() =>
            {
                Ok(JoinOutcome::Jumping)
            }
            PlayerLocation::Jumping(transit) => {
                let (target, tick) = (transit.target, transit.arrives_at_tick);
                Err(self.under_way(target, tick))
            }
            PlayerLocation::Stored(None) => {
                let pilot = self.new_pilot(key).ok_or_else(internal)?;
                self.admit(key, target, &pilot)
            }
            PlayerLocation::Stored(Some(stored)) => {
                let (system, pilot) = (**stored).clone();
                // The node that runs the ship's system may have the ship in its world.
                if !self.systems.owns(system) {
                    return Err(run_by_another(self.universe.system_id(system)));
                }
                if system != target {
                    return self.jump_from_storage(key, system, pilot, target);
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
    ) -> Result<JoinOutcome, Reply> {
        let internal = || Reply::error(ErrorCode::Internal);
        let instance = self.systems.get_mut(target).ok_or_else(internal)?;
        if !instance.has_room() {
            return Err(Reply::error(ErrorCode::SystemFull));
        }
        let ship = instance
            .world
            .admit(pilot)
            .map_err(|_| Reply::error(ErrorCode::SystemFull))?;
        let entry = self.players.get_mut(key).ok_or_else(internal)?;
        entry.location = PlayerLocation::InSystem(target, ship);
        entry.has_steered = false;
        if pilot.place == Place::New {
            let told = Wallet {
                credits: pilot.credits,
                cargo: pilot.cargo.clone(),
            };
            entry.wallet = DurableWallet::new(told);
        }
        self.add_pending_postings(target);
        self.checkpoint_player(key);
        Ok(JoinOutcome::InSystem(ship))
    }

    fn new_pilot(&self, key: PlayerHandle) -> Option<Pilot> {
        let ship = &self.universe.ship;
        Some(Pilot {
            player: self.players.get(key)?.id.clone(),
            credits: self.universe.starting_credits,
            cargo: vec![0; self.universe.commodities.len()],
            hull: ship.hull_max,
            fuel: ship.fuel_max,
            place: Place::New,
            home: None,
        })
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
    fn subscribe(
        &mut self,
        key: PlayerHandle,
        conn: ConnId,
        seq: u64,
        system: SystemIndex,
        ship: Handle,
    ) {
        let Some(told) = self
            .players
            .get(key)
            .map(|entry| entry.wallet.durable.clone())
        else {
            return;
        };
        let Some(joined) = self.joined(system, ship) else {
            self.gateways.refuse(conn, seq, ErrorCode::Internal);
            return;
        };
        if let Some(entry) = self.players.get(key) {
            self.events.joined(&entry.id, &joined.system_id);
        }
        self.gateways
            .send_now(conn, Some(seq), Reply::Joined(Box::new(joined)));
        if let Some(instance) = self.systems.get_mut(system) {
            instance.add_viewer(Viewer::new(conn, ship, told));
        }
    }

    fn joined(&self, system: SystemIndex, ship: Handle) -> Option<Joined> {
        let instance = self.systems.get(system)?;
        let world = &instance.world;
        let pilot = world.pilot(ship)?;
        let (x, y, rotation) = match pilot.row {
            Some(row) => {
                let entities = world.entities();
                let (x, y) = (entities.xs()[row], entities.ys()[row]);
                (x, y, entities.rotation(row))
            }
            // Destroyed and not back yet: where it will be.
            None => world.respawn_place(pilot.home),
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
            chart: instance.chart.clone(),
        })
    }
}
/// Refuses a join: another server on the same database runs the system, or has the pilot.
fn run_by_another(system: Option<&Name>) -> Reply {
    let system = system.map_or("the pilot's system", Name::as_str);
    let why = format!("{system} is run by another server, where the pilot can log in");
    Reply::error_with(ErrorCode::UnknownSystem, why)
}

/// A constant as the universe file wrote it: six decimals are more than a single holds, and the
/// widened single's own tail would only look like precision.
fn decimal(value: f32) -> f64 {
    (f64::from(value) * 1e6).round() / 1e6
}
