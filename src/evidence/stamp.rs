//! The stamps that programs write at the head of a line.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use crate::observation::Wall;

/// A stamp may lie this far ahead of us before it is taken for the earlier reading of a repeated
/// hour, or for last year's.
const SKEW_SECS: i64 = 300;

/// Reads stamps; those without an offset are in the host's zone.
#[derive(Clone, Debug)]
pub struct StampReader {
    zone: TimeZone,
    named: fn(&str) -> Option<TimeZone>,
    minute: Option<(DateTime, i64)>,
}

/// Knows the one zone that needs no tables.
fn only_utc(name: &str) -> Option<TimeZone> {
    matches!(name, "UTC" | "GMT" | "Etc/UTC").then_some(TimeZone::UTC)
}

impl StampReader {
    /// A reader for a host in `zone`.
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone, named: only_utc, minute: None }
    }

    /// As it is, with somebody who knows zones by name: PHP writes them into its stamps, and their
    /// tables are files.
    #[must_use]
    pub const fn with_zones(mut self, named: fn(&str) -> Option<TimeZone>) -> Self {
        self.named = named;
        self
    }

    /// nginx's error log: `2026/11/20 18:17:42`, local time
    /// (<https://nginx.org/en/docs/ngx_core_module.html#error_log>).
    pub fn nginx_error(&mut self, line: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(line);
        let date = at.year_first(b'/')?;
        at.byte(b' ')?;
        let time = at.time()?;
        self.local(date, time, 0, now)
    }

    /// Apache's error log: `[Fri Nov 20 18:26:06.872554 2026]`, local time; a format of one's own
    /// may put a stamp of another form first
    /// (<https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat>).
    pub fn apache_error(&mut self, line: &[u8], now: Wall) -> Option<Wall> {
        self.ctime(line.strip_prefix(b"[").unwrap_or(line), now)
            .or_else(|| self.application(line, now))
    }

    /// `Fri Nov 20 18:26:06.872554 2026`.
    fn ctime(&mut self, bytes: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(bytes.get(4..)?);
        let month = at.month()?;
        at.byte(b' ')?;
        let day = if at.byte(b' ').is_some() { at.number(1)? } else { at.number(2)? };
        at.byte(b' ')?;
        let time = at.time()?;
        let micros = at.fraction();
        at.byte(b' ')?;
        let date = day_of(at.number(4)?, month, day)?;
        self.local(date, time, micros, now)
    }

    /// `20/Nov/2026:18:17:42.655`, as HAProxy writes it: local time, unless an offset follows.
    pub fn common(&mut self, bytes: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(bytes);
        let (date, time) = at.common_head()?;
        let micros = at.fraction();
        if at.0.is_empty() {
            return self.local(date, time, micros, now);
        }
        at.byte(b' ')?;
        let offset = at.offset()?;
        at.0.is_empty().then(|| absolute(date, time, micros, offset))
    }

    /// A time in local words, already taken apart.
    pub(crate) fn civil(&mut self, at: DateTime, now: Wall) -> Option<Wall> {
        self.local(at.date(), at.time(), i64::from(at.subsec_nanosecond()) / 1000, now)
    }

    /// An application's own stamp: php-fpm, ISO 8601, gunicorn, syslog; `None` for anything else.
    pub fn application(&mut self, line: &[u8], now: Wall) -> Option<Wall> {
        let line = line.get(..64).unwrap_or(line);
        let inner = line.strip_prefix(b"[").unwrap_or(line);
        if inner.len() < line.len() && inner.first()?.is_ascii_alphabetic() {
            return self.ctime(inner, now);
        }
        if inner.first()?.is_ascii_digit() {
            return self.iso(inner, now).or_else(|| self.php(inner, now));
        }
        if let Some(rest) = line.strip_prefix(b"<") {
            // RFC 5424: <34>1 2026-11-20T18:17:42Z
            let end = memchr::memchr(b' ', rest)?;
            return self.iso(rest.get(end + 1..)?, now);
        }
        if line.starts_with(b"type=") {
            // auditd: type=AVC msg=audit(1700000000.123:456)
            let (_, rest) = line.split_at_checked(memchr::memchr(b'(', line)? + 1)?;
            return epoch(rest.get(..memchr::memchr(b':', rest)?)?);
        }
        self.syslog(line, now)
    }

    fn iso(&mut self, bytes: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(bytes);
        let date = match bytes.get(4) {
            Some(b'/') => at.year_first(b'/')?,
            _ => at.year_first(b'-')?,
        };
        at.one_of(b"T ")?;
        let time = at.time()?;
        let micros = at.fraction();
        let zoned = at.clone().offset().or_else(|| {
            at.byte(b' ')?;
            at.offset()
        });
        match zoned {
            Some(offset) => Some(absolute(date, time, micros, offset)),
            None => self.local(date, time, micros, now),
        }
    }

    /// `20-Nov-2026 18:17:42`, with a fraction and a zone where PHP writes them.
    fn php(&mut self, bytes: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(bytes);
        let day = at.number(2)?;
        at.byte(b'-')?;
        let month = at.month()?;
        at.byte(b'-')?;
        let year = at.number(4)?;
        at.byte(b' ')?;
        let date = day_of(year, month, day)?;
        let time = at.time()?;
        let micros = at.fraction();
        if at.byte(b' ').is_some() {
            let end = memchr::memchr(b']', at.0)?;
            let name = std::str::from_utf8(at.0.get(..end)?).ok()?;
            return Self::new((self.named)(name)?).local(date, time, micros, now);
        }
        self.local(date, time, micros, now)
    }

    /// `Nov 20 18:17:42`: the year is the newest that does not lie ahead.
    fn syslog(&mut self, bytes: &[u8], now: Wall) -> Option<Wall> {
        let mut at = Cursor(bytes);
        let month = at.month()?;
        at.byte(b' ')?;
        let day = if at.byte(b' ').is_some() { at.number(1)? } else { at.number(2)? };
        at.byte(b' ')?;
        let time = at.time()?;
        let today = Timestamp::from_microsecond(now.0).ok()?.to_zoned(self.zone.clone());
        let year = i32::from(today.year());
        let mut read =
            |year| self.local(day_of(u32::try_from(year).ok()?, month, day)?, time, 0, now);
        let ahead = now.plus_secs(86_400);
        let newest = read(year + 1).filter(|wall| *wall <= ahead);
        newest.or_else(|| read(year).filter(|wall| *wall <= ahead)).or_else(|| read(year - 1))
    }

    /// Local civil time to an instant. In the hour that is repeated when summer time ends the
    /// later reading is taken, unless it lies ahead of us.
    fn local(&mut self, date: Date, time: Time, micros: i64, now: Wall) -> Option<Wall> {
        let minute = date.at(time.hour(), time.minute(), 0, 0);
        let seconds = i64::from(time.second());
        let secs = match self.minute {
            Some((known, secs)) if known == minute => secs,
            _ => {
                let (secs, fold) = self.resolve(minute, now)?;
                self.minute = (!fold).then_some((minute, secs));
                secs
            }
        };
        Some(Wall(Wall::from_secs(secs + seconds).0 + micros))
    }

    fn resolve(&self, minute: DateTime, now: Wall) -> Option<(i64, bool)> {
        let with = |offset: Offset| offset.to_timestamp(minute).ok().map(Timestamp::as_second);
        match self.zone.to_ambiguous_timestamp(minute).offset() {
            AmbiguousOffset::Unambiguous { offset } => Some((with(offset)?, false)),
            AmbiguousOffset::Gap { before, .. } => Some((with(before)?, false)),
            AmbiguousOffset::Fold { before, after } => {
                let later = with(after)?;
                let ahead = Wall::from_secs(later) > now.plus_secs(SKEW_SECS);
                Some((if ahead { with(before)? } else { later }, true))
            }
        }
    }
}

/// `$time_local`: `20/Nov/2026:18:17:42 +0000`.
pub(crate) fn common_log(bytes: &[u8]) -> Option<Wall> {
    let mut at = Cursor(bytes);
    let (date, time) = at.common_head()?;
    at.byte(b' ')?;
    let offset = at.offset()?;
    at.0.is_empty().then_some(())?;
    Some(absolute(date, time, 0, offset))
}

/// `$time_iso8601`: `2026-11-20T18:17:42+00:00`.
pub(crate) fn iso8601(bytes: &[u8]) -> Option<Wall> {
    let mut at = Cursor(bytes);
    let date = at.year_first(b'-')?;
    at.byte(b'T')?;
    let time = at.time()?;
    let micros = at.fraction();
    let offset = at.offset()?;
    at.0.is_empty().then_some(())?;
    Some(absolute(date, time, micros, offset))
}

/// `$msec`: seconds since the epoch with a fraction.
pub(crate) fn epoch(bytes: &[u8]) -> Option<Wall> {
    let whole = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let secs: i64 = std::str::from_utf8(bytes.get(..whole)?).ok()?.parse().ok()?;
    let mut at = Cursor(bytes.get(whole..)?);
    let micros = at.fraction();
    at.0.is_empty().then(|| Wall(Wall::from_secs(secs).0.saturating_add(micros)))
}

fn day_of(year: u32, month: u32, day: u32) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Days since the epoch by arithmetic: this runs on every access log line.
fn absolute(date: Date, time: Time, micros: i64, offset: i64) -> Wall {
    let (year, month, day) =
        (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let of_day =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Wall(Wall::from_secs(days * 86_400 + of_day - offset).0.saturating_add(micros))
}

#[derive(Clone)]
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn byte(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == wanted).then(|| self.0 = rest)
    }

    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn number(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        let value = text.iter().try_fold(0_u32, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    fn year_first(&mut self, separator: u8) -> Option<Date> {
        let year = self.number(4)?;
        self.byte(separator)?;
        let month = self.number(2)?;
        self.byte(separator)?;
        let day = self.number(2)?;
        day_of(year, month, day)
    }

    /// `20/Nov/2026:18:17:42`.
    fn common_head(&mut self) -> Option<(Date, Time)> {
        let day = self.number(2)?;
        self.byte(b'/')?;
        let month = self.month()?;
        self.byte(b'/')?;
        let year = self.number(4)?;
        self.byte(b':')?;
        let time = self.time()?;
        Some((day_of(year, month, day)?, time))
    }

    fn month(&mut self) -> Option<u32> {
        const NAMES: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let (name, rest) = self.0.split_at_checked(3)?;
        let index = NAMES.chunks(3).position(|known| known == name)?;
        self.0 = rest;
        u32::try_from(index + 1).ok()
    }

    /// `18:17:42`; a leap second counts as the last one before it.
    fn time(&mut self) -> Option<Time> {
        let hour = self.number(2)?;
        self.byte(b':')?;
        let minute = self.number(2)?;
        self.byte(b':')?;
        let second = self.number(2)?;
        let second = if second == 60 { 59 } else { second };
        let small = |n: u32| i8::try_from(n).ok();
        Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
    }

    /// `.123` or `,123` in microseconds, 0 when there is none.
    fn fraction(&mut self) -> i64 {
        let Some((b'.' | b',', rest)) = self.0.split_first() else { return 0 };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return 0;
        }
        let (text, rest) = rest.split_at(digits);
        self.0 = rest;
        let padded = text.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        padded.fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'))
    }

    /// `Z`, `+01:00` or `+0100` in seconds.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Z+-")? {
            b'Z' => return Some(0),
            b'-' => -1,
            _ => 1,
        };
        let hours = self.number(2)?;
        let _ = self.byte(b':');
        let minutes = self.number(2)?;
        Some(sign * i64::from(hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn berlin() -> StampReader {
        StampReader::new(
            TimeZone::get("Europe/Berlin")
                .unwrap_or_else(|_| TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()),
        )
    }

    fn wall(text: &str) -> Wall {
        Wall(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn an_error_log_speaks_local_time() {
        let now = wall("2026-11-20T20:00:00Z");
        let at = berlin().nginx_error(b"2026/11/20 18:17:42 [error] 1#1: x", now);
        assert_eq!(at, Some(wall("2026-11-20T17:17:42Z")));
    }

    #[test]
    fn the_repeated_hour_is_read_by_the_clock_of_the_reader() {
        let line = b"2026/10/25 02:30:00 [error] x";
        let first = berlin().nginx_error(line, wall("2026-10-25T00:30:01Z"));
        assert_eq!(first, Some(wall("2026-10-25T00:30:00Z")));
        let second = berlin().nginx_error(line, wall("2026-10-25T01:30:01Z"));
        assert_eq!(second, Some(wall("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn every_application_stamp_is_read() {
        let now = wall("2026-11-20T20:00:00Z");
        let read = |line: &str| berlin().application(line.as_bytes(), now);
        let local = Some(wall("2026-11-20T17:17:42Z"));
        let utc = Some(wall("2026-11-20T18:17:42Z"));
        assert_eq!(read("[20-Nov-2026 18:17:42] WARNING: [pool www] x"), local);
        assert_eq!(read("[20-Nov-2026 18:17:42 UTC] PHP Fatal error: x"), utc);
        assert_eq!(read("2026-11-20T18:17:42Z INFO x"), utc);
        assert_eq!(read("2026-11-20 18:17:42,123 x").map(|w| w.0 % 1_000_000), Some(123_000));
        assert_eq!(read("[2026-11-20 18:17:42 +0000] [7] [CRITICAL] WORKER TIMEOUT"), utc);
        assert_eq!(read("Nov 20 18:17:42 web1 app: x"), local);
        assert_eq!(read("Dec 31 23:00:00 web1 app: x"), Some(wall("2025-12-31T22:00:00Z")));
        assert_eq!(read("<34>1 2026-11-20T18:17:42+00:00 web1"), utc);
        assert_eq!(read("[Fri Nov 20 18:17:42.000000 2026] [proxy:error] [pid 1] x"), local);
        assert_eq!(read("Traceback (most recent call last):"), None);
    }

    #[test]
    fn haproxy_speaks_local_time_without_saying_so() {
        let now = wall("2026-11-20T20:00:00Z");
        let mut reader = berlin();
        let local = reader.common(b"20/Nov/2026:18:17:42.655", now);
        assert_eq!(local, Some(wall("2026-11-20T17:17:42.655Z")));
        let told = reader.common(b"20/Nov/2026:18:17:42 +0000", now);
        assert_eq!(told, Some(wall("2026-11-20T18:17:42Z")));
        assert_eq!(reader.common(b"20/Nov/2026:18:17:42 ", now), None);
    }

    #[test]
    fn the_log_of_the_audit_daemon_counts_seconds() {
        let line = b"type=AVC msg=audit(1795198662.250:456): avc:  denied  { name_connect }";
        let read = berlin().application(line, wall("2026-11-20T18:18:00Z"));
        assert_eq!(read, Some(Wall(1_795_198_662_250_000)));
        assert_eq!(berlin().application(b"type=AVC msg=", wall("2026-11-20T18:18:00Z")), None);
    }

    #[test]
    fn access_stamps_carry_their_zone() {
        let utc = Some(wall("2026-11-20T18:17:42Z"));
        assert_eq!(common_log(b"20/Nov/2026:19:17:42 +0100"), utc);
        assert_eq!(iso8601(b"2026-11-20T13:17:42-05:00"), utc);
        assert_eq!(epoch(b"1795198662.250").map(|w| w.0), utc.map(|w| w.0 + 250_000));
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..40), now in any::<i64>()) {
            let mut reader = berlin();
            reader.nginx_error(&bytes, Wall(now));
            reader.application(&bytes, Wall(now));
            reader.apache_error(&bytes, Wall(now));
            reader.common(&bytes, Wall(now));
            common_log(&bytes);
            iso8601(&bytes);
            epoch(&bytes);
        }

        #[test]
        fn arithmetic_agrees_with_the_calendar(secs in 0_i64..4_000_000_000) {
            let text = Timestamp::from_second(secs).unwrap().to_string().replace('Z', "+00:00");
            prop_assert_eq!(iso8601(text.as_bytes()), Some(Wall::from_secs(secs)));
        }
    }
}
