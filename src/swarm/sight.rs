//! Reading the stream cheaply: how much of a message a bot looks at.
//!
//! ```text
//! every message     glance: type, seq, reply_to, tick   a scan of the head, ~60 ns
//! every 8th delta   own_row: one entity's row           a substring search
//! every 64th delta  DeltaSight: all rows, borrowed      one parse
//! ```
//!
//! The glance knows the order of fields that this project's server writes, and falls back to a
//! parse for any other. Nothing here keeps state.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::ids::Name;
use crate::protocol::client::Sealed;
use crate::protocol::world::Market;

/// What a look at a message's head tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glance<'t> {
    /// The envelope's `type`.
    pub(super) kind: &'t str,
    /// The server's count of messages on this connection.
    pub(super) seq: u64,
    /// The tick, for messages of the state stream.
    pub(super) tick: Option<u64>,
}

/// Looks at a message's head. `None`: not a message of the protocol.
pub(super) fn glance(text: &str) -> Option<Glance<'_>> {
    canonical(text).or_else(|| parsed(text))
}

/// The head as `{"type":"…","seq":1,"ts":2,"payload":{"tick":3`, without a parser.
fn canonical(text: &str) -> Option<Glance<'_>> {
    let rest = text.strip_prefix("{\"type\":\"")?;
    let (kind, rest) = rest.split_once('"')?;
    let (seq, rest) = number(rest.strip_prefix(",\"seq\":")?)?;
    if !kind.starts_with("world.") {
        return Some(Glance {
            kind,
            seq,
            tick: None,
        });
    }
    let (_, rest) = number(rest.strip_prefix(",\"ts\":")?)?;
    let (tick, _) = number(rest.strip_prefix(",\"payload\":{\"tick\":")?)?;
    Some(Glance {
        kind,
        seq,
        tick: Some(tick),
    })
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

fn parsed(text: &str) -> Option<Glance<'_>> {
    #[derive(Deserialize)]
    struct Ticked {
        tick: u64,
    }
    let sealed = Sealed::decode(text).ok()?;
    let tick = if sealed.r#type.starts_with("world.") {
        Some(
            serde_json::from_str::<Ticked>(sealed.payload.get())
                .ok()?
                .tick,
        )
    } else {
        None
    };
    Some(Glance {
        kind: sealed.r#type,
        seq: sealed.seq,
        tick,
    })
}

/// Where a ship is and how it moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub(super) struct SeenPose {
    /// Position east of the centre, u.
    pub(super) x: f32,
    /// Position north of the centre, u.
    pub(super) y: f32,
    /// Velocity to the east, u/s.
    pub(super) vx: f32,
    /// Velocity to the north, u/s.
    pub(super) vy: f32,
    /// Heading in rad, counter-clockwise from east.
    pub(super) r: f32,
}

/// Finds one entity's row by its id as it stands in JSON, quotes included, and reads its pose.
///
/// Work: one search of the text, and a parse of one row.
pub(super) fn own_row(text: &str, quoted_id: &str) -> Option<SeenPose> {
    let id_at = text.find(quoted_id)?;
    let open = text.get(..id_at)?.rfind('{')?;
    let row = text.get(open..)?;
    let close = row.find('}')?;
    serde_json::from_str(row.get(..=close)?).ok()
}

/// A row of the stream as far as a bot reads it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SeenRow<'t> {
    /// The entity's id.
    pub(super) id: &'t str,
    /// What it is, when the row says so.
    #[serde(default)]
    pub(super) kind: Option<&'t str>,
    /// Position east of the centre, u.
    pub(super) x: f32,
    /// Position north of the centre, u.
    pub(super) y: f32,
    /// Velocity to the east, u/s.
    pub(super) vx: f32,
    /// Velocity to the north, u/s.
    pub(super) vy: f32,
    /// Heading in rad, counter-clockwise from east.
    pub(super) r: f32,
}

impl SeenRow<'_> {
    /// Place and motion.
    pub(super) fn pose(&self) -> SeenPose {
        SeenPose {
            x: self.x,
            y: self.y,
            vx: self.vx,
            vy: self.vy,
            r: self.r,
        }
    }
}

/// What the stream says of the own pilot.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct YouSight<'t> {
    /// The own ship, when it was said.
    #[serde(default)]
    pub(super) ship_id: Option<&'t str>,
    /// Hull, when it was said.
    #[serde(default)]
    pub(super) hull: Option<i32>,
    /// Where it is docked.
    #[serde(default, borrow)]
    pub(super) docked_at: DockedAt<'t>,
}

/// What `docked_at` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum DockedAt<'t> {
    /// Nothing: it is not in the message.
    #[default]
    Unsaid,
    /// The ship is in space.
    Space,
    /// Docked at this station.
    Station(&'t str),
}

impl<'de: 't, 't> Deserialize<'de> for DockedAt<'t> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let station = Option::<&'t str>::deserialize(from)?;
        Ok(station.map_or(Self::Space, Self::Station))
    }
}

/// A delta as far as a bot reads it.
#[derive(Debug, Deserialize)]
pub(super) struct DeltaSight<'t> {
    /// Rows of what changed.
    #[serde(borrow)]
    pub(super) entity_updates: Vec<SeenRow<'t>>,
    /// What changed of the own pilot.
    #[serde(default, borrow)]
    pub(super) you: Option<YouSight<'t>>,
}

/// A snapshot as far as a bot reads it.
#[derive(Debug, Deserialize)]
pub(super) struct SnapshotSight<'t> {
    /// The own pilot.
    #[serde(borrow)]
    pub(super) you: YouSight<'t>,
    /// Everything in view.
    #[serde(borrow)]
    pub(super) entities: Vec<SeenRow<'t>>,
    /// The markets' text, for [`prices`].
    #[serde(borrow)]
    pub(super) markets: &'t RawValue,
}

#[derive(Deserialize)]
struct Body<P> {
    payload: P,
}

/// Reads a delta's rows.
pub(super) fn delta(text: &str) -> Option<DeltaSight<'_>> {
    serde_json::from_str::<Body<DeltaSight<'_>>>(text)
        .ok()
        .map(|body| body.payload)
}

/// Reads a snapshot.
pub(super) fn snapshot(text: &str) -> Option<SnapshotSight<'_>> {
    serde_json::from_str::<Body<SnapshotSight<'_>>>(text)
        .ok()
        .map(|body| body.payload)
}

/// The commodities on sale at one station out of a snapshot's markets, at most `offers_max`.
pub(super) fn offers(markets: &RawValue, station: &str, offers_max: usize) -> Vec<Name> {
    let markets: Vec<Market> = serde_json::from_str(markets.get()).unwrap_or_default();
    let here = markets
        .into_iter()
        .find(|market| market.station_id.as_str() == station);
    let prices = here.into_iter().flat_map(|market| market.prices);
    prices
        .map(|price| price.commodity_id)
        .take(offers_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELTA: &str = r#"{"type":"world.delta","seq":101,"ts":17,"payload":{"tick":5011,"entity_updates":[{"id":"s_9","x":1,"y":2,"vx":0,"vy":0,"r":0,"hp":1},{"id":"s_98","x":-1200.5,"y":400,"vx":8,"vy":2,"r":1.62,"hp":100}],"entity_removed":[],"events":[],"you_zone_context":{"zone_ids":[],"blended_risk":0,"blended_security":0,"blended_profit_multiplier":1},"you":{"docked_at":null}}}"#;

    #[test]
    fn a_head_is_read_in_the_servers_order_and_in_any_other() {
        let seen = glance(DELTA).unwrap();
        assert_eq!(
            seen,
            Glance {
                kind: "world.delta",
                seq: 101,
                tick: Some(5011)
            }
        );
        assert!(canonical(DELTA).is_some());
        let turned =
            r#"{ "payload": {"x": 1, "tick": 7}, "ts": 1, "seq": 2, "type": "world.snapshot" }"#;
        let seen = glance(turned).unwrap();
        assert_eq!(
            seen,
            Glance {
                kind: "world.snapshot",
                seq: 2,
                tick: Some(7)
            }
        );
        let pong = r#"{"type":"pong","seq":3,"reply_to":9,"ts":1,"payload":{}}"#;
        assert_eq!(glance(pong).unwrap().tick, None);
    }

    #[test]
    fn what_is_no_message_is_not_taken_for_one() {
        for text in [
            "",
            "{}",
            "{\"type\":\"world.delta\"",
            "[1]",
            "{\"type\":\"pong\",\"seq\":-1}",
        ] {
            assert_eq!(glance(text), None, "{text}");
        }
    }

    #[test]
    fn the_own_row_is_found_by_its_whole_id() {
        let pose = own_row(DELTA, "\"s_98\"").unwrap();
        assert_eq!(
            (pose.x, pose.y, pose.vx, pose.r),
            (-1200.5, 400.0, 8.0, 1.62)
        );
        assert_eq!(own_row(DELTA, "\"s_8\""), None);
    }

    #[test]
    fn a_delta_tells_docked_undocked_and_unsaid_apart() {
        let seen = delta(DELTA).unwrap();
        assert_eq!(seen.entity_updates.len(), 2);
        assert_eq!(seen.you.unwrap().docked_at, DockedAt::Space);
        let docked = DELTA.replace("\"docked_at\":null", "\"docked_at\":\"mars\"");
        assert_eq!(
            delta(&docked).unwrap().you.unwrap().docked_at,
            DockedAt::Station("mars")
        );
        let unsaid = DELTA.replace("\"docked_at\":null", "\"hull\":7");
        let you = delta(&unsaid).unwrap().you.unwrap();
        assert_eq!((you.docked_at, you.hull), (DockedAt::Unsaid, Some(7)));
    }
}
