//! The protocol's codes: why a request was refused ([`ErrorCode`]) and why a connection was ended
//! ([`CloseCode`]).
//!
//! Both are closed lists. Their wire texts and numbers are what client programs branch on, so they
//! never change meaning; the human-readable message beside them may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request was refused: the `code` of `error` and `auth.error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The token is not one this server accepts.
    InvalidToken,
    /// The token was good once.
    TokenExpired,
    /// The client asked for a protocol version that this server does not speak.
    UnsupportedProtocolVersion,
    /// The request needs a login first.
    NotAuthenticated,
    /// The connection is logged in, or about to be.
    AlreadyAuthenticated,
    /// No system of that id exists.
    UnknownSystem,
    /// The system holds as many pilots as it may.
    SystemFull,
    /// The request needs a joined system first.
    NotInSystem,
    /// The request's `seq` is not above the connection's newest.
    StaleSeq,
    /// Too many messages of this class; `retry_after_ms` says when there is room again.
    RateLimited,
    /// Not a JSON object of the envelope's shape, or a body field of the wrong type.
    MalformedMessage,
    /// The envelope's `type` names no request.
    UnknownType,
    /// The request needs the ship docked.
    NotDocked,
    /// The ship is docked at another station than the one named.
    WrongStation,
    /// No station of that id exists here.
    UnknownStation,
    /// No commodity of that id exists.
    UnknownCommodity,
    /// The quantity is not a whole number from 1 to 1 000 000 000.
    InvalidQuantity,
    /// The pilot cannot pay.
    InsufficientCredits,
    /// The hold has less of the commodity than was to be sold.
    InsufficientCargo,
    /// The tank has less than a jump burns.
    InsufficientFuel,
    /// The hold (or the tank) has no room for it.
    CargoFull,
    /// The station has less of the commodity than was to be bought.
    OutOfStock,
    /// The same `request_id` came before with another body.
    RequestIdReused,
    /// The hull is whole.
    NothingToRepair,
    /// The ship is destroyed and not yet back.
    ShipDestroyed,
    /// The server failed; the request was not carried out.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the protocol's table.
    pub const ALL: [Self; 26] = [
        Self::InvalidToken,
        Self::TokenExpired,
        Self::UnsupportedProtocolVersion,
        Self::NotAuthenticated,
        Self::AlreadyAuthenticated,
        Self::UnknownSystem,
        Self::SystemFull,
        Self::NotInSystem,
        Self::StaleSeq,
        Self::RateLimited,
        Self::MalformedMessage,
        Self::UnknownType,
        Self::NotDocked,
        Self::WrongStation,
        Self::UnknownStation,
        Self::UnknownCommodity,
        Self::InvalidQuantity,
        Self::InsufficientCredits,
        Self::InsufficientCargo,
        Self::InsufficientFuel,
        Self::CargoFull,
        Self::OutOfStock,
        Self::RequestIdReused,
        Self::NothingToRepair,
        Self::ShipDestroyed,
        Self::Internal,
    ];

    /// The code's text on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidToken => "INVALID_TOKEN",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::UnsupportedProtocolVersion => "UNSUPPORTED_PROTOCOL_VERSION",
            Self::NotAuthenticated => "NOT_AUTHENTICATED",
            Self::AlreadyAuthenticated => "ALREADY_AUTHENTICATED",
            Self::UnknownSystem => "UNKNOWN_SYSTEM",
            Self::SystemFull => "SYSTEM_FULL",
            Self::NotInSystem => "NOT_IN_SYSTEM",
            Self::StaleSeq => "STALE_SEQ",
            Self::RateLimited => "RATE_LIMITED",
            Self::MalformedMessage => "MALFORMED_MESSAGE",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::NotDocked => "NOT_DOCKED",
            Self::WrongStation => "WRONG_STATION",
            Self::UnknownStation => "UNKNOWN_STATION",
            Self::UnknownCommodity => "UNKNOWN_COMMODITY",
            Self::InvalidQuantity => "INVALID_QUANTITY",
            Self::InsufficientCredits => "INSUFFICIENT_CREDITS",
            Self::InsufficientCargo => "INSUFFICIENT_CARGO",
            Self::InsufficientFuel => "INSUFFICIENT_FUEL",
            Self::CargoFull => "CARGO_FULL",
            Self::OutOfStock => "OUT_OF_STOCK",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::NothingToRepair => "NOTHING_TO_REPAIR",
            Self::ShipDestroyed => "SHIP_DESTROYED",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether a login refused with this code is refused for what the client brought: its token, its
    /// version. Any other refusal is for the server's sake: the token stays good.
    pub const fn is_fault_of_login(self) -> bool {
        matches!(
            self,
            Self::InvalidToken | Self::TokenExpired | Self::UnsupportedProtocolVersion
        )
    }

    /// A sentence for people, where the sender has nothing more exact to say.
    pub const fn message(self) -> &'static str {
        match self {
            Self::InvalidToken => "Authentication failed",
            Self::TokenExpired => "The token has expired",
            Self::UnsupportedProtocolVersion => "This protocol version is not supported",
            Self::NotAuthenticated => "Log in first",
            Self::AlreadyAuthenticated => "This connection is already logged in",
            Self::UnknownSystem => "There is no such system",
            Self::SystemFull => "The system is full",
            Self::NotInSystem => "Join a system first",
            Self::StaleSeq => "seq must rise with every message",
            Self::RateLimited => "Too many messages",
            Self::MalformedMessage => "The message is malformed",
            Self::UnknownType => "There is no such message type",
            Self::NotDocked => "This requires docking",
            Self::WrongStation => "The ship is docked at another station",
            Self::UnknownStation => "There is no such station here",
            Self::UnknownCommodity => "There is no such commodity",
            Self::InvalidQuantity => {
                "quantity must be a whole number from 1 to 1000000000, written as an integer"
            }
            Self::InsufficientCredits => "Not enough credits",
            Self::InsufficientCargo => "Not enough of it in the hold",
            Self::InsufficientFuel => "Not enough fuel for the jump",
            Self::CargoFull => "Not enough room for it",
            Self::OutOfStock => "The station has not enough of it",
            Self::RequestIdReused => "This request_id was used for another request",
            Self::NothingToRepair => "The hull is whole",
            Self::ShipDestroyed => "The ship is destroyed",
            Self::Internal => "The server failed",
        }
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
}
