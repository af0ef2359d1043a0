//! The `gatemedic` binary: parse, run, exit code.

use std::{panic::catch_unwind, process::ExitCode};

use gatemedic::{
    cli::{self, Exit},
    host::{failure, hardening},
    practice,
};

fn main() -> ExitCode {
    if let Some(status) = practice::entry::play() {
        return ExitCode::from(status);
    }
    hardening::keep_memory_private();
    failure::tell(|| {});
    let run = || cli::parse().map_or_else(|exit| exit, |arguments| arguments.run());
    let exit = catch_unwind(run).unwrap_or(Exit::Internal);
    ExitCode::from(exit.code())
}
