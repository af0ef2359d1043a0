//! Days and spans of incidents, and how one ended, in words.

use jiff::{Timestamp, tz::TimeZone};

use crate::observation::Wall;

use super::{Incident, State};

/// `40 s`, `3 min`, `5 h`, `2 d`.
pub fn lasted(secs: u64) -> String {
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        7_200..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// `today at 14:02`, `on 12 Nov`, `on 12 Nov 2025`.
pub fn day(at: Wall, zone: &TimeZone, now: Wall) -> String {
    let zoned =
        |at: Wall| Timestamp::from_microsecond(at.0).unwrap_or_default().to_zoned(zone.clone());
    let (there, here) = (zoned(at), zoned(now));
    let form = if there.date() == here.date() {
        "today at %H:%M"
    } else if there.year() == here.year() {
        "on %-d %b"
    } else {
        "on %-d %b %Y"
    };
    there.strftime(form).to_string()
}

/// How an incident ended, in a few words.
pub fn outcome(incident: &Incident, now: Wall) -> String {
    let state = incident.state_at(now);
    if let (Some(fix), State::Closed) = (incident.fix(), state) {
        let secs = fix.secs.map(|secs| format!(" in {}", lasted(secs))).unwrap_or_default();
        return format!("fixed by {}{secs}", fix.action);
    }
    let vain = match incident.repairs.last() {
        Some(repair) => format!("; {} did not fix it", repair.action),
        None => String::new(),
    };
    match (state, &incident.changed) {
        (State::Open, _) => format!("goes on{vain}"),
        (State::LeftOpen, _) => format!("nobody watched its end{vain}"),
        (State::Closed, Some(changed)) => format!("over when: {changed}{vain}"),
        (State::Closed, None) => format!("over without a repair from here{vain}"),
    }
}
