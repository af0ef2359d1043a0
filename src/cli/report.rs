//! `gatemedic report`: the post-mortem of an incident.

use std::{
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use jiff::tz::TimeZone;

use crate::{
    action::incidents::{Found, find},
    engine::desk::audit_lines,
    host::{clock, files::create_new, hostname::hostname},
    observation::{Clean, Text, Wall},
    report::postmortem::{PostMortem, Retelling, Subject, Told, assemble, html, markdown},
    session::{
        history::{Incident, State},
        impact::Reach,
        logs::moment,
        recording::Reader,
    },
};

use super::{Arguments, Exit, diagnose, environment, output, record::Named, tools::tools};

/// Seconds after the end of an incident that are still of it, and those in which a repair of it may
/// have been judged.
const AROUND_SECS: i64 = 60;
const LATER_SECS: i64 = 600;
/// Bytes read at once.
const PORTION: usize = 64 * 1024;

/// How a post-mortem is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For a ticket, a wiki or a repository
    #[default]
    #[value(alias = "md")]
    Markdown,
    /// One page for a browser, which needs nothing else
    Html,
    /// For scripts: one JSON object
    Json,
}

/// Options of `report`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportArguments {
    /// A recording to write about: a file, a name of gatemedic record --list, latest, or - for
    /// stdin. Without one, the present incident of this host
    #[arg(value_name = "RECORDING")]
    pub recording: Option<PathBuf>,

    /// Look at this host now, which is the default without a recording
    #[arg(long, conflicts_with = "recording")]
    pub now: bool,

    /// Write about the incident with this number in gatemedic history
    #[arg(long, value_name = "N", conflicts_with_all = ["recording", "now", "since", "until"])]
    pub incident: Option<u64>,

    /// How to write it
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT", alias = "format")]
    pub output: Form,

    /// Write it to this new file, readable by you only, instead of stdout
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,

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
    let report = match (&own.recording, own.incident) {
        (Some(path), _) => of_recording(path, own, arguments)?,
        (None, Some(number)) => of_incident(number, own, arguments)?,
        (None, None) => {
            let reach = reach(own, clock::now().wall, &TimeZone::system())?;
            of_host(own, arguments, (reach, None))?
        }
    };
    let ascii = arguments.ascii || (own.to.is_none() && !environment::unicode());
    let text = match own.output {
        Form::Markdown => markdown(&report, ascii),
        Form::Html => html(&report),
        Form::Json => match serde_json::to_string_pretty(&report) {
            Ok(text) => text + "\n",
            Err(_) => return Err(Exit::Internal),
        },
    };
    let Some(path) = &own.to else {
        if own.output == Form::Html && std::io::stdout().is_terminal() {
            output::note("this is a page for a browser: --to FILE keeps it");
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

/// Which incident it is about, where that was asked for by its number.
fn remembered(number: u64, arguments: &Arguments) -> Result<Incident, Exit> {
    let why = match find(&tools(arguments)) {
        Found::Book(book) => match book.incidents().iter().find(|one| one.id == number) {
            Some(incident) => return Ok(incident.clone()),
            None => "the history has no such incident; see: gatemedic history".to_owned(),
        },
        Found::Nothing => "no history was kept here yet".to_owned(),
        Found::Broken(why) | Found::Alone(why) => why,
    };
    output::note(Clean::new(&why).as_str());
    Err(Exit::NotKnown)
}

/// The post-mortem of an incident of the history: from its recording where it is still kept, else
/// from what this host still has.
fn of_incident(
    number: u64,
    own: &ReportArguments,
    arguments: &Arguments,
) -> Result<PostMortem, Exit> {
    let incident = remembered(number, arguments)?;
    let open = incident.state_at(clock::now().wall) == State::Open;
    let end = incident.ended.unwrap_or(incident.last).max(incident.last).plus_secs(AROUND_SECS);
    let until = (!open).then_some(end);
    let reach = Reach { since: Some(incident.first.minus_secs(1)), until };
    let name = incident.recording.as_ref().map(Text::raw);
    let Some(named) = name.and_then(|name| Named::still_kept(name, arguments)) else {
        output::note("its recording is not kept any more: written from what this host still has");
        return of_host(own, arguments, (reach, Some(&incident)));
    };
    // What was done about it may have been judged a while after its last failure.
    let told = retold(&named, until.map(|end| end.plus_secs(LATER_SECS)))?;
    let zone = zone_of(&told);
    let source = format!("the recording {}", named.words());
    Ok(of_told(&told, &source, (reach, Some(&incident)), &zone))
}

fn of_host(
    own: &ReportArguments,
    arguments: &Arguments,
    (reach, remembered): (Reach, Option<&Incident>),
) -> Result<PostMortem, Exit> {
    let zone = TimeZone::system();
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
        looked: case.began.map(|began| began.wall),
        lost: &late,
        remembered,
    }))
}

fn of_recording(
    path: &Path,
    own: &ReportArguments,
    arguments: &Arguments,
) -> Result<PostMortem, Exit> {
    let named = Named::find(path, arguments)?;
    // What is relative to the end of a recording needs its end: it is read twice then.
    let mut told = retold(&named, None)?;
    let zone = zone_of(&told);
    let reach = reach(own, told.model.case.now.wall, &zone)?;
    if reach.until.is_some() {
        told = retold(&named, reach.until)?;
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    let source = format!("the recording {}", Text::from_bytes(name.as_encoded_bytes()));
    Ok(of_told(&told, &source, (reach, None), &zone))
}

/// The document of a recording.
fn of_told(
    told: &Told,
    source: &str,
    (reach, remembered): (Reach, Option<&Incident>),
    zone: &TimeZone,
) -> PostMortem {
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
        remembered,
    })
}

/// The zone of the host that was recorded, else that of this one.
fn zone_of(told: &Told) -> TimeZone {
    let named = Some(told.header.zone.raw()).filter(|name| !name.is_empty());
    named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(TimeZone::system)
}

/// Folds a recording up to its end, or to a time.
fn retold(named: &Named, until: Option<Wall>) -> Result<Told, Exit> {
    let mut recording = named.read()?;
    let mut reader = Reader::new();
    let mut retelling = Retelling::new(until);
    let mut portion = vec![0; PORTION];
    loop {
        let n = match recording.read(&mut portion) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(named.failed(&error)),
        };
        reader.feed(portion.get(..n).unwrap_or_default());
        while let Some(entry) = reader.next() {
            retelling.take(entry);
        }
        if let Some(refusal) = reader.refusal() {
            return Err(named.refused(&refusal));
        }
    }
    reader.finish();
    while let Some(entry) = reader.next() {
        retelling.take(entry);
    }
    match reader.refusal() {
        Some(refusal) => Err(named.refused(&refusal)),
        None => Ok(retelling.finish(reader.damage())),
    }
}
