//! What is kept.

use std::{fmt::Write as _, io::Read};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use crate::{
    host::{
        clock,
        own_folder::FolderError,
        recordings::{Kept, Store, Stream},
    },
    observation::{Clean, Text},
    session::{
        figures::{bytes, day_clock, span},
        recording::{Reader, Summary},
    },
};

use super::arguments::{RecordArguments, RecordFormat, refuse};
use crate::cli::{Arguments, Exit, output, tools::tools};

/// Bytes that are read at once.
pub(super) const PORTION: usize = 256 << 10;

/// `record --list`.
pub(super) fn run(own: &RecordArguments, arguments: &Arguments) -> Result<Exit, Exit> {
    if own.output == Some(RecordFormat::Recording) {
        return Err(refuse(Exit::Usage, "a list is written as text or json"));
    }
    list(own.output == Some(RecordFormat::Json), arguments)
}

/// Prints what is kept, as a table or as one JSON object a line.
pub(in crate::cli) fn list(json: bool, arguments: &Arguments) -> Result<Exit, Exit> {
    let Some(store) = store(arguments)? else {
        output::note("nothing is recorded yet");
        return Ok(Exit::Success);
    };
    let kept = kept(&store)?;
    let all: Vec<(&Kept, Summary)> =
        kept.iter().map(|kept| (kept, summary(&store, kept).unwrap_or_default())).collect();
    let text = if json {
        all.iter().fold(String::new(), |text, (kept, summary)| text + &row(kept, summary))
    } else {
        table(&store, &all)
    };
    output::data(&text).map(|()| Exit::Success)
}

/// The folder; `None` where there is none yet.
pub(super) fn store(arguments: &Arguments) -> Result<Option<Store>, Exit> {
    match Store::open(&tools(arguments).state) {
        Ok(store) => Ok(Some(store)),
        Err(FolderError::Missing(_)) => Ok(None),
        Err(error) => Err(refuse(Exit::Output, &format!("failed to read recordings: {error}"))),
    }
}

/// What is in it, the newest first.
pub(super) fn kept(store: &Store) -> Result<Vec<Kept>, Exit> {
    store.kept().map_err(|error| {
        refuse(Exit::Output, &format!("failed to read {}: {error}", store.path().display()))
    })
}

fn summary(store: &Store, kept: &Kept) -> Option<Summary> {
    let mut stream = Stream::kept(store, kept).ok()?;
    let mut reader = Reader::heads();
    let mut summary = Summary::default();
    let mut portion = vec![0; PORTION];
    loop {
        match stream.read(&mut portion).ok()? {
            0 => reader.finish(),
            read => reader.feed(portion.get(..read).unwrap_or_default()),
        }
        let before = reader.position();
        while let Some(entry) = reader.next() {
            summary.take(&entry);
        }
        if reader.is_finished() || reader.refusal().is_some() {
            break;
        }
        debug_assert!(reader.position() >= before, "a reader goes forward");
    }
    summary.close(&reader);
    Some(summary)
}

/// How it ended, in two words.
fn state(kept: &Kept, summary: &Summary) -> &'static str {
    if kept.is_written() {
        "goes on"
    } else if summary.ended.is_some() {
        "ended"
    } else {
        "broken off"
    }
}

/// The worst that it saw.
fn found(summary: &Summary) -> String {
    let causes: Vec<&str> = summary.causes.iter().map(Text::raw).collect();
    let status = if summary.failing { "failing" } else { summary.status.raw() };
    match (status, causes.is_empty()) {
        ("", _) => "nothing yet".to_owned(),
        (status, true) => status.to_owned(),
        (status, false) => format!("{status}: {}", causes.join(", ")),
    }
}

fn table(store: &Store, all: &[(&Kept, Summary)]) -> String {
    let (zone, now) = (TimeZone::system(), clock::now().wall);
    let mut rows = vec![["NAME", "BEGAN", "LASTED", "SIZE", "", "FOUND"].map(str::to_owned)];
    for (kept, summary) in all {
        let lasted = span(i64::try_from(summary.secs()).unwrap_or(i64::MAX));
        let damage = summary.damage.words();
        let found = found(summary);
        let found = if damage.is_empty() { found } else { format!("{found} ({damage})") };
        rows.push([
            kept.name.clone(),
            day_clock(summary.header.began.wall, &zone, now),
            lasted,
            bytes(kept.bytes()),
            state(kept, summary).to_owned(),
            found,
        ]);
    }
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{:<width$}  ", Clean::new(cell).as_str());
        }
        let last = row.last().map(String::as_str).unwrap_or_default();
        let _ = writeln!(text, "{}", Clean::new(last));
    }
    let sum: u64 = all.iter().map(|(kept, _)| kept.bytes()).sum();
    let place = store.path().display().to_string();
    let _ = writeln!(text, "{} in {}", bytes(sum), Clean::new(&place));
    text
}

fn row(kept: &Kept, summary: &Summary) -> String {
    let time = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or_default().to_string();
    let row = json!({
        "schema": "gatemedic.recording/1",
        "name": kept.name,
        "host": summary.header.host.raw(),
        "began": time(summary.header.began.wall.0),
        "last": time(summary.last.wall.0),
        "seconds": summary.secs(),
        "bytes": kept.bytes(),
        "parts": kept.parts.len(),
        "state": state(kept, summary),
        "failing": summary.failing,
        "status": summary.status.raw(),
        "causes": summary.causes,
        "deeds": summary.deeds,
        "lost": summary.damage.records,
        "torn": summary.damage.torn,
    });
    format!("{row}\n")
}
