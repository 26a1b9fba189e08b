//! Alarms: who lately attacked whom patrols protect.
//!
//! Owns a short list of offenders. An alarm is renewed by another offence and forgotten after a
//! while; when the list is full the oldest makes room.

use super::super::entities::Entities;
use crate::ids::Handle;
use crate::limits::NPC_ALARMS_MAX;

/// Ticks of simulated time that an alarm lasts: 30 s.
const ALARM_TICKS: u64 = 900;

#[derive(Clone, Copy, Debug)]
struct Alarm {
    offender: Handle,
    /// The tick in which it is forgotten.
    until: u64,
}

/// Offenders at large, at most [`NPC_ALARMS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Alarms {
    list: Vec<Alarm>,
}

impl Alarms {
    /// Notes an offence at this time. Work: the list.
    pub(super) fn raise(&mut self, offender: Handle, tick: u64) {
        let until = tick + ALARM_TICKS;
        if let Some(known) = self
            .list
            .iter_mut()
            .find(|alarm| alarm.offender == offender)
        {
            known.until = until;
            return;
        }
        if self.list.len() >= NPC_ALARMS_MAX {
            self.list.remove(0);
        }
        self.list.push(Alarm { offender, until });
    }

    /// Forgets what is long past.
    pub(super) fn expire(&mut self, tick: u64) {
        self.list.retain(|alarm| alarm.until > tick);
    }

    /// Whether this ship is wanted.
    pub(super) fn accuses(&self, ship: Handle) -> bool {
        self.list.iter().any(|alarm| alarm.offender == ship)
    }

    /// Rows of the offenders that are in space.
    pub(super) fn rows<'a>(&'a self, entities: &'a Entities) -> impl Iterator<Item = usize> + 'a {
        self.list
            .iter()
            .filter_map(|alarm| entities.row(alarm.offender))
    }

    /// The list as words for a state hash.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let word = |ship: Handle| u64::from(ship.slot) << 32 | u64::from(ship.generation);
        let Self { list } = self;
        list.iter()
            .flat_map(move |&Alarm { offender, until }| [word(offender), until])
    }
}
