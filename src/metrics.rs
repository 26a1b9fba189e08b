//! What the server tells operators about itself, in Prometheus' words.
//!
//! Every metric is an atomic that its owner bumps; the operator's port renders them on demand. No
//! label has a value that a peer chose.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Which system a metric is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SystemLabel {
    /// The system's id.
    pub system: String,
}

/// Which part of a system's tick a metric is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PhaseLabel {
    /// A phase of the step, or `publish` for the frame.
    pub phase: &'static str,
    /// The system's id.
    pub system: String,
}

/// What kind of message a metric is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    /// A name out of the code, never a peer's.
    pub kind: &'static str,
}

/// What happened at the player port before anybody was a client, over all shards.
#[derive(Clone, Debug, Default)]
pub struct ConnectionMetrics {
    /// TCP connections now, whatever they are at.
    pub sockets: Gauge,
    /// TCP connections taken in.
    pub accepted: Counter,
    /// TCP connections turned away by a limit.
    pub refused: Counter,
    /// The same by their cause.
    pub refusals: Family<KindLabel, Counter>,
    /// TCP connections and TLS handshakes that made room for others.
    pub displaced: Family<KindLabel, Counter>,
    /// Times that no file descriptor was left.
    pub descriptors_exhausted: Counter,
    /// Plain HTTP requests answered.
    pub http_requests: Counter,
    /// Connections ended for a peer's pings, silence or broken frames.
    pub faults: Family<KindLabel, Counter>,
}

impl ConnectionMetrics {
    fn register(&self, all: &mut Registry) {
        all.register(
            "sockets",
            "TCP connections of the player port",
            self.sockets.clone(),
        );
        all.register(
            "accepted",
            "TCP connections taken in",
            self.accepted.clone(),
        );
        all.register(
            "refused",
            "TCP connections turned away",
            self.refused.clone(),
        );
        all.register(
            "refusals",
            "TCP connections turned away, by cause",
            self.refusals.clone(),
        );
        all.register(
            "displaced",
            "Connections and TLS handshakes that made room for others",
            self.displaced.clone(),
        );
        let exhausted = self.descriptors_exhausted.clone();
        all.register(
            "descriptors_exhausted",
            "Times that no file descriptor was left",
            exhausted,
        );
        all.register(
            "http_requests",
            "Plain HTTP requests answered",
            self.http_requests.clone(),
        );
        all.register(
            "faults",
            "Connections ended for pings without end, silence or broken frames",
            self.faults.clone(),
        );
    }
}

type Fraction = Gauge<f64, AtomicU64>;

/// All metrics. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Work of one tick, all systems.
    pub tick_seconds: Histogram,
    /// Work of one phase of one system's tick.
    pub tick_phase_seconds: Family<PhaseLabel, Histogram, fn() -> Histogram>,
    /// How long after its deadline a tick began.
    pub tick_lateness_seconds: Histogram,
    /// Ticks that the server has run.
    pub ticks: Counter,
    /// Deadlines that passed without a tick, because one before overran.
    pub ticks_skipped: Counter,
    /// Open WebSocket connections.
    pub connections: Gauge,
    /// Connections of the player port, before anybody is a client.
    pub connection_metrics: ConnectionMetrics,
    /// Log lines that nobody took in time.
    pub log_lines_dropped: Counter,
    /// Pilots in space or docked.
    pub pilots: Family<SystemLabel, Gauge>,
    /// Entities of every kind.
    pub entities: Family<SystemLabel, Gauge>,
    /// Simulated time over real time.
    pub time_dilation: Family<SystemLabel, Fraction>,
    /// What the governor took, from nothing (0) to a tenth of the time (15).
    pub overload_level: Family<SystemLabel, Gauge>,
    /// Whether the flight is recorded.
    pub recording: Gauge,
    /// Bytes handed to the recording's thread.
    pub recorded_bytes: Counter,
    /// Largest frame so far.
    pub frame_bytes_max: Family<SystemLabel, Gauge>,
    /// Largest encoding arena so far.
    pub arena_bytes_max: Family<SystemLabel, Gauge>,
    /// Messages sent, by type.
    pub messages_sent: Family<KindLabel, Counter>,
    /// Bytes of text sent, without framing.
    pub sent_bytes: Counter,
    /// Messages received, good or bad.
    pub messages_received: Counter,
    /// Bytes of text received.
    pub received_bytes: Counter,
    /// Inputs dropped for their old sequence number.
    pub inputs_stale: Counter,
    /// What sessions refused before it reached the node, by cause.
    pub messages_refused: Family<KindLabel, Counter>,
    /// Error replies, by code.
    pub errors: Family<KindLabel, Counter>,
    /// Connections ended by the server, by reason.
    pub closes: Family<KindLabel, Counter>,
    /// Deltas that a slow reader did not get.
    pub deltas_dropped: Counter,
    /// Batches made durable.
    pub commits: Counter,
    /// From handing a batch over to its being durable.
    pub commit_seconds: Histogram,
    /// What handing a batch over takes of the tick.
    pub submit_seconds: Histogram,
    /// Players whose records could not be kept or read since the start.
    pub players_quarantined: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Bounds in seconds for spans around a tick's 33 ms.
const SPAN_BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.033,
    0.066, 0.25,
];

/// Bounds in seconds for one phase of a tick. Few: there is a series for each phase and system.
const PHASE_BUCKETS: [f64; 6] = [0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01];

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::default(),
            tick_seconds: Histogram::new(SPAN_BUCKETS),
            tick_phase_seconds: Family::new_with_constructor(|| Histogram::new(PHASE_BUCKETS)),
            tick_lateness_seconds: Histogram::new(SPAN_BUCKETS),
            ticks: Counter::default(),
            ticks_skipped: Counter::default(),
            connections: Gauge::default(),
            connection_metrics: ConnectionMetrics::default(),
            log_lines_dropped: Counter::default(),
            pilots: Family::default(),
            entities: Family::default(),
            time_dilation: Family::default(),
            overload_level: Family::default(),
            recording: Gauge::default(),
            recorded_bytes: Counter::default(),
            frame_bytes_max: Family::default(),
            arena_bytes_max: Family::default(),
            messages_sent: Family::default(),
            sent_bytes: Counter::default(),
            messages_received: Counter::default(),
            received_bytes: Counter::default(),
            inputs_stale: Counter::default(),
            messages_refused: Family::default(),
            errors: Family::default(),
            closes: Family::default(),
            deltas_dropped: Counter::default(),
            commits: Counter::default(),
            commit_seconds: Histogram::new(SPAN_BUCKETS),
            submit_seconds: Histogram::new(SPAN_BUCKETS),
            players_quarantined: Counter::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    /// Makes the series of what clients are told, so that each exists from the start: an alert on one
    /// that never came would be silent.
    pub fn create_series(
        &self,
        closes: impl IntoIterator<Item = &'static str>,
        errors: impl IntoIterator<Item = &'static str>,
        refusals: impl IntoIterator<Item = &'static str>,
    ) {
        let create = |family: &Family<KindLabel, Counter>, kind| {
            drop(family.get_or_create(&KindLabel { kind }));
        };
        for kind in closes {
            create(&self.closes, kind);
        }
        for kind in errors {
            create(&self.errors, kind);
        }
        for kind in refusals {
            create(&self.messages_refused, kind);
        }
    }

    fn register(&self) -> Registry {
        let mut all = Registry::with_prefix("orrery");
        self.register_ticks(&mut all);
        self.register_systems(&mut all);
        self.register_traffic(&mut all);
        let recording = self.recording.clone();
        all.register("recording", "1 while the flight is recorded", recording);
        let recorded = self.recorded_bytes.clone();
        all.register("recorded_bytes", "Bytes of the flight recording", recorded);
        self.connection_metrics.register(&mut all);
        let dropped = self.log_lines_dropped.clone();
        all.register("log_lines_dropped", "Log lines that nobody took", dropped);
        all.register("commits", "Batches made durable", self.commits.clone());
        let until = "Until a batch is durable";
        all.register_with_unit("commit", until, Unit::Seconds, self.commit_seconds.clone());
        let handing = "Handing a batch to the store, within the tick";
        let submit = self.submit_seconds.clone();
        all.register_with_unit("submit", handing, Unit::Seconds, submit);
        let quarantined = self.players_quarantined.clone();
        let help = "Players whose records could not be kept or read";
        all.register("players_quarantined", help, quarantined);
        all
    }

    fn register_ticks(&self, all: &mut Registry) {
        let seconds = || Unit::Seconds;
        all.register_with_unit(
            "tick",
            "Work of one tick",
            seconds(),
            self.tick_seconds.clone(),
        );
        all.register_with_unit(
            "tick_phase",
            "Work of one phase of one system's tick",
            seconds(),
            self.tick_phase_seconds.clone(),
        );
        let lateness = self.tick_lateness_seconds.clone();
        all.register_with_unit(
            "tick_lateness",
            "How late a tick began",
            seconds(),
            lateness,
        );
        all.register("ticks", "Ticks run", self.ticks.clone());
        let skipped = self.ticks_skipped.clone();
        all.register("ticks_skipped", "Deadlines passed without a tick", skipped);
    }

    fn register_systems(&self, all: &mut Registry) {
        all.register("pilots", "Pilots in a system", self.pilots.clone());
        all.register("entities", "Entities in a system", self.entities.clone());
        let dilation = self.time_dilation.clone();
        all.register("time_dilation", "Simulated over real time", dilation);
        let levels = self.overload_level.clone();
        all.register("overload_level", "What the governor took, 0 to 15", levels);
        let frames = self.frame_bytes_max.clone();
        all.register("frame_bytes_max", "Largest frame so far", frames);
        let arenas = self.arena_bytes_max.clone();
        all.register("arena_bytes_max", "Largest encoding arena so far", arenas);
    }

    fn register_traffic(&self, all: &mut Registry) {
        let connections = self.connections.clone();
        all.register("connections", "Open WebSocket connections", connections);
        all.register(
            "messages_sent",
            "Messages sent, by type",
            self.messages_sent.clone(),
        );
        all.register("sent_bytes", "Bytes of text sent", self.sent_bytes.clone());
        let received = self.messages_received.clone();
        all.register("messages_received", "Messages received", received);
        all.register(
            "received_bytes",
            "Bytes of text received",
            self.received_bytes.clone(),
        );
        all.register(
            "inputs_stale",
            "Inputs dropped as stale",
            self.inputs_stale.clone(),
        );
        all.register(
            "messages_refused",
            "What sessions refused, by cause",
            self.messages_refused.clone(),
        );
        all.register("errors", "Error replies, by code", self.errors.clone());
        all.register(
            "closes",
            "Connections ended by the server",
            self.closes.clone(),
        );
        let dropped = self.deltas_dropped.clone();
        all.register("deltas_dropped", "Deltas not sent to slow readers", dropped);
    }

    /// The text that a Prometheus server scrapes.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => format!("# metrics could not be rendered: {error}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rendered_with_their_labels() {
        let metrics = Metrics::new();
        metrics.ticks.inc();
        metrics
            .pilots
            .get_or_create(&SystemLabel {
                system: "sol-1".to_owned(),
            })
            .set(3);
        let text = metrics.render();
        assert!(text.contains("orrery_ticks_total 1\n"), "{text}");
        assert!(
            text.contains("orrery_pilots{system=\"sol-1\"} 3\n"),
            "{text}"
        );
    }
}
