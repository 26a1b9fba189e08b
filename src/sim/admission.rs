//! Admission: pilots come in and go out between ticks.
//!
//! Owns both doors. What they bring about (the starting grant, the departure) is reported by the
//! step that follows. A pilot goes out whole: everything that has to be stored is in the [`Pilot`]
//! handed back.

use thiserror::Error;

use super::entities::Row;
use super::outcome::{Cause, Posting, Removal, RemovalReason};
use super::pilot::{Pilot, Place};
use super::spawning::ship_row;
use super::step_context::StepContext;
use super::world::World;
use crate::ids::{EntityKind, Handle, StationIndex, SystemIndex};

/// Why a pilot was not let in; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdmitError {
    /// Pilots, entities or free places have run out.
    #[error("the system is full")]
    SystemFull,
}

impl World {
    /// Puts a pilot's ship into space or at its dock, whole numbers clamped to what the ship can
    /// hold. A dock that this system does not have counts as its spawn.
    ///
    /// # Errors
    /// [`AdmitError::SystemFull`]: `pilots_max` is reached, or no row or no place is free.
    pub fn admit(&mut self, pilot: &Pilot) -> Result<Handle, AdmitError> {
        let context = &self.context;
        let system = context.system();
        let is_full = self.pilots.len() >= system.pilots_max as usize;
        if is_full || !self.entities.has_room() {
            return Err(AdmitError::SystemFull);
        }
        let (place, dock) = match pilot.place {
            Place::Docked(station) if system.station(station).is_some() => {
                (pilot.place, Some(station))
            }
            Place::Docked(_) => (Place::Spawn, None),
            place => (place, None),
        };
        let pose = self.spiral.pose_for(context, &self.entities, place);
        let pose = pose.ok_or(AdmitError::SystemFull)?;
        let id = self.entities.next_id(EntityKind::PlayerShip);
        let ship = context.ship();
        let fuel = if pilot.fuel.is_finite() {
            pilot.fuel.clamp(0.0, ship.fuel_max)
        } else {
            0.0
        };
        let row = Row {
            hull: pilot.hull.clamp(1, ship.hull_max),
            fuel,
            ..ship_row(context, EntityKind::PlayerShip, id, pose, dock)
        };
        let handle = self.entities.insert(row).ok_or(AdmitError::SystemFull)?;
        let home = dock.map(|station| (context.system_index, station));
        let zone_context = self.zones.blend(pose.x, pose.y);
        self.pilots
            .insert(handle, id, pilot, home.or(pilot.home), zone_context);
        if pilot.place == Place::New {
            self.pending.postings.push(Posting {
                player: Some(pilot.player.clone()),
                total: pilot.credits,
                balance_after: Some(pilot.credits),
                ..Posting::new(Cause::Grant)
            });
        }
        Ok(handle)
    }

    /// Takes a pilot and the ship out. One whose ship is destroyed leaves as if already back.
    /// `None` if the handle has no pilot.
    pub fn dismiss(&mut self, ship: Handle, gone: RemovalReason) -> Option<Pilot> {
        let mut pilot = self.pilots.remove(ship)?;
        self.wrecks.retain(|wreck| wreck.ship != ship);
        // A slot that is aside has no row, and is released all the same.
        if let Some(row) = self.entities.remove(ship) {
            self.spiral.vacate(row.x, row.y, row.dock.is_some());
            pilot.hull = row.hull;
            pilot.fuel = row.fuel;
            pilot.place = row.dock.map_or_else(|| in_space(&row), Place::Docked);
            let departure = Removal::of(&row, gone, self.is_carried);
            self.pending.departures.push(departure);
        } else {
            let ship = self.context.ship();
            pilot.hull = ship.hull_max;
            pilot.fuel = ship.fuel_max;
            pilot.place = respawn_place(&self.context, pilot.home);
        }
        Some(pilot)
    }

    /// A pilot takes the controls anew (on another connection): they are neutral, and numbers of
    /// inputs start over. Nothing happens to a handle that has no pilot.
    pub fn attach(&mut self, ship: Handle) {
        if let Some(index) = self.pilots.index(ship) {
            self.pilots.last_input_seqs[index] = None;
        }
        self.detach(ship);
    }

    /// A pilot lets go of the controls (the connection is lost): thrust, rudder, trigger and
    /// docking request are neutral from now on. Nothing happens to a handle that has no pilot.
    pub fn detach(&mut self, ship: Handle) {
        let Some(index) = self.pilots.index(ship) else {
            return;
        };
        self.pilots.undockings[index] = None;
        if let Some(row) = self.entities.row(ship) {
            self.entities.thrusts[row] = 0.0;
            self.entities.turns[row] = 0.0;
            self.entities.triggers[row] = false;
            self.entities.dock_requests[row] = false;
        }
    }

    /// Where a pilot with this home will come back, as x, y (u) and rotation (rad): the station's
    /// centre, since the docking slot is chosen on arrival, or the middle of the spawn.
    pub fn respawn_place(&self, home: Option<(SystemIndex, StationIndex)>) -> (f32, f32, f32) {
        let station = match respawn_place(&self.context, home) {
            Place::Docked(station) => self.system().station(station),
            _ => None,
        };
        match station {
            Some(station) => (station.x, station.y, 0.0),
            None => self.system().spawn.middle(),
        }
    }

    /// A pilot who stays, as [`Self::dismiss`] would give the pilot: for a checkpoint. `None` if the
    /// handle has no pilot.
    pub fn stored_pilot(&self, ship: Handle) -> Option<Pilot> {
        let pilot = self.pilot(ship)?;
        let (hull, fuel, place) = if let Some(row) = pilot.row {
            let entities = &self.entities;
            let place = pilot.docked_at.map_or_else(
                || Place::Space {
                    x: entities.xs[row],
                    y: entities.ys[row],
                    vx: entities.vxs[row],
                    vy: entities.vys[row],
                    rotation: entities.rotation(row),
                },
                Place::Docked,
            );
            (pilot.hull, pilot.fuel, place)
        } else {
            let ship = self.context.ship();
            let place = respawn_place(&self.context, pilot.home);
            (ship.hull_max, ship.fuel_max, place)
        };
        Some(Pilot {
            player: pilot.player.clone(),
            credits: pilot.credits,
            cargo: pilot.cargo.to_vec(),
            hull,
            fuel,
            place,
            home: pilot.home,
        })
    }
}

/// Where a pilot comes back after losing the ship: the last station docked at, else the first.
pub(super) fn respawn_place(
    context: &StepContext,
    home: Option<(SystemIndex, StationIndex)>,
) -> Place {
    let stations = &context.system().stations;
    match home {
        Some((system, station))
            if system == context.system_index && usize::from(station.0) < stations.len() =>
        {
            Place::Docked(station)
        }
        _ if stations.is_empty() => Place::Spawn,
        _ => Place::Docked(StationIndex(0)),
    }
}

fn in_space(row: &Row) -> Place {
    Place::Space {
        x: row.x,
        y: row.y,
        vx: row.vx,
        vy: row.vy,
        rotation: libm::atan2f(row.heading_y, row.heading_x),
    }
}
