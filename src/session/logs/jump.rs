//! Times as people type them.

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::observation::Wall;

/// What a typed time may look like.
const FORMS: &str = "write 14:02, 14:02:30, -10m, 10 min ago or 2026-11-20 14:02";
/// Longest way back.
const MOST_SECS: i64 = 400 * 86_400;

/// The moment that was typed: a time of day (the newest that is past), a time with a date, or how
/// long ago.
///
/// # Errors
/// What would be understood.
pub fn moment(text: &str, now: Wall, zone: &TimeZone) -> Result<Wall, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(now);
    }
    let told = ago(text)
        .map(|secs| now.minus_secs(secs))
        .or_else(|| dated(text, now, zone))
        .or_else(|| clock(text, now, zone));
    told.ok_or_else(|| FORMS.to_owned())
}

/// Seconds of `-10m`, `10 min ago`, `1h 30m ago`.
fn ago(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let span = lower.strip_prefix('-').or_else(|| lower.strip_suffix("ago"))?;
    let mut rest = span.trim();
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let each = match rest.get(..end)? {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        sum = sum.checked_add(n.checked_mul(each)?)?;
        rest = rest.get(end..)?.trim_start();
    }
    (!span.trim().is_empty() && sum <= MOST_SECS).then_some(sum)
}

fn here(now: Wall, zone: &TimeZone) -> civil::DateTime {
    let now = Timestamp::from_microsecond(now.0).unwrap_or_default();
    now.to_zoned(zone.clone()).datetime()
}

fn at(when: civil::DateTime, zone: &TimeZone) -> Option<Wall> {
    let stamp = zone.to_ambiguous_timestamp(when).compatible().ok()?;
    Some(Wall(stamp.as_microsecond()))
}

/// `2026-11-20 14:02`, `11-20 14:02:09` as the screen writes another day, RFC 3339.
fn dated(text: &str, now: Wall, zone: &TimeZone) -> Option<Wall> {
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(Wall(stamp.as_microsecond()));
    }
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let date = match date.split('-').count() {
        3 => date.parse().ok()?,
        2 => format!("{}-{date}", here(now, zone).year()).parse().ok()?,
        _ => return None,
    };
    at(civil::DateTime::from_parts(date, time_of(time.trim())?), zone)
}

/// A time of day: today's, or yesterday's where today's is still to come.
fn clock(text: &str, now: Wall, zone: &TimeZone) -> Option<Wall> {
    let time = time_of(text)?;
    let today = here(now, zone).date();
    let then = at(civil::DateTime::from_parts(today, time), zone)?;
    if then > now {
        return at(civil::DateTime::from_parts(today.yesterday().ok()?, time), zone);
    }
    Some(then)
}

/// `14:02` or `14:02:30`, also `9:05`.
fn time_of(text: &str) -> Option<civil::Time> {
    let mut parts = text.split(':');
    let mut next = || -> Option<Option<i8>> {
        let Some(part) = parts.next() else { return Some(None) };
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok().map(Some) } else { None }
    };
    let (hour, minute, second, more) = (next()??, next()??, next()?, next()?);
    if more.is_some() {
        return None;
    }
    civil::Time::new(hour, minute, second.unwrap_or(0), 0).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-20 14:04:30 UTC.
    const NOW: Wall = Wall::from_secs(1_795_183_470);

    fn told(text: &str) -> Option<String> {
        moment(text, NOW, &TimeZone::UTC).ok().map(Wall::rfc3339)
    }

    #[test]
    fn a_time_is_understood_as_a_person_means_it() {
        let day = |clock: &str| Some(format!("2026-11-20T{clock}Z"));
        assert_eq!(told("14:02"), day("14:02:00"));
        assert_eq!(told(" 14:02:30 "), day("14:02:30"));
        assert_eq!(told("9:05"), day("09:05:00"));
        assert_eq!(told("-10m"), day("13:54:30"));
        assert_eq!(told("10 min ago"), day("13:54:30"));
        assert_eq!(told("1h 30m ago"), day("12:34:30"));
        assert_eq!(told("2026-11-20 14:02"), day("14:02:00"));
        assert_eq!(told("11-20 14:02:09"), day("14:02:09"));
        assert_eq!(told("2026-11-20T15:02:00+01:00"), day("14:02:00"));
        // It is not six in the evening yet.
        assert_eq!(told("18:00").as_deref(), Some("2026-11-19T18:00:00Z"));
        assert_eq!(told("2026-11-18").as_deref(), Some("2026-11-18T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time_says_what_is() {
        for text in
            ["", "-", "ago", "25:00", "14", "14:2x", "10 parsec ago", "-9999999999999h", "1:2:3:4"]
        {
            assert_eq!(moment(text, NOW, &TimeZone::UTC).unwrap_err(), FORMS, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_a_time_or_an_answer(text in ".{0,24}") {
            let _ = moment(&text, NOW, &TimeZone::UTC);
        }

        #[test]
        fn what_the_screen_shows_can_be_typed(secs in 0_i64..86_400 * 300, hours in -11_i8..12) {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            let at = NOW.minus_secs(secs);
            let shown = crate::session::figures::day_clock(at, &zone, NOW);
            // A date without its year is one of this year.
            let same_year = at.rfc3339().starts_with("2026") && here(at, &zone).year() == 2026;
            if same_year {
                prop_assert_eq!(moment(&shown, NOW, &zone), Ok(at));
            }
        }

        #[test]
        fn so_many_minutes_ago_are_that(n in 0_i64..9_999) {
            for text in [format!("-{n}m"), format!("{n} min ago"), format!("{n}minutes ago")] {
                prop_assert_eq!(moment(&text, NOW, &TimeZone::UTC), Ok(NOW.minus_secs(n * 60)));
            }
        }
    }
}
