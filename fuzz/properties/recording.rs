//! What must hold for any bytes that are replayed: an answer, never a panic, and a world that stays whole.
//!
//! Checksums keep nearly all bytes out, so the bytes are also taken as the calls of a frame whose
//! checksums are good, behind the beginning of a real recording.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use orrery::ids::SystemIndex;
use orrery::recorder::{Ending, RecordedWorld, Recorder, ReplayVerdict, replay};
use orrery::sim::World;
use orrery::universe::{Population, Universe};

/// A file in memory.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A system without ships of its own.
fn universe() -> Arc<Universe> {
    static UNIVERSE: OnceLock<Arc<Universe>> = OnceLock::new();
    let quiet = || {
        let mut universe = Universe::clone(&Universe::built_in());
        universe.systems.truncate(1);
        universe.systems[0].population = Population::default();
        Arc::new(universe)
    };
    Arc::clone(UNIVERSE.get_or_init(quiet))
}

/// A recording that has begun and holds nothing yet.
fn beginning() -> &'static [u8] {
    static BEGINNING: OnceLock<Vec<u8>> = OnceLock::new();
    BEGINNING.get_or_init(|| {
        let tape = Tape::default();
        let mut recorder = Recorder::start(Box::new(tape.clone()), String::new()).unwrap();
        let world = World::new(universe(), SystemIndex(0), 1, None);
        recorder.open(&mut [RecordedWorld::new(world)]);
        recorder.end(Duration::from_mins(1)).unwrap();
        let mut bytes = tape.0.lock().unwrap().clone();
        // Without the end, which is a frame of its own.
        bytes.truncate(bytes.len() - 20);
        bytes
    })
}

/// The bytes as a frame of calls.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    // Calls, of the first system, up to tick 0.
    frame.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    let checksum = crc32fast::hash(&frame);
    frame.extend_from_slice(&checksum.to_le_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Panics if the property does not hold for these bytes.
pub(crate) fn check(bytes: &[u8]) {
    let load = |_: &str| Ok(universe());
    let _ = replay(bytes, load);
    let mut file = beginning().to_vec();
    file.extend(frame(bytes));
    if let Ok(report) = replay(&file[..], load) {
        assert_eq!(report.systems.len(), 1);
        match report.verdict {
            ReplayVerdict::Equal => assert_eq!(report.ending, Ending::CutOff { bytes: 0 }),
            ReplayVerdict::Differs { tick, .. } => assert!(tick > 0, "it began well"),
            ReplayVerdict::Damaged { .. } => panic!("the checksums are good"),
        }
    }
}
