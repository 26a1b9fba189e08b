//! Stored columns back into records: the one place where a database's values are checked.
//!
//! A value that no server wrote (a name with a space in it, a hull beyond `i32`) is
//! [`StoreError::Corrupt`], never a panic and never silently mended.

use std::sync::Arc;

use crate::ids::{Name, PlayerId};
use crate::store::error::StoreError;
use crate::store::ledger::{CREDITS, Hash};
use crate::store::record::{Cargo, Home, PilotRecord, Place, Stock, StoredOutcome};

/// A row of `pilots`, but for the player.
pub(super) struct PilotColumns {
    pub(super) system_name: String,
    pub(super) docked_at: Option<String>,
    /// x, y, vx, vy, rotation.
    pub(super) motion: [f64; 5],
    pub(super) home_system: Option<String>,
    pub(super) home_station: Option<String>,
    pub(super) hull: i64,
    pub(super) fuel: f64,
}

impl PilotColumns {
    /// The columns of a record; fails on a value that is not finite.
    pub(super) fn of(pilot: &PilotRecord) -> Result<Self, StoreError> {
        let (docked_at, motion) = match &pilot.place {
            Place::Docked { station } => (Some(station.to_string()), [0.0; 5]),
            Place::Space {
                x,
                y,
                vx,
                vy,
                rotation,
            } => (None, [*x, *y, *vx, *vy, *rotation].map(f64::from)),
        };
        let fuel = f64::from(pilot.fuel);
        if !fuel.is_finite() || !motion.iter().all(|value| value.is_finite()) {
            let player = &pilot.player;
            return Err(StoreError::Malformed(format!(
                "{player} is at {motion:?} with {fuel} fuel"
            )));
        }
        let home = pilot.home.as_ref();
        Ok(Self {
            system_name: pilot.system.to_string(),
            docked_at,
            motion,
            home_system: home.map(|home| home.system.to_string()),
            home_station: home.map(|home| home.station.to_string()),
            hull: i64::from(pilot.hull),
            fuel,
        })
    }

    /// The record, with empty wallet and hold.
    pub(super) fn record(self, player: &PlayerId) -> Result<PilotRecord, StoreError> {
        let [x, y, vx, vy, rotation] = self.motion.map(|value| value as f32);
        let place = match self.docked_at {
            Some(station) => Place::Docked {
                station: name(&station)?,
            },
            None => Place::Space {
                x,
                y,
                vx,
                vy,
                rotation,
            },
        };
        let home = match (self.home_system, self.home_station) {
            (Some(system), Some(station)) => Some(Home {
                system: name(&system)?,
                station: name(&station)?,
            }),
            _ => None,
        };
        let hull = i32::try_from(self.hull);
        Ok(PilotRecord {
            player: player.clone(),
            system: name(&self.system_name)?,
            place,
            home,
            credits: 0,
            hull: hull.map_err(|_| StoreError::Corrupt(format!("a hull of {}", self.hull)))?,
            fuel: self.fuel as f32,
            cargo: Vec::new(),
        })
    }
}

/// A stored name.
pub(super) fn name(text: &str) -> Result<Name, StoreError> {
    Name::parse(text).map_err(|error| StoreError::Corrupt(format!("the name {text:?} {error}")))
}

/// A stored hash.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    let found = bytes.len();
    Hash::try_from(bytes).map_err(|_| StoreError::Corrupt(format!("a hash of {found} bytes")))
}

/// An outcome from its columns.
pub(super) fn outcome(
    player: &PlayerId,
    request_id: &str,
    system_name: &str,
    body_digest: i64,
    reply: &str,
) -> Result<StoredOutcome, StoreError> {
    Ok(StoredOutcome {
        system: name(system_name)?,
        player: player.clone(),
        request_id: Arc::from(request_id),
        body_digest: body_digest as u64,
        reply: Arc::from(reply),
    })
}

/// A balance row of a system as a stock; none if it is a flow's or money.
pub(super) fn stock(
    account: &str,
    asset: &str,
    quantity: i64,
) -> Result<Option<Stock>, StoreError> {
    let station = account
        .strip_prefix("station:")
        .and_then(|rest| rest.split_once('/'));
    match station {
        Some((_, station)) if asset != CREDITS => Ok(Some(Stock {
            station: name(station)?,
            commodity: name(asset)?,
            quantity,
        })),
        _ => Ok(None),
    }
}

/// An asset and how much of it a pilot has; neither where the pilot has no account.
pub(super) type Held = (Option<String>, Option<i64>);

/// A pilot out of the rows that hold the same columns and one balance each.
pub(super) fn pilot(
    player: &PlayerId,
    rows: impl Iterator<Item = (PilotColumns, Held)>,
) -> Result<Option<PilotRecord>, StoreError> {
    let mut pilot: Option<PilotRecord> = None;
    for (columns, held) in rows {
        let record = match pilot.take() {
            Some(record) => record,
            None => columns.record(player)?,
        };
        let record = pilot.insert(record);
        let (Some(asset), Some(balance)) = held else {
            continue;
        };
        if asset == CREDITS {
            record.credits = balance;
        } else if balance != 0 {
            record.cargo.push(Cargo {
                commodity: name(&asset)?,
                quantity: balance,
            });
        }
    }
    if let Some(pilot) = &mut pilot {
        pilot.cargo.sort_by(|a, b| a.commodity.cmp(&b.commodity));
    }
    Ok(pilot)
}
