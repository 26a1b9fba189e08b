//! What a test's bytes travel on: TCP, in the clear or under TLS.
//!
//! With `ORRERY_TEST_TLS` set, every server of the run is given a certificate and speaks `wss`
//! alone; whoever dials one of their player ports then speaks TLS by itself. So each test is
//! written once and holds for both.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A stream to a server.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

static PAPERS: LazyLock<CertifiedKey<KeyPair>> = LazyLock::new(|| {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    rcgen::generate_simple_self_signed(names).unwrap()
});

static TRUST: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| trusting(PAPERS.cert.der()));

/// What a client needs that trusts one certificate.
fn trusting(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

static SECURE_PORTS: LazyLock<Mutex<HashSet<SocketAddr>>> = LazyLock::new(Mutex::default);

/// Whether this run's servers speak TLS.
pub(crate) fn is_secure_run() -> bool {
    std::env::var_os("ORRERY_TEST_TLS").is_some()
}

/// Puts a certificate and its key into a folder.
pub(crate) fn write_papers(folder: &Path) {
    std::fs::write(folder.join("cert.pem"), PAPERS.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), PAPERS.signing_key.serialize_pem()).unwrap();
}

/// Notes what a port speaks from now on. The system hands ports out again, so a server's plain
/// port may be where an ended server spoke TLS.
pub(crate) fn note(port: SocketAddr, is_secure: bool) {
    let mut ports = SECURE_PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    if is_secure {
        ports.insert(port);
    } else {
        ports.remove(&port);
    }
}

impl Wire {
    /// A fresh connection.
    pub(crate) fn dial(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).unwrap(), to)
    }

    /// On a socket of the test's own, which leads to `to` in the end.
    pub(crate) fn over(stream: TcpStream, to: SocketAddr) -> Self {
        let ports = SECURE_PORTS.lock().unwrap_or_else(PoisonError::into_inner);
        if !ports.contains(&to) {
            return Self::Plain(stream);
        }
        Self::secure(stream, Arc::clone(&TRUST))
    }

    /// Under TLS, trusting one certificate.
    pub(crate) fn trusting(stream: TcpStream, certificate: &CertificateDer<'static>) -> Self {
        Self::secure(stream, trusting(certificate))
    }

    fn secure(stream: TcpStream, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(config, name).unwrap();
        Self::Tls(Box::new(StreamOwned::new(session, stream)))
    }

    /// The socket underneath.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
