//! The replay: a recording's calls made again on new worlds, and every tick's state compared.
//!
//! Reads frame by frame and keeps one at a time. What cannot be begun with is [`Unusable`]; once begun,
//! a replay always comes to a [`ReplayReport`]: how far it came, and whether all was as recorded.

use std::io::{self, Read};
use std::sync::Arc;

use thiserror::Error;

use super::code::{Acts, RecordedCall};
use super::frame::{self, FrameHead, Kind, MAGIC, Next, VERSION};
use super::opening::Opening;
use crate::ids::{Name, SystemIndex};
use crate::sim::World;
use crate::universe::Universe;

/// Why a file cannot be replayed at all.
#[derive(Debug, Error)]
pub enum Unusable {
    /// It begins with something else.
    #[error("this is not a flight recording")]
    NotARecording,
    /// Its layout is of another version.
    #[error(
        "this recording has version {0} of the format, and this program reads version {VERSION}"
    )]
    Version(u32),
    /// It ends before it says what it is about.
    #[error("this recording is cut off before it says which universe it is of")]
    CutOff,
    /// Its beginning was changed.
    #[error("this recording is damaged where it says which universe it is of")]
    Damaged,
    /// Its checksums are good, and yet no recorder wrote it.
    #[error("no recorder wrote this: {0}")]
    Malformed(&'static str),
    /// As [`Self::Malformed`], seen while its bytes are read.
    #[error("no recorder wrote this: {0}")]
    Undecodable(#[from] postcard::Error),
    /// Its universe is none.
    #[error("the recorded universe cannot be used: {0}")]
    Universe(String),
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Whether the worlds went the way they went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayVerdict {
    /// In every recorded tick.
    Equal,
    /// Not in this tick, nor, it must be supposed, later.
    Differs {
        /// System whose state differs.
        system: Name,
        /// The first tick with another state; 0 is the new world.
        tick: u64,
    },
    /// All was equal up to bytes that are not what was written.
    Damaged {
        /// Where, and the tick that the frame ends with modulo 2³², as far as is known.
        place: Option<(Name, u32)>,
    },
}

/// How the file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the recorder's own end.
    Whole,
    /// Without it, behind so many bytes that are no whole frame.
    CutOff {
        /// Bytes of the incomplete frame at the end.
        bytes: u64,
    },
    /// Not reached, because of the verdict.
    NotReached,
}

/// What one system's recording held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemReport {
    /// Name of the system.
    pub system: Name,
    /// Ticks run again.
    pub ticks: u64,
    /// Commands of pilots in them.
    pub commands: u64,
    /// Pilots who came.
    pub pilots: u64,
    /// Most entities at the end of a tick.
    pub entities_max: usize,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayReport {
    /// The program that recorded.
    pub program: String,
    /// In the universe's order.
    pub systems: Vec<SystemReport>,
    /// Whether all was equal.
    pub verdict: ReplayVerdict,
    /// How the file ends.
    pub ending: Ending,
}

/// A world being flown again.
struct ReplayStage {
    world: World,
    report: SystemReport,
}

/// Replays a recording; `load` makes a universe of the text of its file. Runs on the rayon pool that
/// it is called in; how many workers that has makes no difference.
///
/// # Errors
/// [`Unusable`], if the file cannot be begun with, read on, or was not written by a recorder.
pub fn replay(
    mut input: impl Read,
    load: impl FnOnce(&str) -> Result<Arc<Universe>, String>,
) -> Result<ReplayReport, Unusable> {
    let mut payload = Vec::new();
    read_magic(&mut input)?;
    match frame::read(&mut input, &mut payload)? {
        Next::Frame(FrameHead {
            kind: Kind::Opening,
            ..
        }) => {}
        Next::Frame(_) => return Err(Unusable::Malformed("it does not begin with an opening")),
        Next::Nothing | Next::Cut(_) => return Err(Unusable::CutOff),
        Next::Damaged(_) => return Err(Unusable::Damaged),
    }
    let opening = Opening::read(&payload)?;
    let universe = load(opening.universe).map_err(Unusable::Universe)?;
    let mut replay = Replay { stages: Vec::new() };
    let program = opening.program.to_owned();
    let begun = replay.begin(&opening, &universe)?;
    let (verdict, ending) = match begun {
        ReplayVerdict::Equal => replay.run(&mut input, &mut payload)?,
        verdict => (verdict, Ending::NotReached),
    };
    let stages = replay.stages.into_iter();
    Ok(ReplayReport {
        program,
        systems: stages.map(|stage| stage.report).collect(),
        verdict,
        ending,
    })
}

fn read_magic(input: &mut impl Read) -> Result<(), Unusable> {
    let mut head = Vec::new();
    input.take(12).read_to_end(&mut head)?;
    let Some((magic, version)) = head.split_at_checked(MAGIC.len()) else {
        return Err(Unusable::NotARecording);
    };
    if magic != MAGIC {
        return Err(Unusable::NotARecording);
    }
    let version = version.try_into().map_err(|_| Unusable::CutOff)?;
    match u32::from_le_bytes(version) {
        VERSION => Ok(()),
        other => Err(Unusable::Version(other)),
    }
}

struct Replay {
    /// In the universe's order.
    stages: Vec<ReplayStage>,
}

impl Replay {
    /// Makes the worlds anew.
    fn begin(
        &mut self,
        opening: &Opening<'_>,
        universe: &Arc<Universe>,
    ) -> Result<ReplayVerdict, Unusable> {
        let mut verdict = ReplayVerdict::Equal;
        for (place, beginning) in opening.beginnings.iter().enumerate() {
            if usize::from(beginning.system.0) != place {
                return Err(Unusable::Malformed("its systems are out of order"));
            }
            let world = beginning.world(universe).ok_or(Unusable::Malformed(
                "it has a system that its universe has not",
            ))?;
            if verdict == ReplayVerdict::Equal && world.state_hash() != beginning.hash {
                verdict = ReplayVerdict::Differs {
                    system: world.system().id.clone(),
                    tick: 0,
                };
            }
            let report = SystemReport {
                system: world.system().id.clone(),
                ticks: 0,
                commands: 0,
                pilots: 0,
                entities_max: world.entities().len(),
            };
            self.stages.push(ReplayStage { world, report });
        }
        Ok(verdict)
    }

    fn run(
        &mut self,
        input: &mut impl Read,
        payload: &mut Vec<u8>,
    ) -> Result<(ReplayVerdict, Ending), Unusable> {
        loop {
            match frame::read(input, payload)? {
                Next::Frame(head) => match head.kind {
                    Kind::Opening => return Err(Unusable::Malformed("it begins twice")),
                    Kind::End => return Ok((ReplayVerdict::Equal, Ending::Whole)),
                    Kind::Acts => {
                        let verdict = self.act(head, payload)?;
                        if verdict != ReplayVerdict::Equal {
                            return Ok((verdict, Ending::NotReached));
                        }
                    }
                },
                Next::Nothing => return Ok((ReplayVerdict::Equal, Ending::CutOff { bytes: 0 })),
                Next::Cut(bytes) => return Ok((ReplayVerdict::Equal, Ending::CutOff { bytes })),
                Next::Damaged(head) => {
                    let place = head.and_then(|head| {
                        let stage = self.stages.get(usize::from(head.system))?;
                        Some((stage.report.system.clone(), head.tick))
                    });
                    return Ok((ReplayVerdict::Damaged { place }, Ending::NotReached));
                }
            }
        }
    }

    /// One system's calls, up to the end of a tick.
    fn act(&mut self, head: FrameHead, payload: &[u8]) -> Result<ReplayVerdict, Unusable> {
        let system = SystemIndex(head.system);
        let stage = self
            .stages
            .get_mut(usize::from(system.0))
            .ok_or(Unusable::Malformed(
                "it has acts of a system that it did not begin",
            ))?;
        let (world, report) = (&mut stage.world, &mut stage.report);
        let mut acts = Acts(payload);
        while let Some(act) = acts.next().transpose()? {
            match act {
                RecordedCall::Admit(pilot) => {
                    report.pilots += u64::from(world.admit(&pilot).is_ok());
                }
                RecordedCall::Attach(ship) => world.attach(ship),
                RecordedCall::Detach(ship) => world.detach(ship),
                RecordedCall::Dismiss(ship, gone) => drop(world.dismiss(ship, gone)),
                RecordedCall::Step(commands) => {
                    report.ticks += 1;
                    report.commands += commands.len() as u64;
                    world.step(&mut commands.into_owned());
                    report.entities_max = report.entities_max.max(world.entities().len());
                    let Some(RecordedCall::StateHash(hash)) = acts.next().transpose()? else {
                        return Err(Unusable::Malformed("a step lacks its state hash"));
                    };
                    if world.state_hash() != hash {
                        let system = report.system.clone();
                        let tick = world.tick();
                        return Ok(ReplayVerdict::Differs { system, tick });
                    }
                }
                RecordedCall::StateHash(_) => {
                    return Err(Unusable::Malformed("a state hash follows no step"));
                }
            }
        }
        if world.tick() as u32 == head.tick {
            Ok(ReplayVerdict::Equal)
        } else {
            Err(Unusable::Malformed(
                "a frame is not of the tick that it says",
            ))
        }
    }
}
