//! A world that notes every call that changes it.
//!
//! Owns the world: whoever holds a [`RecordedWorld`] can read it at will, and change it only through
//! the calls here, so nothing is left out of a recording. Without a recording the notes cost a branch
//! a call.

use std::borrow::Cow;
use std::ops::Deref;

use super::code::{self, RecordedCall};
use crate::ids::Handle;
use crate::limits::COMMANDS_PER_TICK_MAX;
use crate::sim::{AdmitError, Command, PhaseTimer, Pilot, Posting, RemovalReason, World};

/// A world and what happened to it since its notes were last taken.
#[derive(Debug)]
pub struct RecordedWorld {
    world: World,
    /// None while nothing is recorded.
    notes: Option<Vec<u8>>,
}

impl Deref for RecordedWorld {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl RecordedWorld {
    /// A world that nobody records yet.
    pub fn new(world: World) -> Self {
        Self { world, notes: None }
    }

    /// Notes every call from now on.
    pub(super) fn begin(&mut self) {
        self.notes = Some(Vec::new());
    }

    /// Notes nothing any more.
    pub fn stop_recording(&mut self) {
        self.notes = None;
    }

    /// What has been noted; whoever writes it down empties it.
    pub(super) fn notes(&mut self) -> Option<&mut Vec<u8>> {
        self.notes.as_mut()
    }

    /// Records the call and makes it: see [`World::admit`].
    ///
    /// # Errors
    /// As there; the attempt is noted all the same.
    pub fn admit(&mut self, pilot: &Pilot) -> Result<Handle, AdmitError> {
        if let Some(notes) = &mut self.notes {
            code::write(notes, &RecordedCall::Admit(Cow::Borrowed(pilot)));
        }
        self.world.admit(pilot)
    }

    /// Records the call and makes it: see [`World::attach`].
    pub fn attach(&mut self, ship: Handle) {
        if let Some(notes) = &mut self.notes {
            code::write(notes, &RecordedCall::Attach(ship));
        }
        self.world.attach(ship);
    }

    /// Records the call and makes it: see [`World::detach`].
    pub fn detach(&mut self, ship: Handle) {
        if let Some(notes) = &mut self.notes {
            code::write(notes, &RecordedCall::Detach(ship));
        }
        self.world.detach(ship);
    }

    /// Records the call and makes it: see [`World::dismiss`].
    pub fn dismiss(&mut self, ship: Handle, gone: RemovalReason) -> Option<Pilot> {
        if let Some(notes) = &mut self.notes {
            code::write(notes, &RecordedCall::Dismiss(ship, gone));
        }
        self.world.dismiss(ship, gone)
    }

    /// As [`World::step`]; while recording, with a hash of the state afterwards.
    pub fn step(&mut self, commands: &mut Vec<Command>) {
        self.step_timed(commands, &mut ());
    }

    /// As [`Self::step`], measured by a timer.
    pub fn step_timed(&mut self, commands: &mut Vec<Command>, timer: &mut dyn PhaseTimer) {
        if let Some(notes) = &mut self.notes {
            let taken = commands.len().min(COMMANDS_PER_TICK_MAX);
            code::write(
                notes,
                &RecordedCall::Step(Cow::Borrowed(&commands[..taken])),
            );
        }
        self.world.step_timed(commands, timer);
        if let Some(notes) = &mut self.notes {
            code::write(notes, &RecordedCall::StateHash(self.world.state_hash()));
        }
    }

    /// As [`World::carry_over`], which is about who is shown what and is no part of a recording.
    pub fn carry_over(&mut self) {
        self.world.carry_over();
    }

    /// As [`World::take_pending_postings`], which is about who books what and likewise none.
    pub fn take_pending_postings(&mut self) -> Vec<Posting> {
        self.world.take_pending_postings()
    }
}
