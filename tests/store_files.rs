//! Whose the store's files are: made for their owner only, never through a link, never over what
//! others made, and with a lock that no reader can hold.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod store_harness;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use orrery::store::{StoreError, backup};
use store_harness::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The file, and what lies beside it while it is served.
fn files(database: &Database) -> [PathBuf; 4] {
    ["", "-wal", "-shm", ".lock"].map(|ending| PathBuf::from(format!("{}{ending}", database.url)))
}

/// A database with something in it, being served.
fn served(database: &Database) -> Desk {
    let mut desk = database.open();
    desk.keep(first_batch(&player("p_1"), 100));
    desk
}

#[test]
fn what_a_store_makes_is_its_owners_only() {
    let database = Database::sqlite();
    let desk = served(&database);
    for path in files(&database) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    desk.store.close();
}

#[test]
fn files_from_before_are_taken_from_others_when_they_are_opened() {
    let database = Database::sqlite();
    served(&database).store.close();
    let [file, _, _, lock] = files(&database);
    for path in [&file, &lock] {
        fs::set_permissions(path, Permissions::from_mode(0o664)).unwrap();
    }
    // Named by a link, the file itself is what counts.
    let link = database.path().with_file_name("link.db");
    symlink(&file, &link).unwrap();
    let mut config = database.config("here");
    link.to_str().unwrap().clone_into(&mut config.database);
    let mut desk = Desk::open(&config).unwrap();
    desk.keep(first_batch(&player("p_2"), 100));
    for path in files(&database) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let second = Desk::open(&database.config("there")).err();
    assert!(matches!(second, Some(StoreError::InUse(_))), "{second:?}");
    desk.store.close();
}

#[test]
fn a_stranger_who_can_read_the_lock_cannot_hold_a_server_out() {
    let database = Database::sqlite();
    let [_, _, _, lock] = files(&database);
    fs::write(&lock, "4711\n").unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    let stranger = File::open(&lock).unwrap();
    stranger.lock().unwrap();
    served(&database).store.close();
}

#[test]
fn a_lock_is_never_taken_through_a_link() {
    let database = Database::sqlite();
    let [_, _, _, lock] = files(&database);
    let victim = database.path().with_file_name("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &lock).unwrap();
    let refused = Desk::open(&database.config("here")).err();
    assert!(
        matches!(&refused, Some(StoreError::Unusable(why)) if why.contains("is a link")),
        "{refused:?}"
    );
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_link_to_a_database_that_is_not_there_yet_shares_its_lock() {
    let database = Database::sqlite();
    let link = database.path().with_file_name("link.db");
    symlink(database.path(), &link).unwrap();
    let mut config = database.config("here");
    link.to_str().unwrap().clone_into(&mut config.database);
    let desk = Desk::open(&config).unwrap();
    let second = Desk::open(&database.config("there")).err();
    assert!(matches!(second, Some(StoreError::InUse(_))), "{second:?}");
    desk.store.close();
}

/// Runs a program as nobody; none, with a word, where that cannot be done.
fn as_nobody(program: &[&str]) -> Option<bool> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let tried = command.args(["true"]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no program can be run as another user here");
        return None;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    Some(command.args(program).output().unwrap().status.success())
}

#[test]
fn another_user_can_neither_read_the_files_nor_lock_them() {
    let database = Database::sqlite();
    let desk = served(&database);
    let folder = database.path().parent().unwrap().to_owned();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    for path in files(&database) {
        let path = path.to_str().unwrap();
        for program in [&["cat", path][..], &["flock", "--nonblock", path, "true"]] {
            let Some(succeeds) = as_nobody(program) else {
                return;
            };
            assert!(!succeeds, "{program:?}");
        }
    }
    desk.store.close();
}

fn refusal(database: &Database, file: &Path) -> String {
    match backup(&database.url, file) {
        Err(StoreError::Unusable(why)) => why,
        other => panic!("refused: {other:?}"),
    }
}

#[test]
fn a_backup_follows_no_link_and_replaces_nothing() {
    let database = Database::sqlite();
    served(&database).store.close();
    let beside = |name: &str| database.path().with_file_name(name);
    let [copy, part, victim] = ["copy.db", "copy.db.part", "victim"].map(beside);
    fs::write(&victim, "precious").unwrap();
    let nowhere = beside("nowhere");
    for target in [&victim, &nowhere] {
        symlink(target, &copy).unwrap();
        assert!(refusal(&database, &copy).contains("is a link to"));
        fs::remove_file(&copy).unwrap();
        symlink(target, &part).unwrap();
        assert!(refusal(&database, &copy).contains("copy.db.part exists already"));
        assert!(part.is_symlink(), "what others made is left");
        fs::remove_file(&part).unwrap();
    }
    fs::write(&part, "of another backup").unwrap();
    assert!(refusal(&database, &copy).contains("remove the file"));
    assert_eq!(fs::read(&part).unwrap(), b"of another backup");
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(!nowhere.exists() && !copy.exists());
}

#[test]
fn a_backup_is_its_owners_only_and_leaves_nothing_beside_it() {
    let database = Database::sqlite();
    let desk = served(&database);
    // The folder may be reached through links; only the last name may be none.
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    backup(&database.url, &link.join("copy.db")).unwrap();
    assert_eq!(mode(&real.join("copy.db")), 0o600);
    assert_eq!(fs::read_dir(&real).unwrap().count(), 1);
    desk.store.close();
}
