//! The protocol's codes: why a request was refused ([`ErrorCode`]) and why a connection was ended
//! ([`CloseCode`]).
//!
//! Both are closed lists. Their wire texts and numbers are what client programs branch on, so they
//! never change meaning; the human-readable message beside them may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defines the error codes, each `/// when`, `Variant = "TEXT", "sentence for people";`.
macro_rules! error_codes {
    ($(#[doc = $when:tt] $variant:ident = $text:literal, $sentence:literal;)+) => {
        /// Why a request was refused: the `code` of `error` and `auth.error`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ErrorCode {
            $(#[doc = $when] #[serde(rename = $text)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the protocol's table.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The code's text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// A sentence for people, where the sender has nothing more exact to say.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)+
                }
            }
        }
    };
}

error_codes! {
    /// The token is not one this server accepts.
    InvalidToken = "INVALID_TOKEN", "Authentication failed";
    /// The token was good once.
    TokenExpired = "TOKEN_EXPIRED", "The token has expired";
    /// The client asked for a protocol version that this server does not speak.
    UnsupportedProtocolVersion = "UNSUPPORTED_PROTOCOL_VERSION", "This protocol version is not supported";
    /// The request needs a login first.
    NotAuthenticated = "NOT_AUTHENTICATED", "Log in first";
    /// The connection is logged in, or about to be.
    AlreadyAuthenticated = "ALREADY_AUTHENTICATED", "This connection is already logged in";
    /// No system of that id exists.
    UnknownSystem = "UNKNOWN_SYSTEM", "There is no such system";
    /// The system holds as many pilots as it may.
    SystemFull = "SYSTEM_FULL", "The system is full";
    /// The request needs a joined system first.
    NotInSystem = "NOT_IN_SYSTEM", "Join a system first";
    /// The request's `seq` is not above the connection's newest.
    StaleSeq = "STALE_SEQ", "seq must rise with every message";
    /// Too many messages of this class; `retry_after_ms` says when there is room again.
    RateLimited = "RATE_LIMITED", "Too many messages";
    /// Not a JSON object of the envelope's shape, or a body field of the wrong type.
    MalformedMessage = "MALFORMED_MESSAGE", "The message is malformed";
    /// The envelope's `type` names no request.
    UnknownType = "UNKNOWN_TYPE", "There is no such message type";
    /// The request needs the ship docked.
    NotDocked = "NOT_DOCKED", "This requires docking";
    /// The ship is docked at another station than the one named.
    WrongStation = "WRONG_STATION", "The ship is docked at another station";
    /// No station of that id exists here.
    UnknownStation = "UNKNOWN_STATION", "There is no such station here";
    /// No commodity of that id exists.
    UnknownCommodity = "UNKNOWN_COMMODITY", "There is no such commodity";
    /// The quantity is not a whole number from 1 to 1 000 000 000.
    InvalidQuantity = "INVALID_QUANTITY", "quantity must be a whole number from 1 to 1000000000, written as an integer";
    /// The pilot cannot pay.
    InsufficientCredits = "INSUFFICIENT_CREDITS", "Not enough credits";
    /// The hold has less of the commodity than was to be sold.
    InsufficientCargo = "INSUFFICIENT_CARGO", "Not enough of it in the hold";
    /// The tank has less than a jump burns.
    InsufficientFuel = "INSUFFICIENT_FUEL", "Not enough fuel for the jump";
    /// The hold (or the tank) has no room for it.
    CargoFull = "CARGO_FULL", "Not enough room for it";
    /// The station has less of the commodity than was to be bought.
    OutOfStock = "OUT_OF_STOCK", "The station has not enough of it";
    /// The same `request_id` came before with another body.
    RequestIdReused = "REQUEST_ID_REUSED", "This request_id was used for another request";
    /// The hull is whole.
    NothingToRepair = "NOTHING_TO_REPAIR", "The hull is whole";
    /// The ship is destroyed and not yet back.
    ShipDestroyed = "SHIP_DESTROYED", "The ship is destroyed";
    /// The server failed; the request was not carried out.
    Internal = "INTERNAL", "The server failed";
}

impl ErrorCode {
    /// Whether a login refused with this code is refused for what the client brought: its token, its
    /// version. Any other refusal is for the server's sake: the token stays good.
    pub const fn is_fault_of_login(self) -> bool {
        matches!(
            self,
            Self::InvalidToken | Self::TokenExpired | Self::UnsupportedProtocolVersion
        )
    }
}

/// Why the server ended a connection: the WebSocket close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The server is going down.
    Draining = 1001,
    /// The peer broke the WebSocket protocol.
    ProtocolError = 1002,
    /// A binary message where none was agreed.
    BinaryRefused = 1003,
    /// A text message that is not UTF-8.
    InvalidUtf8 = 1007,
    /// A message over [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX).
    MessageTooBig = 1009,
    /// The login was refused for the server's sake; the token stays good.
    TryLater = 1013,
    /// The login failed, or the session's token ran out.
    LoginFailed = 4001,
    /// No login within [`LOGIN_DEADLINE_MS`](crate::limits::LOGIN_DEADLINE_MS).
    LoginTimeout = 4002,
    /// The same player logged in on a newer connection.
    Replaced = 4003,
    /// The client did not read fast enough.
    TooSlow = 4004,
    /// Too many refused messages.
    Flood = 4008,
}

impl CloseCode {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Draining,
        Self::ProtocolError,
        Self::BinaryRefused,
        Self::InvalidUtf8,
        Self::MessageTooBig,
        Self::TryLater,
        Self::LoginFailed,
        Self::LoginTimeout,
        Self::Replaced,
        Self::TooSlow,
        Self::Flood,
    ];

    /// The identifier by which metrics call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::ProtocolError => "protocol_error",
            Self::BinaryRefused => "binary_refused",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::MessageTooBig => "message_too_big",
            Self::TryLater => "try_later",
            Self::LoginFailed => "login_failed",
            Self::LoginTimeout => "login_timeout",
            Self::Replaced => "replaced",
            Self::TooSlow => "too_slow",
            Self::Flood => "flood",
        }
    }

    /// What a connection is closed with behind a login refused with this code.
    pub const fn of_refused_login(code: ErrorCode) -> Self {
        if code.is_fault_of_login() {
            Self::LoginFailed
        } else {
            Self::TryLater
        }
    }

    /// The number in the close frame.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// The reason text in the close frame; at most 123 bytes, as WebSocket demands.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Draining => "server is shutting down",
            Self::ProtocolError => "protocol error",
            Self::BinaryRefused => "binary messages are not accepted",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::MessageTooBig => "message is too big",
            Self::TryLater => "try again later",
            Self::LoginFailed => "login failed or token expired",
            Self::LoginTimeout => "no login in time",
            Self::Replaced => "replaced by a newer login",
            Self::TooSlow => "reading too slowly",
            Self::Flood => "too many messages",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_text_is_what_serde_writes() {
        for code in ErrorCode::ALL {
            let written = serde_json::to_string(&code).unwrap();
            assert_eq!(written, format!("\"{}\"", code.as_str()));
        }
    }

    #[test]
    fn the_list_of_codes_holds_each_once() {
        let distinct: std::collections::HashSet<_> = ErrorCode::ALL.iter().collect();
        assert_eq!(distinct.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn every_close_code_has_a_number_and_a_name_of_its_own() {
        assert!(CloseCode::ALL.is_sorted_by_key(|code| code.as_u16()));
        let names: std::collections::HashSet<_> = CloseCode::ALL.map(CloseCode::name).into();
        assert_eq!(names.len(), CloseCode::ALL.len());
    }
}
