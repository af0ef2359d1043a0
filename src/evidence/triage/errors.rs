//! Error lines folded by what they say.
//!
//! A line's message is hashed with its numbers and quoted texts left out; only the first line of a
//! hash is compared with the signatures. Different hashes of one signature are one group.

use std::collections::{BTreeMap, HashMap};

use memchr::memmem;

use crate::{
    evidence::{SignatureId, Signatures, StampReader, lines::Level},
    observation::{Program, Text, TriagedError, Wall},
};

use super::rank::Rank;

/// Hashes remembered; when there are more, all are forgotten and learned again.
const HASHES: usize = 8_192;
/// Groups kept; lines of further ones are counted together.
const GROUPS: usize = 512;
/// Groups shown.
const SHOWN: usize = 20;
/// Longest sample kept, in bytes.
const SAMPLE: usize = 600;
/// A line is recognised by its first bytes.
const LOOKED_AT: usize = 4_096;
/// Minutes of failures kept.
const MINUTES: usize = super::tally::MINUTES;

#[derive(Clone, Debug)]
struct Group {
    program: Program,
    signature: Option<SignatureId>,
    failure: bool,
    count: u64,
    span: Option<(Wall, Wall)>,
    sample: Vec<u8>,
}

/// Counts of error lines; those of several readers can be added up.
#[derive(Clone, Debug, Default)]
pub struct ErrorTally {
    known: HashMap<u64, u32>,
    by_key: HashMap<String, u32>,
    groups: Vec<Group>,
    pub(super) minutes: BTreeMap<i64, (u32, Wall, Wall)>,
    pub(super) upstreams: Rank,
    pub(super) lines: u64,
    pub(super) failures: u64,
    /// Lines that belong to no group that is kept.
    pub(super) ungrouped: u64,
}

/// The group of lines that mean nothing.
const QUIET: u32 = u32::MAX;
/// The group of lines for which there was no room.
const FULL: u32 = u32::MAX - 1;

/// Reads the stamps of one log; most lines have that of the line before.
#[derive(Debug)]
pub(super) struct LastStamp {
    stamps: StampReader,
    head: [u8; 26],
    at: Option<Wall>,
}

impl LastStamp {
    pub(super) const fn new(stamps: StampReader) -> Self {
        Self { stamps, head: [0; 26], at: None }
    }

    /// When a line was written; one without a stamp belongs to the line before.
    fn read(&mut self, program: Program, line: &[u8], now: Wall) -> Option<Wall> {
        let reach = if program == Program::Nginx { 19 } else { 26 };
        let head = line.get(..reach)?;
        if self.head.get(..reach) == Some(head) {
            return self.at;
        }
        let read = match program {
            Program::Nginx => self.stamps.nginx_error(line, now),
            _ => self.stamps.application(line, now),
        };
        if read.is_some() {
            self.at = read;
            for (slot, byte) in self.head.iter_mut().zip(head) {
                *slot = *byte;
            }
        }
        self.at
    }
}

impl ErrorTally {
    /// Counts one line.
    pub(super) fn line(
        &mut self,
        program: Program,
        line: &[u8],
        stamp: &mut LastStamp,
        (now, since, until): (Wall, Option<Wall>, Option<Wall>),
    ) -> Option<Wall> {
        let line = line.get(..LOOKED_AT).unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        let at = stamp.read(program, line, now);
        let before = since.is_some_and(|since| at.is_none_or(|at| at < since));
        if before || until.is_some_and(|until| at.is_none_or(|at| at > until)) {
            return None;
        }
        self.lines += 1;
        let message = message(program, line);
        let hash = hash(message) ^ (program as u64) << 56;
        let group = match self.known.get(&hash) {
            Some(group) => *group,
            None => self.learn(hash, program, line),
        };
        match group {
            QUIET => return at,
            FULL => {
                self.ungrouped += 1;
                return at;
            }
            _ => {}
        }
        let Some(group) = usize::try_from(group).ok().and_then(|at| self.groups.get_mut(at)) else {
            return at;
        };
        group.count += 1;
        if let Some(at) = at {
            let (first, last) = group.span.unwrap_or((at, at));
            group.span = Some((first.min(at), last.max(at)));
            if at >= last && group.count.is_power_of_two() {
                group.sample.clear();
                group.sample.extend_from_slice(line.get(..SAMPLE).unwrap_or(line));
            }
        }
        if group.failure {
            self.fail(line, at);
        }
        at
    }

    fn fail(&mut self, line: &[u8], at: Option<Wall>) {
        self.failures += 1;
        let Some(at) = at else { return };
        let minute = at.0.div_euclid(60_000_000);
        let one = self.minutes.entry(minute).or_insert((0, at, at));
        *one = (one.0.saturating_add(1), one.1.min(at), one.2.max(at));
        while self.minutes.len() > MINUTES {
            self.minutes.pop_first();
        }
        if let Some(upstream) = upstream(line) {
            self.upstreams.add(upstream, at);
        }
    }

    /// Finds the group of a line that was not seen before.
    fn learn(&mut self, hash: u64, program: Program, line: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(line);
        let signatures = Signatures::embedded();
        let signature = signatures.classify(program, &text).map(|found| found.id);
        let key = match signature {
            Some(id) => format!("{program}/{id}"),
            None if Level::of(program, &text) < Level::Warn => return self.remember(hash, QUIET),
            None => format!("{program}:{}", masked(message(program, line))),
        };
        let group = match self.by_key.get(&key) {
            Some(group) => *group,
            None if self.groups.len() >= GROUPS => FULL,
            None => {
                let group = u32::try_from(self.groups.len()).unwrap_or(FULL);
                let info = signature.and_then(|id| signatures.info(id));
                self.groups.push(Group {
                    program,
                    signature,
                    failure: info.is_some_and(|info| info.failure),
                    count: 0,
                    span: None,
                    sample: line.get(..SAMPLE).unwrap_or(line).to_vec(),
                });
                self.by_key.insert(key, group);
                group
            }
        };
        self.remember(hash, group)
    }

    fn remember(&mut self, hash: u64, group: u32) -> u32 {
        if self.known.len() >= HASHES {
            self.known.clear();
        }
        self.known.insert(hash, group);
        group
    }

    /// Adds what another reader has counted.
    pub fn merge(&mut self, other: Self) {
        self.lines += other.lines;
        self.failures += other.failures;
        self.ungrouped += other.ungrouped;
        self.upstreams.merge(other.upstreams);
        for (minute, (n, first, last)) in other.minutes {
            let one = self.minutes.entry(minute).or_insert((0, first, last));
            *one = (one.0.saturating_add(n), one.1.min(first), one.2.max(last));
        }
        let mut keys: Vec<(String, u32)> = other.by_key.into_iter().collect();
        keys.sort_unstable_by_key(|(_, at)| *at);
        let numbered = keys.into_iter().map(|(key, _)| key);
        for (key, theirs) in numbered.zip(other.groups) {
            let known = self.by_key.get(&key).and_then(|at| usize::try_from(*at).ok());
            if let Some(own) = known.and_then(|at| self.groups.get_mut(at)) {
                own.count += theirs.count;
                own.span = match (own.span, theirs.span) {
                    (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                    (a, b) => a.or(b),
                };
            } else if self.groups.len() < GROUPS {
                self.by_key.insert(key, u32::try_from(self.groups.len()).unwrap_or(FULL));
                self.groups.push(theirs);
            } else {
                self.ungrouped += theirs.count;
            }
        }
        // What was learned speaks of other numbers now.
        self.known.clear();
    }

    /// The groups, most frequent first.
    pub(super) fn groups(&self) -> Vec<TriagedError> {
        let mut all: Vec<&Group> = self.groups.iter().filter(|group| group.count > 0).collect();
        all.sort_by(|a, b| b.failure.cmp(&a.failure).then(b.count.cmp(&a.count)));
        let signatures = Signatures::embedded();
        let told = |group: &&Group| TriagedError {
            count: group.count,
            first: group.span.map(|(first, _)| first),
            last: group.span.map(|(_, last)| last),
            signature: group.signature.map(|id| Text::from(id.as_str())),
            meaning: group
                .signature
                .and_then(|id| signatures.info(id))
                .map(|info| Text::from(info.meaning.as_str()))
                .unwrap_or_default(),
            sample: Text::from_bytes(message(group.program, &group.sample)),
            failure: group.failure,
        };
        all.iter().take(SHOWN).map(told).collect()
    }
}

/// What a line says, without its stamp and what differs in every line.
fn message(program: Program, line: &[u8]) -> &[u8] {
    if program != Program::Nginx {
        return without_stamp(line);
    }
    // 2026/11/20 18:17:42 [error] 26779#26779: *3 message, client: …
    let rest = line.get(19..).unwrap_or(line);
    let rest = memchr::memchr(b'*', rest.get(..64).unwrap_or(rest))
        .and_then(|star| {
            let tail = rest.get(star..)?;
            tail.get(memchr::memchr(b' ', tail)? + 1..)
        })
        .or_else(|| {
            let end = memmem::find(rest.get(..64).unwrap_or(rest), b": ")?;
            rest.get(end + 2..)
        })
        .unwrap_or(line);
    let end = memmem::find(rest, b", client: ").unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// A line from its first letter on that is not part of a stamp in front.
fn without_stamp(line: &[u8]) -> &[u8] {
    let stampish = |byte: &u8| byte.is_ascii_digit() || b"[]:-/.,+TZ ".contains(byte);
    let end = line.iter().position(|byte| !stampish(byte)).unwrap_or(0);
    line.get(end..).unwrap_or(line)
}

/// The address of the upstream in a line of nginx, without its scheme and its path.
fn upstream(line: &[u8]) -> Option<&[u8]> {
    let at = memmem::rfind(line, b", upstream: \"")?;
    let rest = line.get(at + 13..)?;
    let rest = rest.get(..memchr::memchr(b'"', rest)?)?;
    let rest = memmem::find(rest, b"://").and_then(|at| rest.get(at + 3..)).unwrap_or(rest);
    let end = match rest.strip_prefix(b"unix:") {
        Some(path) => 5 + memchr::memchr(b':', path).unwrap_or(path.len()),
        None => memchr::memchr(b'/', rest).unwrap_or(rest.len()),
    };
    rest.get(..end)
}

/// Walks a message in pieces that are the same for all lines that say the same.
fn pieces(message: &[u8], mut sink: impl FnMut(u8)) {
    let message = message.get(..512).unwrap_or(message);
    let mut at = 0;
    let mut before = b' ';
    while let Some(&byte) = message.get(at) {
        match byte {
            b'"' | b'\'' => {
                let rest = message.get(at + 1..).unwrap_or_default();
                let Some(end) = memchr::memchr(byte, rest) else {
                    // A quote that stays open holds foreign text.
                    sink(byte);
                    return;
                };
                sink(byte);
                at += end + 2;
            }
            b'0'..=b'9' => {
                let rest = message.get(at..).unwrap_or_default();
                let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                // An error number in brackets is what the line is about.
                if before == b'(' {
                    rest.iter().take(length).for_each(|byte| sink(*byte));
                } else {
                    sink(b'0');
                }
                at += length;
            }
            b'a'..=b'f' if !before.is_ascii_alphanumeric() => {
                let rest = message.get(at..).unwrap_or_default();
                let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                let text = rest.get(..word).unwrap_or_default();
                let hex = word >= 8 && text.iter().all(u8::is_ascii_hexdigit);
                if hex {
                    sink(b'0');
                } else {
                    for byte in text {
                        sink(*byte);
                    }
                }
                at += word;
            }
            other => {
                sink(other);
                at += 1;
            }
        }
        before = byte;
    }
}

fn hash(message: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    pieces(message, |byte| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash
}

/// A message as a key.
fn masked(message: &[u8]) -> String {
    let mut out = Vec::new();
    pieces(message, |byte| out.push(byte));
    String::from_utf8_lossy(&out).into_owned()
}
