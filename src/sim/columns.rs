//! Tables: a dense row a thing, a `Vec` a property, all declared from one list.
//!
//! Owns the macros and what a row is to a state hash. The list says of each column whether it is
//! state. From it come the columns, the row that goes in and comes out, the words of a row that are
//! hashed, and for the tests a change of every column. So a new column is one line, and none of
//! these can forget it.
//!
//! ```text
//! columns! { pub struct Ships { other fields } row Ship; hashed { xs / x: f32, … } unhashed { … } }
//!    ├─▶ struct Ships { other fields, xs: Vec<f32>, … }     struct Ship { x: f32, … }
//!    ├─▶ push_row(Ship)   swap_remove_row(row) -> Ship      other_fields() -> (&A, &B, …)
//!    └─▶ row_words(row) -> [u64; ROW_WORDS]                 CHANGES, in tests
//!
//! column_view! { struct Moved of Ships { reads { vxs: [f32], } writes { xs: [f32], } } }
//!    └─▶ struct Moved<'a> { vxs: &'a [f32], xs: &'a mut [f32] }, Moved::of(&mut ships)
//! ```

#![allow(
    clippy::inline_always,
    reason = "the places of values in words are constants only where all is inlined"
)]

use super::entity_id::EntityId;
use super::random::mix;
use crate::ids::{EntityKind, Handle, PlayerId, StationIndex, SystemIndex};

/// A value in a state hash: values that differ have other bits.
pub(super) trait StateBits: Sized {
    /// How many bits [`StateBits::put`] puts.
    const STATE_BITS: u32;

    /// Appends the value.
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>);

    /// Values that differ from each other in every part that a value has.
    #[cfg(test)]
    fn examples() -> Vec<Self>;
}

/// Values put one behind the other into words. All places are constants once this is compiled.
pub(super) struct Packer<const WORDS: usize> {
    words: [u64; WORDS],
    bits: u32,
}

impl<const WORDS: usize> Packer<WORDS> {
    #[inline]
    pub(super) const fn new() -> Self {
        Self {
            words: [0; WORDS],
            bits: 0,
        }
    }

    /// Appends the lowest `bits` bits of a word, 1–64; the others are 0.
    #[inline(always)]
    pub(super) const fn put(&mut self, bits: u32, value: u64) {
        debug_assert!(bits == u64::BITS || value >> bits == 0);
        let (word, shift) = ((self.bits / u64::BITS) as usize, self.bits % u64::BITS);
        self.words[word] |= value << shift;
        if shift + bits > u64::BITS {
            self.words[word + 1] |= value >> (u64::BITS - shift);
        }
        self.bits += bits;
    }

    #[inline]
    pub(super) const fn words(self) -> [u64; WORDS] {
        self.words
    }
}

/// One word for a value of at most 256 bits that is rarely there.
pub(super) fn digest(put: impl FnOnce(&mut Packer<4>)) -> u64 {
    let mut packer = Packer::new();
    put(&mut packer);
    let words = packer.words();
    words.into_iter().fold(0, |sum, word| mix(sum ^ word))
}

macro_rules! whole_numbers {
    ($($number:ty as $unsigned:ty,)*) => {$(
        impl StateBits for $number {
            const STATE_BITS: u32 = <$number>::BITS;

            #[inline(always)]
            fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
                packer.put(Self::STATE_BITS, u64::from(*self as $unsigned));
            }

            #[cfg(test)]
            fn examples() -> Vec<Self> {
                vec![1, 0, <$number>::MAX]
            }
        }
    )*};
}

whole_numbers! {
    u8 as u8,
    u16 as u16,
    u32 as u32,
    i32 as u32,
    u64 as u64,
    i64 as u64,
}

impl StateBits for f32 {
    const STATE_BITS: u32 = u32::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        packer.put(Self::STATE_BITS, u64::from(self.to_bits()));
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        vec![0.5, 0.5_f32.next_up(), -0.5]
    }
}

impl StateBits for bool {
    const STATE_BITS: u32 = 1;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        packer.put(Self::STATE_BITS, u64::from(*self));
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        vec![true, false]
    }
}

impl<T: StateBits> StateBits for Option<T> {
    const STATE_BITS: u32 = 1 + T::STATE_BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        self.is_some().put(packer);
        match self {
            Some(value) => value.put(packer),
            None => packer.bits += T::STATE_BITS,
        }
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let some = T::examples().into_iter().map(Some);
        some.chain([None]).collect()
    }
}

impl<A: StateBits, B: StateBits> StateBits for (A, B) {
    const STATE_BITS: u32 = A::STATE_BITS + B::STATE_BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        self.0.put(packer);
        self.1.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let first = |of: &mut dyn Iterator<Item = A>| of.next().expect("an example");
        let second = |of: &mut dyn Iterator<Item = B>| of.next().expect("an example");
        let (ones, others) = (A::examples().into_iter(), B::examples().into_iter());
        let of_one = ones.map(|one| (one, second(&mut B::examples().into_iter())));
        let of_other = others.map(|other| (first(&mut A::examples().into_iter()), other));
        of_one.chain(of_other).collect()
    }
}

impl StateBits for Handle {
    const STATE_BITS: u32 = u64::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        let Self { slot, generation } = self;
        (*slot, *generation).put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let parts = <(u32, u32)>::examples().into_iter();
        let handle = |(slot, generation)| Self { slot, generation };
        parts.map(handle).collect()
    }
}

impl StateBits for EntityKind {
    const STATE_BITS: u32 = u8::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        (*self as u8).put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        vec![Self::PlayerShip, Self::Projectile]
    }
}

impl StateBits for StationIndex {
    const STATE_BITS: u32 = u16::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        self.0.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        u16::examples().into_iter().map(Self).collect()
    }
}

impl StateBits for SystemIndex {
    const STATE_BITS: u32 = u16::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        self.0.put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        u16::examples().into_iter().map(Self).collect()
    }
}

impl StateBits for EntityId {
    /// A text of 20 bytes. No text begins as the words of a station do.
    const STATE_BITS: u32 = 2 * u64::BITS + u32::BITS;

    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        let words = match self {
            Self::Numbered(text) => text.words(),
            Self::Station(index) => [u64::MAX, u64::from(index.0), 0],
        };
        packer.put(u64::BITS, words[0]);
        packer.put(u64::BITS, words[1]);
        packer.put(u32::BITS, words[2]);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let numbered = |number| Self::numbered(EntityKind::Trader, number);
        let numbers = [7, 70_000, (1 << 53) - 1];
        let stations = StationIndex::examples().into_iter().map(Self::Station);
        numbers.map(numbered).into_iter().chain(stations).collect()
    }
}

impl StateBits for PlayerId {
    const STATE_BITS: u32 = u64::BITS;

    /// A hash of the text: names have any length.
    #[inline(always)]
    fn put<const WORDS: usize>(&self, packer: &mut Packer<WORDS>) {
        super::random::text_key(self.as_str()).put(packer);
    }

    #[cfg(test)]
    fn examples() -> Vec<Self> {
        let names = ["ann", "anne", "nna", "somebody-with-a-long-name"];
        names
            .map(|name| Self::parse(name).expect("a name"))
            .to_vec()
    }
}

/// Declares a table; see the module's page.
macro_rules! columns {
    (@public { $($(#[$doc:meta])* $column:ident: $value:ty,)* }) => {
        $($(#[$doc])*
        pub fn $column(&self) -> &[$value] {
            &self.$column
        })*
    };
    (@private $columns:tt) => {};
    (
        $(#[$table_doc:meta])*
        $vis:vis struct $Table:ident {
            $($(#[$other_doc:meta])* $other_vis:vis $other:ident: $other_type:ty,)*
        }
        $(#[$row_doc:meta])*
        row $Row:ident;
        accessors $accessors:ident;
        hashed {
            $($(#[$hashed_doc:meta])* $hashed:ident / $hashed_field:ident: $hashed_type:ty,)*
        }
        unhashed {
            $($(#[$unhashed_doc:meta])* $unhashed:ident / $unhashed_field:ident: $unhashed_type:ty,)*
        }
    ) => {
        $(#[$row_doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $Row {
            $($(#[$hashed_doc])* pub(super) $hashed_field: $hashed_type,)*
            $($(#[$unhashed_doc])* pub(super) $unhashed_field: $unhashed_type,)*
        }

        $(#[$table_doc])*
        #[derive(Debug, Default)]
        $vis struct $Table {
            $($(#[$other_doc])* $other_vis $other: $other_type,)*
            $($(#[$hashed_doc])* pub(super) $hashed: Vec<$hashed_type>,)*
            $($(#[$unhashed_doc])* pub(super) $unhashed: Vec<$unhashed_type>,)*
        }

        impl $Table {
            /// Words of a row in a state hash.
            const ROW_WORDS: usize =
                (0 $(+ <$hashed_type as StateBits>::STATE_BITS)*).div_ceil(u64::BITS) as usize;

            fn push_row(&mut self, row: $Row) {
                let $Row { $($hashed_field,)* $($unhashed_field,)* } = row;
                $(self.$hashed.push($hashed_field);)*
                $(self.$unhashed.push($unhashed_field);)*
            }

            /// Takes a row out; the last one moves into the gap.
            fn swap_remove_row(&mut self, row: usize) -> $Row {
                $Row {
                    $($hashed_field: self.$hashed.swap_remove(row),)*
                    $($unhashed_field: self.$unhashed.swap_remove(row),)*
                }
            }

            /// What of a row is state.
            #[inline]
            pub(super) fn row_words(&self, row: usize) -> [u64; Self::ROW_WORDS] {
                let mut packer = Packer::new();
                $(self.$hashed[row].put(&mut packer);)*
                packer.words()
            }

            columns! {@$accessors {
                $($(#[$hashed_doc])* $hashed: $hashed_type,)*
                $($(#[$unhashed_doc])* $unhashed: $unhashed_type,)*
            }}

            /// All fields that are no columns.
            pub(super) fn other_fields(&self) -> ($(&$other_type,)*) {
                ($(&self.$other,)*)
            }
        }

        #[cfg(test)]
        impl $Table {
            /// A way to change each column.
            pub(super) const CHANGES: &'static [ColumnChange<Self>] = &[
                $(ColumnChange {
                    column: stringify!($hashed),
                    is_hashed: true,
                    set: |table, row, nth| set_example(&mut table.$hashed[row], nth),
                },)*
                $(ColumnChange {
                    column: stringify!($unhashed),
                    is_hashed: false,
                    set: |table, row, nth| set_example(&mut table.$unhashed[row], nth),
                },)*
            ];
        }
    };
}

/// Declares the columns of a table that one phase reads and writes; see the module's page.
macro_rules! column_view {
    (
        $(#[$doc:meta])*
        struct $View:ident of $Table:ident {
            reads { $($read:ident: $read_type:ty,)* }
            writes { $($write:ident: $write_type:ty,)* }
        }
    ) => {
        $(#[$doc])*
        pub(super) struct $View<'a> {
            $(pub(super) $read: &'a $read_type,)*
            $(pub(super) $write: &'a mut $write_type,)*
        }

        impl<'a> $View<'a> {
            pub(super) fn of(table: &'a mut $Table) -> Self {
                Self {
                    $($read: &table.$read,)*
                    $($write: &mut table.$write,)*
                }
            }
        }
    };
}

pub(super) use {column_view, columns};

/// How a test changes one column.
#[cfg(test)]
pub(super) struct ColumnChange<T> {
    pub(super) column: &'static str,
    pub(super) is_hashed: bool,
    /// Puts the nth example into a row.
    pub(super) set: fn(&mut T, usize, usize) -> Example,
}

/// What came of the wish for an example.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Example {
    /// The value is another one now.
    Set,
    /// The value was this one already.
    Same,
    /// There are not so many.
    None,
}

/// Sets a value to the nth example of its type.
#[cfg(test)]
pub(super) fn set_example<T: StateBits + PartialEq>(value: &mut T, nth: usize) -> Example {
    match T::examples().into_iter().nth(nth) {
        None => Example::None,
        Some(example) if *value == example => Example::Same,
        Some(example) => {
            *value = example;
            Example::Set
        }
    }
}
