//! The player port's counters, as metrics.
//!
//! The net layer counts on its own, without a metrics library: one thread a shard writes, and any
//! thread reads.

use std::sync::Arc;

use prometheus_client::metrics::counter;
use prometheus_client::metrics::family::Family;

use crate::metrics::{ConnectionMetrics, KindLabel};
use crate::net::connection::Fault;
use crate::net::counters::{Counter, NetCounters};
use crate::net::limiter::ConnectionRefusal;

/// Brings the metrics of the player port up to its shards' own counters. Only one thread may call it:
/// the one that renders.
pub(super) fn refresh(metrics: &ConnectionMetrics, counters: &[Arc<NetCounters>]) {
    let sum = |of: fn(&NetCounters) -> &Counter| {
        counters
            .iter()
            .map(|counters| of(counters).value())
            .sum::<u64>()
    };
    let raise = |family: &Family<KindLabel, counter::Counter>, kind, count: u64| {
        let figure = family.get_or_create_owned(&KindLabel { kind });
        figure.inc_by(count.saturating_sub(figure.get()));
    };
    for fault in Fault::ALL {
        let counts = counters
            .iter()
            .map(|counters| counters.faults(fault).value());
        raise(&metrics.faults, fault.name(), counts.sum());
    }
    for refusal in ConnectionRefusal::ALL {
        let counts = counters
            .iter()
            .map(|counters| counters.refusals(refusal).value());
        raise(&metrics.refusals, refusal.kind(), counts.sum());
    }
    let displaced = sum(|counters| &counters.displaced);
    raise(&metrics.displaced, "connection", displaced);
    let handshakes = sum(|counters| &counters.handshakes_displaced);
    raise(&metrics.displaced, "handshake", handshakes);
    metrics
        .sockets
        .set(sum(|counters| &counters.connections) as i64);
    for (figure, count) in [
        (&metrics.accepted, sum(|counters| &counters.accepted)),
        (&metrics.refused, sum(|counters| &counters.refused)),
        (
            &metrics.descriptors_exhausted,
            sum(|counters| &counters.descriptors_exhausted),
        ),
        (
            &metrics.http_requests,
            sum(|counters| &counters.http_requests),
        ),
    ] {
        figure.inc_by(count.saturating_sub(figure.get()));
    }
}
