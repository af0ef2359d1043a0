//! From bytes to entries.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use memchr::{memchr, memmem};
use serde::Deserialize;

use crate::observation::{Boot, Moment, Observation, Wall};

use super::{
    damage::{Damage, Refusal},
    entry::Entry,
    frame::{self, Head, Look, MAGIC, VERSION},
    lines,
    packing::Unpacker,
    subject::subject,
};

/// Bytes in which a recording has shown itself as one.
const PATIENCE: u64 = 4 << 20;
/// States that are kept for lines that confirm them: so many, of so many bytes of lines together.
const KEPT: usize = 65_536;
const KEPT_BYTES: usize = 64 << 20;
/// Payloads that are searched for a frame within, after their checksum failed. Later ones are
/// stepped over, so that no file takes longer than its length.
const SEARCHES: u32 = 1_000;
/// Confirmations in one line, and in one record: a writer makes some thousands at most.
const CONFIRMED: usize = 8_192;
const CONFIRMED_AT_ONCE: usize = 65_536;

/// Reads a recording of either kind from bytes that come in any portions. Feed it, take entries
/// until there are none, and feed it again; [`Reader::finish`] says that no more comes.
#[derive(Clone)]
pub struct Reader {
    bytes: Vec<u8>,
    /// Where in `bytes` the next frame or line is expected.
    at: usize,
    /// Where in the file `bytes` begins.
    offset: u64,
    finished: bool,
    kind: Kind,
    unpacker: Unpacker,
    /// Number of the next record; `None` before the first of a file.
    expected: u32,
    /// Where bytes that belong to no frame began.
    lost_from: Option<u64>,
    searches: u32,
    kept: Kept,
    ready: VecDeque<Ready>,
    last: Moment,
    damage: Damage,
    refusal: Option<Refusal>,
    heads_only: bool,
}

/// What has been read and not taken yet. A few bytes confirm a state of megabytes thousands of times:
/// it is copied only when it is taken.
#[derive(Clone)]
enum Ready {
    Entry(Box<Entry>),
    Again(Moment, Arc<Observation>),
}

impl Ready {
    fn entry(self) -> Entry {
        match self {
            Self::Entry(entry) => *entry,
            Self::Again(at, seen) => {
                Entry::Seen(Box::new(Observation { at, ..Arc::unwrap_or_clone(seen) }))
            }
        }
    }

    fn at(&self) -> Moment {
        match self {
            Self::Entry(entry) => entry.at(),
            Self::Again(at, _) => *at,
        }
    }
}

impl From<Entry> for Ready {
    fn from(entry: Entry) -> Self {
        Self::Entry(Box::new(entry))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Frames,
    Lines,
}

/// A line that confirms others: what they said was so again, so many milliseconds after a moment.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Confirms {
    Still { at: Moment, of: Vec<(u32, u32)> },
}

/// How such a line begins.
const STILL: &[u8] = b"{\"still\":";

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("damage", &self.damage).finish_non_exhaustive()
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader that has seen nothing yet.
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            at: 0,
            offset: 0,
            finished: false,
            kind: Kind::Unknown,
            unpacker: Unpacker::new(),
            expected: 0,
            lost_from: None,
            searches: 0,
            kept: Kept::default(),
            ready: VecDeque::new(),
            last: Moment::default(),
            damage: Damage::default(),
            refusal: None,
            heads_only: false,
        }
    }

    /// A reader of frames that gives no observations: who recorded, what was done, what it amounted
    /// to. It is several times as fast.
    pub fn heads() -> Self {
        Self { heads_only: true, ..Self::new() }
    }

    /// When the newest of what has been read was seen or done.
    pub const fn last(&self) -> Moment {
        self.last
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.refusal.is_some() {
            return;
        }
        self.bytes.drain(..self.at);
        self.offset += self.at as u64;
        self.at = 0;
        self.bytes.extend(bytes);
        self.finished = false;
    }

    /// No more bytes come, for now: what is torn at the end is lost. A file that grows can be fed
    /// on only by a reader that was not told so.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether no more comes.
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// The next entry; `None` where more bytes are needed, or all has been read.
    #[expect(clippy::should_implement_trait, reason = "it is not at its end when it gives none")]
    pub fn next(&mut self) -> Option<Entry> {
        while self.ready.is_empty() && self.refusal.is_none() && self.step() {}
        if self.refusal.is_some() {
            return None;
        }
        let entry = self.ready.pop_front()?.entry();
        self.last = entry.at();
        Some(entry)
    }

    /// What has been lost so far.
    pub const fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Why it is not read.
    pub const fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Bytes of the file that have been read.
    pub const fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// Goes on by one frame, line or damaged place. False where it needs more bytes, or is at the end.
    fn step(&mut self) -> bool {
        match self.kind {
            Kind::Unknown => self.recognise(),
            Kind::Frames => self.step_frame(),
            Kind::Lines => self.step_line(),
        }
    }

    fn recognise(&mut self) -> bool {
        match self.bytes.first() {
            None => {
                if self.finished {
                    self.refusal = Some(Refusal::NotARecording);
                }
                false
            }
            Some(b'{') => match memchr(b'\n', &self.bytes) {
                None if !self.finished && self.bytes.len() as u64 <= PATIENCE => false,
                end => {
                    let line = end.and_then(|end| self.bytes.get(..end));
                    match line.and_then(lines::header).zip(end) {
                        Some((header, end)) => {
                            self.ready.push_back(header.into());
                            self.kind = Kind::Lines;
                            self.at = end + 1;
                        }
                        // The first byte of a frame may be the damaged one.
                        None => self.kind = Kind::Frames,
                    }
                    true
                }
            },
            Some(_) => {
                self.kind = Kind::Frames;
                true
            }
        }
    }

    fn step_line(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = memchr(b'\n', rest);
        let (line, whole) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), end + 1),
            None if rest.len() > lines::LONGEST || (self.finished && !rest.is_empty()) => {
                (rest, rest.len())
            }
            None => return false,
        };
        match lines::line(line) {
            Some(entry) => self.ready.push_back(entry.into()),
            None if line.is_empty() => {}
            None if end.is_none() => {
                self.damage.torn = true;
                self.lost(1, self.position());
            }
            None if serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok() => {
                self.damage.unknown += 1;
            }
            None => {
                self.damage.bytes += whole as u64;
                self.lost(1, self.position());
            }
        }
        self.at += whole;
        true
    }

    fn step_frame(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match frame::look(rest) {
            Look::Frame(head, payload) => {
                let whole = frame::HEAD + payload.len();
                let lines = if head.version > VERSION {
                    self.refusal = Some(Refusal::Newer(head.version));
                    return false;
                } else {
                    self.unpacker.unpack(head.packing, payload, head.unpacked)
                };
                self.found(head);
                if let Some(lines) = lines {
                    self.take(head, &lines);
                } else {
                    self.damage.bytes += whole as u64;
                    self.lost(1, self.position());
                }
                self.at += whole;
                true
            }
            Look::Damaged(whole) => {
                self.lost_from.get_or_insert(self.offset + self.at as u64);
                self.searches += 1;
                self.at += if self.searches > SEARCHES { whole } else { 1 };
                true
            }
            Look::Torn if !self.finished => false,
            Look::Torn if rest.is_empty() => {
                self.at_end();
                false
            }
            Look::Torn => {
                self.damage.torn = true;
                self.search(1)
            }
            Look::Nothing => self.search(1),
        }
    }

    /// Steps to where a frame may begin, at least so many bytes on.
    fn search(&mut self, least: usize) -> bool {
        let here = self.position();
        self.lost_from.get_or_insert(here);
        let rest = self.bytes.get(self.at + least..).unwrap_or_default();
        let next = memmem::find(rest, &MAGIC);
        // The end may be the first bytes of a magic.
        let kept = if self.finished { 0 } else { MAGIC.len() - 1 };
        self.at += least + next.unwrap_or(rest.len().saturating_sub(kept));
        let none_yet = self.damage.records == 0 && self.expected == 0 && self.kept.map.is_empty();
        if none_yet && self.position() > PATIENCE {
            self.refusal = Some(Refusal::NotARecording);
        }
        next.is_some() || self.finished
    }

    /// Nothing comes any more: what was being searched through is lost.
    fn at_end(&mut self) {
        if let Some(from) = self.lost_from.take() {
            if self.expected == 0 {
                self.refusal = Some(Refusal::NotARecording);
                return;
            }
            self.damage.bytes += self.position() - from;
            self.lost(1, from);
        }
    }

    /// A whole frame: what is missing before it is known by its number.
    fn found(&mut self, head: Head) {
        let here = self.position();
        let from = self.lost_from.take();
        if let Some(from) = from {
            self.damage.bytes += here - from;
        }
        // The first record of a file that was put behind another one.
        let restarts = head.record == 0 && self.expected > 0;
        if restarts {
            self.kept = Kept::default();
        }
        let missing = if restarts { 0 } else { head.record.saturating_sub(self.expected) };
        let missing = u64::from(missing).max(u64::from(from.is_some()));
        if missing > 0 {
            self.lost(missing, from.unwrap_or(here));
        }
        self.expected = head.record.saturating_add(1);
        // Searched through in vain, it breaks off before another file that follows.
        self.damage.torn = false;
    }

    fn lost(&mut self, records: u64, place: u64) {
        self.damage.records += records;
        self.damage.at(place);
        let at = self.ready.back().map_or(self.last, Ready::at);
        self.ready.push_back(Entry::Lost { at, records, place }.into());
    }

    /// Takes the lines of a frame.
    fn take(&mut self, head: Head, payload: &[u8]) {
        let lines = payload.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let numbers = (0_u32..).map(|n| head.first.wrapping_add(n));
        let mut room = CONFIRMED_AT_ONCE;
        for (number, line) in numbers.zip(lines.take(usize::from(head.count))) {
            if self.heads_only && !is_head(line) {
                self.last = moment(line).unwrap_or(self.last);
                continue;
            }
            if line.starts_with(STILL) {
                match serde_json::from_slice(line) {
                    Ok(Confirms::Still { at, of }) => self.still(at, &of, &mut room),
                    Err(_) => self.damage.unknown += 1,
                }
                continue;
            }
            let read = if lines::is_dense(line) { None } else { serde_json::from_slice(line).ok() };
            match read {
                Some(entry) => {
                    match &entry {
                        Entry::Seen(seen) => self.kept.keep(number, line.len(), seen),
                        // Of the file that this one was made from.
                        Entry::Lost { records, .. } => {
                            self.damage.records = self.damage.records.saturating_add(*records);
                        }
                        _ => {}
                    }
                    self.ready.push_back(entry.into());
                }
                None => self.damage.unknown += 1,
            }
        }
    }

    fn still(&mut self, from: Moment, of: &[(u32, u32)], room: &mut usize) {
        let most = CONFIRMED.min(*room);
        *room -= of.len().min(most);
        self.damage.unresolved += of.len().saturating_sub(most) as u64;
        for (line, millis) in of.iter().take(most) {
            let micros = u64::from(*millis) * 1_000;
            let at = Moment {
                wall: Wall(from.wall.0.saturating_add_unsigned(micros)),
                boot: Boot(from.boot.0.saturating_add(micros)),
            };
            match self.kept.map.get(line) {
                Some((_, seen)) => self.ready.push_back(Ready::Again(at, Arc::clone(seen))),
                None => self.damage.unresolved += 1,
            }
        }
    }
}

/// Whether a line is more than an observation.
fn is_head(line: &[u8]) -> bool {
    !line.starts_with(b"{\"seen\":") && !line.starts_with(STILL)
}

/// The moment that a line of ours begins with.
fn moment(line: &[u8]) -> Option<Moment> {
    let inner = line.get(memchr(b':', line)? + 1..)?;
    let rest = inner.strip_prefix(b"{\"at\":")?;
    serde_json::from_slice(rest.get(..=memchr(b'}', rest)?)?).ok()
}

/// States by the number of their line; the newest of each subject.
#[derive(Clone, Default)]
struct Kept {
    map: HashMap<u32, (usize, Arc<Observation>)>,
    newest: HashMap<u64, u32>,
    bytes: usize,
}

impl Kept {
    fn keep(&mut self, line: u32, bytes: usize, seen: &Observation) {
        let Some(subject) = subject(seen) else { return };
        if self.map.len() >= KEPT || self.bytes + bytes > KEPT_BYTES {
            *self = Self::default();
        }
        if let Some(old) = self.newest.insert(subject, line)
            && let Some((bytes, _)) = self.map.remove(&old)
        {
            self.bytes -= bytes;
        }
        if let Some((old, _)) = self.map.insert(line, (bytes, Arc::new(seen.clone()))) {
            self.bytes -= old;
        }
        self.bytes += bytes;
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
