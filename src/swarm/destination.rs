//! Where a URL leads: an address, the request that upgrades a connection there, and for `wss://`
//! how the server is to prove who it is.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Request;
use tungstenite::http::{HeaderValue, Uri};

use super::SwarmError;
use super::link::ClientTls;
use crate::limits::SUBPROTOCOL;

/// A server to connect to.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) address: SocketAddr,
    pub(super) upgrade: Request,
    /// Only for `wss://`.
    pub(super) tls: Option<ClientTls>,
}

/// Reads a URL. Blocks while the host's name is resolved and the certificates are read.
///
/// # Errors
/// A sentence that says what is wrong with `--url` or `--tls-ca`, and what to give instead.
pub(super) fn resolve(url: &str, tls_ca: Option<&Path>) -> Result<Destination, SwarmError> {
    let unusable = |why: &str| SwarmError::Unusable(format!("--url {url}: {why}"));
    let uri: Uri = url
        .parse()
        .map_err(|_| unusable("is not a URL such as ws://127.0.0.1:7777/ws"))?;
    let (scheme, default_port) = match uri.scheme_str() {
        Some("ws") => ("ws", 80),
        Some("wss") => ("wss", 443),
        _ => {
            return Err(unusable(
                "must begin with ws:// or wss://, as in ws://127.0.0.1:7777/ws",
            ));
        }
    };
    let host = uri.host().ok_or_else(|| unusable("names no host"))?;
    let port = uri.port_u16().unwrap_or(default_port);
    let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
        "/" => "/ws",
        path => path,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let tls = match (scheme, tls_ca) {
        ("wss", Some(file)) => Some(ClientTls {
            config: trusting(file)?,
            server: ServerName::try_from(bare.to_owned())
                .map_err(|_| unusable("its host is no name that a certificate can have"))?,
        }),
        ("wss", None) => {
            return Err(unusable(
                "needs --tls-ca FILE, the certificate to trust, in PEM",
            ));
        }
        _ => None,
    };
    let address = (bare, port)
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| unusable("its host has no address"))?;
    let mut upgrade = format!("{scheme}://{host}:{port}{path}")
        .into_client_request()
        .map_err(|error| unusable(&error.to_string()))?;
    let subprotocol = HeaderValue::from_static(SUBPROTOCOL);
    upgrade
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", subprotocol);
    Ok(Destination {
        address,
        upgrade,
        tls,
    })
}

/// What a client needs that trusts the certificates of a PEM file, and what they have signed.
fn trusting(file: &Path) -> Result<Arc<ClientConfig>, SwarmError> {
    let unusable =
        |why: String| SwarmError::Unusable(format!("--tls-ca {}: {why}", file.display()));
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_leads_to_the_socket() {
        let to = resolve("ws://127.0.0.1:7777", None).unwrap();
        assert_eq!(to.address, "127.0.0.1:7777".parse().unwrap());
        assert_eq!(to.upgrade.uri().path(), "/ws");
        let to = resolve("ws://[::1]/play?x=1", None).unwrap();
        assert_eq!(to.address, "[::1]:80".parse().unwrap());
        let path = to.upgrade.uri().path_and_query().unwrap().as_str();
        assert_eq!(path, "/play?x=1");
    }

    #[test]
    fn a_url_that_cannot_be_flown_to_says_what_to_do() {
        for (url, hint) in [
            ("wss://127.0.0.1:1/ws", "--tls-ca"),
            ("127.0.0.1:7777", "ws://"),
            ("http://127.0.0.1/", "must begin with ws://"),
            ("", "ws://"),
        ] {
            let told = resolve(url, None).unwrap_err().to_string();
            assert!(told.contains(hint), "{told}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let told = resolve("wss://127.0.0.1:1/ws", Some(file.path())).unwrap_err();
        assert!(told.to_string().contains("holds no certificate"), "{told}");
    }
}
