//! Figures and words for operators about the systems of a node.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tracing::{info, warn};

use super::governor::{ShedChange, ShedLevel};
use super::systems::{SystemInstance, Systems};
use crate::metrics::{Metrics, PhaseLabel, SystemLabel};
use crate::replication::TickFrame;
use crate::sim::{Phase, PhaseTimes};

/// Notes and logs that the governor sheds more load in a system, or less.
pub(super) fn report_shedding(metrics: &Metrics, systems: &Systems, change: ShedChange) {
    let Some(instance) = systems.get(change.system) else {
        return;
    };
    let level = metrics.overload_level.get_or_create(&instance.label);
    level.set(i64::from(change.to));
    let (system, shed_level) = (&instance.label.system, ShedLevel::at(change.to));
    let work_ms = change.total_ns as f64 / 1e6;
    if change.to > change.from {
        warn!("{system} is too heavy ({work_ms:.1} ms of work a tick): {shed_level}");
    } else {
        info!("{system} is lighter ({work_ms:.1} ms of work a tick): {shed_level}");
    }
}

/// Where the time of one system's ticks is noted, phase by phase.
pub(super) struct PhaseSeconds {
    step: [Histogram; Phase::COUNT],
    publish: Histogram,
}

impl PhaseSeconds {
    /// Makes every series of a system, so that each exists from the start.
    pub(super) fn new(metrics: &Metrics, system: &SystemLabel) -> Self {
        let series = |phase| {
            metrics.tick_phase_seconds.get_or_create_owned(&PhaseLabel {
                phase,
                system: system.system.clone(),
            })
        };
        Self {
            step: Phase::ALL.map(|phase| series(phase.name())),
            publish: series("publish"),
        }
    }

    /// Notes one step.
    pub(super) fn observe_step<C: FnMut() -> u64>(&self, times: &PhaseTimes<C>) {
        for (phase, seconds) in Phase::ALL.into_iter().zip(&self.step) {
            seconds.observe(times.spent_ns(phase) as f64 / 1e9);
        }
    }

    /// Notes one frame.
    pub(super) fn observe_publish(&self, spent_ns: u64) {
        self.publish.observe(spent_ns as f64 / 1e9);
    }
}

/// Sets the metrics of a system after its tick.
pub(super) fn observe(
    metrics: &Metrics,
    instance: &SystemInstance,
    frame: &TickFrame,
    pace_percent: u32,
) {
    let label = &instance.label;
    let world = &instance.world;
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
        instance.arena_bytes(),
    );
}
