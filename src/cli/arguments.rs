//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum, error::ErrorKind};

use super::{Exit, console, diagnose, output};

/// Finds why a gateway answers 502 Bad Gateway.
#[derive(Clone, Debug, Parser)]
#[command(name = "gatemedic", version, about, long_about = None, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Never offer anything that changes the machine
    #[arg(long, global = true, alias = "read-only")]
    pub readonly: bool,

    /// Read this gateway configuration too
    #[arg(long, short = 'c', global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Plain ASCII, no line drawing
    #[arg(long, global = true)]
    pub ascii: bool,

    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Docker's socket, when it is not /var/run/docker.sock
    #[arg(long, global = true, value_name = "PATH")]
    pub docker_socket: Option<PathBuf>,

    /// Write every event to this file, one JSON object a line
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub record: Option<PathBuf>,

    /// Fail after so many frames
    #[cfg(debug_assertions)]
    #[arg(long, hide = true, value_name = "FRAMES")]
    pub panic_after_frame: Option<u8>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Look once, name the cause, exit 0 healthy, 1 degraded, 2 failing, 3 unknown
    Diagnose(DiagnoseArguments),
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For scripts: one JSON object
    Json,
}

/// Options of `diagnose`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DiagnoseArguments {
    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    pub output: Format,

    /// Give what is known after this time, e.g. 3s or 500ms
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = duration)]
    pub deadline: Duration,
}

impl Default for DiagnoseArguments {
    fn default() -> Self {
        Self { output: Format::Text, deadline: Duration::from_secs(3) }
    }
}

impl Arguments {
    /// Runs the verb that was asked for, or the console, and says how it ended.
    pub fn run(&self) -> Exit {
        match &self.verb {
            Some(verb) => verb.run(self),
            None => console::run(self),
        }
    }
}

impl Verb {
    pub(super) fn run(&self, arguments: &Arguments) -> Exit {
        match self {
            Self::Diagnose(own) => diagnose::run(own, arguments),
        }
    }
}

/// Reads the command line. Help and version are printed here.
///
/// # Errors
/// The exit that the process should end with: success after help, usage with one line otherwise.
pub fn parse() -> Result<Arguments, Exit> {
    Arguments::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::data(&error.render().to_string()).err().unwrap_or(Exit::Success)
        }
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            output::note(&format!("{first}; try 'gatemedic --help'"));
            Exit::Usage
        }
    })
}

/// `500ms`, `3s`, `2m` or a plain number of seconds, from 50 ms to one hour.
fn duration(text: &str) -> Result<Duration, String> {
    let (digits, scale) = match text {
        t if t.ends_with("ms") => (t.trim_end_matches("ms"), 1),
        t if t.ends_with('s') => (t.trim_end_matches('s'), 1_000),
        t if t.ends_with('m') => (t.trim_end_matches('m'), 60_000),
        t => (t, 1_000),
    };
    let number: u64 = digits.parse().map_err(|_| "write it as 3s, 500ms or 2m".to_owned())?;
    let millis = number.saturating_mul(scale);
    if (50..=3_600_000).contains(&millis) {
        Ok(Duration::from_millis(millis))
    } else {
        Err("between 50ms and 60m".to_owned())
    }
}
