//! `orrery echo`: the network layer alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::net::echo::{self, EchoOptions};

/// Where and how to echo.
#[derive(Debug, Args)]
pub(crate) struct EchoArguments {
    /// Where to listen; port 0 picks one
    #[arg(
        long,
        env = "ORRERY_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7777",
        value_parser = super::address
    )]
    listen: SocketAddr,
    /// Largest message that is taken
    #[arg(long, env = "ORRERY_MAX_MESSAGE_BYTES", value_name = "N", default_value_t = MESSAGE_BYTES_MAX)]
    max_message_bytes: usize,
    /// PEM file with a certificate chain, for wss://
    #[arg(
        long,
        env = "ORRERY_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key
    #[arg(
        long,
        env = "ORRERY_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
}

pub(crate) fn run(arguments: EchoArguments) -> Result<(), Failure> {
    let options = EchoOptions {
        listen: arguments.listen,
        message_bytes_max: arguments.max_message_bytes,
        tls: arguments.tls_cert.zip(arguments.tls_key),
    };
    echo::run(&options).map_err(|error| Failure::failed(format!("the echo ended: {error}")))
}
