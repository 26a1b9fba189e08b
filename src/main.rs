//! The `orrery` command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    orrery::cli::run()
}
