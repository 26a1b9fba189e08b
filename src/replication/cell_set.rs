//! A set of cells, a bit each: 4 KiB for a system of 32,000.

use std::ops::Range;

use super::view::CellId;

/// Which cells of a grid have some property.
#[derive(Debug, Default)]
pub(super) struct CellSet {
    words: Vec<u64>,
}

impl CellSet {
    /// Makes it the empty set over so many cells.
    pub(super) fn clear(&mut self, count: usize) {
        self.words.clear();
        self.words.resize(count.div_ceil(64), 0);
    }

    /// Adds a cell of those that the set is over.
    pub(super) fn insert(&mut self, cell: CellId) {
        self.words[cell.0 as usize / 64] |= 1 << (cell.0 % 64);
    }

    /// Whether a run of cells has a member. Work: a look at each 64 cells.
    #[inline]
    pub(super) fn has_any_of(&self, cells: &Range<u32>) -> bool {
        if cells.is_empty() {
            return false;
        }
        let last = cells.end - 1;
        let (first_word, last_word) = (cells.start as usize / 64, last as usize / 64);
        let from_first = u64::MAX << (cells.start % 64);
        let to_last = u64::MAX >> (63 - last % 64);
        if first_word == last_word {
            return self.words[first_word] & from_first & to_last != 0;
        }
        let between = &self.words[first_word + 1..last_word];
        self.words[first_word] & from_first != 0
            || self.words[last_word] & to_last != 0
            || between.iter().any(|&word| word != 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_run_has_a_member_if_one_of_its_cells_is_in_the_set(
            members in prop::collection::vec(0_u32..500, 0..4), start in 0_u32..500, length in 0_u32..300,
        ) {
            let mut set = CellSet::default();
            set.clear(500);
            for &cell in &members {
                set.insert(CellId(cell));
            }
            let run = start..(start + length).min(500);
            let expected = members.iter().any(|cell| run.contains(cell));
            prop_assert_eq!(set.has_any_of(&run), expected);
        }
    }
}
