//! Tokens: who may come in, and until when.
//!
//! A token is a JSON Web Token. [`Verifier`] holds the keys that are good here, each pinned to one
//! algorithm, so that nothing in a token chooses how it is checked. Signatures are checked before
//! any claim is believed, the size before anything is parsed. `sub` (a [`PlayerId`]) and `exp` are
//! required; `nbf` is checked where present, `iss` and `aud` where configured. Time is an argument.
//!
//! Keys never show in `Debug`, in errors or in texts.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::ids::{PlayerId, UnixMillis};
use crate::limits::{
    RSA_BITS_MIN, SECRET_BYTES_MIN, TOKEN_BYTES_MAX, TOKEN_EXP_SECONDS_MAX, TOKEN_LEEWAY_MS,
};

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not one of ours, or not meant for here, or not good yet.
    #[error("the token is not valid")]
    Invalid,
    /// Good once, but no longer.
    #[error("the token has expired")]
    Expired,
}

/// Why a text is not a usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The secret can be guessed.
    #[error(
        "the secret is shorter than {SECRET_BYTES_MIN} bytes; `openssl rand -hex 32` makes one"
    )]
    SecretTooShort,
    /// The file holds a key in a format that public keys have: who knows such a key could sign.
    #[error(
        "this is a key file and no secret of HS256; give a public key by --jwt-public-key, or make a \
         secret (`openssl rand -hex 32`)"
    )]
    NoSecret,
    /// The PEM holds a private key; a server needs and should have only the public one.
    #[error("this is a private key; give the public one (`openssl pkey -in KEY -pubout`)")]
    Private,
    /// The PEM is none, or holds a key of another kind.
    #[error("not a PEM public key for RS256 (RSA), ES256 (P-256) or EdDSA (Ed25519)")]
    Unsupported,
    /// The RSA modulus can be factored.
    #[error("the RSA key is shorter than {RSA_BITS_MIN} bits")]
    RsaTooShort,
}

/// A key that tokens may be signed with.
#[derive(Clone)]
pub struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    material: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// A shared secret for HS256, as a file holds it: one newline at its end is not part of it.
    pub fn secret(content: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            kid: None,
            algorithm: Algorithm::HS256,
            material: DecodingKey::from_secret(secret(content)?),
        })
    }

    /// A public key in PEM. The kind of key decides the algorithm: RSA is RS256, P-256 is ES256,
    /// Ed25519 is `EdDSA`.
    pub fn public_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let text = str::from_utf8(pem).map_err(|_| KeyError::Unsupported)?;
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if !text.contains("PUBLIC KEY-----") {
            return Err(KeyError::Unsupported);
        }
        let (algorithm, key) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            (Algorithm::EdDSA, key)
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            (Algorithm::ES256, key)
        } else if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            (Algorithm::RS256, key)
        } else {
            return Err(KeyError::Unsupported);
        };
        let der_bytes = key.try_get_as_bytes().map_or(0, <[u8]>::len);
        if algorithm == Algorithm::RS256 && der_bytes < RSA_BITS_MIN / 8 {
            return Err(KeyError::RsaTooShort);
        }
        // A trial shows whether the key itself can be used; P-384, say, cannot for ES256.
        if jsonwebtoken::crypto::verify("AA", b"", &key, algorithm).is_err() {
            return Err(KeyError::Unsupported);
        }
        Ok(Self {
            kid: None,
            algorithm,
            material: key,
        })
    }

    /// The same key for tokens that name it only: a named key checks no other token.
    #[must_use]
    pub fn named(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Whether the key may check a token with this header. A key without a name checks any token
    /// of its algorithm, unless another key has the name that the token gives.
    fn fits(&self, header: &Header, named: bool) -> bool {
        let name_fits = match &self.kid {
            Some(kid) => header.kid.as_ref() == Some(kid),
            None => !named,
        };
        name_fits && self.algorithm == header.alg
    }
}

/// Whether a file holds a key in one of the formats that public keys have. Taken for a secret, a
/// public key would let everybody sign who has read it.
fn is_key_file(content: &[u8]) -> bool {
    let text = content.trim_ascii_start();
    let has = |part: &[u8]| content.windows(part.len()).any(|window| window == part);
    let is_pem = has(b"-----BEGIN ");
    let is_jwk = text.starts_with(b"{") && has(b"\"kty\"");
    let is_ssh = [&b"ssh-"[..], b"ecdsa-sha2-"]
        .iter()
        .any(|start| text.starts_with(start));
    is_pem || is_jwk || is_ssh || is_der(content)
}

/// Whether this is one ASN.1 sequence from the first byte to the last.
fn is_der(content: &[u8]) -> bool {
    let length = match *content {
        [0x30, length @ ..=0x7f, ..] => 2 + usize::from(length),
        [0x30, 0x81, length, ..] => 3 + usize::from(length),
        [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => return false,
    };
    length == content.len()
}

/// The secret itself, without a file's last newline.
fn secret(content: &[u8]) -> Result<&[u8], KeyError> {
    let secret = content.strip_suffix(b"\n").unwrap_or(content);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if is_key_file(content) {
        return Err(KeyError::NoSecret);
    }
    if secret.len() < SECRET_BYTES_MIN {
        return Err(KeyError::SecretTooShort);
    }
    Ok(secret)
}

/// Whom a good token names, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The token's `sub`.
    pub player: PlayerId,
    /// The token's `exp`.
    pub expires: UnixMillis,
}

/// Checks tokens against keys. Shared by all connections; checking needs no lock.
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    keys: Vec<Key>,
    issuer: Option<String>,
    audience: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    aud: Value,
}

impl Verifier {
    /// Accepts tokens signed with any of these keys. Without keys, none.
    pub fn new(keys: Vec<Key>) -> Self {
        Self {
            keys,
            issuer: None,
            audience: None,
        }
    }

    /// Accepts only tokens whose `iss` is this.
    #[must_use]
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Accepts only tokens whose `aud` is or holds this.
    #[must_use]
    pub fn meant_for(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Checks a token. Work: one signature check a key that fits the token's header.
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Verified, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.crit.is_some() {
            return Err(TokenError::Invalid);
        }
        let named = header.kid.is_some() && self.keys.iter().any(|key| key.kid == header.kid);
        let mut fitting = self.keys.iter().filter(|key| key.fits(&header, named));
        let claims = fitting
            .find_map(|key| signed_claims(token, key))
            .ok_or(TokenError::Invalid)?;
        self.believe(&claims, now)
    }

    /// Checks the claims of a token whose signature is good.
    fn believe(&self, claims: &Claims, now: UnixMillis) -> Result<Verified, TokenError> {
        let player = PlayerId::parse(&claims.sub).map_err(|_| TokenError::Invalid)?;
        let issuer_fits = self
            .issuer
            .as_ref()
            .is_none_or(|issuer| claims.iss.as_str() == Some(issuer));
        let audience_fits = self.audience.as_ref().is_none_or(|audience| {
            let is_it = |value: &Value| value.as_str() == Some(audience);
            is_it(&claims.aud)
                || claims
                    .aud
                    .as_array()
                    .is_some_and(|all| all.iter().any(is_it))
        });
        let begins = claims.nbf.unwrap_or(0).saturating_mul(1_000);
        let has_begun = begins <= now.0.saturating_add(TOKEN_LEEWAY_MS);
        let is_a_time = claims.exp <= TOKEN_EXP_SECONDS_MAX;
        if !issuer_fits || !audience_fits || !has_begun || !is_a_time {
            return Err(TokenError::Invalid);
        }
        let expires = UnixMillis(claims.exp.saturating_mul(1_000));
        if UnixMillis(expires.0.saturating_add(TOKEN_LEEWAY_MS)) <= now {
            return Err(TokenError::Expired);
        }
        Ok(Verified { player, expires })
    }
}

/// When a session on a token that expires at `expires` ends: then, or, if it began in the leeway
/// after that, when the leeway is over.
pub fn good_until(expires: UnixMillis, now: UnixMillis) -> UnixMillis {
    if now < expires {
        expires
    } else {
        UnixMillis(expires.0.saturating_add(TOKEN_LEEWAY_MS))
    }
}

/// The claims, if the key signed them.
fn signed_claims(token: &str, key: &Key) -> Option<Claims> {
    let mut validation = Validation::new(key.algorithm);
    // The claims are checked above, against a time that is an argument.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let data = jsonwebtoken::decode::<Claims>(token, &key.material, &validation).ok()?;
    Some(data.claims)
}

/// Signs tokens with a shared secret (HS256): for guests, the command line, load and tests.
#[derive(Clone)]
pub struct Signer {
    key: EncodingKey,
    kid: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.kid)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct SignedClaims<'a> {
    sub: &'a str,
    exp: u64,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Signer {
    /// Signs with a secret as [`Key::secret`] reads it.
    pub fn new(content: &[u8]) -> Result<Self, KeyError> {
        Ok(Self {
            key: EncodingKey::from_secret(secret(content)?),
            kid: None,
            issuer: None,
            audience: None,
        })
    }

    /// Names the key in the token.
    #[must_use]
    pub fn named(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Puts `iss` into the token.
    #[must_use]
    pub fn issued_by(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Puts `aud` into the token.
    #[must_use]
    pub fn meant_for(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// A token for a player, good for `ttl_seconds` from `now`. It fails only if the cryptography
    /// underneath does.
    pub fn sign(
        &self,
        player: &PlayerId,
        ttl_seconds: u64,
        now: UnixMillis,
    ) -> Result<String, TokenError> {
        let issued = now.0 / 1_000;
        let claims = SignedClaims {
            sub: player.as_str(),
            exp: issued.saturating_add(ttl_seconds),
            iat: issued,
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.kid.clone_from(&self.kid);
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| TokenError::Invalid)
    }
}
