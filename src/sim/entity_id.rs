//! What an entity is called on the wire, kept as ready text.
//!
//! Owns the short inline text `prefix` + number (`s_987`, `npc_1`, `pr_22`), made once when the
//! entity is born, so that nobody formats numbers per tick. A station is called by its own name,
//! which lives with the station; its id here is its index.
//!
//! Invariants: the text is ASCII; a number is given once in the life of a world.

use crate::ids::{EntityKind, StationIndex};

/// Longest numbered id: the longest prefix and the digits of the largest integer that JSON keeps
/// exactly (2^53 − 1).
const TEXT_BYTES_MAX: usize = 20;

/// A numbered id as text, inline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: u8,
}

impl IdText {
    /// # Panics
    /// If the number is larger than any that is given.
    fn new(prefix: &str, number: u64) -> Self {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        let mut bytes = [0; TEXT_BYTES_MAX];
        let mut len = 0;
        for byte in prefix.bytes().chain(digits.iter().copied()) {
            bytes[len] = byte;
            len += 1;
        }
        Self {
            bytes,
            len: len as u8,
        }
    }

    /// The text; checked for being UTF-8 in a few nanoseconds.
    pub fn as_str(&self) -> &str {
        let Ok(text) = std::str::from_utf8(self.as_bytes()) else {
            unreachable!("prefixes and digits are ASCII");
        };
        text
    }

    /// The same as words, unused bytes 0.
    pub(super) fn words(&self) -> [u64; 3] {
        let mut words = [0; 3];
        for (word, chunk) in words.iter_mut().zip(self.bytes.chunks(8)) {
            for (place, &byte) in chunk.iter().enumerate() {
                *word |= u64::from(byte) << (8 * place);
            }
        }
        words
    }

    /// The same as bytes, all ASCII and in need of no escape inside JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for IdText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An entity's wire id; survives the entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityId {
    /// Prefix and number.
    Numbered(IdText),
    /// A station: [`World::id_text`](super::World::id_text) knows its name.
    Station(StationIndex),
}

impl EntityId {
    /// The id of the `number`th entity of a world.
    pub(super) fn numbered(kind: EntityKind, number: u64) -> Self {
        Self::Numbered(IdText::new(kind.id_prefix(), number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_prefix_and_number() {
        assert_eq!(IdText::new("s_", 987).as_str(), "s_987");
        assert_eq!(IdText::new("npc_", 0).as_str(), "npc_0");
        let largest = (1 << 53) - 1;
        assert_eq!(
            IdText::new("npc_", largest).as_str(),
            "npc_9007199254740991"
        );
        assert!(std::mem::size_of::<EntityId>() <= 24);
    }
}
