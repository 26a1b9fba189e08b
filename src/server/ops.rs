//! The operator's port: `/healthz`, `/readyz`, `/metrics` and the page at `/`.
//!
//! A plain HTTP service on a reactor of its own, so that no player's traffic delays a probe. Bind
//! it where only operators reach it: it asks nobody who they are, only by which name they ask
//! ([`AllowedHosts`]). Nobody here is more than a stranger, so idle connections make room.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::hosts::AllowedHosts;
use super::net_metrics;
use crate::ids::{ConnId, Millis};
use crate::metrics::Metrics;
use crate::net::connection::CloseCause;
use crate::net::counters::NetCounters;
use crate::net::http::{Accept, Method, Request, Response};
use crate::net::{Bytes, Io, Service};
use crate::ops;

/// What a stopping process has left to say, and how long it may take.
const STOP_GRACE_MS: u64 = 100;

/// Answers operators and their machines.
#[derive(Debug)]
pub(super) struct Ops {
    metrics: Metrics,
    hosts: AllowedHosts,
    /// What the player port's shards count.
    counters: Vec<Arc<NetCounters>>,
    is_ticking: Arc<AtomicBool>,
    is_stopping: Arc<AtomicBool>,
}

impl Ops {
    /// Ready once `is_ticking` is set; ends when it is woken with `is_stopping` set.
    pub(super) const fn new(
        metrics: Metrics,
        hosts: AllowedHosts,
        counters: Vec<Arc<NetCounters>>,
        is_ticking: Arc<AtomicBool>,
        is_stopping: Arc<AtomicBool>,
    ) -> Self {
        Self {
            metrics,
            hosts,
            counters,
            is_ticking,
            is_stopping,
        }
    }
}

/// Whether other machines may reach a port that is bound to this address.
pub(super) const fn is_exposed(address: IpAddr) -> bool {
    !address.to_canonical().is_loopback()
}

impl Service for Ops {
    fn http(&mut self, request: &Request<'_>) -> Response {
        if let Err(response) = self.hosts.check(request) {
            return response;
        }
        if !matches!(request.method, Method::Get | Method::Head) {
            return Response::text(405, "Only GET and HEAD here.\n")
                .with_header("Allow", "GET, HEAD");
        }
        match request.path {
            "/healthz" => Response::text(200, "ok\n"),
            "/readyz" if self.is_ticking.load(Ordering::Acquire) => {
                Response::text(200, "ticking\n")
            }
            "/readyz" => Response::text(503, "not ticking\n"),
            "/metrics" => {
                net_metrics::refresh(&self.metrics.connection_metrics, &self.counters);
                Response::new(200).with_body(
                    "application/openmetrics-text; version=1.0.0; charset=utf-8",
                    self.metrics.render(),
                )
            }
            path => match ops::asset(path) {
                Some(asset) => Response::new(200)
                    .with_header("Content-Security-Policy", ops::CONTENT_SECURITY_POLICY)
                    .with_body(asset.content_type, Bytes::from_static(asset.body)),
                None => Response::text(404, "Here are /, /healthz, /readyz and /metrics.\n"),
            },
        }
    }

    fn open(
        &mut self,
        _: &mut dyn Io,
        _: ConnId,
        upgrade: &Request<'_>,
    ) -> Result<Accept, Response> {
        self.hosts.check(upgrade)?;
        Err(Response::text(
            404,
            "No WebSocket on the operator's port.\n",
        ))
    }

    fn text(&mut self, _: &mut dyn Io, _: ConnId, _: &mut [u8]) {}

    fn binary(&mut self, _: &mut dyn Io, _: ConnId, _: &[u8]) {}

    fn wake(&mut self, io: &mut dyn Io) {
        if self.is_stopping.load(Ordering::Acquire) {
            io.stop(STOP_GRACE_MS);
        }
    }

    fn drained(&mut self, _: &mut dyn Io, _: ConnId) {}

    fn closed(&mut self, _: &mut dyn Io, _: ConnId, _: CloseCause) {}

    fn deadline(&self) -> Option<Millis> {
        None
    }

    fn timeout(&mut self, _: &mut dyn Io) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_address_is_out_of_reach() {
        for (address, exposed) in [
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", true),
            ("::", true),
            ("10.0.0.1", true),
            ("192.0.2.1", true),
            ("fe80::1", true),
        ] {
            assert_eq!(is_exposed(address.parse().unwrap()), exposed, "{address}");
        }
    }
}
