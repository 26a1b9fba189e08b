//! The smallest service: sends each message back. For WebSocket conformance suites, and the
//! second implementer that keeps [`Service`] honest.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::clock::SystemClock;
use super::config::NetConfig;
use super::connection::CloseCause;
use super::http::{Accept, Request, Response};
use super::reactor::Reactor;
use super::tls::{Tls, TlsError};
use super::{Bytes, Io, Service, Utf8Bytes};
use crate::ids::{ConnId, Millis};
use crate::limits::{MESSAGE_BYTES_MAX, PENDING_BYTES_MAX};

/// Sends text back as text and binary as binary, on every path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

impl Service for Echo {
    fn http(&mut self, _request: &Request<'_>) -> Response {
        Response::text(426, "This is a WebSocket echo.\n").with_header("Upgrade", "websocket")
    }

    fn open(
        &mut self,
        io: &mut dyn Io,
        conn: ConnId,
        _upgrade: &Request<'_>,
    ) -> Result<Accept, Response> {
        // Here nobody is more than a stranger.
        io.mark_authenticated(conn);
        Ok(Accept::default())
    }

    fn text(&mut self, io: &mut dyn Io, conn: ConnId, text: &mut [u8]) {
        // It is UTF-8 by the trait's word; were it not, silence is the safe answer.
        if let Ok(text) = Utf8Bytes::try_from(Bytes::copy_from_slice(text)) {
            io.send(conn, text);
        }
    }

    fn binary(&mut self, io: &mut dyn Io, conn: ConnId, bytes: &[u8]) {
        io.send_binary(conn, Bytes::copy_from_slice(bytes));
    }

    fn wake(&mut self, _io: &mut dyn Io) {}

    fn drained(&mut self, _io: &mut dyn Io, _conn: ConnId) {}

    fn closed(&mut self, _io: &mut dyn Io, _conn: ConnId, _cause: CloseCause) {}

    fn deadline(&self) -> Option<Millis> {
        None
    }

    fn timeout(&mut self, _io: &mut dyn Io) {}
}

/// What an echo server may be told.
#[derive(Clone, Debug)]
pub struct EchoOptions {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// The largest message it takes.
    pub message_bytes_max: usize,
    /// PEM files of a certificate chain and its key: speak TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Why an echo server ended.
#[derive(Debug, Error)]
pub enum EchoError {
    /// The certificate or its key is of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be had, or the kernel's polling failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl EchoOptions {
    /// On this address, with the default message limit.
    pub const fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            message_bytes_max: MESSAGE_BYTES_MAX,
            tls: None,
        }
    }

    /// Bounds under which no echo is ever refused: reading pauses once one whole message waits,
    /// so at most two do.
    pub fn config(&self) -> NetConfig {
        NetConfig {
            connections_per_ip_max: NetConfig::default().connections_max,
            message_bytes_max: self.message_bytes_max,
            pending_bytes_max: (2 * self.message_bytes_max).max(PENDING_BYTES_MAX)
                + crate::limits::READ_BUFFER_BYTES,
            ..NetConfig::default()
        }
    }
}

/// Echoes until the process ends; prints the bound address first.
pub fn run(options: &EchoOptions) -> Result<(), EchoError> {
    let tls = match &options.tls {
        Some((certificate, key)) => Some(Tls::load(certificate, key)?),
        None => None,
    };
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let clock = Arc::new(SystemClock::new());
    for reactor in Reactor::bind(options.listen, 1, options.config(), tls.as_ref(), clock)? {
        let mut out = io::stdout().lock();
        writeln!(out, "echoing on {scheme}://{}", reactor.local_addr())?;
        out.flush()?;
        drop(out);
        reactor.run(&mut Echo)?;
    }
    Ok(())
}
