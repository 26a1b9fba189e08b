//! What the server may hold in memory at most: a sum of bounds, told at start-up.
//!
//! Each part is a count that a limit or the universe bounds, times what one of it costs at worst.
//! All of it at once would take an attack on every part at the same time; an honest day costs a
//! small share. What the kernel holds in socket buffers is its own and not in the sum.

use std::fmt;
use std::mem::size_of;

use crate::bus::{ToGateway, ToNode};
use crate::limits::{
    BATCH_RECORD_BYTES, BATCH_RECORDS_MAX, CONNECTION_STATE_BYTES, ENTITIES_MAX, ENTITY_BYTES_MAX,
    GATEWAY_QUEUE_MAX, HELD_REPLIES_MAX, INBOX_MAX, LOOKUPS_MAX, ORDERS_PENDING_MAX,
    PENDING_STEP_BYTES, PLAYER_BYTES_MAX, PLAYERS_MAX, PROGRAM_BYTES, PROJECTILES_MAX, REPLY_BYTES,
    TLS_SESSION_BYTES_MAX,
};
use crate::net::NetConfig;
use crate::node::{ORDER_BYTES, STEERING_BYTES};
use crate::universe::{System, Universe};

/// A part of the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    what: &'static str,
    count: usize,
    bytes: usize,
}

/// The sum and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget(Vec<Part>);

/// Players that a server with so many connections has to do with at once: as many as may be
/// connected, and as many again whose ships linger.
pub fn players_max(connections_max: usize) -> usize {
    PLAYERS_MAX.min(connections_max.saturating_mul(2))
}

impl Budget {
    /// For a server of this shape.
    pub fn new(net: &NetConfig, is_tls: bool, net_threads: u16, universe: &Universe) -> Self {
        let shards = usize::from(net_threads.max(1));
        let part = |what, count, each: usize| Part {
            what,
            count,
            bytes: usize::saturating_mul(count, each),
        };
        let queues = Part {
            what: "queues",
            count: 1 + shards,
            // Both buffers of a queue, and what replies own beside their place in it.
            bytes: 2 * INBOX_MAX * size_of::<ToNode>()
                + shards
                    * (2 * GATEWAY_QUEUE_MAX * size_of::<ToGateway>()
                        + (GATEWAY_QUEUE_MAX + HELD_REPLIES_MAX) * REPLY_BYTES)
                + BATCH_RECORDS_MAX * BATCH_RECORD_BYTES
                + LOOKUPS_MAX * REPLY_BYTES,
        };
        let players = players_max(net.connections_max);
        let orders = universe.systems.len() * ORDERS_PENDING_MAX;
        let pending = Part {
            what: "pending commands",
            count: players + orders,
            bytes: players * STEERING_BYTES + orders * ORDER_BYTES,
        };
        let entities = universe.systems.iter();
        let entities = entities.map(|system| entities_max(system, players)).sum();
        Self(vec![
            part(
                "connections",
                net.connections_max,
                connection_bytes(net, is_tls),
            ),
            part("players", players, PLAYER_BYTES_MAX),
            part("entities", entities, ENTITY_BYTES_MAX),
            pending,
            queues,
            part("program", 1, PROGRAM_BYTES),
        ])
    }

    /// Sum of all parts, in bytes.
    pub fn bytes(&self) -> usize {
        self.0
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.bytes))
    }
}

/// At most so many MB, and what they are for.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} MB", megabytes(self.bytes()))?;
        for (place, part) in self.0.iter().enumerate() {
            let before = if place == 0 { ": " } else { ", " };
            write!(f, "{before}{} MB for ", megabytes(part.bytes))?;
            match part.count {
                1 => write!(f, "the {}", part.what)?,
                count => write!(f, "{count} {}", part.what)?,
            }
        }
        Ok(())
    }
}

const fn megabytes(bytes: usize) -> usize {
    bytes.div_ceil(1_000_000)
}

/// What one connection holds at worst: output up to its bound, input up to a message in a frame
/// and one in fragments (with the slack of growing buffers), and its own state.
fn connection_bytes(net: &NetConfig, is_tls: bool) -> usize {
    let output = net.pending_bytes_max + PENDING_STEP_BYTES;
    let input = 4 * net.message_bytes_max;
    let tls = if is_tls { TLS_SESSION_BYTES_MAX } else { 0 };
    output + input + CONNECTION_STATE_BYTES + tls
}

/// Pilots, ships that the server flies, stations and shots.
fn entities_max(system: &System, players: usize) -> usize {
    let fleet = &system.population;
    let npcs = fleet.pirates + fleet.patrols + fleet.traders;
    let ships = players.min(system.pilots_max as usize) + npcs as usize;
    (ships + system.stations.len() + PROJECTILES_MAX).min(ENTITIES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_said_with_its_parts_and_follows_the_limits() {
        let universe = Universe::built_in();
        let few = NetConfig {
            connections_max: 100,
            ..NetConfig::default()
        };
        let small = Budget::new(&few, false, 1, &universe);
        let large = Budget::new(&NetConfig::default(), true, 4, &universe);
        assert!(small.bytes() < large.bytes());
        let parts: usize = small.0.iter().map(|part| part.bytes).sum();
        assert_eq!(parts, small.bytes());
        let told = small.to_string();
        assert!(told.starts_with("at most "), "{told}");
        for part in [
            "100 connections",
            "200 players",
            "entities",
            "pending commands",
            "queues",
            "the program",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
