//! `orrery swarm` as people and scripts run it: exit codes, the table, the JSON.

use std::fs;
use std::process::{Command, Output};

use super::harbour::{Harbour, Manner, SECRET};

/// Runs the command in an empty folder that holds the secret.
fn swarm(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), SECRET).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.current_dir(folder.path()).env_clear().arg("swarm");
    command
        .args(["--jwt-secret-file", "secret"])
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_run_ends_with_a_table_and_exit_code_0() {
    let harbour = Harbour::open(Manner::Play);
    let ran = swarm(&[
        "--url",
        &harbour.url(),
        "--clients",
        "3",
        "--duration",
        "300ms",
    ]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let table = text(&ran.stdout);
    assert!(
        table.starts_with("swarm            3 of 3 bots in, 0 lost"),
        "{table}"
    );
    for row in [
        "delivered",
        "gap",
        "bytes",
        "deltas",
        "inputs",
        "orders",
        "errors",
        "closes",
        "this swarm",
    ] {
        assert!(
            table.lines().any(|line| line.starts_with(row)),
            "{row} in {table}"
        );
    }
    assert_eq!(
        text(&ran.stderr),
        "",
        "no progress bar where nobody sees it"
    );
    assert_eq!(harbour.close().goodbyes, 3);
}

#[test]
fn json_holds_the_same_for_machines() {
    let harbour = Harbour::open(Manner::Play);
    let ran = swarm(&[
        "--url",
        &harbour.url(),
        "--clients",
        "2",
        "--duration",
        "300ms",
        "--peaceful",
        "--json",
    ]);
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        (&report["clients"], &report["joined"]),
        (&2.into(), &2.into())
    );
    assert!(
        report["delivered"]["deltas"].as_u64().unwrap() > 0,
        "{report}"
    );
    assert!(report["gap_ms"]["p99"].as_f64().unwrap() > 0.0, "{report}");
    assert!(report["swarm"]["is_bottleneck"].is_boolean(), "{report}");
    harbour.close();
}

#[test]
fn a_run_in_which_nobody_came_in_fails_and_says_why() {
    let harbour = Harbour::open(Manner::RefuseLogins);
    let ran = swarm(&[
        "--url",
        &harbour.url(),
        "--clients",
        "1",
        "--duration",
        "300ms",
    ]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(
        text(&ran.stderr).contains("login: INVALID_TOKEN; sign with"),
        "{ran:?}"
    );
    harbour.close();
}

#[test]
fn where_no_server_is_the_first_thing_to_check_is_told() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", closed.local_addr().unwrap());
    drop(closed);
    let ran = swarm(&["--url", &url, "--clients", "1", "--duration", "300ms"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let told = text(&ran.stderr);
    assert!(told.contains("is a server running there?"), "{told}");
}

#[test]
fn unusable_arguments_are_exit_code_2() {
    for arguments in [
        &["--url", "wss://127.0.0.1:1/ws"][..],
        &["--url", "nowhere"],
        &["--clients", "0"],
        &["--duration", "soon"],
        &["--system", "no such name"],
        &["--jwt-public-key", "key.pem"],
    ] {
        let ran = swarm(arguments);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
}
