//! Flights recorded and flown again: whole servers in memory, and a real one.

use crate::cluster;
use crate::support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use cluster::dice::Dice;
use cluster::play::{Mood, Play};
use cluster::server::Tape;
use cluster::{Cluster, Setup, sky};
use orrery::recorder::{Ending, ReplayReport, ReplayVerdict, Unusable, replay};
use orrery::universe::Universe;

/// Many players for half a minute, with cut lines and, in the middle, far too much work.
fn flight(seed: u64, ticks: u64) -> (Arc<Universe>, Vec<u8>) {
    let universe = sky::close_quarters();
    let mut setup = Setup::new(Arc::clone(&universe));
    setup.seed = seed;
    let tape = Tape::default();
    setup.tape = Some(tape.clone());
    let mut cluster = Cluster::new(setup);
    let mut play = Play::new(Mood {
        players: 8,
        dial: 80,
        cut: 3,
        stall: 2,
        restart: 0,
        disk_trouble: 0,
        disk_failure: 0,
        nap: 0,
        read_ticks: 4,
    });
    for tick in 0..ticks {
        if tick == ticks / 4 {
            cluster.overload(true);
        }
        play.tick(&mut cluster);
    }
    let stepped = cluster.world("sol-1").tick();
    assert!(
        stepped + 100 < ticks || ticks < 1_000,
        "time was slow for a while: {stepped}"
    );
    cluster.disk_pace = cluster::server::DiskPace::Prompt;
    cluster.node.drain(orrery::ids::UnixMillis(1));
    cluster.node.end_recording();
    (universe, tape.bytes())
}

fn replayed(universe: &Arc<Universe>, bytes: &[u8]) -> Result<ReplayReport, Unusable> {
    replay(bytes, |_| Ok(Arc::clone(universe)))
}

#[test]
fn a_flight_replays_equal_under_any_number_of_workers() {
    // Of several flights, so that they hold enough of everything whatever a single one comes to.
    let flights = [1, 2, 3].map(|seed| flight(seed, 1_200));
    for workers in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers);
        let pool = pool.build().expect("a pool");
        let (mut ticks, mut commands, mut pilots, mut elsewhere) = (0, 0, 0, 0);
        for (universe, bytes) in &flights {
            let report = pool
                .install(|| replayed(universe, bytes))
                .expect("a recording");
            assert_eq!(report.verdict, ReplayVerdict::Equal, "{workers} workers");
            assert_eq!(report.ending, Ending::Whole);
            let (sol, others) = report.systems.split_first().expect("sol-1");
            ticks += sol.ticks;
            commands += sol.commands;
            pilots += sol.pilots;
            elsewhere += others.iter().map(|other| other.pilots).sum::<u64>();
        }
        assert!(
            ticks > 900 && commands > 450 && pilots > 8 && elsewhere > 3,
            "{ticks} ticks, {commands} commands, {pilots} pilots, {elsewhere} elsewhere"
        );
    }
}

/// Where the frames of acts begin, with the length, system and tick of each.
fn frames(bytes: &[u8]) -> Vec<(usize, usize, u16, u32)> {
    let mut found = Vec::new();
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 20) {
        let word = |from: usize| u32::from_le_bytes(head[from..from + 4].try_into().expect("four"));
        let kind = u16::from_le_bytes([head[4], head[5]]);
        let length = word(0) as usize;
        if kind == 1 {
            found.push((at, length, u16::from_le_bytes([head[6], head[7]]), word(8)));
        }
        at += 20 + length;
    }
    found
}

/// Writes the checksums of a frame anew.
fn sign(bytes: &mut [u8], at: usize, length: usize) {
    let payload = crc32fast::hash(&bytes[at + 20..at + 20 + length]);
    bytes[at + 12..at + 16].copy_from_slice(&payload.to_le_bytes());
    let head = crc32fast::hash(&bytes[at..at + 16]);
    bytes[at + 16..at + 20].copy_from_slice(&head.to_le_bytes());
}

#[test]
fn a_changed_command_is_found_at_its_tick_whoever_mends_the_checksums() {
    let (universe, good) = flight(6, 400);
    let frames = frames(&good);
    // Steps with one command that steers: call, count, kind, handle and number, thrust, rudder, two
    // flags, call, hash.
    let mut steers = frames
        .iter()
        .skip(frames.len() / 4)
        .filter(|&&(at, length, ..)| {
            let payload = &good[at + 20..at + 20 + length];
            payload[..3] == [4, 1, 0] && length > 20 && payload[length - 15..length - 11] != [0; 4]
        });
    // In a dock and in a wreck a rudder moves nothing: the first that moves a ship will do.
    let is_found = steers.any(|&(at, length, system, tick)| {
        let id = universe.systems[usize::from(system)].id.clone();
        // The exponent of the rudder: 11 bytes stand behind it.
        let byte = at + 20 + length - 12;
        let mut bytes = good.clone();
        bytes[byte] ^= 1;
        let report = replayed(&universe, &bytes).expect("it begins well");
        let place = Some((id.clone(), tick));
        assert_eq!(report.verdict, ReplayVerdict::Damaged { place });
        sign(&mut bytes, at, length);
        let report = replayed(&universe, &bytes).expect("it begins well");
        let differs = ReplayVerdict::Differs {
            system: id,
            tick: u64::from(tick),
        };
        assert!(
            report.verdict == ReplayVerdict::Equal || report.verdict == differs,
            "{:?} instead of {differs:?}",
            report.verdict
        );
        report.verdict == differs
    });
    assert!(is_found, "somebody steers");
}

#[test]
fn a_cut_off_recording_is_good_up_to_there_and_other_files_are_none() {
    let (universe, good) = flight(7, 200);
    let frames = frames(&good);
    let (at, length, ..) = frames[frames.len() / 2];
    for bytes_left in [0, 1, 19, 20, 20 + length - 1] {
        let report = replayed(&universe, &good[..at + bytes_left]).expect("it begins well");
        assert_eq!(report.verdict, ReplayVerdict::Equal);
        let bytes = bytes_left as u64;
        assert_eq!(report.ending, Ending::CutOff { bytes });
    }
    let unusable = |bytes: &[u8]| replayed(&universe, bytes).expect_err("unusable");
    assert!(matches!(unusable(b""), Unusable::NotARecording));
    assert!(matches!(
        unusable(b"{\"a\": \"JSON file\"}"),
        Unusable::NotARecording
    ));
    assert!(matches!(unusable(&good[..10]), Unusable::CutOff));
    // The opening is the first frame, and the acts follow it.
    let opening = &good[..frames[0].0];
    assert!(matches!(
        unusable(&opening[..opening.len() - 1]),
        Unusable::CutOff
    ));
    for version in [good[8] - 1, good[8] + 1] {
        let mut other = good.clone();
        other[8] = version;
        let told = unusable(&other).to_string();
        let (file, program) = (version, good[8]);
        assert_eq!(
            told,
            format!(
                "this recording has version {file} of the format, and this program reads version {program}"
            )
        );
    }
    let mut damaged = good;
    damaged[40] ^= 4;
    assert!(matches!(unusable(&damaged), Unusable::Damaged));
}

/// What the program says about a file: its exit code, its table and its complaint.
fn orrery(arguments: &[&str], file: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orrery"));
    let command = command.env_clear().args(arguments).arg(file);
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("words");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Records a real server while bots fly, and looks at the file while it is written.
fn record_a_swarm(folder: &Path, file: &Path) {
    let (record, secret) = (file.display().to_string(), folder.join("secret"));
    std::fs::write(&secret, support::server::SECRET).expect("a file");
    let mut server = support::Server::start(support::Setup {
        flags: &["--record", &record],
        ..support::Setup::default()
    });
    let url = format!("ws://{}/ws", server.listen);
    let swarm = ["swarm", "--clients", "12", "--duration", "3s", "--url"];
    let swarm: Vec<&str> = swarm
        .into_iter()
        .chain([url.as_str(), "--jwt-secret-file"])
        .collect();
    let (code, _, told) = orrery(&swarm, &secret);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(server.metric("orrery_recording"), 1.0);
    assert!(server.metric("orrery_recorded_bytes_total") > 10_000.0);

    let (code, table, _) = orrery(&["replay"], file);
    assert_eq!(code, Some(0), "it is good up to here: {table}");
    assert!(
        table.contains("still writes") || table.contains("cut off"),
        "{table}"
    );
    server.terminate();
    let ended = server.exit(support::PATIENCE);
    assert!(ended.is_some_and(|status| status.success()));
}

#[test]
fn a_real_server_records_a_swarm_and_the_program_replays_it() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("flight");
    std::fs::write(&file, "ORRERYFR from before").expect("a file");
    record_a_swarm(folder.path(), &file);

    let (code, table, told) = orrery(&["replay"], &file);
    assert_eq!(code, Some(0), "{table}{told}");
    assert!(
        table.contains("sol-1") && table.contains("equal: every recorded tick"),
        "{table}"
    );
    assert!(
        !table.contains("has no end") && !table.contains("cut off"),
        "{table}"
    );

    let mut bytes = std::fs::read(&file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).expect("a file");
    let (code, _, told) = orrery(&["replay"], &file);
    assert!(code == Some(1) && told.contains("damaged"), "{told}");

    let previous = folder.path().join("flight.previous");
    let (code, _, told) = orrery(&["replay"], &previous);
    assert_eq!(
        code,
        Some(2),
        "the file from before was kept, and is of no version"
    );
    assert!(told.contains("version"), "{told}");
    let (code, ..) = orrery(&["replay"], Path::new("/nowhere/at-all"));
    assert_eq!(code, Some(2));
}

#[path = "../../fuzz/properties/recording.rs"]
mod property;

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/recording");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        property::check(&bytes);
        for cut in 0..bytes.len() {
            property::check(&bytes[..cut]);
        }
        count += 1;
    }
    assert!(count >= 8);
}

#[test]
fn any_change_to_a_recording_ends_in_an_answer() {
    let (universe, good) = flight(8, 120);
    let frames = frames(&good);
    let mut dice = Dice::new(8);
    let mut found = 0;
    for _ in 0..150 {
        let (at, length, ..) = *dice.pick(&frames).expect("frames");
        let mut bytes = good.clone();
        for _ in 0..=dice.below(3) {
            let byte = at + 20 + dice.below(length as u64) as usize;
            bytes[byte] = dice.below(256) as u8;
        }
        sign(&mut bytes, at, length);
        let report = replayed(&universe, &bytes);
        found += u64::from(!matches!(
            report,
            Ok(ReplayReport {
                verdict: ReplayVerdict::Equal,
                ..
            })
        ));
    }
    assert!(found > 100, "few changes make no difference: {found}");
}
