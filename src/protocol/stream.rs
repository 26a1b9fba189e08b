//! Composing the two messages of the state stream out of text that is ready.
//!
//! A frame's text is made once for everybody who watches; a client's message is copies of parts of it.
//! Whoever composes one says for each field what its value is, by a trait with a method a field
//! ([`DeltaSource`](super::world::DeltaSource), [`SnapshotSource`](super::world::SnapshotSource)); keys,
//! brackets and commas are written here. Trait and writer come from the table: a new field does not
//! compile before its value is said.
//!
//! ```text
//! {"type":"world.delta","seq":101 ,"ts":17,"payload":{"tick":5011 ,"entity_updates":[ {…},{…}, ] …}}
//! └─ of the message ─────────────┘└─ stamp: of the frame ────────┘└─ of the writer ──┘└ items ┘
//! ```
//!
//! An item of a list ends with a comma ([`append_item`](super::row::append_item)), so that items can be
//! copied in runs; the writer of the list drops the last one.

use super::row::append;
use crate::ids::UnixMillis;

/// Appends what all messages of a frame have in common ahead of their own: time and tick.
pub fn append_stamp(tick: u64, unix: UnixMillis, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"ts\":");
    append(&unix.0, out);
    out.extend_from_slice(b",\"payload\":{\"tick\":");
    append(&tick, out);
}

/// Appends a message from its opening, which ends in `"seq":`, to its stamp.
#[inline]
pub(super) fn open(opening: &[u8], seq: u64, stamp: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    append(&seq, out);
    out.extend_from_slice(stamp);
}

/// Appends a list: `key` opens it, each item ends with a comma.
#[inline]
pub(super) fn list(key: &[u8], out: &mut Vec<u8>, items: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(key);
    items(out);
    close(b']', out);
}

/// Appends a value that is always there.
#[inline]
pub(super) fn value(key: &[u8], out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(key);
    let key_end = out.len();
    value(out);
    debug_assert!(out.len() > key_end, "a field without a value");
}

/// A field that may be absent: dropped, it leaves nothing.
#[derive(Debug)]
pub struct OptionalField<'w> {
    key: &'static [u8],
    out: &'w mut Vec<u8>,
}

impl<'w> OptionalField<'w> {
    #[inline]
    pub(super) const fn new(key: &'static [u8], out: &'w mut Vec<u8>) -> Self {
        Self { key, out }
    }

    /// Appends the field with a value whose text is ready.
    #[inline]
    pub fn append_text(self, value: &[u8]) {
        debug_assert!(!value.is_empty(), "a field without a value");
        self.out.extend_from_slice(self.key);
        self.out.extend_from_slice(value);
    }

    /// Appends the field with a value.
    #[inline]
    pub fn append<T: simd_json_derive::Serialize>(self, value: &T) {
        self.out.extend_from_slice(self.key);
        append(value, self.out);
    }

    /// Appends the field as an object of the entries that `entries` appends, each with a comma behind it.
    #[inline]
    pub fn append_entries(self, entries: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(self.key);
        self.out.push(b'{');
        entries(self.out);
        close(b'}', self.out);
    }
}

/// Closes a list, its last item's comma giving way to the bracket.
#[inline]
fn close(bracket: u8, out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = bracket,
        _ => out.push(bracket),
    }
}

/// Defines a message of the state stream: its type for readers, the trait of what it is composed of, and
/// the function that composes it.
///
/// A field is as in [`object!`](super::table::object), and says before its name how it is written: `stamp`
/// (the first one, part of the frame's stamp), `list`, `map` or `value`.
macro_rules! stream_message {
    (
        $(#[$meta:meta])*
        pub struct $name:ident = $wire:literal;
        $(#[$source_meta:meta])*
        pub trait $source:ident;
        $(#[$write_meta:meta])*
        pub fn $write:ident;
        {
            $(#[doc = $stamp_meaning:tt])+
            stamp $stamp:ident: $stamp_type:ty = always, $stamp_unit:literal;
            $(
                $(#[doc = $meaning:tt])+
                $form:ident $field:ident: $type:ty = $presence:ident $(($when:literal))?
                    $(, $unit:literal)? $(, #[$extra:meta])*;
            )+
        }
    ) => {
        $crate::protocol::table::object! {
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            pub struct $name {
                $(#[doc = $stamp_meaning])+
                $stamp: $stamp_type = always, $stamp_unit;
                $(
                    $(#[doc = $meaning])+
                    $field: $type = $presence $(($when))? $(, $unit)? $(, #[$extra])*;
                )+
            }
        }

        impl $name {
            /// The entry of this message in the table.
            pub const MESSAGE: $crate::protocol::table::MessageSpec = $crate::protocol::table::MessageSpec {
                name: $wire,
                sender: $crate::protocol::table::Sender::Server,
                fields: <Self as $crate::protocol::table::Described>::FIELDS,
            };
        }

        $(#[$source_meta])*
        ///
        /// A method appends the value of its field, of a list the items, each with a comma behind it. A
        /// field that may be absent is appended, or not, by its [`OptionalField`].
        pub trait $source {
            /// What [`append_stamp`] wrote for the frame.
            fn stamp(&self) -> &[u8];

            $(
                $crate::protocol::stream::source_method!($presence $field, $($meaning)+);
            )+
        }

        $(#[$write_meta])*
        ///
        /// Work: that of the source's methods, and a copy a key.
        #[inline]
        pub fn $write(seq: u64, source: &mut impl $source, out: &mut Vec<u8>) {
            let opening = concat!("{\"type\":\"", $wire, "\",\"seq\":").as_bytes();
            $crate::protocol::stream::open(opening, seq, source.stamp(), out);
            $(
                $crate::protocol::stream::write_field!($form $presence $field, source, out);
            )+
            out.extend_from_slice(b"}}");
        }
    };
}
pub(super) use stream_message;

/// Writes one field: its key with the comma before it and what opens its value, then the value.
macro_rules! write_field {
    (list always $field:ident, $source:ident, $out:ident) => {
        let key = concat!(",\"", stringify!($field), "\":[").as_bytes();
        $crate::protocol::stream::list(key, $out, |out| $source.$field(out));
    };
    (value always $field:ident, $source:ident, $out:ident) => {
        let key = concat!(",\"", stringify!($field), "\":").as_bytes();
        $crate::protocol::stream::value(key, $out, |out| $source.$field(out));
    };
    ($form:ident optional $field:ident, $source:ident, $out:ident) => {
        let key = concat!(",\"", stringify!($field), "\":").as_bytes();
        $source.$field($crate::protocol::stream::OptionalField::new(key, $out));
    };
}
pub(super) use write_field;

/// The method of a source that says what one field is.
macro_rules! source_method {
    (always $field:ident, $($meaning:tt)+) => {
        $(#[doc = $meaning])+
        fn $field(&mut self, out: &mut Vec<u8>);
    };
    (optional $field:ident, $($meaning:tt)+) => {
        $(#[doc = $meaning])+
        fn $field(&mut self, field: $crate::protocol::stream::OptionalField<'_>);
    };
}
pub(super) use source_method;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"{".to_vec();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_comma_behind_the_last_item_goes() {
        let items = |text: &'static [u8]| {
            written(|out| list(b",\"a\":[", out, |out| out.extend_from_slice(text)))
        };
        assert_eq!(items(b""), "{,\"a\":[]");
        assert_eq!(items(b"1,2,"), "{,\"a\":[1,2]");
    }

    #[test]
    fn a_field_that_is_not_appended_leaves_no_key() {
        let field = |write: fn(OptionalField<'_>)| {
            written(|out| write(OptionalField::new(b",\"a\":", out)))
        };
        assert_eq!(field(|_| {}), "{");
        assert_eq!(field(|field| field.append_text(b"{}")), "{,\"a\":{}");
        assert_eq!(field(|field| field.append(&7_u64)), "{,\"a\":7");
        assert_eq!(
            field(|field| field.append_entries(|out| out.extend_from_slice(b"\"b\":1,"))),
            "{,\"a\":{\"b\":1}"
        );
    }

    #[test]
    fn a_stamp_stands_between_the_number_and_the_fields() {
        let mut stamp = Vec::new();
        append_stamp(5, UnixMillis(7), &mut stamp);
        let text = written(|out| open(b"{\"seq\":", 9, &stamp, out));
        assert_eq!(text, "{{\"seq\":9,\"ts\":7,\"payload\":{\"tick\":5");
    }
}
