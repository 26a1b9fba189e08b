//! Writing JSON text piece by piece: what rows and the state stream are made of.
//!
//! [`append`] is the way in: it appends one bare fragment, without a comma before or behind it.
//! [`append_item`] and [`append_reason`] append an item of a list, with its comma.
//! Nothing here allocates, and nothing escapes: ids and names are of the identifier alphabet.

use std::io::Write;

use simd_json_derive::{Result, Serialize};

use super::world::RemovalReason;
use crate::ids::{EntityKind, Name};

/// Appends one fragment. Memory that grows is the only writer meant, and it cannot fail.
#[inline]
pub fn append<T: Serialize, W: Write>(fragment: &T, out: &mut W) {
    let written = fragment.json_write(out);
    debug_assert!(written.is_ok(), "memory that grows cannot fail");
}

/// Appends one fragment as an item of a list.
#[inline]
pub fn append_item<T: Serialize, W: Write>(fragment: &T, out: &mut W) {
    append(fragment, out);
    write(b",", out);
}

/// Appends an id and why it is gone, as an entry of `gone`.
#[inline]
pub fn append_reason<W: Write>(id: &EntityText<'_>, reason: RemovalReason, out: &mut W) {
    append(id, out);
    write(b":", out);
    append_item(&reason, out);
}

/// Appends a whole array of what serde can write.
pub fn append_array<T: serde::Serialize>(items: &[T], out: &mut Vec<u8>) {
    let written = simd_json::to_writer(out, items);
    debug_assert!(written.is_ok(), "plain structs into memory cannot fail");
}

#[inline]
fn write<W: Write>(text: &[u8], out: &mut W) {
    let written = out.write_all(text);
    debug_assert!(written.is_ok(), "memory that grows cannot fail");
}

/// An entity's id on the wire (`s_987`, `npc_1`, `pr_22`, or a station's own name), as text that
/// whoever owns the entity keeps ready. Any other name can stand here too.
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
pub struct NameTexts<'a>(pub &'a [Name]);

impl Serialize for NameTexts<'_> {
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

/// Where the ship is docked: a station's name, or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DockText<'a>(pub Option<&'a Name>);

impl Serialize for DockText<'_> {
    #[inline]
    fn json_write<W: Write>(&self, writer: &mut W) -> Result {
        match self.0 {
            Some(station) => quoted(station.as_str().as_bytes(), writer),
            None => writer.write_all(b"null"),
        }
    }
}

/// An object whose fields may each be absent.
pub(super) struct Object<'w, W> {
    writer: &'w mut W,
    is_empty: bool,
}

impl<'w, W: Write> Object<'w, W> {
    pub(super) fn open(writer: &'w mut W) -> std::io::Result<Self> {
        writer.write_all(b"{")?;
        Ok(Self {
            writer,
            is_empty: true,
        })
    }

    pub(super) fn field<T: Serialize>(&mut self, key: &[u8], value: Option<&T>) -> Result {
        let Some(value) = value else { return Ok(()) };
        if !self.is_empty {
            self.writer.write_all(b",")?;
        }
        self.is_empty = false;
        self.writer.write_all(key)?;
        value.json_write(self.writer)
    }

    pub(super) fn close(self) -> Result {
        self.writer.write_all(b"}")
    }
}
