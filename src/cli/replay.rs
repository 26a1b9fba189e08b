//! `orrery replay`: a flight recording run again.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::{Failure, print};
use crate::recorder::{Ending, ReplayReport, ReplayVerdict, replay};
use crate::universe::Universe;

/// What to run again.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The recording; see `orrery serve --record`
    file: PathBuf,
    /// Workers inside the tick; how many makes no difference to the result [default: the number of processors, at most 8]
    #[arg(long, env = "ORRERY_SIM_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    sim_threads: Option<u16>,
}

pub(crate) fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let name = arguments.file.display().to_string();
    let file = File::open(&arguments.file)
        .map_err(|error| Failure::unusable(format!("cannot open the recording {name}: {error}")))?;
    let workers = arguments
        .sim_threads
        .map_or_else(super::serve::default_workers, usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build()
        .map_err(|error| Failure::failed(format!("cannot start {workers} workers: {error}")))?;
    let load = |text: &str| {
        let universe = Universe::load_bytes(text.as_bytes(), "the recorded universe");
        universe.map(Arc::new).map_err(|error| error.to_string())
    };
    let begun = Instant::now();
    let report = pool
        .install(|| replay(BufReader::new(file), load))
        .map_err(|unusable| Failure::unusable(format!("{name}: {unusable}")))?;
    print(&table(&report, begun.elapsed().as_secs_f64()))?;
    match report.verdict {
        ReplayVerdict::Equal => Ok(()),
        ReplayVerdict::Differs { system, tick } => Err(Failure::failed(format!(
            "{name}: {system} differs from the recording first at tick {tick}; {}",
            advice(&report.program)
        ))),
        ReplayVerdict::Damaged {
            place: Some((system, tick)),
        } => Err(Failure::failed(format!(
            "{name}: the recording is damaged at tick {tick} of {system}; all before is equal"
        ))),
        ReplayVerdict::Damaged { place: None } => Err(Failure::failed(format!(
            "{name}: the recording is damaged behind the ticks above; all before is equal"
        ))),
    }
}

/// What to suspect.
fn advice(program: &str) -> String {
    let this = concat!("orrery ", env!("CARGO_PKG_VERSION"));
    if program == this {
        "it was recorded by this version, so either the file was changed or a build was".to_owned()
    } else {
        format!("it was recorded by {program}, and this is {this}")
    }
}

fn table(report: &ReplayReport, seconds: f64) -> String {
    let width = report.systems.iter().map(|one| one.system.as_str().len());
    let width = width.max().unwrap_or(0).max("system".len());
    let mut lines = vec![format!(
        "{:<width$} {:>10} {:>12} {:>8} {:>9}",
        "system", "ticks", "commands", "pilots", "entities"
    )];
    for one in &report.systems {
        lines.push(format!(
            "{:<width$} {:>10} {:>12} {:>8} {:>9}",
            one.system.as_str(),
            one.ticks,
            one.commands,
            one.pilots,
            one.entities_max
        ));
    }
    let ticks: u64 = report.systems.iter().map(|one| one.ticks).sum();
    let a_second = ticks as f64 / seconds.max(1e-9);
    lines.push(format!(
        "{ticks} ticks of {} in {seconds:.1} s, {a_second:.0} a second",
        report.program
    ));
    if let Ending::CutOff { bytes } = report.ending {
        lines.push(match bytes {
            0 => "the recording has no end: its server was killed, or still writes".to_owned(),
            _ => format!("the recording is cut off: its last {bytes} bytes are left out"),
        });
    }
    lines.push(match &report.verdict {
        ReplayVerdict::Equal => "equal: every recorded tick has the same state again".to_owned(),
        ReplayVerdict::Differs { .. } => "different".to_owned(),
        ReplayVerdict::Damaged { .. } => "damaged".to_owned(),
    });
    lines.join("\n")
}
