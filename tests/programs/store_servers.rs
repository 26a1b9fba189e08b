//! The program itself over its database: what it says and how it exits when another server has the
//! systems, when the disk is full or cannot be written, and what audits and backups beside it find.

use crate::store_harness;
use crate::support;

mod mount;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use mount::Mount;
use orrery::protocol::{ErrorCode, Reply, Request};
use store_harness::{Database, first_batch, player};
use support::{Client, PATIENCE, Server, Setup, order, worlds};

fn orrery(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    command.env_clear().current_dir(folder).args(arguments);
    command.output().unwrap()
}

/// Runs `audit`; its exit code and what it printed.
pub(super) fn audit(url: &str) -> (Option<i32>, String) {
    let output = orrery(&["audit", "--database", url], Path::new("/"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Starts a server that must not come up; its exit code and what it said.
pub(super) fn refused(url: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.toml"), worlds::PORT).unwrap();
    std::fs::write(
        folder.path().join("secret"),
        "thirty-two bytes of no use elsewhere",
    )
    .unwrap();
    let fixed = ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    let named = ["--world", "world.toml", "--jwt-secret-file", "secret"];
    let arguments = [&fixed[..], &named[..], &["--database", url]].concat();
    let output = orrery(&arguments, folder.path());
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The n-th order of a trader: the same goods bought and sold by turns.
pub(super) fn order_request(n: usize, id: &str) -> Request<'static> {
    let trade = order("alpha", "water", 1, Some(id));
    if n.is_multiple_of(2) {
        Request::Buy(trade)
    } else {
        Request::Sell(trade)
    }
}

/// Trades until the server fails; what was told, and what the last order was answered, if it was.
fn trade_until_it_fails(server: &Server) -> (Vec<Reply>, Option<ErrorCode>) {
    let mut client = Client::pilot(server, "trader");
    client.dock();
    let mut told = Vec::new();
    for n in 0..20_000 {
        match client.ask_or_end(order_request(n, &format!("r{n}"))) {
            Ok(Reply::Error(error)) => return (told, Some(error.code)),
            Ok(reply) => told.push(reply),
            Err(_) => return (told, None),
        }
    }
    panic!("the disk never failed");
}

/// A server whose disk has failed: it ended with a sentence, what it told is there, what it did not
/// tell happens once when it is asked for again, and the books add up.
fn assert_honest(mut server: Server, told: &[Reply], last: Option<ErrorCode>, database: &Path) {
    let status = server.exit(PATIENCE).expect("it ends");
    assert_eq!(status.code(), Some(1), "{}", server.log());
    let log = server.log();
    assert!(
        log.contains("the store failed: the database failed while"),
        "{log}"
    );
    assert!(
        log.contains("nobody was told of anything that is not on disk"),
        "{log}"
    );
    assert!(told.len() > 5, "{} trades were told", told.len());
    assert_eq!(last, Some(ErrorCode::Internal), "whoever waits hears of it");
    let url = database.to_str().unwrap();
    let (code, report) = audit(url);
    assert_eq!(code, Some(0), "{report}");
    let server = Server::start(Setup {
        database: Some(url),
        ..Setup::world(worlds::PORT)
    });
    let mut client = Client::pilot(&server, "trader");
    for (n, reply) in told.iter().enumerate() {
        assert_eq!(
            client.ask(order_request(n, &format!("r{n}"))),
            *reply,
            "told: r{n}"
        );
    }
    let n = told.len();
    let untold = client.ask(order_request(n, &format!("r{n}")));
    assert!(matches!(untold, Reply::TradeResult(_)), "{untold:?}");
    assert_eq!(client.ask(order_request(n, &format!("r{n}"))), untold);
    let held = u32::from(n.is_multiple_of(2));
    client.until("the hold", |client, _| client.sky.held("water") == held);
    drop(client);
    drop(server);
    let (code, report) = audit(url);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
#[cfg_attr(
    not(with_root),
    ignore = "needs root, to mount a disk: ORRERY_TEST_WITH=root"
)]
fn a_full_disk_ends_the_server_and_nobody_is_told_of_what_is_not_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let mount = Mount::of("512k", &small);
    let file = small.join("a.db");
    let server = Server::start(Setup {
        database: file.to_str(),
        ..Setup::world(worlds::PORT)
    });
    let (told, last) = trade_until_it_fails(&server);
    server.wait_until("it has ended", |server| server.log().contains("draining"));
    // Where there is room, as an operator would move it. The server may still hold its files open.
    let roomy = folder.path().join("roomy");
    std::fs::create_dir(&roomy).unwrap();
    let mut server = server;
    server.exit(PATIENCE);
    for name in ["a.db", "a.db-wal"] {
        if small.join(name).exists() {
            std::fs::copy(small.join(name), roomy.join(name)).unwrap();
        }
    }
    drop(mount);
    assert_honest(server, &told, last, &roomy.join("a.db"));
}

#[test]
fn a_write_error_ends_the_server_and_nobody_is_told_of_what_was_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let server = Server::start(Setup {
        database: file.to_str(),
        file_blocks_max: Some(1_100),
        ..Setup::world(worlds::PORT)
    });
    let (told, last) = trade_until_it_fails(&server);
    assert_honest(server, &told, last, &file);
}

#[test]
#[cfg_attr(
    not(with_root),
    ignore = "needs root, to mount a disk: ORRERY_TEST_WITH=root"
)]
fn a_read_only_disk_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mount = Mount::of("1m", folder.path());
    let file = folder.path().join("a.db");
    mount.make_read_only();
    let (code, said) = refused(file.to_str().unwrap());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains(file.to_str().unwrap()), "{said}");
}

fn exit_codes_tell_the_clean_from_the_cooked_from_the_unusable(database: &Database) {
    let mut opened = database.open();
    opened.keep(first_batch(&player("p_1"), 100));
    opened.store.close();
    let url = database.url.as_str();
    let (code, report) = audit(url);
    assert_eq!(code, Some(0), "{report}");
    assert!(report.lines().count() < 12, "a short table: {report}");
    database.tamper("UPDATE balances SET balance = balance + 1 WHERE asset = 'food'");
    let (code, report) = audit(url);
    assert_eq!(code, Some(1), "{report}");
    assert!(
        report.contains("differs: station:sol-1/earth-orbit-station: 101 of food"),
        "{report}"
    );
    database.tamper("UPDATE orrery_schema SET version = 99");
    for (code, said) in [audit(url), refused(url)] {
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("schema version 99, this program knows versions up to"),
            "{said}"
        );
    }
}

#[test]
fn exit_codes_on_sqlite() {
    exit_codes_tell_the_clean_from_the_cooked_from_the_unusable(&Database::sqlite());
    let (code, said) = audit("/nonexistent/orrery.db");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
#[cfg_attr(
    not(with_postgres),
    ignore = "needs PostgreSQL: ORRERY_TEST_WITH=postgres"
)]
fn exit_codes_on_postgres() {
    let database = Database::postgres();
    exit_codes_tell_the_clean_from_the_cooked_from_the_unusable(&database);
}

#[test]
fn heads_that_an_audit_saved_prove_the_rows_of_then_and_catch_another_history() {
    let database = Database::sqlite();
    let mut opened = database.open();
    opened.keep(first_batch(&player("p_1"), 100));
    opened.store.close();
    let folder = tempfile::tempdir().unwrap();
    let url = database.url.as_str();
    let run = |flags: &[&str]| {
        let arguments = [&["audit", "--database", url], flags].concat();
        let output = orrery(&arguments, folder.path());
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let saved = || std::fs::read_to_string(folder.path().join("heads")).unwrap();
    let (code, said) = run(&["--save", "heads"]);
    assert_eq!(code, Some(0), "{said}");
    let head = saved().lines().last().unwrap().to_owned();
    assert!(said.contains(&format!("chain head: {head}")), "{said}");
    let (code, said) = run(&["--save", "heads"]);
    assert_eq!(code, Some(2), "never over other heads: {said}");
    let (code, said) = run(&["--since", "heads", "--save", "heads"]);
    assert_eq!(code, Some(0), "proven, and saved anew: {said}");
    assert!(said.contains("earlier heads kept"), "{said}");

    // Another history, as good in itself as the first.
    let other = Database::sqlite();
    let mut opened = other.open();
    opened.keep(first_batch(&player("p_2"), 100));
    opened.store.close();
    std::fs::copy(other.path(), database.path()).unwrap();
    assert_eq!(
        run(&[]).0,
        Some(0),
        "a keyless chain proves consistency only"
    );
    let before = saved();
    let (code, said) = run(&["--since", "heads", "--save", "heads"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("differs: sol-1 row 2: its hash was"),
        "{said}"
    );
    assert!(said.contains("no heads were saved"), "{said}");
    assert_eq!(saved(), before);

    for (content, why) in [
        ("", "does not begin with"),
        ("orrery-chain-heads 1\n", "there are none"),
    ] {
        std::fs::write(folder.path().join("bad"), content).unwrap();
        let (code, said) = run(&["--since", "bad"]);
        assert_eq!(code, Some(2));
        assert!(said.contains(why), "{said}");
    }
    std::os::unix::fs::symlink("heads", folder.path().join("link")).unwrap();
    let (code, said) = run(&["--save", "link"]);
    assert!(code == Some(2) && said.contains("is a link to"), "{said}");
}

#[test]
fn a_record_that_contradicts_the_ledger_ends_one_session_and_not_the_server() {
    let server = Server::start(Setup::world(worlds::PORT));
    let mut clients = ["bad", "good"].map(|who| {
        let mut client = Client::pilot(&server, who);
        client.dock();
        let reply = client.ask(order_request(0, "r0"));
        assert!(matches!(reply, Reply::TradeResult(_)), "{reply:?}");
        client
    });
    let cook = |by: &str| {
        let connection = rusqlite::Connection::open(server.database()).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        let sql = format!(
            "UPDATE balances SET balance = balance {by} WHERE account = 'pilot:bad' AND asset = '$'"
        );
        connection.execute_batch(&sql).unwrap();
    };
    cook("+ 1");
    assert_eq!(clients[0].ending().code, 1013);
    let reply = clients[1].ask(order_request(1, "r1"));
    assert!(matches!(reply, Reply::TradeResult(_)), "{reply:?}");
    assert_eq!(server.metric("orrery_players_quarantined_total"), 1.0);
    let log = server.log();
    assert!(log.contains("bad is in quarantine until"), "{log}");
    let mut again = Client::open(&server);
    let code = match again.login(&Server::token("bad")) {
        Reply::Error(error) => error.code,
        Reply::AuthError(error) => error.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code, ErrorCode::Internal);
    cook("- 1");
    let database = server.database();
    server.terminate();
    let mut server = server;
    assert_eq!(server.exit(PATIENCE).and_then(|it| it.code()), Some(0));
    let (code, report) = audit(database.to_str().unwrap());
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn a_backup_beside_a_trading_server_is_whole() {
    let server = Server::start(Setup::world(worlds::PORT));
    let folder = tempfile::tempdir().unwrap();
    let database = server.database();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = Client::pilot(&server, "trader");
            client.dock();
            for n in 0.. {
                let reply = client.ask(order_request(n, &format!("r{n}")));
                assert!(matches!(reply, Reply::TradeResult(_)), "{reply:?}");
                if is_done.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        let mut outcomes = Vec::new();
        while outcomes.len() < 3 {
            let copy = folder.path().join(format!("copy-{}.db", outcomes.len()));
            let (from, to) = (database.to_str().unwrap(), copy.to_str().unwrap());
            let output = orrery(&["backup", "--database", from, to], folder.path());
            assert!(output.status.success(), "{output:?}");
            let (code, report) = audit(to);
            assert_eq!(code, Some(0), "{report}");
            let again = orrery(&["backup", "--database", from, to], folder.path());
            assert_eq!(again.status.code(), Some(2), "never over another file");
            outcomes.push(report);
        }
        is_done.store(true, Ordering::Release);
    });
}
