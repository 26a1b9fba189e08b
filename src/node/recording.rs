//! The flight recording: what each tick did to the worlds goes to the recorder at its end.
//!
//! A recording that cannot go on ends; the game does not.

use std::time::Duration;

use tracing::{info, warn};

use super::Node;
use crate::limits::RECORDING_END_MS_MAX;

impl Node {
    /// Hands over what was noted since the last time.
    pub(super) fn record(&mut self) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        for instance in self.systems.iter_mut() {
            recorder.take(&mut instance.world);
        }
        let bytes = recorder.hand_over();
        self.metrics.recorded_bytes.inc_by(bytes as u64);
        if let Some(why) = recorder.failure() {
            warn!("the flight recording ends here, the game goes on: {why}");
            self.stop_recording();
        }
    }

    fn stop_recording(&mut self) {
        self.recorder = None;
        self.metrics.recording.set(0);
        for instance in self.systems.iter_mut() {
            instance.world.stop_recording();
        }
    }

    /// Ends the recording in good order, for a server that goes down. Waits for the disk, but not
    /// for long.
    pub fn end_recording(&mut self) {
        self.record();
        let Some(recorder) = self.recorder.take() else {
            return;
        };
        match recorder.end(Duration::from_millis(RECORDING_END_MS_MAX)) {
            Ok(()) => info!("the flight recording is complete"),
            Err(why) => warn!("the flight recording lacks its end: {why}"),
        }
        self.stop_recording();
    }
}
