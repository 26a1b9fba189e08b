//! Any bytes as a token, as the claims and header of a signed token, and as a key: nobody gets in
//! without a good signature, and whoever gets in has a bounded name and time left.
//!
//! The first byte chooses: a bare token, a key, or a header and claims (divided by a newline)
//! under a good signature.

#![allow(clippy::expect_used, reason = "a property that does not hold panics")]

use orrery::ids::{PlayerId, UnixMillis};
use orrery::limits::{TOKEN_BYTES_MAX, TOKEN_LEEWAY_MS};
use orrery::session::token::{Key, Signer, Verifier};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// Checks one input.
pub(crate) fn check(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let verifier = Verifier::new(vec![Key::secret(SECRET).expect("long enough")]);
    match choice % 3 {
        0 => {
            let token = String::from_utf8_lossy(data);
            // A signature under the secret cannot be found by chance.
            assert!(verifier.verify(&token, NOW).is_err());
            grafted(&verifier, &token);
        }
        1 => key(data),
        _ => claims(&verifier, data),
    }
}

/// The parts of a good token, each replaced by what was given.
fn grafted(verifier: &Verifier, text: &str) {
    let player = PlayerId::parse("p_1").expect("a name");
    let signer = Signer::new(SECRET).expect("long enough");
    let good = signer.sign(&player, 60, NOW).expect("signed");
    assert!(verifier.verify(&good, NOW).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    for place in 0..3 {
        let mut parts = parts.clone();
        if parts[place] == text {
            continue;
        }
        parts[place] = text;
        assert!(verifier.verify(&parts.join("."), NOW).is_err());
    }
}

fn key(data: &[u8]) {
    if let Ok(key) = Key::secret(data) {
        let player = PlayerId::parse("p_1").expect("a name");
        let signer = Signer::new(data).expect("as good for signing");
        let token = signer.sign(&player, 60, NOW).expect("signed");
        assert!(Verifier::new(vec![key]).verify(&token, NOW).is_ok());
    }
    if let Ok(key) = Key::public_pem(data) {
        assert!(!format!("{key:?}").contains("HS256"));
    }
}

fn claims(verifier: &Verifier, data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let token = signed(header, claims);
    if let Ok(verified) = verifier.verify(&token, NOW) {
        assert!(token.len() <= TOKEN_BYTES_MAX);
        assert!(PlayerId::parse(verified.player.as_str()).is_ok());
        assert!(verified.expires.0.saturating_add(TOKEN_LEEWAY_MS) > NOW.0);
        let header: serde_json::Value = serde_json::from_slice(header).expect("read before");
        assert!(header["alg"] == "HS256" && !header["crit"].is_array());
    }
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let body = format!("{}.{}", base64(header), base64(claims));
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let algorithm = jsonwebtoken::Algorithm::HS256;
    let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &key, algorithm).expect("signed");
    format!("{body}.{signature}")
}

/// URL-safe base64 without padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = (word >> (18 - 6 * place)) & 63;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}
