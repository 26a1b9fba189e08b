//! The batch that a tick fills: the world's postings, pilots and replies as records to keep.
//!
//! Translates indices into names, and back when a pilot is loaded. A batch stays open until the
//! store takes it; while the store is behind, the next ticks add to it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ids::{PlayerId, StationIndex, SystemIndex, UnixMillis};
use crate::protocol::{Reply, RequestId};
use crate::sim::{self, Pilot, Place, Posting};
use crate::store::{self, Batch, Cargo, Cause, Home, PilotRecord, StoredOutcome, Transaction};
use crate::universe::{System, Universe};

/// A request that has an id of the client's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestKey<'a> {
    pub(super) system: SystemIndex,
    pub(super) player: &'a PlayerId,
    pub(super) id: &'a RequestId,
}

/// The batch being filled, and how far the store has been given.
#[derive(Debug)]
pub(super) struct BatchBuilder {
    open: Batch,
    /// Where each player's pilot stands in the open batch.
    places: HashMap<PlayerId, usize>,
    submitted: u64,
}

impl BatchBuilder {
    /// A batch whose first batch follows `submitted`.
    pub(super) fn new(submitted: u64) -> Self {
        let open = Batch {
            number: submitted + 1,
            ..Batch::default()
        };
        Self {
            open,
            places: HashMap::new(),
            submitted,
        }
    }

    /// Number of the batch that is open.
    pub(super) const fn number(&self) -> u64 {
        self.open.number
    }

    /// The batch that holds everything noted so far: the open one, if there is anything in it.
    pub(super) fn covering_number(&self) -> u64 {
        if self.len() == 0 {
            self.submitted
        } else {
            self.open.number
        }
    }

    /// How many records are open.
    pub(super) fn len(&self) -> usize {
        self.open.transactions.len()
            + self.open.outcomes.len()
            + self.open.checkpoints.len()
            + self.open.forgotten.len()
    }

    /// Notes a guest whom the store may forget.
    pub(super) fn add_forgotten(&mut self, guest: PlayerId) {
        self.open.forgotten.push(guest);
    }

    /// Notes money or goods that moved.
    pub(super) fn add_transaction(
        &mut self,
        universe: &Universe,
        system: SystemIndex,
        posting: &Posting,
        request_id: Option<&RequestId>,
    ) {
        let Some(here) = universe.system(system) else {
            return;
        };
        let station = posting.station.and_then(|station| here.station(station));
        let commodity = posting
            .commodity
            .and_then(|commodity| universe.commodity(commodity));
        self.open.transactions.push(Transaction {
            system: here.id.clone(),
            cause: cause(posting.cause),
            player: posting.player.clone(),
            station: station.map(|station| station.id.clone()),
            commodity: commodity.map(|commodity| commodity.id.clone()),
            quantity: posting.quantity,
            unit_price: posting.unit_price,
            total: posting.total,
            // A purchase of fuel also burns it: the request is the purchase, once.
            request_id: request_id
                .filter(|_| is_asked_for(posting.cause))
                .map(|id| Arc::from(id.as_str())),
        });
    }

    /// Notes what a request was answered.
    pub(super) fn add_outcome(
        &mut self,
        universe: &Universe,
        request: &RequestKey<'_>,
        body_digest: u64,
        reply: &Reply,
    ) {
        let Some(system) = universe.system(request.system) else {
            return;
        };
        // A reply is a plain value; its text always can be made.
        let Ok(reply) = serde_json::to_string(reply) else {
            return;
        };
        self.open.outcomes.push(StoredOutcome {
            system: system.id.clone(),
            player: request.player.clone(),
            request_id: Arc::from(request.id.as_str()),
            body_digest,
            reply: Arc::from(reply),
        });
    }

    /// Notes a pilot as it is now; the newest state of a batch counts.
    pub(super) fn add_checkpoint(
        &mut self,
        universe: &Universe,
        system: SystemIndex,
        pilot: &Pilot,
    ) {
        let Some(record) = to_record(universe, system, pilot) else {
            return;
        };
        if let Some(&place) = self.places.get(&pilot.player) {
            self.open.checkpoints[place] = record;
        } else {
            self.places
                .insert(pilot.player.clone(), self.open.checkpoints.len());
            self.open.checkpoints.push(record);
        }
    }

    /// Closes the batch for the store, if there is anything in it.
    pub(super) fn close(&mut self, unix: UnixMillis) -> Option<Batch> {
        if self.len() == 0 {
            return None;
        }
        self.places.clear();
        let next = Batch {
            number: self.open.number + 1,
            ..Batch::default()
        };
        self.submitted = self.open.number;
        let batch = std::mem::replace(&mut self.open, next);
        Some(Batch { unix, ..batch })
    }

    /// Takes back a batch that the store had no room for.
    pub(super) fn reopen(&mut self, batch: Batch) {
        self.submitted = batch.number - 1;
        self.places = batch
            .checkpoints
            .iter()
            .enumerate()
            .map(|(at, pilot)| (pilot.player.clone(), at))
            .collect();
        self.open = batch;
    }
}

fn home(universe: &Universe, system: SystemIndex, station: StationIndex) -> Option<Home> {
    let system = universe.system(system)?;
    let station = system.station(station)?.id.clone();
    Some(Home {
        system: system.id.clone(),
        station,
    })
}

/// A ship at rest where pilots appear.
const fn at_spawn(system: &System) -> store::Place {
    let (x, y, rotation) = system.spawn.middle();
    store::Place::Space {
        x,
        y,
        vx: 0.0,
        vy: 0.0,
        rotation,
    }
}

fn to_record(universe: &Universe, system: SystemIndex, pilot: &Pilot) -> Option<PilotRecord> {
    let here = universe.system(system)?;
    let place = match pilot.place {
        Place::Docked(station) => store::Place::Docked {
            station: here.station(station)?.id.clone(),
        },
        Place::Space {
            x,
            y,
            vx,
            vy,
            rotation,
        } => store::Place::Space {
            x,
            y,
            vx,
            vy,
            rotation,
        },
        Place::New | Place::Spawn => at_spawn(here),
    };
    let held = pilot
        .cargo
        .iter()
        .zip(&universe.commodities)
        .filter(|(units, _)| **units > 0);
    Some(PilotRecord {
        player: pilot.player.clone(),
        system: here.id.clone(),
        place,
        home: pilot
            .home
            .and_then(|(system, station)| home(universe, system, station)),
        credits: pilot.credits,
        hull: pilot.hull,
        fuel: pilot.fuel,
        cargo: held
            .map(|(&units, commodity)| Cargo {
                commodity: commodity.id.clone(),
                quantity: i64::from(units),
            })
            .collect(),
    })
}

/// A stored pilot in this universe. What no longer exists is left out: a lost system means the first
/// one's spawn, a lost station the system's spawn, a lost commodity nothing.
pub(super) fn from_record(universe: &Universe, record: &PilotRecord) -> (SystemIndex, Pilot) {
    let known = universe.system_index(record.system.as_str());
    let index = known.unwrap_or(SystemIndex(0));
    let place = match (&record.place, universe.system(index)) {
        (store::Place::Docked { station }, Some(system)) if known.is_some() => system
            .station_index(station.as_str())
            .map_or(Place::Spawn, Place::Docked),
        (
            &store::Place::Space {
                x,
                y,
                vx,
                vy,
                rotation,
            },
            _,
        ) if known.is_some() => Place::Space {
            x,
            y,
            vx,
            vy,
            rotation,
        },
        _ => Place::Spawn,
    };
    let mut cargo = vec![0; universe.commodities.len()];
    for stored in &record.cargo {
        let index = universe.commodity_index(stored.commodity.as_str());
        if let Some(held) = index.and_then(|index| cargo.get_mut(usize::from(index.0))) {
            *held = u32::try_from(stored.quantity).unwrap_or(0);
        }
    }
    let home = record.home.as_ref().and_then(|home| {
        let system = universe.system_index(home.system.as_str())?;
        let station = universe
            .system(system)?
            .station_index(home.station.as_str())?;
        Some((system, station))
    });
    let pilot = Pilot {
        player: record.player.clone(),
        credits: record.credits,
        cargo,
        hull: record.hull,
        fuel: record.fuel,
        place,
        home,
    };
    (index, pilot)
}

/// Whether a client's request is what moves money or goods for this cause.
const fn is_asked_for(cause: sim::Cause) -> bool {
    matches!(
        cause,
        sim::Cause::Buy | sim::Cause::Sell | sim::Cause::Repair
    )
}

const fn cause(cause: sim::Cause) -> Cause {
    match cause {
        sim::Cause::Grant => Cause::Grant,
        sim::Cause::Buy => Cause::Buy,
        sim::Cause::Sell => Cause::Sell,
        sim::Cause::Repair => Cause::Repair,
        sim::Cause::Bounty => Cause::Bounty,
        sim::Cause::FuelBurned => Cause::FuelBurned,
        sim::Cause::CargoLost => Cause::CargoLost,
        sim::Cause::Production => Cause::Production,
        sim::Cause::Consumption => Cause::Consumption,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pilot(universe: &Universe, name: &str, credits: i64) -> Pilot {
        Pilot {
            player: PlayerId::parse(name).unwrap(),
            credits,
            cargo: vec![0; universe.commodities.len()],
            hull: 100,
            fuel: 100.0,
            place: Place::Spawn,
            home: None,
        }
    }

    #[test]
    fn a_batch_holds_the_newest_record_of_a_pilot_once() {
        let universe = Universe::built_in();
        let mut builder = BatchBuilder::new(7);
        assert_eq!(builder.covering_number(), 7, "nothing new is open");
        assert!(builder.close(UnixMillis(1)).is_none());
        for credits in [1, 2, 3] {
            let ann = pilot(&universe, "ann", credits);
            builder.add_checkpoint(&universe, SystemIndex(0), &ann);
        }
        assert_eq!((builder.number(), builder.covering_number()), (8, 8));
        let batch = builder.close(UnixMillis(1)).unwrap();
        let credits = batch.checkpoints.iter().map(|record| record.credits);
        assert_eq!(credits.collect::<Vec<_>>(), [3]);
        assert_eq!((builder.number(), builder.covering_number()), (9, 8));
    }

    #[test]
    fn a_batch_that_the_store_had_no_room_for_goes_on_under_its_number() {
        let universe = Universe::built_in();
        let mut builder = BatchBuilder::new(0);
        builder.add_checkpoint(&universe, SystemIndex(0), &pilot(&universe, "ann", 1));
        let batch = builder.close(UnixMillis(1)).unwrap();
        builder.reopen(batch);
        builder.add_checkpoint(&universe, SystemIndex(0), &pilot(&universe, "ann", 2));
        builder.add_checkpoint(&universe, SystemIndex(0), &pilot(&universe, "bob", 5));
        let batch = builder.close(UnixMillis(2)).unwrap();
        assert_eq!(batch.number, 1);
        let credits = batch.checkpoints.iter().map(|record| record.credits);
        assert_eq!(credits.collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn a_pilot_comes_back_from_the_record_as_it_was_stored() {
        let universe = Universe::built_in();
        let mut ann = pilot(&universe, "ann", 42);
        ann.place = Place::Docked(StationIndex(0));
        ann.home = Some((SystemIndex(0), StationIndex(0)));
        ann.cargo[0] = 3;
        let record = to_record(&universe, SystemIndex(0), &ann).unwrap();
        assert_eq!(from_record(&universe, &record), (SystemIndex(0), ann));
    }
}
