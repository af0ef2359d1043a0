//! Times as this document tells them.

use jiff::{Timestamp, tz::TimeZone};

use crate::observation::Wall;

/// Tells times in one zone, with the day where it is not that of the incident.
#[derive(Clone, Debug)]
pub(super) struct Times<'a> {
    pub(super) zone: &'a TimeZone,
    /// The day that needs no saying.
    pub(super) anchor: Wall,
}

impl Times<'_> {
    fn format(&self, at: Wall, form: &str) -> String {
        let at = Timestamp::from_microsecond(at.0).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    /// `14:02:09`, on another day `2026-11-19 14:02:09`.
    pub(super) fn short(&self, at: Wall) -> String {
        let day = "%Y-%m-%d";
        if self.format(at, day) == self.format(self.anchor, day) {
            at.clock(self.zone)
        } else {
            self.format(at, "%Y-%m-%d %H:%M:%S")
        }
    }

    /// `14:02`, on another day `11-19 14:02`.
    pub(super) fn minute(&self, at: Wall) -> String {
        let day = "%Y-%m-%d";
        if self.format(at, day) == self.format(self.anchor, day) {
            self.format(at, "%H:%M")
        } else {
            self.format(at, "%m-%d %H:%M")
        }
    }

    /// `2026-11-20 14:02:09 +01:00`.
    pub(super) fn full(&self, at: Wall) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S %:z")
    }

    /// `2026-11-20`.
    pub(super) fn day(&self, at: Wall) -> String {
        self.format(at, "%Y-%m-%d")
    }

    /// `+01:00`.
    pub(super) fn offset(&self) -> String {
        self.format(self.anchor, "%:z")
    }
}

/// A span of seconds: `40 s`, `7 min 20 s`, `3 h 5 min`, `2 d 4 h`.
pub(super) fn long(secs: i64) -> String {
    let two = |n: i64, big: &str, rest: i64, small: &str| match rest {
        0 => format!("{n} {big}"),
        _ => format!("{n} {big} {rest} {small}"),
    };
    match secs.max(0) {
        s @ ..60 => format!("{s} s"),
        s @ 60..3_600 => two(s / 60, "min", s % 60, "s"),
        s @ 3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        s => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_day_is_told_with_its_date_and_spans_have_two_units_at_most() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let times = Times { zone: &zone, anchor: Wall::from_secs(1_795_183_200) };
        assert_eq!(times.short(Wall::from_secs(1_795_183_200)), "15:00:00");
        assert_eq!(times.short(Wall::from_secs(1_795_083_200)), "2026-11-19 11:13:20");
        assert_eq!(times.full(times.anchor), "2026-11-20 15:00:00 +01:00");
        let told: Vec<String> = [-5, 40, 440, 11_100, 187_200].into_iter().map(long).collect();
        assert_eq!(told, ["0 s", "40 s", "7 min 20 s", "3 h 5 min", "2 d 4 h"]);
    }
}
