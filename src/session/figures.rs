//! Figures as people read them, the same on every screen. Steps are coarse, so that a screen
//! stands still while nothing happens.

use jiff::tz::TimeZone;

use crate::observation::Wall;

/// A span of seconds: `now`, `20 s`, `3 min`, `5 h`, `2 d`.
pub fn span(secs: i64) -> String {
    match secs {
        i64::MIN..5 => "now".to_owned(),
        5..60 => format!("{} s", secs / 5 * 5),
        60..5_400 => format!("{} min", secs / 60),
        5_400..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// How long ago something was: `now`, `3 min ago`.
pub fn ago(at: Wall, now: Wall) -> String {
    let text = span(now.since(at).as_secs());
    if text == "now" { text } else { format!("{text} ago") }
}

/// A number of bytes with three figures at most: `512 MiB`, `7.8 GiB`.
#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = UNITS.iter();
    let mut name = unit.next().copied().unwrap_or("B");
    while value >= 1_000.0 {
        let Some(next) = unit.next() else { break };
        value /= 1_024.0;
        name = next;
    }
    let fine = value < 9.95 && (value - value.round()).abs() > 0.05 && name != "B";
    if fine { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
}

/// A number with a mark at each thousand.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in whole percent; a share that is not nothing is at least `<1 %`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = u128::from(part) * 100 / u128::from(whole);
    if share == 0 && part > 0 { "<1 %".to_owned() } else { format!("{share} %") }
}

/// Replaces times that the diagnosis writes in UTC (`2026-11-20T14:02:09Z`) by the local clock,
/// with the day only when it is not the day of `now`.
pub fn localised(text: &str, zone: &TimeZone, now: Wall) -> String {
    const FORM: &str = "0000-00-00T00:00:00Z";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let stamp = rest.get(..FORM.len()).filter(|s| has_form(s, FORM));
        if let Some(at) = stamp.and_then(|s| s.parse::<jiff::Timestamp>().ok()) {
            out.push_str(&day_clock(Wall(at.as_microsecond()), zone, now));
            rest = rest.get(FORM.len()..).unwrap_or_default();
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// `HH:MM:SS`, with `MM-DD ` before it when it is another day than that of `now`.
pub fn day_clock(at: Wall, zone: &TimeZone, now: Wall) -> String {
    let stamp = |at: Wall| jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    let (there, here) = (stamp(at).to_zoned(zone.clone()), stamp(now).to_zoned(zone.clone()));
    if there.date() == here.date() {
        at.clock(zone)
    } else {
        there.strftime("%m-%d %H:%M:%S").to_string()
    }
}

fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(
            |(a, b)| {
                if b == b'0' { a.is_ascii_digit() } else { a == b }
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(512 << 20), "512 MiB");
        assert_eq!(bytes(8_375_186_227), "7.8 GiB");
        assert_eq!(bytes(u64::MAX), "16777216 TiB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(percent(1, 1_000), "<1 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
        assert_eq!(span(-9), "now");
        assert_eq!(span(59), "55 s");
        assert_eq!(span(61), "1 min");
    }

    #[test]
    fn a_stamp_in_utc_is_shown_in_local_time() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let now = Wall::from_secs(1_795_198_662);
        let text = format!("é at {now}; earlier {}", now.minus_secs(200_000));
        assert_eq!(localised(&text, &zone, now), "é at 19:17:42; earlier 11-18 11:44:22");
    }
}
