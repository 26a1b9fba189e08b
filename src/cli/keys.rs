//! Key files: which tokens are good, and the secret that is made where none was named.
//!
//! A public key may be given a name, `NAME=FILE`: tokens whose `kid` is that name are checked by it
//! alone, and it checks no others. A key without a name checks tokens that no key is named for.

use std::convert::Infallible;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use tracing::warn;

use super::Failure;
use crate::files;
use crate::limits::KEYS_MAX;
use crate::session::token::{Key, Signer, Verifier};

/// Random bytes of a secret that the server makes; written as twice as many digits.
const SECRET_BYTES: usize = 32;

/// Which tokens are good.
#[expect(
    clippy::struct_field_names,
    reason = "each field is the flag of the same name"
)]
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct KeyArguments {
    /// File with the secret of HS256 tokens, at least 32 bytes. Without any key, a random secret is
    /// made once and kept beside the database
    #[arg(long, env = "ORRERY_JWT_SECRET_FILE", value_name = "FILE")]
    pub(crate) jwt_secret_file: Option<PathBuf>,
    /// PEM file with a public key of RS256, ES256 or EdDSA tokens; may be given several times. As
    /// KID=FILE it checks only tokens that name this kid
    #[arg(
        long,
        env = "ORRERY_JWT_PUBLIC_KEY",
        value_name = "[KID=]FILE",
        value_delimiter = ','
    )]
    pub(crate) jwt_public_key: Vec<PublicKey>,
    /// Issuer (iss) that tokens must name
    #[arg(long, env = "ORRERY_JWT_ISSUER", value_name = "TEXT")]
    pub(crate) jwt_issuer: Option<String>,
    /// Audience (aud) that tokens must name
    #[arg(long, env = "ORRERY_JWT_AUDIENCE", value_name = "TEXT")]
    pub(crate) jwt_audience: Option<String>,
}

/// A public key's file, and the name of the tokens that it alone checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kid: Option<String>,
    path: PathBuf,
}

impl FromStr for PublicKey {
    type Err = Infallible;

    /// What stands before the first `=` is the name, unless it has a slash and so is a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (kid, path) = match text.split_once('=') {
            Some((kid, path)) if !kid.is_empty() && !kid.contains('/') => {
                (Some(kid.to_owned()), path)
            }
            _ => (None, text),
        };
        Ok(Self {
            kid,
            path: path.into(),
        })
    }
}

impl PublicKey {
    fn load(&self) -> Result<Key, Failure> {
        let key = Key::public_pem(&read(&self.path)?);
        let key = key.map_err(|error| unusable(&self.path, &error))?;
        Ok(match &self.kid {
            Some(kid) => key.named(kid),
            None => key,
        })
    }
}

impl KeyArguments {
    /// Whether any key was named.
    pub(crate) fn is_given(&self) -> bool {
        self.jwt_secret_file.is_some() || !self.jwt_public_key.is_empty()
    }

    /// What checks tokens, and what signs them where a secret is known.
    pub(crate) fn load(&self, database: &str) -> Result<(Verifier, Option<Signer>), Failure> {
        let mut keys = Vec::new();
        let mut signer = None;
        let secret = match &self.jwt_secret_file {
            Some(path) => Some((path.clone(), read(path)?)),
            None if self.jwt_public_key.is_empty() => {
                let path = secret_path(database);
                let content = made_secret(&path)?;
                Some((path, content))
            }
            None => None,
        };
        if let Some((path, content)) = secret {
            warn_if_open_to_others(&path);
            keys.push(Key::secret(&content).map_err(|error| unusable(&path, &error))?);
            signer = Some(self.signer_of(&path, &content)?);
        }
        for public_key in &self.jwt_public_key {
            keys.push(public_key.load()?);
        }
        if keys.len() > KEYS_MAX {
            return Err(Failure::unusable(format!(
                "{} keys are given for tokens, at most {KEYS_MAX} are taken",
                keys.len()
            )));
        }
        let mut verifier = Verifier::new(keys);
        if let Some(issuer) = &self.jwt_issuer {
            verifier = verifier.issued_by(issuer);
        }
        if let Some(audience) = &self.jwt_audience {
            verifier = verifier.meant_for(audience);
        }
        Ok((verifier, signer))
    }

    /// What signs tokens for a server with this database.
    pub(crate) fn signer(&self, database: &str) -> Result<Signer, Failure> {
        let path = self
            .jwt_secret_file
            .clone()
            .unwrap_or_else(|| secret_path(database));
        let content = match &self.jwt_secret_file {
            Some(path) => read(path)?,
            None => made_secret(&path)?,
        };
        self.signer_of(&path, &content)
    }

    fn signer_of(&self, path: &Path, content: &[u8]) -> Result<Signer, Failure> {
        let mut signer = Signer::new(content).map_err(|error| unusable(path, &error))?;
        if let Some(issuer) = &self.jwt_issuer {
            signer = signer.issued_by(issuer);
        }
        if let Some(audience) = &self.jwt_audience {
            signer = signer.meant_for(audience);
        }
        Ok(signer)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        Failure::unusable(format!(
            "cannot read the key file {}: {error}",
            path.display()
        ))
    })
}

/// Says that others may read what only the server should know.
pub(crate) fn warn_if_open_to_others(path: &Path) {
    let mode = fs::metadata(path)
        .ok()
        .as_ref()
        .and_then(files::open_to_others);
    if let Some(mode) = mode {
        warn!(
            "the secret in {path} can be read by others (mode {mode:03o}); `chmod 600 {path}`",
            path = path.display()
        );
    }
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::unusable(format!(
        "the key in {} cannot be used: {error}",
        path.display()
    ))
}

/// Where the made secret of a database is: beside its file, or in the working folder.
pub(super) fn secret_path(database: &str) -> PathBuf {
    if database.contains("://") {
        PathBuf::from("orrery.key")
    } else {
        PathBuf::from(format!("{database}.key"))
    }
}

/// The secret in a file that only its owner may read; made if there is none.
fn made_secret(path: &Path) -> Result<Vec<u8>, Failure> {
    match fs::read(path) {
        Ok(content) => {
            if let Ok(Some(mode)) = files::tighten(path) {
                warn!(
                    "{} had mode {mode:03o} and is now for its owner only",
                    path.display()
                );
            }
            return Ok(content);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Failure::unusable(format!(
                "cannot read the secret {}: {error}",
                path.display()
            )));
        }
    }
    let mut random = [0; SECRET_BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    let (high, low) = random.split_at(SECRET_BYTES / 2);
    let digits = |half: &[u8]| {
        half.iter()
            .fold(0, |number, &byte| number << 8 | u128::from(byte))
    };
    let secret = format!("{:032x}{:032x}", digits(high), digits(low));
    let cannot = |error| {
        Failure::unusable(format!(
            "cannot write the secret {}: {error}",
            path.display()
        ))
    };
    // Whoever else starts at the same moment wins or loses the creation as a whole.
    match files::create_new(path) {
        Ok(mut file) => {
            file.write_all(secret.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(cannot)?;
            Ok(secret.into_bytes())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(cannot(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::PublicKey;

    fn parts(text: &str) -> (Option<String>, String) {
        let Ok(PublicKey { kid, path }) = text.parse();
        (kid, path.display().to_string())
    }

    #[test]
    fn a_name_before_the_first_equals_sign_is_the_kid_and_a_path_is_a_path() {
        let named = |kid: &str, path: &str| (Some(kid.to_owned()), path.to_owned());
        assert_eq!(parts("2026=keys/a.pem"), named("2026", "keys/a.pem"));
        assert_eq!(parts("k==a=b.pem"), named("k", "=a=b.pem"));
        for path in ["a.pem", "./a=b.pem", "/k=eys/a.pem", "=a.pem"] {
            assert_eq!(parts(path), (None, path.to_owned()));
        }
    }
}
