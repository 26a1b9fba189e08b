//! `orrery token`: a signed token on standard output.

use std::time::Duration;

use clap::Args;

use super::keys::KeyArguments;
use super::{Failure, print};
use crate::ids::PlayerId;
use crate::net::{Clock, SystemClock};

/// Whom to sign a token for.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// The player: 1 to 64 of A–Z a–z 0–9 _ - . : @
    #[arg(long, env = "ORRERY_SUBJECT", value_name = "ID")]
    subject: String,
    /// How long the token is good, as 90s, 30m, 1h or 7d
    #[arg(long, env = "ORRERY_TTL", value_name = "SPAN", default_value = "1h", value_parser = whole_seconds)]
    ttl: Duration,
    /// The server's database, beside which its own secret is kept
    #[arg(long, env = "ORRERY_DATABASE", value_name = "URL", default_value = super::serve::DATABASE)]
    database: String,
    #[command(flatten)]
    keys: KeyArguments,
}

pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let player = PlayerId::parse(&arguments.subject)
        .map_err(|error| Failure::unusable(format!("--subject {:?} {error}", arguments.subject)))?;
    if !arguments.keys.jwt_public_key.is_empty() {
        return Err(Failure::unusable(
            "a public key cannot sign; give --jwt-secret-file, or sign with the private key elsewhere",
        ));
    }
    let signer = arguments.keys.signer(&arguments.database)?;
    let token = signer
        .sign(&player, arguments.ttl.as_secs(), SystemClock::new().unix())
        .map_err(|error| Failure::failed(format!("the token could not be signed: {error}")))?;
    print(&token)
}

/// A span of at least a second; tokens count in seconds.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if span < Duration::from_secs(1) {
        return Err("must be at least 1s".to_owned());
    }
    Ok(span)
}
