//! What a bot wants: a small pilot that flies errands, picks fights and trades.
//!
//! Sans-IO: texts of the stream and answers go in ([`BotPilot::hear_snapshot`], [`BotPilot::hear_delta`],
//! [`BotPilot::answered`]), and [`BotPilot::act`] gives the controls and now and then an order. Time is
//! the server's tick. Chance is a generator seeded by the bot's number, so that two swarms of one
//! size fly alike.
//!
//! ```text
//!        ┌────────▶ Cruise ◀───────┬────────────┐
//!        │            │            │            │
//!      Leave      chance picks    Hunt      (destroyed, lost)
//!        ▲            │            ▲            │
//!        │            ├────────────┘            │
//!      Trade ◀────── Dock ──────────────────────┘
//! ```

use super::autopilot::{BotControls, fire_at, fly_to, park_at};
use super::sight::{self, DockedAt, SeenPose, YouSight};
use crate::ids::Name;
use crate::protocol::{Flight, Joined};

/// How far a bot strays from the place where it began, u.
const ROAM: f32 = 400.0;
/// Beyond this no other ship is worth a chase, u.
const HUNT_RANGE: f32 = 700.0;
/// Within this distance of a station the stream is watched for the docking, u.
const DOCK_WATCH: f32 = 600.0;
/// Most stations a bot remembers, and most offers of one market.
const MEMORY_MAX: usize = 64;
/// Ticks between two looks at the own row, and between two at everything.
const OWN_LOOK_TICKS: u64 = 8;
const LOOK_TICKS: u64 = 64;

/// What bots do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Fly, fight, dock and trade.
    Play,
    /// Fly about only: for measuring a steady stream.
    Fly,
}

/// What a pilot asks of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BotOrder {
    /// Buy this many units.
    Buy(Name, Name, u32),
    /// Sell this many units.
    Sell(Name, Name, u32),
    /// Mend the hull.
    Repair(Name),
}

/// What a pilot does at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct BotAction {
    /// Controls to send with the next input.
    pub(super) controls: BotControls,
    /// Something for the station it is docked at; answered before the next.
    pub(super) order: Option<BotOrder>,
}

/// What a pilot saw of a delta that it looked into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Rows, where it was parsed whole.
    pub(super) rows: Option<usize>,
    /// Whether the own ship stood in it, where it was looked for.
    pub(super) has_own: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
enum Errand {
    Cruise {
        x: f32,
        y: f32,
    },
    Hunt,
    Dock {
        station: usize,
    },
    Trade {
        orders_left: u32,
        is_waiting: bool,
    },
    Leave,
    /// Destroyed; waits for the stream to say where it lives again.
    Dead,
}

#[derive(Debug, Clone)]
struct Target {
    pose: SeenPose,
    seen_tick: u64,
}

/// One bot's mind.
#[derive(Debug)]
pub(super) struct BotPilot {
    conduct: Conduct,
    chance: u64,
    flight: Flight,
    /// The own ship's id as it stands in JSON, with its quotes.
    quoted_id: String,
    pose: SeenPose,
    pose_tick: u64,
    turn: f32,
    home: (f32, f32),
    errand: Errand,
    until_tick: u64,
    docked_at: Option<Name>,
    stations: Vec<(Name, f32, f32)>,
    pirates: Vec<String>,
    /// Commodities on sale where the ship is docked.
    offers: Vec<Name>,
    hold: Vec<Name>,
    target: Option<Target>,
    hull: i32,
}

/// What a client assumes of ships when the server does not say.
const FLIGHT: Flight = Flight {
    thrust_accel: 120.0,
    turn_rate: 3.0,
    drag: 0.4,
    radius: 12.0,
    fuel_burn: 0.4,
    empty_tank_thrust: 0.1,
};

impl BotPilot {
    /// The pilot of a bot's number.
    pub(super) fn new(number: u32, conduct: Conduct) -> Self {
        Self {
            conduct,
            chance: u64::from(number) << 32,
            flight: FLIGHT,
            quoted_id: String::new(),
            pose: SeenPose::default(),
            pose_tick: 0,
            turn: 0.0,
            home: (0.0, 0.0),
            errand: Errand::Cruise { x: 0.0, y: 0.0 },
            until_tick: 0,
            docked_at: None,
            stations: Vec::new(),
            pirates: Vec::new(),
            offers: Vec::new(),
            hold: Vec::new(),
            target: None,
            hull: 100,
        }
    }

    /// The system took the ship in.
    pub(super) fn joined(&mut self, joined: &Joined) {
        self.flight = joined.flight.unwrap_or(FLIGHT);
        self.adopt_ship(&joined.ship_id);
        self.pose = SeenPose {
            x: joined.spawn.x.to_f64() as f32,
            y: joined.spawn.y.to_f64() as f32,
            r: joined.spawn.rotation.to_f64() as f32,
            ..SeenPose::default()
        };
        self.pose_tick = joined.tick;
        self.home = (self.pose.x, self.pose.y);
    }

    /// The own ship's id, as the stream writes it.
    pub(super) fn ship_id(&self) -> &str {
        self.quoted_id.trim_matches('"')
    }

    fn adopt_ship(&mut self, id: &str) {
        if self.ship_id() != id {
            self.quoted_id = format!("\"{id}\"");
        }
    }

    /// A snapshot came. Those who only fly have no use for it.
    pub(super) fn hear_snapshot(&mut self, text: &str, tick: u64) {
        if self.conduct == Conduct::Fly {
            return;
        }
        let Some(seen) = sight::snapshot(text) else {
            return;
        };
        self.stations.clear();
        self.pirates.clear();
        for row in &seen.entities {
            match (row.kind, Name::parse(row.id)) {
                (Some("station"), Ok(id)) if self.stations.len() < MEMORY_MAX => {
                    self.stations.push((id, row.x, row.y));
                }
                (Some("pirate"), _) if self.pirates.len() < MEMORY_MAX => {
                    self.pirates.push(row.id.to_owned());
                }
                _ => {}
            }
        }
        self.hear_you(&seen.you, tick);
        if let Some(row) = seen.entities.iter().find(|row| row.id == self.ship_id()) {
            self.pose = row.pose();
            self.pose_tick = tick;
        }
        if let Some(station) = &self.docked_at {
            self.offers = sight::offers(seen.markets, station.as_str(), MEMORY_MAX);
        }
    }

    /// A delta came; returns what was seen of it.
    ///
    /// Work: nothing for most; see the table of [`sight`](super::sight).
    pub(super) fn hear_delta(&mut self, text: &str, tick: u64) -> Seen {
        let turn = tick.wrapping_add(self.chance >> 32);
        let is_told =
            self.watches() && (text.contains("\"docked_at\"") || text.contains("\"ship_id\""));
        if is_told || turn.is_multiple_of(LOOK_TICKS) {
            let Some(seen) = sight::delta(text) else {
                return Seen::default();
            };
            if let Some(you) = &seen.you {
                self.hear_you(you, tick);
            }
            self.look(&seen, tick);
            return Seen {
                rows: Some(seen.entity_updates.len()),
                has_own: None,
            };
        }
        if !turn.is_multiple_of(OWN_LOOK_TICKS) {
            return Seen::default();
        }
        let own = sight::own_row(text, &self.quoted_id);
        if let Some(pose) = own {
            self.pose = pose;
            self.pose_tick = tick;
        }
        Seen {
            rows: None,
            has_own: Some(own.is_some()),
        }
    }

    /// Whether the errand hangs on what the next delta says of the own pilot.
    fn watches(&self) -> bool {
        match self.errand {
            Errand::Dead => true,
            Errand::Dock { station } => self.distance_to_station(station) < DOCK_WATCH,
            _ => false,
        }
    }

    fn distance_to_station(&self, station: usize) -> f32 {
        let place = self.stations.get(station);
        place.map_or(f32::MAX, |(_, x, y)| {
            (x - self.pose.x).hypot(y - self.pose.y)
        })
    }

    fn look(&mut self, seen: &sight::DeltaSight<'_>, tick: u64) {
        let mut nearest = HUNT_RANGE;
        self.target = None;
        for row in &seen.entity_updates {
            if row.id == self.ship_id() {
                self.pose = row.pose();
                self.pose_tick = tick;
                continue;
            }
            let is_foe = row.id.starts_with("s_") || self.pirates.iter().any(|id| id == row.id);
            let distance = (row.x - self.pose.x).hypot(row.y - self.pose.y);
            if is_foe && distance < nearest {
                nearest = distance;
                self.target = Some(Target {
                    pose: row.pose(),
                    seen_tick: tick,
                });
            }
        }
    }

    fn hear_you(&mut self, you: &YouSight<'_>, tick: u64) {
        if let Some(id) = you.ship_id {
            self.adopt_ship(id);
        }
        self.hull = you.hull.unwrap_or(self.hull);
        if self.errand == Errand::Dead && you.hull.is_some_and(|hull| hull > 0) {
            self.cruise(tick);
        }
        self.docked_at = match you.docked_at {
            DockedAt::Unsaid => return,
            DockedAt::Space => None,
            DockedAt::Station(id) => Name::parse(id).ok(),
        };
        match (&self.docked_at, &self.errand) {
            (Some(_), Errand::Trade { .. } | Errand::Leave) => {}
            (Some(_), _) if self.conduct == Conduct::Play => {
                let orders_left = 3 + self.roll(4);
                self.errand = Errand::Trade {
                    orders_left,
                    is_waiting: false,
                };
                self.until_tick = tick + 600;
            }
            (None, Errand::Trade { .. }) => self.cruise(tick),
            _ => {}
        }
    }

    /// The own ship was destroyed.
    pub(super) fn destroyed(&mut self, tick: u64) {
        self.errand = Errand::Dead;
        self.until_tick = tick + 300;
        self.hold.clear();
    }

    /// The order in flight was answered; `is_done`: it was carried out.
    pub(super) fn answered(&mut self, order: &BotOrder, is_done: bool) {
        if let (BotOrder::Buy(_, commodity, _), true) = (order, is_done)
            && self.hold.len() < MEMORY_MAX
        {
            self.hold.push(commodity.clone());
        }
        if let Errand::Trade { is_waiting, .. } = &mut self.errand {
            *is_waiting = false;
        }
    }

    /// The controls of this moment, and an order where the pilot has one. `tick` is the newest seen.
    pub(super) fn act(&mut self, tick: u64) -> BotAction {
        if tick >= self.until_tick {
            self.next_errand(tick);
        }
        let pose = self.predicted(tick);
        let mut order = None;
        let controls = match self.errand.clone() {
            Errand::Cruise { x, y } => {
                if (x - pose.x).hypot(y - pose.y) < 60.0 {
                    self.until_tick = tick;
                }
                fly_to(&pose, x, y)
            }
            Errand::Hunt => match &self.target {
                Some(target) => {
                    let age_s = tick.saturating_sub(target.seen_tick) as f32 / 30.0;
                    fire_at(&pose, &target.pose, age_s)
                }
                None => fly_to(&pose, self.home.0, self.home.1),
            },
            Errand::Dock { station } => match self.stations.get(station) {
                Some((_, x, y)) => park_at(&pose, *x, *y, self.flight.drag as f32),
                None => BotControls::default(),
            },
            Errand::Trade {
                orders_left,
                is_waiting,
            } => {
                if !is_waiting {
                    order = self.next_order(orders_left, tick);
                }
                BotControls::default()
            }
            Errand::Leave => BotControls {
                thrust: 1.0,
                ..BotControls::default()
            },
            Errand::Dead => BotControls::default(),
        };
        self.turn = controls.turn;
        BotAction { controls, order }
    }

    /// Where the ship is by now: the last pose seen, carried on by its own motion and controls.
    fn predicted(&self, tick: u64) -> SeenPose {
        let age_s = tick.saturating_sub(self.pose_tick).min(60) as f32 / 30.0;
        SeenPose {
            x: self.pose.x + self.pose.vx * age_s,
            y: self.pose.y + self.pose.vy * age_s,
            r: self.pose.r + self.turn * self.flight.turn_rate as f32 * age_s,
            ..self.pose
        }
    }

    fn next_errand(&mut self, tick: u64) {
        if matches!(self.errand, Errand::Trade { .. }) {
            self.leave(tick);
            return;
        }
        let chance = self.roll(10);
        match self.conduct {
            Conduct::Play if chance < 4 && self.target.is_some() => {
                self.errand = Errand::Hunt;
                self.until_tick = tick + 240;
            }
            Conduct::Play if chance < 7 && !self.stations.is_empty() => {
                let station = self.nearest_station();
                self.errand = Errand::Dock { station };
                self.until_tick = tick + 900;
            }
            _ => self.cruise(tick),
        }
    }

    fn nearest_station(&self) -> usize {
        let distance = |station: &usize| self.distance_to_station(*station);
        let by_distance = |a: &usize, b: &usize| distance(a).total_cmp(&distance(b));
        (0..self.stations.len()).min_by(by_distance).unwrap_or(0)
    }

    fn cruise(&mut self, tick: u64) {
        let span = 2.0 * ROAM;
        let (dx, dy) = (
            self.roll(1000) as f32 / 1000.0,
            self.roll(1000) as f32 / 1000.0,
        );
        self.errand = Errand::Cruise {
            x: self.home.0 + dx * span - ROAM,
            y: self.home.1 + dy * span - ROAM,
        };
        self.until_tick = tick + 90 + u64::from(self.roll(90));
    }

    fn leave(&mut self, tick: u64) {
        self.errand = Errand::Leave;
        self.until_tick = tick + 60;
        self.docked_at = None;
    }

    /// The next of a visit's orders: mend, buy, sell, by turns; then the ship leaves.
    fn next_order(&mut self, orders_left: u32, tick: u64) -> Option<BotOrder> {
        let Some(station) = self.docked_at.clone().filter(|_| orders_left > 0) else {
            self.leave(tick);
            return None;
        };
        self.errand = Errand::Trade {
            orders_left: orders_left - 1,
            is_waiting: true,
        };
        if self.hull < 100 {
            self.hull = 100;
            return Some(BotOrder::Repair(station));
        }
        let quantity = 1 + self.roll(3);
        if orders_left.is_multiple_of(2)
            && let Some(commodity) = self.hold.pop()
        {
            return Some(BotOrder::Sell(station, commodity, 1));
        }
        let pick = self.roll(self.offers.len().max(1) as u32) as usize;
        let Some(commodity) = self.offers.get(pick) else {
            // The market's list comes with the next snapshot.
            self.errand = Errand::Trade {
                orders_left,
                is_waiting: false,
            };
            return None;
        };
        Some(BotOrder::Buy(station, commodity.clone(), quantity))
    }

    /// A whole number below `sides`, of which there is at least one (splitmix64).
    fn roll(&mut self, sides: u32) -> u32 {
        let (number, count) = (self.chance >> 32, self.chance & 0xffff_ffff);
        self.chance = (number << 32) | (count.wrapping_add(1) & 0xffff_ffff);
        let mut mixed = self.chance.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed >> 40) as u32) % sides.max(1)
    }
}

#[cfg(test)]
#[path = "pilot_tests.rs"]
mod tests;
