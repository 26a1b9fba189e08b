//! Which keys a server takes, and which tokens each of them is asked about.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use orrery::ids::PlayerId;
use orrery::session::token::{Key, KeyError, Signer, TokenError, Verifier};

use crate::units::session_keys;
use session_keys::{NOW, P384, PAIRS, Pair, RSA_1024, SECRET, claims, hs256, signed};

#[test]
fn every_kind_of_public_key_checks_its_own_algorithm_only() {
    for Pair {
        algorithm,
        private,
        public,
    } in PAIRS
    {
        let verifier = Verifier::new(vec![Key::public_pem(public.as_bytes()).unwrap()]);
        for (signing, key) in signing_keys(algorithm, private) {
            let token = jsonwebtoken::encode(&Header::new(signing), &claims(), &key).unwrap();
            let is_good = verifier.verify(&token, NOW).is_ok();
            assert_eq!(
                is_good,
                signing == algorithm,
                "{signing:?} by {algorithm:?}"
            );
        }
    }
}

/// The private key with each algorithm that it can sign by.
fn signing_keys(algorithm: Algorithm, private: &str) -> Vec<(Algorithm, EncodingKey)> {
    use Algorithm::{ES256, EdDSA, PS256, RS256, RS384, RS512};
    let pem = private.as_bytes();
    match algorithm {
        RS256 => [RS256, RS384, RS512, PS256]
            .map(|signing| (signing, EncodingKey::from_rsa_pem(pem).unwrap()))
            .into(),
        ES256 => vec![(ES256, EncodingKey::from_ec_pem(pem).unwrap())],
        _ => vec![(EdDSA, EncodingKey::from_ed_pem(pem).unwrap())],
    }
}

#[test]
fn a_token_of_another_pair_is_refused_by_each_key() {
    for checker in PAIRS {
        let key = Key::public_pem(checker.public.as_bytes()).unwrap();
        let verifier = Verifier::new(vec![key]);
        for signer in PAIRS {
            let (signing, key) = signing_keys(signer.algorithm, signer.private).remove(0);
            let token = jsonwebtoken::encode(&Header::new(signing), &claims(), &key).unwrap();
            let is_own = signer.algorithm == checker.algorithm;
            assert_eq!(verifier.verify(&token, NOW).is_ok(), is_own);
        }
    }
}

#[test]
fn several_keys_are_good_at_once() {
    let other = b"another secret of thirty-two bytes";
    let mut keys = vec![Key::secret(SECRET).unwrap(), Key::secret(other).unwrap()];
    keys.extend(PAIRS.map(|pair| Key::public_pem(pair.public.as_bytes()).unwrap()));
    let verifier = Verifier::new(keys);
    let player = PlayerId::parse("p_1").unwrap();
    for secret in [SECRET, other.as_slice()] {
        let token = Signer::new(secret).unwrap().sign(&player, 60, NOW).unwrap();
        assert!(verifier.verify(&token, NOW).is_ok());
    }
    let stranger = Signer::new(b"a stranger's secret of many bytes").unwrap();
    let token = stranger.sign(&player, 60, NOW).unwrap();
    assert_eq!(verifier.verify(&token, NOW), Err(TokenError::Invalid));
}

#[test]
fn a_named_key_checks_only_tokens_that_name_it() {
    let other = b"another secret of thirty-two bytes";
    let verifier = Verifier::new(vec![
        Key::secret(SECRET).unwrap().named("a"),
        Key::secret(other).unwrap().named("b"),
    ]);
    let player = PlayerId::parse("p_1").unwrap();
    let check = |secret: &[u8], kid: Option<&str>| {
        let mut signer = Signer::new(secret).unwrap();
        if let Some(kid) = kid {
            signer = signer.named(kid);
        }
        verifier
            .verify(&signer.sign(&player, 60, NOW).unwrap(), NOW)
            .is_ok()
    };
    assert!(check(SECRET, Some("a")) && check(other, Some("b")));
    assert!(!check(SECRET, Some("b")) && !check(other, Some("a")));
    assert!(!check(SECRET, None) && !check(SECRET, Some("c")));
}

#[test]
fn a_token_that_names_a_key_is_checked_by_no_other() {
    let other = b"another secret of thirty-two bytes";
    let verifier = Verifier::new(vec![
        Key::secret(SECRET).unwrap().named("a"),
        Key::secret(other).unwrap(),
    ]);
    let player = PlayerId::parse("p_1").unwrap();
    let check = |kid: &str| {
        let signer = Signer::new(other).unwrap().named(kid);
        let token = signer.sign(&player, 60, NOW).unwrap();
        verifier.verify(&token, NOW).is_ok()
    };
    assert!(
        check("unknown"),
        "a key without a name checks what no key is named for"
    );
    assert!(!check("a"));
}

#[test]
fn without_keys_nobody_gets_in() {
    let token = signed(&hs256(), &claims());
    assert_eq!(
        Verifier::new(Vec::new()).verify(&token, NOW),
        Err(TokenError::Invalid)
    );
}

#[test]
fn a_secret_has_thirty_two_bytes_and_a_newline_is_not_one_of_them() {
    assert_eq!(
        Key::secret(&[b'x'; 31]).unwrap_err(),
        KeyError::SecretTooShort
    );
    let thirty_one_and_a_newline = [&[b'x'; 31][..], b"\n"].concat();
    assert_eq!(
        Key::secret(&thirty_one_and_a_newline).unwrap_err(),
        KeyError::SecretTooShort
    );
    for end in ["\n", "\r\n"] {
        let file = [SECRET, end.as_bytes()].concat();
        let verifier = Verifier::new(vec![Key::secret(&file).unwrap()]);
        assert!(verifier.verify(&signed(&hs256(), &claims()), NOW).is_ok());
    }
}

#[test]
fn what_is_no_public_key_is_refused_with_its_reason() {
    assert_eq!(
        Key::public_pem(b"nonsense").unwrap_err(),
        KeyError::Unsupported
    );
    assert_eq!(Key::public_pem(&[0xff]).unwrap_err(), KeyError::Unsupported);
    assert_eq!(
        Key::public_pem(P384.as_bytes()).unwrap_err(),
        KeyError::Unsupported
    );
    assert_eq!(
        Key::public_pem(RSA_1024.as_bytes()).unwrap_err(),
        KeyError::RsaTooShort
    );
    for Pair { private, .. } in PAIRS {
        assert_eq!(
            Key::public_pem(private.as_bytes()).unwrap_err(),
            KeyError::Private
        );
    }
}

#[test]
fn no_secret_shows_in_debug() {
    let secret = "a-very-secret-secret-of-many-bytes";
    let verifier = Verifier::new(vec![Key::secret(secret.as_bytes()).unwrap().named("k")]);
    let signer = Signer::new(secret.as_bytes()).unwrap();
    let shown = format!(
        "{verifier:?} {signer:?} {:?}",
        Key::secret(secret.as_bytes())
    );
    assert!(
        !shown.contains("secret-secret") && shown.contains("HS256"),
        "{shown}"
    );
    let bytes = format!("{:?}", secret.as_bytes());
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])));
}
