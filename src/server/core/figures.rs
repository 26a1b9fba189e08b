//! Figures and words for operators about the systems of a core.

use prometheus_client::metrics::gauge::Gauge;
use tracing::{info, warn};

use super::{Core, Theatre};
use crate::replication::TickFrame;
use crate::server::governor::{Change, Thrift};
use crate::server::metrics::Metrics;

impl Core {
    /// A system gives something up, or has it back.
    pub(super) fn tell_operators(&self, change: Change) {
        let Some(theatre) = self.theatres.get(change.system) else {
            return;
        };
        let level = self.metrics.overload_level.get_or_create(&theatre.label);
        level.set(i64::from(change.to));
        let (system, thrift) = (&theatre.label.system, Thrift::at(change.to));
        let work_ms = change.total_ns as f64 / 1e6;
        if change.to > change.from {
            warn!("{system} is too heavy ({work_ms:.1} ms of work a beat): {thrift}");
        } else {
            info!("{system} is lighter ({work_ms:.1} ms of work a beat): {thrift}");
        }
    }
}

/// Figures of a system after its tick.
pub(super) fn observe(metrics: &Metrics, theatre: &Theatre, frame: &TickFrame, pace_percent: u32) {
    let label = &theatre.label;
    let world = &theatre.world;
    metrics
        .pilots
        .get_or_create(label)
        .set(world.pilots_count() as i64);
    metrics
        .entities
        .get_or_create(label)
        .set(world.entities().len() as i64);
    metrics
        .time_dilation
        .get_or_create(label)
        .set(f64::from(pace_percent) / 100.0);
    // Shown from the first frame on; it is set where it changes.
    drop(metrics.overload_level.get_or_create(label));
    let raise = |gauge: &Gauge, value: usize| gauge.set(gauge.get().max(value as i64));
    raise(
        &metrics.frame_bytes_max.get_or_create(label),
        frame.bytes_len(),
    );
    raise(
        &metrics.arena_bytes_max.get_or_create(label),
        theatre.publisher.arena_bytes(),
    );
}
