//! What these tests stand on: entries, files, folders, and how they are read back.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use gatemedic::{
    engine::recorder::{Place, Recorder, Setup},
    host::recordings::{Limits, Store, Stream},
    observation::{
        Boot, LogLine, Moment, Observation, Origin, Program, Seen, SourceId, Text, Wall,
    },
    session::{
        Event,
        recording::{Damage, Entry, Header, How, Reader, Refusal, Writer},
    },
};

pub fn at(secs: u64) -> Moment {
    let wall = 1_795_000_000_000_000_i64.saturating_add_unsigned(secs * 1_000_000);
    Moment { wall: Wall(wall), boot: Boot(secs * 1_000_000) }
}

pub fn line(secs: u64, text: &str) -> Observation {
    let seen = Seen::Log(LogLine {
        program: Program::Nginx,
        origin: Origin::File(Text::from("/var/log/nginx/error.log")),
        gateway: None,
        at: None,
        text: Text::new(text),
    });
    Observation { at: at(secs), source: SourceId::Logs, seen }
}

pub fn event(observation: Observation) -> Event {
    Event::Seen(Box::new(observation))
}

/// Every observation of an incident of this project.
pub fn incident(name: &str) -> Vec<Observation> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents").join(name);
    let bytes = fs::read(root.join("events.jsonl")).unwrap();
    let (entries, damage) = read(&bytes);
    assert!(damage.is_none());
    seen(&entries)
}

pub fn incidents() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let names = fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = names
        .filter(|entry| entry.path().join("events.jsonl").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn seen(entries: &[Entry]) -> Vec<Observation> {
    let seen = entries.iter().filter_map(|entry| match entry {
        Entry::Seen(seen) => Some((**seen).clone()),
        _ => None,
    });
    seen.collect()
}

/// A file with an incident in it.
pub fn file_of(observations: &[Observation]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::begin(&Header { began: at(0), ..Header::default() }, &mut out);
    for observation in observations {
        writer.add(&Entry::Seen(Box::new(observation.clone())), &mut out);
    }
    writer.flush(&mut out);
    out
}

pub fn read(bytes: &[u8]) -> (Vec<Entry>, Damage) {
    let (entries, damage, refusal) = read_or_refuse(bytes);
    assert_eq!(refusal, None);
    (entries, damage)
}

pub fn read_or_refuse(bytes: &[u8]) -> (Vec<Entry>, Damage, Option<Refusal>) {
    let mut reader = Reader::new();
    reader.feed(bytes);
    reader.finish();
    let entries = std::iter::from_fn(|| reader.next()).collect();
    (entries, reader.damage().clone(), reader.refusal())
}

/// A recorder into the folder of recordings below this one.
pub fn recorder(state: &Path, limits: Limits) -> Recorder {
    let place = Place::Folder(state.to_owned(), limits);
    let (who, zone) = (Text::from("ada"), Text::from("Europe/Berlin"));
    let setup = Setup { place, how: How::Console, acts: true, who, zone };
    Recorder::start(setup, vec![SourceId::Logs]).unwrap()
}

/// Ends a recording, however slow the disk is.
pub fn end(recorder: Recorder) -> Option<Result<String, String>> {
    recorder.finish("left", Duration::from_secs(60))
}

/// Files of recordings, by name.
pub fn files(state: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(state.join("recordings")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "gmr"));
    files.sort();
    files
}

pub fn bytes(state: &Path) -> u64 {
    // One that is removed meanwhile takes nothing any more.
    files(state).iter().filter_map(|file| fs::metadata(file).ok()).map(|meta| meta.len()).sum()
}

/// All that was recorded in the sessions below a folder, the newest first.
pub fn sessions(state: &Path) -> Vec<Vec<u8>> {
    // A process may be killed before it has made the folder.
    let Ok(store) = Store::open(state) else { return Vec::new() };
    let all = store.kept().unwrap();
    let read = all.iter().map(|kept| {
        let mut bytes = Vec::new();
        Stream::kept(&store, kept).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    });
    read.collect()
}
