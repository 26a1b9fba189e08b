//! What a run measured, for people and for machines.
//!
//! [`SwarmReport`] is plain data, filled once when the run is over; its JSON field names are part of the
//! command's interface. The table for people is made in [`table`](super::table).

use std::collections::BTreeMap;

use serde::Serialize;

use super::bot::Bot;
use super::fleet::Fleet;
use super::histogram::DurationHistogram;
use crate::limits::{SWARM_CPU_PERCENT_MAX, SWARM_TURN_MS_MAX};

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SwarmReport {
    /// Where the swarm flew.
    pub url: String,
    /// How many bots were asked for.
    pub clients: u32,
    /// How many had a ship in a system.
    pub joined: u32,
    /// How many never came in.
    pub failed: u32,
    /// How many came in and lost the connection before the end.
    pub lost: u32,
    /// How long it measured, in seconds.
    pub duration_s: f64,
    /// Inputs that each bot was to send, a second.
    pub input_hz: f64,
    /// The state stream as it arrived.
    pub delivered: Delivered,
    /// Time between two messages of the stream at one bot, over all bots.
    pub gap_ms: Percentiles,
    /// What the bots sent while measuring.
    pub sent: SentCounts,
    /// Buy, sell and repair.
    pub orders: OrderCounts,
    /// Hits taken and ships lost.
    pub combat: Combat,
    /// Error replies by code.
    pub errors: BTreeMap<String, u64>,
    /// Connections that the server ended, by close code; 1006 where it did not say.
    pub closes: BTreeMap<u16, u64>,
    /// Why bots did not come in.
    pub failures: BTreeMap<String, u64>,
    /// Messages that broke the protocol.
    pub faults: Faults,
    /// The swarm's own part in it.
    pub swarm: Own,
}

/// The state stream as it arrived.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Delivered {
    /// Number of `world.delta` messages received.
    pub deltas: u64,
    /// Number of `world.snapshot` messages received.
    pub snapshots: u64,
    /// Deltas of all bots together, a second.
    pub deltas_per_s: f64,
    /// Ticks told to a bot a second: mean over the bots that flew when measuring began.
    pub hz_mean: f64,
    /// The same for the worst of them.
    pub hz_min: f64,
    /// Its player id.
    pub slowest: Option<String>,
    /// Ticks that a bot was not told of.
    pub ticks_missed: u64,
    /// Bytes of text of all messages.
    pub bytes: u64,
    /// The same, a second.
    pub bytes_per_s: f64,
    /// Bytes of text to a message.
    pub message_bytes_mean: f64,
    /// Bytes of the longest delta.
    pub delta_bytes_max: u64,
    /// Bytes to a delta, mean over the run, for the bot that was told most.
    pub delta_bytes_mean_max: f64,
    /// Entity rows to a delta, in a sample of them.
    pub rows_mean: f64,
    /// Share of deltas in which a bot's own ship stands, in percent of a sample of them; a ship at
    /// rest does not change and is not told.
    pub own_ship_percent: f64,
}

/// How a duration is spread, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Median of the values.
    pub p50: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// 999 of 1000 are at most this.
    pub p999: f64,
    /// Largest of the values.
    pub max: f64,
}

impl Percentiles {
    fn of(histogram: &DurationHistogram) -> Self {
        Self {
            p50: histogram.quantile_ms(0.5),
            p99: histogram.quantile_ms(0.99),
            p999: histogram.quantile_ms(0.999),
            max: histogram.max_ms(),
        }
    }
}

/// What the bots sent while measuring.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SentCounts {
    /// Number of `input.command` messages sent.
    pub inputs: u64,
    /// Inputs that were due and not sent.
    pub inputs_skipped: u64,
}

/// Buy, sell and repair, over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OrderCounts {
    /// Orders that bots sent.
    pub placed: u64,
    /// Orders that the server carried out.
    pub done: u64,
    /// Orders that the server refused.
    pub refused: u64,
    /// Without an answer when the run ended.
    pub unanswered: u64,
    /// From request to answer.
    pub latency_ms: Percentiles,
}

/// Fights, over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Combat {
    /// Hits that bots took.
    pub hits: u64,
    /// Ships that bots lost.
    pub destroyed: u64,
}

/// Messages that broke the protocol, over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Faults {
    /// The server's `seq` did not go on by one.
    pub seq_breaks: u64,
    /// Not a message of the protocol.
    pub unreadable: u64,
}

/// The swarm's own part in what it measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Own {
    /// Share of one core that it used; null where the system does not tell.
    pub cpu_percent: Option<f64>,
    /// Work of one turn of its loop.
    pub turn_ms: Percentiles,
    /// Whether it was itself too slow for what it was asked: its gaps are then not the server's.
    pub is_bottleneck: bool,
}

impl SwarmReport {
    pub(super) fn new(url: &str, input_hz: f64, fleet: &Fleet<'_>) -> Self {
        let counters = &fleet.counters;
        let unanswered = counters.orders - counters.orders_done - counters.orders_refused;
        let named = |(code, count): (&&str, &u64)| ((*code).to_owned(), *count);
        Self {
            url: url.to_owned(),
            clients: fleet.bots.len() as u32,
            joined: counters.joined,
            failed: counters.failed,
            lost: counters.lost,
            duration_s: rounded(fleet.window.seconds),
            input_hz,
            delivered: delivered(fleet),
            gap_ms: Percentiles::of(&counters.gaps),
            sent: SentCounts {
                inputs: counters.inputs,
                inputs_skipped: counters.inputs_skipped,
            },
            orders: OrderCounts {
                placed: counters.orders,
                done: counters.orders_done,
                refused: counters.orders_refused,
                unanswered,
                latency_ms: Percentiles::of(&counters.answers),
            },
            combat: Combat {
                hits: counters.hits,
                destroyed: counters.destroyed,
            },
            errors: counters.errors.iter().map(named).collect(),
            closes: counters.closes.clone(),
            failures: counters.failures.clone(),
            faults: Faults {
                seq_breaks: counters.seq_breaks,
                unreadable: counters.unreadable,
            },
            swarm: own(fleet),
        }
    }
}

fn delivered(fleet: &Fleet<'_>) -> Delivered {
    let (counters, seconds) = (&fleet.counters, fleet.window.seconds.max(0.001));
    let measured = || fleet.bots.iter().filter(|bot| bot.is_measured);
    let count = measured().count().max(1) as f64;
    let ticks: u64 = measured().map(|bot| bot.ticks_measured).sum();
    let slowest = measured().min_by_key(|bot| bot.ticks_measured);
    let messages = (counters.deltas + counters.snapshots).max(1) as f64;
    let delta_bytes =
        |bot: &Bot| bot.delta_bytes_measured as f64 / bot.deltas_measured.max(1) as f64;
    let own_share = counters.own_found as f64 / counters.own_looks.max(1) as f64;
    Delivered {
        deltas: counters.deltas,
        snapshots: counters.snapshots,
        deltas_per_s: rounded(counters.deltas as f64 / seconds),
        hz_mean: rounded(ticks as f64 / count / seconds),
        hz_min: rounded(slowest.map_or(0, |bot| bot.ticks_measured) as f64 / seconds),
        slowest: slowest.map(|bot| bot.player().to_string()),
        ticks_missed: counters.ticks_missed,
        bytes: counters.bytes,
        bytes_per_s: rounded(counters.bytes as f64 / seconds),
        message_bytes_mean: rounded(counters.bytes as f64 / messages),
        delta_bytes_max: counters.delta_bytes_max,
        delta_bytes_mean_max: rounded(measured().map(delta_bytes).fold(0.0, f64::max)),
        rows_mean: rounded(counters.rows_seen as f64 / counters.deltas_opened.max(1) as f64),
        own_ship_percent: rounded(own_share * 100.0),
    }
}

fn own(fleet: &Fleet<'_>) -> Own {
    let turn_ms = Percentiles::of(&fleet.counters.turns);
    let cpu_percent = fleet.window.cpu_percent.map(rounded);
    let is_busy = cpu_percent.is_some_and(|percent| percent > SWARM_CPU_PERCENT_MAX);
    let is_late = turn_ms.p99 > SWARM_TURN_MS_MAX as f64;
    let due = fleet.counters.inputs + fleet.counters.inputs_skipped;
    let is_behind = fleet.counters.inputs_skipped * 100 > due;
    Own {
        cpu_percent,
        turn_ms,
        is_bottleneck: is_busy || is_late || is_behind,
    }
}

/// Three decimals are enough of anything here.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
