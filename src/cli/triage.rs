//! `gatemedic triage`: since when, how many, which upstream, which URLs, from logs.

use std::{path::PathBuf, sync::atomic::AtomicBool, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    evidence::triage::{Terms, answer},
    host::{clock, http_get},
    observation::{Clean, Triage, Wall},
    report,
    session::logs::moment,
    source::triage::{self, Limits, Log},
};

use super::{Arguments, Exit, arguments::Format, diagnose, environment, output};

/// Threads that read.
const THREADS: usize = 2;
/// How long the configurations of this host's gateways are looked for.
const LOOK: Duration = Duration::from_secs(3);

/// Options of `triage`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TriageArguments {
    /// Logs of requests or errors, also packed with gzip, or folders of them; - is stdin. Their
    /// formats are recognised. Without any, the logs of this host's gateways
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,

    /// Count from this time on: 14:02, -30m, "10 min ago" or "2026-11-20 14:02"
    #[arg(long, short = 'S', value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,

    /// Count up to this time
    #[arg(long, short = 'U', value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,

    /// Read only the files named, not their older generations (access.log.1, access.log.2.gz)
    #[arg(long)]
    pub alone: bool,

    /// Times without a zone, as in error logs, are of this zone, e.g. Europe/Berlin; default: here
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
}

/// Runs it.
pub(super) fn run(own: &TriageArguments, arguments: &Arguments) -> Exit {
    let zone = match &own.zone {
        Some(name) => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(_) => return usage(&format!("no such zone: {name}")),
        },
        None => TimeZone::system(),
    };
    match answered(own, arguments, &zone) {
        Ok((triage, missed)) => print(own, arguments, &triage, (&missed, &zone)),
        Err(exit) => exit,
    }
}

fn answered(
    own: &TriageArguments,
    arguments: &Arguments,
    zone: &TimeZone,
) -> Result<(Triage, Vec<String>), Exit> {
    let now = clock::now().wall;
    let time = |text: &Option<String>| match text {
        Some(text) => moment(text, now, zone)
            .map(Some)
            .map_err(|why| usage(&format!("{text:?} is no time: {why}"))),
        None => Ok(None),
    };
    let (since, until) = (time(&own.since)?, time(&own.until)?);
    let (logs, missed) = logs(own, arguments)?;
    let own_agent = http_get::AGENT_MARK.as_bytes();
    let terms = Terms { zone: zone.clone(), now, since, until, own_agent };
    let limits = Limits::everything(THREADS);
    let reading = triage::read(&logs, &terms, limits, &AtomicBool::new(false));
    // Only the logs of this host are surely still written to.
    let end: Option<Wall> = (own.files.is_empty() && until.is_none()).then_some(now);
    Ok((answer(reading.tally, &reading.errors, &reading.read, end), missed))
}

/// The logs to read, and what cannot be.
fn logs(own: &TriageArguments, arguments: &Arguments) -> Result<(Vec<Log>, Vec<String>), Exit> {
    let (logs, missed) = if own.files.is_empty() {
        let outcome = diagnose::look(LOOK, arguments)?;
        let configs = outcome.model.case.configs.values();
        let targets: Vec<_> = configs.flat_map(|config| config.logs.iter().cloned()).collect();
        if targets.is_empty() {
            output::note("no gateway's configuration was found here; name the logs to read");
        }
        triage::of_targets(&targets)
    } else {
        triage::of_paths(&own.files, !own.alone)
    };
    let told = |(path, why): (PathBuf, String)| {
        Clean::new(&format!("{}: {why}", path.display())).to_string()
    };
    Ok((logs, missed.into_iter().map(told).collect()))
}

fn print(
    own: &TriageArguments,
    arguments: &Arguments,
    triage: &Triage,
    (missed, zone): (&[String], &TimeZone),
) -> Exit {
    let text = match own.output {
        Format::Text => report::triage::text(
            triage,
            &report::triage::Frame {
                zone,
                layout: output::layout(arguments),
                ascii: arguments.ascii || !environment::unicode(),
                missed,
            },
        ),
        Format::Json => {
            match serde_json::to_string_pretty(&report::triage::document(triage, missed)) {
                Ok(text) => text + "\n",
                Err(_) => return Exit::Internal,
            }
        }
    };
    match output::data(&text) {
        Ok(()) => Exit::Status(report::triage::status(triage)),
        Err(exit) => exit,
    }
}

fn usage(text: &str) -> Exit {
    output::note(Clean::new(text).as_str());
    Exit::Usage
}
