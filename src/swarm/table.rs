//! A report as the table that people read.
//!
//! One row a line: a name, and what was counted under it. Rows about trouble appear only where
//! there was some, except errors and closes, whose absence is news too.

use std::fmt::{self, Display};

use super::report::{Faults, Percentiles, SwarmReport};

type SeenRow = (&'static str, String);

impl Display for SwarmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = stream_rows(self).into_iter();
        for (name, text) in rows
            .chain(deed_rows(self))
            .chain(trouble_rows(self))
            .chain(own_rows(self))
        {
            writeln!(f, "{name:<16} {text}")?;
        }
        Ok(())
    }
}

/// Rows on the messages that arrived.
fn stream_rows(report: &SwarmReport) -> Vec<SeenRow> {
    let SwarmReport {
        clients,
        joined,
        lost,
        url,
        duration_s,
        delivered: d,
        ..
    } = report;
    let bots = format!("{joined} of {clients} bots in, {lost} lost, {duration_s:.1} s at {url}");
    let delivered = format!(
        "{:.2} Hz a bot, slowest {:.2} Hz; {:.0} deltas/s, {} ticks missed",
        d.hz_mean, d.hz_min, d.deltas_per_s, d.ticks_missed
    );
    let megabytes = d.bytes_per_s / 1e6;
    let bytes = format!(
        "{megabytes:.2} MB/s, {:.0} a message, {:.1} rows a delta",
        d.message_bytes_mean, d.rows_mean
    );
    let deltas = format!(
        "longest {} bytes, {:.0} on average for who was told most; own ship in {:.1} %",
        d.delta_bytes_max, d.delta_bytes_mean_max, d.own_ship_percent
    );
    let gap = spread(&report.gap_ms);
    vec![
        ("swarm", bots),
        ("delivered", delivered),
        ("gap", gap),
        ("bytes", bytes),
        ("deltas", deltas),
    ]
}

/// What the bots did.
fn deed_rows(report: &SwarmReport) -> Vec<SeenRow> {
    let SwarmReport {
        sent,
        orders,
        combat,
        ..
    } = report;
    let inputs = format!("{} sent, {} skipped", sent.inputs, sent.inputs_skipped);
    let placed = format!(
        "{} placed, {} done, {} refused, {} unanswered",
        orders.placed, orders.done, orders.refused, orders.unanswered
    );
    let mut rows = vec![("inputs", inputs), ("orders", placed)];
    if orders.placed > 0 {
        rows.push(("order latency", spread(&orders.latency_ms)));
    }
    let fights = format!(
        "{} hits taken, {} ships lost",
        combat.hits, combat.destroyed
    );
    rows.push(("combat", fights));
    rows
}

/// What went wrong.
fn trouble_rows(report: &SwarmReport) -> Vec<SeenRow> {
    let errors = listed(report.errors.iter());
    let mut rows = vec![("errors", errors), ("closes", listed(report.closes.iter()))];
    if !report.failures.is_empty() {
        rows.push(("failures", listed(report.failures.iter())));
    }
    let faults = &report.faults;
    if *faults != Faults::default() {
        let (breaks, unreadable) = (faults.seq_breaks, faults.unreadable);
        rows.push((
            "protocol faults",
            format!("{breaks} seq breaks, {unreadable} unreadable"),
        ));
    }
    rows
}

/// The swarm's own part.
fn own_rows(report: &SwarmReport) -> Vec<SeenRow> {
    let own = &report.swarm;
    let used = match own.cpu_percent {
        Some(percent) => format!("{percent:.0} % of a core"),
        None => "unknown share of a core".to_owned(),
    };
    let turns = format!(
        "loop turn p99 {:.1} ms, max {:.1} ms",
        own.turn_ms.p99, own.turn_ms.max
    );
    let mut rows = vec![("this swarm", format!("{used}, {turns}"))];
    if own.is_bottleneck {
        let advice = "the swarm itself was the bottleneck: fewer --clients, or several swarms";
        rows.push(("", advice.to_owned()));
    }
    rows
}

fn spread(spread: &Percentiles) -> String {
    format!(
        "p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
        spread.p50, spread.p99, spread.p999, spread.max
    )
}

fn listed<K: Display, V: Display>(counts: impl Iterator<Item = (K, V)>) -> String {
    let parts: Vec<_> = counts
        .map(|(what, count)| format!("{what} × {count}"))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}
