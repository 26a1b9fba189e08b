//! `orrery world`: universe files checked, printed and generated.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{Failure, print};
use crate::universe::{BUILT_IN, Universe, bench_side, bench_text, seen_on_average};

/// What to do with universe files.
#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    /// Check a universe file; every problem is named by file, line and field. Warns of systems whose
    /// first stations pay more for a full hold than the jump between them costs
    Check {
        /// World file that is checked
        file: PathBuf,
    },
    /// Print the built-in universe: a good file to start from
    Show,
    /// Print a universe for benchmarks: an empty sky, sized by how many ships see each other
    Bench(BenchArguments),
}

/// How crowded a benchmark's universe is.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Ships in all
    #[arg(long, env = "ORRERY_CLIENTS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    clients: u32,
    /// Others that a ship sees within a view radius of 1000
    #[arg(long, env = "ORRERY_IN_VIEW", value_name = "K")]
    in_view: u32,
}

pub(crate) fn run(command: &WorldCommand) -> Result<(), Failure> {
    match command {
        WorldCommand::Check { file } => {
            let universe = load(file)?;
            for warning in universe.jump_profits().to_string().lines() {
                eprintln!("{}: {warning}", file.display());
            }
            print(&universe.summary().to_string())
        }
        WorldCommand::Show => print(BUILT_IN),
        WorldCommand::Bench(bench) => {
            warn_of_compromise(bench);
            print(&bench_text(bench.clients, bench.in_view))
        }
    }
}

/// Says so where no square gives what was asked: too few ships, or too many to a place.
fn warn_of_compromise(bench: &BenchArguments) {
    let seen = seen_on_average(bench.clients, bench_side(bench.clients, bench.in_view));
    if (seen - bench.in_view as f32).abs() > 0.5 {
        eprintln!(
            "orrery: {} ships cannot each see {} others within 1000 u; in this universe each sees {seen:.1}",
            bench.clients, bench.in_view
        );
    }
}

/// Reads a universe file.
pub(crate) fn load(file: &PathBuf) -> Result<Arc<Universe>, Failure> {
    let bytes = fs::read(file).map_err(|error| {
        Failure::unusable(format!(
            "cannot read the universe file {}: {error}",
            file.display()
        ))
    })?;
    let universe = Universe::load_bytes(&bytes, &file.display().to_string())
        .map_err(|error| Failure::unusable(error.to_string()))?;
    Ok(Arc::new(universe))
}
