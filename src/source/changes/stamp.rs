//! Times as files and package managers write them.

use jiff::{civil::DateTime, fmt::strtime, tz::TimeZone};
use rustix::fs::Stat;

use crate::observation::Wall;

/// How far a content may be older than its place before the two are told apart, seconds.
const SAME_SECS: i64 = 2;
/// Stamps so far ahead of the clock are taken for the clock's fault, seconds.
const AHEAD_SECS: i64 = 120;

/// A local time such as `2026-11-20 14:01:28`; of a repeated hour the first is meant.
pub(super) fn local(text: &str, zone: &TimeZone) -> Option<Wall> {
    let at: DateTime = text.trim().parse().ok()?;
    let at = zone.to_ambiguous_zoned(at).compatible().ok()?;
    Some(Wall(at.timestamp().as_microsecond()))
}

/// A time with its offset, `2026-11-20T14:01:28+0100`.
pub(super) fn with_offset(text: &str) -> Option<Wall> {
    let parsed = strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).ok()?;
    Some(Wall(parsed.to_timestamp().ok()?.as_microsecond()))
}

/// When a file came to be as it is, and how that is told.
pub(super) fn of_file(stat: &Stat, now: Wall) -> (Wall, String) {
    let (modified, placed) = (modified(stat), placed(stat));
    if modified > now.plus_secs(AHEAD_SECS) {
        return (placed, format!("changed (and is dated {modified}, which is to come)"));
    }
    if placed.since(modified).as_secs() <= SAME_SECS {
        return (placed.max(modified), "changed".to_owned());
    }
    (placed, format!("put in place, or its rights changed; its content is of {modified}"))
}

/// `st_mtime`.
pub(super) fn modified(stat: &Stat) -> Wall {
    wall(stat.st_mtime, stat.st_mtime_nsec)
}

/// `st_ctime`: a copy that keeps its time, a package and a rename show here alone.
fn placed(stat: &Stat) -> Wall {
    wall(stat.st_ctime, stat.st_ctime_nsec)
}

fn wall<T: TryInto<i64>>(secs: i64, nanos: T) -> Wall {
    let micros = nanos.try_into().unwrap_or(0) / 1_000;
    Wall(Wall::from_secs(secs).0.saturating_add(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_time_is_read_in_its_zone_and_a_repeated_hour_by_its_first() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let at = |text| local(text, &zone).map(|wall| wall.rfc3339());
        assert_eq!(at("2026-11-20 14:01:28").as_deref(), Some("2026-11-20T13:01:28Z"));
        assert_eq!(at("2026-10-25 02:30:00").as_deref(), Some("2026-10-25T00:30:00Z"));
        assert_eq!(at("20. Nov 2026 14:01"), None);
        assert_eq!(
            with_offset("2026-11-20T14:01:28+0100").map(Wall::rfc3339).as_deref(),
            Some("2026-11-20T13:01:28Z")
        );
    }
}
