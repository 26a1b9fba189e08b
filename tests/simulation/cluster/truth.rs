//! What a client should believe: the server's own world, as far as the server shows it.

use std::collections::{HashMap, VecDeque};

use orrery::ids::{EntityKind, Handle, PlayerId};
use orrery::limits::{FRAME_TICKS_MAX, STICKY_FRAMES, TICK_SECONDS};
use orrery::protocol::world::RemovalReason;
use orrery::protocol::{Angle, Fixed2};
use orrery::replication::View;
use orrery::replication::view::{CellId, Grid};
use orrery::sim::World;

use super::model::{Known, Model};

/// One entity as the wire would tell it.
pub(crate) struct Seen {
    pub(crate) cell: CellId,
    pub(crate) known: Known,
}

/// What was true in the newest ticks of a world, by tick: in a crowd a client may be told late, but
/// never of what was not so.
#[derive(Default)]
pub(crate) struct Past(VecDeque<HashMap<String, Known>>);

impl Past {
    /// Whether an entity was just this in one of the ticks that may still be on their way.
    fn held(&self, id: &str, known: &Known) -> bool {
        self.0.iter().any(|tick| tick.get(id) == Some(known))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// A world after a step, in the wire's numbers.
pub(crate) struct Truth<'a> {
    pub(crate) world: &'a World,
    pub(crate) grid: Grid,
    pub(crate) seen: HashMap<&'a str, Seen>,
    /// Every pilot's ship, and whether it is in space, not destroyed.
    pub(crate) ships: HashMap<&'a PlayerId, (Handle, bool)>,
}

impl<'a> Truth<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        let entities = world.entities();
        let mut seen = HashMap::with_capacity(entities.len());
        for (row, id) in entities.ids().iter().enumerate() {
            let known = Known {
                kind: entities.kinds()[row],
                x: Fixed2::new(entities.xs()[row]),
                y: Fixed2::new(entities.ys()[row]),
                vx: Fixed2::new(entities.vxs()[row]),
                vy: Fixed2::new(entities.vys()[row]),
                r: Angle::new(entities.rotation(row)),
                hp: entities.hulls()[row],
            };
            let cell = CellId(entities.cells()[row]);
            let former = seen.insert(world.id_text(id), Seen { cell, known });
            assert!(former.is_none(), "ids are unique");
        }
        let ships = world.pilot_ships().iter().filter_map(|&ship| {
            Some((
                world.pilot(ship)?.player,
                (ship, entities.row(ship).is_some()),
            ))
        });
        Self {
            world,
            grid: Grid::of(world.cells()),
            ships: ships.collect(),
            seen,
        }
    }

    /// *State finite*: every number is one, and nobody is outside or faster than can be.
    pub(crate) fn check_finite(&self) {
        let entities = self.world.entities();
        let half = self.world.system().half_extent + 1.0;
        for row in 0..entities.len() {
            let (x, y) = (entities.xs()[row], entities.ys()[row]);
            let (vx, vy) = (entities.vxs()[row], entities.vys()[row]);
            let fine = [x, y, vx, vy, entities.rotation(row), entities.fuels()[row]]
                .iter()
                .all(|number| number.is_finite());
            assert!(fine, "state finite: row {row}");
            assert!(
                x.abs() <= half && y.abs() <= half,
                "in bounds: row {row} at {x}, {y}"
            );
            let step = vx.hypot(vy) * TICK_SECONDS;
            assert!(step < half, "in bounds: row {row} moves {step} a tick");
        }
    }

    /// How many entities a view holds.
    pub(crate) fn rows_in(&self, view: &View) -> usize {
        let seen = self.seen.values();
        seen.filter(|seen| view.sees(seen.cell, self.grid)).count()
    }

    /// Takes note of this tick as one that clients may be told of late.
    pub(crate) fn remember(&self, past: &mut Past) {
        // An entity's turn comes at least once in so many frames, this one included.
        while past.0.len() >= STICKY_FRAMES as usize * FRAME_TICKS_MAX as usize {
            past.0.pop_front();
        }
        let seen = self.seen.iter();
        past.0.push_back(
            seen.map(|(id, seen)| ((*id).to_owned(), seen.known))
                .collect(),
        );
    }

    /// *The client's world equals the server's truth*: nobody missing, nobody extra, everybody where
    /// the server has them. In a crowd a row may be of one of the newest ticks; not so in a tick with
    /// a snapshot. Returns how many rows are late.
    pub(crate) fn compare(&self, model: &Model, view: &View, past: &Past) -> usize {
        self.difference(model, view, past).unwrap_or_else(|why| {
            panic!("the client's world equals the server's truth: {why}, in {view:?}")
        })
    }

    /// How many rows are late, or what cannot be.
    fn difference(&self, model: &Model, view: &View, past: &Past) -> Result<usize, String> {
        let visible = |seen: &Seen| view.sees(seen.cell, self.grid);
        let (mut count, mut late_rows) = (0, 0);
        for (id, seen) in self.seen.iter().filter(|(_, seen)| visible(seen)) {
            count += 1;
            let Some(known) = model.entities.get(*id) else {
                return Err(format!(
                    "{id} is missing: {:?} in {:?}",
                    seen.known, seen.cell
                ));
            };
            if *known == seen.known {
                continue;
            }
            late_rows += 1;
            if !model.may_be_late() || *id == model.ship || !past.held(id, known) {
                return Err(format!("{id} is {known:?}, should be {:?}", seen.known));
            }
        }
        if count == model.entities.len() {
            return Ok(late_rows);
        }
        let is_extra = |id: &&String| !self.seen.get(id.as_str()).is_some_and(visible);
        let extra = model.entities.keys().find(is_extra);
        Err(format!("{extra:?} should not be seen"))
    }

    /// *`gone` agrees* with what became of the entity.
    pub(crate) fn check_gone(&self, gone: &[(String, RemovalReason)]) {
        for (id, reason) in gone {
            let is_here = self.seen.contains_key(id.as_str());
            let is_right = match reason {
                RemovalReason::LeftView => is_here,
                RemovalReason::Destroyed | RemovalReason::Jumped | RemovalReason::Despawned => {
                    !is_here
                }
            };
            assert!(
                is_right,
                "`gone` agrees: {id} is said to be {reason:?}, here: {is_here}"
            );
        }
    }

    /// The own state is told as it is, money aside.
    pub(crate) fn check_you(&self, model: &Model, ship: Handle) {
        let (Some(you), Some(pilot)) = (&model.you, self.world.pilot(ship)) else {
            return;
        };
        assert_eq!(you.hull, pilot.hull, "`you.hull` is the ship's");
        assert_eq!(
            you.fuel,
            Fixed2::new(pilot.fuel),
            "`you.fuel` is the ship's"
        );
        let dock = pilot
            .docked_at
            .and_then(|at| self.world.system().station(at));
        assert_eq!(
            you.docked_at.as_ref(),
            dock.map(|station| &station.id),
            "`you.docked_at`"
        );
        let ready = Some(pilot.dock_ready_tick).filter(|&ready| ready > self.world.tick());
        assert!(
            ready.is_none() || you.dock_ready_tick == ready,
            "`you.dock_ready_tick`"
        );
        // Snapshots do not tell of inputs.
        if model.input_tick == model.tick {
            assert_eq!(
                model.last_input_seq,
                pilot.last_input_seq.unwrap_or(0),
                "`last_input_seq` is the newest"
            );
        }
        let own = self.seen.get(model.ship.as_str());
        assert!(own.is_none_or(|own| own.known.kind == EntityKind::PlayerShip));
        assert_eq!(
            own.is_some(),
            pilot.row.is_some(),
            "the own ship is the one joined with"
        );
    }
}
