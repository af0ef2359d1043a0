//! Access log lines to failed requests and counts.

use std::collections::BTreeMap;

use crate::host::http_get;
use crate::observation::{AccessEntry, AccessFormat, GatewayId, Moment, Seen, Text, Traffic, Wall};

use super::format::{AccessFields, AccessMatcher, FormatError};

/// Seconds that are counted at a time; workers that buffer their log are late.
const OPEN_SECONDS: usize = 16;
/// A second is published when the newest stamp is this much later, in seconds.
const SETTLED: i64 = 2;
/// Lines after which the share of unread ones says something.
const SAMPLE: u64 = 20;
/// How this program's own requests name themselves.
const OURS: &[u8] = http_get::AGENT_MARK.as_bytes();

/// Reads the lines of one access log, in whichever of its formats they are.
#[derive(Debug)]
pub(super) struct AccessReader {
    gateway: GatewayId,
    log: Text,
    matchers: Vec<AccessMatcher>,
    refused: Option<FormatError>,
    seconds: BTreeMap<Wall, BTreeMap<u16, u32>>,
    lines: u64,
    unread: u64,
}

impl AccessReader {
    pub(super) fn new(gateway: GatewayId, log: Text, formats: &[&AccessFormat]) -> Self {
        let mut matchers = Vec::new();
        let mut refused = None;
        for format in formats {
            match AccessMatcher::new(format.pattern.raw()) {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => refused = Some(error),
            }
        }
        Self { gateway, log, matchers, refused, seconds: BTreeMap::new(), lines: 0, unread: 0 }
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
    /// there before us, since nobody can say when.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        past: bool,
        since: Option<Wall>,
        now: Moment,
        out: &mut Vec<Seen>,
    ) {
        if line.is_empty() || self.matchers.is_empty() {
            return;
        }
        self.lines += 1;
        // The share is that of recent lines: a corrected format is believed again.
        if self.lines == 4096 {
            (self.lines, self.unread) = (self.lines / 2, self.unread / 2);
        }
        let Some(fields) = self.matchers.iter_mut().find_map(|matcher| matcher.read(line)) else {
            self.unread += 1;
            return;
        };
        let Some(at) = fields.at.or((!past).then_some(now.wall)) else { return };
        if since.is_some_and(|since| at < since)
            || fields.agent.is_some_and(|agent| agent.starts_with(OURS))
        {
            return;
        }
        if fields.status == 499 || fields.status >= 500 {
            out.push(Seen::Access(self.entry(&fields, at)));
        }
        self.count(at, fields.status, out);
    }

    fn entry(&self, fields: &AccessFields<'_>, at: Wall) -> AccessEntry {
        AccessEntry {
            gateway: self.gateway.clone(),
            log: self.log.clone(),
            at,
            status: fields.status,
            upstream_status: fields.upstream_status.map(Text::from_bytes),
            upstream_addr: fields.upstream_addr.map(Text::from_bytes),
            request: Text::from_bytes(&request(fields)),
            host: fields.host.map(Text::from_bytes),
            request_ms: fields.request_ms,
            upstream_ms: fields.upstream_ms,
            flags: None,
            backend: None,
            retries: None,
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

/// Method and URI without the query. A request line that is no request (a TLS greeting, a probe
/// of a scanner) stays as nginx wrote it.
fn request(fields: &AccessFields<'_>) -> Vec<u8> {
    let line = match (fields.request, fields.uri) {
        (Some(request), _) => {
            let mut words = request.split(|byte| *byte == b' ');
            let is_request = request.ends_with(b"HTTP/1.1")
                || request
                    .rsplit(|byte| *byte == b' ')
                    .next()
                    .is_some_and(|w| w.starts_with(b"HTTP/"));
            match (words.next(), words.next()) {
                (Some(method), Some(uri)) if is_request => [method, b" ", uri].concat(),
                _ => request.to_vec(),
            }
        }
        (None, Some(uri)) => match fields.method {
            Some(method) => [method, b" ", uri].concat(),
            None => uri.to_vec(),
        },
        (None, None) => fields.method.unwrap_or_default().to_vec(),
    };
    let end = memchr::memchr(b'?', &line).unwrap_or(line.len());
    line.get(..end).unwrap_or_default().to_vec()
}
