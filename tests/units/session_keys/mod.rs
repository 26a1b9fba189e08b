//! Key pairs made for these tests, which open nothing anywhere, and tokens of any content.

#![allow(dead_code, reason = "each test file uses a part")]

use jsonwebtoken::{Algorithm, EncodingKey};
use orrery::ids::UnixMillis;
use orrery::session::token::{Key, Verifier};
use serde_json::{Value, json};

#[path = "../../../fuzz/properties/token.rs"]
pub(crate) mod token;
pub(crate) use token::base64;

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
pub(crate) const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
pub(crate) const NOW_SECONDS: u64 = 1_700_000_000;

pub(crate) fn verifier() -> Verifier {
    Verifier::new(vec![Key::secret(SECRET).unwrap()])
}

pub(crate) fn claims() -> Value {
    json!({ "sub": "p_1", "exp": NOW_SECONDS + 60 })
}

/// A token with any header and claims, signed with the good secret.
pub(crate) fn signed(header: &Value, claims: &Value) -> String {
    signed_text(&header.to_string(), &claims.to_string())
}

pub(crate) fn signed_text(header: &str, claims: &str) -> String {
    signed_body(&format!(
        "{}.{}",
        base64(header.as_bytes()),
        base64(claims.as_bytes())
    ))
}

/// Any text under a good signature.
pub(crate) fn signed_body(body: &str) -> String {
    let key = EncodingKey::from_secret(SECRET);
    let signature = jsonwebtoken::crypto::sign(body.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{body}.{signature}")
}

pub(crate) fn hs256() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

/// A key pair and what its public half checks.
pub(crate) struct Pair {
    pub(crate) algorithm: Algorithm,
    pub(crate) private: &'static str,
    pub(crate) public: &'static str,
}

pub(crate) const PAIRS: [Pair; 3] = [
    Pair {
        algorithm: Algorithm::RS256,
        private: "\
-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDeYLmdAJ/nvV3v
Gq6QDc+FhL5HE7Xo8f1mhLbWQKAK4IP3+dIp9WnIpEJeZ2ZCs4az7TmEOHchedT1
PS0IjOBYrrIS3ml2bUd6Z93gxRPx5jMekPlLHKSbEB9TbI+M+lOj1EL7mdHdBxWh
YNgFl9DOasffUxXDhvxXLeK0FlRstT9ydDqg6Z+h998RNIgZahjyATZcPVS0k2GX
kJS6y2gwlXA/2yVvh0R0JzgBgFJmzfKcTUDNVzxkbNr+aOfL5DMgespDzcweXtBu
nj38QJHV3gPIZdGzVE9lge+oLGo2fwNxe1h8NBb9Z+UBp0WRo0D+rrON6KZXYN16
HNrrtpFnAgMBAAECgf9bhLxMqiwAakosCuFe1XTJR3y+epUHgEa2/J5CjsPhI85Q
myRjIEF7GrERKQ7/G1D5KUy5VIOywzo82ALC3YCbkQC4VYc2SDDHHUEg5Iz1XEfS
FbNekaIILvXaBAp9w6yD0ld1ojPOsMBIczdPqD192pjVGSWk9x+ZnMjCVLdqBPsn
qy2yPS55dzB/nlr6Bi3Dt4aA/UUFAtQYWNRlQ13gTofM8AQwDWw7JN9f62dTC/lk
vyIxV/zwMl4Onm6JE6KYB4w1LsG7+OcXlqCjY8FyqKZMKpojGnDetPKPH/u/PzMR
uz6aw02mBnddndFOWandmT4WLJyAHee0kfC8gvUCgYEA/8rtE+hyD7gfde1vh9fw
q04tLV7FrMoB6kuSMz/j8Wc9COi0I6pf3CL0oc7/8Y5rvWLhIaQrvNWL7DRPfyKa
CrauTN55ju58Fn6Lq08XH/brAQBZuyu0t3555Ye73HvlwUGLzDt38yaVGvhJqtsz
oOH8OgLLwrjj4Y2QvcY+15UCgYEA3o7dpC9h0Sx7VOun2ddgDt6SPvOJ6M5KVCdL
Gmz3qXlvBQTKE7CBvKwnZpi2X47qP0MgNd7xFxWh4dmUUNsUoluwB35IWYFsMxlm
vHlmRlrnqou/nmIn/rbxksQaid/gBu36PYImD792WalcHhyaDDxXnTGVueMvHKNd
l81qlgsCgYBFikyjwejofx0GeXN90eYbHFjJ4d8J161nnf30MuVsZq3AM0tt+s6u
0U4Cg30vlZGS3kPoWnKNltzAbYRDQwvv57RBL6aKhil0EBk2jHzz8rP3BLpgWUR7
MkY/cYRQL9rJjGFON8incRDOUTvt2EQT8/wXZVUx7gP9+PelsDS7dQKBgQCYbdUT
3HfsYcDeusAtjTt3M62KfBaaYp+532eq47MEWe1VzJ/yuFNDO82IkVNnQ2Tgi0MG
YnlRTDmhi/nvHv2U7aM0nqNC2keW//DDaYpI6X396tUEz0mBRR9TXAipIbI4TMm1
UuxqoMGYS0ySOxivBK0lNo7Lz/O2c5VooQI9XQKBgQC8mtHwa81sY5y3ttTzX71i
wdXIWvrXnKONfmQv0oL4IXFtEn8zAiyTFEIxpi/b913OGsep8E9WlOIxIypXzDWn
+4r/dkUU541kk1hKD9jm4E9omFPT19nVhv9EC6Q4Lz2nINA1c3aoa0Gt+GdprWES
2vG+FxvxytE6as794BkFUg==
-----END PRIVATE KEY-----
",
        public: "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3mC5nQCf571d7xqukA3P
hYS+RxO16PH9ZoS21kCgCuCD9/nSKfVpyKRCXmdmQrOGs+05hDh3IXnU9T0tCIzg
WK6yEt5pdm1Hemfd4MUT8eYzHpD5SxykmxAfU2yPjPpTo9RC+5nR3QcVoWDYBZfQ
zmrH31MVw4b8Vy3itBZUbLU/cnQ6oOmfofffETSIGWoY8gE2XD1UtJNhl5CUusto
MJVwP9slb4dEdCc4AYBSZs3ynE1AzVc8ZGza/mjny+QzIHrKQ83MHl7Qbp49/ECR
1d4DyGXRs1RPZYHvqCxqNn8DcXtYfDQW/WflAadFkaNA/q6zjeimV2Ddehza67aR
ZwIDAQAB
-----END PUBLIC KEY-----
",
    },
    Pair {
        algorithm: Algorithm::ES256,
        private: "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzAgVMFQXkU3YOX9t
P9z4b6Yp8TGfY0/fsZuuMC7+Q4qhRANCAAR4YVmTbHUavGRXSx0CUAI2n43ijgbG
5R0KQK76LLsrRrhGXQxMUk+UvkUTdWWS2YeobB43nMsfExKlMXkGgZMO
-----END PRIVATE KEY-----
",
        public: "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeGFZk2x1GrxkV0sdAlACNp+N4o4G
xuUdCkCu+iy7K0a4Rl0MTFJPlL5FE3VlktmHqGweN5zLHxMSpTF5BoGTDg==
-----END PUBLIC KEY-----
",
    },
    Pair {
        algorithm: Algorithm::EdDSA,
        private: "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIGliDM0a4M4Nh7UlmFUAK2S1sREDZahJ4SU0b1ym2Q2X
-----END PRIVATE KEY-----
",
        public: "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJnVrfHluJ6KRMbJA0hmAPG1pZ5wkWq3Cjn9j/0Sgf84=
-----END PUBLIC KEY-----
",
    },
];

/// A public key of a curve that is not accepted.
pub(crate) const P384: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEFPOtZkRQ4l9HDYLoa2eoPGxF3QUpgYjn
NpLbaFNQjCGrSoj5ZS0dRT2FZ0glkI3MJ+xNYsj1GinTzHzqKI9gt+c1NmNIE6O+
Mkr7Q4Y5TTpriB7QeMxX/VGrHFPBnv9a
-----END PUBLIC KEY-----
";

/// A public key that is too short.
pub(crate) const RSA_1024: &str = "\
-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDUtLkZ5NKj8Ik+ZMlgggDKVghh
nKauLow/cIrMoAoVVT6+vHiG+2BVUScNPGNxRP8mrQm01l+OhQN84ZyGAE3Rn9zb
fekWxWZDH4uHdxBHX6PQXk6+njH8OvmillW/aAIDTmSvTGMPplsIa8YzBwa8hkq8
Ds+YfgpgcMyLj8EDMQIDAQAB
-----END PUBLIC KEY-----
";
