//! Further attacks on JSON Web Tokens, each refused by name: signatures that fool careless
//! arithmetic, other spellings of the same token, and keys that a token chooses or brings along.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use orrery::session::token::{Key, TokenError, Verifier};
use serde_json::{Value, json};

use crate::units::session_keys;
use session_keys::{
    NOW, PAIRS, Pair, SECRET, base64, claims, hs256, signed, signed_body, verifier,
};

#[track_caller]
fn assert_refused_by(verifier: &Verifier, token: &str) {
    assert_eq!(
        verifier.verify(token, NOW),
        Err(TokenError::Invalid),
        "{token}"
    );
}

fn pair(algorithm: Algorithm) -> &'static Pair {
    PAIRS
        .iter()
        .find(|pair| pair.algorithm == algorithm)
        .unwrap()
}

fn public(pair: &Pair) -> Key {
    Key::public_pem(pair.public.as_bytes()).unwrap()
}

fn signing_key(pair: &Pair) -> EncodingKey {
    let pem = pair.private.as_bytes();
    match pair.algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(pem),
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_ed_pem(pem),
    }
    .unwrap()
}

fn signed_by(pair: &Pair, kid: Option<&str>) -> String {
    let mut header = Header::new(pair.algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, &claims(), &signing_key(pair)).unwrap()
}

/// A token of this algorithm with any bytes for its signature.
fn with_signature(algorithm: &str, signature: &[u8]) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
    let claims = claims().to_string();
    format!(
        "{}.{}.{}",
        base64(header.as_bytes()),
        base64(claims.as_bytes()),
        base64(signature)
    )
}

#[test]
fn an_ecdsa_signature_of_zeros_is_refused() {
    // The order of P-256: another zero.
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let verifier = Verifier::new(vec![public(pair(Algorithm::ES256))]);
    let zero = [0_u8; 32];
    let mut one = zero;
    one[31] = 1;
    for (r, s) in [
        (zero, zero),
        (zero, one),
        (one, zero),
        (ORDER, ORDER),
        (ORDER, one),
        (one, ORDER),
    ] {
        let token = with_signature("ES256", &[r, s].concat());
        assert_refused_by(&verifier, &token);
    }
    for bytes in [0, 1, 63, 65, 128] {
        assert_refused_by(&verifier, &with_signature("ES256", &vec![0; bytes]));
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let verifier = Verifier::new(vec![public(pair(Algorithm::ES256))]);
    let token = signed_by(pair(Algorithm::ES256), None);
    assert!(verifier.verify(&token, NOW).is_ok());
    let (body, signature) = token.rsplit_once('.').unwrap();
    let raw = unbase64(signature);
    let mut der = Vec::new();
    for half in raw.chunks(32) {
        // A zero in front keeps the number positive.
        der.extend([2, 33, 0]);
        der.extend(half);
    }
    let der = [&[0x30, der.len() as u8][..], &der].concat();
    assert_refused_by(&verifier, &format!("{body}.{}", base64(&der)));
}

#[test]
fn an_eddsa_signature_of_a_small_point_is_refused() {
    let verifier = Verifier::new(vec![public(pair(Algorithm::EdDSA))]);
    let mut identity = [0_u8; 64];
    identity[0] = 1;
    for signature in [[0; 64], [0xff; 64], identity] {
        assert_refused_by(&verifier, &with_signature("EdDSA", &signature));
    }
    for bytes in [0, 32, 63, 65] {
        assert_refused_by(&verifier, &with_signature("EdDSA", &vec![0; bytes]));
    }
}

#[test]
fn an_rsa_signature_of_zeros_ones_or_another_length_is_refused() {
    let verifier = Verifier::new(vec![public(pair(Algorithm::RS256))]);
    let mut one = [0_u8; 256];
    one[255] = 1;
    for signature in [&[0; 256][..], &one, &[0xff; 256]] {
        assert_refused_by(&verifier, &with_signature("RS256", signature));
    }
    for bytes in [0, 1, 255, 257, 512] {
        assert_refused_by(&verifier, &with_signature("RS256", &vec![0; bytes]));
    }
}

#[test]
fn an_rsa_key_checks_no_other_padding_and_no_other_hash() {
    let rsa = pair(Algorithm::RS256);
    let verifier = Verifier::new(vec![public(rsa)]);
    for algorithm in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        let token = jsonwebtoken::encode(&Header::new(algorithm), &claims(), &signing_key(rsa));
        assert_refused_by(&verifier, &token.unwrap());
    }
}

#[test]
fn an_unknown_algorithm_is_refused() {
    for alg in [
        "HS1", "hs256", "HS256 ", "ES256K", "ES512", "RSA-OAEP", "dir",
    ] {
        let token = signed(&json!({ "alg": alg }), &claims());
        assert_refused_by(&verifier(), &token);
    }
}

#[test]
fn the_text_of_a_public_key_is_no_secret_beside_a_secret_either() {
    // RS→HS confusion, where HS256 tokens are good as well.
    let mut keys: Vec<Key> = PAIRS.iter().map(public).collect();
    keys.push(Key::secret(SECRET).unwrap());
    let verifier = Verifier::new(keys);
    for pair in &PAIRS {
        assert!(verifier.verify(&signed_by(pair, None), NOW).is_ok());
        for secret in [pair.public.as_bytes(), pair.public.trim_end().as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key);
            assert_refused_by(&verifier, &token.unwrap());
        }
    }
}

#[test]
fn among_several_named_keys_a_wrong_kid_and_a_missing_kid_are_refused() {
    let verifier = Verifier::new(PAIRS.iter().zip(["rsa", "ec", "ed"]).fold(
        Vec::new(),
        |mut keys, (pair, kid)| {
            keys.push(public(pair).named(kid));
            keys
        },
    ));
    for (pair, own) in PAIRS.iter().zip(["rsa", "ec", "ed"]) {
        assert!(verifier.verify(&signed_by(pair, Some(own)), NOW).is_ok());
        assert_refused_by(&verifier, &signed_by(pair, None));
        let wrong = ["rsa", "ec", "ed", "RSA", "ec ", "", "rsa\u{0}", "r%73a"];
        for kid in wrong.into_iter().filter(|&kid| kid != own) {
            assert_refused_by(&verifier, &signed_by(pair, Some(kid)));
        }
    }
}

#[test]
fn a_kid_that_is_a_path_a_query_or_a_command_opens_nothing() {
    let verifiers = [
        verifier(),
        Verifier::new(vec![Key::secret(SECRET).unwrap().named("a")]),
    ];
    let kids = [
        "../../../../../../dev/null",
        "..%2f..%2fdev%2fnull",
        "/proc/sys/kernel/randomize_va_space",
        "file:///dev/null",
        "https://evil.example/jwks.json",
        "x' UNION SELECT 'key';--",
        "' OR 1=1 --",
        "|/bin/true",
        "$(true)",
        "a\r\nSet-Cookie: a=b",
        "{{7*7}}",
    ];
    // What such a kid would make a careless server use as its secret.
    for secret in ["", "\0", "key", "2", "2\n", "AA=="] {
        for kid in kids {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some(kid.into());
            let key = EncodingKey::from_secret(secret.as_bytes());
            let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
            for verifier in &verifiers {
                assert_refused_by(verifier, &token);
            }
        }
    }
}

#[test]
fn a_key_that_comes_with_the_token_opens_nothing() {
    let evil = pair(Algorithm::ES256);
    let verifier = Verifier::new(vec![
        Key::secret(SECRET).unwrap(),
        public(pair(Algorithm::RS256)),
    ]);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256",
        "x": "eGFZk2x1GrxkV0sdAlACNp-N4o4GxuUdCkCu-iy7K0Y",
        "y": "uEZdDExST5S-RRN1ZZLZh6hsHjecyx8TEqUxeQaBkw4",
    });
    let brought = [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
    ];
    for (name, value) in brought {
        let mut header = json!({ "alg": "ES256", "typ": "JWT" });
        header[name] = value.clone();
        let header = header.to_string();
        let body = format!(
            "{}.{}",
            base64(header.as_bytes()),
            base64(claims().to_string().as_bytes())
        );
        let signature =
            jsonwebtoken::crypto::sign(body.as_bytes(), &signing_key(evil), Algorithm::ES256);
        assert_refused_by(&verifier, &format!("{body}.{}", signature.unwrap()));
        // And the token's own secret, where the key is symmetric.
        let mut header = hs256();
        header["jwk"] = json!({ "kty": "oct", "k": base64(b"the attacker's own secret, long") });
        header[name] = value;
        let key = EncodingKey::from_secret(b"the attacker's own secret, long");
        let body = format!(
            "{}.{}",
            base64(header.to_string().as_bytes()),
            base64(claims().to_string().as_bytes())
        );
        let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &key, Algorithm::HS256);
        assert_refused_by(&verifier, &format!("{body}.{}", signature.unwrap()));
    }
}

#[test]
fn a_token_in_a_token_names_nobody() {
    let inner = signed(&hs256(), &claims());
    let nested = [
        (json!({ "alg": "HS256", "cty": "JWT" }), inner.clone()),
        (
            json!({ "alg": "HS256", "cty": "JWT" }),
            format!("{inner:?}"),
        ),
    ];
    for (header, payload) in nested {
        let body = format!(
            "{}.{}",
            base64(header.to_string().as_bytes()),
            base64(payload.as_bytes())
        );
        assert_refused_by(&verifier(), &signed_body(&body));
    }
}

#[test]
fn other_serializations_of_a_token_are_refused() {
    let token = signed(&hs256(), &claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let flattened =
        json!({ "protected": header, "payload": payload, "signature": signature }).to_string();
    let general = json!({
        "payload": payload,
        "signatures": [{ "protected": header, "signature": signature }],
    });
    for text in [
        flattened,
        general.to_string(),
        // Five parts, as encrypted tokens have.
        format!("{token}.{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("Bearer {token}"),
        format!("{token}\u{0}"),
        token.replace('.', "\u{ff0e}"),
        token.replace('.', "%2E"),
    ] {
        assert_refused_by(&verifier(), &text);
    }
}

#[test]
fn white_space_in_a_token_is_refused() {
    let token = signed(&hs256(), &claims());
    for space in [" ", "\t", "\n", "\r\n", "\u{a0}", "\u{feff}"] {
        let (head, tail) = token.split_at(10);
        for text in [
            format!("{space}{token}"),
            format!("{token}{space}"),
            format!("{head}{space}{tail}"),
            token.replace('.', &format!(".{space}")),
        ] {
            assert_refused_by(&verifier(), &text);
        }
        // Nor where the signature is over the spelling itself.
        let (body, _) = token.rsplit_once('.').unwrap();
        assert_refused_by(&verifier(), &signed_body(&format!("{space}{body}")));
        assert_refused_by(&verifier(), &signed_body(&format!("{body}{space}")));
    }
}

/// Claims whose base64 has both digits that differ between the alphabets, and room at its end.
fn telling_claims() -> String {
    (0..1_000)
        .map(|number| {
            let filler = "\u{7f}\u{7e}?>ÿ".repeat(1 + number % 5);
            json!({ "sub": "p_1", "exp": claims()["exp"], "x": filler, "n": number }).to_string()
        })
        .find(|text| {
            let encoded = base64(text.as_bytes());
            encoded.contains('-') && encoded.contains('_') && !encoded.len().is_multiple_of(4)
        })
        .unwrap()
}

#[test]
fn other_spellings_in_base64_are_refused() {
    let header = base64(hs256().to_string().as_bytes());
    let payload = base64(telling_claims().as_bytes());
    let good = signed_body(&format!("{header}.{payload}"));
    assert!(verifier().verify(&good, NOW).is_ok());
    let padding = "=".repeat(4 - payload.len() % 4);
    let standard = payload.replace('-', "+").replace('_', "/");
    for spelt in [
        standard.clone(),
        format!("{standard}{padding}"),
        format!("{payload}{padding}"),
        payload.replace('-', "%2D"),
        with_trailing_bits(&payload),
    ] {
        assert_ne!(spelt, payload);
        assert_refused_by(&verifier(), &signed_body(&format!("{header}.{spelt}")));
    }
    let (body, signature) = good.rsplit_once('.').unwrap();
    let spelt = with_trailing_bits(signature);
    assert_refused_by(&verifier(), &format!("{body}.{spelt}"));
}

/// The same bytes, their last digit's unused bits set.
fn with_trailing_bits(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = text.split_at(text.len() - 1);
    let at = ALPHABET.find(last).unwrap() | 1;
    format!("{head}{}", &ALPHABET[at..=at])
}

fn unbase64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.chars() {
        word = word << 6 | ALPHABET.find(digit).unwrap() as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    bytes
}

#[test]
fn claims_that_are_not_an_object_or_nest_without_end_are_refused() {
    let header = base64(hs256().to_string().as_bytes());
    let deep = "[".repeat(1_500);
    for text in [
        "null".to_owned(),
        "[]".to_owned(),
        "[\"p_1\",1700000060]".to_owned(),
        "\"p_1\"".to_owned(),
        String::new(),
        deep,
        format!("{} {{}}", claims()),
        format!("\u{feff}{}", claims()),
    ] {
        let body = format!("{header}.{}", base64(text.as_bytes()));
        assert_refused_by(&verifier(), &signed_body(&body));
    }
    let invalid_utf8 = [b"{\"sub\":\"p_\xff\",\"exp\":1700000060}".as_slice()];
    for bytes in invalid_utf8 {
        let body = format!("{header}.{}", base64(bytes));
        assert_refused_by(&verifier(), &signed_body(&body));
    }
}

#[test]
fn a_header_that_changes_what_is_signed_is_refused() {
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("crit", Value::Bool(true)),
    ] {
        let mut header = json!({ "alg": "HS256", "b64": false });
        header[name] = value;
        assert_refused_by(&verifier(), &signed(&header, &claims()));
        // Signed over the claims as they are, as `b64: false` would have it.
        let body = format!("{}.{}", base64(header.to_string().as_bytes()), claims());
        assert_refused_by(&verifier(), &signed_body(&body));
    }
}
