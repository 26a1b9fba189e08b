//! A client's own part of a frame: its `you`, its zones, its newest input.
//!
//! Owns what was last told to a client of its own state, so that a delta's `you` holds only what
//! changed. Money and cargo come from a [`Wallet`], because they may be told only once they are
//! durable; hull, fuel and dock come from the world as it is.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::view::View;
use crate::ids::{ConnId, Handle, StationIndex};
use crate::protocol::Fixed2;
use crate::protocol::row::{DockText, EntityText, append};
use crate::protocol::world::{CargoRow, YouRow};
use crate::sim::PilotView as Pilot;
use crate::universe::{System, Universe};

/// A pilot's money and hold, as far as they may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wallet {
    /// Balance in whole credits.
    pub credits: i64,
    /// Units held, by commodity.
    pub cargo: Vec<u32>,
}

/// A connected pilot in one system.
#[derive(Debug)]
pub struct Viewer {
    /// Whose view it is.
    pub conn: ConnId,
    /// The pilot's ship.
    pub ship: Handle,
    /// What the client saw a frame ago.
    pub(super) view: View,
    /// How many entities that were.
    pub(super) known: u32,
    /// Whether that was thinned.
    pub(super) is_thinned: bool,
    /// The frame in which it last began anew.
    pub(super) restarted: u64,
    pub(super) due: Due,
    /// Money and hold that may be told.
    wallet: Wallet,
    /// Whether that was set since it was last compared with what was told: nearly never, and the
    /// comparison would fetch both holds from far away, for every client and tick.
    is_wallet_new: bool,
    told: Told,
}

/// What the next frame shall carry for a client besides its delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Nothing,
    /// A snapshot, if the whole view fits into one.
    Correction,
    /// A snapshot, with a smaller view if it must be.
    Snapshot,
}

/// The own state as the client knows it.
#[derive(Debug, Default)]
struct Told {
    credits: i64,
    cargo: Vec<u32>,
    hull: i32,
    fuel: Fixed2,
    docked_at: Option<StationIndex>,
    dock_ready_tick: u64,
}

impl Viewer {
    /// A client that has seen nothing: its first frame carries a snapshot.
    pub fn new(conn: ConnId, ship: Handle, wallet: Wallet) -> Self {
        Self {
            conn,
            ship,
            view: View::NOTHING,
            known: 0,
            is_thinned: false,
            restarted: 0,
            due: Due::Snapshot,
            wallet,
            is_wallet_new: true,
            told: Told::default(),
        }
    }

    /// The next frame shall carry a snapshot.
    pub fn owe_snapshot(&mut self) {
        self.due = Due::Snapshot;
    }

    /// The next frame shall carry a snapshot if the whole view fits into one: it only corrects.
    pub fn owe_correction(&mut self) {
        self.due = self.due.max(Due::Correction);
    }

    /// What the client sees as of the newest frame.
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Whether that is told by turns: rows may be of an earlier frame.
    pub const fn is_thinned(&self) -> bool {
        self.is_thinned
    }

    /// Sets what may be told of money and hold.
    pub fn set_wallet(&mut self, wallet: &Wallet) {
        self.wallet.clone_from(wallet);
        self.is_wallet_new = true;
    }

    /// Appends the `you` of a delta, `{…}` with what changed since it was last told, or nothing.
    /// When docking is possible again is told while it lies ahead of `tick`.
    pub(super) fn you_changes(
        &mut self,
        pilot: &Pilot<'_>,
        tick: u64,
        scene: Scene<'_>,
        arena: &Bump,
        out: &mut Vec<u8>,
    ) {
        let fuel = Fixed2::new(pilot.fuel);
        let cargo_changed =
            std::mem::take(&mut self.is_wallet_new) && self.told.cargo != self.wallet.cargo;
        let hold = cargo_changed.then(|| scene.hold(&self.wallet.cargo, arena));
        let row = YouRow {
            ship_id: None,
            credits: (self.told.credits != self.wallet.credits).then_some(self.wallet.credits),
            hull: (self.told.hull != pilot.hull).then_some(pilot.hull),
            fuel: (self.told.fuel != fuel).then_some(fuel),
            cargo: hold.as_deref(),
            docked_at: (self.told.docked_at != pilot.docked_at)
                .then(|| scene.dock(pilot.docked_at)),
            dock_ready_tick: self
                .dock_ready_ahead(pilot, tick)
                .filter(|&ready| ready != self.told.dock_ready_tick),
            cargo_capacity: None,
            hull_max: None,
            fuel_max: None,
        };
        if !row.is_empty() {
            append(&row, out);
            self.remember(pilot);
        }
    }

    /// Appends the whole `you` of a snapshot.
    pub(super) fn you(
        &mut self,
        pilot: &Pilot<'_>,
        tick: u64,
        scene: Scene<'_>,
        arena: &Bump,
        out: &mut Vec<u8>,
    ) {
        let hold = scene.hold(&self.wallet.cargo, arena);
        let ship = &scene.universe.ship;
        let row = YouRow {
            ship_id: Some(super::encode::text(&pilot.ship_id, scene.system)),
            credits: Some(self.wallet.credits),
            hull: Some(pilot.hull),
            fuel: Some(Fixed2::new(pilot.fuel)),
            cargo: Some(&hold),
            docked_at: Some(scene.dock(pilot.docked_at)),
            dock_ready_tick: self.dock_ready_ahead(pilot, tick),
            cargo_capacity: Some(ship.cargo_capacity),
            hull_max: Some(ship.hull_max),
            fuel_max: Some(Fixed2::new(ship.fuel_max)),
        };
        append(&row, out);
        self.remember(pilot);
    }

    fn remember(&mut self, pilot: &Pilot<'_>) {
        self.told.credits = self.wallet.credits;
        self.told.cargo.clone_from(&self.wallet.cargo);
        self.told.hull = pilot.hull;
        self.told.fuel = Fixed2::new(pilot.fuel);
        self.told.docked_at = pilot.docked_at;
        self.told.dock_ready_tick = self.dock_ready(pilot);
    }

    /// When the ship may dock or undock. While it is destroyed, what was told last stays true enough.
    fn dock_ready(&self, pilot: &Pilot<'_>) -> u64 {
        match pilot.row {
            Some(_) => pilot.dock_ready_tick,
            None => self.told.dock_ready_tick,
        }
    }

    fn dock_ready_ahead(&self, pilot: &Pilot<'_>, tick: u64) -> Option<u64> {
        Some(self.dock_ready(pilot)).filter(|&ready| ready > tick)
    }
}

/// What names stand for.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) universe: &'a Universe,
    pub(super) system: &'a System,
}

impl<'a> Scene<'a> {
    /// What is in a hold, without the empty places.
    fn hold<'b>(self, cargo: &[u32], arena: &'b Bump) -> BumpVec<'b, CargoRow<'a>> {
        let mut rows = BumpVec::new_in(arena);
        for (&qty, commodity) in cargo.iter().zip(&self.universe.commodities) {
            if qty > 0 {
                rows.push(CargoRow {
                    commodity_id: EntityText::from(&commodity.id),
                    qty,
                });
            }
        }
        rows
    }

    fn dock(self, docked_at: Option<StationIndex>) -> DockText<'a> {
        DockText(
            docked_at
                .and_then(|station| self.system.station(station))
                .map(|station| &station.id),
        )
    }

    /// A station's id between quotes.
    pub(super) fn station(self, index: StationIndex) -> EntityText<'a> {
        match self.system.station(index) {
            Some(station) => EntityText::from(&station.id),
            None => EntityText::new(b""),
        }
    }
}
