//! What nobody gets to read: secrets and tokens, in logs, errors, metrics and at a failed start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use orrery::protocol::{Refresh, Reply, Request};
use tempfile::TempDir;

use crate::support::{Client, Log, SECRET, Server, Setup, get, request};

/// Everything that a server shows to anybody.
fn shown(server: &Server) -> String {
    let pages = ["/metrics", "/", "/healthz", "/readyz"].map(|page| get(server.admin, page).body);
    server.log() + &pages.concat()
}

#[test]
fn a_secret_and_tokens_show_nowhere_however_much_is_logged() {
    let server = Server::start(Setup {
        log: Log::TalkativeFile,
        ..Setup::default()
    });
    let good = Server::token("shy");
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let (late, newer) = (
        Server::token_for("shy", -60),
        Server::token_for("shy", 7200),
    );
    let mut said = String::new();
    for refused in [&forged, &late] {
        let mut client = Client::open(&server);
        assert!(matches!(client.login(refused), Reply::AuthError(_)));
        said += &client.text;
    }
    let mut client = Client::pilot(&server, "shy");
    for token in [&forged, &late, &newer] {
        client.ask(Request::Refresh(Refresh { token }));
        said += &client.text;
    }
    // A token where none belongs.
    let seq = client.send_as("trade.buy", &format!(r#"{{"token":"{good}"}}"#));
    client.answer(seq);
    said += &client.text;
    client.send_as(&good, "{}");
    client.deltas(2);
    let answer = request(server.listen, "GET", &format!("/ws?token={good}"), &[]);
    said += &answer.body;
    said += &shown(&server);
    let secret = str::from_utf8(SECRET).unwrap();
    assert!(!said.contains(secret));
    for token in [&good, &forged, &late, &newer] {
        // The header is the same for all the world; claims and signature are the holder's.
        for part in token.split('.').skip(1) {
            assert!(!said.contains(part), "{part} in {said}");
        }
    }
    assert!(said.contains("INVALID_TOKEN"), "refusals are counted");
}

#[test]
fn a_secret_that_the_server_made_shows_nowhere() {
    let server = Server::start(Setup {
        log: Log::TalkativeFile,
        has_no_key: true,
        ..Setup::default()
    });
    let answer = request(server.listen, "POST", "/guest", &[]);
    assert_eq!(answer.status, 200);
    let secret = server.file("a.db.key");
    assert!(secret.len() >= 32);
    let shown = shown(&server) + &answer.body;
    assert!(!shown.contains(secret.trim()), "{shown}");
}

#[test]
fn a_secret_that_others_may_read_is_warned_of_at_start() {
    let folder = TempDir::with_prefix("orrery-keys-").unwrap();
    let path = folder.path().join("their-secret");
    fs::write(&path, SECRET).unwrap();
    for (mode, is_warned) in [(0o644, true), (0o640, true), (0o600, false), (0o400, false)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let server = Server::start(Setup {
            has_no_key: true,
            flags: &["--jwt-secret-file", path.to_str().unwrap()],
            ..Setup::default()
        });
        let expected = format!("can be read by others (mode {mode:03o})");
        assert_eq!(
            server.log().contains(&expected),
            is_warned,
            "{}",
            server.log()
        );
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_at_start_in_a_sentence_that_does_not_show_it() {
    let folder = TempDir::with_prefix("orrery-keys-").unwrap();
    let short = "only-thirty-one-bytes-of-secret";
    let public = rcgen::KeyPair::generate().unwrap().public_key_pem();
    let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGliDM0a\n-----END";
    for (flag, content, expected) in [
        ("--jwt-secret-file", short, "shorter than 32 bytes"),
        (
            "--jwt-secret-file",
            &public,
            "give a public key by --jwt-public-key",
        ),
        ("--jwt-public-key", private, "this is a private key"),
        ("--jwt-public-key", "no key at all", "not a PEM public key"),
    ] {
        let path = folder.path().join("key");
        fs::write(&path, content).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
        command.env_clear().current_dir(folder.path());
        let ended = command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
                flag,
            ])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2), "{flag} {content}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains(expected) && said.contains("key"), "{said}");
        let shows = content
            .lines()
            .any(|line| line.len() > 12 && said.contains(line));
        assert!(!shows, "{said}");
    }
}
