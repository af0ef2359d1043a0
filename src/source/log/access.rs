//! Access log lines to failed requests and counts.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::{
    evidence::access::{AccessParser, FormatError, Reading},
    host::http_get,
    observation::{
        AccessFormat, AccessSyntax, GatewayId, Moment, Program, Seen, Text, Traffic, Wall,
    },
};

/// Seconds that are counted at a time; workers that buffer their log are late.
const OPEN_SECONDS: usize = 16;
/// A second is published when the newest stamp is this much later, in seconds.
const SETTLED: i64 = 2;
/// Lines after which the share of unread ones says something.
const SAMPLE: u64 = 20;
/// How this program's own requests name themselves.
const OURS: &[u8] = http_get::AGENT_MARK.as_bytes();

/// A line that is more than a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) program: Program,
    /// Its time, when it is a request.
    pub(super) at: Option<Wall>,
}

/// The gateway whose own events stand among the requests of a log.
const fn program_of(syntax: AccessSyntax) -> Option<Program> {
    match syntax {
        AccessSyntax::Haproxy => Some(Program::Haproxy),
        AccessSyntax::Caddy => Some(Program::Caddy),
        AccessSyntax::Traefik => Some(Program::Traefik),
        AccessSyntax::Envoy => Some(Program::Envoy),
        AccessSyntax::Nginx | AccessSyntax::Apache | AccessSyntax::Json => None,
    }
}

/// Reads the lines of one access log, in whichever of its formats they are.
#[derive(Debug)]
pub(super) struct AccessReader {
    gateway: GatewayId,
    log: Text,
    parsers: Vec<AccessParser>,
    /// Whose own events stand among the requests.
    program: Option<Program>,
    refused: Option<FormatError>,
    seconds: BTreeMap<Wall, BTreeMap<u16, u32>>,
    lines: u64,
    unread: u64,
}

impl AccessReader {
    pub(super) fn new(
        gateway: GatewayId,
        log: Text,
        formats: &[&AccessFormat],
        zone: &TimeZone,
    ) -> Self {
        let mut parsers = Vec::new();
        let mut refused = None;
        for format in formats {
            match AccessParser::new(format, zone.clone()) {
                Ok(parser) => parsers.push(parser),
                Err(error) => refused = Some(error),
            }
        }
        let program = formats.iter().find_map(|format| program_of(format.syntax));
        let seconds = BTreeMap::new();
        Self { gateway, log, parsers, program, refused, seconds, lines: 0, unread: 0 }
    }

    /// Why a part of this log cannot be read, if so.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(error) = self.refused {
            return Some(error.to_string());
        }
        (self.lines >= SAMPLE && self.unread * 5 > self.lines)
            .then(|| "more than a fifth of the lines do not fit the configured log format".into())
    }

    /// Reads one line. `since` drops older ones; a line without a stamp is dropped when it was
    /// there before us, since nobody can say when. A line that is an event of the gateway itself,
    /// or that signatures speak about, is told.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        past: bool,
        since: Option<Wall>,
        now: Moment,
        out: &mut Vec<Seen>,
    ) -> Option<Event> {
        if line.is_empty() || (self.parsers.is_empty() && self.program.is_none()) {
            return None;
        }
        let event = self.program.map(|program| Event { program, at: None });
        let mut other = self.parsers.is_empty();
        let mut found = None;
        for parser in &mut self.parsers {
            match parser.read(line, now.wall) {
                Reading::Request(fields) => {
                    found = Some(fields);
                    break;
                }
                Reading::Other => other = true,
                Reading::Unfit => {}
            }
        }
        let Some(fields) = found else {
            if !other {
                self.count_line(true);
            }
            return event.filter(|_| other);
        };
        self.count_line(false);
        let at = fields.at.or((!past).then_some(now.wall))?;
        if since.is_some_and(|since| at < since)
            || fields.agent.is_some_and(|agent| agent.starts_with(OURS))
        {
            return None;
        }
        let failed = fields.status == 499 || fields.status >= 500;
        if failed {
            out.push(Seen::Access(fields.entry(self.gateway.clone(), self.log.clone(), at)));
        }
        self.count(at, fields.status, out);
        // These have no other line about a failed request than this one.
        let told = failed && matches!(self.program, Some(Program::Haproxy | Program::Envoy));
        event.filter(|_| told).map(|event| Event { at: Some(at), ..event })
    }

    fn count_line(&mut self, unread: bool) {
        self.lines += 1;
        self.unread += u64::from(unread);
        // The share is that of recent lines: a corrected format is believed again.
        if self.lines == 4096 {
            (self.lines, self.unread) = (self.lines / 2, self.unread / 2);
        }
    }

    fn count(&mut self, at: Wall, status: u16, out: &mut Vec<Seen>) {
        let second = Wall::from_secs(at.0.div_euclid(1_000_000));
        if let Some(open) = self.seconds.get_mut(&second) {
            let count = open.entry(status).or_insert(0);
            *count = count.saturating_add(1);
            return;
        }
        self.seconds.insert(second, BTreeMap::from([(status, 1)]));
        let newest = self.seconds.last_key_value().map_or(second, |(newest, _)| *newest);
        self.publish_until(newest.minus_secs(SETTLED), out);
        while self.seconds.len() > OPEN_SECONDS {
            self.publish_oldest(out);
        }
    }

    /// Publishes the seconds that are over: at `now`, whatever the log says.
    pub(super) fn settle(&mut self, now: Wall, out: &mut Vec<Seen>) {
        self.publish_until(now.minus_secs(SETTLED), out);
    }

    /// Publishes everything that was counted. What still comes for such a second is published as
    /// a further count of it.
    pub(super) fn flush(&mut self, out: &mut Vec<Seen>) {
        while !self.seconds.is_empty() {
            self.publish_oldest(out);
        }
    }

    /// Whether a second is still open.
    pub(super) fn is_counting(&self) -> bool {
        !self.seconds.is_empty()
    }

    fn publish_until(&mut self, last: Wall, out: &mut Vec<Seen>) {
        while self.seconds.first_key_value().is_some_and(|(second, _)| *second <= last) {
            self.publish_oldest(out);
        }
    }

    fn publish_oldest(&mut self, out: &mut Vec<Seen>) {
        let Some((at, by_status)) = self.seconds.pop_first() else { return };
        let (gateway, log) = (self.gateway.clone(), self.log.clone());
        out.push(Seen::Traffic(Traffic { gateway, log, at, by_status }));
    }
}
