//! From entries to frames.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use serde::Serialize;

use crate::observation::{BlindSpot, Moment, Observation, Seen, SourceId, Text};

use super::{
    entry::{Entry, Header},
    frame::{self, FRAME_LIMIT, HEAD, Head, Look, VERSION},
    packing::{Packer, Unpacker},
    subject::{ended, subject},
    thinning::rounded,
};

/// Bytes of lines that wait for a frame at most.
const BATCH: usize = 32 << 10;
/// Lines of one frame.
const LINES: u16 = 256;
/// States that are known to have been written, at most; then all are written again.
const KNOWN: usize = 65_536;
/// A state that does not change is written again after so long, so that one that was lost is missing
/// for no longer: microseconds of the boot clock.
const AGAIN: u64 = 300_000_000;
/// Long ones more rarely: microseconds for each byte.
const AGAIN_PER_BYTE: u64 = 8_000;

/// Makes frames of entries. Frames come out in the order in which entries went in.
pub struct Writer {
    packer: Packer,
    /// Number of the next record.
    record: u32,
    /// Number of the next line.
    line: u32,
    /// Lines that wait for their frame.
    batch: Vec<u8>,
    count: u16,
    /// States that were seen again since the last line: lines that hold them, and milliseconds.
    still: Vec<(u32, u32)>,
    still_from: Moment,
    known: HashMap<u64, Known>,
    hasher: RandomState,
    line_bytes: u64,
    bytes: u64,
    /// Subjects among the lines that wait.
    waiting: Vec<u64>,
}

/// What was written last of a subject.
#[derive(Clone, Copy)]
struct Known {
    line: u32,
    content: u64,
    /// When it is written again although it is the same.
    again: u64,
    /// Where its frame begins in the file; not there yet while it waits.
    offset: Option<u64>,
    /// Which of its lines it is.
    index: u32,
    /// Who is blind, where that is what it says.
    blind: Option<SourceId>,
}

/// A line that confirms others.
#[derive(Serialize)]
struct Still<'a> {
    at: Moment,
    of: &'a [(u32, u32)],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a> {
    Still(Still<'a>),
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("record", &self.record).finish_non_exhaustive()
    }
}

impl Writer {
    /// A writer of one file, which begins with this header, in `out`.
    pub fn begin(header: &Header, out: &mut Vec<u8>) -> Self {
        let mut writer = Self {
            packer: Packer::new(),
            record: 0,
            line: 0,
            batch: Vec::new(),
            count: 0,
            still: Vec::new(),
            still_from: Moment::default(),
            known: HashMap::new(),
            hasher: RandomState::new(),
            line_bytes: 0,
            bytes: 0,
            waiting: Vec::new(),
        };
        writer.add(&Entry::Begin(Box::new(header.clone())), out);
        writer
    }

    /// Takes an entry. What comes often waits for [`Writer::flush`]; everything else goes to `out` at
    /// once, after what waited.
    pub fn add(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        if let Entry::Seen(seen) = entry {
            self.seen(seen, out);
        } else {
            self.push(entry, out);
            self.flush(out);
        }
    }

    /// Writes what waits, as one frame.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.close_still();
        self.frame(out);
    }

    /// Whether something waits.
    pub const fn waits(&self) -> bool {
        self.count > 0 || !self.still.is_empty()
    }

    /// Bytes of the lines that were written so far, before they were packed.
    pub const fn line_bytes(&self) -> u64 {
        self.line_bytes
    }

    /// Bytes of the frames that were made so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Begins the next file of the same session: as [`Writer::begin`], and then every state that
    /// this one has written and that still holds. `read` gives the bytes of this one's file from an
    /// offset on: as many as a frame can be, or what there is.
    #[must_use]
    pub fn go_on(
        &self,
        header: &Header,
        mut read: impl FnMut(u64) -> Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Self {
        let mut next = Self::begin(header, out);
        let mut states: Vec<(u64, u32, u64, Known)> = self
            .known
            .iter()
            .filter_map(|(key, known)| Some((known.offset?, known.index, *key, *known)))
            .collect();
        states.sort_unstable_by_key(|(offset, index, ..)| (*offset, *index));
        let mut unpacker = Unpacker::new();
        for frame in states.chunk_by(|a, b| a.0 == b.0) {
            let Some((offset, ..)) = frame.first() else { continue };
            let bytes = read(*offset);
            let Look::Frame(head, payload) = frame::look(&bytes) else { continue };
            let Some(lines) = unpacker.unpack(head.packing, payload, head.unpacked) else {
                continue;
            };
            let mut lines = lines.split(|byte| *byte == b'\n').zip(0_u32..);
            for (_, index, key, known) in frame {
                let Some((line, _)) = lines.find(|(_, at)| at == index) else { break };
                let line = next.push_text(line, out);
                next.known.insert(*key, Known { line, offset: None, ..*known });
                next.waiting.push(*key);
            }
        }
        next.flush(out);
        next
    }

    fn seen(&mut self, seen: &Observation, out: &mut Vec<u8>) {
        self.forget(seen);
        let subject = subject(seen);
        let Some(key) = subject else {
            self.push_seen(seen, out);
            if !is_frequent(&seen.seen) || self.is_full() {
                self.flush(out);
            }
            return;
        };
        let gist = rounded(&seen.seen);
        let Ok(gist) = serde_json::to_vec(gist.as_ref().unwrap_or(&seen.seen)) else { return };
        let content = self.hasher.hash_one(&gist);
        let known = self.known.get(&key).copied();
        if let Some(known) = known.filter(|k| k.content == content && seen.at.boot.0 < k.again) {
            self.still(known.line, seen.at);
            return;
        }
        let line = self.push_seen(seen, out);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        let wait = (gist.len() as u64).saturating_mul(AGAIN_PER_BYTE).max(AGAIN);
        let again = seen.at.boot.0.saturating_add(wait);
        let blind = matches!(seen.seen, Seen::Blind(_)).then_some(seen.source);
        match line {
            Some(line) => {
                self.known
                    .insert(key, Known { line, content, again, offset: None, index: 0, blind });
                self.waiting.push(key);
            }
            None => drop(self.known.remove(&key)),
        }
        if !is_frequent(&seen.seen) || self.is_full() {
            self.flush(out);
        }
    }

    /// What is gone is not carried over into the next file.
    fn forget(&mut self, seen: &Observation) {
        match &seen.seen {
            Seen::Sighted => self.known.retain(|_, known| known.blind != Some(seen.source)),
            other => {
                for key in ended(other) {
                    self.known.remove(&key);
                }
            }
        }
    }

    fn still(&mut self, line: u32, at: Moment) {
        let millis = |at: Moment, from: Moment| {
            let wall = at.wall.0.checked_sub(from.wall.0)?;
            let boot = i64::try_from(at.boot.0.checked_sub(from.boot.0)?).ok()?;
            let near = (wall - boot).abs() < 1_000;
            u32::try_from(boot / 1_000).ok().filter(|ms| near && *ms < 10_000)
        };
        let after = if self.still.is_empty() { None } else { millis(at, self.still_from) };
        let after = after.unwrap_or_else(|| {
            self.close_still();
            self.still_from = at;
            0
        });
        self.still.push((line, after));
        if self.still.len() >= 4_096 {
            self.close_still();
        }
    }

    fn close_still(&mut self) {
        if self.still.is_empty() {
            return;
        }
        let of = std::mem::take(&mut self.still);
        let line = Line::Still(Still { at: self.still_from, of: &of });
        if let Ok(line) = serde_json::to_vec(&line) {
            self.take_in(&line);
        }
    }

    /// Puts an observation among what waits, and gives the number of its line. One that no frame
    /// would hold is left out, which is a blind spot of its source.
    fn push_seen(&mut self, seen: &Observation, out: &mut Vec<u8>) -> Option<u32> {
        let text = serde_json::to_vec(&SeenLine::Seen(seen)).ok()?;
        if text.len() > BATCH && self.packer.pack(&text, FRAME_LIMIT).is_none() {
            self.push(&SeenLine::Seen(&left_out(seen)), out);
            return None;
        }
        Some(self.push_text(&text, out))
    }

    /// Puts a line among those that wait.
    fn push(&mut self, line: &impl Serialize, out: &mut Vec<u8>) {
        if let Ok(text) = serde_json::to_vec(line) {
            self.push_text(&text, out);
        }
    }

    fn push_text(&mut self, text: &[u8], out: &mut Vec<u8>) -> u32 {
        self.close_still();
        if self.count > 0 && (self.is_full() || self.batch.len() + text.len() > BATCH) {
            self.frame(out);
        }
        let number = self.line;
        self.take_in(text);
        number
    }

    const fn is_full(&self) -> bool {
        self.count >= LINES || self.batch.len() > BATCH
    }

    fn take_in(&mut self, line: &[u8]) {
        self.batch.extend(line);
        self.batch.push(b'\n');
        self.count += 1;
        self.line = self.line.wrapping_add(1);
    }

    fn frame(&mut self, out: &mut Vec<u8>) {
        if self.count == 0 {
            return;
        }
        self.line_bytes += self.batch.len() as u64;
        let first = self.line.wrapping_sub(u32::from(self.count));
        let packed = self.packer.pack(&self.batch, FRAME_LIMIT);
        for key in self.waiting.drain(..) {
            // What does not fit was left out before it came here.
            if let Some(known) = self.known.get_mut(&key).filter(|_| packed.is_some()) {
                known.offset = Some(self.bytes);
                known.index = known.line.wrapping_sub(first);
            }
        }
        if let Some((packing, payload)) = packed {
            let unpacked = self.batch.len();
            let (count, record) = (self.count, self.record);
            let head = Head { version: VERSION, packing, count, record, first, unpacked };
            frame::write(out, head, &payload);
            self.record = self.record.wrapping_add(1);
            self.bytes += (HEAD + payload.len()) as u64;
        }
        self.batch.clear();
        if self.batch.capacity() > 4 * BATCH {
            self.batch = Vec::new();
        }
        self.count = 0;
    }
}

/// An observation as a line, without a copy of it.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum SeenLine<'a> {
    Seen(&'a Observation),
}

/// What comes every second, or in floods: it may wait for others and share their frame.
const fn is_frequent(seen: &Seen) -> bool {
    matches!(
        seen,
        Seen::Log(_)
            | Seen::Access(_)
            | Seen::Traffic(_)
            | Seen::Probe(_)
            | Seen::Resolution(_)
            | Seen::Limits(_)
            | Seen::Ports(_)
            | Seen::Cgroup(_)
            | Seen::Memory(_)
            | Seen::Cpu(_)
            | Seen::Pressure(_)
            | Seen::Disk(_)
            | Seen::Swept { .. }
    )
}

fn left_out(seen: &Observation) -> Observation {
    let spot = BlindSpot {
        source: seen.source,
        what: Text::from("one observation"),
        why: Text::from("too long for a recording"),
        hides: Text::from("what it would have shown"),
        grant: Text::default(),
    };
    Observation { at: seen.at, source: seen.source, seen: Seen::Blind(spot) }
}
