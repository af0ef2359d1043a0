//! `gatemedic report`: the post-mortem of an incident.

use std::{
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use jiff::tz::TimeZone;

use crate::{
    engine::desk::audit_lines,
    host::{
        clock,
        files::{Root, create_new},
        hostname::hostname,
        replay_file,
    },
    observation::{Clean, Text, Wall},
    report::postmortem::{PostMortem, Retelling, Subject, Told, assemble, html, markdown},
    session::{impact::Reach, logs::moment, recording::Reader},
};

use super::{Arguments, Exit, diagnose, environment, output, tools::tools};

/// Longest recording that is read from stdin, in bytes.
const STDIN: u64 = 256 << 20;
/// Bytes read at once.
const PORTION: usize = 64 * 1024;

/// How a post-mortem is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For a ticket, a wiki or a repository
    #[default]
    Markdown,
    /// One page for a browser, which needs nothing else
    Html,
    /// For scripts: one JSON object
    Json,
}

/// Options of `report`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportArguments {
    /// A recording to write about; - is stdin. Without one, the present incident of this host
    #[arg(value_name = "RECORDING")]
    pub recording: Option<PathBuf>,

    /// Look at this host now, which is the default without a recording
    #[arg(long, conflicts_with = "recording")]
    pub now: bool,

    /// How to write it
    #[arg(long = "format", short = 'o', value_enum, default_value_t)]
    pub form: Form,

    /// Write it to this new file, readable by you only, instead of stdout
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Tell failed requests from this time on: 14:02, -30m, "10 min ago" or "2026-11-20 14:02"
    #[arg(long, short = 'S', value_name = "TIME", allow_hyphen_values = true)]
    pub since: Option<String>,

    /// Tell failed requests up to this time
    #[arg(long, short = 'U', value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,

    /// Look at this host at most so long, e.g. 3s or 500ms
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = super::arguments::duration)]
    pub deadline: Duration,
}

/// Runs it.
pub(super) fn run(own: &ReportArguments, arguments: &Arguments) -> Exit {
    written(own, arguments).unwrap_or_else(|exit| exit)
}

fn written(own: &ReportArguments, arguments: &Arguments) -> Result<Exit, Exit> {
    if let Some(name) = own.output.as_deref().and_then(Path::to_str)
        && Form::from_str(name, false).is_ok()
    {
        output::note(&format!(
            "--output names a file, -o a format: write -o {name}, or --output ./{name}"
        ));
        return Err(Exit::Usage);
    }
    let report = match &own.recording {
        Some(path) => of_recording(path, own)?,
        None => of_host(own, arguments)?,
    };
    let ascii = arguments.ascii || (own.output.is_none() && !environment::unicode());
    let text = match own.form {
        Form::Markdown => markdown(&report, ascii),
        Form::Html => html(&report),
        Form::Json => match serde_json::to_string_pretty(&report) {
            Ok(text) => text + "\n",
            Err(_) => return Err(Exit::Internal),
        },
    };
    let Some(path) = &own.output else {
        if own.form == Form::Html && std::io::stdout().is_terminal() {
            output::note("this is a page for a browser: --output FILE keeps it");
        }
        return output::data(&text).map(|()| Exit::Success);
    };
    let shown = Text::from_bytes(path.as_os_str().as_encoded_bytes());
    let put = create_new(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match put {
        Ok(()) => {
            output::note(&format!("written to {shown}"));
            Ok(Exit::Success)
        }
        Err(error) => {
            output::note(&format!("failed to write {shown}: {error}"));
            Err(Exit::from(&error))
        }
    }
}

/// The time that was asked for, as seen at `now`.
fn reach(own: &ReportArguments, now: Wall, zone: &TimeZone) -> Result<Reach, Exit> {
    let time = |text: &Option<String>| match text {
        Some(text) => moment(text, now, zone).map(Some).map_err(|why| {
            output::note(Clean::new(&format!("{text:?} is no time: {why}")).as_str());
            Exit::Usage
        }),
        None => Ok(None),
    };
    Ok(Reach { since: time(&own.since)?, until: time(&own.until)? })
}

fn of_host(own: &ReportArguments, arguments: &Arguments) -> Result<PostMortem, Exit> {
    let zone = TimeZone::system();
    let reach = reach(own, clock::now().wall, &zone)?;
    let outcome = diagnose::look(own.deadline, arguments)?;
    let (deeds, unread) = match audit_lines(&tools(arguments)) {
        Ok(deeds) => (deeds, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let late: Vec<String> = outcome
        .incomplete
        .iter()
        .map(|source| format!("{source} had not finished before the deadline"))
        .collect();
    let case = &outcome.model.case;
    let began = case.began.map(|began| began.wall);
    Ok(assemble(&Subject {
        case,
        diagnosis: &outcome.model.diagnosis,
        height: None,
        deeds: &deeds,
        deeds_unread: unread.as_deref(),
        host: &hostname(),
        zone: &zone,
        source: "this host",
        reach,
        looked: began,
        lost: &late,
    }))
}

fn of_recording(path: &Path, own: &ReportArguments) -> Result<PostMortem, Exit> {
    let shown = Text::from_bytes(path.as_os_str().as_encoded_bytes());
    let complain = |why: &str| {
        output::note(&format!("{shown}: {why}"));
        Exit::Unavailable
    };
    let given = if path.as_os_str() == "-" {
        Some(replay_file::read_stdin(STDIN).map_err(|error| complain(&error.to_string()))?)
    } else {
        None
    };
    let given = given.as_deref();
    // What is relative to the end of a recording needs its end: it is read twice then.
    let mut told = retold(path, given, None).map_err(|why| complain(&why))?;
    let zone = zone_of(&told);
    let reach = reach(own, told.model.case.now.wall, &zone)?;
    if reach.until.is_some() {
        told = retold(path, given, reach.until).map_err(|why| complain(&why))?;
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let source = format!("the recording {}", Text::from_bytes(name.as_encoded_bytes()));
    Ok(of_told(&told, &source, reach, &zone))
}

/// The document of a recording.
fn of_told(told: &Told, source: &str, reach: Reach, zone: &TimeZone) -> PostMortem {
    let host =
        if told.header.host.is_empty() { "the recorded host" } else { told.header.host.raw() };
    assemble(&Subject {
        case: &told.model.case,
        diagnosis: &told.model.diagnosis,
        height: told.height.as_ref(),
        deeds: &told.deeds,
        deeds_unread: told.deeds_unread(),
        host,
        zone,
        source,
        reach,
        looked: told.looked(),
        lost: &told.lost,
    })
}

/// The zone of the host that was recorded, else that of this one.
fn zone_of(told: &Told) -> TimeZone {
    let named = Some(told.header.zone.raw()).filter(|name| !name.is_empty());
    named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
}

/// Folds a recording: the bytes given, else the file.
fn retold(path: &Path, given: Option<&[u8]>, until: Option<Wall>) -> Result<Told, String> {
    let mut file: Box<dyn Read + '_> = match given {
        Some(bytes) => Box::new(bytes),
        None => {
            let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
            Box::new(Root::default().open(&absolute).map_err(|error| error.to_string())?)
        }
    };
    let mut reader = Reader::new();
    let mut retelling = Retelling::new(until);
    let mut portion = vec![0; PORTION];
    loop {
        let n = match file.read(&mut portion) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.to_string()),
        };
        reader.feed(portion.get(..n).unwrap_or_default());
        while let Some(entry) = reader.next() {
            retelling.take(entry);
        }
        if let Some(refusal) = reader.refusal() {
            return Err(refusal.to_string());
        }
    }
    reader.finish();
    while let Some(entry) = reader.next() {
        retelling.take(entry);
    }
    match reader.refusal() {
        Some(refusal) => Err(refusal.to_string()),
        None => Ok(retelling.finish(reader.damage())),
    }
}
