//! The invariants that are checked on the whole cluster: clients against the truth in every tick,
//! everybody told in calm weather, stations' shelves against the books at a clean end.

use orrery::ids::SystemIndex;
use orrery::limits::{GATEWAY_QUEUE_MAX, INBOX_MAX, ORDERS_PENDING_MAX, STICKY_FRAMES, SWEEP_MS};

use super::seat::SeatState;
use super::server::Cluster;
use super::truth::Truth;

/// Rows in a view that are told every tick for sure; with more, some may come late.
const CALM_ROWS_MAX: usize = 50;

impl Cluster {
    /// Remembers whose ship is a wreck, before anybody is told of it.
    pub(super) fn note_wrecks(&mut self) {
        for index in 0..self.universe.systems.len() {
            let world = self.node.world(SystemIndex(index as u16));
            let world = world.expect("a world a system");
            for &ship in world.pilot_ships() {
                let wreck = world.pilot(ship).filter(|pilot| pilot.row.is_none());
                if let Some(pilot) = wreck {
                    self.told.wrecked.insert(pilot.player.clone(), self.tick);
                }
            }
        }
    }

    /// Compares every client that is up to date with the truth.
    pub(crate) fn check(&mut self) {
        assert!(
            (self.inbox_len)() <= INBOX_MAX.min(GATEWAY_QUEUE_MAX),
            "queues bounded"
        );
        assert!(
            self.disk().waiting() <= self.setup.disk_capacity,
            "queues bounded"
        );
        for index in 0..self.universe.systems.len() {
            let system = SystemIndex(index as u16);
            let world = self.node.world(system).expect("a world a system");
            let (steerings, orders) = self.node.pending_commands(system);
            assert!(
                steerings <= 2 * world.pilots_count() && orders <= ORDERS_PENDING_MAX,
                "queues bounded: {steerings} steerings of {} pilots wait, {orders} orders",
                world.pilots_count()
            );
            if std::mem::replace(&mut self.stepped[index], world.tick()) == world.tick() {
                self.told.count("tick stood still");
                // It stood still in this tick; who came and went shows with its next step. What a
                // gateway that had slept told now is about ticks that are over.
                for seat in &mut self.seats {
                    if seat.model.system.as_deref() == Some(world.system().id.as_str()) {
                        seat.model.gone.clear();
                    }
                }
                continue;
            }
            let truth = Truth::of(world);
            truth.check_finite();
            let past = &mut self.pasts[index];
            truth.remember(past);
            let here = self.seats.iter_mut().filter(|seat| {
                seat.stage == SeatState::Aboard
                    && seat.model.system.as_deref() == Some(world.system().id.as_str())
            });
            for seat in here {
                let gone = std::mem::take(&mut seat.model.gone);
                if seat.is_deaf {
                    continue;
                }
                let Some(&(ship, is_in_space)) = truth.ships.get(&seat.player) else {
                    continue;
                };
                if !is_in_space && seat.model.tick.is_some() {
                    self.told.count("tick as a wreck");
                }
                if seat.model.tick != Some(world.tick()) {
                    continue;
                }
                let viewer = self.node.viewer(seat.conn).expect("it was shown this tick");
                let view = viewer.view();
                if truth.rows_in(view) > CALM_ROWS_MAX || self.is_overloaded {
                    seat.calm_from = self.tick + u64::from(STICKY_FRAMES) + 1;
                }
                seat.model.is_crowded = self.tick < seat.calm_from;
                let late_rows = truth.compare(&seat.model, view, past);
                self.told.count("up to date");
                if seat.model.snapshot_tick == seat.model.tick {
                    self.told.count("snapshot compared");
                }
                if late_rows > 0 {
                    self.told.count("late rows");
                }
                if view.steps_off() > 0 {
                    self.told.count("shrunk view");
                }
                if self.asleep.iter().all(|&until| until < self.tick) {
                    truth.check_gone(&gone);
                }
                truth.check_you(&seat.model, ship);
            }
        }
    }

    /// *No session outlives its token.*
    pub(super) fn check_tokens(&self) {
        let now = self.unix().0;
        for seat in &self.seats {
            let is_awake = self.asleep[usize::from(seat.conn.shard)] <= self.tick;
            let is_on = matches!(seat.stage, SeatState::Ashore | SeatState::Aboard);
            if let Some((_, latest)) = seat.ends.filter(|_| is_on && is_awake) {
                let late_ms = now.saturating_sub(latest.0);
                assert!(
                    late_ms <= SWEEP_MS + 100,
                    "{} is on {late_ms} ms after its token",
                    seat.player
                );
            }
        }
    }

    /// *Cargo conserved*: what stations hold is what the books say, once all is durable.
    pub(super) fn check_shelves(&self) {
        let shelf = &self.disk().shelf;
        for system in &self.universe.systems {
            let index = self.universe.system_index(system.id.as_str()).unwrap();
            let world = self.node.world(index).unwrap();
            for (station, commodity, units) in world.market().stocks() {
                let station = system.station(station).unwrap().id.clone();
                let commodity = self.universe.commodity(commodity).unwrap().id.clone();
                let key = (system.id.clone(), station, commodity);
                let kept = shelf.stocks.get(&key).copied().unwrap_or(0);
                assert_eq!(kept, units, "cargo conserved: the shelf of {key:?}");
            }
        }
    }

    /// In calm weather a client has been told everything, money too; else what differs.
    pub(crate) fn check_told_all(&self, place: usize) -> Result<(), String> {
        let seat = &self.seats[place];
        let aboard = seat.model.system.as_deref();
        let aboard = aboard.filter(|_| seat.stage == SeatState::Aboard && !seat.is_deaf);
        let Some(name) = aboard else {
            return Ok(());
        };
        let system = self.universe.system_index(name).expect("a system");
        let world = self.node.world(system).expect("a world");
        let truth = Truth::of(world);
        let Some(&(ship, is_in_space)) = truth.ships.get(&seat.player) else {
            return Ok(());
        };
        if !is_in_space && seat.model.tick.is_none() {
            return Ok(());
        }
        if self.is_overloaded && seat.model.tick == Some(world.tick() - 1) {
            // The tick is told with the next.
            return Ok(());
        }
        assert_eq!(
            seat.model.tick,
            Some(world.tick()),
            "in calm weather a client is up to date"
        );
        let pilot = world.pilot(ship).expect("a pilot");
        let told = seat.model.belongings().expect("a snapshot came");
        let (held, told_held) = (
            pilot.cargo.iter().map(|&units| i64::from(units)).sum(),
            told.cargo.values().sum::<i64>(),
        );
        if (told.credits, told_held) == (pilot.credits, held) {
            return Ok(());
        }
        Err(format!("{told:?}, not {pilot:?}"))
    }
}
