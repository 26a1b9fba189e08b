//! What an operator or a test may choose about the net layer; the rest is in
//! [`limits`]. Every field has a default that is safe to expose.

use std::net::IpAddr;

use tungstenite::protocol::WebSocketConfig;

use crate::limits::{self, Rate};

/// Bounds and trust of one listener; the same for each of its shards.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Connections in all, over every shard.
    pub connections_max: usize,
    /// Share of them that is closed to anonymous connections, in percent; see
    /// [`ConnectionLimiter`](super::limiter::ConnectionLimiter).
    pub places_kept_percent: usize,
    /// Connections from one address; an IPv6 /56 or /48 may have a multiple.
    pub connections_per_ip_max: usize,
    /// TLS handshakes under way in one shard.
    pub tls_handshakes_max: usize,
    /// Proxies whose `X-Forwarded-For` is believed; they have no limit of their own.
    pub trusted_proxies: Vec<IpAddr>,
    /// A message from a client, whole or in fragments.
    pub message_bytes_max: usize,
    /// Output that may wait for one client.
    pub pending_bytes_max: usize,
    /// While news comes more often than this, in µs, the reactor gathers it and looks at the
    /// sockets only so often; a ring of its waker is heard at once all the same. 0: never.
    pub gather_us: u64,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            places_kept_percent: limits::PLACES_KEPT_PERCENT,
            connections_per_ip_max: limits::CONNECTIONS_PER_IP_MAX,
            tls_handshakes_max: limits::TLS_HANDSHAKES_MAX,
            trusted_proxies: Vec::new(),
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            pending_bytes_max: limits::PENDING_BYTES_MAX,
            gather_us: 0,
        }
    }
}

impl NetConfig {
    /// Places that are closed to anonymous connections.
    pub const fn places_kept(&self) -> usize {
        let percent = if self.places_kept_percent < 100 {
            self.places_kept_percent
        } else {
            100
        };
        self.connections_max / 100 * percent + self.connections_max % 100 * percent / 100
    }

    /// How often a client may send fragments that finish no message: enough to send the largest
    /// message in pieces of [`limits::FRAGMENT_BYTES_FAIR`], and never less than the game's.
    pub fn fragments(&self) -> Rate {
        let pieces = self.message_bytes_max / limits::FRAGMENT_BYTES_FAIR;
        let burst = u32::try_from(pieces).unwrap_or(u32::MAX);
        Rate {
            burst: burst.max(limits::RATE_FRAGMENTS.burst),
            ..limits::RATE_FRAGMENTS
        }
    }

    /// Waiting output past which nothing more is read from a client: whoever does not read is not
    /// read from, so answers to its pings and messages cannot pile up.
    pub const fn reading_pauses_at_bytes(&self) -> usize {
        self.pending_bytes_max / 2
    }

    /// tungstenite's limits, none left at its default.
    pub fn websocket(&self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(limits::READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(self.pending_bytes_max.max(limits::READ_BUFFER_BYTES))
            .max_message_size(Some(self.message_bytes_max))
            .max_frame_size(Some(self.message_bytes_max))
            .accept_unmasked_frames(false)
    }
}
