//! Lines side by side in one piece of memory.

use std::sync::Arc;

use crate::{
    evidence::SignatureId,
    observation::{Origin, Program, Wall},
};

use super::{Level, headline};

/// What a line of the ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A line that a program wrote.
    #[default]
    Written,
    /// A request that failed, from an access log.
    Request,
    /// Something that the kernel or the container engine reported.
    Event,
    /// Lines that were lost.
    Gap,
}

/// Where lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSource {
    /// Program, unit, container or file in one word. Hostile text: [`crate::observation::Clean`].
    pub name: String,
    /// Who wrote them.
    pub program: Program,
    /// Where they were read.
    pub origin: Origin,
    pub(super) kind: Kind,
}

/// One line, as the ring holds it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number: lines are numbered in the order in which they came.
    pub seq: u64,
    /// When it was written.
    pub at: Wall,
    /// Where it stands in time: a stamp in the future counts as the moment of reading.
    pub order: Wall,
    /// Where it comes from.
    pub source: &'a LineSource,
    /// What it is.
    pub kind: Kind,
    /// How bad it says it is.
    pub level: Level,
    /// Status of a request; 0 for anything else.
    pub status: u16,
    /// What it was recognised as.
    pub signature: Option<SignatureId>,
    /// Upstream that it names; empty when it names none. Hostile text.
    pub upstream: &'a str,
    /// The line: redacted, not sanitised, for matching only.
    pub raw: &'a str,
}

impl<'a> Line<'a> {
    /// The line without what the columns show; not sanitised.
    pub fn headline(&self) -> &'a str {
        match self.kind {
            Kind::Request => self.raw.split_once(' ').map_or(self.raw, |(_, rest)| rest),
            Kind::Written => headline(self.source.program, self.raw),
            Kind::Event | Kind::Gap => self.raw,
        }
    }

    /// Whether it tells of a failure: its level, a failed request, a signature that is one.
    pub fn is_error(&self) -> bool {
        self.level.is_error()
    }

    /// A copy that outlives the ring.
    pub fn pin(&self) -> Pinned {
        let source = Arc::new(self.source.clone());
        let mut chunk = Chunk::new(self.seq);
        chunk.add(&source, &Part::of(self));
        chunk.shrink();
        Pinned(chunk)
    }
}

/// A line on its own, kept while the ring forgets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pinned(Chunk);

impl Pinned {
    /// The line.
    pub fn line(&self) -> Option<Line<'_>> {
        self.0.line(self.0.first)
    }
}

/// A line on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) at: Wall,
    pub(super) order: Wall,
    pub(super) kind: Kind,
    pub(super) level: Level,
    pub(super) status: u16,
    pub(super) signature: Option<SignatureId>,
    pub(super) upstream: &'a str,
    pub(super) raw: &'a str,
}

impl<'a> Part<'a> {
    const fn of(line: &Line<'a>) -> Self {
        Self {
            at: line.at,
            order: line.order,
            kind: line.kind,
            level: line.level,
            status: line.status,
            signature: line.signature,
            upstream: line.upstream,
            raw: line.raw,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    at: Wall,
    order: Wall,
    /// Where its text ends in the chunk's.
    end: u32,
    /// Bytes at the end of its text that name the upstream.
    upstream: u16,
    source: u16,
    status: u16,
    level: Level,
    kind: Kind,
    signature: Option<SignatureId>,
}

/// Neighbouring lines: one piece of text, one table of entries.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chunk {
    pub(super) first: u64,
    text: String,
    entries: Vec<Entry>,
    sources: Vec<Arc<LineSource>>,
}

impl Chunk {
    pub(super) const fn new(first: u64) -> Self {
        Self { first, text: String::new(), entries: Vec::new(), sources: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Bytes that it occupies, names of sources counted roughly.
    pub(super) const fn bytes(&self) -> usize {
        const SOURCE: usize = 200;
        size_of::<Self>()
            + self.text.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.sources.len() * SOURCE
    }

    /// Gives back what it has reserved and does not need.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.sources.shrink_to_fit();
    }

    pub(super) fn source(&self, of: impl Fn(&LineSource) -> bool) -> Option<Arc<LineSource>> {
        self.sources.iter().find(|source| of(source)).cloned()
    }

    pub(super) fn add(&mut self, source: &Arc<LineSource>, part: &Part<'_>) {
        let known = self.sources.iter().rposition(|known| Arc::ptr_eq(known, source));
        let at = known.unwrap_or_else(|| {
            self.sources.push(Arc::clone(source));
            self.sources.len() - 1
        });
        self.text.push_str(part.raw);
        self.text.push_str(part.upstream);
        self.entries.push(Entry {
            at: part.at,
            order: part.order,
            end: u32::try_from(self.text.len()).unwrap_or(u32::MAX),
            upstream: u16::try_from(part.upstream.len()).unwrap_or(u16::MAX),
            source: u16::try_from(at).unwrap_or(u16::MAX),
            status: part.status,
            level: part.level,
            kind: part.kind,
            signature: part.signature,
        });
    }

    /// The line with this number.
    pub(super) fn line(&self, seq: u64) -> Option<Line<'_>> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get(at)?;
        let before = at.checked_sub(1).and_then(|at| self.entries.get(at));
        let start = before.map_or(0, |before| before.end as usize);
        let end = entry.end as usize;
        let text_end = end.checked_sub(usize::from(entry.upstream))?;
        Some(Line {
            seq,
            at: entry.at,
            order: entry.order,
            source: self.sources.get(usize::from(entry.source))?,
            kind: entry.kind,
            level: entry.level,
            status: entry.status,
            signature: entry.signature,
            upstream: self.text.get(text_end..end)?,
            raw: self.text.get(start..text_end)?,
        })
    }
}
