//! Who gets in, and above all who does not: each known attack on JSON Web Tokens by name.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use orrery::ids::{PlayerId, UnixMillis};
use orrery::session::token::{Key, KeyError, Signer, TokenError, Verified, Verifier};
use serde_json::{Value, json};

use crate::units::session_keys;
use session_keys::{
    NOW, NOW_SECONDS, PAIRS, Pair, SECRET, claims, hs256, signed, signed_text, token, verifier,
};

#[track_caller]
fn assert_invalid(token: &str) {
    assert_eq!(
        verifier().verify(token, NOW),
        Err(TokenError::Invalid),
        "{token}"
    );
}

/// A claim replaced, or taken out with `null`.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    let object = claims.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.into(), value);
    }
    signed(&hs256(), &claims)
}

#[test]
fn a_good_token_names_its_player_and_its_end() {
    let expected = Verified {
        player: PlayerId::parse("p_1").unwrap(),
        expires: UnixMillis((NOW_SECONDS + 60) * 1_000),
    };
    assert_eq!(
        verifier().verify(&signed(&hs256(), &claims()), NOW),
        Ok(expected.clone())
    );
    let signer = Signer::new(SECRET).unwrap();
    let token = signer.sign(&expected.player, 60, NOW).unwrap();
    assert_eq!(verifier().verify(&token, NOW), Ok(expected));
}

#[test]
fn alg_none_is_refused_in_every_spelling() {
    for alg in ["none", "None", "NONE", "nOnE", "", "NoNe"] {
        let header = json!({ "alg": alg, "typ": "JWT" });
        let signed = signed(&header, &claims());
        assert_invalid(&signed);
        let (body, _) = signed.rsplit_once('.').unwrap();
        assert_invalid(&format!("{body}."));
        assert_invalid(body);
    }
    assert_invalid(&signed(&json!({ "typ": "JWT" }), &claims()));
    assert_invalid(&signed(&json!({ "alg": null }), &claims()));
    assert_invalid(&signed(&json!({ "alg": ["HS256"] }), &claims()));
}

#[test]
fn another_hmac_than_the_keys_is_refused() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let key = EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&Header::new(algorithm), &claims(), &key).unwrap();
        assert_invalid(&token);
    }
}

#[test]
fn a_public_key_as_hmac_secret_is_refused() {
    for Pair { public, .. } in PAIRS {
        let verifier = Verifier::new(vec![Key::public_pem(public.as_bytes()).unwrap()]);
        for secret in [public.as_bytes(), public.trim_end().as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key);
            assert_eq!(
                verifier.verify(&token.unwrap(), NOW),
                Err(TokenError::Invalid)
            );
        }
    }
}

#[test]
fn a_kid_is_a_name_and_nothing_else() {
    let kids = [
        "../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "a\u{0}",
        "http://evil/",
        "",
    ];
    let named = Verifier::new(vec![Key::secret(SECRET).unwrap().named("a")]);
    for kid in kids {
        let header = json!({ "alg": "HS256", "kid": kid });
        assert_eq!(
            named.verify(&signed(&header, &claims()), NOW),
            Err(TokenError::Invalid)
        );
        // Emptied files make empty secrets: such a token is signed with nothing.
        let empty = EncodingKey::from_secret(b"");
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.into());
        let token = jsonwebtoken::encode(&header, &claims(), &empty).unwrap();
        assert_invalid(&token);
    }
    assert_invalid(&signed(&json!({ "alg": "HS256", "kid": 7 }), &claims()));
    assert_invalid(&signed(&json!({ "alg": "HS256", "kid": ["a"] }), &claims()));
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let evil = EncodingKey::from_secret(b"the attacker's own secret, long enough");
    let mut header = Header::new(Algorithm::HS256);
    header.jku = Some("https://evil.example/keys".into());
    header.x5u = Some("https://evil.example/cert".into());
    let token = jsonwebtoken::encode(&header, &claims(), &evil).unwrap();
    assert_invalid(&token);
}

#[test]
fn crit_is_refused() {
    for crit in [
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!("exp"),
        json!(1),
    ] {
        assert_invalid(&signed(&json!({ "alg": "HS256", "crit": crit }), &claims()));
    }
}

#[test]
fn an_odd_exp_is_refused() {
    for exp in [
        json!("1700000060"),
        json!(-1),
        json!(1_700_000_060.5),
        json!(1e300),
        json!(true),
        json!([NOW_SECONDS + 60]),
        Value::Null,
    ] {
        assert_invalid(&with("exp", exp));
    }
    for text in [
        "1e400",
        "Infinity",
        "NaN",
        "99999999999999999999",
        "1.7e9",
        "null",
    ] {
        assert_invalid(&signed_text(
            r#"{"alg":"HS256"}"#,
            &format!(r#"{{"sub":"p_1","exp":{text}}}"#),
        ));
    }
}

#[test]
fn the_largest_exp_is_far_away_and_a_larger_one_is_no_time() {
    let largest = (1_u64 << 53) - 1;
    let verified = verifier()
        .verify(&with("exp", json!(largest)), NOW)
        .unwrap();
    assert_eq!(verified.expires, UnixMillis(largest * 1_000));
    for exp in [largest + 1, 1 << 63, u64::MAX] {
        assert_invalid(&with("exp", json!(exp)));
    }
}

#[test]
fn expiry_has_thirty_seconds_of_leeway() {
    let token = with("exp", json!(NOW_SECONDS));
    let at = |ms: u64| {
        verifier()
            .verify(&token, UnixMillis(NOW.0 + ms))
            .map(|_| ())
    };
    assert_eq!(at(29_999), Ok(()));
    assert_eq!(at(30_000), Err(TokenError::Expired));
    let old = with("exp", json!(0));
    assert_eq!(verifier().verify(&old, NOW), Err(TokenError::Expired));
}

#[test]
fn an_expired_token_with_a_bad_signature_is_only_invalid() {
    let token = with("exp", json!(0));
    assert_invalid(&token[..token.len() - 2]);
}

#[test]
fn a_token_is_not_good_before_its_time() {
    assert!(
        verifier()
            .verify(&with("nbf", json!(NOW_SECONDS + 30)), NOW)
            .is_ok()
    );
    assert_invalid(&with("nbf", json!(NOW_SECONDS + 31)));
    assert_invalid(&with("nbf", json!(u64::MAX)));
    assert_invalid(&with("nbf", json!("0")));
    assert_invalid(&with("nbf", json!(-1)));
}

#[test]
fn a_sub_is_a_player_id() {
    let long = "x".repeat(65);
    for sub in [
        json!(""),
        json!(long),
        json!("a b"),
        json!("ä"),
        json!("a\u{0}"),
        json!(7),
        Value::Null,
    ] {
        assert_invalid(&with("sub", sub));
    }
    let longest = "x".repeat(64);
    assert!(verifier().verify(&with("sub", json!(longest)), NOW).is_ok());
    assert!(
        verifier()
            .verify(&with("sub", json!("a.b-c_d:e@f")), NOW)
            .is_ok()
    );
}

#[test]
fn a_claim_twice_is_refused() {
    let claims = format!(r#"{{"sub":"p_1","sub":"p_2","exp":{}}}"#, NOW_SECONDS + 60);
    assert_invalid(&signed_text(r#"{"alg":"HS256"}"#, &claims));
    assert_invalid(&signed_text(
        r#"{"alg":"HS256","alg":"none"}"#,
        &self::claims().to_string(),
    ));
}

#[test]
fn issuer_and_audience_are_checked_where_configured() {
    let strict = verifier().issued_by("us").meant_for("game");
    let check = |iss: Value, aud: Value| {
        let mut claims = claims();
        claims["iss"] = iss;
        claims["aud"] = aud;
        let token = signed(&hs256(), &claims);
        assert!(
            verifier().verify(&token, NOW).is_ok(),
            "unchecked where not configured"
        );
        strict.verify(&token, NOW).is_ok()
    };
    assert!(check(json!("us"), json!("game")));
    assert!(check(json!("us"), json!(["mail", "game"])));
    assert!(!check(json!("us"), json!("mail")));
    assert!(!check(json!("us"), json!(["mail"])));
    assert!(!check(json!("us"), json!([])));
    assert!(!check(json!("us"), json!({ "game": true })));
    assert!(!check(json!("them"), json!("game")));
    assert!(!check(json!(["us"]), json!("game")));
    assert!(!check(Value::Null, Value::Null));
    assert_eq!(
        strict.verify(&signed(&hs256(), &claims()), NOW),
        Err(TokenError::Invalid)
    );
    let player = PlayerId::parse("p_1").unwrap();
    let signer = Signer::new(SECRET)
        .unwrap()
        .issued_by("us")
        .meant_for("game");
    assert!(
        strict
            .verify(&signer.sign(&player, 60, NOW).unwrap(), NOW)
            .is_ok()
    );
}

#[test]
fn a_signature_that_is_cut_changed_or_absent_is_refused() {
    let token = signed(&hs256(), &claims());
    let (body, signature) = token.rsplit_once('.').unwrap();
    for cut in 0..signature.len() {
        assert_invalid(&format!("{body}.{}", &signature[..cut]));
    }
    assert_invalid(&format!("{body}.{signature}="));
    assert_invalid(&format!("{body}.{signature}A"));
    assert_invalid(&format!("{body}.{}", signature.to_lowercase()));
    assert_invalid(&format!("{token}.{signature}"));
    assert_invalid(&format!(" {token}"));
    assert_invalid("");
    assert_invalid("..");
    assert_invalid("...");
    let others = signed(&hs256(), &json!({ "sub": "p_2", "exp": NOW_SECONDS + 60 }));
    let (other_body, _) = others.rsplit_once('.').unwrap();
    assert_invalid(&format!("{other_body}.{signature}"));
}

#[test]
fn a_token_over_the_bound_is_refused_unread() {
    let mut claims = claims();
    claims["filler"] = json!("x".repeat(4_000));
    let token = signed(&hs256(), &claims);
    assert!(token.len() > 4_096);
    assert_invalid(&token);
}

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/token");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        token::check(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn a_key_file_of_any_format_is_no_secret() {
    let der = [&[0x30, 0x81, 0x40][..], &[7; 0x40]].concat();
    for content in [
        PUBLIC_PEM_OF_NOBODY.as_bytes(),
        br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9d ann@example\n",
        &der,
    ] {
        assert_eq!(Key::secret(content).err(), Some(KeyError::NoSecret));
        assert_eq!(Signer::new(content).err(), Some(KeyError::NoSecret));
    }
    // A secret is any bytes: it may begin as a key does.
    for content in [
        &der[..der.len() - 1],
        b"{ thirty-two bytes and more of secret }",
    ] {
        assert!(Key::secret(content).is_ok());
    }
}

const PUBLIC_PEM_OF_NOBODY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
