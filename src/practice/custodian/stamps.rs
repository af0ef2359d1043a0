//! Times in the words of logs.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::host::clock;

/// So many seconds ago, in this host's zone.
pub(super) fn ago(secs: i64) -> Zoned {
    let micros = clock::now().wall.0.saturating_sub(secs.saturating_mul(1_000_000));
    Timestamp::from_microsecond(micros).unwrap_or_default().to_zoned(TimeZone::system())
}

/// Seconds since the epoch, now.
pub(super) fn now_secs() -> i64 {
    clock::now().wall.0 / 1_000_000
}

/// A time that a line of a setup names: `now` as nginx's error log has it, `iso`, `clf` as access
/// logs have it, `super` as Supervisor has it; each also with `-SECONDS` behind it.
pub(super) fn stamp(name: &str) -> Option<String> {
    let (kind, secs) = match name.split_once('-') {
        Some((kind, secs)) => (kind, secs.parse().ok()?),
        None => (name, 0),
    };
    let at = ago(secs);
    Some(match kind {
        "now" => at.strftime("%Y/%m/%d %H:%M:%S").to_string(),
        "iso" => at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "clf" => at.strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
        "super" => at.strftime("%Y-%m-%d %H:%M:%S,000").to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_each_log_has_it() {
        assert_eq!(stamp("now").unwrap().len(), "2026/11/20 18:17:42".len());
        assert!(stamp("iso-60").unwrap().ends_with('Z'));
        assert!(stamp("clf").unwrap().contains('/') && stamp("super").unwrap().contains(','));
        assert_eq!((stamp("then"), stamp("now-x")), (None, None));
    }
}
