//! The recorder: the tick's side puts a tick's frames together, a thread of its own writes them.
//!
//! Owns the queue between the two, bounded in bytes and in batches. The tick never waits for it: a
//! full queue, a failing disk and a recording that has grown to its bound each end the recording with
//! a reason, and the file stays good up to its last whole frame. Buffers come back and are reused.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::code;
use super::frame::{self, FrameHead, Kind, MAGIC, VERSION};
use super::opening::Opening;
use super::recorded_world::RecordedWorld;
use crate::limits::{
    RECORDING_BATCHES_MAX, RECORDING_BYTES_MAX, RECORDING_FRAME_BYTES_MAX,
    RECORDING_WAITING_BYTES_MAX,
};

/// What both sides see.
#[derive(Debug, Default)]
struct Shared {
    waiting_bytes: AtomicUsize,
    failure: Mutex<Option<String>>,
}

impl Shared {
    fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Records worlds to a file, or to whatever else can be written to.
#[derive(Debug)]
pub struct Recorder {
    universe: String,
    queue: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
    ended: Receiver<()>,
    shared: Arc<Shared>,
    batch: Vec<u8>,
    queued_bytes: u64,
    failure: Option<String>,
}

impl Recorder {
    /// Writes the beginning, by which the file is a recording from here on, and starts the thread that
    /// writes the rest. `universe` is the text of the universe's file.
    ///
    /// # Errors
    /// The sink does not take the beginning, or the system gives no thread.
    pub fn start(mut sink: Box<dyn Write + Send>, universe: String) -> std::io::Result<Self> {
        sink.write_all(MAGIC)?;
        sink.write_all(&VERSION.to_le_bytes())?;
        sink.flush()?;
        let (queue, batches) = sync_channel(RECORDING_BATCHES_MAX);
        let (give_back, emptied) = sync_channel(RECORDING_BATCHES_MAX);
        let (end, ended) = sync_channel(1);
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        let body = move || {
            write_all(sink, &batches, &give_back, &theirs);
            // Whoever waits for this may have gone.
            let _ = end.send(());
        };
        std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(body)?;
        Ok(Self {
            universe,
            queue,
            emptied,
            ended,
            shared,
            batch: Vec::new(),
            queued_bytes: 0,
            failure: None,
        })
    }

    /// Begins with these worlds, which have not stepped yet.
    pub fn open(&mut self, worlds: &mut [RecordedWorld]) {
        let mut payload = Vec::new();
        let universe = std::mem::take(&mut self.universe);
        let opening = Opening::of(&universe, worlds.iter().map(|world| &**world));
        code::write(&mut payload, &opening);
        self.frame(Kind::Opening, 0, 0, &payload);
        for world in worlds {
            world.begin();
        }
        self.hand_over();
    }

    fn frame(&mut self, kind: Kind, system: u16, tick: u32, payload: &[u8]) {
        if payload.len() > RECORDING_FRAME_BYTES_MAX {
            self.failure
                .get_or_insert_with(|| "a single tick of it is too large".to_owned());
            return;
        }
        frame::write(&mut self.batch, FrameHead { kind, system, tick }, payload);
    }

    /// Takes what a world has noted; to be handed over with the tick's other worlds.
    pub fn take(&mut self, world: &mut RecordedWorld) {
        let (system, tick) = (world.system_index().0, world.tick() as u32);
        if let Some(notes) = world.notes()
            && !notes.is_empty()
        {
            self.frame(Kind::Acts, system, tick, notes);
            notes.clear();
        }
    }

    /// Hands the tick's frames to the thread, without waiting. Returns how many bytes.
    pub fn hand_over(&mut self) -> usize {
        if self.failure.is_some() {
            return 0;
        }
        let bytes = self.batch.len();
        if self.queued_bytes + bytes as u64 > RECORDING_BYTES_MAX {
            self.batch.clear();
            self.say_end();
            self.failure = Some(format!(
                "it has grown to {} MiB, which is all it may",
                RECORDING_BYTES_MAX >> 20
            ));
            return 0;
        }
        if bytes == 0 || !self.send() {
            return 0;
        }
        self.queued_bytes += bytes as u64;
        bytes
    }

    fn send(&mut self) -> bool {
        let bytes = self.batch.len();
        let waiting = self.shared.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        let spare = self.emptied.try_recv().unwrap_or_default();
        let batch = std::mem::replace(&mut self.batch, spare);
        let slow = || {
            let failure = self.shared.failure();
            failure.unwrap_or_else(|| "the disk does not keep up".to_owned())
        };
        self.failure = if waiting + bytes > RECORDING_WAITING_BYTES_MAX {
            Some(slow())
        } else {
            match self.queue.try_send(batch) {
                Ok(()) => None,
                Err(TrySendError::Full(_)) => Some(slow()),
                Err(TrySendError::Disconnected(_)) => Some(
                    self.shared
                        .failure()
                        .unwrap_or_else(|| "its thread ended".to_owned()),
                ),
            }
        };
        self.failure.is_none()
    }

    fn say_end(&mut self) {
        frame::write(
            &mut self.batch,
            FrameHead {
                kind: Kind::End,
                system: 0,
                tick: 0,
            },
            &[],
        );
        self.send();
    }

    /// Why nothing is recorded any more.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Ends the recording in good order, and waits until all of it is written, or for so long.
    ///
    /// # Errors
    /// Why the file may lack its end.
    pub fn end(mut self, wait: Duration) -> Result<(), String> {
        self.hand_over();
        if self.failure.is_none() {
            self.say_end();
        }
        if let Some(why) = self.failure {
            return Err(why);
        }
        drop(self.queue);
        match self.ended.recv_timeout(wait) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                self.shared.failure().map_or(Ok(()), Err)
            }
            Err(RecvTimeoutError::Timeout) => Err("the disk does not keep up".to_owned()),
        }
    }
}

/// The thread: writes batches until there is nobody left to send any, or the sink fails.
fn write_all(
    mut sink: Box<dyn Write + Send>,
    batches: &Receiver<Vec<u8>>,
    give_back: &SyncSender<Vec<u8>>,
    shared: &Shared,
) {
    for mut batch in batches {
        let written = sink.write_all(&batch).and_then(|()| sink.flush());
        if let Err(error) = written {
            *shared
                .failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            return;
        }
        shared
            .waiting_bytes
            .fetch_sub(batch.len(), Ordering::AcqRel);
        batch.clear();
        // With buffers enough, this one is let go.
        let _ = give_back.try_send(batch);
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::ids::SystemIndex;
    use crate::sim::World;
    use crate::universe::{BUILT_IN, Universe};

    fn world() -> RecordedWorld {
        RecordedWorld::new(World::new(Universe::built_in(), SystemIndex(0), 1, None))
    }

    /// Takes so many bytes, then fails.
    struct SmallDisk(usize);

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or_else(|| io::Error::new(io::ErrorKind::StorageFull, "no room is left"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Never comes back from a write behind the beginning.
    struct StuckDisk(Receiver<()>);

    impl Write for StuckDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > MAGIC.len() {
                let _ = self.0.recv();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// `is_prompt` waits for each batch to be written.
    fn record_until_failure(recorder: &mut Recorder, is_prompt: bool) {
        let mut worlds = [world()];
        recorder.open(&mut worlds);
        for _ in 0..RECORDING_BATCHES_MAX * 100 {
            worlds[0].step(&mut Vec::new());
            recorder.take(&mut worlds[0]);
            recorder.hand_over();
            while is_prompt && recorder.shared.waiting_bytes.load(Ordering::Acquire) > 0 {
                if recorder.shared.failure().is_some() {
                    break;
                }
                std::thread::yield_now();
            }
            if recorder.failure().is_some() {
                return;
            }
        }
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_says_so() {
        let disk = Box::new(SmallDisk(BUILT_IN.len() + 20_000));
        let mut recorder = Recorder::start(disk, BUILT_IN.to_owned()).expect("a thread");
        record_until_failure(&mut recorder, true);
        assert_eq!(recorder.failure(), Some("no room is left"));
        assert!(recorder.end(Duration::from_secs(9)).is_err());
    }

    #[test]
    fn a_disk_that_hangs_ends_the_recording_and_holds_nobody_up() {
        let (release, stuck) = sync_channel(0);
        let disk = Box::new(StuckDisk(stuck));
        let mut recorder = Recorder::start(disk, BUILT_IN.to_owned()).expect("a thread");
        record_until_failure(&mut recorder, false);
        assert_eq!(recorder.failure(), Some("the disk does not keep up"));
        drop(release);
    }
}
