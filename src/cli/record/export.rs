//! One file of a recording, to be handed on.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    io::{self, Read, Write},
};

use jiff::tz::TimeZone;

use crate::{
    host::{clock, files, hostname::hostname},
    observation::{Text, Wall},
    session::{
        logs::moment,
        recording::{Entry, Header, LINES_SCHEMA, Reader, Refusal, Retag, Writer, subject},
    },
};

use super::{
    arguments::{RecordArguments, RecordFormat, refuse},
    list::PORTION,
    named::Named,
};
use crate::cli::{Arguments, Exit, output};

/// States of before the time that was asked for: so many.
const STATES: usize = 65_536;
/// Bytes that wait to be written.
const WRITE: usize = 1 << 20;

/// `record --export`.
pub(super) fn run(own: &RecordArguments, arguments: &Arguments) -> Result<Exit, Exit> {
    let (Some(which), Some(path)) = (&own.export, &own.to) else { return Err(Exit::Usage) };
    if own.output == Some(RecordFormat::Text) {
        return Err(refuse(Exit::Usage, "a copy is written as a recording or as json"));
    }
    let (zone, now) = (TimeZone::system(), clock::now().wall);
    let time = |text: &Option<String>| match text {
        Some(text) => moment(text, now, &zone)
            .map(Some)
            .map_err(|why| refuse(Exit::Usage, &format!("{text:?} is no time: {why}"))),
        None => Ok(None),
    };
    let span = (time(&own.since)?, time(&own.until)?);
    let named = Named::find(which, arguments)?;
    let stream = named.read()?;
    let name = hostname();
    let salt = salt();
    let mut retag = Retag::new(&salt);
    if own.hide_host {
        retag = retag.hiding(&name);
    }
    let file = files::create_new(path).map_err(|error| {
        refuse(Exit::Output, &format!("failed to create {}: {error}", path.display()))
    })?;
    let copy = Copy {
        out: Out { file, waiting: Vec::new() },
        as_lines: own.output == Some(RecordFormat::Json),
        retag,
        hide_host: own.hide_host,
        writer: None,
        span,
        states: BTreeMap::new(),
        copied: 0,
    };
    match copy.run(stream) {
        Ok((copied, damage)) => {
            output::note(&format!("{copied} observations and deeds in {}", path.display()));
            if !damage.is_empty() {
                output::note(&format!("missing: {damage}"));
            }
            Ok(Exit::Success)
        }
        Err(why) => {
            // Nobody shall mail a half.
            files::take_back(path);
            Err(match why {
                Failed::Read(error) => named.failed(&error),
                Failed::Refused(why) => named.refused(&why),
                Failed::Write(why) => {
                    refuse(Exit::Output, &format!("failed to write {}: {why}", path.display()))
                }
            })
        }
    }
}

/// Made anew for each copy, of the randomness that keys the tables of this process.
fn salt() -> [u8; 16] {
    let state = RandomState::new();
    (u128::from(state.hash_one(0_u8)) << 64 | u128::from(state.hash_one(1_u8))).to_le_bytes()
}

/// Why there is no copy.
enum Failed {
    Read(io::Error),
    Refused(Refusal),
    Write(String),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error.to_string())
    }
}

struct Copy {
    out: Out,
    as_lines: bool,
    retag: Retag,
    hide_host: bool,
    writer: Option<Writer>,
    span: (Option<Wall>, Option<Wall>),
    /// What held before the time that was asked for: by subject, in the order in which it was seen.
    states: BTreeMap<u64, (u64, Entry)>,
    copied: u64,
}

struct Out {
    file: std::fs::File,
    waiting: Vec<u8>,
}

impl Out {
    fn write(&mut self, all: bool) -> io::Result<()> {
        if all || self.waiting.len() >= WRITE {
            self.file.write_all(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

impl Copy {
    fn run(mut self, mut stream: Box<dyn Read + '_>) -> Result<(u64, String), Failed> {
        let mut reader = Reader::new();
        let mut portion = vec![0; PORTION];
        while !reader.is_finished() {
            match stream.read(&mut portion).map_err(Failed::Read)? {
                0 => reader.finish(),
                read => reader.feed(portion.get(..read).unwrap_or_default()),
            }
            while let Some(entry) = reader.next() {
                self.entry(entry)?;
            }
            if let Some(refusal) = reader.refusal() {
                return Err(Failed::Refused(refusal));
            }
        }
        self.open()?;
        if let Some(writer) = &mut self.writer {
            writer.flush(&mut self.out.waiting);
        }
        self.out.write(true)?;
        self.out.file.sync_all()?;
        Ok((self.copied, reader.damage().words()))
    }

    fn entry(&mut self, entry: Entry) -> Result<(), Failed> {
        let entry = match entry {
            // The parts of a session become one.
            Entry::Begin(_) if self.writer.is_some() || self.copied > 0 => return Ok(()),
            Entry::Begin(header) => return self.begin(*header),
            other => other,
        };
        let at = entry.at().wall;
        if self.span.1.is_some_and(|until| at > until) {
            return Ok(());
        }
        if self.span.0.is_some_and(|since| at < since) {
            self.remember(entry);
            return Ok(());
        }
        self.open()?;
        self.put(&entry)
    }

    /// Keeps what is still so when the time that was asked for begins.
    fn remember(&mut self, entry: Entry) {
        if let Entry::Seen(seen) = &entry
            && let Some(subject) = subject(seen)
            && self.states.len() < STATES
        {
            let order = self.states.len() as u64;
            self.states.insert(subject, (order, entry));
        }
    }

    /// Writes what was remembered, once.
    fn open(&mut self) -> Result<(), Failed> {
        let mut states: Vec<(u64, Entry)> =
            std::mem::take(&mut self.states).into_values().collect();
        states.sort_by_key(|(order, entry)| (entry.at().boot, *order));
        for (_, entry) in states {
            self.put(&entry)?;
        }
        Ok(())
    }

    fn begin(&mut self, header: Header) -> Result<(), Failed> {
        if self.hide_host {
            self.retag = self.retag.clone().hiding(header.host.raw());
        }
        let header = Header { redaction: Text::default(), ..header };
        let Some(Entry::Begin(mut header)) = self.retag.entry(&Entry::Begin(Box::new(header)))
        else {
            return Err(Failed::Write("its head cannot be copied".to_owned()));
        };
        if self.hide_host {
            header.host = Text::default();
        }
        if self.as_lines {
            let line = serde_json::json!({
                "schema": LINES_SCHEMA, "composed": header.composed, "recording": *header,
            });
            self.out.waiting.extend(line.to_string().as_bytes());
            self.out.waiting.push(b'\n');
            self.copied = 1;
        } else {
            self.writer = Some(Writer::begin(&header, &mut self.out.waiting));
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry) -> Result<(), Failed> {
        let Some(entry) = self.retag.entry(entry) else { return Ok(()) };
        if self.writer.is_none() && self.copied == 0 {
            // Its head is lost.
            self.begin(Header::default())?;
        }
        self.copied += 1;
        match (&mut self.writer, &entry) {
            (Some(writer), entry) => writer.add(entry, &mut self.out.waiting),
            (None, Entry::Seen(seen)) => {
                let written = serde_json::to_writer(&mut self.out.waiting, seen);
                written.map_err(|error| Failed::Write(error.to_string()))?;
                self.out.waiting.push(b'\n');
            }
            (None, _) => {}
        }
        Ok(self.out.write(false)?)
    }
}
