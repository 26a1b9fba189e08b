//! Whose the store's files are: made for their owner only, never through a link, never over what
//! others made, and with a lock that no reader can hold.

use crate::store_harness;

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
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
fn served(database: &Database) -> StoreUnderTest {
    let mut opened = database.open();
    opened.keep(first_batch(&player("p_1"), 100));
    opened
}

#[test]
fn what_a_store_makes_is_its_owners_only() {
    let database = Database::sqlite();
    let opened = served(&database);
    for path in files(&database) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    opened.store.close();
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
    let mut opened = StoreUnderTest::open(&config).unwrap();
    opened.keep(first_batch(&player("p_2"), 100));
    for path in files(&database) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let second = StoreUnderTest::open(&database.config("there")).err();
    assert!(matches!(second, Some(StoreError::InUse(_))), "{second:?}");
    opened.store.close();
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
    let refused = StoreUnderTest::open(&database.config("here")).err();
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
    let opened = StoreUnderTest::open(&config).unwrap();
    let second = StoreUnderTest::open(&database.config("there")).err();
    assert!(matches!(second, Some(StoreError::InUse(_))), "{second:?}");
    opened.store.close();
}

/// Runs a program as the user nobody. Returns whether it succeeded.
fn as_nobody(program: &[&str]) -> bool {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.args(program).output().unwrap().status.success()
}

#[test]
#[cfg_attr(
    not(with_root),
    ignore = "needs root, to be another user: ORRERY_TEST_WITH=root"
)]
fn another_user_can_neither_read_the_files_nor_lock_them() {
    let database = Database::sqlite();
    let opened = served(&database);
    let folder = database.path().parent().unwrap().to_owned();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert!(as_nobody(&["true"]), "programs can be run as nobody");
    for path in files(&database) {
        let path = path.to_str().unwrap();
        for program in [&["cat", path][..], &["flock", "--nonblock", path, "true"]] {
            assert!(!as_nobody(program), "{program:?}");
        }
    }
    opened.store.close();
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
    let opened = served(&database);
    // The folder may be reached through links; only the last name may be none.
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    let real = folder.path().join("real");
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    backup(&database.url, &link.join("copy.db")).unwrap();
    assert_eq!(mode(&real.join("copy.db")), 0o600);
    assert_eq!(fs::read_dir(&real).unwrap().count(), 1);
    opened.store.close();
}

/// Runs the program in a folder; its exit code and what it complained of.
fn orrery(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.env_clear().current_dir(folder).args(arguments);
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Starts a server that records to a file. Its port is taken, so that it ends in any case, and by
/// exit code 1 if the recording was welcome.
fn record(folder: &Path, database: &str, file: &str) -> (Option<i32>, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = port.local_addr().unwrap().to_string();
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "thirty-two bytes of no use elsewhere").unwrap();
    let secret = secret.path().to_str().unwrap();
    let fixed = ["serve", "--listen", &listen, "--admin", "127.0.0.1:0"];
    let named = ["--database", database, "--record", file];
    let arguments = [&fixed[..], &named[..], &["--jwt-secret-file", secret]].concat();
    orrery(folder, &arguments)
}

/// The names in a folder, with what each file has and may.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>, u32)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap(), mode(&entry.path()))
        })
        .collect();
    found.sort();
    found
}

const OF_THE_DATABASE: [&str; 6] = ["", "-wal", "-shm", "-journal", ".lock", ".key"];

#[test]
fn a_recording_takes_no_name_of_the_databases_files() {
    let database = Database::sqlite();
    served(&database).store.close();
    let folder = database.path().parent().unwrap().to_owned();
    symlink(&folder, folder.join("same")).unwrap();
    symlink("orrery.db", folder.join("link.db")).unwrap();
    symlink("later.db", folder.join("early.db")).unwrap();
    let before = listing(&folder);
    for (served, named) in [
        ("orrery.db", "orrery.db"),
        ("orrery.db", "same/orrery.db"),
        ("link.db", "orrery.db"),
        ("sqlite://orrery.db", "orrery.db"),
        ("new.db", "./new.db"),
        ("same/new.db", "new.db"),
        ("early.db", "later.db"),
    ] {
        for ending in OF_THE_DATABASE {
            let file = format!("{named}{ending}");
            let (code, said) = record(&folder, served, &file);
            assert_eq!(code, Some(2), "{served} {file}: {said}");
            assert!(said.contains("belongs to the database"), "{file}: {said}");
            assert!(listing(&folder) == before, "{served} {file}");
        }
    }
    let (code, said) = record(&folder, "flight.previous", "flight");
    assert!(
        code == Some(2) && said.contains("belongs to the database"),
        "{said}"
    );
}

#[test]
fn a_recording_sets_nothing_aside_but_a_recording() {
    let database = Database::sqlite();
    let opened = served(&database);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, content) in [
        ("victim", "precious"),
        ("empty", ""),
        ("behind.previous", "precious"),
        ("short", "ORRERY"),
    ] {
        fs::write(folder.join(name), content).unwrap();
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(folder.join("behind"), "ORRERYFR").unwrap();
    let before = listing(folder);
    let lock = format!("{}.lock", database.url);
    for (file, expected) in [
        ("victim", "victim is no recording"),
        ("empty", "empty is no recording"),
        ("short", "short is no recording"),
        ("behind", "behind.previous is no recording"),
        (&database.url, "is no recording"),
        (&lock, "is no recording"),
    ] {
        let (code, said) = record(folder, "mine.db", file);
        assert_eq!(code, Some(2), "{file}: {said}");
        assert!(said.contains(expected), "{file}: {said}");
        assert!(listing(folder) == before, "{file}");
    }
    assert!(!Path::new(&format!("{lock}.previous")).exists());
    opened.store.close();
}

#[test]
fn a_start_that_fails_leaves_the_recordings_from_before() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("flight", "ORRERYFR 2"), ("flight.previous", "ORRERYFR 1")] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let before = listing(folder.path());
    let (code, said) = record(folder.path(), "mine.db", "flight");
    assert_eq!(code, Some(1), "the port is taken: {said}");
    assert!(listing(folder.path()) == before);
}

#[test]
fn a_backup_and_chain_heads_take_no_name_of_the_databases_files() {
    let database = Database::sqlite();
    served(&database).store.close();
    let folder = database.path().parent().unwrap().to_owned();
    let before = listing(&folder);
    for ending in OF_THE_DATABASE {
        let file = format!("./orrery.db{ending}");
        for arguments in [
            ["backup", "--database", "orrery.db", &file].as_slice(),
            &["audit", "--database", "orrery.db", "--save", &file],
        ] {
            let (code, said) = orrery(&folder, arguments);
            assert_eq!(code, Some(2), "{arguments:?}: {said}");
            assert!(said.contains("belongs to the database"), "{said}");
            let names = |listing: Vec<(String, Vec<u8>, u32)>| {
                let files = listing.into_iter().filter(|(name, ..)| {
                    // What a reader of the file may leave.
                    !name.ends_with("-wal") && !name.ends_with("-shm")
                });
                files.collect::<Vec<_>>()
            };
            assert!(names(listing(&folder)) == names(before.clone()), "{file}");
        }
    }
}

#[test]
fn a_file_that_is_no_database_of_ours_is_left_as_it_is() {
    let database = Database::sqlite();
    let beside = |name: &str| database.path().with_file_name(name);
    fs::write(
        beside("notes"),
        "precious notes, more than a header's length",
    )
    .unwrap();
    fs::write(beside("short"), "SQLite").unwrap();
    let others = rusqlite::Connection::open(beside("others")).unwrap();
    others.execute_batch("CREATE TABLE theirs (id)").unwrap();
    drop(others);
    for name in ["notes", "short", "others"] {
        fs::set_permissions(beside(name), Permissions::from_mode(0o644)).unwrap();
        let content = fs::read(beside(name)).unwrap();
        let link = beside(&format!("link-{name}"));
        symlink(beside(name), &link).unwrap();
        for path in [beside(name), link] {
            let mut config = database.config("here");
            path.to_str().unwrap().clone_into(&mut config.database);
            let refused = StoreUnderTest::open(&config).err();
            assert!(
                matches!(&refused, Some(StoreError::Unusable(why)) if why.contains("is no database")),
                "{name}: {refused:?}"
            );
            assert_eq!(mode(&beside(name)), 0o644, "{name}");
            assert_eq!(fs::read(beside(name)).unwrap(), content, "{name}");
            if name != "others" {
                assert!(!beside(&format!("{name}.lock")).exists(), "{name}");
            }
        }
    }
}

#[test]
fn a_lock_is_written_over_no_other_file() {
    let database = Database::sqlite();
    let [_, _, _, lock] = files(&database);
    fs::write(&lock, "precious").unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    let refused = StoreUnderTest::open(&database.config("here")).err();
    assert!(
        matches!(&refused, Some(StoreError::Unusable(why)) if why.contains("is no lock")),
        "{refused:?}"
    );
    assert_eq!(fs::read(&lock).unwrap(), b"precious");
    assert_eq!(mode(&lock), 0o644);
}
