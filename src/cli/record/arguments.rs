//! What can be asked of `record`.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use super::{export, list, live};
use crate::cli::{Arguments, Exit, output};

/// Options of `record`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct RecordArguments {
    /// Record into this new file, without a screen, until it is interrupted
    #[arg(value_name = "FILE", conflicts_with_all = ["list", "export"])]
    #[arg(required_unless_present_any = ["list", "export"])]
    pub(super) file: Option<PathBuf>,

    /// Record for so long, e.g. 10m or 2h
    #[arg(long = "for", value_name = "TIME", value_parser = span, requires = "file")]
    pub(super) span: Option<Duration>,

    /// List what is kept: when, how long, how much, what was found
    #[arg(long, conflicts_with = "export")]
    pub(super) list: bool,

    /// Make one redacted file of a recording: its name in the list, a file, - for stdin, or latest
    #[arg(long, value_name = "NAME|FILE", num_args = 0..=1, default_missing_value = "latest")]
    #[arg(requires = "to")]
    pub(super) export: Option<PathBuf>,

    /// Write it to this new file
    #[arg(long, value_name = "FILE", requires = "export")]
    pub(super) to: Option<PathBuf>,

    /// How to write it: json is one object a line; a list is text unless said, a copy a recording
    #[arg(long, short, value_enum, value_name = "FORMAT", alias = "format", conflicts_with = "file")]
    pub(super) output: Option<RecordFormat>,

    /// Leave the host's name out
    #[arg(long, requires = "export")]
    pub(super) hide_host: bool,

    /// Only from this time on: 14:02, -30m, "10 min ago" or "2026-11-20 14:02"
    #[arg(long, short = 'S', value_name = "TIME", allow_hyphen_values = true)]
    #[arg(requires = "export")]
    pub(super) since: Option<String>,

    /// Only up to this time
    #[arg(long, short = 'U', value_name = "TIME", allow_hyphen_values = true)]
    #[arg(requires = "export")]
    pub(super) until: Option<String>,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RecordFormat {
    /// For people
    Text,
    /// For scripts: one JSON object a line
    #[value(alias = "jsonl")]
    Json,
    /// Small and checksummed
    Recording,
}

/// Runs it.
pub(in crate::cli) fn run(own: &RecordArguments, arguments: &Arguments) -> Exit {
    let done = if own.list {
        list::run(own, arguments)
    } else if own.export.is_some() {
        export::run(own, arguments)
    } else {
        live::run(own, arguments)
    };
    done.unwrap_or_else(|exit| exit)
}

/// A sentence on stderr, and how the process ends.
pub(super) fn refuse(exit: Exit, why: &str) -> Exit {
    output::note(why);
    exit
}

/// `30s`, `10m`, `2h`, `3d` or a plain number of seconds.
fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 30s, 10m or 2h".to_owned();
    let (digits, scale) = match text.as_bytes().split_last() {
        Some((b's', rest)) => (rest, 1),
        Some((b'm', rest)) => (rest, 60),
        Some((b'h', rest)) => (rest, 3_600),
        Some((b'd', rest)) => (rest, 86_400),
        _ => (text.as_bytes(), 1),
    };
    let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let secs = number.saturating_mul(scale);
    if (1..=31 * 86_400).contains(&secs) {
        Ok(Duration::from_secs(secs))
    } else {
        Err("between 1s and 31d".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_people_write_it() {
        assert_eq!(span("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(span("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(span("45"), Ok(Duration::from_secs(45)));
        for bad in ["", "m", "0s", "-1s", "1y", "é", "99999999999999999999d", "40d"] {
            assert!(span(bad).is_err(), "{bad:?}");
        }
    }
}
