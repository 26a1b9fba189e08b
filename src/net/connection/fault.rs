//! Why a WebSocket is over, and what a peer can do to have it ended by this layer.

use crate::limits::FLOOD_CLOSE_CODE;

/// Why a WebSocket is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCause {
    /// The service closed it.
    Service,
    /// This layer did, for what the peer did.
    Fault(Fault),
    /// It made room for another connection.
    Displaced,
    /// The server stops.
    Stopping,
    /// The peer or the network ended it.
    Peer,
}

/// Why a WebSocket was ended for its peer's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Pings or pongs without end.
    PingFlood,
    /// Fragments that finish no message, without end.
    FragmentFlood,
    /// Nothing came for too long, not even an answer to a ping.
    Silence,
    /// A message or frame over the bound.
    MessageTooBig,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// Anything else that RFC 6455 forbids.
    BrokenProtocol,
}

impl Fault {
    /// Every fault, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::PingFlood,
        Self::FragmentFlood,
        Self::Silence,
        Self::MessageTooBig,
        Self::InvalidUtf8,
        Self::BrokenProtocol,
    ];

    /// The identifier by which metrics call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PingFlood => "ping_flood",
            Self::FragmentFlood => "fragment_flood",
            Self::Silence => "silence",
            Self::MessageTooBig => "message_too_big",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::BrokenProtocol => "broken_protocol",
        }
    }

    /// The close frame's code.
    pub const fn code(self) -> u16 {
        match self {
            Self::PingFlood | Self::FragmentFlood => FLOOD_CLOSE_CODE,
            Self::Silence => 1001,
            Self::MessageTooBig => 1009,
            Self::InvalidUtf8 => 1007,
            Self::BrokenProtocol => 1002,
        }
    }

    /// The close frame's reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::PingFlood => "too many pings",
            Self::FragmentFlood => "too many fragments",
            Self::Silence => "nothing heard for too long",
            Self::MessageTooBig => "message is too big",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::BrokenProtocol => "protocol error",
        }
    }
}
