//! The `gatemedic` binary: parse, run, exit code.

use std::process::ExitCode;

use gatemedic::cli;

fn main() -> ExitCode {
    let exit = match cli::parse() {
        Ok(arguments) => arguments.run(),
        Err(exit) => exit,
    };
    ExitCode::from(exit.code())
}
