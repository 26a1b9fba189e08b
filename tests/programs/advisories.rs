//! What `.ci/advisories` makes of each answer of `cargo deny`, which a script stands in for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Runs the script with a `cargo` that fetches and checks with these exit codes.
fn run(fetched: u8, checked: u8) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = deny ] || exit 99\ncase \"$2\" in fetch) exit {fetched};; check) exit {checked};; esac\nexit 99\n"
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/advisories"))
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

#[test]
fn an_advisory_fails_and_a_database_that_cannot_be_had_is_only_said() {
    assert_eq!(run(0, 0), (Some(0), "advisories: checked\n".to_owned()));
    let (code, _) = run(0, 1);
    assert_eq!(code, Some(1), "a real advisory");
    for checked in [0, 1] {
        let (code, said) = run(1, checked);
        assert_eq!(code, Some(0));
        assert!(said.contains("NOT CHECKED"), "{said}");
    }
}
