//! What the table of the protocol is made of: one entry a message, an object in it, a field, a word.
//!
//! An entry is written once, by a macro of this module, beside the type that it becomes. From it come
//! the Rust type with its serde and schema attributes, the name on the wire, and a [`FieldSpec`] with
//! presence, unit and meaning, against which the protocol's page and the browser's types are checked.
//! The module's page, [`protocol`](super), says how to add a message or a field.

/// Whether a field stands in every object of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Always; an object without it is malformed.
    Always,
    /// Always in what this server sends. Our own readers do without it, since a server that knows only
    /// the first draft of the protocol does not send it.
    Added,
    /// Not always. The text says when, or what its absence means.
    Optional(&'static str),
}

/// A field of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its key in the JSON object.
    pub name: &'static str,
    /// Whether it is always there.
    pub presence: Presence,
    /// Its unit or range; empty where the type says it all.
    pub unit: &'static str,
    /// What it tells the author of a client, as Markdown.
    pub meaning: &'static str,
}

/// An object whose fields are in the table.
pub trait Described {
    /// Its fields in the order in which they are written.
    const FIELDS: &'static [FieldSpec];
}

impl<T: Described> Described for Box<T> {
    const FIELDS: &'static [FieldSpec] = T::FIELDS;
}

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A message of a client.
    Client,
    /// An answer, an event, or a part of the state stream.
    Server,
}

/// A kind of message.
#[derive(Debug, Clone, Copy)]
pub struct MessageSpec {
    /// The envelope's `type`.
    pub name: &'static str,
    /// Who sends it.
    pub sender: Sender,
    /// The fields of its payload.
    pub fields: &'static [FieldSpec],
}

/// A value that may stand for an absent field.
pub(super) trait Absent {
    /// Whether the field is left out.
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// [`Absent::is_absent`] as serde's attribute needs it.
pub(super) fn is_absent<T: Absent>(value: &T) -> bool {
    value.is_absent()
}

/// Returns `names`, which must be those of `fields`, in their order: code that takes an object apart
/// does not compile when the table has another field.
pub(super) const fn names_of<const N: usize>(
    fields: &[FieldSpec],
    names: [&'static str; N],
) -> [&'static str; N] {
    assert!(fields.len() == N, "the table has another number of fields");
    let mut index = 0;
    while index < N {
        assert!(
            is_same(fields[index].name, names[index]),
            "the table has another field here"
        );
        index += 1;
    }
    names
}

/// `==`, which constants lack.
const fn is_same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Defines an object: a struct with public fields, its serde and schema attributes, its [`FieldSpec`]s.
///
/// A field is `/// meaning` and `name: Type = presence, "unit", #[attribute];`, the last two as needed.
/// The presence is `always`, `added`, `optional("when")` (an `Option` or a list, left out where there is
/// none) or `neutral("what absence means")` (read as the type's default).
macro_rules! object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$life:lifetime>)? { $($fields:tt)* }
    ) => {
        $crate::protocol::table::object! { @field [$(#[$meta])*] $name [$($life)?] [] [] $($fields)* }
    };
    (
        @field $head:tt $name:ident $life:tt [$($done:tt)*] [$($spec:tt)*]
        $(#[doc = $meaning:tt])+
        $field:ident: $type:ty = always $(, $unit:literal)? $(, #[$extra:meta])*;
        $($rest:tt)*
    ) => {
        $crate::protocol::table::object! { @field $head $name $life
            [$($done)* $(#[doc = $meaning])+ $(#[$extra])* pub $field: $type,]
            [$($spec)* $crate::protocol::table::spec!(
                $field, Always, [$($unit)?], $($meaning)+
            ),]
            $($rest)*
        }
    };
    (
        @field $head:tt $name:ident $life:tt [$($done:tt)*] [$($spec:tt)*]
        $(#[doc = $meaning:tt])+
        $field:ident: $type:ty = added $(, $unit:literal)? $(, #[$extra:meta])*;
        $($rest:tt)*
    ) => {
        $crate::protocol::table::object! { @field $head $name $life
            [$($done)* $(#[doc = $meaning])+ #[serde(default)] $(#[$extra])* pub $field: $type,]
            [$($spec)* $crate::protocol::table::spec!(
                $field, Added, [$($unit)?], $($meaning)+
            ),]
            $($rest)*
        }
    };
    (
        @field $head:tt $name:ident $life:tt [$($done:tt)*] [$($spec:tt)*]
        $(#[doc = $meaning:tt])+
        $field:ident: $type:ty = optional($when:literal) $(, $unit:literal)? $(, #[$extra:meta])*;
        $($rest:tt)*
    ) => {
        $crate::protocol::table::object! { @field $head $name $life
            [$($done)* $(#[doc = $meaning])+
                #[serde(default, skip_serializing_if = "crate::protocol::table::is_absent")]
                $(#[$extra])* pub $field: $type,]
            [$($spec)* $crate::protocol::table::spec!(
                $field, Optional($when), [$($unit)?], $($meaning)+
            ),]
            $($rest)*
        }
    };
    (
        @field $head:tt $name:ident $life:tt [$($done:tt)*] [$($spec:tt)*]
        $(#[doc = $meaning:tt])+
        $field:ident: $type:ty = neutral($when:literal) $(, $unit:literal)? $(, #[$extra:meta])*;
        $($rest:tt)*
    ) => {
        $crate::protocol::table::object! { @field $head $name $life
            [$($done)* $(#[doc = $meaning])+ #[serde(default)] $(#[$extra])* pub $field: $type,]
            [$($spec)* $crate::protocol::table::spec!(
                $field, Optional($when), [$($unit)?], $($meaning)+
            ),]
            $($rest)*
        }
    };
    (@field [$($head:tt)*] $name:ident [$($life:lifetime)?] [$($done:tt)*] [$($spec:tt)*]) => {
        $($head)*
        pub struct $name $(<$life>)? { $($done)* }

        impl $(<$life>)? $crate::protocol::table::Described for $name $(<$life>)? {
            const FIELDS: &'static [$crate::protocol::table::FieldSpec] = &[$($spec)*];
        }
    };
}
pub(super) use object;

/// One [`FieldSpec`] of [`object!`].
macro_rules! spec {
    ($field:ident, $presence:ident $(($when:literal))?, [$($unit:literal)?], $($meaning:tt)+) => {
        $crate::protocol::table::FieldSpec {
            name: stringify!($field),
            presence: $crate::protocol::table::Presence::$presence $(($when))?,
            unit: concat!($($unit)?),
            meaning: concat!($($meaning),+).trim_ascii(),
        }
    };
}
pub(super) use spec;

/// Defines a closed list of words, each `/// meaning` and `Variant = "word",`: an enum that serde and the
/// schema write as these words.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[doc = $meaning:tt])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[doc = $meaning])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in the order of the table.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word on the wire.
            pub const fn wire_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}
pub(super) use words;

/// Defines the requests, each `Variant(Payload) = "type", answered` or `unanswered`: the enum of payloads,
/// the enum of kinds, and what goes by kind: names, reading, writing, schema, table.
macro_rules! requests {
    (
        $(#[$meta:meta])*
        pub enum $name:ident<$life:lifetime>;

        $(#[$kind_meta:meta])*
        pub enum $kind:ident {
            $($variant:ident($payload:ty) = $wire:literal, $answered:ident;)+
        }
    ) => {
        $(#[$meta])*
        pub enum $name<$life> {
            $(#[doc = concat!("A message of type `", $wire, "`.")] $variant($payload),)+
        }

        $(#[$kind_meta])*
        pub enum $kind {
            $(#[doc = concat!("A message of type `", $wire, "`.")] $variant,)+
        }

        impl $kind {
            /// All kinds, in the order of the protocol's page.
            pub const ALL: [Self; [$($wire),+].len()] = [$(Self::$variant),+];

            /// The envelope's `type`.
            pub const fn wire_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)+
                }
            }

            /// The kind that an envelope's `type` names.
            pub fn from_wire_name(name: &str) -> Option<Self> {
                match name {
                    $($wire => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Whether the request is owed exactly one reply: its result, or an error that names it.
            pub const fn is_answered(self) -> bool {
                match self {
                    $(Self::$variant => $crate::protocol::table::requests!(@ $answered),)+
                }
            }
        }

        impl<$life> $name<$life> {
            /// The table of requests.
            pub const MESSAGES: &'static [$crate::protocol::table::MessageSpec] = &[
                $($crate::protocol::table::MessageSpec {
                    name: $wire,
                    sender: $crate::protocol::table::Sender::Client,
                    fields: <$payload as $crate::protocol::table::Described>::FIELDS,
                },)+
            ];

            /// What the request is.
            pub const fn kind(&self) -> $kind {
                match self {
                    $(Self::$variant(_) => $kind::$variant,)+
                }
            }

            /// Reads the payload of a request of this kind.
            pub(super) fn read(
                kind: $kind,
                payload: &[simd_json::Node<$life>],
            ) -> $crate::protocol::decode::Checked<Self> {
                use $crate::protocol::decode::ReadPayload as _;
                Ok(match kind {
                    $($kind::$variant => Self::$variant(<$payload>::read(payload)?),)+
                })
            }

            /// Writes the payload inside its envelope.
            fn write(&self, seq: Seq, ts: UnixMillis, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(payload) => write($wire, seq, ts, payload, out),)+
                }
            }

            /// The schema of each payload, by `type`.
            pub(super) fn payload_schemas(
                generator: &mut schemars::SchemaGenerator,
            ) -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($wire, generator.subschema_for::<$payload>()),)+]
            }
        }
    };
    (@ answered) => { true };
    (@ unanswered) => { false };
}
pub(super) use requests;

/// Defines the messages of the control lane, each `Variant(Payload) = "type";`: the enum of payloads, and
/// what goes by type: names, reading, writing, schema, table.
macro_rules! replies {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($variant:ident($payload:ty) = $wire:literal;)+ }
    ) => {
        $(#[$meta])*
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(tag = "type", content = "payload")]
        pub enum $name {
            $(
                #[doc = concat!("A message of type `", $wire, "`.")]
                #[serde(rename = $wire)]
                $variant($payload),
            )+
        }

        impl $name {
            /// The table of these messages.
            pub const MESSAGES: &'static [$crate::protocol::table::MessageSpec] = &[
                $($crate::protocol::table::MessageSpec {
                    name: $wire,
                    sender: $crate::protocol::table::Sender::Server,
                    fields: <$payload as $crate::protocol::table::Described>::FIELDS,
                },)+
            ];

            /// The envelope's `type`.
            pub const fn wire_name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $wire,)+
                }
            }

            /// Writes the payload inside its envelope.
            fn write(&self, head: EnvelopeHead, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(payload) => write(head, payload, out),)+
                }
            }

            /// Reads the payload of a message of this `type`; none if it is not one of these.
            pub(super) fn read(wire_name: &str, payload: &str) -> Option<serde_json::Result<Self>> {
                Some(match wire_name {
                    $($wire => serde_json::from_str(payload).map(Self::$variant),)+
                    _ => return None,
                })
            }

            /// The schema of each payload, by `type`.
            pub(super) fn payload_schemas(
                generator: &mut schemars::SchemaGenerator,
            ) -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($wire, generator.subschema_for::<$payload>()),)+]
            }
        }
    };
}
pub(super) use replies;

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[FieldSpec] = &[
        spec!(first, Always, ["u"], " One" " line."),
        spec!(second, Optional("at times"), [], " Two."),
    ];

    #[test]
    fn an_entry_keeps_what_its_line_says() {
        assert_eq!(FIELDS[0].unit, "u");
        assert_eq!(FIELDS[0].meaning, "One line.");
        assert_eq!(FIELDS[1].presence, Presence::Optional("at times"));
        assert_eq!(names_of(FIELDS, ["first", "second"]), ["first", "second"]);
    }

    #[test]
    #[should_panic(expected = "another field here")]
    fn fields_taken_in_another_order_than_the_tables_are_refused() {
        names_of(FIELDS, ["second", "first"]);
    }

    #[test]
    #[should_panic(expected = "another number of fields")]
    fn a_field_that_is_not_taken_is_refused() {
        names_of(FIELDS, ["first"]);
    }
}
