//! Chain heads: the last row of each system's ledger and its hash, as an audit found them.
//!
//! ```text
//! orrery-chain-heads 1
//! # system row sha256
//! sol-1 22 5f0c…
//! ```
//!
//! A head stands for every row up to it: the hash of a row covers the hash before it. The text is
//! read as a stranger's. Blank lines and those that begin with `#` mean nothing; a system may stand
//! there with several rows, so that files can be put one behind the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::str::FromStr;

use thiserror::Error;

use crate::ids::Name;
use crate::store::ledger::Hash;

/// What a text of heads begins with.
const TITLE: &str = "orrery-chain-heads 1";

/// Why a text holds no chain heads.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeadsError {
    /// It is something else.
    #[error("it does not begin with the line `{TITLE}`")]
    Title,
    /// A line is no head.
    #[error("line {0} is not `SYSTEM ROW SHA256`")]
    Line(usize),
    /// A row has two hashes.
    #[error("line {0} gives another hash to a row that stands above it")]
    Contradiction(usize),
}

/// Rows of chains and their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainHeads {
    by_system: BTreeMap<String, BTreeMap<i64, Hash>>,
}

impl ChainHeads {
    /// Notes a row; false if it is known with another hash.
    pub(super) fn insert(&mut self, system: &str, row_id: i64, hash: Hash) -> bool {
        let rows = self.by_system.entry(system.to_owned()).or_default();
        *rows.entry(row_id).or_insert(hash) == hash
    }

    /// The rows of a system.
    pub(super) fn of(&self, system: &str) -> BTreeMap<i64, Hash> {
        self.by_system.get(system).cloned().unwrap_or_default()
    }

    /// The systems that they are of.
    pub(super) fn systems(&self) -> BTreeSet<&str> {
        self.by_system.keys().map(String::as_str).collect()
    }

    /// How many rows they are.
    pub fn len(&self) -> usize {
        self.by_system.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_system.is_empty()
    }

    /// Each row as a line of the text has it.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.by_system.iter().flat_map(|(system, rows)| {
            let line = move |(row_id, hash)| format!("{system} {row_id} {}", digits(hash));
            rows.iter().map(line)
        })
    }
}

/// A hash as people compare it.
pub(super) fn digits(hash: &Hash) -> String {
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, place) in hash.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(hash)
}

impl fmt::Display for ChainHeads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE}\n# system row sha256")?;
        self.lines().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for ChainHeads {
    type Err = HeadsError;

    fn from_str(text: &str) -> Result<Self, HeadsError> {
        let lines = text.lines().map(str::trim).zip(1..);
        let mut lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        if lines.next().is_none_or(|(line, _)| line != TITLE) {
            return Err(HeadsError::Title);
        }
        let mut heads = Self::default();
        for (line, number) in lines.filter(|(line, _)| *line != TITLE) {
            let head = || {
                let mut words = line.split_ascii_whitespace();
                let system = Name::parse(words.next()?).ok()?;
                let row_id = words
                    .next()?
                    .parse()
                    .ok()
                    .filter(|&row_id: &i64| row_id > 0)?;
                let hash = parse_hash(words.next()?)?;
                words.next().is_none().then_some((system, row_id, hash))
            };
            let (system, row_id, hash) = head().ok_or(HeadsError::Line(number))?;
            if !heads.insert(system.as_str(), row_id, hash) {
                return Err(HeadsError::Contradiction(number));
            }
        }
        Ok(heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> ChainHeads {
        let mut heads = ChainHeads::default();
        assert!(heads.insert("sol-1", 22, [0xab; 32]));
        assert!(heads.insert("vega-2", 7, [1; 32]));
        heads
    }

    #[test]
    fn what_is_written_is_read_again_also_one_file_behind_another() {
        let text = heads().to_string();
        assert_eq!(text.parse(), Ok(heads()));
        let both: ChainHeads = (text.clone() + "\n" + &text).parse().unwrap();
        assert_eq!((both.len(), both), (2, heads()));
    }

    #[test]
    fn any_other_text_is_refused_with_its_line() {
        let good = heads().to_string();
        for (text, expected) in [
            (String::new(), HeadsError::Title),
            ("sol-1 1 00".to_owned(), HeadsError::Title),
            (good.replace(" 22 ", " -22 "), HeadsError::Line(3)),
            (good.replace(" 22 ", " "), HeadsError::Line(3)),
            (good.replace("0101", "010"), HeadsError::Line(4)),
            (good.replace("0101", "01+1"), HeadsError::Line(4)),
            (good.replace("abab", "abéb"), HeadsError::Line(3)),
            (
                good.replace("vega-2 7", "sol-1 22"),
                HeadsError::Contradiction(4),
            ),
        ] {
            assert_eq!(text.parse::<ChainHeads>(), Err(expected), "{text}");
        }
    }
}
