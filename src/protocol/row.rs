//! Hot encoders: the fragments that messages of the state stream are composed of.
//!
//! Each fragment is a small `Copy` struct over integers, written by simd-json-derive's `Serialize`
//! into whatever grows: a `Vec<u8>` or an arena's (`bumpalo::collections::Vec<u8>`). Nothing here
//! allocates. A fragment is bare: no comma before or behind it.
//!
//! Rounding happens in the constructors, so that a fragment that did not change is equal to the one
//! before it. [`append`] is the way in; the types of [`world`](super::world) read the same text back.

use std::io::Write;

use simd_json_derive::{Result, Serialize};

use super::fixed::{Angle, Fixed2};
use super::world::RemovalReason;
use crate::ids::{EntityKind, Name};

/// Appends one fragment. Memory that grows is the only writer meant, and it cannot fail.
#[inline]
pub fn append<T: Serialize, W: Write>(fragment: &T, out: &mut W) {
    let written = fragment.json_write(out);
    debug_assert!(written.is_ok());
}

/// An entity's id on the wire (`s_987`, `npc_1`, `pr_22`, or a station's own name), as text that
/// whoever owns the entity keeps ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntityText<'a>(&'a [u8]);

impl<'a> EntityText<'a> {
    /// The id's bytes; they must be of the identifier alphabet, which needs no escape.
    #[inline]
    pub const fn new(plain: &'a [u8]) -> Self {
        Self(plain)
    }
}

impl<'a> From<&'a Name> for EntityText<'a> {
    #[inline]
    fn from(name: &'a Name) -> Self {
        Self(name.as_str().as_bytes())
    }
}

impl Serialize for EntityText<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        quoted(self.0, writer)
    }
}

/// Text of the identifier alphabet between quotes.
#[inline]
fn quoted<W: Write>(plain: &[u8], writer: &mut W) -> Result {
    writer.write_all(b"\"")?;
    writer.write_all(plain)?;
    writer.write_all(b"\"")
}

impl Serialize for EntityKind {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        writer.write_all(match self {
            Self::PlayerShip => b"\"player_ship\"",
            Self::Pirate => b"\"pirate\"",
            Self::Patrol => b"\"patrol\"",
            Self::Trader => b"\"trader\"",
            Self::Projectile => b"\"projectile\"",
            Self::Station => b"\"station\"",
        })
    }
}

impl Serialize for RemovalReason {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        quoted(self.wire_name().as_bytes(), writer)
    }
}

/// Names between quotes, as an array.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(pub &'a [Name]);

impl Serialize for Names<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        let mut before: &[u8] = b"[\"";
        for name in self.0 {
            writer.write_all(before)?;
            writer.write_all(name.as_str().as_bytes())?;
            before = b"\",\"";
        }
        writer.write_all(if self.0.is_empty() { b"[]" } else { b"\"]" })
    }
}

/// The motion of an entity, rounded for the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Motion {
    /// Position east of the centre, u.
    pub x: Fixed2,
    /// Position north of the centre, u.
    pub y: Fixed2,
    /// Velocity to the east, u/s.
    pub vx: Fixed2,
    /// Velocity to the north, u/s.
    pub vy: Fixed2,
    /// Heading in rad, counter-clockwise from east.
    pub r: Angle,
}

impl Motion {
    /// Rounds a motion; `r` in radians.
    #[inline]
    pub fn new(x: f32, y: f32, vx: f32, vy: f32, r: f32) -> Self {
        Self {
            x: Fixed2::new(x),
            y: Fixed2::new(y),
            vx: Fixed2::new(vx),
            vy: Fixed2::new(vy),
            r: Angle::new(r),
        }
    }
}

/// A row of `entity_updates` for a client that knows the entity:
/// `{"id":"s_987","x":1201,"y":401,"vx":8,"vy":2,"r":1.62,"hp":100}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Row<'a> {
    id: EntityText<'a>,
    x: Fixed2,
    y: Fixed2,
    vx: Fixed2,
    vy: Fixed2,
    r: Angle,
    hp: i32,
}

/// A row of `entities`, or of `entity_updates` for a client that does not know the entity: as
/// [`Row`], with `kind` behind `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FullRow<'a> {
    id: EntityText<'a>,
    kind: EntityKind,
    x: Fixed2,
    y: Fixed2,
    vx: Fixed2,
    vy: Fixed2,
    r: Angle,
    hp: i32,
}

impl<'a> Row<'a> {
    /// The row of one entity.
    #[inline]
    pub fn new(id: EntityText<'a>, motion: Motion, hp: i32) -> Self {
        let Motion { x, y, vx, vy, r } = motion;
        Self {
            id,
            x,
            y,
            vx,
            vy,
            r,
            hp,
        }
    }

    /// The same with `kind`.
    #[inline]
    #[must_use]
    pub fn full(self, kind: EntityKind) -> FullRow<'a> {
        FullRow {
            id: self.id,
            kind,
            x: self.x,
            y: self.y,
            vx: self.vx,
            vy: self.vy,
            r: self.r,
            hp: self.hp,
        }
    }
}

/// The value of `you_zone_context`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ZoneContextRow<'a> {
    /// The zones that contain the place.
    pub zone_ids: Names<'a>,
    /// Risk out of 1.
    pub blended_risk: Fixed2,
    /// Security out of 1.
    pub blended_security: Fixed2,
    /// Factor on bounties.
    pub blended_profit_multiplier: Fixed2,
}

/// One entry of a hold.
#[derive(Debug, Clone, Copy)]
pub struct CargoRow<'a> {
    /// Commodity in the hold.
    pub commodity_id: &'a Name,
    /// Quantity in units.
    pub qty: u32,
}

impl Serialize for CargoRow<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        writer.write_all(b"{\"commodity_id\":")?;
        quoted(self.commodity_id.as_str().as_bytes(), writer)?;
        writer.write_all(b",\"qty\":")?;
        self.qty.json_write(writer)?;
        writer.write_all(b"}")
    }
}

/// Where the ship is docked: a station's name, or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DockRow<'a>(pub Option<&'a Name>);

impl Serialize for DockRow<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        match self.0 {
            Some(station) => quoted(station.as_str().as_bytes(), writer),
            None => writer.write_all(b"null"),
        }
    }
}

/// The value of a delta's `you`: only the fields that changed. An empty one is `{}`.
#[derive(Debug, Clone, Copy, Default)]
pub struct YouRow<'a> {
    /// Another entity is now the pilot's ship.
    pub ship_id: Option<EntityText<'a>>,
    /// Balance in whole credits.
    pub credits: Option<i64>,
    /// Hull points left; 0 is destroyed.
    pub hull: Option<i32>,
    /// Fuel in the tank.
    pub fuel: Option<Fixed2>,
    /// The whole hold.
    pub cargo: Option<&'a [CargoRow<'a>]>,
    /// The station docked at, or none.
    pub docked_at: Option<DockRow<'a>>,
    /// The tick from which the ship may dock or undock.
    pub dock_ready_tick: Option<u64>,
}

impl YouRow<'_> {
    /// Whether nothing changed; then `you` is left out.
    pub const fn is_empty(&self) -> bool {
        self.ship_id.is_none()
            && self.credits.is_none()
            && self.hull.is_none()
            && self.fuel.is_none()
            && self.cargo.is_none()
            && self.docked_at.is_none()
            && self.dock_ready_tick.is_none()
    }
}

impl Serialize for YouRow<'_> {
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        let mut object = Object::open(writer)?;
        object.field(b"\"ship_id\":", self.ship_id.as_ref())?;
        object.field(b"\"credits\":", self.credits.as_ref())?;
        object.field(b"\"hull\":", self.hull.as_ref())?;
        object.field(b"\"fuel\":", self.fuel.as_ref())?;
        object.field(b"\"cargo\":", self.cargo.as_ref())?;
        object.field(b"\"docked_at\":", self.docked_at.as_ref())?;
        object.field(b"\"dock_ready_tick\":", self.dock_ready_tick.as_ref())?;
        object.close()
    }
}

/// An object whose fields may each be absent.
struct Object<'w, W> {
    writer: &'w mut W,
    is_empty: bool,
}

impl<'w, W: Write> Object<'w, W> {
    fn open(writer: &'w mut W) -> std::io::Result<Self> {
        writer.write_all(b"{")?;
        Ok(Self {
            writer,
            is_empty: true,
        })
    }

    fn field<T: Serialize>(&mut self, key: &[u8], value: Option<&T>) -> Result {
        let Some(value) = value else { return Ok(()) };
        if !self.is_empty {
            self.writer.write_all(b",")?;
        }
        self.is_empty = false;
        self.writer.write_all(key)?;
        value.json_write(self.writer)
    }

    fn close(self) -> Result {
        self.writer.write_all(b"}")
    }
}

/// One entry of `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventRow<'a> {
    /// A ship fired: the ship, the shot.
    ProjectileFired(EntityText<'a>, EntityText<'a>),
    /// A ship docked: the ship, the station.
    Docked(EntityText<'a>, EntityText<'a>),
    /// A ship undocked: the ship, the station.
    Undocked(EntityText<'a>, EntityText<'a>),
}

impl Serialize for EventRow<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        let (head, source, key, object): (&[u8], _, &[u8], _) = match self {
            Self::ProjectileFired(source, projectile) => (
                b"{\"kind\":\"projectile_fired\",\"source_id\":",
                source,
                b",\"projectile_id\":",
                projectile,
            ),
            Self::Docked(source, station) => (
                b"{\"kind\":\"docked\",\"source_id\":",
                source,
                b",\"station_id\":",
                station,
            ),
            Self::Undocked(source, station) => (
                b"{\"kind\":\"undocked\",\"source_id\":",
                source,
                b",\"station_id\":",
                station,
            ),
        };
        writer.write_all(head)?;
        source.json_write(writer)?;
        writer.write_all(key)?;
        object.json_write(writer)?;
        writer.write_all(b"}")
    }
}
