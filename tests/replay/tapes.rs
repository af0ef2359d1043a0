//! Recordings made for tests, of incidents that were recorded.
#![allow(dead_code, reason = "no test uses all of it")]

use std::path::Path;

use gatemedic::{
    observation::{
        Boot, LogLine, Moment, Observation, Origin, Program, Seen, SourceId, Text, Wall,
    },
    remedy::{Ending, Progress},
    session::recording::{Deed, Entry, Header, Writer},
};

/// 2026-11-21 03:30:16 UTC: when the memory kill was recorded.
pub const BEGAN: i64 = 1_795_231_816;

/// So many milliseconds after that.
pub fn moment(millis: u64) -> Moment {
    let micros = millis * 1_000;
    let wall = Wall(BEGAN * 1_000_000 + i64::try_from(micros).unwrap());
    Moment { wall, boot: Boot(50_000_000 + micros) }
}

/// What was seen of an incident.
pub fn incident(name: &str) -> Vec<Observation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents").join(name);
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The same, as if each thing had been seen so many milliseconds after the one before it.
pub fn stretched(name: &str, millis: u64) -> Vec<Entry> {
    let seen = (0_u64..).zip(incident(name));
    seen.map(|(n, seen)| Entry::Seen(Box::new(Observation { at: moment(n * millis), ..seen })))
        .collect()
}

/// The memory kill, and how it was repaired.
pub fn repaired() -> Vec<Entry> {
    let mut all = stretched("oom-cgroup-unit", 500);
    let end = all.len() as u64 * 500;
    let deed =
        |millis, who: &str, deed| Entry::Deed { at: moment(millis), who: Text::new(who), deed };
    all.push(deed(
        end + 5_000,
        "deploy",
        Deed::Prepare {
            cause: Text::new("oom-cgroup-unit"),
            whom: Text::new("app.service"),
            what: Text::new("raise the memory limit of app.service"),
            rehearsal: false,
            proven: Vec::new(),
        },
    ));
    all.push(deed(end + 12_000, "deploy", Deed::Confirm));
    let said = Box::new(Progress::End { ending: Ending::Verified });
    all.push(deed(end + 40_000, "", Deed::Progress { said }));
    let gone = Seen::Sighted;
    let at = moment(end + 60_000);
    all.push(Entry::Seen(Box::new(Observation { at, source: SourceId::Units, seen: gone })));
    all
}

/// A log line.
pub fn line(millis: u64, text: &str) -> Entry {
    let seen = Seen::Log(LogLine {
        gateway: None,
        program: Program::Application,
        origin: Origin::File(Text::new("/srv/shop/app.log")),
        text: Text::new(text),
        at: None,
    });
    Entry::Seen(Box::new(Observation { at: moment(millis), source: SourceId::Logs, seen }))
}

/// Entries as the bytes of a recording, each in a frame of its own.
pub fn framed(all: &[Entry]) -> Vec<Vec<u8>> {
    let mut head = Vec::new();
    let header = Header { host: Text::new("web7"), began: moment(0), ..Header::default() };
    let mut writer = Writer::begin(&header, &mut head);
    writer.flush(&mut head);
    let mut frames = vec![head];
    for entry in all {
        let mut frame = Vec::new();
        writer.add(entry, &mut frame);
        writer.flush(&mut frame);
        frames.push(frame);
    }
    frames
}

/// A deed that says what it likes.
pub fn deed(millis: u64, text: &str) -> Entry {
    let (cause, whom, what) = (Text::new(text), Text::new(text), Text::new(text));
    let deed = Deed::Prepare { cause, whom, what, rehearsal: false, proven: Vec::new() };
    Entry::Deed { at: moment(millis), who: Text::new(text), deed }
}

/// Entries as frames of so many, as a recorder writes them that flushes each second.
pub fn framed_together(all: &[Entry], each: usize) -> Vec<Vec<u8>> {
    let mut head = Vec::new();
    let header = Header { host: Text::new("web7"), began: moment(0), ..Header::default() };
    let mut writer = Writer::begin(&header, &mut head);
    let mut frames = vec![head];
    for part in all.chunks(each) {
        let mut frame = Vec::new();
        part.iter().for_each(|entry| writer.add(entry, &mut frame));
        writer.flush(&mut frame);
        frames.push(frame);
    }
    frames
}
