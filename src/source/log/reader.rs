//! What the lines of one log become.

use jiff::tz::TimeZone;

use crate::evidence::StampReader;
use crate::observation::{
    AccessFormat, AccessSyntax, Gap, GatewayId, GatewayKind, LogKind, LogLine, LogTarget, Moment,
    Origin, Program, Seen, SourceId, Text, Wall,
};

use super::{
    access::{AccessReader, Event},
    found::{Followed, Line},
};

/// Reads what a follower finds, as the kind of the log wants it.
#[derive(Debug)]
pub struct LogReader {
    path: Text,
    gateway: Option<GatewayId>,
    kind: Kind,
    stamps: StampReader,
    past_secs: i64,
    /// Whether the last stamped line of the past was recent: lines without a stamp belong to it.
    recent: bool,
}

#[derive(Debug)]
enum Kind {
    Lines { program: Program, own: bool },
    Access(Box<AccessReader>),
}

impl LogReader {
    /// Whether its lines are records of requests.
    pub const fn is_access(&self) -> bool {
        matches!(self.kind, Kind::Access(_))
    }

    /// A reader for one file. `targets` are all that name this file; when several access formats
    /// are written to it, each line is read by the first that fits. Lines of the past that are
    /// older than `past_secs` are dropped.
    pub fn new(targets: &[&LogTarget], zone: TimeZone, past_secs: i64) -> Option<Self> {
        let first = targets.first()?;
        let formats: Vec<&AccessFormat> = targets
            .iter()
            .filter_map(|target| match &target.kind {
                LogKind::Access(format) => Some(format),
                _ => None,
            })
            .collect();
        let gateway = targets.iter().find_map(|target| target.gateway.clone());
        // Where requests and events stand in one file, the reader of requests tells both.
        let mixed = formats
            .iter()
            .find(|f| !matches!(f.syntax, AccessSyntax::Nginx | AccessSyntax::Apache));
        let first_kind =
            mixed.map_or_else(|| first.kind.clone(), |f| LogKind::Access((*f).clone()));
        let kind = match (&first_kind, &gateway) {
            (LogKind::Access(_), Some(gateway)) => Kind::Access(Box::new(AccessReader::new(
                gateway.clone(),
                first.path.clone(),
                &formats,
                &zone,
            ))),
            (LogKind::Application(program), _) => Kind::Lines { program: *program, own: false },
            (_, gateway) => {
                let kind = gateway.as_ref().and_then(GatewayId::kind);
                let program = kind.map_or(Program::Nginx, GatewayKind::program);
                Kind::Lines { program, own: true }
            }
        };
        let stamps = StampReader::new(zone).with_zones(|name| TimeZone::get(name).ok());
        Some(Self { path: first.path.clone(), gateway, kind, stamps, past_secs, recent: true })
    }

    /// Reads one find.
    pub fn take(&mut self, found: Followed<'_>, now: Moment, out: &mut Vec<Seen>) {
        match found {
            Followed::Line(line) => self.line(line, now, out),
            Followed::Gap { bytes, why } => self.gap(bytes, why, out),
            Followed::Hole { bytes } => {
                self.gap(bytes, "zero bytes: a writer that does not append left a hole", out);
            }
        }
    }

    fn gap(&self, bytes: u64, why: &str, out: &mut Vec<Seen>) {
        out.push(Seen::Gap(Gap {
            source: SourceId::Logs,
            what: self.path.clone(),
            lines: 0,
            bytes,
            why: Text::new(why),
        }));
    }

    fn line(&mut self, line: Line<'_>, now: Moment, out: &mut Vec<Seen>) {
        let since = line.past.then(|| now.wall.minus_secs(self.past_secs));
        let (program, own) = match &mut self.kind {
            Kind::Access(access) => {
                if let Some(event) = access.line(line.bytes, line.past, since, now, out) {
                    self.event(event, line, since, now, out);
                }
                return;
            }
            Kind::Lines { program, own } => (*program, *own),
        };
        if line.bytes.is_empty() {
            return;
        }
        let at = match program {
            Program::Nginx if own => self.stamps.nginx_error(line.bytes, now.wall),
            Program::Apache if own => self.stamps.apache_error(line.bytes, now.wall),
            _ => self.stamps.application(line.bytes, now.wall),
        };
        if let (Some(at), Some(since)) = (at, since) {
            self.recent = at >= since;
        }
        if line.past && !self.recent {
            return;
        }
        out.push(Seen::Log(LogLine {
            program,
            origin: Origin::File(self.path.clone()),
            gateway: if own { self.gateway.clone() } else { None },
            at,
            text: text_of(line),
        }));
    }

    /// A line of an access log that says more than a request.
    fn event(
        &mut self,
        event: Event,
        line: Line<'_>,
        since: Option<Wall>,
        now: Moment,
        out: &mut Vec<Seen>,
    ) {
        let at = event.at.or_else(|| self.stamps.application(line.bytes, now.wall));
        let old = at.is_none_or(|at| since.is_some_and(|since| at < since));
        if line.past && old {
            return;
        }
        out.push(Seen::Log(LogLine {
            program: event.program,
            origin: Origin::File(self.path.clone()),
            gateway: self.gateway.clone(),
            at,
            text: text_of(line),
        }));
    }

    /// Publishes the seconds of an access log that are over.
    pub fn settle(&mut self, now: Wall, out: &mut Vec<Seen>) {
        if let Kind::Access(access) = &mut self.kind {
            access.settle(now, out);
        }
    }

    /// Publishes everything that was counted so far.
    pub fn flush(&mut self, out: &mut Vec<Seen>) {
        if let Kind::Access(access) = &mut self.kind {
            access.flush(out);
        }
    }

    /// Whether an access log's second is still open.
    pub fn is_counting(&self) -> bool {
        matches!(&self.kind, Kind::Access(access) if access.is_counting())
    }

    /// Why this log cannot be understood, if so.
    pub fn trouble(&self) -> Option<String> {
        match &self.kind {
            Kind::Access(access) => access.trouble(),
            Kind::Lines { .. } => None,
        }
    }
}

fn text_of(line: Line<'_>) -> Text {
    let text = Text::from_bytes(line.bytes);
    if line.cut == 0 {
        return text;
    }
    let all = line.cut.saturating_add(line.bytes.len() as u64);
    Text::new(format!("{}… [cut at {} of {all} bytes]", text.raw(), line.bytes.len()))
}
