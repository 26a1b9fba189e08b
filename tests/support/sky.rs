//! The world as one client rebuilds it from the stream, and the rules that the stream must keep.
//!
//! A snapshot that comes behind a delta of the same tick must show exactly what the deltas added up
//! to; whatever a delta leaves out, or tells twice, fails here.

use std::collections::{BTreeMap, HashSet};

use orrery::ids::EntityKind;
use orrery::protocol::Joined;
use orrery::protocol::world::{
    Delta, Entity, EntityUpdate, Market, RemovalReason, Snapshot, You, YouChanges, Zone,
    ZoneContext,
};

/// What a client knows of its system.
#[derive(Debug, Default)]
pub(crate) struct Sky {
    /// The newest message's tick.
    pub(crate) tick: u64,
    pub(crate) entities: BTreeMap<String, Entity>,
    pub(crate) markets: Vec<Market>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) context: Option<ZoneContext>,
    pub(crate) last_input_seq: Option<u64>,
    pub(crate) deltas_count: u64,
    /// Ticks at which snapshots came.
    pub(crate) snapshots: Vec<u64>,
    /// Why each entity was last removed.
    pub(crate) gone: BTreeMap<String, RemovalReason>,
    you: Option<You>,
    joined: Option<Joined>,
    /// Shots that are over; their ids never come back.
    ended: HashSet<String>,
}

impl Sky {
    /// The own state.
    pub(crate) fn you(&self) -> &You {
        self.you.as_ref().expect("a snapshot came")
    }

    /// The answer to the newest join.
    pub(crate) fn joined(&self) -> &Joined {
        self.joined.as_ref().expect("a system was joined")
    }

    /// The own ship's id.
    pub(crate) fn ship_id(&self) -> &str {
        &self.joined().ship_id
    }

    /// The own ship; none while it is destroyed.
    pub(crate) fn ship(&self) -> Option<&Entity> {
        self.entities.get(self.ship_id())
    }

    /// The station docked at.
    pub(crate) fn docked_at(&self) -> Option<&str> {
        Some(self.you().docked_at.as_ref()?.as_str())
    }

    /// Units of a commodity in the hold.
    pub(crate) fn held(&self, commodity: &str) -> u32 {
        let cargo = self.you().cargo.iter();
        let units = cargo.filter(|cargo| cargo.commodity_id.as_str() == commodity);
        units.map(|cargo| cargo.qty).sum()
    }

    /// A station's price for a commodity: what a pilot pays, gets, and how much is there.
    pub(crate) fn price(&self, station: &str, commodity: &str) -> (i64, i64, i64) {
        let here = self.markets.iter();
        let market = here.filter(|market| market.station_id.as_str() == station);
        let mut prices = market.flat_map(|market| &market.prices);
        let price = prices.find(|price| price.commodity_id.as_str() == commodity);
        let price = price.expect("a price");
        (price.buy, price.sell, price.stock.expect("a stock"))
    }

    /// The first entity of a kind.
    pub(crate) fn first(&self, kind: EntityKind) -> Option<&Entity> {
        self.entities.values().find(|entity| entity.kind == kind)
    }

    pub(crate) fn join(&mut self, joined: &Joined) {
        let same = |before: &Joined| {
            before.system_id == joined.system_id && before.ship_id == joined.ship_id
        };
        if !self.joined.as_ref().is_some_and(same) {
            *self = Self::default();
        }
        self.last_input_seq = None;
        self.joined = Some(joined.clone());
    }

    pub(crate) fn replace(&mut self, snapshot: &Snapshot) {
        assert_eq!(snapshot.you.ship_id, self.ship_id());
        let mut entities = BTreeMap::new();
        for entity in &snapshot.entities {
            let twice = entities.insert(entity.id.clone(), entity.clone());
            assert_eq!(twice, None, "an entity stands once in a snapshot");
        }
        if self.tick == snapshot.tick && self.deltas_count > 0 {
            assert_eq!(self.entities, entities, "deltas add up to the snapshot");
            if let Some(you) = &mut self.you {
                // A pause that is over is not told again.
                you.dock_ready_tick = you.dock_ready_tick.filter(|&ready| ready > self.tick);
            }
            assert_eq!(self.you.as_ref(), Some(&snapshot.you));
        }
        assert!(snapshot.tick >= self.tick, "time runs forward");
        self.tick = snapshot.tick;
        self.entities = entities;
        self.markets.clone_from(&snapshot.markets);
        self.zones.clone_from(&snapshot.zones);
        self.you = Some(snapshot.you.clone());
        self.snapshots.push(snapshot.tick);
    }

    pub(crate) fn update(&mut self, delta: &Delta) {
        assert!(
            self.you.is_some(),
            "a snapshot comes before the first delta"
        );
        assert_eq!(delta.tick, self.tick + 1, "no tick is left out");
        self.tick = delta.tick;
        self.deltas_count += 1;
        for id in &delta.entity_removed {
            self.forget(id, delta);
        }
        let told = delta.gone.as_ref().map_or(0, BTreeMap::len);
        assert!(
            told <= delta.entity_removed.len(),
            "reasons are of removals"
        );
        let mut seen = HashSet::new();
        for row in &delta.entity_updates {
            assert!(seen.insert(&row.id), "{} stands once in a delta", row.id);
            self.take(row);
        }
        if let Some(changes) = &delta.you {
            self.change(changes);
        }
        let applied = delta.last_input_seq;
        assert!(
            applied >= self.last_input_seq,
            "inputs are applied in order"
        );
        self.last_input_seq = applied;
        self.context = Some(delta.you_zone_context.clone());
    }

    fn forget(&mut self, id: &str, delta: &Delta) {
        let known = self.entities.remove(id);
        let known = known.unwrap_or_else(|| panic!("{id} is removed once, and was known"));
        let reason = delta.gone.as_ref().and_then(|gone| gone.get(id));
        let reason = *reason.unwrap_or_else(|| panic!("{id} went for a reason"));
        if known.kind == EntityKind::Projectile && reason != RemovalReason::LeftView {
            self.ended.insert(id.to_owned());
        }
        self.gone.insert(id.to_owned(), reason);
    }

    fn take(&mut self, row: &EntityUpdate) {
        let known = self.entities.get(&row.id).map(|entity| entity.kind);
        let kind = match (known, row.kind) {
            (Some(kind), None) | (None, Some(kind)) => kind,
            (Some(_), Some(_)) => panic!("{} was in view already and has a kind", row.id),
            (None, None) => panic!("{} comes into view without a kind", row.id),
        };
        assert!(!self.ended.contains(&row.id), "{} is over", row.id);
        let entity = Entity {
            id: row.id.clone(),
            kind,
            x: row.x,
            y: row.y,
            vx: row.vx,
            vy: row.vy,
            r: row.r,
            hp: row.hp,
        };
        self.entities.insert(row.id.clone(), entity);
    }

    fn change(&mut self, changes: &YouChanges) {
        assert_ne!(changes, &YouChanges::default(), "a `you` that says nothing");
        let you = self.you.as_mut().expect("a snapshot came");
        let before = you.clone();
        let YouChanges {
            ship_id,
            credits,
            hull,
            fuel,
            cargo,
            docked_at,
            dock_ready_tick,
        } = changes.clone();
        assert_eq!(ship_id, None, "a pilot keeps one ship in a system");
        you.credits = changed(credits, before.credits, "credits");
        you.hull = changed(hull, before.hull, "hull");
        you.fuel = changed(fuel, before.fuel, "fuel");
        you.cargo = changed(cargo, before.cargo, "cargo");
        you.docked_at = changed(docked_at, before.docked_at, "docked_at");
        let (told, known) = (dock_ready_tick.map(Some), before.dock_ready_tick);
        you.dock_ready_tick = changed(told, known, "dock_ready_tick");
        let is_ahead = dock_ready_tick.is_none_or(|ready| ready > self.tick);
        assert!(is_ahead, "told while it lies ahead");
    }
}

/// The new value if there is one, which then must differ.
fn changed<T: PartialEq + std::fmt::Debug>(new: Option<T>, old: T, field: &str) -> T {
    assert_ne!(
        new.as_ref(),
        Some(&old),
        "only what changed is told: {field}"
    );
    new.unwrap_or(old)
}
