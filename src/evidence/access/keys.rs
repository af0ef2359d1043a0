//! Values that come with a name, in JSON or as pairs: what the name says.

use crate::{
    evidence::{StampReader, stamp},
    observation::Wall,
};

use super::{
    field::{Unit, last_millis, millis, since_epoch, status_of},
    fields::{AccessFields, LEAD, Marker},
};

/// Longest name that is looked at, without its separators.
const NAME: usize = 40;

/// What a name says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Status,
    /// The status that the client got, where others stand beside it.
    ClientStatus,
    UpstreamStatus,
    UpstreamAddr,
    Time,
    Request,
    Method,
    Uri,
    Host,
    Agent,
    Flags,
    Details,
    Backend,
    Retries,
    Attempts,
    RequestTime(Option<Unit>),
    UpstreamTime(Option<Unit>),
    Logger,
}

/// One value with its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    /// The name of what it stands in; empty at the top.
    pub(super) parent: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Offset of the name and of the value in the line.
    pub(super) place: (usize, usize),
}

/// Gathers what the pairs of one line say.
#[derive(Debug)]
pub(super) struct Gatherer<'a, 's> {
    out: AccessFields<'a>,
    status: Option<Meaning>,
    written: Option<&'a [u8]>,
    via_upstream: bool,
    /// Times without a unit: of the request, and of the upstream.
    spans: (Option<&'a [u8]>, Option<&'a [u8]>),
    /// Whether this line says that it is about an error, not about a request.
    error: bool,
    stamps: &'s mut StampReader,
    now: Wall,
}

impl<'a, 's> Gatherer<'a, 's> {
    pub(super) fn new(stamps: &'s mut StampReader, now: Wall) -> Self {
        Self {
            out: AccessFields::default(),
            status: None,
            written: None,
            via_upstream: false,
            spans: (None, None),
            error: false,
            stamps,
            now,
        }
    }

    /// Takes a pair in.
    pub(super) fn pair(&mut self, pair: Pair<'a>) {
        let mut name = [0; NAME];
        let mut parent = [0; NAME];
        let name = squeezed(pair.name, &mut name);
        let Some(meaning) = meaning(squeezed(pair.parent, &mut parent), name) else { return };
        let value = pair.value;
        if value.is_empty() || value == b"-" || value == b"null" {
            return;
        }
        let some = Some(value);
        match meaning {
            Meaning::Status | Meaning::ClientStatus => self.status(meaning, &pair),
            Meaning::Time => {
                self.out.at = self.out.at.or_else(|| time(value, self.stamps, self.now));
            }
            Meaning::UpstreamStatus => {
                let is = |status: &[u8]| status.first().is_some_and(u8::is_ascii_digit);
                self.out.upstream_status =
                    self.out.upstream_status.or(some.filter(|v| is(v) && **v != *b"0"));
            }
            Meaning::UpstreamAddr => self.out.upstream_addr = self.out.upstream_addr.or(some),
            Meaning::Request => self.out.request = self.out.request.or(some),
            Meaning::Method => self.out.method = self.out.method.or(some),
            Meaning::Uri => self.out.uri = self.out.uri.or(some),
            Meaning::Host => self.out.host = self.out.host.or(some),
            Meaning::Agent => self.out.agent = self.out.agent.or(some),
            Meaning::Flags => self.out.flags = self.out.flags.or(some),
            Meaning::Details => self.via_upstream = value == b"via_upstream",
            Meaning::Backend => self.out.backend = self.out.backend.or(some),
            Meaning::Retries => self.out.retries = number(value),
            Meaning::Attempts => self.out.retries = number(value).map(|n| n.saturating_sub(1)),
            Meaning::RequestTime(unit) => match unit {
                Some(unit) => self.out.request_ms = span(value, Some(unit)),
                None => self.spans.0 = some,
            },
            Meaning::UpstreamTime(unit) => match unit {
                Some(unit) => self.out.upstream_ms = last_millis(value, unit),
                None => self.spans.1 = some,
            },
            Meaning::Logger => self.error |= value.starts_with(b"http.log.error"),
        }
    }

    fn status(&mut self, meaning: Meaning, pair: &Pair<'a>) {
        let better = meaning == Meaning::ClientStatus && self.status != Some(meaning);
        let Some(status) = status_of(pair.value) else { return };
        if self.status.is_some() && !better {
            return;
        }
        let (name, value) = pair.place;
        self.status = Some(meaning);
        self.written = Some(pair.value);
        self.out.status = status;
        self.out.marker = Marker { at: value, lead: value.saturating_sub(name).min(LEAD) };
    }

    /// What the names say, also without a status.
    pub(super) fn named(self) -> AccessFields<'a> {
        self.out
    }

    /// What the line says, when it is about a request.
    pub(super) fn finish(mut self) -> Option<AccessFields<'a>> {
        self.status?;
        if self.error {
            return None;
        }
        // Traefik tells times in nanoseconds, and is known by the name of its status.
        let whole = (self.status == Some(Meaning::ClientStatus)).then_some(Unit::Nanos);
        let (request, upstream) = self.spans;
        self.out.request_ms = self.out.request_ms.or_else(|| span(request?, whole));
        self.out.upstream_ms = self.out.upstream_ms.or_else(|| span(upstream?, whole));
        if self.via_upstream {
            self.out.upstream_status = self.out.upstream_status.or(self.written);
        }
        Some(self.out)
    }
}

/// A name in small letters without separators; what is longer is cut.
fn squeezed<'b>(name: &[u8], buffer: &'b mut [u8; NAME]) -> &'b [u8] {
    let mut length = 0;
    let kept = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    for (byte, slot) in kept.zip(buffer.iter_mut()) {
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

fn meaning(parent: &[u8], name: &[u8]) -> Option<Meaning> {
    let behind = matches!(parent, b"upstream" | b"origin" | b"backend" | b"service" | b"server");
    Some(match name {
        b"status" | b"statuscode" if behind => Meaning::UpstreamStatus,
        b"addr" | b"address" | b"host" | b"url" if behind => Meaning::UpstreamAddr,
        b"status"
        | b"statuscode"
        | b"httpstatus"
        | b"httpstatuscode"
        | b"responsestatus"
        | b"responsestatuscode"
        | b"responsecode"
        | b"httpresponsestatuscode"
        | b"resstatuscode"
        | b"httpstatuscodereturned"
        | b"respstatus"
        | b"st" => Meaning::Status,
        b"downstreamstatus" => Meaning::ClientStatus,
        b"upstreamstatus"
        | b"originstatus"
        | b"upstreamstatuscode"
        | b"backendstatus"
        | b"proxyupstreamstatus"
        | b"us"
        | b"ustatus" => Meaning::UpstreamStatus,
        b"upstreamaddr"
        | b"upstreamhost"
        | b"upstream"
        | b"upstreamaddress"
        | b"serviceaddr"
        | b"backendaddr"
        | b"upstreamaddrs"
        | b"ups"
        | b"uaddr"
        | b"balancerworkername" => Meaning::UpstreamAddr,
        b"time" | b"ts" | b"timestamp" | b"timelocal" | b"timeiso8601" | b"msec" | b"date"
        | b"datetime" | b"starttime" | b"startutc" | b"startlocal" | b"eventtime" | b"logtime"
        | b"t" | b"localtime" | b"accesstime" => Meaning::Time,
        b"request" | b"requestline" | b"req" | b"requestfirstline" | b"r" => Meaning::Request,
        b"method" | b"requestmethod" | b"httpmethod" | b"verb" | b"httprequestmethod"
        | b"reqmethod" => Meaning::Method,
        b"uri" | b"url" | b"path" | b"requesturi" | b"requestpath" | b"urlpath" | b"requesturl"
        | b"originalurl" | b"urioriginal" | b"target" | b"urloriginal" | b"uripath"
        | b"httptarget" | b"requpath" => Meaning::Uri,
        b"host" | b"requesthost" | b"httphost" | b"servername" | b"vhost" | b"authority"
        | b"domain" | b"urldomain" | b"virtualhost" | b"serverhost" => Meaning::Host,
        b"useragent" | b"httpuseragent" | b"agent" | b"requestuseragent" | b"useragentoriginal" => {
            Meaning::Agent
        }
        b"responseflags" | b"terminationstate" | b"tsc" | b"flags" => Meaning::Flags,
        b"responsecodedetails" => Meaning::Details,
        b"servicename" | b"upstreamcluster" | b"backend" | b"backendname" | b"upstreamname"
        | b"cluster" | b"proxyhost" => Meaning::Backend,
        b"retryattempts" | b"retries" => Meaning::Retries,
        b"upstreamrequestattemptcount" => Meaning::Attempts,
        b"requesttime" | b"rt" => Meaning::RequestTime(Some(Unit::Seconds)),
        b"durationms" | b"latencyms" | b"elapsedms" | b"responsetimems" | b"requesttimems" => {
            Meaning::RequestTime(Some(Unit::Millis))
        }
        b"duration" | b"latency" | b"elapsed" | b"responsetime" | b"took" => {
            Meaning::RequestTime(None)
        }
        b"upstreamresponsetime" | b"urt" => Meaning::UpstreamTime(Some(Unit::Seconds)),
        b"upstreamservicetime" => Meaning::UpstreamTime(Some(Unit::Millis)),
        b"originduration" => Meaning::UpstreamTime(None),
        b"logger" => Meaning::Logger,
        _ => return None,
    })
}

fn number(value: &[u8]) -> Option<u32> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A time span with or without its unit. A fraction without one is of seconds.
fn span(value: &[u8], unit: Option<Unit>) -> Option<u64> {
    let end = value.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'.');
    let (digits, rest) = value.split_at(end.unwrap_or(value.len()));
    let unit = match (rest, unit) {
        (b"ms", _) => Unit::Millis,
        (b"s", _) => Unit::Seconds,
        (b"us" | b"\xc2\xb5s" | b"\\u00b5s", _) => Unit::Micros,
        (b"ns", _) => Unit::Nanos,
        (b"", Some(unit)) => unit,
        (b"", None) => unit_of(digits),
        _ => return None,
    };
    millis(digits, unit)
}

/// The unit of a bare number: a fraction is of seconds, a long number counts nanoseconds.
fn unit_of(digits: &[u8]) -> Unit {
    match digits {
        _ if digits.contains(&b'.') => Unit::Seconds,
        _ if digits.len() >= 8 => Unit::Nanos,
        _ => Unit::Millis,
    }
}

/// A time in one of the ways that logs have.
pub(super) fn time(value: &[u8], stamps: &mut StampReader, now: Wall) -> Option<Wall> {
    let value = value.strip_prefix(b"[").unwrap_or(value);
    let value = value.strip_suffix(b"]").unwrap_or(value);
    let whole = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if whole >= 9 {
        let unit = match whole {
            0..=11 => Unit::Seconds,
            12..=14 => Unit::Millis,
            15..=17 => Unit::Micros,
            _ => Unit::Nanos,
        };
        return since_epoch(value, unit);
    }
    let read = stamp::iso8601(value).or_else(|| stamps.application(value, now));
    read.or_else(|| stamps.common(value, now))
}
