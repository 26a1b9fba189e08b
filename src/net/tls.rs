//! TLS 1.2 and 1.3 with AEAD suites only, on any non-blocking stream.
//!
//! [`Tls`] holds the certificate in force; [`Tls::reload`] reads the files again and swaps it,
//! which newcomers notice and nobody else. [`TlsStream`] keeps at most one record of output that
//! the stream below has not taken: what waits beyond that waits in the clear, where it is counted.
//! Time and number of handshakes are bounded by whoever owns the streams.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use thiserror::Error;

use super::connection::{Readiness, Transport};
use crate::limits::TLS_RECORD_BYTES_MAX;

/// Why a certificate or key is of no use.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read or is not PEM of the right kind.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// File that was read.
        path: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("{path}: holds no certificate", path = path.display())]
    Empty {
        /// File that was read.
        path: PathBuf,
    },
    /// The key does not fit the certificate, or is of a kind that is not spoken here.
    #[error("{path}: {error}", path = path.display())]
    Pair {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        error: rustls::Error,
    },
}

/// The server's certificate, as read last; shared by all shards.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads a PEM certificate chain (the server's own first) and its PEM private key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = read(certificate, key)?;
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(current),
        }))
    }

    /// Reads both files again. Newcomers get the new certificate; live connections go on as they
    /// are. On an error the old one stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = read(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The server's side of a fresh connection.
    pub fn stream<T: Transport>(&self, below: T) -> Result<TlsStream<T>, rustls::Error> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let mut session = ServerConnection::new(Arc::clone(&current))?;
        session.set_buffer_limit(Some(2 * TLS_RECORD_BYTES_MAX));
        Ok(TlsStream {
            session,
            below,
            unsent_bytes: 0,
            is_silent: true,
        })
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::File { path, error }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(file(certificate))?;
    if chain.is_empty() {
        let path = certificate.to_owned();
        return Err(TlsError::Empty { path });
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(file(key))?;
    let pair = |error| TlsError::Pair {
        path: key.to_owned(),
        error,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Tickets instead of a cache: a returning client costs no memory in between.
    config.ticketer = ring::Ticketer::new().map_err(pair)?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// The server's side of a TLS connection over a non-blocking stream.
#[derive(Debug)]
pub struct TlsStream<T> {
    session: ServerConnection,
    below: T,
    unsent_bytes: usize,
    is_silent: bool,
}

impl<T: Transport> TlsStream<T> {
    /// The stream below, to register it for readiness.
    pub fn below_mut(&mut self) -> &mut T {
        &mut self.below
    }

    /// Writes records until there are none or the stream below blocks.
    fn push(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.below)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        self.unsent_bytes = 0;
        Ok(())
    }

    /// Answers of the protocol itself go out as they can; the rest follows a writable stream.
    fn push_some(&mut self) -> io::Result<()> {
        match self.push() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }
}

impl<T: Transport> Read for TlsStream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end without goodbye: messages have their own framing, nothing can be cut off
                // unnoticed.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            if self.session.read_tls(&mut self.below)? == 0 {
                return Ok(0);
            }
            self.is_silent = false;
            let processed = self.session.process_new_packets();
            // An alert that says why is worth a try.
            let pushed = self.push_some();
            if let Err(error) = processed {
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
            pushed?;
        }
    }
}

impl<T: Transport> Write for TlsStream<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push()?;
        let record = bytes.get(..TLS_RECORD_BYTES_MAX).unwrap_or(bytes);
        let count = self.session.writer().write(record)?;
        self.unsent_bytes = count;
        self.push_some()?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }
}

impl<T: Transport> Transport for TlsStream<T> {
    fn ready(&mut self, readiness: Readiness) {
        self.below.ready(readiness);
    }

    fn unsent_bytes(&self) -> usize {
        self.unsent_bytes
    }

    fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    fn is_silent(&self) -> bool {
        self.is_silent
    }

    fn is_secure(&self) -> bool {
        true
    }

    fn hang_up(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.push_some()?;
        self.below.hang_up()
    }
}
