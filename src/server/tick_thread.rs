//! The tick thread: [`Node::tick`] at every deadline of the [`TickSchedule`], until told to stop.
//!
//! The worker pool is the tick's own and lives as long as it. A stop takes every ship in and waits,
//! within a bound, until the last batch is durable; a failed store ends the ticking at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing::warn;

use super::tick_schedule::TickSchedule;
use crate::limits::DRAIN_DURABLE_MS_MAX;
use crate::metrics::Metrics;
use crate::net::Clock;
use crate::node::Node;

/// The tick thread.
pub(super) struct TickThread {
    pub(super) node: Node,
    pub(super) metrics: Metrics,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) is_ticking: Arc<AtomicBool>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) durable: Arc<AtomicU64>,
}

impl TickThread {
    /// Ticks until told to stop or the store fails; returns why not everything is durable.
    pub(super) fn run(mut self, workers: usize) -> Option<String> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("sim-{index}"))
            .build();
        match pool {
            Ok(pool) => pool.install(|| self.tick_until_stopped()),
            Err(error) => {
                warn!("no worker pool, ticking on one thread: {error}");
                self.tick_until_stopped()
            }
        }
    }

    fn tick_until_stopped(&mut self) -> Option<String> {
        let mut schedule = TickSchedule::new(Instant::now());
        while !self.stop.load(Ordering::Acquire) && self.node.failure().is_none() {
            let start = schedule.wait();
            let begun = Instant::now();
            self.node.skip_ticks(start.skipped);
            self.node.tick(self.clock.unix());
            self.metrics
                .tick_seconds
                .observe(begun.elapsed().as_secs_f64());
            self.metrics
                .tick_lateness_seconds
                .observe(start.lateness.as_secs_f64());
            self.metrics.ticks.inc();
            self.metrics.ticks_skipped.inc_by(start.skipped);
            self.is_ticking.store(true, Ordering::Release);
        }
        self.is_ticking.store(false, Ordering::Release);
        let why = match self.node.failure() {
            Some(why) => Some(why.to_owned()),
            None => self.drain(),
        };
        self.node.end_recording();
        why
    }

    /// Hands the last batch over and waits, within a bound, until it is durable.
    fn drain(&mut self) -> Option<String> {
        let deadline = Instant::now() + Duration::from_millis(DRAIN_DURABLE_MS_MAX);
        while self.durable.load(Ordering::Acquire) < self.node.drain(self.clock.unix()) {
            if Instant::now() >= deadline {
                let why = "the store could not keep the last batch within";
                return Some(format!(
                    "{why} {DRAIN_DURABLE_MS_MAX} ms of the order to stop"
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }
}
