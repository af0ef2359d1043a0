//! The ring: bounded by lines and by bytes, numbered, cheap to hold still.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    evidence::SignatureId,
    observation::{
        AccessEntry, ContainerEvent, Gap, KernelKill, LogLine, Origin, Program, Segfault, SourceId,
        Text, Wall,
    },
};

use super::{
    Level, Line, LineSource,
    chunk::{Chunk, Kind, Part},
    name::{name, reads_lines},
};

/// Most lines that are kept.
pub const MOST_LINES: usize = 20_000;
/// Most bytes that all kept lines occupy.
pub const MOST_BYTES: usize = 4 << 20;
/// A longer line is cut to so many bytes, and says so.
pub const LINE_LIMIT: usize = 8 * 1024;
/// Lines and bytes of text that one chunk holds; whole chunks are forgotten.
const CHUNK_LINES: usize = 256;
const CHUNK_TEXT: usize = 32 * 1024;
/// Longest name of an upstream.
const UPSTREAM_LIMIT: usize = 128;
/// A stamp may be so far ahead of the clock of this host.
const AHEAD_SECS: i64 = 2;

/// The newest lines of all logs in the order in which they came. Chunks are shared between copies,
/// so that holding the picture still copies no text. Nothing is reserved before the first line.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    chunks: VecDeque<Arc<Chunk>>,
    next: u64,
    /// Of all chunks but the last one.
    closed_bytes: usize,
    line_limit: usize,
    byte_limit: usize,
    chunk_limit: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self::bounded(MOST_LINES, MOST_BYTES, CHUNK_LINES)
    }
}

/// A log line with what the log book found in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewLine<'a> {
    /// The line.
    pub(crate) line: &'a LogLine,
    /// When it was written.
    pub(crate) at: Wall,
    /// When it was read.
    pub(crate) seen: Wall,
    /// What it was recognised as.
    pub(crate) signature: Option<SignatureId>,
    /// Upstream that it names.
    pub(crate) upstream: &'a str,
    /// Name of the container that it comes from, when that is known.
    pub(crate) container: Option<&'a str>,
}

impl Lines {
    pub(crate) const fn bounded(lines: usize, bytes: usize, chunk: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            next: 0,
            closed_bytes: 0,
            line_limit: lines,
            byte_limit: bytes,
            chunk_limit: chunk,
        }
    }

    /// The number of the oldest line that is kept.
    pub fn first(&self) -> u64 {
        self.chunks.front().map_or(self.next, |chunk| chunk.first)
    }

    /// The number that the next line will have: so many came so far.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Lines kept.
    pub fn len(&self) -> usize {
        usize::try_from(self.next - self.first()).unwrap_or(usize::MAX)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Bytes that the lines occupy.
    pub fn bytes(&self) -> usize {
        self.closed_bytes + self.chunks.back().map_or(0, |chunk| chunk.bytes())
    }

    /// The line with this number, while it is kept.
    pub fn get(&self, seq: u64) -> Option<Line<'_>> {
        self.chunk_of(seq)?.line(seq)
    }

    /// The lines from this number on, in the order in which they came.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = Line<'_>> {
        let from = seq.max(self.first());
        let at = self.chunks.partition_point(|chunk| chunk.first <= from).saturating_sub(1);
        let chunks = self.chunks.iter().skip(at);
        chunks.flat_map(move |chunk| {
            let end = chunk.first + chunk.len() as u64;
            (chunk.first.max(from)..end).filter_map(|seq| chunk.line(seq))
        })
    }

    fn chunk_of(&self, seq: u64) -> Option<&Chunk> {
        let at = self.chunks.partition_point(|chunk| chunk.first <= seq).checked_sub(1)?;
        self.chunks.get(at).map(Arc::as_ref)
    }

    /// Takes a log line in.
    pub(crate) fn log(&mut self, new: &NewLine<'_>) {
        let (program, origin) = (new.line.program, &new.line.origin);
        let raw = new.line.text.raw();
        let failure = new.signature.is_some_and(SignatureId::is_failure);
        let level =
            Level::of(program, raw).max(if failure { Level::Error } else { Level::Unknown });
        let part = Part {
            level,
            signature: new.signature,
            upstream: new.upstream,
            ..plain(new.at, new.seen, Kind::Written, raw)
        };
        self.push((program, origin), new.container, &part);
    }

    /// Takes a failed request in.
    pub(crate) fn request(&mut self, entry: &AccessEntry, seen: Wall) {
        let mut text = format!("{} {}", entry.status, entry.request.raw());
        if let Some(host) = &entry.host {
            text = format!("{text}, host: {}", host.raw());
        }
        if let Some(status) = &entry.upstream_status {
            text = format!("{text}, upstream said: {}", status.raw());
        }
        if let Some(ms) = entry.request_ms {
            text = format!("{text}, took: {ms} ms");
        }
        let upstream = entry.upstream_addr.as_ref().map(Text::raw).unwrap_or_default();
        let part = Part {
            level: if entry.status >= 500 { Level::Error } else { Level::Warn },
            status: entry.status,
            upstream,
            ..plain(entry.at, seen, Kind::Request, &text)
        };
        let origin = Origin::File(entry.log.clone());
        self.push((Program::Nginx, &origin), None, &part);
    }

    /// Takes a memory kill in.
    pub(crate) fn kill(&mut self, kill: &KernelKill, seen: Wall) {
        let part =
            Part { level: Level::Crit, ..plain(kill.at, seen, Kind::Event, kill.text.raw()) };
        self.push((Program::Kernel, &Origin::KernelLog), None, &part);
    }

    /// Takes a crash in.
    pub(crate) fn segfault(&mut self, fault: &Segfault, seen: Wall) {
        let part =
            Part { level: Level::Error, ..plain(fault.at, seen, Kind::Event, fault.text.raw()) };
        self.push((Program::Kernel, &Origin::KernelLog), None, &part);
    }

    /// Takes an event of a container in.
    pub(crate) fn container(&mut self, event: &ContainerEvent, seen: Wall) {
        let bad = event.exit_code.is_some_and(|code| code != 0) || event.action.raw() == "oom";
        let exit = event.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
        let text = format!("container {}: {}{exit}", event.name.raw(), event.action.raw());
        let level = if bad { Level::Error } else { Level::Notice };
        let part = Part { level, ..plain(event.at, seen, Kind::Event, &text) };
        let origin = Origin::Docker(event.id.clone());
        self.push((Program::Docker, &origin), Some(event.name.raw()), &part);
    }

    /// Takes in that lines were lost; other losses are no matter of the logs.
    pub(crate) fn gap(&mut self, source: SourceId, gap: &Gap, seen: Wall) {
        if !reads_lines(source) {
            return;
        }
        let lost = match (gap.lines, gap.bytes) {
            (0, 0) => "lines were lost here".to_owned(),
            (0, bytes) => format!("{bytes} bytes were lost here"),
            (1, _) => "1 line was lost here".to_owned(),
            (lines, _) => format!("{lines} lines were lost here"),
        };
        let text = format!("… {lost}: {} ({})", gap.why.raw(), gap.what.raw());
        let part = Part { level: Level::Warn, ..plain(seen, seen, Kind::Gap, &text) };
        let (program, origin) = match source {
            SourceId::Kernel => (Program::Kernel, Origin::KernelLog),
            SourceId::Docker => (Program::Docker, Origin::Path(gap.what.clone())),
            _ => (Program::Application, Origin::Path(gap.what.clone())),
        };
        self.push((program, &origin), None, &part);
    }

    fn push(
        &mut self,
        (program, origin): (Program, &Origin),
        container: Option<&str>,
        part: &Part<'_>,
    ) {
        let (cut, upstream);
        let mut part = *part;
        if part.raw.len() > LINE_LIMIT {
            let head = head_of(part.raw, LINE_LIMIT);
            cut = format!("{head}… [cut at {LINE_LIMIT} of {} bytes]", part.raw.len());
            part.raw = &cut;
        }
        if part.upstream.len() > UPSTREAM_LIMIT {
            upstream = format!("{}…", head_of(part.upstream, UPSTREAM_LIMIT));
            part.upstream = &upstream;
        }
        let same =
            |s: &LineSource| s.kind == part.kind && s.program == program && s.origin == *origin;
        let known = self.chunks.iter().rev().take(2).find_map(|chunk| chunk.source(same));
        let source = known.unwrap_or_else(|| {
            let name = match part.kind {
                Kind::Request => "access".to_owned(),
                _ => name(program, origin, container),
            };
            Arc::new(LineSource { name, program, origin: origin.clone(), kind: part.kind })
        });
        self.room(part.raw.len());
        if let Some(last) = self.chunks.back_mut() {
            Arc::make_mut(last).add(&source, &part);
            self.next += 1;
        }
        self.forget();
    }

    /// Makes sure that the last chunk has room.
    fn room(&mut self, len: usize) {
        let is_full = |chunk: &Arc<Chunk>| {
            chunk.len() >= self.chunk_limit
                || chunk.len() > 0 && chunk.text_len() + len > CHUNK_TEXT
        };
        if self.chunks.back().is_none_or(is_full) {
            if let Some(last) = self.chunks.back_mut() {
                Arc::make_mut(last).shrink();
                self.closed_bytes += last.bytes();
            }
            self.chunks.push_back(Arc::new(Chunk::new(self.next)));
        }
    }

    /// Forgets the oldest chunks until both bounds hold.
    fn forget(&mut self) {
        while self.chunks.len() > 1
            && (self.len() > self.line_limit || self.bytes() > self.byte_limit)
        {
            let Some(oldest) = self.chunks.pop_front() else { return };
            self.closed_bytes = self.closed_bytes.saturating_sub(oldest.bytes());
        }
    }
}

fn plain(at: Wall, seen: Wall, kind: Kind, raw: &str) -> Part<'_> {
    let order = if at > seen.plus_secs(AHEAD_SECS) { seen } else { at };
    Part { at, order, kind, level: Level::Unknown, status: 0, signature: None, upstream: "", raw }
}

fn head_of(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque as Deque;

    use proptest::prelude::*;

    use super::*;

    fn line(origin: &str, text: &str) -> LogLine {
        LogLine {
            program: Program::Application,
            origin: Origin::File(Text::new(origin)),
            gateway: None,
            at: None,
            text: Text::new(text),
        }
    }

    fn push(lines: &mut Lines, origin: &str, text: &str, at: i64) {
        let (at, seen) = (Wall::from_secs(at), Wall::from_secs(1_000));
        let line = line(origin, text);
        let new = NewLine { line: &line, at, seen, signature: None, upstream: "", container: None };
        lines.log(&new);
    }

    #[test]
    fn an_empty_ring_costs_nothing_and_a_full_one_stays_within_its_bounds() {
        let mut lines = Lines::default();
        assert_eq!((lines.bytes(), lines.len(), lines.chunks.capacity()), (0, 0, 0));
        for n in 0..MOST_LINES * 2 {
            push(&mut lines, "/var/log/a.log", &format!("line {n}"), 1);
        }
        assert!(lines.len() <= MOST_LINES && lines.len() > MOST_LINES - 2 * CHUNK_LINES);
        for n in 0..3_000 {
            push(&mut lines, &format!("/var/log/{n}.log"), &"x".repeat(20_000), 1);
            assert!(lines.bytes() <= MOST_BYTES);
        }
        assert!(lines.len() > 300);
        let last = lines.get(lines.next() - 1).unwrap();
        assert!(last.raw.ends_with("… [cut at 8192 of 20000 bytes]"));
    }

    #[test]
    fn a_copy_shares_its_text_and_stays_as_it_was() {
        let mut lines = Lines::default();
        for n in 0..1_000 {
            push(&mut lines, "/a", &format!("line {n}"), n);
        }
        let held = lines.clone();
        for n in 0..50_000 {
            push(&mut lines, "/b", "flood", n);
        }
        assert_eq!(held.get(0).unwrap().raw, "line 0");
        assert_eq!(held.len(), 1_000);
        assert!(lines.get(0).is_none());
        let shared = held.clone();
        assert!(held.chunks.iter().zip(&shared.chunks).all(|(a, b)| Arc::ptr_eq(a, b)));
    }

    #[test]
    fn a_stamp_from_the_future_stands_where_it_was_read_and_keeps_its_stamp() {
        let mut lines = Lines::default();
        push(&mut lines, "/a", "x", 5_000);
        let line = lines.get(0).unwrap();
        assert_eq!((line.order, line.at), (Wall::from_secs(1_000), Wall::from_secs(5_000)));
    }

    #[test]
    fn a_loss_of_lines_is_a_line_and_a_loss_of_anything_else_is_none() {
        let mut lines = Lines::default();
        let gap = Gap {
            source: SourceId::Logs,
            what: Text::new("/var/log/nginx/error.log"),
            lines: 312,
            bytes: 0,
            why: Text::new("they came too fast"),
        };
        lines.gap(SourceId::Logs, &gap, Wall(5));
        lines.gap(SourceId::Disks, &gap, Wall(5));
        assert_eq!(lines.len(), 1);
        let told = lines.get(0).unwrap();
        assert_eq!(told.kind, Kind::Gap);
        assert!(told.raw.starts_with("… 312 lines were lost here: they came too fast"));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_newest_in_order(
            texts in proptest::collection::vec("[a-zé]{0,12}", 0..40), repeat in 1_usize..60,
        ) {
            let mut lines = Lines::default();
            let mut naive: Deque<String> = Deque::new();
            for _ in 0..repeat {
                for (n, text) in texts.iter().enumerate() {
                    push(&mut lines, if n % 3 == 0 { "/a" } else { "/b" }, text, 1);
                    naive.push_back(text.clone());
                }
            }
            let first = usize::try_from(lines.first()).unwrap();
            let kept: Vec<&str> = lines.since(0).map(|line| line.raw).collect();
            prop_assert_eq!(kept.len(), lines.len());
            prop_assert!(kept.iter().eq(naive.iter().skip(first)));
            for seq in 0..lines.next() {
                let one = lines.get(seq);
                prop_assert_eq!(one.is_some(), seq >= lines.first());
                let pinned = one.as_ref().map(Line::pin);
                let pinned = pinned.as_ref().and_then(crate::evidence::lines::Pinned::line);
                prop_assert_eq!(pinned.map(|l| (l.seq, l.raw)), one.map(|l| (l.seq, l.raw)));
            }
        }
    }
}
