//! Reads one log in blocks of whole lines.

use jiff::tz::TimeZone;
use memchr::memmem;

use crate::{
    evidence::{
        StampReader,
        access::{AccessFields, AccessParser, Reading, Shape, detect},
        nginx_line,
    },
    observation::{Program, Wall},
};

use super::{
    errors::{ErrorTally, LastStamp},
    needle::Needle,
    tally::Tally,
};

/// Lines of a block that are read to see that all is as expected.
const SAMPLES: usize = 8;
/// Formats of one log.
const SHAPES: usize = 6;
/// Places of a status that are looked for in one pass; a log with more is read line by line.
const NEEDLES: usize = 16;
/// Lines by which a log is recognised.
const FIRST_LINES: usize = 64;
/// A clock that goes back by less may be two workers.
const BACK_SECS: i64 = 120;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Requests, in these formats.
    Requests(Vec<Shape>),
    /// Lines of a program.
    Lines(Program),
}

impl Holds {
    /// Whether a log's first bytes are text.
    pub fn is_text(text: &[u8]) -> bool {
        let sample = text.get(..8192).unwrap_or(text);
        let odd = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x0c\x1b\x08".contains(*byte);
        let zeros = sample.iter().take_while(|byte| **byte == 0).count();
        let visible = sample.get(zeros..).unwrap_or_default();
        visible.iter().filter(odd).count() * 10 <= visible.len().max(160)
    }

    /// Recognises a log by its first bytes; `None` when they are no text.
    pub fn recognise(text: &[u8], zone: &TimeZone) -> Option<Self> {
        if !Self::is_text(text) {
            return None;
        }
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| line.get(..4096).unwrap_or(line)).take(FIRST_LINES);
        if let Some(program) = program_of(lines.clone()) {
            return Some(Self::Lines(program));
        }
        if let Some(shape) = detect(lines.clone(), zone) {
            return Some(Self::Requests(vec![shape]));
        }
        let haproxy = lines.clone().any(|line| memmem::find(line, b"haproxy[").is_some());
        let program = if haproxy { Program::Haproxy } else { Program::Application };
        Some(Self::Lines(program))
    }

    /// What it is, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Requests(shapes) => {
                let words: Vec<String> = shapes.iter().map(Shape::words).collect();
                format!("requests ({})", words.join("; "))
            }
            Self::Lines(Program::Application) => "lines of a program".into(),
            Self::Lines(program) => format!("{program} errors"),
        }
    }
}

/// The program whose error log has such lines, where its head tells.
fn program_of<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Program> {
    let mut counts = [(Program::Nginx, 0), (Program::Apache, 0), (Program::PhpFpm, 0)];
    let mut all = 0;
    for line in lines {
        all += 1;
        let at = |n: usize| line.get(n).copied().unwrap_or(0);
        let text = String::from_utf8_lossy(line);
        let which = if nginx_line::parse(&text).is_some() {
            0
        } else if at(0) == b'[' && at(1).is_ascii_alphabetic() && at(4) == b' ' && at(8) == b' ' {
            1
        } else if at(0) == b'[' && at(3) == b'-' && at(7) == b'-' {
            2
        } else {
            continue;
        };
        if let Some((_, count)) = counts.get_mut(which) {
            *count += 1;
        }
    }
    let best = counts.iter().max_by_key(|(_, count)| *count)?;
    // The text of one line may go on in the next.
    (best.1 > 0 && best.1 * 3 >= all).then_some(best.0)
}

/// For which time, and by whose clock.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The zone of stamps without an offset.
    pub zone: TimeZone,
    /// Now: it decides the year of stamps that have none.
    pub now: Wall,
    /// Requests and lines before this do not count.
    pub since: Option<Wall>,
    /// Those after this neither.
    pub until: Option<Wall>,
    /// How this program's own requests name themselves.
    pub own_agent: &'static [u8],
}

/// What was met in one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Lines.
    pub lines: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Failed requests.
    pub failures: u64,
    /// First and last stamp that was read.
    pub from: Option<Wall>,
    /// See `from`.
    pub to: Option<Wall>,
    /// Times that the clock went back.
    pub backwards: u64,
    /// Lines that were met and are in no known format; only a part of all lines is looked at.
    pub unread: u64,
    /// Formats found besides the first, in words.
    pub changed: Vec<String>,
}

impl Scanned {
    /// Adds what was met in another part of the log.
    pub fn merge(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.failures += other.failures;
        self.backwards += other.backwards;
        self.unread += other.unread;
        for at in [other.from, other.to].into_iter().flatten() {
            self.widen(at);
        }
        for words in other.changed {
            if !self.changed.contains(&words) {
                self.changed.push(words);
            }
        }
    }

    fn widen(&mut self, at: Wall) {
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        self.to = Some(self.to.map_or(at, |to| to.max(at)));
    }
}

/// A reader of one log, or of a part of it.
#[derive(Debug)]
pub struct LogScan {
    kind: Kind,
    terms: Terms,
    stamp: LastStamp,
    newest: Option<Wall>,
    /// What was met so far.
    pub scanned: Scanned,
}

#[derive(Debug)]
enum Kind {
    Requests(Requests),
    Lines(Program),
}

#[derive(Debug, Default)]
struct Requests {
    parsers: Vec<AccessParser>,
    shapes: Vec<Shape>,
    needles: Vec<Needle>,
    /// Texts of lines that are events of the gateway.
    events: Vec<(Program, memmem::Finder<'static>)>,
}

impl Requests {
    fn learn(&mut self, shape: Shape, zone: &TimeZone) {
        if self.shapes.len() >= SHAPES || self.shapes.contains(&shape) {
            return;
        }
        let Ok(parser) = AccessParser::of(&shape, zone.clone()) else { return };
        let mut event = |program, text: &'static str| {
            self.events.push((program, memmem::Finder::new(text)));
        };
        if shape.is_haproxy() {
            for text in [" is DOWN", "no server available", " is UP"] {
                event(Program::Haproxy, text);
            }
        }
        if shape.is_json() {
            event(Program::Caddy, "http.log.error");
        }
        self.parsers.push(parser);
        self.shapes.push(shape);
    }

    fn read<'a>(&mut self, line: &'a [u8], now: Wall) -> Reading<'a> {
        let mut best = Reading::Unfit;
        for parser in &mut self.parsers {
            match parser.read(line, now) {
                Reading::Unfit => {}
                Reading::Other => best = Reading::Other,
                request @ Reading::Request(_) => return request,
            }
        }
        best
    }

    fn point(&mut self, fields: &AccessFields<'_>, line: &[u8]) {
        let needle = Needle::of(line, fields.marker.at, fields.marker.lead);
        if self.needles.len() < NEEDLES && !self.needles.contains(&needle) {
            self.needles.push(needle);
        }
    }
}

impl LogScan {
    /// A reader of a log that holds this.
    pub fn new(holds: &Holds, terms: Terms) -> Self {
        let kind = match holds {
            Holds::Lines(program) => Kind::Lines(*program),
            Holds::Requests(shapes) => {
                let mut requests = Requests::default();
                for shape in shapes {
                    requests.learn(shape.clone(), &terms.zone);
                }
                Kind::Requests(requests)
            }
        };
        let stamp = LastStamp::new(StampReader::new(terms.zone.clone()));
        Self { kind, terms, stamp, newest: None, scanned: Scanned::default() }
    }

    /// Learns from lines of other places of the log, without counting them.
    pub fn prime(&mut self, text: &[u8]) {
        let Kind::Requests(requests) = &mut self.kind else { return };
        for line in each_line(text).map(trimmed).filter(|line| !line.is_empty()) {
            if requests.read(line, self.terms.now) == Reading::Unfit {
                let Some(shape) = detect(std::iter::once(line), &self.terms.zone) else { continue };
                if !requests.shapes.contains(&shape) {
                    self.scanned.changed.push(shape.words());
                }
                requests.learn(shape, &self.terms.zone);
            }
            if let Reading::Request(fields) = requests.read(line, self.terms.now) {
                requests.point(&fields, line);
            }
        }
    }

    /// What the log holds, as far as it was read.
    pub fn holds(&self) -> Holds {
        match &self.kind {
            Kind::Requests(requests) => Holds::Requests(requests.shapes.clone()),
            Kind::Lines(program) => Holds::Lines(*program),
        }
    }

    /// Reads whole lines; the last one may lack its newline.
    pub fn block(&mut self, text: &[u8], tally: &mut Tally, errors: &mut ErrorTally) {
        if text.is_empty() {
            return;
        }
        let lines = memchr::memchr_iter(b'\n', text).count() + usize::from(!text.ends_with(b"\n"));
        self.scanned.lines += lines as u64;
        self.scanned.bytes += text.len() as u64;
        let program = match &self.kind {
            Kind::Lines(program) => *program,
            Kind::Requests(_) => {
                self.requests(text, lines as u64, tally, errors);
                return;
            }
        };
        let terms = (self.terms.now, self.terms.since, self.terms.until);
        for line in each_line(text) {
            if let Some(at) = errors.line(program, line, &mut self.stamp, terms) {
                self.scanned.widen(at);
            }
        }
    }

    fn requests(&mut self, text: &[u8], lines: u64, tally: &mut Tally, errors: &mut ErrorTally) {
        if self.sample(text, lines, tally) {
            self.fast(text, tally);
        } else {
            self.slow(text, tally);
        }
        let Kind::Requests(requests) = &self.kind else { return };
        let terms = (self.terms.now, self.terms.since, self.terms.until);
        for (program, event) in &requests.events {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| event.find(rest)) {
                let (begin, end) = line_around(text, from + at);
                let line = text.get(begin..end).unwrap_or_default();
                errors.line(*program, line, &mut self.stamp, terms);
                from = end;
            }
        }
    }

    /// Reads a few lines of a block: how many requests at which time, and whether all of them are
    /// in a known format.
    fn sample(&mut self, text: &[u8], lines: u64, tally: &mut Tally) -> bool {
        let Kind::Requests(requests) = &mut self.kind else { return true };
        let mut all_fit = !requests.parsers.is_empty();
        let count = SAMPLES.min(usize::try_from(lines).unwrap_or(SAMPLES)).max(1);
        let share = lines / count as u64;
        let mut rest = lines - share * count as u64;
        let mut last: Option<Wall> = None;
        for n in 0..count {
            let from = text.len() / count * n;
            let (begin, end) = line_around(text, from);
            let line = trimmed(text.get(begin..end).unwrap_or_default());
            let part = share + std::mem::take(&mut rest);
            match requests.read(line, self.terms.now) {
                Reading::Request(fields) => {
                    requests.point(&fields, line);
                    last = fields.at.or(last);
                    if let Some(at) = fields.at {
                        let back =
                            self.newest.is_some_and(|newest| at < newest.minus_secs(BACK_SECS));
                        self.scanned.backwards += u64::from(back);
                        self.newest = Some(at);
                        self.scanned.widen(at);
                    }
                }
                Reading::Other => {}
                Reading::Unfit if line.is_empty() => {}
                Reading::Unfit => all_fit = false,
            }
            if self.terms.covers(last) {
                tally.requests += part;
                if let Some(at) = last {
                    tally.traffic(at, part);
                }
            }
        }
        all_fit && (1..NEEDLES).contains(&requests.needles.len())
    }

    /// Reads only the lines whose status may be 500 or above.
    fn fast(&mut self, text: &[u8], tally: &mut Tally) {
        let Kind::Requests(requests) = &mut self.kind else { return };
        let needles = requests.needles.clone();
        let mut next: Vec<Option<usize>> =
            needles.iter().map(|needle| needle.find(text, 0)).collect();
        while let Some(at) = next.iter().flatten().min().copied() {
            let (begin, end) = line_around(text, at);
            let line = trimmed(text.get(begin..end).unwrap_or_default());
            match requests.read(line, self.terms.now) {
                Reading::Request(fields) => {
                    fail(&fields, line, &self.terms, tally, &mut self.scanned);
                }
                Reading::Other => {}
                Reading::Unfit => {
                    strange(requests, line, &self.terms, tally, &mut self.scanned);
                }
            }
            for (found, needle) in next.iter_mut().zip(&needles) {
                if found.is_some_and(|found| found < end) {
                    *found = needle.find(text, end);
                }
            }
        }
    }

    /// Reads every line.
    fn slow(&mut self, text: &[u8], tally: &mut Tally) {
        let Kind::Requests(requests) = &mut self.kind else { return };
        for line in each_line(text) {
            let line = trimmed(line);
            match requests.read(line, self.terms.now) {
                Reading::Request(fields) => {
                    requests.point(&fields, line);
                    fail(&fields, line, &self.terms, tally, &mut self.scanned);
                }
                Reading::Other => {}
                Reading::Unfit if line.is_empty() => {}
                Reading::Unfit => {
                    strange(requests, line, &self.terms, tally, &mut self.scanned);
                }
            }
        }
    }
}

impl Terms {
    /// Whether something at this time counts; without a time it does when no time is asked for.
    fn covers(&self, at: Option<Wall>) -> bool {
        match at {
            Some(at) => {
                self.since.is_none_or(|since| at >= since)
                    && self.until.is_none_or(|until| at <= until)
            }
            None => self.since.is_none() && self.until.is_none(),
        }
    }
}

/// Counts a request if it failed.
fn fail(
    fields: &AccessFields<'_>,
    line: &[u8],
    terms: &Terms,
    tally: &mut Tally,
    scanned: &mut Scanned,
) {
    let own = fields.agent.is_some_and(|agent| agent.starts_with(terms.own_agent));
    if fields.status < 500 || fields.status > 599 || own || !terms.covers(fields.at) {
        return;
    }
    scanned.failures += 1;
    tally.fail(fields, line);
}

/// A line in no known format: perhaps the format changed.
fn strange(
    requests: &mut Requests,
    line: &[u8],
    terms: &Terms,
    tally: &mut Tally,
    scanned: &mut Scanned,
) {
    if requests.shapes.len() < SHAPES
        && let Some(shape) = detect(std::iter::once(line), &terms.zone)
        && !requests.shapes.contains(&shape)
    {
        scanned.changed.push(shape.words());
        requests.learn(shape, &terms.zone);
        if let Reading::Request(fields) = requests.read(line, terms.now) {
            requests.point(&fields, line);
            fail(&fields, line, terms, tally, scanned);
            return;
        }
    }
    scanned.unread += 1;
}

fn each_line(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let begin = from?;
        let rest = text.get(begin..)?;
        let end = memchr::memchr(b'\n', rest);
        from = end.map(|end| begin + end + 1);
        rest.get(..end.unwrap_or(rest.len()))
    })
}

/// The line in which an offset lies, without its newline.
fn line_around(text: &[u8], at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let begin = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let rest = text.get(at..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end);
    (begin, end.max(begin))
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
